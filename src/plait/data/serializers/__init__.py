"""How are the values of each library stored? One module per family, imported when the first such value appears."""
