"""Negative rejection: with nothing but passages that do not answer, is anything made up?

    python -m benchmarks.unrelated DATA_FOLDER/rgb_zh --cache FOLDER [--model] [--check]

Each question of the set that names ``negatives`` (passages that a search engine found for it and that do not hold its
answer) is put to a knowledge base of these alone, by the way a bot answers it. Without ``--model`` no language model is
there and what surely answers is quoted; with it the model of the settings composes (``OPENAI_BASE_URL`` and so on, and
Redis), whichever that is. ``refused`` is the share of the questions that got no answer, ``made up`` of those answered
with a word that stands in no passage: a quote never has one.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.answering.answerer import Answer, Answerer
from bot.answering.asking import Asking
from bot.answering.evidence import Retriever
from bot.answering.grounded import Composer
from bot.answering.sentences import MARK
from bot.bots_file import BotConfig
from bot.evaluation.retrieval import corpus_entry, scope, scratch_index
from bot.knowledge.calibration import ANSWER_THRESHOLD, Calibration
from bot.knowledge.cross_encoder import CrossEncoder
from bot.knowledge.embedder import E5Embedder
from bot.knowledge.entries import Audience
from bot.knowledge.opening import make_tokenizer
from bot.knowledge.reading_check import ReadingCheck
from bot.knowledge.search import Searcher
from bot.knowledge.vector_cache import VectorCache
from bot.messages import ReplyKind

BOT = BotConfig(id="eval", name="评测", tenant=scope().tenant, knowledge=scope().collections, channels={})


def main(arguments: Sequence[str]) -> None:
    """Print one line for each question that was answered, and the shares as JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="folder for vectors and the model's graph")
    parser.add_argument("--model", action="store_true", help="let the language model of the settings compose")
    parser.add_argument("--check", action="store_true", help="read the first hit too, as READING_CHECK does")
    parser.add_argument("--questions", type=int, default=1_000, help="at most so many")
    parser.add_argument("--threshold", type=float, default=ANSWER_THRESHOLD)
    options = parser.parse_args(arguments)
    composer = _composer() if options.model else None
    embedder, cache = E5Embedder(options.cache), VectorCache(options.cache / "vectors.sqlite")
    weights, tokenizer = embedder.weights, make_tokenizer()
    check = ReadingCheck(lambda: CrossEncoder(weights, options.cache)) if weights and options.check else None
    passages = {row["id"]: row for row in _rows(options.data / "corpus.jsonl")}
    asked = refused = made_up = 0
    rows = [row for row in _rows(options.data / "queries.jsonl") if row.get("negatives")]
    for row in rows[: options.questions]:
        asked += 1
        given = [passages[id_] for id_ in row["negatives"]]
        entries = [corpus_entry(each["id"], each["title"], each["text"]) for each in given]
        with scratch_index(entries, embedder, cache, tokenizer, lambda *_: None) as index:
            retriever = Retriever(Searcher(index, embedder, Calibration.shipped(), check), options.threshold)
            asking = Asking(bot=BOT, language="zh")
            answer = Answerer(retriever, composer).answer([row["query"]], asking, Audience.PUBLIC, time.time())
        if answer.kind is ReplyKind.REFUSAL:
            refused += 1
            continue
        told = _told(answer, given)
        made_up += not told
        line = {"query": row["query"], "kind": answer.kind.value, "confidence": answer.confidence, "quoted": told}
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    result = {"n": asked, "refused": refused / asked, "nothing made up": 1 - made_up / asked}
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")


def _told(answer: Answer, given: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every sentence of ``answer`` stands in what was given, word for word."""
    known = "".join("".join(f"{each['title']}{each['text']}".split()) for each in given)
    sentences = MARK.sub("", answer.text).replace("……", "\n").splitlines()
    return all("".join(sentence.split()) in known for sentence in sentences)


def _composer() -> Composer | None:
    from bot.assembly import build_composer
    from bot.llm.model import LanguageModel
    from bot.redis_client import connect
    from bot.settings import Settings

    settings = Settings()
    return build_composer(settings, LanguageModel.from_settings(settings, connect(settings.redis_url)))


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


if __name__ == "__main__":
    main(sys.argv[1:])
