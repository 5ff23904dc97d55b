"""Numbers in words: what they are worth, where they begin and end, and which numerals count nothing."""

from fractions import Fraction

import pytest

from bot.answering.quantities import figures_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("二百九十", 290),
        ("九百九十九", 999),
        ("一百二", 120),
        ("一百零二", 102),
        ("一千零一", 1001),
        ("三千五", 3500),
        ("一万二", 12_000),
        ("一万零二", 10_002),
        ("一百二十万", 1_200_000),
        ("两亿三千万零五", 230_000_005),
        ("二〇二六", 2026),
        ("十五", 15),
        ("贰佰玖拾", 290),
        ("三百零五点二五", "305.25"),
        ("3万", 30_000),
        ("5百万", 5_000_000),
        ("三分之二", "2/3"),
        ("nine hundred and ninety-nine", 999),
        ("two thousand three hundred", 2300),
        ("seventy", 70),
    ],
)
def test_a_number_in_words_is_its_value(text: str, value: int | str) -> None:
    (quantity,) = figures_of(f"渗透压为{text}。" if not text.isascii() else f"it is {text}.").quantities
    assert (quantity.value, quantity.unit) == (Fraction(value), "")


@pytest.mark.parametrize(
    ("text", "values", "unit"),
    [
        ("一两天", {1, 2}, "day"),
        ("十五六岁", {15, 16}, "age"),
        ("二三十人", {20, 30}, ""),
        ("五四百人", {500, 400}, ""),
        ("三五天", {3, 5}, "day"),
        ("一点五毫升", {Fraction(3, 2)}, "ml"),
        ("一万五千毫升", {15_000}, "ml"),
        ("五千克", {5_000_000}, "mg"),
        ("二十千伏", {20}, "kv"),
        ("3亿九千万人", {300_000_000, 90_000_000}, ""),
        ("千分之五", {Fraction(1, 2)}, "%"),
        ("万分之三", {Fraction(3, 100)}, "%"),
        ("百分百", {100}, "%"),
        ("九成", {90}, "%"),
        ("零下二十度", {-20}, "°c"),
        ("保存于-20℃", {-20}, "°c"),
        ("保存于-5至10℃", {-5, 10}, "°c"),
        ("保存于2-8℃", {2, 8}, "°c"),
        ("twenty-four hours", {86_400}, "s"),
    ],
)
def test_approximations_parts_and_units(text: str, values: set[int | Fraction], unit: str) -> None:
    assert {(quantity.value, quantity.unit) for quantity in figures_of(text).quantities} == {
        (Fraction(value), unit) for value in values
    }


@pytest.mark.parametrize(
    "text",
    [
        "千万不要停药",
        "万一过敏",
        "十分罕见",
        "一一说明",
        "一般不用",
        "合二为一。",
        "成千上万",
        "统一管理",
        "one of two drugs",
    ],
)
def test_numerals_that_count_nothing(text: str) -> None:
    assert figures_of(text).quantities == frozenset()


@pytest.mark.parametrize(("text", "minutes"), [("上午九点三十", 570), ("下午三点", 900), ("九点零五分", 545)])
def test_a_time_of_day_is_no_decimal(text: str, minutes: int) -> None:
    figures = figures_of(text)
    assert [moment.minutes for moment in figures.moments] == [minutes]
    assert figures.quantities == frozenset()
