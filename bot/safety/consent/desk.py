"""Asking people for their separate consent before data of their health is processed, and what holds without it.

Whoever may only read what is public is taken for a patient; professionals and staff are never asked. Without consent a
message that tells of somebody's health gets the notice and no answer, and its record keeps no words. Reports of adverse
events, emergencies, complaints, a human and general questions need none. Source: PIPL arts. 28 to 30 and 47.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import structlog

from bot import telemetry
from bot.errors import Unavailable
from bot.events import CardClick
from bot.knowledge.entries import Audience
from bot.messages import ConversationId, MessageKind, ReplyKind
from bot.parts import Button, Card, CardUpdate, Part
from bot.safety.conduct import ConsentText
from bot.safety.consent.health import tells_of_health
from bot.safety.consent.records import Consent, Consents, ConsentState
from bot.texts import Texts
from bot.turn import Said, Turn

log = structlog.get_logger()

CONSENT_KEY = "consent"
"""``consent:given:VERSION`` and ``consent:refused:VERSION`` are the keys of the buttons."""

_LONGEST_WORD = 24
_WORDS = (
    (ConsentState.GIVEN, re.compile("我?同意|(?:yes)?iagree|agree")),
    (ConsentState.REFUSED, re.compile("我?不同意|i?(?:dont|donot)agree|disagree|irefuse")),
    (ConsentState.WITHDRAWN, re.compile("(?:我|请)?(?:要|想)?(?:撤回|撤销)(?:我的)?同意|i?withdraw(?:my)?consent")),
)


def consent_word(text: str) -> ConsentState | None:
    """What a message says to the notice, if it says that and nothing else."""
    if len(text) > 2 * _LONGEST_WORD:
        return None
    folded = unicodedata.normalize("NFKC", text).lower()
    words = "".join(character for character in folded if character.isalnum())
    return next((state for state, pattern in _WORDS if pattern.fullmatch(words)), None)


class HealthConsent:
    """``handed_over(conversation)`` says that a human has it, who may be the one that somebody agrees with;
    ``drop(turn)`` removes what the messages of a turn have brought into the media store.

    Methods raise :class:`~bot.errors.Unavailable` when the database does not answer, but for :meth:`mark`.
    """

    def __init__(
        self,
        consents: Consents,
        texts: Texts,
        *,
        handed_over: Callable[[ConversationId], bool],
        drop: Callable[[Turn], None],
    ) -> None:
        self._consents = consents
        self._texts = texts
        self._handed_over = handed_over
        self._drop = drop

    def mark(self, turn: Turn) -> None:
        """See to it that the record of ``turn`` keeps no words where they tell of health without a consent; also where
        that cannot be known now."""
        if turn.without_consent or not _tells(turn):
            return
        try:
            turn.without_consent = self._lacking(turn) is not None
        except Unavailable as error:
            turn.without_consent = True
            telemetry.count("degraded", what="consent_unknown")
            log.warning("consent_unknown", turn=turn.id, error=str(error))

    def ask(self, turn: Turn) -> Said | None:
        """The notice, or that there is no consent, for a message that tells of somebody's health; ``None`` where the
        turn may go on. A report of an adverse event does not depend on it."""
        if turn.report is not None or not _tells(turn):
            return None
        text = self._lacking(turn)
        return None if text is None else self._asked(turn, text)

    def ask_for_file(self, turn: Turn) -> Said | None:
        """The same for a file, whatever it says: a patient's files are reports and records. It has been screened for
        side effects, and goes at once."""
        if turn.messages[0].kind is not MessageKind.FILE:
            return None
        text = self._lacking(turn)
        return None if text is None else self._asked(turn, text)

    def answer(self, turn: Turn) -> Said | None:
        """What follows when somebody agrees, refuses or withdraws in words; ``None`` for any other message."""
        text, state = turn.bot.safety.consent, consent_word(turn.text)
        if text is None or state is None or turn.reader is not Audience.PUBLIC:
            return None
        before = self._before(turn)
        if state is ConsentState.WITHDRAWN:
            if before is None:
                return self._notice(turn, "consent_none")
            return self._take(turn, before.version, state)
        if before is None or self._handed_over(turn.conversation):
            return None
        return self._asked(turn, text) if before.version != text.version else self._take(turn, text.version, state)

    def pressed(self, turn: Turn) -> Said | None:
        """The same for a button; ``None`` for any other event. Who was not asked, or asked about another text, has not
        agreed."""
        click = turn.messages[0].event
        if not isinstance(click, CardClick) or not click.key.startswith(f"{CONSENT_KEY}:"):
            return None
        _, _, rest = click.key.partition(":")
        word, _, version = rest.partition(":")
        text, before = turn.bot.safety.consent, self._before(turn)
        shown = text is not None and before is not None and text.version == version == before.version
        if not shown or word not in (ConsentState.GIVEN, ConsentState.REFUSED):
            return replace(self._notice(turn, "consent_outdated"), recorded=False)
        said = self._take(turn, version, ConsentState(word))
        return replace(
            said, recorded=False, parts=_relabelled(click, self._texts.say(f"consent_{word}_label", turn.language))
        )

    def _lacking(self, turn: Turn) -> ConsentText | None:
        """The text that ``turn`` needs a consent to and has none."""
        text = turn.bot.safety.consent
        if text is None or turn.reader is not Audience.PUBLIC:
            return None
        before = self._before(turn)
        given = before is not None and before.state is ConsentState.GIVEN and before.version == text.version
        return None if given else text

    def _before(self, turn: Turn) -> Consent | None:
        return self._consents.of(turn.bot.id, turn.conversation.person)

    def _asked(self, turn: Turn, text: ConsentText) -> Said:
        """The whole notice at first and for a new version, by the same turn again too; a line from then on."""
        turn.without_consent, turn.preface = True, ""
        self._drop(turn)
        before = self._before(turn)
        if before is not None and before.version == text.version and before.turn_id != turn.id:
            return self._notice(turn, "consent_missing")
        self._save(turn, text.version, ConsentState.ASKED)
        how = self._texts.say("consent_how", turn.language, version=text.version)
        card = Card(
            task_id=f"{CONSENT_KEY}_{turn.id}",
            title=self._texts.say("consent_title", turn.language),
            text=self._texts.say("consent_card", turn.language, version=text.version),
            buttons=tuple(
                Button(
                    self._texts.say(f"consent_{state}_button", turn.language), f"{CONSENT_KEY}:{state}:{text.version}"
                )
                for state in (ConsentState.GIVEN, ConsentState.REFUSED)
            ),
        )
        return Said(kind=ReplyKind.NOTICE, text=f"{text.text}\n\n{how}", parts=(card,))

    def _take(self, turn: Turn, version: str, state: ConsentState) -> Said:
        self._save(turn, version, state)
        return self._notice(turn, f"consent_{state}")

    def _save(self, turn: Turn, version: str, state: ConsentState) -> None:
        consent = Consent(
            bot=turn.bot.id,
            person=turn.conversation.person,
            state=state,
            version=version,
            at=turn.messages[0].sent_at,
            turn_id=turn.id,
        )
        self._consents.save(consent, turn.bot.tenant)
        telemetry.count("consent", bot=turn.bot.id, state=state.value)
        log.info("consent", turn=turn.id, state=state.value, version=version)

    def _notice(self, turn: Turn, key: str) -> Said:
        return Said(kind=ReplyKind.NOTICE, text=self._texts.say(key, turn.language))


def _tells(turn: Turn) -> bool:
    """Whether what was written, heard or read in ``turn`` tells of somebody's health, where that matters."""
    if turn.bot.safety.consent is None or turn.reader is not Audience.PUBLIC:
        return False
    return any(tells_of_health(words) for words in (turn.text, *(words for _, words in turn.read)))


def _relabelled(click: CardClick, label: str) -> tuple[Part, ...]:
    return (CardUpdate(click.task_id, click.response_code, label),) if click.response_code else ()
