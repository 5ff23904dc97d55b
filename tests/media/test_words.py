"""What people write about their files."""

import pytest

from bot.media.words import asks_for_overview, asks_to_delete, is_question, refers_to_file, without_reference


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("这个文件里储存温度是多少？", "储存温度是多少？"),
        ("这份资料中，成人剂量是多少", "成人剂量是多少"),
        ("文中提到的禁忌有哪些", "提到的禁忌有哪些"),
        ("我刚才发的PDF里注射速率是多少", "注射速率是多少"),
        ("上面的图写了什么", "写了什么"),
        ("该文档的有效期", "有效期"),
        ("附件里说开封后多久用完？", "说开封后多久用完？"),
        ("图里的电话是多少", "电话是多少"),
        ("what does this file say about storage?", "what say about storage?"),
        ("What is the storage temperature in the document?", "What is the storage temperature ?"),
    ],
)
def test_a_question_about_a_file_is_known_and_asked_without_it(text: str, bare: str) -> None:
    assert refers_to_file(text)
    assert without_reference(text) == bare


@pytest.mark.parametrize(
    "text", ["年假有几天？", "试图登录失败怎么办", "怎么提交报告", "How do I file a complaint?", "CT图像重建"]
)
def test_another_question_is_not(text: str) -> None:
    assert not refers_to_file(text)
    assert without_reference(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "删除文件",
        "删除文件。",
        "请删除我的文件",
        "把我发的文件删掉吧",
        "删掉刚才的图片",
        "delete my file",
        "Please delete all files!",
    ],
)
def test_the_wish_to_delete_is_understood(text: str) -> None:
    assert asks_to_delete(text)


@pytest.mark.parametrize("text", ["怎么删除文件？", "删除文件后能恢复吗", "删除", "文件", "how do I delete my file?"])
def test_a_question_about_deleting_is_no_such_wish(text: str) -> None:
    assert not asks_to_delete(text)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("如何修改登录密码？", True),
        ("年假有\n几天", True),
        ("What is the dose", True),
        ("储存温度为二至八摄氏度", False),
        ("", False),
        ("会议通知\n时间：周一\n地点：三楼\n内容：年度总结\n请问有疑问吗", False),
        ("问题" * 61 + "吗", False),
    ],
)
def test_a_question_in_a_picture_is_short_and_reads_like_one(text: str, asks: bool) -> None:
    assert is_question(text) is asks


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("这个文件讲了什么？", True),
        ("总结一下这份资料", True),
        ("该文档的主要内容是什么", True),
        ("What is this document about?", True),
        ("Please summarize this file", True),
        ("这个文件里储存温度是多少？", False),
        ("What is the dose in this file?", False),
    ],
)
def test_a_question_about_a_file_as_a_whole_is_known(text: str, asks: bool) -> None:
    assert refers_to_file(text)
    assert asks_for_overview(text) is asks
