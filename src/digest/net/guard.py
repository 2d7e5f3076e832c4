"""The guard below our HTTP client: which addresses may be connected to, and until when.

It sits where the connection is made. A name is resolved once, every address it gave is judged, and the
connection goes to a judged address, not to the name: a redirect, a second DNS answer or an odd spelling of
127.0.0.1 meets the same check. TLS still verifies the name.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import httpcore2

from digest import clock
from digest.net.fetching import FetchCode, FetchError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int, float], list[str]]
SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

_MOST_ADDRESSES = 4  # of one name that are tried, so that a name with hundreds cannot make us a scanner

# The IANA special-purpose registries (RFC 6890), written out: `is_global` of the standard library differs
# between patch releases. 168.63.129.16 is a cloud's metadata server on a public address.
_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
    )
)
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052


def is_public(address: IPAddress) -> bool:
    """Whether an address is one that anybody on the internet can reach.

    IPv4 inside IPv6 (mapped, 6to4, NAT64) is judged as the IPv4 address it leads to.
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is None:
            return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)
        address = inner
    return not any(address in network for network in _REFUSED_V4)


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.scope_id is None and address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def system_resolve(host: str, port: int, seconds: float) -> list[str]:
    """The addresses of a host by the system's resolver, waiting at most `seconds`.

    `getaddrinfo` knows no time limit, so it runs in a thread of its own that is left behind if it is late.
    Raises OSError if the name is unknown, TimeoutError if it takes too long.
    """
    found: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put([str(answer[4][0]) for answer in answers])
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=look_up, name="digest-resolve", daemon=True).start()
    try:
        result = found.get(timeout=max(seconds, 0))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, Exception):
        raise OSError(f"the name {host} is not known") from result
    return result


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment, by the monotonic clock, at which a whole fetch has to be over."""

    end: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(clock.monotonic() + seconds)

    def clip(self, timeout: float | None) -> float:
        """What is left of a timeout; raises httpcore2.ReadTimeout if nothing is."""
        left = self.end - clock.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the time for the whole fetch is over")
        return left if timeout is None else min(timeout, left)


class GuardedBackend(httpcore2.NetworkBackend):
    """Connects to public addresses, and to private ones of hosts that are named as `host` or `host:port`.

    Raises FetchError(REFUSED_ADDRESS) if a host has no address that is allowed. Every stream it gives ends at
    the deadline, however slowly its bytes drip. Unix sockets stay unsupported, as in the base class.
    """

    def __init__(self, private_hosts: Collection[str], deadline: Deadline, resolve: Resolver) -> None:
        self._private = frozenset(host.lower() for host in private_hosts)
        self._deadline = deadline
        self._resolve = resolve
        self._plain = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.NetworkStream:
        last: Exception | None = None
        for address in self._allowed_addresses(host, port, timeout):
            try:
                stream = self._plain.connect_tcp(
                    address, port, self._deadline.clip(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
                continue
            return _TimedStream(stream, self._deadline)
        raise last or httpcore2.ConnectError("the name has no address")

    def _allowed_addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            found = self._resolve(host, port, self._deadline.clip(timeout))
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout("looking up the name took too long") from error
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        if found and not self._is_named(host, port):
            found = [address for address in found if is_public(ipaddress.ip_address(address))]
            if not found:
                raise FetchError(
                    FetchCode.REFUSED_ADDRESS,
                    f"{host} is on a private network; name it in DIGEST_PRIVATE_HOSTS if it may be fetched.",
                )
        return list(dict.fromkeys(found))[:_MOST_ADDRESSES]

    def _is_named(self, host: str, port: int) -> bool:
        host = host.lower().rstrip(".")
        return not self._private.isdisjoint({host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}"})


class _TimedStream(httpcore2.NetworkStream):
    """A connection whose every wait ends at the deadline; a limit for each read would let a drip go on."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.clip(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.clip(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._deadline.clip(timeout))
        return _TimedStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
