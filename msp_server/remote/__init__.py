"""HTTP out: to Apple's gateway. `requests` is imported in this room alone."""
