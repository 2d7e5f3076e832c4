"""The mails about somebody's account at the desk: plain, the same for every digest, with one link at most."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from digest import i18n
from digest.rendering.contexts import RenderedMail
from digest.rendering.environment import environment
from digest.rendering.plain_text import tidy
from digest.rendering.subjects import subject_line
from digest.rendering.words import cleaned


class StaffMail(StrEnum):
    """What each is about."""

    INVITE = "invite"
    RESET = "reset"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    CODES_OFF = "codes_off"
    TAKEN_AWAY = "taken_away"


@dataclass(frozen=True, slots=True)
class StaffLetter:
    """What such a mail says; `link_url` may be "".

    `desk_url` is where another password is asked for, `by` who invites, or has taken a list away.
    """

    kind: StaffMail
    paper: str
    desk_url: str
    link_url: str = ""
    by: str = ""


def render_staff_mail(letter: StaffLetter, language: str, *, templates: Path | None = None) -> RenderedMail:
    """Render one; in English where the desk does not speak the language."""
    env = environment(i18n.for_editors(language), templates)
    names = {"letter": cleaned(letter)}
    subject = subject_line(env.get_template("email/desk/subject.txt").render(names))
    text = tidy(env.get_template("email/desk/body.txt").render(names | {"subject": subject}))
    html = env.get_template("email/desk/body.html").render(names | {"subject": subject})
    return RenderedMail(subject=subject, preheader="", html=html, text=text)
