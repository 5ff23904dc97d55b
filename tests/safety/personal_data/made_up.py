"""Numbers with right check digits, for nobody."""

import random

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_REGIONS = ("110105", "310104", "330106", "440305", "510107", "420111", "320505", "610113", "210102", "230103")


def digits(chance: random.Random, length: int) -> str:
    """So many digits, the first not 0."""
    return chance.choice("123456789") + "".join(chance.choice("0123456789") for _ in range(length - 1))


def id_card(chance: random.Random) -> str:
    """The number of an identity card."""
    day = f"{chance.randint(1930, 2015)}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}"
    number = f"{chance.choice(_REGIONS)}{day}{chance.randint(1, 999):03d}"
    return number + "10X98765432"[sum(int(d) * w for d, w in zip(number, _ID_WEIGHTS, strict=True)) % 11]


def bank_card(chance: random.Random) -> str:
    """The number of a bank card."""
    prefix, length = chance.choice([("622202", 19), ("621700", 19), ("622588", 16), ("436742", 19), ("625955", 16)])
    number = prefix + "".join(chance.choice("0123456789") for _ in range(length - 7))
    return next(number + check for check in "0123456789" if _luhn(number + check))


def _luhn(number: str) -> bool:
    doubled = (2 * int(digit) for digit in number[-2::-2])
    return (sum(map(int, number[-1::-2])) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0


def phone(chance: random.Random) -> str:
    """The number of a mobile telephone."""
    return f"1{chance.choice('3456789')}{digits(chance, 9)}"
