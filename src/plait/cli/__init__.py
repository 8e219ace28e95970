"""What can be typed at a prompt? One module per command, imported when it is called."""
