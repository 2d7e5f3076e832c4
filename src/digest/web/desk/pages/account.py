"""One's own account: how the desk looks and speaks, the password, the browsers that are signed in."""

from __future__ import annotations

from starlette.responses import Response

from digest.accounts.rights import May
from digest.errors import InputError
from digest.i18n import LANGUAGES
from digest.models import Account, Scheme
from digest.web.desk.pages.sign_in import back_to
from digest.web.desk.table import desk
from digest.web.desk.visit import Here


@desk.post("/account/scheme", may=May.WORK)
def set_scheme(visit: Here) -> Response:
    """Light, dark, or as the device is."""
    given = visit.form.text("scheme")
    if given not in set(Scheme):
        raise InputError("There is no such look.")
    with visit.database.write() as session:
        session.get_one(Account, visit.me.id).scheme = Scheme(given)
    return visit.go(back_to(visit.form.text("back")))


@desk.post("/account/language", may=May.WORK)
def set_language(visit: Here) -> Response:
    """The language of the desk."""
    given = visit.form.text("language")
    if given not in LANGUAGES:
        raise InputError("The desk does not speak this language.")
    with visit.database.write() as session:
        session.get_one(Account, visit.me.id).language = given
    return visit.go(back_to(visit.form.text("back")))
