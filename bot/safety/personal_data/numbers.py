"""Numbers that name a person: identity cards, bank cards, telephones.

A number counts when its check digit is right, when its form is nobody else's, or when a word before it says what it
is. Hotlines (95588, 400-…) are a company's and no personal data.
"""

import re
from collections.abc import Iterator

from bot.safety.personal_data import cues
from bot.safety.personal_data.checksums import hong_kong_id_ok, id_card_ok, id_card_shape, is_day, luhn_ok
from bot.safety.personal_data.plain import read_look_alikes
from bot.safety.personal_data.spans import Ground, Kind, Span

_GAP = r"[ \-\n]{0,3}"
_ID_GAP = r"[ \-\n._*/]{0,3}"
_ID_CARD = re.compile(
    rf"(?<![0-9.])(?=([1-9](?:{_ID_GAP}[0-9]){{5}}{_ID_GAP}(?:1{_ID_GAP}[89]|2{_ID_GAP}0)(?:{_ID_GAP}[0-9]){{9}}"
    rf"{_ID_GAP}[0-9Xx])(?![0-9]))"
)
_OLD_ID_CARD = re.compile(r"(?<![0-9A-Za-z.])[1-9][0-9]{5}([0-9]{2}[01][0-9][0-3][0-9])[0-9]{3}(?![0-9A-Za-z])")
_HONG_KONG_ID = re.compile(r"(?<![0-9A-Za-z])([A-Za-z]{1,2})([0-9]{6})\(([0-9Aa])\)")
_HOTLINE = re.compile(r"(?<![0-9])(?:[48]00[ \-]?[0-9]{3}[ \-]?[0-9]{4}|[48]00[ \-]?[0-9]{4}[ \-]?[0-9]{3})(?![0-9])")
_PREFIX = r"(?:\(?(?:\+|00)\s?86\)?[ \-]?|\(86\)[ \-]?|86[ \-])?"
_PHONE = re.compile(rf"(?<![0-9.]){_PREFIX}(1[3-9][0-9][ \-.·]?[0-9]{{4}}[ \-.·\n]?[0-9]{{4}})(?![0-9]|\.[0-9])")
_LOOSE_PHONE = re.compile(rf"(?<![0-9.])(1{_GAP}[3-9](?:{_GAP}[0-9]){{9}})(?![0-9]|\.[0-9])")
_CUED_PHONE = re.compile(r"(?<![0-9.,/])(1[3-9][0-9][,/_~*][ ]?[0-9]{4}[,/_~*][ ]?[0-9]{4})(?![0-9]|[.,/][0-9])")
_PHONE_GROUPS = {(3, 3, 5), (7, 4)}
_FOREIGN_PHONE = re.compile(
    r"(?<![0-9A-Za-z])\+(?!86|1[3-9][0-9]{9}(?![0-9]))[1-9][0-9]{0,2}[ \-]?"
    r"\(?[0-9]{1,4}\)?(?:[ \-]?[0-9]{2,4}){2,4}(?![0-9])"
)
_LANDLINE = re.compile(
    r"(?<![0-9A-Za-z.])(?:\+?86[ \-]?)?\(?"
    r"(?:0(?:10|2[0-9]|[3-9][0-9]{2})|(?<=86[ \-])(?:10|2[0-9]|[3-9][0-9]{2}))\)?[ \-]{0,2}"
    r"[2-9][0-9]{2,3}[ \-]?[0-9]{4}(?:-[0-9]{1,6})?(?![0-9]|\.[0-9])"
)
_LOCAL_LINE = re.compile(r"(?<![0-9A-Za-z.\-])[2-8][0-9]{2,3}[ \-]?[0-9]{4}(?:-[0-9]{1,5})?(?![0-9A-Za-z\-]|\.[0-9])")
_CARD_START = re.compile(r"(?<![0-9.])[3-69](?=(?:[ \-\n]?[0-9]){14})")
_CARD = re.compile(r"[0-9](?:[ \-\n]?[0-9]){14,18}")
_CARD_GROUPS = re.compile(
    r"[0-9]{15,19}|[0-9]{4}(?:[ \-][0-9]{4}){2,3}(?:[ \-][0-9]{1,4})?"
    r"|[0-9]{6}[ \-][0-9]{10,13}|[0-9]{4} [0-9]{6} [0-9]{5}"
)
_SHORTEST_CARD = 15
_NO_DIGIT = re.compile(r"[^0-9Xx]")
_LETTERS_BEFORE = re.compile(r"([A-Za-z_]+)$")
_WORDS_BEFORE = frozenset({"tel", "phone", "mobile", "mob", "cell", "wx", "vx", "v", "id", "sfz", "call", "qq"})
_AMOUNT_AFTER = re.compile(r"\s?(?:元|块钱|万元|m[lLgm]|kg|支|盒|瓶|人次|股)")
_TOKEN_AFTER = re.compile(r"[A-Za-z_]*[0-9]")


def digits_of(text: str) -> str:
    """``text`` without what separates its digits."""
    return _NO_DIGIT.sub("", text)


def claim_numbers(ground: Ground, text: str) -> None:
    """Claim every such number of plain ``text``."""
    for found in _HOTLINE.finditer(text):
        ground.keep(*found.span())
    ground.claim_all(_id_cards(text))
    ground.claim_all(_bank_cards(text))
    ground.claim_all(_telephones(text))
    alike = read_look_alikes(text)
    if alike != text:
        ground.claim_all(span for span in _id_cards(alike) if span.rule == "checksum")
        ground.claim_all(span for span in _bank_cards(alike) if cues.says(cues.BANK_CARD, alike, span.start))
        ground.claim_all(span for span in _telephones(alike) if cues.says(cues.PHONE, alike, span.start))


def part_of_a_token(text: str, start: int, end: int) -> bool:
    """Whether ``text[start:end]`` is only a piece of a longer mark such as SF409… or 1591…af3."""
    before = _LETTERS_BEFORE.search(text, max(0, start - 8), start)
    if before is not None and before.group(1).lower().strip("_") not in _WORDS_BEFORE:
        return True
    return _TOKEN_AFTER.match(text, end, end + 12) is not None


def _id_cards(text: str) -> Iterator[Span]:
    for found in _ID_CARD.finditer(text):
        start, end = found.span(1)
        number = digits_of(found.group(1))
        if number[:2] == "91" and not cues.says(cues.ID_CARD, text, start):
            continue  # as good as always the code of a company
        if id_card_ok(number):
            if not part_of_a_token(text, start, end):
                yield Span(Kind.ID_CARD, start, end, "checksum")
        elif id_card_shape(number) and cues.says(cues.ID_CARD, text, start):
            yield Span(Kind.ID_CARD, start, end, "cue")  # a slip of the keyboard is still somebody's number
    for found in _OLD_ID_CARD.finditer(text):
        if is_day("19" + found.group(1)) and cues.says(cues.ID_CARD, text, found.start()):
            yield Span(Kind.ID_CARD, *found.span(), "cue")
    for found in _HONG_KONG_ID.finditer(text):
        if hong_kong_id_ok(*found.groups()):
            yield Span(Kind.ID_CARD, *found.span(), "checksum")


def _bank_cards(text: str) -> Iterator[Span]:
    for begun in _CARD_START.finditer(text):
        start = begun.start()
        longest = _CARD.match(text, start)
        if longest is None:
            continue
        named = cues.says(cues.BANK_CARD, text, start)
        end = _card_end(text, start, longest.end(), named=named)
        if end is None or part_of_a_token(text, start, end) or cues.says(cues.NOT_A_PERSON, text, start):
            continue
        yield Span(Kind.BANK_CARD, start, end, "cue" if named else "checksum")


def _card_end(text: str, start: int, end: int, *, named: bool) -> int | None:
    """Where the card number that begins at ``start`` and may reach to ``end`` ends, if it is one."""
    digits = digits_of(text[start:end])
    longest = None
    for length in range(len(digits), _SHORTEST_CARD - 1, -1):
        if not text[end : end + 1].isdigit():
            longest = longest or end
            number = digits[:length]
            if (named or (_usual_card(number) and _CARD_GROUPS.fullmatch(text, start, end))) and luhn_ok(number):
                return end
        end -= 1
        while not text[end - 1].isdigit():
            end -= 1
    return longest if named else None


def _usual_card(digits: str) -> bool:
    """Whether a number that nothing else tells apart begins and is as long as the cards that people carry."""
    if len(digits) == 15:
        return digits[:2] in {"34", "37"}
    if len(digits) not in {16, 19}:
        return False
    return digits[:2] in {"60", "62"} or digits[0] in "45" or (digits[:2] in {"35", "36", "65"} and len(digits) == 16)


def _telephones(text: str) -> Iterator[Span]:
    for pattern, kind in (
        (_FOREIGN_PHONE, Kind.PHONE),
        (_PHONE, Kind.PHONE),
        (_LOOSE_PHONE, Kind.PHONE),
        (_CUED_PHONE, Kind.PHONE),
        (_LANDLINE, Kind.LANDLINE),
    ):
        for found in pattern.finditer(text):
            start, end = found.span()
            if part_of_a_token(text, start, end) or cues.says(cues.NOT_A_PERSON, text, start):
                continue
            if _AMOUNT_AFTER.match(text, end):
                continue
            if pattern is _LOOSE_PHONE and not (_spelled_out(found.group()) or cues.says(cues.PHONE, text, start)):
                continue
            if pattern is _CUED_PHONE and not cues.says(cues.PHONE, text, start):
                continue
            if pattern is _FOREIGN_PHONE and not 9 <= len(digits_of(found.group())) <= 15:
                continue
            yield Span(kind, start, end, "pattern")
    for found in _LOCAL_LINE.finditer(text):
        if cues.says(cues.LOCAL_LINE, text, found.start()):
            yield Span(Kind.LANDLINE, *found.span(), "cue")


def _spelled_out(number: str) -> bool:
    """Whether ``number`` is grouped as people group telephone numbers (138 001 38000, or each digit by itself), and
    not as the figures of a table are."""
    groups = tuple(len(group) for group in re.split(r"[ \-\n]+", number))
    return groups in _PHONE_GROUPS or set(groups) == {1}
