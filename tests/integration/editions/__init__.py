"""What the clock and people do to editions."""
