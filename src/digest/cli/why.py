"""`digest why`: what an address was handed, when, under which consent and with which reply."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption
from digest.errors import InputError
from digest.models import DeliveryStatus, NoticeState

if TYPE_CHECKING:
    from digest.deliveries.explained import ConsentLine, DeliveryLine, Explanation, NoticeLine
    from digest.i18n import Translator

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_INDENT = "    "


@app.command(epilog="Example: digest why ani@example.org --edition 12")
def why(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The mail address.")],
    edition: Annotated[int | None, typer.Option(min=1, max=2**63 - 1, help="Only this edition.")] = None,
    day: Annotated[
        str | None, typer.Option(help="Only this day, where the cadence lives: 2027-01-15.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many editions, the newest.")] = 20,
    language: Annotated[str, typer.Option(help="The language of the sentences: en or hy.")] = "en",
    as_json: bool = JsonOption,
) -> None:
    """Say why an address got a mail, or got none: consent, edition, moment, mail service, reply."""
    from digest.deliveries.why import explain  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415

    words, chosen, key = Translator(language), _day(day), common.load_keys().address_key
    with common.read() as session:
        found = explain(session, key, address, edition_id=edition, day=chosen, limit=limit)
    if as_json:
        common.print_json(_as_dict(found, words))
        return
    for line in _said(found, words, is_narrowed=edition is not None or chosen is not None):
        common.say(line)


def _day(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"{text[:40]!r} is not a day; write it like 2027-01-15.") from None


def _said(found: Explanation, words: Translator, *, is_narrowed: bool) -> Iterator[str]:
    if found.not_mailed is not None:
        since = common.shown(found.not_mailed_since)
        yield f"This address is on the do-not-mail list since {since}: {found.not_mailed}."
    if found.known == "erased":
        yield (
            f"Whoever had this address was erased on {common.shown(found.erased_at)}. Nothing is kept but "
            "what keeps an import from bringing them back."
        )
    elif found.known == "unknown":
        nothing = "" if found.notices else ", and nothing was handed over to it"
        yield f"Nobody subscribes with this address{nothing}."
    else:
        yield from _subscriptions(found)
        yield from _deliveries(found, words, is_narrowed=is_narrowed)
    yield from _notices(found)


def _subscriptions(found: Explanation) -> Iterator[str]:
    if not found.subscriptions:
        yield "The address is known, but on no list."
    for line in found.subscriptions:
        until = f" until {common.shown(line.paused_until)}" if line.paused_until else ""
        yield f"On the list {line.list_name}: {line.status}{until}."
        for event in line.events:
            yield _INDENT + _event(event)


def _deliveries(found: Explanation, words: Translator, *, is_narrowed: bool) -> Iterator[str]:
    if not found.deliveries and not found.left_out:
        yield "No edition was planned for it" + (" that fits." if is_narrowed else " yet.")
    for line in found.deliveries:
        yield ""
        yield f"Edition {line.edition_id} of {line.digest}, {line.cadence}: {line.subject or '-'}"
        for text in _delivery(line, words):
            yield _INDENT + text
    for missed in found.left_out:
        yield ""
        yield f"Edition {missed.edition_id} of {missed.digest}, {missed.cadence}: not for this address."
        fixed = common.shown(missed.fixed_at, missed.zone)
        yield f"{_INDENT}It goes to the segment {missed.segment}; when its people were fixed, on {fixed},"
        yield f"{_INDENT}this person was not in it."
    if found.dropped_before:
        yield ""
        yield f"Of editions up to {common.shown(found.dropped_before)} some are known by their totals only."


def _notices(found: Explanation) -> Iterator[str]:
    if found.notices:
        yield ""
        yield "Single mails:"
    for line in found.notices:
        what = f"{line.kind.replace('_', ' ')}, asked for on {common.shown(line.asked_at)}"
        yield f"{_INDENT}{what}: {_end(line)}"


def _end(line: NoticeLine) -> str:
    said = f" {line.reply}" if line.reply else ""
    match line.state:
        case NoticeState.SENT:
            return f"handed over on {common.shown(line.done_at)}.{said}"
        case NoticeState.PENDING:
            return f"waits for its turn, {common.shown(line.next_try_at)}.{said}"
        case NoticeState.UNCERTAIN:
            return f"may have arrived: no answer came on {common.shown(line.done_at)}.{said}"
        case NoticeState.FAILED:
            said = said or " The mail service could not be used for days."
            return f"failed on {common.shown(line.done_at)}.{said}"


def _delivery(line: DeliveryLine, words: Translator) -> Iterator[str]:
    from digest.deliveries.reasons import cause_sentence, sentence  # noqa: PLC0415

    yield sentence(line.status, line.reason, words)
    if line.handed_over_at:
        by = f" by {line.transport}" if line.transport else ""
        yield f"when:       {common.shown(line.handed_over_at, line.zone)}{by}"
    if line.status is DeliveryStatus.PENDING:
        yield f"turn:       {common.shown(line.next_try_at, line.zone)}; the edition is {line.edition_state}"
        if line.held_up:
            yield f"held up by: {line.held_up}"
    yield f"tried:      {_tries(line)}"
    if line.reply_text or line.reply_code:
        reply = (str(line.reply_code or ""), line.reply_enhanced, line.reply_text)
        yield f"reply:      {' '.join(part for part in reply if part)}"
    for case in line.uncertain:
        settled = ""
        if case.settlement:
            settled = f" Settled on {common.shown(case.settled_at)} by {case.settled_by}: {case.settlement}."
        yield f"uncertain:  {cause_sentence(case.cause, words)}{settled}"
    yield f"version:    {line.revision or '-'}, {line.text_size or '-'} letters"
    yield f"consent:    {_consent(line.list_name, line.consent)}"
    yield f"Message-ID: {line.message_id}"


def _tries(line: DeliveryLine) -> str:
    times = "once" if line.tries == 1 else f"{line.tries} times" if line.tries else "not yet"
    if not line.tries and line.status is not DeliveryStatus.PENDING:
        times = "never"
    if line.rounds:
        again = "once" if line.rounds == 1 else f"{line.rounds} times"
        times += f" since it was sent again ({again})"
    return times


def _consent(list_name: str, events: Sequence[ConsentLine]) -> str:
    if not events:
        return "none is on record for that moment"
    return f"list {list_name}; " + "; then ".join(_event(event) for event in events)


def _event(event: ConsentLine) -> str:
    text = f"{event.action} on {common.shown(event.at)} by {event.source}"
    text += f" ({event.actor})" if event.actor else ""
    return f'{text}: "{event.words}"' if event.words else text


def _as_dict(found: Explanation, words: Translator) -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415

    from digest.deliveries.reasons import sentence  # noqa: PLC0415

    deliveries = [
        {**asdict(line), "sentence": sentence(line.status, line.reason, words)} for line in found.deliveries
    ]
    return {**asdict(found), "deliveries": deliveries}
