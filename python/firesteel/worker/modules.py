"""Checks that the modules which a function needs are here, before a stage begins rather than in its midst.

The driver recorded which modules the function names, and which of its parts names each (``firesteel.pickling``). They
are looked for without being imported, by the top package of each; a module found once is not looked for again.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys

from firesteel.errors import MissingModuleError

_found: set[str] = set()
_checked: set[bytes] = set()


def encode(needs: dict[str, str]) -> bytes:
    """Returns the input of :func:`check`: for each module the function that names it, in one line, or empty."""
    return "\t".join(f"{module} {function}" for module, function in sorted(needs.items())).replace("\n", " ").encode()


def check(encoded: bytes) -> None:
    """Raises :class:`~firesteel.errors.MissingModuleError` if a module cannot be found here.

    >>> check(b"json parse")
    >>> check(b"no_such_module_here parse")
    Traceback (most recent call last):
    ...
    firesteel.errors.MissingModuleError: ...
    """
    if encoded in _checked:
        return
    missing = []
    for need in encoded.decode().split("\t"):
        module, _, function = need.partition(" ")
        if not is_here(module):
            missing.append((module, function))
    if missing:
        raise MissingModuleError(_text(missing), name=missing[0][0])
    _checked.add(encoded)


def is_here(module: str) -> bool:
    """Returns whether the top package of a module can be imported."""
    if module in _found:
        return True
    if module not in sys.modules and not _find(module):
        importlib.invalidate_caches()  # its file may have come a moment ago
        if not _find(module):
            return False
    _found.add(module)
    return True


def _find(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def how_to_ship(module: str) -> str:
    """Says what a person does about a module that is missing in executors."""
    return (
        f'If it is yours, ship it: sc.addPyFile("{module}.py") (a package as a .zip), or firesteel submit --py-files'
        f" {module}.py;"
        f" else install {module} for {sys.executable}."
    )


def _text(missing: list[tuple[str, str]]) -> str:
    from firesteel.worker.functions import process

    lines = [f"{module}, which {function} needs. {how_to_ship(module)}" for module, function in missing]
    if len(lines) == 1:
        return f"the {process()} has no module {lines[0]}"
    return f"the {process()} lacks {len(lines)} modules:\n" + "\n".join(f"  {line}" for line in lines)
