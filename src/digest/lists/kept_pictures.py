"""The files of pictures, each kept once, however many stories and themes show it. A step."""

from __future__ import annotations

import datetime as dt
import hashlib
import io

import sqlalchemy as sa
from sqlalchemy.orm import Session

from digest.db.dialect import lock_alone
from digest.feeds.picture_file import PictureFile
from digest.feeds.stored_pictures import KIND, PictureCopy
from digest.lists import assets
from digest.models import Asset


def keep_file(
    session: Session, made: PictureFile, *, until: dt.datetime | None, now: dt.datetime
) -> tuple[Asset, PictureCopy]:
    """The file with these bytes, there or new; kept at least `until`, for good where that is None."""
    fingerprint = hashlib.sha256(made.data).hexdigest()
    lock_alone(session, "pictures")
    _keep(session, fingerprint, until)  # before it is looked for: from then on nobody clears it away
    there = assets.find(session, kind=KIND, fingerprint=fingerprint)
    if there is None:
        size = f"{made.width}x{made.height}"
        data = io.BytesIO(made.data)
        there = assets.store(session, data, kind=KIND, name=size, media_type=made.media_type, now=now)
        _keep(session, fingerprint, until)
    return there, PictureCopy(fingerprint, made.media_type, made.width, made.height)


def _keep(session: Session, fingerprint: str, until: dt.datetime | None) -> None:
    if until is not None:
        assets.extend(session, [fingerprint], kind=KIND, until=until)
        return
    files = sa.update(Asset).where(Asset.kind == KIND, Asset.fingerprint == fingerprint)
    session.execute(files.values(expires_at=None).execution_options(synchronize_session=False))
