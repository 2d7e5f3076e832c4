"""The keys that we sign mails with: made, shown as the record that belongs to them, used and given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest import audit
from digest.accounts.rights import May
from digest.errors import ConfigError, InputError
from digest.i18n import N_
from digest.mail.signing_key import Algorithm, SigningKey, zone_line
from digest.models import Digest, DkimKey
from digest.pacing import dkim_keys
from digest.pacing.sender_check import check_key
from digest.preflight.findings import Level
from digest.web.desk.outward import away
from digest.web.desk.pages.settings_senders import sender_domain, we_sign
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit

_BOTH: Final = "both"
_IDS_LIMIT: Final = 2**63


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key with the record that belongs to it, or with what is wrong with its file."""

    row: DkimKey
    name: str = ""
    record: str = ""
    zone: str = ""
    fault: str = ""
    is_last: bool = False  # of those of its domain that sign


@desk.get("/settings/keys", may=May.RUN_SETTINGS)
def show_keys(visit: Here) -> Response:
    """Every key with its record."""
    return _keys(visit)


@desk.post("/settings/keys", may=May.RUN_SETTINGS)
def make_keys(visit: Here) -> Response:
    """Make one, or one of each kind. Nothing is signed with it yet."""
    form, folder = visit.form, visit.settings.secrets_folder
    name = form.text("selector") or _usual(visit)
    kinds = list(Algorithm) if form.text("kind") == _BOTH else [Algorithm.RSA]
    try:
        made = [  # before the transaction: a key takes a while
            dkim_keys.make_key(
                form.text("domain")[:300], name if kind is Algorithm.RSA else f"{name}-{kind.value}", kind
            )
            for kind in kinds
        ]
        with visit.database.write() as session:
            for row in dkim_keys.add_keys(session, made, folder, now=visit.now):
                details = {"domain": row.domain, "selector": row.selector, "algorithm": row.algorithm}
                audit.record(session, "dkim.keygen", row, actor=visit.actor, now=visit.now, details=details)
    except (InputError, ConfigError) as error:
        return _keys(visit, fault=visit.told(error))
    said = N_("The key is made. Now its record has to stand in the DNS; then sign with it.")
    return visit.go("/desk/settings/keys", visit.words.gettext(said), kind="note")


@desk.post("/settings/keys/{key}/use", may=May.RUN_SETTINGS)
async def use_key(visit: Here, key: int) -> Response:
    """Sign with it, once the DNS has its record, or whoever asks says that it shall be so all the same."""
    row, found = await run_in_threadpool(_loaded, visit, key)
    if isinstance(found, str):
        return await run_in_threadpool(_keys, visit, fault=found)
    if not visit.form.is_ticked("sure"):
        try:
            seen = await away(lambda: check_key(found, visit.settings.dns_addresses))
        except ConfigError as error:
            return await run_in_threadpool(_keys, visit, fault=visit.told(error), not_seen=row.id)
        if seen.level is not Level.GOOD:
            return await run_in_threadpool(_keys, visit, fault=seen.words, not_seen=row.id)
    await visit.services.in_turn(_switch, visit, key, is_on=True)
    return visit.go("/desk/settings/keys", visit.words.gettext(N_("Mails are signed with it from now on.")))


@desk.post("/settings/keys/{key}/retire", may=May.RUN_SETTINGS)
def retire_key(visit: Here, key: int) -> Response:
    """Sign with it no longer; the key stays, and can be used again."""
    _switch(visit, key, is_on=False)
    said = N_("Nothing is signed with it any more. Leave its record for two weeks: mail under way wants it.")
    return visit.go("/desk/settings/keys", visit.words.gettext(said))


def _switch(visit: Visit, key: int, *, is_on: bool) -> None:
    with visit.database.write() as session:
        row = _row(session, key)
        if row.is_enabled == is_on:
            return
        row.is_enabled = is_on
        details = {"domain": row.domain, "selector": row.selector}
        action = "dkim.enable" if is_on else "dkim.disable"
        audit.record(session, action, row, actor=visit.actor, now=visit.now, details=details)


def _loaded(visit: Visit, key: int) -> tuple[DkimKey, SigningKey | str]:
    """The key, or what is wrong with its file: rather now than when an edition is due."""
    with visit.database.read() as session:
        row = _row(session, key)
    try:
        return row, dkim_keys.load(row, visit.settings.secrets_folder)
    except ConfigError as error:
        return row, visit.told(error)


def _row(session: Session, key: int) -> DkimKey:
    found = session.get(DkimKey, key) if 0 < key < _IDS_LIMIT else None
    if found is None:
        raise HTTPException(404)
    return found


def _keys(visit: Visit, *, fault: str = "", not_seen: int = 0) -> Response:
    with visit.database.read() as session:
        rows = dkim_keys.keys_of(session)
        leaving = we_sign(session)
        addresses = list(session.scalars(sa.select(Digest.sender_address).order_by(Digest.id)))
    signing = [row.domain for row in rows if row.is_enabled]
    shown = [_shown(visit, row, is_last=row.is_enabled and signing.count(row.domain) == 1) for row in rows]
    domains = list(dict.fromkeys(filter(None, map(sender_domain, addresses))))
    return visit.page(
        "settings_keys.html",
        status=422 if fault else 200,
        fault=fault,
        not_seen=not_seen,
        keys=shown,
        leaving=leaving,
        domains=domains,
        typed={
            "domain": visit.form.text("domain") or next(iter(domains), ""),
            "selector": visit.form.text("selector") or _usual(visit),
            "kind": visit.form.text("kind") or Algorithm.RSA.value,
        },
        kinds=_kinds(visit),
    )


def _shown(visit: Visit, row: DkimKey, *, is_last: bool) -> ShownKey:
    try:
        key = dkim_keys.load(row, visit.settings.secrets_folder)
    except ConfigError as error:
        return ShownKey(row, fault=visit.told(error), is_last=is_last)
    line = zone_line(key.record_name, "TXT", key.record)
    return ShownKey(row, key.record_name, key.record, line, is_last=is_last)


def _kinds(visit: Visit) -> list[tuple[str, str, str]]:
    _ = visit.words.gettext
    return [
        (Algorithm.RSA.value, _(N_("One key, RSA")), _(N_("Every receiver knows it."))),
        (
            _BOTH,
            _(N_("Two keys, RSA and Ed25519")),
            _(N_("The second is newer and shorter; not all know it.")),
        ),
    ]


def _usual(visit: Visit) -> str:
    return f"digest{visit.now:%Y%m}"
