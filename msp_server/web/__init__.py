"""HTTP in: one Flask blueprint for each file, translation only."""
