"""The language models, the embedding server and the speech service, each asked for something tiny."""

import time
from collections.abc import Iterator

import requests

from bot.doctor.check import one_line
from bot.doctor.redaction import place_of
from bot.errors import ConfigError, ModelError, ModelTimeout, Unavailable
from bot.finding import Finding, State
from bot.knowledge.embedding_server import EmbeddingServer
from bot.llm.exchange import Delta, End, ModelServer
from bot.media.speech import SpeechService
from bot.settings import Settings

LANGUAGE_MODEL, EMBEDDING_SERVER, SPEECH_SERVICE = "language model", "embedding server", "speech service"
OPENAI_API = "https://api.openai.com/v1"
SLOW_FIRST_TOKEN_S = 5.0
"""A person who waits longer for the first words thinks that nobody is there."""
LLM_WITHIN_S = 30.0
SPEECH_WITHIN_S = 20.0
MODELS = 3
"""Composing, understanding, seeing: as many models may be asked, one after the other."""
_LIST_TIMEOUT_S = 5.0
_SHOWN_MODELS = 5
_WRONG_KEY = frozenset({"http_401", "http_403"})
_WRONG_MODEL_OR_URL = frozenset({"http_400", "http_404", "http_422"})


def language_models(settings: Settings) -> list[Finding]:
    """Every model that is set, one after the other."""
    if not settings.llm_configured or settings.openai_model is None:
        if settings.openai_base_url or settings.openai_api_key or settings.openai_model:
            detail = "not used: it needs OPENAI_MODEL, and OPENAI_BASE_URL or OPENAI_API_KEY"
            return [Finding(name=LANGUAGE_MODEL, state=State.WARNING, detail=detail, cure="set what is missing")]
        return [Finding(name=LANGUAGE_MODEL, state=State.OK, detail="none set: answers are quoted from their sources")]
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    names = dict.fromkeys(filter(None, (settings.openai_model, settings.openai_small_model, settings.vision_model)))
    server = ModelServer(settings.openai_base_url, key)
    try:
        return [_language_model(settings, server, name) for name in names]
    finally:
        server.close()


def embedding_server(settings: Settings) -> list[Finding]:
    """The server that makes vectors, where it is not the model inside the worker."""
    if settings.embedding_base_url is None or settings.embedding_model is None:
        detail = "none set: vectors are made in the worker"
        return [Finding(name=EMBEDDING_SERVER, state=State.OK, detail=detail)]
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    place = place_of(settings.embedding_base_url)
    with requests.Session() as session:
        try:
            server = EmbeddingServer(session, settings.embedding_base_url, settings.embedding_model, key)
            started = time.monotonic()
            server.queries(["碘克沙醇的渗透压是多少？"])
        except ConfigError as error:
            cure = "correct EMBEDDING_BASE_URL, EMBEDDING_MODEL or OPENAI_API_KEY"
            return [Finding(name=EMBEDDING_SERVER, state=State.BROKEN, detail=one_line(error), cure=cure)]
        except Unavailable as error:
            cure = "start it, or correct EMBEDDING_BASE_URL; until then no question is answered"
            return [Finding(name=EMBEDDING_SERVER, state=State.BROKEN, detail=one_line(error), cure=cure)]
    took_ms = (time.monotonic() - started) * 1000
    detail = f"{settings.embedding_model} at {place}: {server.dimension} numbers a vector, {took_ms:.0f} ms a question"
    return [Finding(name=EMBEDDING_SERVER, state=State.OK, detail=detail)]


def speech_service(settings: Settings) -> list[Finding]:
    """The service that writes down voices: it is sent half a second of silence."""
    if settings.speech_base_url is None or settings.speech_model is None:
        if settings.speech_model or settings.speech_api_key:
            detail = "not used: it needs SPEECH_BASE_URL"
            return [Finding(name=SPEECH_SERVICE, state=State.WARNING, detail=detail, cure="set what is missing")]
        detail = "none set: whoever sends a voice is asked to type, unless the platform writes it down"
        return [Finding(name=SPEECH_SERVICE, state=State.OK, detail=detail)]
    key = settings.speech_api_key.get_secret_value() if settings.speech_api_key else ""
    place, started = place_of(settings.speech_base_url), time.monotonic()
    within_s = min(SPEECH_WITHIN_S, settings.speech_timeout_s)
    fault = SpeechService(settings.speech_base_url, settings.speech_model, key, within_s).fault()
    if not fault:
        detail = f"{settings.speech_model} at {place}: {time.monotonic() - started:.1f} s for half a second of silence"
        return [Finding(name=SPEECH_SERVICE, state=State.OK, detail=detail)]
    cure = "start it, or correct SPEECH_BASE_URL; until then people are asked to type"
    if fault in _WRONG_KEY:
        cure = "correct SPEECH_API_KEY"
    elif fault in _WRONG_MODEL_OR_URL:
        cure = "correct SPEECH_MODEL or SPEECH_BASE_URL: the URL ends before /audio/transcriptions, often with /v1"
    detail = f"{place} gave no transcript ({fault})"
    return [Finding(name=SPEECH_SERVICE, state=State.BROKEN, detail=detail, cure=cure)]


def _language_model(settings: Settings, server: ModelServer, model: str) -> Finding:
    name, place = f"{LANGUAGE_MODEL} {model}", place_of(settings.openai_base_url or OPENAI_API)
    started, first_s, end = time.monotonic(), 0.0, End()
    for event in _answer(server, model, min(LLM_WITHIN_S, settings.llm_timeout_s)):
        if isinstance(event, End):
            end = event
        elif not first_s:
            first_s = time.monotonic() - started
    if end.error is not None:
        return _failure(settings, name, model, end.error)
    total_s = time.monotonic() - started
    detail = f"{place}: first words after {first_s:.1f} s, whole answer after {total_s:.1f} s"
    if first_s > settings.llm_first_token_s:
        detail += f", above LLM_FIRST_TOKEN_S ({settings.llm_first_token_s:g} s): answers are quoted instead"
        cure = "choose a quicker model or server, or raise LLM_FIRST_TOKEN_S"
        return Finding(name=name, state=State.BROKEN, detail=detail, cure=cure)
    if first_s > SLOW_FIRST_TOKEN_S:
        return Finding(name=name, state=State.WARNING, detail=detail, cure="choose a quicker model or server")
    return Finding(name=name, state=State.OK, detail=detail)


def _answer(server: ModelServer, model: str, within_s: float) -> Iterator[Delta | End]:
    """The events of one tiny exchange; the last is its end."""
    ends_at = time.monotonic() + within_s
    exchange = server.ask(model, [{"role": "user", "content": "请只回答：好"}], within_s)
    try:
        while True:
            event = exchange.next(ends_at - time.monotonic())
            if event is None:
                yield End(error=ModelTimeout("deadline"))
                return
            if isinstance(event, Delta | End):
                yield event
            if isinstance(event, End):
                return
    finally:
        exchange.hang_up()


def _failure(settings: Settings, name: str, model: str, error: ModelError) -> Finding:
    place = place_of(settings.openai_base_url or OPENAI_API)
    detail = f"{place} gave no answer ({error.code})"
    cure = "start it, or correct OPENAI_BASE_URL; until then answers are quoted from their sources"
    if error.code in _WRONG_KEY:
        detail, cure = f"{place} refuses the key ({error.code})", "correct OPENAI_API_KEY"
    elif error.code in _WRONG_MODEL_OR_URL:
        detail, cure = _wrong_model_or_url(settings, model, detail)
    elif error.code == "http_429":
        cure = "the account is over its rate or out of credit: look at the provider's console"
    elif isinstance(error, ModelTimeout):
        cure = "the server is overloaded or the model still loading: look at its log, or choose a quicker one"
    return Finding(name=name, state=State.BROKEN, detail=detail, cure=cure)


def _wrong_model_or_url(settings: Settings, model: str, detail: str) -> tuple[str, str]:
    """Detail and cure for a refused request: the list of models, where the server has one, tells which it is."""
    base_url = settings.openai_base_url or OPENAI_API
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = requests.get(f"{base_url}/models", headers=headers, timeout=_LIST_TIMEOUT_S, allow_redirects=False)
        known = [str(row["id"]) for row in answer.json()["data"]]
    except (requests.RequestException, ValueError, LookupError, TypeError):
        return detail, "correct OPENAI_MODEL or OPENAI_BASE_URL: the URL ends before /chat/completions, often with /v1"
    if model in known:
        return f"{detail}, though it lists the model", "look at the server's log: it refuses even a tiny request"
    listed = ", ".join(sorted(known)[:_SHOWN_MODELS]) + (" …" if len(known) > _SHOWN_MODELS else "")
    return f"{place_of(base_url)} has no model {model}; it has {listed or 'none'}", "correct OPENAI_MODEL"
