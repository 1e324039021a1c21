"""What happens in a worker process around the functions of the user: loading them, and telling why they failed.

The process itself, and the server that forks it, are in ``server``; the engine runs the tasks.
"""

from __future__ import annotations

from firesteel.worker.functions import load_function

__all__ = ["load_function"]
