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
from digest.editions.digests import leave_source, set_digest, use_sources
from digest.errors import InputError
from digest.i18n import N_, READER_LANGUAGES
from digest.models import Digest, DigestSource, FeaturedBy, LinkForm, Post, PostSource, Source
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
)
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
    """All that is asked for most."""
    return _shown(visit, digest)


@desk.post("/digests/{digest}/settings", may=May.EDIT_DIGEST)
def save_settings(visit: Here, digest: int) -> Response:
    """Take them over, or show the form again with what is wrong."""
    try:
        changes = _changes(visit.form)
        with visit.database.write() as session:
            found = session.get_one(Digest, digest)
            set_digest(session, found, changes, actor=visit.actor, now=visit.now)
            _draw_from(session, visit, found)
    except InputError as error:
        return _shown(visit, digest, visit.told(error))
    said = N_("Saved. It counts for every edition that is not locked yet.")
    return visit.go(f"/desk/digests/{digest}", visit.words.gettext(said))


def _changes(form: Form) -> dict[str, Any]:
    kind, value = form.text("featured_by"), form.text("featured_value")
    wants_value = kind not in (FeaturedBy.NEWEST, FeaturedBy.NONE)
    return (
        {name: form.text(name) for name in _TEXTS}
        | {name: form.raw(name) for name in _LONG}
        | {name: form.number(name) for name in _NUMBERS}
        | {
            "featured": f"{kind}:{value}" if wants_value else kind,
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


def _shown(visit: Visit, digest_id: int, fault: str = "") -> Response:
    with visit.database.read() as session:
        found = session.get_one(Digest, digest_id)
        sources = _sources(session, visit.me)
        chosen = _drawn_from(session, digest_id)
        sections = section_names(session, digest_id)
    typed = _stored(found)
    if fault:
        typed = {name: visit.form.raw(name) for name in typed}
    ticked = {name for name in ("has_archive", "show_share_links") if typed.get(name)}
    words = visit.words
    return visit.page(
        "digest_settings.html",
        status=422 if fault else 200,
        fault=fault,
        digest=found,
        typed=typed,
        ticked=ticked,
        languages=languages(found.language),
        featured=[(key, words.gettext(text)) for key, text in FEATURED],
        sections=sections,
        sources=sources,
        chosen=set(visit.form.numbers("source")) if fault else chosen,
    )


def _stored(digest: Digest) -> Mapping[str, Any]:
    plain = {name: getattr(digest, name) for name in (*_TEXTS, *_LONG, *_NUMBERS)}
    return {name: "" if value is None else value for name, value in plain.items()} | {
        "featured_by": digest.featured_by.value,
        "featured_value": digest.featured_value,
        "links": digest.links.value,
        "has_archive": digest.has_archive,
        "show_share_links": (digest.look or {}).get("show_share_links", True),
    }


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
    query = sa.select(Source).order_by(Source.id).limit(_SOURCES_MOST)
    if not sees_all(me.role):
        drawn = sa.select(DigestSource.source_id).where(DigestSource.digest_id.in_(visible_digests(me)))
        query = query.where(Source.id.in_(drawn))
    return list(session.scalars(query))


def _drawn_from(session: Session, digest_id: int) -> set[int]:
    return set(session.scalars(sa.select(DigestSource.source_id).where(DigestSource.digest_id == digest_id)))
