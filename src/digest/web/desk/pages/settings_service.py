"""One mail service: try it, change it, give it another password, its place in the order, switch it off."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from digest import audit
from digest.accounts.rights import May
from digest.errors import ConfigError, DigestError, InputError
from digest.i18n import N_
from digest.mail.transport import Reply
from digest.models import CoolDown, Digest, Edition, EditionState, RampUp, Transport
from digest.pacing import change, transports
from digest.pacing.ramp_up import number_on
from digest.pacing.trial import send_test_mail
from digest.web.desk.forms import Form
from digest.web.desk.outward import away
from digest.web.desk.pages.settings_services import security_words, signer_words, told
from digest.web.desk.service_form import limits, port_of, security_of, signer_of
from digest.web.desk.table import desk
from digest.web.desk.told_services import advice, told_pace
from digest.web.desk.visit import Here, Visit

_DAY: Final = dt.timedelta(days=1)
_RESTING_MOST: Final = 20
_ELSEWHERE: Final = frozenset({"host", "port", "security"})
_COMING: Final = (EditionState.UPCOMING, EditionState.FROZEN, EditionState.SENDING, EditionState.PAUSED)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a test that failed: what was said, and what to look at."""

    said: str
    advice: str


@desk.get("/mail-services/{transport}", may=May.RUN_TRANSPORT)
def show_service(visit: Here, transport: int) -> Response:
    """How it does, and all that can be set."""
    return _page(visit, transport)


@desk.post("/mail-services/{transport}/test", may=May.RUN_TRANSPORT)
async def test_service(visit: Here, transport: int) -> Response:
    """Connect and send a test mail to whoever asks; what the server answered is told in words."""
    tried = await away(lambda: _try(visit, transport))
    if isinstance(tried, Tried):
        return await run_in_threadpool(_page, visit, transport, tried=tried)
    said = f"{tried.code} {tried.enhanced} {tried.text}".replace("  ", " ").strip()
    words = N_(
        "It took the test mail and said: %(said)s. It is on its way to %(address)s: look whether it comes."
    )
    sentence = visit.words.gettext(words, said=said[:200].rstrip("."), address=visit.me.address)
    return visit.go(f"/desk/mail-services/{transport}", sentence)


@desk.post("/mail-services/{transport}", may=May.RUN_TRANSPORT)
def save_service(visit: Here, transport: int) -> Response:
    """Where it listens, who signs, how much it is handed."""
    try:
        wanted, password = _wanted(visit.form)
        with visit.database.write() as session:
            row = session.get_one(Transport, transport)
            was_ready = row.accepted_at is not None
            noted = _change(session, visit, row, wanted, password)
            must_prove = was_ready and row.accepted_at is None
    except (InputError, ConfigError) as error:
        return _page(visit, transport, fault=visit.told(error))
    if must_prove:
        said = N_("Saved. It is another service now: nobody is mailed by it before it has taken a test mail.")
        return visit.go(f"/desk/mail-services/{transport}", visit.words.gettext(said), kind="note")
    said = N_("Saved.") if noted else N_("Nothing was changed.")
    return visit.go(f"/desk/mail-services/{transport}", visit.words.gettext(said))


@desk.post("/mail-services/{transport}/move", may=May.RUN_TRANSPORT)
def move_service(visit: Here, transport: int) -> Response:
    """Try it earlier or later than the one beside it."""
    by = -1 if visit.form.text("to") == "earlier" else 1
    with visit.database.write() as session:
        row = session.get_one(Transport, transport)
        if change.move(session, row, by=by):
            details = {"order": "earlier" if by < 0 else "later"}
            audit.record(session, "transport.set", row, actor=visit.actor, now=visit.now, details=details)
    return visit.go("/desk/mail-services")


@desk.post("/mail-services/{transport}/switch", may=May.RUN_TRANSPORT)
def switch_service(visit: Here, transport: int) -> Response:
    """On or off; what is on its way is finished either way."""
    is_on = visit.form.is_ticked("on")
    with visit.database.write() as session:
        row = session.get_one(Transport, transport)
        if change.change_transport(row, {"is_enabled": is_on}):
            details = {"is_enabled": is_on}
            audit.record(session, "transport.set", row, actor=visit.actor, now=visit.now, details=details)
    said = N_("It is switched on.") if is_on else N_("It is switched off: nobody is mailed by it.")
    return visit.go(f"/desk/mail-services/{transport}", visit.words.gettext(said))


def _wanted(form: Form) -> tuple[dict[str, Any], str]:
    """The columns as the form has them, and a new password; "" where none was typed."""
    security = security_of(form)
    wanted = {
        "host": form.text("host"),
        "port": port_of(form, security),
        "security": security,
        "username": form.text("username"),
        "helo": form.text("helo"),
        "signer": signer_of(form),
        **transports.checked_limits(**limits(form)),
    }
    password = form.raw("password")
    return wanted, change.check_password(password) if password else ""


def _change(
    session: Session, visit: Visit, row: Transport, wanted: dict[str, Any], password: str
) -> dict[str, object]:
    """Take it over; the password's file last, when nothing can be refused any more. What the trail notes."""
    had = row.secret_name
    changed = change.change_transport(row, wanted)
    if row.secret_name and not had and not password:
        raise InputError(visit.words.gettext(N_("A login name wants a password: type it too.")))
    if row.secret_name and had and not password and _ELSEWHERE & changed.keys():
        # Else whoever may type a server's name could have the password sent to one of their own.
        said = N_(
            "For another server, port or encryption type the password too: the kept one goes nowhere else."
        )
        raise InputError(visit.words.gettext(said))
    if password and not row.secret_name:
        raise InputError(visit.words.gettext(N_("A password wants a login name: type it too.")))
    noted = {name: getattr(value, "value", value) for name, value in changed.items()}
    if password and row.secret_name:
        noted |= {"password": "new"}
    if noted:
        audit.record(session, "transport.set", row, actor=visit.actor, now=visit.now, details=noted)
    if password and row.secret_name:
        session.flush()
        change.keep_password(visit.settings.secrets_folder, row.secret_name, password)
    return noted


def _try(visit: Visit, transport: int) -> Reply | Tried:
    """The reply to the test mail, or what went wrong. No transaction is open while it is spoken to."""
    settings, form = visit.settings, visit.form
    try:
        with visit.database.read() as session:
            name = session.get_one(Transport, transport).name
            digest = session.get(Digest, form.number("digest", 0))
            digest_name = digest.name if digest is not None else None
            if digest is None and session.scalar(sa.select(Digest.id).limit(1)) is None:
                said = N_("There is no sender's address yet: a digest has one. Make a digest first.")
                return Tried(visit.words.gettext(said), "")
        reply = send_test_mail(
            visit.database,
            name,
            visit.me.address,
            secrets_folder=settings.secrets_folder,
            signer=visit.services.keys.signer,
            digest=digest_name,
            templates=settings.templates,
        )
        with visit.database.write() as session:
            row = session.get_one(Transport, transport)
            audit.record(session, "transport.test", row, actor=visit.actor, now=visit.now)
    except DigestError as error:
        return Tried(visit.told(error), advice(error, visit.words))
    return reply


def _page(visit: Visit, transport: int, *, fault: str = "", tried: Tried | None = None) -> Response:
    with visit.database.read() as session:
        row = session.get_one(Transport, transport)
        others = [each for each in transports.transports(session) if each.is_enabled and each.id != row.id]
        resting = _resting(session, transport, visit.now)
        ramp = session.get(RampUp, transport)
        coming = _coming(session, visit.now)
        digests = session.execute(sa.select(Digest.id, Digest.title).order_by(Digest.id)).all()
    stored = {
        "host": row.host,
        "port": row.port,
        "security": row.security.value,
        "username": row.username,
        "helo": row.helo,
        "signer": row.signer.value,
        "per_second": f"{row.per_second:g}" if row.per_second else "",
        "per_hour": row.per_hour or "",
        "connections": row.most_connections,
    }
    form = visit.form
    return visit.page(
        "settings_service.html",
        status=422 if fault else 200,
        row=row,
        told=told(visit, row, visit.zone),
        pace=told_pace(row, visit.words),
        typed={name: form.text(name, str(value)) for name, value in stored.items()} if fault else stored,
        fault=fault,
        tried=tried,
        others=_ready(others, visit.now),
        resting=resting,
        ramp=ramp,
        ramp_today=_today(ramp, visit.now),
        coming=coming,
        digests=[(number, title) for number, title in digests],
        securities=security_words(visit),
        signers=signer_words(visit),
    )


def _ready(rows: list[Transport], now: dt.datetime) -> list[Transport]:
    """Those that may take over, the ones that fail at this moment last."""
    proven = [row for row in rows if row.accepted_at is not None]
    return sorted(proven, key=lambda row: row.rests_until is not None and row.rests_until > now)


def _resting(session: Session, transport: int, now: dt.datetime) -> list[tuple[str, dt.datetime]]:
    """The receiving domains that are given a rest at this service, the longest first."""
    query = (
        sa.select(CoolDown.domain, CoolDown.until)
        .where(CoolDown.transport_id == transport, CoolDown.until > now)
        .order_by(CoolDown.until.desc(), CoolDown.domain)
        .limit(_RESTING_MOST)
    )
    return [(domain, until) for domain, until in session.execute(query)]


def _today(ramp: RampUp | None, now: dt.datetime) -> int:
    if ramp is None:
        return 0
    return number_on(
        now.astimezone(dt.UTC).date(),
        starts_on=ramp.starts_on,
        first_day=ramp.first_day,
        growth_percent=ramp.growth_percent,
    )


def _coming(session: Session, now: dt.datetime) -> int:
    """How many editions are on their way or go out within a day."""
    query = sa.select(sa.func.count()).where(Edition.state.in_(_COMING), Edition.send_at <= now + _DAY)
    return session.scalar(query) or 0
