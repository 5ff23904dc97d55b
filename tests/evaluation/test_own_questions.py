"""Which questions without labels a threshold is made from."""

from pathlib import Path
from typing import Any

import pytest

from bot.errors import UsageError
from bot.evaluation.own_questions import MOST_QUESTIONS, OwnQuestion, from_file, from_turns
from bot.knowledge.entries import Audience
from bot.records.turns import TurnRecord


def turn(question: str, **more: Any) -> TurnRecord:
    fields: dict[str, Any] = {
        "id": question,
        "bot": "b",
        "tenant": "t",
        "conversation": "c",
        "person": "p",
        "asked_at": 1.0,
        "answered_at": 2.0,
        "message_ids": (),
        "question": question,
        "step": "compose",
        "kind": "refusal",
        "answer": "",
        "confidence": 0.5,
    }
    return TurnRecord(**fields | more)


def test_a_file_has_one_question_a_line_or_rows(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_bytes("年假几天？\n\n 年假几天？ \n怎么报销？".encode("gb18030"))
    (tmp_path / "q.jsonl").write_text('{"query": "年假几天？", "positives": ["d"]}\n', encoding="utf-8")
    assert [one.text for one in from_file(tmp_path / "q.txt")] == ["年假几天？", "怎么报销？"]
    assert from_file(tmp_path / "q.jsonl") == [OwnQuestion("年假几天？", Audience.PUBLIC)]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("q.txt", b" \n", "has no questions"),
        ("q.jsonl", b'{"question": "a"}', "q.jsonl:1: query is missing"),
        ("absent.txt", None, "cannot be read"),
        ("q.txt", b"\xff\xfe\x00", "UTF-16"),
    ],
)
def test_a_bad_file_is_told(tmp_path: Path, name: str, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=told):
        from_file(tmp_path / name)


def test_of_people_only_what_the_knowledge_was_asked_alone_counts() -> None:
    turns = [
        turn("年假几天？", reader="hcp"),
        turn("年假几天？", reader="hcp"),
        turn("/help", step="obey_command"),
        turn("没有搜索", confidence=None),
        turn("这个呢", quoted="年假"),
        turn("…"),
        turn("吃药后头疼", steps=({"step": "screen", "case": 3},)),
        turn("图里是什么", steps=({"step": "read_media", "media": [{"kind": "image"}]},)),
    ]
    assert from_turns(turns) == [OwnQuestion("年假几天？", Audience.HCP)]
    assert len(from_turns(turn(str(n)) for n in range(MOST_QUESTIONS + 5))) == MOST_QUESTIONS
