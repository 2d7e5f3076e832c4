"""The only outward connections but SMTP: the guarded HTTP client."""
