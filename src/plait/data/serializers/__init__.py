"""How are the values of each library stored? One module per family, imported when it is first needed."""
