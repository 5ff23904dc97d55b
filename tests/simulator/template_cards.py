"""One template card of each kind, as the app sends them (§5.9)."""

from typing import Any

NOTICE: dict[str, Any] = {
    "card_type": "text_notice",
    "source": {"icon_url": "https://example.com/icon.png", "desc": "影像学院", "desc_color": 1},
    "main_title": {"title": "会议提醒", "desc": "增强扫描的安全"},
    "emphasis_content": {"title": "19:00", "desc": "今晚"},
    "quote_area": {"type": 1, "url": "https://example.com", "title": "张伟", "quote_text": "记得提前十分钟"},
    "sub_title_text": "请准时参加",
    "horizontal_content_list": [
        {"keyname": "地点", "value": "三号楼"},
        {"keyname": "资料", "value": "点击查看", "type": 1, "url": "https://example.com/slides"},
    ],
    "jump_list": [{"type": 1, "title": "进入会议", "url": "https://example.com/meet"}],
    "card_action": {"type": 1, "url": "https://example.com"},
}
MENU: dict[str, Any] = {
    **NOTICE,
    "main_title": {"title": "周报", "desc": ""},
    "action_menu": {
        "desc": "更多操作",
        "action_list": [{"text": "不再推送", "key": "mute"}, {"text": "稍后提醒", "key": "later"}],
    },
    "task_id": "task-menu",
}
NEWS: dict[str, Any] = {
    "card_type": "news_notice",
    "main_title": {"title": "新指南发布", "desc": "对比剂肾病"},
    "card_image": {"url": "https://example.com/cover.png", "aspect_ratio": 2.25},
    "image_text_area": {
        "type": 1,
        "url": "https://example.com/a",
        "title": "要点",
        "desc": "三条更新",
        "image_url": "https://example.com/a.png",
    },
    "vertical_content_list": [{"title": "水化", "desc": "术前 6 小时开始"}],
    "card_action": {"type": 1, "url": "https://example.com"},
}
BUTTONS: dict[str, Any] = {
    "card_type": "button_interaction",
    "main_title": {"title": "转人工？", "desc": "客服在线"},
    "sub_title_text": "预计等待 2 分钟",
    "button_selection": {
        "question_key": "team",
        "title": "找谁",
        "option_list": [{"id": "med", "text": "医学部"}, {"id": "it", "text": "技术支持"}],
        "selected_id": "it",
    },
    "button_list": [{"text": "转人工", "style": 1, "key": "yes"}, {"text": "不用了", "style": 2, "key": "no"}],
    "task_id": "task-buttons",
}
VOTE: dict[str, Any] = {
    "card_type": "vote_interaction",
    "main_title": {"title": "想听什么课", "desc": "可多选"},
    "checkbox": {
        "question_key": "q1",
        "mode": 1,
        "option_list": [
            {"id": "a", "text": "CT 增强", "is_checked": True},
            {"id": "b", "text": "MR 安全", "is_checked": False},
        ],
    },
    "submit_button": {"text": "提交", "key": "submit"},
    "task_id": "task-vote",
}
SELECTS: dict[str, Any] = {
    "card_type": "multiple_interaction",
    "main_title": {"title": "反馈", "desc": ""},
    "select_list": [
        {
            "question_key": "s1",
            "title": "满意吗",
            "selected_id": "a",
            "option_list": [{"id": "a", "text": "满意"}, {"id": "b", "text": "一般"}],
        },
        {"question_key": "s2", "title": "科室", "option_list": [{"id": "ct", "text": "CT 室"}]},
    ],
    "submit_button": {"text": "提交", "key": "submit"},
    "task_id": "task-selects",
}
CARDS = (NOTICE, NEWS, BUTTONS, VOTE, SELECTS)

BOT_CARD: dict[str, Any] = {
    "card_type": "button_interaction",
    "main_title": {"title": "转人工？"},
    "button_selection": {
        "question_key": "q",
        "option_list": [{"id": "one", "text": "一"}, {"id": "two", "text": "二"}],
    },
    "button_list": [{"text": "好", "key": "yes"}],
    "task_id": "task-1",
}
"""A small one of the bot."""
