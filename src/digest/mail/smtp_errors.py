"""What goes wrong with a mail service as a whole; no person and no message has a part in it."""

from __future__ import annotations

from digest.errors import UnreachableError, Word
from digest.mail.transport import Reply


class ConnectionEndedError(UnreachableError):
    """The connection was closed, broke, or gave no answer in time."""


class SignInError(UnreachableError):
    """The server does not let us in: TLS, user name or password. Only a person can mend it."""


class HostRefusedError(UnreachableError):
    """The server answered, but takes no mail from us now; `reply` is what it said.

    `rests`: it was said about a recipient, whose domain is to be given a rest.
    """

    def __init__(self, sentence: str, reply: Reply, *, rests: bool = False) -> None:
        said = f"{reply.code} {reply.enhanced} {reply.text}".replace("  ", " ").strip()
        super().__init__("%(what)s: %(said)s", what=Word(sentence), said=said)
        self.reply = reply
        self.rests = rests
