"""Archives of any members: whatever they say, nothing outside of the folder is written, and no link leads out of it."""

import os
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from hypothesis import event, given, settings
from hypothesis import strategies as st

from firesteel.errors import FiresteelError
from firesteel.files import unpack

PATHS = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=4).map("/".join)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
MEMBERS = st.lists(st.tuples(KINDS, PATHS, PATHS), min_size=1, max_size=8)


def packed(members: list[tuple[bytes, str, str]]) -> bytes:
    file = BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for kind, name, link in members:
            made = tarfile.TarInfo(name)
            made.type, made.linkname = kind, link
            content = b"written" if made.isfile() else b""
            made.size = len(content)
            archive.addfile(made, BytesIO(content))
    return file.getvalue()


def around(folder: Path) -> dict[str, str]:
    """All that lies beside the folder that archives are unpacked to."""
    found = {}
    for directory, names, files in os.walk(folder):
        if "out" in names:
            names.remove("out")
        for name in (*names, *files):
            path = Path(directory, name)
            found[str(path.relative_to(folder))] = path.read_text() if path.is_file() else "directory"
    return found


@settings(deadline=None)
@given(MEMBERS)
def test_nothing_gets_out(members: list[tuple[bytes, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve() / "deep" / "root"
        root.mkdir(parents=True)
        for name in ("a", "b"):
            (root / name).write_text("outside")
        (root.parent / "c").write_text("outside")
        before = around(root.parent)
        source = Path(directory) / "archive.tar"
        source.write_bytes(packed(members))
        try:
            unpack(str(source), str(root / "out"), "archive.tar")
            event("unpacked")
        except FiresteelError as error:
            event(f"refused: {type(error.__cause__).__name__}")
            assert not (root / "out").exists()
        assert around(root.parent) == before
        for path in (root / "out").rglob("*"):
            assert Path(os.path.realpath(path)).is_relative_to(root / "out"), f"{path} leads out of the folder"
