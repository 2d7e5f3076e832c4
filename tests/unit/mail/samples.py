"""Inputs that are shared by the tests of mails."""

from __future__ import annotations

from hypothesis import strategies as st

SCRIPTS = "aA .,-_=?%&<>\"'/:0\t" + "éßñ" + "Աաբգդև։" + "Яж" + "日本" + "אב" + "\u200d\ufe0f😀👩🔬🇦🇲🇫🇷"
ANY_TEXT = st.text(
    st.one_of(st.sampled_from(SCRIPTS), st.characters(exclude_categories=("Cs",))), max_size=400
)
LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ("", ".", "..", ".hidden", "From here", "-- ", "--=_x", " ", "trailing  ", "=20", "x" * 1200)
        ),
        ANY_TEXT,
    ),
    max_size=12,
).map("\n".join)

VALUES = {
    "to": "anahit@example.org",
    "message_id": "<e1.abc@example.org>",
    "date": "Mon, 23 Nov 2026 18:56:42 +0000",
    "list_id": "daily.example.org",
    "unsubscribe_url": "https://news.example.org/u/" + "A" * 42,
}
