"""``python -m firesteel.cli`` is the command ``firesteel``."""

import sys

from firesteel.cli import main

sys.exit(main())
