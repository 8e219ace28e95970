"""plait: pipelines of plain functions, data outside the code, every run recorded."""

from plait._version import __version__

__all__ = ["__version__"]
