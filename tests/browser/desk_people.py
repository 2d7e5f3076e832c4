"""The people of the invented newsroom: who works at the desk, who reads, and what was done."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest import audit
from digest.accounts import codes
from digest.accounts.links import PATHS, make_link
from digest.accounts.rights import Of
from digest.accounts.sessions import open_session
from digest.lists import consent
from digest.lists.manage import ListChanges, set_list
from digest.lists.status import Action, Origin
from digest.lists.suppress import suppress_address, suppress_domain
from digest.models import (
    Account,
    AccountDigest,
    AccountRole,
    AccountSession,
    Attribute,
    AttributeKind,
    Digest,
    Fetch,
    LinkPurpose,
    MailingList,
    Reply,
    Segment,
    Source,
    Subscriber,
    Subscription,
    SubscriptionStatus,
)
from tests.factories import make_account, make_list, make_readers, make_subscriber, make_subscription
from tests.integration.web.desk.hands import CHEAP

if TYPE_CHECKING:
    from tests.browser.desk_scene import Scene

NAMES: Final = (
    *("Araxie", "Vahan", "Shushan", "Garo", "Maro", "Levon", "Anahit", "Hrair", "Silva", "Raffi", "Takouhi"),
    *("Noubar", "Sona", "Krikor", "Varteni", "Aris", "Lucine", "Mher", "Nvard", "Zaven", "Perouz", "Khoren"),
    *("Seta", "Bedros", "Ovsanna", "Tsolak", "Yeran", "Avedis", "Knar", "Manoug", "Dzovig", "Hagop", "Nairi"),
    *("Karekin", "Azniv", "Toros", "Elmas", "Vartan", "Siran", "Arpi"),
)
_SURNAMES: Final = ("boyajian", "terzian", "nalbandian", "hovsepian", "kasparian", "manukyan", "sarkissian")
_DOMAINS: Final = ("inbox.example", "mail.test", "post.example", "armenmail.example", "valley.example")
_FIREFOX: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
_SAFARI: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)
_BROWSERS: Final = ((_FIREFOX, "192.0.2.17", 30), (_SAFARI, "198.51.100.4", 3))


def add_accounts(session: Session, scene: Scene) -> None:
    """An admin who looks, an editor, an approver, one who was invited and one who has left."""
    now, admin = scene.now, AccountRole.ADMIN
    me = make_account(
        session,
        "nare@courier.example",
        role=admin,
        password_hash=CHEAP,
        zone="Asia/Yerevan",
        signed_in_at=now,
    )
    codes.offer(session, me, key=scene.keys.address_key)
    rest = {
        "account": ("aram", "Aram Petrosian", {"password_hash": CHEAP, "signed_in_at": now}),
        "account:approver": (
            "lusine",
            "Lusine Hakobian",
            {"role": AccountRole.APPROVER, "password_hash": CHEAP, "signed_in_at": now},
        ),
        "account:invited": ("mariam", "Mariam Sahakian", {}),
        "account:former": (
            "hasmik",
            "Hasmik Ter-Ohanian",
            {"role": admin, "disabled_at": now, "password_hash": CHEAP},
        ),
        "account:left": ("tigran", "Tigran Der Ohanian", {"disabled_at": now, "password_hash": CHEAP}),
    }
    scene.things["account:me"] = me.id
    for key, (box, name, values) in rest.items():
        scene.things[key] = make_account(session, f"{box}@courier.example", name=name, **values).id
    for agent, network, hours in _BROWSERS:
        at = now - dt.timedelta(hours=hours)
        open_session(session, me, is_whole=True, network=network, agent=agent, now=at)
        open_session(
            session, _account(session, scene, "account"), is_whole=True, network=network, agent=agent, now=at
        )
    newest = sa.select(AccountSession.id).where(AccountSession.account_id == me.id)
    scene.things[Of.OWN_SESSION.value] = session.scalars(newest.order_by(AccountSession.id)).first() or 0
    aram = _account(session, scene, "account")
    codes.offer(session, aram, key=scene.keys.address_key)
    aram.totp_secret = aram.totp_offered
    for who, account, is_whole in (("me", me, True), ("aram", aram, True), ("half", aram, False)):
        scene.tokens[who] = open_session(
            session, account, is_whole=is_whole, network="192.0.2.17", agent=_FIREFOX, now=now
        )
    for word, purpose, key in (
        ("join", LinkPurpose.INVITE, "account:invited"),
        ("reset", LinkPurpose.RESET, "account"),
    ):
        url = make_link(session, purpose, account_id=scene.things[key], public_url="", now=now)
        scene.links[f"token:{word}"] = url.removeprefix(PATHS[purpose])


def add_first(session: Session, scene: Scene) -> None:
    """The one person of an installation in which nothing has been done yet, and the link for the first."""
    me = make_account(session, "nare@courier.example", role=AccountRole.ADMIN, password_hash=CHEAP)
    scene.tokens["me"] = open_session(session, me, is_whole=True, network="", agent="", now=scene.now)
    url = make_link(session, LinkPurpose.SET_UP, account_id=None, public_url="", now=scene.now)
    scene.links["token:set-up"] = url.removeprefix(PATHS[LinkPurpose.SET_UP])


def add_lists(session: Session, scene: Scene, readers: int) -> None:
    """The main list with its readers, a small one, and one person whose whole story can be looked at."""
    digest = session.get_one(Digest, scene.things["digest"])
    letters = session.get_one(Digest, scene.things["digest:letters"])
    session.add_all(
        AccountDigest(account_id=scene.things["account"], digest_id=each.id) for each in (digest, letters)
    )
    session.add(Attribute(name="city", title="City", kind=AttributeKind.TEXT, created_at=scene.now))
    main = make_list(session, digest, "footbridge", title="The Footbridge by mail")
    other = make_list(session, letters, "letters", title="Letters from Alder Street")
    armenian = make_list(
        session, session.get_one(Digest, scene.things["digest:hy"]), "kamrjak", title="Կամրջակ"
    )
    set_list(main, ListChanges(is_open=True))
    scene.things |= {"list": main.id, "list:letters": other.id, "list:hy": armenian.id}
    addresses = [address(number) for number in range(readers)]
    people = make_readers(session, main, addresses, address_key=scene.keys.address_key)
    for number, person in enumerate(people):
        person.name = f"{NAMES[number % len(NAMES)]} {_SURNAMES[number % len(_SURNAMES)].title()}"
    make_readers(
        session, armenian, [f"hy-{each}" for each in addresses[:40]], address_key=scene.keys.address_key
    )
    _give_rhythms(session, scene)
    _set_statuses(session, scene, main)
    _one_person(session, scene, main, other)
    segment = Segment(
        digest_id=digest.id,
        name="beirut",
        title="Readers in Beirut",
        rule={"attribute": {"name": "city", "is": "Beirut"}},
        created_at=scene.now,
        changed_at=scene.now,
    )
    session.add(segment)
    for number, reason in enumerate(("bounced twice", "asked by letter", "a court's order")):
        suppress_address(
            session,
            scene.keys.address_key,
            f"gone{number}@post.example",
            reason=reason,
            source=Origin.CLI,
            now=scene.now,
        )
    suppress_domain(session, "closed.example", reason="the company is gone", source=Origin.CLI, now=scene.now)
    session.flush()
    scene.things[Of.SEGMENT.value] = segment.id


def address(number: int) -> str:
    """One of many, of a few domains."""
    name, surname = NAMES[number % len(NAMES)].lower(), _SURNAMES[number % len(_SURNAMES)]
    return f"{name}.{surname}{number}@{_DOMAINS[number % len(_DOMAINS)]}"


def _give_rhythms(session: Session, scene: Scene) -> None:
    """A few readers of the paper have chosen its Sunday edition."""
    chosen = sa.update(Subscription).where(Subscription.list_id == scene.things["list"])
    session.execute(chosen.values(cadence_id=scene.things["cadence"]))
    session.execute(chosen.where(Subscription.id % 9 == 0).values(cadence_id=scene.things["weekly"]))


def _set_statuses(session: Session, scene: Scene, main: MailingList) -> None:
    some = {41: SubscriptionStatus.PAUSED, 53: SubscriptionStatus.PENDING, 37: SubscriptionStatus.ENDED}
    for every, status in some.items():
        rows = sa.update(Subscription).where(Subscription.list_id == main.id, Subscription.id % every == 0)
        session.execute(rows.values(status=status))


def _one_person(session: Session, scene: Scene, main: MailingList, other: MailingList) -> None:
    now = scene.now
    person = make_subscriber(
        session,
        "araxie.boyajian@inbox.example",
        address_key=scene.keys.address_key,
        name="Araxie Boyajian",
        zone="America/Los_Angeles",
        language="en",
        attributes={"city": "Glendale"},
        last_sign_of_life_at=now - dt.timedelta(days=12),
    )
    for each, cadence in ((main, "cadence"), (other, "letters")):
        made = make_subscription(session, each, person, cadence_id=scene.things[cadence])
        steps = ((Action.PAUSE, SubscriptionStatus.PAUSED), (Action.RESUME, SubscriptionStatus.ACTIVE))
        for days, (action, status) in zip((40, 26), steps, strict=True):
            at = now - dt.timedelta(days=days)
            consent.append(
                session, made, action=action, status=status, source=Origin.PREFERENCES, details={}, now=at
            )
    scene.things |= {Of.SUBSCRIBER.value: person.id}
    readers = sa.select(Subscriber).order_by(Subscriber.id).limit(400)
    others = [each for each in session.scalars(readers) if each.id != person.id]
    for number, reader in enumerate(others):
        cadence_id = scene.things["night" if number % 7 == 5 else "evening" if number % 3 else "noon"]
        make_subscription(session, other, reader, cadence_id=cadence_id)


def add_fetches(session: Session, scene: Scene, source: Source) -> None:
    """The last answers of a site."""
    is_down = source.fault_code is not None
    session.add_all(
        Fetch(
            source_id=source.id,
            at=scene.now - dt.timedelta(minutes=20 * number + 5),
            status=503 if is_down and number < 14 else 200 if number % 3 == 0 else 304,
            fault_code="http_status" if is_down and number < 14 else None,
            posts=20,
            new=1 if number % 6 == 3 else 0,
            size=48_213 + 97 * number,
            milliseconds=180 + 31 * (number % 5),
        )
        for number in reversed(range(16))  # the oldest comes first, as they do
    )


def reply(session: Session, code: int, enhanced: str, text: str) -> int:
    """A mail server's answer; its id."""
    fingerprint = hashlib.sha256(f"{code} {enhanced} {text}".encode()).hexdigest()
    found = session.scalar(sa.select(Reply.id).where(Reply.fingerprint == fingerprint))
    if found is not None:
        return found
    made = Reply(fingerprint=fingerprint, code=code, enhanced=enhanced, text=text)
    session.add(made)
    session.flush()
    return made.id


def add_trail(session: Session, scene: Scene) -> None:
    """What people have done these days, besides what made the rest."""
    things = scene.things
    for number, (action, who, table, key) in enumerate(
        (
            ("account.sign_in", "account:me", Account, "account:me"),
            ("list.export", "account:me", MailingList, "list"),
            ("cadence.set", "account", Digest, "digest"),
            ("subscriber.end", "account:me", Subscriber, "subscriber"),
            ("digest.look", "account", Digest, "digest"),
            ("account.sign_in", "account:approver", Account, "account:approver"),
        )
    ):
        at = scene.now - dt.timedelta(hours=number * 2, minutes=7)
        target = session.get_one(table, things[key])
        audit.record(session, action, target, actor=f"account:{things[who]}", now=at, details={})


def _account(session: Session, scene: Scene, key: str) -> Account:
    return session.get_one(Account, scene.things[key])
