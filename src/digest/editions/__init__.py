"""Editions: when they are due, what is in them, and the moment their content is fixed."""
