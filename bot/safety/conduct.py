"""What a bot's operator says about how it speaks: the part of the block ``safety`` that is about its answers.

The defaults are what the compliance guidance names; where a customer's department is stricter, it wins. Light: the web
process reads it too.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_UserId = Annotated[str, Field(min_length=1, max_length=64)]
_Words = Annotated[str, Field(min_length=1, max_length=64)]
_Host = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9.-]{0,188}[a-z0-9])?$")]
_Label = Annotated[str, Field(max_length=64, pattern=r"^$|(?i:ai|人工智能).*(?:生成|合成|(?i:generated))")]

COMPLAINT_WORDS = (
    "申诉",
    "工信部",
    "工信局",
    "通管局",
    "通信管理局",
    "12300",
    "12315",
    "12381",
    "12386",
    "投诉你们",
    "我要投诉",
    "曝光你们",
    "起诉",
    "找律师",
    "消协",
    "找媒体",
    "乱扣费",
    "不知情订购",
    "携号转网受阻",
    "注销不了",
)
"""Words of regulators and complaints that make a conversation a human's (guidance 5.3); those that also mean something
else (曝光, 媒体, 律师) only together with another."""


def _compilable(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"must be a regular expression ({error})") from error
    return pattern


class Disclaimer(BaseModel):
    """A line below answers to certain readers about certain things."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)

    text: Annotated[str, Field(min_length=1, max_length=300)]
    audiences: tuple[Literal["public", "hcp", "staff"], ...] = ()
    """Whose answers carry it; everybody's where none is named."""
    topics: tuple[_Words, ...] = ()
    """Words of the question or the answer that ask for it; every answer where none is named."""


class ApprovalNumber(BaseModel):
    """What the company's number of a review (审批号) looks like, and whether material for professionals needs one."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)

    pattern: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_compilable)] = ".+"
    required: bool = False

    def allows(self, number: str) -> bool:
        """Whether material with ``number``, empty for none, may be approved."""
        return re.fullmatch(self.pattern, number) is not None if number else not self.required


class ConsentText(BaseModel):
    """The notice with which a separate consent is asked for, and its version, which names it in the records."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)

    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
    text: Annotated[str, Field(min_length=1, max_length=1000)]


class Conduct(BaseModel):
    """How a bot speaks, and what it leaves to people."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        str_strip_whitespace=True,
        use_attribute_docstrings=True,
    )

    ai_label: _Label = ""
    """What stands below every message that a language model wrote: it must name AI (or 人工智能) and that it generated
    (生成 or 合成) the text (GB 45438-2025); the product's words when unset."""
    trade: tuple[Literal["pharma", "securities"], ...] = ("pharma",)
    """Whose rules hold for generated answers and disclaimers; questions beyond the package insert are noticed in
    ``pharma``."""
    medical_information: tuple[_UserId, ...] = ()
    """The user ids of medical information, who get questions beyond the package insert and should be ``servicers``
    too, to answer with ``/reply``; the servicers, else the admins, where nobody is named."""
    link_hosts: tuple[_Host, ...] = ()
    """Hosts, with those below them, that a generated answer may link to beside PUBLIC_URL; a sentence with another link
    is not said."""
    disclaimers: tuple[Disclaimer, ...] | None = None
    """Lines below answers: each with ``text``, and where wanted ``audiences`` (public, hcp, staff) and ``topics``
    (words of question or answer). The product's, by trade and reader, when unset; none with an empty list."""
    approval_number: ApprovalNumber | None = None
    """The number of the company's review (审批号) that material carries: its ``pattern``, a regular expression for the
    whole number (`.+` when unset), and whether it is ``required`` (true or false) of all that professionals may read.
    What does not fit is not approved; nothing is asked where the block is missing."""
    consent: ConsentText | None = None
    """For a bot that patients write to: the notice (`text`, with who processes what, why, and what follows) with which
    whoever reads only what is public is asked for a separate consent before data of their health is processed, and its
    `version`; another version asks again. Nobody is asked when unset."""
    complaint_words: tuple[_Words, ...] | None = None
    """Words that bring a human and a ticket at once: names of regulators, and words of complaints. The product's when
    unset; none with an empty list."""
    complaint_days: Annotated[int, Field(ge=1, le=60)] = 15
    """Days in which whoever complains is promised an answer."""
    human_after_refusals: Annotated[int, Field(ge=0, le=10)] = 2
    """After so many questions in a row for which the knowledge has nothing, a human hears of it: a ticket, or the
    platform's own desk where somebody serves there. 0 leaves it to the person to ask for one."""
    human_for_anger: bool = True
    """Whether a human hears of somebody who is angry at the service (`bot/safety/words/anger.yaml`)."""
    human_for_serious: bool = True
    """Whether whoever tells of a serious adverse event gets a human too; the safety desk hears of it in any case."""
