"""FAQs held against documents: what contradicts is listed with both sides, what only differs is not."""

import pytest

from bot.mining.contradictions import Contradiction, Kind, Library
from tests.mining.conftest import faq, read

DOCUMENT = """# 机房管理规定

## 使用

迟到超过 15 分钟，时段自动释放。连续输错密码 5 次，账号锁定 30 分钟。机房里不能使用 U 盘和移动硬盘。

## 容量

成人每次最多使用 100 ml，儿童每次最多使用 50 ml。
"""


def against(question: str, answer: str) -> list[Contradiction]:
    return list(Library(read(DOCUMENT, "规定.md")).contradictions(faq(question, answer)))


@pytest.mark.parametrize(
    ("question", "answer", "kind", "said"),
    [
        ("账号锁定多久？", "账号锁定 60 分钟，到时自动解开。", Kind.FIGURE, "账号锁定 30 分钟"),
        ("机房里能用 U 盘吗？", "机房里可以使用 U 盘和移动硬盘。", Kind.NEGATION, "机房里不能使用 u 盘和移动硬盘"),
    ],
)
def test_another_figure_or_the_other_way_round_is_listed(question: str, answer: str, kind: Kind, said: str) -> None:
    (found,) = against(question, answer)
    assert (found.kind, found.passage_says) == (kind, said)
    assert found.passage.source == "规定.md"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("账号锁定多久？", "账号锁定半小时，到时自动解开。"),  # the same in another unit
        ("账号锁定多久？", "账号锁定 30 分钟。"),
        ("成人用多少？", "成人每次最多使用 100 ml。"),  # of another group there is another figure
        ("机房里能用 U 盘吗？", "机房里不可以使用 U 盘和移动硬盘。"),
        ("年会有多少人？", "年会最多 300 人参加。"),
        ("会员卡锁定多久？", "会员卡挂失后锁定 60 分钟。"),  # another subject
        ("忘带 U 盘怎么办？", "如果机房里可以使用 U 盘和移动硬盘，会另行通知。"),  # under a condition
        ("机房里能用 U 盘吗？", "少用 U 盘和移动硬盘。"),  # advice
    ],
)
def test_what_agrees_or_speaks_of_something_else_is_not(question: str, answer: str) -> None:
    assert against(question, answer) == []


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("连续输错密码 5 次，账号锁定 60 分钟。", Kind.FIGURE, ("账号锁定 60 分钟", "账号锁定 30 分钟")),
        (
            "机房里可以使用 U 盘和移动硬盘。",
            Kind.NEGATION,
            ("机房里可以使用 u 盘和移动硬盘", "机房里不能使用 u 盘和移动硬盘"),
        ),
        (
            "机房由影像学院设备科的张艺谋老师负责管理。",
            Kind.NAME,
            ("机房由影像学院设备科的张艺谋老师负责管理", "机房由影像学院设备科的陈凯歌老师负责管理"),
        ),
    ],
)
def test_documents_that_contradict_each_other_are_listed_once(text: str, kind: Kind, said: tuple[str, str]) -> None:
    old = read(f"{DOCUMENT}\n## 管理\n\n机房由影像学院设备科的陈凯歌老师负责管理。\n", "旧规定.md")
    new = read(f"# 机房管理规定\n\n## 使用\n\n{text}\n", "新规定.md")
    library = Library([*old, *new])
    (found,) = (each for entry in (*old, *new) for each in library.contradictions(entry))
    assert found.kind is kind
    assert {found.says, found.passage_says} == set(said)
