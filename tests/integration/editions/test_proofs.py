"""Proof mails: once for each version that wants approval, to those who may, with what they need to decide."""

from __future__ import annotations

import datetime as dt
import re
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from digest.db import Database
from digest.deliveries.sweep import SweepSettings, tick
from digest.editions.copies import Imprint
from digest.editions.proof_links import revision_and_account
from digest.editions.proofs import ask_proofs, due_for_proofs
from digest.models import (
    Account,
    AccountRole,
    Cadence,
    Digest,
    Edition,
    EditionState,
    Notice,
    Reason,
    Revision,
    Unapproved,
)
from tests.factories import make_account
from tests.factories.moments import NOW
from tests.integration.planned import PUBLIC_URL, Desk, make_desk
from tests.integration.printed import Printed, print_edition

S = EditionState
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    """A newsroom with two readers, whose editions want approval."""
    made = make_desk(database, tmp_path)
    made.add_people(2)
    with database.write() as session:
        outcome = Unapproved.WITHOUT_FEATURED
        session.execute(
            sa.update(Cadence).values(wants_approval=True, approval_seconds=1200, approval_outcome=outcome)
        )
    return made


def wanting(desk: Desk) -> Printed:
    """A rendered edition that goes out in an hour and waits for approval."""
    made = print_edition(desk, NOW)
    with desk.database.write() as session:
        session.execute(sa.update(Revision).values(approved_at=None, approved_by=""))
        waits = {"reason": Reason.WANTS_APPROVAL, "deadline_at": NOW + 2 * HOUR / 3}
        session.execute(sa.update(Edition).values(send_at=NOW + HOUR, **waits))
    return made


def person(desk: Desk, role: AccountRole = AccountRole.APPROVER, **values: object) -> Account:
    with desk.database.write() as session:
        return make_account(session, role=role, **values)


def ask(desk: Desk) -> int:
    with desk.database.write() as session:
        return ask_proofs(session, Imprint(PUBLIC_URL, desk.made), now=NOW)


def mails(desk: Desk) -> list[tuple[str, EmailMessage]]:
    with desk.database.read() as session:
        found = session.scalars(sa.select(Notice).where(Notice.kind == "proof").order_by(Notice.id))
        return [
            (one.address, cast("EmailMessage", BytesParser(policy=policy.default).parsebytes(one.message)))
            for one in found
        ]


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return cast("str", found.get_content()).replace("\r\n", "\n")


def test_each_approver_gets_the_mail_with_the_question_on_top(desk: Desk) -> None:
    """Once, with the deadline and what it means, what is in it, who gets it, and three links of their own."""
    nare, ara = person(desk), person(desk)
    person(desk, disabled_at=NOW), person(desk, AccountRole.EDITOR), person(desk, AccountRole.ADMIN)
    made = wanting(desk)
    assert (ask(desk), ask(desk)) == (2, 0)
    (first, message), (second, other) = mails(desk)
    assert ([first, second], message["Subject"]) == (
        [nare.address, ara.address],
        "[To approve] On Patience",
    )
    html, text = part(message, "html"), part(message, "plain")
    assert "If nobody has approved it by" in text
    assert "it goes out without the featured story." in text.replace("\n", " ")
    for words in ("Featured: On Patience", "Mill Bridge Opens", "Readers who get it: 2."):
        assert words in html
        assert words in text
    assert html.index("Please approve: On Patience") < html.index("The whole of it: on patience.")
    tokens = set(re.findall(r"/proof/([\w-]+)\?do=(\w+)", html))
    assert {do for _, do in tokens} == {"approve", "hold", "stop"}
    assert tokens == set(re.findall(r"/proof/([\w-]+)\?do=(\w+)", text))
    (token,) = {token for token, _ in tokens}
    revision_id = desk.edition(made.edition_id).revision_id
    assert revision_and_account(desk.made.signer, token) == (revision_id, nare.id)
    assert token not in part(other, "html")


def test_a_new_version_is_asked_about_with_what_it_has_otherwise(desk: Desk) -> None:
    """Of several that were made the newest alone; what was approved is not asked about."""
    person(desk)
    made = wanting(desk)
    ask(desk)
    made.revise(titles={2: "Mill Bridge Opens Late"})
    made.revise(dropped=frozenset({3}))
    assert (ask(desk), ask(desk)) == (1, 0)
    _, message = mails(desk)[1]
    text = part(message, "plain")
    assert "Changed since you were last asked:" in text
    assert "- No longer in it: Choir Seeks Tenors" in text
    assert "It is the next version" in text
    made.approve(3, now=NOW)
    made.go_on(3, now=NOW)
    assert ask(desk) == 0


def test_where_there_is_no_approver_the_admins_are_asked(desk: Desk) -> None:
    """And by the tick, once, whichever of several does it; where no approval is wanted nobody is."""
    admin = person(desk, AccountRole.ADMIN)
    made = wanting(desk)
    config = SweepSettings(HOUR, HOUR, imprint=lambda: Imprint(PUBLIC_URL, desk.made))
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(wants_approval=False))
    tick(desk.database, config, now=NOW)
    assert mails(desk) == []
    with desk.database.write() as session:
        session.execute(sa.update(Cadence).values(wants_approval=True))
        assert due_for_proofs(session) == [desk.edition(made.edition_id).revision_id]
    for _ in range(2):
        tick(desk.database, config, now=NOW)
    assert [address for address, _ in mails(desk)] == [admin.address]


def test_it_speaks_the_digest_s_language(desk: Desk) -> None:
    """All of the question; the mail below is the readers'."""
    person(desk)
    with desk.database.write() as session:
        session.execute(sa.update(Digest).values(language="hy"))
    wanting(desk)
    ask(desk)
    ((_, message),) = mails(desk)
    assert message["Subject"] == "[Հաստատման] On Patience"
    top = part(message, "plain").partition("====\n\n")[2].partition("\n====")[0]
    assert "Ստացող ընթերցողներ՝ 2։" in top
    assert "առանց գլխավոր նյութի" in top.replace("\n", " ")
    own = re.sub(r"\S*/proof/\S*|On Patience|Mill Bridge Opens|Choir Seeks Tenors", "", top)
    assert re.findall(r"[A-Za-z]{3,}", own) == []
