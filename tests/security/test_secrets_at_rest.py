"""While nothing runs: settings and ``bots.yaml`` that are wrong, and stores that are away, and no secret in what is
said of them."""

import os
from pathlib import Path

import pytest

from bot.assembly import CHANNELS
from bot.bots_file import load_bots
from bot.errors import ConfigError
from bot.settings import Settings, load_settings
from tests.forked import run_forked
from tests.security.canaries import BOT_SECRETS, MARK, SETTINGS, Told, all_values_wrong, bots_yaml, not_yaml

AWAY = {
    "REDIS_URL": "redis://:KanariRedis@127.0.0.1:1/0",
    "BROKER_URL": "amqp://u:KanariBroker@127.0.0.1:1//",
    "DATABASE_URL": "postgresql://u:KanariSql@127.0.0.1:1/db?connect_timeout=2",
    "QDRANT_URL": "http://u:KanariQdrantUrl@127.0.0.1:1",
    "OPENAI_BASE_URL": "http://u:KanariOpenai@127.0.0.1:1/v1?key=KanariQuery",
    "OPENAI_MODEL": "m",
    "EMBEDDING_BASE_URL": "http://u:KanariEmbedding@127.0.0.1:1/v1",
    "EMBEDDING_MODEL": "m",
    "SPEECH_BASE_URL": "http://u:KanariSpeech@127.0.0.1:1/v1",
    "SPEECH_MODEL": "m",
    "SMTP_URL": "smtp://u:KanariMail@127.0.0.1:1",
    "WECOM_API_BASE": "http://u:KanariWecom@127.0.0.1:1",
}
"""Right settings, each with a secret, at addresses where nobody is."""
MODELS = {"OPENAI_MODEL", "EMBEDDING_MODEL", "SPEECH_MODEL"}


def test_no_setting_shows_a_secret() -> None:
    """Each is known here, so that a new one that holds a secret is tried too."""
    settings = load_settings({**SETTINGS, **AWAY}, Path("/nonexistent"))
    assert MARK not in repr(settings) + str(settings)
    secret = {name.lower() for name in {*SETTINGS, *AWAY} - MODELS}
    private = {name for name in Settings.model_fields if name not in dict(settings.__repr_args__())}
    assert private - secret == {"public_url"}
    assert secret <= private


@pytest.mark.parametrize("name", sorted({*SETTINGS, *AWAY} - MODELS))
@pytest.mark.parametrize("value", ["Kanari", "Kanari://u:Kanari@h", "http://[Kanari", "https://u:Kanari@h:port/x"])
def test_a_wrong_setting_is_named_and_not_shown(name: str, value: str) -> None:
    said: object = None
    try:
        said = load_settings({**SETTINGS, **AWAY, name: value}, Path("/nonexistent"))
    except ConfigError as error:
        said = error.problems
    assert MARK not in str(said)


@pytest.mark.parametrize(
    "wrong",
    [
        all_values_wrong(),
        not_yaml(),
        bots_yaml().replace("type: wecom-app", "type: ${APP_SECRET}"),
        bots_yaml().replace("type: wecom-app", f"type: {BOT_SECRETS['ROBOT_TOKEN']}"),
        bots_yaml().replace("agent_id: 1000002", "agent_id: ${APP_SECRET}"),
        bots_yaml().replace("${APP_SECRET}", "${APP_SECRET"),
        bots_yaml().replace("${APP_SECRET}", "${APP_SECRET}\t{"),
        bots_yaml().replace("${APP_SECRET}", f"&{BOT_SECRETS['APP_TOKEN']} x"),
        bots_yaml().replace("secret: ", f"secret: {BOT_SECRETS['APP_TOKEN']}\n        secret: "),
        bots_yaml().replace("      ai:\n        type: wecom-aibot\n", "      ai:\n        type: wecom-app\n"),
    ],
    ids=range(10),
)
def test_a_wrong_bots_file_shows_no_secret(wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "bots.yaml"
    path.write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_bots(path, BOT_SECRETS, {name: package.Config for name, package in CHANNELS.items()})
    assert MARK not in "".join(caught.value.problems) + str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(
    "away",
    [
        ("REDIS_URL", "BROKER_URL", "DATABASE_URL"),
        ("QDRANT_URL", "EMBEDDING_BASE_URL", "EMBEDDING_MODEL"),
        tuple(AWAY),
    ],
    ids=["stores", "knowledge", "all"],
)
def test_what_is_away_is_told_without_its_password(away: tuple[str, ...], tmp_path: Path, repository: Path) -> None:
    (tmp_path / "bots.yaml").write_text(bots_yaml(), encoding="utf-8")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {
        "PATH": os.defpath,
        "DATA_DIR": str(tmp_path / "var"),
        "TMPDIR": str(scratch),
        "LOG_LEVEL": "DEBUG",
        "BOTS_FILE": str(tmp_path / "bots.yaml"),
        "OMP_NUM_THREADS": "1",
        **SETTINGS,
        **BOT_SECRETS,
        **{name: AWAY[name] for name in away},
    }
    told = Told()
    for arguments in (("doctor",), ("ask", "问"), ("queue",)):
        result = run_forked(arguments, repository, environment, within_s=110)
        told.add(" ".join(arguments), result.stdout, result.stderr)
        assert result.returncode == 2, result.stderr
    for folder in (scratch, tmp_path / "var"):
        told.add_files(folder)
    assert told.leaks() == {}
