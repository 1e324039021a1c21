"""What has several names, or is held by another value, is one object: functions of which a list, a dict or a generator
is changed, emptied or read under one name and looked at under another do natively what the interpreter does."""

import warnings
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import native_aliases
import native_effects
import native_names_in_calls
import native_names_in_generators
import native_names_in_loops
import native_names_of_generators
import native_names_of_lists
import native_names_of_modules
import native_names_of_new_objects
import pytest
from conftest import MakeContext
from native_programs import exact
from test_native import in_both

from firesteel.chain import Chain, FlatMap, Map
from firesteel.native import NotLowered, lower
from firesteel.native.explaining import explained
from firesteel.native.plan import plan
from firesteel.native.running import over

RECORDS = ["to be or not", "", "a b c d", "be 3 be", "x y", "ab cd ab", "1 2", "1 a b2 3", "b2 cc 3", "x1 2 q"]


def functions_of(module: ModuleType) -> list[Callable[[Any], Any]]:
    found = (value for value in vars(module).values() if isinstance(value, FunctionType))
    return [function for function in found if function.__module__ == module.__name__]


def is_lowered(function: Callable[[Any], Any]) -> bool:
    try:
        lower(function)
    except NotLowered:
        return False
    return True


def agree(*steps: Map) -> None:
    """Checks that steps give the same in both ways, over all records and each alone: what one raises hides others."""
    for records in (RECORDS, *([record] for record in RECORDS)):
        in_both(list(steps), records)


MODULES = {
    **{native_names_of_lists: 25, native_names_of_generators: 30, native_names_in_loops: 13},
    **{native_names_in_calls: 10, native_names_in_generators: 1, native_names_of_modules: 15},
    native_names_of_new_objects: 10,
}


@pytest.mark.parametrize("module,least", MODULES.items())
def test_a_change_is_seen_under_every_name(module: ModuleType, least: int) -> None:
    ran = 0
    for function in functions_of(module):
        if function.__code__.co_argcount == 1 and is_lowered(function):
            agree(Map(function, "map"), Map(lambda x: x, "map"))
            ran += 1
    assert ran >= least, f"only {ran} functions are lowered: these tests say little"


def add_to_first(record):
    words = record[0]
    words += ["q"]
    return record


def add_to_first_and_count(record):
    words = record[0]
    words += ["q"]
    return len(record[0])


@pytest.mark.parametrize("function", [add_to_first, add_to_first_and_count])
def test_a_list_within_a_record_changes_for_the_record(function: Callable[[Any], Any]) -> None:
    agree(Map(lambda line: (line.split(), 1), "map"), Map(function, "map"))


def test_random_functions_with_several_names_for_one_object() -> None:
    ran = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # of `is` with a text
        for seed in range(700):
            different, is_native = native_aliases.difference(seed)
            assert not different, different
            ran += is_native
    assert ran > 100, f"only {ran} of the programs ran natively"


HELPERS = ("note", "parsed", "strictly", "once", "twice")
HARMFUL = [value for value in functions_of(native_effects) if value.__code__.co_argcount]
HARMFUL = [value for value in HARMFUL if value.__name__ not in HELPERS]


@pytest.mark.parametrize("function", HARMFUL, ids=lambda function: function.__name__)
@pytest.mark.parametrize("behind", [None, lambda x: (x, len(native_effects.bad), native_effects.count)])
def test_what_a_handler_changes_is_read_by_the_next_record(function: Callable[[Any], Any], behind: Any) -> None:
    """A handed-back record changes what others have been computed with, unless the function is interpreted."""
    steps: list[Any] = [FlatMap(function, "flatMap") if function.__name__ == "yields" else Map(function, "map")]
    steps += [] if behind is None else [Map(behind, "map")]
    found = plan(steps)
    records = ["1", "2", "x", "1", "2", "y", "4", "0", "1 x 2"]

    def given(way: Callable[[], Any]) -> Any:
        native_effects.fresh()
        return exact(list(way()))

    wanted = given(lambda: Chain(steps)(0, records))
    if found is not None:
        assert given(lambda: over(Chain(steps), found, 0, iter([records]))) == wanted


def test_a_handler_that_changes_nothing_that_is_read_is_no_reason() -> None:
    def harmless(s: str) -> int:
        try:
            return native_effects.table[s] * native_effects.limit
        except KeyError:
            print(f"{s!r} is missing")
            return -1

    def unread(s: str) -> int:
        try:
            return int(s)
        except ValueError:
            native_effects.note(s)
            return -1

    def counts_in_a_loop(s: str) -> int:
        n = 0
        for word in s.split():
            try:
                n += int(word) * native_effects.limit
            except ValueError:
                n += len(word)
            except Exception:
                n += 1
        return n

    class Wrong(ValueError):
        pass

    def raises(s: str) -> int:
        try:
            return int(s) * native_effects.limit
        except ValueError:
            raise Wrong("bad " + s) from None

    def looks(s: str) -> int:
        try:
            return native_effects.table[s] * native_effects.limit
        except KeyError:
            return 0 if s == "y" or any(c == "x" for c in s) else -1

    for function in (harmless, unread, counts_in_a_loop, raises, looks):
        assert plan([Map(function, "map")]) is not None, function
    reader = Map(lambda x: x + native_effects.count, "map")
    found = plan([Map(unread, "map"), reader])
    assert found is None
    told = explained([Chain([Map(unread, "map"), reader], "here")], "auto")
    assert "an `except` that may change what a function of the stage reads" in told


def test_a_merge_whose_handler_changes_what_a_step_reads_is_interpreted(fresh_context: MakeContext) -> None:
    pairs = [("a", 1), ("b", 2), ("a", None), ("b", 3), ("a", 4), ("b", None), ("a", 5), ("b", 1), ("a", 2)] * 3
    given = []
    for mode in ("off", "auto"):
        sc = fresh_context("local[1]", {"firesteel.python.native": mode})
        bad: list[Any] = []

        def add(a: Any, v: Any, bad: list[Any] = bad) -> Any:
            try:
                return a + v
            except TypeError:
                bad.append(v)
                return a

        kept = sc.parallelize(pairs, 1).filter(lambda kv, bad=bad: len(bad) < 3)  # type: ignore[misc]
        given.append(sorted(kept.foldByKey(0, add).collect()))
        sc.stop()
    assert given[0] == given[1]
