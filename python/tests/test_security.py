"""What arrives from elsewhere and stays in its folder. (test_spill_files.py has the encryption of files.)"""

import json
import os
import stat
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from firesteel import files
from firesteel.worker import arrivals


def arrive(root: Path, monkeypatch: pytest.MonkeyPatch, entries: list[dict[str, Any]], content: bytes) -> None:
    """As if the driver had offered these, all with the same contents."""
    def fetch_file(asked: str, path: str) -> None:
        Path(path).write_bytes(json.dumps(entries).encode() if asked == "the list" else content)

    monkeypatch.setattr(arrivals, "_native", SimpleNamespace(fetch_file=fetch_file))
    arrivals.fetch("the list", str(root))


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "..", ".", "", "a/x"])
def test_a_file_that_arrives_under_a_name_that_leads_elsewhere_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError, match="not the name of a file"):
        arrive(tmp_path / "files", monkeypatch, [{"name": name, "hash": "h", "mode": 0o600}], b"x")
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {"files.lock"}


@pytest.mark.parametrize("member", ["../x", "/tmp/firesteel-x", "a/../../x"])
def test_an_archive_that_arrives_writes_nothing_outside(
    member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo(member))
    content = (tmp_path / "evil.tar").read_bytes()
    with pytest.raises(RuntimeError, match="outside of its folder"):
        arrive(tmp_path / "files", monkeypatch, [{"name": "env", "hash": "h", "unpack": "evil.tar"}], content)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"evil.tar", "files.lock"}
    assert not os.path.lexists("/tmp/firesteel-x")


def test_directories_of_files_are_their_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0)
    try:
        arrive(tmp_path / "files", monkeypatch, [{"name": "a", "hash": "h", "mode": 0o600}], b"x")
        driver: Any = SimpleNamespace(_native=SimpleNamespace(directory=str(tmp_path)))
        made = [tmp_path / "files", Path(files.root_directory(driver))]
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in made] == [0o700] * 2
