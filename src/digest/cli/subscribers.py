"""`digest subscriber`: the people on the lists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import typer
from sqlalchemy.orm import Session

from digest import audit
from digest.addresses import keyed_hash, parse_address
from digest.cli import common, erasures, person_set, subscriber_import
from digest.cli.common import JsonOption
from digest.errors import InputError, NotFoundError, StateError
from digest.lists import evidence, former, people, queries, subscribe
from digest.lists.erase import erase_subscriber
from digest.lists.my_data import my_data
from digest.lists.status import Origin
from digest.models import MailingList, Subscriber, Subscription, SubscriptionStatus, TextSize

app = common.group("People on the lists.")
subscriber_import.register(app)
erasures.register(app)

_Address = typer.Argument(help="The person's mail address.")
_List = typer.Option(..., "--list", help="The list.")
_Consent = typer.Option(..., "--consent", help="How and when they agreed, for the proof of consent.")
_Cadence = typer.Option(None, help="How often: a cadence of the list's digest.")


@app.command(
    "add",
    epilog="Example: digest subscriber add ani@example.org --list readers --by phone --clerk 'Nare Saroyan' "
    "--consent 'asked for it when she renewed'",
)
def add(
    address: str = _Address,
    list_name: str = _List,
    consent: str = _Consent,
    name: str = typer.Option("", help="The person's name."),
    zone: str | None = typer.Option(None, help="Time zone, such as America/Los_Angeles."),
    language: str | None = typer.Option(None, help="Language, such as en, hy, hyw, fr or ar."),
    text_size: TextSize = typer.Option(TextSize.NORMAL, help="Size of the text."),
    cadence: str | None = _Cadence,
    asked_again: bool = typer.Option(
        False, "--asked-again", help="The person had left and has asked for it again."
    ),
    by: evidence.Spoken | None = typer.Option(None, "--by", help="How the consent reached us; with --clerk."),
    clerk: str = typer.Option("", "--clerk", help="Who took it: the address of an account, or a name."),
    welcome: bool = typer.Option(False, "--welcome", help="Send the welcome mail."),
    anyway: bool = typer.Option(
        False, "--anyway", help="Somebody had this address until they changed it; this is another person."
    ),
    as_json: bool = JsonOption,
) -> None:
    """Put a person on a list."""
    if clerk and by is None:
        raise InputError("With --clerk say how the consent came: --by phone, in-person or letter.")
    address_key = common.load_keys().address_key
    now = common.now()
    with common.write() as session:
        mailing_list = queries.list_named(session, list_name)
        if not anyway:
            _refuse_former(session, address_key, address)
        result = subscribe.add_subscriber(
            session,
            mailing_list,
            address,
            address_key=address_key,
            consent_text=consent,
            source=Origin.CLI,
            actor=common.actor(),
            now=now,
            name=name,
            zone=zone,
            language=language,
            text_size=text_size,
            cadence_id=_cadence_id(session, mailing_list, cadence),
            asked_again=asked_again,
            spoken=evidence.spoken_details(session, by, clerk) if by else None,
        )
        if result.outcome is not subscribe.AddOutcome.KNOWN:
            subscription = session.get_one(Subscription, result.subscription_id)
            _note(session, f"subscriber.{result.outcome.value}", subscription)
            if welcome:
                _welcome(session, subscription)
    if as_json:
        common.print_json(result)
    elif result.outcome is subscribe.AddOutcome.KNOWN:
        common.say(f"Already on the list {list_name} ({result.status.value}); nothing was changed.")
    else:
        common.say(f"{result.outcome.value.capitalize()}: now {result.status.value} on {list_name}.")


@app.command(
    "pause", epilog="Example: digest subscriber pause ani@example.org --list readers --until 2027-01-15"
)
def pause(
    address: str = _Address,
    list_name: str = _List,
    until: str | None = typer.Option(None, help="The first day to send again, in the person's time zone."),
) -> None:
    """Send nothing until a day, or until resumed."""

    def act(session: Session, subscription: Subscription) -> bool:
        zone = session.get_one(Subscriber, subscription.subscriber_id).zone
        end = common.parse_moment(until, zone) if until else None
        return subscribe.pause(
            session, subscription, until=end, source=Origin.CLI, actor=common.actor(), now=common.now()
        )

    _change(address, list_name, "pause", act)


@app.command("resume", epilog="Example: digest subscriber resume ani@example.org --list readers")
def resume(address: str = _Address, list_name: str = _List) -> None:
    """End a pause."""

    def act(session: Session, subscription: Subscription) -> bool:
        return subscribe.resume(
            session, subscription, source=Origin.CLI, actor=common.actor(), now=common.now()
        )

    _change(address, list_name, "resume", act)


@app.command(
    "end", epilog='Example: digest subscriber end ani@example.org --list readers --reason "wrote to us"'
)
def end(
    address: str = _Address,
    list_name: str = _List,
    reason: str = typer.Option("asked to", help="Why, for the proof of consent."),
) -> None:
    """Take a person off a list; only they can come back."""

    def act(session: Session, subscription: Subscription) -> bool:
        return subscribe.end(
            session,
            subscription,
            source=Origin.CLI,
            actor=common.actor(),
            now=common.now(),
            reason=reason,
        )

    _change(address, list_name, "end", act)


@app.command("erase", epilog="Example: digest subscriber erase ani@example.org --yes")
def erase(
    address: str = _Address,
    yes: bool = typer.Option(False, "--yes", help="Do not ask whether this is meant."),
) -> None:
    """Forget a person for good: all lists, name, address and the details of consent."""
    if not yes:
        typer.confirm("This cannot be undone. Erase this person?", abort=True, err=True)
    with common.write() as session:
        found = queries.subscriber_by_address(session, address)
        now = common.now()
        erase_subscriber(session, found, source=Origin.CLI, now=now, actor=common.actor())
    common.say("Erased. What stays is a number, keyed hashes and an anonymous proof of consent.")


@app.command("data", epilog="Example: digest subscriber data ani@example.org -o ani-data.json")
def data(
    address: str = _Address,
    output: Path | None = typer.Option(None, "--output", "-o", help="Write it into this file."),
) -> None:
    """Give out everything that is held about a person, as JSON: for that person alone."""
    now = common.now()
    with common.open_database() as database:
        with database.read() as session:
            found = queries.subscriber_by_address(session, address)
            made = my_data(session, found.id, now=now)
        with database.write() as session:  # not while it is made: on SQLite nobody else could write
            audit.record(session, "subscriber.data", found, actor=common.actor(), now=now)
    if output is None:
        typer.echo(made, nl=False)
        return
    common.write_private_file(output, [made])
    common.say(f"Everything that is held about this person is in {output}; it is for them alone.")


app.command(
    "set",
    epilog="Example: digest subscriber set ani@example.org --name Ani --list readers --cadence sunday",
)(person_set.set_person)


@app.command("show", epilog="Example: digest subscriber show ani@example.org --json")
def show(
    address: str = typer.Argument(help="The person's mail address, or number."),
    as_json: bool = JsonOption,
) -> None:
    """Show a person, the lists and the history of consent."""
    with common.read() as session:
        if address.isascii() and address.isdigit():
            person = session.get(Subscriber, int(address[:18]))
            if person is None:
                raise NotFoundError(f"There is no subscriber {address[:18]}.")
        else:
            person = queries.subscriber_by_address(session, address)
        found = people.describe(session, person)
    if as_json:
        common.print_json(found)
        return
    common.print_fields(
        {
            "address": found.address,
            "name": found.name or None,
            "zone": found.zone,
            "language": found.language,
            "text size": found.text_size.value,
            "last sign of life": common.shown(found.last_sign_of_life_at, found.zone),
            "do not mail": found.suppressed or "no",
            **found.attributes,
        }
    )
    lists = [
        (
            one.list_name,
            one.status.value,
            one.cadence or "the first",
            common.shown(one.paused_until, found.zone),
        )
        for one in found.subscriptions
    ]
    common.print_table(("list", "status", "how often", "paused until"), lists, empty="On no list.")
    events = [
        (common.shown(event.at, found.zone), one.list_name, event.action, event.status.value, event.source)
        for one in found.subscriptions
        for event in one.events
    ]
    common.print_table(("when", "list", "what", "then", "by"), events, empty="No consent on record.")


@app.command("list", epilog="Example: digest subscriber list --list readers --status paused")
def list_all(
    list_name: str = _List,
    status: SubscriptionStatus | None = typer.Option(None, help="Only those with this status."),
    limit: int = typer.Option(100, min=1, max=100_000, help="At most so many."),
    after: int = typer.Option(0, min=0, help="Begin after this subscriber number."),
    as_json: bool = JsonOption,
) -> None:
    """Show the people on a list, in the order of their numbers."""
    with common.read() as session:
        mailing_list = queries.list_named(session, list_name)
        found = people.page(session, mailing_list.id, status=status, limit=limit, after=after)
    if as_json:
        common.print_json(found)
        return
    rows = [
        (one.subscriber_id, one.address or "(erased)", one.name or None, one.status.value, one.zone)
        for one in found
    ]
    common.print_table(("number", "address", "name", "status", "zone"), rows, empty="Nobody.")
    if len(found) == limit:
        common.say(f"There may be more: add --after {found[-1].subscriber_id}.")


def _change(address: str, list_name: str, action: str, act: Callable[[Session, Subscription], bool]) -> None:
    with common.write() as session:
        mailing_list = queries.list_named(session, list_name)
        subscriber = queries.subscriber_by_address(session, address)
        subscription = queries.subscription_of(session, list_id=mailing_list.id, subscriber_id=subscriber.id)
        if subscription is None:
            raise NotFoundError(f"This person is not on the list {list_name}.")
        was_changed = act(session, subscription)
        if was_changed:
            _note(session, f"subscriber.{action}", subscription)
        status = subscription.status.value
    common.say(f"Now {status} on {list_name}." if was_changed else f"Already {status}; nothing was changed.")


def _refuse_former(session: Session, address_key: bytes, address: str) -> None:
    """Whoever moved to another address would be a second person under the old one, and get all twice."""
    found = former.moved_away(session, keyed_hash(address_key, parse_address(address).key))
    if found is not None:
        raise StateError(
            f"This address was subscriber {found}'s, who has another one now. `digest subscriber "
            f"show {found}` shows who that is. If this is another person, add --anyway."
        )


def _note(session: Session, action: str, subscription: Subscription) -> None:
    audit.record(session, action, subscription, actor=common.actor(), now=common.now())


def _welcome(session: Session, subscription: Subscription) -> None:
    from digest.lists.welcome import ask_welcome  # noqa: PLC0415  (templates and CSS: 0.3 s for one option)

    settings = common.settings()
    ask_welcome(
        session,
        subscription,
        signer=common.load_keys().signer,
        public_url=settings.public_url,
        now=common.now(),
        templates=settings.templates,
    )


def _cadence_id(session: Session, mailing_list: MailingList, name: str | None) -> int | None:
    return None if name is None else queries.cadence_named(session, mailing_list.digest_id, name).id
