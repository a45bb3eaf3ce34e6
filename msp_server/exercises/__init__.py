"""The tutorial's exercises, under its numbers and names."""
