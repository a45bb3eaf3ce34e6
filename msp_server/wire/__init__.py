"""How messages travel: bytes to plain dictionaries and back; pure functions."""
