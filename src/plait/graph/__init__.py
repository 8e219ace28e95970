"""What is to be done? Steps, pipelines, and the graph that tracing them gives: pure values, no I/O, no clock."""
