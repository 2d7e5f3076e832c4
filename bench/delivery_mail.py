"""The mails that the sending is measured with."""

from __future__ import annotations

import dataclasses

from digest.mail.message import build_digest
from digest.mail.placeholders import fill
from digest.mail.prepared import PreparedMail
from digest.rendering.digest_email import render_mail
from tests.unit.rendering.samples import BODY, edition, featured

SENDER = "news@courier.example"
WIRE_BYTES = 70_000
_PARAGRAPH = (
    "<p>The question printed on the card was simply when they would come, if they could. Volunteers sorted "
    "the answers in shoeboxes over two weekends, and <em>evenings</em> won by a distance.</p>"
)
_SENTENCE = "Volunteers sorted the answers over two weekends.\n"
_GREETING, _PERSONAL = "Good morning.", "Good morning, %%name%%."
_VALUES = {
    "to": "reader1@mail1.test",
    "to_name": "Anahit Sarian 1",
    "name": "Anahit Sarian 1",
    "message_id": "<e1.0123456789abcdef@courier.example>",
    "date": "Mon, 23 Nov 2026 13:30:00 +0000",
    "list_id": "readers-1.courier.example",
    "list_name": "The Courier by mail",
    "unsubscribe_url": "https://digest.courier.example/u/" + "x" * 40,
    "unsubscribe_mailto": "",
}


def mail_of(size: int = WIRE_BYTES) -> PreparedMail:
    """A digest as a newspaper has it, the commentary as long as it takes to be so large on the wire."""
    found, step = 1, 64
    while step:
        if len(wire(_mail(found + step))) <= size:
            found += step
        step //= 2
    return _mail(found)


def small_mail(size: int = 1_000) -> PreparedMail:
    """A mail of about so many bytes: where the number of messages matters and not their length."""
    text = "A bridge is mended, %%name%%.\n\n" + _SENTENCE * (size // len(_SENTENCE) // 2)
    return build_digest(
        from_name="The Courier",
        from_address=SENDER,
        subject="A bridge is mended",
        html=f"<p>{text}</p><p><a href='%%unsubscribe_url%%'>Sign off</a></p>",
        text=f"{text}\n\nSign off: %%unsubscribe_url%%\n",
    )


def wire(mail: PreparedMail) -> bytes:
    """A person's mail as it travels."""
    return fill(mail, _VALUES)


def _mail(paragraphs: int) -> PreparedMail:
    commentary = dataclasses.replace(featured(), body_html=BODY + _PARAGRAPH * paragraphs)
    rendered = render_mail(edition(intro=_GREETING, featured=commentary))
    # A writer's text cannot hold a placeholder: it is put in behind the renderer's back.
    html, text = (part.replace(_GREETING, _PERSONAL) for part in (rendered.html, rendered.text))
    return build_digest(
        from_name="The Courier",
        from_address=SENDER,
        subject=rendered.subject,
        html=html,
        text=text,
        list_help="https://digest.courier.example/help",
        feedback_id="2026w47:daily:bulk:courier",
    )
