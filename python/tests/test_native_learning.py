"""What learning programs do with numpy, natively: products, ``exp``, slices, and a logistic regression as a whole.

Bits are those of the numpy that runs, which is asked itself for what is its own (``firesteel.native.asking``).
"""

import math
import os
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import pytest
from conftest import MakeContext

numpy = pytest.importorskip("numpy")

import native_programs  # noqa: E402
import numpy as np  # noqa: E402
from test_native_arrays import handed_back, natively  # noqa: E402

from firesteel.chain import Map  # noqa: E402
from firesteel.native import NotLowered, asking, lower  # noqa: E402

GENERATOR = np.random.default_rng(7)
WEIGHTS = GENERATOR.normal(size=8)
POINTS = [GENERATOR.normal(size=8) for _ in range(100)]
LENGTHS = [*range(80), 127, 128, 129, 300, 1023, 1024]


def pairs() -> list[tuple[Any, Any]]:
    """Returns pairs of arrays of all lengths, in no order."""
    lengths = GENERATOR.permutation(LENGTHS * 3)
    sizes = [10.0 ** GENERATOR.integers(-6, 6, n) for n in lengths]
    return [(GENERATOR.normal(size=n) * size, GENERATOR.normal(size=n)) for n, size in zip(lengths, sizes)]


def test_products_are_numpys_for_all_lengths() -> None:
    assert handed_back(lambda p: (np.dot(p[0], p[1]), p[0].dot(p[1]), p[0] @ p[1]), pairs()) == 0
    some = [pair for pair in pairs() if len(pair[0])]
    assert handed_back(lambda p: (np.linalg.norm(p[0]), np.mean(p[1] + 1.0), p[1].mean()), some) == 0
    zeros = [(np.full(n, -0.0), np.ones(n)) for n in range(5)]
    assert handed_back(lambda p: (np.dot(p[0], p[1]), p[0] @ p[1], np.linalg.norm(p[0])), zeros) == 0


def test_products_with_a_captured_array_stand_on_either_side() -> None:
    assert handed_back(lambda p: (WEIGHTS.dot(p), p.dot(WEIGHTS), WEIGHTS @ p, WEIGHTS.dot(WEIGHTS)), POINTS) == 0
    # Another length raises an error, which is the interpreter's.
    assert handed_back(lambda p: WEIGHTS.dot(p), [*POINTS, np.ones(9)]) == 1
    long = [np.ones(1024), np.ones(1025)]
    assert handed_back(lambda p: p.dot(p), long) == 1


def test_functions_of_items_are_numpys_wherever_an_item_stands() -> None:
    arrays = [GENERATOR.normal(size=n) * 10.0 ** GENERATOR.integers(-3, 2, n) for n in GENERATOR.permutation(40)]
    for function in (np.exp, np.tanh, np.expm1, np.sin, np.cos):
        assert handed_back(lambda p: function(p * 0.1), arrays) == 0
    for function in (np.log, np.log2, np.log10, np.log1p):
        assert handed_back(lambda p: function(abs(p) + 0.1), arrays) == 0


def test_numbers_have_the_types_that_numpy_gives() -> None:
    assert handed_back(lambda x: (np.exp(x), np.abs(x), np.maximum(x, 1), math.exp(x)), [0.5, -1.0, 2.0]) == 0
    assert handed_back(lambda x: (np.exp(x), math.exp(x), np.log(x)), [np.float64(2.5), np.float64(0.1)]) == 0
    assert handed_back(lambda x: np.exp(x), [1, 2, 3]) == 0
    # Of two whole numbers numpy makes one; of truth values it makes floats of 16 bits.
    assert handed_back(lambda x: np.maximum(x, 1), [1, 2]) == 2
    assert handed_back(lambda x: np.exp(x), [True, False]) == 2


def test_what_numpy_would_warn_of_is_handed_back() -> None:
    with np.errstate(all="ignore"):
        assert handed_back(lambda p: np.exp(p), [np.array([1.0, 800.0]), np.array([-800.0])]) == 1
        assert handed_back(lambda p: np.log(p), [np.array([0.0]), np.array([-1.0]), np.array([2.0])]) == 2
        assert handed_back(lambda p: p.dot(p), [np.array([1e200, 1.0]), np.array([2.0])]) == 1


def test_extremes_of_two_zeros_are_numpys_own() -> None:
    zeros = [np.array([0.0, -0.0]), np.array([-0.0, 0.0]), np.array([-0.0, -0.0]), np.array([0.0, 1.0])]
    assert handed_back(lambda p: p.max(), zeros) == 2
    assert handed_back(lambda p: np.min(p), [*zeros, np.array([])][:4]) == 2
    assert handed_back(lambda p: np.maximum(p, 0.0), zeros) == 3
    assert handed_back(lambda p: np.minimum(p, 0.5), zeros) == 0
    assert handed_back(lambda p: (p.max(), p.min()), POINTS) == 0


def test_parts_and_items_of_arrays() -> None:
    assert handed_back(lambda p: p[1:], POINTS) == 0
    assert handed_back(lambda p: p[:-1] * WEIGHTS[1:], POINTS) == 0
    assert handed_back(lambda p: (p[-3:][0], len(p[9:]), p[2:4].sum(), WEIGHTS[0]), POINTS) == 0
    assert handed_back(lambda p: [v * 2 for v in p], POINTS) == 0
    assert handed_back(lambda p: (sum(p), sum(a * b for a, b in zip(p, WEIGHTS))), POINTS) == 0
    # A step leaves items out, and what is left does not lie together. Two parts of one array could both be changed.
    assert handed_back(lambda p: p[::2], POINTS) == len(POINTS)
    assert handed_back(lambda p: (p[1:], p[:1]), POINTS) == len(POINTS)


def test_a_part_of_a_captured_array_stays_the_programs_own() -> None:
    given = natively([Map(lambda i: WEIGHTS[1:], "map")], [0, 1])
    assert all(np.shares_memory(one, WEIGHTS) for one in given)


def test_arrays_are_made_of_numbers() -> None:
    assert handed_back(lambda s: np.array([float(v) for v in s.split(",")]), ["1,2.5", "3"]) == 0
    assert handed_back(lambda s: np.array([int(v) for v in s.split(",")], dtype=float), ["1,2", str(2**53 + 1)]) == 0
    assert handed_back(lambda x: np.array([x, 1.0], dtype=np.float64), [0.5]) == 0
    assert handed_back(lambda x: np.array([x, 1.0], float) * np.asarray([x, x]), [0.5]) == 0
    others: list[Callable[[Any], Any]] = [lambda x: np.array([x], dtype="float32"), lambda x: np.array([x], int)]
    for made in others:
        with pytest.raises(NotLowered):
            lower(made)


def test_a_numpy_whose_products_are_others_for_many_rows_is_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(asking.agrees_on(name) for name in ("exp", "log", "tanh"))
    monkeypatch.setattr(asking, "_agreed", {})
    made = asking.products

    def other(one: bytes, two: bytes, length: int) -> bytes:
        sums = np.frombuffer(made(one, two, length))
        return (sums * (1 + 2**-52 * (length == 97))).tobytes()

    monkeypatch.setattr(asking, "products", other)
    with pytest.raises(NotLowered, match="where in memory"):
        lower(lambda p: np.dot(p, p))
    assert [asking.agrees_on(name) for name in ("dot", "matmul", "norm", "exp")] == [False, False, False, True]


def test_a_numpy_that_looks_at_where_an_item_stands_is_interpreted() -> None:
    class Other:
        """A numpy with an ``exp`` that computes whole vectors of four in another way than what is left over."""

        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

        def exp(self, items: Any) -> Any:
            made = np.exp(items)
            if np.ndim(made) and len(made) >= 4:
                made[: len(made) // 4 * 4] *= 1 + 2**-52
            return made

    with np.errstate(all="ignore"):
        assert asking._items_agree(np, "exp") and not asking._items_agree(Other(), "exp")


def test_a_blas_that_looks_at_addresses_has_its_own_bits() -> None:
    """OpenBLAS, as it is for old processors, adds in another order where an array lies in the middle of 16 bytes."""
    program = """
import numpy as np
from firesteel.chain import Chain, Map
from firesteel.native import asking
from firesteel.native.plan import plan
from firesteel.native.running import over
points = [np.random.default_rng(n).normal(size=n)[n % 2:] for n in range(1, 60)]
steps = [Map(lambda p: p.dot(p), "map")]
found = plan(steps)
assert (found is None) == (not asking.agrees_on("dot"))
given = list(over(Chain(steps, "here"), found, 0, iter([points]))) if found else [p.dot(p) for p in points]
assert given == [p.dot(p) for p in points]
"""
    environment = {**os.environ, "OPENBLAS_CORETYPE": "Prescott"}
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120, env=environment)


Point = namedtuple("Point", "y x")


def parse_point(line: str) -> Any:
    values = [float(value) for value in line.split(" ")]
    return Point(values[0], np.array(values[1:]))


def parse_pair(line: str) -> Any:
    values = np.array([float(value) for value in line.split(" ")])
    return values[0], values[1:]


def gradient_of_point(p: Any, w: Any) -> Any:
    return (1 / (1 + np.exp(-p.y * w.dot(p.x))) - 1) * p.y * p.x


def gradient_of_pair(p: Any, w: Any) -> Any:
    y, x = p
    return (1.0 / (1.0 + np.exp(-y * (w @ x))) - 1.0) * y * x


@pytest.mark.parametrize(("parse", "gradient"), [(parse_point, gradient_of_point), (parse_pair, gradient_of_pair)])
def test_logistic_regression_runs_natively_from_lines_to_weights(
    parse: Callable[[str], Any], gradient: Callable[[Any, Any], Any], fresh_context: MakeContext, tmp_path: Any
) -> None:
    lines = [f"{1 if point[0] > 0 else -1} " + " ".join(map(repr, point.tolist())) + "\n" for point in POINTS]
    (tmp_path / "points").write_text("".join(lines))

    def run(mode: str) -> Any:
        sc = fresh_context(settings={"firesteel.python.native": mode})
        points = sc.textFile(str(tmp_path / "points"), 2).map(parse).cache()
        w = WEIGHTS.copy()
        for _ in range(5):
            w = w - points.map(lambda p: gradient(p, w)).reduce(lambda a, b: a + b)
        sc.stop()
        return native_programs.exact(w)

    assert run("require") == run("off")


def test_a_step_of_factors_runs_natively() -> None:
    def moved(rating: Any) -> Any:
        u, v, r = rating
        error = r - u.dot(v)
        return u + 0.01 * (error * v - 0.1 * u)

    ratings = [(one, two, 3.5) for one, two in zip(POINTS, POINTS[1:])]
    assert handed_back(moved, ratings) == 0
