"""The Python blocks of pages run, one after the other, and print what the page says that they print."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"

#: Packages that a block may show, and that need not be here.
OTHERS = ("duckdb", "polars")


def blocks(text: str) -> list[str]:
    """The blocks of Python in a page or a part of it, without those whose packages are not installed."""
    found = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    missing = [name for name in OTHERS if importlib.util.find_spec(name) is None]
    return [block for block in found if not any(f"import {name}\n" in block for name in missing)]


def check(program: str, least: int, folder: Path, *options: str) -> None:
    """Runs a program, whose lines that print say what they print."""
    wanted = re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE)
    assert len(wanted) == len(re.findall(r"^print\(", program, re.MULTILINE)) >= least
    app = folder / "app.py"
    app.write_text(program, encoding="utf-8")
    done = subprocess.run([sys.executable, *options, str(app)], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == wanted


def test_the_page_for_refused_programs_says_what_happens(tmp_path: Path) -> None:
    program = "\n".join(blocks((DOCS / "from-connect.md").read_text(encoding="utf-8")))
    check(program + "\nsc.stop()\n", 10, tmp_path, "-m", "firesteel.as_pyspark")


def test_the_section_on_tables_says_what_happens(tmp_path: Path) -> None:
    page = (DOCS / "python.md").read_text(encoding="utf-8")
    section = page.partition("\n## Tables\n")[2].partition("\n## ")[0]
    check("\n".join(blocks(section)) + "\nspark.stop()\n", 9, tmp_path)
