"""A newsroom's posts become an email digest."""
