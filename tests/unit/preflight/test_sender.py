"""What the facts of a sender's domain mean: pure, from facts that are written down here."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from digest.net import dmarc, spf
from digest.net.dns import Answer, Status
from digest.net.sender_facts import SenderFacts
from digest.preflight.findings import DnsRecord, Finding, Level
from digest.preflight.sender import OurSide, judge
from digest.preflight.sender_dkim import OurKey
from digest.preflight.sender_spf import result_for
from digest.preflight.sheet import sheet

D = "courier.example"
NOW = dt.datetime(2026, 11, 23, 18, 56, tzinfo=dt.UTC)
NO_NAME, NO_RECORD = Answer(Status.NO_NAME), Answer(Status.NO_RECORD)
BROKEN = Answer(Status.FAILED, why="the DNS servers gave no answer (SERVFAIL)")


def found(*records: str) -> Answer:
    return Answer(Status.FOUND, records)


def spf_record(domain: str, *texts: str, children: dict[str, spf.Record] | None = None) -> spf.Record:
    """A record whose includes lead to the children of that name."""
    terms = [
        dataclasses.replace(term, child=(children or {}).get(term.target))
        for term in (spf.parse(texts[0]) if len(texts) == 1 else [])
    ]
    return spf.Record(domain, found(*texts) if texts else NO_RECORD, texts, tuple(terms))


def step(domain: str, *texts: str, answer: Answer | None = None) -> dmarc.Step:
    answer = answer or (found(*texts) if texts else NO_NAME)
    return dmarc.Step(domain, answer, tuple(text for text in texts if dmarc.is_dmarc(text)))


RELAY = spf_record("spf.relay.example", "v=spf1 ip4:192.0.2.0/24 ~all")
GOOD = SenderFacts(
    domain=D,
    bounce_domain=D,
    spf=spf.Spf(
        spf_record(D, "v=spf1 include:spf.relay.example -all", children={"spf.relay.example": RELAY}),
        1,
        0,
        is_whole=True,
    ),
    selectors=(),
    dmarc=(step(D, "v=DMARC1; p=none; rua=mailto:dmarc@courier.example"),),
    mx=found("10 mx.courier.example"),
    mx_hosts=(("mx.courier.example", found("192.0.2.9")),),
    report_leaves=(),
)
NOTHING = SenderFacts(
    domain=D,
    bounce_domain=D,
    spf=spf.Spf(spf_record(D), 0, 0, is_whole=True),
    selectors=(),
    dmarc=(step(D),),
    mx=NO_NAME,
    mx_hosts=((D, NO_NAME),),
    report_leaves=(),
)


def changed(**values: object) -> SenderFacts:
    return dataclasses.replace(GOOD, **values)  # type: ignore[arg-type]


def findings(facts: SenderFacts, subject: str = "", **ours: object) -> list[Finding]:
    all_of_them = judge(facts, OurSide(**ours))  # type: ignore[arg-type]
    return [one for one in all_of_them if not subject or one.subject.value == subject]


def levels(facts: SenderFacts, subject: str, **ours: object) -> dict[str, str]:
    """The words of the findings about a subject, with their levels."""
    return {one.words: one.level.value for one in findings(facts, subject, **ours)}


def level_of(facts: SenderFacts, subject: str, words: str, **ours: object) -> str:
    """The level of the one finding that has these words in it."""
    all_of_them = levels(facts, subject, **ours)
    chosen = [level for text, level in all_of_them.items() if words in text]
    assert len(chosen) == 1, all_of_them
    return chosen[0]


def spf_of(text: str, *, lookups: int = 1, voids: int = 0, is_whole: bool = True) -> SenderFacts:
    return changed(spf=spf.Spf(spf_record(D, text), lookups, voids, is_whole=is_whole))


def test_a_good_domain_has_nothing_to_do() -> None:
    """Everything in place: no fault, no advice, nothing unknown."""
    facts = changed(selectors=(("relay", found("v=DKIM1; k=rsa; p=" + rsa_public(2048))),))
    told = findings(facts, includes=("spf.relay.example",), addresses=("192.0.2.77",))
    assert [one for one in told if one.level is not Level.GOOD] == []
    assert {one.subject.value for one in told} == {"SPF", "DKIM", "DMARC", "MX"}


def test_a_domain_with_nothing_gets_its_records() -> None:
    """Each thing that is missing is a fault, with the record to add where we know it."""
    key = OurKey("digest202611", "v=DKIM1; k=ed25519; p=" + ed_public(), is_enabled=True)
    facts = dataclasses.replace(NOTHING, selectors=(("digest202611", NO_NAME),))
    told = findings(
        facts, keys=(key,), we_sign=True, includes=("spf.relay.example",), addresses=("2001:db8::1",)
    )
    faults = {one.record for one in told if one.level is Level.FAULT and one.record}
    assert faults == {
        DnsRecord(D, "TXT", "v=spf1 include:spf.relay.example ip6:2001:db8::1 ~all"),
        DnsRecord(f"digest202611._domainkey.{D}", "TXT", key.record),
        DnsRecord(f"_dmarc.{D}", "TXT", "v=DMARC1; p=none"),
    }
    assert level_of(facts, "MX", "add an MX record") == "fault"
    assert level_of(facts, "DKIM", "Only Ed25519", keys=(key,)) == "fault"


@pytest.mark.parametrize(
    ("facts", "words", "level"),
    [
        (
            changed(spf=spf.Spf(spf_record(D, "v=spf1 -all", "v=spf1 a"), 0, 0, is_whole=True)),
            "2 SPF records",
            "fault",
        ),
        (changed(spf=spf.Spf(spf.Record(D, BROKEN), 0, 0, is_whole=True)), "SERVFAIL", "unknown"),
        (spf_of("v=spf1 ipv4:192.0.2.1 -all"), "A term is wrong: ipv4:192.0.2.1", "fault"),
        (spf_of("v=spf1 mx -all", lookups=11), "may cost 11 look-ups", "fault"),
        (spf_of("v=spf1 mx -all", lookups=31, is_whole=False), "may cost more than 30 look-ups", "fault"),
        (spf_of("v=spf1 mx -all", voids=3), "3 of its look-ups find nothing", "fault"),
        (spf_of("v=spf1 mx +all"), "+all", "fault"),
        (spf_of("v=spf1 mx all"), "+all", "fault"),
        (spf_of("v=spf1 mx ?all"), "?all", "advice"),
        (spf_of("v=spf1 mx"), "no end", "advice"),
        (spf_of("v=spf1"), "no end", "advice"),
        (spf_of("v=spf1 ptr -all"), "ptr", "advice"),
        (spf_of("v=spf1 mx -all", lookups=10, voids=2), "10 of 10 look-ups", "good"),
        (spf_of("v=spf1 mx -all"), "was not checked", "unknown"),
    ],
)
def test_spf_is_judged(facts: SenderFacts, words: str, level: str) -> None:
    """Each way in which a record is of no use, or unwise."""
    assert level_of(facts, "SPF", words) == level


def test_the_way_of_our_mail_is_judged_with_one_record_to_publish() -> None:
    """What lets nobody of ours send gets all that is missing in one record, in front of what it has."""
    told = findings(
        GOOD, "SPF", includes=("other.example",), addresses=("198.51.100.1", "2001:db8::7", "192.0.2.1")
    )
    records = {one.record for one in told if one.level is Level.FAULT}
    text = "v=spf1 include:other.example ip4:198.51.100.1 ip6:2001:db8::7 include:spf.relay.example -all"
    assert records == {DnsRecord(D, "TXT", text, replaces=True)}
    assert level_of(GOOD, "SPF", "lets 192.0.2.1 send", addresses=("192.0.2.1",)) == "good"


INNER = {"in.example": spf_record("in.example", "v=spf1 ip4:192.0.2.1 -all")}


@pytest.mark.parametrize(
    ("text", "address", "result"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.9", "pass"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.3.9", "fail"),
        ("v=spf1 ip4:192.0.2.0/24 ~all", "2001:db8::1", "softfail"),
        ("v=spf1 -ip4:192.0.2.9 +all", "192.0.2.9", "fail"),
        ("v=spf1 ?ip4:192.0.2.9 -all", "192.0.2.9", "neutral"),
        ("v=spf1 ip6:2001:db8::/32", "2001:db8::1", "pass"),
        ("v=spf1 ip4:192.0.2.9", "192.0.2.8", "neutral"),
        ("v=spf1 include:in.example ~all", "192.0.2.1", "pass"),
        ("v=spf1 include:in.example ~all", "192.0.2.2", "softfail"),
        ("v=spf1 -include:in.example ~all", "192.0.2.1", "fail"),
        ("v=spf1 redirect=in.example", "192.0.2.2", "fail"),
        ("v=spf1 include:unknown.example ~all", "192.0.2.2", "unknown"),
        ("v=spf1 nonsense ~all", "192.0.2.2", "permerror"),
    ],
)
def test_the_result_of_spf_is_that_of_a_receiver(text: str, address: str, result: str) -> None:
    """RFC 7208 section 4.6.2 and 5.2: the first term that matches decides; an include only by its pass."""
    assert result_for(spf_record(D, text, children=INNER), address) == result


def test_what_depends_on_the_mail_is_not_guessed() -> None:
    """A macro or a look-up that failed makes the result unknown, not a refusal."""
    record = spf_record(D, "v=spf1 exists:%{i}.example -all")
    asked = dataclasses.replace(record, terms=(dataclasses.replace(record.terms[0], depends_on_mail=True),))
    assert result_for(asked, "192.0.2.1") == "unknown"
    assert result_for(spf.Record(D, BROKEN), "192.0.2.1") == "unknown"
    broken = spf_record(
        D, "v=spf1 include:x.example -all", children={"x.example": spf.Record("x.example", BROKEN)}
    )
    facts = changed(spf=spf.Spf(broken, 1, 0, is_whole=True))
    assert level_of(facts, "SPF", "lets 192.0.2.1 send", addresses=("192.0.2.1",)) == "unknown"
    assert level_of(facts, "SPF", "x.example, which the SPF record leads to") == "unknown"


@cache
def rsa_public(bits: int) -> str:
    made = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(made.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@cache
def ed_public() -> str:
    made = ed25519.Ed25519PrivateKey.generate().public_key()
    return base64.b64encode(made.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


OURS = "v=DKIM1; k=rsa; p={p}"


@pytest.mark.parametrize(
    ("answer", "words", "level"),
    [
        (found(OURS), "is in the DNS and signs", "good"),
        (found("k=rsa;p={p};"), "is in the DNS and signs", "good"),
        (found("v=DKIM1; p= {p} ; t=s; s=email; h=sha1:sha256; n=note"), "is in the DNS and signs", "good"),
        (NO_NAME, "no record of our key", "fault"),
        (NO_RECORD, "no record of our key", "fault"),
        (BROKEN, "SERVFAIL", "unknown"),
        (found(OURS, "other"), "2 texts instead of one", "fault"),
        (found("v=spf1 -all"), "no key in the text", "fault"),
        (found("v=DKIM1; p="), "revoked", "fault"),
        (found("v=DKIM1; p=AAAA"), "another key, or one that is cut short", "fault"),
        (found("v=DKIM2; p={p}"), "does not begin with v=DKIM1", "fault"),
        (found("v=DKIM1; k=ed25519; p={p}"), "says k=ed25519", "fault"),
        (found("v=DKIM1; h=sha1; p={p}"), "does not allow sha256", "fault"),
        (found("v=DKIM1; s=tlsrpt; p={p}"), "is not for mail", "fault"),
        (found("v=DKIM1; t=y:s; p={p}"), "t=y", "advice"),
    ],
)
def test_our_key_is_judged(answer: Answer, words: str, level: str) -> None:
    """The record must hold our key so that a receiver can use it; a key not in use may wait."""
    public = rsa_public(2048)
    answer = dataclasses.replace(answer, records=tuple(one.replace("{p}", public) for one in answer.records))
    facts = changed(selectors=(("s1", answer),))
    key = OurKey("s1", OURS.replace("{p}", public), is_enabled=True)
    assert level_of(facts, "DKIM", words, keys=(key,)) == level
    (idle,) = findings(facts, "DKIM", keys=(dataclasses.replace(key, is_enabled=False),))
    assert idle.level is not Level.FAULT
    if level == "fault":
        assert idle.record == DnsRecord(
            f"s1._domainkey.{D}", "TXT", key.record, replaces=bool(answer.records)
        )


@pytest.mark.parametrize(
    ("text", "words", "level"),
    [
        ("v=DKIM1; p={2048}", "is in the DNS", "good"),
        ("v=DKIM1; k=ed25519; p={ed}", "is in the DNS", "good"),
        ("v=DKIM1; p={1024}", "1024 bits: ask for one of 2048", "advice"),
        ("v=DKIM1; p=", "no key that can be read", "fault"),
        ("v=DKIM1; p=%%%", "no key that can be read", "fault"),
        ("v=DKIM1; k=ed25519; p=AAAA", "no key that can be read", "fault"),
        ("v=DKIM1; k=dsa; p=AAAA", "says k=dsa", "fault"),
        ("v=DKIM1; t=y; p={2048}", "t=y", "advice"),
    ],
)
def test_a_key_of_others_is_judged(text: str, words: str, level: str) -> None:
    """We do not know what it should be, but whether a receiver could use it."""
    for name, value in (("2048", rsa_public(2048)), ("1024", rsa_public(1024)), ("ed", ed_public())):
        text = text.replace("{" + name + "}", value)
    assert level_of(changed(selectors=(("relay", found(text)),)), "DKIM", words) == level


@pytest.mark.parametrize(
    ("answer", "words", "level"),
    [
        (NO_NAME, "no text at", "fault"),
        (found("a", "b"), "2 texts instead of one", "fault"),
        (BROKEN, "SERVFAIL", "unknown"),
    ],
)
def test_a_selector_that_leads_nowhere_is_told(answer: Answer, words: str, level: str) -> None:
    """The mail service has to say what belongs there."""
    assert level_of(changed(selectors=(("relay", answer),)), "DKIM", words) == level


def test_who_signs_is_asked_for() -> None:
    """Without any key to look up we say so; if signing is ours and there is no key, that is a fault."""
    assert level_of(GOOD, "DKIM", "No key was looked up") == "unknown"
    assert level_of(GOOD, "DKIM", "leaves signing to us", we_sign=True) == "fault"


@pytest.mark.parametrize(
    ("record", "words", "level"),
    [
        ("p=none; rua=mailto:a@courier.example", "asks receivers to do nothing", "good"),
        ("p=reject; rua=mailto:a@courier.example", "refuse mail that fails (reject)", "good"),
        ("p=quarantine", "names nobody who gets reports", "advice"),
        ("p=none; rua=dmarc@courier.example", "no address that reports can be sent to", "advice"),
        ("p=nothing", "p=nothing in _dmarc.courier.example is no policy", "fault"),
        ("rua=mailto:a@courier.example", "has no p", "advice"),
        ("p=none; pct=50; ri=86400", "holds pct and ri", "advice"),
        ("p=none; sp=off", "sp=off in _dmarc.courier.example is ignored", "advice"),
        ("p=none; np=off", "np=off", "advice"),
        ("p=none; t=maybe", "t=maybe", "advice"),
        ("p=reject; t=y", "is a test", "advice"),
        ("p=none; psd=y", "psd=y is for registries", "fault"),
        ("p=none; psd=x", "psd=x", "advice"),
        ("p=none; p=reject", "stands there twice: p", "advice"),
        ("p=none; what is this", "what is this", "advice"),
        ("p=none; adkim=strict", "adkim=strict", "advice"),
    ],
)
def test_dmarc_is_judged(record: str, words: str, level: str) -> None:
    """By RFC 9989: what it asks for, what is gone, what is new, what is ignored."""
    assert level_of(changed(dmarc=(step(D, f"v=DMARC1; {record}"),)), "DMARC", words) == level


@pytest.mark.parametrize(
    ("steps", "words", "level"),
    [
        ([step(D)], "no DMARC record", "fault"),
        ([step(D, "p=none; v=DMARC1")], "does not begin with v=DMARC1", "fault"),
        ([step(D, "v=DMARC1; p=none", "v=DMARC1; p=reject")], "has 2 DMARC records", "fault"),
        ([step(D, answer=BROKEN)], "SERVFAIL", "unknown"),
        (
            [step(f"news.{D}"), step(D, "v=DMARC1; p=reject; sp=quarantine; rua=mailto:a@x")],
            "(quarantine, by",
            "good",
        ),
        (
            [step(f"news.{D}"), step(D, "v=DMARC1; p=reject; rua=mailto:a@x")],
            "(reject, by the record of",
            "good",
        ),
        ([step(f"news.{D}"), step(D), step("example", answer=BROKEN)], "SERVFAIL", "unknown"),
    ],
)
def test_the_walk_is_judged(steps: list[dmarc.Step], words: str, level: str) -> None:
    """Whose record counts, and what is wrong where none does."""
    assert level_of(changed(domain=steps[0].domain, dmarc=tuple(steps)), "DMARC", words) == level


def test_reports_to_others_need_their_leave() -> None:
    """RFC 9990: the record that the other organisation has to publish."""
    facts = changed(
        report_leaves=(("reports.test", NO_NAME), ("fine.test", found("v=DMARC1")), ("x.test", BROKEN))
    )
    (missing,) = [one for one in findings(facts, "DMARC") if one.record]
    assert missing.record == DnsRecord(f"{D}._report._dmarc.reports.test", "TXT", "v=DMARC1")
    assert level_of(facts, "DMARC", "x.test takes our reports") == "unknown"


@pytest.mark.parametrize(
    ("mx", "hosts", "words", "level"),
    [
        (found("0 ."), (), "a null MX", "fault"),
        (NO_RECORD, ((D, found("192.0.2.1")),), "its own address", "advice"),
        (NO_RECORD, ((D, BROKEN),), "SERVFAIL", "unknown"),
        (BROKEN, ((D, NO_NAME),), "SERVFAIL", "unknown"),
        (
            found("1 a.x", "2 b.x"),
            (("a.x", NO_NAME), ("b.x", found("192.0.2.1"))),
            "without an address: a.x",
            "advice",
        ),
        (found("1 a.x"), (("a.x", NO_RECORD),), "without an address: a.x", "fault"),
        (found("1 a.x"), (("a.x", BROKEN),), "are not known", "unknown"),
        (found("1 a.x"), (("a.x", found("192.0.2.1")),), "are taken by a.x", "good"),
    ],
)
def test_where_bounces_go_is_judged(
    mx: Answer, hosts: tuple[tuple[str, Answer], ...], words: str, level: str
) -> None:
    """Somebody has to take them."""
    assert level_of(changed(mx=mx, mx_hosts=hosts), "MX", words) == level


@pytest.mark.parametrize(
    ("bounce", "record", "words"),
    [
        ("bounce.relay.test", "p=none", "outside of courier.example"),
        (f"bounce.{D}", "p=none; aspf=s", "use aspf=r"),
        (f"bounce.{D}", "p=none", ""),
        (D, "p=none; aspf=s", ""),
    ],
)
def test_spf_counts_for_dmarc_only_inside(bounce: str, record: str, words: str) -> None:
    """Alignment of the bounce domain with the From domain."""
    facts = changed(bounce_domain=bounce, dmarc=(step(D, f"v=DMARC1; {record}"),))
    advice = [one.words for one in findings(facts, "SPF") if one.level is Level.ADVICE]
    assert len(advice) == bool(words)
    assert all(words in one for one in advice)


def test_the_sheet_can_be_copied_from() -> None:
    """Prose is wrapped, records stand whole on one line each, and the long one is split for a zone file."""
    record = OURS.replace("{p}", rsa_public(2048))
    facts = dataclasses.replace(NOTHING, selectors=(("s1", NO_NAME),))
    told = findings(facts, keys=(OurKey("s1", record, is_enabled=True),))
    text = sheet(D, told, bounce_domain=f"bounce.{D}", now=NOW)
    lines = text.splitlines()
    assert lines[0] == f"DNS records for mail from {D}"
    assert "Looked up on 23 November 2026, 18:56 UTC." in lines
    assert f"Bounces come back to bounce.{D}." in lines
    assert f"    Value:  {record}" in lines
    (zone,) = [line for line in lines if "IN TXT" in line and "_domainkey" in line]
    strings = zone.split('"')[1::2]
    assert "".join(strings) == record
    assert max(map(len, strings)) == 255
    assert [
        line for line in lines if len(line) > 78 and "  Value:  " not in line and " IN TXT " not in line
    ] == []


def test_a_good_sheet_says_so() -> None:
    """Nothing to do is said at its top."""
    told = [Finding(Level.GOOD, one.subject, one.words) for one in findings(GOOD)]
    assert "Nothing has to be done." in sheet(D, told, bounce_domain=D, now=NOW)


@given(st.lists(st.text(max_size=60), min_size=1, max_size=3), st.text(max_size=80))
def test_hostile_texts_do_no_harm(texts: list[str], host: str) -> None:
    """Whatever stands in the DNS: nothing is raised, and nothing unprintable reaches the sheet."""
    facts = changed(
        spf=spf.Spf(spf_record(D, "v=spf1 " + texts[0]), 0, 0, is_whole=True),
        selectors=(("s1", found(*texts)), ("s2", found("v=DKIM1; p=" + texts[0]))),
        dmarc=(step(D, *("v=DMARC1; " + text for text in texts)),),
        mx=found(f"10 {host}"),
        mx_hosts=((host, NO_NAME),),
        report_leaves=((host, found(*texts)),),
    )
    told = judge(facts, OurSide(keys=(OurKey("s1", OURS, is_enabled=True),), addresses=("192.0.2.1",)))
    text = sheet(D, told, bounce_domain=D, now=NOW)
    assert all(line.isprintable() for line in text.split("\n"))
