"""``submit --requirements``: packages that nobody has installed, for executors and for the program."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import zipfile

import pytest

pytestmark = pytest.mark.once

PROGRAM = """
import greetings
from firesteel import SparkContext

def greet(name):
    import greetings as on_executor
    return on_executor.greet(name)

with SparkContext() as sc:
    print(greetings.VERSION, sc.parallelize(["a", "b"], 2).map(greet).collect())
"""


def wheel(folder: pathlib.Path, version: str) -> pathlib.Path:
    """Makes a package of one module."""
    about = f"greetings-{version}.dist-info"
    path = folder / f"greetings-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("greetings.py", f"VERSION = {version!r}\ndef greet(name): return f'{{VERSION}} {{name}}'\n")
        packed.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: greetings\nVersion: {version}\n")
        packed.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{about}/RECORD", "")
    return path


def submit(folder: pathlib.Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = ["submit", "--requirements", "requirements.txt", *options, "app.py"]
    command = [sys.executable, "-m", "firesteel.cli", *words]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    environment.pop("PYSPARK_PYTHON", None)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.once
def test_an_environment_is_built_once_for_what_it_is_made_of(tmp_path: pathlib.Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    first = wheel(tmp_path, "1.0")
    (tmp_path / "requirements.txt").write_text(f"{first}  # ours\n")
    done = submit(tmp_path, "--master", "local-cluster[2,1,512]")
    assert done.stdout == "1.0 ['1.0 a', '1.0 b']\n", done.stderr
    assert "builds an environment" in done.stderr
    again = submit(tmp_path, "--master", "local[2]")
    assert again.stdout == "1.0 ['1.0 a', '1.0 b']\n", again.stderr
    assert "builds an environment" not in again.stderr
    (tmp_path / "requirements.txt").write_text(f"{wheel(tmp_path, '2.0')}\n")
    other = submit(tmp_path, "--master", "local[2]")
    assert other.stdout == "2.0 ['2.0 a', '2.0 b']\n", other.stderr
    built = sorted(path.name for path in (tmp_path / "cache" / "firesteel" / "environments").iterdir())
    assert len(built) == 4 and not any(name.startswith("building") for name in built), built


def test_what_cannot_be_installed_is_said_and_leaves_nothing(tmp_path: pathlib.Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    (tmp_path / "requirements.txt").write_text("./nowhere-1.0-py3-none-any.whl\n")
    done = submit(tmp_path)
    assert done.returncode == 2
    assert "cannot be installed" in done.stderr and "nowhere-1.0" in done.stderr
    assert not list((tmp_path / "cache" / "firesteel" / "environments").iterdir())


def test_two_pythons_for_executors_are_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    (tmp_path / "requirements.txt").write_text("")
    done = submit(tmp_path, "--conf", "spark.pyspark.python=/usr/bin/python3")
    assert done.returncode == 2 and "another one is set: /usr/bin/python3" in done.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    done = submit(tmp_path)
    assert done.returncode == 2 and "there is no file requirements.txt" in done.stderr
