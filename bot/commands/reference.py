"""The reference of every command, written from the registry."""

from collections.abc import Iterator

from bot.commands.confirmations import VALID_S
from bot.commands.declaration import Command, Permission
from bot.commands.registry import COMMANDS
from bot.texts import Texts

_WHO = {
    Permission.ANYONE: "anyone",
    Permission.SERVICER: "servicers and admins",
    Permission.ADMIN: "admins",
}
_HEAD = f"""# Command messages

This page is written by `python -m bot reference commands` from the registry (`bot/commands/`); a test compares the two.

A message that begins with `/` (also `／`) is a command. Names may be written in any case, arguments in brackets may be
left out, and `/help` shows everybody the commands that are theirs; `/help NAME` says more of one. Who may use what is
checked for every message: `admins`, `servicers` and `group_admins` stand in `bots.yaml`. Anybody else gets one polite
line. An admin of one group alone uses in that group what is marked so, and it concerns that group only.

What cannot be undone is asked about first: the reply shows what will be done and a code. `/confirm CODE` within
{VALID_S // 60} minutes does it, or the button of the card where the channel shows cards; once, and for the same person
alone. What is another document by then than the one that was shown is neither approved nor withdrawn. Commands marked
*single chat* say things that are not for all and are refused in groups. Where more is written than a command takes,
nothing is done and its usage is shown. Every use is in the audit log ([audit.md](audit.md)).

"""
_TAIL = """
## What answers

`/kb approve`, `/kb submit`, `/kb return`, `/kb diff` and `/kb withdraw` are the way of a document to its readers and
back; with `four_eyes` nobody approves what they brought
([adding knowledge](adding-knowledge.md#from-draft-to-answer-and-back)). `/kb notify` tells those who were answered in
the last 30 days from what a new version has taken away or worded otherwise, or from the answer that `/correct`
corrects; or from a document that was withdrawn: each person once a version and once for its end, in a single chat that
can be written to, and not in quiet hours.

## What stands still

- `/kill` stops every answer at once, also one that is being looked for, and stays until `/resume`: through restarts and
  the loss of Redis. People are told so and get a human; commands and humans go on. An answer or broadcast that was
  decided before and lies unsent stays so: after `/resume` it goes out if it is not older than `USEFUL_S`. An older one,
  and half an answer of which the beginning was sent, is given up: the person hears that it did not arrive, and a human
  gets a ticket. `all` means every bot of the tenant that whoever writes steers.
- `/pause` does the same until a time. `/drain` answers what came before it and takes nothing new.
- `/block` concerns one person at this bot, who gets one line whatever they send, but for the wish to see or delete what
  is held of them. What they report of adverse events is noticed all the same.
- `/takeover`, and `/reply`, hold back what the bot had to say to that person and has not sent; whoever takes over hears
  what was asked ([delivery](delivery.md#what-is-promised)).

## What is forgotten

`/forget` removes what this bot holds of a person: recorded turns, verdicts, tickets, media, consents, bindings to a
professional's record, replies on their way, dead letters, messages that were refused, places in broadcasts; of commands
that named them stays that there was one. `bot/personal_records.py` is the list. What stays, and why:

| stays | why |
| --- | --- |
| audit log | it names people by pseudonyms, and must not change ([audit.md](audit.md)) |
| cases of drug safety | the law keeps them |
| a message that waits for an answer | nobody has screened it for adverse events yet; the reply says so: ask again |
| blocks | they would be lifted by it |
| bubbles, claims of message ids, pacing | they end by themselves within a day |
| backups, structured logs | they end with their own time; the logs hold ids, never words |

Anybody may do the same for themselves: `/forgetme`, or the words `删除我的信息` or `delete my data`, say what would go;
`/forgetme confirm`, or `确认删除我的信息`, does it. `/mydata`, or `你知道我什么`, shows what is held
([privacy.md](privacy.md)).

## Who is a professional

`/bind` and `/hcp link` name a record by its number in the register of the tenant, which an import fills
([identity.md](identity.md)). The code of `/hcp link` binds whoever sends it to the bot first, in a single chat; the
record of the turn keeps no code.

## What is taken back

`/recall` asks the platform for every message of one reply. WeCom takes back an application's messages for 24 hours, in
its own client and not in the WeChat plug-in; what an intelligent robot said cannot be taken back, and the reply says
so.

## What is said to many

`/broadcast` reaches who wrote to the bot in a single chat within 90 days, 50 people every ten seconds, at the pace of
the platform for each. It waits while the bot stands still, and `/broadcast stop` ends it for all who have not been
reached.

`/announce` speaks in the bot's groups for announcements ([group robots](channels/wecom-robot.md),
[groups of the app](channels/wecom-appchat.md)), which a broadcast reaches too; `/remind` does it at a time, and
`/reminders` lists what lies ahead, by the number that `/broadcast stop` takes. `/digest` shows what was asked in the
seven days before today by `digest_people` different people or more and answered by an approved question-and-answer that
is public: question, answer and source word for word, five at most, in one message that cuts no answer, and nothing that
anybody wrote. It goes out when an admin has confirmed exactly what was shown. In a bot's `quiet_hours` all of this
waits.
"""


def commands_reference() -> str:
    """Markdown: every command with its names, who may use it, what it needs, and its line of help."""
    texts = Texts()
    rows = [
        "| command | also | who | how | 中文 | English |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(command, texts) for command in COMMANDS),
    ]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL


def _row(command: Command, texts: Texts) -> str:
    aliases = " ".join(f"`/{alias}`" for alias in command.aliases)
    who = _WHO[command.permission] + ("; a group's own admins there" if command.in_group else "")
    chinese, english = (_cell(texts.say(f"usage_{command.key}", language)) for language in ("zh", "en"))
    return f"| `/{command.name}` | {aliases} | {who} | {', '.join(_how(command))} | {chinese} | {english} |"


def _how(command: Command) -> Iterator[str]:
    if command.private:
        yield "single chat"
    if command.preview is not None:
        yield "confirmed"
    if command.rate is not None:
        yield f"{command.rate.times} in {command.rate.per_s // 3600} h"


def _cell(usage: str) -> str:
    """A line of help as the cell of a table."""
    return " ".join(usage.split()).replace("|", "\\|")
