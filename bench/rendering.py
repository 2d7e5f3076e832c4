"""How long an edition takes to render: warm, and the first one of a process."""

from __future__ import annotations

import dataclasses
import logging
import subprocess
import sys
from collections.abc import Iterator
from unittest import mock

from bench.figures import Figure, Target, by_turns, load, repeat, seconds_of
from digest.rendering import digest_email
from digest.rendering.contexts import EditionContext
from digest.rendering.inline import load_inliner
from tests.unit.rendering.samples import BODY, edition, featured

_COLD = """
import time
started = time.perf_counter()
from bench.rendering import sample
from digest.rendering.digest_email import render_mail
render_mail(sample())
print(time.perf_counter() - started)
"""


def figures() -> Iterator[Figure]:
    """An edition of one commentary and twelve headlines."""
    context = sample()
    page = page_before_inlining(context)
    size = len(digest_email.render_mail(context).html.encode())
    ours, reference = by_turns(
        lambda: 1000 * seconds_of(lambda: digest_email.render_mail(context)),
        lambda: 1000 * seconds_of(lambda: premailer_alone(page)),
        rounds=15,
    )
    yield Figure(
        "spine",
        "render an edition of 1 + 12 posts",
        ours.median,
        "ms",
        reference.median,
        Target("<=", 150),
        f"HTML and text, {size / 1000:.0f} kB; {ours.spread}; reference: premailer alone; {load()}",
    )
    cold = repeat(lambda: 1000 * _cold())
    yield Figure(
        "spine",
        "the first rendering of a process",
        cold.median,
        "ms",
        note=f"imports included, interpreter start not; {cold.spread}; {load()}",
    )


def sample() -> EditionContext:
    """An edition as a newspaper has it: a commentary of some forty paragraphs' worth of words."""
    return edition(featured=dataclasses.replace(featured(), body_html=BODY * 6))


def page_before_inlining(context: EditionContext) -> str:
    """The page as the template made it: what premailer is given."""
    with mock.patch.object(digest_email, "inline_css", lambda page: page):
        return digest_email.render_mail(context).html


def premailer_alone(page: str) -> str:
    """The reference: the inliner with the options that decide on its speed."""
    load_inliner()  # with the room for styles that ours has: else it would read them anew for each document
    import premailer  # noqa: PLC0415

    made: str = premailer.Premailer(
        page,
        allow_network=False,
        allow_loading_external_files=False,
        strip_important=False,
        keep_style_tags=False,
        disable_validation=True,
        cssutils_logging_level=logging.CRITICAL,
    ).transform()
    return made


def _cold() -> float:
    done = subprocess.run([sys.executable, "-c", _COLD], capture_output=True, text=True, check=True)
    return float(done.stdout)
