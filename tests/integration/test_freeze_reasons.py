"""Why an edition is skipped or held: every state with its reason, and a sentence for each."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from digest import clock
from digest.editions.freeze import freeze
from digest.editions.progress import skip_past_grace
from digest.editions.reasons import SENTENCES, STATES, sentence, state_name
from digest.editions.states import ALLOWED, move
from digest.errors import StateError
from digest.i18n import LANGUAGES, translator, use_words
from digest.models import (
    Cadence,
    Edition,
    EditionState,
    Reason,
    Revision,
    Source,
    Variant,
)
from digest.rendering.digest_email import MAX_HTML_BYTES
from tests.factories.revisions import make_revision
from tests.integration.arrivals import make_arrivals
from tests.integration.freezing import Room, post, room
from tests.servers.news_site import Page

__all__ = ["room"]

UPCOMING, FROZEN, HELD = EditionState.UPCOMING, EditionState.FROZEN, EditionState.HELD
SKIPPED, SENDING, SENT = EditionState.SKIPPED, EditionState.SENDING, EditionState.SENT


# --- skipped, with the reason


def test_nothing_new(room: Room) -> None:
    """The site has nothing that this cadence has not sent."""
    room.publish()
    edition_id = room.edition()
    assert room.freeze(edition_id) is SKIPPED
    assert room.why(edition_id) == (SKIPPED, Reason.NOTHING_NEW)
    assert room.count(Revision) == 0


def test_too_few_stories(room: Room) -> None:
    """The digest asks for three headlines, there is one: it waits for the next edition and stays news."""
    room.publish(post(1))
    room.change(recent_least=3)
    first = room.edition()
    assert room.freeze(first) is SKIPPED
    assert room.why(first) == (SKIPPED, Reason.TOO_FEW_STORIES)
    room.publish(post(3, hours=0.5), post(2), post(1))
    second = room.edition()
    assert room.freeze(second) is FROZEN
    assert len(room.titles(second)) == 3


def test_sources_down(room: Room) -> None:
    """Nothing new is known because nothing could be read: that is another thing than no news."""
    room.site.put("/feed/", Page(status=500))
    edition_id = room.edition()
    assert room.freeze(edition_id) is SKIPPED
    assert room.why(edition_id) == (SKIPPED, Reason.SOURCES_DOWN)


def test_no_readers(room: Room) -> None:
    """An edition that nobody is to get is skipped when its audience is fixed; its stories stay news."""
    room.publish(post(1))
    edition_id = room.edition()
    room.freeze(edition_id)
    assert room.plan(edition_id) == 0
    assert room.why(edition_id) == (SKIPPED, Reason.NO_READERS)
    room.add_reader()
    second = room.edition()
    assert room.freeze(second) is FROZEN
    assert room.titles(second) == ["Story 1"]


@pytest.mark.parametrize("state", [UPCOMING, FROZEN])
def test_past_grace(room: Room, state: EditionState) -> None:
    """Whatever it waits for, an edition does not wait for ever: after its grace it is skipped."""
    now = clock.utc_now()
    edition_id = room.edition()
    with room.database.write() as session:
        if state is not UPCOMING:
            move(session, session.get_one(Edition, edition_id), state, now=now, reason=Reason.TOO_LARGE)
        assert skip_past_grace(session, now=now + dt.timedelta(hours=2, minutes=59)) == 0
        assert skip_past_grace(session, now=now + dt.timedelta(hours=3, minutes=1)) == 1
        assert skip_past_grace(session, now=now + dt.timedelta(hours=3, minutes=1)) == 0
    assert room.why(edition_id) == (SKIPPED, Reason.PAST_GRACE)


# --- held, with the reason


def test_no_postal_address(room: Room) -> None:
    """Every mail must carry one (CAN-SPAM): the edition is held, and goes on when it is given."""
    room.publish(post(1))
    room.change(postal_address=" \n")
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    assert room.why(edition_id) == (HELD, Reason.NO_POSTAL_ADDRESS)
    room.change(postal_address="1 Mill Lane, Springdale")
    assert room.freeze(edition_id) is FROZEN
    assert room.why(edition_id) == (FROZEN, None)


def test_too_large(room: Room) -> None:
    """Beyond 90 kB mail programs cut a message and hide the sign-off link."""
    paragraph = "<p>" + "The orchards of the plain are heavy this year. " * 20 + "</p>"
    room.publish(post(1, category="Commentary", body=paragraph * (MAX_HTML_BYTES // 800)))
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    found = room.get(edition_id)
    assert (found.state, found.reason) == (HELD, Reason.TOO_LARGE)
    size = re.fullmatch(rf"(\d+) > {MAX_HTML_BYTES}", found.reason_detail)
    assert size
    assert int(size[1]) > MAX_HTML_BYTES
    room.change(look={"commentary_words": 200})
    assert room.freeze(edition_id) is FROZEN


def test_blocked(room: Room) -> None:
    """What else the checks stop, a gap that nobody filled say: held, with the code of what it is."""
    room.publish(post(1, "On {{ title }}"))
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    assert room.why(edition_id) == (HELD, Reason.BLOCKED)
    assert room.get(edition_id).reason_detail == "placeholder_left"
    room.publish(post(1, "On titles"))
    assert room.freeze(edition_id) is FROZEN


def test_no_featured(room: Room) -> None:
    """A digest that must have a commentary waits for a person when there is none, and goes on with one."""
    room.publish(post(1))
    room.change(rules={"featured": {"fallback": "hold"}})
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    assert room.why(edition_id) == (HELD, Reason.NO_FEATURED)
    room.publish(post(2, category="Commentary"), post(1))
    assert room.freeze(edition_id) is FROZEN


def test_thin_news(room: Room) -> None:
    """A digest that asks a person about thin news waits for one, also when there is none at all."""
    room.change(recent_least=2, rules={"thin": {"then": "hold"}})
    room.publish()
    empty = room.edition()
    assert room.freeze(empty) is HELD
    assert room.why(empty) == (HELD, Reason.THIN_NEWS)
    room.publish(post(1))
    assert room.freeze(empty) is HELD
    room.publish(post(2), post(1))
    assert room.freeze(empty) is FROZEN


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% if %}", "Expected an expression"),
        ("{{ edition.no_such_thing }}", "no_such_thing"),
        ('{% extends "email/nowhere.html" %}', "nowhere"),
    ],
)
def test_rendering_failed(room: Room, tmp_path: Path, template: str, words: str) -> None:
    """A newsroom's own template that is broken holds the edition, with what is wrong; nothing is sent."""
    room.publish(post(1))
    folder = tmp_path / "templates"
    (folder / "email" / "digest").mkdir(parents=True)
    (folder / "email" / "digest" / "body.html").write_text(template, encoding="utf-8")
    edition_id = room.edition()
    assert room.freeze(edition_id, templates=folder) is HELD
    assert room.why(edition_id) == (HELD, Reason.RENDERING_FAILED)
    assert words in room.get(edition_id).reason_detail
    assert room.freeze(edition_id) is FROZEN


def test_a_template_folder_that_is_gone_holds(room: Room, tmp_path: Path) -> None:
    """The setting names a folder that does not exist."""
    room.publish(post(1))
    edition_id = room.edition()
    assert room.freeze(edition_id, templates=tmp_path / "gone") is HELD
    assert room.why(edition_id) == (HELD, Reason.RENDERING_FAILED)


def test_words_of_the_newsroom_that_are_wrong_hold(room: Room, tmp_path: Path) -> None:
    """With the file and the message in the detail; mended, the edition goes on with the newsroom's words."""
    room.publish(post(1))
    (tmp_path / "words").mkdir()
    words = tmp_path / "words" / "en.po"
    words.write_text('msgid "Unsubscribe"\nmsgstr "100%% %%name%%"\n', encoding="utf-8")
    edition_id = room.edition()
    use_words(tmp_path)
    try:
        assert room.freeze(edition_id, templates=tmp_path) is HELD
        assert room.why(edition_id) == (HELD, Reason.RENDERING_FAILED)
        assert f"{words} cannot be used: 'Unsubscribe'" in room.get(edition_id).reason_detail
        words.write_text('msgid "Unsubscribe"\nmsgstr "Leave us kindly"\n', encoding="utf-8")
        assert room.freeze(edition_id, templates=tmp_path) is FROZEN
    finally:
        use_words(None)
    with room.database.read() as session:
        pages = session.scalars(sa.select(Variant.html)).all()
    assert pages
    assert all("Leave us kindly" in page for page in pages)


def test_no_sign_off_link(room: Room, tmp_path: Path) -> None:
    """A template of one's own that forgot it."""
    room.publish(post(1))
    folder = tmp_path / "templates"
    (folder / "email" / "digest").mkdir(parents=True)
    text = "{% for story in edition.recent %}{{ story.title }}\n{% endfor %}"
    (folder / "email" / "digest" / "body.txt").write_text(text, encoding="utf-8")
    edition_id = room.edition()
    assert room.freeze(edition_id, templates=folder) is HELD
    assert room.why(edition_id) == (HELD, Reason.NO_SIGN_OFF_LINK)


def test_a_held_edition_says_what_holds_it_now(room: Room, tmp_path: Path) -> None:
    """One fault is mended and another is there: the reason is the new one."""
    room.publish(post(1))
    room.change(postal_address="")
    edition_id = room.edition()
    room.freeze(edition_id)
    room.change(postal_address="1 Mill Lane, Springdale")
    room.freeze(edition_id, templates=tmp_path / "gone")
    found = room.get(edition_id)
    assert (found.state, found.reason) == (HELD, Reason.RENDERING_FAILED)
    assert "gone" in found.reason_detail


def test_a_held_edition_whose_news_went_out_otherwise_is_skipped(room: Room) -> None:
    """When it is mended at last, its only story has been in another edition."""
    room.publish(post(1))
    room.add_reader()
    room.change(postal_address="")
    held = room.edition()
    room.freeze(held)
    room.change(postal_address="1 Mill Lane, Springdale")
    other = room.edition()
    room.freeze(other)
    room.plan(other)
    room.go_on()
    assert room.why(other)[0] is SENDING
    assert room.freeze(held) is SKIPPED
    assert room.why(held) == (SKIPPED, Reason.NOTHING_NEW)


def test_unusual_news(room: Room) -> None:
    """Ten stories at once from a site that brings two a day: held, and it says what is odd."""
    now = clock.utc_now()
    with room.database.write() as session:
        source = session.scalars(sa.select(Source)).one()
        usual = [
            (now - dt.timedelta(days=day, hours=hour), day * 2 + hour)
            for day in range(1, 15)
            for hour in (0, 1)
        ]
        make_arrivals(session, source, usual)
        session.execute(sa.update(Cadence).values(created_at=now - dt.timedelta(hours=12)))
    room.publish(*(post(900 + number, hours=0.1) for number in range(10)))
    edition_id = room.edition()
    assert room.freeze(edition_id) is HELD
    assert room.why(edition_id) == (HELD, Reason.UNUSUAL_NEWS)
    assert [remark["code"] for remark in room.get(edition_id).remarks] == ["many_at_once", "large_share"]
    assert room.count(Revision) == 0


# --- the table and the words


def test_no_other_change_is_possible(room: Room) -> None:
    """Every pair of states: allowed by the table, or a sentence; final states lead nowhere."""
    for final in (SENT, SKIPPED, EditionState.CANCELLED):
        assert ALLOWED[final] == frozenset()
    edition_id = room.edition()
    now = clock.utc_now()
    with room.database.write() as session:
        # Nothing begins without an approved version.
        edition = session.get_one(Edition, edition_id)
        edition.revision_id = make_revision(session, edition_id).id
    for was in EditionState:
        for to in EditionState:
            with room.database.write() as session:
                session.execute(sa.update(Edition).values(state=was))
                edition = session.get_one(Edition, edition_id, populate_existing=True)
                if to in ALLOWED[was]:
                    assert move(session, edition, to, now=now)
                else:
                    with pytest.raises(StateError, match=f"is {STATES[was]} and cannot become {STATES[to]}"):
                        move(session, edition, to, now=now)


@pytest.mark.both_databases
def test_of_two_changes_at_once_one_counts(room: Room) -> None:
    """Whoever read the older state is told that another was quicker, and changes nothing."""
    edition_id = room.edition()
    now = clock.utc_now()
    with room.database.read() as session:
        stale = session.get_one(Edition, edition_id)
    with room.database.write() as session:
        assert move(session, session.get_one(Edition, edition_id), SKIPPED, now=now, reason=Reason.BY_PERSON)
    with room.database.write() as session:
        assert not move(session, stale, FROZEN, now=now)
    assert room.why(edition_id) == (SKIPPED, Reason.BY_PERSON)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_and_state_has_its_words(language: str) -> None:
    """A sentence for each reason and a name for each state, in each language, all different."""
    words = translator(language)
    sentences = {reason: sentence(reason, words) for reason in Reason}
    names = {state: state_name(state, words) for state in EditionState}
    assert set(SENTENCES) == set(Reason)
    assert set(STATES) == set(EditionState)
    for told in (*sentences.values(), *names.values()):
        is_armenian = bool(re.search("[\u0531-\u0587]", told))
        assert is_armenian == (language == "hy"), told
    assert len(set(sentences.values())) == len(Reason)
    assert len(set(names.values())) == len(EditionState)
    assert all(told.endswith("." if language == "en" else "։") for told in sentences.values())


def test_every_reason_is_planted_somewhere() -> None:
    """Each reason that the code gives has a test of the freeze; the others are a person's or later ones."""
    source = "".join(
        path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_freeze*.py")
    )
    package = Path(freeze.__globals__["__file__"]).parents[1]
    given = {
        name
        for path in package.rglob("*.py")
        if path.name not in {"reasons.py", "edition.py"}
        for name in re.findall(r"(?<![A-Za-z])Reason\.([A-Z_]+)", path.read_text(encoding="utf-8"))
    }
    assert given == {reason.name for reason in Reason}  # none that nothing gives
    missing = {name for name in given if f"def test_{name.lower()}" not in source}
    # Planted where sending, missed slots and deadlines are tested.
    assert missing <= {
        *("BY_PERSON", "TRANSPORT_FAILING", "MERGED", "MISSED", "DEADLINE", "WANTS_APPROVAL"),
        "NOT_APPROVED",
    }
