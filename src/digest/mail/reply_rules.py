"""The one table of reply classes: what each SMTP reply means. The first rule that fits counts.

Pure data. `mail.replies.judge` reads it, and nothing else decides by codes. Where a rule looks at words, they
are words that a provider or a program documents; a reply without them falls to the rule of its code, so that
each code has a verdict at each stage.
"""

from __future__ import annotations

from digest.mail.transport import Outcome
from digest.mail.verdicts import Rule, Scope, Stage, Verdict

_ALL = frozenset(Stage)
_CONNECT, _STARTTLS, _AUTH, _MAIL, _RCPT, _DATA, _DOT = (
    frozenset({stage})
    for stage in (
        *(Stage.CONNECT, Stage.STARTTLS, Stage.AUTH),
        *(Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT),
    )
)
_BODY = _DATA | _DOT
_TOLD = _RCPT | _BODY  # only these may speak of a person, a message or a receiving domain
_BEFORE = _ALL - _TOLD


def _about_host(reason: str, *, goes_on: bool = False, rests: bool = False, ours: bool = False) -> Verdict:
    return Verdict(Outcome.UNSENT, Scope.HOST, reason, goes_on, rests, ours)


def _refused(scope: Scope, reason: str, *, rests: bool = False, ours: bool = False) -> Verdict:
    return Verdict(Outcome.REFUSED, scope, reason, rests=rests, is_sender_fault=ours)


def _later(scope: Scope, reason: str, *, rests: bool = False, ours: bool = False) -> Verdict:
    return Verdict(Outcome.DEFERRED, scope, reason, rests=rests, is_sender_fault=ours)


_GOES_ON = _about_host("it goes on", goes_on=True)
_ACCEPTED = Verdict(Outcome.ACCEPTED, Scope.MESSAGE, "it was accepted")
_UNHEARD = Verdict(Outcome.UNKNOWN, Scope.HOST, "its answer to the message is no answer")
_OUT_OF_STEP = _about_host("it answers out of step")
_CLOSES = _about_host("it closes the connection")
_CLOSES_ON_DOMAIN = _about_host("it closes the connection", rests=True)
_CLOSES_ON_US = _about_host("it closes the connection for what it thinks of us", rests=True, ours=True)
TOO_EARLY = _about_host("it does not take commands ahead of its answers, though it offers that")
_SIGN_IN = _about_host("it wants a sign-in or TLS", ours=True)
_NO_LOGIN = _about_host("it does not take our user name and password", ours=True)
_SHUNS_US = _about_host("it refuses us for what it thinks of us", ours=True)
_NOT_NOW = _about_host("it takes nothing now")
_NEVER = _about_host("it takes nothing from us")
_NOBODY_LEFT = _about_host("it has no recipient left: what it said at RCPT counts")
_NO_RELAY = _about_host("it does not relay for us", ours=True)
_NO_SENDER = _about_host("it does not take our sender address", ours=True)
_QUOTA = _about_host("our account may send no more now", ours=True)
_CONFUSED = _about_host("it does not follow us")
_TOO_MANY = _later(Scope.HOST, "it takes no more recipients in one go")
_GREYLISTED = _later(Scope.PERSON, "it asks to come again (greylisting)", ours=True)
_TOO_LARGE = _refused(Scope.MESSAGE, "the message is too large for it", ours=True)
_NO_UTF8 = _refused(Scope.PERSON, "it takes no addresses beyond ASCII", ours=True)
_NO_MAILBOX = _refused(Scope.PERSON, "the address does not work")
_MAILBOX_LATER = _later(Scope.PERSON, "the mailbox takes nothing now")
_SYSTEM_LATER = _later(Scope.HOST, "the receiving system has trouble")
_SYSTEM_NEVER = _refused(Scope.HOST, "the receiving system takes no mail")
_NO_WAY_NOW = _later(Scope.DOMAIN, "the domain cannot be reached now")
_NO_WAY = _refused(Scope.PERSON, "the domain has no way for this address")
_MESSAGE_LATER = _later(Scope.MESSAGE, "it cannot take the message now")
_MESSAGE_NEVER = _refused(Scope.MESSAGE, "it does not take the message", ours=True)
_OTHER_OWNER = _refused(Scope.PERSON, "the address belongs to another now")
_CLOSED_CIRCLE = _refused(Scope.PERSON, "the address takes mail from its own people only", ours=True)
_DOMAIN_SLOWS = _later(Scope.DOMAIN, "the domain slows us down", rests=True, ours=True)
_DOMAIN_SHUNS_US = _refused(Scope.DOMAIN, "the domain refuses us as a sender", rests=True, ours=True)
_COME_AGAIN = _later(Scope.PERSON, "it asks to come again")
_UNKNOWN_ANSWER = _about_host("its answer is unknown to us")

# The words of documented replies whose code does not say it.
_POLICY_WORDS = (
    r"spam|block(?:ed|list| list)|black ?-?list|denylist|dnsbl|\brbl\b|reputation|polic(?:y|ies)"
    r"|\bspf\b|\bdkim\b|\bdmarc\b|unauthenticated|administrative prohibition|unsolicited|unusual"
    r"|complaint|suspicious|abuse"
    r"|rate.?limit|virus|malware|temporarily deferred|not accept delivery|ask your postmaster"
)
_RELAY_WORDS = (
    r"relay(?:ing)? (?:access )?(?:is )?(?:denied|not permitted|not allowed|prohibited)|unable to relay"
    r"|credentials for relay|not (?:permitted|allowed) to relay|client host rejected: access denied"
    r"|sender address rejected|sender verify failed|not owned by user|email address is not verified"
    r"|unauthenticated senders"
)
_EARLY_WORDS = (
    r"use of smtp command pipelining|improper (?:command )?pipelining"
    r"|smtp (?:protocol )?synchroni[sz]ation error"
)
_QUOTA_WORDS = (
    r"throttling failure|maximum sending rate|daily (?:\w+ ){0,3}(?:quota|limit)|smtp relay limit"
    r"|submissionquota|sending (?:rate|limit|quota)|maximum credits|concurrent connections limit"
    r"|sender thread limit"
)
_MAILBOX_WORDS = (
    r"user (?:is )?unknown|unknown (?:user|recipient)|no such (?:user|recipient|mailbox|person)"
    r"|mailbox (?:is )?(?:unavailable|not found|full|disabled)|over ?quota|quota exceeded|invalid recipient"
    r"|recipient .{0,40}(?:not found|rejected)|unrouteable address"
    r"|(?:user|account|mailbox|address) .{0,40}does ?n[o']t (?:exist|have)"
)
_GREYLIST_WORDS = r"gr[ae]y.?list|internal resources? (?:are |is )?temporarily unavailable"
_NOBODY_WORDS = r"no valid recipients|valid RCPT command must precede|no recipients"
_MANY_WORDS = r"too many recipients|try this recipient in a separate"

_ENHANCED = "RFC 3463 3."  # the subject of an enhanced code is its middle digit: section 3.2 for x.1.y

RULES: tuple[Rule, ...] = (
    # The way it should go. The first digit decides: 353 to DATA is as good as 354.
    Rule(_DOT, "2", _ACCEPTED, "RFC 5321 4.1.1.4"),
    Rule(_CONNECT | _STARTTLS, "220", _GOES_ON, "RFC 5321 4.3.2; RFC 3207 4"),
    Rule(_AUTH, "235 334", _GOES_ON, "RFC 4954 4"),
    Rule(_DATA, "3", _GOES_ON, "RFC 5321 4.3.2"),
    Rule(_ALL - _CONNECT - _STARTTLS - _AUTH - _BODY, "2", _GOES_ON, "RFC 5321 4.3.2"),
    # An answer out of step. Behind the dot nobody can know what it was for.
    Rule(_DOT, "0 1 2 3 6 7 8 9", _UNHEARD, "RFC 5321 4.2.1"),
    Rule(_ALL, "0 1 2 3 6 7 8 9", _OUT_OF_STEP, "RFC 5321 4.2.1"),
    # "I am closing" is about the host; the domain rests if a recipient or a message brought it about.
    Rule(_TOLD, "421", _CLOSES_ON_US, "Gmail 4.7.28, Yahoo TSS04", enhanced=r"4\.(?:7|16)\.\d+"),
    Rule(_TOLD, "421", _CLOSES_ON_US, "Yahoo, without an enhanced code", text=_POLICY_WORDS),
    Rule(_TOLD, "421", _CLOSES_ON_DOMAIN, "RFC 5321 3.8"),
    # What came before its turn, wherever it is told: no fault of a person or a message.
    Rule(_ALL, "4 5", TOO_EARLY, "Postfix, Exim", text=_EARLY_WORDS),
    # Before RCPT everything is about the host, or about us: never about the person. But the size of a message
    # and an address beyond ASCII are told at MAIL as well.
    Rule(_ALL, "530 534 535 538", _SIGN_IN, "RFC 4954 6"),
    Rule(_AUTH, "5", _NO_LOGIN, "RFC 4954 6"),
    # How we stand to the host, told at any stage: it does not relay for us, or our account has had its share.
    Rule(_ALL, "4 5", _NO_RELAY, "Postfix, Exim, Exchange, SES", text=_RELAY_WORDS),
    Rule(_ALL, "4 5", _QUOTA, "SES 454, SendGrid 451, Gmail 4.2.1, Exchange 5.2.0", text=_QUOTA_WORDS),
    Rule(_ALL, "5", _QUOTA, "Gmail 5.4.5, Exchange 5.1.90", enhanced=r"5\.4\.5|5\.1\.90"),
    Rule(_MAIL, "552", _TOO_LARGE, "RFC 1870 6.1"),
    Rule(_MAIL | _TOLD, "5", _TOO_LARGE, f"{_ENHANCED}3, 3.4", enhanced=r"5\.2\.3|5\.3\.4"),
    Rule(_MAIL | _TOLD, "5", _NO_UTF8, "RFC 6531 3.5, 3.7.4", enhanced=r"5\.6\.[79]"),
    Rule(_BEFORE, "4 5", _SHUNS_US, f"{_ENHANCED}2, 3.8", enhanced=r"[45]\.7\.\d+|[45]\.1\.[78]"),
    Rule(_BEFORE, "4 5", _SHUNS_US, "GMX and T-Online in their greeting", text=_POLICY_WORDS),
    Rule(_BEFORE, "421", _CLOSES, "RFC 5321 3.8"),
    Rule(_BEFORE, "4", _NOT_NOW, "RFC 5321 3.1, 4.2.1"),
    Rule(_BEFORE, "5", _NEVER, "RFC 5321 3.1; RFC 7504"),
    # RCPT, DATA and the dot. First what only looks as if it were about the person.
    Rule(_DATA, "5", _NOBODY_LEFT, "RFC 2920 3.1; Postfix, Exim", text=_NOBODY_WORDS),
    # Postfix keeps what it has against a sender until RCPT (smtpd_delay_reject).
    Rule(_TOLD, "4 5", _NO_SENDER, f"{_ENHANCED}2", enhanced=r"[45]\.1\.[78]"),
    Rule(_RCPT | _DATA, "500 502 503 504", _CONFUSED, "RFC 5321 4.2.2"),
    Rule(_RCPT, "521", _NEVER, "RFC 7504 3"),
    # 552 means 452 here. We name one recipient a message, so it is our rate that is too high.
    Rule(_TOLD, "4 552", _TOO_MANY, "RFC 5321 4.5.3.1.10", enhanced=r"[45]\.5\.3"),
    Rule(_TOLD, "452 552", _TOO_MANY, "RFC 5321 4.5.3.1.10", text=_MANY_WORDS),
    # Greylisting is about this sender and recipient together; others of the domain may go ahead.
    Rule(_TOLD, "4", _GREYLISTED, "RFC 6647; Mimecast 451", text=_GREYLIST_WORDS),
    # The enhanced codes, subject by subject.
    Rule(_TOLD, "5", _NO_MAILBOX, f"{_ENHANCED}2, 3.3", enhanced=r"5\.[12]\.\d+"),
    Rule(_TOLD, "4", _MAILBOX_LATER, f"{_ENHANCED}2, 3.3", enhanced=r"4\.[12]\.\d+"),
    Rule(_TOLD, "4", _SYSTEM_LATER, f"{_ENHANCED}4", enhanced=r"4\.3\.\d+"),
    Rule(_TOLD, "5", _SYSTEM_NEVER, f"{_ENHANCED}4", enhanced=r"5\.3\.\d+"),
    Rule(_TOLD, "4", _NO_WAY_NOW, f"{_ENHANCED}5", enhanced=r"4\.4\.\d+"),
    Rule(_TOLD, "5", _NO_WAY, f"{_ENHANCED}5; Exchange 5.4.1", enhanced=r"5\.4\.\d+"),
    Rule(_TOLD, "4", _MESSAGE_LATER, f"{_ENHANCED}7", enhanced=r"4\.6\.\d+"),
    Rule(_TOLD, "5", _MESSAGE_NEVER, f"{_ENHANCED}7", enhanced=r"5\.6\.\d+"),
    Rule(_TOLD, "5", _OTHER_OWNER, "RFC 7293 14.4", enhanced=r"5\.7\.1[78]"),
    Rule(_TOLD, "5", _CLOSED_CIRCLE, "Exchange 5.7.12x, 5.7.13x", enhanced=r"5\.7\.1[23]\d"),
    Rule(_TOLD, "4", _DOMAIN_SLOWS, f"{_ENHANCED}8; Gmail 4.7.28", enhanced=r"4\.7\.\d+"),
    Rule(_TOLD, "5", _DOMAIN_SHUNS_US, f"{_ENHANCED}8; Outlook 5.7.515", enhanced=r"5\.7\.\d+"),
    # No enhanced code, or one that says nothing (x.0.0, x.5.y): the words, then the code alone.
    Rule(_TOLD, "4", _DOMAIN_SLOWS, "Yahoo, users of Spamhaus", text=_POLICY_WORDS),
    Rule(_TOLD, "5", _DOMAIN_SHUNS_US, "Yahoo PH01, Mimecast, users of Spamhaus", text=_POLICY_WORDS),
    Rule(_BODY, "4", _MAILBOX_LATER, "Exim, Outlook", text=_MAILBOX_WORDS),
    Rule(_BODY, "5", _NO_MAILBOX, "Exim, Outlook", text=_MAILBOX_WORDS),
    Rule(_RCPT, "452", _SYSTEM_LATER, "RFC 5321 4.2.3"),
    Rule(_RCPT, "4", _COME_AGAIN, "RFC 5321 4.2.1"),
    Rule(_RCPT, "5", _NO_MAILBOX, "RFC 5321 4.2.1"),
    Rule(_BODY, "4", _MESSAGE_LATER, "RFC 5321 4.2.1"),
    Rule(_BODY, "521", _DOMAIN_SHUNS_US, "RFC 7504 3"),
    Rule(_BODY, "552", _TOO_LARGE, "RFC 1870 6.3"),
    Rule(_BODY, "5", _MESSAGE_NEVER, "RFC 5321 4.2.1"),
    # Nothing is left for it; it keeps a gap above from making an error of a reply.
    Rule(_ALL, "", _UNKNOWN_ANSWER, "RFC 5321 4.2.1"),
)
