"""Whole editions, signed by us, after a trip through Postfix: what verifiers and an auditor of others say."""

from __future__ import annotations

import dataclasses
import email
import email.policy
from pathlib import Path

import dkim as dkimpy
import listunsub
import pytest

from digest import clock
from digest.deliveries.handover import start_due
from digest.deliveries.plan import plan
from digest.mail.message import build_digest
from digest.mail.placeholders import PreparedMail
from digest.mail.signing_key import Algorithm
from digest.models import Edition, EditionKind
from digest.rendering.digest_email import render_mail
from tests.integration.planned import Desk
from tests.integration.test_postfix import (
    BOTH,
    DOMAIN,
    Relay,
    _add,
    _key,
    _sending,
    desk,
    judge_behind,
    kept,
    postfix,
    relay,
)
from tests.mail_cases import LANGUAGES, LAYOUTS, normal
from tests.servers import opendkim

__all__ = ["desk", "judge_behind", "kept", "postfix", "relay"]

# Layout, language, and whether it puts right an edition that went out before.
_SAMPLE = [("paper", "en", False), ("briefing", "hy", False), ("paper", "hy", True), ("briefing", "en", True)]
_REST = [
    (layout, language, is_correction)
    for layout in LAYOUTS
    for language in LANGUAGES
    for is_correction in (False, True)
    if (layout, language, is_correction) not in _SAMPLE
]
_READERS = (f"ani@{DOMAIN}", f"անահիտ@{DOMAIN}")
_SIGNED = {
    *("from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type"),
    *("list-id", "list-unsubscribe", "list-unsubscribe-post", "list-help"),
}
_THREAD = {"in-reply-to", "references"}

Trip = tuple[str, str, bool]


def mail_of(trip: Trip) -> PreparedMail:
    layout, language, is_correction = trip
    context = normal(language, layout)
    if is_correction:
        context = dataclasses.replace(context, correction=f"{context.reason} 1895.")
    rendered = render_mail(context)
    return build_digest(
        from_name=context.sender_name,
        from_address="news@courier.example",
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        reply_to="editor@courier.example",
        list_help=context.digest_url,
        follows_on=is_correction,
    )


def sending(desk: Desk, trip: Trip) -> int:
    """An edition on its way out; a correction follows on an edition before it."""
    desk.mail = mail_of(trip)
    now = clock.utc_now()
    edition_id = desk.frozen(now)
    with desk.database.write() as session:
        plan(session, edition_id, now=now)  # before it is a correction: nobody has to have had a story
        if trip[2]:
            edition = session.get_one(Edition, edition_id)
            edition.kind, edition.corrects_id = EditionKind.CORRECTION, edition_id - 1
        assert start_due(session, now=now) == 1
    return edition_id


def record(name: bytes) -> bytes:
    records = {_key(algorithm).record_name: _key(algorithm).record for algorithm in Algorithm}
    return records[name.decode().rstrip(".")].encode()


def judged(raw: bytes, program: Path, folder: Path) -> dict[str, object]:
    """What the three judges say, and what is signed."""
    records = {_key(algorithm).record_name: _key(algorithm).record for algorithm in Algorithm}
    fields = email.message_from_bytes(raw, policy=email.policy.compat32)
    signatures = [str(one) for one in fields.get_all("DKIM-Signature", [])]
    return {
        "opendkim": opendkim.verdicts(program, folder, raw, records),
        "dkimpy": [dkimpy.DKIM(raw).verify(at, dnsfunc=lambda name, **_: record(name)) for at in range(2)],
        "listunsub": listunsub.audit(
            fields.get_all("List-Unsubscribe", []),
            fields.get_all("List-Unsubscribe-Post", []),
            dkim_signatures=signatures,
        ),
        "signed": [set(listunsub.signed_headers(one)) for one in signatures],
        "thread": {name.lower() for name in fields.keys()} & _THREAD,  # noqa: SIM118  (not a mapping)
    }


def take(trips: list[Trip], desk: Desk, relay: Relay, program: Path, folder: Path) -> None:
    """Send an edition for each, and see that nothing is wrong with any mail of it that came out."""
    _add(desk, *_READERS)
    desk.frozen(clock.utc_now())  # what the first of them may put right
    with _sending(desk, relay) as (sender, writer):
        for trip in trips:
            relay.judge.messages.clear()
            assert desk.send(sending(desk, trip), sender) == [True]
            assert relay.received(len(_READERS)) == {one: writer.written[one] for one in _READERS}
            thread = _THREAD if trip[2] else set()
            for message in relay.judge.messages:
                assert judged(message.raw, program, folder) == {
                    "opendkim": dict.fromkeys(BOTH, "pass"),
                    "dkimpy": [True, True],
                    "listunsub": [],
                    "signed": [_SIGNED | thread] * 2,
                    "thread": thread,
                }, trip


def test_signatures_and_the_way_out_survive_the_trip(
    desk: Desk, relay: Relay, opendkim_path: Path, tmp_path: Path
) -> None:
    """Both layouts, English and Armenian, plain and correction: OpenDKIM, dkimpy, the auditor; no finding."""
    take(_SAMPLE, desk, relay, opendkim_path, tmp_path)


@pytest.mark.slow
def test_every_layout_and_language_survives_the_trip(
    desk: Desk, relay: Relay, opendkim_path: Path, tmp_path: Path
) -> None:
    """The same for all others."""
    take(_REST, desk, relay, opendkim_path, tmp_path)


def test_the_judges_see_what_was_changed(
    desk: Desk, relay: Relay, opendkim_path: Path, tmp_path: Path
) -> None:
    """Another thread, or another link to leave by, in a mail that was right: each judge says so."""
    _add(desk, _READERS[0])
    desk.frozen(clock.utc_now())
    with _sending(desk, relay) as (sender, _):
        desk.send(sending(desk, _SAMPLE[3]), sender)
        relay.received(1)
    (message,) = relay.judge.messages
    for old, new in (
        (b"\nReferences: <e", b"\nReferences: <f"),
        (b"\nList-Unsubscribe: <h", b"\nList-Unsubscribe: <xh"),
    ):
        changed = message.raw.replace(old, new, 1)
        assert changed != message.raw
        said = judged(changed, opendkim_path, tmp_path)
        assert said["opendkim"] == dict.fromkeys(BOTH, "fail")
        assert said["dkimpy"] == [False, False]
    assert [one.code for one in said["listunsub"]] == ["no-https"]  # type: ignore[attr-defined]
    unsigned = message.raw[message.raw.index(b"\r\nFrom: ") + 2 :]
    assert [one.code for one in judged_unsigned(unsigned)] == ["missing-dkim"]


def judged_unsigned(raw: bytes) -> list[listunsub.Problem]:
    fields = email.message_from_bytes(raw)
    return listunsub.audit(
        fields.get_all("List-Unsubscribe"), fields.get_all("List-Unsubscribe-Post"), dkim_signatures=[]
    )
