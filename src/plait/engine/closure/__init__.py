"""What code does a step really run?"""

from plait.record.closures import Closure, Component
from plait.engine.closure.walker import Walker, closure_of

__all__ = ["Closure", "Component", "Walker", "closure_of"]
