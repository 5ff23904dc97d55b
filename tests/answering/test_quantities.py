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


@pytest.mark.parametrize(
    ("one", "other"), [("5‰", "0.5%"), ("0.5平方公里", "500000平方米"), ("3公顷", "30000平米"), ("2吨", "2000公斤")]
)
def test_shares_areas_and_tonnes_are_amounts_too(one: str, other: str) -> None:
    assert measured(one) == measured(other) != set()


@pytest.mark.parametrize(
    ("period", "same"),
    [
        ("晚上7点到8点半", "19:00至20:30"),
        ("上午9点到下午5点", "9:00至17:00"),
        ("上午9点到12点", "9:00至12:00"),
        ("下午2点开会，8点散会", "14:00，8:00"),
    ],
)
def test_a_period_ends_in_the_half_of_the_day_in_which_it_begins(period: str, same: str) -> None:
    assert figures_of(period).moments == figures_of(same).moments


def test_a_number_without_unit_is_an_amount_in_a_unit_that_the_source_names() -> None:
    table = figures_of("用量（mg）：早 5，晚 10", source=True)
    assert not figures_of("早上5 mg").missing_in(table)
    assert figures_of("早上5 ml").missing_in(table)
