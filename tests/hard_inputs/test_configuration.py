"""``.env`` and ``bots.yaml``: whatever they hold ends in lines that say what is wrong and where."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.assembly import CHANNELS
from bot.bots_file import load_bots
from bot.environment import MAX_DOTENV_BYTES
from bot.errors import ConfigError
from bot.settings import load_settings

quick = settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
MODELS = {kind: package.Config for kind, package in CHANNELS.items()}
_tokens = st.sampled_from(
    [
        *(
            "bots",
            "a",
            "name",
            "channels",
            "app",
            "type",
            "wecom-app",
            "wecom-aibot",
            "token",
            "chats",
            ": ",
            ":",
            "\n",
        ),
        *(
            "  ",
            "\n  ",
            "\n    ",
            "\n      ",
            "- ",
            "{",
            "}",
            "[",
            "]",
            ",",
            "&x",
            "*x",
            "!!str",
            "!",
            "<<",
            "?",
            "|",
            ">",
        ),
        *(
            "'",
            '"',
            "\\u0041",
            "\\ud800",
            "\\U0010ffff",
            "\\UFFFFFFFF",
            "${A}",
            "${",
            "$$",
            "${A:-x}",
            "#",
            "%",
            "@",
            "`",
        ),
        *("---", "...", "\t", "~", "null", "true", "1", ".inf", "0x1F", "\x85", "\u2028", "\ufeff", "影", "\U0001f600"),
    ]
)
_NAMES = [
    "PORT",
    "DATA_DIR",
    "BOTS_FILE",
    "TIMEZONE",
    "REDIS_URL",
    "HOST",
    "OPENAI_BASE_URL",
    "LLM_TIMEOUT_S",
    "SECRET_KEY",
    "SIMULATOR",
]


def problems(tmp_path: Path, content: bytes | str, environ: dict[str, str] | None = None) -> list[str]:
    """What is wrong with a ``bots.yaml``."""
    path = tmp_path / "bots.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        load_bots(path, environ or {}, MODELS)
        return []
    except ConfigError as error:
        found = error.problems
    for line in found:
        line.encode()  # it can be printed
        assert "bots.yaml" in line
        assert "\n" not in line
    return found


def env_problems(tmp_path: Path, content: bytes) -> list[str]:
    """What is wrong with a ``.env``."""
    (tmp_path / ".env").write_bytes(content)
    try:
        load_settings({}, tmp_path / ".env")
    except ConfigError as error:
        return error.problems
    return []


@quick
@given(text=st.lists(_tokens, max_size=25).map("".join), value=st.text(max_size=10))
def test_any_yaml_is_bots_or_problems(tmp_path: Path, text: str, value: str) -> None:
    problems(tmp_path, text.encode("utf-8", "surrogatepass"), {"A": value})


@quick
@given(content=st.binary(max_size=60))
def test_any_bytes_are_no_bots(tmp_path: Path, content: bytes) -> None:
    assert problems(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: &a [1]\nb: [*a, *a]\n", "bots.yaml:1: anchors"),
        ("a: 1\nb: *a\n", "bots.yaml:2: anchors"),
        ("[" * 100_000, "nested more than"),
        ("{a: " * 60_000, "nested more than"),
        ("- " * 50_000, "nested more than"),
        ("a: " + "x" * 1_000_000, "larger than"),
        ("!!python/object/apply:os.system ['id']", "tags"),
        ("bots: {}\nbots: {}\n", "bots.yaml:2: bots: written twice"),
        ("a: 1\n---\nb: 2\n", "bots.yaml:2: a second document"),
        ('a: 1\n"\\ud800": 1\n', "bots.yaml:2: \\u with half a character"),
        ('bots: {a: {name: "\\udfff"}}\n', "bots.yaml:1: \\u with half a character"),
        ('a: "\\U00110000"\n', "number of no character"),
        ('a: "\\UFFFFFFFF"\n', "number of no character"),
        ("a: 1\nb: \0\n", "bots.yaml:2: not valid YAML"),
        ("a: \x07\n", "bots.yaml:1: not valid YAML"),
        ("bots:\n\ta: 1\n", "bots.yaml:2: not valid YAML"),
        (b"a: \xff\n", "bots.yaml:1: not UTF-8"),
        ("bots: {}".encode("utf-16"), "not UTF-8"),
        ("bots: [a]\n", "found a list"),
        ("bots: {a: {name: [1], channels: {app: 3}}}\n", "expected keys with values"),
        ("bots: {a: {name: x, answer_threshold: " + "9" * 5_000 + "}}\n", "answer_threshold"),
        ("bots: {a: {name: x, answer_threshold: .nan}}\n", "answer_threshold"),
        ("a: " + "${" * 60_000, "without a variable's name"),
        ("? [a, b]\n: c\n", "a key that is not text"),
    ],
    ids=lambda value: ascii(value)[:32],
)
def test_hostile_yaml_is_refused_in_words(tmp_path: Path, content: bytes | str, said: str) -> None:
    assert any(said in line for line in problems(tmp_path, content)), problems(tmp_path, content)


def test_what_the_environment_fills_in_is_bounded(tmp_path: Path) -> None:
    found = problems(tmp_path, 'a: "' + "${A}" * 50_000 + '"', {"A": "x" * 10_000})
    assert any("the environment fills in more than" in line for line in found)


@quick
@given(
    name=st.sampled_from(_NAMES),
    value=st.text(max_size=20) | st.sampled_from(["~x/y", "../..", "http://[", "9" * 5_000]),
)
def test_any_value_of_a_setting_is_read_or_a_problem(tmp_path: Path, name: str, value: str) -> None:
    env_problems(tmp_path, f"{name}={value}\n".encode("utf-8", "surrogatepass"))
    found = [name]
    try:
        load_settings({name: value}, tmp_path / "absent")
    except ConfigError as error:
        found = error.problems
    assert any(name in line for line in found)


@quick
@given(content=st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_an_env_file_or_a_problem(tmp_path: Path, content: bytes) -> None:
    env_problems(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"BOTS_FILE=~nobody-of-that-name/bots.yaml\n", "BOTS_FILE"),
        (b"DATA_DIR=~nobody-of-that-name\n", "DATA_DIR"),
        (b"OPENAI_API_KEY=a\0b\n", "NUL"),
        (b"A=1\n" * MAX_DOTENV_BYTES, "more than"),
        (b"A='" + b"x\n" * 5_000, ".env:1: not understood"),
        (b'A="' + b"\\" * 20_001, ".env:1: not understood"),
        (b"PORT=1\nPORT=2\n", ".env:2: PORT: set before"),
        (b"TIMEZONE=../../../etc/passwd\n", "TIMEZONE"),
        (b"CALLBACK_MAX_SKEW=inf\n", "CALLBACK_MAX_SKEW"),
        (b"LLM_TIMEOUT_S=nan\n", "LLM_TIMEOUT_S"),
        ("PORT=1\n".encode("utf-16"), "UTF-8"),
        (bytes(range(256)), "UTF-8"),
    ],
    ids=lambda value: ascii(value)[:32],
)
def test_hostile_env_files_are_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    assert any(said in line for line in env_problems(tmp_path, content)), env_problems(tmp_path, content)


def test_a_path_with_nul_from_the_environment_is_a_problem(tmp_path: Path) -> None:
    for name in ("DATA_DIR", "BOTS_FILE"):
        with pytest.raises(ConfigError, match=name):
            load_settings({name: "a\0b"}, tmp_path / "absent")
