"""How does a pipeline become a run? It is prepared, recorded and carried to its end; later resumed or forked."""
