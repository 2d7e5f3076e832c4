"""Single mails in their own lane: asked for once by key, sent apart from the digests."""

from digest.notices.ask import ask
from digest.notices.send import SendReport, send_due

__all__ = ["SendReport", "ask", "send_due"]
