"""Hashes a key in another process, one that shares neither addresses nor objects with this one.

The code of some hashes cannot be inspected (``firesteel.keys``). Workers of a host are forked from one server and share
its addresses, so a hash that differs between hosts does not differ between them. An interpreter started by itself has
other addresses; a worker that meets such keys starts one, sends it copies of some of them, and compares. It lives as
long as the worker, and ends when the pipe to it does.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import struct
import subprocess
import sys
from typing import IO, Any

from firesteel.errors import FiresteelError

__all__ = ["hash_elsewhere", "main"]

PATIENCE_SECONDS = 60.0
"""The longest that the other process may take to start, to load a key or to hash it."""

_LENGTH = struct.Struct("<Q")
_PROGRAM = "import sys, json\nsys.path[:] = json.loads(sys.argv[1])\nfrom firesteel.trial import main\nmain()"

_other: subprocess.Popen[bytes] | None = None


def hash_elsewhere(key: Any) -> int:
    """Returns the hash that a copy of the key has in another process."""
    from firesteel.pickling import dump_records

    data = dump_records([key])
    try:
        is_hashed, answer = _ask(data)
    except (OSError, EOFError, TimeoutError) as error:
        _end()
        raise FiresteelError(_cannot(key, f"the hashing process ended or did not answer: {error}")) from None
    if not is_hashed:
        raise FiresteelError(_cannot(key, f"in another process it raises {answer}"))
    return int(answer)


def _cannot(key: Any, why: str) -> str:
    kind = type(key)
    return (
        f"it cannot be found out whether a key of type {kind.__module__}.{kind.__qualname__} has the same hash in all"
        f" processes: {why}. Take a tuple of its numbers and text as the key."
    )


def _ask(data: bytes) -> tuple[bool, str]:
    global _other
    if _other is None or _other.poll() is not None:
        words = [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)]
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        pipe = subprocess.PIPE
        _other = subprocess.Popen(words, stdin=pipe, stdout=pipe, env=environment, bufsize=0)
    assert _other.stdin is not None and _other.stdout is not None
    _send(_other.stdin, json.dumps(sys.path).encode(), PATIENCE_SECONDS)
    _send(_other.stdin, data, PATIENCE_SECONDS)
    answer = _receive(_other.stdout, PATIENCE_SECONDS)
    if answer is None:
        raise EOFError("it ended")
    is_hashed, text = json.loads(answer)
    return bool(is_hashed), str(text)


def _end() -> None:
    global _other
    other, _other = _other, None
    if other is not None:
        other.kill()
        other.wait()


def _send(pipe: IO[bytes], data: bytes, patience_seconds: float | None = None) -> None:
    view = memoryview(_LENGTH.pack(len(data)) + data)
    # In parts that cannot block, so that a process that hangs does not stop this one for ever.
    while view:
        # PIPE_BUF bytes fit without waiting, if any do.
        if patience_seconds is not None and not select.select([], [pipe], [], patience_seconds)[1]:
            raise TimeoutError(f"it read nothing for {patience_seconds:g} seconds")
        view = view[pipe.write(view[: select.PIPE_BUF]) :]


def _receive(pipe: IO[bytes], patience_seconds: float | None = None) -> bytes | None:
    """Reads one message; None where the pipe has ended."""
    head = _read(pipe, _LENGTH.size, patience_seconds)
    return None if head is None else _read(pipe, _LENGTH.unpack(head)[0], patience_seconds)


def _read(pipe: IO[bytes], length: int, patience_seconds: float | None) -> bytes | None:
    data = bytearray()
    while len(data) < length:
        if patience_seconds is not None and not select.select([pipe], [], [], patience_seconds)[0]:
            raise TimeoutError(f"it took more than {patience_seconds:g} seconds")
        more = pipe.read(length - len(data))
        if not more:
            return None
        data += more
    return bytes(data)


def main() -> None:
    """Hashes the keys that come through standard input, until it ends."""
    keys_in = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    # Modules of the program may read and print when they are loaded.
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    from firesteel import keys

    if os.environ.get("FIRESTEEL_AS_PYSPARK") == "1":
        from firesteel import as_pyspark

        as_pyspark.install()
    keys.install()
    while (path := _receive(keys_in)) is not None and (data := _receive(keys_in)) is not None:
        # Paths that were added to the worker's since are searched here, too.
        sys.path[:] = json.loads(path)
        _send(answers, json.dumps(_hashed(data)).encode())


def _hashed(data: bytes) -> tuple[bool, str]:
    try:
        [key] = pickle.loads(data)
        return True, str(hash(key))
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"
