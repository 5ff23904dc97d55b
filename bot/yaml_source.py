"""YAML as an operator wrote it: plain values, and the line on which each stands.

The subset is deliberate. Every scalar is text (``no`` is not false, ``0123`` is not 83, a token of digits stays as it
is) and is given its type by whoever knows what is expected; an empty one or ``null`` is ``None``. ``${NAME}`` and
``${NAME:-default}`` inside a scalar are taken from the environment, ``$$`` is a dollar sign. Anchors, tags, duplicate
keys and more than one document are refused, size and depth are bounded, so that no file can grow in memory.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from bot.errors import ConfigError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12

Place = tuple[str | int, ...]
"""Where a value stands: keys and list positions from the top."""

_NULLS = ("", "~", "null", "Null", "NULL")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REFERENCE = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|(\{[^}]*\}?))")


@dataclass(slots=True)
class YamlSource:
    """A parsed file: ``value`` is made of dicts, lists, ``str`` and ``None``.

    ``lines`` gives the line of every value, from 1; ``substituted`` are the places that hold something from the
    environment and must not be shown, ``filled_in`` the characters that came from there.
    """

    name: str
    value: object = None
    lines: dict[Place, int] = field(default_factory=dict)
    substituted: set[Place] = field(default_factory=set)
    filled_in: int = 0
    _problems: dict[Place, tuple[int, str]] = field(default_factory=dict)

    def complain(self, place: Place, text: str, line: int = 0) -> None:
        """Note a problem, on ``line`` or where ``place`` (or what holds it) stands. The first one of a place counts:
        what follows from it would only confuse."""
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        line = line or self.lines.get(known, 1)
        self._problems.setdefault(place, (line, f"{self.name}:{line}: {dotted(place)}{': ' if place else ''}{text}"))

    @property
    def problems(self) -> list[str]:
        """``FILE:LINE: PLACE: what is wrong``, in the order of the file."""
        return [text for _, text in sorted(self._problems.values())]


def dotted(place: Place) -> str:
    """``bots.imaging.admins[0]``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def read_yaml(path: Path, environ: Mapping[str, str]) -> YamlSource:
    """The content of ``path`` with ``environ`` filled in.

    Raises :class:`~bot.errors.ConfigError` when the file cannot be understood at all; what is wrong with single values
    is left in :attr:`YamlSource.problems`, for the reader to add to.
    """
    text = _read_text(path)
    source = YamlSource(path.name)
    try:
        _refuse_the_unbounded(path.name, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([f"{path.name}:{line}: not valid YAML: a character that text does not hold"]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path.name}:{mark.line + 1}" if mark else path.name
        raise ConfigError([f"{place}: not valid YAML: {getattr(error, 'problem', None) or error}"]) from error
    except (ValueError, OverflowError) as error:  # the parser's own, which says nothing of where
        raise ConfigError([f"{path.name}: not valid YAML: \\U with the number of no character"]) from error
    if node is not None:
        source.value = _value(source, environ, node, ())
    return source


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    if len(raw) > MAX_BYTES:
        raise ConfigError([f"{path.name}: larger than {MAX_BYTES} bytes"])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError([f"{path.name}:{line}: not UTF-8; save the file as UTF-8"]) from error


def _refuse_the_unbounded(name: str, text: str) -> None:
    """Walk the events, which needs no recursion, before anything recursive does."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if depth > MAX_DEPTH:
            raise ConfigError([f"{name}:{line}: nested more than {MAX_DEPTH} levels deep"])
        if documents > 1:
            raise ConfigError([f"{name}:{line}: a second document; expected one"])
        if getattr(event, "anchor", None) is not None:
            raise ConfigError([f"{name}:{line}: anchors (&) and aliases (*) are not supported; write the value out"])
        if getattr(event, "tag", None) not in (None, "!"):
            raise ConfigError([f"{name}:{line}: tags (!) are not supported; write a plain value"])
        if isinstance(event, yaml.ScalarEvent) and _SURROGATE.search(event.value):
            raise ConfigError([f"{name}:{line}: \\u with half a character (D800 to DFFF); write the character itself"])


def _value(source: YamlSource, environ: Mapping[str, str], node: yaml.Node, place: Place) -> object:
    source.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(source, environ, node, place)
    if isinstance(node, yaml.SequenceNode):
        return [_value(source, environ, item, (*place, position)) for position, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULLS:
        return None
    return _substitute(source, environ, node.value, place)


def _mapping(source: YamlSource, environ: Mapping[str, str], node: yaml.MappingNode, place: Place) -> dict[str, object]:
    mapping: dict[str, object] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            source.complain(place, "a key that is not text", line)
            continue
        key = key_node.value
        if key in mapping:
            first = source.lines[*place, key]
            source.complain((*place, key), f"written twice (first on line {first}); expected once", line)
            continue
        source.lines[*place, key] = line
        mapping[key] = _value(source, environ, value_node, (*place, key))
    return mapping


def _substitute(source: YamlSource, environ: Mapping[str, str], text: str, place: Place) -> str:
    def replace(match: re.Match[str]) -> str:
        dollar, name, default, malformed = match.groups()
        if dollar:
            return "$"
        if malformed:
            source.complain(place, "${ without a variable's name and }; write $$ for a dollar sign")
            return ""
        source.substituted.add(place)
        if environ.get(name):
            source.filled_in += len(environ[name])
            if source.filled_in > MAX_BYTES:
                source.complain(place, f"the environment fills in more than {MAX_BYTES} characters")
                return ""
            return environ[name]
        if default is None:
            source.complain(place, f"${{{name}}} is not set in the environment or the .env file")
            return ""
        return str(default)

    return _REFERENCE.sub(replace, text)
