"""sortByKey of pairs in no order; every partition is looked at."""

from peer import PARTITIONS, context, measure, number

sc = context()


def look(records):
    """First and last key, how many, whether in order, and a checksum."""
    count = mixed = 0
    in_order, first, last = True, None, None
    for key, value in records:
        in_order = in_order and (last is None or last <= key)
        first, last = key if first is None else first, key
        count, mixed = count + 1, mixed + value % 1009
    yield first, last, count, in_order, mixed


def job() -> str:
    numbers = sc.range(0, number("BENCH_N", 1_000_000), numSlices=PARTITIONS)
    parts = numbers.map(lambda x: (x * 2654435761 % 4294967291, x)).sortByKey().mapPartitions(look).collect()
    seen = [part for part in parts if part[2]]
    follow = all(a[1] <= b[0] for a, b in zip(seen, seen[1:], strict=False))
    in_order = follow and all(part[3] for part in parts)
    return f"count={sum(part[2] for part in parts)} sorted={in_order} mixed={sum(part[4] for part in parts)}"


measure(job)
sc.stop()
