"""What a run of golden questions rested on, so that two runs can be told apart by what changed between them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from bot.bots_file import BotConfig
from bot.golden.questions import GoldenQuestion, digest_of
from bot.knowledge.entries import Entry

_DIGITS = 12
_ELSEWHERE = frozenset({"id", "tenant", "collection"})
"""What an entry has from where it lies: the same content has other ids in another installation."""
_PROGRAM = (".py", ".json", ".npz", ".f32", ".yaml", ".txt")


def ran_on(
    bot: BotConfig,
    questions: Sequence[GoldenQuestion],
    knowledge: Mapping[str, Iterable[Entry]],
    versions: Mapping[str, str],
) -> dict[str, Any]:
    """JSON-ready: digests of the ``questions``, of each collection of ``knowledge``, of what the bot is set to and of
    the program, beside the ``versions`` of what made the answers."""
    return {
        "questions": digest_of(questions),
        "knowledge": {collection: content_digest(entries) for collection, entries in knowledge.items()},
        "settings": settings_digest(bot),
        "code": code_digest(),
        **versions,
    }


def content_digest(entries: Iterable[Entry]) -> str:
    """SHA-256 over what ``entries`` say, to whom and when, whatever their order and wherever they lie."""
    each = sorted(
        hashlib.sha256(_plain(_content(entry)).encode("utf-8", "surrogatepass")).digest() for entry in entries
    )
    return hashlib.sha256(b"".join(each)).hexdigest()


def settings_digest(bot: BotConfig) -> str:
    """Twelve digits over what ``bots.yaml`` says of the bot, but for its channels, which are where secrets stand."""
    whole = bot.model_dump(mode="json", exclude={"channels"})
    return hashlib.sha256(_plain(whole).encode()).hexdigest()[:_DIGITS]


@cache
def code_digest() -> str:
    """Twelve digits over the files of the program."""
    root = Path(__file__).parent.parent
    whole = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in _PROGRAM):
        whole.update(f"{path.relative_to(root)}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:_DIGITS]


def changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names of what two runs did not both rest on."""
    return [name for name in now if before.get(name) != now[name]]


def _content(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in asdict(entry).items() if name not in _ELSEWHERE}


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
