"""Functions that change what they captured, with each line that does so marked, and functions that do not."""

from __future__ import annotations

import os
from collections import Counter, defaultdict, deque
from types import SimpleNamespace

total = 0
results: list = []
table: dict = {}
seen: set = set()
queue: deque = deque()
counts: Counter = Counter()
groups: defaultdict = defaultdict(list)
buffer = bytearray()
matrix = [[0, 0], [0, 0]]
nested = {"a": {"b": []}}
state = SimpleNamespace(n=0, items=[], name="x")
model = None


class Accumulator:
    """Stands for the real one, which is known by its name and module."""

    __module__ = "firesteel.accumulators"

    def __iadd__(self, term):
        return self

    def add(self, term):
        pass


accumulator = Accumulator()
accumulators = {"a": Accumulator()}
state.accumulator = Accumulator()


# functions that change something, on the lines that say so


def add_global(x):
    global total
    total += x  # told


def set_global(x):
    global model
    model = x  # told


def delete_global(x):
    global model
    del model  # told


def append(x):
    results.append(x)  # told


def append_in_branch(x):
    return results.append(x if x > 2 else -x) if x else None  # told


def append_of_call(x):
    results.append(max(min(x, 3), *[y for y in range(3)], key=lambda y: -y))  # told


def extend(x):
    results.extend([x])  # told


def insert(x):
    results.insert(0, x)  # told


def pop(x):
    return results.pop()  # told


def sort(x):
    results.sort()  # told


def set_item(x):
    table[x] = 1  # told


def set_item_of_expression(x):
    table[x if x else str(x) + "a"] = [y for y in range(x)] if x else (x or 3)  # told


def add_to_item(x):
    table[x] = table.get(x, 0) + 1  # told


def augment_item(x):
    table[x % 2] += 1  # told


def delete_item(x):
    del table[x]  # told


def update(x):
    table.update({x: 1})  # told


def set_default(x):
    table.setdefault(x, []).append(1)  # told


def add_to_set(x):
    seen.add(x)  # told


def remove_from_set(x):
    seen.remove(x)  # told
    seen.discard(x)  # told
    seen.clear()  # told


def push_left(x):
    queue.appendleft(x)  # told


def count(x):
    counts[x] += 1  # told


def count_all(x):
    counts.update([x])  # told


def group(x):
    groups[x].append(x)  # told


def set_slice(x):
    results[1:2] = [x]  # told


def extend_bytes(x):
    buffer.extend(b"x")  # told


def set_in_matrix(x):
    matrix[x][x] = 1  # told


def append_deep(x):
    nested["a"]["b"].append(x)  # told


def append_to_attribute(x):
    state.items.append(x)  # told


def add_to_attribute(x):
    state.n += 1  # told


def in_inner_function(x):
    return [y for y in map(lambda z: results.append(z), [x])]  # told


def in_comprehension(x):
    return [results.append(y) for y in range(x)]  # told


def in_generator(rows):
    yield from (seen.add(row) for row in rows)  # told


def in_try(x):
    try:
        x.parse()
    except ValueError as error:
        results.append(error)  # told


def in_with(x):
    with open(x) as file:
        results.extend(file)  # told


def in_loop(rows):
    for row in rows:
        results.append(row)  # told


# functions that change only what is theirs


def local_list(rows):
    results = []
    for row in rows:
        results.append(row)
    results[0] = 1
    return results


def local_counts(rows):
    own = defaultdict(list)
    for row in rows:
        own[row].append(row)
        own[row] += [1]
    return own.items()


def local_cell(rows):
    own = []
    number = 0

    def add(row):
        nonlocal number
        own.append(row)
        number += 1

    for row in rows:
        add(row)
    return own


def parameter(results):
    results.append(1)
    results["a"] = 2
    results += [3]
    return results


def parameter_of_inner(rows):
    return [(lambda results: results.append(row))(row) for row in rows]


def add_to_accumulator(x):
    global accumulator
    accumulator += x


def call_accumulator(x):
    accumulator.add(x)
    accumulators["a"].add(x)
    state.accumulator += 1


def accumulator_in_dict(x):
    accumulators["a"] += 1


def read_only(x):
    return (results[0], table.get(x), x in seen, counts[x], groups[x], matrix[0][0], len(queue), state.n + 1, total + x)


def copies(x):
    return sorted(results), list(results) + [x], results + [x], {**table, x: 1}, seen | {x}, table.copy(), results[:]


def copies_that_are_changed(x):
    own = list(results)
    own.append(x)
    copy = dict(table)
    copy[x] = 1
    copy.update(a=1)
    return own, copy


def environment(x):
    os.environ["A"] = "b"
    os.environ.update(c="d")


def made_inside(x):
    value = SimpleNamespace(n=0, items=[])
    value.n += 1
    value.items.append(x)
    value.table = {}
    value.table[x] = 1
    return value


def methods_of_the_record(x):
    x.add(1)
    x.update(2)
    x.items.append(3)
    x[0] = 4
    x["a"] += 1
    return x


def conditional(x):
    own = results if x is None else []
    return [own for _ in range(3)]


def names_like_mutators(x):
    return x.pop, str.upper, Counter(x).update, "a".join(x)


class Adder:
    def add(self, x):
        return x


adder = Adder()


def own_class_with_add(x):
    return adder.add(x)


def recursive(x):
    return recursive(x - 1) if x else 0
