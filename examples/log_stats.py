"""What a Debian machine was busy with: statistics of the log of its package manager.

Shows lines parsed by a function of the program, several actions over one *cached* RDD, ``stats`` and ``histogram``.

``python examples/log_stats.py [LOG]``, after ``pip install .``; LOG is a file, or a pattern (``/var/log/dpkg.log*``)
"""

import argparse
import sys

from firesteel import SparkConf, SparkContext

MODES = ("off", "auto", "require")


def parse(line: str) -> tuple[str, int, str, str]:
    """Takes ``2025-06-24 14:36:25 status unpacked libudev1:amd64 252.38-1`` apart.

    Returns the day, the hour, the action and the package. The package is empty where dpkg only says that it starts; the
    action is empty in a line of another kind.
    """
    words = line.split(" ")
    if len(words) < 4 or words[1].find(":") != 2 or not words[1][:2].isdigit():
        return ("", 0, "", "")
    verb = words[2]
    hour = int(words[1][:2])
    if verb == "status":
        return (words[0], hour, "status " + words[3], words[4])
    if verb == "startup":
        return (words[0], hour, verb, "")
    return (words[0], hour, verb, words[3])


def main() -> None:
    parser = argparse.ArgumentParser(description="Tells what dpkg did, to which packages, and when.")
    parser.add_argument("log", nargs="?", default="/var/log/dpkg.log", help="a file or a pattern")
    parser.add_argument("--master", default="local[*]", help="where to run")
    parser.add_argument("--native", default="auto", choices=MODES, help="firesteel.python.native")
    arguments = parser.parse_args()
    conf = SparkConf().setMaster(arguments.master).setAppName("log statistics")
    with SparkContext(conf=conf.set("firesteel.python.native", arguments.native)) as sc:
        report(sc, arguments.log)


def report(sc: SparkContext, path: str) -> None:
    """Prints the answers."""
    parsed = sc.textFile(path).map(parse).cache()
    events = parsed.filter(lambda event: event[2] != "").cache()
    count = events.count()
    print(f"{count} events, {parsed.count() - count} lines not understood")
    if count == 0:
        sys.exit(f"`{path}` holds no events of dpkg's: name another log, such as `examples/sample/dpkg.log`")

    print("\nWhat happened:")
    actions = events.map(lambda event: (event[2], 1)).reduceByKey(lambda a, b: a + b)
    for action, times in sorted(actions.collect(), key=lambda pair: (-pair[1], pair[0])):
        print(f"{times:>8}  {action}")

    print("\nThe busiest packages:")
    packages = events.filter(lambda event: event[3] != "").map(lambda event: (event[3], 1))
    counts = packages.reduceByKey(lambda a, b: a + b)
    for package, times in counts.takeOrdered(5, key=lambda pair: (-pair[1], pair[0])):
        print(f"{times:>8}  {package}")

    print("\nAt which hour:")
    _, hours = events.map(lambda event: event[1]).histogram(list(range(25)))
    for hour, times in enumerate(hours):
        if times > 0:
            print(f"{hour:>5}:00  {times:>6}")

    by_day = events.map(lambda event: (event[0], 1)).reduceByKey(lambda a, b: a + b).values().cache()
    stats = by_day.stats()
    print(f"\nOn {stats.count()} days with events: {stats.mean():.1f} a day, give or take {stats.stdev():.1f}")
    ends, days = by_day.histogram(4)
    for low, high, times in zip(ends, ends[1:], days):
        print(f"{low:>8.0f} to {high:>6.0f} events: {times:>4} days")


if __name__ == "__main__":
    main()
