"""What the filters of receivers count against a mail, as SpamAssassin's own rules have it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Final
from urllib.parse import urlsplit

from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, warn
from digest.preflight.wire import head_of, values_of
from digest.rendering.colours import contrast
from digest.rendering.contexts import UNSUBSCRIBE_URL

LEAST_LETTERS: Final = 300  # beside pictures
LEAST_CONTRAST: Final = 2.0  # far below what is readable: words that are meant to be seen have 4.5
# Once in every mail; Date alone costs 2.7 points where it is missing.
_ONCE: Final = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version")
_PLAIN_ONLY: Final = ("List-Unsubscribe", "List-Unsubscribe-Post", "Message-ID", "Date", "Feedback-ID")
_NUMBER_HOST = re.compile(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){0,3}|[0-9a-f]*:[0-9a-f:.]*")
_LOOPBACK = re.compile(r"127(?:\.\d{1,3}){3}|::1")
_SHOWN_ADDRESS = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,24})(?:[/?#:]\S*)?", re.IGNORECASE)
_SHORTENERS: Final = frozenset(
    {
        *("bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "buff.ly", "cutt.ly"),
        *("rebrand.ly", "tiny.cc", "rb.gy", "shorturl.at", "t.ly"),
    }
)
_FREE_MAIL: Final = frozenset(
    {
        *("gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "hotmail.com", "outlook.com"),
        *("live.com", "msn.com", "aol.com", "icloud.com", "me.com", "mail.ru", "bk.ru", "inbox.ru"),
        *("list.ru", "yandex.ru", "yandex.com", "gmx.de", "gmx.net", "web.de", "orange.fr", "free.fr"),
        *("laposte.net", "proton.me", "protonmail.com"),
    }
)
_LONGEST_SHOWN: Final = 120


def pictures_alone(facts: MailFacts) -> Iterator[MailFinding]:
    """Where there are pictures, there are words as well."""
    has_picture = any(tag.name == "img" for tag in facts.page.tags)
    if has_picture and sum(map(str.isalnum, facts.page.words)) < LEAST_LETTERS:
        yield warn(Code.PICTURES_ALONE)


def faint_words(facts: MailFacts) -> Iterator[MailFinding]:
    """No words have nearly the colour of what is behind them."""
    for ink, ground in facts.page.tones:
        if contrast(ink, ground) < LEAST_CONTRAST:
            yield warn(Code.FAINT_WORDS, found=f"{ink} / {ground}")


def unseen_words(facts: MailFacts) -> Iterator[MailFinding]:
    """What is hidden, the preheader, is hidden in the way that filters do not mind."""
    for each in facts.page.unseen:
        yield warn(Code.UNSEEN_WORDS, found=each)


def links(facts: MailFacts) -> Iterator[MailFinding]:
    """Links lead where they say, to a site with a name. What leads to this machine itself is a trial."""
    for link in facts.page.links:
        host = _host(link.url)
        if link.url in ("", "#"):
            yield warn(Code.LINK_EMPTY, words=_short(link.words))
        elif _NUMBER_HOST.fullmatch(host) and not _LOOPBACK.fullmatch(host):
            yield warn(Code.NUMBER_LINK, url=host)  # once for all links to it
        elif host in _SHORTENERS:
            yield warn(Code.SHORT_LINK, url=_short(link.url))
        shown = _SHOWN_ADDRESS.fullmatch(link.words.strip())
        if shown and host and shown[1].lower().removeprefix("www.") != host:
            yield warn(Code.LINK_SAYS_OTHER, shown=_short(link.words.strip()), url=_short(link.url))


def title(facts: MailFacts) -> Iterator[MailFinding]:
    """The page's title is the subject: some programs show the one, some the other."""
    if _one_line(facts.page.title) != _one_line(facts.subject):
        yield warn(Code.TITLE_DIFFERS, title=_short(_one_line(facts.page.title)))


def headers(facts: MailFacts) -> Iterator[MailFinding]:
    """The fields that every mail has are there once, and none holds what a server cannot read."""
    for name in _ONCE:
        if len(values_of(facts.raw, name)) != 1:
            yield warn(Code.HEADER_MISSING, name=name)
    for line in head_of(facts.raw):
        if not line.isascii():
            yield warn(Code.HEADER_RAW, name=line.partition(b":")[0].decode("ascii", "replace")[:40])
    for name in _PLAIN_ONLY:
        if any(b"=?" in value for value in values_of(facts.raw, name)):
            yield warn(Code.HEADER_RAW, name=name)


def sender(facts: MailFacts) -> Iterator[MailFinding]:
    """The sender has a domain of the paper's own: free services have theirs refused from others."""
    for value in values_of(facts.raw, "From"):
        domain = parseaddr(value.decode("ascii", "replace"))[1].rpartition("@")[2].lower()
        if domain in _FREE_MAIL:
            yield warn(Code.FREE_MAIL_SENDER, domain=domain)


def _host(url: str) -> str:
    if url.startswith(UNSUBSCRIBE_URL):
        return ""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
