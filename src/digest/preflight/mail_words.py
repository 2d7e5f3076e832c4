"""Each finding about a mail in words, and what to do about it, in the language of who reads it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from digest.errors import DigestError, Word
from digest.i18n import N_, Translator
from digest.preflight.mail_findings import Code, MailFinding, MailLevel


class Said(NamedTuple):
    """What is wrong, and what to do."""

    what: str
    mend: str


LEVELS: Final[dict[MailLevel, str]] = {
    # TRANSLATORS: how grave a finding about a mail is: it must not go out; it was mended; it may go out.
    MailLevel.BLOCK: N_("Must not go out"),
    MailLevel.MENDED: N_("Mended"),
    MailLevel.WARN: N_("Could be better"),
}

SENTENCES: Final[dict[Code, Said]] = {
    Code.EMPTY_EDITION: Said(
        N_("There is no story in this edition, or its mail has no words."),
        N_("Add a story, or leave the edition out."),
    ),
    Code.NO_SIGN_OFF_LINK: Said(
        N_("The %(part)s has no link to unsubscribe that a reader can see."),
        N_("Put %%unsubscribe_url%% into the template of this part, as a link with words."),
    ),
    Code.NO_ADDRESS_SET: Said(
        N_("The digest has no postal address, which every mail must carry."),
        N_("Set the postal address of the digest, and lock the edition again."),
    ),
    Code.ADDRESS_NOT_SHOWN: Said(
        N_("The %(part)s does not show the digest's postal address."),
        N_("If the address has changed, lock the edition again; else put it into the template of this part."),
    ),
    Code.PLACEHOLDER_LEFT: Said(
        N_("A gap was left unfilled: %(found)s"),
        N_("Take it out of the template, the intro or the story, and lock the edition again."),
    ),
    Code.DANGEROUS: Said(
        N_("The mail holds what mail programs refuse as dangerous: %(found)s"),
        N_("Take it out of the template; a mail has no scripts, forms, frames or addresses of files."),
    ),
    Code.TOO_LARGE: Said(
        N_("The HTML part has %(size)s bytes; Gmail cuts off what is far above %(most)s."),
        N_("Show fewer stories, shorter excerpts, or the commentary cut after some words."),
    ),
    Code.STYLES_TOO_LARGE: Said(
        N_("The styles have %(size)s bytes; Gmail leaves out all of them above %(most)s."),
        N_("Shorten the style blocks of the template."),
    ),
    Code.THIN_TEXT: Said(
        N_("The text part has %(share)s%% of the HTML part's letters; filters take such mails for spam."),
        N_("Let the text template show the same stories as the HTML template."),
    ),
    Code.SUBJECT_EMPTY: Said(N_("The subject is empty."), N_("Give the edition a subject.")),
    Code.SUBJECT_MARKUP: Said(
        N_("The subject holds markup or an entity, which readers would see as it is: %(found)s"),
        N_("Write the sign itself, or take it out of the title."),
    ),
    Code.SUBJECT_LONG: Said(
        N_("The subject has %(length)s letters; above %(most)s most of it is cut off."),
        N_("Give the edition a shorter subject; a phone shows the first 40 letters or so."),
    ),
    Code.SUBJECT_SHOUTS: Said(
        N_("The subject shouts: capitals throughout, or many exclamation marks."),
        N_("Write it in small letters, with one exclamation mark at most; filters count both."),
    ),
    Code.PREHEADER_EMPTY: Said(
        N_("There is no preheader; mail programs show whatever stands first."),
        N_("Give the edition a preheader that goes on where the subject ends."),
    ),
    Code.PREHEADER_SAME: Said(
        N_("The preheader repeats the subject."),
        N_("Let the preheader say something else."),
    ),
    Code.PREHEADER_SHORT: Said(
        N_("The preheader has %(length)s letters; below %(least)s mail programs fill up with other words."),
        N_("Make the preheader longer."),
    ),
    Code.PREHEADER_LONG: Said(
        N_("The preheader has %(length)s letters; above %(most)s it is cut off."),
        N_("Make the preheader shorter."),
    ),
    Code.PREHEADER_SHOUTS: Said(
        N_("The preheader shouts: capitals throughout, or many exclamation marks."),
        N_("Write it in small letters, with one exclamation mark at most; filters count both."),
    ),
    Code.PICTURE_WITHOUT_SIZE: Said(
        N_("A picture has no width, so Outlook shows it as large as its file: %(url)s"),
        N_("Give it a width in pixels in the template."),
    ),
    Code.PICTURE_WITHOUT_WORDS: Said(
        N_("A picture has no words for those who do not see it: %(url)s"),
        N_("Say in its alternative text what it shows."),
    ),
    Code.PICTURE_NOT_SHOWN: Said(
        N_("A picture is of a kind that many mail programs do not show: %(url)s"),
        N_("Use a JPEG, PNG or GIF with a whole web address."),
    ),
    Code.SAME_STORY: Said(
        N_("A story stands in this edition twice: %(title)s"),
        N_("Drop one of the two."),
    ),
    Code.OLD_TODAY: Said(
        N_("A story that is more than a day old says “%(word)s”: %(title)s"),
        N_("Name the day in its title or excerpt."),
    ),
    Code.NO_LIST_UNSUBSCRIBE: Said(
        N_("The header List-Unsubscribe is missing; large receivers refuse bulk mail without it."),
        N_("Lock the edition again; if this stays, report it as a fault of the program."),
    ),
    Code.LIST_UNSUBSCRIBE_FORM: Said(
        N_("The header List-Unsubscribe is not as RFC 2369 has it, so the button to leave is not shown."),
        N_("Look at the public address of this installation, and lock the edition again."),
    ),
    Code.SIGN_OFF_NOT_HTTPS: Said(
        N_("The link to leave is not https, so mail programs show no button for it (RFC 8058)."),
        N_("Give this installation a public address that begins with https."),
    ),
    Code.NO_ONE_CLICK: Said(
        N_("The header List-Unsubscribe-Post is missing or not as RFC 8058 has it."),
        N_("Lock the edition again; if this stays, report it as a fault of the program."),
    ),
    Code.LONG_LINE: Said(
        N_("The encoded mail has a line of %(length)s bytes; servers refuse more than %(most)s."),
        N_("Lock the edition again; if this stays, report it as a fault of the program."),
    ),
    Code.LONG_CODED_LINE: Said(
        N_("A coded line of the mail has %(length)s bytes; its coding allows %(most)s."),
        N_("Lock the edition again; if this stays, report it as a fault of the program."),
    ),
    Code.BARE_LINE_END: Said(
        N_("A line of the encoded mail does not end as mail demands (CRLF)."),
        N_("Lock the edition again; if this stays, report it as a fault of the program."),
    ),
    Code.PICTURE_DROPPED: Said(
        N_("A picture was left out, for it is not there or is none that mail programs show: %(url)s"),
        N_("Nothing has to be done. To have one, give the story another picture and lock the edition again."),
    ),
    Code.EXCERPTS_SHORTENED: Said(
        N_("To stay below %(most)s bytes, excerpts were cut to %(letters)s letters in %(stories)s stories."),
        N_("Nothing has to be done. To have longer excerpts, let the digest show fewer stories."),
    ),
    Code.EXCERPTS_LEFT_OUT: Said(
        N_("To stay below %(most)s bytes, the excerpts of %(stories)s stories were left out."),
        N_("Nothing has to be done. To have excerpts, let the digest show fewer stories."),
    ),
    Code.PICTURE_HEAVY: Said(
        N_("A picture's file has more than %(most)s bytes, which is slow on a phone: %(url)s"),
        N_("Use a smaller file; twice the width that is shown is enough."),
    ),
    Code.PICTURE_UNREACHABLE: Said(
        N_("A picture could not be fetched when the mail was checked: %(url)s"),
        N_("See whether it opens in a browser; if it does not, give the story another picture."),
    ),
    Code.LINK_DEAD: Said(
        N_("A link in “%(title)s” leads to a page that is gone: %(url)s"),
        N_("Take the link out or mend it, and lock the edition again."),
    ),
    Code.LINK_UNREACHABLE: Said(
        N_("A link in “%(title)s” could not be opened when the mail was checked: %(url)s"),
        N_("See whether it opens in a browser; its site may only have been slow."),
    ),
    Code.NOT_LOOKED_AT: Said(
        N_("%(count)s links and pictures were not looked at: there was no more time for it."),
        N_("Nothing has to be done; open them by hand if in doubt."),
    ),
    Code.FEATURED_OLD: Said(
        N_("The featured story is %(days)s days old: %(title)s"),
        N_("Feature another one, or tell the digest how old it may be."),
    ),
    Code.PICTURES_ALONE: Said(
        N_("The mail has pictures and hardly any words; filters take such mails for spam."),
        N_("Say in words what the pictures show."),
    ),
    Code.FAINT_WORDS: Said(
        N_("Words can hardly be told from what is behind them: %(found)s"),
        N_("Give them another colour; filters take such words for hidden ones."),
    ),
    Code.UNSEEN_WORDS: Said(
        N_("Words are hidden in a way that filters take for spam: %(found)s"),
        N_("Hide a preheader by display:none and max-height:0, as the templates that come along do."),
    ),
    Code.NUMBER_LINK: Said(
        N_("A link leads to a number in place of a name, as in spam: %(url)s"),
        N_("Use an address with the name of the site."),
    ),
    Code.SHORT_LINK: Said(
        N_("A link goes by a service that shortens addresses, as in spam: %(url)s"),
        N_("Use the address that it leads to."),
    ),
    Code.LINK_SAYS_OTHER: Said(
        N_("A link shows the address %(shown)s and leads to another one: %(url)s"),
        N_("Write words in place of the address; mail programs warn of such links."),
    ),
    Code.LINK_EMPTY: Said(
        N_("A link leads nowhere: %(words)s"),
        N_("Give it an address, or take it out of the template."),
    ),
    Code.TITLE_DIFFERS: Said(
        N_("The title inside of the HTML part is another one than the subject: %(title)s"),
        N_("Let the template's title be the subject."),
    ),
    Code.HEADER_MISSING: Said(
        N_("The header %(name)s is missing, or is there more than once."),
        N_("Lock the edition again; if this stays, report it as a fault of the program."),
    ),
    Code.HEADER_RAW: Said(
        N_("The header %(name)s is not coded as mail demands."),
        N_("Lock the edition again; if this stays, report it as a fault of the program."),
    ),
    Code.FREE_MAIL_SENDER: Said(
        N_(
            "The sender's address is of a free mail service; receivers refuse those from other servers: "
            "%(domain)s"
        ),
        N_("Send from an address of the paper's own domain."),
    ),
    Code.NOT_SUPPORTED: Said(
        # TRANSLATORS: the first is a feature of CSS or HTML, the second names mail programs.
        N_("%(feature)s does nothing in %(clients)s."),
        N_("See that the mail holds without it, or take it out of the template."),
    ),
    Code.EMPTY_MAIL: Said(
        N_("A part of this single mail has no words."),
        N_("Write words into the template of this part."),
    ),
    Code.LINK_MISSING: Said(
        N_("The %(part)s does not show the link that this mail is there for."),
        N_("Put that link into the template of this part, with words."),
    ),
    Code.INTRO_ELSEWHERE: Said(
        N_("The introduction or the note links to a story that this mail does not have: %(title)s"),
        N_("Say it in words that fit everybody, or let all topics have that story."),
    ),
    Code.SIGN_OFF_ELSEWHERE: Said(
        N_("The words below the stories link to a story that this mail does not have: %(title)s"),
        N_("Say it in words that fit everybody, or let all topics have that story."),
    ),
}


def said(finding: MailFinding, words: Translator) -> Said:
    """A finding for a person."""
    what, mend = SENTENCES[finding.code]
    facts = {name: _shown(name, value, words) for name, value in finding.facts}
    return Said(words.gettext(what, **facts), words.gettext(mend))


def as_error(findings: Iterable[MailFinding]) -> DigestError:
    """What findings say, one after the other: what is refused, or why."""
    each = {f"what_{number}": _error(one) for number, one in enumerate(findings)}
    return DigestError(" ".join(f"%({name})s" for name in each), hint="", **each)


def _error(finding: MailFinding) -> DigestError:
    facts = {
        name: f"{value:,}" if isinstance(value, int) else Word(value) if name == "part" else value
        for name, value in finding.facts
    }
    return DigestError(SENTENCES[finding.code].what, **facts)


def level_name(level: MailLevel, words: Translator) -> str:
    """How grave a finding is, for a person."""
    return words.gettext(LEVELS[level])


def _shown(name: str, value: str | int, words: Translator) -> str:
    if isinstance(value, int):
        return words.number(value)
    return words.gettext(value) if name == "part" else value
