"""A case, the messages it rests on, and how a message becomes part of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.messages import ConversationId
from bot.safety.adverse_events import Element, Kind, Regime, Screening, Seriousness


class CaseState(StrEnum):
    """Where a case stands.

    ::

        open ──a notice arrived at the desk──► delivered ──somebody there confirms──► acknowledged ──► closed
    """

    OPEN = "open"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class Question(StrEnum):
    """What people are asked, in the order of the guidance (1.5); each at most once a case."""

    PRODUCT = "product"
    DOSE = "dose"
    EVENT = "event"
    PATIENT = "patient"
    COURSE = "course"
    HISTORY = "history"
    CONTACT = "contact"
    ROLE = "role"


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A message that tells something for a case.

    ``id`` is the message's turn id, the same in every try; ``sent_at`` the message's own time and ``received_at`` ours,
    in epoch seconds. ``words`` are as the person wrote or said them, ``medium`` the kind of message they came in.
    ``context`` are the words before it that were read with it and belong to no case yet. At most ``most_questions``
    can be asked in the reply. ``attachments`` are ``{"kind", "media"}``, the id being that of the media store and
    empty for what was not fetched.
    """

    id: str
    conversation: ConversationId
    tenant: str
    sender_name: str
    sent_at: float
    received_at: float
    words: str
    medium: str
    screening: Screening
    context: tuple[str, ...] = ()
    most_questions: int = 0
    attachments: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One suspected report; see :data:`bot.safety.cases.tables.cases`.

    Times are epoch seconds: ``received_at`` the first message's own time and ``latest_at`` the last one's, ``day0_at``
    when the last of the four elements was told (``None``: one is missing), ``due_at`` by when the authority must have
    the report, ``follow_up_due_at`` the same for what came later. ``serious`` are the criteria told, ``judged_serious``
    what a human decided. ``reporter`` stands for who wrote (:meth:`.CaseKey.reporter`). ``products``, ``batches``,
    ``events`` and ``patients`` are masked words. ``related_to`` is an earlier case that may be the same. ``masks`` is
    the state of the case's masker.
    """

    number: int
    bot: str
    tenant: str
    reporter: str
    state: CaseState
    received_at: float
    latest_at: float
    day0_at: float | None = None
    due_at: float | None = None
    follow_up_due_at: float | None = None
    kinds: tuple[Kind, ...] = ()
    regimes: tuple[Regime, ...] = ()
    serious: tuple[Seriousness, ...] = ()
    judged_serious: bool | None = None
    at_once: bool = False
    group_event: bool = False
    other_company: bool = False
    elements: tuple[Element, ...] = ()
    products: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    asked: tuple[Question, ...] = ()
    declined: bool = False
    masks: Mapping[str, str] = field(default_factory=dict)
    related_to: int | None = None
    opened_at: float
    acknowledged_at: float | None = None
    acknowledged_by: str = ""

    @property
    def missing(self) -> tuple[Element, ...]:
        """The elements that nobody has told, in their usual order."""
        return tuple(element for element in Element if element not in self.elements)

    @property
    def is_serious(self) -> bool:
        """Whether it is handled as serious: a human said so, or a criterion is told and no human said otherwise."""
        return bool(self.serious) if self.judged_serious is None else self.judged_serious

    @property
    def urgent(self) -> bool:
        """Whether a human has to know at once."""
        return self.at_once or self.is_serious or self.group_event


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseMessage:
    """One message of a case; ``words`` and ``context`` are masked, ``digest`` is of what was written
    (:meth:`.CaseKey.digest`).
    ``grounds`` are ``{"rule", "kind", "words"}``. ``sealed`` holds the rest, encrypted (:class:`Sealed`)."""

    id: str
    case_number: int
    position: int
    sent_at: float
    received_at: float
    kept_at: float
    channel: str
    in_group: bool
    medium: str
    words: str
    context: tuple[str, ...]
    digest: str
    attachments: tuple[Mapping[str, str], ...]
    grounds: tuple[Mapping[str, str], ...]
    asked: tuple[Question, ...]
    sealed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealed:
    """What only who has the key can read: the words as they were written and those before them, who wrote them, and
    the key of the conversation."""

    words: str
    context: tuple[str, ...]
    sender_name: str
    conversation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What became of a report: its ``case`` as it is now, whether it opened it, and what the person is ``asked``."""

    case: Case
    opened: bool
    asked: tuple[Question, ...]
