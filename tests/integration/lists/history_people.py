"""Who is there in `history_model`: people, their places on lists with all that befell them, mails, runs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

DAY = dt.timedelta(days=1)
LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)
HOUSES = (0, 0, 1)  # the digest of each list; the two digests are sisters in two languages
NOTHING_BEFORE = ("", None, LONG_AGO)
RHYTHMS = (("morning", "sunday"), ("morning",))  # of each digest; the first counts where none was chosen
SINGLE = 1  # the list that asks new addresses for no confirmation
DOMAINS = ("here", "here", "there")  # of the three addresses
OWN = {"form", "confirm_link", "preferences", "one_click"}
LIFTABLE = ("bounce", "complaint")  # by the person's own sign-up
STRENGTH = ("bounce", "complaint", "never", "legal")
REFUSED = "refused"  # what the door answers with a sentence
SKIPPED = "skipped"  # nobody is there who could do it
# Acts with a person's address and whether it is one who was erased; then those with one of their lists.
OF_PLACE = frozenset(
    (
        "press",
        "pause",
        "resume",
        "rhythm",
        "leave",
        "clerk_ends",
        "undo",
        "reason",
        "join_too",
        "language",
        "keep",
    )
)
OF_PERSON = OF_PLACE | {"leave_all", "move", "erase"}

Act = tuple[Any, ...]


@dataclass
class Place:
    """A person on a list. `changed` is when it last changed; while it waits, when it was last asked for."""

    number: int
    place: int
    status: str
    created: dt.datetime
    until: dt.datetime | None = None
    rhythm: str | None = None
    changed: dt.datetime = LONG_AGO
    has_link: bool = False  # a mail with the button for it was sent
    import_no: int | None = None
    chain: list[tuple[str, str, str, dt.datetime]] = field(default_factory=list)
    # What it was before it ended: its status, the end of its pause, when it was changed.
    before: tuple[str, dt.datetime | None, dt.datetime] = NOTHING_BEFORE
    press: dt.datetime | None = None  # of the press that ended all at once
    moved: tuple[int, str, dt.datetime | None] | None = None  # ended for which place, and what that was
    is_reason_given: bool = False
    questions: dict[int, dt.datetime | None] = field(default_factory=dict)  # run to when it was answered

    @property
    def runs(self) -> bool:
        return self.status in ("active", "paused")

    def note(self, action: str, status: str, source: str, now: dt.datetime) -> None:
        """The next event of the chain, and the status with it."""
        if status == "ended" and self.status != "ended":
            self.before, self.is_reason_given = (self.status, self.until, self.changed), False
            self.press = self.moved = None
        if status != "paused" or action in ("resume", "revive"):
            self.until = None
        self.status, self.changed = status, now
        self.chain.append((action, status, source, now))

    def end(self, source: str, now: dt.datetime) -> bool:
        if self.status == "ended" and self.chain[-1][0] != "undo_import":
            return False
        # Whom the undoing of an import had ended has now left by themselves: no import brings them again.
        is_first = self.status != "ended"
        self.note("end", "ended", source, now)
        if not is_first:
            self.before = NOTHING_BEFORE
        return is_first

    def agreed(self, *statuses: str) -> dt.datetime | None:
        """When the person last said yes, with one of these statuses after it; any status if none is named."""
        yes = ("sign_up", "confirm", "revive")
        said = [
            at
            for action, status, source, at in self.chain
            if action in yes and source in OWN and (not statuses or status in statuses)
        ]
        return max(said, default=None)

    def has_come_back(self, left: dt.datetime | None) -> bool:
        """Whether they said yes after they left elsewhere: at the latest when a file first said so."""
        said = [at for _, status, source, at in self.chain if source == "import" and status == "ended"]
        agreed, left = self.agreed(), left or min(said, default=None)
        return agreed is not None and left is not None and agreed > left

    def is_resting(self, now: dt.datetime) -> bool:
        """Whether it pauses, and the pause is not over."""
        return self.status == "paused" and (self.until is None or self.until > now)

    def leaving(self) -> dt.datetime | None:
        """When the person ended it, if that is how it stands."""
        said = [event for event in self.chain if event[0] not in ("change", "address")]
        action, _, source, at = said[-1]
        is_own = self.status == "ended" and action == "end" and source in OWN
        return at if is_own and self.before[0] else None


@dataclass
class Person:
    address: int
    places: dict[int, Place] = field(default_factory=dict)
    alive: dt.datetime | None = None
    erased: bool = False
    former: dict[int, dt.datetime] = field(default_factory=dict)  # addresses they had, and until when
    has_lifted: bool = False  # confirmed, and with that lifted a bounce or a complaint

    @property
    def has_history(self) -> bool:
        """Whether there was ever more than sign-ups that nobody has confirmed."""
        return any(event[1] != "pending" for place in self.places.values() for event in place.chain)

    def is_reached(self, bounced: dt.datetime | None) -> bool:
        """Whether they came onto a list for good after the old service had given the address up."""
        if bounced is None:
            return self.has_lifted and not self.erased
        agreed = [place.agreed("active", "paused") for place in self.places.values()]
        return any(moment is not None and moment > bounced for moment in agreed)

    def lives(self, now: dt.datetime) -> None:
        if not self.erased and (self.alive is None or self.alive < now):
            self.alive = now


@dataclass
class Mail:
    """One that counts: which lists it asked to confirm, if it did."""

    at: dt.datetime
    asked: frozenset[int] = frozenset()


@dataclass
class Bar:
    cause: str
    source: str
    since: dt.datetime


@dataclass
class Run:
    """A re-permission run: who is asked at once, and until when they may answer."""

    number: int
    until: dt.datetime
    asked: dict[int, dt.datetime] = field(default_factory=dict)  # subscription to when
