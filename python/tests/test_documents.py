"""The Python blocks of docs/from-connect.md run, one after the other, and print what the page says that they print."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "from-connect.md"


def test_the_page_for_refused_programs_says_what_happens(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    program = "\n".join(blocks)
    wanted = re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE)
    assert len(wanted) == len(re.findall(r"\bprint\(", program)) > 10
    app = tmp_path / "app.py"
    app.write_text(program + "\nsc.stop()\n", encoding="utf-8")
    command = [sys.executable, "-m", "firesteel.as_pyspark", str(app)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == wanted
