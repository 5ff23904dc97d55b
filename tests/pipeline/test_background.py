"""What a human reads of a person before taking over: who they are known to be, and what their case still lacks."""

from dataclasses import replace

from sqlalchemy import insert

from bot.handoff.background import Background
from bot.identity.tables import Account, Author, professionals
from bot.messages import ConversationId
from bot.texts import Texts
from tests.pipeline.conftest import NOW, House

WANG = ConversationId(bot="imaging", channel="app", person="wang.fang")
RECORD = {
    "tenant": "academy",
    "record": "HCP-7",
    "licence": "",
    "hospital": "示例医院",
    "department": "放射科",
    "title": "主任医师",
    "valid_until": NOW + 1000,
    "source": "list.csv",
    "imported_at": NOW,
}


def background(house: House) -> Background:
    return Background(house.safety.cases.ledger, house.tools.bindings, Texts(), house.clock)


def test_of_somebody_unknown_there_is_nothing(house: House) -> None:
    assert background(house)(house.bots["imaging"], WANG) == []


def test_the_open_case_and_what_it_lacks(house: House) -> None:
    house.says("患者用了碘海醇，全身起疹子")
    (line,) = background(house)(house.bots["imaging"], WANG)
    assert "不良反应病例 1" in line
    assert "可识别的患者" in line or "可识别的报告者" in line
    assert background(house)(house.bots["imaging"], ConversationId(bot="imaging", channel="app", person="li.na")) == []


def test_the_open_case_however_many_others_report_after_it(house: House) -> None:
    house.says("患者用了碘海醇，全身起疹子")
    for other in range(21):
        house.says("患者用了碘海醇，全身起疹子", conversation=replace(WANG, person=f"other.{other}"))
    (line,) = background(house)(house.bots["imaging"], WANG)
    assert "不良反应病例 1 " in line


def test_the_record_of_a_professional(house: House) -> None:
    with house.safety.cases.ledger.database.write() as connection:
        connection.execute(insert(professionals).values(RECORD))
    house.tools.bindings.bind("academy", Account.of(WANG), "HCP-7", Author(person="zhang.wei"), NOW)
    (line,) = background(house)(house.bots["imaging"], WANG)
    assert line == "已核实的医务人员：记录 HCP-7 示例医院 放射科 主任医师"
