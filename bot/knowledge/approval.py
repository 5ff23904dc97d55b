"""The number under which a company's review approved a material (审批号), and which material needs one.

Source: compliance guidance, 2 ("Only approved material"): what is quoted to professionals carries the number of its
medical, legal and compliance review. What such a number looks like is each company's own.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from bot.bots_file import BotConfig
from bot.errors import KnowledgeError
from bot.knowledge.entries import Audience, Entry
from bot.knowledge.progress import Progress
from bot.knowledge.versions import Version
from bot.safety.conduct import ApprovalNumber
from bot.texts import Language, Texts

LONGEST_NUMBER = 64
_MARKUP = frozenset("<>[]|`*")
"""What a chat or a page would not show as it is."""


Gate = Callable[[Sequence[Version], str, str, Progress], None]
"""(versions of one collection that are to be approved together, who approves them, for which reason they are approved
in any case, empty for none, who is told how far it is): raises :class:`~bot.errors.InputError` for those that must not
be."""


Warm = Callable[[Iterable[Entry], Callable[[int], object]], None]
"""Takes entries that are to be approved and what is told how many more are done; afterwards their vectors are there."""


def no_gate(_versions: Sequence[Version], _actor: str, _override: str, _progress: Progress) -> None:
    """Where everything may pass."""


def approval_number(text: str) -> str:
    """``text`` as an approval number, blanks closed up; empty for none.

    Raises :class:`~bot.errors.KnowledgeError` for what cannot be one.
    """
    number = " ".join(text.split())
    if len(number) > LONGEST_NUMBER:
        raise KnowledgeError(f"an approval number of {len(number)} characters, {LONGEST_NUMBER} are allowed")
    if not number.isprintable() or _MARKUP & set(number):
        raise KnowledgeError(f"no approval number: {number!r}; leave out {' '.join(sorted(_MARKUP))}")
    return number


def rules_of(bots: Mapping[str, BotConfig], tenant: str, collection: str) -> tuple[ApprovalNumber, ...]:
    """What the bots that answer from ``collection`` ask of the numbers in it."""
    answering = (bot for bot in bots.values() if bot.tenant == tenant and collection in bot.knowledge)
    return tuple(rule for bot in answering if (rule := bot.safety.approval_number) is not None)


def four_eyes_in(bots: Mapping[str, BotConfig], tenant: str, collection: str) -> bool:
    """Whether nobody may approve in ``collection`` what they brought themselves: a bot that answers from it says so."""
    return any(bot.four_eyes for bot in bots.values() if bot.tenant == tenant and collection in bot.knowledge)


def one_person(
    bots: Mapping[str, BotConfig], pseudonym: Callable[[str, str], str], tenant: str, one: str, other: str
) -> bool:
    """Whether ``one`` and ``other``, as versions name who did something, are one person of ``tenant``: by their name,
    or because a bot of the tenant says so. ``pseudonym`` is that of the audit log."""
    if one == other:
        return True
    known = (ids for bot in bots.values() if bot.tenant == tenant for ids in bot.same_person)
    names = ({id_ if id_.startswith("cli:") else pseudonym(tenant, id_) for id_ in ids} for ids in known)
    return any({one, other} <= each for each in names)


def unfit_numbers(material: Iterable[tuple[str, str]], rules: Collection[ApprovalNumber]) -> tuple[str, ...]:
    """The numbers in ``material``, pairs of audience and number, that keep it from being approved; an empty one stands
    for material without a number. What only staff may read needs none."""
    read_by_professionals = {audience.value for audience in Audience.HCP.readable}
    numbers = {number for audience, number in material if audience in read_by_professionals}
    return tuple(sorted(number for number in numbers if not all(rule.allows(number) for rule in rules)))


def approval_words(number: str, texts: Texts, language: Language) -> str:
    """``number`` as it is shown beside a source; empty where there is none."""
    return texts.say("approval_number", language, number=number) if number else ""


def in_words(unfit: Iterable[str]) -> str:
    """``unfit`` as one line for whoever brings knowledge."""
    return ", ".join(number or "none" for number in unfit)
