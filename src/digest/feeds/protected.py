"""Posts behind a password: WordPress names them in its feed, and shows a form where their text would be."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

# The form's class and its field are the same in every language; its words are not.
_MARKS = re.compile(r"post-password-form|post_password")
_ELEMENTS = ("<form", "<input")
_LONGEST_TAG = 500
_MOST_MARKS = 100
_NO_EXCERPT = re.compile(r"^\W*There is no excerpt because this is a protected post\W*$", re.IGNORECASE)
_TITLE = re.compile(r"^\s*Protected:\s", re.IGNORECASE)
_MOST_READ = 300_000


def asks_for_password(markup: str) -> bool:
    """Whether a text of a site has WordPress's form for a post's password in it."""
    # An article may speak of the form: it is one only inside of a tag.
    for found in itertools.islice(_MARKS.finditer(markup[:_MOST_READ]), _MOST_MARKS):
        before = markup[max(0, found.start() - _LONGEST_TAG) : found.start()]
        tag = before[before.rfind("<") :] if "<" in before else ""
        if ">" not in tag and tag.lower().startswith(_ELEMENTS):
            return True
    return False


def is_protected(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a feed is behind a password: by the form, or by what stands for its excerpt."""
    summary = str((entry.get("summary_detail") or {}).get("value") or "")
    contents = [str(content.get("value") or "") for content in entry.get("content") or ()]
    texts = [summary, *contents]
    if any(asks_for_password(text) for text in texts):
        return True
    if _NO_EXCERPT.match(re.sub(r"<[^>]*>", "", summary[:1000])):
        return True
    return bool(_TITLE.match(str(entry.get("title") or ""))) and not any(text.strip() for text in texts)
