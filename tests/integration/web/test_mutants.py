"""Links that no page was made for: thousands of mutants, and those of every purpose at every other door."""

from __future__ import annotations

import base64
import itertools
from collections import Counter
from collections.abc import Iterable
from urllib.parse import quote

import pytest
from fastapi import FastAPI

from digest import keys
from digest.config import Settings
from digest.db import Database
from digest.tokens import Claim, Purpose, Signer
from digest.web.deps import Services
from tests.integration.web.doors import DOORS, FORM, Door, House, make_house, routes_of
from tests.integration.web.scanner import Answer, Ask, ask_all, watched
from tests.unit.web.test_token_mutants import ALPHABET, mutants


@pytest.fixture
def house(database: Database, settings: Settings, app: FastAPI) -> House:
    app.state.services = Services(settings, database, keys.load(settings.secrets_folder))
    return make_house(database, settings)


def the_one_answer(answers: Iterable[Answer]) -> str:
    """What all of them say, where all say the same."""
    (said,) = {(each.status, each.headers.get("content-type"), each.body) for each in answers}
    assert said[:2] == (404, "text/html; charset=utf-8")
    return said[2].decode()


def says_nothing(house: House, words: str) -> bool:
    """Whether an answer has nothing of anybody in it."""
    return not [secret for secret in house.secrets if secret in words]


def test_every_page_that_takes_a_link_is_a_door(app: FastAPI) -> None:
    """Whoever adds a page or a purpose must say here what may open it."""
    paths = {path for path, _ in routes_of(app) if "{token}" in path}
    assert {"/f/{kind}/{token}" if door.path.startswith("/f/") else door.path for door in DOORS} == paths
    assert {door.purpose for door in DOORS} == set(Purpose)


def test_each_door_opens_to_its_own_link(database: Database, app: FastAPI, house: House) -> None:
    """GET shows and changes nothing, POST acts: so what is refused below would have done something."""
    for door in DOORS:
        url = door.url(house.token(door))
        with watched(database) as witness:
            (shown,) = ask_all(app, [Ask("GET", url)])
            assert (shown.status, witness.changes()) == (200, []), door
            (done,) = ask_all(app, [Ask("POST", url, form=FORM)])
            assert done.status in (200, 303), door
            assert witness.changes() != [], door
            assert shown.body != done.body


def test_a_purpose_opens_no_other_door(database: Database, app: FastAPI, house: House) -> None:
    """For all pairs: the link as it was mailed for another page, and one that names what this page wants."""
    asks = []
    for door, purpose in itertools.product(DOORS, Purpose):
        if purpose is door.purpose:
            continue
        tokens = {house.token(door, purpose)}
        tokens |= {house.token(other) for other in DOORS if other.purpose is purpose}
        for method, token in itertools.product(("GET", "HEAD", "POST"), sorted(tokens)):
            asks.append(Ask(method, door.url(token), form=FORM if method == "POST" else {}))
    with watched(database) as witness:
        answers = ask_all(app, asks)
        assert says_nothing(house, the_one_answer(answers))
        assert witness.changes() == []


@pytest.mark.both_databases
def test_mutants_open_no_door(database: Database, app: FastAPI, house: House) -> None:
    """Two thousand; `tests/unit/web/test_token_mutants.py` has ten thousand that are no tokens."""
    _open_no_door(database, app, house, many=2_000)


@pytest.mark.slow  # the run has a fifth of them
@pytest.mark.both_databases
def test_ten_thousand_mutants_open_no_door(database: Database, app: FastAPI, house: House) -> None:
    """And ten thousand."""
    _open_no_door(database, app, house, many=10_000)


def _open_no_door(database: Database, app: FastAPI, house: House, *, many: int) -> None:
    """As many of each purpose, at each of its doors, by GET and POST in turn: one answer, no row changes.

    Half of them on each database.
    """
    half = all_spoilt(house, many)[0 if database.is_sqlite else 1 :: 2]
    by_turns = itertools.cycle(("GET", "POST"))
    asks = [
        Ask(method, door.url(quote(token, safe="")), form=FORM if method == "POST" else {})
        for (door, token), method in zip(half, by_turns, strict=False)
    ]
    assert len({token for _, token in half}) == many // 2
    assert Counter(ask.method for ask in asks) == {"GET": many // 4, "POST": many // 4}
    assert {door for door, _ in half[::2]} == {door for door, _ in half[1::2]} == set(DOORS)
    with watched(database) as witness:
        assert says_nothing(house, the_one_answer(ask_all(app, asks)))
        assert witness.changes() == []


def all_spoilt(house: House, many: int) -> list[tuple[Door, str]]:
    """So many different mutants, as many of each purpose, each for one of its doors.

    Those of a purpose that has none are tried at all of them. Few are a sample of all kinds.
    """
    found: dict[str, Door] = {}
    for number, purpose in enumerate(Purpose, start=1):
        doors = itertools.cycle([door for door in DOORS if door.purpose is purpose] or DOORS)
        # Four each time: for both databases, by both methods.
        fours = itertools.chain.from_iterable([door] * 4 for door in doors)
        wanted = number * many // len(Purpose) - len(found)
        fresh = [each for each in spoilt_ones(house, purpose) if each not in found]
        step = len(fresh) // wanted
        found |= dict(itertools.islice(zip(fresh[::step], fours, strict=False), wanted))
    return [(door, token) for token, door in found.items()]


def spoilt_ones(house: House, purpose: Purpose) -> list[str]:
    """Mutants of a purpose's own link: each bit turned, other spellings, cut, forged; then by chance.

    None has a slash in it: that is an address of no page, not a link of one.
    """
    door = next((door for door in DOORS if door.purpose is purpose), DOORS[0])
    token, claim = house.token(door, purpose), house.claims[door]._replace(purpose=purpose)
    raw = base64.urlsafe_b64decode(token + "==")
    turned = [
        raw[:place] + bytes([raw[place] ^ (1 << bit)]) + raw[place + 1 :]
        for place, bit in itertools.product(range(len(raw)), range(8))
    ]
    made = [base64.urlsafe_b64encode(each).decode().rstrip("=") for each in turned]
    made += [token[:-1] + letter for letter in ALPHABET]
    made += [token[:length] for length in range(1, len(token))]
    made += [token[:length] + "A" * (len(token) - length) for length in range(len(token))]
    made += [token + end for end in ("=", "==", "A", " ", ".", "\n", "\0", token)]
    made += [front + token for front in ("=", " ", "\ufeff", "%41", "A")]
    made += [token.swapcase(), token[::-1], "".join(chr(ord(letter) + 0xFEE0) for letter in token)]
    made += [forged(claim, key_id) for key_id in range(3)]
    made += [each for each in mutants(token, 1200) if "/" not in each]
    return [each for each in dict.fromkeys(made) if each != token]


def forged(claim: Claim, key_id: int) -> str:
    """What a stranger signs with a key of their own under one of our numbers."""
    return Signer({key_id: b"a stranger's own key, long enough"}, key_id).sign(claim)
