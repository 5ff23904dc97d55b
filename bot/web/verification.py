"""The page behind a verification link: the one-time code, and how it is sent to the bot.

The page knows nobody and binds nobody: that the code is still unused, and whom it binds, is for the worker to say.
"""

import time

import structlog
from flask import Blueprint, Response, render_template, request
from markupsafe import Markup

from bot.identity.links import VerificationLinks
from bot.links import ExpiredLink, ForgedLink
from bot.texts import LANGUAGES, Language, Texts
from bot.web.reader import STYLE, TAGS, page_headers

log = structlog.get_logger()


def verification_pages(links: VerificationLinks, texts: Texts) -> Blueprint:
    """``GET /verify/<token>``: 200 with the page, 410 for a link whose time is over, 404 for one that we never made."""
    blueprint = Blueprint("verification", __name__)
    style = Markup(STYLE.read_text(encoding="utf-8"))  # noqa: S704 - our own file
    headers = page_headers(style)

    def page(status: int, template: str, language: Language, **shown: object) -> Response:
        html = render_template(template, style=style, language=TAGS[language], **shown)
        described = {**headers, "Content-Language": TAGS[language]}
        return Response(html, status, described, content_type="text/html; charset=utf-8")

    def notice(status: int, what: str, language: Language) -> Response:
        title, text = texts.say(f"source_title_{what}", language), texts.say(f"hcp_page_{what}", language)
        return page(status, "source_notice.html", language, words={"title": title, "text": text})

    @blueprint.get("/verify/<token>")
    def verify(token: str) -> Response:
        language: Language = "en" if request.accept_languages.best_match(LANGUAGES) == "en" else "zh"
        try:
            code = links.open(token, time.time())
        except ExpiredLink:
            return notice(410, "expired", language)
        except ForgedLink as error:
            log.info("verification_link_refused", why=str(error))
            return notice(404, "unknown", language)
        words = {"title": texts.say("hcp_page_title", language), "note": texts.say("hcp_page_text", language)}
        line = texts.say("hcp_page_words", language, code=code)
        return page(200, "verification.html", language, words=words, line=line)

    return blueprint
