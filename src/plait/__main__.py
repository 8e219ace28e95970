"""``python -m plait``: the command line."""

from __future__ import annotations

import sys

from plait.cli.main import main

sys.argv[0] = "plait"  # as it is recorded, and as usage lines say it
main()
