"""Header fields as bytes of our own making.

The standard library would do three harmful things here: turn a long List-Unsubscribe into encoded words
(one-click is lost), put encoded words inside an address, and, in older patch releases, let an encoded
newline in a title out as a header of its own. So texts are cleaned by `clean_header` and fields are built
from checked parts; each function returns a whole field, CRLF included.

Sources: RFC 5322 section 2.2 and 3.6 (fields, folding), RFC 2047 (encoded words), RFC 2369 and RFC 8058
(List-Unsubscribe), RFC 2919 (List-Id), RFC 6532 (UTF-8 in addresses).
"""

from __future__ import annotations

import datetime as dt
import email.utils
import functools
import hashlib
import re
import unicodedata

from digest.errors import InputError
from digest.mail.words import clusters, decode_words, encode_words, has_words

HEADER_LIMIT = 900  # characters of one header text after cleaning
URL_LIMIT = 900
_RAW_LIMIT = 20_000  # characters of it that are looked at before cleaning
_LINE = 76
_SPACES = re.compile(" {2,}")
_CLEAN = re.compile(r"[!-<>-~]+(?: [!-<>-~]+)*")  # ASCII words; without "=" there is no encoded word
_TO_SPACE = frozenset("\t\n\v\f\r\x85\u2028\u2029")
# The bidirectional controls (Unicode property Bidi_Control) and the byte order mark.
_NEVER_SHOWN = frozenset("\ufeff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,25}")
_STRUCTURED = re.compile(r"[!-~](?:[ -~]{0,900}[!-~])?")
_URL = re.compile(r"https?://[!#-+\-./0-9:;=?-~]{2,}")
_MAILTO = re.compile(r"mailto:[!#-+\-./0-9:;=?-~]{3,}")
_ADDRESS = re.compile(r"[^\s<>\"(),:;\\\[\]@\x00-\x1f\x7f-\x9f]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,253}")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9._+=-]{1,120}@[A-Za-z0-9][A-Za-z0-9.-]{0,253}>")
_MOST_IDS = 10
_LIST_ID = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})+")
_FEEDBACK_ID = re.compile(r"(?:[A-Za-z0-9._-]{0,40}:){3}[A-Za-z0-9._-]{5,15}")


def clean_header(text: str) -> str:
    """One line of plain text for a header, from any text whatever.

    Encoded words are read first (until nothing changes, at most three times), so that no newline can hide in
    them; then line and paragraph ends become spaces, other control and bidirectional control characters and
    lone surrogates go, spaces are joined, and the rest is cut to 900 characters. Joiners stay: emoji and
    Persian need them. The result never holds a readable encoded word.
    """
    if len(text) <= HEADER_LIMIT and _CLEAN.fullmatch(text):
        return text
    text = text[:_RAW_LIMIT]
    for _ in range(3):
        decoded = decode_words(text)
        if decoded == text:
            break
        text = decoded
    text = _plain_line(text)
    if has_words(text):  # nested deeper than any honest sender nests
        text = text.replace("=?", "= ?")
    return text if len(text) <= HEADER_LIMIT else _cut(text)


def text_field(name: str, text: str) -> bytes:
    """A field of free text, such as Subject, cleaned: ASCII as it is, all else as utf-8 encoded words."""
    text = clean_header(text)
    lines = _folded(name, text) if text.isascii() and "=?" not in text else None
    if lines is None:
        lines = encode_words(text, used=len(name) + 2)
    return _field(name, "\r\n ".join(lines))


def plain_field(name: str, value: str) -> bytes:
    """A field whose ASCII value is written as it is, on one line.

    Raises InputError if the value is empty, longer than 900 characters or not printable ASCII.
    """
    if not _STRUCTURED.fullmatch(value):
        raise InputError(f"The header {name} may hold only printable ASCII, at most 900 characters.")
    return _field(name, value)


@functools.lru_cache(maxsize=16)
def date_field(date: str) -> bytes:
    """The Date field of what `date_text` made: one for a whole group of mails."""
    return plain_field("Date", date)


def address_field(name: str, display: str, address: str) -> bytes:
    """`Name: "Display" <address>`, or the bare address if there is no display name.

    The domain must be in A-labels already; a local part that is not ASCII is written as UTF-8 and needs a
    server with SMTPUTF8. Raises InputError (without the address) if it could break the header.
    """
    if not _ADDRESS.fullmatch(address):
        raise InputError(f"The address for the header {name} cannot be written into a mail.")
    display = clean_header(display) if display else ""
    return _field(name, _mailbox(name, display, address) if display else address)


@functools.lru_cache(maxsize=256)
def list_id_field(name: str, list_id: str) -> bytes:
    """`List-Id: "Name" <id>` (RFC 2919); the id is a dot-atom of ASCII of at most 255 characters."""
    if len(list_id) > 255 or not _LIST_ID.fullmatch(list_id):
        raise InputError("A List-Id is letters, digits, hyphens and dots, like news.example.org.")
    name = clean_header(name)
    return _field("List-Id", _mailbox("List-Id", name, list_id) if name else f"<{list_id}>")


def list_unsubscribe_field(url: str, mailto: str = "") -> bytes:
    """`List-Unsubscribe: <url>, <mailto>`, folded after the comma only and never encoded (RFC 8058 3.1).

    `mailto` is a whole `mailto:` URL or empty. Raises InputError unless both are ASCII of at most 900
    characters without spaces, quotes, angle brackets and commas (which some readers take for the separator).
    """
    if len(url) > URL_LIMIT or not _URL.fullmatch(url):
        raise InputError("The unsubscribe address is not a plain http(s) URL of at most 900 characters.")
    if not mailto:
        return _field("List-Unsubscribe", f"<{url}>")
    if len(mailto) > URL_LIMIT or not _MAILTO.fullmatch(mailto):
        raise InputError("The unsubscribe mail address is not a plain mailto URL of at most 900 characters.")
    return _field("List-Unsubscribe", f"<{url}>,\r\n <{mailto}>")


def url_field(name: str, url: str) -> bytes:
    """`Name: <url>`, such as List-Help (RFC 2369), under the rules of `list_unsubscribe_field`."""
    if len(url) > URL_LIMIT or not (_URL.fullmatch(url) or _MAILTO.fullmatch(url)):
        raise InputError(f"The address for the header {name} is not a plain URL of at most 900 characters.")
    return _field(name, f"<{url}>")


def feedback_id_field(value: str) -> bytes:
    """`Feedback-ID: a:b:c:sender`: aggregates only, never a person; `sender` has 5 to 15 characters."""
    if not _FEEDBACK_ID.fullmatch(value):
        raise InputError("A Feedback-ID is like 2026w47:daily:bulk:sender, the last of 5 to 15 letters.")
    return _field("Feedback-ID", value)


def feedback_id(edition_id: int, cadence: str, digest: str, sender: str) -> str:
    """The Feedback-ID of an edition's mails, the same for each reader: `e42:c-daily:d-courier:couriernews`.

    Gmail counts complaints by each of the first three and by the last, which stands for the sender's domain
    (`sender` is an address) and never changes. No value may stand in two places: hence the letters.
    """
    domain = sender.rpartition("@")[2].lower()
    short = re.sub(r"[^a-z0-9]", "", domain)
    if not 5 <= len(short) <= 15:
        # Too long or too short to tell it from others.
        short = f"{short[:8]}-{hashlib.sha256(domain.encode()).hexdigest()[:6]}"
    return f"e{edition_id}:c-{_plain(cadence)}:d-{_plain(digest)}:{short}"


def _plain(name: str) -> str:
    """A name in at most 38 letters that a Feedback-ID takes; one that had to be changed is told by a hash."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:38]
    return plain if plain == name else f"{plain[:31]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def message_id_field(value: str) -> bytes:
    """The Message-ID field of a value made by `message_id` or of the same form."""
    if not _MESSAGE_ID.fullmatch(value):
        raise InputError("A Message-ID is written like <e1.abc@example.org>.")
    return _field("Message-ID", value)


def thread_fields(message_ids: str) -> bytes:
    """In-Reply-To and References (RFC 5322 3.6.4): what a mail follows upon, the oldest first; "": neither.

    The ids are written as `message_id` gives them, with a space between.
    """
    if not message_ids:
        return b""
    ids = message_ids.split(" ")
    if len(ids) > _MOST_IDS or not all(_MESSAGE_ID.fullmatch(one) for one in ids):
        raise InputError("What a mail follows upon is named like <e1.abc@example.org>.")
    return _field("In-Reply-To", ids[-1]) + _field("References", "\r\n ".join(ids))


def message_id(edition_id: int, subscriber_id: int, domain: str, key: bytes | None) -> str:
    """The Message-ID of an edition's mail to a subscriber: the same at every attempt (RFC 5322 3.6.4).

    With a key the subscriber's id cannot be found out from it; without one it can be by trying all ids.
    """
    return f"<e{edition_id}.{_short_mac(key, f'{edition_id}:{subscriber_id}')}@{domain}>"


def notice_message_id(notice_id: int, domain: str, key: bytes | None) -> str:
    """The Message-ID of a single mail, the same at every attempt."""
    return f"<n{notice_id}.{_short_mac(key, f'notice:{notice_id}')}@{domain}>"


def date_text(moment: dt.datetime) -> str:
    """A moment as the Date field writes it, in UTC: `Mon, 23 Nov 2026 18:56:42 +0000` (RFC 5322 3.3)."""
    if moment.tzinfo is None:
        raise ValueError("a date in a mail needs its time zone")
    return _date_text(moment.replace(microsecond=0))


@functools.lru_cache(maxsize=16)
def _date_text(moment: dt.datetime) -> str:
    return email.utils.format_datetime(moment.astimezone(dt.UTC))


def _field(name: str, value: str) -> bytes:
    return f"{_started(name)}{value}\r\n".encode()


@functools.lru_cache(maxsize=256)
def _started(name: str) -> str:
    if not _FIELD_NAME.fullmatch(name):
        raise InputError("A header's name is letters, digits and hyphens.")
    return f"{name}: "


def _plain_line(text: str) -> str:
    if text.isprintable():  # no controls of any kind, and no joiners
        return _SPACES.sub(" ", text).strip()
    kept = []
    for char in text:
        if char in _TO_SPACE:
            kept.append(" ")
        elif char not in _NEVER_SHOWN and unicodedata.category(char) not in ("Cc", "Cs"):
            kept.append(char)
    return _SPACES.sub(" ", "".join(kept)).strip()


def _cut(text: str) -> str:
    kept, room = [], HEADER_LIMIT
    for cluster in clusters(text[: HEADER_LIMIT + 1]):
        room -= len(cluster)
        if room < 0:
            break
        kept.append(cluster)
    return ("".join(kept) or text[:HEADER_LIMIT]).rstrip()


def _folded(name: str, text: str) -> list[str] | None:
    """ASCII text in lines of at most 76 characters, cut at spaces; None if a word is too long for that."""
    lines, room = [""], _LINE - len(name) - 2
    for number, word in enumerate(text.split(" ")):
        wanted = len(word) + (1 if lines[-1] else 0)
        if wanted > room:
            if number == 0 or len(word) > _LINE - 1:
                return None
            lines.append(word)
            room = _LINE - 1 - len(word)
            continue
        lines[-1] += f" {word}" if number else word
        room -= wanted
    return lines


def _mailbox(name: str, display: str, address: str) -> str:
    used = len(name) + 2
    if display.isascii() and "=?" not in display and len(display) <= 60 - used:
        escaped = display.replace("\\", "\\\\").replace('"', '\\"')
        phrase = [f'"{escaped}"']
    else:
        phrase = encode_words(display, used=used)
    last = len(phrase[-1]) + (used if len(phrase) == 1 else 1)
    gap = " " if last + len(address) + 3 <= _LINE else "\r\n "
    return "\r\n ".join(phrase) + f"{gap}<{address}>"


def _short_mac(key: bytes | None, text: str) -> str:
    # BLAKE2b with a key is a MAC by itself (RFC 7693), and takes a third of the time of HMAC.
    made = _keyed(key or b"").copy()
    made.update(text.encode())
    return made.hexdigest()


@functools.lru_cache(maxsize=16)
def _keyed(key: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(key=key[:64], digest_size=10, person=b"digest-msg-id")
