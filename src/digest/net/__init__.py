"""The only outward connections but SMTP: the guarded HTTP client, and look-ups in the DNS."""
