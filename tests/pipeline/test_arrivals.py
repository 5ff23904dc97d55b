"""A professional comes into the chat with an account by a link that was made for them."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from sqlalchemy import delete, insert

from bot.identity.tables import Account, bindings, professionals
from bot.messages import ConversationId, Sender
from tests.channels.wecom_kf.conftest import conversation
from tests.pipeline.clinic import QUESTION, Clinic, open_clinic
from tests.pipeline.conftest import FAQS, House, words
from tests.pipeline.test_background import RECORD
from tests.simulator.kf_desk import CHEN, LIN

NO_USE = "这个核实链接无效、已用过或已过期"


@pytest.fixture
def clinic(house: House, redis_client: "redis.Redis") -> Iterator[Clinic]:
    with open_clinic(house, redis_client, audience="hcp", audience_for="bound") as opened:
        with house.safety.cases.ledger.database.write() as connection:
            connection.execute(insert(professionals).values({**RECORD, "valid_until": house.clock() + 30 * 86_400}))
        yield opened


def link(clinic: Clinic) -> dict[str, str]:
    """What a link that an admin had made carries, as WeChat hands it on."""
    admin = ConversationId(bot="imaging", channel="app", person="zhang.wei")
    made = words(clinic.house.says("/hcp link HCP-7", conversation=admin, sender=Sender(id="zhang.wei")))
    url = made.splitlines()[-1].rpartition("：")[2]
    carried = {name: value for name, (value,) in parse_qs(urlsplit(url).query, strict_parsing=True).items()}
    assert len(carried["scene_param"].encode()) <= 128
    return carried


def comes(clinic: Clinic, person: str = CHEN, **carried: str) -> str:
    """What ``person`` hears on coming in."""
    clinic.practice.clock.now += 1
    before = len(clinic.desk.reached(person))
    clinic.desk.enters(person, **carried)
    clinic.goes_on(person)
    return "\n".join(clinic.desk.reached(person)[before:])


def record_of(clinic: Clinic, person: str = CHEN) -> str | None:
    account = Account.of(conversation(person))
    found = clinic.house.tools.bindings.professional_of("academy", account, clinic.house.clock())
    return found.record if found else None


def test_who_comes_by_the_link_is_bound_and_welcomed(clinic: Clinic) -> None:
    heard = comes(clinic, **link(clinic))
    assert heard.startswith("已核实您的医务人员身份")
    assert "小影" in heard, "one message gets through: it says both"
    assert record_of(clinic) == "HCP-7"
    assert clinic.refused == []


def test_who_comes_by_it_again_is_told_the_same_and_nobody_else_is_bound_by_it(clinic: Clinic) -> None:
    carried = link(clinic)
    comes(clinic, **carried)
    clinic.asks()
    assert comes(clinic, **carried).startswith("已核实")
    assert comes(clinic, LIN, **carried).startswith(NO_USE), "used"
    assert record_of(clinic, LIN) is None


@pytest.mark.parametrize("forged", ["claims", "signature", "verify-short", "verify-", "code"])
def test_a_forged_one_changes_nothing(clinic: Clinic, forged: str) -> None:
    carried = link(clinic)
    good = carried["scene_param"]
    code = clinic.house.tools.verification.open_entry(good, clinic.house.clock())
    other = {at: "A" if good[at] != "A" else "B" for at in (10, -1)}
    made = {"claims": good[:10] + other[10] + good[11:], "signature": good[:-1] + other[-1], "code": f"verify-{code}"}
    carried["scene_param"] = made.get(forged, forged)
    assert comes(clinic, **carried).startswith(NO_USE)
    assert record_of(clinic) is None
    assert comes(clinic, LIN, **{**carried, "scene_param": good}).startswith("已核实"), "and uses nothing up"


def test_one_that_is_over_changes_nothing(clinic: Clinic) -> None:
    carried = link(clinic)
    clinic.practice.clock.now += 72 * 3600 + 1
    assert comes(clinic, **carried).startswith(NO_USE)
    assert record_of(clinic) is None


def test_one_that_was_replaced_by_a_newer_one_changes_nothing(clinic: Clinic) -> None:
    carried = link(clinic)
    link(clinic)
    assert comes(clinic, **carried).startswith(NO_USE)


def test_a_record_that_is_gone_is_named_to_nobody(clinic: Clinic) -> None:
    carried = link(clinic)
    with clinic.house.safety.cases.ledger.database.write() as connection:
        connection.execute(delete(professionals))
        connection.execute(delete(bindings))
    heard = comes(clinic, **carried)
    assert heard.startswith(NO_USE)
    assert "HCP-7" not in heard


def test_a_link_that_the_operator_marked_otherwise_is_a_link_like_any(clinic: Clinic) -> None:
    assert comes(clinic, scene="poster", scene_param="hall-3").startswith("您好")
    assert comes(clinic, scene="poster", scene_param="hall-3") == "", "nothing is due"
    clinic.asks()
    assert clinic.heard()[-1].startswith(FAQS[QUESTION])


def test_who_makes_links_where_the_platform_makes_none_now_gets_the_code(clinic: Clinic) -> None:
    clinic.desk.fault(on="kf/add_contact_way", kind="errcode", errcode=-1)
    admin = ConversationId(bot="imaging", channel="app", person="zhang.wei")
    made = words(clinic.house.says("/hcp link HCP-7", conversation=admin, sender=Sender(id="zhang.wei")))
    assert "https://bot.example/verify/" in made
    assert "scene_param" not in made
