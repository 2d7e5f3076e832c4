"""Create and change digests: what they are called, who sends them, their rules and their look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.addresses import parse_address
from digest.db.dialect import insert_new_rows
from digest.editions.look import changed_look
from digest.editions.patterns import check_pattern
from digest.errors import InputError, Word
from digest.i18n import N_, canonical
from digest.lists.fields import check_short_name, clean_line
from digest.mail.verp import check_bounce_address
from digest.models import Digest, DigestSource, FeaturedBy, LinkForm, Source

_ADDRESS_LIMIT = 500
_WORDS_LIMIT = 1_200
# What `set` may change of the look, and what each value must be.
LOOK_FIELDS = ("accent", "accent_dark", "time_form", "commentary_words", "show_share_links")


def create_digest(
    session: Session,
    *,
    name: str,
    title: str,
    language: str,
    sender_address: str,
    actor: str,
    now: dt.datetime,
    **more: Any,
) -> Digest:
    """Create a digest; `more` are the settings that `set_digest` takes too."""
    check_short_name(name, what=N_("digest"))
    if session.scalar(sa.select(Digest.id).where(Digest.name == name)) is not None:
        raise InputError(N_("There is a digest %(name)r already; choose another name."), name=name)
    digest = Digest(
        name=name, title="", language="", sender_name="", sender_address="", look={}, created_at=now
    )
    given = {key: value for key, value in more.items() if value is not None}
    given.setdefault("sender_name", title)
    _apply(digest, {"title": title, "language": language, "sender_address": sender_address} | given)
    session.add(digest)
    session.flush()
    audit.record(session, "digest.create", digest, actor=actor, now=now, details={"name": name})
    return digest


def set_digest(
    session: Session, digest: Digest, changes: Mapping[str, Any], *, actor: str, now: dt.datetime
) -> list[str]:
    """Change settings of a digest; returns the names of those that were given. None means: as it is."""
    given = {key: value for key, value in changes.items() if value is not None}
    _apply(digest, given)
    audit.record(session, "digest.set", digest, actor=actor, now=now, details={"fields": sorted(given)})
    return sorted(given)


def tried(digest: Digest, changes: Mapping[str, Any], rules: Mapping[str, Any]) -> Digest:
    """A digest as it would be with other settings and rules: no row, nothing is kept.

    Raises InputError.
    """
    made = Digest(**{column.key: getattr(digest, column.key) for column in sa.inspect(Digest).columns})
    _apply(made, {key: value for key, value in changes.items() if value is not None})
    made.rules = dict(rules)
    return made


def use_sources(
    session: Session, digest: Digest, sources: list[Source], *, actor: str, now: dt.datetime
) -> int:
    """Let a digest draw from sources; returns how many it did not draw from before."""
    drawn_from = set(
        session.scalars(sa.select(DigestSource.source_id).where(DigestSource.digest_id == digest.id))
    )
    added = sorted({source.id for source in sources} - drawn_from)
    rows = [{"digest_id": digest.id, "source_id": source_id} for source_id in added]
    insert_new_rows(session, DigestSource, rows)
    if added:
        _note_sources(session, digest, {"added": added}, actor=actor, now=now)
    return len(added)


def leave_source(session: Session, digest: Digest, source: Source, *, actor: str, now: dt.datetime) -> bool:
    """Stop a digest from drawing from a source; false if it did not."""
    gone = session.scalar(
        sa.delete(DigestSource)
        .where(DigestSource.digest_id == digest.id, DigestSource.source_id == source.id)
        .returning(DigestSource.source_id)
    )
    if gone is not None:
        _note_sources(session, digest, {"removed": [gone]}, actor=actor, now=now)
    return gone is not None


def _note_sources(
    session: Session, digest: Digest, details: dict[str, Any], *, actor: str, now: dt.datetime
) -> None:
    audit.record(session, "digest.sources", digest, actor=actor, now=now, details=details)


def parse_featured(text: str) -> tuple[FeaturedBy, str]:
    """The rule for the featured story: `category:Commentary`, `author:Name`, `tag:x`, `newest` or `none`."""
    kind, _, value = text.partition(":")
    try:
        featured_by = FeaturedBy(kind.strip().lower())
    except ValueError:
        featured_by = None
    wants_value = featured_by in (FeaturedBy.CATEGORY, FeaturedBy.AUTHOR, FeaturedBy.TAG)
    if featured_by is None or wants_value != bool(value.strip()):
        raise InputError(
            N_("Say which section, author or tag the featured story is of.")
            if wants_value
            else N_("%(text)r is not a rule for the featured story."),
            hint="Write category:NAME, author:NAME, tag:NAME, newest or none.",
            text=text[:200],
        )
    return featured_by, clean_line(value, what=N_("value of the rule"))


def _apply(digest: Digest, given: Mapping[str, Any]) -> None:
    look: dict[str, Any] = {}
    for key, value in given.items():
        if key in LOOK_FIELDS:
            look[key] = value
        elif key == "featured":
            digest.featured_by, digest.featured_value = parse_featured(value)
        elif key in _CHECKS:
            setattr(digest, key, _CHECKS[key](value))
        else:
            raise InputError(N_("A digest has no setting %(key)r."), key=key)
    if look:
        digest.look = changed_look(digest.look, look)
    if digest.recent_least is not None and digest.recent_most is not None:
        _check_range(digest.recent_least, digest.recent_most)


def _check_range(least: int, most: int) -> None:
    if least > most:
        raise InputError(
            N_("At least %(least)s headlines but at most %(most)s: the second must not be smaller."),
            least=least,
            most=most,
        )


def _number(low: int, high: int, what: str) -> Any:
    def check(value: int) -> int:
        if not low <= value <= high:
            raise InputError(
                N_("%(what)s must be between %(low)s and %(high)s, not %(value)s."),
                what=Word(what),
                low=low,
                high=high,
                value=value,
            )
        return value

    return check


def _postal_address(text: str) -> str:
    lines = [clean_line(line, what=N_("postal address"), limit=_ADDRESS_LIMIT) for line in text.splitlines()]
    return ", ".join(line for line in lines if line)[:_ADDRESS_LIMIT]


def _markdown(what: str) -> Callable[[str], str]:
    """Words in Markdown: lines keep their ends, for they part paragraphs."""

    def check(text: str) -> str:
        lines = [clean_line(line, what=what, limit=_WORDS_LIMIT) for line in text.strip().splitlines()]
        words = "\n".join(lines)
        if len(words) > _WORDS_LIMIT:
            raise InputError(
                N_("The %(what)s is longer than %(limit)s characters."), what=Word(what), limit=_WORDS_LIMIT
            )
        return words

    return check


def _web_address(text: str) -> str:
    if not text.startswith(("http://", "https://")) or any(c.isspace() for c in text) or len(text) > 2000:
        raise InputError(
            N_("%(text)r is not a web address; write it like https://paper.example.org/."), text=text[:80]
        )
    return text


_CHECKS: dict[str, Any] = {
    "title": lambda text: clean_line(text, what=N_("title")),
    "language": canonical,
    "sister_group": lambda text: check_short_name(text, what=N_("sister group")) if text.strip() else None,
    "home_url": lambda text: _web_address(text) if text.strip() else "",
    "sender_name": lambda text: clean_line(text, what=N_("sender's name")),
    "sender_address": lambda text: parse_address(text).text,
    "reply_to": lambda text: parse_address(text).text if text.strip() else None,
    "bounce_address": lambda text: check_bounce_address(text) if text.strip() else None,
    "postal_address": _postal_address,
    "has_archive": bool,
    "intro": _markdown(N_("introduction")),
    "sign_off": _markdown(N_("sign-off")),
    "subject_pattern": lambda text: check_pattern(text, what=N_("subject")),
    "preheader_pattern": lambda text: check_pattern(text, what=N_("preheader")),
    "links": LinkForm,
    "recent_most": _number(0, 100, N_("The most headlines")),
    "recent_least": _number(0, 100, N_("The least headlines")),
    "recent_days": _number(1, 366, N_("The age of a headline in days")),
    "variants_most": _number(1, 200, N_("The number of different mails")),
}
