"""The command ``firesteel``: ``firesteel shell``, ``submit app.py``, ``master``, ``worker`` and others.

Each subcommand has a file of its own; options that say where and how a program runs are in ``options``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

__all__ = ["main"]

_EXAMPLES = """examples:
  firesteel shell --master 'local[4]'
  firesteel submit --py-files helpers.py,lib.zip app.py input.txt
  firesteel submit --as-pyspark app.py        a program whose imports say pyspark
  firesteel master --secret-file S, firesteel worker firesteel://HOST:7077 --secret-file S     a cluster
  firesteel COMMAND --help                    the options of one command
"""


def main(words: Sequence[str] | None = None) -> int:
    """Runs a command line (that of this process when None); returns the exit code."""
    from firesteel.cli import cluster, executor, shell, submit

    words = list(sys.argv[1:] if words is None else words)
    if words and words[0] in cluster.COMMANDS:
        return cluster.run_native(words)
    parser = argparse.ArgumentParser(
        prog="firesteel",
        description="Spark's core without a JVM: programs on resilient distributed datasets.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=version_text())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    shell.add_parser(commands)
    submit.add_parser(commands)
    executor.add_parser(commands)
    for name, about in cluster.COMMANDS.items():
        commands.add_parser(name, help=(about[:1].lower() + about[1:]).removesuffix("."))
    commands.add_parser("version", help="show the versions of Firesteel and of Python, and the platform")
    chosen = parser.parse_args(submit.arranged(words))
    if chosen.command == "shell":
        return shell.run(chosen)
    if chosen.command == "submit":
        return submit.run(chosen)
    if chosen.command == "executor":
        return executor.run(chosen)
    if chosen.command == "version":
        print(version_text())
        return 0
    parser.print_help()
    return 2


def version_text() -> str:
    """Returns ``Firesteel 0.1.0 (the RDD API of PySpark 4.3.0), Python 3.11.7, Linux x86_64``."""
    import platform

    from firesteel import _native
    from firesteel.as_pyspark import VERSION

    return (
        f"Firesteel {_native.__version__} (the RDD API of PySpark {VERSION}), Python {platform.python_version()},"
        f" {platform.system()} {platform.machine()}"
    )
