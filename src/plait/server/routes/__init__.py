"""Which questions can be asked over HTTP? One module for each kind of thing that there is to see."""
