"""Where is everything? Conf, parameters, credentials, the catalog and its datasets, the stack."""
