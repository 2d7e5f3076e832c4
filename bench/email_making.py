"""How long the mails of an edition take to make and to check, and how large the demo's is on the wire."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lxml import html as lxml_html

from bench import effort
from bench.delivery_mail import SENDER
from bench.figures import Figure, Target, by_turns, load, seconds_of
from bench.rendering import page_before_inlining, premailer_alone
from digest.editions.compose import Composed, compose_context
from digest.editions.headings import of_set
from digest.editions.topic_sets import Rendering
from digest.mail.mailbox import MailView, list_messages, read_message
from digest.mail.placeholders import PreparedMail
from digest.models import Digest
from digest.preflight.mail import judge_mail
from digest.preflight.mail_facts import gather
from digest.rendering.contexts import Counting, EditionContext, TextSize
from tests.unit.rendering.samples import BODY, edition, featured

AREA: Final = "email"
POSTS: Final = 20  # beside the commentary


def _all_but(lacking: int) -> tuple[int, ...] | None:
    """The places of all stories but one; 0: of all, which the commentary's place stands for."""
    return tuple(place for place in range(POSTS + 1) if place != lacking) if lacking else None


# Twelve different mails: everything and five topic sets that lack one story each, in both text sizes.
_RENDERINGS: Final = tuple(
    Rendering(f"set{lacking}" if lacking else "", size, _all_but(lacking))
    for lacking in range(6)
    for size in (TextSize.NORMAL, TextSize.LARGE)
)
_OURS: Final = "https://digest.courier.example"
_DEMO_SECONDS: Final = 180


def sample() -> EditionContext:
    """A commentary of some forty paragraphs' worth of words and twenty headlines; its links are counted."""
    lead = featured(body_html=BODY * 6)
    counting = Counting(_OURS, "bench-edition-16")
    return edition(recent=POSTS, featured=lead, web_url=f"{_OURS}/e/bench", counting=counting)


def variants() -> Iterator[Figure]:
    """Twelve variants of one edition, each rendered once and encoded, and its web edition."""
    context = sample()
    pages = [
        page_before_inlining(
            dataclasses.replace(of_set(context, one.positions, None), text_size=one.text_size)
        )
        for one in _RENDERINGS
    ]
    ours, reference = by_turns(
        lambda: 1000 * seconds_of(lambda: _composed(context)),
        lambda: 1000 * seconds_of(lambda: [premailer_alone(page) for page in pages]),
        rounds=effort.rounds(),
    )
    size = len(_composed(context).variants[0].html.encode())
    yield Figure(
        AREA,
        f"make {len(_RENDERINGS)} variants of 1 + {POSTS} posts",
        ours.median,
        "ms",
        reference.median,
        Target("<=", 1000),
        f"HTML of {size / 1000:.0f} kB, text, encoded mails, links, the web edition; {ours.spread}; "
        f"reference: premailer alone on the same {len(_RENDERINGS)} documents; {load()}",
    )


def checks() -> Iterator[Figure]:
    """All rules of preflight over the same twelve mails, without the network."""
    context, composed = sample(), _composed(sample())
    stories = [story for story in (context.featured, *context.recent) if story is not None]

    def judged() -> None:
        for variant in composed.variants:
            facts = gather(
                PreparedMail.from_bytes(variant.mail),
                subject=variant.subject,
                preheader=variant.preheader,
                html=variant.html,
                text=variant.text,
                postal_address=context.postal_address,
                stories=stories,
                edition_at=context.edition_at,
                public_url=_OURS,
            )
            judge_mail(facts)

    ours, reference = by_turns(
        lambda: 1000 * seconds_of(judged),
        lambda: 1000 * seconds_of(lambda: [lxml_html.fromstring(one.html) for one in composed.variants]),
        rounds=effort.rounds(),
    )
    yield Figure(
        AREA,
        f"preflight of {len(_RENDERINGS)} variants of 1 + {POSTS} posts",
        ours.median,
        "ms",
        reference.median,
        Target("<=", 300),
        f"every rule that needs no network; {ours.spread}; reference: lxml alone parses their HTML; {load()}",
    )


def wire() -> Iterator[Figure]:
    """The demo's English edition as the mail server took it, with its headers."""
    with tempfile.TemporaryDirectory(prefix="digest-bench-") as folder:
        env = {**os.environ, "DIGEST_CONFIG": os.devnull}
        argv = [sys.executable, "-m", "digest.cli", "demo", "--once", "--dir", folder]
        subprocess.run(argv, env=env, check=True, capture_output=True, timeout=_DEMO_SECONDS)
        inbox = Path(folder) / "inbox"
        english = [
            mail for each in list_messages(inbox) if (mail := _mail(inbox, each.name)).is_english_edition
        ]
    largest = max(english, key=lambda mail: len(mail.raw))
    html, text = len(largest.view.html.encode()), len(largest.view.text.encode())
    yield Figure(
        AREA,
        "the demo's English edition on the wire",
        len(largest.raw) / 1000,
        "kB",
        (html + text) / 1000,
        Target("<=", 60),
        f"the largest of {len(english)}, headers and encoding included; pictures are linked to; reference: "
        f"its HTML ({html / 1000:.0f} kB) and text ({text / 1000:.0f} kB) as they are",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Caught:
    """One mail of the demo, as it travelled and as it reads."""

    raw: bytes
    view: MailView

    @property
    def is_english_edition(self) -> bool:
        return '<html lang="en"' in self.view.html and "/e/" in self.view.html


def _mail(inbox: Path, name: str) -> _Caught:
    return _Caught((inbox / name).read_bytes(), read_message(inbox, name))


def _composed(context: EditionContext) -> Composed:
    digest = Digest(
        name="courier",
        sender_name="The Courier",
        sender_address=SENDER,
        home_url="https://courier.example/",
        postal_address=context.postal_address,
    )
    return compose_context(digest, context, placed=(), text_sizes=(), renderings=_RENDERINGS, templates=None)
