"""What ``doctor`` can say of an intelligent robot in callback mode: little, and that is said.

Its token and key serve only what the platform sends to us (page 101033), and a robot has no call of its own: an active
reply needs the URL that came with a message (page 101138). So nothing outside can be asked whether they are right.
"""

from bot.finding import Finding, State

CREDENTIALS = "token and key"


def examine() -> list[Finding]:
    """See :meth:`bot.channel.Channel.examine`."""
    return [
        Finding(
            name=CREDENTIALS,
            state=State.SKIPPED,
            detail="well-formed; no call of the platform tells whether they are the console's",
            cure="press 保存 under 管理后台 › 智能机器人 › API 模式: it succeeds only where Token and key are the same",
        )
    ]
