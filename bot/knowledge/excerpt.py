"""A stretch of one document around the passage an answer cites, as it travels from the index's owner to the web."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from bot.knowledge.entries import EntryKind


class Standing(StrEnum):
    """Whether the cited words answer questions today, and why not.

    ``REPLACED``: the document answers with a newer version, without these words. ``WITHDRAWN``: it does not answer at
    all. ``EXPIRED``: the last day of a FAQ is over.
    """

    CURRENT = "current"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True, slots=True)
class Passage:
    """One entry's ``text``, word for word, its ``location`` in the document, the ``page`` or slide it begins on and the
    ``figures`` that stand with it (see :class:`bot.knowledge.entries.Entry`); ``cited`` is true for the one the answer
    cites, and only its figures are named."""

    location: str
    text: str
    cited: bool
    page: int = 0
    figures: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """The inverse of ``asdict``."""
        return cls(**fields | {"figures": tuple(fields.get("figures", ()))})


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """A window of one version of a document.

    ``title`` is the document's, or the question of a FAQ, which stands alone. ``markdown`` tells whether the passages
    are Markdown source. ``version`` is the number of the version they come from, approved at ``approved_at``;
    ``since`` is when the standing ceased to be current, ``None`` while it is; both are epoch seconds. ``earlier`` and
    ``later`` count the passages left out on either side. ``approval_number`` is that of the cited passage, empty where
    it has none.
    """

    kind: EntryKind
    title: str
    source: str
    markdown: bool
    version: int
    approved_at: float
    standing: Standing
    since: float | None
    earlier: int
    later: int
    passages: tuple[Passage, ...]
    approval_number: str = ""

    def to_json(self) -> dict[str, Any]:
        """An object that JSON can carry."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """The inverse of :meth:`to_json`."""
        return cls(
            **{
                **fields,
                "kind": EntryKind(fields["kind"]),
                "standing": Standing(fields["standing"]),
                "passages": tuple(map(Passage.from_json, fields["passages"])),
            }
        )
