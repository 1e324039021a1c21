"""The input of the programs: the same bytes whenever they are made, by neither of the two sides."""

from __future__ import annotations

import datetime
import decimal
import json
import random
from pathlib import Path

WORDS = "the old lamp of the harbour shone, and a ship came in; nobody saw it; über the sea naïve gulls cried".split()
CITIES = ["Ulm", "São Paulo", "New York", "a/b=c", "Kraków"]

#: Lines that no plain reading survives: too few values, too many, none that are numbers, an open quote.
DIRTY = '''id,name,score,day
1,Ada,3.5,2024-01-31
2,Bob,not a number,2024-02-30
3,"Cy, junior",7,2024-03-01
4,Dora
5,Eve,1e3,2024-05-05,more
six,Fay,2.25,2024-06-06
7,,,
8," Gus ",-0.0,2024-12-31
9,"He said ""no""",NaN,1969-12-31
'''

#: Points in time, with and without a zone; summer time begins and ends in some of them.
TIMES = """when,what
2024-03-31T00:59:59Z,before summer time
2024-03-31T01:00:00Z,summer time
2024-03-31 02:30:00,a clock never showed this
2024-10-27 02:30:00,a clock showed this twice
2024-10-27T00:30:00+02:00,with an offset
1969-12-31 23:59:59.999999,before the epoch
2024-02-29,only a day
2038-01-19T03:14:08.5Z,after 31 bits
,never
"""


def make(folder: Path) -> None:
    """Writes all files below the folder."""
    dice = random.Random(20240229)
    text = folder / "text"
    text.mkdir(parents=True)
    for number in range(3):
        lines = [" ".join(dice.choices(WORDS, k=dice.randrange(12))) for _ in range(400)]
        (text / f"{number}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    orders(folder / "orders.csv", dice)
    events(folder / "events", dice)
    (folder / "dirty.csv").write_text(DIRTY, encoding="utf-8")
    (folder / "times.csv").write_text(TIMES, encoding="utf-8")
    tables(folder, dice)


def orders(path: Path, dice: random.Random) -> None:
    """A table with a header: whole numbers, money, days, text with what CSV has quotes for, nothing."""
    lines = ["id,customer,city,amount,day,note"]
    for number in range(1000):
        city = dice.choice(CITIES)
        amount = f"{dice.randrange(100000) / 4:.2f}" if number % 50 else ""
        day = datetime.date(2024, 1, 1) + datetime.timedelta(days=dice.randrange(3))
        note = dice.choice(["", "plain", '"quoted, with a comma"', '"says ""hi"""', '""'])
        lines.append(f"{number},customer {dice.randrange(90)},{city},{amount},{day},{note}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def events(folder: Path, dice: random.Random) -> None:
    """Objects with objects and lists in them; some lack what others have."""
    folder.mkdir()
    for part in range(2):
        lines = []
        for number in range(200):
            items = [{"sku": f"s{dice.randrange(9)}", "n": dice.randrange(1, 5), "price": dice.randrange(400) / 8}
                     for _ in range(dice.randrange(4))]  # fmt: skip
            event = {"user": {"id": number, "name": dice.choice(["Ada", "Bob \"B\"", "Čeněk"])}, "items": items}
            if number % 3 == 0:
                event["tags"] = dice.sample(["new", "gift", "late"], dice.randrange(3))
            if number % 7 == 0:
                event["user"]["mail"] = None if number % 2 else "a@b.c"
            if number % 11 == 0:
                del event["items"]
            event["at"] = f"2024-01-{dice.randrange(1, 29):02d}T10:00:00.{dice.randrange(1000):03d}+01:00"
            lines.append(json.dumps(event, ensure_ascii=number % 2 == 0))
        (folder / f"{part}.json").write_text("\n".join(lines) + "\n", encoding="utf-8")


def tables(folder: Path, dice: random.Random) -> None:
    """Two tables in Parquet that have a key in common."""
    import pyarrow
    import pyarrow.parquet

    people = {
        "id": pyarrow.array(range(300), pyarrow.int64()),
        "name": [dice.choice(['Ada "A"', "Bob, jr.", "", None, " spaces ", "line\\slash", "#x"]) for _ in range(300)],
        "born": [datetime.date(1960 + dice.randrange(50), 1, 1) for _ in range(300)],
    }
    paid = {
        "person": pyarrow.array([dice.randrange(400) for _ in range(500)], pyarrow.int64()),
        "amount": pyarrow.array(
            [decimal.Decimal(dice.randrange(10**6)) / 100 if dice.random() > 0.1 else None for _ in range(500)],
            pyarrow.decimal128(12, 2),
        ),
    }
    for name, columns in (("people", people), ("paid", paid)):
        (folder / name).mkdir()
        pyarrow.parquet.write_table(pyarrow.table(columns), folder / name / "data.parquet")
