"""How do you see it in a browser? An HTTP API on the records, and the web interface that is built on it."""
