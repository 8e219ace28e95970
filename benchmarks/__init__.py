"""How fast and how heavy is plait beside its peers? `python -m benchmarks` prints one table per measure."""
