"""Look-ups against a scripted DNS server: every answer a server may give becomes a fact."""

from __future__ import annotations

import dns.resolver
import pytest

from digest.errors import ConfigError
from digest.net.dns import Answer, Lookups, Status
from tests.servers.dns import DnsServer, Trouble, Zone
from tests.servers.waiting import HANG

ZONE: Zone = {
    "courier.example": {
        "TXT": ["v=spf1 -all", "other"],
        "MX": ["20 b.courier.example", "10 a.courier.example"],
        "A": ["192.0.2.1"],
        "AAAA": ["2001:db8::1"],
    },
    "empty.example": {},
    "null.example": {"MX": ["0 ."]},
    "alias.example": {"CNAME": ["courier.example"]},
    "circle.example": {"CNAME": ["circle.example"]},
    "long.example": {"TXT": ["x" * 3000]},
    "huge.example": {"TXT": ["y" * 20_000]},
    "many.example": {"A": [f"192.0.2.{number}" for number in range(61)]},
    "odd.example": {"TXT": ['"quoted" \\ \x00 Ա']},
    "servfail.example": Trouble.SERVFAIL,
    "refused.example": Trouble.REFUSED,
    "silent.example": Trouble.SILENT,
    "garbage.example": Trouble.GARBAGE,
    "other.example": Trouble.OTHER_ID,
    "no-tcp.example": {"TXT": Trouble.NO_TCP},
    "half.example": {"A": Trouble.SERVFAIL, "AAAA": ["2001:db8::2"]},
    "quarter.example": {"A": [], "AAAA": Trouble.SERVFAIL},
}


@pytest.fixture(autouse=True)
def _one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may be late with an answer: it is not asked for once more."""
    monkeypatch.setattr("digest.net.dns._TRY_SECONDS", HANG)


def asked(name: str, kind: str = "txt", *, seconds: float = HANG) -> Answer:
    with DnsServer(ZONE) as server:
        found: Answer = getattr(Lookups([("127.0.0.1", server.port)], seconds=seconds), kind)(name)
        return found


def test_records_are_texts() -> None:
    """TXT strings are joined, MX come by preference, addresses together; an alias is followed."""
    assert set(asked("courier.example").records) == {"v=spf1 -all", "other"}
    assert asked("Courier.Example.", "mx").records == ("10 a.courier.example", "20 b.courier.example")
    assert asked("courier.example", "addresses").records == ("192.0.2.1", "2001:db8::1")
    assert asked("null.example", "mx").records == ("0 .",)
    assert asked("alias.example", "mx").records == ("10 a.courier.example", "20 b.courier.example")
    assert asked("odd.example").records == ('"quoted" \\ \x00 Ա',)


@pytest.mark.parametrize(("name", "status"), [("gone.example", "no_name"), ("empty.example", "no_record")])
@pytest.mark.parametrize("kind", ["txt", "mx", "addresses"])
def test_nothing_is_an_answer(name: str, status: str, kind: str) -> None:
    """No such name and no such record are told apart, and both are void look-ups."""
    found = asked(name, kind)
    assert (found.status, found.records) == (status, ())
    assert found.is_void


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("servfail.example", "the DNS servers gave no answer (SERVFAIL)"),
        ("refused.example", "the DNS servers gave no answer (REFUSED)"),
        ("silent.example", "no DNS server answered within 0.5 seconds"),
        ("garbage.example", "no DNS server answered within 0.5 seconds"),
        ("other.example", "no DNS server answered within 0.5 seconds"),
        ("huge.example", "the records are longer than 16000 letters"),
        ("circle.example", "the DNS servers gave no answer (ChainTooLong)"),
        ("no-tcp.example", "the DNS servers gave no answer ("),
        ("a b.example", "this is no name that can be asked for"),
        ("Ա.example", "this is no name that can be asked for"),
        ("", "this is no name that can be asked for"),
        ("a..example", "the look-up failed (EmptyLabel)"),
        ("x" * 64 + ".example", "the look-up failed (LabelTooLong)"),
        (".".join(["x" * 60] * 6), "the look-up failed (NameTooLong)"),
    ],
)
def test_a_failure_is_a_fact_with_its_reason(name: str, why: str) -> None:
    """Whatever a server does, nothing is raised and nothing waits longer than its limit."""
    found = asked(name, seconds=0.5 if "within" in why else HANG)
    assert found.status is Status.FAILED
    assert found.why.startswith(why)
    assert not found.is_void


def test_many_records_are_not_taken() -> None:
    """A name with hundreds of addresses is no name of a mail server."""
    assert asked("many.example", "addresses").why == "there are more than 60 records"


def test_half_an_answer_is_used() -> None:
    """Addresses of one kind are enough; a failure beside nothing is a failure, not nothing."""
    assert asked("half.example", "addresses").records == ("2001:db8::2",)
    assert asked("quarter.example", "addresses").status is Status.FAILED


def test_a_long_answer_comes_by_tcp() -> None:
    """A cut answer is asked for once more, whole; each question is asked once."""
    with DnsServer(ZONE) as server:
        lookups = Lookups([("127.0.0.1", server.port)])
        assert lookups.txt("long.example") == Answer(Status.FOUND, ("x" * 3000,))
        assert lookups.txt("LONG.example.") == Answer(Status.FOUND, ("x" * 3000,))
        assert server.asked == [("long.example", "TXT", "udp"), ("long.example", "TXT", "tcp")]


def test_the_next_server_is_asked() -> None:
    """One that fails is passed over."""
    with DnsServer({}, udp_limit=512) as broken, DnsServer(ZONE) as good:
        broken.zone["courier.example"] = Trouble.SERVFAIL
        lookups = Lookups([("127.0.0.1", broken.port), ("127.0.0.1", good.port)])
        assert lookups.mx("courier.example").status is Status.FOUND


def test_one_check_asks_so_many_questions() -> None:
    """A record that leads to ever more names cannot keep us asking."""
    with DnsServer({}) as server:
        lookups = Lookups([("127.0.0.1", server.port)], most=3)
        found = [lookups.txt(f"{number}.example") for number in range(5)]
        assert [one.status for one in found] == ["no_name"] * 3 + ["failed"] * 2
        assert len(server.asked) == 3


def test_one_check_takes_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that say nothing do not hold a check up for every question anew."""
    moment = 1000.0
    monkeypatch.setattr("digest.net.dns.clock.monotonic", lambda: moment)
    with DnsServer(ZONE) as server:
        lookups = Lookups([("127.0.0.1", server.port)])
        moment += 44.8
        first = lookups.txt("silent.example")
        assert first.why == "no DNS server answered within 0.2 seconds"
        moment += 0.2
        assert lookups.mx("silent.example").why == "the time for all look-ups was over"


def test_a_system_without_servers_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the setting."""

    def none(*_: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", none)
    with pytest.raises(ConfigError, match="DIGEST_DNS_SERVERS"):
        Lookups()
