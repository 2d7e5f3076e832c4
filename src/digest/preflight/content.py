"""What a mail must carry, and what it must not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from digest.i18n import N_
from digest.mail.placeholders import PLACEHOLDER
from digest.preflight.mail_facts import MailFacts
from digest.preflight.mail_findings import Code, MailFinding, block
from digest.preflight.mail_html import Tag
from digest.rendering.contexts import UNSUBSCRIBE_URL

HTML_PART: Final = N_("HTML part")
TEXT_PART: Final = N_("text part")
# Of Jinja2 and its like, of gettext, of Mailchimp.
_FOREIGN_PLACEHOLDER = re.compile(
    r"\{\{[^{}\n]{0,40}(?:\}\})?|\{%[^{}\n]{0,40}(?:%\})?|%\(\w{1,40}\)[sdf]\b|\*\|\w{1,40}\|\*"
)
_DANGEROUS_TAGS: Final = frozenset(
    {
        *("script", "iframe", "frame", "frameset", "object", "embed", "applet", "base", "link"),
        *("form", "input", "button", "textarea", "select"),
    }
)
_SHOWN_ATTRIBUTES: Final = frozenset({"href", "src", "alt", "title"})
_ADDRESS_ATTRIBUTES: Final = frozenset({"href", "src", "action", "background", "srcset", "poster"})
_DANGEROUS_SCHEME = re.compile(r"(?:javascript|vbscript|file|data:text/html|data:image/svg)\b", re.IGNORECASE)
_DANGEROUS_STYLE = re.compile(
    r"@import|expression\s*\(|url\(\s*['\"]?\s*(?:javascript|vbscript|file):", re.IGNORECASE
)
_UNSEEN_IN_SCHEMES = re.compile(r"[\x00-\x20]")  # a browser skips them


def is_empty(facts: MailFacts) -> Iterator[MailFinding]:
    """An edition has a story, and its mail has words."""
    if not facts.stories or not facts.page.words or not facts.text.strip():
        yield block(Code.EMPTY_EDITION)


def sign_off_link(facts: MailFacts) -> Iterator[MailFinding]:
    """A link to sign off that can be seen, in both parts."""
    if not any(link.url.startswith(UNSUBSCRIBE_URL) and link.words for link in facts.page.links):
        yield block(Code.NO_SIGN_OFF_LINK, part=HTML_PART)
    if UNSUBSCRIBE_URL not in facts.text:
        yield block(Code.NO_SIGN_OFF_LINK, part=TEXT_PART)


def postal_address(facts: MailFacts) -> Iterator[MailFinding]:
    """The digest's postal address, in both parts (15 USC 7704(a)(5))."""
    address = _bare(facts.postal_address)
    if not address:
        yield block(Code.NO_ADDRESS_SET)
        return
    for part, words in ((HTML_PART, facts.page.words), (TEXT_PART, facts.text)):
        if address not in _bare(words):
            yield block(Code.ADDRESS_NOT_SHOWN, part=part)


def placeholders(facts: MailFacts) -> Iterator[MailFinding]:
    """Nothing that a template or a person's value should have filled is left where a reader would see it."""
    seen = [facts.subject, facts.preheader, facts.page.words, facts.text]
    shown = (value for tag in facts.page.tags for name, value in tag.attributes if name in _SHOWN_ATTRIBUTES)
    seen += dict.fromkeys(shown)  # most of them stand in several tags
    found = {match[0].strip() for text in seen for match in _FOREIGN_PLACEHOLDER.finditer(text)}
    ours = {
        match[0] for text in seen for match in PLACEHOLDER.finditer(text) if match[1] not in facts.allowed
    }
    # A subject is the same for all: nothing is filled in there.
    ours |= {match[0] for match in PLACEHOLDER.finditer(facts.subject + "\n" + facts.preheader)}
    for each in sorted(found | ours):
        yield block(Code.PLACEHOLDER_LEFT, found=each)


def dangers(facts: MailFacts) -> Iterator[MailFinding]:
    """No script, form, frame or address that runs or reads something; mail services refuse such mails."""
    found = {what for tag in dict.fromkeys(facts.page.tags) for what in _dangers_of(tag)}
    found |= {match[0].lower() for match in _DANGEROUS_STYLE.finditer(facts.page.styles)}
    for each in sorted(found):
        yield block(Code.DANGEROUS, found=each)


def _dangers_of(tag: Tag) -> Iterator[str]:
    if tag.name in _DANGEROUS_TAGS:
        yield f"<{tag.name}>"
    for name, value in tag.attributes:
        if re.fullmatch(r"on[a-z]+", name):
            yield f"{name}="
        if name in _ADDRESS_ATTRIBUTES or name.endswith(":href"):
            scheme = _DANGEROUS_SCHEME.match(_UNSEEN_IN_SCHEMES.sub("", value))
            if scheme:
                yield f"{scheme[0].lower()}:"
        if name == "style" and (style := _DANGEROUS_STYLE.search(value)):
            yield style[0].lower()
        if tag.name == "meta" and name == "http-equiv" and value.strip().lower() == "refresh":
            yield "<meta http-equiv=refresh>"


def _bare(text: str) -> str:
    """Letters alone, without what wrapping and the marks of a writing direction add."""
    plain = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    if plain.isascii():
        return plain
    marks = [each for each in set(plain) if unicodedata.category(each) == "Cf"]
    return plain.translate(dict.fromkeys(map(ord, marks)))
