"""Applications on a real Kubernetes: their executors are pods, which are killed, evicted and refused.

`python3 tests/kubernetes/run.py FIRESTEEL PROGRAM` starts `cluster.py --node`, whose first run builds Kubernetes, and
runs PROGRAM (`program.rs`) by `FIRESTEEL submit`, with a token that has the rights of deploy/kubernetes/rbac.yaml and
no others. `--only NAME` runs some of the checks, `--list` names them. It ends with 1 if one fails, with 3 if a program
that it needs is missing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import checks
from api import Api
from setting import Setting

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Runs the checks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("firesteel", type=Path)
    parser.add_argument("program", type=Path)
    parser.add_argument("--python", type=Path, help="the Python of an environment with Firesteel and numpy")
    parser.add_argument("--cache", type=Path, help="the folder of Kubernetes as it was built")
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    there = [*checks.ALL, *(checks.OF_PYTHON if options.python else [])]
    wanted: list[Callable[[Setting], None]] = [
        check for check in there if not options.only or check.__name__ in options.only
    ]
    if options.list:
        print("\n".join(check.__name__ for check in there))
        return 0
    command = [sys.executable, str(HERE / "cluster.py"), "--node"]
    command += ["--cache", str(options.cache)] if options.cache else []
    cluster = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert cluster.stdin is not None and cluster.stdout is not None
    failed = []
    try:
        line = cluster.stdout.readline()
        if not line:
            return cluster.wait()
        known = json.loads(line)
        api = Api(Path(known["kubeconfig"]))
        with tempfile.TemporaryDirectory(prefix="firesteel-pods-") as directory:
            setting = Setting(api, known, Path(directory), options.firesteel, options.program, options.python)
            for check in wanted:
                start = time.monotonic()
                try:
                    check(setting)
                    print(f"ok    {check.__name__} ({time.monotonic() - start:.1f} s)", flush=True)
                except Exception:
                    failed.append(check.__name__)
                    print(f"FAIL  {check.__name__}\n{traceback.format_exc()}", flush=True)
                finally:
                    setting.clear()
    finally:
        cluster.stdin.close()
        try:
            cluster.wait(60)
        except subprocess.TimeoutExpired:
            cluster.kill()
    print(f"{len(wanted) - len(failed)} of {len(wanted)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
