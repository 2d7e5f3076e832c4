"""The first events of many chains, hashed as `consent.make_event` hashes one, in a third of the time.

All but the address is the same for the people of an import: that part of the JSON is made once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Sequence
from json.encoder import encode_basestring

from digest.lists import consent
from digest.lists.status import Action, Origin

_SALT_BYTES = 16
_PLACE = "\x00address"  # no text of ours holds it: control characters are taken out

Fields = tuple[int, str, str, str, str, str]  # subscription, status, details, salt, commitment, link


class FirstEvents:
    """Makes the first events of subscriptions with one status and the same details but for the address."""

    def __init__(self, status: str, details: dict[str, str], *, at: dt.datetime) -> None:
        written = json.dumps(
            {**details, "address": _PLACE}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
        )
        self._before, self._after = written.split(json.dumps(_PLACE), 1)
        moment = at.astimezone(dt.UTC).isoformat(timespec="microseconds")
        open_fields = [moment, Action.IMPORT.value, status, Origin.IMPORT.value]
        self._status = status
        self._fields = json.dumps(open_fields, ensure_ascii=False, separators=(",", ":"))[1:-1]

    def make(self, people: Sequence[tuple[int, str]]) -> list[Fields]:
        """The events of (subscription, address) pairs, each with its own salt."""
        salts = os.urandom(_SALT_BYTES * len(people)).hex()
        width, made = 2 * _SALT_BYTES, []
        for place, (number, address) in enumerate(people):
            details = f"{self._before}{encode_basestring(address)}{self._after}"
            salt = salts[place * width : (place + 1) * width]
            commitment = hashlib.sha256(f"{salt}{details}".encode()).hexdigest()
            chained = f'["{consent.NO_LINK}",{number},1,{self._fields},"{commitment}"]'
            link = hashlib.sha256(chained.encode()).hexdigest()
            made.append((number, self._status, details, salt, commitment, link))
        return made
