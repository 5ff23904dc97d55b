"""What people ask: 100 made-up questions with answers about the demo's subjects, each in two wordings.

The table is synthetic: 20 courses and machines of the demo's imaginary academy, five things to ask about each. The
first wording is the question as the table has it, the second another one that the table has too, as a similar question.
"""

import csv
import itertools
from collections.abc import Iterator
from pathlib import Path

_COURSES = (
    "腹部 CT 读片班",
    "头颅 MR 读片班",
    "心脏超声入门课",
    "乳腺钼靶讲习班",
    "骨关节 X 线基础课",
    "胸部低剂量 CT 专题",
    "儿科影像研讨班",
    "介入放射观摩课",
    "核医学入门讲座",
    "对比剂安全培训",
    "影像报告写作课",
    "磁共振安全培训",
)
_MACHINES = (
    "阅片工作站",
    "超声模拟仪",
    "CT 模拟操作台",
    "MR 模拟操作台",
    "三维打印机",
    "虚拟现实头盔",
    "穿刺训练模型",
    "眼底照相机模型",
)
_COURSE_ASPECTS = (
    ("{}什么时候上课？", "{}的上课时间是哪天", "{}每周{day}晚上 {hour}:00 上课，共 {n} 周。"),
    ("{}在哪里上课？", "{}的教室在什么地方", "{}在影像楼 {floor} 层 {room} 室上课。"),
    ("{}由谁授课？", "{}的老师是谁", "{}由{teacher}老师授课（虚构）。"),
    ("{}能得多少学分？", "学完{}给几个学分", "{}通过后得 {n} 学分。"),
    ("怎样报名{}？", "{}的报名方法", "在应用的“选课”里找到{}，点“报名”，{n} 个工作日内确认。"),
)
_MACHINE_ASPECTS = (
    ("{}放在哪里？", "{}在哪个房间", "{}在影像楼 {floor} 层 {room} 室。"),
    ("{}每次最多用多久？", "一次可以用{}几个小时", "{}每次最多使用 {n} 小时。"),
    ("{}由谁管理？", "{}的管理员是谁", "{}由{teacher}老师管理（虚构）。"),
    ("{}要提前几天预约？", "预约{}需要提前多久", "{}请提前 {n} 天预约。"),
    ("{}坏了找谁？", "{}出故障怎么报修", "{}出故障请打内线 62{room}。"),
)  # fmt: skip
_DAYS = "一二三四五六日"
_TEACHERS = ("陈明", "林静", "赵磊", "孙悦", "周航", "吴倩", "郑凯")
_CITIES = ("青山", "临江", "东湖", "西岭", "北辰", "南屏", "云溪", "海门", "石桥", "松岭")
_HOSPITALS = ("人民医院", "中心医院", "第一医院", "中医院", "妇幼保健院", "大学附属医院")

_DOCUMENTED = (
    "虚拟皮疹出现的比例是多少", "虚拟头晕多久出现一次", "虚拟有效期是多少个月", "虚拟腹部扫描的虚拟用量是多少",
    "示影灵一次练习最多使用几支", "示影素是什么颜色的溶液", "同一天同一种设备能约几次", "虚拟头部扫描的虚拟用量是多少",
    "对爽约记录有异议怎么申诉", "虚拟温热感多久出现一次",
)  # fmt: skip
"""What the demo's documents answer, and no FAQ does."""

KINDS = ("repeated", "different", "echo", "documents")


def write_table(path: Path) -> None:
    """The 100 questions as a FAQ table that ``ingest`` takes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("问题", "相似问题", "答案", "生效", "失效"))
        writer.writerows((question, similar, answer, "", "") for question, similar, answer in rows())


def rows() -> list[tuple[str, str, str]]:
    """Question, similar question and answer of each."""
    pairs = [(name, aspect) for name in _COURSES for aspect in _COURSE_ASPECTS]
    pairs += [(name, aspect) for name in _MACHINES for aspect in _MACHINE_ASPECTS]
    found = []
    for number, (name, (question, similar, answer)) in enumerate(pairs):
        values = {
            "day": _DAYS[number % 7],
            "hour": 17 + number % 4,
            "floor": 1 + number % 5,
            "room": 100 + number,
            "teacher": _TEACHERS[number % 7],
            "n": 1 + number % 9,
        }
        found.append((question.format(name), similar.format(name), answer.format(name, **values)))
    return found


def texts(kind: str, start: int = 0) -> Iterator[str]:
    """Endless messages of a kind, from the ``start``-th on.

    ``repeated``: the 200 wordings in turn. ``different``: each wording again and again, but behind who asks, so that no
    text comes twice. ``echo``: the command that goes the whole way without retrieval. ``documents``:
    what the demo's documents answer.
    """
    if kind == "documents":
        yield from itertools.cycle(_DOCUMENTED)
    wordings = [wording for question, similar, _ in rows() for wording in (question, similar)]
    for number in itertools.count(start):
        wording = wordings[number * 77 % len(wordings)]
        if kind == "repeated":
            yield wording
        elif kind == "different":
            yield f"{_asker(number // len(wordings))}，{wording}"
        else:
            yield f"/echo 好 {number}"


def _asker(number: int) -> str:
    """No name and no address: what is masked as personal would make texts equal again."""
    rest, city = divmod(number, len(_CITIES))
    term, hospital = divmod(rest, len(_HOSPITALS))
    return f"我是{_CITIES[city]}{_HOSPITALS[hospital]}第 {term + 1} 期的学员"
