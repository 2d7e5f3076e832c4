"""What the forms of a mail service hold, as its columns."""

from __future__ import annotations

from typing import Any

from digest.errors import InputError
from digest.i18n import N_
from digest.models import Security, Signer
from digest.pacing.transports import DEFAULT_PORTS
from digest.web.desk.forms import Form


def security_of(form: Form) -> Security:
    """How the connection is protected; raises InputError."""
    text = form.text("security")
    if text not in set(Security):
        raise InputError(N_("There is no such encryption."))
    return Security(text)


def port_of(form: Form, security: Security) -> int:
    """The port; left empty, the usual one."""
    return form.number("port", DEFAULT_PORTS[security])


def signer_of(form: Form) -> Signer:
    """Who signs; left out, the service."""
    return Signer.US if form.text("signer") == Signer.US else Signer.RELAY


def limits(form: Form) -> dict[str, Any]:
    """Mails a second and an hour (left empty: no limit), and connections; raises InputError."""
    return {
        "per_second": _decimal(form.text("per_second")),
        "per_hour": form.number("per_hour", 0),
        "connections": form.number("connections", 8),
    }


def _decimal(text: str) -> float:
    """A number that may have a comma or a point; 0 for nothing."""
    try:
        found = float(text.replace(",", ".") or 0)
    except ValueError:
        raise InputError(N_("%(text)r is no number."), text=text[:40]) from None
    if not 0 <= found <= 1e9:  # what is no number at all (nan) is neither
        raise InputError(N_("%(text)r is no number that can be meant."), text=text[:40])
    return found
