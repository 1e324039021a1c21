"""What texts are about: the words that are often in one and seldom in the others (tf-idf), and a search by such words.

Shows whole files as records, texts made regular by a function of the program, an *inverted index* that two answers
share, and groups of which the best few are kept. With ``--native require`` all of its functions run without the
interpreter.

``python examples/keywords.py [FOLDER] [--find WORD ...]``, after ``pip install .``; FOLDER has the texts
"""

import argparse
import math
import os
import sys

from firesteel import SparkConf, SparkContext

MODES = ("off", "auto", "require")

SHORTEST = 3
"""Words of fewer letters are left out."""


def words(line: str) -> list[str]:
    """Returns the words of a line: runs of letters, without regard to capitals."""
    letters = "".join(c if c.isalpha() else " " for c in line.lower())
    return [word for word in letters.split() if len(word) >= SHORTEST]


def main() -> None:
    parser = argparse.ArgumentParser(description="Tells what texts are about.")
    parser.add_argument("folder", nargs="?", default="docs", help="with the texts")
    parser.add_argument("--find", nargs="+", default=["shuffle", "python"], metavar="WORD", help="words to search for")
    parser.add_argument("--top", type=int, default=5, help="so many words of each text, and so many texts")
    parser.add_argument("--master", default="local[*]", help="where to run")
    parser.add_argument("--native", default="auto", choices=MODES, help="firesteel.python.native")
    arguments = parser.parse_args()
    if not os.path.isdir(arguments.folder):
        sys.exit(f"there is no folder {arguments.folder}\n  help: name one with texts, such as this repository's docs")
    conf = SparkConf().setMaster(arguments.master).setAppName("keywords")
    with SparkContext(conf=conf.set("firesteel.python.native", arguments.native)) as sc:
        report(sc, arguments.folder, [word.lower() for word in arguments.find], arguments.top)


def report(sc: SparkContext, folder: str, wanted: list[str], top: int) -> None:
    """Prints the words of each text that tell most of it, and the texts that have most of some words."""
    texts = sc.wholeTextFiles(f"{folder}/*.*").map(lambda pair: (pair[0].rpartition("/")[2], pair[1]))
    found = texts.flatMapValues(str.splitlines).flatMapValues(words).cache()
    number = texts.count()

    # How often a word is in a text, by the share of all words there; and in how many texts it is.
    times = found.map(lambda pair: (pair, 1)).reduceByKey(lambda a, b: a + b).cache()
    lengths = sc.broadcast(found.mapValues(lambda word: 1).reduceByKey(lambda a, b: a + b).collectAsMap())
    shares = times.map(lambda one: (one[0][1], (one[0][0], one[1] / lengths.value[one[0][0]])))
    spread = times.map(lambda one: (one[0][1], 1)).reduceByKey(lambda a, b: a + b)
    # The inverted index: of each word the texts that have it, each with a weight.
    index = (
        shares.join(spread)
        .mapValues(lambda pair: (pair[0][0], pair[0][1] * math.log(number / pair[1])))
        .filter(lambda one: one[1][1] > 0.0)
        .cache()
    )
    print(f"{number} texts, {found.count()} words, {spread.count()} different ones")

    print("\nWhat each text is about:")
    by_text = index.map(lambda one: (one[1][0], (-one[1][1], one[0]))).groupByKey()
    best = by_text.mapValues(lambda group: sorted(group)[:top])
    for text, few in best.sortByKey().collect():
        print(f"{text:>24}  {', '.join(word for _, word in few)}")

    print(f"\nThe texts for `{' '.join(wanted)}`:")
    weights = index.filter(lambda one: one[0] in wanted).values().reduceByKey(lambda a, b: a + b)
    for text, weight in weights.takeOrdered(top, key=lambda pair: (-pair[1], pair[0])):
        print(f"{weight:>24.4f}  {text}")


if __name__ == "__main__":
    main()
