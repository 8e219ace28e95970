"""How do runs, graphs and errors look to people? As lines of text, as HTML, as JSON lines."""
