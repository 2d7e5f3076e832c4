"""The people of the desk: signing in, what each may do, which digests each sees."""
