"""As whom an edition can be looked at: the three whom the page names, and whom an admin has looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from digest.accounts.rights import May
from digest.accounts.visible import allows
from digest.addresses import masked
from digest.lists.segments import Sample
from digest.models import Subscriber
from digest.web.desk.visit import Visit


@dataclass(frozen=True, slots=True)
class ReaderChoice:
    """A reader as the page names them: whole to who looks after readers, else without most of the address."""

    id: int
    name: str
    address: str
    url: str  # their page; "" for who may not see it
    is_chosen: bool
    is_sample: bool


def reader_choices(visit: Visit, session: Session, samples: Sequence[Sample]) -> tuple[ReaderChoice, ...]:
    """The samples, and before them whoever was asked for by `?as=`."""
    is_admin = allows(visit.me, May.RUN_LISTS)
    asked = visit.request.query_params.get("as", "")
    chosen = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= 18 else 0
    found = [_choice(one, chosen, is_admin=is_admin) for one in samples]
    if is_admin and chosen and all(one.id != chosen for one in found):
        person = session.get(Subscriber, chosen)
        if person is not None and person.address:
            sample = Sample(person.id, person.address, person.name)
            found.insert(0, _choice(sample, chosen, is_admin=True, is_sample=False))
    return tuple(found)


def _choice(one: Sample, chosen: int, *, is_admin: bool, is_sample: bool = True) -> ReaderChoice:
    return ReaderChoice(
        id=one.subscriber_id,
        name=one.name,
        address=one.address if is_admin else masked(one.address),
        url=f"/desk/subscribers/{one.subscriber_id}" if is_admin else "",
        is_chosen=one.subscriber_id == chosen,
        is_sample=is_sample,
    )
