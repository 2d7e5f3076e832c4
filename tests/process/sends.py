"""Editions on their way out of a newsroom of processes: begun, watched, and judged by what arrived."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from digest import clock
from digest.models import Batch, Delivery, DeliveryStatus, Edition, EditionState, Subscriber
from tests.feeds import FeedPost, rss
from tests.process.evidence import of_edition
from tests.process.newsroom import Newsroom
from tests.servers.news_site import Page
from tests.servers.waiting import wait_until


@dataclass
class Send:
    """One edition of a newsroom to everybody on its list."""

    room: Newsroom
    edition_id: int
    people: frozenset[str]

    def taken(self) -> list[dict[str, Any]]:
        """What the mail server took of it, in the order of its record; only what is new there is read."""
        return of_edition(self.room.taken(), self.edition_id)

    def wait_for(self, count: int) -> None:
        """Wait until the mail server has taken so many."""
        wait_until(lambda: len(self.taken()) >= count, what=f"mail number {count}")

    def state(self) -> EditionState:
        with self.room.database.read() as session:
            return session.get_one(Edition, self.edition_id).state

    def wait_for_the_end(self) -> None:
        wait_until(lambda: self.state() is EditionState.SENT, what="the end of the edition")

    def seconds_to_the_end(self, *, since: float) -> float:
        """How long it took to its end, from a moment on or from when its last batch was due, the later one.

        By what the workers wrote into the database; the moment is in seconds since 1970.
        """
        with self.room.database.read() as session:
            edition = session.get_one(Edition, self.edition_id)
            assert edition.state is EditionState.SENT
            return edition.state_since.timestamp() - max(since, *self.due().values())

    def cancel(self) -> None:
        """End it as it is."""
        self.room.command("edition", "cancel", str(self.edition_id), "--because", "measured", "--yes")

    def statuses(self) -> dict[str, DeliveryStatus]:
        """What the ledger says of each address."""
        with self.room.database.read() as session:
            rows = session.execute(
                sa.select(Subscriber.address, Delivery.status)
                .join(Delivery, Delivery.subscriber_id == Subscriber.id)
                .where(Delivery.edition_id == self.edition_id)
            )
            return {str(address): status for address, status in rows}

    def due(self) -> dict[str, float]:
        """From when on each address may be mailed, by its batch, in seconds since 1970."""
        with self.room.database.read() as session:
            rows = session.execute(
                sa.select(Subscriber.address, Batch.not_before)
                .join(Delivery, Delivery.subscriber_id == Subscriber.id)
                .join(Batch, Batch.id == Delivery.batch_id)
                .where(Delivery.edition_id == self.edition_id)
            )
            return {str(address): not_before.timestamp() for address, not_before in rows}

    def rate(self, first: int, last: int) -> float:
        """Mails a second from one to another, by their numbers on the record."""
        moments = [float(line["at"]) for line in self.taken()]
        return (last - first) / (moments[last - 1] - moments[first - 1])

    def check_pace(self, per_second: int) -> None:
        """No mail came before its turn at this pace, counted from the moment at which all was planned.

        So it holds on a machine that is late with everything: what was late may come closer together.
        """
        with self.room.database.read() as session:
            planned_at = session.get_one(Edition, self.edition_id).planned_at
        assert planned_at is not None
        begun = planned_at.timestamp()
        moments = sorted(float(line["at"]) for line in self.taken())
        early = [begun + number / per_second - at for number, at in enumerate(moments)]
        assert max(early) < 0.02  # a timer may be that early

    def check_begins(self) -> None:
        """Nobody was mailed before their batch was due."""
        due = self.due()
        assert min(line["at"] - due[line["rcpt"][0]] for line in self.taken()) >= 0

    def check_once_each(
        self, *, had_it: frozenset[str] = frozenset(), uncertain: frozenset[str] = frozenset()
    ) -> None:
        """Everybody got it once by the record of the mail server, and the ledger says the same.

        Not those who had it before, and not those who are uncertain and are not sent it again.
        """
        times = Counter(line["rcpt"][0] for line in self.taken())
        statuses = self.statuses()
        assert statuses.keys() == self.people
        assert times == Counter(self.people - had_it - uncertain)
        assert {who for who, status in statuses.items() if status is DeliveryStatus.UNCERTAIN} == uncertain
        assert set(statuses.values()) <= {DeliveryStatus.SENT, DeliveryStatus.UNCERTAIN}


def prepare(room: Newsroom, *, people: int, connections: int, spread: str | None = None) -> frozenset[str]:
    """A list of so many people, a mail service, and a digest whose cadence runs only when told to."""
    room.site.put("/feed/", Page(body=rss([], site=room.site.url("").rstrip("/"))))
    room.set_up(connections=connections)
    name = ("courier", "daily")
    room.command("cadence", "add", *name, "--cron", "0 7 * * *", "--zone", "UTC", "--lead", "0")
    room.command("cadence", "set", *name, "--stopped", *(() if spread is None else ("--spread", spread)))
    addresses = [f"reader{number:05}@mail.test" for number in range(people)]
    room.import_readers(addresses)
    return frozenset(addresses)


def begin(room: Newsroom, people: frozenset[str]) -> Send:
    """Let an edition with one new story go out, at once; the workers do the rest."""
    with room.database.read() as session:
        last = session.scalar(sa.select(sa.func.max(Edition.id))) or 0
    post = FeedPost(last + 1, f"Bridge {last + 1} is mended", clock.utc_now() - dt.timedelta(minutes=1))
    room.site.put("/feed/", Page(body=rss([post], site=room.site.url("").rstrip("/"))))
    room.command("collect", "--all")
    room.command("edition", "extra", "courier")
    with room.database.read() as session:
        edition_id = session.scalar(sa.select(sa.func.max(Edition.id)))
    assert edition_id is not None
    assert edition_id > last
    return Send(room, edition_id, people)
