"""What stands for a value that was masked: 〔手机号1〕. A language model reads them and writes them back."""

import re

from bot.safety.personal_data.spans import Kind

LABELS = {
    Kind.ID_CARD: "身份证号",
    Kind.BANK_CARD: "银行卡号",
    Kind.PHONE: "手机号",
    Kind.LANDLINE: "座机号",
    Kind.EMAIL: "邮箱",
    Kind.WECHAT: "微信号",
    Kind.QQ: "QQ号",
    Kind.PLATE: "车牌号",
    Kind.PASSPORT: "护照号",
    Kind.MEDICAL_RECORD: "就诊编号",
    Kind.LICENCE: "执业证号",
    Kind.CREDIT_CODE: "信用代码",
    Kind.IP_ADDRESS: "网络地址",
    Kind.BIRTH_DATE: "出生日期",
    Kind.ADDRESS: "住址",
    Kind.NAME: "姓名",
}
"""The words in placeholders. Masked texts are kept, so a word may be added and never changed."""

_LABEL = "|".join(LABELS.values())
PLACEHOLDER = re.compile(rf"〔(?:{_LABEL})[1-9][0-9]{{0,5}}〕")
_OPEN, _CLOSE = r"[〔\[【［(（{｛<＜〈《「『〖]", r"[〕\]】］)）}｝>＞〉》」』〗]"
WRITTEN = re.compile(rf"{_OPEN}\s?({_LABEL})\s?([0-9０-９]{{1,6}})\s?{_CLOSE}")
"""A placeholder as a language model may write it back: with other brackets, and other digits."""
_NUMBER = "[0-9０-９一二三四五六七八九十]{1,6}"
BROKEN = re.compile(
    rf"〔\s?(?:{_LABEL})|〔[^0-9０-９〔〕\n]{{1,8}}{_NUMBER}\s?〕|\A[^〔]*〕|(?:{_LABEL})\s?{_NUMBER}\s?〕"
    rf"|{_OPEN}\s?(?:{_LABEL})\s?{_NUMBER}"
)
"""A placeholder, or enough of one to be seen as such (〔手机号一〕, 〔手機號1〕): nothing that a person may read."""


def placeholder(kind: Kind, number: int) -> str:
    """The ``number``-th placeholder of its kind."""
    return f"〔{LABELS[kind]}{number}〕"
