"""The judge itself: what it says it took, it took, and its record is there before its 250."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.smtp import JudgeServer, read_record
from tests.servers.smtp_script import Fault, Script
from tests.servers.waiting import HANG, wait_until

MESSAGE = b"Message-ID: <e1.x@example.org>\r\n\r\n.dot\r\n..\r\n"
ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def judge_process(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    port_file, record = folder / "port", folder / "record"
    command = [
        sys.executable,
        "-m",
        "tests.servers.smtp",
        "--port-file",
        str(port_file),
        "--record",
        str(record),
    ]
    with subprocess.Popen([*command, *options], cwd=ROOT) as process:
        try:
            wait_until(port_file.exists, what="the judge's port")
            yield process, int(port_file.read_text()), record
        finally:
            process.kill()


def test_the_standard_client_and_the_judge_agree(tmp_path: Path) -> None:
    """A client that is not ours sends; message and record are exact."""
    with JudgeServer(record=tmp_path / "record") as judge, smtplib.SMTP("127.0.0.1", judge.port) as client:
        client.sendmail("a@example.org", ["b@example.org", "c@example.org"], MESSAGE)
        assert judge.messages[0].raw == MESSAGE
        (line,) = read_record(tmp_path / "record")
    assert line["rcpt"] == ["b@example.org", "c@example.org"]
    assert line["message_id"] == "<e1.x@example.org>"
    assert line["answered"]
    assert line["size"] == len(MESSAGE)


def test_a_message_dropped_after_the_dot_is_on_record(tmp_path: Path) -> None:
    """The record says that it was taken and that nobody was told."""
    script = Script(faults=(Fault("accepted", action="drop"),))
    with (
        JudgeServer(script, record=tmp_path / "record") as judge,
        smtplib.SMTP("127.0.0.1", judge.port) as client,
    ):
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("a@example.org", ["b@example.org"], MESSAGE)
        (line,) = read_record(tmp_path / "record")
    assert not line["answered"]


def test_the_judge_runs_as_a_process(tmp_path: Path) -> None:
    """With faults and a script from the command line; its record outlives SIGKILL."""
    fault = json.dumps({"stage": "rcpt", "reply": "550 5.1.1 no", "match": "bob@"})
    script = json.dumps({"smtputf8": False})
    with (
        judge_process(tmp_path, "--fault", fault, "--script", script, "--delay-ms", "5") as (
            process,
            port,
            record,
        ),
        smtplib.SMTP("127.0.0.1", port) as client,
    ):
        assert client.sendmail("a@example.org", ["ani@example.org", "bob@example.org"], MESSAGE) == {
            "bob@example.org": (550, b"5.1.1 no")
        }
        assert not client.has_extn("smtputf8")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert [line["rcpt"] for line in read_record(record)] == [["ani@example.org"]]


def test_the_judge_process_ends_on_sigterm(tmp_path: Path) -> None:
    """Even while a client is connected."""
    with judge_process(tmp_path) as (process, port, _), smtplib.SMTP("127.0.0.1", port) as client:
        process.terminate()
        assert process.wait(HANG) == 0
        client.close()


def test_pipelined_commands_cost_one_delay() -> None:
    """A group of commands is answered after one round trip, each in its turn, also after a refusal."""
    fault = Fault("rcpt", reply="550 5.1.1 no", match="bob@")
    with JudgeServer(Script(delay=0.2, faults=(fault,))) as judge:
        with socket.create_connection(("127.0.0.1", judge.port)) as connection:
            file = connection.makefile("rb")
            assert file.readline().startswith(b"220")
            started = time.monotonic()
            group = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<%s@example.org>\r\nDATA\r\n"
            stuffed = MESSAGE.replace(b"\r\n.", b"\r\n..") + b".\r\n"
            many = b"NOOP\r\n" * 300
            connection.sendall(b"EHLO x\r\n" + group % b"b" + stuffed + group % b"bob" + many + b"QUIT\r\n")
            lines = file.read().split(b"\r\n")
            # One after another they would take a minute.
            assert 0.2 <= time.monotonic() - started < 30
        codes = [line[:3] for line in lines if line and line[3:4] == b" "]
        assert codes == b"250 250 250 354 250 250 550 503".split() + [b"250"] * 300 + [b"221"]
        assert judge.messages[0].raw == MESSAGE


def test_a_lone_dot_ends_a_message() -> None:
    """A DATA that was answered 354 can be ended at once, by a dot alone."""
    with JudgeServer() as judge, socket.create_connection(("127.0.0.1", judge.port)) as connection:
        file = connection.makefile("rb")
        connection.sendall(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n.\r\nQUIT\r\n")
        assert [line[:3] for line in file.read().splitlines()] == [
            b"220",
            b"250",
            b"250",
            b"354",
            b"250",
            b"221",
        ]
        assert judge.messages[0].raw == b""
