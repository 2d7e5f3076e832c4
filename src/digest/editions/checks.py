"""The checks of an edition's mail, in one place: mend what can be, judge the rest, stop what must not go out.

    make -> look at its links and pictures (no transaction) -> leave out what is none -> cut what is too long
    -> judge every variant

A version with which something is wrong that must not go out is never stored (`revisions.store_revision`), and
if one were there all the same, `states.move` lets no edition go out with it. There is no other door.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from digest.editions.compose import Composed
from digest.editions.mend import Make, within_size, without_pictures
from digest.mail.placeholders import PreparedMail
from digest.models import Digest, Reason, Role
from digest.preflight.looked import Kind, Looked, Seen, Wanted
from digest.preflight.mail import judge_mail
from digest.preflight.mail_facts import MailFacts, gather
from digest.preflight.mail_findings import (
    Code,
    FoundIn,
    MailFinding,
    MailLevel,
    is_blocked,
    mended,
    merged,
    stored,
)
from digest.preflight.mail_html import tags_of
from digest.rendering.body import read_body
from digest.rendering.contexts import EditionContext, Story

Look = Callable[[Sequence[Wanted]], Sequence[Looked]]

# What an edition was held for before there were other checks keeps its reason.
_REASONS: Final = (
    (Code.NO_ADDRESS_SET, Reason.NO_POSTAL_ADDRESS),
    (Code.NO_SIGN_OFF_LINK, Reason.NO_SIGN_OFF_LINK),
    (Code.TOO_LARGE, Reason.TOO_LARGE),
)
_NO_PICTURE: Final = (Seen.GONE, Seen.NO_PICTURE)


@dataclass(frozen=True, slots=True)
class Checked:
    """A content as it was mended, with its findings; they are in `composed` too, as they are stored."""

    composed: Composed
    findings: tuple[FoundIn, ...]

    @property
    def is_blocked(self) -> bool:
        return is_blocked(self.findings)

    @property
    def blocks(self) -> list[FoundIn]:
        return [one for one in self.findings if one.finding.level is MailLevel.BLOCK]


def check(
    digest: Digest,
    context: EditionContext,
    make: Make,
    *,
    public_url: str,
    look: Look | None = None,
    known: Collection[str] = (),
) -> Checked:
    """Make an edition's mails and judge them. Raises what `make` raises.

    `look` asks sites and so takes its time: no transaction may be open. `known` are addresses that were
    looked at a moment ago.
    """
    composed = make(context)
    looked: tuple[Looked, ...] = ()
    done: list[MailFinding] = []
    if look is not None:
        looked = tuple(look(wanted_of(context, composed, public_url=public_url, known=known)))
        context, composed, looked, done = _without_bad(context, composed, looked, make)
    context, composed, cut = within_size(context, composed, make)
    facts = facts_of(
        digest,
        composed,
        edition_at=context.edition_at,
        public_url=public_url,
        looked=looked,
        own_links=(*read_body(context.intro_html).links, *read_body(context.note_html).links),
        last_links=read_body(context.parting_html).links,
    )
    everywhere = tuple(facts)
    findings = merged({variant: judge_mail(one) for variant, one in facts.items()})
    findings = in_order([*findings, *(FoundIn(one, everywhere) for one in (*done, *cut))])
    kept = tuple(stored(one) for one in findings)
    return Checked(replace(composed, findings=kept), tuple(findings))


def in_order(found: Sequence[FoundIn]) -> list[FoundIn]:
    """The gravest first."""
    return sorted(found, key=lambda one: tuple(MailLevel).index(one.finding.level))


def reason_of(checked: Checked) -> tuple[Reason, str]:
    """Why an edition is held that is blocked, with a detail."""
    found = {one.finding.code: dict(one.finding.facts) for one in reversed(checked.blocks)}
    for code, reason in _REASONS:
        if code in found:
            facts = found[code]
            return reason, f"{facts['size']} > {facts['most']}" if code is Code.TOO_LARGE else ""
    return Reason.BLOCKED, ", ".join(dict.fromkeys(one.finding.code.value for one in checked.blocks))


def as_remarks(found: Sequence[FoundIn]) -> list[dict[str, Any]]:
    """Findings as remarks of an edition that has no version to keep them with."""
    return [
        {"code": one.finding.code.value, "facts": dict(one.finding.facts), "level": one.finding.level.value}
        for one in found
    ]


def facts_of(
    digest: Digest,
    composed: Composed,
    *,
    edition_at: dt.datetime,
    public_url: str,
    looked: Sequence[Looked] = (),
    own_links: Sequence[str] = (),
    last_links: Sequence[str] = (),
) -> dict[str, MailFacts]:
    """The facts about each variant, by its text size and topics: of its own lines and its own stories."""
    found = {}
    for variant in composed.variants:
        places = variant.positions
        shown = [one for place, one in enumerate(composed.items) if places is None or place in places]
        left_out = [
            one.story
            for place, one in enumerate(composed.items)
            if places is not None and place not in places
        ]
        found[name_of(variant.text_size, variant.topics)] = gather(
            PreparedMail.from_bytes(variant.mail),
            subject=variant.subject,
            preheader=variant.preheader,
            html=variant.html,
            text=variant.text,
            postal_address=digest.postal_address,
            stories=[one.story for one in shown],
            has_featured=any(one.role is Role.FEATURED for one in shown[:1]),
            edition_at=edition_at,
            public_url=public_url,
            looked=looked,
            left_out=left_out,
            own_links=own_links,
            last_links=last_links,
        )
    return found


def name_of(text_size: str, topics: str) -> str:
    """What a variant is called where findings name it."""
    return " ".join(filter(None, (text_size, topics)))


def wanted_of(
    context: EditionContext, composed: Composed, *, public_url: str, known: Collection[str] = ()
) -> list[Wanted]:
    """The pictures that the mails show and the links of its stories, but those on our own site.

    The links are those of the stories, not of the mail: there they may lead by way of our own counter.
    """
    wanted = [Wanted(Kind.PICTURE, url) for url in _shown(composed)]
    for story in _stories(context):
        wanted += [
            Wanted(Kind.LINK, url, story.title) for url in (story.url, *read_body(story.body_html).links)
        ]
    for field in fields(context):
        if field.name.endswith("_html"):  # the desk's own words: an intro, say
            wanted += [Wanted(Kind.LINK, url) for url in read_body(getattr(context, field.name)).links]
    ours = f"{public_url.rstrip('/')}/"
    return [
        one
        for one in dict.fromkeys(wanted)
        if one.url.startswith(("http://", "https://"))
        and not one.url.startswith(ours)
        and one.url not in known
    ]


def _without_bad(
    context: EditionContext, composed: Composed, looked: tuple[Looked, ...], make: Make
) -> tuple[EditionContext, Composed, tuple[Looked, ...], list[MailFinding]]:
    """Leave out the pictures that are none, where a story names them; what stays is told of by its rule."""
    bad = {one.wanted.url for one in looked if _is_no_picture(one)}
    if not bad:
        return context, composed, looked, []
    context = without_pictures(context, bad)
    composed = make(context)
    left_out = sorted(bad - set(_shown(composed)))
    rest = tuple(one for one in looked if not (_is_no_picture(one) and one.wanted.url in left_out))
    return context, composed, rest, [mended(Code.PICTURE_DROPPED, url=url) for url in left_out]


def _is_no_picture(one: Looked) -> bool:
    return one.wanted.kind is Kind.PICTURE and one.seen in _NO_PICTURE


def _shown(composed: Composed) -> list[str]:
    """The addresses of the pictures in the mails, each once."""
    tags = (tag for variant in composed.variants for tag in tags_of(variant.html) if tag.name == "img")
    return list(dict.fromkeys((tag.get("src") or "").strip() for tag in tags))


def _stories(context: EditionContext) -> tuple[Story, ...]:
    return (*filter(None, [context.featured]), *context.recent)
