"""What code does a step really run?"""

from plait.engine.closure.diff import Change, diff
from plait.engine.closure.walker import Walker, closure_of
from plait.record.closures import Closure, Component

__all__ = ["Change", "Closure", "Component", "Walker", "closure_of", "diff"]
