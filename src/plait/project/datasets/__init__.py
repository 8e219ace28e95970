"""How is each kind of data read and written? One module per family, imported only when an entry uses it."""
