"""``firesteel executor``: an executor for a program that listens for executors, started by a batch system, another
scheduler, or by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from firesteel import _native

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES = """example:
  firesteel secret new app.secret
  firesteel submit --master listen://a:7000 --conf spark.authenticate.secret.file=app.secret app.py
  firesteel executor --driver a:7000 --secret-file app.secret --cores 4 --memory 8g       on each host
"""

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
    types: dict[str, Callable[[str], Any]] = {"driver": _address, "cores": int, "memory": memory}
    for option in _native.command_options("executor"):
        names = [f"--{option.long}", *([f"-{option.short}"] if option.short else [])]
        said = os.environ.get(option.variable) if option.variable else None
        about = (option.help[:1].lower() + option.help[1:]).removesuffix(".").replace("%", "%%")
        if option.value is None:
            parser.add_argument(*names, action="store_true", default=said == "true", help=about)
            continue
        parser.add_argument(
            *names,
            required=option.is_required,
            default=said or option.default,
            metavar=option.value,
            choices=option.choices or None,
            type=types.get(option.long, str),
            help=about,
        )
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
    cores = os.cpu_count() or 1 if chosen.cores is None else chosen.cores
    if cores < 1:
        parser.error("--cores must be 1 or more")
    if (chosen.secret_file is None) != chosen.insecure:
        parser.error("say either --secret-file FILE, with the program's secret, or --insecure")
    try:
        _native.begin_log(chosen.log_level)
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
        "cores": cores,
        "memory": chosen.memory,
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
