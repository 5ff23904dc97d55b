"""Words cut to what a field of the platform holds, between characters: what is longer, it cuts or refuses."""

ELLIPSIS = "…"


def cut_bytes(text: str, limit: int) -> str:
    """The beginning of ``text`` within ``limit`` bytes of UTF-8, whole characters."""
    return text.encode(errors="replace")[:limit].decode(errors="ignore")


def cut_characters(text: str, limit: int) -> str:
    """``text`` within ``limit`` characters; one that is longer ends with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS
