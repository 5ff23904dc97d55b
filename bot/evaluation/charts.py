"""Small charts as SVG: panels with two axes, lines, ranges, and names written at the ends of lines."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

COLOURS = ("#0369a1", "#b45309", "#15803d", "#7c3aed", "#be123c", "#475569")
_STYLE = """
    .title{font-size:16px;font-weight:600;fill:#0f172a}
    .label{font-size:13px;fill:#334155}
    .tick{font-size:12px;fill:#64748b}
    .name{font-size:13px;font-weight:600}
    .grid{stroke:#e2e8f0;stroke-width:1}
    .axis{stroke:#94a3b8;stroke-width:1}
    .line{fill:none;stroke-width:2;stroke-linejoin:round}
    .aside{stroke:#94a3b8;stroke-width:1.3;stroke-dasharray:4 4;fill:none}"""
_NAME_HEIGHT = 16.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """Values from ``low`` to ``high``, on a logarithmic scale if ``log``; ``ticks`` are values with their words."""

    label: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def share(self, value: float) -> float:
        """How far along the axis ``value`` lies, from 0 to 1; what lies outside is at the end."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def linear(label: str, high: float) -> Axis:
    """From 0 to a round value above ``high``, with about five ticks."""
    step = 10 ** math.floor(math.log10(max(high, 1e-9) / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if factor * step >= high / 5)
    count = math.ceil(high / step)
    return Axis(label=label, low=0.0, high=count * step, ticks=[(n * step, f"{n * step:g}") for n in range(count + 1)])


def logarithmic(label: str, low: float, high: float) -> Axis:
    """Whole powers of ten around ``low`` and ``high``."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [(10.0**power, f"{10.0**power:,g}") for power in range(first, last + 1)]
    return Axis(label=label, low=10.0**first, high=10.0**last, ticks=ticks, log=True)


@dataclass(kw_only=True, slots=True)
class Panel:
    """One chart of a picture, its plot area from (``left``, ``top``) in pixels."""

    title: str
    x: Axis
    y: Axis
    left: float
    top: float = 70.0
    width: float = 380.0
    height: float = 260.0
    _drawn: list[str] = field(default_factory=list)
    _names: list[tuple[float, str, str]] = field(default_factory=list)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a value lies in the picture."""
        return self.left + self.x.share(x) * self.width, self.top + (1 - self.y.share(y)) * self.height

    def line(self, name: str, colour: str, points: Sequence[tuple[float, float]], *, dots: bool = True) -> None:
        """Points joined by a line, its name written at its end."""
        places = [self.at(*point) for point in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        self._drawn.append(f'<polyline class="line" stroke="{colour}" points="{path}"/>')
        if dots:
            self._drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
        self._names.append((places[-1][1], name, colour))

    def aside(self, name: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """A dashed line to compare with, its name beside it near its end."""
        (x1, y1), (x2, y2) = self.at(*start), self.at(*end)
        self._drawn.append(f'<line class="aside" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
        x, y = x1 + (x2 - x1) * 0.88 - 8, y1 + (y2 - y1) * 0.88
        self._drawn.append(f'<text class="tick" x="{x:.1f}" y="{y:.1f}" text-anchor="end">{escape(name)}</text>')

    def span(self, colour: str, x_px: float, values: tuple[float, float, float]) -> None:
        """A range at ``x_px`` pixels: a dot at the first value, a bar through the second to the third."""
        low, middle, high = (self.at(0, value)[1] for value in values)
        place = f'x1="{x_px:.1f}" y1="{low:.1f}" x2="{x_px:.1f}" y2="{high:.1f}"'
        self._drawn.append(f'<line {place} stroke="{colour}" stroke-width="2.5"/>')
        self._drawn.append(f'<circle cx="{x_px:.1f}" cy="{low:.1f}" r="5" fill="{colour}"/>')
        for at, half in ((middle, 7), (high, 4)):
            place = f'x1="{x_px - half:.1f}" y1="{at:.1f}" x2="{x_px + half:.1f}" y2="{at:.1f}"'
            self._drawn.append(f'<line {place} stroke="{colour}" stroke-width="2.5"/>')

    def mark(self, name: str, colour: str, point: tuple[float, float]) -> None:
        """One point of its own, its name above it."""
        x, y = self.at(*point)
        self._drawn.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{colour}" stroke="#ffffff" stroke-width="2"/>'
        )
        place = f'x="{x:.1f}" y="{y - 11:.1f}" text-anchor="middle"'
        self._drawn.append(f'<text class="name" {place} fill="{colour}">{escape(name)}</text>')

    def whisker(self, name: str, colour: str, point: tuple[float, float], low: float, high: float) -> None:
        """A point between the ends of its interval, its name beside it, on the side where there is room."""
        (x, y), y_low, y_high = self.at(*point), self.at(point[0], low)[1], self.at(point[0], high)[1]
        for x1, y1, x2, y2 in ((x, y_low, x, y_high), (x - 5, y_low, x + 5, y_low), (x - 5, y_high, x + 5, y_high)):
            place = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
            self._drawn.append(f'<line {place} stroke="{colour}" stroke-width="1.5" opacity="0.55"/>')
        self._drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
        left, below = x > self.left + 0.8 * self.width, y < self.top + 0.15 * self.height
        x, y = x + (-10 if left else 10), y + (18 if left or below else -6)
        place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{"end" if left else "start"}"'
        self._drawn.append(f'<text class="tick" {place}>{escape(name)}</text>')

    def svg(self) -> str:
        """The panel's elements."""
        right, bottom = self.left + self.width, self.top + self.height
        found = [f'<text class="title" x="{self.left}" y="{self.top - 28}">{escape(self.title)}</text>']
        found.append(f'<text class="label" x="{self.left}" y="{self.top - 9}">{escape(self.y.label)}</text>')
        found.append(
            f'<text class="label" x="{right}" y="{bottom + 38}" text-anchor="end">{escape(self.x.label)}</text>'
        )
        for value, words in self.y.ticks:
            y = self.at(self.x.low, value)[1]
            found.append(f'<line class="grid" x1="{self.left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
            found.append(f'<text class="tick" x="{self.left - 8}" y="{y + 4:.1f}" text-anchor="end">{words}</text>')
        for value, words in self.x.ticks:
            x = self.at(value, self.y.low)[0]
            found.append(f'<text class="tick" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{words}</text>')
        found.append(f'<line class="axis" x1="{self.left}" y1="{bottom}" x2="{right}" y2="{bottom}"/>')
        return "\n  ".join([*found, *self._drawn, *self._written_names(right + 8)])

    def _written_names(self, x: float) -> list[str]:
        """The names from top to bottom, moved apart where they would overlap."""
        found, lowest = [], -math.inf
        for y, name, colour in sorted(self._names):
            lowest = max(y, lowest + _NAME_HEIGHT)
            found.append(f'<text class="name" x="{x}" y="{lowest + 4:.1f}" fill="{colour}">{escape(name)}</text>')
        return found


def legend(entries: Sequence[tuple[str, str]], x: float, y: float) -> str:
    """Names with their colours, one below the other."""
    lines = []
    for number, (name, colour) in enumerate(entries):
        at = y + number * 20
        lines.append(f'<circle cx="{x}" cy="{at - 4}" r="5" fill="{colour}"/>')
        lines.append(f'<text class="label" x="{x + 12}" y="{at}">{escape(name)}</text>')
    return "\n  ".join(lines)


def picture(width: int, height: int, about: str, *content: str) -> str:
    """A whole SVG document."""
    font = "system-ui, 'Noto Sans CJK SC', 'PingFang SC', sans-serif"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="{font}" role="img"'
    body = "\n  ".join(content)
    return (
        f'{head} aria-label="{escape(about)}">\n  <style>{_STYLE}\n  </style>\n'
        f'  <rect width="{width}" height="{height}" fill="#ffffff"/>\n  {body}\n</svg>\n'
    )
