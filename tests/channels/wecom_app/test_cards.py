"""Cards and articles: in the platform's grammar, cut between characters, refused where cutting would change them."""

import logging
from dataclasses import replace
from typing import Any

import pytest
import structlog

from bot.channel import Receipt, Refused, Retry, Unknown
from bot.parts import Article, Button, Card, CardUpdate, Choice, News, Vote
from tests.channels.chains import told_by
from tests.channels.wecom_app.conftest import Installation
from tests.fakes.scripted_http import Answer, Cut, reply

UPDATE_PATH = "/cgi-bin/message/update_template_card"
QUESTION = Card(
    task_id="rate_abc",
    title="这个回答有用吗？",
    text="请选一项",
    buttons=(Button("有用", "rate:useful:abc"), Button("没用", "rate:useless:abc")),
)
VOTE = Vote(
    key="score", choices=(Choice("3", "满意"), Choice("2", "一般")), submit=Button("提交", "ticket:7"), multiple=False
)


def sent_card(here: Installation, card: Card) -> dict[str, Any]:
    here.send(card)
    assert here.sent[-1].json["msgtype"] == "template_card"
    content: dict[str, Any] = here.sent[-1].json["template_card"]
    return content


def test_buttons_make_a_button_interaction(here: Installation) -> None:
    assert sent_card(here, QUESTION) == {
        "card_type": "button_interaction",
        "main_title": {"title": "这个回答有用吗？"},
        "sub_title_text": "请选一项",
        "button_list": [
            {"text": "有用", "key": "rate:useful:abc", "style": 1},
            {"text": "没用", "key": "rate:useless:abc", "style": 2},
        ],
        "task_id": "rate_abc",
    }


@pytest.mark.parametrize(("multiple", "mode"), [(False, 0), (True, 1)])
def test_a_vote_makes_a_vote_interaction(here: Installation, multiple: bool, mode: int) -> None:
    card = Card(task_id="t@1", title="请评价", text="工单 7", vote=replace(VOTE, multiple=multiple))
    assert sent_card(here, card) == {
        "card_type": "vote_interaction",
        "main_title": {"title": "请评价", "desc": "工单 7"},
        "checkbox": {
            "question_key": "score",
            "mode": mode,
            "option_list": [{"id": "3", "text": "满意"}, {"id": "2", "text": "一般"}],
        },
        "submit_button": {"text": "提交", "key": "ticket:7"},
        "task_id": "t@1",
    }


def test_a_card_without_either_leads_somewhere(here: Installation) -> None:
    card = Card(task_id="t-1", title="资料已更新", text="点开查看", url="https://bot.example/source/1")
    assert sent_card(here, card) == {
        "card_type": "text_notice",
        "main_title": {"title": "资料已更新"},
        "sub_title_text": "点开查看",
        "card_action": {"type": 1, "url": "https://bot.example/source/1"},
        "task_id": "t-1",
    }
    with_button = sent_card(here, replace(QUESTION, url="https://bot.example/"))
    assert with_button["card_action"] == {"type": 1, "url": "https://bot.example/"}


def test_words_on_a_card_are_cut_between_characters(here: Installation) -> None:
    card = replace(QUESTION, title="题" * 37, text="😀" * 161, buttons=(Button("按钮" * 6, "k"),))
    shown = sent_card(here, card)
    assert shown["main_title"]["title"] == "题" * 35 + "…"
    assert shown["sub_title_text"] == "😀" * 159 + "…"
    assert shown["button_list"][0]["text"] == "按钮按钮按钮按钮按…"
    whole = sent_card(here, replace(QUESTION, task_id="t2", title="题" * 36, buttons=(Button("十" * 10, "k"),)))
    assert (whole["main_title"]["title"], whole["button_list"][0]["text"]) == ("题" * 36, "十" * 10)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"buttons": tuple(Button("x", str(n)) for n in range(7))}, "card_too_many_buttons"),
        ({"buttons": (Button("x", "k"), Button("y", "k"))}, "card_bad_key"),
        ({"buttons": (Button("x", ""),)}, "card_bad_key"),
        ({"buttons": (Button("x", "键" * 342),)}, "card_bad_key"),
        ({"buttons": (Button(" ", "k"),)}, "card_empty"),
        ({"title": ""}, "card_empty"),
        ({"task_id": ""}, "card_bad_task_id"),
        ({"task_id": "a b"}, "card_bad_task_id"),
        ({"task_id": "任务"}, "card_bad_task_id"),
        ({"task_id": "a" * 129}, "card_bad_task_id"),
        ({"vote": VOTE}, "card_ambiguous"),
        ({"buttons": ()}, "card_without_url"),
        ({"url": "https://a.example/" + "x" * 2048}, "card_bad_url"),
        ({"buttons": (), "vote": replace(VOTE, choices=())}, "card_empty"),
        (
            {"buttons": (), "vote": replace(VOTE, choices=tuple(Choice(str(n), "x") for n in range(21)))},
            "card_too_many_choices",
        ),
        ({"buttons": (), "vote": replace(VOTE, choices=(Choice("i" * 129, "x"),))}, "card_bad_key"),
        ({"buttons": (), "vote": replace(VOTE, choices=(Choice("1", "x"), Choice("1", "y")))}, "card_bad_key"),
        ({"buttons": (), "vote": replace(VOTE, key="")}, "card_bad_key"),
    ],
)
def test_a_card_the_platform_would_refuse_never_leaves(here: Installation, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        here.send(replace(QUESTION, **changes))
    assert caught.value.code == code
    assert here.platform.requests == []


def test_articles_leave_cut_to_their_bytes(here: Installation) -> None:
    long = Article("标" * 43, "述" * 171, "https://a.example/1", "https://a.example/1.png")
    here.send(News((long, Article("二", "", "https://a.example/2"))))
    assert here.sent[0].json["msgtype"] == "news"
    assert here.sent[0].json["news"] == {
        "articles": [
            {
                "title": "标" * 42,
                "description": "述" * 170,
                "url": "https://a.example/1",
                "picurl": "https://a.example/1.png",
            },
            {"title": "二", "description": "", "url": "https://a.example/2"},
        ]
    }


_ARTICLE = Article("一", "", "https://a.example/1")


@pytest.mark.parametrize(
    ("articles", "code"),
    [
        ((), "no_articles"),
        ((_ARTICLE,) * 9, "too_many_articles"),
        ((replace(_ARTICLE, url=""),), "bad_article_url"),
        ((replace(_ARTICLE, url="https://a.example/" + "x" * 2048),), "bad_article_url"),
    ],
)
def test_news_the_platform_would_refuse_never_leave(
    here: Installation, articles: tuple[Article, ...], code: str
) -> None:
    with pytest.raises(Refused, match=code):
        here.send(News(articles))
    assert here.platform.requests == []


UPDATE = CardUpdate(task_id="rate_abc", response_code="the-response-code", label="已记录：有用，谢谢您的反馈")


def test_a_pressed_button_becomes_its_label_for_whoever_pressed_it(here: Installation) -> None:
    here.platform.on(UPDATE_PATH, reply({"errcode": 0, "errmsg": "ok", "invaliduser": []}))
    assert here.send(UPDATE) == Receipt()
    (request,) = here.platform.to(UPDATE_PATH)
    assert request.query == {"access_token": "token-1"}
    assert request.json == {
        "userids": ["zhang.wei"],
        "agentid": 1000002,
        "response_code": "the-response-code",
        "button": {"replace_name": "已记录：有用，谢谢…"},
    }
    assert here.sent == []


@pytest.mark.parametrize(
    ("scripted", "error", "code"),
    [
        (reply({"errcode": 0, "invaliduser": ["ZHANG.WEI"]}), Refused, "invaliduser"),
        (reply({"errcode": 40058, "errmsg": "the-response-code was used"}), Refused, "40058"),
        (reply({"errcode": 987654, "errmsg": "the-response-code was used"}), Refused, "987654"),
        (Answer(status=500), Retry, "http_500"),
        (Cut(), Unknown, "connection_lost"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_update_that_fails_says_so_and_shows_no_response_code(
    here: Installation,
    caplog: pytest.LogCaptureFixture,
    scripted: Answer | Cut,
    error: type[Refused | Retry | Unknown],
    code: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    here.platform.on(UPDATE_PATH, scripted)
    with structlog.testing.capture_logs() as lines, pytest.raises(error) as caught:
        here.send(UPDATE)
    assert vars(caught.value)["code"] == code
    shown = caplog.text + str(lines) + told_by(caught.value) + str(here.counted)
    assert "the-response-code" not in shown


def test_an_update_without_permission_never_leaves(here: Installation) -> None:
    with pytest.raises(Refused, match="no_response_code"):
        here.send(replace(UPDATE, response_code=""))
    assert here.platform.requests == []
