"""A few FAQs, as somebody brings them."""

from bot.knowledge.entries import Audience, EntryKind
from bot.knowledge.origin import Origin, make_entry
from bot.knowledge.versions import Submission

ORIGIN = Origin(tenant="academy", collection="c", audience=Audience.PUBLIC, source="faq.csv")
FAQS = {
    "年假有几天？": "入职满一年的员工每年有 5 天年假。",
    "会议室怎么预订？": "在日历里新建会议，点“添加会议室”，选好时间即可。",
    "如何修改登录密码？": "在“我的—设置—安全”里点“修改密码”，输入旧密码和两次新密码。",
}


def submission(faqs: dict[str, str], origin: Origin = ORIGIN) -> Submission:
    entries = tuple(
        make_entry(origin, kind=EntryKind.FAQ, title=title, questions=(title,), text=text, location="")
        for title, text in faqs.items()
    )
    return Submission(origin=origin, title="常见问题", content_hash="0" * 64, entries=entries)
