"""A newsroom all of whose mails have gone out: two English editions, an Armenian one, every single mail.

Nothing is made up: editions are composed and frozen as always, the worker's own code fills and sends them,
and the single mails were asked for at the public pages. What is kept is what a mail server took in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from fastapi.testclient import TestClient

from digest import clock
from digest.config import Settings
from digest.db import Database
from digest.deliveries.handover import start_due
from digest.editions.alert_mails import tell_alerts
from digest.editions.copies import Imprint, ask_test_mails
from digest.editions.first_copies import add_first_copy, ask_first_copies
from digest.editions.proofs import ask_proofs
from digest.editions.states import move
from digest.i18n import translator
from digest.lists.links import sign_off_url
from digest.lists.manage import ListChanges, set_list
from digest.lists.notice_stops import notice_check
from digest.lists.permission import start_run
from digest.lists.permission_mail import ask_some
from digest.lists.topics import add_topic
from digest.mail.smtp_client import SmtpTransport
from digest.mail.transport import Endpoint, Security
from digest.models import (
    AccountRole,
    Cadence,
    Digest,
    Edition,
    EditionState,
    LinkForm,
    MailingList,
    Notice,
    Reason,
    Revision,
    Subscriber,
    Subscription,
)
from digest.notices import send_due
from digest.notices.alerts import add_receiver
from digest.rendering.contexts import TextSize
from tests.factories import make_account, make_cadence, make_digest, make_list, make_readers
from tests.integration.planned import PUBLIC_URL, Desk, let_go, make_desk
from tests.integration.printed import print_edition
from tests.integration.web.reader_hands import mailed_path
from tests.servers.smtp import JudgeServer
from tests.servers.smtp_script import Script
from tests.servers.waiting import HANG

SIZES = (TextSize.NORMAL, TextSize.LARGE)
YEAR = dt.timedelta(days=365)
HOUR = dt.timedelta(hours=1)
SPECIAL = 13  # readers of each paper who press something; the others only read


@dataclass
class Mailing:
    """The papers, and the mails as they arrived: of editions, and single ones."""

    database: Database
    client: TestClient
    papers: list[Desk]  # each with readers of its own; the last two are the English one's and its Sunday's
    editions: list[bytes] = field(default_factory=list)
    singles: list[bytes] = field(default_factory=list)

    def kinds(self) -> set[str]:
        """The kinds of single mails that were handed over."""
        with self.database.read() as session:
            return set(session.scalars(sa.select(Notice.kind).where(Notice.state == "sent")))

    def addresses(self) -> list[str]:
        """Everybody's."""
        with self.database.read() as session:
            return [each for each in session.scalars(sa.select(Subscriber.address)) if each]


def mail_everything(database: Database, settings: Settings, client: TestClient, people: int) -> Mailing:
    """Send so many people their edition, then have one of every single mail asked for in both languages."""
    mailing = Mailing(database, client, _papers(database, settings, people))
    with JudgeServer(Script(fsync=False)) as judge:
        _send_editions(mailing, judge)
        mailing.editions = [message.raw for message in judge.messages]
        judge.messages.clear()
        readers = [_Readers(mailing, paper) for paper in mailing.papers[:2]]
        for each in readers:
            each.press_everything()
            _ask_staff(mailing, each.paper)
        _send_singles(mailing, judge)
        for each in readers:
            each.move_one()
        _send_singles(mailing, judge)  # the last mail to the old address
        mailing.singles = [message.raw for message in judge.messages]
    for each in readers:
        each.erase_one()
    return mailing


def _papers(database: Database, settings: Settings, people: int) -> list[Desk]:
    """An English paper with a daily and a Sunday rhythm, and its Armenian sister; half read the former."""
    english = make_desk(database, settings.data)
    with database.write() as session:
        digest = session.get_one(Digest, english.cadence.digest_id)
        digest.sister_group, digest.home_url = "courier", "https://courier.example/"
        digest.links = LinkForm.COUNTED
        sister = make_digest(
            session, language="hy", title="Սուրհանդակ", sister_group="courier", home_url=digest.home_url
        )
        armenian = replace(
            english,
            cadence=make_cadence(session, sister),
            mailing_list=make_list(session, sister, title="Սուրհանդակը նամակով"),
        )
        sunday = replace(english, cadence=make_cadence(session, digest, "sunday", cron="0 9 * * 0"))
        session.get_one(Cadence, english.cadence.id).is_running = True
        for each in (digest, sister):
            for name in ("arts", "sport"):
                add_topic(session, each, name=name, title=name.title(), sections=[name], now=clock.utc_now())
        for paper in (english, armenian):
            _open(session.get_one(MailingList, paper.mailing_list.id))
    for paper, share in ((english, 4), (armenian, 3), (sunday, 3)):
        _add_readers(paper, people * share // 10)
    return [english, armenian, sunday]


def _open(mailing_list: MailingList) -> None:
    set_list(mailing_list, ListChanges(is_open=True, welcomes_with_latest=True))


def _add_readers(paper: Desk, count: int) -> None:
    """Readers of one rhythm: every third has a name, every seventh reads in large letters."""
    with paper.database.write() as session:
        made = make_readers(
            session,
            session.get_one(MailingList, paper.mailing_list.id),
            [f"reader-{paper.cadence.id}-{number}@mail.test" for number in range(count)],
            address_key=paper.made.address_key,
        )
        ids = [person.id for person in made]
        for every, values in ((3, {"name": "Անահիտ O'Hara"}), (7, {"text_size": TextSize.LARGE})):
            session.execute(sa.update(Subscriber).where(Subscriber.id.in_(ids[::every])).values(**values))
        of_them = sa.update(Subscription).where(Subscription.subscriber_id.in_(ids))
        session.execute(of_them.values(cadence_id=paper.cadence.id))
        long_ago = of_them.where(Subscription.subscriber_id.in_(ids[SPECIAL : SPECIAL + 4]))
        session.execute(long_ago.values(created_at=clock.utc_now() - 2 * YEAR))


def _send_editions(mailing: Mailing, judge: JudgeServer) -> None:
    now = clock.utc_now()
    sent = [print_edition(paper, now, sizes=SIZES, is_planned=True).edition_id for paper in mailing.papers]
    with mailing.database.write() as session:
        assert start_due(session, now=now) == len(sent)
    sender = mailing.papers[0].sender(judge.port, now=now)
    try:
        assert all(all(mailing.papers[0].send(edition_id, sender)) for edition_id in sent)
    finally:
        let_go(sender)


def _send_singles(mailing: Mailing, judge: JudgeServer) -> None:
    endpoint = Endpoint(host="127.0.0.1", port=judge.port, security=Security.NONE, timeout=HANG)
    check = notice_check(mailing.papers[0].made.address_key)
    while send_due(mailing.database, lambda: SmtpTransport(endpoint), check).taken:
        pass


def _ask_staff(mailing: Mailing, paper: Desk) -> None:
    """A first copy of the next edition with the link that stops it, a test mail, a proof, and an alert."""
    slot = clock.utc_now() + HOUR
    edition_id = print_edition(paper, slot).edition_id
    imprint = Imprint(PUBLIC_URL, paper.made)
    with mailing.database.write() as session:
        account = make_account(session)
        add_first_copy(session, session.get_one(Cadence, paper.cadence.id), account, actor="test", now=slot)
        digest = session.get_one(Digest, paper.cadence.digest_id)
        add_receiver(session, digest, account, actor="test", now=slot)
        address = account.address
    with mailing.database.write() as session:
        assert ask_first_copies(session, imprint, now=slot) > 0
    assert ask_test_mails(mailing.database, edition_id, [address], imprint, actor="test") == 1
    with mailing.database.write() as session:
        # As if somebody had to approve it, who is asked with three links of their own.
        make_account(session, role=AccountRole.APPROVER)
        cadence = session.get_one(Cadence, paper.cadence.id)
        cadence.wants_approval = True
        revision = session.get_one(Revision, session.get_one(Edition, edition_id).revision_id)
        revision.approved_at, revision.approved_by = None, ""
        session.flush()
        assert ask_proofs(session, imprint, now=slot) > 0
        cadence.wants_approval = False
    with mailing.database.write() as session:
        edition = session.get_one(Edition, edition_id)
        move(session, edition, EditionState.HELD, now=slot, reason=Reason.BY_PERSON)
        assert tell_alerts(session, imprint, now=slot) == 1
    with mailing.database.write() as session:
        session.execute(sa.update(Notice).values(not_before=clock.utc_now() - HOUR))


class _Readers:
    """Readers of a paper at its pages, each of whom presses something else."""

    def __init__(self, mailing: Mailing, paper: Desk) -> None:
        self._mailing, self.paper = mailing, paper
        self._to_erase = self._to_move = ""
        with mailing.database.read() as session:
            mailing_list = session.get_one(MailingList, paper.mailing_list.id)
            self._form = f"/s/{mailing_list.name}"
            of_list = sa.select(Subscriber).join(Subscription).where(Subscription.list_id == mailing_list.id)
            people = session.scalars(of_list.order_by(Subscriber.id).limit(SPECIAL)).all()
        self._next: Iterator[Subscriber] = iter(people)

    def press_everything(self) -> None:
        """Sign up, ask for each link, begin to move, leave, pause, be asked."""
        language = self.paper.cadence.id
        known = next(self._next).address
        for address in (f"waits-{language}@mail.test", f"new-{language}@mail.test", known):
            self._post(self._form, address=address or "")
        self._post(self._mailed(f"new-{language}@mail.test", "/c/"))
        for kind in ("data", "erase", "address"):
            self._ask(kind)
        mover = self._ask("address")
        self._post(self._mailed(mover, "/f/address/"), address=f"moved-{language}@mail.test")
        gone = self._ask("address")
        self._post(self._mailed(gone, "/f/address/"), address=f"gone-{language}@mail.test")
        self._to_move = self._mailed(f"gone-{language}@mail.test", "/f/")
        self._to_erase = self._mailed(self._ask("erase"), "/f/erase/")
        self._post(self._page().removesuffix("/page"))
        self._post(self._page().removesuffix("/page"), **{"List-Unsubscribe": "One-Click"})
        self._post(self._page(), do="stop_all")
        self._post(self._page(), do="pause")
        now = clock.utc_now()
        with self._mailing.database.write() as session:
            readers = session.get_one(MailingList, self.paper.mailing_list.id)
            start_run(session, readers, silent_for=YEAR, answer_within=YEAR, actor="test", now=now)
        with self._mailing.database.write() as session:
            signer = self.paper.made.signer
            assert ask_some(session, signer, PUBLIC_URL, templates=None, now=now) > 0

    def move_one(self) -> None:
        """Once the links have arrived: what has not is not for the old address any more."""
        self._post(self._to_move)

    def erase_one(self) -> None:
        """Once all mails have arrived: some links in them are of somebody who is not there any more."""
        language = str(self._mailing.client.get(self._to_erase).text.partition('lang="')[2][:2])
        self._post(self._to_erase, word=translator(language).gettext("erase"))

    def _post(self, path: str, **fields: str) -> str:
        answer = self._mailing.client.post(path, data=fields)
        assert answer.status_code in (200, 303), answer.status_code
        return answer.text

    def _page(self, person: Subscriber | None = None) -> str:
        """The page of the next reader."""
        person = person or next(self._next)
        signer, list_id = self.paper.made.signer, self.paper.mailing_list.id
        return sign_off_url("", signer, list_id=list_id, subscriber_id=person.id) + "/page"

    def _ask(self, kind: str) -> str:
        """Have the next reader ask for a link; their address."""
        person = next(self._next)
        self._post(self._page(person), do="ask", value=kind)
        return person.address or ""

    def _mailed(self, address: str, part: str) -> str:
        with self._mailing.database.read() as session:
            of_person = sa.select(Notice.message).where(Notice.address == address)
            message = session.scalars(of_person.order_by(Notice.id.desc())).first()
        assert message is not None, address
        return mailed_path(message, part)
