"""What the staff read of a person and of what was said: in lines, without markup."""

from collections.abc import Callable, Sequence

from bot.bots_file import BotConfig
from bot.handoff.sessions import Sessions
from bot.messages import ConversationId, InboundMessage, MessageKind
from bot.records.turns import TurnRecord, TurnRecords
from bot.texts import LANGUAGES, Language, Texts, language_of

SUMMARY_TURNS = 3
SUMMARY_CHARACTERS = 120


class Summaries:
    """``background(bot, conversation)`` are lines that a summary begins with: what is known of the person. Raises
    :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(
        self,
        records: TurnRecords,
        texts: Texts,
        sessions: Sessions,
        background: Callable[[BotConfig, ConversationId], Sequence[str]],
    ) -> None:
        self._records = records
        self._texts = texts
        self._sessions = sessions
        self._background = background

    def of(self, bot: BotConfig, conversation: ConversationId, last: str) -> str:
        """What is known of the person, the last turns there, and their ``last`` words."""
        lines = list(self._background(bot, conversation))
        lines += [self.turn_line(turn, bot.language) for turn in self._records.recent(conversation.key, SUMMARY_TURNS)]
        lines.append(self._texts.say("ticket_summary_last", bot.language, text=_short(last)))
        return "\n".join(lines)

    def language_of(self, bot: BotConfig, conversation: ConversationId) -> Language:
        """The language that the person there wrote in lately."""
        turns = self._records.recent(conversation.key, SUMMARY_TURNS)
        return language_of("\n".join(turn.question for turn in turns), bot.language)

    def turn_line(self, turn: TurnRecord, language: Language) -> str:
        """A turn in brief; of its sources the titles, for their links were made for the asker."""
        answer = turn.answer
        for each in LANGUAGES:
            answer = answer.partition(f"\n\n{self._texts.say('sources', each)}\n")[0]
        line = self._texts.say("ticket_summary_turn", language, question=_short(turn.question), answer=_short(answer))
        titles = ", ".join(dict.fromkeys(str(citation.get("title", "")) for citation in turn.citations))
        tried = self._texts.say("ticket_summary_sources", language, titles=_short(titles)) if titles else ""
        return "\n".join(filter(None, (line, tried)))

    def name_of(self, message: InboundMessage) -> str:
        """What the staff read of who wrote ``message``: a name, behind which stands the id where others may bear it."""
        conversation = message.conversation
        if message.sender.name:
            return message.sender.name
        nickname = self._sessions.nickname(conversation)
        return f"{nickname} ({conversation.person})" if nickname else conversation.person

    def readable(self, message: InboundMessage, language: Language) -> str:
        """The words of ``message`` and the kinds of what it shows."""
        kinds = [attachment.kind for attachment in message.attachments]
        if not kinds and message.kind is not MessageKind.TEXT:
            kinds = [message.kind]
        named = "".join(self._texts.say("ticket_shown", language, kind=self._kind(kind, language)) for kind in kinds)
        return "\n".join(filter(None, (message.text, named)))

    def _kind(self, kind: MessageKind, language: Language) -> str:
        return self._texts.say(f"kind_{kind}", language)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SUMMARY_CHARACTERS else line[: SUMMARY_CHARACTERS - 1] + "…"
