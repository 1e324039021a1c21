"""Code of a worker process around the functions of the user: it loads them, and describes their failures.

``server`` has the process itself, and the server that forks it; the engine runs the tasks.
"""

from __future__ import annotations

from firesteel.worker.functions import load_function

__all__ = ["load_function"]
