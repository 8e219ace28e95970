"""What happened? Every run, task, artifact, metric and log line, in plain SQL tables."""
