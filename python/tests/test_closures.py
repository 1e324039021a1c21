"""What is said of functions that change what they captured, and that nothing is said of those that do not.

Needs no context: functions are looked at before anything runs.
"""

from __future__ import annotations

import functools
import inspect
import threading
import warnings
from collections import OrderedDict
from types import SimpleNamespace

import closure_cases
import pytest
from closure_cases import Accumulator, Adder, add_global, add_to_set, append, count, counts, results, seen, set_item
from closure_cases import table, total

from firesteel import closures
from firesteel.errors import ClosureError, ClosureWarning


def told(function, operation="map"):
    """(line, text) of each warning."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        closures.check(function, operation=operation, site=f"{operation} at app.py:12", sc=None)
    assert all(warning.category is ClosureWarning for warning in shown)
    return [(warning.lineno, str(warning.message)) for warning in shown]


def first_line(function):
    return function.__code__.co_firstlineno


CASES = [value for value in vars(closure_cases).values() if inspect.isfunction(value)]
CHANGING = [function for function in CASES if "# told" in inspect.getsource(function)]
HARMLESS = [
    *(function for function in CASES if function not in CHANGING),
    *(int, str.split, "".join, len, max, print, dict, threading.Lock),
    *(Adder().add, Adder, functools.partial(max, 3), results.count, results.copy),
    *(lambda a, b: a + b, lambda x: [y for y in x if y], lambda rows: [[].append(row) for row in rows]),
]


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
    def own(x):
        results.append(x)

    assert [line for line, _ in told(lambda x: own(x))] == [first_line(own) + 1]
    assert [line for line, _ in told(called_by_name)] == [first_line(_called) + 1]


def _called(x):
    results.append(x)


def called_by_name(x):
    return _called(x)


def test_wrapped_functions():
    @functools.wraps(_called)
    def wrapper(*arguments):
        return _called(*arguments)

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
    with pytest.raises(ClosureError, match=rf"closure_cases.py:{first_line(append) + 1}: `results.append"):
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


# in programs


def test_operations_look_at_functions_when_they_are_handed_over(sc):
    own = []

    def visit(x):
        own.append(x)
        return x

    with pytest.warns(ClosureWarning, match=r"given to map at test_closures\.py:\d+") as shown:
        mapped = sc.parallelize(range(4), 2).map(visit)
    assert shown[0].lineno == first_line(visit) + 1
    with pytest.warns(ClosureWarning, match="foreach"):
        sc.parallelize(range(4), 2).foreach(own.append)
    with pytest.warns(ClosureWarning, match="reduceByKey"):
        sc.parallelize([(1, 2)]).reduceByKey(lambda a, b: own.append(a) or a + b)
    assert mapped.collect() == [0, 1, 2, 3] and own == [], "what was told is so"


def test_real_accumulators_are_meant_for_it(sc):
    counter, parts = sc.accumulator(0), {"even": sc.accumulator(0)}

    def visit(x):
        nonlocal counter
        counter += x
        parts["even"].add(1)
        parts["even"] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sc.parallelize(range(4), 2).foreach(visit)
    assert (counter.value, parts["even"].value) == (6, 8)


@pytest.mark.parametrize("prefix", ["firesteel", "spark"])
def test_the_setting_of_a_context(fresh_context, prefix):
    strict = fresh_context(settings={f"{prefix}.python.closures": "error"})
    with pytest.raises(ClosureError, match="results.append"):
        strict.parallelize([1]).foreach(lambda x: results.append(x))
    assert strict.parallelize([1, 2]).map(lambda x: x + 1).collect() == [2, 3]
