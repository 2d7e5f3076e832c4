"""What is gathered of a sender's domain, from a scripted DNS server."""

from __future__ import annotations

import pytest

from digest.net import dmarc, spf
from digest.net.dns import Lookups, Status
from digest.net.sender_facts import SenderFacts, gather
from tests.servers.dns import DnsServer, Trouble, Zone
from tests.servers.waiting import HANG

D = "courier.example"


def facts(zone: Zone, *selectors: str, domain: str = D, bounce: str = "") -> SenderFacts:
    with DnsServer(zone) as server:
        lookups = Lookups([("127.0.0.1", server.port)], seconds=HANG)
        return gather(domain, bounce or domain, selectors, lookups)


def walked(**texts: str) -> spf.Spf:
    """The walk over records of `courier.example` (as `d`) and of other names under `.example`."""
    zone = {(D if name == "d" else f"{name}.example"): {"TXT": [text]} for name, text in texts.items()}
    return facts(zone).spf


def test_an_spf_record_is_followed() -> None:
    """Includes, hosts and redirects are looked up; each costs a look-up, and what matches is known."""
    zone: Zone = {
        D: {
            "TXT": ["v=spf1 ip4:192.0.2.0/28 a:web.example/24 mx include:relay.example -all"],
            "MX": ["1 mx.example"],
        },
        "web.example": {"A": ["198.51.100.7"], "AAAA": ["2001:db8::7"]},
        "mx.example": {"A": ["203.0.113.5"]},
        "relay.example": {"TXT": ["other", "v=spf1 redirect=more.example"]},
        "more.example": {"TXT": ["v=spf1 ip6:2001:db8:1::/48 ~all"]},
    }
    found = facts(zone).spf
    assert (found.lookups, found.voids, found.is_whole) == (4, 0, True)
    networks = [
        network for record in found.record.records for term in record.terms for network in term.networks
    ]
    assert networks == [
        *("192.0.2.0/28", "198.51.100.0/24", "2001:db8::7/128", "203.0.113.5/32", "2001:db8:1::/48")
    ]
    assert [record.domain for record in found.record.records] == [D, "relay.example", "more.example"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("v=spf1 ipv4:192.0.2.1 -all", "ipv4:192.0.2.1 is nothing that SPF knows"),
        ("v=spf1 include -all", "include names nothing"),
        ("v=spf1 a: -all", "a: names nothing"),
        ("v=spf1 ip4:192.0.2.300 -all", "ip4:192.0.2.300 holds no IPv4 address"),
        ("v=spf1 ip4:2001:db8::1 -all", "ip4:2001:db8::1 holds an address of the other kind"),
        ("v=spf1 ip6: -all", "ip6: holds no IPv6 address"),
        ("v=spf1 all:x", "all:x is not written as SPF wants it"),
        ("v=spf1 include:none.example -all", "include:none.example: none.example has no SPF record"),
        (f"v=spf1 include:{D} -all", f"include:{D} leads back to itself"),
        ("v=spf1 redirect=a.example redirect=b.example", "redirect= stands there twice"),
        ("v=spf1 redirect=", "redirect= names no domain"),
        ("v=spf1 , -all", ", is nothing that SPF knows"),
    ],
)
def test_a_wrong_term_is_found(text: str, fault: str) -> None:
    """Each fault of a term is a sentence that names it."""
    assert fault in [term.fault for term in walked(d=text).record.terms]


def test_what_receivers_do_not_read_is_not_followed() -> None:
    """Nothing after `all`, no redirect beside it, and no unknown modifier."""
    found = walked(d="v=spf1 -all include:a.example redirect=b.example x=1 exp=c.example")
    assert found.lookups == 0
    assert [term.text for term in found.record.terms] == ["-all"]


def test_void_lookups_are_counted() -> None:
    """Names without addresses, hosts or record."""
    found = walked(d="v=spf1 a:x.example mx:y.example include:z.example -all")
    assert (found.lookups, found.voids) == (3, 3)


def test_names_that_depend_on_the_mail_are_counted_only() -> None:
    """Macros, ptr and exists are not looked up."""
    found = walked(d="v=spf1 include:%{i}._spf.example exists:%{l}.example ptr ?all")
    assert (found.lookups, found.voids) == (3, 0)
    assert [term.depends_on_mail for term in found.record.terms] == [True, True, True, False]


def test_following_ends() -> None:
    """A chain or a tree without an end is given up, without an error."""
    chain = {
        f"n{number}.example": {"TXT": [f"v=spf1 include:n{number + 1}.example -all"]} for number in range(99)
    }
    found = facts({**chain, D: {"TXT": ["v=spf1 include:n0.example -all"]}}).spf
    assert not found.is_whole
    assert found.lookups == 31
    wide = {D: {"TXT": ["v=spf1 " + " ".join(f"include:w{n}.example" for n in range(90))]}}
    tree: Zone = {**wide, **{f"w{n}.example": {"TXT": [f"v=spf1 a mx include:{D}"]} for n in range(90)}}
    assert not facts(tree).spf.is_whole


def test_many_hosts_of_one_term_are_a_fault() -> None:
    """RFC 7208 section 4.6.4: ten MX records at most."""
    zone: Zone = {D: {"TXT": ["v=spf1 mx -all"], "MX": [f"{n} mx{n}.example" for n in range(11)]}}
    assert "more than 10 MX records" in facts(zone).spf.record.terms[0].fault


@pytest.mark.parametrize(
    ("texts", "number"), [([], 0), (["v=spf1 -all", "V=SPF1 ?all"], 2), (["v=spf10 -all"], 0)]
)
def test_there_must_be_one_record(texts: list[str], number: int) -> None:
    """None and several are told apart; a text that only looks like it is none."""
    found = facts({D: {"TXT": texts}}).spf.record
    assert len(found.texts) == number
    assert found.terms == ()


def test_a_failed_lookup_is_kept_as_one() -> None:
    """It is no void look-up, and nothing is wrong with the term."""
    zone: Zone = {D: {"TXT": ["v=spf1 include:broken.example -all"]}, "broken.example": Trouble.SERVFAIL}
    found = facts(zone).spf
    child = found.record.terms[0].child
    assert child is not None
    assert (child.answer.status, found.voids, found.record.terms[0].fault) == (Status.FAILED, 0, "")


@pytest.mark.parametrize(
    ("domain", "records", "asked", "organisation", "policy"),
    [
        ("a.b.courier.test", {}, 4, "a.b.courier.test", None),
        ("courier.test", {"courier.test": "p=none"}, 2, "courier.test", "courier.test"),
        ("mail.courier.test", {"courier.test": "p=none"}, 3, "courier.test", "courier.test"),
        (
            "mail.courier.test",
            {"mail.courier.test": "p=none", "courier.test": "p=none"},
            3,
            "courier.test",
            "mail.courier.test",
        ),
        (
            "mail.courier.test",
            {"mail.courier.test": "p=none; psd=n"},
            1,
            "mail.courier.test",
            "mail.courier.test",
        ),
        ("mail.courier.co.test", {"co.test": "psd=y; p=reject"}, 3, "courier.co.test", "co.test"),
        (
            "mail.courier.co.test",
            {"co.test": "psd=y", "courier.co.test": "p=none"},
            3,
            "courier.co.test",
            "courier.co.test",
        ),
        ("co.test", {"co.test": "psd=y"}, 1, "co.test", "co.test"),
        ("a.b.c.d.e.f.g.h.i.j.test", {"test": "psd=y"}, 8, "j.test", "test"),
    ],
)
def test_the_walk_finds_policy_and_organisation(
    domain: str, records: dict[str, str], asked: int, organisation: str, policy: str | None
) -> None:
    """RFC 9989 section 4.10: at most eight questions, ended by psd, and what they give."""
    zone = {f"_dmarc.{name}": {"TXT": [f"v=DMARC1; {text}"]} for name, text in records.items()}
    steps = list(facts(zone, domain=domain).dmarc)
    assert len(steps) == asked
    assert dmarc.organisational_domain(steps) == organisation
    found = dmarc.policy_step(steps)
    assert (found.domain if found else None) == policy


def test_several_dmarc_records_count_as_none() -> None:
    """And what is no DMARC record does not count as one."""
    texts = ["v=DMARC1; p=none", "v=DMARC1; p=reject"]
    (first, *_) = facts({f"_dmarc.{D}": {"TXT": texts}}).dmarc
    assert (len(first.texts), first.record) == (2, None)
    (first, *_) = facts({f"_dmarc.{D}": {"TXT": ["v=dmarc1; p=none", "p=none; v=DMARC1", "v=DMARC12"]}}).dmarc
    assert first.texts == ()


def test_leave_for_reports_is_looked_up_outside_only() -> None:
    """RFC 9990 section 4: another organisation must agree to get our reports."""
    rua = "rua=mailto:a@courier.example,mailto:b@in.courier.example, mailto:c@reports.test!10m,https://x.test"
    zone: Zone = {
        f"_dmarc.{D}": {"TXT": [f"v=DMARC1; p=none; {rua}"]},
        f"{D}._report._dmarc.reports.test": {"TXT": ["v=DMARC1"]},
    }
    ((host, answer),) = facts(zone).report_leaves
    assert (host, answer.records) == ("reports.test", ("v=DMARC1",))


def test_selectors_and_bounce_domain_are_looked_up() -> None:
    """Keys stand under the sender's domain, SPF and MX under the bounce domain."""
    zone: Zone = {
        f"one._domainkey.{D}": {"TXT": ["v=DKIM1; p="]},
        "bounce.example": {"MX": ["5 mx.example", "6 gone.example"], "TXT": ["v=spf1 mx -all"]},
        "mx.example": {"A": ["192.0.2.1"]},
    }
    found = facts(zone, "one", "two", "one", bounce="bounce.example")
    assert [(name, answer.status) for name, answer in found.selectors] == [
        ("one", "found"),
        ("two", "no_name"),
    ]
    assert found.spf.record.domain == "bounce.example"
    assert [(host, answer.status) for host, answer in found.mx_hosts] == [
        ("mx.example", "found"),
        ("gone.example", "no_name"),
    ]


def test_a_name_without_mx_may_take_mail_itself() -> None:
    """Its own addresses are looked up; a null MX has no host."""
    assert [host for host, _ in facts({D: {"A": ["192.0.2.1"]}}).mx_hosts] == [D]
    assert facts({D: {"MX": ["0 ."]}}).mx_hosts == ()
