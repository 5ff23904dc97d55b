"""What people are asked after a report, and which of their next words answer it (guidance 1.5)."""

import re
import unicodedata
from collections.abc import Collection

from bot.safety.adverse_events import Element, Screening
from bot.safety.cases.case import Question

MOST_QUESTIONS = 3
"""In one reply."""
ANSWERS_WITHIN_S = 24 * 3600.0
"""What is written later than this after a report answers nothing of it."""

_KNOWN_WITH = {Question.PRODUCT: Element.PRODUCT, Question.PATIENT: Element.PATIENT}
_DECLINES = re.compile(
    "不想(?:说|回答|讲|透露|填)|不愿意?(?:说|回答|透露)?|不方便(?:说|透露|回答)?|不用(?:问|了)|别问|不回答|不提供|不说了?$|算了|保密|"
    "不告诉|没空|不要问|no thanks|rathernot|prefernot|don'task|nottotell|noneofyour"
)
_NOTHING = re.compile(
    "(?:好|好的|好吧|行|嗯+|哦+|噢+|收到|知道了|明白了?|了解了?|谢谢你?您?|谢了|多谢|感谢|辛苦了?|再见|拜拜|ok|okay|thanks?|thankyou|"
    "bye|在吗|你好|您好|hello|hi)+(?:啊|呀|啦|了|哈)?"
)
_ASKS = re.compile(
    "[?？]|吗|呢$|怎么|怎样|如何|多少|为什么|为何|是否|能否|可否|能不能|可不可以|要不要|该不该|有没有|请问|"
    r"\b(?:what|how|when|where|who|which|why|can i|can we|should|could you)\b",
    re.IGNORECASE,
)
_ANOTHER_PATIENT = re.compile(
    "(?:另外?|又|还有|第[二三四五六])(?:外)?(?:有)?(?:一|1|两|2|几)?(?:个|位|例|名)?(?:病人|患者|病例|人|孩子)"
)


def next_questions(elements: Collection[Element], asked: Collection[Question], most: int) -> tuple[Question, ...]:
    """What to ask now: at most ``most``, none twice, and nothing that is known."""
    open_ones = (
        question for question in Question if question not in asked and _KNOWN_WITH.get(question) not in elements
    )
    return tuple(question for question, _ in zip(open_ones, range(most), strict=False))


def declines(words: str) -> bool:
    """Whether the person does not want to answer: a short refusal, and nothing told beside it."""
    plain = _plain(words)
    return len(plain) <= 20 and _DECLINES.search(plain) is not None


def answers(words: str, screening: Screening, window: int, *, directly: bool) -> bool:
    """Whether ``words``, the last of ``window`` messages that were screened together, tell something for the report
    before them: an element that they bring, or what follows it ``directly`` and asks nothing."""
    plain = _plain(words)
    if not plain or _NOTHING.fullmatch(plain):
        return False
    if any(quote is not None and quote.message == window - 1 for _, quote in screening.elements):
        return True
    return directly and not asks_something(words)


def asks_something(words: str) -> bool:
    """Whether ``words`` ask for an answer."""
    return _ASKS.search(words) is not None


def names_another_patient(words: str) -> bool:
    """Whether ``words`` begin to speak of somebody else than the report before them."""
    return _ANOTHER_PATIENT.search(_plain(words)) is not None


def _plain(words: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", words).casefold() if letter.isalnum())
