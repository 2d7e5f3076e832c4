"""`digest post`: what is said of one collected story, for all digests and editions."""

from __future__ import annotations

from typing import Annotated

import typer

from digest.cli import common

app = common.group("Single collected stories: hold one back until a moment.")

PostId = Annotated[
    int, typer.Argument(metavar="POST", help="The post's id, as `digest edition explain` shows it.")
]


@app.command("embargo", epilog="Example: digest post embargo 345 2026-11-24T18:00 --zone Asia/Yerevan")
def embargo(
    post: PostId,
    until: Annotated[str, typer.Argument(help="The moment from which on it may be mailed.")],
    zone: Annotated[str | None, typer.Option(help="The time zone of the moment; else UTC.")] = None,
) -> None:
    """Hold a story back in all digests until a moment, whoever pins it. Locked editions are not changed."""
    from digest.editions.schedule import check_zone  # noqa: PLC0415
    from digest.sources.embargo import hold_back, locked_with  # noqa: PLC0415

    moment = common.parse_moment(until, check_zone(zone) if zone else None)
    with common.write() as session:
        found = hold_back(session, post, moment, actor=common.actor(), now=common.now())
        title, locked = found.title, locked_with(session, found)
    common.say(f"{title}: held back until {common.shown(moment, zone)}.")
    for edition in locked:
        common.say(
            f"Edition {edition} is locked with it and goes out before: `digest edition relock {edition}` "
            f"locks it without; once it is on its way, `digest edition pause {edition}`."
        )


@app.command("release", epilog="Example: digest post release 345")
def release(post: PostId) -> None:
    """Let a story go that was held back. A date in the future that its site gives still counts."""
    from digest.sources.embargo import release as let_go  # noqa: PLC0415

    with common.write() as session:
        title = let_go(session, post, actor=common.actor(), now=common.now()).title
    common.say(f"{title}: it may go out.")
