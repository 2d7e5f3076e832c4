"""What the DNS of a sender's domain means for its mail: facts in, findings out.

The rules are those of the large receivers for bulk mail: SPF and DKIM pass, DMARC is published, one of the
two is aligned with the From domain, and bounces have somewhere to go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from digest.net.dmarc import organisational_domain
from digest.net.dns import Answer, Status
from digest.net.sender_facts import SenderFacts
from digest.preflight import sender_dkim, sender_dmarc, sender_spf
from digest.preflight.findings import Finding, Level, Subject
from digest.preflight.sender_dkim import OurKey


@dataclass(frozen=True, slots=True)
class OurSide:
    """What is known of how the mail is sent.

    `we_sign` is whether a mail service leaves signing to us; `addresses` and `includes` are the sending
    machines and the SPF names of the mail service, as far as they were given.
    """

    keys: tuple[OurKey, ...] = ()
    we_sign: bool = False
    addresses: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()


def judge(facts: SenderFacts, ours: OurSide) -> list[Finding]:
    """All findings, by subject in the order of the sheet."""
    return [
        *sender_spf.judge(facts.spf, addresses=ours.addresses, includes=ours.includes),
        *_alignment(facts),
        *sender_dkim.judge(facts.domain, dict(facts.selectors), ours.keys, we_sign=ours.we_sign),
        *sender_dmarc.judge(list(facts.dmarc), facts.report_leaves),
        *_bounces(facts),
    ]


def _alignment(facts: SenderFacts) -> Iterator[Finding]:
    """RFC 9989 section 4.4: SPF counts for DMARC only where its domain belongs to the From domain."""
    if facts.bounce_domain == facts.domain:
        return
    organisation = organisational_domain(list(facts.dmarc))
    inside = facts.bounce_domain == organisation or facts.bounce_domain.endswith(f".{organisation}")
    policy = sender_dmarc.policy_of(list(facts.dmarc))
    if not inside:
        words = (
            f"Bounces go to {facts.bounce_domain}, outside of {organisation}: DMARC then rests on DKIM alone."
        )
        yield Finding(Level.ADVICE, Subject.SPF, words)
    elif policy is not None and policy.value("aspf") == "s":
        words = f"With aspf=s, SPF of {facts.bounce_domain} does not count for {facts.domain}: use aspf=r."
        yield Finding(Level.ADVICE, Subject.SPF, words)


def _bounces(facts: SenderFacts) -> Iterator[Finding]:
    domain, mx = facts.bounce_domain, facts.mx
    if mx.status is Status.FAILED:
        words = f"The MX records of {domain} could not be looked up: {mx.why}."
        yield Finding(Level.UNKNOWN, Subject.MX, words)
    elif mx.records and not facts.mx_hosts:
        words = f"{domain} says that it takes no mail (a null MX): bounces are lost, and mail may be refused."
        yield Finding(Level.FAULT, Subject.MX, words)
    elif mx.records:
        yield from _hosts(facts)
    else:
        yield _without_mx(domain, facts.mx_hosts[0][1])


def _without_mx(domain: str, addresses: Answer) -> Finding:
    """RFC 5321 section 5.1: without MX records the name's own addresses count."""
    if addresses.status is Status.FAILED:
        words = f"{domain} has no MX record, and its addresses could not be looked up: {addresses.why}."
        return Finding(Level.UNKNOWN, Subject.MX, words)
    if not addresses.records:
        words = f"{domain} has no MX record and no address, so bounces are lost: add an MX record."
        return Finding(Level.FAULT, Subject.MX, words)
    words = (
        f"{domain} has no MX record: bounces go to its own address. Add one if another machine takes mail."
    )
    return Finding(Level.ADVICE, Subject.MX, words)


def _hosts(facts: SenderFacts) -> Iterator[Finding]:
    dead = [host for host, answer in facts.mx_hosts if answer.is_void]
    failed = [host for host, answer in facts.mx_hosts if answer.status is Status.FAILED]
    listed = ", ".join(host for host, _ in facts.mx_hosts)
    if dead:
        level = Level.FAULT if len(dead) == len(facts.mx_hosts) else Level.ADVICE
        words = f"The MX records of {facts.bounce_domain} name hosts without an address: {', '.join(dead)}."
        yield Finding(level, Subject.MX, words)
    if failed:
        words = (
            f"The addresses of {', '.join(failed)}, which take mail for {facts.bounce_domain}, are not known."
        )
        yield Finding(Level.UNKNOWN, Subject.MX, words)
    if not dead and not failed:
        yield Finding(Level.GOOD, Subject.MX, f"Bounces to {facts.bounce_domain} are taken by {listed}.")
