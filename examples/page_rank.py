"""Which packages Debian rests on: PageRank over what packages depend on.

Shows records of many lines, links that are *cached* since every step reads them, and a lineage that grows with each
step and is cut by a *checkpoint* now and then.

``cargo xtask data`` once, then ``python examples/page_rank.py [PACKAGES]``, after ``pip install .``
"""

import argparse
import os
import sys
import tempfile

from firesteel import RDD, SparkConf, SparkContext

MODES = ("off", "auto", "require")

DAMPING = 0.85
"""So much of its rank a package passes on."""

STEPS_BETWEEN_CHECKPOINTS = 5
"""A checkpoint, and a look at how far the ranks still move, every so many steps."""

TOLERANCE = 1e-6
"""Ranks that move by less than this in a step, in the mean, are good enough."""

MAX_STEPS = 100
"""Steps at most. They are never needed: a step moves the ranks by 0.85 of what the one before did, at most."""


def name_of(dependency: str) -> str:
    """Returns the package that ``python3:any (>= 3.11) | python3.11`` names first: ``python3``."""
    return dependency.strip().split(" ")[0].split(":")[0].split("(")[0].split("|")[0]


def package(paragraph: str) -> tuple[str, list[str]]:
    """Returns the name in a paragraph of the list, and what it depends on; of alternatives the first."""
    name = ""
    listed = ""
    for line in paragraph.split("\n"):
        if line.startswith("Package: "):
            name = line[9:]
        elif line.startswith("Depends: "):
            listed = listed + "," + line[9:]
        elif line.startswith("Pre-Depends: "):
            listed = listed + "," + line[13:]
    return name, [name_of(one) for one in listed.split(",") if one]


def pass_on(links: "RDD[tuple[str, list[str]]]", ranks: "RDD[tuple[str, float]]") -> "RDD[tuple[str, float]]":
    """Does one step: each package passes most of its rank on, in equal parts, to those that it depends on.

    One that depends on nothing passes nothing on.
    """
    joined = links.join(ranks)
    given = joined.flatMap(lambda pair: [(target, pair[1][1] / len(pair[1][0])) for target in pair[1][0]])
    # So that a package that nothing depends on keeps a rank.
    kept = links.mapValues(lambda targets: 0.0)
    return kept.union(given).reduceByKey(lambda a, b: a + b).mapValues(lambda sum: (1.0 - DAMPING) + DAMPING * sum)


def main() -> None:
    parser = argparse.ArgumentParser(description="Finds the packages that others rest on most.")
    parser.add_argument("packages", nargs="?", default="target/data/Packages", help="as apt lists them")
    parser.add_argument("--master", default="local[*]", help="where to run")
    parser.add_argument("--native", default="auto", choices=MODES, help="firesteel.python.native")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.packages):
        sys.exit(f"there is no {arguments.packages}\n  help: `cargo xtask data` writes Debian's list into target/data")
    conf = SparkConf().setMaster(arguments.master).setAppName("page rank")
    conf.set("firesteel.python.native", arguments.native)
    with SparkContext(conf=conf) as sc, tempfile.TemporaryDirectory() as to:
        sc.setCheckpointDir(to)
        report(sc, arguments.packages)


def report(sc: SparkContext, path: str) -> None:
    """Prints how the ranks move, and the highest."""
    paragraphs = sc.newAPIHadoopFile(
        path,
        "org.apache.hadoop.mapreduce.lib.input.TextInputFormat",
        "org.apache.hadoop.io.LongWritable",
        "org.apache.hadoop.io.Text",
        conf={"textinputformat.record.delimiter": "\n\n"},
    ).values()
    # Some packages are listed in several versions: what any of them depends on counts.
    named = paragraphs.map(package).filter(lambda pair: pair[0] != "")
    links = named.reduceByKey(lambda a, b: a + b).mapValues(lambda targets: sorted(set(targets))).cache()
    print(f"{links.count()} packages, {links.map(lambda pair: len(pair[1])).sum()} dependencies")

    ranks = links.mapValues(lambda targets: 1.0)
    for step in range(1, MAX_STEPS + 1):
        following = pass_on(links, ranks)
        if step % STEPS_BETWEEN_CHECKPOINTS == 0:
            following.cache()
            following.checkpoint()
            moved = following.join(ranks).map(lambda pair: abs(pair[1][0] - pair[1][1])).mean()
            print(f"step {step}: ranks move by {moved:.7f}")
            if moved < TOLERANCE:
                ranks = following
                break
        ranks = following

    print("\nThe packages that others rest on most:")
    for name, rank in ranks.top(15, key=lambda pair: pair[1]):
        print(f"{rank:>10.2f}  {name}")


if __name__ == "__main__":
    main()
