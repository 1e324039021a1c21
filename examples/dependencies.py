"""What comes along with a package: all that it depends on, and what these depend on, until nothing new comes.

Shows records of many lines, and a loop of *joins* over a *cached* RDD that ends when a step finds nothing new, as
programs over graphs do. With ``--native require`` all of its functions run without the interpreter.

``cargo xtask data`` once, then ``python examples/dependencies.py [PACKAGES] [--of NAME ...]``, after ``pip install .``
"""

import argparse
import os
import sys

from firesteel import RDD, SparkConf, SparkContext

MODES = ("off", "auto", "require")

PARTITIONS = 4
"""The links are dealt to so many partitions, and the steps' joins find them there."""


def package(paragraph: str) -> tuple[str, str]:
    """Returns the name in a paragraph of the list, and what it depends on, as one text."""
    name = ""
    listed = ""
    for line in paragraph.split("\n"):
        if line.startswith("Package: "):
            name = line.removeprefix("Package: ")
        elif line.startswith("Depends: ") or line.startswith("Pre-Depends: "):
            listed = listed + "," + line.partition(": ")[2]
    return name, listed


def name_of(dependency: str) -> str:
    """Returns the package that ``python3:any (>= 3.11) | python3.11`` names first: ``python3``."""
    return dependency.strip().split(" ")[0].split(":")[0].split("(")[0].split("|")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description="Tells what comes along with packages.")
    parser.add_argument("packages", nargs="?", default="target/data/Packages", help="as apt lists them")
    parser.add_argument("--of", nargs="+", default=["apt", "python3", "perl"], metavar="NAME", help="whose they are")
    parser.add_argument("--master", default="local[*]", help="where to run")
    parser.add_argument("--native", default="auto", choices=MODES, help="firesteel.python.native")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.packages):
        sys.exit(f"there is no {arguments.packages}\n  help: `cargo xtask data` writes Debian's list into target/data")
    conf = SparkConf().setMaster(arguments.master).setAppName("dependencies")
    with SparkContext(conf=conf.set("firesteel.python.native", arguments.native)) as sc:
        report(sc, arguments.packages, arguments.of)


def reached(links: "RDD[tuple[str, str]]", roots: "RDD[tuple[str, str]]") -> "RDD[tuple[tuple[str, str], int]]":
    """Returns ``((root, package), steps)`` of all packages that roots lead to, by the fewest steps.

    A root is ``(package, root)``, of itself. Each step joins what the one before has found with the links.
    """
    found = roots.map(lambda pair: ((pair[1], pair[0]), 0)).partitionBy(PARTITIONS).cache()
    newest = found
    step = 0
    while newest.count() > 0:
        step += 1
        last = newest.map(lambda one: (one[0][1], one[0][0]))
        targets = links.join(last, PARTITIONS).map(lambda pair: (pair[1][1], pair[1][0]))
        # The number of the step is bound now: `step` is another one when the step is computed.
        candidates = targets.distinct(PARTITIONS).map(lambda pair, at=step: (pair, at))
        newest = candidates.subtractByKey(found, PARTITIONS).cache()
        found = found.union(newest).cache()
    return found


def report(sc: SparkContext, path: str, names: list[str]) -> None:
    """Prints how many packages come with each, by how far they are, and what comes with all."""
    paragraphs = sc.newAPIHadoopFile(
        path,
        "org.apache.hadoop.mapreduce.lib.input.TextInputFormat",
        "org.apache.hadoop.io.LongWritable",
        "org.apache.hadoop.io.Text",
        conf={"textinputformat.record.delimiter": "\n\n"},
    ).values()
    packages = paragraphs.map(package).filter(lambda pair: pair[0] != "").cache()
    links = (
        packages.flatMapValues(lambda listed: [name_of(one) for one in listed.split(",") if one])
        .distinct(PARTITIONS)
        .partitionBy(PARTITIONS)
        .cache()
    )
    print(f"{packages.keys().distinct().count()} packages, {links.count()} dependencies")

    listed = packages.keys().map(lambda name: (name, name)).distinct()
    roots = listed.join(sc.parallelize([(name, name) for name in names])).mapValues(lambda pair: pair[0]).cache()
    there = roots.keys().collect()
    for name in names:
        if name not in there:
            sys.exit(f"`{path}` lists no package `{name}`")
    found = reached(links, roots)

    print("\nWhat comes along, by the steps from the package to it:")
    counts = found.map(lambda one: ((one[0][0], one[1]), 1)).reduceByKey(lambda a, b: a + b).collectAsMap()
    for name in names:
        steps = [count for (root, _), count in sorted(counts.items()) if root == name][1:]
        print(f"{sum(steps):>8}  {name:<16} {' + '.join(map(str, steps))}")

    print("\nThe nearest that come with each of them:")
    shared = found.map(lambda one: (one[0][1], (1, one[1]))).reduceByKey(lambda a, b: (a[0] + b[0], a[1] + b[1]))
    wanted = len(names)
    of_all = shared.filter(lambda one: one[1][0] == wanted)
    for name, (_, steps) in of_all.takeOrdered(10, key=lambda one: (one[1][1], one[0])):
        print(f"{steps / wanted:>8.1f}  {name}")


if __name__ == "__main__":
    main()
