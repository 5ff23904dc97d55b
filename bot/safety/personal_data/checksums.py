"""Check digits: what tells a number from one that only looks like it."""

from datetime import date

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_CREDIT_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "83",
        "91",
    ]
)
"""First two digits of a resident's number; 83 is for residents from Taiwan, 91 for permanent residents from abroad."""


def id_card_ok(number: str) -> bool:
    """Whether ``number`` (18 characters) has the check digit of GB 11643 and the shape of :func:`id_card_shape`."""
    number = number.upper()
    if not id_card_shape(number):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, _ID_WEIGHTS, strict=False))
    return _ID_CHECK[total % 11] == number[17]


def id_card_shape(number: str) -> bool:
    """Whether ``number`` (18 characters) begins with a province and holds a day of birth, whatever its check digit."""
    return number[:2] in _PROVINCES and is_day(number[6:14])


def is_day(digits: str) -> bool:
    """Whether ``digits`` (YYYYMMDD) is a day since 1850."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year >= 1850
    except ValueError:
        return False


def luhn_ok(digits: str) -> bool:
    """Whether ``digits`` has the check digit of ISO/IEC 7812 (bank cards)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        if place % 2:
            value = 2 * value - 9 if value > 4 else 2 * value
        total += value
    return total % 10 == 0


def credit_code_ok(code: str) -> bool:
    """Whether ``code`` (18 characters) has the check character of GB 32100."""
    if any(character not in _CREDIT_CODE for character in code):
        return False
    total = sum(_CREDIT_CODE.index(character) * pow(3, place, 31) for place, character in enumerate(code[:17]))
    return _CREDIT_CODE[-total % 31] == code[17]


def hong_kong_id_ok(letters: str, digits: str, check: str) -> bool:
    """Whether a Hong Kong identity card's number (``A``, ``123456``, ``3``) has the right check digit."""
    values = [36] * (2 - len(letters)) + [ord(letter) - 55 for letter in letters.upper()]
    values += [int(digit) for digit in digits]
    total = sum(value * weight for value, weight in zip(values, range(9, 1, -1), strict=True))
    return "0123456789A"[-total % 11] == check.upper()
