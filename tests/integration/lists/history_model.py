"""What must become of people on lists, whatever happens in whatever order: plain Python, nothing of ours.

Written from the design and the pages (sign-up, the reader's page, people in and out, consent). One model
stands for one history: up to three addresses of somebody invented, on three lists of two digests.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

from tests.integration.lists import history_files
from tests.integration.lists.history_people import (
    DAY,
    DOMAINS,
    HOUSES,
    LIFTABLE,
    LONG_AGO,
    OF_PERSON,
    OF_PLACE,
    REFUSED,
    RHYTHMS,
    SINGLE,
    SKIPPED,
    STRENGTH,
    Act,
    Bar,
    Mail,
    Person,
    Place,
    Run,
)


class Model:
    """`take` does an act of one person and says what the door answers; `meet` what happens to all."""

    def __init__(self) -> None:
        self.people: list[Person] = []
        self.bars: dict[int | str, Bar] = {}  # by the address's number or the domain
        self.mails: dict[tuple[int, int], list[Mail]] = {}  # (list, address): those that count
        self.runs: dict[int, Run] = {}
        self._places = 0
        self._runs = 0

    # What is so.

    def living(self, address: int) -> Person | None:
        return next((each for each in self.people if each.address == address and not each.erased), None)

    def erased(self, address: int) -> Person | None:
        gone = [each for each in self.people if each.address == address and each.erased]
        return gone[-1] if gone else None

    def was_erased(self, address: int) -> bool:
        """Whether everybody who has this address is erased, or, if nobody has it, who had it before."""
        own = [each for each in self.people if each.address == address]
        those = own or [each for each in self.people if address in each.former]
        return bool(those) and all(each.erased for each in those)

    def in_file(self, address: int) -> Person | None:
        """Whom a file means by an address: who has it, or else who had it last."""
        own = self.living(address) or self.erased(address)
        before = [each for each in self.people if address in each.former]
        return own or max(before, key=lambda each: each.former[address], default=None)

    def is_barred(self, address: int) -> bool:
        return address in self.bars or DOMAINS[address] in self.bars

    def may_be_mailed(self, person: Person, place: Place) -> bool:
        return place.status == "active" and not person.erased and not self.is_barred(person.address)

    def all_places(self) -> Iterator[tuple[Person, Place]]:
        for person in self.people:
            for place in person.places.values():
                yield person, place

    def audience(self, house: int, rhythm: str) -> set[tuple[int, int]]:
        """(address, list) of each who gets the edition: once, under the oldest subscription."""
        found: dict[int, Place] = {}
        for person, place in self.all_places():
            chosen = place.rhythm or RHYTHMS[house][0]
            if HOUSES[place.place] != house or chosen != rhythm or not self.may_be_mailed(person, place):
                continue
            oldest = found.setdefault(person.address, place)
            if place.number < oldest.number:
                found[person.address] = place
        return {(address, place.place) for address, place in found.items()}

    def fits(self, person: Person, now: dt.datetime) -> bool:
        """The segment: who has lived within thirty days, and who is not active on the single list."""
        single = person.places.get(SINGLE)
        is_lively = person.alive is not None and person.alive >= now - 30 * DAY
        return is_lively or single is None or single.status != "active"

    # What is done to one person.

    def take(self, act: Act, now: dt.datetime) -> Any:
        name, *rest = act
        if name in OF_PERSON:
            person = self.whom(act)
            if person is None:
                return SKIPPED
            rest[:2] = [person]
        does: Callable[..., Any] = getattr(self, f"_{name}")
        return does(now, *rest)

    def whom(self, act: Act) -> Person | None:
        """The person of an act; None if there is nobody who could do it."""
        name, address, is_gone, *rest = act
        person = self.erased(address) if is_gone else self.living(address)
        if person is None or (name in OF_PLACE and rest[0] not in person.places):
            return None
        if name == "press" and not person.places[rest[0]].has_link:
            return None
        if name == "move" and (is_gone or self.is_barred(address)):
            return None  # the link for it goes to the old address, which gets no mail
        return person

    def _post(self, now: dt.datetime, address: int, lists: tuple[int, ...], rhythm: str | None) -> int:
        due = []
        for each in lists:
            counted = [mail.at for mail in self.mails.get((each, address), []) if mail.at > now - 90 * DAY]
            if len(counted) < 3 and all(at <= now - DAY for at in counted):
                self.mails.setdefault((each, address), []).append(Mail(now))
                due.append(each)
        bar = self.bars.get(address)
        if DOMAINS[address] in self.bars or (bar and bar.cause in ("never", "legal")):
            return len(due)
        asked = {
            each
            for each in due
            if self._sign_up(now, address, each, rhythm if rhythm in RHYTHMS[HOUSES[each]] else None)
        }
        for each in asked:
            self.mails[each, address][-1].asked = frozenset(asked)
        return len(due)

    def _sign_up(self, now: dt.datetime, address: int, each: int, rhythm: str | None) -> bool:
        """Whether the mail asks to confirm it."""
        person = self.living(address)
        known = any(one.address == address and (one.erased or each in one.places) for one in self.people)
        at_once = each == SINGLE and not known and not self.is_barred(address)
        person = person or self.new(address)
        place = person.places.get(each)
        status = "active" if at_once else "pending"
        if place is None:
            place = self.join(person, each, "sign_up", status, "form", now)
        elif place.status == "ended":
            place.note("revive", status, "form", now)
        elif place.status == "pending":
            place.note("sign_up", status, "form", now)
        else:
            place.has_link |= self.is_barred(address)
            return self.is_barred(address)
        place.rhythm = rhythm
        if at_once:
            person.lives(now)
        else:
            place.has_link = True
        return not at_once

    def _press(self, now: dt.datetime, person: Person, each: int, mail_no: int = 0) -> bool:
        """The button of the last mail but so many; 0 is a link that does not say of which mail it is."""
        place = person.places.get(each)
        if place is None or place.status == "ended":
            return False
        mails = self.mails.get((each, person.address), [])
        asking = [mail for mail in mails if mail.asked][-max(mail_no, 1) :]
        mail = asking[0] if len(asking) >= max(mail_no, 1) else None
        asked = mail.at if mail else max([] if mail_no else [one.at for one in mails], default=None)
        together = [
            one
            for one in person.places.values()
            if (
                one.place in mail.asked
                if mail
                else one.changed == place.changed and one.status == place.status
            )
        ]
        person.lives(now)
        bar = self.bars.get(person.address)
        is_lifted = bool(bar and bar.cause in LIFTABLE and asked and bar.since <= asked)
        if is_lifted:
            del self.bars[person.address]
            person.has_lifted = True
        for one in together:
            confirmed = [event[3] for event in one.chain if event[0] == "confirm"]
            is_answer = mail is not None and (not confirmed or confirmed[-1] < mail.at)
            if one.status == "pending":
                one.note("confirm", "active", "confirm_link", now)
            elif one.status != "ended" and (is_lifted or is_answer):
                one.note("confirm", one.status, "confirm_link", now)
        return True

    def _clerk(self, now: dt.datetime, address: int, each: int, again: str) -> str:
        person = self.living(address)
        if self.is_barred(address):
            return "barred"
        if not again and self.was_erased(address):
            return "left"
        person = person or self.new(address)
        place = person.places.get(each)
        if place is None:
            self.join(person, each, "sign_up", "active", "cli", now)
            return "added"
        if place.status != "ended":
            return "known"
        if not again:
            return "left"
        place.note("revive", "active", "cli", now)
        place.rhythm = None
        return "revived"

    def _pause(self, now: dt.datetime, person: Person, each: int, days: int | None) -> Any:
        place = person.places[each]
        if not place.runs:
            return REFUSED
        person.lives(now)
        until = now + days * DAY if days else None
        if place.status == "paused" and place.until == until:
            return False
        place.note("pause", "paused", "preferences", now)
        place.until = until
        return True

    def _resume(self, now: dt.datetime, person: Person, each: int) -> Any:
        place = person.places[each]
        if not place.runs:
            return REFUSED
        person.lives(now)
        if place.status == "active":
            return False
        place.note("resume", "active", "preferences", now)
        return True

    def _rhythm(self, now: dt.datetime, person: Person, each: int, rhythm: str) -> Any:
        place = person.places[each]
        if not place.runs:
            return REFUSED
        person.lives(now)
        resumed = place.status == "paused"
        if resumed:
            place.note("resume", "active", "preferences", now)
        if (place.rhythm or RHYTHMS[HOUSES[each]][0]) == rhythm:
            return resumed
        place.rhythm = rhythm
        place.note("change", "active", "preferences", now)
        return True

    def _leave(self, now: dt.datetime, person: Person, each: int) -> bool:
        person.lives(now)
        return person.places[each].end("one_click", now)

    def _leave_all(self, now: dt.datetime, person: Person) -> int:
        person.lives(now)
        ended = [place for place in person.places.values() if place.end("preferences", now)]
        for place in ended:
            place.press = now
        return len(ended)

    def _clerk_ends(self, now: dt.datetime, person: Person, each: int) -> bool:
        return person.places[each].end("cli", now)

    def _undo(self, now: dt.datetime, person: Person, each: int) -> list[int]:
        own = person.places[each]
        left = own.leaving()
        if left is None or person.erased or now >= left + 30 * DAY or self.is_barred(person.address):
            return []
        person.lives(now)
        others = [place for place in person.places.values() if place is not own and place.leaving()]
        brought = [own, *(place for place in others if own.press and place.press == own.press)]
        for place in brought:
            status, until, changed = place.before
            place.note("revive", status, "preferences", now)
            place.until = until
            if status == "pending":
                place.changed = changed
        if own.moved:
            other, status, until = own.moved
            self._put_back(now, person.places[other], status, until)
        return sorted(place.place for place in brought)

    def _put_back(self, now: dt.datetime, there: Place, status: str, until: dt.datetime | None) -> None:
        """What ran there before is as it was; what came by the change of language is over."""
        if there.runs and status not in ("active", "paused"):
            there.end("preferences", now)
        elif there.status == "active" and status == "paused" and (until is None or until > now):
            there.note("pause", "paused", "preferences", now)
            there.until = until

    def _reason(self, now: dt.datetime, person: Person, each: int) -> bool:
        place = person.places[each]
        if place.leaving() is None or place.is_reason_given:
            return False
        place.note("change", "ended", "preferences", now)
        place.is_reason_given = True
        return True

    def _join_too(self, now: dt.datetime, person: Person, each: int, other: int) -> Any:
        if not person.places[each].runs or self.is_barred(person.address):
            return REFUSED
        return self._come(now, person, other)

    def _come(self, now: dt.datetime, person: Person, other: int) -> bool:
        """By their own page: the address is proven, so it counts at once."""
        person.lives(now)
        place = person.places.get(other)
        if place is None:
            self.join(person, other, "sign_up", "active", "preferences", now)
            return True
        if place.status == "pending":
            place.note("confirm", "active", "preferences", now)
            return True
        if place.status == "ended":
            place.note("revive", "active", "preferences", now)
            return True
        return False

    def _language(self, now: dt.datetime, person: Person, each: int, other: int) -> Any:
        here = person.places[each]
        if not here.runs or self.is_barred(person.address):
            return REFUSED
        there = person.places.get(other)
        was = (there.status, there.until) if there else ("", None)
        self._come(now, person, other)
        there = person.places[other]
        if was[0] not in ("active", "paused"):
            # All rhythms of these worlds come as often: without the same name it is the first.
            chosen, known = here.rhythm or RHYTHMS[HOUSES[each]][0], RHYTHMS[HOUSES[other]]
            there.rhythm = chosen if chosen in known else known[0]
            if here.is_resting(now):
                there.note("pause", "paused", "preferences", now)
                there.until = here.until
        elif there.status == "paused" and not here.is_resting(now):
            there.note("resume", "active", "preferences", now)
        here.end("preferences", now)
        here.moved = (other, *was)
        return True

    def _move(self, now: dt.datetime, person: Person, address: int) -> str:
        if self.is_barred(address):
            return REFUSED
        owner = self.living(address)
        if owner is not None and owner is not person:
            if owner.has_history:
                return "taken" if any(place.runs for place in owner.places.values()) else "left"
            self._erase(now, owner)  # that sign-up may have been anybody's
        if person.address != address:
            person.former[person.address] = now
            person.former.pop(address, None)
            person.address = address
        person.lives(now)
        running = [place for place in person.places.values() if place.status != "ended"]
        for place in running or person.places.values():
            changed = place.changed
            place.note("address", place.status, "preferences", now)
            if place.status == "pending":
                place.changed = changed
        return "done"

    def _erase(self, now: dt.datetime, person: Person) -> bool:
        if person.erased:
            return False
        for place in person.places.values():
            place.note("erase", "ended", "preferences", now)
            place.rhythm = None
        person.erased, person.alive = True, None
        return True

    def _keep(self, now: dt.datetime, person: Person, each: int) -> bool:
        """The button of the question; whether there was one to answer."""
        place, run = person.places[each], self.runs.get(each)
        if place.status == "ended" or run is None or place.questions.get(run.number, now) is not None:
            return False
        place.questions[run.number] = now
        person.lives(now)
        place.note("keep", place.status, "preferences", now)
        return True

    def _bar(self, now: dt.datetime, what: int | str, cause: str) -> None:
        self.bar(now, what, cause, "cli")

    def bar(self, now: dt.datetime, what: int | str, cause: str, source: str) -> None:
        found = self.bars.get(what)
        if found is None:
            self.bars[what] = Bar(cause, source, now)
            return
        if found.source.startswith("import ") and found.source != source:
            # Said by two: undoing the import that said it first leaves it.
            found.source = "cli" if source == "cli" else "import"
        if STRENGTH.index(cause) > STRENGTH.index(found.cause):
            found.cause, found.since = cause, now
            found.source = source if source == "cli" else found.source
        elif source == "cli" and cause in LIFTABLE and found.cause in LIFTABLE:
            found.since = now  # reported once more: a sign-up of before does not lift it

    def _unbar(self, _: dt.datetime, what: int | str) -> None:
        self.bars.pop(what, None)

    def new(self, address: int) -> Person:
        self.people.append(Person(address))
        return self.people[-1]

    def join(  # noqa: PLR0917  (what an event says)
        self, person: Person, each: int, action: str, status: str, source: str, now: dt.datetime
    ) -> Place:
        self._places += 1
        place = person.places[each] = Place(self._places, each, status, now)
        place.note(action, status, source, now)
        return place

    # What happens to everybody.

    def meet(self, event: Act, lines: list[Act], number: int, now: dt.datetime) -> None:
        """An event of all; `lines` are this history's in a file, `number` is the event's."""
        name, *rest = event
        if name == "import":
            history_files.bring(self, now, number, rest[0], whom=rest[1], lines=lines)
        elif name == "undo_import":
            history_files.take_back(self, now, *rest)
        elif name != "nothing":
            does: Callable[..., None] = getattr(self, f"_{name}")
            does(now, *rest)

    def _sweep(self, now: dt.datetime) -> None:
        for _, place in self.all_places():
            if place.status == "paused" and place.until and place.until <= now:
                place.note("resume", "active", "sweep", now)

    def _retain(self, now: dt.datetime) -> None:
        """What was never confirmed goes, and so does who was nothing else; a consent of before stays."""
        self.mails = {
            key: [mail for mail in mails if mail.at > now - 90 * DAY] for key, mails in self.mails.items()
        }
        for person, place in list(self.all_places()):
            is_asked = self.mails.get((place.place, person.address))
            if place.status != "pending" or place.changed > now - 90 * DAY or is_asked:
                continue
            if any(event[1] != "pending" for event in place.chain):
                place.end("sweep", now)
                continue
            del person.places[place.place]
            if not person.places:
                self.people.remove(person)

    def _ask(self, now: dt.datetime, each: int, silent_days: int) -> None:
        """Ask the silent ones of a list whether they still want it; two days to answer."""
        if each in self.runs:
            return
        self._runs += 1
        run = self.runs[each] = Run(self._runs, now + 2 * DAY)
        since = now - silent_days * DAY
        for person, place in self.all_places():
            if place.place != each or not self.may_be_mailed(person, place):
                continue
            always = place.import_no is not None  # whoever came by an import is silent from always
            joined = person.alive or (LONG_AGO if always else place.created)
            if joined < since:
                run.asked[place.number] = now
                place.questions[run.number] = None

    def _close(self, now: dt.datetime, each: int) -> None:
        """Who was asked and has not answered nor lived since is ended; nobody, if it is too early."""
        run = self.runs.pop(each, None)
        if run is None or now < run.until:
            return
        for person, place in self.all_places():
            asked = run.asked.get(place.number)
            answered = place.questions.get(run.number)
            lived = asked and person.alive and person.alive >= asked
            if asked and not answered and not lived and place.status == "active":
                place.end("sweep", now)
