"""Which airports lie together: k-means over the positions of America's airports.

Shows an iterative algorithm in plain Python: *cached* points that every step reads, and centres that every step
captures anew.

``cargo xtask data`` once, then ``python examples/k_means.py [AIRPORTS] [--start CODE,CODE,...]``, after
``pip install .``
"""

import argparse
import math
import os
import sys
from typing import Any

from firesteel import RDD, SparkConf, SparkContext

MODES = ("off", "auto", "require")

Point = tuple[float, float, float]
"""A place on a globe of radius 1, since degrees of longitude are of different lengths."""

TOLERANCE = 1e-6
"""Once no centre moves farther than this in a step, a few metres, the answer is found."""

MAX_STEPS = 100
EARTH_RADIUS_KM = 6371.0


def place(row: list[str]) -> tuple[Point, str, str]:
    """Makes a position, a code and a name of a row of the table."""
    latitude, longitude = math.radians(float(row[2])), math.radians(float(row[3]))
    across = math.cos(latitude)
    return ((across * math.cos(longitude), across * math.sin(longitude), math.sin(latitude)), row[0], row[1])


def distance(a: Point, b: Point) -> float:
    return math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)


def closest(centres: tuple[Point, ...], point: Point) -> tuple[int, float]:
    """Returns the first of the closest centres, and how far it is."""
    best, least = 0, math.inf
    for at in range(len(centres)):
        far = distance(centres[at], point)
        if far < least:
            best, least = at, far
    return best, least


def step(points: "RDD[Point]", centres: tuple[Point, ...]) -> tuple[Point, ...]:
    """Moves each centre into the middle of the points that it is the closest to; one without points stays."""
    sums = points.map(lambda point: (closest(centres, point)[0], (point[0], point[1], point[2], 1)))
    added = sums.reduceByKey(lambda a, b: (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3])).collectAsMap()
    middles = {at: (x / count, y / count, z / count) for at, (x, y, z, count) in added.items()}
    return tuple(middles.get(at, centre) for at, centre in enumerate(centres))


def nearer(a: Any, b: Any) -> Any:
    """Adds up airports and kilometres, and keeps the name of the nearest."""
    return (a[0] + b[0], a[1] + b[1], a[2] if a[2][0] <= b[2][0] else b[2])


def main() -> None:
    parser = argparse.ArgumentParser(description="Finds clusters of airports.")
    parser.add_argument("airports", nargs="?", default="target/data/airports.csv", help="faa, name, lat, lon, ...")
    parser.add_argument("--start", default="JFK,MIA,ORD,DFW,LAX,SEA,ANC,HNL", help="an airport for each cluster")
    parser.add_argument("--master", default="local[*]", help="where to run")
    parser.add_argument("--native", default="auto", choices=MODES, help="firesteel.python.native")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.airports):
        sys.exit(f"there is no {arguments.airports}\n  help: `cargo xtask data` fetches the airports into target/data")
    conf = SparkConf().setMaster(arguments.master).setAppName("k-means")
    with SparkContext(conf=conf.set("firesteel.python.native", arguments.native)) as sc:
        report(sc, arguments.airports, arguments.start.split(","))


def report(sc: SparkContext, path: str, start: list[str]) -> None:
    """Prints the clusters."""
    lines = sc.textFile(path)
    header = lines.first()
    airports = lines.filter(lambda line: line != header).map(lambda line: line.split(",")).map(place).cache()
    found = {code: point for point, code, _ in airports.collect() if code in start}
    for code in start:
        if code not in found:
            sys.exit(f"`{path}` has no airport `{code}` to start from")
    centres = tuple(found[code] for code in start)

    points = airports.map(lambda airport: airport[0]).cache()
    steps = 0
    while steps < MAX_STEPS:
        following = step(points, centres)
        farthest = max(map(distance, centres, following))
        centres, steps = following, steps + 1
        if farthest < TOLERANCE:
            break

    def in_cluster(airport: tuple[Point, str, str]) -> tuple[int, tuple[int, float, tuple[float, str]]]:
        at, chord = closest(centres, airport[0])
        kilometres = 2.0 * math.asin(chord / 2.0) * EARTH_RADIUS_KM
        return at, (1, kilometres, (kilometres, airport[2]))

    clusters = airports.map(in_cluster).reduceByKey(nearer).collect()
    print(f"{points.count()} airports in {len(clusters)} clusters, after {steps} steps:")
    for _, (count, kilometres, (_, name)) in sorted(clusters, key=lambda cluster: (-cluster[1][0], cluster[0])):
        far = kilometres / count
        print(f"{count:>6} airports, {far:>4.0f} km from the middle in the mean, which is near {name}")


if __name__ == "__main__":
    main()
