"""Files kept in the database, in chunks, so that any machine can serve them and none holds one whole."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.errors import NotFoundError
from digest.i18n import N_
from digest.models import Asset, AssetChunk

CHUNK = 1 << 20  # bytes
KEPT_FOR = dt.timedelta(days=30)
_PURGED = 20  # files a step


def begin(
    session: Session,
    *,
    kind: str,
    name: str,
    media_type: str,
    now: dt.datetime,
    keep: dt.timedelta = KEPT_FOR,
) -> Asset:
    """An empty file that expires; `append` fills it and `finish` closes it."""
    asset = Asset(
        kind=kind,
        name=name[-200:],
        media_type=media_type,
        size=0,
        fingerprint="",
        created_at=now,
        expires_at=now + keep,
    )
    session.add(asset)
    session.flush()
    return asset


def append(session: Session, asset_id: int, data: bytes) -> None:
    """Add a piece at the end. The caller's transaction holds the only writer of this file."""
    if not data:
        return
    number = session.scalar(
        sa.select(sa.func.coalesce(sa.func.max(AssetChunk.number), -1) + 1).where(
            AssetChunk.asset_id == asset_id
        )
    )
    session.execute(sa.insert(AssetChunk).values(asset_id=asset_id, number=number, data=data))
    session.execute(
        sa.update(Asset)
        .where(Asset.id == asset_id)
        .values(size=Asset.size + len(data))
        .execution_options(synchronize_session=False)
    )


def store(
    session: Session, stream: BinaryIO, *, kind: str, name: str, media_type: str, now: dt.datetime
) -> Asset:
    """Keep a whole stream, which is read from where it stands."""
    asset = begin(session, kind=kind, name=name, media_type=media_type, now=now)
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        append(session, asset.id, chunk)
    session.refresh(asset)
    asset.fingerprint = digest.hexdigest()
    session.flush()
    return asset


def finish(session: Session, asset_id: int) -> None:
    """Set the fingerprint of a file that was filled piece by piece."""
    digest = hashlib.sha256()
    for data in chunks(session, asset_id):
        digest.update(data)
    session.execute(sa.update(Asset).where(Asset.id == asset_id).values(fingerprint=digest.hexdigest()))


def find(session: Session, *, kind: str, fingerprint: str) -> Asset | None:
    """The newest file of a kind with these bytes."""
    query = sa.select(Asset).where(Asset.fingerprint == fingerprint, Asset.kind == kind)
    return session.scalars(query.order_by(Asset.id.desc()).limit(1)).first()


def extend(session: Session, fingerprints: Sequence[str], *, kind: str, until: dt.datetime) -> None:
    """Keep the files of a kind with these fingerprints at least until then."""
    if fingerprints:
        session.execute(
            sa.update(Asset)
            .where(Asset.kind == kind, Asset.fingerprint.in_(fingerprints), Asset.expires_at < until)
            .values(expires_at=until)
            .execution_options(synchronize_session=False)
        )


def chunks(session: Session, asset_id: int) -> Iterator[bytes]:
    """The bytes of a file, one piece at a time; raises NotFoundError if it is gone."""
    if session.get(Asset, asset_id) is None:
        raise NotFoundError(N_("This file is not kept any longer."))
    number = 0
    while True:
        of_file = sa.select(AssetChunk.data).where(
            AssetChunk.asset_id == asset_id, AssetChunk.number == number
        )
        data = session.scalar(of_file)
        if data is None:
            return
        yield data
        number += 1


def delete(session: Session, asset_id: int) -> None:
    """Delete a file with its pieces."""
    session.execute(sa.delete(AssetChunk).where(AssetChunk.asset_id == asset_id))
    session.execute(sa.delete(Asset).where(Asset.id == asset_id))


def purge(session: Session, *, now: dt.datetime) -> int:
    """Delete files that have expired, at most twenty; returns how many, so that a sweep can come again."""
    due = sa.select(Asset.id).where(Asset.expires_at <= now).order_by(Asset.expires_at).limit(_PURGED)
    found = list(session.scalars(due))
    for asset_id in found:
        delete(session, asset_id)
    return len(found)
