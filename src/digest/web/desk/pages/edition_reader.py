"""An edition as one of its readers gets it: who they are is asked for by address, by admins alone."""

from __future__ import annotations

from starlette.responses import Response

from digest.accounts.rights import May
from digest.editions.as_reader import reader_of
from digest.editions.show import get_edition
from digest.errors import InputError, NotFoundError
from digest.i18n import N_
from digest.lists.queries import subscriber_by_address
from digest.web.desk.table import desk
from digest.web.desk.visit import Here


@desk.post("/editions/{edition}/as", may=May.SEE_READERS)
def choose_reader(visit: Here, edition: int) -> Response:
    """Find a reader of this edition by their address, and show the page with their mail. Nothing is sent."""
    path = f"/desk/editions/{edition}"
    try:
        with visit.database.read() as session:
            found = subscriber_by_address(session, visit.form.text("address"))
            reader_of(session, get_edition(session, edition), found.id)
    except (InputError, NotFoundError):
        said = N_("Nobody with this address gets this edition. Nothing was looked up besides.")
        return visit.go(path, visit.words.gettext(said), kind="bad")
    return visit.go(f"{path}?as={found.id}")
