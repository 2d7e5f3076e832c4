"""`digest digest`: create, change and show digests."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli import common, look, rules
from digest.cli.common import JsonOption
from digest.cli.words import draft_notice
from digest.errors import InputError
from digest.rendering.theme import TimeForm

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from digest.models import Digest

app = common.group("Digests: what they are called, who sends them, their rules and their look.")

app.command(
    "rules",
    epilog="Example: digest digest rules courier --set featured.fallback=hold",
)(rules.rules)

app.command("look", epilog="Example: digest digest look courier --set layout=briefing --logo logo.png")(
    look.look
)


class Links(StrEnum):
    """Where the links of a mail lead."""

    DIRECT = "direct"
    COUNTED = "counted"


Name = Annotated[str, typer.Argument(help="The digest's short name: a-z, digits, hyphens.")]
SenderName = Annotated[str | None, typer.Option(help="Who the mail is from; else the title.")]
PostalAddress = Annotated[
    str | None, typer.Option(help="Postal address at the foot of every mail. Without it none is sent.")
]
HomeUrl = Annotated[str | None, typer.Option(help="The paper's own site.")]
ReplyTo = Annotated[str | None, typer.Option(help="Address that answers go to.")]
BounceAddress = Annotated[
    str | None,
    typer.Option(
        help="Mailbox that bounces go to; it must take bounces+ANYTHING@ as well. '' for the sender's own."
    ),
]
Featured = Annotated[
    str | None,
    typer.Option(help="The featured story: category:NAME, author:NAME, tag:NAME, newest or none."),
]
Intro = Annotated[str | None, typer.Option(help="A line above the stories of every edition.")]
SignOff = Annotated[str | None, typer.Option(help="The paper's closing line below the commentary.")]
RecentMost = Annotated[int | None, typer.Option(help="The most headlines (12).")]
RecentLeast = Annotated[int | None, typer.Option(help="With fewer headlines an edition is skipped (1).")]
RecentDays = Annotated[int | None, typer.Option(help="How old a headline may be, in days (7).")]
SubjectPattern = Annotated[
    str | None,
    typer.Option(help="The subject, as {featured.title}, {digest.title}, {date}, {count} and plain words."),
]
PreheaderPattern = Annotated[str | None, typer.Option(help="The line beside the subject, likewise.")]
SisterGroup = Annotated[
    str | None, typer.Option(help="Name shared by digests of one paper in several languages.")
]
Accent = Annotated[str | None, typer.Option(help="The paper's colour on a light ground, as #rrggbb.")]
AccentDark = Annotated[str | None, typer.Option(help="The paper's colour on a dark ground.")]
TimeFormOption = Annotated[TimeForm | None, typer.Option(help="How a story's time is written.")]
CommentaryWords = Annotated[
    int | None, typer.Option(min=20, max=100_000, help="Cut the commentary after so many words.")
]
Archive = Annotated[
    bool | None, typer.Option("--archive/--no-archive", help="List its past editions for everybody.")
]
ShareLinks = Annotated[bool | None, typer.Option("--share-links/--no-share-links", help="The Share line.")]


@app.command(
    "create",
    epilog="Example: digest digest create courier --title 'The Courier' --language en "
    "--sender news@courier.example --postal-address '1 Mill Lane, Springdale' "
    "--featured category:Commentary",
)
def create(
    name: Name,
    title: Annotated[str, typer.Option(help="What readers see.")],
    language: Annotated[str, typer.Option(help="en, hy, hyw, fr, ar, or a tag such as fr-CA.")],
    sender: Annotated[str, typer.Option(help="Address that the mail comes from.")],
    sender_name: SenderName = None,
    postal_address: PostalAddress = None,
    home_url: HomeUrl = None,
    reply_to: ReplyTo = None,
    bounce_address: BounceAddress = None,
    featured: Featured = None,
    intro: Intro = None,
    sign_off: SignOff = None,
    recent_most: RecentMost = None,
    recent_least: RecentLeast = None,
    recent_days: RecentDays = None,
    subject_pattern: SubjectPattern = None,
    preheader_pattern: PreheaderPattern = None,
    sister_group: SisterGroup = None,
    accent: Accent = None,
    accent_dark: AccentDark = None,
    time_form: TimeFormOption = None,
    commentary_words: CommentaryWords = None,
    share_links: ShareLinks = None,
    archive: Archive = None,
    as_json: bool = JsonOption,
) -> None:
    """Create a digest."""
    from digest.editions.digests import create_digest  # noqa: PLC0415

    with common.write() as session:
        made = create_digest(
            session,
            name=name,
            title=title,
            language=language,
            sender_address=sender,
            sender_name=sender_name,
            postal_address=postal_address,
            home_url=home_url,
            reply_to=reply_to,
            bounce_address=bounce_address,
            featured=featured,
            intro=intro,
            sign_off=sign_off,
            recent_most=recent_most,
            recent_least=recent_least,
            recent_days=recent_days,
            subject_pattern=subject_pattern,
            preheader_pattern=preheader_pattern,
            sister_group=sister_group,
            accent=accent,
            accent_dark=accent_dark,
            time_form=time_form.value if time_form else None,
            commentary_words=commentary_words,
            show_share_links=share_links,
            has_archive=archive,
            actor=common.actor(),
            now=common.now(),
        )
        result = as_dict(session, made)
    if as_json:
        common.print_json(result)
        return
    common.say(
        f"The digest {name} is there. Give it sources (`digest source add URL --digest {name}`) and a rhythm "
        f"(`digest cadence add {name} ...`)."
    )
    if said := draft_notice(result["language"]):
        common.say(said)
    if not result["postal_address"]:
        common.say("It has no postal address yet: its editions are held until it has one.")


@app.command(
    "set", epilog="Example: digest digest set courier --source https://courier.example/feed/ --recent-most 10"
)
def set_values(
    name: Name,
    title: Annotated[str | None, typer.Option(help="What readers see.")] = None,
    language: Annotated[str | None, typer.Option(help="en, hy, hyw, fr, ar, or a tag such as fr-CA.")] = None,
    sender: Annotated[str | None, typer.Option(help="Address that the mail comes from.")] = None,
    sender_name: SenderName = None,
    postal_address: PostalAddress = None,
    home_url: HomeUrl = None,
    reply_to: ReplyTo = None,
    bounce_address: BounceAddress = None,
    featured: Featured = None,
    intro: Intro = None,
    sign_off: SignOff = None,
    recent_most: RecentMost = None,
    recent_least: RecentLeast = None,
    recent_days: RecentDays = None,
    subject_pattern: SubjectPattern = None,
    preheader_pattern: PreheaderPattern = None,
    sister_group: SisterGroup = None,
    accent: Accent = None,
    accent_dark: AccentDark = None,
    time_form: TimeFormOption = None,
    commentary_words: CommentaryWords = None,
    share_links: ShareLinks = None,
    links: Annotated[
        Links | None, typer.Option(help="Stories are linked to directly, or counted through our domain.")
    ] = None,
    archive: Archive = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Draw from this source too (id or address). May be repeated.")
    ] = None,
    no_source: Annotated[
        list[str] | None, typer.Option(help="Draw from this source no longer. May be repeated.")
    ] = None,
) -> None:
    """Change a digest. What is not given stays as it is; what is locked already is not changed."""
    from digest.editions.digests import set_digest  # noqa: PLC0415
    from digest.lists.queries import digest_named  # noqa: PLC0415

    changes = {
        "title": title,
        "language": language,
        "sender_address": sender,
        "sender_name": sender_name,
        "postal_address": postal_address,
        "home_url": home_url,
        "reply_to": reply_to,
        "bounce_address": bounce_address,
        "featured": featured,
        "intro": intro,
        "sign_off": sign_off,
        "recent_most": recent_most,
        "recent_least": recent_least,
        "recent_days": recent_days,
        "subject_pattern": subject_pattern,
        "preheader_pattern": preheader_pattern,
        "sister_group": sister_group,
        "accent": accent,
        "accent_dark": accent_dark,
        "time_form": time_form.value if time_form else None,
        "commentary_words": commentary_words,
        "show_share_links": share_links,
        "links": links.value if links else None,
        "has_archive": archive,
    }
    wants_settings = any(value is not None for value in changes.values())
    if not wants_settings and not source and not no_source:
        raise InputError("Nothing to change was given; `digest digest set --help` lists what can be.")
    said = []
    with common.write() as session:
        digest = digest_named(session, name)
        if wants_settings:
            fields = set_digest(session, digest, changes, actor=common.actor(), now=common.now())
            said.append(f"Changed: {', '.join(field.replace('_', ' ') for field in fields)}.")
        if language is not None and (notice := draft_notice(digest.language)):
            said.append(notice)
        said += _change_sources(session, digest, source or [], no_source or [])
    common.say(" ".join(said))


@app.command("show", epilog="Example: digest digest show courier")
def show(name: Name, as_json: bool = JsonOption) -> None:
    """Show a digest whole: settings, look, sources and rhythms."""
    from digest.lists.queries import digest_named  # noqa: PLC0415

    with common.read() as session:
        found = as_dict(session, digest_named(session, name))
    if as_json:
        common.print_json(found)
        return
    theme = {f"look: {key.replace('_', ' ')}": value for key, value in found.pop("look").items()}
    sources = [f"{one['id']} {one['url']}" for one in found.pop("sources")]
    cadences = [f"{one['name']}: {one['cron']} in {one['zone']}" for one in found.pop("cadences")]
    found["created_at"] = common.shown(found["created_at"])
    lines = {key.replace("_", " "): value if value != "" else None for key, value in found.items()}
    common.print_fields(
        {**lines, **theme, "sources": "; ".join(sources) or None, "cadences": "; ".join(cadences) or None}
    )


@app.command("list", epilog="Example: digest digest list --json")
def list_all(as_json: bool = JsonOption) -> None:
    """Show all digests."""
    from digest.editions.show import all_digests  # noqa: PLC0415

    with common.read() as session:
        found = [as_dict(session, digest) for digest in all_digests(session)]
    if as_json:
        common.print_json(found)
        return
    rows = [
        (
            one["name"],
            one["title"],
            one["language"],
            one["featured"],
            len(one["sources"]),
            ", ".join(cadence["name"] for cadence in one["cadences"]) or None,
        )
        for one in found
    ]
    columns = ("digest", "title", "language", "featured", "sources", "cadences")
    common.print_table(columns, rows, empty="There is no digest yet; make one with `digest digest create`.")


def as_dict(session: Session, digest: Digest) -> dict[str, Any]:
    """A digest with what hangs on it, for programs."""
    from digest.editions.show import cadences_of  # noqa: PLC0415
    from digest.sources.queries import sources_of  # noqa: PLC0415

    featured = digest.featured_by.value + (f":{digest.featured_value}" if digest.featured_value else "")
    return {
        "id": digest.id,
        "name": digest.name,
        "title": digest.title,
        "language": digest.language,
        "sister_group": digest.sister_group,
        "sender_name": digest.sender_name,
        "sender_address": digest.sender_address,
        "reply_to": digest.reply_to,
        "bounce_address": digest.bounce_address,
        "postal_address": digest.postal_address,
        "home_url": digest.home_url,
        "featured": featured,
        "subject_pattern": digest.subject_pattern,
        "preheader_pattern": digest.preheader_pattern,
        "rules": dict(digest.rules or {}),
        "intro": digest.intro,
        "sign_off": digest.sign_off,
        "recent_most": digest.recent_most,
        "recent_least": digest.recent_least,
        "recent_days": digest.recent_days,
        "look": dict(digest.look),
        "links": digest.links.value,
        "has_archive": digest.has_archive,
        "sources": [{"id": one.id, "url": one.url} for one in sources_of(session, digest.id)],
        "cadences": [
            {"name": one.name, "cron": one.cron, "zone": one.zone, "is_running": one.is_running}
            for _, one in cadences_of(session, digest.id)
        ],
        "created_at": digest.created_at,
    }


def _change_sources(session: Session, digest: Digest, add: list[str], leave: list[str]) -> list[str]:
    from digest.editions.digests import leave_source, use_sources  # noqa: PLC0415
    from digest.sources.catalogue import get_source  # noqa: PLC0415

    said = []
    if add:
        sources = [get_source(session, reference) for reference in add]
        added = use_sources(session, digest, sources, actor=common.actor(), now=common.now())
        said.append(f"Sources added: {added}.")
    if leave:
        gone = [get_source(session, reference) for reference in leave]
        left = sum(
            leave_source(session, digest, source, actor=common.actor(), now=common.now()) for source in gone
        )
        said.append(f"Sources left: {left}.")
    return said
