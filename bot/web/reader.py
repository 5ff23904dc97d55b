"""The page behind a citation: the document at the cited passage, for whoever holds a valid link.

A link is checked before anything is asked. The knowledge lies with the process that owns the index, which this one
asks through Redis; when nobody answers, the page says so. The page is one document without scripts: it fetches
nothing, is kept by no cache, and tells no other site where a reader came from.
"""

import base64
import hashlib
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog
from flask import Blueprint, Response, render_template, request
from markupsafe import Markup

from bot import telemetry
from bot.errors import KnowledgeError, Unavailable
from bot.knowledge.approval import approval_words
from bot.knowledge.excerpt import Excerpt, Standing
from bot.links import ExpiredLink, ForgedLink, SourceToken
from bot.texts import LANGUAGES, Language, Texts
from bot.web.passages import shown_passages
from bot.web.services import READ_DEADLINE_S, SourcePages

log = structlog.get_logger()

RETRY_AFTER_S = 5
TAGS: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}
_FORBIDDEN = ("base-uri", "form-action", "frame-ancestors")
STYLE = Path(__file__).parent / "templates/source.css"


def source_pages(pages: SourcePages, texts: Texts) -> Blueprint:
    """``GET /source/<token>``: 200 with the page, 410 for a link whose time is over, 404 for one that opens nothing,
    and 503 while the knowledge does not answer."""
    blueprint = Blueprint("source", __name__)
    reader = _Reader(pages, texts)

    @blueprint.get("/source/<token>")
    def source(token: str) -> Response:
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
        """The page, or a page that says why there is none and what to do."""
        try:
            opened = self._pages.links.open(token, time.time())
            excerpt = self._read(opened)
        except ExpiredLink:
            return self._notice(410, "expired", language)
        except ForgedLink as error:
            log.info("source_refused", why=str(error))
            return self._notice(404, "unknown", language)
        except (Unavailable, KnowledgeError) as error:
            telemetry.count("degraded", what="source_not_shown")
            log.warning("source_not_shown", error=str(error))
            response = self._notice(503, "unavailable", language)
            response.headers["Retry-After"] = str(RETRY_AFTER_S)
            return response
        if excerpt is None:
            log.info("source_refused", why="nothing that this link may show", entry=opened.entry_id)
            return self._notice(404, "unknown", language)
        words = _words(excerpt, opened, self._texts, language, self._pages.timezone)
        return self._response(200, "source.html", language, words=words, passages=list(shown_passages(excerpt)))

    def _read(self, token: SourceToken) -> Excerpt | None:
        """What the link shows, ``None`` for nothing. Raises :class:`~bot.errors.Unavailable` and
        :class:`~bot.errors.KnowledgeError`."""
        if not self._turnstile.acquire(blocking=False):
            raise Unavailable("too many readers are waiting for the knowledge")
        try:
            wanted = {"entry": token.entry_id, "reader": token.reader.value, "tenant": token.tenant}
            found = self._pages.knowledge.call("read", wanted, READ_DEADLINE_S)
        finally:
            self._turnstile.release()
        return Excerpt.from_json(found) if found else None

    def _notice(self, status: int, what: str, language: Language) -> Response:
        words = {
            "title": self._texts.say(f"source_title_{what}", language),
            "text": self._texts.say(f"source_text_{what}", language),
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


def page_headers(style: str) -> dict[str, str]:
    """The headers of a page that has only ``style``, fetches nothing and is kept by nobody."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = ("default-src 'none'", f"style-src 'sha256-{digest}'", *(f"{name} 'none'" for name in _FORBIDDEN))
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "private, no-store",
        "Vary": "Accept-Language",
    }


def _words(
    excerpt: Excerpt, token: SourceToken, texts: Texts, language: Language, timezone: ZoneInfo
) -> dict[str, str]:
    """What the page says around the passages; empty where there is nothing to say."""

    def day(epoch_s: float) -> str:
        return datetime.fromtimestamp(epoch_s, timezone).date().isoformat()

    current, warning = texts.say("source_current", language), ""
    if excerpt.since is not None:
        last = excerpt.since - 1 if excerpt.standing is Standing.EXPIRED else excerpt.since  # a FAQ's last second
        current, warning = "", texts.say(f"source_is_{excerpt.standing.value}", language, date=day(last))
    version = {"number": excerpt.version, "date": day(excerpt.approved_at)}
    return {
        "kicker": texts.say("source_kicker", language),
        "title": excerpt.title,
        "file_label": texts.say("source_file", language),
        "file": excerpt.source,
        "version": texts.say("source_version", language, **version),
        "approval": approval_words(excerpt.approval_number, texts, language),
        "current": current,
        "warning": warning,
        "jump": texts.say("source_jump", language),
        "cited": texts.say("source_cited", language),
        "earlier": texts.say("source_earlier", language, count=excerpt.earlier) if excerpt.earlier else "",
        "later": texts.say("source_later", language, count=excerpt.later) if excerpt.later else "",
        "until": texts.say("source_link_until", language, date=day(token.expires_at)),
    }
