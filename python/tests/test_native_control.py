"""Loops, comprehensions, ``try`` and calls by keyword in the kernels: what is answered, and what is handed back."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from test_native import in_both

from firesteel.chain import FlatMap, Map
from firesteel.native import NotLowered, lower

LINES = ["to be or not", "", "a", " 7 x 12", "be 3 be", "é ü 5"]
NUMBERS = [0, 1, 2, 3, 7, 12, 97, 255, 4096]
WORD = "be"


def natively(function: Callable[[Any], Any], records: list[Any], back: int = 0) -> list[Any]:
    """Returns the results, of which the kernels must have made all but so many."""
    results, handed_back = in_both([Map(function, "map")], list(records))
    assert handed_back == back
    return list(results[0])


# Comprehensions


def with_outer_names(s: str) -> list[str]:
    first = s[:1]
    return [w + first for w in s.split() if w != first]


@pytest.mark.parametrize(
    "function",
    [
        with_outer_names,
        lambda s: [w for w in s.split() if w.isdigit() and len(w) < 3 or w == WORD] if s < "é" else [s],
        lambda s: [w + v for w in s.split() for v in s.split() if v != w],
        lambda s: [v for w in s.split() for v in [w, "-"] if v],
        lambda s: [f"{i}{w}" for i, w in enumerate(s.split())],
        lambda s: len([(w, i) for i, (w, v) in enumerate(zip(s.split(), s.split()[1:]), start=5) if v > "b"]),
        lambda s: sum(len(w) for w in s.split()),
        lambda s: sum([1 for w in s.split() if w == WORD]),
        lambda s: sum(len(v) * n for n in [2, 3] for v in s.split() if n),
        lambda s: (any(w == "be" for w in s.split()), all(w for w in s.split(","))),
        lambda s: "-".join(w[0] for w in s.split()),
        lambda s: "-".join([c for c in s if c != "e"]),
        lambda s: (max(len(w) for w in (s + " x").split()), min([s, "b"])),
        lambda s: list(s),
        lambda s: list(range(len(s), 0, -2)),
        lambda s: ("be" in s.split(), s in (s.strip(), "x")),
        lambda s: max(len(s), 3) in [len(w) for w in s.split()],
        lambda s: [x for x in [y for y in s.split() if y] if x],
        lambda s: [len([v for v in w if v > "b"]) for w in s.split()],
        lambda s: [sum(len(v) for v in s.split() if v > w) for w in s.split()],
    ],
)
def test_comprehensions(function: Callable[[str], Any]) -> None:
    natively(function, LINES)


def test_comprehensions_of_numbers() -> None:
    natively(lambda n: [i * n for i in range(n % 5)], NUMBERS)
    natively(lambda n: sum(i for i in range(1, n) if n % i == 0) == n, NUMBERS)
    natively(lambda n: max(1.5, n / 2) in [i / 2 for i in range(4)], NUMBERS)


def test_what_a_comprehension_gives_can_be_gone_through() -> None:
    steps: list[Any] = [FlatMap(lambda s: ((w, 1) for w in s.split() if w != "a"), "flatMap")]
    assert in_both(steps, LINES)[1] == 0
    steps = [FlatMap(lambda s: [(w, len(s)) for w in s.split()], "flatMap"), Map(lambda pair: pair[1], "map")]
    assert in_both(steps, LINES)[1] == 0


def test_an_item_without_an_answer_hands_its_row_back() -> None:
    natively(lambda s: [10 // len(w) for w in s.split(",")], ["a,b", "c"])
    (_, raised), back = in_both([Map(lambda s: [10 // len(w) for w in s.split(",")], "map")], ["a,b", "c", "d,,e"])
    assert raised is not None and raised[0] == "ZeroDivisionError"
    assert back == 1
    natively(lambda s: any(10 // len(w) for w in s.split(",")), ["a,b", "c,,", "d"], back=1)


def test_lists_are_never_one_that_were_several_and_the_other_way_round() -> None:
    def several(s: str) -> Any:
        parts = s.split()
        return [parts for _ in range(2)]

    in_both([Map(several, "map")], LINES)
    in_both([FlatMap(several, "flatMap")], LINES)


def test_large_ranges_and_long_results_are_handed_back() -> None:
    natively(lambda n: len([i for i in range(n)]), [1, 10_001, 3], back=1)
    natively(lambda n: sum(a * b for a in range(n) for b in range(n)), [2, 1000, 3])


@pytest.mark.parametrize("divisor", [1, 3, 7])
def test_sums_of_floats_are_those_of_this_python(divisor: int) -> None:
    generator = random.Random(divisor)
    numbers = [generator.choice([1e16, 1.0, -1e16, 0.1, 1e-9, -0.0]) for _ in range(2000)]
    texts = [",".join(map(repr, numbers[at : at + divisor])) for at in range(0, 2000, divisor)]
    texts += ["inf,1.0,-1e308", "-0.0", "1e308,1e308"]
    in_both([Map(lambda s: sum(float(v) for v in s.split(",")), "map")], texts)
    in_both([Map(lambda s: sum([float(v) for v in s.split(",") if v > "1"]), "map")], texts)


# Loops


def digits(n: int) -> int:
    total = 0
    while n > 0:
        total += n % 10
        n //= 10
    return total


def gcd(n: int) -> int:
    a, b = n, 36
    while b:
        a, b = b, a % b
    return a


def collatz(n: int) -> int:
    turns = 0
    while n > 1:
        n = 3 * n + 1 if n % 2 else n // 2
        turns += 1
    return turns


def horner(n: int) -> float:
    value = 0.0
    for factor in (1.5, -2.0, 0.25):
        value = value * n + factor
    return value


def is_prime(n: int) -> bool:
    for divisor in range(2, n):
        if divisor * divisor > n:
            break
        if n % divisor == 0:
            return False
    return n > 1


def nested(n: int) -> tuple[int, int]:
    found, last = 0, -1
    for a in range(n % 20):
        for b in range(a):
            if a * b == n % 17:
                continue
            if a + b > 20:
                break
            found += 1
        else:
            last = a
    return found, last


@pytest.mark.parametrize("function", [digits, gcd, collatz, horner, is_prime, nested])
def test_loops_of_numbers(function: Callable[[int], Any]) -> None:
    natively(function, NUMBERS)


def matches(s: str) -> tuple[int, str]:
    count, longest = 0, ""
    for word in s.split():
        if word == "or":
            continue
        count += word != WORD
        if len(word) > len(longest):
            longest = word
    return count, longest


def first_digit(s: str) -> str:
    for character in s:
        if character.isdigit():
            found = character
            break
    else:
        return "none"
    return found


def words_within(s: str) -> list[str]:
    for word in s.split():
        if len(word) > 2:
            return [c for c in word]
    return [w for w in s.split() if w == "b"]


@pytest.mark.parametrize("function", [matches, first_digit, words_within, lambda s: (matches(s), first_digit(s))])
def test_loops_over_texts(function: Callable[[str], Any]) -> None:
    natively(function, ["to be or not", "", "a", " 7 x 12", "be 3 be"])


def test_a_row_of_too_many_turns_is_handed_back() -> None:
    def counts(n: int) -> int:
        turns = 0
        while turns < n:
            turns += 1
        return turns

    assert natively(counts, [1, 9_999, 10_001, 5], back=1)[2] == ("int", "10001")


def test_a_text_that_grows_beyond_what_a_batch_may_have_is_handed_back() -> None:
    def grows(n: int) -> int:
        text = "0123456789abcdef"
        for _ in range(n):
            text += text
        return len(text)

    natively(grows, [1, 2, 3, 23], back=1)


def test_turns_in_which_the_type_changes() -> None:
    def halves(n: int) -> Any:
        value: Any = n
        for _ in range(n % 3):
            value = value / 2
        return value

    in_both([Map(halves, "map")], NUMBERS)


def test_a_loop_in_a_function_that_is_called_from_a_loop() -> None:
    def within(n: int) -> int:
        total = 0
        for at in range(n % 30):
            if is_prime(at):
                total += digits(at * n)
        return total

    natively(within, NUMBERS)


# try


def parsed(s: str, other: int = -1) -> int:
    try:
        return int(s)
    except ValueError:
        return other


SPELLINGS = ["1", "", " 2 ", "x", "1.5", "1_0", "_1", "0x1", "--1", "12\x00", "\x1c1", "a\n", "+", "1e3", "\x0b"]


@pytest.mark.parametrize("function", [parsed, lambda s: parsed(s, other=5) + 1])
def test_a_text_that_is_no_number_takes_the_handler(function: Callable[[str], int]) -> None:
    natively(function, [spelling for spelling in SPELLINGS if spelling != "\x0b"])
    natively(function, ["1", "9" * 20, "１", "x１", "é", "2"], back=4)
    natively(function, ["1", "9" * 5000, "2"], back=1)
    in_both([Map(function, "map")], [*SPELLINGS, None, 1.5])


def test_floats_that_are_none_take_the_handler() -> None:
    def floating(s: str) -> float:
        try:
            value = float(s)
        except ValueError:
            value = math.pi if False else -1.0
        return value

    natively(floating, ["1", "", "x", "1e", "0x1", "inf2", "1.5.", "1e400", "+-1"])
    in_both([Map(floating, "map")], [*SPELLINGS, "nan", "inf", "-Infinity", "1_0.5", "１"])


def test_the_handler_is_that_of_the_exception() -> None:
    def several(s: str) -> tuple[str, int]:
        try:
            key, number = s.split("=")
            value = 100 // int(number)
        except ZeroDivisionError:
            return "zero", 0
        except (IndexError, ValueError) as error:
            return "value", -1
        return key, value

    natively(several, ["a=1", "b=0", "c=x", "d", "e=1=2", ""])


class Wrong(ValueError):
    """An exception of the program."""


def test_exceptions_of_the_program_are_among_others() -> None:
    def either(s: str) -> int:
        try:
            return int(s)
        except (Wrong, KeyError):
            return -1
        except (ValueError, Wrong):
            return -2

    natively(either, ["1", "x", ""])


def test_try_in_loops_and_comprehensions() -> None:
    def total(s: str) -> int:
        total = 0
        for part in s.split(","):
            try:
                total += int(part)
            except ValueError:
                continue
            if total > 10:
                break
        return total

    natively(total, ["1,2,x,3", "", "9,9,y", "x"])
    natively(lambda s: [parsed(part, other=len(s)) for part in s.split(",")], ["1,2,x,3", "", "9,9,y", "x"])

    def around(s: str) -> Any:
        found = 0
        try:
            for part in s.split(","):
                found += int(part)
        except ValueError:
            return -found
        return found

    natively(around, ["1,2,x,3", "", "9,9", "x"])


def test_what_no_handler_catches_is_raised_by_the_interpreter() -> None:
    def wrong(s: str) -> int:
        try:
            return int(s)
        except KeyError:
            return 0

    def raises(s: str) -> int:
        try:
            return int(s)
        except ValueError as error:
            raise KeyError(s) from error

    def printed(s: str) -> int:
        try:
            return int(s)
        except ValueError as error:
            return len(str(error))

    for function, name in ((wrong, "ValueError"), (raises, "KeyError")):
        (_, raised), back = in_both([Map(function, "map")], ["1", "2", "x", "3"])
        assert raised is not None and raised[0] == name
        assert back == 1
    natively(printed, ["1", "x", "2"], back=1)


def test_an_exception_out_of_a_loop_of_a_function_within_try() -> None:
    def dividing(n: int) -> int:
        at = 3
        while at > -1:
            n = 100 % at + n
            at -= 1
        return n

    def caught(n: int) -> int:
        try:
            n = dividing(n) % (n - 2)
        except ZeroDivisionError:
            n = -1
        return n

    in_both([Map(caught, "map")], [1, 2, 3])


def test_raise_and_assert_hand_back() -> None:
    scope: dict[str, Any] = {}  # without what pytest makes of `assert`
    exec(
        "def checked(n):\n assert n < 100, 'too large'\n if n < 0:\n  raise ValueError(f'{n}')\n return n",
        scope,
    )
    checked = scope["checked"]

    natively(checked, [1, 2, 3])
    (_, raised), _ = in_both([Map(checked, "map")], [1, -2])
    assert raised is not None and raised[0] == "ValueError"


# Calls by keyword


def test_calls_by_keyword() -> None:
    def helper(a: int, b: int = 2, *, c: int = 3) -> int:
        return a - b * c

    natively(lambda n: (helper(n, c=n), helper(b=1, a=n), helper(n, 5, c=7)), NUMBERS)
    natively(lambda s: s.split(sep="e", maxsplit=1), LINES)
    natively(lambda s: (s.split(None, 1), len(s))[1] + len(s.split(maxsplit=2)), LINES)
    natively(lambda s: s.split(None, 1), [*LINES, "  a  b  c  ", " a ", "\x1fa\u2003b c"])
    texts = ["ff", "0x1F", "-a", " 12 ", "z"]
    natively(lambda s: int(s, 36), ["ff", "-a", " 12 ", "z"])
    in_both([Map(lambda s: parsed(s) + int(s, base=16), "map")], texts)


def test_rounding_to_digits() -> None:
    generator = random.Random(3)
    numbers = [generator.randrange(-(10**6), 10**6) / 8 for _ in range(2000)]
    numbers += [generator.uniform(-1e3, 1e3) for _ in range(2000)] + [0.5, 2.5, -0.4, 0.125, 1e300, math.inf, 5e-324]
    for function in (lambda x: round(x, 0), lambda x: round(x, 1), lambda x: round(x, ndigits=2)):
        natively(function, numbers)
    natively(lambda x: (round(x, 2), round(x > 3, 1)), NUMBERS)


# What cannot


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: {y for y in x}, "a set"),
        (lambda x: {y: 1 for y in x}, "a dict"),
        (lambda x: [print(y) for y in x], "a call of print"),
        (lambda x: x.split(by=","), "a call of str.split with the keyword by"),
        (lambda x: min(x, by=len), "a call of min with the keyword by"),
        (lambda x: [y for y in (z for z in x)][0] if (g := (z for z in x)) else 1, "a generator, or a function"),
        (lambda x: (lambda y: y)(*x), r"a call with \* or"),
        (lambda x: range(x), "the result of range"),
        (lambda x: enumerate(x), "the result of enumerate"),
        (lambda x: [y := z for z in x] and y, "the name y, which may have no value"),
    ],
)
def test_what_cannot_be_lowered_says_why(function: Any, reason: str) -> None:
    with pytest.raises(NotLowered, match=reason) as raised:
        lower(function)
    assert raised.value.file == __file__
    assert raised.value.line > 0


def _shares(pair: tuple[Any, Any]) -> Iterator[tuple[str, float]]:
    targets, rank = pair
    for target in targets:
        yield target, rank / len(targets)


def _long_words(line: str, longer_than: int = 1) -> Iterator[str]:
    for word in line.split():
        if len(word) > longer_than:
            yield word.upper()


def test_generators_of_one_loop() -> None:
    pairs: list[Any] = [(("a", "b"), 1.0), (("c", "a"), 3.0), (("x", "y"), 2.0)]
    steps: list[list[Any]] = [[FlatMap(_shares, "flatMap")], [FlatMap(lambda pair: _shares(pair), "flatMap")]]
    for one in steps:
        assert in_both(one, pairs)[1] == 0
        # What its loop cannot go through fails as in the interpreter, behind what came before.
        in_both(one, [*pairs, (None, 1.0), (("a",), 2.0)])
    lines = ["a bc def", "", "x", "yz É"]
    for function in (_long_words, lambda line: _long_words(line, 2), lambda line: (word for word in line.split())):
        in_both([FlatMap(function, "flatMap")], lines)
    assert in_both([FlatMap(_long_words, "flatMap")], ["a bc def", "", "x"])[1] == 0


def _two(line: str) -> Iterator[str]:
    for word in line.split():
        yield word
    yield "end"


def _early(line: str) -> Iterator[str]:
    for word in line.split():
        if word == "b":
            return
        yield word


@pytest.mark.parametrize(
    ("function", "reason"), [(_two, "more than one loop with one yield"), (_early, "ends within its loop")]
)
def test_other_generators_say_why_they_are_interpreted(function: Any, reason: str) -> None:
    with pytest.raises(NotLowered, match=reason):
        lower(lambda line: list(function(line)))
    # Where nothing but its items is wanted, all is known of it.
    assert in_both([FlatMap(function, "flatMap")], ["a b c", "", "x"])[1] == 0
    with pytest.raises(NotLowered, match="a generator"):
        lower(_shares)  # where it is not gone through


def test_a_name_that_a_loop_may_not_have_set() -> None:
    def last(s: str) -> str:
        for word in s.split():
            found = word
        return found

    with pytest.raises(NotLowered, match="the name found, which may have no value"):
        lower(last)
