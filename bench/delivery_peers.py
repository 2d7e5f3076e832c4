"""What the sending is measured against: Debian's smtp-source and smtp-sink, smtplib, one bare signature.

The two programs come with Debian's package `postfix`; they are run by themselves, Postfix is not started.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from bench.delivery_mail import SENDER
from tests.servers.ports import free_port
from tests.servers.waiting import wait_until

_PROGRAM_FOLDERS = "/usr/sbin:/usr/libexec/postfix:/usr/local/sbin"
_RECIPIENT = "reader1@mail1.test"
_SIGNED = b"x" * 700  # about what a header's signature is made over


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall seconds for so many messages."""

    cpu: float
    wall: float
    count: int

    @property
    def cpu_us(self) -> float:
        """CPU microseconds a message."""
        return 1e6 * self.cpu / self.count

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.count / self.wall


def program(name: str) -> str | None:
    """Where one of Postfix's test programs is, or None."""
    return shutil.which(name) or shutil.which(name, path=_PROGRAM_FOLDERS)


@contextlib.contextmanager
def smtp_sink(*words: str) -> Iterator[int]:
    """smtp-sink at a port of the machine, which takes everything; the port."""
    found, port = program("smtp-sink"), free_port()
    assert found
    account = ["-u", unprivileged()] if os.geteuid() == 0 else []
    argv = [found, *account, *words, f"127.0.0.1:{port}", "1024"]
    with subprocess.Popen(argv) as process:
        try:
            wait_until(lambda: _answers(port), what="the sink's port")
            yield port
        finally:
            process.kill()


def unprivileged() -> str:
    """The user that smtp-sink runs as if we are root: it wants one."""
    return pwd.getpwnam("nobody").pw_name


def smtp_source(port: int, *, count: int, size: int, connections: int = 8) -> Cost:
    """Send so many messages of `size` bytes with smtp-source, whose connections are kept (`-d`).

    Its CPU is that of the whole process, by wait4.
    """
    found = program("smtp-source")
    assert found
    kept = ["-d", "-s", str(connections), "-l", str(size), "-m", str(count)]
    argv = [found, *kept, "-f", SENDER, "-t", _RECIPIENT, f"127.0.0.1:{port}"]
    started = time.perf_counter()
    process = subprocess.Popen(argv)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ChildProcessError(f"smtp-source ended with {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, count)


def smtplib_alone(port: int, message: bytes, *, count: int) -> Cost:
    """Send finished bytes so many times by smtplib.sendmail on one connection, and nothing else."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        client.ehlo()
        cpu, started = time.thread_time(), time.perf_counter()
        for _ in range(count):
            client.sendmail(SENDER, [_RECIPIENT], message)
        return Cost(time.thread_time() - cpu, time.perf_counter() - started, count)


def bare_signatures(key: rsa.RSAPrivateKey, *, count: int) -> Cost:
    """So many RSA signatures by `cryptography`, and nothing else."""
    scheme, algorithm = padding.PKCS1v15(), hashes.SHA256()
    cpu, started = time.thread_time(), time.perf_counter()
    for _ in range(count):
        key.sign(_SIGNED, scheme, algorithm)
    return Cost(time.thread_time() - cpu, time.perf_counter() - started, count)


def round_trip(port: int, *, count: int = 15) -> float:
    """The quickest of some NOOPs by this port, in seconds: what a round trip takes when nobody else is on."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="localhost") as client:
        client.ehlo()
        taken = []
        for _ in range(count):
            started = time.perf_counter()
            client.noop()
            taken.append(time.perf_counter() - started)
        return min(taken)


def recorded(folder: Path) -> Sequence[str]:
    """The recipients in the files that `smtp-sink -D` wrote, one entry a message, in order."""
    found: list[str] = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            found += [
                line.split(b"<")[1].partition(b">")[0].decode()
                for line in file
                if line.startswith(b"X-Rcpt-Args: ")
            ]
    return found


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
