"""The YAML files that ship inside our packages: word lists, rules and sentences.

libyaml reads them ten times as quickly as Python does, in each process and before its first message. What operators
write is read by :mod:`bot.yaml_source`, with Python's reader, which says where a mistake is.
"""

from importlib.resources import files
from typing import Any

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # a PyYAML built without libyaml: the same result, slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

from yaml import load


def read_shipped(package: str, name: str) -> dict[str, Any]:
    """The mapping in the file ``name`` (its path) of ``package``."""
    text = files(package).joinpath(name).read_text(encoding="utf-8")
    content: dict[str, Any] = load(text, Loader=_Loader)
    return content
