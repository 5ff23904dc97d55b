"""Channel ``wecom-robot``: a group robot (消息推送, formerly 群机器人), which speaks in one internal group and hears
nothing.

It is a webhook whose key is the secret (:mod:`.config`); what is said (:mod:`.bodies`) leaves at the pace of one robot
(:mod:`.send`). Page 99110 of WeCom's documentation, ``https://developer.work.weixin.qq.com/document/path/99110``.
"""

from channels.wecom_robot.channel import WeComRobotChannel, build
from channels.wecom_robot.config import Config

__all__ = ["Config", "WeComRobotChannel", "build"]
