"""What people show is screened like what they write: a report in a PDF, a package insert, a picture."""

from collections.abc import Iterator

import pytest

from bot.messages import Attachment, MessageKind
from bot.safety.adverse_events import Kind, default_lexicon
from bot.safety.cases.documents import LONGEST_PASSAGE, MOST_PASSAGES, told_in_document
from tests.fakes.scripted_http import Answer, ScriptedServer
from tests.media import files
from tests.pipeline.conftest import House

MINUTES = ["第三季度影像科例会纪要", "讨论了设备保养和排班，下一次例会在月底。"]
REPORT = ["不良事件情况说明：患者女，56岁，静脉注射碘海醇约五分钟后全身皮疹伴喉头水肿，", "经抢救后好转，现住院观察。"]
INSERT = [
    "【成份】碘海醇【性状】无色澄明液体【适应症】血管造影【用法用量】遵医嘱",
    "【不良反应】恶心、呕吐、皮疹、休克，曾有患者死亡的报告【禁忌】甲状腺毒症【注意事项】警惕过敏",
]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


def sends(house: House, server: ScriptedServer, *pages: list[str]) -> str:
    server.on("/file", Answer(body=files.pdf(*pages), headers={"X-Name": "minutes.pdf"}))
    shown = (Attachment(kind=MessageKind.FILE, url=f"{server.url}/file", format=""),)
    return house.hears("", kind=MessageKind.FILE, attachments=shown)


def test_a_report_in_a_pdf_opens_a_case_that_says_where_it_was_read(house: House, server: ScriptedServer) -> None:
    sends(house, server, MINUTES, REPORT)
    (case,) = house.safety.cases.newest(10)
    assert Kind.ADVERSE_EVENT in case.kinds
    (message,) = house.safety.cases.messages(case.number)
    assert message.medium == "file"
    assert "喉头水肿" in house.safety.cases.unsealed(message).words
    assert message.attachments[0]["media"]


@pytest.mark.parametrize("pages", [[MINUTES], [INSERT]], ids=["minutes", "insert"])
def test_what_tells_of_nobody_opens_none(house: House, server: ScriptedServer, pages: list[list[str]]) -> None:
    sends(house, server, *pages)
    assert house.safety.cases.newest(10) == []


def test_of_a_long_document_only_what_is_suspected_is_heard() -> None:
    harmless = "本周共完成增强扫描四十例，排班和保养照常。\n" * 60
    told = "".join(REPORT)
    (passage,) = told_in_document(f"{harmless}\n{told}\n{harmless}", default_lexicon())
    assert told in passage
    assert len(passage) <= LONGEST_PASSAGE
    many = told_in_document(f"{harmless}\n{told}\n" * 12, default_lexicon())
    assert len(many) == MOST_PASSAGES
