"""Finding personal data in a text."""

import re
from collections.abc import Collection, Set

from bot.safety.personal_data.identifiers import claim_identifiers, claim_internet, keep_trade_marks
from bot.safety.personal_data.names import claim_names
from bot.safety.personal_data.numbers import claim_numbers
from bot.safety.personal_data.placeholders import PLACEHOLDER
from bot.safety.personal_data.places import claim_addresses
from bot.safety.personal_data.plain import plain
from bot.safety.personal_data.spans import Ground, Kind, Span

ALL_KINDS: Set[Kind] = frozenset(Kind)
WITHOUT_WORDS: Set[Kind] = ALL_KINDS - {Kind.NAME, Kind.ADDRESS}
"""The kinds that need no lexicon: what a log line is searched for."""

_NOTHING: Collection[str] = ()
_SEPARATORS = re.compile(r"[\s\-.·()+]")


def find(text: str, *, kinds: Set[Kind] = ALL_KINDS, allowed: Collection[str] = _NOTHING) -> list[Span]:
    """The personal data in ``text``, in order, without overlaps.

    ``allowed`` are values that may be shown although they look like personal data, such as the company's own
    telephone numbers and addresses, in any spelling. Placeholders of :class:`Masker` are passed over.
    """
    readable = plain(text)
    ground = Ground()
    for placeholder in PLACEHOLDER.finditer(text):
        ground.keep(*placeholder.span())
    keep_trade_marks(ground, readable)
    claim_identifiers(ground, readable)
    claim_numbers(ground, readable)
    claim_internet(ground, readable)
    if Kind.ADDRESS in kinds:
        claim_addresses(ground, readable)
    if Kind.NAME in kinds:
        claim_names(ground, readable)
    spans = sorted((span for span in ground.spans if span.type in kinds), key=lambda span: span.start)
    if allowed:
        shown = {value_key(value) for value in allowed}
        spans = [span for span in spans if value_key(text[span.start : span.end]) not in shown]
    return spans


def value_key(value: str) -> str:
    """One spelling for the many of a value: 138-0013-8000 and +86 138 0013 8000 are one number."""
    bare = _SEPARATORS.sub("", plain(value)).upper()
    if bare.isdigit() and len(bare) in {13, 15} and bare.startswith(("86", "0086")):
        bare = bare.removeprefix("00").removeprefix("86")
    return bare


def predict_spans(text: str) -> list[tuple[str, int, int]]:
    """The personal data in ``text`` as (type, start, end), for an evaluation."""
    return [(span.type.value, span.start, span.end) for span in find(text)]
