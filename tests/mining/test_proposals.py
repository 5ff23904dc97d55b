"""What a model proposes, over HTTP: kept where the passage carries every word, dropped where it does not."""

import json

import pytest

from bot.errors import ModelError, ModelNonsense
from bot.llm.model import LanguageModel
from bot.mining.pairs import Rule
from bot.mining.proposals import Proposer
from tests.fakes.llm_server import Fail, LlmServer, Say
from tests.mining.conftest import passage

TEXT = "# 云帆相机手册\n\n云帆相机充满电约需 90 分钟，充满后可连续拍摄 6 小时。相机不防水，进水后请立即关机。\n"
QUOTE = "云帆相机充满电约需 90 分钟，充满后可连续拍摄 6 小时。"
RIGHT = {"question": "云帆相机充满电要多久？", "answer": "云帆相机充满电约需 90 分钟。", "quote": QUOTE, "similar": []}


def say(*proposals: object) -> Say:
    return Say("好的：\n```json\n" + json.dumps(proposals) + "\n```")


def test_a_pair_that_the_passage_carries_is_kept_with_the_words_there(server: LlmServer, model: LanguageModel) -> None:
    similar = ["云帆相机充电要几分钟？", "云帆相机充满电要 90 小时吗？", "星河相机充满电要多久？", 7]
    server.on(say(RIGHT | {"quote": QUOTE.replace(" ", ""), "similar": similar}))
    (kept,) = Proposer(model, "imaging").pairs(passage(TEXT))
    assert (kept.question, kept.answer, kept.rule) == (RIGHT["question"], RIGHT["answer"], Rule.MODEL)
    assert kept.span.text == QUOTE
    assert kept.similar == ("云帆相机充电要几分钟？",)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"quote": "云帆相机充满电约需 60 分钟"}, "quote"),
        ({"answer": "云帆相机充满电约需 60 分钟。"}, "figure"),
        ({"answer": "云帆相机充满电约需 90 小时。"}, "figure"),
        ({"answer": "相机防水，进水后请立即关机。", "quote": "相机不防水，进水后请立即关机。"}, "turned_round"),
        ({"answer": "星河医院的相机充满电约需 90 分钟。"}, "name"),
        ({"question": "星河X9充满电要多久？"}, "question"),
        ({"answer": ""}, "answer"),
    ],
)
def test_what_the_passage_does_not_carry_is_dropped(
    changed: dict[str, str], reason: str, server: LlmServer, model: LanguageModel
) -> None:
    server.on(say(RIGHT | changed))
    proposer = Proposer(model, "imaging")
    assert proposer.pairs(passage(TEXT)) == []
    assert list(proposer.dropped) == [reason]


TWO = (
    "# 云帆相机手册\n\n云帆相机 A1 充满电约需 90 分钟，A2 充满电约需 60 分钟。只能用原装充电器，不能用其他充电器。"
    "如果相机进水，请立即关机。\n"
)


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("A1充满电要多久？", "A2 充满电约需 60 分钟。", "subject"),
        ("A1充满电要多久？", "充满电约需 60 分钟。", "subject"),
        ("能用其他充电器吗？", "能用其他充电器。", "turned_round"),
        ("请立即关机吗？", "请立即关机，多谢。", "condition"),
        ("云帆相机\0充电要多久？", "云帆相机 A1 充满电约需 90 分钟。", "question"),
        ("云帆相机\ud800充电要多久？", "云帆相机 A1 充满电约需 90 分钟。", "question"),
        (["A1充满电要多久？"], "云帆相机 A1 充满电约需 90 分钟。", "question"),
    ],
)
def test_a_quotation_cut_out_of_its_sentence_carries_nothing(
    question: object, answer: str, reason: str, server: LlmServer, model: LanguageModel
) -> None:
    quote = answer.rstrip("。").removesuffix("，多谢")
    server.on(say({"question": question, "answer": answer, "quote": quote}))
    proposer = Proposer(model, "imaging")
    assert proposer.pairs(passage(TWO)) == []
    assert list(proposer.dropped) == [reason]


def test_words_of_another_language_are_dropped(server: LlmServer, model: LanguageModel) -> None:
    english = {"question": "How long does it take to charge?", "answer": "Charging takes about 90 minutes."}
    server.on(
        say(RIGHT | english, RIGHT | {"question": "雲帆相機充滿電要多久？", "answer": "雲帆相機充滿電約需 90 分鐘。"})
    )
    proposer = Proposer(model, "imaging")
    assert proposer.pairs(passage(TEXT)) == []
    assert proposer.dropped.total() == 2


def test_an_array_is_found_behind_what_a_model_thinks_aloud(server: LlmServer, model: LanguageModel) -> None:
    found = json.dumps([RIGHT], ensure_ascii=False)
    server.on(Say(f"[先想一想]\n{found}\n以上 [完]"))
    (kept,) = Proposer(model, "imaging").pairs(passage(TEXT))
    assert kept.question == RIGHT["question"]


@pytest.mark.parametrize("text", ["[" * 20_000, f'[{{"question": {"9" * 5000}}}]', '[{"similar": [], "quote": "云'])
def test_broken_json_is_an_error_of_the_model_and_of_nothing_else(
    text: str, server: LlmServer, model: LanguageModel
) -> None:
    server.on(Say(text))
    with pytest.raises(ModelNonsense):
        Proposer(model, "imaging").pairs(passage(TEXT))


def test_what_is_no_list_and_what_fails_is_an_error(server: LlmServer, model: LanguageModel) -> None:
    server.on(Say("这段资料没有可以整理的问答。"), Fail(400))
    proposer = Proposer(model, "imaging")
    with pytest.raises(ModelNonsense):
        proposer.pairs(passage(TEXT))
    with pytest.raises(ModelError):
        proposer.pairs(passage(TEXT))


def test_an_empty_list_is_no_error(server: LlmServer, model: LanguageModel) -> None:
    server.on(Say("[]"))
    assert Proposer(model, "imaging").pairs(passage(TEXT)) == []
