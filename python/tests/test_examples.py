"""The programs in ``examples/`` on the samples beside them, interpreted and natively, against plain loops.

``FIRESTEEL_TEST_DATA`` names a folder with the whole of the data, as ``cargo xtask data`` fetches them.
"""

import math
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from processes import PATIENCE_SECONDS

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DATA = Path(os.environ.get("FIRESTEEL_TEST_DATA", EXAMPLES / "sample"))
LOG = EXAMPLES / "sample" / "dpkg.log"


@pytest.fixture(params=["auto"] if "FIRESTEEL_TEST_DATA" in os.environ else ["off", "auto"])
def native(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["require"] if "FIRESTEEL_TEST_DATA" in os.environ else ["off", "require"])
def wholly_native(request: pytest.FixtureRequest) -> str:
    """For programs of which nothing needs the interpreter."""
    return str(request.param)


def run(program: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(EXAMPLES / program), "--master", "local[2]", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=5 * PATIENCE_SECONDS)


def printed(program: str, *words: str) -> str:
    done = run(program, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def section(text: str, heading: str) -> list[str]:
    """The lines between a heading and the next empty line."""
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith(heading)) + 1
    end = next((at for at in range(start, len(lines)) if not lines[at]), len(lines))
    return lines[start:end]


def rows(name: str) -> list[dict[str, str]]:
    header, *lines = (DATA / name).read_text().splitlines()
    return [dict(zip(header.split(","), line.split(","))) for line in lines]


def test_flights(wholly_native: str) -> None:
    text = printed("flights.py", str(DATA), "--fewest", "2", "--native", wholly_native)
    delays: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row in rows("flights.csv"):
        if row["arr_delay"] != "NA":
            delays[row["carrier"], int(row["hour"])].append(int(row["arr_delay"]))
    names = {row["carrier"]: row["name"] for row in rows("airlines.csv")}
    often = [(sum(all) / len(all), len(all), hour, carrier) for (carrier, hour), all in delays.items() if len(all) > 1]
    assert section(text, "The latest") == [
        f"{names[carrier]:>28}  {hour:>2}:00  {mean:>6.1f} min late, {count:>6} flights"
        for mean, count, hour, carrier in sorted(often, reverse=True)[:10]
    ]
    hours = sorted({hour for _, hour in delays})
    means = [[one for (_, at), all in delays.items() if at == hour for one in all] for hour in hours]
    begins = [f"{hour:>28}:00  {sum(all) / len(all):>6.1f} min late" for hour, all in zip(hours, means)]
    assert [line.partition("  #")[0].rstrip() for line in section(text, "All airlines")] == begins
    gone = sum(row["arr_delay"] == "NA" for row in rows("flights.csv"))
    assert f"Left out: {gone} flights that never arrived\n          0 rows that could" in text


def test_log_statistics(wholly_native: str) -> None:
    text = printed("log_stats.py", str(LOG), "--native", wholly_native)
    lines = [line.split(" ") for line in LOG.read_text().splitlines()]
    assert text.startswith(f"{len(lines)} events, 0 lines not understood\n")
    actions = Counter(" ".join(words[2:4]) if words[2] == "status" else words[2] for words in lines)
    wanted = sorted(actions.items(), key=lambda pair: (-pair[1], pair[0]))
    assert section(text, "What happened") == [f"{count:>8}  {action}" for action, count in wanted]
    packages = Counter(words[4 if words[2] == "status" else 3] for words in lines if words[2] != "startup")
    wanted = sorted(packages.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    assert section(text, "The busiest") == [f"{count:>8}  {package}" for package, count in wanted]
    hours = sorted(Counter(int(words[1][:2]) for words in lines).items())
    assert section(text, "At which hour") == [f"{hour:>5}:00  {count:>6}" for hour, count in hours]
    days = Counter(words[0] for words in lines)
    assert f"On {len(days)} days with events: {len(lines) / len(days):.1f} a day" in text


def test_airports(native: str) -> None:
    words = [str(DATA / "airports.csv"), "--start", "JFK,LAX", "--native", native]
    first, *clusters = printed("k_means.py", *words).splitlines()
    assert first.startswith(f"{len(rows('airports.csv'))} airports in 2 clusters")

    def place(row: dict[str, str]) -> tuple[float, ...]:
        lat, lon = math.radians(float(row["lat"])), math.radians(float(row["lon"]))
        return math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)

    airports = [(place(row), row["name"]) for row in rows("airports.csv")]
    centres = [place(row) for code in ("JFK", "LAX") for row in rows("airports.csv") if row["faa"] == code]
    while True:
        groups: list[list[Any]] = [[], []]
        for point, name in airports:
            far = [math.dist(centre, point) for centre in centres]
            groups[far.index(min(far))].append((min(far), point, name))
        moved = [tuple(sum(axis) / len(group) for axis in zip(*(one[1] for one in group))) for group in groups]
        if max(map(math.dist, moved, centres)) < 1e-6:
            break
        centres = moved
    groups.sort(key=len, reverse=True)
    kilometres = [sum(2 * math.asin(one[0] / 2) * 6371 for one in group) / len(group) for group in groups]
    assert clusters == [
        f"{len(group):>6} airports, {far:>4.0f} km from the middle in the mean, which is near {min(group)[2]}"
        for group, far in zip(groups, kilometres)
    ]


def dependencies_of(path: Path) -> dict[str, set[str]]:
    """What each package of a list depends on."""
    links: dict[str, set[str]] = defaultdict(set)
    for paragraph in path.read_text().split("\n\n"):
        fields = [line.split(": ", 1) for line in paragraph.splitlines() if ": " in line]
        for name in (value for key, value in fields if key == "Package"):
            listed = [one for key, value in fields if key in ("Depends", "Pre-Depends") for one in value.split(",")]
            links[name] |= {one.replace(":", " ").replace("|", " ").replace("(", " ").split()[0] for one in listed}
    return links


def test_packages(wholly_native: str) -> None:
    text = printed("page_rank.py", str(DATA / "Packages"), "--native", wholly_native)
    links = dependencies_of(DATA / "Packages")
    assert text.startswith(f"{len(links)} packages, {sum(map(len, links.values()))} dependencies\n")
    ranks = dict.fromkeys(links, 1.0)
    for _ in range(200):
        given: dict[str, float] = dict.fromkeys(links, 0.0)
        for name, targets in links.items():
            for target in targets:
                given[target] = given.get(target, 0.0) + ranks.get(name, 0.0) / len(targets)
        ranks = {name: 0.15 + 0.85 * rank for name, rank in given.items()}
    for line in section(text, "The packages that others rest on most"):
        rank, name = line.split()
        # What is printed is rounded, and the ranks have stopped short of where these end.
        assert abs(ranks[name] - float(rank)) < 0.006 + 4e-6 * ranks[name], line


def test_dependencies(wholly_native: str) -> None:
    names = ["apt", "perl-base"]
    path = DATA / "Packages"
    text = printed("dependencies.py", str(path), "--of", *names, "--native", wholly_native)
    links = dependencies_of(path)
    assert text.startswith(f"{len(links)} packages, {sum(map(len, links.values()))} dependencies\n")
    steps: dict[str, dict[str, int]] = {}
    for name in names:
        steps[name] = {name: 0}
        for one in (queue := [name]):
            for target in sorted(links.get(one, ())):
                if target not in steps[name]:
                    steps[name][target] = steps[name][one] + 1
                    queue.append(target)
    wanted = []
    for name in names:
        counts = [count for _, count in sorted(Counter(steps[name].values()).items())][1:]
        wanted.append(f"{sum(counts):>8}  {name:<16} {' + '.join(map(str, counts))}")
    assert section(text, "What comes along") == wanted
    both = {name: one + steps[names[1]][name] for name, one in steps[names[0]].items() if name in steps[names[1]]}
    nearest = sorted((total, name) for name, total in both.items())[:10]
    assert section(text, "The nearest") == [f"{total / 2:>8.1f}  {name}" for total, name in nearest]


def made_up_flights(path: Path) -> Path:
    """Writes flights of aircraft that come for a while, and go; some have no name, or leave at the same minute."""
    rng = random.Random(7)
    lines = ["year,month,day,tailnum,hour,minute"]
    for _ in range(4000):
        day = (rng.choice([3, 4, 5, 6, 20, 21, 27, 28]) + rng.randrange(2)) % 28 + 1
        tail = rng.choice(["NA", "", *(f"N{at}" for at in range(40))])
        lines.append(f"2013,{rng.choice([1, 2, 3, 12])},{day},{tail},{rng.randrange(5, 24)},{rng.choice([0, 5, 59])}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("is_made_up", [False, True])
def test_spells(wholly_native: str, tmp_path: Path, is_made_up: bool) -> None:
    path = made_up_flights(tmp_path / "flights.csv") if is_made_up else DATA / "flights.csv"
    text = printed("rotations.py", str(path), "--gap", "2.5", "--native", wholly_native)
    header, *lines = path.read_text().splitlines()
    times: dict[str, list[datetime]] = defaultdict(list)
    for row in (dict(zip(header.split(","), line.split(","))) for line in lines):
        if row["tailnum"] not in ("NA", ""):
            at = (int(row[name]) for name in ("month", "day", "hour", "minute"))
            times[row["tailnum"]].append(datetime(2013, *at))
    spells: list[tuple[float, str, int]] = []
    for aircraft, all in times.items():
        first = last = min(all)
        flights = 0
        for time in [*sorted(all), datetime.max]:
            if time - last > timedelta(days=2.5):
                spells.append(((last - first) / timedelta(days=1), aircraft, flights))
                first, flights = time, 0
            last, flights = time, flights + 1
    assert text.startswith(f"{len(times)} aircraft, {len(spells)} spells, cut where one is away for more than 3600 ")
    longest = sorted(spells, key=lambda spell: (-spell[0], spell[1], spell[2]))[:10]
    assert section(text, "The longest spells") == [
        f"{aircraft:>8}  {days:>6.1f} days, {flights:>4} flights" for days, aircraft, flights in longest
    ]
    lengths = sorted(Counter(int(days) for days, _, _ in spells).items())[:10]
    assert section(text, "How many days") == [f"{days:>8}  {count:>6} spells" for days, count in lengths]
    often = sorted(Counter(Counter(aircraft for _, aircraft, _ in spells).values()).items())[:5]
    assert section(text, "How many aircraft") == [f"{one:>8}  {count:>6} aircraft" for one, count in often]


TEXTS = {
    "cats.txt": "The cat sat.\nA CAT, a cat's tail! It purrs: É, été.\n",
    "dogs.txt": "The dog barks at the cat\nand the dog wags its tail",
    "empty.txt": "",
    "sea.md": "The sea, the sea: blue sea123water",
}


def test_keywords(wholly_native: str, tmp_path: Path) -> None:
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text)
    text = printed("keywords.py", str(tmp_path), "--find", "cat", "tail", "--top", "3", "--native", wholly_native)
    words = {
        name: [word for word in "".join(c if c.isalpha() else " " for c in text.lower()).split() if len(word) > 2]
        for name, text in TEXTS.items()
    }
    spread = Counter(word for some in words.values() for word in set(some))
    assert text.startswith(f"4 texts, {sum(map(len, words.values()))} words, {len(spread)} different ones\n")
    weights = {
        name: {word: count / len(some) * math.log(4 / spread[word]) for word, count in Counter(some).items()}
        for name, some in words.items()
    }
    best = {name: sorted((-weight, word) for word, weight in some.items())[:3] for name, some in weights.items()}
    wanted = [f"{name:>24}  {', '.join(word for _, word in some)}" for name, some in sorted(best.items()) if some]
    assert section(text, "What each text is about") == wanted
    sums = {name: sum(some.get(word, 0.0) for word in ("cat", "tail")) for name, some in weights.items()}
    found = sorted((-weight, name) for name, weight in sums.items() if weight > 0)
    assert section(text, "The texts for `cat tail`") == [f"{-weight:>24.4f}  {name}" for weight, name in found]


def test_late_flights(wholly_native: str) -> None:
    """That the weights are those of the greatest likelihood is checked by its slope there, which wants no solving."""
    text = printed("logistic_regression.py", str(DATA / "flights.csv"), "--native", wholly_native)
    numbers = {line.split(" ")[0]: line for line in text.splitlines()}
    weights = [float(word) for word in numbers["Weights:"].split(" ") if word[-1].isdigit()]
    learnt: list[tuple[list[float], bool]] = []
    judged: list[tuple[list[float], bool]] = []
    for row in rows("flights.csv"):
        if "NA" not in (row["dep_delay"], row["arr_delay"]):
            late = min(float(row["dep_delay"]), 180.0) / 60.0
            x = [1.0, late, float(row["distance"]) / 1000.0, float(row["hour"]) / 10.0]
            (learnt if int(row["month"]) <= 9 else judged).append((x, float(row["arr_delay"]) > 15.0))

    def chance(x: list[float]) -> float:
        return 1.0 / (1.0 + math.exp(-sum(weight * one for weight, one in zip(weights, x))))

    for at in range(4):
        slope = sum((is_late - chance(x)) * x[at] for x, is_late in learnt) / len(learnt)
        assert abs(slope) < 1e-4, f"slope along weight {at} of {weights}"
    right = sum((chance(x) > 0.5) is is_late for x, is_late in judged)
    late_ones = sum(is_late for _, is_late in judged)
    said = f"Of {len(judged)} flights from October on, {100 * right / len(judged):.1f} % are foretold rightly;"
    assert numbers["Of"] == said
    assert numbers["who"].endswith(f"is right for {100 * (len(judged) - late_ones) / len(judged):.1f} %")


def test_flights_that_are_all_alike_are_refused(tmp_path: Path) -> None:
    few = "".join((DATA / "flights.csv").read_text().splitlines(keepends=True)[:2])
    (tmp_path / "few.csv").write_text(few)
    done = run("logistic_regression.py", str(tmp_path / "few.csv"))
    assert done.returncode == 1 and "too few or too alike" in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("program", "words", "said"),
    [
        ("flights.py", ["no/such/place"], "cargo xtask data"),
        ("page_rank.py", ["no/such/place"], "cargo xtask data"),
        ("k_means.py", ["no/such/place"], "cargo xtask data"),
        ("dependencies.py", ["no/such/place"], "cargo xtask data"),
        ("dependencies.py", [str(DATA / "Packages"), "--of", "no-such"], "lists no package `no-such`"),
        ("rotations.py", ["no/such/place"], "cargo xtask data"),
        ("keywords.py", ["no/such/place"], "there is no folder no/such/place"),
        ("logistic_regression.py", ["no/such/place"], "cargo xtask data"),
        ("k_means.py", [str(DATA / "airports.csv"), "--start", "JFK,NO"], "has no airport `NO` to start from"),
        ("log_stats.py", [str(DATA / "airports.csv")], "holds no events of dpkg's"),
    ],
)
def test_what_makes_no_sense_is_refused(program: str, words: list[str], said: str) -> None:
    done = run(program, *words)
    assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr, done.stderr
