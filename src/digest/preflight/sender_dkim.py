"""DKIM: whether the public keys in the DNS are ours, and good enough (RFC 6376 section 3.6.1, RFC 8301)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from digest.mail.signing_key import public_bits
from digest.net.dns import Answer, Status
from digest.preflight.findings import DnsRecord, Finding, Level, Subject

_LEAST_BITS, _GOOD_BITS = 1024, 2048
_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class OurKey:
    """A key that we sign with, or will: its selector and the text of the record that belongs to it."""

    selector: str
    record: str
    is_enabled: bool


def judge(
    domain: str, answers: Mapping[str, Answer], keys: Sequence[OurKey], *, we_sign: bool
) -> Iterator[Finding]:
    """The findings about a domain's keys; `answers` are the TXT look-ups by selector, ours among them."""
    ours = {key.selector for key in keys}
    yield from _signing(domain, [key for key in keys if key.is_enabled], we_sign=we_sign)
    for key in keys:
        if key.selector in answers:
            yield _our_key(domain, key, answers[key.selector])
    others = {selector: answer for selector, answer in answers.items() if selector not in ours}
    for selector, answer in others.items():
        yield _other_key(domain, selector, answer)
    if not answers:
        words = (
            "No key was looked up. Where the mail service signs, it says under which selector: give that "
            "too. Its signature must name this domain (d=)."
        )
        yield Finding(Level.UNKNOWN, Subject.DKIM, words)


def _signing(domain: str, enabled: Sequence[OurKey], *, we_sign: bool) -> Iterator[Finding]:
    kinds = {_tags(key.record).get("k", "rsa") for key in enabled}
    if we_sign and not enabled:
        words = (
            f"A mail service leaves signing to us, and {domain} has no enabled key: make one and enable it."
        )
        yield Finding(Level.FAULT, Subject.DKIM, words)
    elif enabled and "rsa" not in kinds:
        words = "Only Ed25519 signs, which many receivers cannot check: enable an RSA key beside it."
        yield Finding(Level.FAULT, Subject.DKIM, words)


def _our_key(domain: str, key: OurKey, answer: Answer) -> Finding:
    """Our own key: whatever is wrong with its record is mended by the record that we know."""
    if answer.status is Status.FAILED:
        return _finding(Level.UNKNOWN, f"The key {key.selector} could not be looked up: {answer.why}.")
    name = f"{key.selector}._domainkey.{domain}"
    record = DnsRecord(name, "TXT", key.record, replaces=bool(answer.records))
    problem = _difference(record, answer)
    if problem and key.is_enabled:
        return _finding(Level.FAULT, f"{problem}. Mail is signed with it.", record)
    if problem:  # a key that is not in use does no harm; it must only not be enabled as it is
        return _finding(Level.ADVICE, f"{problem}. The key is not in use.", record)
    if _is_test(_tags(answer.records[0])):
        words = f"The record of {key.selector} says that it is a test (t=y): receivers may ignore it."
        return _finding(Level.ADVICE, words, record)
    use = "and signs" if key.is_enabled else "and may be enabled"
    return _finding(Level.GOOD, f"The key {key.selector} is in the DNS {use}.")


def _difference(record: DnsRecord, answer: Answer) -> str:
    """What a receiver would find instead of our key, or ""."""
    found = _tags(answer.records[0]) if answer.records else {}
    wanted = _tags(record.text)
    problem = _problem(found, wanted.get("k", "rsa"))
    cases = (
        (not answer.records, "There is no record of our key at"),
        (len(answer.records) > 1, f"There are {len(answer.records)} texts instead of one at"),
        ("p" not in found, "There is no key in the text at"),
        (not found.get("p"), "The key is revoked (p= is empty) at"),
        (found.get("p") != wanted["p"], "There is another key, or one that is cut short, at"),
        (bool(problem), f"The record {problem}, at"),
    )
    return next((f"{words} {record.name}" for is_so, words in cases if is_so), "")


def _other_key(domain: str, selector: str, answer: Answer) -> Finding:
    """A key of somebody else, such as the mail service: nobody told us what it should be."""
    name = f"{selector}._domainkey.{domain}"
    if answer.status is Status.FAILED:
        return _finding(Level.UNKNOWN, f"The key {selector} could not be looked up: {answer.why}.")
    if len(answer.records) != 1:
        what = "no text" if not answer.records else f"{len(answer.records)} texts instead of one"
        return _finding(Level.FAULT, f"There is {what} at {name}: ask the mail service what belongs there.")
    found = _tags(answer.records[0])
    bits = _bits(found) or 0
    problem = _problem(found, found.get("k", "rsa"))
    cases = (
        (bool(problem), Level.FAULT, f"The text at {name} {problem}."),
        (not bits, Level.FAULT, f"The text at {name} holds no key that can be read."),
        (
            bits < _LEAST_BITS,
            Level.FAULT,
            f"The key {selector} has {bits} bits; fewer than 1024 are refused.",
        ),
        (bits < _GOOD_BITS, Level.ADVICE, f"The key {selector} has {bits} bits: ask for one of 2048."),
        (_is_test(found), Level.ADVICE, f"The record of {selector} says that it is a test (t=y)."),
    )
    for is_so, level, words in cases:
        if is_so:
            return _finding(level, words)
    return _finding(Level.GOOD, f"The key {selector} is in the DNS.")


def _is_test(tags: Mapping[str, str]) -> bool:
    return "y" in tags.get("t", "").split(":")


def _problem(tags: Mapping[str, str], kind: str) -> str:
    """Why a receiver could not use a key, or ""."""
    if tags.get("v", "DKIM1") != "DKIM1":
        return "does not begin with v=DKIM1"
    if tags.get("k", "rsa") != kind or kind not in ("rsa", "ed25519"):
        return f"says k={tags.get('k', 'rsa')}"
    if "h" in tags and "sha256" not in tags["h"].split(":"):
        return "does not allow sha256 (h=)"
    if "s" in tags and not {"*", "email"} & set(tags["s"].split(":")):
        return "is not for mail (s=)"
    return ""


def _bits(tags: Mapping[str, str]) -> int | None:
    """A key's strength as bits of RSA; None if it is no key."""
    try:
        raw = base64.b64decode(tags.get("p", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
    if tags.get("k", "rsa") == "ed25519":
        return _GOOD_BITS if len(raw) == 32 else None
    return public_bits(raw)


def _tags(text: str) -> dict[str, str]:
    """A record's tags without any white space in their values; the first of several counts."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        tag = _TAG.fullmatch(part)
        if tag:
            found.setdefault(tag[1], re.sub(r"\s", "", tag[2]))
    return found


def _finding(level: Level, words: str, record: DnsRecord | None = None) -> Finding:
    return Finding(level, Subject.DKIM, words, record)
