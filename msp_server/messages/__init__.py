"""What is said: frozen values without I/O, one module for each kind of message."""
