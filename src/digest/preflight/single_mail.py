"""Make a single mail: once for all who get the same, judged, and never lost to a fault of a template.

    own templates -> judged -> if they fail or must not go out: the templates that come along -> judged

What is each person's own (the address, a link) are gaps that `mail.prepared.fill` fills. What a mail is made
of is remembered with it, the states of the newsroom's templates and words among it: a thousand people who
confirm within an hour get a mail that was rendered once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
from pathlib import Path
from typing import Any, Final, NamedTuple

from digest import i18n
from digest.logs import get_logger
from digest.mail.message import prepare_notice
from digest.mail.prepared import PreparedMail
from digest.preflight.mail_facts import MailFacts, gather
from digest.preflight.mail_findings import MailFinding, MailLevel
from digest.preflight.single import judge_single
from digest.rendering.contexts import UNSUBSCRIBE_URL, RenderedMail
from digest.rendering.notices import NoticeKind, NoticeValues, render_notice
from digest.rendering.theme import Look

# The place of the person's own link in the prepared mail; the values have UNSUBSCRIBE_URL for it.
LINK: Final = "unsubscribe_url"
# Mails that are remembered, of some 30 kB each.
_KEPT: Final = 48
_NO_SLOT: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # a single mail has no edition's moment
_SAMPLE_URL: Final = "https://sample.example.org"

log = get_logger(__name__)


class Sender(NamedTuple):
    """Whom the mail comes from, and where an answer goes."""

    name: str
    address: str
    reply_to: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Single:
    """A single mail with its gaps. `fault` says why it has not the newsroom's own templates; "": it has."""

    prepared: PreparedMail
    findings: tuple[MailFinding, ...]
    fault: str = ""

    @property
    def blocks(self) -> tuple[MailFinding, ...]:
        """What must not go out like this, and goes all the same: somebody waits for it."""
        return tuple(one for one in self.findings if one.level is MailLevel.BLOCK)


def single_mail(
    kind: NoticeKind,
    language: str,
    values: NoticeValues,
    *,
    sender: Sender,
    look: Look | None = None,
    templates: Path | None = None,
) -> Single:
    """The mail, prepared; fill it with `to`, `date`, `message_id`, and LINK if its values have that place.

    A newsroom's own template that fails, or that makes what must not go out, is told of in the log, and the
    mail is made with the templates that come along. Raises only what those raise.
    """
    words = i18n.translator(language).stamp
    return _single(
        kind, language, values, sender, look or Look(), templates, (words, _stamp(templates, kind))
    )


@functools.lru_cache(maxsize=_KEPT)
def _single(  # noqa: PLR0917  (what it is remembered by)
    kind: NoticeKind,
    language: str,
    values: NoticeValues,
    sender: Sender,
    look: Look,
    templates: Path | None,
    _state: object,
) -> Single:
    fault = ""
    if templates is not None:
        try:
            made = judged(kind, language, values, sender, look, templates=templates, is_whole=False)
        except Exception as error:  # noqa: BLE001  (a template may fail in any way)
            fault = f"{type(error).__name__}: {error}".partition("\n")[0][:200]
        else:
            if not made.blocks:
                return made
            fault = ", ".join(dict.fromkeys(one.code.value for one in made.blocks))
        log.error("a single mail is made without your own templates", kind=kind.value, fault=fault)
    made = judged(kind, language, values, sender, look, is_whole=False)
    if made.blocks:
        codes = ", ".join(dict.fromkeys(one.code.value for one in made.blocks))
        log.error("a single mail goes out with a fault", kind=kind.value, fault=codes)
    return dataclasses.replace(made, fault=fault)


def judged(
    kind: NoticeKind,
    language: str,
    values: NoticeValues,
    sender: Sender,
    look: Look,
    *,
    templates: Path | None = None,
    is_whole: bool = True,
) -> Single:
    """The mail by these templates, whatever is found about it; raises what rendering and encoding raise."""
    rendered = render_notice(kind, language, values, look=look, templates=templates)
    has_link = UNSUBSCRIBE_URL in _texts(values)
    prepared = prepare_notice(
        from_name=sender.name,
        from_address=sender.address,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        reply_to=sender.reply_to,
        allowed=(LINK,) if has_link else (),
    )
    facts = facts_of(prepared, rendered, postal_address=getattr(values, "postal_address", ""))
    return Single(prepared, tuple(judge_single(facts, has_link=has_link, is_whole=is_whole)))


def facts_of(prepared: PreparedMail, rendered: RenderedMail, *, postal_address: str) -> MailFacts:
    """What the rules look at."""
    return gather(
        prepared,
        subject=rendered.subject,
        preheader=rendered.preheader,
        html=rendered.html,
        text=rendered.text,
        postal_address=postal_address,
        stories=(),
        edition_at=_NO_SLOT,
        public_url=_SAMPLE_URL,
    )


def _texts(values: NoticeValues) -> list[Any]:
    return [getattr(values, field.name) for field in dataclasses.fields(values)]


def _stamp(templates: Path | None, kind: NoticeKind) -> tuple[tuple[str, int, int], ...]:
    """Another one whenever a file of the newsroom's that such a mail may be made of is."""
    if templates is None:
        return ()
    found = []
    for folder in (templates / "email" / "_base", templates / "email" / kind.value):
        with contextlib.suppress(OSError):  # it is not there, or is being exchanged
            for path in sorted(folder.iterdir()):
                seen = path.stat()
                found.append((str(path), seen.st_mtime_ns, seen.st_size))
    return tuple(found)
