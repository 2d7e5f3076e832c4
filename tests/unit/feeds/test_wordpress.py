"""Records of WordPress's REST interface: what is read of them, and what is no list of posts."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.feeds.types import ParseCode, ParseError, Picture
from digest.feeds.wordpress import Record, Standing, is_kept_out, parse_record, parse_records
from tests.servers.wordpress_posts import COMMENTARY, NEWS, NO_DIGEST, WordPressPost, media, record

SITE = "https://courier.example"
URL = f"{SITE}/wp-json/wp/v2/posts?page=1"
MOMENT = dt.datetime(2026, 11, 23, 6, 0, tzinfo=dt.UTC)


def post(**values: Any) -> WordPressPost:
    plain = {
        "number": 12,
        "title": "The Year",
        "slug": "year",
        "published_at": MOMENT,
        "modified_at": MOMENT,
    }
    return WordPressPost(**{**plain, **values})


def given_record(**changed: Any) -> dict[str, Any]:
    of_post = {name: changed.pop(name) for name in list(changed) if name in WordPressPost.__annotations__}
    return {**record(post(**of_post), SITE, is_embedded=True, says_language=True), **changed}


def read(*items: Any, keep_out: str = "no-digest") -> tuple[Record, ...]:
    return parse_records(json.dumps(items).encode(), url=URL, keep_out=keep_out)


def test_a_record_is_read_whole() -> None:
    """Texts are plain, dates aware, names told apart."""
    (found,) = read(
        given_record(
            title="Today&#8217;s <em>choir</em> &amp; &lt;b&gt;", categories=[COMMENTARY], picture="choir"
        )
    )
    assert (found.number, found.standing, found.has_terms) == (12, Standing.PUBLISHED, True)
    told = found.post
    assert told.title == "Today’s choir & <b>"
    assert (told.author, told.categories, told.tags) == ("Lusine Abelian", ("Arts & Commentary",), ())
    assert (told.published_at, told.modified_at, told.language) == (MOMENT, MOMENT, "en")
    assert told.guid == f"{SITE}/?p=12"
    assert told.picture == Picture(
        f"{SITE}/wp-content/uploads/choir-1536x1024.jpg", 1536, 1024, "The old bridge at dusk"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T06:00:00", MOMENT),
        ("2026-11-23T10:00:00+04:00", MOMENT),
        ("0000-00-00T00:00:00", None),
        ("1970-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("tomorrow", None),
        (None, None),
        (1795413600, None),
    ],
)
def test_a_gmt_date_is_utc(text: object, expected: dt.datetime | None) -> None:
    """A date that cannot be is none; the local date beside it is not guessed at."""
    (found,) = read(given_record(date_gmt=text))
    assert found.post.published_at == expected


@pytest.mark.parametrize(
    ("changed", "standing"),
    [
        ({"status": "publish"}, Standing.PUBLISHED),
        ({"status": "private"}, Standing.UNPUBLISHED),
        ({"status": "future"}, Standing.UNPUBLISHED),
        ({"status": None}, Standing.UNPUBLISHED),
        ({"password": "lavash"}, Standing.PROTECTED),
        ({"tags": [NO_DIGEST]}, Standing.KEPT_OUT),
        ({"tags": [NO_DIGEST], "password": "lavash"}, Standing.PROTECTED),
    ],
)
def test_standing(changed: dict[str, Any], standing: Standing) -> None:
    """What is not for all carries no text."""
    (found,) = read(given_record(**changed))
    assert found.standing is standing
    if standing is not Standing.PUBLISHED:
        assert (found.post.body_html, found.post.excerpt, found.post.picture) == ("", "", None)


def test_a_light_record_says_which_post_and_its_standing() -> None:
    """Without texts, as it is asked for to see whether posts are there."""
    light = {"id": 12, "link": f"{SITE}/year/", "status": "publish", "content": {"protected": True}}
    (found,) = read(light)
    assert (found.standing, found.post.url, found.post.title) == (Standing.PROTECTED, f"{SITE}/year/", "")


@pytest.mark.parametrize("name", ["no-digest", "No Digest", "NO_DIGEST", " no  digest "])
def test_the_name_that_keeps_out_is_read_as_people_write_it(name: str) -> None:
    """By its slug or its name, in any case, with spaces or hyphens."""
    assert is_kept_out([name], "no-digest")
    assert is_kept_out(["no-digest"], name)


def test_other_names_keep_nothing_out() -> None:
    """Nor does an empty setting."""
    assert not is_kept_out(["digest", "no-digest-please", ""], "no-digest")
    assert not is_kept_out(["", "no-digest"], "")


def test_a_picture_that_is_a_drawing_or_withheld_is_not_taken() -> None:
    """Then the first picture of the text is."""
    body = f'<p>Words.</p><img src="{SITE}/inside.jpg" width="800">'
    drawing = {**media("mark", SITE), "mime_type": "image/svg+xml"}
    for embedded in (drawing, {"code": "rest_forbidden", "data": {"status": 401}}, "nothing", None):
        (found,) = read(given_record(content=body, _embedded={"wp:featuredmedia": [embedded]}))
        assert found.post.picture is not None
        assert found.post.picture.url == f"{SITE}/inside.jpg"


def test_a_picture_without_sizes_is_taken_whole() -> None:
    """Its own record says neither width nor height."""
    whole = {"media_type": "image", "source_url": "/up/a.jpg", "media_details": []}
    (found,) = read(given_record(_embedded={"wp:featuredmedia": [whole]}))
    assert found.post.picture == Picture(f"{SITE}/up/a.jpg")


def test_what_is_no_post_is_left_out() -> None:
    """One good record among bad ones is enough."""
    bad = [
        None,
        7,
        "x",
        [],
        {},
        {"id": 3},
        {"id": True, "link": f"{SITE}/a/"},
        {"id": -1, "link": f"{SITE}/a/"},
    ]
    bad += [{"id": 2**70, "link": f"{SITE}/a/"}, {"id": 5, "link": "javascript:alert(1)"}]
    assert [one.number for one in read(*bad, given_record())] == [12]


def test_no_more_than_a_page_is_read() -> None:
    """WordPress gives at most 100; who gives more is not believed."""
    assert len(read(*[given_record(number=number) for number in range(1, 131)])) == 100


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><body>Welcome</body></html>",
        b'{"code":"rest_no_route","data":{"status":404}}',
        b"[{",
        b'"posts"',
        b"null",
        b"[1, 2]",
        b"[" * 100_000,
        b"\xff\xfe\x00[",
        b'[{"id": ' + b"9" * 5000 + b"}]",
    ],
)
def test_what_is_no_list_of_posts_is_an_error(body: bytes) -> None:
    """A web page, an error, broken or endless JSON: our own error, at once."""
    with pytest.raises(ParseError) as raised:
        parse_records(body, url=URL)
    assert raised.value.code is ParseCode.NOT_A_FEED


def test_an_empty_list_is_no_error_and_nothing_is() -> None:
    """A site without posts answers `[]`; one that answers nothing at all is broken."""
    assert read() == ()
    assert parse_records(b"\xef\xbb\xbf[]", url=URL) == ()
    with pytest.raises(ParseError):
        parse_records(b" \n", url=URL)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = sorted(record(post(picture="a"), SITE, is_embedded=True, says_language=True))


@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=6))
def test_any_shape_of_a_record_is_read_or_left_out(changed: dict[str, Any]) -> None:
    """Whatever stands in its fields: a post whose texts are texts, or none; only our own error."""
    body = json.dumps([{**given_record(categories=[NEWS]), **changed}]).encode()
    try:
        found = parse_records(body, url=URL)
    except ParseError:
        return
    for one in found:
        assert one.number > 0
        assert one.post.url.startswith("http")
        assert isinstance(one.post.title, str)
        assert "<script" not in one.post.body_html


def test_one_record_is_read_as_in_a_list() -> None:
    """At an address of its own it stands alone."""
    body = json.dumps(given_record()).encode()
    assert (parse_record(body, url=URL),) == read(given_record())


@pytest.mark.parametrize("body", [b"[]", b"{}", b"", b"<p>", b"[{}]", b'{"code":"rest_forbidden"}', b"12"])
def test_what_is_no_record_is_refused(body: bytes) -> None:
    """A list, an error, a page."""
    with pytest.raises(ParseError):
        parse_record(body, url=URL)
