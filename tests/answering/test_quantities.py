"""One quantity has one form, whatever it is written in, and another one has another."""

import pytest

from bot.answering.quantities import figures_of


def measured(text: str) -> set[tuple[object, str]]:
    return {(quantity.value, quantity.unit) for quantity in figures_of(text).quantities}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("500微克", "0.5 mg"),
        ("250 ng", "0.25 μg"),
        ("1.5千克", "1500 g"),
        ("0.32 g/ml", "320 mg/ml"),
        ("2 g/l", "2 mg/ml"),
        ("5 ml/min", "300 ml/h"),
        ("50 ul", "0.05毫升"),
        ("3 cm", "30毫米"),
        ("两个小时", "120分钟"),
        ("1.5万元", "15000元"),
        ("3次/天", "每天3次"),
    ],
)
def test_the_same_amount_in_two_units_is_one(one: str, other: str) -> None:
    assert measured(one) == measured(other) != set()


@pytest.mark.parametrize(
    ("one", "other"), [("5 mg", "5 g"), ("5 mg/ml", "5 mg/l"), ("5 mg", "5 ml"), ("500微克", "500毫克")]
)
def test_the_same_number_of_another_unit_is_another_amount(one: str, other: str) -> None:
    assert measured(one).isdisjoint(measured(other))


def test_a_quantity_is_exact() -> None:
    assert measured("0.1 g") == {(100, "mg")}
