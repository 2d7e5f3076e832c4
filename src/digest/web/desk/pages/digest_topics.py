"""The topics of a digest: groups of sections that its readers may choose."""

from __future__ import annotations

from starlette.responses import Response

from digest import audit
from digest.accounts.rights import May
from digest.errors import InputError
from digest.i18n import N_
from digest.lists.topics import add_topic, remove_topic, set_topic, topic_named, topics_of
from digest.models import Digest
from digest.web.desk.pages.digest_settings import section_names
from digest.web.desk.table import desk
from digest.web.desk.visit import Here, Visit


@desk.get("/digests/{digest}/topics", may=May.SEE_DIGEST)
def show_topics(visit: Here, digest: int) -> Response:
    """Each with its sections; and a form for another one."""
    return _shown(visit, digest)


@desk.post("/digests/{digest}/topics", may=May.EDIT_DIGEST)
def save_topic(visit: Here, digest: int) -> Response:
    """Another topic, or one that is changed: its short name says which."""
    form = visit.form
    name, is_new = form.text("name"), form.is_ticked("is_new")
    sections = [line for line in form.raw("sections").splitlines() if line.strip()]
    try:
        with visit.database.write() as session:
            owner = session.get_one(Digest, digest)
            if is_new:
                title = form.text("title")
                found = add_topic(session, owner, name=name, title=title, sections=sections, now=visit.now)
                details, act = {"digest": digest, "name": name}, "topic.add"
            else:
                found = topic_named(session, owner, name)
                changed = set_topic(
                    found, title=form.text("title"), sections=sections, position=form.number("position")
                )
                details, act = dict(changed), "topic.set"
            audit.record(session, act, found, actor=visit.actor, now=visit.now, details=details)
    except InputError as error:
        return _shown(visit, digest, visit.told(error), name="" if is_new else name)
    said = N_("Readers can choose it from now on.") if is_new else N_("Saved.")
    return visit.go(f"/desk/digests/{digest}/topics", visit.words.gettext(said))


@desk.post("/digests/{digest}/topics/remove", may=May.EDIT_DIGEST)
def take_away(visit: Here, digest: int) -> Response:
    """For those who chose it, it stands for nothing from now on."""
    with visit.database.write() as session:
        found = topic_named(session, session.get_one(Digest, digest), visit.form.text("name"))
        details = {"name": found.name}
        audit.record(session, "topic.remove", found, actor=visit.actor, now=visit.now, details=details)
        remove_topic(session, found)
    return visit.go(f"/desk/digests/{digest}/topics", visit.words.gettext(N_("The topic is gone.")))


def _shown(visit: Visit, digest_id: int, fault: str = "", *, name: str = "") -> Response:
    """`name` is of the topic that the fault is about; a new one has none."""
    form = visit.form
    with visit.database.read() as session:
        digest = session.get_one(Digest, digest_id)
        topics = topics_of(session, digest_id)
        sections = section_names(session, digest_id)
    asked = ("title", "name", "sections", "position")
    return visit.page(
        "digest_topics.html",
        status=422 if fault else 200,
        digest=digest,
        topics=topics,
        sections=sections,
        fault=fault,
        wrong=name,
        typed={each: form.raw(each) for each in asked} if fault else dict.fromkeys(asked, ""),
    )
