"""The demo is set up by the same commands that an admin would type."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from digest.embedded.demo.stage import Stage
from digest.embedded.newspaper import people
from digest.embedded.newspaper.content import SECTIONS
from digest.embedded.newspaper.demo_data import SISTER_GROUP, DemoDigest
from digest.models import SubscriptionStatus

Command = Callable[[Sequence[str]], None]

_CONSENT = "Signed the card at the paper's summer fair and confirmed by mail."
CADENCE = "morning"
_SERVICE = "catcher"
EDITOR = "desk@footbridge.example"


def set_up_service(command: Command, stage: Stage) -> None:
    """The mail service of the demo, and somebody to send a test mail to."""
    command(
        [
            *("transport", "add", _SERVICE, "--host", "127.0.0.1", "--port", str(stage.mail_port)),
            *("--security", "none"),
        ]
    )
    command(["account", "add", EDITOR, "--name", "The Desk", "--role", "admin"])


def prove_service(command: Command) -> None:
    """The test mail without which no reader is mailed; the catcher must run, and a digest be there."""
    command(["transport", "test", _SERVICE, "--to", EDITOR])


def set_up_digest(command: Command, stage: Stage, digest: DemoDigest) -> None:
    """One digest with its rules, rhythm, list and readers. The rhythm stands still at first."""
    command(_create(stage, digest))
    cadence = digest.cadences[0]
    command(
        [
            *("cadence", "add", digest.name, CADENCE, "--cron", cadence.cron, "--zone", cadence.zone),
            *("--lead", "5", "--grace", "600"),
        ]
    )
    command(["cadence", "set", digest.name, CADENCE, "--stopped"])
    command(["list", "create", digest.list_name, "--digest", digest.name, "--title", digest.list_title])
    file = stage.folder / "run" / f"{digest.list_name}.csv"
    _write_readers(file, digest.language)
    command(["subscriber", "import", str(file), "--list", digest.list_name, "--consent", _CONSENT])
    for person in people.ABSENT:
        if person.language == digest.language:
            action = "pause" if person.status is SubscriptionStatus.PAUSED else "end"
            command(["subscriber", action, person.address, "--list", digest.list_name])


def set_up_sources(command: Command, stage: Stage, digest: DemoDigest) -> None:
    """The feeds that a digest draws from, with what they already hold, collected at once."""
    urls = [stage.news_url + path for path in feeds_of(digest)]
    for url in urls:
        command(["source", "add", url, "--include-backlog", "7d", "--digest", digest.name])
    command(["collect", *urls])


def start_rhythm(command: Command, digest: DemoDigest) -> None:
    """Let a digest come out every minute, so that whoever watches need not wait for the morning."""
    command(["cadence", "set", digest.name, CADENCE, "--cron", "* * * * *", "--running"])


def feeds_of(digest: DemoDigest) -> tuple[str, ...]:
    """The paper's main feed and one for each section: the same posts stand in two of them."""
    return (digest.feed_path, *(f"{digest.home_path}category/{one.slug}/feed/" for one in SECTIONS))


def _create(stage: Stage, digest: DemoDigest) -> list[str]:
    return [
        *("digest", "create", digest.name, "--title", digest.title, "--language", digest.language),
        *("--sender", digest.sender_address, "--sender-name", digest.sender_name),
        *("--reply-to", digest.reply_to, "--postal-address", digest.postal_address),
        *("--home-url", stage.news_url + digest.home_path, "--sister-group", SISTER_GROUP),
        *("--featured", f"{digest.featured_by.value}:{digest.featured_value}"),
        *("--recent-most", str(digest.recent_most), "--recent-days", str(digest.recent_days)),
        *("--recent-least", "0", "--accent", digest.accent, "--accent-dark", digest.accent_dark),
        *("--sign-off", digest.sign_off),
    ]


def _write_readers(file: Path, language: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["address", "name", "zone", "language", "text_size"])
    for person in people.people():
        if person.language == language:
            writer.writerow(
                [person.address, person.name, person.zone, person.language, person.text_size.value]
            )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.getvalue(), encoding="utf-8")
