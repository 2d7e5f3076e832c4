"""A newsroom of five years' standing on PostgreSQL, with its ledger, in a minute or two.

The server makes the rows. The ledger is as retention leaves it: of the last editions every
delivery, of those before them the totals. Nobody can be found by these hashes; the desk asks for ids.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bench import desk_rows as rows
from digest import clock
from digest.db import Database
from digest.deliveries.keep import keep_figures
from digest.deliveries.partitions import make_partitions
from digest.deliveries.plan import BATCH_SIZE
from digest.editions.stories import stored_story
from digest.lists.import_drafts import ask_trial, keep_upload, read_draft
from digest.lists.import_turns import try_draft
from digest.models import (
    Account,
    AccountRole,
    Cadence,
    Digest,
    DigestSource,
    Edition,
    EditionKind,
    EditionState,
    Import,
    ImportState,
    MailingList,
    Segment,
    Source,
    Transport,
)
from digest.rendering.digest_email import render_mail, render_web
from tests.factories import make_account, make_cadence, make_digest, make_list
from tests.unit.rendering.samples import BODY, edition, story

POSTS: Final = 10_000
EDITIONS: Final = 500
STORIES: Final = 13  # of an edition
_SMALL: Final = 4  # digests beside the large one
_FULL: Final = 3  # of the large digest's past editions, whose deliveries are all there
_SOURCES: Final = 20
_TRAIL: Final = 50_000
_STAFF: Final = 12
_UPLOADED: Final = 10_000  # people of a file that is about to be imported
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Filled:
    """What the pages are asked of: the things of each kind by the word of a guard, each with its name."""

    account: int
    people: int
    things: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Paper:
    """A digest with its rhythms and its list; one in `every` of all subscribers is on that."""

    digest: Digest
    usual: Cadence
    rare: Cadence
    readers: MailingList
    every: int


def fill(database: Database, people: int) -> Filled:
    """All of it; the statistics are made as autovacuum would have made them by then."""
    now = clock.utc_now()
    with database.write() as session:
        # What a row points to need not be looked for: it has just been made.
        session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        staff = [_account(session, number) for number in range(_STAFF)]
        papers = [_paper(session, number, now) for number in range(1 + _SMALL)]
        _posts(session, papers, now)
        _people(session, papers, people, now)
        transport = Transport(name="relay", host="127.0.0.1", port=25, created_at=now, accepted_at=now)
        session.add(transport)
        session.flush()
        made = [_editions(session, paper, now, EDITIONS // len(papers)) for paper in papers]
        _contents(session)
        _ledger(session, papers, transport.id, people, now)
        session.execute(sa.text(rows.AUDIT), {"now": now, "trail": _TRAIL, "staff": len(staff)})
        session.execute(sa.text(rows.NOTICES))
        imported = _import(session, papers[0], now)
        large = papers[0]
        things = {
            "digest": {"": large.digest.id},
            "cadence": {"": large.usual.id},
            "edition": made[0],
            "source": {"": session.scalars(sa.select(Source.id).limit(1)).one()},
            "list": {"large": large.readers.id, "small": papers[1].readers.id},
            "segment": {"": _segment(session, large)},
            "subscriber": {"": people // 2 + 5},
            "import": {"": imported},
            "transport": {"": transport.id},
            "account": {"": staff[1].id},
        }
        account = staff[0].id
    drafts = {name: _draft(database, list_id, account, now) for name, list_id in things["list"].items()}
    while keep_figures(database, now=now):  # as the tick has, long since
        pass
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
    return Filled(account, people, {**things, "draft": drafts})


def _draft(database: Database, list_id: int, account_id: int, now: dt.datetime) -> int:
    """A file that has been tried and not imported yet."""
    lines = [f"draft{number}@mail.example,Reader {number},Watertown" for number in range(_UPLOADED)]
    file = io.BytesIO("\n".join(["E-mail,Name,Town", *lines, "no address,Nobody,"]).encode())
    with database.write() as session:
        kept = keep_upload(
            session, file, list_id=list_id, account_id=account_id, file_name="counter.csv", now=now
        )
        draft = replace(read_draft(session, kept), basis="They ticked a box at our counter in spring.")
        ask_trial(session, draft, now=now)
    try_draft(database, kept, address_key=b"k" * 32, now=now)
    return kept


def _segment(session: Session, paper: _Paper) -> int:
    """Some of the large digest's readers."""
    now = clock.utc_now()
    words = {"name": "in-armenian", "title": "In Armenian", "rule": {"language": "hy"}}
    made = Segment(digest_id=paper.digest.id, created_at=now, changed_at=now, **words)
    session.add(made)
    session.flush()
    return made.id


def _account(session: Session, number: int) -> Account:
    role = AccountRole.ADMIN if number < 2 else AccountRole.EDITOR
    return make_account(session, f"staff{number}@courier.example", name=f"Nare Saroyan {number}", role=role)


def _paper(session: Session, number: int, now: dt.datetime) -> _Paper:
    digest = make_digest(session, title=f"The Courier {number}")
    ahead, long_ago = now + _DAY, now - 1000 * _DAY
    usual = make_cadence(session, digest, slots_after=ahead, created_at=long_ago)
    rare = make_cadence(session, digest, "sunday", cron="0 9 * * 0", slots_after=ahead, created_at=long_ago)
    return _Paper(digest, usual, rare, make_list(session, digest), 20 if number else 1)


def _posts(session: Session, papers: list[_Paper], now: dt.datetime) -> None:
    """Twenty sites, four of each digest; a hundred posts a day among them."""
    sources = [
        Source(
            url=f"https://news{number}.example.org/feed",
            title=f"The Linden Street Courier {number}",
            news_since=now - 1000 * _DAY,
            next_fetch_at=now,
            last_fetch_at=now,
            last_good_at=now,
            last_new_at=now,
            created_at=now - 1000 * _DAY,
        )
        for number in range(_SOURCES)
    ]
    session.add_all(sources)
    session.flush()
    session.add_all(
        DigestSource(digest_id=papers[number % len(papers)].digest.id, source_id=source.id)
        for number, source in enumerate(sources)
    )
    session.execute(sa.text(rows.POSTS), {"now": now, "posts": POSTS, "body": BODY * 6})
    session.execute(sa.text(rows.POST_SOURCES), {"sources": _SOURCES})
    session.execute(sa.text(rows.FETCHES), {"now": now})


def _people(session: Session, papers: list[_Paper], people: int, now: dt.datetime) -> None:
    session.execute(sa.text(rows.PEOPLE), {"people": people, "now": now})
    for paper in papers:
        of_paper = {"list": paper.readers.id, "usual": paper.usual.id, "rare": paper.rare.id}
        session.execute(sa.text(rows.SUBSCRIPTIONS), {**of_paper, "every": paper.every})
    session.execute(sa.text(rows.CONSENT))
    session.execute(sa.text(rows.SUPPRESSIONS), {"now": now})


def _editions(session: Session, paper: _Paper, now: dt.datetime, count: int) -> dict[str, int]:
    """So many that went out, one on its way, one that is locked, held, and coming; ids by what they are."""
    past = [
        _edition(paper.rare if number % 7 == 6 else paper.usual, EditionState.SENT, now - (number + 1) * _DAY)
        for number in reversed(range(count))
    ]
    coming = {
        "on its way": _edition(paper.usual, EditionState.SENDING, now, EditionKind.EXTRA),
        "held": _edition(paper.rare, EditionState.HELD, now + 2 * _DAY),
        "coming": _edition(paper.usual, EditionState.UPCOMING, now + _DAY),
        "locked": _edition(paper.usual, EditionState.FROZEN, now + _DAY / 2, EditionKind.EXTRA),
    }
    session.add_all([*past, *coming.values()])
    session.flush()
    ids = {name: each.id for name, each in coming.items()}
    return {**ids, "sent": past[-1].id, "sent long ago": past[0].id}


def _edition(
    cadence: Cadence, state: EditionState, at: dt.datetime, kind: EditionKind = EditionKind.SCHEDULED
) -> Edition:
    has_gone = state in (EditionState.SENT, EditionState.SENDING)
    return Edition(
        public_id=f"bench-{cadence.id}-{state.value}-{at:%Y%m%d%H}",
        cadence_id=cadence.id,
        kind=kind,
        due_at=at,
        due_local=f"{at:%Y-%m-%d %H:%M}",
        send_at=at,
        state=state,
        planned_at=at if has_gone else None,
        state_since=at if has_gone else clock.utc_now(),
        created_at=at - _DAY,
    )


def _contents(session: Session) -> None:
    """Each with its version, stories and two renderings; they are alike, and as long as real ones."""
    context = edition(recent=STORIES - 1)
    mail = render_mail(context)
    session.execute(sa.text(rows.REVISIONS), {"web": render_web(context)})
    session.execute(
        sa.text("UPDATE editions SET revision_id = r.id FROM revisions r WHERE r.edition_id = editions.id")
    )
    told = json.dumps(stored_story(story(7)))
    session.execute(sa.text(rows.ITEMS), {"stories": STORIES, "posts": POSTS, "story": told})
    session.execute(sa.text(rows.VARIANTS), {"html": mail.html, "text": mail.text})


def _ledger(session: Session, papers: list[_Paper], transport: int, people: int, now: dt.datetime) -> None:
    make_partitions(session)
    reply = session.scalar(
        sa.text(
            "INSERT INTO replies (fingerprint, code, enhanced, text) VALUES ('x', 250, '2.0.0', 'queued') "
            "RETURNING id"
        )
    )
    for paper in papers:
        cadences = [paper.usual.id, paper.rare.id]
        with_rows = session.scalars(
            sa.select(Edition)
            .where(
                Edition.cadence_id.in_(cadences),
                Edition.state.in_((EditionState.SENDING, EditionState.SENT)),
            )
            .order_by(Edition.due_at.desc())
            .limit(_FULL + 1)
        ).all()
        for each in with_rows:
            _deliveries(session, paper, each, {"transport": transport, "reply": reply})
        session.execute(
            sa.text(rows.TOTALS),
            {
                "people": people // paper.every,
                "now": now,
                "cadences": cadences,
                "full": [each.id for each in with_rows],
            },
        )
    session.execute(sa.text(rows.CASES), {"now": now})


def _deliveries(session: Session, paper: _Paper, each: Edition, by: dict[str, Any]) -> None:
    of_list = sa.text(
        "SELECT count(*) FROM subscriptions WHERE list_id = :list AND status = 'active' "
        "AND cadence_id = :cadence"
    )
    whose = {"list": paper.readers.id, "cadence": each.cadence_id}
    count = session.scalar(of_list, whose) or 0
    batches = -(-count // BATCH_SIZE)
    session.execute(sa.text(rows.BATCHES), {"edition": each.id, "batches": batches})
    first = session.scalar(sa.text("SELECT min(id) FROM batches WHERE edition_id = :id"), {"id": each.id})
    variant = sa.text("SELECT min(v.id) FROM variants v JOIN editions e USING (revision_id) WHERE e.id = :id")
    session.execute(
        sa.text(rows.DELIVERIES),
        {
            **whose,
            **by,
            "edition": each.id,
            "variant": session.scalar(variant, {"id": each.id}),
            "first_batch": first,
            "batches": batches,
            "is_half": each.state is EditionState.SENDING,
            "at": each.send_at,
        },
    )


def _import(session: Session, paper: _Paper, now: dt.datetime) -> int:
    runs = [
        Import(
            list_id=paper.readers.id,
            file_name=f"people-{number}.csv",
            file_fingerprint=f"{number:064x}",
            mapping={},
            consent="on paper",
            actor="account:1",
            state=ImportState.DONE,
            position=1000,
            counts={"new": 1000},
            created_at=now,
            changed_at=now,
        )
        for number in range(20)
    ]
    session.add_all(runs)
    session.flush()
    return runs[-1].id
