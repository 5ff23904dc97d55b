"""What a clause leaves open: what may be, was once, or is only wished for decides nothing today."""

import re

_BORDER = re.compile(r"[,。;!?、]")
_ASKS_TO_KNOW = re.compile("想(?:要?知道|问|请问|了解|咨询|确认|查|看)")
_LEAVES_OPEN = re.compile(
    "可能|也许|或许|好像|似乎|疑似|怀疑|估计|应该是|打算|准备|计划|[想备]|希望|考虑|万一|曾|以前|之前|从前|过去|去年|前年|"
    "上次|上回|上个?月|上周|原来|原先|原本|本来|当时|"
    r"\b(?:maybe|perhaps|probably|possibly|might|may be|suspect|plan|want|hope|used to|was|were|previous(?:ly)?|ago|"
    r"last (?:year|month|week|time))\b"
)


def is_left_open(text: str, start: int) -> bool:
    """Whether the clause of ``text``, which is folded, says before ``start`` that what stands there may be, was once,
    or is only wished for."""
    begin = max((found.end() for found in _BORDER.finditer(text, 0, start)), default=0)
    return _LEAVES_OPEN.search(_ASKS_TO_KNOW.sub("", text[begin:start])) is not None
