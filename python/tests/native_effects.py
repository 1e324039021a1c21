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
    global count, W
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


def yields(s):
    try:
        if int(s) > len(bad):
            yield s
    except ValueError:
        note(s)
