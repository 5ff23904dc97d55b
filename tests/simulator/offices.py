"""A corp that has everything: an app, a bot, members and a group."""

from simulator.settings import BotSettings, Group, Member, Settings
from tests.simulator.parties import AES_KEY, AGENT_ID, CORP_ID, SECRET, TOKEN


def office_settings(callback_url: str, bot_url: str) -> Settings:
    """The corp whose app is called at ``callback_url`` and whose bot at ``bot_url``."""
    bot = BotSettings(
        callback_url=bot_url, token=TOKEN, encoding_aes_key=AES_KEY, bot_id="bot-of-the-tests", name="影像机器人"
    )
    return Settings(
        corp_id=CORP_ID,
        agent_id=AGENT_ID,
        secret=SECRET,
        token=TOKEN,
        encoding_aes_key=AES_KEY,
        callback_url=callback_url,
        members=tuple(map(Member.parse, ("wang.fang:王芳:医生", "zhang.wei:张伟:管理员", "li.na:李娜:人工客服"))),
        app_name="影像学院小助手",
        bot=bot,
        groups=(Group.parse("imaging:影像学院交流群:wang.fang,zhang.wei,li.na"),),
        examples=("示例问题一？", "/help"),
    )
