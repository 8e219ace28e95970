"""Where is everything? Conf environments, parameters, credentials, the catalog and its datasets."""
