"""Plain words with which people ask what is held of them, and want it to go: as good as the commands that do it.

Only a whole message counts, so that a question that speaks of data among other things is answered as one.
"""

import re
import unicodedata

_PLEASE = (
    "(?:您好|你好)?(?:请问|请|麻烦|帮我|请帮我|麻烦帮我|我想|我要|我要求|我想要|告诉我|能不能|可以|能)?(?:你|你们|您)?"
)
_DATA = "(?:个人)?(?:信息|数据|记录|隐私)|个人资料|聊天记录|对话记录"
_MINE = "(?:关于|有关)?(?:我|我的|本人|本人的|我本人的|我个人的)"
_ALL = "(?:所有|全部|一切)?(?:的)?"
_REMOVE = "(?:删除|删掉|删了|删去|清除|清空|抹去|抹掉|擦除|销毁)(?:掉|一下)?"
_KNOWN = re.compile(
    f"{_PLEASE}(?:都|还)?(?:知道|了解|记得|记住|记下|掌握|收集|保存|储存|存储|存|记录|保留|留|有)(?:了|着|有)?{_MINE}(?:的)?"
    f"(?:什么|哪些|多少|啥)(?:{_DATA}|资料)?(?:吗|呢)?|"
    f"{_PLEASE}(?:查看|查询|查阅|查|看看|看|导出|下载|复制)(?:一下)?{_MINE}{_ALL}(?:{_DATA})(?:吗)?|"
    f"{_MINE}{_ALL}(?:{_DATA})(?:都)?有(?:什么|哪些|啥)|"
    "(?:please)?(?:what|whatelse)(?:do|did)you(?:know|have|store|keep|remember)(?:of|about|on)me|"
    "(?:what|which)(?:data|information|personaldata)(?:do)?you(?:have|hold|keep|store)(?:of|about|on)me|"
    "(?:please)?(?:show|export|giveme|sendme|download)(?:me)?(?:all)?my(?:personal)?(?:data|information|records)"
)
_FORGET = re.compile(
    f"{_PLEASE}{_REMOVE}{_ALL}{_MINE}{_ALL}(?:{_DATA})(?:吧|吗|谢谢)?|"
    f"{_PLEASE}(?:把|将){_MINE}{_ALL}(?:{_DATA})(?:都|全|全部|全都)?{_REMOVE}(?:吧|吗|谢谢)?|"
    f"{_PLEASE}(?:忘记|忘掉|忘了)我(?:吧)?|"
    "(?:please)?(?:delete|erase|remove|forget)(?:me|(?:all)?(?:of)?my(?:personal)?(?:data|information|records)|"
    "everything(?:about|of|on|youknowabout|youknowof|youhaveonme)me)(?:please)?"
)
_CONFIRMATION = re.compile("^(?:我)?(?:确认|确定)|^(?:yes|confirm|iconfirm)")
_LONGEST = 60


def own_data_wish(text: str) -> str | None:
    """The command that ``text`` is as good as: ``mydata``, ``forgetme`` or ``forgetme confirm``; else ``None``."""
    folded = unicodedata.normalize("NFKC", text[: 4 * _LONGEST]).lower()
    words = "".join(character for character in folded if character.isalnum())
    if len(text) > 4 * _LONGEST or len(words) > _LONGEST:
        return None
    if _KNOWN.fullmatch(words):
        return "mydata"
    if _FORGET.fullmatch(words):
        return "forgetme"
    confirmed = _CONFIRMATION.sub("", words)
    return "forgetme confirm" if confirmed != words and _FORGET.fullmatch(confirmed) else None
