"""`digest words`: the words that readers see, as a file in which a newsroom writes its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digest.cli import common
from digest.errors import InputError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(epilog="Example: digest words --language hyw --out templates/words/hyw.po")
def words(
    language: Annotated[str, typer.Option(help="en, hy, hyw, fr or ar.")],
    out: Annotated[Path | None, typer.Option(help="The file to write, new; else it is printed.")] = None,
) -> None:
    """Write every message that reaches readers: what it is used for, its words of now, room for your own.

    Keep the file as words/LANGUAGE.po in the folder of your templates (DIGEST_TEMPLATES).
    """
    from digest.i18n import DRAFTS, READER_LANGUAGES, matched  # noqa: PLC0415
    from digest.i18n.newsroom import own_words  # noqa: PLC0415
    from digest.i18n.readers import as_file, reader_messages  # noqa: PLC0415

    known = matched(language)
    if known is None:
        there = ", ".join(READER_LANGUAGES)
        raise InputError(f"The language {language!r} is not among those there are: {there}.")
    common.settings()  # names the folder that words of your own come from
    text, own = as_file(known), own_words(known)[1]
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)
        common.say(f"{len(reader_messages())} messages in {known} are in {out}.")
    count = len(own.single) + len(own.plural)
    if count:
        _note(f"{count} of them are your own words already.")
    if known in DRAFTS:
        _note(f"Our words in {known} are a draft: nobody whose language it is has read them yet.")


def draft_notice(language: str) -> str:
    """What to know of our words in a digest's language; "" where they are finished."""
    from digest.i18n import DRAFTS, READER_LANGUAGES, matched  # noqa: PLC0415

    known = matched(language)
    if known is None:
        there = ", ".join(READER_LANGUAGES)
        return f"Digest has no words in {language}: those around the stories are English. It has {there}."
    if known not in DRAFTS:
        return ""
    return (
        f"Our words in {known} are a draft that wants a native reader: `digest words --language {known}` "
        "writes them to a file."
    )


def _note(sentence: str) -> None:
    # Not on standard output, where the file may be.
    typer.echo(sentence, err=True)


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise InputError(f"There is a file {path} already; name another one.") from None
    except OSError as error:
        raise InputError(f"The file {path} cannot be written: {error.strerror}.") from None
