"""Who gets an edition, and what became of it."""
