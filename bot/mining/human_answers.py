"""FAQ drafts out of what humans answered to content people.

A ticket gives a draft only where it is clear what was asked and what was answered: one question, one answer, and a
person who called the service good. Nothing with personal data in it is proposed, nor anything that may have some: the
product's own detector decides (:mod:`bot.safety.personal_data`), and whatever it finds leaves the whole ticket out.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from bot.answering.names import unknown_chinese_name
from bot.handoff.tickets import Ticket, TicketState
from bot.knowledge.entries import Audience
from bot.knowledge.origin import Origin
from bot.messages import ReplyKind
from bot.mining.gaps import HIDDEN, OBEYED, touches_a_case
from bot.mining.pairs import Pair, Rule, Span
from bot.mining.rules import LEAST_CHARACTERS, MOST_CHARACTERS
from bot.records.turns import TurnRecord
from bot.safety.personal_data import find
from bot.safety.personal_data.placeholders import PLACEHOLDER

CONTENT = 3
"""What a content person says of the service, on the scale of :class:`~bot.handoff.tickets.Ticket`."""
BEFORE_TICKET_S = 900.0
"""What was asked so shortly before the ticket is what it is about."""
LEAST_QUESTION, MOST_QUESTION = 4, 120
_REPLY = re.compile(r"[/／]\s*(?:reply|回复)\s+#?(?P<ticket>\d+)\s+(?P<words>\S.*)", re.DOTALL | re.IGNORECASE)
_GREETING = re.compile(
    "(?:您好|你好|在吗|谢谢|好的?|嗯|收到|稍等|不客气|再见|麻烦了?|辛苦了?|hi|hello|thanks?|ok)*[，。！!~\\s]*", re.I
)
_OF_ONE = re.compile(
    "已经?[帮为给替]|[帮为给替][您你](?:查|看|改|办|处理|登记|提交|申请|重置|开通|取消|解)|[您你](?:的|这个)(?:账号|订单|申请|"
    "预约|报告|情况|工单|资料|证书|成绩|学分)|稍[后等]|马上|我[这帮先再去查看]|回电|致电[给您]|联系[您你]|刚[才刚]|方便的话|请提供|"
    "请告[诉知]我|加我|微信号|截图|发给我|先生|女士|老师|[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾]总"
)
"""Words of an answer to this one person, which are none for everybody."""


class HumanAnswers:
    """The turns of a bot, put in order for its tickets. ``left_out`` counts the tickets that gave no draft, by why:
    ``unclear``, ``personal`` (data), ``one_person`` (it concerns one person) and ``case`` (of drug safety)."""

    def __init__(self, turns: Iterable[TurnRecord]) -> None:
        self.left_out: Counter[str] = Counter()
        self._replies: dict[int, list[tuple[float, str]]] = defaultdict(list)
        self._asked: dict[str, list[TurnRecord]] = defaultdict(list)
        for turn in sorted(turns, key=lambda turn: turn.asked_at):
            if reply := _REPLY.fullmatch(turn.question.strip()) if turn.step == OBEYED else None:
                self._replies[int(reply["ticket"])].append((turn.asked_at, reply["words"].strip()))
            elif turn.step != OBEYED and turn.kind != ReplyKind.NOTICE:
                self._asked[turn.conversation].append(turn)

    def pairs(self, tickets: Sequence[Ticket], collection: str, document: str) -> list[Pair]:
        """The pairs of those ``tickets`` that have ended; their people were content. They go into ``collection``, filed
        under ``document``, since they stand in none."""
        found = []
        for ticket in tickets:
            if ticket.state is not TicketState.RELEASED:
                continue
            made, reason = self._pair(ticket, collection, document)
            if made is None:
                self.left_out[reason] += 1
            else:
                found.append(made)
        return found

    def _pair(self, ticket: Ticket, collection: str, document: str) -> tuple[Pair | None, str]:
        replies = self._replies.get(ticket.number, [])
        said = [words for _, words in replies if not _GREETING.fullmatch(words)]
        first = min((at for at, _ in replies), default=0.0)
        asked = [
            turn
            for turn in self._asked.get(ticket.conversation.key, [])
            if ticket.opened_at - BEFORE_TICKET_S <= turn.asked_at <= first and not _GREETING.fullmatch(turn.question)
        ]
        if any(map(touches_a_case, asked)):
            return None, "case"
        questions = {" ".join(turn.question.split()) for turn in asked}
        if len(said) != 1 or len(questions) != 1:
            return None, "unclear"
        question, answer = questions.pop(), said[0]
        if question == HIDDEN or not _fits(question, answer):
            return None, "unclear"
        if any(find(text) or PLACEHOLDER.search(text) or unknown_chinese_name(text, []) for text in (question, answer)):
            return None, "personal"
        if _OF_ONE.search(answer):
            return None, "one_person"
        audience = max((Audience(turn.reader) for turn in asked), key=list(Audience).index)
        origin = Origin(tenant=ticket.tenant, collection=collection, audience=audience, source=document)
        span = Span(document=document, location="", page=0, text="")
        return Pair(question=question, answer=answer, rule=Rule.ANSWER, span=span, origin=origin), ""


def _fits(question: str, answer: str) -> bool:
    """Whether both have the length of what they should be, and the answer does not ask itself."""
    lengths = LEAST_QUESTION <= len(question) <= MOST_QUESTION and LEAST_CHARACTERS <= len(answer) <= MOST_CHARACTERS
    return lengths and not answer.rstrip().endswith(("？", "?", "吗"))
