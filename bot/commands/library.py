"""Looking after the knowledge: searching it, bringing something, approving it, taking it out of service."""

import re

from bot.commands import arguments
from bot.commands.declaration import Call, Command, Outcome, Permission, Rate
from bot.commands.tools import Tools
from bot.errors import InputError
from bot.knowledge.approval import approval_words
from bot.knowledge.entries import Audience
from bot.knowledge.origin import Origin
from bot.knowledge.review import Paper
from bot.messages import ReplyKind
from bot.records.turns import TurnRecord

_HITS_SHOWN = 5
_DRAFTS_SHOWN = 10
_EXCERPT = 80
_LOOKED_AT = 100
"""Among so many last turns of a chat the one that is corrected is looked for."""
_LONGEST_QUESTION, _LONGEST_TEXT = 500, 4000
_DIVIDER = re.compile(r"\s*[|｜\n]\s*")
_ANSWERED = frozenset({ReplyKind.FAQ, ReplyKind.GROUNDED, ReplyKind.EXTRACTIVE, ReplyKind.REFUSAL})
_LETTERS = re.compile(r"\W+")


def _search(tools: Tools, call: Call) -> Outcome:
    """What the knowledge holds for some words, whoever may read it, with the numbers of the documents."""
    words = call.text("words")
    numbered = tools.review.approved_as(call.bot.tenant, call.bot.knowledge, words.strip())
    hits = tools.find(words, call.bot)[:_HITS_SHOWN]
    if not hits and not numbered:
        return Outcome(text=tools.texts.say("kb_nothing", call.language))
    numbers = tools.review.numbers(call.bot.tenant, [hit.entry for hit in hits])
    lines = [
        tools.texts.say("kb_numbered", call.language, number=paper.number, title=paper.title, approval=words.strip())
        for paper in numbered[:_HITS_SHOWN]
    ]
    lines += [
        tools.texts.say(
            "kb_hit",
            call.language,
            number=numbers.get((hit.entry.collection, hit.entry.source), 0),
            title=hit.entry.title,
            location=hit.entry.location,
            text=_short(hit.entry.text),
        )
        for hit in hits
    ]
    return Outcome(text="\n".join(lines))


def _add(tools: Tools, call: Call) -> Outcome:
    """A short text that waits for approval."""
    title, text = _two(call.text("entry"))
    origin = _origin(call, f"chat-{call.turn_id}.txt", Audience.PUBLIC)
    paper = tools.review.submit_text(origin, title, text, actor=_actor(tools, call), now=call.now)
    return _submitted(tools, call, paper)


def _add_faq(tools: Tools, call: Call) -> Outcome:
    """A question with its answer, which wait for approval."""
    question, answer = _two(call.text("entry"))
    origin = _origin(call, f"chat-{call.turn_id}.faq", Audience.PUBLIC)
    paper = tools.review.submit_faq(origin, question, answer, actor=_actor(tools, call), now=call.now)
    return _submitted(tools, call, paper)


def _correct(tools: Tools, call: Call) -> Outcome:
    """The right answer to the question of a wrong one, which waits for approval: of the answer that is quoted, or of
    the last one in this chat."""
    record = _corrected(tools, call)
    if record is None or not record.question.strip():
        raise InputError("correct_what")
    answer = call.text("words")
    if len(answer) > _LONGEST_TEXT:
        raise InputError("too_long", length=len(answer), limit=_LONGEST_TEXT)
    origin = _origin(call, f"correction-{record.id}.faq", Audience(record.reader))
    question = record.question[:_LONGEST_QUESTION]
    paper = tools.review.submit_faq(origin, question, answer, actor=_actor(tools, call), now=call.now)
    return _submitted(tools, call, paper)


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


def _draft_version(tools: Tools, call: Call) -> str:
    paper = _draft(tools, call) if call.number("number") else None
    return str(paper.version) if paper else ""


def _approve_preview(tools: Tools, call: Call) -> str | None:
    if not call.number("number"):
        return None
    paper = _draft(tools, call)
    if paper is None:
        return None
    preview = tools.texts.say(
        "kb_approve_preview",
        call.language,
        number=paper.number,
        title=paper.title,
        audience=tools.texts.say(f"audience_{paper.audience}", call.language),
        entries=paper.entries,
        text=_short(tools.review.opening(paper), 4 * _EXCERPT),
    )
    given = [approval_words(number, tools.texts, call.language) for number in tools.review.approval_numbers(paper)]
    return "\n".join(filter(None, (preview, *given[: _HITS_SHOWN + 1])))


def _approve(tools: Tools, call: Call) -> Outcome:
    """Let a draft answer; without a number, what waits."""
    if not call.number("number"):
        return _waiting(tools, call)
    paper = _draft(tools, call)
    if paper is not None and str(paper.version) != call.version:  # another was brought after this one was shown
        raise InputError("kb_changed", number=paper.number)
    if paper is None:  # approved already, perhaps by this very turn before it died
        paper = _papers(tools, call)[0]
        tools.review.sync(call.bot.tenant, paper.collection)
    else:
        tools.review.approve(call.bot.tenant, paper, actor=_actor(tools, call), now=call.now)
    return Outcome(text=tools.texts.say("kb_approved", call.language, number=paper.number, title=paper.title))


def _waiting(tools: Tools, call: Call) -> Outcome:
    drafts = tools.review.waiting(call.bot.tenant, call.bot.knowledge)
    if not drafts:
        return Outcome(text=tools.texts.say("kb_none_waiting", call.language))
    lines = [tools.texts.say("kb_waiting", call.language, n=len(drafts))]
    for paper in drafts[:_DRAFTS_SHOWN]:
        values = {"number": paper.number, "title": paper.title, "entries": paper.entries}
        lines.append(tools.texts.say("kb_draft", call.language, **values))
    return Outcome(text="\n".join(lines))


def _withdraw_preview(tools: Tools, call: Call) -> str:
    paper = _papers(tools, call)[0]
    values = {"number": paper.number, "title": paper.title, "entries": paper.entries}
    return tools.texts.say("kb_withdraw_preview", call.language, **values)


def _withdraw(tools: Tools, call: Call) -> Outcome:
    """Take a document out of service at once."""
    found = tools.review.find(call.bot.tenant, call.bot.knowledge, call.number("number"))
    for paper in found[:1]:
        tools.review.withdraw(call.bot.tenant, paper, actor=_actor(tools, call), now=call.now)
    if not found:  # done already, perhaps by this very turn before it died
        for collection in call.bot.knowledge:
            tools.review.sync(call.bot.tenant, collection)
    return Outcome(text=tools.texts.say("kb_withdrawn", call.language, number=call.number("number")))


def _papers(tools: Tools, call: Call) -> list[Paper]:
    number = call.number("number")
    found = tools.review.find(call.bot.tenant, call.bot.knowledge, number)
    if not found:
        raise InputError("kb_unknown", number=number)
    return found


def _draft(tools: Tools, call: Call) -> Paper | None:
    return next((paper for paper in _papers(tools, call) if paper.draft), None)


def _origin(call: Call, source: str, audience: Audience) -> Origin:
    if not call.bot.knowledge:
        raise InputError("kb_no_collection")
    return Origin(tenant=call.bot.tenant, collection=call.bot.knowledge[0], audience=audience, source=source)


def _submitted(tools: Tools, call: Call, paper: Paper) -> Outcome:
    text = tools.texts.say("kb_submitted", call.language, number=paper.number, title=paper.title)
    return Outcome(text=text, details={"document": paper.number})


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


def _actor(tools: Tools, call: Call) -> str:
    """Who brought or approved something, as the audit log names them."""
    return tools.pseudonym(call.bot.tenant, call.person)


def _short(text: str, length: int = _EXCERPT) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


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
        name="kb approve",
        aliases=("批准",),
        permission=Permission.ADMIN,
        arguments=(arguments.number("number", optional=True),),
        private=True,
        version=_draft_version,
        preview=_approve_preview,
        run=_approve,
    ),
    Command(
        name="kb withdraw",
        aliases=("撤下",),
        permission=Permission.ADMIN,
        arguments=(arguments.number("number"),),
        private=True,
        preview=_withdraw_preview,
        run=_withdraw,
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
