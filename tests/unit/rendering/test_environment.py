"""The template environment."""

from __future__ import annotations

import os
from pathlib import Path

import jinja2
import pytest
from jinja2.exceptions import SecurityError

import digest
from digest.errors import ConfigError
from digest.rendering.environment import environment, template_folders

EVERY_TEMPLATE = sorted(
    path.relative_to(template_folders()[0]).as_posix()
    for kind in ("html", "txt")
    for path in template_folders()[0].rglob(f"*.{kind}")
)


@pytest.mark.parametrize("language", ["en", "hy"])
@pytest.mark.parametrize("name", [name for name in EVERY_TEMPLATE if not name.startswith("web/desk/")])
def test_every_template_compiles(name: str, language: str) -> None:
    """Each template of the mails and public pages is well-formed."""
    assert environment(language).get_template(name).name == name


def test_an_unknown_name_is_an_error() -> None:
    """A misspelt name raises and is not silently blank."""
    with pytest.raises(jinja2.UndefinedError):
        environment("en").from_string("{{ edtion }}").render()


def test_html_is_escaped_and_text_is_not(tmp_path: Path) -> None:
    """Templates for HTML escape what is put in; those for text leave it."""
    (tmp_path / "a.html").write_text("{{ word }}", encoding="utf-8")
    (tmp_path / "a.txt").write_text("{{ word }}", encoding="utf-8")
    env = environment("en", tmp_path)
    assert env.get_template("a.html").render(word="<&>") == "&lt;&amp;&gt;"
    assert env.get_template("a.txt").render(word="<&>") == "<&>"


@pytest.mark.parametrize(
    "code", ["{{ ''.__class__ }}", "{{ names.append(1) }}", "{{ range(9) }}", "{{ lipsum() }}"]
)
def test_templates_are_in_a_sandbox(code: str) -> None:
    """No way to Python's innards, no change of what is handed in, none of Jinja2's own globals."""
    with pytest.raises((SecurityError, jinja2.UndefinedError)):
        environment("en").from_string(code).render(names=[])


def test_a_missing_folder_is_said() -> None:
    """A folder of own templates that is not there is an error, not a fall-back."""
    with pytest.raises(ConfigError, match="does not exist"):
        environment("en", Path("/no/such/folder"))


def test_an_installed_package_brings_its_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a wheel the templates lie inside the package; where they are nowhere, that is said."""
    package = tmp_path / "site-packages" / "digest"
    package.mkdir(parents=True)
    monkeypatch.setattr(digest, "__file__", str(package / "__init__.py"))
    with pytest.raises(ConfigError, match="missing"):
        template_folders()
    (package / "_templates" / "email").mkdir(parents=True)
    assert template_folders() == (package.resolve() / "_templates",)


def test_an_unknown_language_has_english_around_it() -> None:
    """There are no words in a language that has no catalogue, and the page says which ones are there."""
    assert environment("tlh").from_string("{{ language }} {{ direction }}").render() == "en ltr"
    assert environment("fr-CA").from_string("{{ language }}").render() == "fr-CA"


def test_values_in_messages_are_escaped() -> None:
    """What is filled into a message is words, never markup."""
    made = environment("en").from_string('{{ _("By %(author)s", author="<b>") }}').render()
    assert made == "By &lt;b&gt;"


def test_languages_share_what_is_compiled_and_no_word_of_it(tmp_path: Path) -> None:
    """A literal of a template is written in the language of each page, not of the one that came first."""
    words = "{{ 12345 | number }} {{ 'a\u0561' | run }} {{ 'x\u0627' | run }}"
    (tmp_path / "one.txt").write_text(words, "utf-8")
    made = {tag: environment(tag, tmp_path).get_template("one.txt") for tag in ("en", "fr", "ar")}
    assert len({template.root_render_func.__code__ for template in made.values()}) == 1
    for tag, template in made.items():
        assert template.render() == environment(tag).from_string(words).render()
    assert len({template.render() for template in made.values()}) == 3


def test_a_template_that_is_changed_is_compiled_anew(tmp_path: Path) -> None:
    """Whoever works on a template of their own sees it at once, in every language."""
    for words in ("first", "second"):
        (tmp_path / "one.txt").write_text(words, "utf-8")
        os.utime(tmp_path / "one.txt", (0, len(words)))
        assert {environment(tag, tmp_path).get_template("one.txt").render() for tag in ("en", "hy")} == {
            words
        }


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lundi, 11:30, Paris", "Lundi, 11:30, Paris"),
        ("երկուշաբթի, 14:30, Երևան", "Երկուշաբթի, 14:30, Երևան"),
        ("Monday, 2:30 am, Los Angeles", "Monday, 2:30\u00a0am, Los\u00a0Angeles"),
        ("الاثنين، 4:30 م، بيروت", "الاثنين، 4:30\u00a0م، بيروت"),
        ("3 hours ago", "3\u00a0hours\u00a0ago"),
        ("", ""),
    ],
)
def test_a_time_by_itself_has_a_capital_and_breaks_at_its_commas_alone(text: str, wanted: str) -> None:
    """So no half of a city's name is left for the next line of a phone."""
    assert environment("en").from_string("{{ text | begun | held }}").render(text=text) == wanted
