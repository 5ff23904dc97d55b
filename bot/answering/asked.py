"""What a question is about, without the words that make it a question."""

import re
from functools import lru_cache

from bot.answering.claims import content_of
from bot.answering.quantities import figures_of, fold

_QUESTION_WORDS = re.compile(
    "请问|什么时候|什麼時候|什么时间|为什么|為什麼|多长时间|怎么样|什么|什麼|多少|多久|多长|多大|怎么|怎樣|怎样|如何|何时|何時|哪里|哪裡|"
    "哪儿|哪[一几些个年天位种家]|是谁|谁|誰|几[个次天年位点号种]|是否|能否|有没有|能不能|可不可以|吗|嗎|呢|么|麼"
)


@lru_cache(maxsize=256)  # asked of every passage that is shown
def asked_content(question: str) -> frozenset[str]:
    """The units of :func:`~bot.answering.claims.content_of` that a question is about, its figures aside."""
    return frozenset(content_of(figures_of(_QUESTION_WORDS.sub(" ", fold(question)))))
