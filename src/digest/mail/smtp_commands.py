"""What is said to a server to begin a transaction, and what it is spared because it cannot take it."""

from __future__ import annotations

from digest.mail.smtp_setup import Greeting
from digest.mail.smtp_transaction import Commands, Step, Transaction
from digest.mail.transport import Envelope, Reply

_NO_SMTPUTF8 = Reply(553, "5.6.7", "The mail service does not offer SMTPUTF8, which this address needs.")
_NO_8BIT = Reply(554, "5.6.3", "The mail service does not offer 8BITMIME, which this message needs.")
_TOO_LARGE = Reply(552, "5.3.4", "The message is larger than the mail service takes.")

QUIT = Commands((Step.QUIT,), b"QUIT\r\n")
LONE_DOT = Commands((Step.LONE_DOT,), b".\r\n")
_GROUP = (Step.MAIL, Step.RCPT, Step.DATA)
_RESET_GROUP = (Step.RSET, *_GROUP)


def refusal_of(greeting: Greeting, transaction: Transaction) -> Reply | None:
    """Why this server cannot take a message, as it would say it itself; None if it can."""
    envelope = transaction.envelope
    if envelope.needs_smtputf8 and not greeting.offers("SMTPUTF8"):
        return _NO_SMTPUTF8
    if _is_8bit(envelope) and not greeting.offers("8BITMIME"):
        return _NO_8BIT
    limit = greeting.size_limit
    return _TOO_LARGE if limit is not None and transaction.size > limit else None


def group_of(greeting: Greeting, transaction: Transaction, *, resets: bool = False) -> Commands:
    """MAIL, RCPT and DATA, in the order in which they are answered; RSET before them if it is wanted."""
    envelope = transaction.envelope
    mail = f"MAIL FROM:<{envelope.sender}>{_parameters(greeting, transaction)}\r\n"
    lines = f"{mail}RCPT TO:<{envelope.recipient}>\r\nDATA\r\n"
    return Commands(_RESET_GROUP, f"RSET\r\n{lines}".encode()) if resets else Commands(_GROUP, lines.encode())


def _parameters(greeting: Greeting, transaction: Transaction) -> str:
    """ESMTP parameters for what is both needed and offered (RFC 1870, 6152, 6531)."""
    envelope = transaction.envelope
    parameters = f" SIZE={transaction.size}" if greeting.offers("SIZE") else ""
    if _is_8bit(envelope):
        parameters += " BODY=8BITMIME"
    return f"{parameters} SMTPUTF8" if envelope.needs_smtputf8 else parameters


def _is_8bit(envelope: Envelope) -> bool:
    """Whether a message is not pure ASCII; one that we encoded is, unless its address is not."""
    if not envelope.pieces:
        return not envelope.message.isascii()
    return envelope.needs_smtputf8 and not all(piece.isascii() for piece in envelope.pieces)
