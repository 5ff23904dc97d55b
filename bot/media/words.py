"""What people write about their own files: that they ask about one, that one should go, and what a picture asks."""

import re
import unicodedata

_THINGS = "文件|文档|资料|附件|图片|照片|截图|图|表格|材料|报告|论文|说明书|课件|幻灯片|PDF|PPT|WORD|EXCEL"
_INSIDE = "(?:里面|里|中|内|上)?(?:的|，|,|：|:)?"
_REFERENCE = re.compile(
    rf"(?:(?:我)?(?:刚才|刚刚|刚)?(?:发|上传|传)(?:给你|过去|过来)?(?:的|来的)|上面|上述|刚才|这|那|该|此)(?:个|份|张|篇|些|的|里)?"
    rf"(?:{_THINGS}){_INSIDE}|"
    rf"(?:文件|文档|附件|图片|图|资料)(?:里面|里|中|内|上)(?:的|，|,)?|文中(?:的|，|,)?|附件{_INSIDE}|"
    r"\b(?:(?:in|of|from|does|according to)\s+)?(?:this|that|my|the (?:attached|above|uploaded|last))\s+"
    r"(?:files?|documents?|pdf|pictures?|images?|photos?|attachments?|reports?|papers?|slides?|tables?|sheets?)\b,?|"
    r"\bin the (?:file|document|attachment|picture|image|pdf)\b,?",
    re.IGNORECASE,
)
_DELETION = re.compile(
    "(?:请|麻烦|帮我|请帮我)?(?:"
    "(?:删除|删掉|删了|删|清除|清空)(?:掉)?(?:我的|我发的|我刚发的|我上传的|我|刚才的|这个|这些|这份|所有|全部|的)*(?:文件|图片|附件|资料)|"
    "把?(?:我的|我发的|我上传的|刚才的|这个|这些|这份|所有|全部|的)*(?:文件|图片|附件|资料)(?:都|全)?(?:删除|删掉|删了|清除|清空)"
    ")(?:吧|谢谢|了)?|"
    "(?:please)?(?:delete|remove|erase)(?:my|the|this|these|all|allmy)(?:files?|pictures?|images?|attachments?|documents?)"
    "(?:please|now)?"
)
_ASKS = re.compile(
    "[?？]|吗|呢|什么|怎么|怎样|如何|多少|多久|多长|哪|谁|几[天次个岁时]|为什么|为何|是否|能否|可否|能不能|可不可以|请问|"
    r"\b(?:what|how|when|where|who|which|why|can|does|is there|are there)\b",
    re.IGNORECASE,
)
_OVERVIEW = re.compile(
    "总结|概括|概述|归纳|摘要|大意|梗概|提炼|主要(?:内容|讲|说|写)|(?:讲|说|写|介绍)(?:了|的是|的)?(?:些)?(?:什么|啥)|"
    r"\b(?:summari[sz]e|summary|overview|outline|key points|what is (?:it|this|that)\b.*\babout|"
    r"what does it say|(?:what|tell me).*\babout)\b",
    re.IGNORECASE,
)
LONGEST_PICTURED_QUESTION = 120
_MOST_LINES = 4


def refers_to_file(text: str) -> bool:
    """Whether ``text`` speaks of a file or picture at hand."""
    return _REFERENCE.search(text) is not None


def without_reference(text: str) -> str:
    """``text`` as it would be asked of the file itself; empty when nothing is left."""
    return " ".join(_REFERENCE.sub("", text).split()).strip(" ，,。：:")


def asks_for_overview(text: str) -> bool:
    """Whether ``text``, which speaks of a file, asks what is in it as a whole."""
    return _OVERVIEW.search(text) is not None


def asks_to_delete(text: str) -> bool:
    """Whether ``text`` says, and says nothing else, that the person's files should go."""
    words = "".join(character for character in unicodedata.normalize("NFKC", text).lower() if character.isalnum())
    return _DELETION.fullmatch(words) is not None


def is_question(text: str) -> bool:
    """Whether what stands in a picture is short enough and reads like a question."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(text) <= LONGEST_PICTURED_QUESTION and 0 < len(lines) <= _MOST_LINES and bool(_ASKS.search(text))
