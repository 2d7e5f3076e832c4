"""Where the links of mails lead, by digest, with what can be put right afterwards and what cannot."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.responses import Response

from digest.accounts.rights import May
from digest.editions.digests import set_digest
from digest.i18n import N_
from digest.models import Digest, LinkForm
from digest.web.desk.table import desk
from digest.web.desk.visit import Here

_HERE_ALONE: Final = ("localhost", "127.0.0.1", "::1")
# What may have to be put right in a mail that is out; whether it can be with links straight to the story and
# with links through our own address; and how, or why not.
_CASES: Final = (
    (
        N_("A link leads to the wrong page"),
        False,
        True,
        N_("With counted links it is led elsewhere in every mail."),
    ),
    (
        N_("A story was taken down or has moved"),
        False,
        True,
        N_("With counted links they are led to another page; else the site has to redirect."),
    ),
    (
        N_("A mistake in a title or a text"),
        False,
        False,
        N_("What is in the mail stays. The edition on the web is put right, or a correction goes out."),
    ),
    (N_("The subject, the sender"), False, False, N_("They cannot be changed once it is handed over.")),
    (N_("The edition on the web"), True, True, N_("It can be put right at any time.")),
)


@desk.get("/settings/links", may=May.RUN_SETTINGS)
def show_links(visit: Here) -> Response:
    """Both ways side by side, and which digest goes which."""
    with visit.database.read() as session:
        digests = list(session.scalars(sa.select(Digest).order_by(Digest.title, Digest.id)))
    words = visit.words
    host = urlsplit(visit.settings.public_url).hostname or ""
    return visit.page(
        "settings_links.html",
        digests=digests,
        cases=[
            (words.gettext(what), direct, counted, words.gettext(how))
            for what, direct, counted, how in _CASES
        ],
        public_url=visit.settings.public_url,
        is_here_alone=host in _HERE_ALONE,
    )


@desk.post("/settings/links", may=May.RUN_SETTINGS)
def save_links(visit: Here) -> Response:
    """Another way for one digest, from the next edition that is locked on."""
    links = LinkForm.COUNTED if visit.form.text("links") == LinkForm.COUNTED else LinkForm.DIRECT
    with visit.database.write() as session:
        digest = session.get(Digest, visit.form.number("digest", 0))
        if digest is None:
            raise HTTPException(404)
        if digest.links is not links:
            set_digest(session, digest, {"links": links}, actor=visit.actor, now=visit.now)
    said = (
        N_("Links are counted from the next edition that is locked on.")
        if links is LinkForm.COUNTED
        else N_("Links lead straight to the stories from the next edition on. Older mails go on working.")
    )
    return visit.go("/desk/settings/links", visit.words.gettext(said))
