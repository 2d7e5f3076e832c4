"""Bytes from a site to posts as data: no storage, no decisions about what is new."""
