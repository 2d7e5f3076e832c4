"""`python -m tests.fuzz TARGET --seconds 60`: look for an input that a target cannot take."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

# An input that takes longer than this is a find.
_SECONDS_EACH = 30
_LARGEST = 20_000
_RSS = b"""<rss version="2.0"><channel><title>T</title><item><title>A &amp;#8217; b</title>
<link>https://news.example.org/a</link><description><![CDATA[<p>YEREVAN -- One.]]></description>
</item></channel></rss>"""
_JSON = b'{"version":"https://jsonfeed.org/version/1.1","title":"T","items":[{"id":"1","content_html":"x"}]}'
_SEEDS = (
    b"\0" + _RSS,
    b"\3" + _JSON,
    b"<p>YEREVAN &#8212; One two <b>three</b></p><img src='a.jpg' width=1 height=1>",
    "Կամուրջը […]".encode(),
    b"https://news.example.org/a/?utm_source=x&p=1#top",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.fuzz")
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    import atheris

    with atheris.instrument_imports(include=["digest.feeds", "feedparser"]):
        from tests.fuzz.targets import TARGETS, tried

    target = TARGETS[given.target]
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(_SEEDS):
            (Path(folder) / str(number)).write_bytes(seed)
        limits = [f"-max_total_time={given.seconds}", f"-timeout={_SECONDS_EACH}", f"-max_len={_LARGEST}"]
        atheris.Setup(
            [sys.argv[0], *limits, f"-artifact_prefix={folder}/", folder], lambda data: tried(target, data)
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
