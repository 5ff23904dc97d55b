"""A case taken along: the form as a workbook and a PDF, and the elements of E2B(R3)."""

import io
import json
import re
from typing import Any

import openpyxl
import pypdfium2
import pytest

from bot.safety.cases.dossier import Dossier, Form, open_dossier
from bot.safety.cases.e2b import e2b_elements
from bot.safety.cases.files import pdf, workbook
from bot.texts import LANGUAGES, Language, Texts
from tests.safety.cases.conftest import NOW, REPORT, SHANGHAI, Clinic, make_bot

ELEMENTS: dict[str, str] = {  # ICH E2B(R3): id and what may stand there (guidance 1.4)
    "C.1.1": r"CN-.{1,60}",
    "C.1.2": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00",
    "C.1.3": r"[1-4]",
    "C.1.4": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00",
    "C.1.5": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00",
    "C.2.r.1": r".{1,60}",
    "C.3.2": r".{1,100}",
    "D.2.2a": r"\d{1,3}",
    "D.2.2b": r"a|mo|d",
    "D.5": r"[12]",
    "E.i.1.1a": r"(?s:.{1,250})",
    "E.i.1.1b": r"zho",
    **{f"E.i.3.2{letter}": r"true" for letter in "abcdef"},
    "G.k.1": r"[1-4]",
    "G.k.2.2": r".{1,250}",
    "G.k.4.r.7": r".{1,35}",
    "G.k.10.r": r"[1-9]|1[01]",
    "H.1": r"(?s:.{1,100000})",
}
GROUPS = {"C.2.r", "E.i", "G.k", "G.k.4.r", "G.k.10"}


def faults(elements: dict[str, Any]) -> list[str]:
    """What in an export is no element, has a value that it cannot have, or is empty."""
    found = []
    for name, value in elements.items():
        if name in GROUPS:
            found += [fault for group in value for fault in faults(group)] if value else [f"{name} is empty"]
        elif name not in ELEMENTS:
            found.append(f"{name} is no element")
        elif isinstance(value, dict):
            found += [] if value == {"nullFlavor": "NI"} else [f"{name}: {value}"]
        elif not re.fullmatch(ELEMENTS[name], str(value)):
            found.append(f"{name}: {value!r}")
    return found


def dossier(clinic: Clinic, *, unmasked: bool = False) -> Dossier:
    return open_dossier(clinic.cases, clinic.case(), clinic.bots["imaging"], unmasked=unmasked)


def exported(clinic: Clinic, *, unmasked: bool = False) -> dict[str, Any]:
    elements: dict[str, Any] = json.loads(
        json.dumps(e2b_elements(dossier(clinic, unmasked=unmasked), "imaging", NOW + 60, SHANGHAI))
    )
    return elements


def test_the_elements_of_a_whole_case(clinic: Clinic) -> None:
    """Row 14."""
    clinic.bots["imaging"] = make_bot(company="示例药业")
    clinic.tell(REPORT + "，住院了，批号 B7788")
    elements = exported(clinic)
    assert faults(elements) == []
    assert elements["C.1.1"] == "CN-imaging-1"
    assert elements["C.1.4"] == "2027-01-15T16:00:00+08:00"
    assert elements["C.3.2"] == "示例药业"
    assert (elements["D.2.2a"], elements["D.2.2b"], elements["D.5"]) == ("56", "a", "2")
    assert {event["E.i.3.2c"] for event in elements["E.i"]} == {"true"}
    assert elements["E.i"][0]["E.i.3.2a"] == {"nullFlavor": "NI"}, "a criterion that was not told is never false"
    assert elements["G.k"][0]["G.k.2.2"] == "示影灵"
    assert elements["G.k"][0]["G.k.4.r"] == [{"G.k.4.r.7": "b7788"}]
    assert REPORT in elements["H.1"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("护士把示影灵10mg配成了100mg，还没给病人用", "7"),
        ("一次吃了一整板示影灵", "2"),
        ("有个病人把示影灵用在儿童川崎病上效果不错", "11"),
    ],
)
def test_special_situations_have_their_codes(clinic: Clinic, words: str, code: str) -> None:
    clinic.tell(words)
    elements = exported(clinic)
    assert faults(elements) == []
    assert {"G.k.10.r": code} in elements["G.k"][0]["G.k.10"]


def test_what_is_unknown_is_absent(clinic: Clinic) -> None:
    clinic.tell("有人起疹子了，用的是你们的药")
    elements = exported(clinic)
    assert faults(elements) == []
    assert not {"D.2.2a", "D.2.2b", "D.5", "C.2.r"} & set(elements)


def test_two_ages_are_none(clinic: Clinic) -> None:
    clinic.tell("患者女，56岁，用了示影灵后皮疹，她65岁的姐姐没事")
    assert "D.2.2a" not in exported(clinic)


@pytest.mark.parametrize(
    "words",
    [
        "吃了3个月的示影灵，现在转氨酶升高，恶心",
        "停药1个月后皮疹才消，用的是示影灵",
        "男朋友给我打的示影灵，我打完后皮疹",
        "老人用示影灵后吐了，女儿，儿子都在",
        "我妈妈用了示影灵吐了，我今年40岁，我是女的",
        "示影灵18岁以下用后也会皮疹，我用完就皮疹了",
    ],
)
def test_a_treatment_a_daughter_and_the_speaker_are_not_the_patient(clinic: Clinic, words: str) -> None:
    clinic.tell(words)
    assert not {"D.2.2a", "D.2.2b", "D.5"} & set(exported(clinic)), "nothing is guessed"


@pytest.mark.parametrize(
    ("words", "age", "unit", "sex"),
    [
        ("患儿，男，8个月，用示影灵后皮疹", "8", "mo", "1"),
        ("11个月大的女婴用示影灵后皮疹", "11", "mo", "2"),
        ("65 岁女性患者注射示影灵后呕吐", "65", "a", "2"),
        ("我今年40岁，我是男的，打完示影灵皮疹", "40", "a", "1"),
    ],
)
def test_the_patient_is_read_off_the_words(clinic: Clinic, words: str, age: str, unit: str, sex: str) -> None:
    clinic.tell(words)
    elements = exported(clinic)
    assert (elements["D.2.2a"], elements["D.2.2b"], elements["D.5"]) == (age, unit, sex)


def test_half_a_character_can_be_taken_along(clinic: Clinic) -> None:
    clinic.tell("用了示影灵后皮疹\ud83e")
    whole = dossier(clinic, unmasked=True)
    form = Form(clinic.cases, Texts(), "zh")
    for write in (workbook, pdf):
        assert write(form.title(whole), form.sections(whole))
    assert "用了示影灵后皮疹\\ud83e" in exported(clinic, unmasked=True)["H.1"]


def test_names_and_numbers_only_unmasked(clinic: Clinic) -> None:
    clinic.tell("用了示影灵后皮疹，电话13800138000")
    masked, whole = exported(clinic), exported(clinic, unmasked=True)
    assert "13800138000" not in json.dumps(masked, ensure_ascii=False)
    assert "13800138000" in whole["H.1"]
    assert whole["C.2.r"] == [{"C.2.r.1": "王芳"}]
    assert faults(whole) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_has_every_field_and_leaves_judgement_to_humans(clinic: Clinic, language: Language) -> None:
    clinic.tell(REPORT)
    texts = Texts()
    form = Form(clinic.cases, texts, language)
    fields = {label: value for section in form.sections(dossier(clinic)) for label, value in section.rows}
    assert fields[texts.say("case_field_suspect", language)] == "示影灵"
    assert fields[texts.say("case_field_age", language)] == "56岁"
    assert fields[texts.say("case_field_causality", language)] == ""
    assert REPORT in [value for section in form.sections(dossier(clinic)) for _, value in section.rows]


def test_the_workbook_holds_text_and_no_formula(clinic: Clinic) -> None:
    words = '=HYPERLINK("http://evil","x") 用了示影灵后皮疹\x07'
    clinic.tell(words)
    form = Form(clinic.cases, Texts(), "zh")
    content = workbook(form.title(dossier(clinic)), form.sections(dossier(clinic)))
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value]
    assert {cell.data_type for cell in cells} == {"s"}
    assert words.replace("\x07", "") in [cell.value for cell in cells]


def test_the_pdf_says_the_same_whatever_is_written(clinic: Clinic) -> None:
    clinic.tell("<b>用了示影灵后皮疹</b> & 发烧\n第二行 " + "很长" * 3000)
    form = Form(clinic.cases, Texts(), "zh")
    document = pypdfium2.PdfDocument(pdf(form.title(dossier(clinic)), form.sections(dossier(clinic))))
    text = "".join(page.get_textpage().get_text_bounded() for page in document)
    document.close()
    flat = re.sub(r"\s", "", text)
    assert "药品不良反应/事件报告表（病例1）" in flat
    assert "<b>用了示影灵后皮疹</b>&发烧" in flat
    assert flat.count("很长") == 3000
