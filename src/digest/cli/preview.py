"""`digest preview`: an edition's mails as files, and as pictures of what readers see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli import common

if TYPE_CHECKING:
    from digest.editions.preview import Preview

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example: digest preview 12 --out /tmp/edition-12")
def preview(
    edition: Annotated[int, typer.Argument(min=1, max=2**63 - 1, metavar="EDITION", help="Its number.")],
    out: Annotated[Path, typer.Option(help="The folder to write to; it is made if it is not there.")],
    revision: Annotated[int | None, typer.Option(min=1, help="This version; default: the current.")] = None,
    browser: Annotated[Path | None, typer.Option(help="A Chromium; default: the one on PATH.")] = None,
    pictures: Annotated[bool, typer.Option(help="Take pictures, where a Chromium is there.")] = True,
) -> None:
    """Write an edition's mails to files: HTML, text, the whole message, and a page that shows every look.

    Nothing is changed and nobody is mailed. A locked edition is written as it will go out, another as it
    would go out now. With a Chromium there are pictures too: 320, 600 and 1,000 pixels wide, light and dark,
    without pictures and without style blocks. Only pictures that we have copies of are shown.
    """
    from digest.cli.preview_files import write_preview  # noqa: PLC0415
    from digest.editions import preview as previews  # noqa: PLC0415
    from digest.rendering.camera import find_browser  # noqa: PLC0415

    config = common.settings()
    with common.open_database() as database:
        found: Preview = previews.preview(
            database,
            edition,
            public_url=config.public_url,
            templates=config.templates,
            now=common.now(),
            revision_number=revision,
        )
    common.make_folder(out, what="previews")
    program = find_browser(browser) if pictures else None
    written = write_preview(found, out, browser=program)
    for path in written:
        common.say(str(path))
    if pictures and program is None:
        common.say("No Chromium was found, so there are no pictures; open the contact sheets in a browser.")
