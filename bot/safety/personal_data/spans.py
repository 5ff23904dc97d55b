"""What is found in a text: kinds of personal data, and where they stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """A kind of personal data; the values are the names that labelled sets use."""

    ID_CARD = "id_card"
    BANK_CARD = "bank_card"
    PHONE = "phone"
    LANDLINE = "landline"
    EMAIL = "email"
    WECHAT = "wechat"
    QQ = "qq"
    PLATE = "plate"
    PASSPORT = "passport"
    """Passports, and the permits for travel to and from Hong Kong, Macao and Taiwan."""
    MEDICAL_RECORD = "medical_record"
    """Numbers that a hospital, an insurer or a trial gave to a patient."""
    LICENCE = "licence"
    """The number of a physician's, pharmacist's or nurse's certificate."""
    CREDIT_CODE = "credit_code"
    """The unified social credit code of a sole trader, which names a person; those of companies are public."""
    IP_ADDRESS = "ip_address"
    BIRTH_DATE = "birth_date"
    ADDRESS = "address"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Span:
    """Personal data at ``text[start:end]``; ``rule`` says why it was taken for that (``checksum``, ``pattern``,
    ``cue`` for a word beside it, ``adjacent`` for other personal data beside it)."""

    type: Kind
    start: int
    end: int
    rule: str


class Ground:
    """The parts of a text that are spoken for; who comes first keeps its place."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._taken: set[int] = set()

    def free(self, start: int, end: int) -> bool:
        """Whether nothing stands between ``start`` and ``end`` yet."""
        return self._taken.isdisjoint(range(start, end))

    def keep(self, start: int, end: int) -> None:
        """Nothing in here is personal data."""
        self._taken.update(range(start, end))

    def claim(self, kind: Kind, start: int, end: int, rule: str) -> bool:
        """Put a span there if the ground is free, and say whether it was."""
        if not self.free(start, end):
            return False
        self.spans.append(Span(kind, start, end, rule))
        self._taken.update(range(start, end))
        return True

    def claim_all(self, spans: Iterable[Span]) -> None:
        """Put each of ``spans`` there whose ground is free."""
        for span in spans:
            self.claim(span.type, span.start, span.end, span.rule)
