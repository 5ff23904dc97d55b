"""The commands that the documentation shows, found in its Markdown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^(?P<indent> *)```sh\n(?P<lines>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:\.venv/bin/)?python -m [^`]+|make [a-z]+[^`]*|curl [^`]+|\.ci/run)`")
_COMMENT = re.compile(r"\s+#\s.*$")


@dataclass(frozen=True, slots=True)
class Shown:
    """One command as a reader copies it, and the page it stands on."""

    page: str
    line: str

    def __str__(self) -> str:
        return f"{self.page}: {self.line}"


def pages(repository: Path) -> list[Path]:
    """Every page a reader may come to."""
    top = [repository / name for name in ("README.md", "README.zh-CN.md", "CONTRIBUTING.md", "simulator/README.md")]
    return [*top, *sorted((repository / "docs").rglob("*.md"))]


def shown(repository: Path) -> list[Shown]:
    """Every command of every page, in order."""
    return [
        Shown(str(path.relative_to(repository)), line)
        for path in pages(repository)
        for line in _commands(path.read_text(encoding="utf-8"))
    ]


def _commands(text: str) -> Iterator[str]:
    for block in _BLOCK.finditer(text):
        for line in block["lines"].replace("\\\n", " ").splitlines():
            if command := _COMMENT.sub("", line).strip():
                yield command
    outside = _BLOCK.sub("", text)
    yield from _INLINE.findall(outside)
