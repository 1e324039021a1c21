"""Will my flight be late? Logistic regression, which learns from nine months' flights and is judged by those of three.

Shows *cached* points with numpy's arrays in them, weights that every step captures anew, and sums by key of what a step
needs. With ``--native require`` all of its functions run without the interpreter.

``cargo xtask data`` once, then ``python examples/logistic_regression.py [FLIGHTS]``, after ``pip install . numpy``
"""

import argparse
import os
import sys
from typing import Any, NamedTuple

import numpy as np

from firesteel import RDD, SparkConf, SparkContext

MODES = ("off", "auto", "require")
TOLERANCE = 1e-9
MAX_STEPS = 50


class Flight(NamedTuple):
    """What is known when a flight leaves, and 1.0 if it arrived more than a quarter of an hour late."""

    month: int
    x: Any
    late: float


def features(delay: float, miles: float, hour: float) -> Any:
    """Returns a constant, hours that a flight left late, thousands of miles to fly, and the hour of the day in tens."""
    # Beyond three hours it makes no difference any more, and the steps are steadier without such points.
    return np.array([1.0, min(delay, 180.0) / 60.0, miles / 1000.0, hour / 10.0])


def chance(weights: Any, x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-weights.dot(x)))


def newton_step(flights: "RDD[Flight]", weights: Any) -> Any:
    """Returns by how much Newton's method moves the weights."""

    def slopes(flight: Flight) -> list[tuple[int, Any]]:
        """Returns the first derivatives of the log-likelihood, and a row of the second ones for each weight."""
        x, p = flight.x, chance(weights, flight.x)
        curve = p * (1.0 - p)
        factors = [flight.late - p, curve * x[0], curve * x[1], curve * x[2], curve * x[3]]
        return [(at, factor * x) for at, factor in enumerate(factors)]

    sums = flights.flatMap(slopes).reduceByKey(lambda a, b: a + b).collectAsMap()
    curvature = np.array([sums[at] for at in range(1, 5)]) if sums else np.zeros((4, 4))
    if np.linalg.matrix_rank(curvature) < 4:
        sys.exit("the flights are too few or too alike to tell the weights from each other")
    return np.linalg.solve(curvature, sums[0])


def main() -> None:
    parser = argparse.ArgumentParser(description="Foretells which flights are late.")
    parser.add_argument("flights", nargs="?", default="target/data/flights.csv", help="month, hour, distance, ...")
    parser.add_argument("--master", default="local[*]", help="where to run")
    parser.add_argument("--native", default="auto", choices=MODES, help="firesteel.python.native")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.flights):
        sys.exit(f"there is no {arguments.flights}\n  help: `cargo xtask data` fetches the flights into target/data")
    conf = SparkConf().setMaster(arguments.master).setAppName("logistic regression")
    with SparkContext(conf=conf.set("firesteel.python.native", arguments.native)) as sc:
        report(sc, arguments.flights)


def report(sc: SparkContext, path: str) -> None:
    """Prints the steps, the weights, and how good they are."""
    lines = sc.textFile(path)
    header = lines.first()
    names = ("month", "dep_delay", "arr_delay", "distance", "hour")
    month, left, arrived, miles, hour = map(header.split(",").index, names)

    def flight(row: list[str]) -> Flight:
        x = features(float(row[left]), float(row[miles]), float(row[hour]))
        return Flight(int(row[month]), x, 1.0 if float(row[arrived]) > 15.0 else 0.0)

    rows = lines.filter(lambda line: line != header).map(lambda line: line.split(","))
    flights = rows.filter(lambda row: row[left] != "NA" and row[arrived] != "NA").map(flight)
    learn = flights.filter(lambda one: one.month <= 9).cache()
    judge = flights.filter(lambda one: one.month > 9).cache()

    weights = np.zeros(4)
    for step in range(1, MAX_STEPS + 1):
        change = newton_step(learn, weights)
        weights = weights + change
        farthest = np.max(np.abs(change))
        print(f"step {step}: weights move by {farthest:.9f}")
        if farthest < TOLERANCE:
            break

    print("\nWeights: {:.4f} {:+.4f} late {:+.4f} distance {:+.4f} hour".format(*weights))
    # Rightly means that chance and truth are on the same side of a half.
    right = judge.filter(lambda one: (chance(weights, one.x) - 0.5) * (one.late - 0.5) > 0.0).count()
    whole, late = judge.count(), judge.filter(lambda one: one.late == 1.0).count()
    print(f"Of {whole} flights from October on, {100.0 * right / whole:.1f} % are foretold rightly;")
    print(f"who always says `on time` is right for {100.0 * (whole - late) / whole:.1f} %")
    print("\nHow likely a flight over 1000 miles is late that leaves at 18:00")
    for minutes in (0.0, 15.0, 30.0, 60.0):
        percent = 100.0 * chance(weights, features(minutes, 1000.0, 18.0))
        print(f"{minutes:>8.0f} minutes late: {percent:>5.1f} %")


if __name__ == "__main__":
    main()
