"""The ready mappings: what the exports of other products hold, and what each of their files means.

Mailchimp: an audience's export is a zip of up to four files, `subscribed_...`, `unsubscribed_...`,
`cleaned_...` and `nonsubscribed_...`; after the audience's own fields come MEMBER_RATING, OPTIN_TIME,
OPTIN_IP, CONFIRM_TIME, CONFIRM_IP, LATITUDE, LONGITUDE, GMTOFF, DSTOFF, TIMEZONE, CC (the country), REGION,
LAST_CHANGED (times in UTC), LEID, EUID, NOTES and TAGS, and of those who are gone UNSUB_TIME or CLEAN_TIME
and the campaign. A rating of 1 or 2 is a new or a silent person, 3 to 5 one who took part. No page of
Mailchimp's was found that lists these headings: they are those that published programs read in exports of
2015 to 2026.

MailPoet: CSV or XLSX with those that were chosen of Email, First name, Last name, Subscription IP,
Subscription time, Confirmation time, Confirmation IP, List status, Global status and own fields, then List;
the headings are in the language of whoever exports. From the plugin's source of version 4.51.2, unchanged
since: the classes ImportExportFactory (the headings), Export and ImportExportRepository (the rows).

listmonk: CSV with uuid, email, name, attributes (JSON), status, created_at, updated_at. From its source of
version 4, unchanged in 5: `cmd/subscribers.go`, the export of subscribers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from digest.errors import InputError
from digest.i18n import N_
from digest.lists.mappings import STATUSES, ColumnMap, Meaning

RATING_OF_LIFE = 3  # stars from which the last change at Mailchimp is a sign of life

_MAILCHIMP = ColumnMap(
    name="mailchimp",
    columns={
        "email address": "address",
        "email": "address",
        "first name": "first_name",
        "fname": "first_name",
        "last name": "last_name",
        "lname": "last_name",
        "language": "language",
        "timezone": "zone",
        "cc": "country",
        "member_rating": "rating",
        "optin_time": "signed_up_at",
        "optin_ip": "signed_up_from",
        "confirm_time": "confirmed_at",
        "confirm_ip": "confirmed_from",
        "last_changed": "changed_at",
        "unsub_time": "left_at",
        "clean_time": "left_at",
    },
    is_lenient=True,
)
_MAILPOET = ColumnMap(
    name="mailpoet",
    columns={
        "email": "address",
        "first name": "first_name",
        "last name": "last_name",
        "list status": "list_status",
        "global status": "status",
        **dict.fromkeys(
            ("subscription ip", "ip address", "subscribed ip", "subscribed_ip"), "signed_up_from"
        ),
        "subscription time": "signed_up_at",
        **dict.fromkeys(("confirmation ip", "confirmed ip", "confirmed_ip"), "confirmed_from"),
        **dict.fromkeys(("confirmation time", "confirmed on", "confirmed_at"), "confirmed_at"),
    },
    # Inactive there: subscribed, but without an open or a click for months.
    statuses={**STATUSES, "inactive": Meaning.SUBSCRIBED},
    is_lenient=True,
)
_LISTMONK = ColumnMap(
    name="listmonk",
    columns={"email": "address", "name": "name", "attributes": "attributes", "status": "status"},
    is_lenient=True,
)
_READY: Mapping[str, ColumnMap] = {one.name: one for one in (_MAILCHIMP, _MAILPOET, _LISTMONK)}
NAMES = tuple(_READY)

_KIND_OF_FILE = re.compile(r"(?:^|[^a-z])(subscribed|unsubscribed|cleaned|nonsubscribed)(?:[^a-z]|$)")


def column_map(name: str | None, own: Mapping[str, str]) -> ColumnMap:
    """The mapping of a product, or the generic one, with what an admin says besides; raises InputError."""
    if name is None or name == "generic":
        return ColumnMap(own=own)
    if name not in _READY:
        raise InputError(
            N_("There is no mapping %(name)r; there are: %(known)s."), name=name[:40], known=", ".join(NAMES)
        )
    return replace(_READY[name], own=own)


def meaning_of_file(
    columns: ColumnMap, file_name: str, cells: Sequence[str], fields: Collection[str | None]
) -> Meaning:
    """What a file says of all its people; only Mailchimp's files tell by their name or columns.

    `cells` are its heading, `fields` what they were taken for. Raises InputError where that must be known and
    is not: somebody who left would be mailed.
    """
    if columns.name == "mailpoet" and not {"status", "list_status"}.issubset(fields):
        # One may choose the columns there; and they are called otherwise in another language.
        raise InputError(
            N_(
                "The file does not say who has left: export it again, in English, with List status and "
                "Global status among its columns, or say what all these people are."
            ),
            hint="Say it with --as.",
        )
    if columns.name != "mailchimp":
        return Meaning.SUBSCRIBED
    names = {cell.strip().upper() for cell in cells}
    if "UNSUB_TIME" in names:
        return Meaning.LEFT
    if "CLEAN_TIME" in names:
        return Meaning.BOUNCED
    found = _KIND_OF_FILE.search(file_name.rpartition("/")[2].lower())
    if found is None:
        raise InputError(
            N_(
                "The name of the file %(name)r does not say whether these people are subscribed, "
                "unsubscribed or cleaned; import the whole export, or say what they are."
            ),
            name=file_name[-60:],
            hint="Say it with --as.",
        )
    return STATUSES[found[1]]
