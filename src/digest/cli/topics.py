"""`digest topic`: the named groups of sections that readers may choose."""

from __future__ import annotations

from dataclasses import dataclass

import typer

from digest import audit
from digest.cli import common
from digest.cli.common import JsonOption
from digest.lists import queries, topics
from digest.models import Topic

app = common.group("Topics that readers may choose.")

_Digest = typer.Argument(help="The digest.")
_Name = typer.Argument(help="Short name: a-z, digits, hyphens.")
_SECTION = "A category or tag of the stories that belong to it; again for more."


@dataclass(frozen=True, slots=True)
class ShownTopic:
    """A topic for programs."""

    name: str
    title: str
    sections: list[str]
    position: int


@app.command(
    "add",
    epilog='Example: digest topic add courier culture --title "Culture" --section Culture --section Books',
)
def add(
    digest: str = _Digest,
    name: str = _Name,
    title: str = typer.Option(..., help="What readers see."),
    section: list[str] = typer.Option(..., help=_SECTION),
    as_json: bool = JsonOption,
) -> None:
    """Make a topic; it is the last of the digest."""
    with common.write() as session:
        owner = queries.digest_named(session, digest)
        now = common.now()
        made = topics.add_topic(session, owner, name=name, title=title, sections=section, now=now)
        details = {"digest": owner.id, "name": name}
        audit.record(session, "topic.add", made, actor=common.actor(), now=now, details=details)
        shown = _shown(made)
    if as_json:
        common.print_json(shown)
    else:
        common.say(f"The topic {name} is there: readers can choose it where they sign up.")


@app.command("set", epilog='Example: digest topic set courier culture --title "Arts" --position 1')
def set_values(
    digest: str = _Digest,
    name: str = typer.Argument(help="The topic."),
    title: str | None = typer.Option(None, help="What readers see."),
    section: list[str] = typer.Option([], help=_SECTION + " Replaces all."),
    position: int | None = typer.Option(None, help="Its place among the topics; the lowest comes first."),
) -> None:
    """Change a topic."""
    with common.write() as session:
        found = topics.topic_named(session, queries.digest_named(session, digest), name)
        changed = topics.set_topic(found, title=title, sections=section or None, position=position)
        if changed:
            now, actor = common.now(), common.actor()
            audit.record(session, "topic.set", found, actor=actor, now=now, details=changed)
    common.say(f"Changed: {', '.join(changed)}." if changed else "Nothing to change.")


@app.command("limit", epilog="Example: digest topic limit courier 40")
def limit(
    digest: str = _Digest,
    most: int = typer.Argument(help="1 to 200; 24 is what it begins with.", metavar="MAILS"),
) -> None:
    """Set how many different mails an edition may be made into, by topics and text size.

    Beyond it the readers with the rarest choices get the nearest larger one, and the edition says so.
    """
    from digest.editions.digests import set_digest  # noqa: PLC0415

    with common.write() as session:
        owner, now = queries.digest_named(session, digest), common.now()
        set_digest(session, owner, {"variants_most": most}, actor=common.actor(), now=now)
    common.say(f"An edition of {digest} is at most {most} different mails.")


@app.command("list", epilog="Example: digest topic list courier")
def list_all(digest: str = _Digest, *, as_json: bool = JsonOption) -> None:
    """Show a digest's topics in their order."""
    with common.read() as session:
        owner = queries.digest_named(session, digest)
        found = [_shown(topic) for topic in topics.topics_of(session, owner.id)]
        most = owner.variants_most
    if as_json:
        common.print_json(found)
        return
    rows = [(one.position, one.name, one.title, ", ".join(one.sections)) for one in found]
    empty = "There is no topic yet; make one with `digest topic add`."
    common.print_table(("place", "topic", "title", "sections"), rows, empty=empty)
    if rows:
        common.say(f"An edition is at most {most} different mails; `digest topic limit {digest}` changes it.")


@app.command("remove", epilog="Example: digest topic remove courier culture")
def remove(digest: str = _Digest, name: str = typer.Argument(help="The topic.")) -> None:
    """Take a topic away; for readers who chose it, it stands for nothing from now on."""
    with common.write() as session:
        found = topics.topic_named(session, queries.digest_named(session, digest), name)
        now, actor, details = common.now(), common.actor(), {"name": name}
        audit.record(session, "topic.remove", found, actor=actor, now=now, details=details)
        topics.remove_topic(session, found)
    common.say(f"The topic {name} is gone.")


def _shown(topic: Topic) -> ShownTopic:
    return ShownTopic(topic.name, topic.title, list(topic.sections), topic.position)
