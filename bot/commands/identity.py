"""Who is a professional: admins bind people to records, and people prove it with a one-time code."""

import structlog

from bot import telemetry
from bot.account import Entrance
from bot.channel import ChannelError
from bot.commands import arguments
from bot.commands.declaration import Call, Command, Outcome, Permission, Rate
from bot.commands.tools import Tools
from bot.errors import InputError
from bot.identity.arrivals import last_day
from bot.identity.codes import CODE_LIFE_S
from bot.identity.tables import Account, Author

log = structlog.get_logger()

_LINK_S = 5.0
"""Seconds for one link of a platform."""


def _verify(tools: Tools, call: Call) -> Outcome:
    """Bind whoever sends the code that staff gave them."""
    account = Account.of(call.message.conversation)
    professional = tools.bindings.redeem(call.bot.tenant, account, call.text("verification"), call.now)
    return Outcome(text=tools.texts.say("hcp_verified", call.language, day=last_day(professional, tools.timezone)))


def _overheard(tools: Tools, call: Call, code: str) -> None:
    """A code that a group has read is nobody's any more. Raises :class:`~bot.errors.InputError` to say so."""
    if tools.bindings.void(call.bot.tenant, code, Author(person=call.person)):
        raise InputError("hcp_code_in_group")


def _bind(tools: Tools, call: Call) -> Outcome:
    """Bind a person to a record."""
    account, record = _account(call), call.text("record")
    by = Author(person=call.person)
    professional = tools.bindings.bind(call.bot.tenant, account, record, by, call.now)
    text = tools.texts.say(
        "hcp_bound",
        call.language,
        person=account.person,
        channel=account.channel,
        record=record,
        day=last_day(professional, tools.timezone),
    )
    return Outcome(text=text, details={"of": tools.pseudonym(call.bot.tenant, account.person)})


def _unbind(tools: Tools, call: Call) -> Outcome:
    """End a person's binding."""
    account = _account(call)
    tools.bindings.unbind(call.bot.tenant, account, Author(person=call.person))
    text = tools.texts.say("hcp_unbound", call.language, person=account.person, channel=account.channel)
    return Outcome(text=text, details={"of": tools.pseudonym(call.bot.tenant, account.person)})


def _link(tools: Tools, call: Call) -> Outcome:
    """A one-time code for a record."""
    record = call.text("record")
    code = tools.bindings.issue(call.bot.tenant, record, Author(person=call.person), call.now)
    say, values = tools.texts.say, {"record": record, "hours": round(CODE_LIFE_S / 3600)}
    url = tools.verification.url_for(code, call.now + CODE_LIFE_S)
    text = say("hcp_code_made", call.language, code=code, url=url, **values)
    text = "\n".join([text, *_entry_links(tools, call, code)])
    return Outcome(text=text, record_as=say("hcp_code_made", call.language, code="…", url="…", **values))


def _entry_links(tools: Tools, call: Call, code: str) -> list[str]:
    """A line for each of the bot's chats that a link can open which brings the code along. Where the platform makes
    none now, the code goes the other ways."""
    param = tools.verification.entry_param(code, call.now + CODE_LIFE_S)
    lines: list[str] = []
    for name in call.bot.channels:
        channel = tools.channels.get((call.bot.id, name))
        if not isinstance(channel, Entrance):
            continue
        try:
            url = channel.entry_link(param, tools.clock() + _LINK_S)
        except ChannelError as error:
            telemetry.count("degraded", what="entry_link_not_made")
            log.warning("entry_link_not_made", bot=call.bot.id, channel=name, error=str(error))
            continue
        lines.append(tools.texts.say("hcp_entry_link", call.language, channel=name, url=url))
    return lines


def _account(call: Call) -> Account:
    """Who is meant, in the channel that is named or in this one."""
    channel = call.text("channel") or call.message.conversation.channel
    if channel not in call.bot.channels:
        raise InputError("hcp_no_channel", channel=channel, channels=", ".join(call.bot.channels))
    return Account(bot=call.bot.id, channel=channel, person=call.text("person"))


COMMANDS = (
    Command(
        name="verify",
        aliases=("绑定", "验证"),
        permission=Permission.ANYONE,
        arguments=(arguments.one_time_code(),),
        private=True,
        overheard=_overheard,
        rate=Rate(times=10, per_s=3600),
        run=_verify,
    ),
    Command(
        name="bind",
        aliases=("绑定用户",),
        permission=Permission.ADMIN,
        arguments=(arguments.person(), arguments.record(), arguments.channel()),
        private=True,
        run=_bind,
    ),
    Command(
        name="unbind",
        aliases=("解除绑定",),
        permission=Permission.ADMIN,
        arguments=(arguments.person(), arguments.channel()),
        private=True,
        run=_unbind,
    ),
    Command(
        name="hcp link",
        permission=Permission.ADMIN,
        arguments=(arguments.record(),),
        private=True,
        rate=Rate(times=60, per_s=3600),
        run=_link,
    ),
)
