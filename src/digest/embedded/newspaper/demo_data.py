"""What the demo sets up: two sister digests of the invented newspaper, as plain data.

The demo hands these to the same use cases that an editor's clicks reach; the names of the fields are those
of the tables.
"""

from __future__ import annotations

from dataclasses import dataclass

from digest.embedded.newspaper import people
from digest.embedded.newspaper.content import SECTIONS
from digest.models.digest import FeaturedBy, Selection

SISTER_GROUP = "footbridge"
POSTAL_ADDRESS = "The Footbridge, 12 Plank Lane, Riverbend, CA 90000, USA"


@dataclass(frozen=True, slots=True)
class DemoCadence:
    """A rhythm: a cron line in a zone, and how the stories are chosen."""

    name: str
    title: str
    cron: str
    zone: str
    selection: Selection


@dataclass(frozen=True, slots=True)
class DemoDigest:
    """One digest with its list. `feed_path` is where its source stands on the newspaper's site.

    `sections` are the categories of its feed as readers see them; `featured_value` is the one that holds
    the commentaries.
    """

    name: str
    title: str
    language: str
    home_path: str
    feed_path: str
    sender_name: str
    sender_address: str
    reply_to: str
    postal_address: str
    sections: tuple[str, ...]
    featured_by: FeaturedBy
    featured_value: str
    recent_most: int
    recent_days: int
    accent: str
    accent_dark: str
    intro: str
    sign_off: str
    list_name: str
    list_title: str
    list_reason: str
    cadences: tuple[DemoCadence, ...]


ENGLISH = DemoDigest(
    name="footbridge",
    title="The Footbridge",
    language="en",
    home_path="/en/",
    feed_path="/en/feed/",
    sender_name="The Footbridge",
    sender_address="letters@footbridge.example",
    reply_to="editors@footbridge.example",
    postal_address=POSTAL_ADDRESS,
    sections=tuple(section.names["en"] for section in SECTIONS),
    featured_by=FeaturedBy.CATEGORY,
    featured_value="Commentary",
    recent_most=12,
    recent_days=7,
    accent="#9c3524",
    accent_dark="#f0a88f",
    intro="",
    sign_off="Until tomorrow, from all of us at The Footbridge.",
    list_name="footbridge-readers",
    list_title="Readers of The Footbridge",
    list_reason="You get this because you signed up for The Footbridge.",
    cadences=(
        DemoCadence("morning", "Every morning", "0 7 * * *", people.LOS_ANGELES, Selection.LATEST),
        DemoCadence("sunday", "Sunday best-of", "0 9 * * 0", people.LOS_ANGELES, Selection.BEST_OF),
    ),
)

ARMENIAN = DemoDigest(
    name="kamrjak",
    title="Կամրջակ",
    language="hy",
    home_path="/hy/",
    feed_path="/hy/feed/",
    sender_name="Կամրջակ",
    sender_address="namakner@footbridge.example",
    reply_to="khmbagir@footbridge.example",
    postal_address=POSTAL_ADDRESS,
    sections=tuple(section.names["hy"] for section in SECTIONS),
    featured_by=FeaturedBy.CATEGORY,
    featured_value="Տեսակետ",
    recent_most=12,
    recent_days=7,
    accent="#9c3524",
    accent_dark="#f0a88f",
    intro="",
    sign_off="Մինչ վաղը՝ «Կամրջակի» խմբագրություն։",
    list_name="kamrjak-readers",
    list_title="Կամրջակի ընթերցողներ",
    list_reason="Այս նամակը ստանում եք, որովհետև բաժանորդագրվել եք «Կամրջակին»։",
    cadences=(
        DemoCadence("morning", "Ամեն առավոտ", "30 8 * * *", people.YEREVAN, Selection.LATEST),
        DemoCadence("sunday", "Կիրակի՝ շաբաթվա լավագույնը", "0 10 * * 0", people.YEREVAN, Selection.BEST_OF),
    ),
)

DIGESTS: tuple[DemoDigest, ...] = (ENGLISH, ARMENIAN)
