"""A change of language: what goes along, what stays there, and that it is taken back as a whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.errors import NotFoundError
from digest.lists import consent, languages, preferences
from digest.lists.leaving import stop_all, undo_leaving
from digest.lists.queries import subscription_of
from digest.lists.status import Origin
from digest.lists.subscribe import end, pause
from digest.models import Cadence, MailingList, Subscriber, Subscription, SubscriptionStatus, Topic
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW

PENDING, ACTIVE = SubscriptionStatus.PENDING, SubscriptionStatus.ACTIVE
PAUSED, ENDED = SubscriptionStatus.PAUSED, SubscriptionStatus.ENDED
DAY = dt.timedelta(days=1)
UNTIL = NOW + 20 * DAY
OWN = Origin.PREFERENCES


@dataclass(frozen=True, slots=True)
class Paper:
    """A reader of the English paper, on its Sunday rhythm, with two topics; the Armenian is its sister."""

    session: Session
    reader: Subscription
    armenian: MailingList
    weekly: int  # there

    @property
    def person(self) -> Subscriber:
        return self.session.get_one(Subscriber, self.reader.subscriber_id)

    def on_armenian(self, status: SubscriptionStatus, **values: object) -> Subscription:
        return make_subscription(self.session, self.armenian, self.person, status=status, **values)

    def switch(self, now: dt.datetime = NOW) -> Subscription:
        return languages.switch_language(
            self.session, self.reader, self.armenian.id, address_key=ADDRESS_KEY, words="Language", now=now
        )

    def undo(self, now: dt.datetime = NOW) -> list[Subscription]:
        return undo_leaving(
            self.session,
            list_id=self.reader.list_id,
            subscriber_id=self.person.id,
            address_key=ADDRESS_KEY,
            now=now,
        )

    def verified(self) -> bool:
        return not [fault for _, faults in consent.verify_all(self.session) for fault in faults]


@pytest.fixture
def paper(database: Database) -> Iterator[Paper]:
    with database.write() as session:
        english = make_digest(session, sister_group="paper")
        armenian = make_digest(session, sister_group="paper", language="hy")
        for digest, names in ((english, "arts sport letters"), (armenian, "letters arts poems")):
            for place, name in enumerate(names.split()):
                session.add(Topic(digest_id=digest.id, name=name, title=name, position=place, created_at=NOW))
        make_cadence(session, english)
        sunday = make_cadence(session, english, "sunday", cron="0 9 * * 0")
        make_cadence(session, armenian)
        weekly = make_cadence(session, armenian, "kiraki", cron="30 8 * * 0")
        there = make_list(session, armenian)
        there.is_open = True
        reader = make_subscription(
            session, make_list(session, english), cadence_id=sunday.id, topics=["arts", "sport"]
        )
        yield Paper(session, reader, there, weekly.id)


@pytest.mark.parametrize("was_there", [None, PENDING, ENDED])
@pytest.mark.parametrize("status", [ACTIVE, PAUSED])
@pytest.mark.parametrize("until", [None, UNTIL])
def test_what_begins_there_is_what_this_was(
    paper: Paper,
    status: SubscriptionStatus,
    until: dt.datetime | None,
    was_there: SubscriptionStatus | None,
) -> None:
    """The pause, the rhythm that is as often, the topics that are there; and all of it comes back.

    Also where somebody else may have typed the address into a form, and chosen as they liked.
    """
    if was_there is not None:
        paper.on_armenian(PENDING, topics=["poems"])
    if was_there is ENDED:
        old = subscription_of(paper.session, list_id=paper.armenian.id, subscriber_id=paper.person.id)
        assert old is not None
        end(paper.session, old, source=OWN, now=NOW - DAY, reason="left")
    if status is PAUSED:
        pause(paper.session, paper.reader, source=OWN, actor="", now=NOW, until=until)
    until = until if status is PAUSED else None
    moved = paper.switch()
    assert (moved.status, moved.paused_until) == (status, until)
    assert (moved.cadence_id, moved.topics) == (paper.weekly, ["arts"])
    assert (paper.reader.status, paper.person.language) == (ENDED, "hy")
    sunday = paper.reader.cadence_id
    assert paper.undo(NOW + DAY) == [paper.reader]
    assert (paper.reader.status, paper.reader.paused_until) == (status, until)
    assert (paper.reader.cadence_id, paper.reader.topics) == (sunday, ["arts", "sport"])
    assert (moved.status, paper.person.language) == (ENDED, None)
    assert paper.undo(NOW + DAY) == []
    assert paper.verified()


@pytest.mark.parametrize(
    ("here", "there", "becomes"),
    [(ACTIVE, ACTIVE, ACTIVE), (PAUSED, ACTIVE, ACTIVE), (ACTIVE, PAUSED, ACTIVE), (PAUSED, PAUSED, PAUSED)],
)
def test_who_is_on_both_keeps_what_was_chosen_there_and_is_not_left_without(
    paper: Paper, here: SubscriptionStatus, there: SubscriptionStatus, becomes: SubscriptionStatus
) -> None:
    """Whoever got mail gets mail; the one that ran is not ended by the undo, and pauses again if it did."""
    other = paper.on_armenian(ACTIVE, topics=["poems"])
    for each, status, until in ((paper.reader, here, None), (other, there, UNTIL)):
        if status is PAUSED:
            pause(paper.session, each, source=OWN, actor="", now=NOW, until=until)
    moved = paper.switch()
    assert (moved.id, moved.status, moved.topics) == (other.id, becomes, ["poems"])
    assert moved.cadence_id is None
    assert paper.reader.status is ENDED
    assert paper.undo() == [paper.reader]
    assert (paper.reader.status, other.status) == (here, there)
    assert other.paused_until == (UNTIL if there is PAUSED else None)
    assert paper.verified()


def test_a_pause_that_is_over_is_not_taken_along(paper: Paper) -> None:
    """No clock has come by yet; and an undo does not begin a pause that would be over."""
    other = paper.on_armenian(ACTIVE)
    for each in (paper.reader, other):
        pause(paper.session, each, source=OWN, actor="", now=NOW, until=NOW + DAY)
    assert paper.switch(NOW + DAY).status is ACTIVE
    paper.undo(NOW + DAY)
    assert other.status is ACTIVE


def test_what_has_become_of_it_since_is_not_undone(paper: Paper) -> None:
    """Who has left there too is not brought back there, nor does it end anything a second time."""
    moved = paper.switch()
    stop_all(paper.session, paper.person.id, source=OWN, now=NOW + DAY)
    assert paper.undo(NOW + 2 * DAY) == [paper.reader]
    assert (paper.reader.status, moved.status) == (ACTIVE, ENDED)


def test_two_lists_that_end_at_one_moment_by_two_presses_come_back_one_by_one(paper: Paper) -> None:
    """Only what one press ended is taken back together."""
    other = paper.on_armenian(ACTIVE)
    for each in (paper.reader, other):
        end(paper.session, each, source=OWN, now=NOW, reason="left by the page")
    assert paper.undo() == [paper.reader]
    assert other.status is ENDED


@pytest.mark.parametrize("source", [Origin.CLI, Origin.FEEDBACK, Origin.DESK, Origin.SWEEP])
def test_a_closed_list_is_not_joined_again_once_somebody_else_ended_it(paper: Paper, source: Origin) -> None:
    """By no button, and it is not offered. Who left it themselves may come back; so may who joined there."""
    step = {"address_key": ADDRESS_KEY, "words": "Join", "now": NOW}
    here, there = paper.reader, paper.on_armenian(ACTIVE)
    paper.armenian.is_open = False
    end(paper.session, there, source=source, now=NOW, reason="not a member any more")
    assert languages.sister_lists(paper.session, here) == []
    for join in (preferences.join_list, languages.switch_language):
        with pytest.raises(NotFoundError):
            join(paper.session, here, paper.armenian.id, **step)
    assert (here.status, there.status) == (ACTIVE, ENDED)
    paper.armenian.is_open = True
    assert preferences.join_list(paper.session, here, paper.armenian.id, **step)
    paper.armenian.is_open = False
    assert not preferences.join_list(paper.session, here, paper.armenian.id, **step)
    assert languages.sister_lists(paper.session, here) == []
    end(paper.session, there, source=Origin.ONE_CLICK, now=NOW, reason="unsubscribed")
    assert [each.id for each, _ in languages.sister_lists(paper.session, here)] == [paper.armenian.id]
    assert languages.switch_language(paper.session, here, paper.armenian.id, **step).status is ACTIVE


def test_a_closed_list_is_not_joined_by_who_never_confirmed_there(paper: Paper) -> None:
    """It was closed before they did; the link in the mail that asked is the one way."""
    there = paper.on_armenian(PENDING)
    paper.armenian.is_open = False
    with pytest.raises(NotFoundError):
        paper.switch()
    assert (paper.reader.status, there.status) == (ACTIVE, PENDING)


def test_without_an_equal_rhythm_that_of_the_same_name_is_meant(paper: Paper) -> None:
    """Where there is none of either, nothing is chosen: it is the digest's first."""
    cadences = {each.name: each for each in cadences_there(paper)}
    cadences["kiraki"].is_running = False
    assert paper.switch().cadence_id is None
    paper.undo()
    cadences["kiraki"].name, cadences["kiraki"].is_running = "sunday", True
    cadences["kiraki"].cron = "0 9 1 * *"
    assert paper.switch().cadence_id == paper.weekly


def cadences_there(paper: Paper) -> list[Cadence]:
    digest_id = paper.armenian.digest_id
    return list(paper.session.scalars(sa.select(Cadence).where(Cadence.digest_id == digest_id)))


def test_somebody_who_is_gone_brings_nothing_back(paper: Paper) -> None:
    """A link of somebody whose row was deleted, as of sign-ups that nobody confirmed."""
    gone = make_subscriber(paper.session)
    paper.session.delete(gone)
    paper.session.flush()
    gone_is = {"list_id": paper.armenian.id, "subscriber_id": gone.id}
    assert undo_leaving(paper.session, **gone_is, address_key=ADDRESS_KEY, now=NOW) == []
