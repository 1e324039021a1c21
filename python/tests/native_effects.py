"""Small functions whose handlers change what functions read, for ``test_native_names``.

A record that is handed back runs them, after the kernels have computed the records behind it. ``fresh`` begins anew.
None is annotated, as programs' functions are not.
"""

import numpy as np

bad = []
counts = {"a": 0}
count = 0
limit = 10
W = np.zeros(3)
table = {"1": 5, "2": 6}


def fresh():
    global count, scale, W
    scale = once
    bad.clear()
    counts["a"] = 0
    count = 0
    W = np.zeros(3)


def note(s):
    bad.append(s)


def tally():
    global count
    count += 1
    return -1


def appends(s):
    try:
        return int(s), len(bad)
    except ValueError:
        bad.append(s)
        return -1, len(bad)


def counts_globally(s):
    global count
    try:
        return int(s) + count
    except ValueError:
        count += 1
        return count


def counts_in_a_dict(s):
    try:
        return int(s) + counts["a"]
    except ValueError:
        counts["a"] += 1
        return -1


def has_a_default(s, m=bad):
    try:
        return int(s) + len(m)
    except ValueError:
        m.append(s)
        return -1


def calls(s):
    try:
        return int(s) + len(bad)
    except ValueError:
        note(s)
        return -1


def calls_within_an_expression(s):
    try:
        return int(s) + count
    except ValueError:
        return tally()


def calls_by_a_local_name(s):
    does = note
    try:
        return int(s) + len(bad)
    except ValueError:
        does(s)
        return -1


def parsed(s):
    try:
        return int(s)
    except ValueError:
        note(s)
        return -1


def has_a_helper(s):
    return parsed(s) + len(bad)


def misses_a_key(s):
    try:
        return table[s] + len(bad)
    except KeyError:
        note(s)
        return -1


def has_two_handlers(s):
    try:
        return 10 // int(s) + len(bad)
    except ZeroDivisionError:
        return 0
    except ValueError:
        note(s)
        return -1


def fails_in_a_loop(s):
    total = 0
    for word in s.split():
        try:
            total += int(word) + len(bad)
        except ValueError:
            bad.append(word)
    return total


def fails_with_a_name(s):
    try:
        return int(s) + len(bad)
    except ValueError as error:
        bad.append(str(error))
        return -1
    finally:
        s = ""


def changes_an_array(s):
    w = W
    if s == "x":
        w += 1.0
    return float(w.sum()) + len(s)


def changes_an_array_in_a_loop(s):
    w = W
    for letter in s:
        if letter == "x":
            w += 1.0
    return float(w.sum()) + len(s)


def goes_on_behind(s):
    try:
        return int(s) + len(bad)
    except ValueError:
        pass
    bad.append(s)
    return -1


def has_a_flag(s):
    ok = True
    try:
        v = int(s)
    except ValueError:
        ok = False
        v = 0
    if not ok:
        bad.append(s)
        return -1
    return v + len(bad)


def goes_on_in_a_loop(s):
    total = 0
    for word in s.split():
        try:
            total += int(word) + len(bad)
            continue
        except ValueError:
            pass
        bad.append(word)
    return total


def asserts(s):
    try:
        assert s != "x"
        return int(s) + len(bad)
    except (AssertionError, ValueError):
        pass
    note(s)
    return -1


def logs(s, log=note, prefix="p"):
    try:
        return int(s) + len(bad)
    except ValueError as error:
        log((prefix, error.args))
        return -1


class Notes:
    @property
    def hit(self):
        bad.append("hit")
        return -1

    def __getitem__(self, key):
        bad.append(key)
        return -1

    def note(self, s):
        bad.append(s)
        return -1


notes = Notes()


def has_a_property(s, p=notes):
    try:
        return int(s) + len(bad)
    except ValueError:
        return p.hit


def has_items(s, p=notes):
    try:
        return int(s) + len(bad)
    except ValueError:
        return p[s]


def has_methods(s):
    to = notes
    try:
        return int(s) + len(bad)
    except ValueError:
        return to.note(s)


def changes_by_an_operator(s):
    m = bad
    try:
        return int(s) + len(bad)
    except ValueError:
        m.__iadd__([s])
        return -1


def takes_another_list(s, m=bad):
    out = []
    try:
        v = int(s) + len(bad)
    except ValueError:
        out = m
        v = -1
    out.append(v)
    return v


def strictly(s, strict=True):
    if not strict:
        note(s)
        return -1
    return int(s)


def calls_with_other_arguments(s):
    try:
        return strictly(s) + len(bad)
    except ValueError:
        return strictly(s, False)


def once(x):
    return x


def twice(x):
    return 2 * x


scale = once


def exchanges_a_function(s):
    global scale
    try:
        return scale(int(s))
    except ValueError:
        scale = twice
        return -1


def runs_text(s):
    try:
        return int(s) + count
    except ValueError:
        exec("count += 1", globals())
        return -1


def calls_an_inner_function(s):
    def tell(w):
        bad.append(w)
        return -1

    try:
        return int(s) + len(bad)
    except ValueError:
        return tell(s)


def gives_it_to_an_inner_function(s):
    def parse(w, to):
        try:
            return int(w) + len(bad)
        except ValueError:
            to.append(w)
            return -1

    return parse(s, bad)


def yields(s):
    try:
        if int(s) > len(bad):
            yield s
    except ValueError:
        note(s)
