"""SPF: whether receivers can use the record, and whether it lets our mail pass (RFC 7208)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from digest.net.dns import Status
from digest.net.spf import LOOKUP_LIMIT, VOID_LIMIT, Record, Spf, Term
from digest.preflight.findings import DnsRecord, Finding, Level, Subject


def judge(spf: Spf, *, addresses: Sequence[str], includes: Sequence[str]) -> Iterator[Finding]:
    """The findings about a domain's SPF."""
    record = spf.record
    wanted = [*(f"include:{name}" for name in includes), *(_mechanism(address) for address in addresses)]
    if record.answer.status is Status.FAILED:
        words = f"The records of {record.domain} could not be looked up: {record.answer.why}."
        yield _finding(Level.UNKNOWN, words)
    elif not record.texts:
        yield _missing(record.domain, wanted)
    elif len(record.texts) > 1:
        words = (
            f"{record.domain} has {len(record.texts)} SPF records, so receivers use none: leave one of them."
        )
        yield _finding(Level.FAULT, words)
    else:
        yield from _one(spf, addresses, includes)


def result_for(record: Record, address: str) -> str:
    """What a receiver finds for mail from this address: pass, fail, softfail, neutral, permerror or unknown.

    Unknown where it depends on the mail, or on a look-up that failed.
    """
    if record.answer.status is Status.FAILED:
        return "unknown"
    if len(record.texts) != 1:
        return "permerror"
    sender = ipaddress.ip_address(address)
    for term in record.terms:
        if term.fault:
            return "permerror"
        found = _match(term, sender)
        if found is not None:
            return found
    return "neutral"


def _match(term: Term, sender: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str | None:
    """The result that a term decides on, or None if the next one is to be read."""
    result = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}[term.qualifier]
    if term.kind == "all":
        return result
    if term.kind in ("include", "redirect"):
        inner = result_for(term.child, str(sender)) if term.child is not None else "unknown"
        if term.kind == "redirect" or inner in ("unknown", "permerror"):
            return inner
        return result if inner == "pass" else None
    if term.depends_on_mail:
        return "unknown"
    return result if any(sender in ipaddress.ip_network(network) for network in term.networks) else None


def _one(spf: Spf, addresses: Sequence[str], includes: Sequence[str]) -> Iterator[Finding]:
    record = spf.record
    faults = list(_faults(spf))
    yield from faults
    yield from _advice(record)
    unknown = [one for one in record.records if one.answer.status is Status.FAILED]
    for one in unknown:
        words = f"{one.domain}, which the SPF record leads to, could not be looked up: {one.answer.why}."
        yield _finding(Level.UNKNOWN, words)
    if not faults and not unknown:
        words = f"{record.domain} has an SPF record that costs {spf.lookups} of {LOOKUP_LIMIT} look-ups."
        yield _finding(Level.GOOD, words)
    yield from _ways(record, addresses, includes)


def _faults(spf: Spf) -> Iterator[Finding]:
    record = spf.record
    for one in record.records:
        where = "" if one is record else f" (in the record of {one.domain})"
        for term in one.terms:
            if term.fault:
                words = f"A term is wrong: {term.fault}{where}. Receivers then use nothing of the record."
                yield _finding(Level.FAULT, words)
    if spf.lookups > LOOKUP_LIMIT:
        number = str(spf.lookups) if spf.is_whole else f"more than {spf.lookups - 1}"
        words = f"The record may cost {number} look-ups; beyond {LOOKUP_LIMIT} it is void: take includes out."
        yield _finding(Level.FAULT, words)
    if spf.voids > VOID_LIMIT:
        words = f"{spf.voids} of its look-ups find nothing; beyond {VOID_LIMIT} it is void: take those out."
        yield _finding(Level.FAULT, words)
    if any(term.kind == "all" and term.qualifier == "+" for term in record.terms):
        yield _finding(Level.FAULT, "It ends in +all, which lets anybody send: end it in ~all or -all.")


def _advice(record: Record) -> Iterator[Finding]:
    """What is allowed and unwise; `lookups` close to the limit, weak ends, ptr."""
    last = record.terms[-1] if record.terms else None
    if last is None or last.kind not in ("all", "redirect"):
        yield _finding(Level.ADVICE, "It has no end, so it says nothing of other senders: add ~all.")
    elif last.kind == "all" and last.qualifier == "?":
        yield _finding(Level.ADVICE, "It ends in ?all, which says nothing of other senders: end it in ~all.")
    if any(term.kind == "ptr" for one in record.records for term in one.terms):
        yield _finding(Level.ADVICE, "It uses ptr, which is slow and often ignored: take it out.")


def _ways(record: Record, addresses: Sequence[str], includes: Sequence[str]) -> Iterator[Finding]:
    """Whether our mail passes, by what we were told of its way."""
    if not addresses and not includes:
        words = (
            "Whether it lets our mail pass was not checked: say which addresses send, or which name the "
            "mail service wants included."
        )
        yield _finding(Level.UNKNOWN, words)
    named = {one.domain.lower() for one in record.records if one is not record}
    missing = [name for name in includes if name.lower() not in named]
    results = {address: result_for(record, address) for address in addresses}
    refused = [address for address, result in results.items() if result not in ("pass", "unknown")]
    # One record with all that is missing: whoever gets the sheet publishes it once.
    better = _with(record, [*(f"include:{name}" for name in missing), *map(_mechanism, refused)])
    for name in includes:
        if name in missing:
            yield _finding(Level.FAULT, f"It does not include {name}.", better)
        else:
            yield _finding(Level.GOOD, f"It includes {name}.")
    for address, result in results.items():
        if address in refused:
            yield _finding(Level.FAULT, f"It does not let {address} send (the result is {result}).", better)
        elif result == "unknown":
            yield _finding(Level.UNKNOWN, f"Whether it lets {address} send cannot be said from here.")
        else:
            yield _finding(Level.GOOD, f"It lets {address} send.")


def _missing(domain: str, wanted: Sequence[str]) -> Finding:
    words = f"{domain} has no SPF record, by which it says who may send its mail"
    if not wanted:
        words += ". Ask whoever sends the mail what it must hold, and give that here."
        return _finding(Level.FAULT, words)
    text = " ".join(["v=spf1", *wanted, "~all"])
    return _finding(Level.FAULT, f"{words}.", DnsRecord(domain, "TXT", text))


def _with(record: Record, mechanisms: Sequence[str]) -> DnsRecord:
    """The record with more mechanisms in front of what it has."""
    first, _, rest = record.texts[0].partition(" ")
    text = " ".join(filter(None, [first, *mechanisms, rest.strip()]))
    return DnsRecord(record.domain, "TXT", text, replaces=True)


def _mechanism(address: str) -> str:
    return f"ip{ipaddress.ip_address(address).version}:{address}"


def _finding(level: Level, words: str, record: DnsRecord | None = None) -> Finding:
    return Finding(level, Subject.SPF, words, record)
