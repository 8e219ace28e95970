"""What data is there by name, where is it, and how is it read, checked and written?"""

from plait.project.catalog.catalog import Catalog, Saved
from plait.project.catalog.checks import Check, CheckFailed, CheckResult, check, find_checks
from plait.project.catalog.entry import Entry, base_name, is_parameter

__all__ = [
    "Catalog",
    "Check",
    "CheckFailed",
    "CheckResult",
    "Entry",
    "Saved",
    "base_name",
    "check",
    "find_checks",
    "is_parameter",
]
