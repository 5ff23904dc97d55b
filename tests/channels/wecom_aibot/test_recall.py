"""What a robot said cannot be taken back, and nobody is told that it was."""

import pytest

from bot.channel import Refused
from tests.channels.wecom_aibot.conftest import Installation


def test_the_platform_is_not_asked(here: Installation) -> None:
    assert here.channel().limits.recall_s == 0
    with pytest.raises(Refused, match="recall_unsupported"):
        here.channel().recall("msg-1", here.clock() + 5.0)
    assert here.posted == []
