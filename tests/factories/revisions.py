"""Frozen contents of editions, made from rows: no template is rendered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from digest.models import Item, Revision, Role, Variant
from tests.factories.moments import NOW

_FINGERPRINT = "0" * 64


def make_revision(
    session: Session,
    edition_id: int,
    *,
    mail: bytes = b"",
    sizes: Sequence[str] = ("normal",),
    posts: Sequence[int] = (),
    **values: Any,
) -> Revision:
    """An edition's first version: the same mail for each text size, these posts as its headlines."""
    plain = {
        "subject": "A bridge is mended",
        "preheader": "",
        "web_html": "",
        "approved_at": NOW,
        "approved_by": "freeze",
        "created_at": NOW,
    }
    first = {"number": 1, "fingerprint": _FINGERPRINT}
    revision = Revision(edition_id=edition_id, **{**first, **plain, **values})
    session.add(revision)
    session.flush()
    session.add_all(
        Item(revision_id=revision.id, position=position, role=Role.RECENT, post_id=post_id, story={})
        for position, post_id in enumerate(posts)
    )
    session.add_all(
        Variant(
            revision_id=revision.id, text_size=size, html="", text="", mail=mail, fingerprint=_FINGERPRINT
        )
        for size in sizes
    )
    session.flush()
    return revision
