"""Campaign tags: parameters by which the paper's own analytics tell that a reader came by a mail. Pure.

They stand on links to the paper's own stories alone: never on a way to sign off, a reader's own page, the
web edition, or another site. They name the edition, nobody.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from digest.rendering.contexts import EditionContext, Story
from digest.rendering.theme import Campaign
from digest.rendering.words import clean_address


def with_campaign(context: EditionContext) -> EditionContext:
    """The edition as its mail links to it; what is shared keeps the address without tags.

    To be called before links are counted: a counted link leads to the tagged address.
    """
    campaign = context.look.campaign
    if campaign is None:
        return context
    hosts = {_host(context.digest_url), *map(_bare, campaign.hosts)} - {""}
    date = context.edition_at.astimezone(ZoneInfo(context.zone)).date().isoformat()

    def marked(story: Story) -> Story:
        url = tagged(story.url, campaign, hosts=hosts, date=date)
        return story if url == story.url else replace(story, url=url, share_url=story.share_url or story.url)

    return replace(
        context,
        featured=marked(context.featured) if context.featured is not None else None,
        recent=tuple(marked(story) for story in context.recent),
    )


def tagged(url: str, campaign: Campaign, *, hosts: set[str], date: str) -> str:
    """The address with the campaign's parameters; as it is if it is not the paper's, or has them already."""
    clean = clean_address(url)
    host = _host(clean)
    if not host or not any(host == own or host.endswith(f".{own}") for own in hosts):
        return url
    parts = urlsplit(clean)
    there = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    values = {
        "source": campaign.source,
        "medium": campaign.medium,
        "campaign": campaign.name.replace("{date}", date),
    }
    more = [
        f"{campaign.prefix}{name}={quote(value, safe='')}"
        for name, value in values.items()
        if value and f"{campaign.prefix}{name}" not in there
    ]
    return urlunsplit(parts._replace(query="&".join(([parts.query] if parts.query else []) + more)))


def _host(url: str) -> str:
    try:
        return _bare(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def _bare(host: str) -> str:
    return host.strip().lower().removeprefix("www.")
