"""No secret passes the one door to the report."""

from pathlib import Path

import pytest

from bot.assembly import load_bots
from bot.doctor.redaction import Redactor, place_of
from bot.finding import Finding, State
from bot.settings import DEMO_BOTS_FILE, Settings

SETTINGS = {
    "redis_url": "redis://:p%40ss-redis@h/0",
    "broker_url": "amqp://user:pass-broker@h//",
    "database_url": "postgresql://u:pass-sql@h/db",
    "openai_base_url": "https://lonely-key@h/v1?api-key=query-key",
    "openai_api_key": "sk-openai",
    "qdrant_api_key": "qdrant-key",
    "secret_key": "s" * 32,
}


@pytest.mark.parametrize(
    "secret",
    [
        *("p%40ss-redis", "p@ss-redis", "pass-broker", "pass-sql", "lonely-key", "query-key", "sk-openai"),
        *("qdrant-key", "s" * 32, "public-demo-secret", "publicDemoToken", "publicDemoRobotToken"),
        *("PublicDemoKeyPublicDemoKeyPublicDemoKey0000", "PublicDemoRobotKeyPublicDemoRobotKey0000000"),
    ],
)
def test_a_secret_of_the_installation_is_blanked_wherever_it_stands(secret: str, tmp_path: Path) -> None:
    redactor = Redactor(Settings.model_validate({"data_dir": str(tmp_path)} | SETTINGS), load_bots(DEMO_BOTS_FILE))
    found = Finding(name="x", state=State.BROKEN, detail=f"it said {secret}!", cure=f"not {secret}")
    assert redactor.clean(found) == Finding(name="x", state=State.BROKEN, detail="it said ***!", cure="not ***")


def test_a_url_is_shown_without_user_password_and_query() -> None:
    assert place_of("https://user:pass@host.example:8443/v1?key=1#x") == "https://host.example:8443/v1"
    assert place_of("unix:///run/redis.sock?db=1") == "unix:///run/redis.sock"
