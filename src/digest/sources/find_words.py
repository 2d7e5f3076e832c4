"""What was found at an address, and why nothing was, in words."""

from __future__ import annotations

from enum import StrEnum

from digest.i18n import N_, Translator
from digest.sources.health import fault_sentence


class FindCode(StrEnum):
    """Why an address that answers leads to no source."""

    NO_FEED = "no_feed"
    NOT_A_PAGE = "not_a_page"
    BROKEN = "broken"
    COMMENTS = "comments"
    FORBIDDEN = "forbidden"
    BUSY = "busy"


class Why(StrEnum):
    """Why one kind of source is suggested."""

    REST_OPEN = "rest_open"
    REST_ALONE = "rest_alone"
    REST_SHUT = "rest_shut"
    GIVEN = "given"
    NAMED = "named"
    LINKED = "linked"
    GUESSED = "guessed"


SENTENCES: dict[str, str] = {
    FindCode.NO_FEED: N_("There is no feed here: the page names none, and none is where sites have them."),
    FindCode.NOT_A_PAGE: N_("This is neither a feed nor a page. Give the address of the site."),
    FindCode.BROKEN: N_("The page names a feed, but it cannot be read. Tell whoever runs the site."),
    FindCode.COMMENTS: N_(
        "The only feed here holds readers' comments. Give the address of the site's front page."
    ),
    FindCode.FORBIDDEN: N_(
        "The site's robots.txt keeps programs from its feeds. Ask the site, or give the feed's own address."
    ),
    FindCode.BUSY: N_("The site asks us to come back later. Try again in some minutes."),
}

REASONS: dict[Why, str] = {
    Why.REST_OPEN: N_(
        "WordPress: the feed tells what is new, the site's interface adds pictures, sections and edits."
    ),
    Why.REST_ALONE: N_("WordPress: its feed cannot be read, but the site's interface has the stories."),
    Why.REST_SHUT: N_("Feed: the site is a WordPress, but its interface is shut to us."),
    Why.GIVEN: N_("Feed: the address is one itself."),
    Why.NAMED: N_("Feed: the page names it as its own."),
    Why.LINKED: N_("Feed: the page has a link to it."),
    Why.GUESSED: N_("Feed: it is where sites often have one, though the page does not name it."),
}


def find_sentence(code: str, detail: str, words: Translator) -> str:
    """Why nothing was found, for a person: a fault of finding or one of fetching."""
    if code not in SENTENCES:
        return fault_sentence(code, detail, words)
    text = words.gettext(SENTENCES[code])
    return f"{text} ({detail.rstrip('.')})" if detail else text


def reason_sentence(why: Why, words: Translator) -> str:
    """Why this kind is suggested."""
    return words.gettext(REASONS[why])
