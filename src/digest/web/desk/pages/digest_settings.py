"""The settings of a digest: what readers see, who it is from, which stories, where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import Response

from digest.accounts.me import Me
from digest.accounts.rights import May, sees_all
from digest.accounts.visible import visible_digests
from digest.editions.digests import leave_source, set_digest, tried, use_sources
from digest.editions.rules_form import set_rules
from digest.editions.why_chosen import why_sentence
from digest.editions.would_choose import WouldChoose, would_choose
from digest.errors import InputError
from digest.i18n import N_, READER_LANGUAGES
from digest.lists.topics import topics_of
from digest.models import Cadence, Digest, DigestSource, FeaturedBy, LinkForm, Post, PostSource, Source
from digest.models.source import AWAY_UNTIL
from digest.web.desk import approval_form, selection_form
from digest.web.desk.forms import Form
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

LANGUAGE_NAMES: Final = {
    "en": "English",
    "hy": "Հայերեն",
    "hyw": "Արեւմտահայերէն",
    "fr": "Français",
    "ar": "العربية",
}
_TEXTS: Final = (
    "title",
    "language",
    "home_url",
    "sender_name",
    "sender_address",
    "reply_to",
    "subject_pattern",
    "preheader_pattern",
    "bounce_address",
    "sister_group",
)
_TICKS: Final = ("has_archive", "show_share_links", "watches", "keeps_names")
_LONG: Final = ("postal_address", "intro", "sign_off")
_NUMBERS: Final = ("recent_most", "recent_least", "recent_days")
FEATURED: Final = (
    (FeaturedBy.CATEGORY.value, N_("the newest of a section")),
    (FeaturedBy.AUTHOR.value, N_("the newest of an author")),
    (FeaturedBy.TAG.value, N_("the newest with a tag")),
    (FeaturedBy.NEWEST.value, N_("the newest of all")),
    (FeaturedBy.NONE.value, N_("none: headlines alone")),
)
_SECTIONS_OF: Final = 200  # so many of the newest posts are looked through for the names of sections
_SOURCES_MOST: Final = 200


@desk.get("/digests/{digest}/settings", may=May.SEE_DIGEST)
def show_settings(visit: Here, digest: int) -> Response:
    """All of them: what is asked for most, and the rest under it."""
    return _shown(visit, digest)


@desk.post("/digests/{digest}/settings", may=May.EDIT_DIGEST)
def save_settings(visit: Here, digest: int) -> Response:
    """Take them over, or show the form again with what is wrong."""
    try:
        changes = _changes(visit.form)
        with visit.database.write() as session:
            found = session.get_one(Digest, digest)
            rules = selection_form.read_rules(visit.form, found.rules or {})
            set_digest(session, found, changes, actor=visit.actor, now=visit.now)
            if rules != (found.rules or {}):
                set_rules(session, found, rules, actor=visit.actor, now=visit.now)
            approval_form.keep_for_all(session, visit, found)
            _draw_from(session, visit, found)
    except InputError as error:
        return _shown(visit, digest, visit.told(error))
    said = N_("Saved. It counts for every edition that is not locked yet.")
    return visit.go(f"/desk/digests/{digest}", visit.words.gettext(said))


@desk.post("/digests/{digest}/settings/try", may=May.EDIT_DIGEST)
def try_settings(visit: Here, digest: int) -> Response:
    """What the rules in the form would choose now; nothing is kept."""
    return _shown(visit, digest, is_try=True)


def _changes(form: Form) -> dict[str, Any]:
    return (
        {name: form.text(name) for name in _TEXTS}
        | {name: form.raw(name) for name in _LONG}
        | {name: form.number(name) for name in _NUMBERS}
        | {
            "featured": selection_form.read_featured(form),
            "variants_most": form.number("variants_most", 24),
            "has_archive": form.is_ticked("has_archive"),
            "show_share_links": form.is_ticked("show_share_links"),
            "links": LinkForm.COUNTED if form.text("links") == LinkForm.COUNTED else LinkForm.DIRECT,
        }
    )


def _draw_from(session: Session, visit: Visit, digest: Digest) -> None:
    """Draw from the chosen sources; of those that the person does not see, nothing changes."""
    chosen = set(visit.form.numbers("source"))
    seen = {source.id: source for source in _sources(session, visit.me)}
    use_sources(
        session,
        digest,
        [source for number, source in seen.items() if number in chosen],
        actor=visit.actor,
        now=visit.now,
    )
    for source_id in _drawn_from(session, digest.id) - chosen:
        if source_id in seen:
            leave_source(session, digest, seen[source_id], actor=visit.actor, now=visit.now)


def _shown(visit: Visit, digest_id: int, fault: str = "", *, is_try: bool = False) -> Response:
    """The form with what is stored or what was typed, and what its rules choose."""
    form, is_typed = visit.form, bool(fault) or is_try
    tried_fault = ""
    with visit.database.read() as session:
        found = session.get_one(Digest, digest_id)
        sources = _sources(session, visit.me)
        drawn = _drawn_from(session, digest_id)
        sections = section_names(session, digest_id)
        cadences = cadences_of_digest(session, digest_id)
        sisters = _sisters(session, visit.me, found)
        topics = topics_of(session, digest_id)
        try:
            wanted = _as_typed(found, form) if is_typed else found
            chosen = would_choose(session, wanted, now=visit.now)
        except InputError as error:
            chosen, tried_fault = None, visit.told(error)
    typed, has_further_names = _stored(found)
    if is_typed:
        typed = {name: form.raw(name) for name in typed} | selection_form.rules_typed_again(form)
    typed |= approval_form.typed(visit, cadences, is_typed=is_typed)
    ticked = {name for name in _TICKS if (form.is_ticked(name) if is_typed else typed.get(name))}
    return visit.page(
        "digest_settings.html",
        part="chosen",
        status=422 if fault else 200,
        fault=fault,
        digest=found,
        typed=typed,
        ticked=ticked,
        languages=languages(found.language),
        sections=sections,
        sources=sources,
        drawn=set(form.numbers("source")) if is_typed else drawn,
        sisters=sisters,
        topics=topics,
        has_further_names=has_further_names,
        chosen=chosen,
        chosen_fault=tried_fault,
        told=_judged(visit, chosen),
        is_more=bool(fault),
        **_choices(visit, typed),
        **approval_form.choices(visit, cadences),
    )


def _as_typed(digest: Digest, form: Form) -> Digest:
    """The digest as its form has it now."""
    wanted = {name: form.number(name) for name in _NUMBERS} | {"featured": selection_form.read_featured(form)}
    return tried(digest, wanted, selection_form.read_rules(form, digest.rules or {}))


def _judged(visit: Visit, chosen: WouldChoose | None) -> list[tuple[str, str, bool]]:
    """Each story with its reason, and whether it is in."""
    if chosen is None:
        return []
    pairs = [(one, True) for one in chosen.chosen] + [(one, False) for one in chosen.out]
    return [
        (one.title, why_sentence(one.why, one.facts, visit.words, chosen.zone), is_in) for one, is_in in pairs
    ]


def _choices(visit: Visit, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields offer, in the person's words."""
    words = visit.words
    offered = {
        "featured": FEATURED,
        "fallbacks": selection_form.FALLBACKS,
        "orders": selection_form.ORDERS,
        "thins": selection_form.THINS,
        "likeness": selection_form.LIKENESS,
    }
    found = {name: [(key, words.gettext(text)) for key, text in options] for name, options in offered.items()}
    own = str(typed["likeness"])
    if own not in dict(found["likeness"]):
        found["likeness"].append((own, own))
    return found


def _stored(digest: Digest) -> tuple[dict[str, Any], bool]:
    """The settings as the form shows them, and whether the featured story has names that it cannot show."""
    plain = {name: getattr(digest, name) for name in (*_TEXTS, *_LONG, *_NUMBERS)}
    rules = digest.rules or {}
    featured, has_more = selection_form.featured_as_typed(digest.featured_by, digest.featured_value, rules)
    typed = {name: "" if value is None else value for name, value in plain.items()} | {
        **featured,
        "links": digest.links.value,
        "variants_most": digest.variants_most,
        "has_archive": digest.has_archive,
        "show_share_links": (digest.look or {}).get("show_share_links", True),
        "keeps_names": has_more,
    }
    return typed | selection_form.rules_as_typed(rules), has_more


def _sisters(session: Session, me: Me, digest: Digest) -> list[tuple[str, str]]:
    """The names that digests share with their sisters, and whose: of those that the person sees."""
    rows = session.execute(
        sa.select(Digest.sister_group, Digest.title)
        .where(Digest.sister_group.is_not(None), Digest.id.in_(visible_digests(me)), Digest.id != digest.id)
        .order_by(Digest.sister_group, Digest.title)
        .limit(_SOURCES_MOST)
    )
    found: dict[str, list[str]] = {}
    for group, title in rows:
        found.setdefault(group or "", []).append(title)
    return [(group, ", ".join(titles)) for group, titles in found.items()]


def languages(own: str = "") -> list[tuple[str, str]]:
    """The languages to choose from; a digest's own tag besides, where it is another one."""
    found = [(tag, LANGUAGE_NAMES.get(tag, tag)) for tag in READER_LANGUAGES]
    return found if not own or own in READER_LANGUAGES else [(own, own), *found]


def section_names(session: Session, digest_id: int) -> list[str]:
    """The sections that the newest posts of a digest's sources stand in, to choose from."""
    newest = (
        sa.select(Post.categories)
        .where(
            Post.id.in_(
                sa.select(PostSource.post_id)
                .join(DigestSource, DigestSource.source_id == PostSource.source_id)
                .where(DigestSource.digest_id == digest_id)
            )
        )
        .order_by(Post.published_at.desc())
        .limit(_SECTIONS_OF)
    )
    return sorted({name for row in session.scalars(newest) for name in row})


def _sources(session: Session, me: Me) -> list[Source]:
    query = (
        sa.select(Source).where(Source.next_fetch_at < AWAY_UNTIL).order_by(Source.id).limit(_SOURCES_MOST)
    )
    if not sees_all(me.role):
        drawn = sa.select(DigestSource.source_id).where(DigestSource.digest_id.in_(visible_digests(me)))
        query = query.where(Source.id.in_(drawn))
    return list(session.scalars(query))


def _drawn_from(session: Session, digest_id: int) -> set[int]:
    return set(session.scalars(sa.select(DigestSource.source_id).where(DigestSource.digest_id == digest_id)))


def cadences_of_digest(session: Session, digest_id: int) -> list[Cadence]:
    """A digest's rhythms in the order in which they were made."""
    return list(
        session.scalars(sa.select(Cadence).where(Cadence.digest_id == digest_id).order_by(Cadence.id))
    )
