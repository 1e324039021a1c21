"""``firesteel executor``: an executor for a program that listens for executors, started by a batch system, another
scheduler, or by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES = """example:
  firesteel secret new app.secret
  firesteel submit --master listen://a:7000 --conf spark.authenticate.secret.file=app.secret app.py
  firesteel executor --driver a:7000 --secret-file app.secret --cores 4 --memory 8g       on each host
"""

#: The tenths of an executor's memory for records; the rest is left to the program's own objects, as in Spark.
_BUDGET_OF_TEN = 6
_UNITS = {"": 1 << 20, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def add_parser(commands: _Commands) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "executor",
        help="run tasks of a program that has the master listen://HOST:PORT",
        description="Run tasks of a Python program elsewhere, until it ends.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--driver", required=True, metavar="HOST:PORT", type=_address, help="the program's address")
    secret = parser.add_mutually_exclusive_group(required=True)
    secret.add_argument("--secret-file", metavar="FILE", help="the file with the program's secret")
    secret.add_argument("--insecure", action="store_true", help="connect without encryption or authentication")
    parser.add_argument("--host", default=socket.gethostname(), help="the name by which others reach this machine")
    parser.add_argument("--cores", "-c", type=int, default=os.cpu_count() or 1, metavar="N", help="tasks at a time")
    parser.add_argument("--memory", "-m", type=memory, default="1g", help="as 4g, or in MiB")
    parser.add_argument("--dir", "-d", default="firesteel-executor", help="the directory for its files")
    parser.set_defaults(parser=parser)


def _address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not an address; write HOST:PORT")
    return text


def memory(text: str) -> int:
    """Returns bytes for ``512m`` or ``2g``; a bare number is MiB, as in Spark's daemons.

    >>> memory("2g"), memory("512")
    (2147483648, 536870912)
    """
    found = re.fullmatch(r"(\d+)([kmgt]?)b?", text.strip().lower())
    if found is None or int(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount of memory; write 512m or 4g")
    return int(found[1]) * _UNITS[found[2]]


def run(chosen: argparse.Namespace) -> int:
    """Runs an executor until the driver releases it; the process ends then."""
    from firesteel.worker import agent

    parser: argparse.ArgumentParser = chosen.parser
    if chosen.cores < 1:
        parser.error("--cores must be 1 or more")
    try:
        secret = None if chosen.insecure else read_secret(chosen.secret_file)
        os.makedirs(chosen.dir, exist_ok=True)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    config = {
        "driver": chosen.driver,
        "secret": secret,
        "name": "",
        "host": chosen.host,
        "bind": f"{chosen.host}:0",
        "slots": chosen.cores,
        "memory": chosen.memory // 10 * _BUDGET_OF_TEN,
        "directory": os.path.abspath(chosen.dir),
        "service": None,
    }
    agent.run(json.dumps(config))
    return 0


def read_secret(path: str) -> str:
    """Reads the secret from a file that no other user can read or change."""
    # Opened first, then checked: the file that is checked is the one that is read.
    with open(path, encoding="utf-8") as file:
        about = os.fstat(file.fileno())
        if about.st_uid != os.geteuid():
            raise ValueError(f"{path} holds a secret, and belongs to another user ({about.st_uid})")
        if about.st_mode & 0o077:
            raise ValueError(
                f"{path} holds a secret, but its mode is {about.st_mode & 0o777:03o}: others can read it; run"
                f" `chmod 600 {path}`"
            )
        return file.read().strip()
