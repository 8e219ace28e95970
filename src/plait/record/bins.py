"""In which bin of time does a moment of a run lie? The same rule in Python and in SQL.

A bin is 10 ms wide in the first five seconds of a run, and twice as wide each time the run has got twice as long: the
latest half of it always has some 250 bins, and a run of any length a few thousand.
"""

from __future__ import annotations

import math

__all__ = ["BEGIN", "SPANS_OF_ATTEMPTS", "SPAN_COLUMNS", "SUMMED_FROM", "bin_of"]

SUMMED_FROM = 2_000  # attempts of a run; those of a smaller one are read one by one as quickly

# Stores hold the numbers of bins, so these never change.
_WIDTH = 0.01
_FIRST = 512
_OCTAVE = 256
_OCTAVES = 30

# When an attempt that ended began: what was taken from elsewhere, or decided, took no time.
BEGIN = "COALESCE(attempt.started_at, attempt.ended_at)"


def bin_of(seconds: float) -> int:
    """The bin of a moment, in seconds since the run began."""
    whole = _FIRST * _WIDTH
    if seconds < whole:
        return max(0, int(seconds / _WIDTH))
    mantissa, octave = math.frexp(seconds / whole)
    return _FIRST + (octave - 1) * _OCTAVE + int((mantissa - 0.5) * 2 * _OCTAVE)


SPAN_COLUMNS = "run, bin, node, worker, state, attempts, seconds, longest, first_start, last_start, last_end"
_SINCE = f"({BEGIN} - run.started_at)"
# Databases round differently here: at an edge a bin more or less is as good.
_BIN = (
    f"CASE WHEN {_SINCE} < 0 THEN 0 WHEN {_SINCE} < {_FIRST * _WIDTH!r} THEN CAST({_SINCE} / {_WIDTH!r} AS INTEGER)"
    + "".join(
        f" WHEN {_SINCE} < {2 * whole!r} THEN {_FIRST + octave * _OCTAVE}"
        f" + CAST(({_SINCE} - {whole!r}) / {whole / _OCTAVE!r} AS INTEGER)"
        for octave, whole in enumerate(_FIRST * _WIDTH * 2**at for at in range(_OCTAVES))
    )
    + f" ELSE {_FIRST + _OCTAVES * _OCTAVE} END"
)
_TOOK = f"(attempt.ended_at - {BEGIN})"
SPANS_OF_ATTEMPTS = f"""SELECT attempt.run, {_BIN} AS bin, attempt.node, COALESCE(attempt.worker, ''), attempt.state,
    COUNT(*), SUM({_TOOK}), MAX({_TOOK}), MIN({BEGIN}), MAX({BEGIN}), MAX(attempt.ended_at)
    FROM attempt JOIN run ON run.key = attempt.run
    WHERE attempt.ended_at IS NOT NULL AND attempt.state IS NOT NULL
    AND (attempt.attempt > 0 OR attempt.state = 'cached')
    AND run.key IN (SELECT run FROM pace GROUP BY run HAVING SUM(attempts) > {SUMMED_FROM})"""
