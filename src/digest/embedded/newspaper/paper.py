"""What the newspaper says about itself, by language, and where its pages stand."""

from __future__ import annotations

from dataclasses import dataclass

from digest.embedded.newspaper.content import Article, Section

ORIGIN = "https://footbridge.example"  # the paper's lasting name, for ids that must outlive a port number


@dataclass(frozen=True, slots=True)
class Words:
    """The paper's own words in one language; `zone` is where its clock stands."""

    language: str
    name: str
    motto: str
    cities: str
    zone: str
    by: str
    more: str
    latest: str
    back: str
    feed: str
    missing_title: str
    missing_text: str
    invented: str
    other_language: str
    other_code: str


WORDS: dict[str, Words] = {
    "en": Words(
        language="en",
        name="The Footbridge",
        motto="A newspaper for both banks",
        cities="Los Angeles · Boston · Paris · Beirut · Yerevan",
        zone="America/Los_Angeles",
        by="By",
        more="More from The Footbridge",
        latest="Recent posts",
        back="To the front page",
        feed="Feed",
        missing_title="This plank is missing",
        missing_text="There is no page here. It may have been moved, or never laid.",
        invented="The Footbridge is an invented newspaper. Its people, places and news are made up.",
        other_language="Հայերեն",
        other_code="hy",
    ),
    "hy": Words(
        language="hy",
        name="Կամրջակ",
        motto="Երկու ափերի թերթը",
        cities="Լոս Անջելես · Բոստոն · Փարիզ · Բեյրութ · Երևան",
        zone="Asia/Yerevan",
        by="Հեղինակ՝",
        more="Կարդացեք նաև",
        latest="Վերջին նյութերը",
        back="Դեպի առաջին էջ",
        feed="Լրահոս",
        missing_title="Այս տախտակը պակասում է",
        missing_text="Այս հասցեում էջ չկա։ Հնարավոր է՝ տեղափոխվել է կամ երբեք չի դրվել։",
        invented="«Կամրջակը» հորինված թերթ է։ Մարդիկ, վայրերն ու լուրերը հնարված են։",
        other_language="English",
        other_code="en",
    ),
}


def home_path(language: str) -> str:
    """The front page of a language."""
    return f"/{language}/"


def section_path(language: str, section: Section) -> str:
    """The page that lists a section."""
    return f"/{language}/category/{section.slug}/"


def article_path(article: Article) -> str:
    """The page of an article."""
    return f"/{article.language}/{article.slug}/"


def picture_path(name: str) -> str:
    """The file of a drawing."""
    return f"/pictures/{name}.png"


def guid(article: Article) -> str:
    """The article's lasting id. It looks like an address and leads nowhere, as such ids often do."""
    return f"{ORIGIN}/?p={article.id}"
