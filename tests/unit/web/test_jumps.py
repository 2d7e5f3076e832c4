"""Where a finding of the checks leads on the edition page."""

from __future__ import annotations

import datetime as dt

import pytest

from digest.preflight.mail_findings import Code, MailFinding, warn
from digest.rendering.contexts import Story, StoryPicture
from digest.web.desk.jumps import Placed, anchor, jump_of

AT = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)


def placed(key: str, title: str, **values: object) -> Placed:
    plain = {"url": f"https://courier.example/{key[5:]}/", "author": "", "section": "", "excerpt": ""}
    return Placed(key, Story(title=title, published_at=AT, language="en", **{**plain, **values}))  # type: ignore[arg-type]


STORIES = [
    placed("post:1", "The harbour", body_html='<p><a href="https://old.example/x">x</a></p>'),
    placed("post:2", "The bridge", picture=StoryPicture("https://courier.example/a.jpg", "")),
    placed("item:3", "The bridge"),
]


@pytest.mark.parametrize(
    ("finding", "leads_to"),
    [
        (warn(Code.SUBJECT_LONG, length=99, most=90), "w-subject"),
        (warn(Code.PREHEADER_SAME), "w-preheader"),
        (warn(Code.SAME_STORY, title="The bridge"), "story-item-3"),
        (warn(Code.OLD_TODAY, title="The harbour", word="today"), "t-post-1"),
        (warn(Code.PICTURE_HEAVY, url="https://courier.example/a.jpg", most=1), "p-post-2"),
        (warn(Code.LINK_DEAD, url="https://old.example/x", title="The harbour"), "story-post-1"),
        (warn(Code.SHORT_LINK, url="https://old.example/x"), "story-post-1"),
        (warn(Code.SHORT_LINK, url="https://nowhere.example/"), ""),
        (warn(Code.LONG_LINE, length=1, most=1), ""),
    ],
)
def test_a_finding_leads_to_its_field_or_story(finding: MailFinding, leads_to: str) -> None:
    """Of two stories of one title to the second; to a title or a picture where that is what is wrong."""
    assert jump_of(finding, STORIES) == leads_to


def test_an_anchor_is_one_word() -> None:
    """As the templates write it."""
    assert anchor("post:12") == "story-post-12"
