"""Admins bind people to professionals' records in a chat."""

import re

import pytest

from bot.audit.anchors import Anchors
from bot.audit.key import AuditKey
from bot.audit.log import AuditLog
from bot.identity.links import VerificationLinks
from bot.identity.register import Register
from bot.identity.roster import Row
from bot.identity.tables import Account, Author
from tests.commands.conftest import ADMIN, ANYBODY, GROUP, SERVICER, Chat


@pytest.fixture(autouse=True)
def _records(chat: Chat) -> None:
    """Two records of our tenant and one of another."""
    office = chat.office
    audit = AuditLog(office.database, AuditKey(b"a secret of this test"), Anchors(office.folder / "anchors.jsonl"))
    end = office.now + 86_400
    for tenant, names in (("academy", ("H-1", "H-2")), ("other", ("F-1",))):
        rows = [
            Row(record=name, licence="", hospital="", department="", title="", valid_until=end, account=None)
            for name in names
        ]
        Register(audit).load(tenant, rows, source="a.csv", by=Author(actor="cli:test"), now=office.now)


def bound(chat: Chat, person: str = ANYBODY) -> str | None:
    account = Account(bot="imaging", channel="app", person=person)
    found = chat.office.tools.bindings.professional_of("academy", account, chat.office.now)
    return found.record if found else None


def test_an_admin_binds_and_releases_a_person(chat: Chat) -> None:
    assert "dr.wang（渠道 app）绑定到记录 H-1，有效期至 2027-01-16" in chat.hears(ADMIN, f"/bind {ANYBODY} H-1")
    assert bound(chat) == "H-1"
    audited = chat.office.audited[-1]
    assert (audited.details["command"], audited.details["result"]) == ("bind", "done")
    assert ANYBODY not in str(audited.details)
    assert "已绑定到另一条" in chat.hears(ADMIN, f"/绑定用户 {ANYBODY} H-2 app")
    assert "已绑定了另一个账号" in chat.hears(ADMIN, "/bind dr.li H-1")
    assert "已解除 dr.wang" in chat.hears(ADMIN, f"/unbind {ANYBODY}")
    assert bound(chat) is None
    assert "没有绑定任何" in chat.hears(ADMIN, f"/解除绑定 {ANYBODY}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/bind dr.wang H-9", "没有有效的医务人员记录 H-9"),
        ("/bind dr.wang F-1", "没有有效的医务人员记录 F-1"),
        ("/bind dr.wang H-1 nowhere", "没有渠道“nowhere”"),
        ("/bind dr.wang", "/bind 用户账号 记录编号"),
        ("/hcp link F-1", "没有有效的医务人员记录 F-1"),
        ("/hcp", "/hcp link 记录编号"),
    ],
)
def test_what_cannot_be_is_refused(chat: Chat, text: str, said: str) -> None:
    assert said in chat.hears(ADMIN, text)
    assert bound(chat) is None


@pytest.mark.parametrize("text", ["/bind dr.wang H-1", "/unbind dr.wang", "/hcp link H-1"])
def test_it_is_for_admins_in_a_single_chat(chat: Chat, text: str) -> None:
    for person in (ANYBODY, SERVICER):
        chat.hears(person, text)
        assert chat.office.audited[-1].details["result"] in ("not_permitted", "unknown_command", "unknown_command_near")
    assert "只能在单聊里使用" in chat.hears(ADMIN, text, chat=GROUP)
    assert bound(chat) is None


def test_a_code_goes_from_an_admin_to_the_person_and_binds_once(chat: Chat) -> None:
    made = chat.says(ADMIN, "/hcp link H-2")
    (code,) = re.findall(r"：(\w{4}-\w{4}-\w{4}-\w{4})$", made.text, re.MULTILINE)[:1]
    assert made.record_as is not None
    assert code not in made.record_as
    links = VerificationLinks(b"a secret of this test, long enough", "https://bot.example")
    url = made.text.splitlines()[-1]
    assert links.open(url.removeprefix("https://bot.example/verify/"), chat.office.now) == code
    assert "已核实" in chat.hears(ANYBODY, f"绑定 {code}")
    assert bound(chat) == "H-2"
    assert code not in str(chat.office.audited)
    assert "验证码无效或已过期" in chat.hears("dr.li", f"/verify {code}")
    assert bound(chat, "dr.li") is None


def test_a_code_is_for_any_bot_of_its_tenant_and_no_other(chat: Chat) -> None:
    code = chat.office.tools.bindings.issue("academy", "H-1", Author(person=ADMIN), chat.office.now)
    _, second, foreign = chat.office.bots
    assert "验证码无效或已过期" in chat.hears(ANYBODY, f"绑定 {code}", bot=foreign)
    assert "已核实" in chat.hears(ANYBODY, f"绑定 {code}", bot=second)
    assert bound(chat) is None, "bound where the code was sent, and nowhere else"


def test_codes_cannot_be_tried_for_long(chat: Chat) -> None:
    code = chat.office.tools.bindings.issue("academy", "H-1", Author(person=ADMIN), chat.office.now)
    for _ in range(10):
        chat.hears(ANYBODY, "绑定 AAAA-BBBB-CCCC-DDDD")
    chat.hears(ANYBODY, f"绑定 {code}")
    assert chat.office.audited[-1].details["result"] == "too_often"
    assert bound(chat) is None


def test_who_is_forgotten_is_bound_no_more(chat: Chat) -> None:
    chat.hears(ADMIN, f"/bind {ANYBODY} H-1")
    chat.hears(ADMIN, "/bind dr.li H-2")
    held = chat.office.tools.personal.held("imaging", ANYBODY).bindings
    assert [(row["record"], row["channel"], row["source"]) for row in held] == [("H-1", "app", "command")]
    assert "医务人员绑定 1 条" in chat.confirms(ADMIN, f"/forget {ANYBODY}")
    assert (bound(chat), bound(chat, "dr.li")) == (None, "H-2")
    assert chat.office.tools.personal.held("imaging", ANYBODY).bindings == ()
