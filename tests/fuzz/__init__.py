"""Inputs by coverage: what reads the web's bytes gives a result or our own error, within seconds.

    python -m tests.fuzz parse --seconds 60

It needs `atheris` (the group `fuzz` of pyproject.toml), which there is for Linux and the older Pythons only.
"""
