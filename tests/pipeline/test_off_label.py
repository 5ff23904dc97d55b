"""Questions beyond a package insert are not answered and become tickets, and those within it are answered (row 17)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.knowledge.calibration import Calibration
from bot.knowledge.chunk import passages
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import E5Embedder
from bot.knowledge.entries import Audience
from bot.knowledge.loaders import load_markdown
from bot.knowledge.origin import Origin
from bot.knowledge.search import Searcher
from bot.knowledge.tokens import Tokenizer
from bot.messages import ConversationId, ReplyKind
from bot.parts import words_of
from bot.records.turns import TurnRecord
from bot.safety.words import answers_limits
from tests.pipeline.conftest import House

HERE = Path(__file__).parent
ROWS = [json.loads(line) for line in (HERE / "off_label.jsonl").read_text("utf-8").splitlines()]
ON_LABEL = "on_label"
ORIGIN = Origin(tenant="academy", collection="c", audience=Audience.PUBLIC, source="说明书.md")


@pytest.fixture(scope="module")
def searcher(
    tmp_path_factory: pytest.TempPathFactory, embedder: E5Embedder, tokenizer: Tokenizer
) -> Iterator[Searcher]:
    """Over the insert of a medicine that does not exist."""
    index = EdgeIndex(tmp_path_factory.mktemp("index"), embedder, tokenizer)
    document = load_markdown((HERE / "insert.md").read_text("utf-8"), name="说明书")
    index.upsert(list(passages(document, ORIGIN)))
    yield Searcher(index, embedder, Calibration.shipped())
    index.close()


def asked(house: House, channel: str) -> dict[str, list[tuple[str, TurnRecord, bool]]]:
    """By label: the question, what became of it, and whether a human has it."""
    found: dict[str, list[tuple[str, TurnRecord, bool]]] = {}
    for number, row in enumerate(ROWS):
        person = ConversationId(bot="imaging", channel=channel, person=f"p{number}")
        outcome = house.says(row["text"], conversation=person)
        told = any(row["text"] in words_of(part) for post in outcome.posts for part in post.reply.parts)
        found.setdefault(row["label"], []).append((row["text"], TurnRecord.decode(outcome.reply.record), told))
    return found


@pytest.mark.parametrize("channel", ["app", "ai"], ids=["public", "professional"])
def test_what_is_beyond_the_insert_gets_no_answer_and_a_ticket_and_the_rest_is_answered(
    house: House, channel: str
) -> None:
    found = asked(house, channel)
    on_label = found.pop(ON_LABEL)
    assert {label for label, rows in found.items() if len(rows) >= 15} == {"dose", "age", "disease", "route"}
    beyond = [row for rows in found.values() for row in rows]
    assert len(beyond) >= 60
    assert [text for text, record, _ in beyond if record.kind != ReplyKind.REFUSAL or record.citations] == []
    assert [text for text, _, told in beyond if not told] == []
    refused = [text for text, record, _ in on_label if not record.citations]
    assert len(on_label) - len(refused) >= 40, refused
    assert len(refused) <= 0.1 * len(on_label), refused


@pytest.mark.parametrize(
    ("question", "material", "answered"),
    [
        ("3岁的孩子能用吗", "2 岁以上儿童的用量为 0.1 ml/kg。", True),
        ("1岁的孩子能用吗", "2 岁以上儿童的用量为 0.1 ml/kg。", False),
        ("18个月的幼儿能用吗", "婴幼儿：6 个月以上可以使用。", True),
        ("两岁半的小孩能用吗", "3岁以上儿童可以使用。", False),
        ("a 6-month-old infant", "infants from 3 months", True),
        ("能不能鞘内注射", "不得鞘内注射。", True),
        ("能不能鞘内注射", "经静脉注射。", False),
        ("用40ml可以吗", "最大剂量为 20 ml。", False),
        ("用20毫升可以吗", "最大剂量为 20 ml。", True),
        ("孕期能用吗", "孕妇除非必须，不应使用。", True),
        ("用于乳腺癌可以吗", "用于肝脏的增强扫描。", False),
    ],
)
def test_material_answers_a_limit_that_it_speaks_of(question: str, material: str, *, answered: bool) -> None:
    assert answers_limits(question, material) is answered


def test_a_passage_about_others_is_no_answer(house: House) -> None:
    """What a search takes for the answer is not, where it is silent on who was asked about."""
    record = house.record("新生儿做肝脏增强可以用示影灵吗")
    assert (record.kind, record.citations) == (ReplyKind.REFUSAL, ())
