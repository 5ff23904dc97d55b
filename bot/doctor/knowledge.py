"""The index and the embedder, asked of the worker that owns them or opened here while nothing runs; and Qdrant."""

from collections.abc import Mapping
from typing import Any

import requests
from sqlalchemy.exc import SQLAlchemyError

from bot.assembly import Configuration, build_knowledge
from bot.doctor.check import one_line
from bot.doctor.database import is_there
from bot.doctor.redaction import place_of
from bot.errors import BotError, KnowledgeError, Unavailable
from bot.finding import Finding, State
from bot.knowledge.index import IndexInUse
from bot.knowledge.remote import IndexClient
from bot.records.database import Database
from bot.redis_client import connect
from bot.settings import Settings

INDEX, QDRANT = "index", "qdrant"
ASK_WITHIN_S = 8.0
SLOW_MS = 500.0
_HTTP_TIMEOUT_S = 5.0


def index(configuration: Configuration, *, running: bool) -> list[Finding]:
    """One question's way through embedder and index, and what each bot's collections hold."""
    settings = configuration.settings
    try:
        if running:
            return _report(_ask_owner(settings), configuration)
        if not is_there(settings) or (settings.qdrant_url is None and not settings.index_dir.exists()):
            detail = "there is none yet; the first start or ingest makes it"
            return [Finding(name=INDEX, state=State.SKIPPED, detail=detail, cure="make run")]
        return _report(_open_here(configuration), configuration)
    except (ImportError, SQLAlchemyError):
        return [Finding(name=INDEX, state=State.SKIPPED, detail="needs the database")]
    except BotError as error:
        return [Finding(name=INDEX, state=State.BROKEN, detail=one_line(error), cure=_cure(error))]


def qdrant(settings: Settings) -> list[Finding]:
    """The Qdrant server: is it there, and does it take the key?"""
    if settings.qdrant_url is None:
        return [Finding(name=QDRANT, state=State.OK, detail="none set: the index is embedded")]
    place = place_of(settings.qdrant_url)
    key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else ""
    headers = {"api-key": key} if key else {}
    try:
        answer = requests.get(
            f"{settings.qdrant_url}/collections", headers=headers, timeout=_HTTP_TIMEOUT_S, allow_redirects=False
        )
    except requests.RequestException as error:
        detail = f"{place} does not answer ({type(error).__name__})"
        cure = "start it, or correct QDRANT_URL (its HTTP port is 6333)"
        return [Finding(name=QDRANT, state=State.BROKEN, detail=detail, cure=cure)]
    return [_judge_qdrant(answer, place)]


def _judge_qdrant(answer: requests.Response, place: str) -> Finding:
    if answer.status_code in (401, 403):
        detail = f"{place} refuses the key ({answer.status_code})"
        return Finding(name=QDRANT, state=State.BROKEN, detail=detail, cure="correct QDRANT_API_KEY")
    try:
        collections = answer.json()["result"]["collections"]
        names = [str(collection["name"]) for collection in collections]
    except (ValueError, LookupError, TypeError):
        detail = f"{place} answered {answer.status_code}, and not as Qdrant does"
        return Finding(name=QDRANT, state=State.BROKEN, detail=detail, cure="correct QDRANT_URL; look at proxies")
    return Finding(name=QDRANT, state=State.OK, detail=f"{place} answers, {len(names)} collections")


def _cure(error: BotError) -> str:
    if isinstance(error, Unavailable):
        return "start the worker; while it starts it builds the index, so wait and run doctor again"
    if isinstance(error, KnowledgeError):
        return "see the worker's log; the index can be built again: .venv/bin/python -m bot reindex"
    return "correct what it names"


def _ask_owner(settings: Settings) -> Mapping[str, Any]:
    with connect(settings.redis_url, socket_timeout_s=None) as client:
        report: Mapping[str, Any] = IndexClient(client).call("examine", {}, ASK_WITHIN_S)
        return report


def _open_here(configuration: Configuration) -> Mapping[str, Any]:
    """Nothing runs here, or so it seems: an index that is held all the same has an owner to ask."""
    database = Database(configuration.settings.database_url)
    try:
        service = build_knowledge(configuration, database, None)
    except IndexInUse:
        return _ask_owner(configuration.settings)
    try:
        return service.examine({})
    finally:
        service.close()
        database.dispose()


def _report(report: Mapping[str, Any], configuration: Configuration) -> list[Finding]:
    """The owner tells of all its bots, which may be more than were asked for."""
    detail = (
        f"{report['embedder']}: {report['search_ms']:.0f} ms a question, {report['embed_ms']:.0f} of them its vector"
    )
    slow = report["search_ms"] > SLOW_MS
    cure = "look at the machine's load and at the embedding server's distance" if slow else ""
    first = Finding(name=INDEX, state=State.WARNING if slow else State.OK, detail=detail, cure=cure)
    return [first, *(_collection(held) for held in report["collections"] if held["bot"] in configuration.bots)]


def _collection(held: Mapping[str, Any]) -> Finding:
    name = f"knowledge {held['bot']}/{held['collection']}"
    if held["missing"]:
        detail = f"{held['missing']} approved entries are not yet in the index ({held['indexed']} are)"
        cure = "an ingest may be at work; if it stays so: .venv/bin/python -m bot reindex"
        return Finding(name=name, state=State.WARNING, detail=detail, cure=cure)
    if not held["indexed"]:
        detail = "empty: every question is refused"
        cure = f".venv/bin/python -m bot ingest PATH… --bot {held['bot']} --collection {held['collection']} --approve"
        return Finding(name=name, state=State.WARNING, detail=detail, cure=cure)
    return Finding(name=name, state=State.OK, detail=f"{held['indexed']} entries")
