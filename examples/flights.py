"""Which airlines are late, and when: the 336,776 flights that left New York in 2013.

Shows lines that the program takes apart itself, a *broadcast* variable (the names of the airlines, which every task
looks up) and a *cached* RDD that two answers share. With ``--native require`` all of its functions run without the
interpreter.

``cargo xtask data`` once, then ``python examples/flights.py [FOLDER] [--fewest N]``, after ``pip install .``
"""

import argparse
import os
import sys

from firesteel import SparkConf, SparkContext

MODES = ("off", "auto", "require")


def main() -> None:
    parser = argparse.ArgumentParser(description="Finds the airlines and hours with the longest delays.")
    parser.add_argument("folder", nargs="?", default="target/data", help="with flights.csv and airlines.csv")
    parser.add_argument("--fewest", type=int, default=100, help="leave out airlines and hours of fewer flights")
    parser.add_argument("--master", default="local[*]", help="where to run")
    parser.add_argument("--native", default="auto", choices=MODES, help="firesteel.python.native")
    arguments = parser.parse_args()
    flights, airlines = (f"{arguments.folder}/{name}.csv" for name in ("flights", "airlines"))
    for path in (flights, airlines):
        if not os.path.exists(path):
            sys.exit(f"there is no {path}\n  help: `cargo xtask data` fetches the flights into target/data")

    conf = SparkConf().setMaster(arguments.master).setAppName("flights")
    with SparkContext(conf=conf.set("firesteel.python.native", arguments.native)) as sc:
        report(sc, flights, airlines, arguments.fewest)


def report(sc: SparkContext, flights: str, airlines: str, fewest: int) -> None:
    """Prints the answers."""
    pairs = sc.textFile(airlines).map(lambda line: line.split(",")).map(lambda row: (row[0], row[1]))
    names = sc.broadcast(pairs.collectAsMap())

    lines = sc.textFile(flights)
    header = lines.first()
    columns = header.split(",")
    width, carrier, hour, delay = len(columns), *map(columns.index, ("carrier", "hour", "arr_delay"))
    rows = lines.filter(lambda line: line != header).map(lambda line: line.split(",")).cache()
    whole = rows.filter(lambda row: len(row) == width)
    arrived = whole.filter(lambda row: row[delay] != "NA")
    delays = (
        arrived.map(lambda row: ((row[carrier], int(row[hour])), (1, int(row[delay]))))
        .reduceByKey(lambda a, b: (a[0] + b[0], a[1] + b[1]))
        .cache()
    )

    often = delays.filter(lambda pair: pair[1][0] >= fewest)
    means = often.map(lambda pair: (pair[1][1] / pair[1][0], pair[1][0], pair[0][1], pair[0][0]))
    named = means.map(lambda one: (one[0], one[1], one[2], names.value.get(one[3], one[3])))
    print(f"The latest airlines and hours, of those with {fewest} flights or more:")
    for mean, count, at, name in named.top(10):
        print(f"{name:>28}  {at:>2}:00  {mean:>6.1f} min late, {count:>6} flights")

    by_hour = delays.map(lambda pair: (pair[0][1], pair[1])).reduceByKey(lambda a, b: (a[0] + b[0], a[1] + b[1]))
    print("\nAll airlines, by the hour of departure:")
    for at, (count, minutes) in by_hour.sortByKey().collect():
        bar = "#" * round(max(0.0, minutes / count))
        print(f"{at:>28}:00  {minutes / count:>6.1f} min late  {bar}")

    landed, read, all_rows = arrived.count(), whole.count(), rows.count()
    print(f"\nLeft out: {read - landed} flights that never arrived")
    print(f"          {all_rows - read} rows that could not be read")


if __name__ == "__main__":
    main()
