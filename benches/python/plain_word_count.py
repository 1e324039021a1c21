"""Word count in plain Python: a dictionary for each piece of the text, merged at the end; the same lambdas."""

import os
from itertools import chain

from peer import PARTITIONS, measure
from plain import pool

split = lambda line: line.split()  # noqa: E731, the lambdas of the other peers
pair = lambda word: (word, 1)  # noqa: E731
add = lambda a, b: a + b  # noqa: E731
PATH = os.environ["BENCH_TEXT"]


def count(piece: int) -> dict[str, int]:
    """The words of the lines that begin in this piece of the file."""
    size = os.path.getsize(PATH)
    start, end = piece * size // PARTITIONS, (piece + 1) * size // PARTITIONS
    counts: dict[str, int] = {}
    with open(PATH, "rb") as file:
        if start:
            file.seek(start - 1)
            file.readline()
        lines = lines_until(file, end)
        for word, one in map(pair, chain.from_iterable(map(split, lines))):
            counts[word] = add(counts[word], one) if word in counts else one
    return counts


def lines_until(file, end):
    """Lines as strings, up to the one that begins before the end."""
    at = file.tell()
    while at < end:
        line = file.readline()
        if not line:
            return
        at += len(line)
        yield line.decode("utf-8")


def job() -> str:
    whole: dict[str, int] = {}
    for counts in processes.map(count, range(PARTITIONS), chunksize=1):
        for word, one in counts.items():
            whole[word] = add(whole[word], one) if word in whole else one
    top = sorted(whole.items(), key=lambda entry: (-entry[1], entry[0]))[:5]
    return " ".join(f"{word}={total}" for word, total in top)


processes = pool()
measure(job)
