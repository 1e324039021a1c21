"""Files that a program ships: adding, finding, and archives that try to get out of their folder."""

import io
import os
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from firesteel import files
from firesteel.files import SparkFiles, add_archive, add_file, unpack, uri_of


@pytest.fixture
def here(tmp_path: Path) -> Any:
    """As much of a context as files need."""
    (tmp_path / "application").mkdir()
    return SimpleNamespace(_native=SimpleNamespace(directory=str(tmp_path / "application")))


def tar_of(path: Path, *members: tarfile.TarInfo, content: bytes = b"x") -> str:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            member.size = len(content) if member.isfile() else 0
            archive.addfile(member, io.BytesIO(content))
    return str(path)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    return made


def test_an_added_file_is_found_by_its_name(here: Any, tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_text("100")
    for path in (str(tmp_path / "a b.txt"), f"file://{tmp_path}/a%20b.txt", f"file:{tmp_path}/a%20b.txt"):
        added = add_file(here, path)
        assert added == os.path.join(files.root_directory(here), "a b.txt")
        assert Path(added).read_text() == "100"
    assert os.listdir(files.root_directory(here)) == ["a b.txt"]
    assert uri_of(str(tmp_path / "a b.txt")) == f"file:{tmp_path}/a b.txt"


def test_another_file_of_the_same_name_is_refused(here: Any, tmp_path: Path) -> None:
    for folder, text in (("one", "1"), ("two", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "f").write_text(text)
    add_file(here, str(tmp_path / "one" / "f"))
    with pytest.raises(RuntimeError, match="'f' with other content"):
        add_file(here, str(tmp_path / "two" / "f"))
    assert (Path(files.root_directory(here)) / "f").read_text() == "1"


def test_a_directory_needs_recursive(here: Any, tmp_path: Path) -> None:
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "f").write_text("1")
    with pytest.raises(IsADirectoryError, match="recursive=True"):
        add_file(here, str(tmp_path / "d"))
    assert (Path(add_file(here, str(tmp_path / "d"), recursive=True)) / "e" / "f").read_text() == "1"
    assert add_file(here, str(tmp_path / "d"), recursive=True).endswith("d")


def test_what_is_not_there_or_of_another_kind_is_named(here: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file nowhere.txt to add"):
        add_file(here, "nowhere.txt")
    with pytest.raises(ValueError, match="ftp://host/f cannot be added"):
        add_file(here, "ftp://host/f")
    with pytest.raises(FileNotFoundError, match="no archive"):
        add_archive(here, str(tmp_path / "none.zip"))
    (tmp_path / "plain.txt").write_text("")
    with pytest.raises(RuntimeError, match="plain.txt is not an archive"):
        add_archive(here, str(tmp_path / "plain.txt"))
    (tmp_path / "bad.zip").write_text("no zip")
    with pytest.raises(RuntimeError, match="bad.zip cannot be unpacked"):
        add_archive(here, str(tmp_path / "bad.zip"))
    assert os.listdir(files.root_directory(here)) == []


def test_a_file_that_no_server_gives_is_an_error(here: Any) -> None:
    with pytest.raises(RuntimeError, match="http://127.0.0.1:1/f cannot be fetched"):
        add_file(here, "http://127.0.0.1:1/f")


@pytest.mark.parametrize("suffix", ["zip", "tar.gz", "tgz", "tar", "jar"])
def test_an_archive_becomes_a_folder(here: Any, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix in ("zip", "jar"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("d/run.sh", "content")
    else:
        tar_of(path, member("d", tarfile.DIRTYPE), member("d/run.sh"), content=b"content")
    assert Path(add_archive(here, str(path)), "d", "run.sh").read_text() == "content"
    assert Path(add_archive(here, f"{path}#env"), "d", "run.sh").read_text() == "content"
    assert sorted(os.listdir(files.root_directory(here))) == sorted([path.name, "env"])
    assert add_archive(here, f"{path}#env").endswith("env")
    other = tar_of(tmp_path / "other.tar", member("d", tarfile.DIRTYPE), member("d/run.sh"), content=b"changed")
    with pytest.raises(RuntimeError, match="with other content has that name"):
        add_archive(here, f"{other}#env")
    assert sorted(os.listdir(files.root_directory(here))) == sorted([path.name, "env"])


@pytest.mark.parametrize("alias", ["..", ".", "a/b", "/etc"])
def test_an_archives_folder_has_a_plain_name(here: Any, tmp_path: Path, alias: str) -> None:
    path = tar_of(tmp_path / "a.tar.gz", member("f"))
    with pytest.raises(ValueError, match="not the name of a folder"):
        add_archive(here, f"{path}#{alias}")


def test_programs_stay_executable_and_good_links_stay_links(tmp_path: Path) -> None:
    path = tar_of(
        tmp_path / "a.tar.gz",
        member("bin/python", mode=0o4755),
        member("bin/python3", tarfile.SYMTYPE, "python"),
        member("lib/python", tarfile.SYMTYPE, "../bin/python"),
        member("again", tarfile.LNKTYPE, "bin/python"),
    )
    unpack(path, str(tmp_path / "out"), path)
    out = tmp_path / "out"
    assert (out / "bin/python").stat().st_mode & 0o7777 == 0o755
    assert os.readlink(out / "lib/python") == "../bin/python"
    assert (
        (out / "lib/python").read_bytes() == (out / "bin/python3").read_bytes() == (out / "again").read_bytes() == b"x"
    )


EVIL = {
    "up": [member("../out.txt")],
    "up within": [member("a/../../out.txt")],
    "absolute": [member("/tmp/firesteel-evil.txt")],
    "absolute link": [member("l", tarfile.SYMTYPE, "/etc")],
    "link up": [member("l", tarfile.SYMTYPE, "..")],
    "link up from below": [member("d/l", tarfile.SYMTYPE, "../../out.txt")],
    "through a link": [member("l", tarfile.SYMTYPE, ".."), member("l/out.txt")],
    "a link that turns bad": [member("l", tarfile.SYMTYPE, "d/.."), member("d", tarfile.SYMTYPE, ".")],
    "a name with a bad link in the way": [
        member("d/e/l", tarfile.SYMTYPE, "../.."),
        member("m", tarfile.SYMTYPE, "d/e/l/.."),
        member("m/out.txt"),
    ],
    "hard link up": [member("h", tarfile.LNKTYPE, "../secret")],
    "absolute hard link": [member("h", tarfile.LNKTYPE, "/etc/passwd")],
    "device": [member("n", tarfile.CHRTYPE)],
    "pipe": [member("p", tarfile.FIFOTYPE)],
}


@pytest.mark.parametrize("members", EVIL.values(), ids=EVIL.keys())
def test_no_member_gets_out_and_nothing_is_left(tmp_path: Path, members: list[tarfile.TarInfo]) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "secret").write_text("secret")
    path = tar_of(tmp_path / "evil.tar.gz", member("good"), *members)
    with pytest.raises(RuntimeError, match="archive's"):
        unpack(path, str(tmp_path / "root" / "out"), path)
    assert sorted(os.listdir(tmp_path)) == ["evil.tar.gz", "root"]
    assert os.listdir(tmp_path / "root") == ["secret"]
    assert not os.path.exists("/tmp/firesteel-evil.txt")


@pytest.mark.parametrize("name", ["../out.txt", "/tmp/firesteel-evil.txt", "a/../../b"])
def test_no_zip_member_gets_out(tmp_path: Path, name: str) -> None:
    (tmp_path / "root").mkdir()
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(RuntimeError, match="outside of its folder"):
        unpack(str(path), str(tmp_path / "root" / "out"), str(path))
    assert os.listdir(tmp_path / "root") == []


def test_no_zip_link_gets_out(tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    link = zipfile.ZipInfo("l")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc")
    with pytest.raises(RuntimeError, match="leads to '/etc'"):
        unpack(str(path), str(tmp_path / "out"), str(path))


def test_a_later_member_of_the_same_name_does_not_write_through_a_link(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "a.tar.gz", member("f"), member("l", tarfile.SYMTYPE, "f"), member("l"), content=b"new")
    unpack(path, str(tmp_path / "out"), path)
    assert not (tmp_path / "out" / "l").is_symlink()


def test_spark_files_is_not_constructed() -> None:
    with pytest.raises(NotImplementedError, match="Do not construct SparkFiles objects"):
        SparkFiles()


def test_tasks_find_files_of_the_driver(sc: Any, tmp_path: Path) -> None:
    (tmp_path / "factor.txt").write_text("100")
    sc.addFile(str(tmp_path / "factor.txt"))

    def times_factor(x: int) -> int:
        with open(SparkFiles.get("factor.txt")) as file:
            return x * int(file.read())

    assert sc.parallelize([1, 2]).map(times_factor).collect() == [100, 200]
    roots = sc.parallelize([1, 2]).map(lambda _: SparkFiles.getRootDirectory()).collect()
    assert all(os.path.isfile(os.path.join(root, "factor.txt")) for root in roots)
