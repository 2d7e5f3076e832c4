"""What is wrong with a source, in words that say what to do."""

from __future__ import annotations

from digest.feeds.types import ParseCode
from digest.i18n import N_, Translator
from digest.net.fetching import FetchCode
from digest.sources.looks import LookCode

SENTENCES: dict[str, str] = {
    FetchCode.UNREACHABLE: N_("The site does not answer. Look whether it opens in a browser."),
    FetchCode.TIMEOUT: N_("The site took longer than we wait. It is tried again by itself."),
    FetchCode.TOO_LARGE: N_("The feed is larger than we take. Ask the site for a shorter one."),
    FetchCode.TOO_MANY_REDIRECTS: N_("The site sends us on and on. Give the address that it ends at."),
    FetchCode.REFUSED_ADDRESS: N_(
        "The address leads into a private network. Name its host in DIGEST_PRIVATE_HOSTS if that is meant."
    ),
    FetchCode.BAD_ADDRESS: N_("This is not an address of the web. Write it like https://example.org/feed/."),
    FetchCode.BAD_ANSWER: N_("The site's answer could not be read. It is tried again by itself."),
    FetchCode.HTTP_STATUS: N_("The site answered with an error. Look whether the feed opens in a browser."),
    FetchCode.CHALLENGE: N_(
        "The site's guard takes us for a robot that is not wanted. Ask the site's host to let us through."
    ),
    ParseCode.NOT_A_FEED: N_("There is a page at this address, but no feed. Give the feed's own address."),
    ParseCode.ENTITIES: N_("The feed declares XML entities, which we refuse: they can hide a bomb."),
    ParseCode.EMPTY: N_("The feed is empty. Its old stories are kept."),
    LookCode.ELSEWHERE: N_(
        "The site shows its front page in place of the story. Look whether it is still there."
    ),
}


def fault_sentence(code: str, detail: str, words: Translator) -> str:
    """A source's fault for a person: the sentence, then the detail in brackets."""
    text = words.gettext(SENTENCES.get(code, code))
    return f"{text} ({detail.rstrip('.')})" if detail else text
