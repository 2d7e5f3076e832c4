"""Addresses: what is one, when two are the same person's, and what never shows."""

from __future__ import annotations

import hashlib
import hmac
import re
import string

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from digest.addresses import keyed_hash, masked, parse_address, parse_domain
from digest.errors import InputError

_ATOM = st.text(string.ascii_letters + string.digits + "+_-", min_size=1, max_size=30)
_LOCAL = st.lists(_ATOM, min_size=1, max_size=2).map(".".join)
_LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True).filter(lambda x: x[2:4] != "--")
_DOMAIN = st.lists(_LABEL, min_size=1, max_size=3).map(lambda labels: ".".join([*labels, "test"]))


@given(_LOCAL, _DOMAIN)
def test_parsing_twice_changes_nothing(local: str, domain: str) -> None:
    """What comes out of a parse goes through another one unchanged."""
    once = parse_address(f"{local}@{domain}")
    assert parse_address(once.text) == once
    assert parse_address(once.key).key == once.key


@given(st.text(st.characters(categories=("L", "M", "N")), min_size=1, max_size=20))
@example("\u0390")
@example("straße")
@example("İ")
def test_a_key_is_its_own_key_in_every_script(local: str) -> None:
    """Comparing by the key of a key, as an import of an export does, finds the same person."""
    try:
        key = parse_address(f"{local}@mail.test").key
    except InputError:
        assume(condition=False)  # letters that no address may have
    assert parse_address(key).key == key


@given(_LOCAL, _DOMAIN)
def test_letter_case_and_space_make_no_new_person(local: str, domain: str) -> None:
    """An address in capitals, with a space at its end, is the same person's."""
    plain = parse_address(f"{local}@{domain}")
    loud = parse_address(f"  {local.upper()}@{domain.upper()}\n")
    assert loud.key == plain.key
    assert loud.domain == plain.domain == domain


@given(_LOCAL, _DOMAIN)
def test_an_address_is_kept_as_it_was_written(local: str, domain: str) -> None:
    """The local part keeps its capitals: some mail servers tell them apart."""
    assert parse_address(f"{local}@{domain}").text == f"{local}@{domain}"


@given(st.text(max_size=300) | st.builds("{}@{}.{}".format, _LOCAL, st.text(max_size=20), _LABEL))
@example("a@b")
@example("a b@mail.test")
@example("a@mail.test\r\nBcc: b@mail.test")
@example("<a@mail.test>")
@example("a@[127.0.0.1]")
@example("a@localhost")
@example("a")
@example("")
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    """Whatever is handed in, it is an address on one line or an error of ours."""
    try:
        found = parse_address(text)
    except InputError as error:
        assert re.fullmatch(r"This .*[^ ]\.", str(error))  # noqa: PT017 (either is right)
    else:
        assert found.text.count("@") == 1
        assert not any(letter.isspace() or letter in "<>,;" for letter in found.text)


@pytest.mark.parametrize(
    "text",
    [
        "ani@xn--sesame-.test",
        "ani@sesame..test",
        "ani@sésame☃️.test",
        "ani@[sesame]",
        "ani sesame",
        "@sesame.test",
    ],
)
def test_the_sentence_does_not_repeat_the_address(text: str) -> None:
    """What is wrong is said without saying whose address it is."""
    with pytest.raises(InputError) as caught:
        parse_address(text)
    assert not re.search("ani|s[eé]same", str(caught.value))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ani@Mail.Test", "ani@mail.test"),
        ("ani@ծիրան.test", "ani@xn--y9ati8ayc.test"),
        ("ani@MÜNCHEN.example", "ani@xn--mnchen-3ya.example"),
        ("\u0061\u0308ni@mail.test", "äni@mail.test"),
        ("անի@mail.test", "անի@mail.test"),
    ],
)
def test_known_forms(text: str, key: str) -> None:
    """Domains in other scripts become A-labels; a local part in one is composed and needs SMTPUTF8."""
    found = parse_address(text)
    assert found.key == key
    assert found.needs_smtputf8 == (not key.isascii())


@pytest.mark.parametrize(
    "text",
    ["a" * 250 + "@mail.test", "nobody", "@mail.test", "a@", "a@mail..test", "a@-mail.test", "a@b@c.test"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Each gets a sentence."""
    with pytest.raises(InputError):
        parse_address(text)


@given(_DOMAIN)
def test_domains_parse_to_themselves(domain: str) -> None:
    """A domain in any case and with the root's dot is the same domain."""
    assert parse_domain(f" {domain.upper()}. ") == parse_domain(domain) == domain


@pytest.mark.parametrize(
    "text", ["", "localhost", "a b.test", "ani@mail.test", "-a.test", "a" * 64 + ".test", "*.test"]
)
def test_what_is_no_domain_is_refused(text: str) -> None:
    """A bare name, an address and a pattern are none."""
    with pytest.raises(InputError, match="is not a domain"):
        parse_domain(text)


@given(st.binary(min_size=16, max_size=32), st.binary(min_size=16, max_size=32), _LOCAL)
def test_hash_depends_on_key_and_address(one: bytes, other: bytes, local: str) -> None:
    """The same key and address give the same 64 digits; another key gives others."""
    made = keyed_hash(one, f"{local}@mail.test")
    assert made == keyed_hash(one, f"{local}@mail.test")
    assert len(made) == 64
    assert made != keyed_hash(one, f"{local}@mail.example")
    if one.rstrip(b"\0") != other.rstrip(b"\0"):  # HMAC fills a short key up with zeros
        assert made != keyed_hash(other, f"{local}@mail.test")


@given(st.text(string.ascii_letters, min_size=2, max_size=20))
def test_mask_shows_one_letter(local: str) -> None:
    """Over a shoulder nobody reads more than the first letter and the domain."""
    assert masked(f"{local}@mail.test") == f"{local[0]}***@mail.test"


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
@example(b"", "")
@example(b"k" * 64, "ani@example.org")
@example(b"k" * 65, "ani@example.org")
def test_the_keyed_hash_is_hmac(key: bytes, text: str) -> None:
    """The hashes that are kept for years are those of RFC 2104, for keys of every length."""
    assert keyed_hash(key, text) == hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
