"""Python functions at native speed: which functions can be lowered to kernels, and how tasks run those.

CPython is the truth, and native code a shortcut that only the clock can see. ``lowering`` reads the bytecode of a
function and makes a small program of it, or says why it cannot. ``plan`` finds the steps of a chain that can run
natively together. ``running`` runs them in a task, and calls the user's own functions for every record that the kernels
do not answer for. ``explaining`` tells people about it. The kernels themselves are Rust's (``crates/kernels``).
"""

from __future__ import annotations

from firesteel.native.lowering import Lowered, NotLowered, lower

__all__ = ["Lowered", "NotLowered", "lower"]
