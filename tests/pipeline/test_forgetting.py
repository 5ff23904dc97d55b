"""Somebody who used everything is forgotten: what they wrote is nowhere any more, but for what the law holds."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bot.answering.grounded import Composer
from bot.answering.masks import Masks
from bot.llm.model import LanguageModel
from bot.messages import Attachment, MessageKind
from bot.settings import Settings
from tests.fakes.llm_server import LlmServer
from tests.fakes.scripted_http import Answer, ScriptedServer
from tests.media import files
from tests.pipeline.conftest import House

CANARY = "鹦鹉螺七号"
PHONE = "13800138000"


@pytest.fixture
def composer(redis_client: redis.Redis) -> Iterator[Composer]:
    with LlmServer() as llm:
        model = LanguageModel.from_settings(Settings(openai_base_url=llm.url, openai_model="large"), redis_client)
        yield Composer(model, Masks(redis_client, b"a secret of this test, long enough"))
        model.close()


def content(client: redis.Redis, key: bytes) -> bytes:
    """All that lies under ``key``."""
    readers = {
        b"string": lambda: [client.get(key)],
        b"list": lambda: client.lrange(key, 0, -1),
        b"hash": lambda: [piece for pair in client.hgetall(key).items() for piece in pair],
        b"zset": lambda: client.zrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"stream": lambda: [piece for _, fields in client.xrange(key) for pair in fields.items() for piece in pair],
    }
    return b"\0".join(readers[client.type(key)]())


def places(value: str, folder: Path, client: redis.Redis) -> set[str]:
    """Where ``value`` stands: tables, Redis keys, files."""
    found = set()
    with sqlite3.connect(folder / "bot.sqlite") as database:
        for line in database.iterdump():
            if value in line:
                found.add(line.split('"')[1])
    found |= {key.decode() for key in client.scan_iter() if value.encode() in content(client, key)}
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.startswith("bot.sqlite") and value.encode() in path.read_bytes():
            found.add(path.name)
    return found


def test_what_somebody_wrote_is_nowhere_after_they_were_forgotten(
    house: House, tmp_path: Path, redis_client: redis.Redis
) -> None:
    with ScriptedServer() as platform:
        platform.on("/file", Answer(body=files.pdf([f"报告 {CANARY}", PHONE]), headers={"X-Name": "a.pdf"}))
        shown = (Attachment(kind=MessageKind.FILE, url=f"{platform.url}/file"),)
        house.delivers("", kind=MessageKind.FILE, attachments=shown)
    house.delivers(f"我的手机是{PHONE}，{CANARY}的打印机在哪里？")
    house.delivers(f"这个文件里{CANARY}的电话是多少？")
    house.delivers(f"患者{CANARY}用了碘海醇，全身起疹子")
    house.delivers(f"/human {CANARY}")
    assert "turns" in places(CANARY, tmp_path, redis_client)
    assert "tickets" in places(CANARY, tmp_path, redis_client)
    assert any("masks" in key.decode() for key in redis_client.scan_iter())

    assert "将删除" in house.hears("删除我的信息")
    said = house.delivers("确认删除我的信息").answer
    assert "已删除：回合 5 个，评价 0 条，工单 1 个" in said
    assert "依规保留" in said
    assert places(PHONE, tmp_path, redis_client) == set()
    assert places(CANARY, tmp_path, redis_client) <= {"case_messages", "cases"}
    assert not any("masks" in key.decode() for key in redis_client.scan_iter())
    assert len(house.safety.cases.newest(10)) == 1, "the law holds it"
    assert list((tmp_path / "media").iterdir()) == []
