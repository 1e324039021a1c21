"""Counts the words of text files.

``python examples/word_count.py PATH... [--top N] [--output DIR]``, after ``pip install .``
"""

import argparse
import os
import time

from firesteel import SparkContext


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Counts the words of text files, on all cores.",
        epilog="Examples: word_count.py README.md; word_count.py 'logs/*.gz' --top 20 --output counts",
    )
    parser.add_argument("paths", nargs="+", help="files, directories or patterns; .gz, .bz2, .zst are decompressed")
    parser.add_argument("--top", type=int, default=10, help="the number of most frequent words to print")
    parser.add_argument("--output", metavar="DIR", help="write all counts, as word, tab, count, into a new directory")
    parser.add_argument("--master", default="local[*]", help="where to run")
    arguments = parser.parse_args()
    started = time.perf_counter()

    with SparkContext(arguments.master, "word count") as sc:
        words = sc.textFile(",".join(arguments.paths)).flatMap(str.split)
        counts = words.map(lambda word: (word, 1)).reduceByKey(lambda a, b: a + b)
        for word, count in counts.takeOrdered(arguments.top, lambda pair: (-pair[1], pair[0])):
            print(f"{count:>12}  {word}")
        if arguments.output:
            counts.map(lambda pair: f"{pair[0]}\t{pair[1]}").saveAsTextFile(arguments.output)
            print(f"all counts are in {os.path.abspath(arguments.output)}")
    print(f"{time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
