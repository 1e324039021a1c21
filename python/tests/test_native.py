"""Functions in the kernels: the same results as in the interpreter, whatever comes; what is lowered, what is told."""

import json
import operator
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import cloudpickle
import native_programs
import pytest
from conftest import MakeContext

from firesteel import SparkConf, SparkContext
from firesteel.chain import Chain, Filter, FlatMap, FlatMapValues, Keys, Map, MapValues, OfRecords, Values
from firesteel.errors import FiresteelError, JobError
from firesteel.native import NotLowered, lower
from firesteel.native.explaining import explained, mode_of
from firesteel.native.plan import plan
from firesteel.native.running import NativeChain, over
from firesteel.rdd import actions, numbers, transformations
from firesteel.shuffle import combine_locally, merge_combined

N = 3


def in_both(steps: list[Any], *lists: list[Any]) -> tuple[Any, int]:
    """Runs steps in the interpreter and natively; returns the results, and the number of records handed back."""
    whole = Chain(steps, "here")
    found = plan(steps)
    assert found is not None

    def interpreted() -> Iterator[Any]:
        yield from whole(0, chain.from_iterable(lists))

    def natively() -> Iterator[Any]:
        yield from over(whole, found, 0, iter(lists))

    native_programs.Watched.figures()
    wanted, given = native_programs.outcome(interpreted), native_programs.outcome(natively)
    assert given == wanted
    return wanted, native_programs.Watched.figures()[1]


# Random programs


@pytest.mark.parametrize("first", range(0, 3000, 500))
def test_random_programs_agree(first: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        told = [native_programs.difference(seed) for seed in range(first, first + 500)]
    assert not [text for text, _ in told if text]
    assert sum(is_native for _, is_native in told) > 380
    came, back = native_programs.Watched.figures()
    assert back < came / 2


# Each code point


@pytest.mark.parametrize(
    "function",
    [
        *(str.split, str.strip, str.lower, str.upper, len, str, bool),
        *(lambda s: s.isalpha(), lambda s: s.isdigit(), lambda s: s.isspace(), lambda s: s.islower()),
        *(lambda s: s.isalnum(), lambda s: s.isupper(), lambda s: s[1:], lambda s: s[0]),
        *(lambda s: s.find("b"), lambda s: s < "é", lambda s: s.replace("a", "é"), lambda s: s.lstrip()),
    ],
)
def test_texts_with_any_code_point(function: Callable[[str], Any]) -> None:
    points = [*range(0x3100), *range(0xD7F0, 0xD810), *range(0xDFF0, 0xE010), *range(0xFE00, 0x10100), 0x10FFFF]
    in_both([Map(function, "map")], [f"a{chr(point)}b {chr(point)}" for point in points])
    in_both([Map(function, "map")], [chr(point) for point in points])


@pytest.mark.parametrize("function", [int, float, lambda s: int(s) // 7, lambda s: float(s) % 2.5])
def test_spellings_of_numbers(function: Callable[[str], Any]) -> None:
    spellings = ["0", "-0", "+1", " 1 ", "1_0", "_1", "1_", "1__0", "0x1", "1e3", "1.", ".5", ".", "", " ", "１"]
    spellings += ["9" * 18, "9" * 19, "-9223372036854775808", "9223372036854775808", "1e400", "nan", "inf", "-Infinity"]
    spellings += ["1\x00", "1.7976931348623157e308"]
    spellings += ["1.7976931348623159e308", "4.9e-324", "2.4e-324", "0.1", "1" * 400, "١", "1\u2003"]
    for spelling in spellings:
        in_both([Map(function, "map")], ["1", spelling, "2"])


def test_floats_are_written_as_in_python() -> None:
    import random
    import struct

    generator = random.Random(5)
    floats = [struct.unpack("d", generator.randbytes(8))[0] for _ in range(20_000)]
    floats += [generator.randrange(10**17) / 10 ** generator.randrange(20) for _ in range(5_000)]
    _, back = in_both([Map(str, "map")], [value for value in floats if value == value])
    assert back == 0


# What is handed back


def test_only_records_without_an_answer_are_handed_back() -> None:
    steps = [Map(lambda x: x * x, "map"), Filter(lambda x: x % 2 == 0, "filter")]
    (results, _), back = in_both(steps, [1, 2, 2**40, 4, None and 0, True][:4] + [6])
    assert len(results) == 4
    assert back == 1


def test_results_of_records_handed_back_stand_in_their_place() -> None:
    steps = [FlatMap(lambda x: [x, x + 1], "flatMap"), Filter(lambda x: x != 3, "filter")]
    in_both(steps, [1, 2**63 - 1, 2, 3, 2**70, "a", 5])


def test_the_exception_is_that_of_the_interpreter() -> None:
    (results, raised), _ = in_both([Map(lambda x: 10 // x, "map")], [5, 2, 0, 1])
    assert len(results) == 2
    assert raised is not None and raised[0] == "ZeroDivisionError"


def test_records_before_a_failure_reach_the_next_function_first() -> None:
    seen: list[int] = []
    steps = [Map(lambda x: 10 // x, "map"), Map(lambda x: seen.append(x), "map")]
    with pytest.raises(ZeroDivisionError):
        list(over(Chain(steps), plan(steps), 0, iter([[5, 2, 0, 1]])))  # type: ignore[arg-type]
    assert seen == [2, 5]


def test_not_a_number_stays_the_same_object() -> None:
    nan = float("nan")
    steps = [Map(lambda x: (x, x), "map")]
    (one,) = over(Chain(steps), plan(steps), 0, iter([[nan]]))  # type: ignore[arg-type]
    assert one[0] is one[1]
    in_both([Map(lambda x: (x, x), "map"), OfRecords(combine_locally, None, operator.add)], [nan, 1.5, nan])
    in_both([Map(lambda x: (x, "v"), "map"), OfRecords(combine_locally, None, operator.add)], [1.5, nan, nan])


def test_a_result_that_cannot_be_added_fails_before_the_next_is_made() -> None:
    steps = [FlatMap(lambda x: (x, 0), "flatMap"), Map(lambda x: (1 // x,), "map"), OfRecords(numbers._sum)]
    (_, raised), _ = in_both(steps, [3, 2])
    assert raised is not None and raised[0] == "TypeError"


def test_twice_not_is_a_truth_value() -> None:
    in_both([Map(lambda x: not not x, "map")], ["a", "", "b"])
    in_both([Map(lambda x: (not (not x), x), "map")], [1, 0, 2])


def test_instances_of_subclasses_are_the_interpreters() -> None:
    class Text(str):
        def lower(self) -> str:
            return "mine"

    class Number(int):
        def __add__(self, other: int) -> int:
            return -1

    in_both([Map(lambda s: s.lower(), "map")], ["A", Text("A"), "B", "C"])
    in_both([Map(lambda n: n + 1, "map")], [Number(3), 1], [1, Number(3), 4, 5])


def test_lists_that_are_one_stay_one() -> None:
    def twice(s: str) -> Any:
        parts = s.split()
        return parts, parts if len(s) > 2 else ["x"]

    def both(s: str) -> Any:
        parts = s.split()
        return [parts, parts]

    steps: list[Any] = [Map(twice, "map")]
    for one, other in over(Chain(steps), plan(steps), 0, iter([["a b c", "d e"]])):  # type: ignore[arg-type]
        assert one is other
    steps = [FlatMap(both, "flatMap")]
    one, other = over(Chain(steps), plan(steps), 0, iter([["a b c"]]))  # type: ignore[arg-type]
    assert one is other
    steps = [Map(lambda s: (s.split(), s), "map"), FlatMapValues(lambda s: s.split(), "flatMapValues")]
    (one, _), (other, _) = over(Chain(steps), plan(steps), 0, iter([["a b"]]))  # type: ignore[arg-type]
    assert one is other


def test_sides_of_two_types_keep_their_types() -> None:
    in_both([Map(lambda x: x if x > 1 else 0.5, "map")], [1, 2, 3])
    in_both([Map(lambda x: None if x > 1 else x, "map")], [1, 2, 3])
    in_both([Map(lambda x: (x, "a") if x > 1 else (x,), "map"), Keys()], [1, 2, 3])


# Random numbers


def _point(_: Any) -> int:
    x = random.random() * 2 - 1
    y = random.random() * 2 - 1
    return 1 if x**2 + y**2 <= 1 else 0


def _half(x: int) -> bool:
    return random.random() < 0.5


@pytest.mark.parametrize(
    "steps",
    [
        [Map(_point, "map"), OfRecords(actions._reduced, operator.add)],
        [Map(lambda x: x + 1, "map"), Filter(_half, "filter"), OfRecords(transformations.count_records)],
        [Filter(lambda x: x % 3 > 0, "filter"), Map(_point, "map"), OfRecords(numbers._sum)],
    ],
)
@pytest.mark.parametrize("records", [list(range(9000)), [*range(5000), 2**70, *range(5000)]])
def test_random_numbers_are_those_of_the_interpreter(steps: list[Any], records: list[int]) -> None:
    # One record that the kernels hand back makes the interpreter draw for all of its batch.
    whole, found = Chain(steps, "here"), plan(steps)
    assert found is not None and found.sink
    ends = []
    for run in (lambda: whole(0, iter(records)), lambda: over(whole, found, 0, iter([records[:100], records[100:]]))):
        random.seed(7)
        ends.append((list(run()), random.random()))
    assert ends[0] == ends[1]


def test_a_generator_that_came_with_its_function_is_used_and_no_other() -> None:
    # So it is with `from random import random` in a program: the name comes to a worker with a copy of the generator.
    states = []
    for native in (False, True):
        draw = cloudpickle.loads(cloudpickle.dumps(random.Random(5).random))
        steps = [Map(lambda _: draw() + draw(), "map"), OfRecords(actions._reduced, operator.add)]
        whole, found = Chain(steps, "here"), plan(steps)
        assert found is not None and found.generator is draw.__self__
        random.seed(9)
        result = over(whole, found, 0, iter([list(range(5000))])) if native else whole(0, iter(range(5000)))
        states.append((list(result), draw(), random.random()))
    assert states[0] == states[1]
    one, two = random.Random(1).random, random.Random(2).random
    with pytest.raises(NotLowered, match="two generators"):
        lower(lambda x: one() + two())


def test_random_numbers_are_not_drawn_before_their_turn() -> None:
    """Where it could be seen that a batch draws its numbers at once, the interpreter draws them."""
    total = OfRecords(numbers._sum)
    assert plan([Map(_point, "map"), total]) is not None
    assert plan([Map(_point, "map")]) is None, "who takes three results has drawn six numbers"
    assert plan([Map(_point, "map"), Map(_point, "map"), total]) is None
    found = plan([Map(lambda x: x + 1, "map"), Map(_point, "map"), Map(_half, "map")])
    assert found is not None and found.ends == 1
    with pytest.raises(NotLowered, match="where not each record comes by"):
        lower(lambda x: random.random() if x else 0)
    own = random.Random(3)
    with pytest.raises(NotLowered):
        lower(lambda x: own.random())


def test_powers_of_floats() -> None:
    rng = random.Random(1)
    edges = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 3.0, 1023.0, 1e308, 5e-324, *map(float, ("inf", "-inf", "nan"))]
    pairs = [(a, b) for a in edges for b in edges]
    pairs += [(rng.uniform(-9, 9), rng.choice([2.0, 3.0, 0.5, -1.0, rng.uniform(-5, 5)])) for _ in range(20_000)]
    kept = [pair for pair in pairs if not isinstance(_power(pair), str)]
    _, back = in_both([Map(lambda p: p[0] ** p[1], "map"), Filter(lambda x: x == x, "filter")], kept)
    assert back < len(kept) / 2
    for pair in (pair for pair in pairs if isinstance(_power(pair), str)):
        in_both([Map(lambda p: p[0] ** p[1], "map")], [pair])


def _power(pair: tuple[float, float]) -> Any:
    try:
        return str(pair) if isinstance(pair[0] ** pair[1], complex) else pair[0] ** pair[1]
    except ArithmeticError as error:
        return str(error)


# Sums


@pytest.mark.parametrize(
    "values",
    [
        *([[1, 2, 3]], [[2**62, 2**62, -(2**62)], [1]], [[1], [True, False]], [[1], [0.1] * 10], [[0.1] * 10, [1]]),
        *([[2**63 - 1], [1], [0.1, 0.2, 0.3]], [[1], [2**70], [1]], [[-0.0]], [[], []], [[1], ["a"]]),
    ],
)
def test_sums(values: list[list[Any]]) -> None:
    in_both([Map(lambda x: x, "map"), OfRecords(numbers._sum)], *values)
    in_both([Map(lambda x: x, "map"), OfRecords(actions._reduced, lambda a, b: a + b)], *values)
    in_both([Map(lambda x: ("k", x), "map"), OfRecords(combine_locally, None, operator.add)], *values)


def test_a_table_goes_on_in_python_where_it_must() -> None:
    pairs: list[list[Any]] = [[("a", 1), ("b", 2)], [("a", 2**62), ("a", 2**62), ("c", 1)]]
    pairs += [[(1, 1), (True, 2), (1.0, 3)]]
    steps = [OfRecords(combine_locally, None, lambda a, b: a + b)]
    (results, _), _ = in_both(steps, *pairs)
    assert len(results) == 4
    in_both(steps, [("a", 1), ("b", 2)], [("a", "x")])
    in_both(steps, [(("a", 1), 1), (("a", 1), 2)])
    in_both(steps, [("a", 1.5), ("a", 1e16), ("a", -1e16)], [("a", 2)])
    in_both(steps, [("a", True), ("a", True)])


def test_pairs_that_a_record_handed_back_gives_go_into_the_table() -> None:
    steps = [Map(lambda s: (s.lower(), 1), "map"), OfRecords(combine_locally, None, operator.add)]
    (results, _), back = in_both(steps, ["A", "é", "a", "É", "b", "B"])
    assert len(results) == 3
    assert back == 2


# What is lowered


def test_names_that_change_are_looked_at_again() -> None:
    scope: dict[str, Any] = {"M": 1}
    exec("f = lambda x: x + M", scope)
    steps = [Map(scope["f"], "map")]
    lists = ([number] for number in range(3))

    def changing() -> Iterator[list[int]]:
        for one in lists:
            scope["M"] += 10
            yield one

    found = plan(steps)
    assert found is not None
    assert list(over(Chain(steps), found, 0, changing())) == [11, 22, 33]


def test_a_later_function_that_could_change_a_name_keeps_its_readers_in_the_interpreter() -> None:
    def change(x: int) -> int:
        global N
        N += 1
        return x

    reading: Callable[[int], int] = lambda x: x + N  # noqa: E731
    assert plan([Map(reading, "map")]) is not None
    assert plan([Map(reading, "map"), Map(change, "map")]) is None
    count = 1

    def shares(x: int) -> int:
        nonlocal count
        count += 1
        return [x for _ in (1,)][0]

    captures: Callable[[int], int] = lambda x: x + count  # noqa: E731
    other = 2
    apart: Callable[[int], int] = lambda x: x + other  # noqa: E731
    assert plan([Map(captures, "map"), Map(shares, "map")]) is None
    assert plan([Map(apart, "map"), Map(shares, "map")]) is not None


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: {y for y in x}, "a set"),
        (lambda x: print(x), "a call of print"),
        (lambda x: len.name, "the attribute name"),
        (lambda x: int(x, 16, 1), "int with 3 arguments"),
        (lambda x: {x: 1}, "a dict"),
        (lambda x: f"{x:>5z}", "the format '>5z'"),
        (lambda x: x.casefold(), "the method casefold"),
        (lambda x: x is N, "`is` with something else than None"),
        (lambda x: sys.getsizeof(x), "a call of sys.getsizeof"),
        (lambda x: x + 1180591620717411303424, "of type int"),
        (lambda x: x.split(by=","), "keyword"),
        (lambda *x: x, "a function of this kind"),
        (print, "a call of print"),
    ],
)
def test_what_cannot_be_lowered_says_why(function: Any, reason: str) -> None:
    with pytest.raises(NotLowered, match=reason) as raised:
        lower(function)
    if callable(getattr(function, "__code__", None)):
        assert raised.value.file == __file__


def test_functions_that_are_called_by_name_are_lowered_in_place() -> None:
    def helper(x: int, by: int = 2) -> int:
        if x > 2:
            return x * by
        return -x

    _, back = in_both([Map(lambda x: helper(x) + helper(x, 3), "map"), Values()][:1], [1, 2, 3, 4])
    assert back == 0

    def endless(x: int) -> int:
        return endless(x)

    with pytest.raises(NotLowered, match="calls more than 8 deep"):
        lower(endless)


# What people see


def made(fresh_context: MakeContext, mode: str) -> SparkContext:
    return fresh_context(settings={"firesteel.python.native": mode})


@pytest.fixture(params=["off", "auto"])
def both(fresh_context: MakeContext, request: pytest.FixtureRequest) -> SparkContext:
    return made(fresh_context, request.param)


def test_programs_give_the_same(both: SparkContext, tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("to be or not to be\n\n é\u2003to \n" * 300)
    words = both.textFile(str(path)).flatMap(lambda line: line.split())
    counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
    assert sorted(counts.collect()) == [("be", 600), ("not", 300), ("or", 300), ("to", 900), ("é", 300)]
    numbers = both.range(0, 10_000, numSlices=3).map(lambda x: x * 3 + 1).filter(lambda x: x % 2 == 0)
    assert (numbers.count(), numbers.sum(), numbers.reduce(max)) == (5000, 75_005_000, 29_998)
    assert numbers.take(2) == [4, 10]
    assert both.textFile(str(path)).count() == 900
    assert both.parallelize(range(10), 2).map(lambda x: 10 % (x + 1)).collect() == [10 % (x + 1) for x in range(10)]


def test_a_failure_names_the_line_and_the_record(both: SparkContext) -> None:
    with pytest.raises(JobError) as raised:
        both.parallelize(["1", "2", "x"], 1).map(lambda text: int(text)).collect()
    assert "ValueError: invalid literal for int() with base 10: 'x'" in str(raised.value)
    assert "both.parallelize" in str(raised.value)
    assert "the record was: 'x'" in str(raised.value)


def test_explain_names_each_function(both: SparkContext, capsys: pytest.CaptureFixture[str]) -> None:
    rdd = both.range(3).map(lambda x: (x, 1)).reduceByKey(operator.add).map(lambda pair: print(pair))
    rdd.explain()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("firesteel.python.native = ")
    told = [line.strip().partition(":")[0] for line in lines if line.startswith("  ")]
    # While it is off, nothing is remembered of what was before the last shuffle.
    remembered = 2 if both._native_mode == "off" else 5
    assert told == (["runs natively"] * 4 + ["is interpreted"])[-remembered:]
    assert lines[-1].endswith("a call of print")


def test_explain_looks_behind_what_gives_columns_again() -> None:
    steps = [OfRecords(merge_combined, operator.add), MapValues(lambda v: v + 1, "mapValues"), Map(print, "map")]
    lines = explained([Chain(steps, "here")], "auto").splitlines()[2:]
    assert [line.strip().partition(":")[0] for line in lines] == ["runs natively", "runs natively", "is interpreted"]
    assert "it draws random numbers" in explained([Chain([Map(_point, "map")], "here")], "auto")


def test_require_refuses_at_the_line_of_the_program(fresh_context: MakeContext) -> None:
    context = made(fresh_context, "require")
    assert context.range(3).map(lambda x: x + 1).sum() == 6
    with pytest.raises(FiresteelError, match="cannot run natively: .*a call of print"):
        context.range(3).map(lambda x: print(x))


def test_the_event_log_counts_records_that_were_handed_back(fresh_context: MakeContext, tmp_path: Path) -> None:
    settings = {"firesteel.python.native": "auto", "spark.eventLog.enabled": "true", "spark.eventLog.compress": "false"}
    sc = fresh_context("local[1]", {**settings, "spark.eventLog.dir": str(tmp_path)})
    records: list[Any] = [*range(100), None, "x", *range(100)]
    assert sc.parallelize(records, 1).map(lambda x: (x, 1)).filter(lambda pair: pair[0] == 7).count() == 2
    sc.stop()
    logs = [path for path in tmp_path.rglob("*") if path.is_file()]
    events = [json.loads(line) for path in logs for line in path.read_text().splitlines()]
    text = json.dumps(events)
    counted = re.findall(r'"Native Records In": (\d+), "Records Handed Back": (\d+)', text)
    assert sum(int(came) for came, _ in counted) == 202 and 0 < sum(int(back) for _, back in counted) <= 202, counted


def test_another_word_is_refused() -> None:
    with pytest.raises(ValueError, match="it can be off, auto or require"):
        mode_of(SparkConf(False).set("firesteel.python.native", "on"))


def test_what_was_found_to_be_interpreted_is_not_looked_at_again() -> None:
    def told(function: Any, records: list[Any]) -> int:
        native_programs.Watched.figures()
        list(NativeChain([Map(function, "map")], "here").over_lists(0, iter([records])))
        return native_programs.Watched.figures()[0]

    assert [told(print, []), told(len, ["a"]), told(repr, [1])] == [0, 1, 1], "each built-in function by itself"
    half: Any = partial(operator.add, 1)
    assert [told(half, [1]), told(lambda x: half(x), [1]), told(lambda x: x + 1, [1])] == [0, 0, 1]


def test_what_would_not_pay_is_interpreted() -> None:
    assert plan([Keys()]) is None
    assert plan([OfRecords(transformations.count_records)]) is None
    assert "it could run natively" in explained([Chain([Keys()], "keys at here")], "auto")
