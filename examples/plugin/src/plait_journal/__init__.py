"""A journal of finished steps, and datasets of JSON lines."""
