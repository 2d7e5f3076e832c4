"""CSS into style attributes by premailer, with the door to network and files shut.

premailer fetches what an `@import` names whatever its options say (through cssutils' own fetcher), so
that fetcher is replaced by one that refuses, and a page that could ask for anything is turned away
before. Run once per variant of an edition, never per person.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any, ClassVar, Final, NoReturn

from lxml import etree
from lxml import html as lxml_html
from lxml.html import HtmlElement

from digest.errors import DigestError

_STYLE_BLOCKS: Final = 2  # the first is inlined, the second stays as it is
_QUIET: Final = logging.NullHandler()
_KNOWN_BLOCKS: Final = 16
_LOADING: Final = threading.Lock()


class InlineError(DigestError):
    """A mail template that the inliner must not see, or that it has damaged."""


def _refuse(*_: object, **_named: object) -> NoReturn:
    raise InlineError("A style sheet asked for another file; all styles must stand in the template itself.")


@contextlib.contextmanager
def _without_requests() -> Iterator[None]:
    """In place of the HTTP library that premailer loads (3 MB) there is one that refuses."""
    refusing = types.ModuleType("requests")
    refusing.get = _refuse  # type: ignore[attr-defined]
    before = sys.modules.get("requests")
    sys.modules["requests"] = refusing
    try:
        yield
    finally:
        del sys.modules["requests"]
        if before is not None:
            sys.modules["requests"] = before


def load_inliner() -> Any:
    """The class of premailer that we use, loaded when it is first wanted, with its door shut.

    With what it brings along it takes 8 MB, which a process that renders no mail does without. The desk shows
    mails from several threads, and two of them may be the first.
    """
    with _LOADING:
        return _loaded()


@functools.cache
def _loaded() -> Any:
    # By itself it remembers 128 rules and selectors: fewer than our styles have, so that each mail would be
    # read anew, at four times the cost.
    os.environ.setdefault("PREMAILER_CACHE_MAXSIZE", "1024")
    import cssutils.util  # noqa: PLC0415

    with _without_requests():
        import premailer  # noqa: PLC0415

    # Process-wide on purpose: nothing in Digest may fetch by way of a style sheet.
    cssutils.util._defaultFetcher = _refuse  # noqa: SLF001

    class Inliner(premailer.Premailer):  # type: ignore[misc]
        """Remembers what a style block comes to: to read it is half the work, and mails share theirs."""

        _known: ClassVar[dict[tuple[str, int], tuple[list[Any], list[Any]]]] = {}

        def _parse_style_rules(self, css_body: str, ruleset_index: int) -> tuple[list[Any], list[Any]]:
            key = (css_body, ruleset_index)
            found = self._known.get(key)
            if found is None:
                if len(self._known) >= _KNOWN_BLOCKS:
                    self._known.clear()
                found = self._known[key] = super()._parse_style_rules(css_body, ruleset_index)
            rules, leftover = found
            return list(rules), list(leftover)

    return Inliner


def inline_css(page: str) -> str:
    """The page with its first style block inlined and the second, `data-premailer="ignore"`, kept.

    Raises InlineError if the page has a `<link>`, an `@import` or other style blocks, and if inlining
    lost or changed one of the comments by which Outlook's tables work.
    """
    before = _checked(page)
    inliner = load_inliner()
    made: str = inliner(
        page,
        allow_network=False,
        allow_loading_external_files=False,
        strip_important=False,
        keep_style_tags=False,
        remove_classes=False,
        exclude_pseudoclasses=True,
        disable_validation=True,
        align_floating_images=False,
        preserve_internal_links=True,
        disable_basic_attributes=["align", "valign", "width", "height", "bgcolor", "background"],
        cssutils_logging_handler=_QUIET,
        cssutils_logging_level=logging.CRITICAL,
    ).transform()
    if _comments(lxml_html.document_fromstring(made)) != before:
        raise InlineError("The inliner changed a comment for Outlook; use only the form <!--[if mso]>.")
    return _without_bdi(made)


def _without_bdi(page: str) -> str:
    """Most webmail drops a `<bdi>` and what it is for, but keeps a `dir`, which keeps words apart as well.

    Done after inlining, so that the new elements have the styles of none.
    """
    told = page.replace("<bdi>", '<bdi dir="auto">')
    return told.replace("<bdi ", "<span ").replace("</bdi>", "</span>")


def _checked(page: str) -> list[str]:
    """Turn away what the inliner could fetch by; returns the page's comments in order."""
    root = lxml_html.document_fromstring(page)
    blocks = list(root.iter("style"))
    ignored = [block for block in blocks if block.get("data-premailer") == "ignore"]
    if len(blocks) != _STYLE_BLOCKS or ignored != blocks[1:]:
        raise InlineError('A mail has two style blocks, the second one marked data-premailer="ignore".')
    if next(root.iter("link"), None) is not None:
        raise InlineError("A mail must not link to a style sheet or to any other file.")
    # A backslash could spell @import in a way that a search would not find (CSS Syntax 4.3.7).
    if any("@import" in (block.text or "").lower() or "\\" in (block.text or "") for block in blocks):
        raise InlineError("A style block must not use @import or escapes.")
    if "<![if" in page:
        raise InlineError("The form <![if !mso]> does not survive; for Outlook use <!--[if mso]> alone.")
    return _comments(root)


def _comments(root: HtmlElement) -> list[str]:
    return [str(comment.text) for comment in root.iter(etree.Comment)]
