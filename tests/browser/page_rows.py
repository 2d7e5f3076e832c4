"""Rows behind the pages of `page_list`: each function makes them in a language and gives the page's path."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from email.message import EmailMessage

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import clock, keys
from digest.editions.proof_links import proof_url
from digest.lists.erase import erase_subscriber
from digest.lists.fresh_links import FreshKind
from digest.lists.permission import start_run
from digest.lists.status import Origin
from digest.lists.suppress import suppress_address
from digest.models import (
    Account,
    AccountRole,
    Cadence,
    Digest,
    Edition,
    EditionState,
    MailingList,
    PermissionAsk,
    Subscriber,
    SubscriptionStatus,
    TextSize,
    TokenBucket,
)
from digest.tokens import Claim, Purpose
from tests.browser.sites import WORDS, Site
from tests.factories import make_cadence, make_digest, make_list, make_revision, make_subscription
from tests.factories.moments import NOW
from tests.integration.web.rows import make_copy

Path = Callable[[Site, str], str]

_MONTH = dt.timedelta(days=30)


def crowded(site: Site, language: str) -> str:
    """A form, at a moment when nobody may sign up any more."""
    with site.database.write() as session:
        session.merge(TokenBucket(key="all", tokens=0, filled_at=clock.utc_now() + _MONTH))
    return f"/s/{WORDS[language].lists[0][0]}"


def forget_limits(session: Session) -> None:
    """Let the next sign-up be the first one."""
    session.execute(sa.delete(TokenBucket))


def to_confirm(site: Site, language: str) -> str:
    return f"/c/{site.link(Purpose.CONFIRM, site.new_reader(language, SubscriptionStatus.PENDING))}"


def paused_until(site: Site, language: str) -> str:
    reader = site.new_reader(language)
    with site.database.write() as session:
        session.get_one(Subscriber, reader.subscriber_id).text_size = TextSize.LARGE
    site.post(f"/u/{reader.token}/page", do="pause_until", value="2028-01-31")
    return f"/u/{reader.token}/page?done=paused_until"


def left_one(site: Site, language: str) -> str:
    """Somebody who is on another list still."""
    reader = site.new_reader(language)
    with site.database.write() as session:
        other = session.get_one(MailingList, site.papers[language].lists[1])
        make_subscription(session, other, session.get_one(Subscriber, reader.subscriber_id))
    site.post(f"/u/{reader.token}", do="")
    return f"/u/{reader.token}/page?done=reason"


def undo_after_leaving(site: Site, language: str) -> str:
    reader = site.new_reader(language)
    site.post(f"/u/{reader.token}", do="")
    return site.undo(reader)


def erased(site: Site, language: str) -> str:
    reader = site.new_reader(language)
    with site.database.write() as session:
        person = session.get_one(Subscriber, reader.subscriber_id)
        erase_subscriber(session, person, source=Origin.CLI, now=clock.utc_now())
    return f"/u/{reader.token}/page"


def used(site: Site, language: str) -> str:
    path = site.fresh(site.new_reader(language), FreshKind.DATA)
    site.post(path)
    return path


def taken_address(site: Site, language: str) -> str:
    with site.database.read() as session:
        other = session.get_one(Subscriber, site.new_reader(language).subscriber_id).address
    return site.fresh(site.new_reader(language), FreshKind.NEW_ADDRESS, address=other or "")


def refused_address(site: Site, language: str) -> str:
    address = f"never.{language}@mail.test"
    with site.database.write() as session:
        suppress_address(
            session, site.keys.address_key, address, reason="asked", source=Origin.CLI, now=clock.utc_now()
        )
    return site.fresh(site.new_reader(language), FreshKind.NEW_ADDRESS, address=address)


def asked_to_keep(site: Site, language: str) -> str:
    return _asked(site, language)


def too_late_to_keep(site: Site, language: str) -> str:
    return _asked(site, language, status=SubscriptionStatus.ENDED)


def too_late_and_closed(site: Site, language: str) -> str:
    return _asked(site, language, status=SubscriptionStatus.ENDED, is_open=False)


def _asked(
    site: Site,
    language: str,
    *,
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
    is_open: bool = True,
) -> str:
    """A list of its own: while a run is open, a list has no other."""
    reader = site.new_reader(language)
    with site.database.write() as session:
        first = session.get_one(MailingList, reader.list_id)
        readers = make_list(session, session.get_one(Digest, first.digest_id), title=first.title)
        readers.is_open = is_open
        person = session.get_one(Subscriber, reader.subscriber_id)
        made = make_subscription(session, readers, person, status=status)
        run = start_run(session, readers, silent_for=_MONTH, answer_within=_MONTH, actor="test", now=NOW)
        session.add(PermissionAsk(run_id=run.id, subscription_id=made.id, asked_at=NOW))
        claim = Claim(Purpose.KEEP, readers.id, person.id)
    return f"/k/{site.keys.signer.sign(claim)}"


def stop(state: EditionState) -> Path:
    def path(site: Site, language: str) -> str:
        copy = make_copy(site.database, site.settings, language=language)
        with site.database.write() as session:
            session.get_one(Edition, copy.edition_id).state = state
        return copy.path

    return path


def proof(state: EditionState = EditionState.FROZEN, *, is_changed: bool = False) -> Path:
    """A proof of an edition that goes out in an hour; of an earlier version, if it `is_changed`."""

    def path(site: Site, language: str) -> str:
        copy = make_copy(site.database, site.settings, language=language)
        shown = copy.revision_id()
        with site.database.write() as session:
            edition = session.get_one(Edition, copy.edition_id)
            edition.state, edition.send_at = state, clock.utc_now() + dt.timedelta(hours=1)
            session.get_one(Cadence, edition.cadence_id).wants_approval = True
            session.get_one(Account, copy.account_id).role = AccountRole.APPROVER
            if is_changed:
                new = make_revision(session, edition.id, number=9, fingerprint="9" * 64, subject="On <Haste>")
                edition.revision_id = new.id
        signer = keys.load(site.settings.secrets_folder).signer
        return proof_url("", signer, revision_id=shown, account_id=copy.account_id)

    return path


def empty_inbox(site: Site, _: str) -> str:
    assert site.settings.catcher_dir is not None
    shutil.rmtree(site.settings.catcher_dir, ignore_errors=True)
    return "/inbox"


def full_inbox(site: Site, _: str) -> str:
    """More than a page of it, with a page of older ones."""
    for _number in range(51):
        site.catch(hostile_mail(site.url))
    return "/inbox"


def caught(view: str) -> Path:
    return lambda site, _: f"/inbox/{site.catch(hostile_mail(site.url))}?view={view}"


def broken(site: Site, language: str) -> str:
    """A digest whose cadence is in a zone that there is not."""
    with site.database.write() as session:
        digest = make_digest(session, language=language)
        make_cadence(session, digest, zone="Nowhere/At_All")
        made = make_subscription(session, make_list(session, digest))
        claim = Claim(Purpose.UNSUBSCRIBE, made.list_id, made.subscriber_id)
    return f"/u/{site.keys.signer.sign(claim)}/page"


def hostile_mail(link: str) -> bytes:
    """A mail with a plain link, and with everything that would like to run."""
    mail = EmailMessage()
    mail["Subject"] = "Good morning <script>fetch('/health?ran')</script>"
    mail["From"], mail["To"] = "news@courier.example", "reader@mail.test"
    mail.set_content("Good morning.\n" + "a-very-long-word" * 40 + "\n")
    mail.add_alternative(
        "<!DOCTYPE html><html lang=en><head><title>Good morning</title><script>fetch('/health?ran')</script>"
        "</head><body onload=\"fetch('/health?ran')\"><img src=x alt='' onerror=\"fetch('/health?ran')\">"
        "<iframe src='/health?ran' title=x></iframe><form action='/health?ran'><button>Send</button></form>"
        f"<p><a href='{link}'>Unsubscribe</a></p></body></html>",
        subtype="html",
    )
    return mail.as_bytes()
