"""Mail services and their limits."""
