"""The way of a document to its readers and back: offered, looked at, approved, sent back, corrected, withdrawn."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from bot.audit.entries import Action
from bot.commands import arguments
from bot.commands.declaration import Call, Command, Outcome, Permission
from bot.commands.tools import Tools
from bot.correcting import last_answering, misled_by
from bot.errors import InputError
from bot.knowledge.approval import approval_words
from bot.knowledge.difference import Difference, difference, marked
from bot.knowledge.versions import WAITING, Status, Version

_WAITING_SHOWN = 10
_NUMBERS_SHOWN = 6
_CHANGES_SHOWN = 5
_OPENING = 320
_EXCERPT = 80
_AROUND = 12
"""Characters that are shown beside what changed in a text."""
_LONGEST_REASON = 500


def actor_of(tools: Tools, call: Call) -> str:
    """Who does something with a document, as its versions and the audit log name them."""
    return tools.pseudonym(call.bot.tenant, call.person)


def excerpt(text: str, length: int = _EXCERPT) -> str:
    """The beginning of ``text`` on one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def _shown_waiting(tools: Tools, call: Call) -> str:
    """What waits, as it is: another version is another, and so is the same one sent back meanwhile."""
    version = _waiting(tools, call) if call.number("number") else None
    return f"{version.id}-{version.status}" if version else ""


def _approve_preview(tools: Tools, call: Call) -> str | None:
    version = _waiting(tools, call) if call.number("number") else None
    if version is None:
        return None
    say, entries = tools.texts.say, tools.review.contents(version)
    preview = say(
        "kb_approve_preview",
        call.language,
        number=version.document,
        title=version.title,
        audience=tools.texts.say(f"audience_{version.audience}", call.language),
        entries=version.entries,
        text=excerpt(entries[0].text if entries else "", _OPENING),
    )
    given = [approval_words(number, tools.texts, call.language) for number in tools.review.approval_numbers(version)]
    only = say("kb_only_bots", call.language, bots="、".join(version.bots)) if version.bots else ""
    changes = _changes(tools, call, version)
    return "\n".join(filter(None, (preview, *given[:_NUMBERS_SHOWN], only, changes)))


def _approve(tools: Tools, call: Call) -> Outcome:
    """Let a version that waits answer; without a number, what waits."""
    if not call.number("number"):
        return _all_waiting(tools, call)
    version = _waiting(tools, call)
    if version is not None and f"{version.id}-{version.status}" != call.version:
        raise InputError("kb_changed", number=version.document)  # it is not what was shown
    if version is None:  # approved already, perhaps by this very turn before it died
        version = _found(tools, call)[0]
        if call.version and not call.version.startswith(f"{version.id}-"):
            raise InputError("kb_changed", number=version.document)
        tools.review.sync(version.tenant, version.collection)
    else:
        tools.review.approve(version, actor=actor_of(tools, call), now=call.now)
    expired = version.valid_to <= call.now
    said = _said(tools, call, "kb_approved_expired" if expired else "kb_approved", version)
    return replace(said, text="\n".join(filter(None, (said.text, _misled_hint(tools, call, version)))))


def _misled_hint(tools: Tools, call: Call, version: Version) -> str:
    """How many were answered from what is not so any more, and how to tell them; empty where nobody was."""
    people = len(misled_by(tools.store, tools.corrections, version, call.now))
    return tools.texts.say("kb_misled", call.language, people=people, number=version.document) if people else ""


def _all_waiting(tools: Tools, call: Call) -> Outcome:
    waiting = tools.review.waiting(call.bot)
    if not waiting:
        return Outcome(text=tools.texts.say("kb_none_waiting", call.language))
    lines = [tools.texts.say("kb_waiting", call.language, n=len(waiting))]
    for version in waiting[:_WAITING_SHOWN]:
        values = {"number": version.document, "title": version.title, "entries": version.entries}
        state = tools.texts.say(f"version_{version.status}", call.language)
        lines.append(tools.texts.say("kb_draft", call.language, state=state, **values))
        if version.status is Status.DRAFT and version.returned_because:
            lines.append(tools.texts.say("kb_returned_because", call.language, reason=version.returned_because))
    return Outcome(text="\n".join(lines))


def _submit(tools: Tools, call: Call) -> Outcome:
    """Offer a draft for approval."""
    version = _waiting(tools, call)
    if version is None:
        raise InputError("kb_not_waiting", number=call.number("number"))
    if version.status is Status.DRAFT:  # else it is done, perhaps by this very turn before it died
        tools.review.submit(version, actor=actor_of(tools, call), now=call.now)
    return _said(tools, call, "kb_submitted", version)


def _return(tools: Tools, call: Call) -> Outcome:
    """Give what is in review back to its author, and say why."""
    version, because = _waiting(tools, call), " ".join(call.text("words").split())
    if len(because) > _LONGEST_REASON:
        raise InputError("too_long", length=len(because), limit=_LONGEST_REASON)
    if version is None:
        raise InputError("kb_not_waiting", number=call.number("number"))
    actor = actor_of(tools, call)
    done = (version.status, version.returned_by, version.returned_because) == (Status.DRAFT, actor, because)
    if not done:  # else this very turn did it before it died
        tools.review.send_back(version, because, actor=actor, now=call.now)
    return _said(tools, call, "kb_returned", version)


def _diff(tools: Tools, call: Call) -> Outcome:
    """What a version that waits changes, or what the last approval changed."""
    found = _found(tools, call)
    version = next((version for version in found if version.status in WAITING), found[0])
    changes = _changes(tools, call, version) or tools.texts.say("kb_first_version", call.language)
    state = tools.texts.say(f"version_{version.standing(call.now)}", call.language)
    values = {"number": version.document, "title": version.title, "version": version.number, "state": state}
    head = tools.texts.say("kb_diff", call.language, **values)
    return Outcome(text=f"{head}\n{changes}")


def _shown_told_of(tools: Tools, call: Call) -> str:
    version = _told_of(tools, call)
    return f"{version.id}-{version.status}"


def _notify_preview(tools: Tools, call: Call) -> str:
    version = _told_of(tools, call)
    people = len(misled_by(tools.store, tools.corrections, version, call.now))
    if not people:
        raise InputError("kb_notify_none", number=version.document)
    values = {"number": version.document, "title": version.title, "people": people}
    key = "kb_notify_withdrawn_preview" if version.status is Status.WITHDRAWN else "kb_notify_preview"
    return tools.texts.say(key, call.language, **values)


def _notify(tools: Tools, call: Call) -> Outcome:
    """Let people who were told otherwise before hear that it was corrected or withdrawn; nobody twice."""
    version = _told_of(tools, call)
    if f"{version.id}-{version.status}" != call.version:
        raise InputError("kb_changed_notify", number=version.document)
    misled = misled_by(tools.store, tools.corrections, version, call.now)
    fresh = tools.corrections.want(version, misled, call.now)
    told = tools.corrections.told(version)
    key = "kb_notified_withdrawn" if version.status is Status.WITHDRAWN else "kb_notified"
    text = tools.texts.say(key, call.language, number=version.document, people=told.wanted)
    return Outcome(text=text, details={"document": version.document, "people": fresh})


def _told_of(tools: Tools, call: Call) -> Version:
    """The version that answers, or did last."""
    history = tools.review.history(call.bot, call.number("number"))
    if not history:
        raise InputError("kb_unknown", number=call.number("number"))
    version = last_answering(history)
    if version is None:
        raise InputError("kb_not_answering", number=call.number("number"))
    return version


def _shown_held(tools: Tools, call: Call) -> str:
    return _ids(_found(tools, call))


def _withdraw_preview(tools: Tools, call: Call) -> str:
    version = _found(tools, call)[0]
    values = {"number": version.document, "title": version.title, "entries": version.entries}
    return tools.texts.say("kb_withdraw_preview", call.language, **values)


def _withdraw(tools: Tools, call: Call) -> Outcome:
    """Take a document out of service at once."""
    number = call.number("number")
    found = tools.review.find(call.bot, number)
    if found and _ids(found) != call.version:  # not what was shown
        raise InputError("kb_changed_withdraw", number=number)
    if found:
        tools.review.withdraw(call.bot, found, actor=actor_of(tools, call), now=call.now)
    else:  # done already, perhaps by this very turn before it died
        for collection in call.bot.knowledge:
            tools.review.drop(call.bot.tenant, collection)
    version = last_answering(tools.review.history(call.bot, number))
    hint = _misled_hint(tools, call, version) if version else ""
    return Outcome(text="\n".join(filter(None, (tools.texts.say("kb_withdrawn", call.language, number=number), hint))))


def _found(tools: Tools, call: Call) -> list[Version]:
    number = call.number("number")
    found = tools.review.find(call.bot, number)
    if not found:
        raise InputError("kb_unknown", number=number)
    return found


def _waiting(tools: Tools, call: Call) -> Version | None:
    return next((version for version in _found(tools, call) if version.status in WAITING), None)


def _ids(versions: Sequence[Version]) -> str:
    return "-".join(str(number) for number in sorted(version.id for version in versions))


def _said(tools: Tools, call: Call, key: str, version: Version) -> Outcome:
    text = tools.texts.say(key, call.language, number=version.document, title=version.title)
    return Outcome(text=text, details={"document": version.document, "version": version.number})


def _changes(tools: Tools, call: Call, version: Version) -> str:
    """What ``version`` changes of the one before it, in short; empty where there is none."""
    before = tools.review.before(call.bot, version)
    if before is None:
        return ""
    found = difference(tools.review.contents(before), tools.review.contents(version))
    values = {"added": len(found.added), "removed": len(found.removed), "changed": len(found.changed)}
    lines = _lines(tools, call, found)
    shown = [tools.texts.say("kb_changes", call.language, version=before.number, **values)]
    if before.audience is not version.audience:
        was, is_ = (tools.texts.say(f"audience_{one.audience}", call.language) for one in (before, version))
        shown.append(tools.texts.say("kb_audience_changes", call.language, before=was, after=is_))
    shown += islice(lines, _CHANGES_SHOWN)
    return "\n".join([*shown, "…"] if next(lines, None) else shown)


def _lines(tools: Tools, call: Call, found: Difference) -> Iterator[str]:
    """Made one by one: to compare the words of what nobody is shown takes long in a large document."""
    for pair in found.changed:
        fields = "、".join(tools.texts.say(f"entry_field_{name}", call.language) for name in pair.fields)
        beside = f"（{fields}）" if fields else ""
        same = pair.before.text == pair.after.text
        words = excerpt(pair.after.text) if same else excerpt(marked(pair.words, _AROUND), 2 * _EXCERPT)
        yield f"~ {pair.after.title}{beside}：{words}"
    yield from (f"- {entry.title}：{excerpt(entry.text)}" for entry in found.removed)
    yield from (f"+ {entry.title}：{excerpt(entry.text)}" for entry in found.added)


COMMANDS = (
    Command(
        name="kb approve",
        aliases=("批准",),
        permission=Permission.ADMIN,
        arguments=(arguments.number("number", optional=True),),
        private=True,
        version=_shown_waiting,
        preview=_approve_preview,
        run=_approve,
    ),
    Command(
        name="kb submit",
        aliases=("送审",),
        permission=Permission.ADMIN,
        arguments=(arguments.number("number"),),
        private=True,
        run=_submit,
    ),
    Command(
        name="kb return",
        aliases=("退回",),
        permission=Permission.ADMIN,
        arguments=(arguments.number("number"), arguments.words()),
        private=True,
        run=_return,
    ),
    Command(
        name="kb diff",
        aliases=("对比",),
        permission=Permission.ADMIN,
        arguments=(arguments.number("number"),),
        private=True,
        run=_diff,
    ),
    Command(
        name="kb notify",
        aliases=("告知更正",),
        permission=Permission.ADMIN,
        arguments=(arguments.number("number"),),
        private=True,
        version=_shown_told_of,
        preview=_notify_preview,
        run=_notify,
        action=Action.OPERATION,
    ),
    Command(
        name="kb withdraw",
        aliases=("撤下",),
        permission=Permission.ADMIN,
        arguments=(arguments.number("number"),),
        private=True,
        version=_shown_held,
        preview=_withdraw_preview,
        run=_withdraw,
    ),
)
