"""Campaign tags: on the paper's own stories, and on nothing else."""

from __future__ import annotations

import pytest

from digest.rendering.campaign import tagged, with_campaign
from digest.rendering.digest_email import render_mail, render_web
from digest.rendering.theme import Campaign, Look
from tests.unit.rendering.samples import edition, featured

CAMPAIGN = Campaign(source="Post-Bag", name="morning {date}")
TAGS = "utm_source=Post-Bag&utm_medium=email&utm_campaign=morning%202026-11-23"


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("https://news.example.org/a/", f"?{TAGS}"),
        ("https://www.news.example.org/a/", f"?{TAGS}"),
        ("https://photos.news.example.org/a/", f"?{TAGS}"),
        ("https://NEWS.example.org/a/?p=1#part", f"?p=1&{TAGS}#part"),
        ("https://news.example.org/a/?utm_source=mine", f"?utm_source=mine&{TAGS.partition('&')[2]}"),
        ("https://news.example.org.evil.test/a/", ""),
        ("https://badnews.example.org/a/", ""),
        ("https://other.test/news.example.org/", ""),
        ("mailto:desk@news.example.org", ""),
        ("", ""),
    ],
)
def test_only_the_papers_own_links_are_tagged(url: str, query: str) -> None:
    """By its host and those under it; what stands there already, and the place in the page, are kept."""
    made = tagged(url, CAMPAIGN, hosts={"news.example.org"}, date="2026-11-23")
    assert made == (url.partition("?")[0].partition("#")[0].replace("NEWS", "news") + query if query else url)


def test_tags_never_stand_on_personal_links() -> None:
    """Stories have them; signing off, the web edition, the home page, links in a text and sharing do not."""
    context = edition(recent=1, look=Look(campaign=CAMPAIGN))
    mail = render_mail(with_campaign(context))
    assert mail.html.count("utm_campaign") == 2
    assert "https://news.example.org/2026/11/100/?utm_source=Post-Bag" in mail.text
    assert 'href="%%unsubscribe_url%%"' in mail.html
    assert "u=https%3A%2F%2Fnews.example.org%2F2026%2F11%2F100%2F" in mail.html
    assert "utm_" not in render_web(context)


def test_tagging_twice_changes_nothing_more() -> None:
    """A next version is made of stories that may have been tagged."""
    once = with_campaign(edition(featured=featured(), look=Look(campaign=CAMPAIGN)))
    assert with_campaign(once) == once
    assert with_campaign(edition()) == edition()
