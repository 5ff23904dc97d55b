"""What the measures of answering share: a bot over a few passages, without a language model or with the one of the
settings.

``OPENAI_BASE_URL``, ``OPENAI_API_KEY`` and ``OPENAI_MODEL`` name any OpenAI-compatible model; ``REDIS_URL`` must answer
then, as the budget of tokens lies there.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot import telemetry
from bot.answering.answerer import Answer, Answerer
from bot.answering.asking import Asking
from bot.answering.evidence import Evidence, Retriever
from bot.answering.grounded import Composer
from bot.bots_file import BotConfig
from bot.evaluation.retrieval import scope, scratch_index
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.cross_encoder import CrossEncoder
from bot.knowledge.embedder import E5Embedder
from bot.knowledge.entries import Audience, Entry
from bot.knowledge.opening import make_tokenizer
from bot.knowledge.reading_check import ReadingCheck
from bot.knowledge.search import Searcher
from bot.knowledge.vector_cache import VectorCache

BOT = BotConfig(id="eval", name="评测", tenant=scope().tenant, knowledge=scope().collections, channels={})


def options_of(description: str, arguments: Sequence[str]) -> argparse.Namespace:
    """The options that all of them take."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of one set")
    parser.add_argument("--cache", type=Path, required=True, help="folder for vectors and the model's graph")
    parser.add_argument("--model", action="store_true", help="let the language model of the settings compose")
    parser.add_argument("--check", action="store_true", help="read the first hit too, as READING_CHECK does")
    parser.add_argument("--faq", action="store_true", help="the rows are FAQs")
    parser.add_argument("--questions", type=int, default=10_000, help="at most so many")
    parser.add_argument("--threshold", type=float, default=ANSWER_THRESHOLD)
    return parser.parse_args(arguments)


class Bench:
    """Answers questions as a bot does that knows nothing but the entries it is given."""

    def __init__(self, options: argparse.Namespace) -> None:
        telemetry.configure_logging("ERROR")
        self._threshold: float = options.threshold
        self._embedder = E5Embedder(options.cache)
        self._cache = VectorCache(options.cache / "vectors.sqlite")
        self._tokenizer = make_tokenizer()
        self._composer = _composer() if options.model else None
        weights, cache = self._embedder.weights, options.cache
        self._check = ReadingCheck(lambda: CrossEncoder(weights, cache)) if weights and options.check else None

    @contextmanager
    def knowing(self, entries: Sequence[Entry]) -> Iterator["Knowing"]:
        """The bot that knows ``entries``."""
        with scratch_index(
            list(entries), self._embedder, self._cache, self._tokenizer, lambda *_progress: None
        ) as index:
            searcher = Searcher(index, self._embedder, Calibration.shipped(), self._check)
            yield Knowing(Answerer(Retriever(searcher, self._threshold), self._composer))


class Knowing:
    """A bot that knows something."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    def find(self, question: str) -> Evidence:
        """What it finds."""
        return self._answerer.retriever.retrieve([question], BOT, Audience.PUBLIC, time.time())

    def answer(self, evidence: Evidence) -> Answer:
        """What it says to that."""
        return self._answerer.compose(evidence, Asking(bot=BOT, language="zh"))


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The objects of a file with one a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _composer() -> Composer | None:
    from bot.assembly import build_composer
    from bot.llm.model import LanguageModel
    from bot.redis_client import connect
    from bot.settings import load_settings

    settings = load_settings()
    return build_composer(settings, LanguageModel.from_settings(settings, connect(settings.redis_url)))
