"""What is made of a coming edition for whoever looks: once for each content, however often it is looked at.

A page, its checks and its previews want the same mail within a second. What is known again is known by all
that it is made of: every word of the edition, the templates and the words in force. So nothing here can be
older than the last change; and whatever is locked, stored or sent is made by itself.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from digest import i18n
from digest.editions.checks import Checked, check
from digest.editions.compose import Composed, Placed, variant_of
from digest.editions.mend import placed_as
from digest.models import Digest
from digest.rendering.campaign import with_campaign
from digest.rendering.contexts import EditionContext, RenderedMail
from digest.rendering.digest_email import render_lines, render_mail
from digest.rendering.environment import environment, template_folders

# Each is of the order of a quarter of a megabyte: those that somebody looks at just now.
_MOST: Final = 16
# Columns of a digest that a mail and its checks go by; with any other one they could not be known again.
_SENDER: Final = ("sender_name", "sender_address", "reply_to", "home_url", "postal_address")

_Stamp = tuple[Any, ...]


def mail_of(context: EditionContext, *, templates: Path | None) -> RenderedMail:
    """As `render_mail`, and raises what that raises."""
    return _mail(context, templates, _stamp(context, templates))


def lines_of(context: EditionContext, *, templates: Path | None) -> tuple[str, str]:
    """As `render_lines`, and raises what that raises."""
    return _lines(context, templates, _stamp(context, templates))


def checked(
    digest: Digest,
    context: EditionContext,
    placed: tuple[Placed, ...],
    *,
    public_url: str,
    templates: Path | None,
) -> Checked:
    """What the checks say of the mail in the normal text size with every story; no site is asked."""
    sender = tuple((name, getattr(digest, name)) for name in _SENDER)
    return _checked(sender, context, placed, public_url, templates, _stamp(context, templates))


def whole_mail(
    digest: Digest, placed: tuple[Placed, ...], templates: Path | None, context: EditionContext
) -> Composed:
    """The mail in the normal text size with every story, and nothing besides: nobody is sent this."""
    variant = variant_of(digest, with_campaign(context), templates)
    return Composed(
        subject=variant.subject,
        preheader=variant.preheader,
        web_html="",
        variants=(variant,),
        items=placed_as(placed, context),
        fingerprint="",
    )


@functools.lru_cache(maxsize=_MOST)
def _mail(context: EditionContext, templates: Path | None, _seen: _Stamp) -> RenderedMail:
    return render_mail(context, templates=templates)


@functools.lru_cache(maxsize=4 * _MOST)
def _lines(context: EditionContext, templates: Path | None, _seen: _Stamp) -> tuple[str, str]:
    return render_lines(context, templates=templates)


@functools.lru_cache(maxsize=_MOST)
def _checked(
    sender: tuple[tuple[str, Any], ...],
    context: EditionContext,
    placed: tuple[Placed, ...],
    public_url: str,
    templates: Path | None,
    _seen: _Stamp,
) -> Checked:
    # A row of no session that has these columns alone: the checks cannot go by another one.
    make = functools.partial(whole_mail, Digest(**dict(sender)), placed, templates)
    return check(Digest(**dict(sender)), context, make, public_url=public_url)


def _stamp(context: EditionContext, templates: Path | None) -> _Stamp:
    """What is another as soon as a template, or a word of the edition's language, is.

    Raises ConfigError as rendering does: for words that are wrong, for a folder that is not there.
    """
    i18n.check_words(context.language)
    environment(context.language, templates)
    folders = [folder / "email" for folder in template_folders()] + ([templates] if templates else [])
    return i18n.translator(context.language), tuple(seen for each in folders for seen in _files(str(each)))


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    """Every file in a folder, with when it was written and how long it is."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            elif entry.is_file():  # not a link to nowhere, of which nothing is rendered
                seen = entry.stat()
                yield entry.path, seen.st_mtime_ns, seen.st_size
