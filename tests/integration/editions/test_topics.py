"""Topics from the freeze to the plan: each reader gets the stories they chose, in the size they read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries.plan import plan
from digest.deliveries.switch import go_on_with
from digest.editions.freeze import FreezeSettings, freeze
from digest.editions.judged import judged
from digest.editions.revise import Correction, revise
from digest.editions.revisions import approve, list_revisions, revision_of
from digest.editions.show import show_edition
from digest.lists.topics import add_topic, remove_topic, topic_named
from digest.models import (
    ChangeKind,
    Delivery,
    DeliveryReason,
    DeliveryStatus,
    Digest,
    Edition,
    EditionChange,
    EditionKind,
    EditionState,
    MailingList,
    Post,
    PostSource,
    Reason,
    Subscriber,
    Subscription,
    TextSize,
    Variant,
)
from digest.net.http import Fetcher
from digest.pacing.ramp_up import start_ramp_up
from digest.pacing.transports import add_transport
from digest.preflight.mail_findings import Code
from tests.factories import make_list, make_subscriber, make_subscription
from tests.integration.newsroom import ACTOR, Newsroom, make_newsroom
from tests.integration.planned import PUBLIC_URL

_numbers = count(1)
TITLES = {
    "C": "Patience Pays",
    "A": "Choirs Rehearse",
    "S": "Rowers Win",
    "G": "Bridges Mended",
    "B": "Chess Novels Printed",
}
MINUTE = dt.timedelta(minutes=1)
SKIPPED = (DeliveryStatus.SKIPPED, DeliveryReason.TOO_FEW_STORIES)


@dataclass
class Got:
    """What the plan says of one reader."""

    status: DeliveryStatus
    reason: DeliveryReason | None
    topics: str
    size: str
    html: str
    text: str
    mail: bytes

    @property
    def titles(self) -> str:
        """The first letters of the stories that are in the mail, in both parts of it."""
        found = "".join(letter for letter, title in TITLES.items() if title in self.text)
        assert found == "".join(letter for letter, title in TITLES.items() if title in self.html)
        return found


@pytest.fixture
def room(database: Database) -> Newsroom:
    """A commentary, a story of arts, of sport, of no topic, of both. At least two that are recent."""
    made = make_newsroom(database)
    with database.write() as session:
        digest = session.get_one(Digest, made.digest_id)
        digest.recent_least = 2
        for name, sections in (("arts", ["Arts", "Books"]), ("sport", ["SPORT"]), ("opera", ["Opera"])):
            add_topic(session, digest, name=name, title=name, sections=sections, now=made.now)
    made.publish(TITLES["C"], hours=1, categories=["Commentary"], body_html="<p>Words.</p>")
    made.publish(TITLES["A"], hours=2, categories=["Arts"])
    made.publish(TITLES["S"], hours=3, categories=["Town"], tags=["sport"])
    made.publish(TITLES["G"], hours=4, categories=["Town"])
    made.publish(TITLES["B"], hours=5, categories=["Sport"], tags=["Books"])
    return made


def add(room: Newsroom, topics: Sequence[str], size: TextSize = TextSize.NORMAL, people: int = 1) -> int:
    """So many readers of the list with these topics; the id of one."""
    with room.database.write() as session:
        mailing_list = session.scalars(sa.select(MailingList)).first()
        assert mailing_list is not None
        for _ in range(people):
            person = make_subscriber(session, f"t{next(_numbers)}@mail.test", text_size=size)
            make_subscription(session, mailing_list, person, topics=list(topics))
        return person.id


def locked(room: Newsroom, edition_id: int) -> None:
    """Lock it as breaking news is: with all checks, and without a look at any site."""
    room.change(Edition, kind=EditionKind.BREAKING)
    with Fetcher([]) as fetcher:
        config = FreezeSettings(fetcher, PUBLIC_URL, None, dt.timedelta(hours=1), dt.timedelta(0))
        assert freeze(room.database, edition_id, config) is EditionState.FROZEN


def got(room: Newsroom, edition_id: int) -> dict[int, Got]:
    with room.database.read() as session:
        rows = session.execute(
            sa.select(
                Delivery.subscriber_id,
                *(Delivery.status, Delivery.reason, Variant.topics, Variant.text_size),
                *(Variant.html, Variant.text, Variant.mail),
            )
            .join(Variant, Variant.id == Delivery.variant_id)
            .where(Delivery.edition_id == edition_id)
        )
        return {person: Got(*row) for person, *row in rows}


def planned(room: Newsroom, edition_id: int) -> dict[int, Got]:
    with room.database.write() as session:
        people = plan(session, edition_id, now=room.now)
    found = got(room, edition_id)
    assert len(found) == people
    return found


def test_each_reader_gets_exactly_the_stories_they_chose(room: Newsroom) -> None:
    """With the commentary and what is of no topic; below the minimum is no mail; equal sets share one."""
    arts, sport = add(room, ["arts"]), add(room, ["sport"], TextSize.LARGE)
    both, opera = add(room, ["sport", "arts"]), add(room, ["opera"])
    removed = add(room, ["chess"])
    edition_id = room.edition()
    assert room.freeze(edition_id) is None
    found = planned(room, edition_id)
    assert {
        person: one.titles for person, one in found.items() if person in (arts, sport, both, removed)
    } == {
        arts: "CAGB",
        sport: "CSGB",
        both: "CASGB",
        removed: "CASGB",
    }
    assert (found[opera].status, found[opera].reason) == SKIPPED
    assert {one.status for person, one in found.items() if person != opera} == {DeliveryStatus.PENDING}
    assert [found[one].size for one in (arts, sport, both)] == ["normal", "large", "normal"]
    assert (found[both].topics, found[arts].topics) == ("", "arts")
    with room.database.read() as session:
        view = show_edition(session, edition_id)
        (version,) = list_revisions(session, session.get_one(Edition, edition_id))
        remarks = session.get_one(Edition, edition_id).remarks
    # The reader whom every newsroom has, the two of everything; nobody reads everything in large letters.
    assert [(one.topics, one.text_size, one.stories, one.people) for one in view.variants] == [
        ("", "normal", 5, 3),
        ("arts", "normal", 4, 1),
        ("sport", "large", 4, 1),
    ]
    assert version.variants == view.variants
    assert remarks == [{"code": "topics_thin", "facts": {"people": 1, "topics": "opera"}}]


def test_a_sets_subject_does_not_speak_of_what_is_not_in_it(room: Newsroom) -> None:
    """An editor's own words and the number of stories are those of the whole edition."""
    room.change(
        Digest, preheader_pattern="{count} stories of this morning, gathered for you by {digest.title}"
    )
    room.change(Digest, subject_pattern="{count} stories")
    sport = add(room, ["sport"])
    edition_id = room.edition()
    with room.database.write() as session:
        said = {"kind": ChangeKind.SUBJECT, "details": {"text": "Choirs and rowers"}}
        session.add(EditionChange(edition_id=edition_id, made_by=ACTOR, made_at=room.now, **said))
    room.freeze(edition_id)
    found = planned(room, edition_id)
    whole = next(one for person, one in found.items() if person != sport)
    assert (found[sport].titles, whole.titles) == ("CSGB", "CASGB")
    assert b"Subject: Choirs and rowers" in whole.mail
    assert b"Subject: 4 stories" in found[sport].mail
    assert "5 stories of this morning" in whole.html
    assert "4 stories of this morning" in found[sport].html
    assert not [word for word in ("5 stories", "Choirs") if word in found[sport].html]


@pytest.mark.parametrize(
    ("kind", "code"),
    [(ChangeKind.INTRO, Code.INTRO_ELSEWHERE), (ChangeKind.SIGN_OFF, Code.SIGN_OFF_ELSEWHERE)],
)
def test_words_about_a_story_that_a_set_lacks_are_told(room: Newsroom, kind: ChangeKind, code: Code) -> None:
    """By the story and the set, at the lock and later; a story that the set has is no cause."""
    add(room, ["sport"])
    edition_id = room.edition()
    with room.database.write() as session:
        pages = {post.title: post.url for post in session.scalars(sa.select(Post))}
        text = f"Read [of choirs]({pages[TITLES['A']]}#top) and [of rowers]({pages[TITLES['S']]})."
        said = {"kind": kind, "details": {"text": text}}
        session.add(EditionChange(edition_id=edition_id, made_by=ACTOR, made_at=room.now, **said))
    locked(room, edition_id)
    with room.database.read() as session:
        edition = session.get_one(Edition, edition_id)
        kept = [one for one in revision_of(session, edition).findings if one["code"] == code]
        later = judged(session, edition, public_url=PUBLIC_URL).findings
    facts = {"title": TITLES["A"]}
    assert kept == [{"level": "warn", "code": code.value, "facts": facts, "variants": ["normal sport"]}]
    assert [one.variants for one in later if one.finding.code is code] == [("normal sport",)]


def test_beyond_the_limit_the_rarest_get_the_nearest_larger_set(room: Newsroom) -> None:
    """With a warning that the lock keeps, and nobody is left out: of breaking news the least is enough."""
    room.change(Digest, variants_most=2)
    add(room, ["arts"], people=3)
    sport, opera = add(room, ["sport"]), add(room, ["opera"])
    edition_id = room.edition()
    locked(room, edition_id)
    found = planned(room, edition_id)
    assert (found[sport].topics, found[opera].topics, found[opera].titles) == ("", "arts", "CAGB")
    with room.database.read() as session:
        remarks = session.get_one(Edition, edition_id).remarks
    assert remarks == [{"code": "topics_fell_back", "facts": {"people": 2, "most": 2}}]


def test_who_comes_or_chooses_after_the_lock_is_served_too(room: Newsroom) -> None:
    """By the nearest larger rendering; what is chosen after the plan counts for the next edition."""
    first = add(room, ["arts"])
    edition_id = room.edition()
    room.freeze(edition_id)
    late = add(room, ["sport"], TextSize.LARGE)
    with room.database.write() as session:
        digest = session.get_one(Digest, room.digest_id)
        remove_topic(session, topic_named(session, digest, "opera"))
        session.execute(sa.update(Subscription).values(topics=["arts"]).where(Subscription.topics == []))
        add_topic(session, digest, name="music", title="Music", sections=["x"], now=room.now + MINUTE)
    music = add(room, ["music"])
    found = planned(room, edition_id)
    assert (found[late].titles, found[music].titles) == ("CASGB", "CASGB")
    others = [one for person, one in found.items() if person not in (first, late, music)]
    assert [one.titles for one in (*others, found[first])] == ["CAGB", "CAGB"]
    with room.database.write() as session:
        session.execute(sa.update(Subscription).values(topics=[]))
    assert got(room, edition_id) == found


def test_a_later_version_keeps_the_sets(room: Newsroom) -> None:
    """A dropped story is dropped from each set it was in; who has none left is skipped with the reason."""
    room.change(Digest, featured_value="Nothing", recent_least=1)
    arts, sport = add(room, ["arts"]), add(room, ["sport"])
    with room.database.write() as session:
        others = sa.select(Post.id).where(Post.title.in_([TITLES[letter] for letter in "CGB"]))
        session.execute(sa.delete(PostSource).where(PostSource.post_id.in_(others)))
    edition_id = room.edition()
    room.freeze(edition_id)
    assert {one.titles for one in planned(room, edition_id).values()} == {"A", "S", "AS"}
    correction = Correction(titles={1: "Choirs Rehearse, put right"}, dropped=frozenset({2}))
    values = {"public_url": PUBLIC_URL, "templates": None, "actor": "cli:nare"}
    assert revise(room.database, edition_id, correction, **values) == 2  # type: ignore[arg-type]
    with room.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        second = revision_of(session, edition, 2)
        approve(session, second, actor="cli:ara", now=room.now)
        assert go_on_with(session, edition, second, actor="cli:nare", now=room.now) == 2
    found = got(room, edition_id)
    assert (found[sport].status, found[sport].reason) == SKIPPED
    rest = [one for person, one in found.items() if person != sport]
    assert {(one.titles, "put right" in one.html, one.status.value) for one in rest} == {
        ("A", True, "pending")
    }
    assert found[arts].topics == "arts"


def test_an_edition_with_too_few_for_everybody_is_skipped(room: Newsroom) -> None:
    """And the reason stands with each person as well."""
    with room.database.write() as session:
        session.execute(sa.update(Subscription).values(topics=["opera"]))
    edition_id = room.edition()
    room.freeze(edition_id)
    assert [(one.status, one.reason) for one in planned(room, edition_id).values()] == [SKIPPED]
    with room.database.read() as session:
        edition = session.get_one(Edition, edition_id)
    assert (edition.state, edition.reason) == (EditionState.SKIPPED, Reason.TOO_FEW_STORIES)


def test_who_gets_no_mail_takes_nobodys_turn_of_a_ramp_up(room: Newsroom) -> None:
    """A new sender may mail two people a day: these are two who have a mail to get."""
    first, second = add(room, ["arts"]), add(room, [])
    opera = add(room, ["opera"])  # who came last would be first
    with room.database.write() as session:
        transport = add_transport(session, name="new", host="127.0.0.1", rank=0, now=room.now)
        transport.accepted_at = room.now
        start_ramp_up(session, transport, rest=None, first_day=2, growth_percent=100, now=room.now)
    edition_id = room.edition()
    room.freeze(edition_id)
    found = planned(room, edition_id)
    assert {person for person, one in found.items() if one.status is DeliveryStatus.PENDING} == {
        first,
        second,
    }
    assert (found[opera].status, found[opera].reason) == SKIPPED
    (left,) = [one for person, one in found.items() if person not in (first, second, opera)]
    assert (left.status, left.reason) == (DeliveryStatus.SKIPPED, DeliveryReason.RAMP_UP)


def test_the_statements_of_the_plan_do_not_grow_with_the_choices(room: Newsroom) -> None:
    """As many for some forty people with six choices as for one with one."""
    numbers = []
    for choices in ([["arts"]], [[], ["sport"], ["opera"], ["arts", "sport"], ["sport", "arts"], ["chess"]]):
        for topics in choices:
            add(room, topics, people=len(choices))
        edition_id = room.edition(hours=1 + len(numbers))
        room.freeze(edition_id)
        statements: list[str] = []

        def note(*args: object, into: list[str] = statements) -> None:
            into.append(str(args[2]))

        sa.event.listen(room.database.engine, "before_cursor_execute", note)
        with room.database.write() as session:
            assert plan(session, edition_id, now=room.now)
        sa.event.remove(room.database.engine, "before_cursor_execute", note)
        numbers.append(len(statements))
    assert numbers[0] == numbers[1]


def test_on_two_lists_the_topics_are_those_of_the_subscription_that_is_mailed(room: Newsroom) -> None:
    """The one whose link the mail carries: what its page shows is what comes."""
    arts = add(room, ["arts"])
    with room.database.write() as session:
        other = make_list(session, session.get_one(Digest, room.digest_id))
        make_subscription(session, other, session.get_one(Subscriber, arts), topics=["sport"])
    edition_id = room.edition()
    room.freeze(edition_id)
    assert planned(room, edition_id)[arts].titles == "CAGB"
