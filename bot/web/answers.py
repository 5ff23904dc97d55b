"""The page behind a long reply: the whole answer, for whoever holds a valid link to it.

What it says lies with the worker, in the record of the turn: when that is removed, the link opens nothing. Like the
page of a source it is one document without scripts, fetches nothing and is kept by no cache.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response

from bot.texts import Language, Texts
from bot.web.pages import LinkedPages, NothingToShow, preferred_language
from bot.web.services import SourcePages

_ITEM = "· "
_NAMED_ADDRESS = re.compile(r"(?P<name>.*\S) (?P<url>https?://\S+)")


def answer_pages(pages: SourcePages, texts: Texts) -> Blueprint:
    """``GET /answer/<token>``: 200 with the page, 410 for a link whose time is over, 404 for one that opens nothing,
    and 503 while the worker does not answer."""
    blueprint = Blueprint("answer", __name__)
    linked = LinkedPages(pages, texts, "answer", lambda what, language: texts.say(f"answer_text_{what}", language))

    def read(token: str, language: Language) -> Mapping[str, object]:
        answer = str(linked.ask("answer", {"turn": pages.links.open_answer(token, time.time())}) or "")
        if not answer:
            raise NothingToShow("no such answer any more")
        words = {"title": texts.say("answer_title", language), "note": texts.say("answer_note", language)}
        return {"words": words, "lines": _lines(answer)}

    @blueprint.get("/answer/<token>")
    def answer(token: str) -> Response:
        language = preferred_language()
        return linked.respond(language, "answer.html", lambda: read(token, language))

    return blueprint


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
