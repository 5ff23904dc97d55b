"""How far something long is, told to whoever waits for it."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told the stage (``read``, ``page``, ``embed``, ``index``, ``gate``, ``questions`` or ``unanswerable``), how many are
done, how many in all."""


def unseen(_stage: str, _done: int, _total: int) -> None:
    """The progress of what nobody watches."""


def counted(progress: Progress, stage: str, total: int) -> Callable[[int], None]:
    """What is told how many more of ``total`` are done, and tells ``progress``; in the end there may be more."""
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        progress(stage, done, max(done, total))

    return tell
