"""`digest demo`: an invented newspaper, its readers and an inbox, on this machine alone."""
