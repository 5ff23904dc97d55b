"""Rosters are checked row by row before anything of them is taken."""

from datetime import datetime

import pytest

from bot.identity.roster import Roster, read_roster
from bot.identity.tables import Account
from tests.identity.conftest import PLACES, SHANGHAI

WHOLE = "编号,姓名,执业证号,医院,科室,职称,有效期至,账号,渠道\n"


def read(text: str) -> Roster:
    return read_roster(text, timezone=SHANGHAI, places=PLACES)


def test_a_row_is_read_with_all_its_columns_and_no_name() -> None:
    roster = read(WHOLE + "H-1,王芳,1101 ａ1,示例医院,放射科,主任医师,2027/1/31,wmWANG,imaging/kf\n\n")
    (row,) = roster.rows
    assert (row.record, row.licence, row.hospital, row.department, row.title) == (
        "H-1",
        "1101A1",
        "示例医院",
        "放射科",
        "主任医师",
    )
    assert row.valid_until == datetime(2027, 2, 1, tzinfo=SHANGHAI).timestamp(), "the last day counts"
    assert row.account == Account(bot="imaging", channel="kf", person="wmWANG")
    assert (roster.problems, roster.not_kept) == ((), ("姓名",))
    assert "王芳" not in str(row)


def test_english_columns_in_any_order_are_enough() -> None:
    (row,) = read("Valid_Until,record\n2027-01-31,7\n").rows
    assert (row.record, row.licence, row.account) == ("7", "", None)


def test_what_nobody_sees_makes_no_difference() -> None:
    who = "\ufeffＨ-\u200b１,,1101\u200b-10\u00ad,示例\u202e医院\x1b[2J,\u3000放射科,,"
    (row,) = read(f"{WHOLE}{who}2027-01-31,\u2060wmWANG,imaging/kf\n").rows
    assert (row.record, row.licence, row.hospital, row.department) == ("H-1", "110110", "示例医院[2J", "放射科")
    assert row.account == Account(bot="imaging", channel="kf", person="wmWANG")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("Ｈ-1,,,,,,2027-01-31,,\nh-1,,,,,,2027-01-31,,", "row 3: the same record as row 2"),
        ("1,,11-0,,,,2027-01-31,,\n2,,1 10,,,,2027-01-31,,", "row 3: the same licence as row 2"),
        ("1,,,,,,2027-01-31,王芳,imaging/kf", "row 2: account must be a platform id"),
        ("a b,,,,,,2027-01-31,,", "row 2: record must be"),
        (",,,,,,2027-01-31,,", "row 2: record must be"),
        ("1,,,,,,,,", "row 2: valid_until is not a date ()"),
        ("1,,,,,,2027-02-30,,", "row 2: valid_until is not a date (2027-02-30)"),
        ("1,,,,,,9999-12-31,,", "row 2: valid_until is not a date (9999-12-31)"),
        ("1,,,,,,2027-01-31,wm1,", "row 2: account and channel belong together"),
        ("1,,,,,,2027-01-31,,imaging/kf", "row 2: account and channel belong together"),
        (
            "1,,,,,,2027-01-31,wm1,foreign/kf",
            "row 2: there is no channel foreign/kf; there are: imaging/app, imaging/kf",
        ),
        ("1,,,,,,2027-01-31,wm 1,imaging/kf", "row 2: account must be a platform id"),
        (f"1,,,{'院' * 129},,,2027-01-31,,", "row 2: hospital has 129 characters"),
        ("1,,,,,,2027-01-31,,,surplus", "row 2: 10 cells under 9 columns"),
        ("1,,,,,,2027-01-31,,\n1,,,,,,2027-01-31,,", "row 3: the same record as row 2"),
        ("1,,x1,,,,2027-01-31,,\n2,,X１,,,,2027-01-31,,", "row 3: the same licence as row 2"),
        (
            "1,,,,,,2027-01-31,wmA,imaging/kf\n2,,,,,,2027-01-31,wma,imaging/kf",
            "row 3: the same account as row 2",
        ),
        ('1,,,"x', "not CSV"),
    ],
)
def test_what_is_wrong_is_told_with_its_row(line: str, problem: str) -> None:
    (told,) = read(WHOLE + line + "\n").problems
    assert told.startswith(problem)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("", "row 1: the columns 编号 (record), 有效期至 (valid_until) must be there"),
        ("编号,医院", "row 1: the columns 编号 (record), 有效期至 (valid_until) must be there"),
        ("编号,record,有效期至", "row 1: the column record is there twice: keep one"),
    ],
)
def test_a_wrong_header_is_told(header: str, problem: str) -> None:
    assert read(header).problems == (problem,)
