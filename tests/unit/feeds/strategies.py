"""Hypothesis strategies for markup: nested, broken, hostile."""

from __future__ import annotations

from hypothesis import strategies as st

TAGS = (
    *("p", "div", "span", "b", "i", "u", "em", "strong", "a", "br", "img", "ul", "ol", "li", "blockquote"),
    *(
        "h1",
        "h2",
        "h3",
        "h4",
        "h6",
        "table",
        "tr",
        "td",
        "th",
        "pre",
        "figure",
        "figcaption",
        "script",
        "style",
    ),
    *("svg", "math", "iframe", "form", "input", "textarea", "title", "noscript", "template", "section"),
    *("article", "font", "center", "hr", "dl", "dt", "dd", "details", "summary", "video", "object", "embed"),
    *("mtext", "annotation-xml", "foreignObject", "select", "option"),
)
ATTRIBUTES = (
    "",
    ' href="https://news.example.org/a?b=1&c=2"',
    ' href="/relative"',
    ' href="javascript:alert(1)"',
    ' href=" java\tscript:alert(1)"',
    ' href="data:text/html,x"',
    ' href="//other.example.org/"',
    ' src="https://news.example.org/p.jpg"',
    ' src="p.jpg" width="600" height="400" alt="The harbour"',
    ' src="https://news.example.org/p.gif" width="1" height="1"',
    " src=x onerror=alert(1)",
    ' style="background:url(javascript:alert(1))"',
    ' onclick="alert(1)" class="x" id="y"',
    " alt='\"><script>alert(1)</script>'",
)
WORDS = (
    "The harbour",
    " ",
    "\u00a0",
    "\n",
    "Հայերեն",
    "1 < 2 & 3 > 2",
    "&amp;amp;",
    "&lt;b&gt;",
    "&#x202e;",
    "\x00",
    "\u202e",
    "&nbsp;",
)

text = st.one_of(st.sampled_from(WORDS), st.text(max_size=6))
tag = st.sampled_from(TAGS)
opening = st.builds(lambda name, attribute: f"<{name}{attribute}>", tag, st.sampled_from(ATTRIBUTES))
closing = tag.map(lambda name: f"</{name}>")
odd = st.sampled_from(
    ["<!-- x -->", "<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE html>", "<", ">", "</", "<?x?>", '"', "'"]
)
markup = st.lists(st.one_of(text, opening, opening, closing, odd), max_size=25).map("".join)
