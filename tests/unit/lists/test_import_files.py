"""Archives, spreadsheets and the exports of other products, as rows or reasons."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import InputError
from digest.lists import consent
from digest.lists.csv_lines import BadLine
from digest.lists.export_cells import plain, quoted
from digest.lists.export_xlsx import as_xlsx
from digest.lists.import_cells import read_moment
from digest.lists.import_events import FirstEvents
from digest.lists.import_files import open_parts
from digest.lists.import_read import People
from digest.lists.import_rows import Row
from digest.lists.import_seen import Seen
from digest.lists.mappings import Meaning, parse_map
from digest.lists.mappings_ready import column_map
from digest.lists.status import Action, Origin
from digest.models import Attribute, AttributeKind, SubscriptionStatus

NOW = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
_SHEET = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'


def read(
    content: bytes,
    *,
    name: str = "people.csv",
    mapping: str | None = None,
    columns: tuple[str, ...] = (),
    meaning: Meaning | None = None,
    attributes: Mapping[str, AttributeKind] | None = None,
) -> list[Row | BadLine]:
    parts = open_parts(io.BytesIO(content), name)
    known = {one: Attribute(name=one, kind=kind) for one, kind in (attributes or {}).items()}
    return list(People(parts, column_map(mapping, parse_map(columns)), meaning, {}, known, NOW))


def zipped(files: Mapping[str, bytes], **options: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def spreadsheet(sheet: str, strings: str | None = None) -> bytes:
    out = io.BytesIO()
    as_xlsx([], out)
    with zipfile.ZipFile(out) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["xl/worksheets/sheet1.xml"] = sheet.encode()
    if strings is not None:
        files["xl/sharedStrings.xml"] = strings.encode()
    return zipped(files)


def only(lines: list[Row | BadLine]) -> Row:
    (line,) = lines
    assert isinstance(line, Row), line
    return line


def test_a_zipped_table_is_read() -> None:
    """An archive of one table is that table; what a Mac puts beside it is not."""
    content = zipped({"export/people.csv": b"email\nani@example.org\n", "__MACOSX/._people.csv": b"\0"})
    assert only(read(content)).address.text == "ani@example.org"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../people.csv": b"email\n"}, "leads out"),
        ({"/etc/people.csv": b"email\n"}, "leads out"),
        ({"..\\people.csv": b"email\n"}, "leads out"),
        ({"people.doc": b"email\n"}, "no table"),
        ({"bomb.csv": b"email\n" + b"a" * 30_000_000}, "swell"),
        ({f"{number}.csv": b"email\n" for number in range(101)}, "at most 100"),
        ({"a.csv": b"email\na@example.org\n", "b.csv": b"email\n"}, ""),
    ],
)
def test_archives_out_of_proportion_are_refused(files: Mapping[str, bytes], words: str) -> None:
    """Paths that lead out, bombs and crowds are refused before anything is read."""
    content = zipped(files)
    if not words:
        assert len(open_parts(io.BytesIO(content), "x.zip")) == 2
        return
    with pytest.raises(InputError, match=words):
        open_parts(io.BytesIO(content), "x.zip")


def test_a_damaged_archive_is_one_sentence() -> None:
    """Bytes that were changed are noticed."""
    content = bytearray(zipped({"a.csv": b"email\n" + b"ani@example.org\n" * 500}))
    content[50] ^= 0xFF
    with pytest.raises(InputError, match="damaged"):
        read(bytes(content))
    with pytest.raises(InputError, match="damaged"):
        read(b"PK\x03\x04 and nothing more")


def test_a_spreadsheet_is_read() -> None:
    """Shared, inline and plain cells, gaps, dates; a formula by its last result, never evaluated."""
    strings = "<sst><si><t>E-mail</t></si><si><r><t>A</t></r><r><t>ni</t></r></si><si><t>Name</t></si></sst>"
    rows = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="s"><v>2</v></c></row>'
        '<row r="3"><c r="A3" t="inlineStr"><is><t>ani@example.org</t></is></c>'
        '<c r="C3" t="s"><v>1</v></c></row>'
        '<row r="4"><c r="A4" t="str"><f>B4&amp;"@example.org"</f><v>ara@example.org</v></c></row>'
        '<row r="5"><c r="A5" t="str"><f>HYPERLINK("x")</f></c></row>'
        '<row r="6"><c r="A6" t="e"><v>#REF!</v></c></row>'
    )
    lines = read(spreadsheet(f"{_SHEET}<sheetData>{rows}</sheetData></worksheet>", strings))
    assert [(line.number, type(line)) for line in lines] == [(3, Row), (4, Row), (5, BadLine), (6, BadLine)]
    ani, ara = (line for line in lines if isinstance(line, Row))
    assert (ani.address.text, ani.name, ara.address.text) == ("ani@example.org", "Ani", "ara@example.org")
    assert "formula" in lines[2].reason  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ('<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet/>', "document type"),
        ("<worksheet><sheetData><row>", "damaged"),
        ('<worksheet><sheetData><row><c t="s"><v>7</v></c></row></sheetData></worksheet>', "damaged"),
        ("<worksheet/>", "empty"),
    ],
)
def test_bad_spreadsheets_are_refused(sheet: str, words: str) -> None:
    """Entities, cut files and references into nothing end in one sentence."""
    with pytest.raises(InputError, match=words):
        read(spreadsheet(sheet))


def test_our_own_spreadsheet_is_read_back() -> None:
    """What the export writes as .xlsx the import reads."""
    out = io.BytesIO()
    as_xlsx([b'address,name\r\nani@example.org,"Ani & <b>, \'=1"\r\n'], out)
    assert only(read(out.getvalue())).name == "Ani & <b>, '=1"


def test_columns_are_mapped_as_an_admin_says() -> None:
    """Own columns go before the usual names; typed attributes are checked line by line."""
    content = (
        "E-mail;Vorname;Ort;Alter;email\nani@example.org;Ani;Lyon;41;x\nara@example.org;Ara;Lyon;old;y\n"
    )
    attributes = {"city": AttributeKind.TEXT, "age": AttributeKind.NUMBER}
    columns = ("E-mail=address", "Vorname=name", "Ort=attribute:city", "Alter=attribute:age")
    row, bad = read(content.encode(), columns=columns, attributes=attributes)
    assert isinstance(row, Row)
    assert (row.address.text, row.name, row.attributes) == (
        "ani@example.org",
        "Ani",
        '{"city": "Lyon", "age": 41.0}',
    )
    assert bad == BadLine(3, "age is a number, such as 12 or 1.5, of at most 15 digits.")


@pytest.mark.parametrize(
    ("option", "words"),
    [("E-mail", "what a column holds"), ("E-mail=adress", "a column could"), ("=name", "what a column")],
)
def test_a_bad_mapping_is_named(option: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_map([option])


def test_mappings_name_columns_and_attributes_that_there_are_not() -> None:
    """A typing error in a mapping never loses a column silently."""
    with pytest.raises(InputError, match="no column 'ort'"):
        read(b"email\n", columns=("Ort=name",))
    with pytest.raises(InputError, match="no attribute 'town'"):
        read(b"email,Ort\n", columns=("Ort=attribute:town",))


_TAIL = (
    "MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC"
)
MAILCHIMP = {
    "subscribed_members_export_1a2b3c.csv": (
        f"Email Address,First Name,Last Name,{_TAIL},REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
        "ani@example.org,Ani,Sarkisian,4,2019-01-02 03:04:05,,2019-01-02 03:05:00,,,,-8,-7,"
        'America/Los_angeles,US,ca,2026-05-06 07:08:09,1,a,"[{""note"": ""met\nat the fair""}]","""VIP"""\n'
        "ara@example.org,Ara,,2,,,2020-01-01 00:00:00,,,,,,,AM,,2026-05-06 07:08:09,2,b,,\n"
    ).encode(),
    "unsubscribed_members_export_1a2b3c.csv": (
        f"Email Address,First Name,Last Name,{_TAIL},LAST_CHANGED,UNSUB_TIME,UNSUB_REASON\n"
        "lia@example.org,Lia,,2,,,,,,,,,,,2024-01-01 00:00:00,2024-02-03 04:05:06,NORMAL\n"
    ).encode(),
    "cleaned_members_export_1a2b3c.csv": b"Email Address,CLEAN_TIME\ngone@example.org,2023-01-01 00:00:00\n",
    "nonsubscribed_members_export_1a2b3c.csv": b"Email Address\nshop@example.org\n",
}


def test_mailchimps_whole_export_is_read() -> None:
    """Each file with its meaning; zone by name or country; a sign of life where the stars say so."""
    attributes = {"country": AttributeKind.TEXT}
    lines = read(zipped(MAILCHIMP), name="export.zip", mapping="mailchimp", attributes=attributes)
    rows = {row.address.text.partition("@")[0]: row for row in lines if isinstance(row, Row)}
    assert len(rows) == len(lines) == 5
    meanings = {name: row.meaning for name, row in rows.items()}
    assert meanings == {
        "ani": Meaning.SUBSCRIBED,
        "ara": Meaning.SUBSCRIBED,
        "lia": Meaning.LEFT,
        "gone": Meaning.BOUNCED,
        "shop": Meaning.UNCONFIRMED,
    }
    ani, ara = rows["ani"], rows["ara"]
    assert (ani.name, ani.zone, ani.attributes) == (
        "Ani Sarkisian",
        "America/Los_Angeles",
        '{"country": "US"}',
    )
    assert ani.alive_at == dt.datetime(2026, 5, 6, 7, 8, 9, tzinfo=dt.UTC)
    assert (ara.zone, ara.alive_at) == ("Asia/Yerevan", dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert rows["lia"].left_at == dt.datetime(2024, 2, 3, 4, 5, 6, tzinfo=dt.UTC)


def test_another_products_words_for_a_language_cost_nobody_their_place() -> None:
    """A tag is kept, anything else left out; in a file of our own making it is a fault of its line."""
    content = b"Email Address,Language\na@example.org,hy\nb@example.org,Armenian\n"
    rows = read(content, mapping="mailchimp", meaning=Meaning.SUBSCRIBED)
    assert [row.language for row in rows if isinstance(row, Row)] == ["hy", None]
    (row, line) = read(content)
    assert isinstance(row, Row)
    assert isinstance(line, BadLine)


def test_a_mailchimp_file_must_say_who_is_in_it() -> None:
    """A renamed file of leavers is not taken for one of readers."""
    with pytest.raises(InputError, match="--as"):
        read(b"Email Address\nani@example.org\n", name="people.csv", mapping="mailchimp")
    lines = read(b"Email Address\na@example.org\n", mapping="mailchimp", meaning=Meaning.LEFT)
    assert only(lines).meaning is Meaning.LEFT


def test_mailpoets_export_is_read() -> None:
    """The worse of the two statuses counts; a quote in a name is written with a backslash there."""
    content = (
        '\ufeff"Email","First name","Last name","Subscription IP","Subscription time","Confirmation time",'
        '"Confirmation IP","List status","Global status","List"\n'
    )
    for name, own, everywhere in (
        ("a", "subscribed", "subscribed"),
        ("b", "unsubscribed", "subscribed"),
        ("c", "subscribed", "unconfirmed"),
        ("d", "subscribed", "bounced"),
        ("e", "subscribed", "inactive"),
        ("f", "subscribed", "whatever"),
    ):
        content += (
            f'"{name}@example.org","Ani \\"Nune\\"","B","192.0.2.1","2019-05-01 10:00:00",'
            f'"2019-05-01 11:00:00","198.51.100.7","{own}","{everywhere}","News"\n'
        )
    lines = read(content.encode(), mapping="mailpoet")
    first = lines[0]
    assert isinstance(first, Row)
    assert (first.name, first.network) == ('Ani "Nune" B', "198.51.100.7")
    assert first.stated == (
        ("signed_up_there", "2019-05-01T10:00:00+00:00"),
        ("confirmed_there", "2019-05-01T11:00:00+00:00"),
    )
    assert [line.meaning for line in lines if isinstance(line, Row)] == [
        Meaning.SUBSCRIBED,
        Meaning.LEFT,
        Meaning.UNCONFIRMED,
        Meaning.BOUNCED,
        Meaning.SUBSCRIBED,
    ]
    assert isinstance(lines[-1], BadLine)


@pytest.mark.parametrize(
    "columns", ["Email,First name", "Email,List status", "Email,Statut global,List status"]
)
def test_a_mailpoet_file_must_say_who_has_left(columns: str) -> None:
    """Without either status, or in another language, leavers are not taken for readers."""
    content = f"{columns}\nani@example.org{',' * columns.count(',')}\n".encode()
    with pytest.raises(InputError, match="--as"):
        read(content, mapping="mailpoet")
    assert only(read(content, mapping="mailpoet", meaning=Meaning.LEFT)).meaning is Meaning.LEFT


def test_listmonks_export_is_read() -> None:
    """Attributes that there are here too come along; blocklisted people are never mailed."""
    content = (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        '1,ani@example.org,Ani,"{""city"": ""Lyon"", ""x"": 1}",enabled,2021-01-01 10:00:00.12 +0000 UTC,\n'
        "2,ara@example.org,Ara,{},blocklisted,,\n3,lia@example.org,Lia,{},disabled,,\n"
    )
    lines = read(content.encode(), mapping="listmonk", attributes={"city": AttributeKind.TEXT})
    rows = [line for line in lines if isinstance(line, Row)]
    assert [row.meaning for row in rows] == [Meaning.SUBSCRIBED, Meaning.NEVER, Meaning.LEFT]
    assert rows[0].attributes == '{"city": "Lyon"}'


def test_addresses_of_offices_are_noted_and_kept() -> None:
    """An office may well want the paper."""
    assert only(read(b"email\nInfo@example.org\n")).is_office
    assert not only(read(b"email\nani@example.org\n")).is_office


@given(st.text(st.sampled_from("'=+-@\t\ra1ա"), max_size=8))
def test_cells_come_back_as_they_went(text: str) -> None:
    """No cell that goes out is a formula, and each comes back as it was."""
    assert plain(quoted(text)) == text
    assert quoted(text)[:1] not in set("=+-@\t\r")


@given(st.lists(st.text(max_size=3)))
def test_seen_is_a_set(keys: list[str]) -> None:
    seen, known = Seen(), set()
    for key in keys:
        assert seen.add(key) is (key not in known)
        known.add(key)


def test_seen_grows() -> None:
    """It holds many more than it begins with."""
    seen = Seen()
    assert all(seen.add(str(number)) for number in range(200_000))
    assert not any(seen.add(str(number)) for number in range(200_000))


@given(st.text(max_size=40), st.text(max_size=40))
def test_quick_events_are_those_of_the_chain(address: str, basis: str) -> None:
    """The quick way makes what the chain's own step makes, whatever letters there are."""
    address, basis = address.replace("\x00", ""), basis.replace("\x00", "")
    made = FirstEvents("active", {"consent": basis, "actor": "cli:x"}, at=NOW).make([(7, address)])
    (number, status, _details, salt, commitment, link) = made[0]
    details = {"consent": basis, "actor": "cli:x", "address": address}
    assert commitment == consent.commit_to(salt, details)
    assert link == consent.link_to(
        consent.NO_LINK,
        subscription_id=number,
        number=1,
        at=NOW,
        action=Action.IMPORT.value,
        status=SubscriptionStatus(status).value,
        source=Origin.IMPORT.value,
        commitment=commitment,
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None),
        ("2026-01-02", dt.datetime(2026, 1, 2, tzinfo=dt.UTC)),
        ("2026-01-02 03:04:05", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        ("2026-01-02T03:04:05+04:00", dt.datetime(2026, 1, 1, 23, 4, 5, tzinfo=dt.UTC)),
        ("46024.5", dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)),
    ],
)
def test_moments_are_read(text: str, wanted: dt.datetime | None) -> None:
    assert read_moment(text) == wanted


@given(st.binary(max_size=400))
def test_any_bytes_end_in_rows_or_our_error(content: bytes) -> None:
    """Whatever an archive or a spreadsheet holds: rows, bad lines or one sentence."""
    for whole in (zipped({"a.csv": b"email,name\n" + content}), spreadsheet(repr(content))):
        try:
            lines = read(whole)
        except InputError:
            continue
        assert all(isinstance(line, Row | BadLine) for line in lines)
