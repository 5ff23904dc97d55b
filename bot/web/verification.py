"""The page behind a verification link: the one-time code, and how it is sent to the bot.

The page knows nobody and binds nobody: that the code is still unused, and whom it binds, is for the worker to say.
"""

import time

import structlog
from flask import Blueprint, Response

from bot.identity.links import VerificationLinks
from bot.links import ExpiredLink, ForgedLink
from bot.texts import Texts
from bot.web.pages import Pages, preferred_language

log = structlog.get_logger()


def verification_pages(links: VerificationLinks, texts: Texts) -> Blueprint:
    """``GET /verify/<token>``: 200 with the page, 410 for a link whose time is over, 404 for one that we never made."""
    blueprint, pages = Blueprint("verification", __name__), Pages(texts)

    @blueprint.get("/verify/<token>")
    def verify(token: str) -> Response:
        language = preferred_language()
        try:
            code = links.open(token, time.time())
        except ExpiredLink:
            return pages.notice(410, "expired", texts.say("hcp_page_expired", language), language)
        except ForgedLink as error:
            log.info("verification_link_refused", why=str(error))
            return pages.notice(404, "unknown", texts.say("hcp_page_unknown", language), language)
        words = {"title": texts.say("hcp_page_title", language), "note": texts.say("hcp_page_text", language)}
        line = texts.say("hcp_page_words", language, code=code)
        return pages.page(200, "verification.html", language, words=words, line=line)

    return blueprint
