"""The callback URL, verified as the platform does it when an administrator presses save."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import requests
import urllib3

from bot.channel import UrlVerification
from bot.doctor.redaction import place_of
from bot.finding import Finding, State

TRIES = 3
"""A slow answer is given other chances: the doctor's own checks keep the machine busy."""
_TIMEOUT_S = 4.0
_MAX_BODY_BYTES = 64 * 1024
_DRAWS = 500
_TITLE = re.compile(r"<title[^>]*>\s*([^<]{1,80}?)\s*</title>", re.IGNORECASE)

Verify = Callable[[], UrlVerification]
"""A fresh verification at every call: :meth:`bot.channel.Channel.verification_request`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back: ``fault`` is empty, or says why nothing did."""

    fault: str = ""
    status: int = 0
    body: bytes = b""
    location: str = ""
    took_s: float = 0.0

    def proves(self, verification: UrlVerification) -> bool:
        """Whether the platform would accept it, its time apart."""
        return self.status == 200 and self.body == verification.plain.encode()


def callback(url: str, verify: Verify, name: str, local_url: str) -> Finding:
    """The verification of ``url``; ``local_url`` is the same place without whatever stands in front of it."""
    verification = _draw(verify, plus=True)  # what is in front of us spoils these only
    answer = ask(url, verification)
    for _ in range(TRIES - 1):
        if not answer.proves(verification) or answer.took_s <= verification.within_s:
            break
        again = ask(url, verification)
        answer = min(answer, again, key=lambda tried: tried.took_s if tried.proves(verification) else float("inf"))
    if answer.proves(verification):
        return _in_time(name, url, answer, verification.within_s)
    if answer.fault:
        return Finding(name=name, state=State.BROKEN, detail=f"{place_of(url)}: {answer.fault}", cure=_REACH)
    found = _diagnosis(url, verify, verification, answer, local_url)
    return Finding(name=name, state=State.BROKEN, detail=f"{place_of(url)} {found[0]}", cure=found[1])


def ask(url: str, verification: UrlVerification, *, encode_twice: bool = False) -> Answer:
    """One verification, its query encoded as the platform does it, or once more."""
    pairs = {name: quote(value, safe="") for name, value in verification.query.items()}
    if encode_twice:
        pairs = {name: quote(value, safe="") for name, value in pairs.items()}
    target = f"{url}?{'&'.join(f'{name}={value}' for name, value in pairs.items())}"
    started = time.monotonic()
    try:
        with requests.Session() as session:
            session.trust_env = False  # the platform does not come through our proxy either
            with session.get(target, timeout=_TIMEOUT_S, allow_redirects=False, stream=True) as response:
                body = response.raw.read(_MAX_BODY_BYTES, decode_content=True)
    except requests.exceptions.SSLError:
        return Answer(fault="its certificate is not valid (expired, another name, or an incomplete chain)")
    except requests.Timeout:
        return Answer(fault=f"no answer within {_TIMEOUT_S:g} s")
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        return Answer(fault=_connection_fault(error))
    took_s = time.monotonic() - started
    location = response.headers.get("Location", "")
    return Answer(status=response.status_code, body=body, location=location, took_s=took_s)


_REACH = (
    "start what should listen there, or correct PUBLIC_URL, DNS or the proxy in front; where only this machine cannot "
    "reach its own public address, save the URL in the platform's console to be sure"
)


def _connection_fault(error: Exception) -> str:
    """The cause in our words; the text of the exception carries the query."""
    said = repr(error)
    if "NameResolutionError" in said or "gaierror" in said:
        return "its name is unknown to DNS"
    if "Connection refused" in said or "ConnectionRefusedError" in said:
        return "nothing listens there"
    return f"the connection fails ({type(error).__name__})"


def _in_time(name: str, url: str, answer: Answer, within_s: float) -> Finding:
    took_ms = answer.took_s * 1000
    if answer.took_s <= within_s:
        detail = f"{place_of(url)} decrypts and answers in {took_ms:.0f} ms"
        return Finding(name=name, state=State.OK, detail=detail)
    detail = f"{place_of(url)} answers rightly, but after {took_ms:.0f} ms; the platform waits {within_s * 1000:.0f}"
    cure = "look at the machine's load and at what stands in front of the web process"
    return Finding(name=name, state=State.BROKEN, detail=detail, cure=cure)


def _diagnosis(
    url: str, verify: Verify, verification: UrlVerification, answer: Answer, local_url: str
) -> tuple[str, str]:
    """What was answered instead of the plain text, and the cure."""
    if 300 <= answer.status < 400:
        target = urlsplit(answer.location)
        where = f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else target.path
        return f"redirects ({answer.status}) to {where}", _PROXY + "; the platform does not follow redirects"
    if answer.status == 200:
        return _other_body(answer.body, verification.plain)
    if _query_is_spoilt(url, verify):
        return _spoilt_query(url, verify)
    if local_url != url and ask(local_url, own := verify()).proves(own):
        return f"answers {answer.status}{_title(answer.body)}, and the web process itself answers rightly", _PROXY
    if answer.body:
        return f"answers {answer.status}{_title(answer.body)}", _PROXY
    return f"answers {answer.status}: it is an installation with other values for this channel", _VALUES


_PROXY = "let the proxy in front pass /callback/ on unchanged, without login or redirect"
_VALUES = (
    "see that this address leads to this installation, and that its processes run this bots.yaml (/readyz says so)"
)


def _other_body(body: bytes, plain: str) -> tuple[str, str]:
    if plain.encode() in body and len(body) < len(plain) + 16:
        return "adds something to the plain text (a newline, quotes or a BOM)", _PROXY
    return f"answers 200 with something else{_title(body)}", _PROXY


def _title(body: bytes) -> str:
    found = _TITLE.search(body.decode(errors="replace"))
    if found:
        return f" (a page titled “{found[1]}”)"
    return " (a web page)" if b"<html" in body.lower() else ""


def _query_is_spoilt(url: str, verify: Verify) -> bool:
    """Whether only values with a ``+`` are refused."""
    plain, plus = _draw(verify, plus=False), _draw(verify, plus=True)
    return ask(url, plain).proves(plain) and not ask(url, plus).proves(plus)


def _spoilt_query(url: str, verify: Verify) -> tuple[str, str]:
    cure = "let the proxy in front pass the query string on as it came (nginx: proxy_pass without a URI, no rewrite)"
    twice = _draw(verify, plus=True)
    if ask(url, twice, encode_twice=True).proves(twice):
        return "decodes the query twice, so that + becomes a space", cure
    return "turns the + of the query into a space", cure


def _draw(verify: Verify, *, plus: bool) -> UrlVerification:
    """A verification with a ``+`` in its values, or without; one in four has none, so the draws always suffice."""
    drawn = verify()
    for _ in range(_DRAWS):
        if any("+" in value for value in drawn.query.values()) == plus:
            break
        drawn = verify()
    return drawn
