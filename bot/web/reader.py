"""The page behind a citation: the document at the cited passage, for whoever holds a valid link.

A link is checked before anything is asked. The knowledge lies with the process that owns the index, which this one
asks through Redis; when nobody answers, the page says so. The page is one document without scripts: it fetches
nothing, is kept by no cache, and tells no other site where a reader came from. The pictures that stand with the cited
passage are part of it, so that they can be seen exactly as long as the words.
"""

import base64
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath
from zoneinfo import ZoneInfo

import structlog
from flask import Blueprint, Response

from bot import telemetry
from bot.knowledge.approval import approval_words
from bot.knowledge.excerpt import Excerpt, Standing
from bot.knowledge.figures import FigureStore
from bot.links import SourceToken
from bot.texts import Language, Texts
from bot.web.pages import LinkedPages, NothingToShow, preferred_language
from bot.web.passages import shown_passages
from bot.web.services import SourcePages

log = structlog.get_logger()

MOST_PICTURES = 8
MOST_PICTURE_BYTES = 6 * 1024 * 1024
"""Of one page: what a phone still loads in seconds."""
_SLIDES = (".pptx", ".ppt", ".odp")


def source_pages(pages: SourcePages, texts: Texts) -> Blueprint:
    """``GET /source/<token>``: 200 with the page, 410 for a link whose time is over, 404 for one that opens nothing,
    and 503 while the knowledge does not answer."""
    blueprint = Blueprint("source", __name__)
    linked = LinkedPages(pages, texts, "source", lambda what, language: texts.say(f"source_text_{what}", language))

    def read(token: str, language: Language) -> Mapping[str, object]:
        opened = pages.links.open(token, time.time())
        wanted = {"entry": opened.entry_id, "reader": opened.reader.value, "tenant": opened.tenant}
        found = linked.ask("read", wanted)
        if not found:
            raise NothingToShow(f"nothing of entry {opened.entry_id} that this link may show")
        excerpt = Excerpt.from_json(found)
        pictures = _pictures(excerpt, pages.figures)
        words = _words(excerpt, opened, texts, language, pages.timezone)
        words["left_out"] = ""
        if left_out := sum(len(passage.figures) for passage in excerpt.passages) - len(pictures):
            words["left_out"] = texts.say("source_pictures_left_out", language, count=left_out)
        key = "place_slide" if PurePath(excerpt.source).suffix.lower() in _SLIDES else "place_page"
        passages = list(shown_passages(excerpt))
        return {
            "words": words,
            "passages": passages,
            "places": {each.page: texts.say(key, language, label=each.page) for each in passages if each.page},
            "pictures": pictures,
        }

    @blueprint.get("/source/<token>")
    def source(token: str) -> Response:
        language = preferred_language()
        return linked.respond(language, "source.html", lambda: read(token, language))

    return blueprint


def _pictures(excerpt: Excerpt, figures: FigureStore) -> list[str]:
    """The pictures of the cited passage as ``data:`` addresses; those that lie not here are counted as degraded."""
    shown: list[str] = []
    left = MOST_PICTURE_BYTES
    for id_ in [each for passage in excerpt.passages for each in passage.figures][:MOST_PICTURES]:
        path = figures.path(id_)
        try:
            content = path.read_bytes() if path else b""
        except FileNotFoundError:  # it was removed between the two
            content = b""
        if not content:
            telemetry.count("degraded", what="figure_gone")
            log.warning("figure_gone", source=excerpt.source, figure=id_)
        left -= len(content)
        if content and left >= 0:
            kind = "png" if id_.endswith(".png") else "jpeg"
            shown.append(f"data:image/{kind};base64,{base64.b64encode(content).decode()}")
    return shown


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
        "picture": texts.say("source_picture", language, title=excerpt.title),
        "earlier": texts.say("source_earlier", language, count=excerpt.earlier) if excerpt.earlier else "",
        "later": texts.say("source_later", language, count=excerpt.later) if excerpt.later else "",
        "until": texts.say("source_link_until", language, date=day(token.expires_at)),
    }
