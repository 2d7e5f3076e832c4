"""Mailing lists, subscribers, consent and suppression."""
