"""Looking into the knowledge, and bringing something that waits for approval."""

import re

from bot.commands import arguments
from bot.commands.declaration import Call, Command, Outcome, Permission, Rate
from bot.commands.reviewing import actor_of, excerpt
from bot.commands.tools import Tools
from bot.correcting import correction_source
from bot.errors import InputError
from bot.knowledge.entries import Audience
from bot.knowledge.origin import Origin
from bot.knowledge.versions import Version
from bot.messages import ReplyKind
from bot.records.turns import TurnRecord

_HITS_SHOWN = 5
_LOOKED_AT = 100
"""Among so many last turns of a chat the one that is corrected is looked for."""
_LONGEST_QUESTION, _LONGEST_TEXT = 500, 4000
_DIVIDER = re.compile(r"\s*[|｜\n]\s*")
_ANSWERED = frozenset({ReplyKind.FAQ, ReplyKind.GROUNDED, ReplyKind.EXTRACTIVE, ReplyKind.REFUSAL})
_LETTERS = re.compile(r"\W+")


def _search(tools: Tools, call: Call) -> Outcome:
    """What the knowledge holds for some words, whoever may read it, with the numbers of the documents."""
    words = call.text("words")
    numbered = tools.review.approved_as(call.bot, words.strip())
    hits = tools.find(words, call.bot)[:_HITS_SHOWN]
    if not hits and not numbered:
        return Outcome(text=tools.texts.say("kb_nothing", call.language))
    numbers = tools.review.numbers(call.bot.tenant, [hit.entry for hit in hits])
    lines = []
    for version in numbered[:_HITS_SHOWN]:
        values = {"number": version.document, "title": version.title, "approval": words.strip()}
        lines.append(tools.texts.say("kb_numbered", call.language, **values))
    lines += [
        tools.texts.say(
            "kb_hit",
            call.language,
            number=numbers.get((hit.entry.collection, hit.entry.source), 0),
            title=hit.entry.title,
            location=hit.entry.place,
            text=excerpt(hit.entry.text),
        )
        for hit in hits
    ]
    return Outcome(text="\n".join(lines))


def _add(tools: Tools, call: Call) -> Outcome:
    """A short text that waits for approval."""
    title, text = _two(call.text("entry"))
    origin = _origin(call, f"chat-{call.turn_id}.txt", Audience.PUBLIC)
    version = tools.review.submit_text(origin, title, text, actor=actor_of(tools, call), now=call.now)
    return _submitted(tools, call, version)


def _add_faq(tools: Tools, call: Call) -> Outcome:
    """A question with its answer, which wait for approval."""
    question, answer = _two(call.text("entry"))
    origin = _origin(call, f"chat-{call.turn_id}.faq", Audience.PUBLIC)
    version = tools.review.submit_faq(origin, question, answer, actor=actor_of(tools, call), now=call.now)
    return _submitted(tools, call, version)


def _correct(tools: Tools, call: Call) -> Outcome:
    """The right answer to the question of a wrong one, which waits for approval: of the answer that is quoted, or of
    the last one in this chat."""
    record = _corrected(tools, call)
    if record is None or not record.question.strip():
        raise InputError("correct_what")
    answer = call.text("words")
    if len(answer) > _LONGEST_TEXT:
        raise InputError("too_long", length=len(answer), limit=_LONGEST_TEXT)
    origin = _origin(call, correction_source(record.id), Audience(record.reader))
    question = record.question[:_LONGEST_QUESTION]
    version = tools.review.submit_faq(origin, question, answer, actor=actor_of(tools, call), now=call.now)
    return _submitted(tools, call, version)


def _corrected(tools: Tools, call: Call) -> TurnRecord | None:
    here = call.message.conversation
    recent = [one for one in tools.reports.in_chat(here, _LOOKED_AT) if one.kind in _ANSWERED]
    if call.message.quoted is None:
        return recent[0] if recent else None
    quoted = _LETTERS.sub("", call.message.quoted.text)
    if not quoted:
        return None
    return next((one for one in recent if _same(_LETTERS.sub("", one.answer), quoted)), None)


def _same(answer: str, quoted: str) -> bool:
    """Platforms cut what is quoted, and show links without their addresses."""
    return bool(answer) and (answer.startswith(quoted) or quoted.startswith(answer) or answer[:60] == quoted[:60])


def _origin(call: Call, source: str, audience: Audience) -> Origin:
    if not call.bot.knowledge:
        raise InputError("kb_no_collection")
    return Origin(tenant=call.bot.tenant, collection=call.bot.knowledge[0], audience=audience, source=source)


def _submitted(tools: Tools, call: Call, version: Version) -> Outcome:
    text = tools.texts.say("kb_submitted", call.language, number=version.document, title=version.title)
    return Outcome(text=text, details={"document": version.document})


def _two(entry: str) -> tuple[str, str]:
    """A question and its answer, or a title and its text, with ``|`` or a new line between."""
    first, *rest = _DIVIDER.split(entry.strip(), maxsplit=1)
    if not rest or not first or not rest[0].strip():
        raise InputError("usage")
    if len(first) > _LONGEST_QUESTION:
        raise InputError("too_long", length=len(first), limit=_LONGEST_QUESTION)
    if len(rest[0]) > _LONGEST_TEXT:
        raise InputError("too_long", length=len(rest[0]), limit=_LONGEST_TEXT)
    return first, rest[0].strip()


COMMANDS = (
    Command(
        name="kb search",
        aliases=("查资料",),
        permission=Permission.ADMIN,
        arguments=(arguments.words(),),
        private=True,
        run=_search,
    ),
    Command(
        name="kb add",
        aliases=("加资料",),
        permission=Permission.ADMIN,
        arguments=(arguments.words("entry"),),
        private=True,
        rate=Rate(times=60, per_s=3600),
        run=_add,
    ),
    Command(
        name="faq add",
        aliases=("加问答",),
        permission=Permission.ADMIN,
        arguments=(arguments.words("entry"),),
        private=True,
        rate=Rate(times=60, per_s=3600),
        run=_add_faq,
    ),
    Command(
        name="correct",
        aliases=("纠正", "更正"),
        permission=Permission.ADMIN,
        arguments=(arguments.words(),),
        rate=Rate(times=60, per_s=3600),
        run=_correct,
    ),
)
