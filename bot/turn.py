"""A turn on its way through the pipeline: what came in, what each step found out, and what is said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.answering.answerer import Answer
from bot.answering.evidence import Evidence
from bot.bots_file import BotConfig
from bot.handoff.desk import Notice
from bot.identity.codes import without_codes
from bot.knowledge.entries import Audience
from bot.messages import ConversationId, InboundMessage, MessageKind, Quoted, ReplyKind
from bot.parts import Part
from bot.records.turns import TurnRecord
from bot.running_versions import process_name
from bot.safety.cases.heard import Heard
from bot.safety.cases.report import TurnReport
from bot.safety.words import Notice as Noticed
from bot.texts import Language, Texts, language_of

_HIDDEN = "…"
"""What a record keeps in place of words that it must not keep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What a step decided: the words for the asker (empty: silence), ``parts`` that follow them, and what others hear.
    ``choices`` are questions listed in the words, to be asked by a tap where the platform can. ``closing`` is what must
    be read below the words, where after this one message nothing more gets through.

    ``recorded`` is false for what is no turn: nobody said anything, and nothing is answered. ``record_as`` is what the
    record keeps instead of ``text`` where that repeats what is the person's own.
    """

    kind: ReplyKind
    text: str
    notices: tuple[Notice, ...] = ()
    answer: Answer | None = None
    parts: tuple[Part, ...] = ()
    choices: tuple[str, ...] = ()
    closing: str = ""
    recorded: bool = True
    record_as: str | None = None

    @property
    def words(self) -> str:
        """All that is said, in one."""
        return "\n\n".join(filter(None, (self.text, self.closing)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What one step did, for the record: how long it took and what it found, small and JSON-ready."""

    step: str
    ms: float
    found: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """``{"step", "ms", …found}``."""
        return {"step": self.step, "ms": self.ms, **self.found}


@dataclass(kw_only=True, slots=True)
class Turn:
    """One or more messages answered together.

    ``id`` is made from the first message's id, so that a turn that runs again after a crash keeps it. ``text`` are the
    messages' texts joined by newlines, ``quoted`` what the person quoted, ``reader`` who may read the answer, ``now``
    epoch seconds. ``show`` lets the person read the answer so far, where the platform can.

    The steps fill in the rest: ``questions`` are the readings of the message, the most literal first; ``pictured`` what
    stands in pictures beside it; ``preface`` what the reply begins with, whatever it is; ``media`` what was fetched;
    ``own_files_asked`` whether the person's own files were asked already; ``read`` what was heard and read in media,
    with their kind; ``heard`` what this turn adds to what the person said ``earlier``; ``report`` what drug safety has
    to do with it; ``noticed`` what its words must be noticed for; ``human_because`` the words (their key) with
    which a human is brought though nobody asked for one, empty where none is; ``without_consent`` that its words tell
    of somebody's health and nobody consented to their being kept.
    ``ai_label`` is what stands below the words of a language model.
    """

    id: str
    bot: BotConfig
    conversation: ConversationId
    messages: tuple[InboundMessage, ...]
    text: str
    quoted: Quoted | None
    language: Language
    reader: Audience
    now: float
    show: Callable[[str], None]
    questions: tuple[str, ...] = ()
    pictured: str = ""
    preface: str = ""
    media: list[Mapping[str, str]] = field(default_factory=list)
    own_files_asked: bool = False
    earlier: Sequence[Heard] = ()
    heard: list[Heard] = field(default_factory=list)
    read: list[tuple[MessageKind, str]] = field(default_factory=list)
    report: TurnReport | None = None
    noticed: tuple[Noticed, ...] = ()
    human_because: str = ""
    without_consent: bool = False
    ai_label: str = ""
    evidence: Evidence | None = None
    decisions: list[Decision] = field(default_factory=list)
    _found: dict[str, Any] = field(default_factory=dict)

    def found(self, **values: Any) -> None:
        """Note what the step under way found out; JSON-ready."""
        self._found |= values

    def end_step(self, name: str, ms: float) -> None:
        """Close the notes of the step called ``name``, which took ``ms`` milliseconds."""
        self.decisions.append(Decision(step=name, ms=ms, found=dict(self._found)))
        self._found.clear()

    @property
    def context(self) -> str:
        """What the question may speak of: the words that are quoted, and those of pictures."""
        quoted = self.quoted.text.strip() if self.quoted else ""
        return "\n".join(filter(None, (quoted, self.pictured.strip())))

    def prefaced(self, text: str) -> str:
        """``text`` as the person reads it; silence stays silence."""
        return f"{self.preface}\n\n{text}" if self.preface and text else text

    def show_generated(self, text: str) -> None:
        """Let the person read what a language model has written so far, as what it is."""
        self.show(f"{self.prefaced(text)}\n{self.ai_label}")

    @property
    def retrieved(self) -> Evidence:
        """The evidence. Raises ``RuntimeError`` in a step before it was retrieved: a mistake of ours."""
        if self.evidence is None:
            raise RuntimeError("this step stands before the one that retrieves")
        return self.evidence

    @property
    def stream_id(self) -> str:
        """The bubble that shows the reply; empty where the platform shows none."""
        return self.messages[0].stream_id


def begin_turn(
    messages: tuple[InboundMessage, ...],
    bot: BotConfig,
    *,
    reader: Audience,
    now: float,
    show: Callable[[str], None],
    earlier: Sequence[Heard],
    texts: Texts,
) -> Turn:
    """The turn of ``messages`` to ``bot``, before its first step."""
    first = messages[0]
    text = "\n".join(message.text for message in messages)
    language = bot.language if first.kind is MessageKind.EVENT else language_of(text, bot.language)
    return Turn(
        id=first.turn_id,
        bot=bot,
        conversation=first.conversation,
        messages=messages,
        text=text,
        quoted=first.quoted,
        language=language,
        reader=reader,
        now=now,
        show=show,
        ai_label=bot.safety.ai_label or texts.say("ai_label", language),
        earlier=earlier,
    )


def unseen(_text: str) -> None:
    """The :attr:`Turn.show` of an answer that nobody shall watch growing: it may yet be withheld."""


def turn_record(turn: Turn, step: str, said: Said, versions: Mapping[str, str]) -> TurnRecord:
    """What is kept of ``turn``, which ``step`` decided; its fate is added when the reply was delivered or given up.

    Where somebody is is not kept, no word of what was said without consent, and no one-time code.
    """
    answer, hidden = said.answer, turn.without_consent
    asked = "" if turn.messages[0].kind is MessageKind.LOCATION else without_codes(turn.text)
    words = said.words if said.record_as is None else said.record_as
    steps = tuple(decision.to_json() for decision in turn.decisions)
    return TurnRecord(
        id=turn.id,
        bot=turn.bot.id,
        tenant=turn.bot.tenant,
        conversation=turn.conversation.key,
        person=turn.conversation.person,
        reader=turn.reader.value,
        asked_at=turn.messages[0].received_at,
        answered_at=turn.now,
        message_ids=tuple(message.message_id for message in turn.messages),
        question=_HIDDEN if hidden else asked,
        quoted="" if turn.quoted is None else _HIDDEN if hidden else without_codes(turn.quoted.text),
        step=step,
        kind=said.kind.value,
        answer=words.replace(turn.preface, _HIDDEN) if hidden and turn.preface else words,
        citations=tuple(citation.to_json() for citation in answer.citations) if answer else (),
        cited=tuple(entry.id for entry in answer.cited) if answer else (),
        passages=turn.evidence.passages if turn.evidence else (),
        confidence=turn.evidence.confidence if turn.evidence else None,
        timings_ms=answer.timings_ms if answer else {},
        steps=tuple({**step, "media": []} if hidden and "media" in step else step for step in steps),
        generation=answer.generation if answer and not hidden else {},
        versions=versions,
        worker=process_name(),
    )
