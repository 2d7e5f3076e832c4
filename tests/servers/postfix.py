"""Debian's Postfix as a mail service: an instance of its own, that hands everything to one port of loopback.

    with JudgeServer() as judge, PostfixServer(program, judge.port, refused={"x@example.org": "550"}) as it:
        ... send over STARTTLS and with sign-in to localhost, it.port ...
        wait until judge.messages are as many as were sent

What it took lies in its queue until the judge has it. It leaves the machine's own Postfix alone: its
settings, queue, log and accounts are in a folder that goes with it. No mail can leave: it listens on
127.0.0.1, binds what it sends to 127.0.0.1, asks no DNS, and knows one way for the domain `DOMAIN` only.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import smtplib
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.servers.ports import free_port
from tests.servers.run import Service
from tests.servers.smtp_script import TLS_FOLDER
from tests.servers.waiting import HANG, wait_until

DOMAIN = "example.org"
USER, PASSWORD = "digest", "Մուտք, please: 1 %"  # a password that is not ASCII
SIZE_LIMIT = 200_000

_REALM = "mail.test"
# Debian keeps these where only root's PATH leads.
_PLACES = "/usr/sbin:/usr/local/sbin"
# If the tests are killed it ends by itself.
_LIFE_SECONDS = 900
_QUEUE = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private"),
    *("maildrop", "public", "saved", "trace"),
)
_SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup  unix  n - n - 0 cleanup
qmgr     unix  n - n 300 1 qmgr
tlsmgr   unix  - - n 1000? 1 tlsmgr
rewrite  unix  - - n - - trivial-rewrite
bounce   unix  - - n - 0 bounce
defer    unix  - - n - 0 bounce
trace    unix  - - n - 0 bounce
proxymap unix  - - n - - proxymap
smtp     unix  - - n - - smtp
error    unix  - - n - - error
retry    unix  - - n - - error
discard  unix  - - n - - discard
anvil    unix  - - n - 1 anvil
postlog  unix-dgram n - n - 1 postlogd
"""
# Mail restrictions as a careful relay has them; the limits on errors are Postfix's own.
_SETTINGS = """
compatibility_level = 3.6
myhostname = mail.test
mydestination =
mynetworks =
alias_maps =
local_recipient_maps =
inet_interfaces = loopback-only
inet_protocols = ipv4
smtp_bind_address = 127.0.0.1
smtp_dns_support_level = disabled
smtp_host_lookup = native
smtpd_peername_lookup = no
default_transport = error:5.7.1 no mail leaves this machine
local_transport = error:5.7.1 nobody has a mailbox here
relay_domains = {domain}
relay_transport = smtp:[127.0.0.1]:{judge}
smtp_connection_cache_on_demand = no
notify_classes =
biff = no
mail_owner = postfix
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file_prefixes = {folder}
maillog_file = {folder}/log
message_size_limit = {size_limit}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {certificate}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
smtpd_sasl_local_domain = {realm}
cyrus_sasl_config_path = {folder}/etc/sasl
smtpd_client_restrictions = reject_unauth_pipelining
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/etc/refused
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_error_sleep_time = 0
"""


def find() -> Service:
    """The program and its version, or why there is none."""
    path, accounts = _program("postfix"), _program("saslpasswd2")
    if path is None or accounts is None:
        missing = "postfix" if path is None else "saslpasswd2 (of sasl2-bin)"
        return Service("postfix", "", f"the program {missing} is not there")
    if os.geteuid() != 0:
        return Service("postfix", "", "only root can start it")
    said = subprocess.run(
        [_program("postconf") or "postconf", "-dh", "mail_version", "daemon_directory"],
        capture_output=True,
        text=True,
        timeout=HANG,
        check=True,
    ).stdout.split()
    return Service("postfix", f"{said[1]}/master", f"Postfix {said[0]}")


class PostfixServer:
    """The instance; a context manager. `refused` are recipients with what they are answered."""

    def __init__(self, program: Path, judge_port: int, *, refused: Mapping[str, str] | None = None) -> None:
        self._program = program
        self._judge_port = judge_port
        self._refused = dict(refused or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.folder = Path()

    def __enter__(self) -> Self:
        # Not in the tests' own folder: Postfix's processes run as another user and must be let through.
        self.folder = Path(tempfile.mkdtemp(prefix="digest-postfix-"))
        try:
            self.folder.chmod(0o755)
            self._make_folders()
            _make_account(self.folder / "etc" / "sasl")
            while not self._has_started():
                assert "Address already in use" in self.log(), f"Postfix did not start:\n{self.log()}"
                (self.folder / "log").unlink()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)  # the master ends its children
            try:
                self._process.wait(HANG)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """What it has written so far."""
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def complaints(self) -> list[str]:
        """Its lines that speak of trouble with its own set-up or with a client that breaks the rules."""
        pattern = re.compile(r": (?:warning|error|fatal|panic): |improper command pipelining")
        # A file that was made around the turn of a second may seem to come from the next one.
        of_clocks = re.compile(r"file system clock is 1 seconds ahead|resetting file time stamps")
        lines = self.log().splitlines()
        return [line for line in lines if pattern.search(line) and not of_clocks.search(line)]

    def _make_folders(self) -> None:
        owner = pwd.getpwnam("postfix")
        for name in ("etc", "etc/sasl", "queue", "queue/pid"):
            (self.folder / name).mkdir(mode=0o755)
        for path in (self.folder / "data", *(self.folder / "queue" / name for name in _QUEUE)):
            path.mkdir(mode=0o700)
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def _make_settings(self) -> None:
        etc = self.folder / "etc"
        values = {
            "domain": DOMAIN,
            "judge": self._judge_port,
            "folder": self.folder,
            "size_limit": SIZE_LIMIT,
            "certificate": TLS_FOLDER / "localhost.pem",
            "realm": _REALM,
        }
        files = {
            "main.cf": _SETTINGS.format(**values),
            "master.cf": _SERVICES.format(port=self.port),
            "refused": "".join(f"{who} {words}\n" for who, words in self._refused.items()),
        }
        for name, text in files.items():
            (etc / name).write_text(text)
            # What was written in the last second Postfix waits for, lest it reads a half.
            os.utime(etc / name, (0, 0))

    def _has_started(self) -> bool:
        """Try it on a port that is free now; false if it ended at once."""
        self.port = free_port()
        self._make_settings()
        command = [self._program, "-c", self.folder / "etc", "-s", "-e", str(_LIFE_SECONDS)]
        process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL)
        self._process = process
        wait_until(lambda: process.poll() is not None or self._answers(), what="Postfix")
        return process.poll() is None

    def _answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            smtplib.SMTP("127.0.0.1", self.port, _REALM, timeout=HANG) as client,
        ):
            return client.ehlo()[0] == 250
        return False


def _make_account(folder: Path) -> None:
    """One account in a file that only this instance reads. Debian has the place of its settings built in."""
    accounts = folder / "accounts"
    (folder / "smtpd.conf").write_text(
        "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n"
        f"sasldb_path: {accounts}\nlog_level: 0\n"
    )
    subprocess.run(
        [_program("saslpasswd2") or "saslpasswd2", "-p", "-c", "-f", accounts, "-u", _REALM, USER],
        input=PASSWORD.encode(),
        capture_output=True,
        timeout=HANG,
        check=True,
    )
    owner = pwd.getpwnam("postfix")
    os.chown(accounts, owner.pw_uid, owner.pw_gid)


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=_PLACES)
