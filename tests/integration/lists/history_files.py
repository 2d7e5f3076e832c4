"""What files of people do in `history_model`: readers, leavers, and whom the old service had given up."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tests.integration.lists.history_people import DAY, STRENGTH, Act, Person

if TYPE_CHECKING:
    from tests.integration.lists.history_model import Model


def bring(model: Model, now: dt.datetime, number: int, each: int, *, whom: str, lines: list[Act]) -> None:
    """A file of people comes in."""
    first = {address: (word, days) for address, word, days in reversed(lines)}
    addresses = dict.fromkeys(address for address, _, _ in lines)
    found = {address: model.in_file(address) for address in addresses}
    met: set[int] = set()
    # Of one person's lines the one with the address that they have now counts.
    for address in sorted(addresses, key=lambda each: _is_former(each, found[each])):
        (word, days), person = first[address], found[address]
        is_reader = word in ("subscribed", "paused") and whom != "leavers" and not model.is_barred(address)
        if is_reader or word == "unsubscribed":
            if id(person) in met:
                continue
            met |= {id(person)} if person else set()
        moment = now - days * DAY if days else None
        if word in ("bounced", "never"):
            cause = "bounce" if word == "bounced" else "never"
            is_theirs = person is not None and person.address == address
            bar = model.bars.get(address)
            is_news = bar is None or STRENGTH.index(cause) > STRENGTH.index(bar.cause)
            if word == "never" or not (is_news and is_theirs and person and person.is_reached(moment)):
                model.bar(now, address, cause, f"import {number}")
        elif word == "unsubscribed":
            _leaver(model, now, number, each, address=address, left=moment)
        elif is_reader:
            status = "paused" if word == "paused" else "active"
            _reader(model, now, number, each, address, status, moment)


def _leaver(
    model: Model, now: dt.datetime, number: int, each: int, *, address: int, left: dt.datetime | None
) -> None:
    person = model.in_file(address) or model.new(address)
    place = person.places.get(each)
    if person.erased or (place and place.status == "ended" and person.address != address):
        return
    if place is None:
        model.join(person, each, "import", "ended", "import", now).import_no = number
    elif place.chain[-1][0] == "undo_import" or not (
        (left and person.alive and person.alive > left) or place.has_come_back(left)
    ):
        place.end("import", now)


def _reader(  # noqa: PLR0917  (a line of a file)
    model: Model,
    now: dt.datetime,
    number: int,
    each: int,
    address: int,
    status: str,
    alive: dt.datetime | None,
) -> None:
    person = model.in_file(address) or model.new(address)
    is_own = person.address == address
    place = person.places.get(each)
    comes_back = is_own and place is not None and place.chain[-1][0] == "undo_import"
    if person.erased or (place and place.status == "ended" and not comes_back):
        return
    if alive:
        person.lives(alive)
    if place is None:
        if not is_own:
            return  # what was agreed to for one address brings no mail to another
        place = model.join(person, each, "import", status, "import", now)
    elif comes_back:
        place.note("import", status, "import", now)
        place.rhythm = None
    else:
        return
    place.import_no = number
    place.until = now + 10 * DAY if status == "paused" else None


def take_back(model: Model, now: dt.datetime, number: int) -> None:
    """An import is undone as a whole."""
    for _, place in model.all_places():
        if place.import_no == number and place.chain[-1][0] == "import":
            place.note("undo_import", "ended", "cli", now)
    model.bars = {what: bar for what, bar in model.bars.items() if bar.source != f"import {number}"}


def _is_former(address: int, person: Person | None) -> bool:
    return person is not None and person.address != address
