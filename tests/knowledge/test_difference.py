"""What differs between two versions, as whoever approves reads it."""

from dataclasses import replace

import pytest

from bot.knowledge.difference import Difference, difference, marked
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.origin import Origin, make_entry

ORIGIN = Origin(tenant="t", collection="c", audience=Audience.PUBLIC, source="手册.md")


def faq(question: str, answer: str, row: int = 2, **more: object) -> Entry:
    where = f"第 {row} 行"
    return make_entry(
        ORIGIN, kind=EntryKind.FAQ, title=question, questions=(question,), text=answer, location=where, **more
    )  # type: ignore[arg-type]


def passage(location: str, text: str) -> Entry:
    return make_entry(ORIGIN, kind=EntryKind.PASSAGE, title="手册", text=text, location=location)


def words(found: Difference) -> list[str]:
    return [marked(pair.words) for pair in found.changed]


def test_the_same_content_differs_in_nothing() -> None:
    entries = [faq("年假？", "五天"), passage("总则", "文字。")]
    found = difference(entries, entries)
    assert not found
    assert (found.same, found.moved, found.outdated) == (2, 0, ())


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("入职满一年有五天。", "入职满一年有七天。", "入职满一年有[-五-]{+七+}天。"),
        ("每次2.5 ml", "每次12.5 ml", "每次[-2.5-]{+12.5+} ml"),
        ("浓度 50%，慎用", "浓度 60%，慎用", "浓度 [-50%-]{+60%+}，慎用"),
        ("可用于儿童", "不可用于儿童", "{+不+}可用于儿童"),
        ("use Omnipaque 350 daily", "use Omnipaque 300 daily", "use Omnipaque [-350-]{+300+} daily"),
        ("旧的", "", "[-旧的-]"),
    ],
)
def test_words_and_numbers_are_compared_whole(before: str, after: str, shown: str) -> None:
    assert words(difference([faq("问", before)], [faq("问", after)])) == [shown]


def test_a_faq_is_known_by_its_question_wherever_its_row_stands() -> None:
    before = [faq("年假？", "五天", 2), faq("病假？", "三天", 3)]
    after = [faq("产假？", "很长", 2), faq("年假？", "七天", 3), faq("病假？", "三天", 4)]
    found = difference(before, after)
    assert [entry.title for entry in found.added] == ["产假？"]
    assert words(found) == ["[-五-]{+七+}天"]
    assert (found.removed, found.moved) == ((), 1)
    assert found.outdated == (before[0].id,), "a row that only moved says what it said"


def test_a_thousand_rows_that_moved_are_no_change() -> None:
    before = [faq(f"问{n}？", f"答{n}", n) for n in range(1000)]
    after = [faq("新的？", "答", 0), *(faq(f"问{n}？", f"答{n}", n + 1) for n in range(1000))]
    found = difference(before, after)
    assert (len(found.added), len(found.changed), found.moved) == (1, 0, 1000)


def test_passages_are_known_by_their_place_and_then_by_likeness() -> None:
    before = [
        passage("总则", "打印机在三楼东侧，刷工卡后取件。"),
        passage("报销", "返回后三十天内提交发票原件和行程单。"),
    ]
    after = [
        passage("总则", "打印机在四楼东侧，刷工卡后取件。"),
        passage("差旅 › 报销", "返回后十天内提交发票原件和行程单。"),
    ]
    found = difference(before, after)
    assert words(found) == ["打印机在[-三-]{+四+}楼东侧，刷工卡后取件。", "返回后[-三-]十天内提交发票原件和行程单。"]
    assert (found.added, found.removed) == ((), ())


def test_what_is_unlike_came_and_went() -> None:
    found = difference([passage("一", "打印机在三楼东侧。")], [passage("二", "报销须附行程单与发票")])
    assert (len(found.added), len(found.removed), found.changed) == (1, 1, ())
    assert found.outdated == (found.removed[0].id,)


def test_what_changes_beside_the_words_is_named_and_makes_no_answer_wrong() -> None:
    before = faq("年假？", "五天")
    staff = make_entry(
        replace(ORIGIN, audience=Audience.STAFF, bots=("a",)),
        kind=EntryKind.FAQ,
        title="年假？",
        questions=("年假？", "几天假"),
        text="五天",
        location="第 2 行",
        valid_to=9.0,
        approval_number="MLR-1",
    )
    found = difference([before], [staff])
    assert found.changed[0].fields == ("questions", "audience", "bots", "approval_number", "valid_to")
    assert found.outdated == ()


def test_a_long_text_is_shown_around_its_changes() -> None:
    before, after = "甲" * 50 + "五" + "乙" * 50, "甲" * 50 + "七" + "乙" * 50
    (pair,) = difference([faq("问", before)], [faq("问", after)]).changed
    assert marked(pair.words, 3) == "…甲甲甲[-五-]{+七+}乙乙乙…"


@pytest.mark.parametrize(("sentences", "shown"), [(200, "[-第100句说的是事。-]{+第100句说的是物。+}"), (1_500, None)])
def test_what_is_compared_word_by_word_is_bounded(sentences: int, shown: str | None) -> None:
    """The first and the last sentence differ too, so that all between them has to be compared."""
    before = "".join(f"第{n}句说的是事。" for n in range(sentences))
    after = f"甲{before.replace('第100句说的是事', '第100句说的是物')}".replace(
        f"第{sentences - 1}句说的是事", f"第{sentences - 1}句说的是物"
    )
    (pair,) = difference([faq("问", before)], [faq("问", after)]).changed
    assert "".join(piece.text for piece in pair.words if not piece.come) == before
    assert "".join(piece.text for piece in pair.words if not piece.gone) == after
    if shown:
        assert shown in marked(pair.words)
    else:
        assert len(pair.words) == 3, "all went, all came, and the end is the same"


def test_long_answers_under_new_questions_are_still_paired() -> None:
    """Sixty with sixty, of 8,000 characters each: character by character that would take an hour."""
    text = "每日一次，每次一片，餐后以温水送服；" * 440
    before = [faq(f"旧问{n}？", f"{n}{text}") for n in range(60)]
    after = [faq(f"新问{n}？", f"{n}{text}") for n in range(60)]
    found = difference(before, after)
    assert (len(found.changed), found.added, found.removed) == (60, (), ())
