"""A version stands for one configuration, gives nothing of it away, and is told to everybody who asks."""

import hashlib
import json
import os

import pytest

from bot.running_versions import TELL_TTL_S, RunningVersions, Standing, version_of
from tests.reload.conftest import FINANCE, IMAGING, INSTALLATION_SECRET, Installation, bots_yaml, put

STANDING = Standing(kind="worker", version="0123456789ab", since=12.5, problems=("bots.yaml:3: missing",))


@pytest.mark.parametrize(
    "blocks",
    [
        (IMAGING.block(name="别的名字"), FINANCE.block()),
        (IMAGING.block(secret="another-secret"), FINANCE.block()),
        (IMAGING.block(admin="li.na"), FINANCE.block()),
        (IMAGING.block(),),
        (FINANCE.block(), IMAGING.block()),
    ],
    ids=["name", "secret", "admin", "bot", "order"],
)
def test_every_difference_makes_another_version(installation: Installation, blocks: tuple[str, ...]) -> None:
    before = installation.version_of(installation.read())
    assert before == installation.version_of(installation.read())
    put(installation.file, bots_yaml(*blocks))
    assert installation.version_of(installation.read()) != before


def test_a_guess_at_a_secret_cannot_be_checked_without_the_installations_own(installation: Installation) -> None:
    bots = installation.read()
    version = version_of(bots, INSTALLATION_SECRET)
    assert version_of(bots, b"somebody else's guess") != version
    assert len(version) == 12
    app = bots["imaging"].channels["app"].config
    for guess in (IMAGING.secret, json.dumps(app.model_dump(mode="json")), installation.file.read_text()):
        assert version not in hashlib.sha256(guess.encode()).hexdigest()


def test_who_was_heard_of_lately_is_listed(installation: Installation) -> None:
    running = RunningVersions(installation.kit.redis)
    running.tell(STANDING)
    assert running.own_name.endswith(f":{os.getpid()}")
    assert running.all() == {running.own_name: STANDING}
    assert 0 < installation.kit.redis.ttl(f"config:{running.own_name}") <= TELL_TTL_S
    installation.kit.redis.delete(f"config:{running.own_name}")  # as its expiry would
    assert running.all() == {}


def test_who_leaves_is_not_listed(installation: Installation) -> None:
    running = RunningVersions(installation.kit.redis)
    running.tell(STANDING)
    running.leave()
    assert running.all() == {}
    assert list(installation.kit.redis.scan_iter("config*")) == []
