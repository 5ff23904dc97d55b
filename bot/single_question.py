"""A question that nobody asks in a chat: answered with the same evidence, words and precautions as there, but nobody is
told of it, and nothing is remembered."""

import uuid
from collections.abc import Callable
from dataclasses import replace

from bot.answering.answerer import Answer, Answerer
from bot.answering.asking import Asking
from bot.answering.render import plain_text, refusal_text
from bot.bots_file import BotConfig
from bot.handoff.nobody import Nobody
from bot.knowledge.entries import Audience
from bot.lookup.desk import LookUp
from bot.lookup.shelf import Shelf
from bot.messages import ConversationId, InboundMessage, MessageKind, ReplyKind, Sender
from bot.safety.precautions import Precautions
from bot.texts import Texts, language_of
from bot.turn import Said, Turn, unseen


class SingleQuestions:
    """Answers from ``answerer`` and the tables of ``shelf``; ``has_any`` says whether a bot knows anything at all."""

    def __init__(self, answerer: Answerer, shelf: Shelf, has_any: Callable[[BotConfig], bool]) -> None:
        self._answerer = answerer
        self._has_any = has_any
        self._texts = Texts()
        self._look_up = LookUp(shelf, None, self._texts)  # nobody answers a question of ours here

    def said(self, turn: Turn) -> Said:
        """What a chat would say. Where somebody would be told of it, it says that nobody is."""
        desk = Nobody()
        precautions = Precautions(desk, self._texts, None)
        said = precautions.heed(turn)
        if said is None:
            answer = self._looked_up(turn)
            if answer is None:
                asking = Asking(bot=turn.bot, language=turn.language)
                answer = self._answerer.answer((turn.text,), asking, turn.reader, turn.now)
            answer = precautions.offering(turn, answer)
            words = self._words(answer, turn)
            said = precautions.pass_on(turn, Said(kind=answer.kind, text=words, answer=answer))
            turn.found(**answer.figures)
            turn.end_step("compose", answer.timings_ms.get("total", 0.0))
        said = precautions.complete(turn, replace(said, text=turn.prefaced(said.text)))
        untold = self._texts.say("nobody_told", turn.language) if desk.wanted else ""
        return replace(said, text="\n".join(filter(None, [said.text, untold])))

    def rests_on_knowledge(self, turn: Turn) -> bool:
        """Whether how sure the search is decides what is said: no precaution ends ``turn`` before, and no table."""
        heeded = Precautions(Nobody(), self._texts, None).heed(turn)
        return heeded is None and self._looked_up(turn) is None

    def _looked_up(self, turn: Turn) -> Answer | None:
        """What a table answers, unless a FAQ certainly does."""
        answer = self._look_up.answer(turn)
        if answer is None:
            return None
        evidence = self._answerer.retriever.retrieve((turn.text,), turn.bot, turn.reader, turn.now)
        return None if evidence.certain else answer

    def _words(self, answer: Answer, turn: Turn) -> str:
        if answer.kind is not ReplyKind.REFUSAL:
            return plain_text(answer, self._texts, turn.language)
        if not answer.passages and not self._has_any(turn.bot):
            return self._texts.say("empty_knowledge", turn.language)
        return refusal_text(answer, self._texts, turn.language)


def turn_of(bot: BotConfig, actor: str, question: str, reader: Audience, now: float) -> Turn:
    """The turn of ``actor``, who writes ``question`` to ``bot`` at ``now``, epoch seconds, and may read what ``reader``
    may."""
    conversation = ConversationId(bot=bot.id, channel="cli", person=actor)
    message = InboundMessage(
        conversation=conversation,
        message_id=uuid.uuid4().hex,
        sender=Sender(id=actor),
        kind=MessageKind.TEXT,
        text=question,
        sent_at=now,
        received_at=now,
    )
    return Turn(
        id=message.turn_id,
        bot=bot,
        conversation=conversation,
        messages=(message,),
        text=question,
        quoted=None,
        language=language_of(question, bot.language),
        reader=reader,
        now=now,
        show=unseen,
    )
