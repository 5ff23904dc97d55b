"""What the pages behind signed links have in common: each is one document without scripts, fetches nothing, is kept by
no cache, and tells no other site where a reader came from.
"""

import base64
import hashlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from flask import Response, render_template, request
from markupsafe import Markup

from bot import telemetry
from bot.errors import KnowledgeError, Unavailable
from bot.links import ExpiredLink, ForgedLink
from bot.texts import LANGUAGES, Language, Texts
from bot.web.services import READ_DEADLINE_S, SourcePages

log = structlog.get_logger()

RETRY_AFTER_S = 5
_TAGS: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}
_FORBIDDEN = ("base-uri", "form-action", "frame-ancestors")
_STYLE = Path(__file__).parent / "templates/source.css"


def preferred_language() -> Language:
    """The language that whoever sent the request under way reads."""
    return "en" if request.accept_languages.best_match(LANGUAGES) == "en" else "zh"


class Pages:
    """Pages in the style of the installation; safe for threads."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._style = Markup(_STYLE.read_text(encoding="utf-8"))  # noqa: S704 - our own file
        self._headers = _page_headers(self._style)

    def page(self, status: int, template: str, language: Language, **shown: object) -> Response:
        """``template`` with what is ``shown`` in it."""
        html = render_template(template, style=self._style, language=_TAGS[language], **shown)
        headers = {**self._headers, "Content-Language": _TAGS[language]}
        return Response(html, status, headers, content_type="text/html; charset=utf-8")

    def notice(self, status: int, what: str, text: str, language: Language) -> Response:
        """A page that says why there is no other: ``text`` below the title for ``what``."""
        words = {"title": self._texts.say(f"source_title_{what}", language), "text": text}
        return self.page(status, "source_notice.html", language, words=words)


class NothingToShow(Exception):
    """The link is good, and what it leads to is not there for its reader, or not any more."""


class LinkedPages:
    """The pages of one ``kind`` (``source`` or ``answer``, for the log) behind links to what lies with the worker.

    ``why(what, language)`` gives the words for somebody who reads none: ``what`` is ``expired``, ``unknown`` or
    ``unavailable``.
    """

    def __init__(self, pages: SourcePages, texts: Texts, kind: str, why: Callable[[str, Language], str]) -> None:
        self._knowledge = pages.knowledge
        self._turnstile = threading.BoundedSemaphore(pages.at_once)
        self._pages = Pages(texts)
        self._refused, self._not_shown = f"{kind}_refused", f"{kind}_not_shown"
        self._why = why

    def respond(self, language: Language, template: str, read: Callable[[], Mapping[str, object]]) -> Response:
        """200 with ``template`` and what ``read`` finds, 410 for a link whose time is over, 404 for one that opens
        nothing, 503 while the worker does not answer. ``read`` raises what opening links raises,
        :class:`NothingToShow`, and what :meth:`ask` raises."""
        try:
            shown = read()
        except ExpiredLink:
            return self._notice(410, "expired", language)
        except (ForgedLink, NothingToShow) as error:
            log.info(self._refused, why=str(error))
            return self._notice(404, "unknown", language)
        except (Unavailable, KnowledgeError) as error:
            telemetry.count("degraded", what=self._not_shown)
            log.warning(self._not_shown, error=str(error))
            response = self._notice(503, "unavailable", language)
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        return self._pages.page(200, template, language, **shown)

    def ask(self, name: str, wanted: Mapping[str, Any]) -> Any:
        """What the worker answers. Raises :class:`~bot.errors.Unavailable`, at once where enough others wait, and
        :class:`~bot.errors.KnowledgeError`."""
        if not self._turnstile.acquire(blocking=False):
            raise Unavailable("too many readers are waiting for the worker")
        try:
            return self._knowledge.call(name, wanted, READ_DEADLINE_S)
        finally:
            self._turnstile.release()

    def _notice(self, status: int, what: str, language: Language) -> Response:
        return self._pages.notice(status, what, self._why(what, language), language)


def _page_headers(style: str) -> dict[str, str]:
    """The headers of a page that has only ``style`` and its own pictures, fetches nothing and is kept by nobody."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        *(f"{name} 'none'" for name in _FORBIDDEN),
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "private, no-store",
        "Vary": "Accept-Language",
    }
