"""What the size of the audience costs: memory of a worker, planning, dropping."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from bench import effort
from bench.delivery_mail import small_mail
from bench.delivery_peers import smtp_sink
from bench.delivery_room import Room, Servers, Work, room, tidy
from bench.delivery_sending import AREA
from bench.figures import Figure, Series, Target, load, seconds_of
from digest import clock
from digest.deliveries.partitions import EDITIONS_PER_RANGE
from digest.deliveries.retention import drop_old_ranges

_MILLION = 1_000_000
_CHUNK = 100_000
_PLANS = 3  # rounds: a million rows are heavy, and no two of these are compared
_FLAT_PERCENT = 10.0


def memory(at: Servers, *, few: int, many: int, rounds: int) -> Iterator[Figure]:
    """The peak of a worker that has mailed many people, against one that has mailed few, by turns."""
    with ExitStack() as stack:
        port = stack.enter_context(smtp_sink())
        crowds = [_crowd(stack, at, port, effort.people(people)) for people in (few, many)]
        found = [(crowds[0](), crowds[1]()) for _ in range(rounds)]
    yield memory_figure(found)


def memory_figure(rounds: Sequence[tuple[Work, Work]]) -> Figure:
    """How much more (or less) of it there was, in per cent: the median of the rounds' own."""
    apart = Series(tuple(100 * abs(large.peak / small.peak - 1) for small, large in rounds))
    small, large = (
        sorted(side, key=lambda work: work.peak)[len(rounds) // 2] for side in zip(*rounds, strict=True)
    )
    return Figure(
        AREA,
        f"memory of a worker at {large.sent:,} people beside {small.sent:,}",
        apart.median,
        "%",
        target=Target("<=", _FLAT_PERCENT),
        note=f"peak RSS {large.peak / 1e6:.1f} MB beside {small.peak / 1e6:.1f} MB; PSS at the end "
        f"{large.pss / 1e6:.1f} MB beside {small.pss / 1e6:.1f} MB; a process each, by turns; "
        f"{apart.spread}; {large.rate:,.0f} small mails/s; {load()}",
    )


def planning(at: Servers) -> Iterator[Figure]:
    """Plan a million deliveries, and drop them as a range."""
    people = effort.people(_MILLION)
    with room(at) as made:
        for _ in range(0, people, _CHUNK):
            made.add_people(min(_CHUNK, people))
        plans = Series(tuple(_planned(made, number, people) for number in range(_PLANS)))
        _bump(made, _PLANS)
        made.edition(
            small_mail(), is_planned=False
        )  # into a range of its own: more cannot come into the others
        made.execute("UPDATE batches SET closed_at = now()")
        made.execute("UPDATE editions SET state = 'sent', state_since = now() - interval '2 days'")
        drops = Series(tuple(seconds_of(lambda: _drop(made)) for _ in range(_PLANS)))
        left = made.execute("SELECT count(*) FROM deliveries")
    if left:
        raise AssertionError(f"{left} deliveries were not dropped")
    note = f"PostgreSQL, fsync on, commit included, each edition in a range of its own; {load()}"
    yield Figure(
        AREA,
        f"plan {people:,} deliveries",
        plans.median,
        "s",
        target=Target("<=", 30),
        note=f"audience read, sorted and cut into batches; {plans.spread}; {note}",
    )
    yield Figure(
        AREA,
        f"drop the partition of {people:,} deliveries",
        drops.median,
        "s",
        target=Target("<=", 1),
        note=f"totals written and batches removed as well; {drops.spread}; {note}",
    )


def planning_by_topics(at: Servers) -> Iterator[Figure]:
    """Plan a million deliveries to people who chose topics, beside a plan for the same people before that."""
    people = effort.people(_MILLION)
    with room(at) as made:
        for _ in range(0, people, _CHUNK):
            made.add_people(min(_CHUNK, people))
        plain = Series(tuple(_planned(made, number, people) for number in range(_PLANS)))
        made.choose_topics()
        cut = Series(tuple(_planned(made, _PLANS + number, people) for number in range(_PLANS)))
    yield Figure(
        AREA,
        f"plan {people:,} deliveries by topics",
        cut.median,
        "s",
        target=Target("<=", 30),
        note=f"PostgreSQL, fsync on, commit included; five different choices; {cut.spread}; "
        f"before anybody chose {plain.median:.1f} s ({plain.spread}); {load()}",
    )


def planning_of_correction(at: Servers) -> Iterator[Figure]:
    """Plan a correction for a million people who all had the story, beside a plan for the same people."""
    people = effort.people(_MILLION)
    with room(at) as made:
        for _ in range(0, people, _CHUNK):
            made.add_people(min(_CHUNK, people))
        plain = Series((_planned(made, 0, people),))
        first = made.execute("SELECT id FROM editions")
        _let_all_have_it(made, first)
        plans = Series(
            tuple(_planned(made, number, people, corrects=first) for number in range(1, _PLANS + 1))
        )
    yield Figure(
        AREA,
        f"plan a correction for {people:,} people",
        plans.median,
        "s",
        target=Target("<=", 30),
        note=f"PostgreSQL, fsync on, commit included; all of them had the story; {plans.spread}; "
        f"the edition that it puts right {plain.median:.1f} s, planned once; {load()}",
    )


def _let_all_have_it(made: Room, edition_id: int) -> None:
    """Everybody was handed the edition, with one story."""
    made.execute(
        "INSERT INTO items (revision_id, position, role, story) SELECT revision_id, 0, 'recent', :story "
        "FROM editions WHERE id = :edition",
        edition=edition_id,
        story='{"url": "https://courier.example/1", "title": "A bridge is mended"}',
    )
    made.execute("UPDATE deliveries SET status = 'sent', sent_at = now(), transport_id = 1")
    made.execute("UPDATE editions SET state = 'sent'")
    tidy(made.database)


def _make_correction(made: Room, edition_id: int, first: int) -> None:
    made.execute(
        "UPDATE editions SET kind = 'correction', corrects_id = :first, corrects_position = 0 "
        "WHERE id = :edition",
        edition=edition_id,
        first=first,
    )
    made.execute(
        "INSERT INTO edition_changes (edition_id, kind, details, made_by, made_at) SELECT :edition, 'note', "
        "jsonb_build_object('correction', 'On Monday.', 'revision_id', revision_id), 'bench', now() "
        "FROM editions WHERE id = :first",
        edition=edition_id,
        first=first,
    )


def _crowd(stack: ExitStack, at: Servers, port: int, people: int) -> Callable[[], Work]:
    """What has a new process mail one more edition to so many people."""
    made = stack.enter_context(room(at))
    for start in range(0, people, _CHUNK):
        made.add_people(min(_CHUNK, people - start))
    made.point_to(port)

    def send() -> Work:
        edition_id = made.edition(small_mail())
        with made.worker() as worker:
            return worker.send(edition_id, people=people)

    return send


def _planned(made: Room, number: int, people: int, *, corrects: int | None = None) -> float:
    """How long planning one more edition takes, or a correction of an earlier one."""
    _bump(made, number)
    edition_id = made.edition(small_mail(), is_planned=False)
    if corrects is not None:
        _make_correction(made, edition_id, corrects)
    taken = seconds_of(lambda: made.plan(edition_id))
    planned = made.execute("SELECT count(*) FROM deliveries WHERE edition_id = :edition", edition=edition_id)
    if planned != people:
        raise AssertionError(f"{planned} of {people} people were planned")
    return taken


def _bump(made: Room, number: int) -> None:
    """Have the next edition be the first one of a range; the first range is there from the start."""
    if number:
        last = number * EDITIONS_PER_RANGE
        made.execute("SELECT setval(pg_get_serial_sequence('editions', 'id'), :last)", last=last)


def _drop(made: Room) -> None:
    with made.database.write() as session:
        dropped = drop_old_ranges(session, keep=dt.timedelta(days=1), now=clock.utc_now())
    if not dropped:
        raise AssertionError("nothing was dropped")
