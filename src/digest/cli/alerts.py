"""`digest alerts`: who is told when something wants a person, and what does now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common
from digest.cli.common import JsonOption

if TYPE_CHECKING:
    from digest.i18n import Translator
    from digest.models import Alert

app = common.group("Who is told when something wants a person, and what does now.")

DigestName = Annotated[str, typer.Argument(metavar="DIGEST", help="The digest.")]
Addresses = Annotated[
    list[str], typer.Argument(metavar="ADDRESS", help="Of people with an account; several if wanted.")
]
AlertId = Annotated[int, typer.Argument(metavar="ID", help="The alert's id.")]
Language = Annotated[str, typer.Option(help="The language of the words: en or hy.")]


@app.command("add", epilog="Example: digest alerts add courier nare@example.org")
def add(digest: DigestName, addresses: Addresses) -> None:
    """Have people of the staff told of a digest's alerts."""
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.notices.alerts import add_receiver  # noqa: PLC0415
    from digest.notices.staff import account_of  # noqa: PLC0415

    now = common.now()
    with common.write() as session:
        found = digest_named(session, digest)
        accounts = [account_of(session, address) for address in addresses]
        new = sum(
            add_receiver(session, found, account, actor=common.actor(), now=now) for account in accounts
        )
    common.say(f"{new} more are told of the alerts of {digest}.")


@app.command("remove", epilog="Example: digest alerts remove courier nare@example.org")
def remove(digest: DigestName, addresses: Addresses) -> None:
    """Take it back."""
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.notices.alerts import remove_receiver  # noqa: PLC0415
    from digest.notices.staff import account_of  # noqa: PLC0415

    now = common.now()
    with common.write() as session:
        found = digest_named(session, digest)
        accounts = [account_of(session, address, is_active=False) for address in addresses]
        gone = sum(
            remove_receiver(session, found, account, actor=common.actor(), now=now) for account in accounts
        )
    common.say(f"{gone} fewer are told of the alerts of {digest}.")


@app.command("receivers", epilog="Example: digest alerts receivers courier")
def receivers(digest: DigestName, as_json: bool = JsonOption) -> None:
    """Show who is told of a digest's alerts."""
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.notices.alerts import receivers_of  # noqa: PLC0415

    with common.read() as session:
        people = receivers_of(session, digest_named(session, digest).id)
    if as_json:
        common.print_json([{"id": one.id, "name": one.name, "address": one.address} for one in people])
        return
    rows = [(one.name, one.address) for one in people]
    empty = f"Nobody is told of its alerts; add somebody with `digest alerts add {digest} ADDRESS`."
    common.print_table(("name", "address"), rows, empty=empty)


@app.command("list", epilog="Example: digest alerts list courier --all")
def list_all(
    digest: Annotated[
        str | None, typer.Argument(metavar="[DIGEST]", help="Only those of this digest.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False,
    language: Language = "en",
    as_json: bool = JsonOption,
) -> None:
    """Show what wants a person now."""
    from digest.editions.alert_mails import subject_of  # noqa: PLC0415
    from digest.editions.alert_words import headline  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415
    from digest.notices.alerts import list_alerts  # noqa: PLC0415

    words = Translator(language)
    with common.read() as session:
        owner = digest_named(session, digest).id if digest else None
        found = list_alerts(session, digest_id=owner, lasting=not everything)
        lines = [(one, headline(subject_of(session, one), words)) for one in found]
    if as_json:
        common.print_json([_as_dict(one, line) for one, line in lines])
        return
    rows = [(one.id, line, common.shown(one.raised_at), _state(one)) for one, line in lines]
    common.print_table(("id", "what", "since", "state"), rows, empty="Nothing wants a person now.")


@app.command("show", epilog="Example: digest alerts show 3")
def show(alert: AlertId, language: Language = "en", as_json: bool = JsonOption) -> None:
    """Show what an alert says."""
    from digest.editions.alert_mails import subject_of  # noqa: PLC0415
    from digest.editions.alert_words import headline, sentences  # noqa: PLC0415
    from digest.i18n import Translator  # noqa: PLC0415
    from digest.notices.alerts import get_alert  # noqa: PLC0415

    words: Translator = Translator(language)
    with common.read() as session:
        found = get_alert(session, alert)
        subject = subject_of(session, found)
        line, told = headline(subject, words), sentences(subject, words)
    if as_json:
        common.print_json(_as_dict(found, line) | {"sentences": told})
        return
    common.say(line)
    for sentence in told:
        common.say(sentence)
    common.say(f"Since {common.shown(found.raised_at)}; {_state(found)}.")


@app.command("silence", epilog="Example: digest alerts silence 3")
def silence(alert: AlertId) -> None:
    """Tell nobody of an alert any more, until it is over and comes again."""
    from digest.notices.alerts import get_alert  # noqa: PLC0415
    from digest.notices.alerts import silence as silence_alert  # noqa: PLC0415

    with common.write() as session:
        is_new = silence_alert(session, get_alert(session, alert), actor=common.actor(), now=common.now())
    common.say(f"The alert {alert} is silent{'' if is_new else ' already'}.")


def _state(alert: Alert) -> str:
    if alert.ended_at is not None:
        return f"over since {common.shown(alert.ended_at)}"
    if alert.silenced_at is not None:
        return f"silenced by {alert.silenced_by}"
    return "told" if alert.told_at is not None else "not told yet"


def _as_dict(alert: Alert, line: str) -> dict[str, Any]:
    return {
        "id": alert.id,
        "kind": alert.kind,
        "what": line,
        "edition": alert.edition_id,
        "source": alert.source_id,
        "raised_at": alert.raised_at,
        "told_at": alert.told_at,
        "silenced_at": alert.silenced_at,
        "ended_at": alert.ended_at,
    }
