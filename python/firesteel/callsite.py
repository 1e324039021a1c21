"""Finds the line of the user's program that called an operation.

Every RDD carries its line, so that errors, progress and ``toDebugString`` name lines of the program, not of the
package. The line is found by walking the stack to the first frame whose file is not in the package; no file is read.
"""

from __future__ import annotations

import os
import sys

__all__ = ["here", "place"]

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def location() -> tuple[str, str, int]:
    """Returns function, file and line of the first frame outside the package.

    >>> location()[2]
    1
    """
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno


def here(operation: str) -> str:
    """Returns the line that called an operation, as engine and messages name it.

    >>> here("map").startswith("map at ")
    True
    """
    _, file, line = location()
    return f"{operation} at {os.path.basename(file)}:{line}"
