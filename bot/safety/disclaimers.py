"""Which lines stand below an answer, by its reader and what it is about."""

import re
from collections.abc import Iterator

from bot.knowledge.entries import Audience
from bot.safety.conduct import Conduct
from bot.texts import Language, Texts

_MEDICINE = re.compile(
    "剂量|用[量法药]|注射|服用|适应[症证]|禁忌|不良反应|副作用|过敏|[造对][影比]剂|药[品物]|疗效|治疗|诊断|说明书|孕妇|哺乳"
    "|contrast|dos(?:e|age)|indicat|adverse|allerg|inject|treat|diagnos|pregnan"
)
_FUNDS = re.compile("基金|股票|理财|收益|债券|投资|证券|净值|持仓|fund|stock|invest|yield|securit")


def speaks_of_medicine(text: str) -> bool:
    """Whether ``text`` is about medicines and their use."""
    return _MEDICINE.search(text.casefold()) is not None


def disclaimers(about: str, conduct: Conduct, reader: Audience, texts: Texts, language: Language) -> tuple[str, ...]:
    """The lines for an answer to ``reader``; ``about`` are the words of question and answer. Source: guidance, 2 and
    5.1."""
    folded = about.casefold()
    if conduct.disclaimers is None:
        return tuple(_of_the_trade(folded, conduct, reader, texts, language))
    return tuple(
        each.text
        for each in conduct.disclaimers
        if (not each.audiences or reader.value in each.audiences) and _speaks_of(folded, each.topics)
    )


def _of_the_trade(folded: str, conduct: Conduct, reader: Audience, texts: Texts, language: Language) -> Iterator[str]:
    if "pharma" in conduct.trade and _MEDICINE.search(folded):
        yield texts.say("disclaimer_public" if reader is Audience.PUBLIC else "disclaimer_hcp", language)
    if "securities" in conduct.trade and _FUNDS.search(folded):
        yield texts.say("disclaimer_securities", language)


def _speaks_of(folded: str, topics: tuple[str, ...]) -> bool:
    return not topics or any(topic.casefold() in folded for topic in topics)
