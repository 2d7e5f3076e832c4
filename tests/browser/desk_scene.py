"""A lively, invented newsroom: editions in every state, sources in trouble, readers, people, an import.

The pictures of the desk are taken of it, and every page is held to axe with it. What is on its way (sent,
failed, may have arrived) is written down as if it had been; nothing is mailed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit, config
from digest.accounts.rights import Of
from digest.db import Database
from digest.deliveries import control
from digest.deliveries.handover import go_on
from digest.deliveries.plan import plan
from digest.editions import shape
from digest.editions.compose import compose
from digest.editions.material import Outcome, material_of
from digest.editions.own_items import add_own_item
from digest.editions.revisions import FREEZE, store_revision
from digest.editions.schedule import day_of
from digest.editions.slots import add_edition, make_next_editions
from digest.editions.states import move
from digest.embedded.newspaper import content
from digest.embedded.newspaper.content import Article
from digest.keys import Keys
from digest.lists.import_drafts import ask_trial, keep_upload, read_draft
from digest.lists.import_order import ImportOrder
from digest.lists.import_run import import_subscribers
from digest.lists.import_turns import try_draft
from digest.models import (
    Batch,
    Cadence,
    ChangeKind,
    Delivery,
    DeliveryStatus,
    Digest,
    DigestSource,
    Edition,
    EditionKind,
    EditionState,
    EditionTotals,
    FeaturedBy,
    OwnItemKind,
    Post,
    PostSource,
    Reason,
    Revision,
    Source,
    Transport,
    UncertainCase,
    UncertainCause,
)
from digest.queueing.app import app
from tests.browser import desk_people, desk_versions
from tests.factories import make_cadence, make_digest
from tests.servers.dns import Zone

D, S = DeliveryStatus, EditionState
_HOURS: Final = {
    "sent": -20,
    "sending": -0.2,
    "corrected": -0.3,
    "paused": -0.4,
    "waiting": 0.6,
    "void": 1.1,
    "held": 1.5,
    "upcoming": 14,
}
# What the DNS says of the sender's domain: something is well, something is missing.
ZONE: Final[Zone] = {
    "courier.example": {"TXT": ["v=spf1 include:spf.relay.example -all"], "MX": ["10 mx.courier.example"]},
    "spf.relay.example": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ~all"]},
    "mx.courier.example": {"A": ["192.0.2.9"]},
}


@dataclass
class Scene:
    """Where everything is. `things` are what the words of paths stand for."""

    database: Database
    keys: Keys
    now: dt.datetime
    tokens: dict[str, str] = field(default_factory=dict)  # what the browser of a person holds
    things: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    site: str = ""  # where the paper is, with its pictures

    @property
    def actor(self) -> str:
        """Whoever looks, as the trail names them."""
        return f"account:{self.things['account:me']}"

    def edition(self, cadence: str, hours: float) -> int:
        """An edition of a cadence that goes out, or went, so many hours from now."""
        with self.database.write() as session:
            rhythm = session.get_one(Cadence, self.things[cadence])
            due_at = self.now + dt.timedelta(hours=hours)
            made = add_edition(session, rhythm, kind=EditionKind.EXTRA, due_at=due_at, now=self.now)
            assert made is not None
            return made

    def lock(self, edition_id: int, *, approved_by: str = FREEZE) -> None:
        """Fix its content as the freeze does, of what stands in the database."""
        with self.database.write() as session:
            material = material_of(session, edition_id, now=self.now)
            assert not isinstance(material, Outcome), material
            composed = compose(material, public_url=desk_versions.PUBLIC_URL, templates=None)
            revision = store_revision(session, edition_id, composed, approved_by=approved_by, now=self.now)
            edition = session.get_one(Edition, edition_id)
            edition.revision_id = revision.id
            reason = None if approved_by else Reason.WANTS_APPROVAL
            move(session, edition, S.FROZEN, now=self.now, reason=reason)

    def begin(self, edition_id: int) -> None:
        """Plan it and let it go out."""
        with self.database.write() as session:
            plan(session, edition_id, now=self.now)
            go_on(session, now=self.now)
            assert session.get_one(Edition, edition_id).state is S.SENDING

    def hand_over(self, edition_id: int, *, of_hundred: int) -> None:
        """Write down that so many of a hundred people have been served, a few of them otherwise than well."""
        with self.database.write() as session:
            people = session.scalars(
                sa.select(Delivery.subscriber_id)
                .where(Delivery.edition_id == edition_id)
                .order_by(Delivery.subscriber_id)
            ).all()
            done = [each for number, each in enumerate(people) if number % 100 < of_hundred]
            sent_at = self.now - dt.timedelta(minutes=4)
            _mark(session, edition_id, done, status=D.SENT, transport_id=self.things["transport"], at=sent_at)
            failed, unsure = done[7::61], done[5::70]
            reply = desk_people.reply(session, 550, "5.1.1", "No such person here")
            _mark(session, edition_id, failed, status=D.FAILED, reply_id=reply, at=None)
            _mark(session, edition_id, unsure, status=D.UNCERTAIN, reply_id=None, at=sent_at)
            session.add_all(
                UncertainCase(
                    edition_id=edition_id,
                    subscriber_id=each,
                    attempt=0,
                    since=sent_at,
                    cause=UncertainCause.CONNECTION_ENDED,
                    transport_id=self.things["transport"],
                )
                for each in unsure
            )


def make_scene(database: Database, keys: Keys, *, readers: int, now: dt.datetime, site: str = "") -> Scene:
    """The newsroom, with so many readers on the main list."""
    scene = Scene(database, keys, now, site=site)
    with database.write() as session:
        desk_people.add_accounts(session, scene)
        _add_digests(session, scene)
        _add_sources(session, scene)
        desk_people.add_lists(session, scene, readers)
    _publish(scene, "en", first=True)
    _publish(scene, "hy", first=True)
    _past(scene)
    _publish(scene, "en", first=False)
    _publish(scene, "hy", first=False)
    _on_its_way(scene)
    _coming(scene)
    desk_versions.add_void_approval(scene, hours=_HOURS["void"])
    desk_versions.add_next_version(scene, hours=_HOURS["corrected"])
    _import(scene)
    with database.write() as session:
        desk_people.add_trail(session, scene)
        make_next_editions(session, now=now)
    return scene


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """For a block: hints go nowhere, and what is done is not talked about."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGEST_BROKER_URL", "memory://")
        config.settings.cache_clear()
        app.cache_clear()
        yield
    config.settings.cache_clear()
    app.cache_clear()


def make_beginning(database: Database, keys: Keys, *, now: dt.datetime) -> Scene:
    """An installation in which nothing has been done yet."""
    scene = Scene(database, keys, now)
    with database.write() as session:
        desk_people.add_first(session, scene)
    return scene


def _add_digests(session: Session, scene: Scene) -> None:
    commentary = {"featured_by": FeaturedBy.CATEGORY, "recent_least": 0, "recent_days": 30}
    english = {"featured_value": "Commentary", "home_url": "https://footbridge.example/en/", **commentary}
    courier = make_digest(
        session, "footbridge", title="The Footbridge", sister_group="footbridge", recent_most=6, **english
    )
    armenian = make_digest(
        session,
        "kamrjak",
        title="Կամրջակ",
        language="hy",
        sister_group="footbridge",
        featured_value="Տեսակետ",
        recent_most=8,
        **commentary,
    )
    letters = make_digest(session, "letters", title="Letters from Alder Street", recent_most=5, **english)
    rhythms = {
        "cadence": (courier, "morning", "0 7 * * *"),
        "weekly": (courier, "sunday-best-of", "0 9 * * 0"),
        "armenian": (armenian, "morning", "30 7 * * 1-5"),
        "letters": (letters, "fridays", "0 16 * * 5"),
        "noon": (letters, "noon", "0 12 * * *"),
        "evening": (letters, "evening", "0 19 * * *"),
        "night": (letters, "night", "0 22 * * *"),
    }
    for key, (digest, name, cron) in rhythms.items():
        plain: dict[str, Any] = {"cron": cron, "zone": "Asia/Yerevan", "slots_after": scene.now}
        if key in ("letters", "night"):
            plain |= {"wants_approval": True, "approval_seconds": 900, "lead_seconds": 3600}
        plain["is_running"] = key not in ("noon", "evening", "night")
        scene.things[key] = make_cadence(session, digest, name, **plain).id
    scene.things |= {"digest": courier.id, "digest:hy": armenian.id, "digest:letters": letters.id}
    service = Transport(
        name="relay",
        host="smtp.courier.example",
        port=587,
        secret_name="relay-password",
        created_at=scene.now,
        accepted_at=scene.now,
    )
    spare = Transport(
        name="spare", host="smtp.post.example", port=465, rank=1, per_hour=3000, created_at=scene.now
    )
    session.add_all([service, spare])
    session.flush()
    scene.things["transport"] = service.id


def _add_sources(session: Session, scene: Scene) -> None:
    hour = dt.timedelta(hours=1)
    rows: dict[str, dict[str, Any]] = {
        "source:en": {"url": "https://footbridge.example/en/feed/", "title": "The Footbridge"},
        "source:hy": {"url": "https://footbridge.example/hy/feed/", "title": "Կամրջակ", "language": "hy"},
        "source": {
            "url": "https://library.example/notices.atom",
            "title": "Alder Street Library",
            "fault_code": "http_status",
            "fault_detail": "503 Service Unavailable",
            "faults_in_a_row": 14,
            "last_good_at": scene.now - 5 * hour,
        },
        "source:odd": {
            "url": "https://chess.example/feed/",
            "title": "The Chess Circle",
            "alarms": [{"code": "parse_faults", "facts": {"count": 3}}],
        },
    }
    for key, values in rows.items():
        plain = {
            "news_since": scene.now - 900 * hour,
            "next_fetch_at": scene.now + hour / 6,
            "last_fetch_at": scene.now - hour / 12,
            "last_good_at": scene.now - hour / 12,
            "last_new_at": scene.now - 3 * hour,
            "created_at": scene.now - 900 * hour,
        }
        made = Source(**{**plain, **values})
        session.add(made)
        session.flush()
        scene.things[key] = made.id
        desk_people.add_fetches(session, scene, made)
        for digest in ("digest:hy",) if key == "source:hy" else ("digest", "digest:letters"):
            session.add(DigestSource(digest_id=scene.things[digest], source_id=made.id))


def _publish(scene: Scene, language: str, *, first: bool) -> None:
    """The older half of the paper's stories, or the newer one."""
    found = sorted(
        (each for each in content.articles() if each.language == language),
        key=lambda each: each.hours if each.hours is not None else -(each.later or 0),
    )
    chosen = found[len(found) // 2 :] if first else found[: len(found) // 2]
    with scene.database.write() as session:
        for number, article in enumerate(chosen):
            hours = number * 1.7 + (24 if first else 0.5)
            session.add(post := _post(scene, article, scene.now - dt.timedelta(hours=hours)))
            session.flush()
            source = scene.things[f"source:{language}"]
            session.add(PostSource(source_id=source, post_id=post.id, seen_at=post.published_at))


def _post(scene: Scene, article: Article, published_at: dt.datetime) -> Post:
    picture = None
    if article.picture is not None and scene.site:
        width, height = content.PICTURE_SIZE
        url = f"{scene.site}/pictures/{article.picture.name}.png"
        picture = {"url": url, "alt": article.picture.alt, "width": width, "height": height}
    return Post(
        url=f"https://footbridge.example/{article.language}/{article.slug}/",
        title=article.title,
        author=article.author,
        excerpt=article.excerpt,
        body_html=article.body_html,
        categories=[article.section_name],
        tags=list(article.tags),
        language=article.language,
        picture=picture,
        published_at=published_at,
        content_fingerprint=f"{article.id:064}",
        first_seen_at=published_at,
        changed_at=published_at,
    )


def _past(scene: Scene) -> None:
    """The last days: one with its people, older ones with totals alone, one left out, one stopped."""
    sent = scene.edition("cadence", _HOURS["sent"])
    scene.lock(sent)
    scene.begin(sent)
    scene.hand_over(sent, of_hundred=100)
    with scene.database.write() as session:
        session.execute(sa.update(Batch).where(Batch.edition_id == sent).values(closed_at=scene.now))
        move(session, session.get_one(Edition, sent), S.SENT, now=scene.now, reason=Reason.ALL_SERVED)
    scene.things["edition:sent"] = sent
    subjects = itertools.cycle(
        ("A bridge is mended", "What the choir sang twice", "Apricots come early", "The bus that waits")
    )
    for days in range(2, 9):
        made = scene.edition("cadence", -24 * days)
        with scene.database.write() as session:
            edition = session.get_one(Edition, made)
            if days == 4:
                move(session, edition, S.SKIPPED, now=scene.now, reason=Reason.NOTHING_NEW)
                scene.things["edition:skipped"] = made
                continue
            _printed(session, edition, next(subjects), number=days)
            is_stopped = days == 6
            edition.state = S.CANCELLED if is_stopped else S.SENT
            edition.reason = Reason.BY_PERSON if is_stopped else Reason.ALL_SERVED
            if is_stopped:
                audit.record(session, "edition.cancel", edition, actor=scene.actor, now=scene.now)
            scene.things["edition:cancelled" if is_stopped else "edition:old"] = made
            totals = {"sent": 412 if is_stopped else 1980 - days, "failed": days, "uncertain": days % 2}
            skipped = 1571 if is_stopped else 3
            session.add(EditionTotals(edition_id=made, skipped=skipped, dropped_at=scene.now, **totals))


def _on_its_way(scene: Scene) -> None:
    for key, cadence, done in (("sending", "noon", 62), ("paused", "evening", 38)):
        made = scene.edition(cadence, _HOURS[key])
        scene.lock(made)
        scene.begin(made)
        scene.hand_over(made, of_hundred=done)
        scene.things[f"edition:{key}"] = made
    with scene.database.write() as session:
        paused = session.get_one(Edition, scene.things["edition:paused"])
        control.pause(session, paused, actor=scene.actor, now=scene.now)


def _coming(scene: Scene) -> None:
    """One waits for approval, one is held, one is being shaped, one is approved."""
    waiting = scene.edition("letters", _HOURS["waiting"])
    scene.lock(waiting, approved_by="")
    held, upcoming = scene.edition("armenian", _HOURS["held"]), scene.edition("cadence", _HOURS["upcoming"])
    with scene.database.write() as session:
        edition = session.get_one(Edition, held)
        move(session, edition, S.HELD, now=scene.now, reason=Reason.UNUSUAL_NEWS)
        edition.deadline_at = edition.send_at + dt.timedelta(hours=3)
        facts = {"source": "Կամրջակ", "posts": 34, "usual": 6, "source_id": scene.things["source:hy"]}
        edition.remarks = [{"code": "many", "facts": facts}]
        _shape(session, scene, session.get_one(Edition, upcoming))
    scene.things |= {"edition": upcoming, "edition:waiting": waiting, "edition:held": held}


def _shape(session: Session, scene: Scene, edition: Edition) -> None:
    """What two editors have done to it."""
    nare, aram = scene.things["account:me"], scene.things["account"]
    by: list[dict[str, Any]] = [{"actor": f"account:{each}", "now": scene.now} for each in (nare, aram)]
    english = sa.select(Post.id).where(Post.language == "en").order_by(Post.published_at.desc())
    posts: Sequence[int] = session.scalars(english.limit(6)).all()
    shape.pin(session, edition, posts[2], place=1, **by[1])
    shape.rewrite(session, edition, {"title": "A night bus for the whole valley"}, post_id=posts[1], **by[1])
    shape.drop(session, edition, posts[4], **by[0])
    words = "Good morning. It snowed in Boston, and the apricots are early in Yerevan."
    shape.set_words(session, edition, ChangeKind.INTRO, words, **by[0])
    today = day_of(scene.now, "Asia/Yerevan")
    item = add_own_item(
        session,
        session.get_one(Digest, scene.things["digest"]),
        kind=OwnItemKind.EVENT,
        title="Saturday: the choir sings in the stairwell",
        text="At **six**, on all four floors. Bring a cushion.",
        from_on=today,
        until_on=today + dt.timedelta(days=7),
        **by[0],
    )
    scene.things[Of.OWN_ITEM.value] = item.id


def _printed(session: Session, edition: Edition, subject: str, *, number: int) -> None:
    revision = Revision(
        edition_id=edition.id,
        number=1,
        subject=subject,
        preheader="",
        web_html=f"<p>{subject}.</p>",
        fingerprint=f"{number:064x}",
        created_at=edition.send_at,
    )
    session.add(revision)
    session.flush()
    edition.revision_id = revision.id


def _mark(
    session: Session, edition_id: int, people: Sequence[int], *, at: dt.datetime | None, **values: Any
) -> None:
    for begin in range(0, len(people), 500):
        session.execute(
            sa.update(Delivery)
            .where(Delivery.edition_id == edition_id, Delivery.subscriber_id.in_(people[begin : begin + 500]))
            .values(sent_at=at, **values),
            execution_options={"synchronize_session": False},
        )


def _import(scene: Scene) -> None:
    """Forty lines of a fair's cards, three of which cannot be used."""
    lines = [f"{name.lower()}{number}@post.example,{name}" for number, name in enumerate(desk_people.NAMES)]
    file = io.BytesIO("\n".join(["address,name", *lines, "no address,Nobody", "a@b,", ",,"]).encode())
    order = ImportOrder(
        scene.things["list:letters"],
        "Signed the card at the summer fair.",
        f"account:{scene.things['account:me']}",
        scene.keys.address_key,
        file_name="summer-fair.csv",
    )
    report = import_subscribers(scene.database, file, order, now=scene.now)
    assert report.import_id is not None
    scene.things[Of.IMPORT.value] = report.import_id
    _draft(scene)


def _draft(scene: Scene) -> None:
    """A file that has been tried and not imported yet."""
    file = io.BytesIO(b"E-mail,Name,Town\nvergine@post.example,Vergine,Watertown\nno address,Nobody,\n")
    with scene.database.write() as session:
        kept = keep_upload(
            session,
            file,
            list_id=scene.things["list"],
            account_id=scene.things["account:me"],
            file_name="counter.csv",
            now=scene.now,
        )
        draft = replace(read_draft(session, kept), basis="They ticked a box at our counter in spring.")
        ask_trial(session, draft, now=scene.now)
    try_draft(scene.database, kept, address_key=scene.keys.address_key, now=scene.now)
    scene.things["draft"] = kept
