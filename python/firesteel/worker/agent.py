"""An agent: the process on a host that holds the connection to a driver elsewhere, and has workers forked here.

Its configuration comes as JSON through standard input, or in a file of a cluster manager. It runs none of the program's
functions; the server of workers is a process of its own, of the interpreter that the program asks for.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from firesteel import _native, files
from firesteel.worker import arrivals

__all__ = ["main"]

_OF_THE_SAME_PYTHON = "sys.path[:] = json.loads(sys.argv[1])"
_OF_ANOTHER_PYTHON = (
    "sys.path[:] = [*sys.path[1:], *(path for path in json.loads(sys.argv[1]) if path not in sys.path)]"
)
_SERVER = "import sys, json\n{}\nfrom firesteel.worker.server import main\nmain()"


def main() -> None:
    """Runs until the driver releases it."""
    # Programs that tasks start are not executors.
    told = os.environ.pop("FIRESTEEL_AGENT", "1")
    # Ctrl-C is for the driver, which ends its agents.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run(None, told)


def run(config: str | None, told: str = "1") -> None:
    """Runs an agent, and ends the process. Its configuration is given, or comes from where ``FIRESTEEL_AGENT`` told."""
    code = 0
    try:
        _native.agent(config, told, _command)
    except (OSError, ValueError) as error:
        print(f"firesteel: an executor ends: {error}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _command(setting: str, directory: str) -> tuple[str, list[str], dict[str, str], str]:
    """Returns how the server of workers is started: its program, arguments, environment and directory."""
    told = json.loads(setting)
    root = files.below(directory)
    os.makedirs(root, exist_ok=True)
    program = _program(told, root)
    path = _OF_THE_SAME_PYTHON if program == sys.executable else _OF_ANOTHER_PYTHON
    arguments = ["-c", _SERVER.format(path), json.dumps(sys.path)]
    # Equal keys must hash alike in all workers.
    environment = {**told.get("environment", {}), "PYTHONHASHSEED": "0"}
    here = told.get("directory", "")
    return program, arguments, environment, here if os.path.isdir(here) else root


def _program(told: dict[str, Any], root: str) -> str:
    """Returns the workers' Python. A relative path may lead into an archive that the program ships."""
    program: str = told.get("python") or sys.executable
    if os.sep not in program or os.path.isabs(program):
        return program
    if told.get("files"):
        arrivals.fetch(told["files"], root)
    shipped = os.path.join(root, program)
    return os.path.normpath(shipped if os.path.exists(shipped) else os.path.join(told.get("directory", ""), program))


if __name__ == "__main__":
    main()
