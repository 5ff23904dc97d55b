"""Taking the robot's own name out of what was said to it: in a group every text begins with ``@RobotA `` (page 100719).

The mention comes as plain text, so where it ends can only be known from the name. Whitespace is any of Unicode's,
among them U+2005, which clients put behind a mention.
"""

import re
from collections.abc import Iterable

_MENTION = re.compile(r"@\S+")
_BLANKS = re.compile(r"\s*")
_ANYWHERE = re.compile(r"(?<![0-9A-Za-z._%+-])@\S+")
"""Mentions in running text; what follows a Latin letter or digit is an e-mail address."""


def without_robot(text: str, names: Iterable[str]) -> str:
    """``text`` without the mentions of the robot among those at its front; other people's stay.

    ``names`` are those the robot is known by. A robot mentioned by another name is recognised where the only mention
    of the text stands at its front, since the platform delivers no group message without one.
    """
    others, rest, found = _front(text, names)
    if found:
        return "".join(others) + rest
    is_only_mention = len(others) == 1 and _ANYWHERE.findall(text) == [others[0].rstrip()]
    return rest if is_only_mention else text


def _front(text: str, names: Iterable[str]) -> tuple[list[str], str, bool]:
    """The mentions at the front that are not the robot's, each with the whitespace behind it; what follows them; and
    whether the robot's was among them."""
    longest_first = sorted(names, key=len, reverse=True)
    known = [re.compile(rf"@{re.escape(name)}(?!\S)") for name in longest_first]
    others: list[str] = []
    at, found = _behind_blanks(text, 0), False
    while mention := _MENTION.match(text, at):
        robot = next((match for pattern in known if (match := pattern.match(text, at))), None)
        following = _behind_blanks(text, (robot or mention).end())
        if robot:
            found = True
        else:
            others.append(text[at:following])
        at = following
    return others, text[at:], found


def _behind_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at
