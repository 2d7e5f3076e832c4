"""The checks before sending, pure: facts in, findings out."""
