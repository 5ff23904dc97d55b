"""``bots.yaml``: what is read, and how every fault is told."""

from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, SecretStr

from bot.bots_file import BotConfig, load_bots
from bot.errors import ConfigError
from bot.knowledge.entries import Audience
from channels.wecom_aibot.config import Config as WeComAiBot
from channels.wecom_app.config import Config as WeComApp
from channels.wecom_kf.config import Config as WeComKf
from channels.wecom_robot.config import Config as WeComRobot


class Pigeon(BaseModel):
    """A made-up channel, so that this test knows every rule of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ring: int
    secret: SecretStr
    loft: str = "north"
    audience: str = "public"


TYPES: dict[str, type[BaseModel]] = {"pigeon": Pigeon, "wecom-app": WeComApp}
ENVIRON = {"RING": "42", "APP_SECRET": "hunter2", "EMPTY": ""}


def load(tmp_path: Path, text: str) -> dict[str, BotConfig]:
    file = tmp_path / "bots.yaml"
    file.write_text(dedent(text), encoding="utf-8")
    return dict(load_bots(file, ENVIRON, TYPES))


def problems_of(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return caught.value.problems


def with_channel(block: str) -> str:
    return f"bots:\n  a:\n    name: A\n    channels:\n      c: {block}\n"


def test_the_demo_bot_is_valid(repository: Path) -> None:
    types = {"wecom-app": WeComApp, "wecom-aibot": WeComAiBot, "wecom-kf": WeComKf, "wecom-robot": WeComRobot}
    bots = load_bots(repository / "deploy/demo/bots.yaml", {}, types)
    bot = bots["imaging"]
    assert (bot.tenant, bot.knowledge, bot.language) == ("academy", ("imaging",), "zh")
    assert isinstance(bot.channels["app"].config, WeComApp)
    assert isinstance(bot.channels["ai"].config, WeComAiBot)
    assert isinstance(bot.channels["kf"].config, WeComKf)
    assert isinstance(bot.channels["news"].config, WeComRobot)


def test_a_bot_needs_little_and_may_have_much(tmp_path: Path) -> None:
    bots = load(
        tmp_path,
        """
        bots:
          small: {name: 小, channels: {loft: {type: pigeon, ring: 1, secret: s}}}
          large-1:
            name: Large
            tenant: academy
            persona: calm
            knowledge: [imaging, 影像]
            admins: [Zhang.Wei]
            servicers: [li.na, "007"]
            language: en
            answer_threshold: 0.7
            channels:
              one: {type: pigeon, ring: 2, secret: s, audience: staff}
              two: {type: pigeon, ring: 3, secret: s}
        """,
    )
    small, large = bots["small"], bots["large-1"]
    assert (small.tenant, small.knowledge, small.language, small.answer_threshold) == ("default", (), "zh", None)
    assert (large.id, large.answer_threshold, large.knowledge) == ("large-1", 0.7, ("imaging", "影像"))
    assert (large.channels["one"].audience, large.channels["two"].audience) == (Audience.STAFF, Audience.PUBLIC)
    assert large.is_admin("ZHANG.wei")
    assert large.is_servicer("007")
    assert not large.is_servicer("zhang.wei")


def test_values_come_from_the_environment_and_keep_their_shape(tmp_path: Path) -> None:
    block = "{type: pigeon, ring: '${RING}', secret: 'a${APP_SECRET}$$b', loft: '${NONE:-0123}${EMPTY:-no}'}"
    config = load(tmp_path, with_channel(block))["a"].channels["c"].config
    assert isinstance(config, Pigeon)
    assert (config.ring, config.secret.get_secret_value(), config.loft) == (42, "ahunter2$b", "0123no")


def test_plain_words_and_numbers_stay_as_written(tmp_path: Path) -> None:
    config = load(tmp_path, with_channel("{type: pigeon, ring: 7, secret: 0123, loft: no}"))["a"].channels["c"].config
    assert isinstance(config, Pigeon)
    assert (config.secret.get_secret_value(), config.loft) == ("0123", "no")


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    assert problems_of(
        tmp_path,
        """\
        bots:
          imaging:
            nmae: x
            language: fr
            answer_threshold: 1.5
            knowledge: imaging
            admins: [zhang, ""]
            channels:
              app:
                type: wecom-app
                corp_id: ${APP_SECRET}!
                agent_id: one
                secret: ${MISSING}
                token: hunter2!
                encoding_aes_key: 123456
              b: {type: wecom-ap}
              C: {type: pigeon, ring: 1, secret: s}
          Two: {name: 二}
        other: 1
        """,
    ) == [
        "bots.yaml:2: bots.imaging.name: missing",
        "bots.yaml:3: bots.imaging.nmae: unknown key (did you mean name?); expected name, tenant, persona, knowledge, "
        "four_eyes, same_person, gate, admins, servicers, service_hours, group_admins, language, answer_threshold, "
        "feedback, external_media, menu, quiet_hours, digest_people, digest_at, safety, channels",
        "bots.yaml:4: bots.imaging.language: found 'fr'; expected 'zh' or 'en'",
        "bots.yaml:5: bots.imaging.answer_threshold: found '1.5'; expected at most 1.0",
        "bots.yaml:6: bots.imaging.knowledge: found 'imaging'; expected a list",
        "bots.yaml:7: bots.imaging.admins[1]: found ''; expected at least 1 character",
        "bots.yaml:11: bots.imaging.channels.app.corp_id: found 8 characters; expected text like ^[0-9A-Za-z_-]{1,64}$",
        "bots.yaml:12: bots.imaging.channels.app.agent_id: found 'one'; expected a whole number",
        "bots.yaml:13: bots.imaging.channels.app.secret: ${MISSING} is not set in the environment or the .env file",
        "bots.yaml:14: bots.imaging.channels.app.token: found 8 characters; expected 1 to 32 letters and digits",
        "bots.yaml:15: bots.imaging.channels.app.encoding_aes_key: found 6 characters; "
        "expected exactly 43 letters and digits",
        "bots.yaml:16: bots.imaging.channels.b.type: found 'wecom-ap' (did you mean wecom-app?); "
        "expected one of: pigeon, wecom-app",
        "bots.yaml:17: bots.imaging.channels.C: not an id; expected 1 to 32 of a-z, 0-9, - and _ (it is part of URLs)",
        "bots.yaml:18: bots.Two.channels: missing; expected at least one channel",
        "bots.yaml:18: bots.Two: not an id; expected 1 to 32 of a-z, 0-9, - and _ (it is part of URLs)",
        "bots.yaml:19: other: unknown key; expected bots",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "bots.yaml:1: bots: missing; expected at least one bot"),
        ("bots:", "bots.yaml:1: bots: missing; expected at least one bot"),
        ("- a", "bots.yaml:1: found a list; expected keys with values below it"),
        ("bots: {a: 5}", "bots.yaml:1: bots.a: found '5'; expected keys with values below it"),
        ("bots:\n  a: {}\n  a: {}", "bots.yaml:3: bots.a: written twice (first on line 2); expected once"),
        ("bots: {? [x] : 1}", "bots.yaml:1: bots: a key that is not text"),
        ("a: &x 1\nb: *x", "bots.yaml:1: anchors (&) and aliases (*) are not supported; write the value out"),
        ("a: !!python/name:os.system x", "bots.yaml:1: tags (!) are not supported; write a plain value"),
        ("a: 1\n--- \nb: 2", "bots.yaml:2: a second document; expected one"),
        ("a:\n\t- b", "bots.yaml:2: not valid YAML: found character '\\t' that cannot start any token"),
        ("[" * 50_000, "bots.yaml:1: nested more than 12 levels deep"),
        ("a: " + "x" * 300_000, "bots.yaml: larger than 262144 bytes"),
        (
            with_channel("{type: pigeon, ring: 1, secret: '${'}"),
            "bots.yaml:5: bots.a.channels.c.secret: ${ without a variable's name and }; write $$ for a dollar sign",
        ),
        (
            with_channel("{type: pigeon, ring: 1, secret: '${EMPTY}'}"),
            "bots.yaml:5: bots.a.channels.c.secret: ${EMPTY} is not set in the environment or the .env file",
        ),
        (
            with_channel("{type: pigeon, ring: '${APP_SECRET}', secret: s}"),
            "bots.yaml:5: bots.a.channels.c.ring: found 7 characters; expected a whole number",
        ),
        (
            with_channel("{type: pigeon, ring: 1, secret: [hunter2]}"),
            "bots.yaml:5: bots.a.channels.c.secret: found a list; expected text",
        ),
        (
            with_channel("{type: pigeon, ring: 1, secret: s}\n      d: {secret: s, ring: 1, type: pigeon}"),
            "bots.yaml:6: bots.a.channels.d: the same account as bots.a.channels.c; it calls back only one: keep one",
        ),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in problems_of(tmp_path, text)


def test_two_channels_of_one_account_are_refused_though_they_are_set_otherwise(tmp_path: Path) -> None:
    account = {
        "type": "wecom-kf",
        "corp_id": "ww1",
        "secret": "s",
        "token": "t",
        "encoding_aes_key": "k" * 43,
        "open_kfid": "wk1",
    }
    blocks = [account, account | {"reply_messages": 2}, account | {"open_kfid": "wk2"}]
    bots = {f"bot{n}": {"name": "A", "channels": {"kf": block}} for n, block in enumerate(blocks)}
    (tmp_path / "bots.yaml").write_text(yaml.safe_dump({"bots": bots}), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_bots(tmp_path / "bots.yaml", {}, {"wecom-kf": WeComKf})
    (problem,) = caught.value.problems
    assert "bots.bot1.channels.kf: the same account as bots.bot0.channels.kf;" in problem


def test_a_file_that_is_not_there_or_not_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_bots(tmp_path / "bots.yaml", {}, TYPES)
    (tmp_path / "bots.yaml").write_bytes("bots:\n  a: 影像".encode("gb18030"))
    with pytest.raises(ConfigError, match=r"^bots.yaml:2: not UTF-8; save the file as UTF-8$"):
        load_bots(tmp_path / "bots.yaml", {}, TYPES)


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=":-[]{}#&*!|>'\"%@`,?~ \n\tab${}0é中\x00\ufeff", max_size=60) | st.binary(max_size=40))
def test_whatever_the_file_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str | bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load_bots(file, {}, TYPES)
    assert all(problem.startswith("fuzz.yaml") for problem in caught.value.problems)
