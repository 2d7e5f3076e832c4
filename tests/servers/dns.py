"""A DNS server on loopback that answers by script, by UDP and by TCP, with faults on demand.

    with DnsServer({"courier.example": {"MX": ["10 mx.courier.example"], "TXT": ["v=spf1 -all"]}}) as server:
        ... ask 127.0.0.1, server.port ...
        assert ("courier.example", "MX", "udp") in server.asked

A name with an empty dictionary exists without records; a name that is missing does not exist. A fault in
place of the records, for a name or for one kind of it, is one of `Trouble`.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Self

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from tests.servers.waiting import HANG


class Trouble(StrEnum):
    SERVFAIL = "SERVFAIL"
    REFUSED = "REFUSED"
    SILENT = "silent"  # no answer at all
    GARBAGE = "garbage"  # bytes that are no message
    OTHER_ID = "other id"  # an answer to another question
    NO_TCP = "no tcp"  # truncated by UDP, and TCP closes at once


Records = Sequence[str] | Trouble
Zone = Mapping[str, Mapping[str, Records] | Trouble]

_KINDS = ("CNAME", "TXT", "MX", "A", "AAAA", "NS", "SOA")


class DnsServer:
    """The server, in two threads; a context manager."""

    def __init__(self, zone: Zone, *, udp_limit: int = 1232) -> None:
        self.zone = dict(zone)
        self.asked: list[tuple[str, str, str]] = []
        self.port = 0
        self._udp_limit = udp_limit
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._udp, self._tcp, self.port = _bound_pair()
        for one in (self._udp, self._tcp):
            one.settimeout(0.05)
        for serve in (self._serve_udp, self._serve_tcp):
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(HANG)
        self._udp.close()
        self._tcp.close()

    @property
    def setting(self) -> str:
        """As DIGEST_DNS_SERVERS takes it."""
        return f"127.0.0.1:{self.port}"

    def _serve_udp(self) -> None:
        while not self._stopping.is_set():
            try:
                wire, peer = self._udp.recvfrom(4096)
            except TimeoutError:
                continue
            for answer in self._answers(wire, "udp"):
                self._udp.sendto(answer, peer)

    def _serve_tcp(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._tcp.accept()
            except TimeoutError:
                continue
            with connection, contextlib.suppress(OSError):
                connection.settimeout(20)
                (length,) = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
                for answer in self._answers(connection.recv(length, socket.MSG_WAITALL), "tcp"):
                    connection.sendall(struct.pack("!H", len(answer)) + answer)

    def _answers(self, wire: bytes, by: str) -> Iterator[bytes]:
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return
        question = query.question[0]
        name, kind = (
            question.name.to_text(omit_final_dot=True).lower(),
            dns.rdatatype.to_text(question.rdtype),
        )
        self.asked.append((name, kind, by))
        response = dns.message.make_response(query, our_payload=self._udp_limit)
        response.flags |= dns.flags.RA
        trouble = self._fill(response, name, kind)
        if trouble is Trouble.SILENT or (trouble is Trouble.NO_TCP and by == "tcp"):
            return
        if trouble is Trouble.GARBAGE:
            yield b"\0garbage" * 3
            return
        if trouble is Trouble.OTHER_ID:
            response.id ^= 0x5555
        if trouble is Trouble.NO_TCP:
            response.flags |= dns.flags.TC
        yield self._wire(response, by)

    def _wire(self, response: dns.message.Message, by: str) -> bytes:
        wire = response.to_wire(max_size=65535)
        if by == "udp" and len(wire) > self._udp_limit:
            response.answer = []
            response.flags |= dns.flags.TC
            return response.to_wire()
        return wire

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> Trouble | None:
        for _ in range(12):
            found = self.zone.get(name)
            if found is None:
                response.set_rcode(dns.rcode.NXDOMAIN)
                return None
            records = found if isinstance(found, Trouble) else found.get("CNAME", found.get(kind, ()))
            if isinstance(records, Trouble):
                if records in (Trouble.SERVFAIL, Trouble.REFUSED):
                    response.set_rcode(dns.rcode.from_text(records.value))
                return records
            shown = "CNAME" if not isinstance(found, Trouble) and "CNAME" in found else kind
            if records and shown in _KINDS:
                response.answer.append(_rrset(name, shown, records))
            if shown == kind or not records:
                return None
            name = records[0].rstrip(".").lower()
        return None


def _rrset(name: str, kind: str, records: Sequence[str]) -> dns.rrset.RRset:
    owner = dns.name.from_text(name)
    return dns.rrset.from_text_list(owner, 60, "IN", kind, [_text(kind, record) for record in records])


def _text(kind: str, record: str) -> str:
    """As a zone file has it: a TXT text in strings of at most 255 bytes, names absolute."""
    if kind == "TXT":
        raw = record.encode()
        pieces = [raw[at : at + 255] for at in range(0, len(raw), 255)] or [b""]
        return " ".join('"' + "".join(f"\\{byte:03d}" for byte in piece) + '"' for piece in pieces)
    return record if kind in ("A", "AAAA") or record.endswith(".") else f"{record}."


def _bound_pair() -> tuple[socket.socket, socket.socket, int]:
    """A UDP and a TCP socket on the same port of loopback."""
    for _ in range(20):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tcp.bind(("127.0.0.1", port))
        except OSError:
            udp.close()
            tcp.close()
            continue
        tcp.listen(16)
        return udp, tcp, port
    raise AssertionError("no port is free for both")
