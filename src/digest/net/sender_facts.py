"""What the DNS says of a sender's domain: only facts; `preflight.sender` says what they mean."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from digest.net import dmarc, spf
from digest.net.dns import Answer, Lookups

_MOST_HOSTS = 10  # of the bounce domain's MX records that are looked up
_MOST_REPORTS = 5  # receivers of reports whose leave is looked up


@dataclass(frozen=True, slots=True)
class SenderFacts:
    """The answers. `bounce_domain` is that of the envelope sender, which SPF is about.

    `selectors` are TXT answers by selector, `mx_hosts` addresses by host, `report_leaves` the TXT answers by
    which another domain accepts our DMARC reports (RFC 9990 section 4), by that domain.
    """

    domain: str
    bounce_domain: str
    spf: spf.Spf
    selectors: tuple[tuple[str, Answer], ...]
    dmarc: tuple[dmarc.Step, ...]
    mx: Answer
    mx_hosts: tuple[tuple[str, Answer], ...]
    report_leaves: tuple[tuple[str, Answer], ...]


def gather(domain: str, bounce_domain: str, selectors: Collection[str], dns: Lookups) -> SenderFacts:
    """Ask for everything. `domain` is that of the From address; both are in A-labels. Nothing is raised."""
    steps = dmarc.walk(domain, dns)
    mx = dns.mx(bounce_domain)
    hosts = [record.partition(" ")[2] for record in mx.records][:_MOST_HOSTS]
    return SenderFacts(
        domain=domain,
        bounce_domain=bounce_domain,
        spf=spf.walk(bounce_domain, dns),
        selectors=tuple((name, dns.txt(f"{name}._domainkey.{domain}")) for name in dict.fromkeys(selectors)),
        dmarc=tuple(steps),
        mx=mx,
        # Without MX records mail goes to the name's own addresses (RFC 5321 section 5.1).
        mx_hosts=tuple((host, dns.addresses(host)) for host in (hosts or [bounce_domain]) if host != "."),
        report_leaves=_leaves(steps, dns),
    )


def _leaves(steps: list[dmarc.Step], dns: Lookups) -> tuple[tuple[str, Answer], ...]:
    """For each receiver of reports outside of the organisation: the record by which it agrees."""
    policy = dmarc.policy_step(steps)
    if policy is None or policy.record is None:
        return ()
    organisation = dmarc.organisational_domain(steps)
    outside = [
        host
        for host in report_hosts(policy.record)
        if host != organisation and not host.endswith(f".{organisation}")
    ]
    return tuple(
        (host, dns.txt(f"{policy.domain}._report._dmarc.{host}"))
        for host in list(dict.fromkeys(outside))[:_MOST_REPORTS]
    )


def report_hosts(record: dmarc.Record) -> list[str]:
    """The domains of the mail addresses that `rua` names."""
    addresses = (part.strip() for part in record.value("rua").split(","))
    return [
        address.partition("!")[0].rpartition("@")[2].rstrip(".")
        for address in addresses
        if address.startswith("mailto:") and "@" in address
    ]
