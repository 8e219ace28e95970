"""How does it run? The state machine that decides, and the loop that carries out what it decides."""
