"""Golden questions as files: what is read, what is refused, and where."""

from pathlib import Path

import pytest

from bot.errors import UsageError
from bot.golden.files import read_questions, write_questions
from bot.golden.questions import GoldenQuestion, digest_of
from bot.knowledge.entries import Audience

ANSWERED = GoldenQuestion(
    question="年假有几天？", sources=("年假.csv", "假期 手册"), facts=("5 天", "满一年"), note="常问"
)
REFUSED = GoldenQuestion(question="食堂吃什么？", must_refuse=True, audience=Audience.STAFF)


@pytest.mark.parametrize("name", ["q.csv", "q.jsonl"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    write_questions([ANSWERED, REFUSED], tmp_path / name)
    assert read_questions(tmp_path / name) == [ANSWERED, REFUSED]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_tables_of_either_language_and_encoding(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "q.csv"
    file.write_text('question,facts,must_refuse\n年假有几天？,"5 天\n满一年",no\n食堂吃什么？,,是\n', encoding=encoding)
    first, second = read_questions(file)
    assert (first.facts, first.must_refuse, first.audience) == (("5 天", "满一年"), False, Audience.PUBLIC)
    assert second.must_refuse


def test_every_fault_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "q.csv"
    rows = [
        "问题,来源,应拒答,读者",
        "甲？,a.md,,",
        ",a.md,,",
        "乙？,,,",
        '"丙',
        '？",a.md,是,',
        "丁？,a.md,,医生",
        "甲？,b.md,,",
    ]
    file.write_text("\n".join([*rows, "戊？,a.md,或许,,多"]), encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read_questions(file)
    said = str(refused.value)
    for fault in (
        "line 3: there is no question",
        "line 4: name a source or a fact",
        "line 5: name a source",
        "line 7: audience is '医生'",
        "line 8: the same question as in line 2",
        "line 9: more cells",
    ):
        assert fault in said, said


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("问,答\n甲,乙\n", "line 1: the columns are to be"),
        ("问题,问题\n甲,乙\n", "line 1: the columns are to be"),
        ("问题,事实,来历\n甲,乙,丙\n", "line 1: the columns are to be"),
        ("问题,事实\n", "there is no question in it"),
        ('问题,事实\n"甲,乙\n', "not CSV"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "q.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=fault):
        read_questions(tmp_path / "q.csv")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "line 1: no JSON"),
        ("[]", "line 1: a JSON object"),
        ('{"question": 1, "facts": ["a"]}', "line 1: question is no text"),
        ('{"question": "a", "facts": [1]}', "line 1: facts must be a list of texts"),
        ('{"question": "a", "facts": "b", "must_refuse": 2}', "line 1: must_refuse is '2'"),
        ('{"question": "a", "facts": ["b|c"]}', "line 1: a | in facts"),
        ('{"question": "a", "facts": "b", "expected": "c"}', "line 1: 'expected' is unknown"),
    ],
)
def test_a_line_that_is_none(tmp_path: Path, line: str, fault: str) -> None:
    (tmp_path / "q.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read_questions(tmp_path / "q.jsonl")
    assert fault in str(refused.value)


def test_another_expectation_is_another_question_and_another_note_is_not() -> None:
    other = GoldenQuestion(question=ANSWERED.question, sources=ANSWERED.sources, facts=("5 天",))
    reworded = GoldenQuestion(question=ANSWERED.question, sources=ANSWERED.sources[::-1], facts=ANSWERED.facts)
    assert ANSWERED.id != other.id
    assert ANSWERED.id == reworded.id
    assert digest_of([ANSWERED, REFUSED]) == digest_of([REFUSED, ANSWERED]) != digest_of([ANSWERED])


def test_the_demo_has_twenty(repository: Path) -> None:
    assert len(read_questions(repository / "deploy/demo/golden.csv")) == 20
