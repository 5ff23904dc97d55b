"""People send pictures and files to the whole system and are answered from them."""

from pathlib import Path
from urllib.parse import quote

from tests.e2e.conftest import Chat, Crowd, System
from tests.e2e.test_robot import ROBOT
from tests.media import files

LEAFLET = files.pdf(
    ["星河造影剂说明书", "本品为非离子型碘造影剂，用于血管造影和增强扫描。"],
    ["注意事项：开封后须在四小时内用完。储存温度为二至八摄氏度，运输途中不得冷冻。"],
)
QUESTION = "这个文件里储存温度是多少？"
ANSWER = "储存温度为二至八摄氏度"


def media_of(system: System) -> list[Path]:
    """The contents that are kept now."""
    return [path for path in (system.data_dir / "media").iterdir() if path.suffix != ".json"]


def test_a_picture_in_the_apps_chat_is_read(crowd: Crowd, doctor: Chat) -> None:
    doctor.sends({"type": "image", "upload": crowd.upload(files.payload("notice.png"), quote("告示.png"))})
    assert "我从图片里读到：“星河造影剂储存须知" in doctor.hears()
    assert ANSWER in doctor.says("图里的储存温度是多少？").hears()


def test_a_file_sent_to_the_robot_is_answered_from_until_it_is_deleted(crowd: Crowd, system: System) -> None:
    before, doctor = set(media_of(system)), crowd.stranger("bot")
    doctor.sends({"type": "file", "upload": crowd.upload(LEAFLET, quote("说明书.pdf"))})
    assert "已收到《说明书.pdf》" in doctor.reads()["content"]
    answer = doctor.says(QUESTION).reads()["content"]
    assert ANSWER in answer
    assert "您发来的《说明书.pdf》 · 第 2 页" in answer
    kept = set(media_of(system)) - before
    assert kept
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    assert ANSWER not in crowd.stranger("bot").says(QUESTION).reads()["content"]
    assert "已删除" in doctor.says("删除文件").reads()["content"]
    assert ANSWER not in doctor.says(QUESTION).reads()["content"]
    assert not kept & set(media_of(system))


def test_a_picture_beside_a_question_in_a_group_is_read(crowd: Crowd) -> None:
    group = crowd.group("wang.fang")
    upload = crowd.upload(files.payload("notice.png"), quote("告示.png"))
    group.sends({"type": "mixed", "content": f"@{ROBOT} 火星上的天气怎么样", "upload": upload})
    answer = group.reads()["content"]
    assert "没有找到" in answer
    assert "图片没能读出来" not in answer
