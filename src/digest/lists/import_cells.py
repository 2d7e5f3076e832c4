"""What single cells of a file say: addresses, moments, zones, values of attributes. No storage."""

from __future__ import annotations

import datetime as dt
import functools
import importlib.resources
import re
from collections.abc import Mapping

from digest.addresses import Address, parse_address
from digest.errors import InputError, Word
from digest.i18n import N_
from digest.lists.attributes import read_value
from digest.models import Attribute, AttributeKind

_PLAIN = re.compile(r"([A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SERIAL = re.compile(r"[2-9][0-9]{4}(?:\.[0-9]+)?")  # a spreadsheet's days since 1899-12-30, of 1954 to 2173


def refuse_address(cell: str, what: str) -> None:
    """Where columns are shifted, an address may stand in a cell of anything: no reason quotes that."""
    if "@" in cell:
        raise InputError(
            N_("Where the %(what)s should be stands something with an @; are the columns shifted?"),
            what=Word(what),
        )


def read_address(text: str) -> Address:
    """The same as `parse_address`, thirty times as fast for the plain addresses that most people have.

    A domain is checked in full once and then known; a local part of letters, digits, dots, `_`, `+` and `-`
    needs no more than this pattern. Everything else goes the long way.
    """
    found = _PLAIN.fullmatch(text.strip())
    if found is None:
        return parse_address(text)
    local, domain = found.groups()
    if len(local) > 64 or len(local) + len(domain) > 253:
        return parse_address(text)
    domain = _checked_domain(domain)
    written = f"{local}@{domain}"
    key = written if local.islower() else f"{local.lower()}@{domain}"
    return Address(written, key, domain, needs_smtputf8=False)


@functools.lru_cache(maxsize=8192)
def _checked_domain(domain: str) -> str:
    return parse_address(f"reader@{domain}").domain


def read_moment(text: str) -> dt.datetime | None:
    """A moment as ISO 8601 writes it, in UTC where it names no zone, or as a spreadsheet's number of days."""
    wanted = text.strip()
    if not wanted:
        return None
    if _SERIAL.fullmatch(wanted):
        return dt.datetime(1899, 12, 30, tzinfo=dt.UTC) + dt.timedelta(days=float(wanted))
    try:
        found = dt.datetime.fromisoformat(wanted)
    except ValueError:
        refuse_address(wanted, N_("moment"))
        raise InputError(
            N_("%(cell)r is no moment; write it like 2026-01-31 18:00."), cell=wanted[:40]
        ) from None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except OverflowError:
        raise InputError(N_("%(cell)r is too far away."), cell=wanted[:40]) from None


def read_cell(text: str, attribute: Attribute) -> object:
    """An attribute's value as it is stored, also from a spreadsheet's way to write a date; None for none."""
    if attribute.kind is AttributeKind.DATE and not _DAY.fullmatch(text):
        moment = read_moment(text)
        return moment.date().isoformat() if moment else None
    return read_value(attribute, text)


@functools.cache
def zone_of_country() -> Mapping[str, str]:
    """The zone of each country that has only one, by its letters (ISO 3166), from the zone table."""
    table = importlib.resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    zones: dict[str, list[str]] = {}
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            zones.setdefault(country, []).append(zone)
    return {country: found[0] for country, found in zones.items() if len(found) == 1}


@functools.cache
def zones_by_letters() -> Mapping[str, str]:
    """Zones by their names in small letters: some products write `America/New_york`."""
    import zoneinfo  # noqa: PLC0415

    return {zone.lower(): zone for zone in zoneinfo.available_timezones()}
