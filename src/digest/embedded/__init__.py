"""One command: broker, worker, beat and web as children; the demo newspaper."""
