"""The schema's history: one numbered step a file, forwards only; a step once released stays."""
