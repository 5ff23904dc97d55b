"""What a question asks, taken apart so that two can be told to be the same one in other words.

Vectors alone cannot tell that: of adversarial pairs with almost the same words half mean something else, whatever their
cosine. So whatever changes the meaning must be equal first (figures, names, negation, what is asked for, which side of
an opposite, the order of what is named), and only then words and vectors say how much else is equal.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from bot.answering.claims import clauses_of
from bot.answering.names import latin_names
from bot.answering.quantities import Figures, figures_of, fold
from bot.knowledge.segment import jieba_segmenter

_ASKS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("why", "为什么|为何|怎么会|怎么回事|原因|\\bwhy\\b"),
        (
            "how long",
            "多久|多长时间|多少天|多少小时|几天|几个?小时|几分钟|几个?工作日|几个月|几年|时长|期限|\\bhow long\\b",
        ),
        (
            "when",
            "什么时候|何时|几点|几号|哪天|哪一天|什么时间|开始时间|截止时间|时间是|时间为|[^长]时间$|"
            "\\bwhen\\b|\\bwhat time\\b",
        ),
        ("where", "哪里|哪儿|何处|在哪|什么地方|地址|地点|\\bwhere\\b"),
        ("who", "谁|哪些人|什么人|哪位|\\bwho\\b"),
        ("how many", "多少|几[个门次条台人位份种分级岁]|数量|上限|下限|最多|至少|\\bhow (?:many|much)\\b"),
        ("how", "怎么|怎样|如何|步骤|流程|办法|方法|\\bhow\\b"),
        ("whether", "吗|是否|能不能|可不可以|是不是|要不要|会不会|有没有|能否|可否|\\b(?:is|are|can|does|do|may)\\b"),
        ("what", "什么|哪些|哪个|哪种|啥|\\b(?:what|which)\\b"),
    )
)
"""What is asked for, the most special first: the first that fits is it."""
_IDLE = re.compile(
    "请问|您好|你好|我想|想知道|想问|为什么|为何|什么时候|什么时间|什么地方|多长时间|多少|多久|怎么样|怎么办|怎么|怎样|如何|"
    "什么|哪些|哪个|哪里|哪儿|哪种|是否|能不能|可不可以|是不是|有没有|能否|可否|可以|能够|需要|应该|是|的|了|在|和|与|吗|呢|啊|吧|"
    "请|我们|你们|我|你|您|它|这|那|要|会|能|有|就|都|也|一下|之后|以后|时候|到|去|几"
)
_EDGE = re.compile(r"[\s，。！？；：、,.!?;:\"'“”‘’（）()【】\[\]《》<>…—-]+")
_NEGATOR_LEFT = re.compile("没有|未能|未|不能|不可以?|不得|不要|不用|不是|不|无法|无|没")
_OPPOSITES = tuple(
    (re.compile(one), re.compile(other))
    for one, other in (
        ("之前|以前|前", "之后|以后|后"),
        ("增加|提高|上升|升高|上调|加大", "减少|降低|下降|下调|缩小"),
        ("最高|最大|最多|上限|至多", "最低|最小|最少|下限|至少"),
        ("超过|高于|大于|以上", "低于|少于|小于|以下|不足"),
        ("开始|启动|开启|打开|开门|上班", "结束|停止|关闭|截止|关门|下班"),
        ("注册|登录|加入|添加|预约|提交|申请|安装|购买|冻结|锁定", "注销|退出|退|删除|取消|撤回|卸载|退货|解冻|解锁"),
        ("阳性", "阴性"),
        ("线上|在线", "线下|现场"),
        ("电子", "纸质"),
        ("左", "右"),
        ("进口|导入|输入", "出口|导出|输出"),
        ("男", "女"),
        ("成人|成年", "儿童|小儿|未成年"),
        ("春", "秋"),
    )
)


@dataclass(frozen=True, slots=True)
class Wording:
    """A question taken apart.

    ``asks`` is what is asked for (``how many``, ``where`` …, empty where no word says so); ``names`` are Latin names
    and codes, folded; ``sides`` which side of which opposites is named; ``words`` the content words in their order.
    """

    asks: str
    figures: Figures
    names: frozenset[str]
    negated: bool
    sides: frozenset[tuple[int, bool]]
    words: tuple[str, ...]

    def guarded_as(self, other: "Wording") -> bool:
        """Whether nothing that surely changes the meaning differs: figures, names, negation, side of an opposite."""
        return (
            self.figures.quantities == other.figures.quantities
            and self.figures.moments == other.figures.moments
            and self.names == other.names
            and self.negated == other.negated
            and self.sides == other.sides
        )

    def likeness(self, other: "Wording") -> float:
        """The share of characters of both questions' words that stand in words of the other too, 0 to 1.

        Characters and not words, because a word has shorter forms (``学分有效期``, ``有效期``).
        """
        mine, others = _pieces(self.words), _pieces(other.words)
        if not mine or not others:
            return float(mine == others)
        return len(mine & others) / len(mine | others)

    def adds_to(self, other: "Wording") -> bool:
        """Whether one of both questions only says more than the other: where each has words that the other lacks, a
        word was put in the place of another, and that may be all the difference there is."""
        mine, others = _pieces(self.words), _pieces(other.words)
        return mine <= others or others <= mine

    def in_order_with(self, other: "Wording") -> bool:
        """Whether the words that both have follow one another alike: ``从 A 到 B`` is not ``从 B 到 A``."""
        shared = [word for word in self.words if word in other.words and self.words.count(word) == 1]
        places = [other.words.index(word) for word in shared]
        return all(first < second for first, second in pairwise(places))


def wording_of(question: str) -> Wording:
    """``question`` taken apart."""
    text = _EDGE.sub(" ", fold(question)).strip()
    figures = figures_of(question)
    rest = _NEGATOR_LEFT.sub(" ", _IDLE.sub(" ", text))
    return Wording(
        asks=next((kind for kind, pattern in _ASKS if pattern.search(text)), ""),
        figures=figures,
        names=frozenset(latin_names(question)),
        negated=sum(clause.negated for clause in clauses_of(question)) % 2 == 1,
        sides=_sides(text),
        words=tuple(word for run in rest.split() for word in jieba_segmenter().cut(run)),
    )


def _sides(text: str) -> frozenset[tuple[int, bool]]:
    found = {(at, True) for at, (one, _) in enumerate(_OPPOSITES) if one.search(text)}
    return frozenset(found | {(at, False) for at, (_, other) in enumerate(_OPPOSITES) if other.search(text)})


def _pieces(words: tuple[str, ...]) -> frozenset[str]:
    """Single characters of Chinese words, other words whole."""
    return frozenset(piece for word in words for piece in ([word] if word.isascii() else word))
