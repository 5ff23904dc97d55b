"""The page behind a long reply: the whole answer, for whoever holds a valid link to it.

What it says lies with the worker, in the record of the turn: when that is removed, the link opens nothing. Like the
page of a source it is one document without scripts, fetches nothing and is kept by no cache.
"""

import re
import threading
import time
from dataclasses import dataclass

import structlog
from flask import Blueprint, Response, render_template, request
from markupsafe import Markup

from bot import telemetry
from bot.errors import KnowledgeError, Unavailable
from bot.links import ExpiredLink, ForgedLink
from bot.texts import LANGUAGES, Language, Texts
from bot.web.reader import RETRY_AFTER_S, STYLE, TAGS, page_headers
from bot.web.services import READ_DEADLINE_S, SourcePages

log = structlog.get_logger()

_ITEM = "· "
_NAMED_ADDRESS = re.compile(r"(?P<name>.*\S) (?P<url>https?://\S+)")


def answer_pages(pages: SourcePages, texts: Texts) -> Blueprint:
    """``GET /answer/<token>``: 200 with the page, 410 for a link whose time is over, 404 for one that opens nothing,
    and 503 while the worker does not answer."""
    blueprint = Blueprint("answer", __name__)
    reader = _Reader(pages, texts)

    @blueprint.get("/answer/<token>")
    def answer(token: str) -> Response:
        preferred = request.accept_languages.best_match(LANGUAGES)
        return reader.respond(token, "en" if preferred == "en" else "zh")

    return blueprint


class _Reader:
    """Answers one request after the other; safe for threads."""

    def __init__(self, pages: SourcePages, texts: Texts) -> None:
        self._pages = pages
        self._texts = texts
        self._turnstile = threading.BoundedSemaphore(pages.at_once)
        self._style = Markup(STYLE.read_text(encoding="utf-8"))  # noqa: S704 - our own file
        self._headers = page_headers(self._style)

    def respond(self, token: str, language: Language) -> Response:
        """The page, or a page that says why there is none."""
        try:
            answer = self._read(self._pages.links.open_answer(token, time.time()))
        except ExpiredLink:
            return self._notice(410, "expired", language)
        except ForgedLink as error:
            log.info("answer_refused", why=str(error))
            return self._notice(404, "unknown", language)
        except (Unavailable, KnowledgeError) as error:
            telemetry.count("degraded", what="answer_not_shown")
            log.warning("answer_not_shown", error=str(error))
            response = self._notice(503, "unavailable", language)
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        if not answer:
            log.info("answer_refused", why="no such answer any more")
            return self._notice(404, "unknown", language)
        words = {"title": self._texts.say("answer_title", language), "note": self._texts.say("answer_note", language)}
        return self._response(200, "answer.html", language, words=words, lines=_lines(answer))

    def _read(self, turn_id: str) -> str:
        """The words of the answer, empty where there are none. Raises :class:`~bot.errors.Unavailable` and
        :class:`~bot.errors.KnowledgeError`."""
        if not self._turnstile.acquire(blocking=False):
            raise Unavailable("too many readers are waiting for the worker")
        try:
            return str(self._pages.knowledge.call("answer", {"turn": turn_id}, READ_DEADLINE_S) or "")
        finally:
            self._turnstile.release()

    def _notice(self, status: int, what: str, language: Language) -> Response:
        words = {
            "title": self._texts.say(f"source_title_{what}", language),
            "text": self._texts.say(f"answer_text_{what}", language),
        }
        return self._response(status, "source_notice.html", language, words=words)

    def _response(self, status: int, template: str, language: Language, **shown: object) -> Response:
        html = render_template(template, style=self._style, language=TAGS[language], **shown)
        return Response(
            html,
            status,
            {**self._headers, "Content-Language": TAGS[language]},
            content_type="text/html; charset=utf-8",
        )


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of an answer; its ``words`` lead to ``url``, where it has one. ``style`` is its class in the page."""

    words: str
    url: str
    style: str


def _lines(answer: str) -> list[_Line]:
    """The lines of ``answer``: what it says of a source in two pieces, its name and its address, is one link here."""
    lines, begins = [], True
    for raw in answer.split("\n"):
        words = raw.strip()
        if words:
            named = _NAMED_ADDRESS.fullmatch(words)
            style = " ".join(name for name, on in (("begins", begins), ("item", words.startswith(_ITEM))) if on)
            lines.append(_Line(words=named["name"] if named else words, url=named["url"] if named else "", style=style))
        begins = not words
    return lines
