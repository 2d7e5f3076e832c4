"""The errors of Digest: one base, and families that tell a caller what to do next.

Each message is one sentence for a person: what is wrong and what to do about it. It never holds an
address, a token or a password, so that it may be logged and shown as it is.
"""

from __future__ import annotations


class DigestError(Exception):
    """The base of all errors we raise on purpose.

    `message` is English and the key of its translations: it is marked by `N_` where a person of the desk may
    read it, and has its places as `%(name)s`, which `values` fill (a Word or another error is told as well).
    `hint` is for the command line alone: what it says of commands helps nobody else. As text it is all of
    that in English; in other languages a door gets it by `Translator.error`.
    """

    def __init__(self, message: str = "", /, *, hint: str = "", **values: object) -> None:
        said = message % values if values else message
        super().__init__(f"{said} {hint}" if hint else said)
        self.message, self.hint, self.values = message, hint, values


class Word(str):
    """A value of an error that is a message itself, such as the name of a field."""

    __slots__ = ()


class ConfigError(DigestError):
    """A setting, secret or folder is missing or wrong: the process must not start."""


class InputError(DigestError):
    """What was handed in (an option, a line of a file, a form field) cannot be used."""


class NotFoundError(InputError):
    """A name or id that was handed in leads to nothing."""


class StateError(DigestError):
    """What was asked for is not possible in the state the thing is in."""


class SchemaError(ConfigError):
    """The database's schema is not the one this version of the code works with."""


class UnreachableError(DigestError):
    """A server we depend on (database, broker, mail service) does not answer."""
