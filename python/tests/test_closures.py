"""What is said of functions that change what they captured, and that nothing is said of those that do not.

Needs no context: functions are looked at before anything runs. Each function that changes something says in a comment
which line.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
import warnings
from collections import Counter, OrderedDict, defaultdict, deque
from types import SimpleNamespace

import pytest

from firesteel import closures
from firesteel.errors import ClosureError, ClosureWarning

total = 0
results: list = []
table: dict = {}
seen: set = set()
queue: deque = deque()
counts: Counter = Counter()
groups: defaultdict = defaultdict(list)
buffer = bytearray()
matrix = [[0, 0], [0, 0]]
nested = {"a": {"b": []}}
state = SimpleNamespace(n=0, items=[], name="x")
model = None


class Accumulator:
    """Stands for the real one, which is known by its name and module."""

    __module__ = "firesteel.accumulators"

    def __iadd__(self, term):
        return self

    def add(self, term):
        pass


accumulator = Accumulator()
accumulators = {"a": Accumulator()}
state.accumulator = Accumulator()


def told(function, operation="map"):
    """(line, text) of each warning."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        closures.check(function, operation=operation, site=f"{operation} at app.py:12", sc=None)
    assert all(warning.category is ClosureWarning for warning in shown)
    return [(warning.lineno, str(warning.message)) for warning in shown]


def first_line(function):
    return function.__code__.co_firstlineno


# functions that change something, on the lines that say so


def add_global(x):
    global total
    total += x  # told


def set_global(x):
    global model
    model = x  # told


def delete_global(x):
    global model
    del model  # told


def append(x):
    results.append(x)  # told


def append_in_branch(x):
    return results.append(x if x > 2 else -x) if x else None  # told


def append_of_call(x):
    results.append(max(min(x, 3), *[y for y in range(3)], key=lambda y: -y))  # told


def extend(x):
    results.extend([x])  # told


def insert(x):
    results.insert(0, x)  # told


def pop(x):
    return results.pop()  # told


def sort(x):
    results.sort()  # told


def set_item(x):
    table[x] = 1  # told


def set_item_of_expression(x):
    table[x if x else str(x) + "a"] = [y for y in range(x)] if x else (x or 3)  # told


def add_to_item(x):
    table[x] = table.get(x, 0) + 1  # told


def augment_item(x):
    table[x % 2] += 1  # told


def delete_item(x):
    del table[x]  # told


def update(x):
    table.update({x: 1})  # told


def set_default(x):
    table.setdefault(x, []).append(1)  # told


def add_to_set(x):
    seen.add(x)  # told


def remove_from_set(x):
    seen.remove(x)  # told
    seen.discard(x)  # told
    seen.clear()  # told


def push_left(x):
    queue.appendleft(x)  # told


def count(x):
    counts[x] += 1  # told


def count_all(x):
    counts.update([x])  # told


def group(x):
    groups[x].append(x)  # told


def set_slice(x):
    results[1:2] = [x]  # told


def extend_bytes(x):
    buffer.extend(b"x")  # told


def set_in_matrix(x):
    matrix[x][x] = 1  # told


def append_deep(x):
    nested["a"]["b"].append(x)  # told


def append_to_attribute(x):
    state.items.append(x)  # told


def add_to_attribute(x):
    state.n += 1  # told


def in_inner_function(x):
    return [y for y in map(lambda z: results.append(z), [x])]  # told


def in_comprehension(x):
    return [results.append(y) for y in range(x)]  # told


def in_generator(rows):
    yield from (seen.add(row) for row in rows)  # told


def in_try(x):
    try:
        x.parse()
    except ValueError as error:
        results.append(error)  # told


def in_with(x):
    with open(x) as file:
        results.extend(file)  # told


def in_loop(rows):
    for row in rows:
        results.append(row)  # told


CHANGING = [
    value for value in list(globals().values()) if getattr(value, "__module__", "") == __name__ and callable(value)
]
CHANGING = [f for f in CHANGING if getattr(f, "__name__", "") not in ("told", "first_line", "Accumulator")]


@pytest.mark.parametrize("function", CHANGING, ids=lambda f: f.__name__)
def test_a_function_that_changes_a_global_is_told_with_its_line(function):
    shown = told(function)
    assert shown, "nothing was told"
    source, first = inspect.getsourcelines(function)
    assert {line for line, _ in shown} == {first + place for place, line in enumerate(source) if "# told" in line}
    for _, text in shown:
        assert "each executor changes its own copy" in text
        assert "stays as it was" in text
        assert "map at app.py:12" in text


def test_what_to_use_instead_suits_the_value():
    assert "sc.accumulator" in told(add_global)[0][1]
    assert "`total += ...`" in told(add_global)[0][1]
    assert "collect()" in told(append)[0][1]
    assert "`results.append(...)`" in told(append)[0][1]
    assert "reduceByKey" in told(set_item)[0][1]
    assert "countByValue" in told(count)[0][1]
    assert "distinct" in told(add_to_set)[0][1]


# functions that change only what is theirs


def local_list(rows):
    results = []
    for row in rows:
        results.append(row)
    results[0] = 1
    return results


def local_counts(rows):
    own = defaultdict(list)
    for row in rows:
        own[row].append(row)
        own[row] += [1]
    return own.items()


def local_cell(rows):
    own = []
    number = 0

    def add(row):
        nonlocal number
        own.append(row)
        number += 1

    for row in rows:
        add(row)
    return own


def parameter(results):
    results.append(1)
    results["a"] = 2
    results += [3]
    return results


def parameter_of_inner(rows):
    return [(lambda results: results.append(row))(row) for row in rows]


def add_to_accumulator(x):
    global accumulator
    accumulator += x


def call_accumulator(x):
    accumulator.add(x)
    accumulators["a"].add(x)
    state.accumulator += 1


def accumulator_in_dict(x):
    accumulators["a"] += 1


def read_only(x):
    return (results[0], table.get(x), x in seen, counts[x], groups[x], matrix[0][0], len(queue), state.n + 1, total + x)


def copies(x):
    return sorted(results), list(results) + [x], results + [x], {**table, x: 1}, seen | {x}, table.copy(), results[:]


def copies_that_are_changed(x):
    own = list(results)
    own.append(x)
    copy = dict(table)
    copy[x] = 1
    copy.update(a=1)
    return own, copy


def environment(x):
    os.environ["A"] = "b"
    os.environ.update(c="d")


def made_inside(x):
    value = SimpleNamespace(n=0, items=[])
    value.n += 1
    value.items.append(x)
    value.table = {}
    value.table[x] = 1
    return value


def methods_of_the_record(x):
    x.add(1)
    x.update(2)
    x.items.append(3)
    x[0] = 4
    x["a"] += 1
    return x


def conditional(x):
    own = results if x is None else []
    return [own for _ in range(3)]


def names_like_mutators(x):
    return x.pop, str.upper, Counter(x).update, "a".join(x)


class Adder:
    def add(self, x):
        return x


adder = Adder()


def own_class_with_add(x):
    return adder.add(x)


def recursive(x):
    return recursive(x - 1) if x else 0


HARMLESS = [
    *(local_list, local_counts, local_cell, parameter, parameter_of_inner, add_to_accumulator, call_accumulator),
    *(accumulator_in_dict, read_only, copies, copies_that_are_changed, environment, made_inside),
    *(methods_of_the_record, conditional, names_like_mutators, own_class_with_add, recursive),
    *(
        int,
        str.split,
        "".join,
        len,
        max,
        print,
        Adder().add,
        Adder,
        functools.partial(max, 3),
        operator_like := (lambda a, b: a + b),
    ),
    *(
        lambda x: [y for y in x if y],
        lambda rows: [[].append(row) for row in rows],
        threading.Lock,
        dict,
        results.count,
        results.copy,
    ),
]


@pytest.mark.parametrize("function", HARMLESS, ids=lambda f: getattr(f, "__name__", repr(f)))
def test_a_function_that_changes_only_what_is_its_own_is_left_alone(function):
    assert told(function) == []


def test_captured_names():
    own, number, accumulator = [], 0, Accumulator()

    def visit(x):
        nonlocal number, accumulator
        own.append(x)
        number += 1
        accumulator += 1

    shown = told(visit)
    start = first_line(visit)
    assert [line - start for line, _ in shown] == [2, 3]
    assert "captured list `own`" in shown[0][1]
    assert "captured int `number`" in shown[1][1]


def test_a_captured_accumulator_is_meant_for_it():
    accumulator = Accumulator()

    def visit(x):
        nonlocal accumulator
        accumulator += x
        accumulator.add(x)

    assert told(visit) == []


def test_lambdas_in_one_line():
    assert len(told(lambda x: results.append(x))) == 1
    assert len(told(lambda x: (seen.add(x), table.update(a=x)))) == 2
    assert "a lambda" in told(lambda x: results.append(x))[0][1]
    assert told(lambda x: x + total) == []


def test_methods_of_collections():
    shown = told(results.append, "foreach")
    assert len(shown) == 1 and shown[0][0] == 12
    push = results.append
    assert len(told(lambda x: push(x))) == 1
    assert len(told(counts.update)) == 1
    assert told(table.get) == []


class Collector:
    def __init__(self):
        self.found = []
        self.number = 0
        self.scratch = []

    def visit(self, x):
        self.found.append(x)

    def count(self, x):
        self.number += 1

    def batch(self, rows):
        self.scratch = []
        for row in rows:
            self.scratch.append(row)
        return self.scratch

    def __call__(self, x):
        self.found.append(x)


def test_bound_methods_and_objects_that_are_called():
    collector = Collector()
    assert "`self.found.append(...)`" in told(collector.visit)[0][1]
    assert "`self.number += ...`" in told(collector.count)[0][1]
    assert len(told(collector)) == 1
    assert len(told(lambda x: collector.found.append(x))) == 1
    assert told(collector.batch) == []


def add_to(out, x):
    out.append(x)


def test_partials():
    assert len(told(functools.partial(add_to, results))) == 1
    assert len(told(functools.partial(functools.partial(add_to, out=results), x=1))) == 1
    assert len(told(functools.partial(append))) == 1
    assert told(functools.partial(add_to, x=1)) == []


def test_functions_that_are_called_are_looked_at_too():
    assert len(told(lambda x: append(x))) == 1
    assert told(lambda x: append(x))[0][0] == first_line(append) + 1


def test_wrapped_functions():
    @functools.wraps(append)
    def wrapper(*arguments):
        return append(*arguments)

    assert len(told(wrapper)) == 1


def test_ordered_dicts_know_their_end():
    order = OrderedDict()
    assert len(told(lambda x: order.move_to_end(x))) == 1


def test_arrays_of_numpy_may_be_read():
    numpy = pytest.importorskip("numpy")
    weights = numpy.zeros(3)

    def change(x):
        weights[0] = x

    assert told(lambda x: (weights * x).sum() + weights[0] + weights.sum()) == []
    assert len(told(change)) == 1


class Conf(dict):
    pass


def context(**settings):
    return SimpleNamespace(_conf=Conf(settings))


@pytest.mark.parametrize("prefix", ["firesteel", "spark"])
def test_the_setting(prefix):
    key = f"{prefix}.python.closures"
    check = functools.partial(closures.check, append, operation="map", site="map at app.py:12")
    with pytest.raises(ClosureError, match=rf"test_closures.py:{first_line(append) + 1}: `results.append"):
        check(sc=context(**{key: "error"}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(sc=context(**{key: "off"}))
        with pytest.raises(ClosureWarning):
            check(sc=context(**{key: "warn"}))
    with pytest.raises(ValueError, match="warn, error or off"):
        check(sc=context(**{key: "perhaps"}))


def test_a_place_is_told_once():
    def visit(x):
        results.append(x)

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for _ in range(3):
            closures.check(visit, operation="map", site="map at app.py:12", sc=None)
    assert len(shown) == 1
