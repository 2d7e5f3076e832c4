"""Collecting: what is due, what is new, what is wrong with a source."""
