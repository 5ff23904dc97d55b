"""The Flask application.

A callback is verified, decrypted, made durable and answered here, and nothing else happens: no platform call, no
database, no model. Whatever a stranger sends ends in a 4xx and one log line.
"""

import time

import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from bot import telemetry
from bot.account import Account
from bot.bots_file import BotConfig
from bot.channel import (
    NOTHING,
    Bell,
    CallbackRequest,
    CallbackResponse,
    Echo,
    Greeting,
    Immediate,
    Messages,
    Poll,
    Received,
    Rejected,
    StreamState,
)
from bot.errors import Unavailable
from bot.events import CardClick, MenuClick
from bot.feedback.words import pressed_label
from bot.inbox import Acceptance
from bot.live import Snapshot
from bot.messages import ConversationId, InboundMessage
from bot.texts import Language, language_of
from bot.web.answers import answer_pages
from bot.web.gauges import Gauges
from bot.web.health import readiness
from bot.web.proofs import domain_proofs
from bot.web.reader import source_pages
from bot.web.services import WebServices
from bot.web.verification import verification_pages

log = structlog.get_logger()

MAX_BODY_BYTES = 1024 * 1024
"""Upper bound for any request body; a channel may accept less."""
MAX_DRAINED_BYTES = 16 * 1024 * 1024
MAX_QUERY_BYTES = 8192
NO_SUCH_CHANNEL = "no_such_channel"
"""The result of a callback to an address that no bot has."""


def create_app(services: WebServices) -> Flask:
    """The application over ``services``."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.merge_slashes = False  # else "/callback//x" is sent on to whatever Host the request names
    app.register_blueprint(source_pages(services.sources, services.texts))
    app.register_blueprint(answer_pages(services.sources, services.texts))
    app.register_blueprint(verification_pages(services.verification, services.texts))
    app.register_blueprint(domain_proofs(services.proofs_dir))

    @app.route("/callback/<bot>/<channel>", methods=["GET", "POST"])
    def callback(bot: str, channel: str) -> Response:
        started = time.perf_counter()
        response, result = _callback(services, bot, channel)
        if result == NO_SUCH_CHANNEL:  # else a stranger could make up names, and a metric is kept for each
            bot = channel = ""
        telemetry.count("callback", bot=bot, channel=channel, result=result)
        telemetry.ACKNOWLEDGEMENT.labels(channel=channel).observe(time.perf_counter() - started)
        return Response(response.body, response.status, content_type=response.content_type)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain; charset=utf-8")

    @app.get("/readyz")
    def readyz() -> tuple[dict[str, object], int]:
        report = readiness(services.redis, services.reloader, services.llm_configured, time.time())
        return report, 200 if report["ready"] else 503

    @app.get("/metrics")
    def metrics() -> Response:
        page = telemetry.metrics_page(services.metrics_dir, Gauges(services))
        return Response(page, content_type="text/plain; version=0.0.4; charset=utf-8")

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        begin = "/".join(request.path.split("/", 2)[:2])[:200]  # what follows may be the token of a link
        log.info("request_refused", status=error.code, method=request.method, path=begin)
        headers = [(name, value) for name, value in error.get_headers() if name != "Content-Type"]  # Allow, above all
        return Response(f"{error.name}\n", error.code, headers, content_type="text/plain; charset=utf-8")

    @app.after_request
    def guarded(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return app


def _callback(services: WebServices, bot: str, channel_id: str) -> tuple[CallbackResponse, str]:
    """The answer to one callback, and a word for the metrics."""
    configuration = services.reloader.live.snapshot  # one for the whole callback
    channel = configuration.channels.get((bot, channel_id))
    if channel is None:
        log.info("callback_rejected", reason=NO_SUCH_CHANNEL, status=404)
        return _refusal(404), NO_SUCH_CHANNEL
    try:
        received = channel.receive(_request())
    except Rejected as rejection:
        log.warning("callback_rejected", bot=bot, channel=channel_id, reason=rejection.reason, status=rejection.status)
        return _refusal(rejection.status), rejection.reason
    try:
        immediate, result = _immediate(services, received, configuration, bot)
    except Unavailable as error:
        log.error("callback_not_stored", bot=bot, channel=channel_id, error=str(error))
        return _refusal(503), "not_stored"
    return channel.respond(received, immediate), result


def _immediate(
    services: WebServices, received: Received, configuration: Snapshot, bot_id: str
) -> tuple[Immediate, str]:
    """What the HTTP answer says, once everything that needs work is durable, and a word for the metrics.

    Raises :class:`~bot.errors.Unavailable` when Redis does not answer.
    """
    bot = configuration.bots[bot_id]
    texts, language = services.texts, bot.language
    match received:
        case Echo():
            return NOTHING, "echo"
        case Bell():
            return NOTHING, _rung(services, received, configuration)
        case Greeting():
            return Immediate(notice=texts.say("welcome", language, name=bot.name)), "greeting"
        case Poll():
            state = _bubble(services, received.conversation, received.stream_id, language)
            return Immediate(stream=state, notice=texts.say("stream_unknown", language)), "poll"
        case Messages():
            return _accepted(services, received, bot)


def _rung(services: WebServices, bell: Bell, configuration: Snapshot) -> str:
    """Note ``bell`` for whoever pulls its account, at whichever URL it was heard; a word for the metrics."""
    channels = configuration.channels.items()
    rung = [name for name, one in channels if isinstance(one, Account) and one.account_name == bell.account]
    for bot, channel in rung:
        services.bells.ring(bot, channel, bell.token)
    if not rung:
        log.info("bell_of_no_account", account=bell.account)
    return "bell" if rung else "ignored"


def _accepted(services: WebServices, received: Messages, bot: BotConfig) -> tuple[Immediate, str]:
    waiting = services.texts.say("stream_waiting", bot.language)
    results = [services.inbox.accept(message, waiting) for message in received.messages]
    for result in results:
        telemetry.count("message", bot=bot.id, result=result.value)
    if not results:
        return NOTHING, "ignored"
    message, result = received.messages[0], results[0]
    if Acceptance.BUSY in results:
        return _busy(services, bot, message), Acceptance.BUSY.value
    if isinstance(message.event, CardClick):
        return Immediate(pressed=pressed_label(message.event, services.texts, bot.language)), result.value
    if not message.stream_id:
        return NOTHING, result.value
    state: StreamState | None = StreamState(text=waiting, finished=False)
    if result is Acceptance.DUPLICATE:
        state = _bubble(services, message.conversation, message.stream_id, bot.language)
    notice = services.texts.say("stream_unknown", bot.language)
    return Immediate(stream=state, notice=notice, turn_id=message.turn_id), result.value


def _bubble(
    services: WebServices, conversation: ConversationId, stream_id: str, language: Language
) -> StreamState | None:
    waiting, late = (services.texts.say(key, language) for key in ("stream_waiting", "stream_late"))
    bubble = services.streams.ask(conversation, stream_id, waiting=waiting, late=late)
    if bubble is None:
        return None
    return StreamState(text=bubble.text, finished=bubble.finished, pictures=_pictures(services, bubble.pictures))


def _pictures(services: WebServices, media: tuple[str, ...]) -> tuple[bytes, ...]:
    """The bytes of the pictures that are still kept."""
    pictures = []
    for one in media:
        found = services.media.find(one)
        try:
            pictures.append(found.path.read_bytes() if found else b"")
        except FileNotFoundError:  # it expired between the two
            pictures.append(b"")
    missing = pictures.count(b"")
    if missing:
        log.warning("picture_gone", pictures=len(pictures), missing=missing)
        telemetry.count("degraded", what="picture_gone")
    return tuple(filter(None, pictures))


def _request() -> CallbackRequest:
    """The HTTP request as a channel sees it. Raises :class:`~bot.channel.Rejected` when it is out of bounds."""
    if len(request.query_string) > MAX_QUERY_BYTES:
        raise Rejected("query_too_large", 414)
    if request.content_length is not None and request.content_length > MAX_BODY_BYTES:
        _drain(request.content_length)
        raise Rejected("too_large", 413)
    return CallbackRequest(
        method=request.method,
        query=request.args.to_dict(),
        body=request.get_data(cache=False),
        received_at=time.time(),
    )


def _drain(length: int) -> None:
    """Read an oversized body away: a peer that is still writing would get a reset instead of its 413."""
    left = min(length, MAX_DRAINED_BYTES)
    while left > 0 and (chunk := request.environ["wsgi.input"].read(min(left, 65536))):
        left -= len(chunk)


def _refusal(status: int) -> CallbackResponse:
    return CallbackResponse(status=status)


def _busy(services: WebServices, bot: BotConfig, message: InboundMessage) -> Immediate:
    """What whoever wrote or pressed something hears when it is not taken; other events are refused without a word."""
    log.warning("message_refused_busy", conversation=message.conversation.key)
    if message.event is not None and not isinstance(message.event, CardClick | MenuClick):
        return NOTHING
    pressed = services.texts.say("card_busy", bot.language) if isinstance(message.event, CardClick) else ""
    return Immediate(notice=services.texts.say("busy", language_of(message.text, bot.language)), pressed=pressed)
