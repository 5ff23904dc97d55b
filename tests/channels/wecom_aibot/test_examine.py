"""A robot has nothing that could be asked, and says so."""

from bot.finding import State
from tests.channels.wecom_aibot.conftest import Installation


def test_nothing_is_asked_and_nothing_claimed(here: Installation) -> None:
    (found,) = here.channel().examine(here.clock() + 5)
    assert found.state is State.SKIPPED
    assert "no call of the platform" in found.detail
    assert here.platform.requests == []
