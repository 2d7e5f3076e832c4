"""What readers do by the link of a mail, as steps: each leaves its proof, and each can be taken back."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db import Database
from digest.errors import InputError, NotFoundError, StateError
from digest.lists import consent, evidence, languages, preferences
from digest.lists.change_address import Moved, ask_new_address, change_address, foresee
from digest.lists.erase import erase_subscriber
from digest.lists.fresh_links import (
    Asked,
    Fresh,
    FreshKind,
    ask_fresh_link,
    fresh_path,
    make_fresh_link,
    open_fresh_link,
    use_up,
)
from digest.lists.goodbye import ask_goodbye
from digest.lists.leaving import Reason, can_undo, give_reason, stop_all, undo_leaving
from digest.lists.locks import lock_subscriptions
from digest.lists.my_data import my_data
from digest.lists.stationery import Stationery
from digest.lists.status import Origin
from digest.lists.subscribe import end, pause
from digest.lists.suppress import suppress_address
from digest.models import (
    ConsentEvent,
    FreshLink,
    MailingList,
    Notice,
    Subscriber,
    Subscription,
    SubscriptionStatus,
    Suppression,
    SuppressionCause,
    TextSize,
    Topic,
)
from digest.tokens import Claim, Purpose, Signer, TokenError
from tests.factories import make_cadence, make_digest, make_list, make_subscriber, make_subscription
from tests.factories.audience import ADDRESS_KEY
from tests.factories.moments import NOW
from tests.integration.web.reader_hands import mailed_path

ACTIVE, PAUSED, ENDED = SubscriptionStatus.ACTIVE, SubscriptionStatus.PAUSED, SubscriptionStatus.ENDED
SIGNER = Signer({1: b"a" * 32}, 1)
STATIONERY = Stationery(SIGNER, ADDRESS_KEY, "https://mail.example.org")
DAY = dt.timedelta(days=1)
OWN = Origin.PREFERENCES


@dataclass(frozen=True, slots=True)
class Scene:
    session: Session
    reader: Subscription
    morning: int
    sunday: int
    sister: MailingList
    other: MailingList

    def events(self, subscription: Subscription | None = None) -> list[tuple[str, str]]:
        """Action and source of each event; the chain is checked on the way."""
        found = subscription or self.reader
        assert consent.verify(self.session, found.id) == []
        rows = self.session.execute(
            sa.select(ConsentEvent.action, ConsentEvent.source)
            .where(ConsentEvent.subscription_id == found.id)
            .order_by(ConsentEvent.number)
        )
        return [(row.action, row.source) for row in rows]

    def details(self, subscription: Subscription | None = None) -> dict[str, str]:
        """Of the last event."""
        found = subscription or self.reader
        query = sa.select(ConsentEvent.details).where(ConsentEvent.subscription_id == found.id)
        last = self.session.scalars(query.order_by(ConsentEvent.number.desc()).limit(1)).one()
        return dict(last or {})

    def notices(self) -> list[Notice]:
        return list(self.session.scalars(sa.select(Notice).order_by(Notice.id)))

    def person(self) -> Subscriber:
        return self.session.get_one(Subscriber, self.reader.subscriber_id)


@pytest.fixture
def scene(database: Database) -> Iterator[Scene]:
    """A reader of an English paper with two cadences, three topics, an Armenian sister and one more list."""
    with database.write() as session:
        digest = make_digest(session, sister_group="paper")
        morning = make_cadence(session, digest)
        sunday = make_cadence(session, digest, "sunday", cron="0 9 * * 0")
        for place, name in enumerate(("arts", "sport", "letters")):
            session.add(Topic(digest_id=digest.id, name=name, title=name, position=place, created_at=NOW))
        armenian = make_digest(session, sister_group="paper", language="hy")
        make_cadence(session, armenian)
        make_cadence(session, armenian, "sunday", cron="0 9 * * 0")
        sister, other = make_list(session, armenian), make_list(session, digest)
        sister.is_open = other.is_open = True
        reader = make_subscription(session, make_list(session, digest))
        yield Scene(session, reader, morning.id, sunday.id, sister, other)


def test_another_rhythm_is_proven_and_repeated_harmlessly(scene: Scene) -> None:
    """The cadence changes, the event says from what to what; again, nothing is written."""
    assert preferences.choose_cadence(scene.session, scene.reader, scene.sunday, now=NOW)
    assert scene.reader.cadence_id == scene.sunday
    assert scene.details() == {"cadence": "sunday", "cadence_before": "morning"}
    assert not preferences.choose_cadence(scene.session, scene.reader, scene.sunday, now=NOW)
    assert scene.events() == [("sign_up", "cli"), ("change", "preferences")]
    assert scene.person().last_sign_of_life_at == NOW


def test_a_rhythm_ends_a_pause(scene: Scene) -> None:
    """Who chooses how often it comes wants it to come."""
    pause(scene.session, scene.reader, source=OWN, actor="", now=NOW)
    assert preferences.choose_cadence(scene.session, scene.reader, scene.sunday, now=NOW)
    assert scene.reader.status is ACTIVE
    assert [action for action, _ in scene.events()] == ["sign_up", "pause", "resume", "change"]


def test_what_is_not_offered_is_refused(scene: Scene) -> None:
    """Another digest's cadence, a closed list, a list in no other language, and anything once it is over."""
    foreign = make_cadence(scene.session, make_digest(scene.session)).id
    closed = make_list(scene.session, make_digest(scene.session)).id
    step = {"address_key": ADDRESS_KEY, "words": "Join", "now": NOW}
    with pytest.raises(NotFoundError):
        preferences.choose_cadence(scene.session, scene.reader, foreign, now=NOW)
    with pytest.raises(NotFoundError):
        preferences.join_list(scene.session, scene.reader, closed, **step)
    with pytest.raises(NotFoundError):
        languages.switch_language(scene.session, scene.reader, scene.other.id, **step)
    end(scene.session, scene.reader, source=OWN, now=NOW, reason="left")
    for attempt in (
        lambda: preferences.choose_cadence(scene.session, scene.reader, scene.sunday, now=NOW),
        lambda: preferences.choose_topics(scene.session, scene.reader, ["arts"], now=NOW),
        lambda: preferences.join_list(scene.session, scene.reader, scene.other.id, **step),
        lambda: languages.switch_language(scene.session, scene.reader, scene.sister.id, **step),
    ):
        with pytest.raises(StateError):
            attempt()
    assert [action for action, _ in scene.events()] == ["sign_up", "end"]


def test_topics_are_kept_in_their_order_and_all_is_none(scene: Scene) -> None:
    """Names that the digest has not are dropped; all of them mean that everything comes."""
    assert preferences.choose_topics(scene.session, scene.reader, ["letters", "x", "arts"], now=NOW)
    assert scene.reader.topics == ["arts", "letters"]
    assert scene.details() == {"topics": "arts, letters", "topics_before": ""}
    assert preferences.choose_topics(scene.session, scene.reader, ["arts", "sport", "letters"], now=NOW)
    assert scene.reader.topics == []
    assert not preferences.choose_topics(scene.session, scene.reader, [], now=NOW)


def test_larger_letters_are_no_matter_of_consent(scene: Scene) -> None:
    """The size changes and comes back; no event is written."""
    for size in (TextSize.LARGE, TextSize.NORMAL):
        assert preferences.choose_text_size(scene.session, scene.reader.subscriber_id, size, now=NOW)
        assert not preferences.choose_text_size(scene.session, scene.reader.subscriber_id, size, now=NOW)
    assert len(scene.events()) == 1


def test_joining_is_proven_by_the_words_of_the_button(scene: Scene) -> None:
    """One more list, active at once; a second press does nothing."""
    step = {"address_key": ADDRESS_KEY, "words": "Join: Letters", "now": NOW}
    assert preferences.join_list(scene.session, scene.reader, scene.other.id, **step)
    assert not preferences.join_list(scene.session, scene.reader, scene.other.id, **step)
    joined = scene.session.scalars(
        sa.select(Subscription).where(Subscription.list_id == scene.other.id)
    ).one()
    assert joined.status is ACTIVE
    assert scene.events(joined) == [("sign_up", "preferences")]
    assert scene.details(joined)["text"] == evidence.fingerprint_of("Join: Letters")


def test_the_language_is_switched_there_and_back(scene: Scene) -> None:
    """The sister's list takes over with the cadence of the same name; back again, all is as it was."""
    step = {"address_key": ADDRESS_KEY, "words": "Language", "now": NOW}
    preferences.choose_cadence(scene.session, scene.reader, scene.sunday, now=NOW)
    moved = languages.switch_language(scene.session, scene.reader, scene.sister.id, **step)
    assert (moved.list_id, moved.status, scene.reader.status) == (scene.sister.id, ACTIVE, ENDED)
    cadence = preferences.cadence_of(scene.session, moved)
    assert cadence is not None
    assert cadence.name == "sunday"
    assert scene.person().language == "hy"
    back = languages.switch_language(scene.session, moved, scene.reader.list_id, **step)
    assert (back.id, back.status, moved.status) == (scene.reader.id, ACTIVE, ENDED)
    assert back.cadence_id == scene.sunday
    assert scene.events(moved)[-1] == ("end", "preferences")
    assert scene.events(back)[-1] == ("revive", "preferences")


@pytest.mark.parametrize("days", [0, 29])
def test_stopping_all_is_taken_back_as_a_whole(scene: Scene, days: int) -> None:
    """Each as it was: the active one active, the paused one paused until its day; an older end stays."""
    session, person = scene.session, scene.person()
    until = NOW + 60 * DAY
    second = make_subscription(session, scene.other, person)
    pause(session, second, source=OWN, actor="", now=NOW, until=until)
    older = make_subscription(session, scene.sister, person)
    end(session, older, source=OWN, now=NOW - DAY, reason="left")
    assert stop_all(session, person.id, source=OWN, now=NOW) == [scene.reader, second]
    assert stop_all(session, person.id, source=OWN, now=NOW) == []
    undo = {"list_id": scene.reader.list_id, "subscriber_id": person.id, "address_key": ADDRESS_KEY}
    later = NOW + days * DAY
    assert undo_leaving(session, **undo, now=later) == [scene.reader, second]
    assert undo_leaving(session, **undo, now=later) == []
    assert (scene.reader.status, second.status, older.status) == (ACTIVE, PAUSED, ENDED)
    assert second.paused_until == until
    assert scene.events() == [("sign_up", "cli"), ("end", "preferences"), ("revive", "preferences")]
    assert scene.events(second)[-1] == ("revive", "preferences")


def test_a_leaving_is_not_taken_back_where_it_must_not_be(scene: Scene) -> None:
    """After a month, after a complaint, by a clerk, for a suppressed or erased person: nothing comes back."""
    session, person = scene.session, scene.person()

    def brings(subscription: Subscription, now: dt.datetime = NOW) -> bool:
        return can_undo(session, subscription, address_key=ADDRESS_KEY, now=now) or bool(
            undo_leaving(
                session,
                list_id=subscription.list_id,
                subscriber_id=subscription.subscriber_id,
                address_key=ADDRESS_KEY,
                now=now,
            )
        )

    assert not brings(scene.reader)
    end(session, scene.reader, source=OWN, now=NOW, reason="left")
    assert not brings(scene.reader, NOW + 30 * DAY)
    for source in (Origin.CLI, Origin.FEEDBACK, Origin.SWEEP, Origin.DESK):
        by_clerk = make_subscription(session, scene.other)
        end(session, by_clerk, source=source, now=NOW, reason="complaint")
        assert not brings(by_clerk)
    suppress_address(session, ADDRESS_KEY, person.address or "", reason="complaint", source=OWN, now=NOW)
    assert not brings(scene.reader)
    erased = make_subscription(session, scene.other)
    end(session, erased, source=OWN, now=NOW, reason="left")
    erase_subscriber(session, session.get_one(Subscriber, erased.subscriber_id), source=OWN, now=NOW)
    assert not brings(erased)


def test_a_reason_is_said_once_and_does_not_bar_the_way_back(scene: Scene) -> None:
    """It stands beside the proof; a second is dropped; the undo still finds the leaving."""
    assert not give_reason(scene.session, scene.reader, Reason.TOO_MANY, now=NOW)
    end(scene.session, scene.reader, source=OWN, now=NOW, reason="left")
    assert give_reason(scene.session, scene.reader, Reason.TOO_MANY, now=NOW)
    assert not give_reason(scene.session, scene.reader, Reason.OTHER, now=NOW)
    assert scene.details() == {"reason": "too_many"}
    assert can_undo(scene.session, scene.reader, address_key=ADDRESS_KEY, now=NOW)
    assert [action for action, _ in scene.events()] == ["sign_up", "end", "change"]


def test_goodbye_is_said_once_for_each_leaving_and_never_to_one_click(scene: Scene) -> None:
    """The mail holds the way back; a mail service's button and a suppressed address get none."""
    session, key = scene.session, {"address_key": ADDRESS_KEY, "now": NOW}
    assert not ask_goodbye(session, scene.reader, STATIONERY, now=NOW)
    undo = {"list_id": scene.reader.list_id, "subscriber_id": scene.reader.subscriber_id}
    for round_ in (1, 2):
        end(session, scene.reader, source=OWN, now=NOW, reason="left")
        assert ask_goodbye(session, scene.reader, STATIONERY, now=NOW)
        assert not ask_goodbye(session, scene.reader, STATIONERY, now=NOW)
        assert len(scene.notices()) == round_
        undo_leaving(session, **undo, **key)
    token = SIGNER.sign(Claim(Purpose.UNDO, scene.reader.list_id, scene.reader.subscriber_id))
    assert mailed_path(scene.notices()[0].message, "/undo/") == f"/undo/{token}"
    end(session, scene.reader, source=Origin.ONE_CLICK, now=NOW, reason="left")
    assert not ask_goodbye(session, scene.reader, STATIONERY, now=NOW)


def test_three_fresh_links_a_day_go_to_the_address_on_file(scene: Scene) -> None:
    """The fourth is not mailed; a day later there are three more. A suppressed person gets none."""
    session = scene.session
    kinds = [FreshKind.DATA, FreshKind.ERASE, FreshKind.ADDRESS, FreshKind.DATA]
    asked = [ask_fresh_link(session, scene.reader, kind, STATIONERY, now=NOW) for kind in kinds]
    assert asked == [Asked.MAILED] * 3 + [Asked.ENOUGH]
    assert {notice.address for notice in scene.notices()} == {scene.person().address}
    assert len(scene.notices()) == 3
    later = NOW + DAY
    assert ask_fresh_link(session, scene.reader, FreshKind.DATA, STATIONERY, now=later) is Asked.MAILED
    suppress_address(
        session, ADDRESS_KEY, scene.person().address or "", reason="never", source=Origin.CLI, now=NOW
    )
    assert ask_fresh_link(session, scene.reader, FreshKind.DATA, STATIONERY, now=later) is Asked.NOT_ALLOWED


def test_a_fresh_link_works_once_for_a_day_and_for_its_kind(scene: Scene) -> None:
    """Used, too old, of another kind, of an erased person, or of no row: it opens nothing."""
    session = scene.session

    def token_of(link: FreshLink) -> str:
        return fresh_path(SIGNER, link, list_id=scene.reader.list_id).rpartition("/")[2]

    link = make_fresh_link(session, scene.reader.subscriber_id, FreshKind.DATA, now=NOW)
    token = token_of(link)

    def opens(now: dt.datetime = NOW) -> bool:
        return open_fresh_link(session, SIGNER, token, FreshKind.DATA, now=now, to_act=True) is not None

    assert opens()
    assert opens(NOW + DAY - dt.timedelta(seconds=1))
    assert not opens(NOW + DAY)
    for kind in (FreshKind.ERASE, FreshKind.ADDRESS, FreshKind.NEW_ADDRESS):
        with pytest.raises(TokenError):
            open_fresh_link(session, SIGNER, token, kind, now=NOW)
    use_up(session, link, now=NOW)
    assert not opens()
    nobody = SIGNER.sign(Claim(Purpose.MY_DATA, scene.reader.list_id, 999_999))
    with pytest.raises(TokenError):
        open_fresh_link(session, SIGNER, nobody, FreshKind.DATA, now=NOW)


def test_what_was_read_before_is_read_anew(scene: Scene) -> None:
    """Erased in another transaction, after this one had read the person: no mail goes to the old address."""
    session, person = scene.session, scene.person()
    assert person.address
    assert scene.reader.status is ACTIVE
    elsewhere = {"synchronize_session": False}
    for change in (
        sa.update(Subscriber).values(address=None, address_key=None, domain=None, erased_at=NOW),
        sa.update(Subscription).values(status=ENDED),
    ):
        session.execute(change, execution_options=elsewhere)
    assert ask_fresh_link(session, scene.reader, FreshKind.DATA, STATIONERY, now=NOW) is Asked.NOT_ALLOWED
    assert scene.notices() == []
    (held,) = lock_subscriptions(session, person.id)
    assert (held, held.status) == (scene.reader, ENDED)


def test_a_cause_that_became_stronger_meanwhile_stays(scene: Scene) -> None:
    """A complaint does not replace what the law says, although a bounce was read before."""
    session, address = scene.session, scene.person().address or ""
    suppress = functools.partial(
        suppress_address, session, ADDRESS_KEY, address, source=Origin.FEEDBACK, now=NOW
    )
    bounce = suppress(reason="bounced", cause=SuppressionCause.BOUNCE)
    session.execute(
        sa.update(Suppression).values(cause=SuppressionCause.LEGAL, reason="court order"),
        execution_options={"synchronize_session": False},
    )
    assert suppress(reason="complained", cause=SuppressionCause.COMPLAINT) is None
    assert bounce is not None
    assert (bounce.cause, bounce.reason) == (SuppressionCause.LEGAL, "court order")


def moving(scene: Scene, text: str) -> Fresh:
    """The link that the new address gets, after the old one was proven."""
    session = scene.session
    link = make_fresh_link(session, scene.reader.subscriber_id, FreshKind.ADDRESS, now=NOW)
    ask_new_address(session, Fresh(link, scene.reader.list_id), text, STATIONERY, now=NOW)
    assert link.used_at == NOW
    made = session.scalars(
        sa.select(FreshLink).where(FreshLink.purpose == "new-address").order_by(FreshLink.id.desc()).limit(1)
    ).one()
    return Fresh(made, scene.reader.list_id)


def test_an_address_is_changed_with_its_history(scene: Scene) -> None:
    """Both addresses stand in an event of each running subscription; the mail went to the new one alone."""
    session, before = scene.session, scene.person().address
    ended = make_subscription(session, scene.other, scene.person())
    end(session, ended, source=OWN, now=NOW, reason="left")
    fresh = moving(scene, " New.Reader@Mail.Test ")
    assert [notice.address for notice in scene.notices()] == ["New.Reader@mail.test"]
    assert foresee(session, fresh, address_key=ADDRESS_KEY) is Moved.DONE
    assert change_address(session, fresh, STATIONERY, now=NOW) is Moved.DONE
    assert (scene.person().address, scene.person().address_key) == (
        "New.Reader@mail.test",
        "new.reader@mail.test",
    )
    assert scene.details() == {
        "address": "New.Reader@mail.test",
        "address_before": before,
        "asked_at": NOW.isoformat(),
    }
    assert scene.events()[-1] == ("address", "preferences")
    assert scene.events(ended)[-1][0] == "end"
    assert fresh.link.used_at == NOW
    assert fresh.link.details == {}


def test_a_taken_address_changes_nothing_and_merges_nobody(scene: Scene) -> None:
    """Who asks is answered like anyone; only who opens the link at the new address is told."""
    session = scene.session
    other = make_subscriber(session)
    make_subscription(session, scene.other, other)
    before = scene.person().address
    fresh = moving(scene, other.address or "")
    assert foresee(session, fresh, address_key=ADDRESS_KEY) is Moved.TAKEN
    assert change_address(session, fresh, STATIONERY, now=NOW) is Moved.TAKEN
    assert scene.person().address == before
    assert len(scene.events()) == 1


def test_a_suppressed_new_address_gets_no_mail(scene: Scene) -> None:
    """And whoever was suppressed after the mail went out is not moved to."""
    session = scene.session
    fresh = moving(scene, "later@mail.test")
    for address in ("later@mail.test", "never@mail.test"):
        suppress_address(session, ADDRESS_KEY, address, reason="never", source=Origin.CLI, now=NOW)
    assert change_address(session, fresh, STATIONERY, now=NOW) is Moved.REFUSED
    sent = len(scene.notices())
    link = make_fresh_link(session, scene.reader.subscriber_id, FreshKind.ADDRESS, now=NOW)
    ask_new_address(
        session,
        Fresh(link, scene.reader.list_id),
        "never@mail.test",
        STATIONERY,
        now=NOW,
    )
    assert len(scene.notices()) == sent


def test_a_new_address_gets_one_mail_a_day_whoever_asks(scene: Scene) -> None:
    """Nobody can fill a stranger's mailbox by way of this page."""
    for _ in range(3):
        moving(scene, "stranger@mail.test")
    assert len(scene.notices()) == 1


def test_an_address_that_was_only_asked_for_stays_a_strangers(scene: Scene) -> None:
    """By asking for an address nobody reads or deletes a stranger's mails, but the one that was asked for."""
    session = scene.session
    waiting = Notice(
        key="welcome:stranger",
        kind="welcome",
        address="stranger@mail.test",
        sender_address="news@courier.example",
        message=b"Subject: A secret list\r\n\r\nhello\r\n",
        not_before=NOW,
        created_at=NOW,
    )
    session.add(waiting)
    moving(scene, "stranger@mail.test")
    assert b"A secret list" not in my_data(session, scene.reader.subscriber_id, now=NOW)
    assert len(scene.notices()) == 2
    erase_subscriber(session, scene.person(), source=Origin.PREFERENCES, now=NOW)
    assert scene.notices() == [waiting]


def test_what_is_no_address_leaves_the_link_as_it_was(scene: Scene) -> None:
    """A slip of the finger does not cost the link."""
    link = make_fresh_link(scene.session, scene.reader.subscriber_id, FreshKind.ADDRESS, now=NOW)
    fresh = Fresh(link, scene.reader.list_id)
    with pytest.raises(InputError):
        ask_new_address(scene.session, fresh, "not an address", STATIONERY, now=NOW)
    assert link.used_at is None
