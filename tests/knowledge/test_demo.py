"""The demo an installation starts with: it loads without a complaint and claims nothing about the real world."""

import base64
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from bot.knowledge.chunk import passages
from bot.knowledge.entries import Audience, Entry
from bot.knowledge.faq_table import csv_rows, read_faq_table
from bot.knowledge.loaders import LoadLimits, decode_text, load_markdown
from bot.knowledge.origin import Origin

LIMITS = LoadLimits()


@pytest.fixture(scope="module")
def demo(repository: Path) -> Path:
    return repository / "deploy" / "demo"


def entries_of(path: Path) -> list[Entry]:
    text, encoding = decode_text(path.read_bytes())
    assert encoding == "UTF-8"
    origin = Origin(tenant="academy", collection="imaging", audience=Audience.PUBLIC, source=path.name)
    if path.suffix == ".md":
        return list(passages(load_markdown(text, name=path.stem), origin))
    table = read_faq_table(csv_rows(text, LIMITS), origin, timezone=ZoneInfo("Asia/Shanghai"), limits=LIMITS)
    assert (table.problems, table.notes) == ((), ())
    return list(table.entries)


def test_the_demo_knowledge_loads_without_a_complaint(demo: Path) -> None:
    found = {path.name: entries_of(path) for path in sorted((demo / "knowledge").iterdir())}
    assert len(found) == 5
    assert len(found["faq.csv"]) >= 40
    assert all(2 <= len(faq.questions) - 1 <= 4 for faq in found["faq.csv"])
    assert all(len(entries) >= 10 for entries in found.values())


def test_documents_say_that_they_are_fictional(demo: Path) -> None:
    for path in (demo / "knowledge").glob("*.md"):
        first, *rest = entries_of(path)
        assert "虚构，仅供演示" in first.text
        if "产品" in path.name:  # a product leaflet is quoted passage by passage: each must say it
            assert all("虚构" in entry.text + entry.location for entry in rest)
            assert not re.search(r"\d\s*(mg|ml|g|μg|毫克|毫升|克|微克)", " ".join(entry.text for entry in rest), re.I)


def test_the_demo_bot_has_working_fake_secrets(demo: Path) -> None:
    bots = yaml.safe_load((demo / "bots.yaml").read_text(encoding="utf-8"))["bots"]
    channels = list(bots["imaging"]["channels"].values())
    assert {"wecom-app", "wecom-aibot", "wecom-kf"} <= {channel["type"] for channel in channels}
    for channel in channels:
        if "encoding_aes_key" not in channel:
            continue  # it only sends
        assert re.fullmatch(r"[A-Za-z0-9]{43}", channel["encoding_aes_key"])
        assert len(base64.b64decode(channel["encoding_aes_key"] + "=", validate=True)) == 32
        assert re.fullmatch(r"[A-Za-z0-9]{3,32}", channel["token"])
