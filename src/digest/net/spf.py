"""SPF: reading a record, and following all that it asks receivers to look up (RFC 7208).

The walk looks up what a receiver would in the worst case, within limits, and keeps it as a tree; what it
means is judged in `preflight`. Terms whose names are made of macros depend on the mail, so they are counted,
not followed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from digest.net.dns import Answer, Lookups, Status

LOOKUP_LIMIT = 10  # RFC 7208 section 4.6.4
VOID_LIMIT = 2
_MX_LIMIT = 10  # hosts of one mx term
_GIVE_UP = 30  # look-ups after which following makes no sense
_MOST_TERMS = 200  # of one record

_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)")
_MECHANISM = re.compile(r"([+?~-]?)([A-Za-z][A-Za-z0-9._-]*)(:.*?)?((?:/\d{1,3})?(?://\d{1,3})?)")
_NETWORK = re.compile(r"([+?~-]?)(ip[46]):(.*)", re.IGNORECASE)
_LOOKING_UP = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})
_NEEDING = frozenset({"include", "exists", "ip4", "ip6"})  # a name or an address
_KNOWN = _LOOKING_UP | {"all", "ip4", "ip6"}


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a record.

    `networks` are what ip4, ip6, a and mx match; `child` is the record that include and redirect lead to;
    `fault` says what is wrong with the term, which makes the whole record an error for receivers.
    """

    text: str
    kind: str
    qualifier: str = "+"
    target: str = ""
    networks: tuple[str, ...] = ()
    child: Record | None = None
    depends_on_mail: bool = False
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What a domain says. `texts` are its SPF records; receivers use them only if there is one."""

    domain: str
    answer: Answer
    texts: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()

    @property
    def records(self) -> Iterator[Record]:
        """This record and all that it leads to."""
        yield self
        for term in self.terms:
            if term.child is not None:
                yield from term.child.records


@dataclass(frozen=True, slots=True)
class Spf:
    """A domain's SPF with all that belongs to it. `lookups` and `voids` are what it may cost a receiver."""

    record: Record
    lookups: int
    voids: int
    is_whole: bool  # false if following was given up


def walk(domain: str, dns: Lookups) -> Spf:
    """Read a domain's SPF record and follow it."""
    walker = _Walker(dns)
    record = walker.record(domain, ())
    return Spf(record, walker.lookups, walker.voids, is_whole=walker.is_whole)


def parse(text: str) -> list[Term]:
    """The terms of a record in the order in which receivers read them: redirect last, nothing after `all`.

    `text` begins with `v=spf1`. Unknown modifiers are left out, as receivers must.
    """
    terms: list[Term] = []
    redirects: list[Term] = []
    for part in text.split(" ")[1:][:_MOST_TERMS]:
        term = _term(part) if part else None
        if term is None:
            continue
        if term.kind == "redirect":
            redirects.append(term)
        else:
            terms.append(term)
    end = next((place for place, term in enumerate(terms) if term.kind == "all" and not term.fault), None)
    if len(redirects) > 1:
        redirects = [Term(redirects[1].text, "redirect", fault="redirect= stands there twice")]
    return terms[: end + 1] if end is not None else terms + redirects


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record (section 4.5)."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


class _Walker:
    def __init__(self, dns: Lookups) -> None:
        self._dns = dns
        self.lookups = self.voids = 0
        self.is_whole = True

    def record(self, domain: str, above: tuple[str, ...]) -> Record:
        answer = self._dns.txt(domain)
        texts = tuple(text for text in answer.records if is_spf(text))
        if len(texts) != 1:
            return Record(domain, answer, texts)
        path = (*above, domain.lower())
        return Record(domain, answer, texts, tuple(self._followed(term, path) for term in parse(texts[0])))

    def _followed(self, term: Term, path: tuple[str, ...]) -> Term:
        if term.fault or term.kind not in _LOOKING_UP:
            return term
        self.lookups += 1
        target = term.target or path[-1]
        if "%" in target or term.kind in ("ptr", "exists"):
            return _changed(term, depends_on_mail=True)
        if self.lookups > _GIVE_UP:
            self.is_whole = False
            return term
        if term.kind in ("include", "redirect"):
            return self._led_on(term, target, path)
        return self._hosts(term, target) if term.kind == "mx" else self._host(term, target)

    def _led_on(self, term: Term, target: str, path: tuple[str, ...]) -> Term:
        if target.lower() in path:
            return _changed(term, fault=f"{term.text} leads back to itself")
        child = self.record(target, path)
        if child.answer.is_void:
            self.voids += 1
        if child.answer.status is not Status.FAILED and len(child.texts) != 1:
            number = "no" if not child.texts else "more than one"
            return _changed(term, child=child, fault=f"{term.text}: {target} has {number} SPF record")
        return _changed(term, child=child)

    def _host(self, term: Term, target: str) -> Term:
        answer = self._counted(self._dns.addresses(target))
        return _changed(term, networks=_with_prefix(answer.records, term.text))

    def _hosts(self, term: Term, target: str) -> Term:
        answer = self._counted(self._dns.mx(target))
        hosts = [record.partition(" ")[2] for record in answer.records]
        if len(hosts) > _MX_LIMIT:
            return _changed(term, fault=f"{term.text}: {target} has more than {_MX_LIMIT} MX records")
        found = [record for host in hosts if host != "." for record in self._dns.addresses(host).records]
        return _changed(term, networks=_with_prefix(tuple(found), term.text))

    def _counted(self, answer: Answer) -> Answer:
        self.voids += answer.is_void
        return answer


def _term(part: str) -> Term | None:
    """One term; None for a modifier that nobody needs."""
    modifier = _MODIFIER.fullmatch(part)
    if modifier:
        if modifier[1].lower() != "redirect":
            return None
        return Term(
            part, "redirect", target=modifier[2], fault="" if modifier[2] else f"{part} names no domain"
        )
    network = _NETWORK.fullmatch(part)
    if network:
        return _network_term(part, network[1] or "+", network[2].lower(), network[3])
    found = _MECHANISM.fullmatch(part)
    if found is None or found[2].lower() not in _KNOWN:
        return Term(part, "?", fault=f"{part} is nothing that SPF knows")
    kind, target = found[2].lower(), found[3] or ""
    fault = ""
    if target == ":" or (not target and kind in _NEEDING):
        fault = f"{part} names nothing"
    elif (target and kind == "all") or (found[4] and kind not in ("a", "mx")):
        fault = f"{part} is not written as SPF wants it"
    return Term(part, kind, found[1] or "+", target=target.removeprefix(":"), fault=fault)


def _network_term(part: str, qualifier: str, kind: str, text: str) -> Term:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return Term(part, kind, fault=f"{part} holds no {'IPv4' if kind == 'ip4' else 'IPv6'} address")
    if network.version != int(kind[2]):
        return Term(part, kind, fault=f"{part} holds an address of the other kind")
    return Term(part, kind, qualifier, networks=(str(network),))


def _with_prefix(addresses: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Addresses as networks, by the prefix lengths of an `a` or `mx` term, such as `/24//64`."""
    found = re.search(r"(?:(?<!/)/(\d{1,3}))?(?://(\d{1,3}))?$", text)
    lengths = {4: int(found[1] or 32) if found else 32, 6: int(found[2] or 128) if found else 128}
    networks = []
    for address in map(ipaddress.ip_address, addresses):
        length = min(lengths[address.version], address.max_prefixlen)
        networks.append(str(ipaddress.ip_network(f"{address}/{length}", strict=False)))
    return tuple(networks)


def _changed(
    term: Term,
    *,
    networks: tuple[str, ...] = (),
    child: Record | None = None,
    depends_on_mail: bool = False,
    fault: str = "",
) -> Term:
    return Term(term.text, term.kind, term.qualifier, term.target, networks, child, depends_on_mail, fault)
