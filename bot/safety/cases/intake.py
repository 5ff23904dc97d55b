"""How a message becomes a case, or a part of one.

A report is known by the id of its message, so that a turn that runs again, a message that is delivered again and one
that was refused and came back find the case they opened. What the desk has to hear is written in the same transaction
(:mod:`.notices`), and nothing in it waits for a network.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from bot.audit.entries import storable
from bot.safety.adverse_events import Element, Regime, Seriousness
from bot.safety.cases.case import Case, CaseState, Question, Report, Sealed, Taken
from bot.safety.cases.follow_up import ANSWERS_WITHIN_S, next_questions
from bot.safety.cases.ledger import WORKER, Ledger, Writing
from bot.safety.cases.matching import GROUP_S, Named, goes_on, may_be_same, named_in, same_batch
from bot.safety.cases.rows import case_of, message_of, row_of
from bot.safety.cases.tables import case_messages, cases
from bot.safety.personal_data import Masker

_Item = TypeVar("_Item")

DAY_S = 86400.0
_COMPARED = 500
"""Cases of a tenant, the latest, that a new one is compared with."""


class Intake:
    """Methods raise :class:`~bot.errors.Unavailable` when the database does not answer."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def take(self, report: Report, *, case_number: int = 0, declined: bool = False) -> Taken | None:
        """Open a case for ``report``, or add it to one of the same person that it goes on with, ``case_number`` first.

        ``declined`` says that the person wants no more questions. ``None`` when nothing is suspected and there is no
        such case that is still open. A report that was taken before is found again.
        """
        try:
            return self._take(report, case_number, declined=declined)
        except IntegrityError:  # on PostgreSQL another process may have taken it between our look and our write
            return self._take(report, case_number, declined=declined)

    def _take(self, report: Report, case_number: int, *, declined: bool) -> Taken | None:
        ledger = self._ledger
        with ledger.write() as writing:
            query = select(case_messages).where(case_messages.c.id == report.id)
            row = writing.connection.execute(query).one_or_none()
            if row is not None:
                known = message_of(row)
                case = ledger.existing(writing.connection, known.case_number)
                return Taken(case=case, opened=known.position == 1, asked=known.asked)
            named = named_in(report.screening, [*report.context, report.words])
            found = self._going_on(writing, report, named, case_number)
            if found is None and not report.screening.suspected:
                return None
            return self._add(writing, report, named, found, declined=declined)

    def _going_on(self, writing: Writing, report: Report, named: Named, case_number: int) -> Case | None:
        """The case of the same person that ``report`` belongs to."""
        reporters = self._ledger.key.reporters(report.tenant, report.conversation.person)
        if not report.screening.suspected:
            case = self._ledger.case(writing.connection, case_number)
            mine = case is not None and case.reporter in reporters and case.state is not CaseState.CLOSED
            return case if mine else None
        query = select(cases).where(
            cases.c.bot == report.conversation.bot,
            cases.c.reporter.in_(reporters),
            cases.c.state != CaseState.CLOSED,
            cases.c.latest_at >= report.sent_at - ANSWERS_WITHIN_S,
        )
        rows = writing.connection.execute(query.order_by(cases.c.latest_at.desc()))
        return next((case for case in map(case_of, rows) if goes_on(case, report.words, named)), None)

    def _add(self, writing: Writing, report: Report, named: Named, found: Case | None, *, declined: bool) -> Taken:
        """Write ``report`` down: a new case, or one message more of the case ``found``."""
        masked = _Masked(self._ledger.key.masker(found.masks if found else {}), report, named)
        before = found or self._new(report)
        case = replace(_merged(before, report, masked.named, declined=declined), masks=masked.masks)
        if found is None:
            insert = cases.insert().values(row_of(case)).returning(cases.c.number)
            case = replace(case, number=int(writing.connection.execute(insert).scalar_one()))
        case = self._dated(before, self._compared(writing, case, masked.named), report)
        stays_silent = case.declined or report.conversation.chat  # in a group nobody is asked about a patient
        asked = () if stays_silent else next_questions(case.elements, case.asked, report.most_questions)
        case = replace(case, asked=(*case.asked, *asked))
        position = self._write_message(writing, case, report, masked, asked)
        self._ledger.tell_desk(writing, case, "new" if found is None else f"message:{position}")
        what = "opened" if found is None else "declined" if declined else "message_added"
        details = {"message": report.id, "position": position, "kinds": [kind.value for kind in case.kinds]}
        writing.connection.execute(cases.update().where(cases.c.number == case.number).values(row_of(case)))
        self._ledger.note(writing, case, what, WORKER, details)
        return Taken(case=case, opened=found is None, asked=asked)

    def _new(self, report: Report) -> Case:
        """A case of which nothing is known but who wrote, and when."""
        return Case(
            number=0,
            bot=report.conversation.bot,
            tenant=report.tenant,
            reporter=self._ledger.key.reporter(report.tenant, report.conversation.person),
            state=CaseState.OPEN,
            received_at=report.sent_at,
            latest_at=report.sent_at,
            other_company=report.screening.other_company,
            opened_at=self._ledger.clock(),
        )

    def _compared(self, writing: Writing, case: Case, named: Named) -> Case:
        """``case`` linked with an earlier one that may be the same, and marked, with those of its batch, when several
        reports name one batch. Neither is ever merged or deleted."""
        duplicate_s = self._ledger.config(case).duplicate_days * DAY_S
        window_s = max(GROUP_S, duplicate_s)
        query = select(cases).where(
            cases.c.tenant == case.tenant,
            cases.c.number != case.number,
            cases.c.received_at.between(case.received_at - window_s, case.received_at + window_s),
        )
        rows = writing.connection.execute(query.order_by(cases.c.number.desc()).limit(_COMPARED)).all()
        whole = replace(named, products=case.products, batches=case.batches, events=case.events, patients=case.patients)
        for other in map(case_of, rows):
            apart_s = abs(other.received_at - case.received_at)
            if other.number < case.number and apart_s <= duplicate_s and may_be_same(other, whole):
                case = replace(case, related_to=min(other.number, case.related_to or other.number))
            if same_batch(other, whole) and apart_s <= GROUP_S:
                case = replace(case, group_event=True)
                self._join_group(writing, other, case.number)
        return case

    def _join_group(self, writing: Writing, other: Case, number: int) -> None:
        """``other`` is one of a group, since case ``number`` names its batch too: the desk hears so, once."""
        if other.group_event:
            return
        joined = replace(other, group_event=True)
        due = self._ledger.due(joined, joined.day0_at)
        joined = replace(joined, due_at=None if due is None else max(due, self._ledger.clock()))
        self._ledger.change(writing, other, joined, "group", actor=WORKER, details={"with": number})
        self._ledger.tell_desk(writing, joined, "group")

    def _dated(self, before: Case, case: Case, report: Report) -> Case:
        """``case`` with its dates: what made it urgent starts no clock before it was told."""
        complete_at = report.sent_at if not case.missing else None
        day0_at = complete_at if case.day0_at is None else case.day0_at
        due = self._ledger.due(case, day0_at)
        if before.due_at is not None and due is not None:
            due = min(before.due_at, max(due, report.sent_at))
        again = case.follow_up_due_at if before.day0_at is None else self._ledger.due(case, report.sent_at)
        return replace(case, day0_at=day0_at, due_at=due, follow_up_due_at=again)

    def _write_message(
        self, writing: Writing, case: Case, report: Report, masked: "_Masked", asked: Sequence[Question]
    ) -> int:
        """Keep what was written, for good; returns the how-manieth message of the case it is."""
        count = select(func.count()).where(case_messages.c.case_number == case.number)
        position = int(writing.connection.execute(count).scalar_one()) + 1
        sealed = Sealed(
            words=report.words,
            context=report.context,
            sender_name=report.sender_name,
            conversation=report.conversation.key,
        )
        values = {
            "id": report.id,
            "case_number": case.number,
            "position": position,
            "sent_at": report.sent_at,
            "received_at": report.received_at,
            "kept_at": self._ledger.clock(),
            "channel": report.conversation.channel,
            "in_group": bool(report.conversation.chat),
            "medium": report.medium,
            "words": masked.words,
            "context": masked.context,
            "digest": self._ledger.key.digest(report.words),
            "attachments": [dict(attachment) for attachment in report.attachments],
            "grounds": masked.grounds,
            "asked": [question.value for question in asked],
            "sealed": self._ledger.key.seal(asdict(sealed)),
        }
        writing.connection.execute(case_messages.insert().values(values))
        return position


class _Masked:
    """What may be read of a report without the key, by the placeholders of its case."""

    def __init__(self, masker: Masker, report: Report, named: Named) -> None:
        def mask(text: str) -> str:
            return storable(masker.mask(text))

        self.context = [mask(words) for words in report.context]
        self.words = mask(report.words)
        self.grounds = [
            {"rule": ground.rule, "kind": ground.kind.value, "words": mask(ground.quote.text)}
            for ground in report.screening.new_grounds
        ]
        products, events = (tuple(map(mask, found)) for found in (named.products, named.events))
        self.named = replace(named, products=products, events=events)
        self.masks = masker.known


def _merged(case: Case, report: Report, named: Named, *, declined: bool) -> Case:
    """``case`` with what ``report`` adds to it; nothing that was told is taken back."""
    screening = report.screening
    elements = {*case.elements, *(element for element, _ in screening.elements)}
    serious = {*case.serious, *screening.serious}
    regimes = {*case.regimes, *screening.regimes}
    return replace(
        case,
        received_at=min(case.received_at, report.sent_at),
        latest_at=max(case.latest_at, report.sent_at),
        kinds=_joined(case.kinds, (ground.kind for ground in screening.grounds)),
        regimes=tuple(regime for regime in Regime if regime in regimes),
        serious=tuple(criterion for criterion in Seriousness if criterion in serious),
        at_once=case.at_once or screening.at_once,
        other_company=case.other_company and (screening.other_company or not screening.products),
        elements=tuple(element for element in Element if element in elements),
        products=_joined(case.products, named.products),
        batches=_joined(case.batches, named.batches),
        events=_joined(case.events, named.events),
        patients=_joined(case.patients, named.patients),
        declined=case.declined or declined,
    )


def _joined(known: Iterable[_Item], more: Iterable[_Item]) -> tuple[_Item, ...]:
    return tuple(dict.fromkeys((*known, *more)))
