"""No channel of the product is without the contract."""

import importlib

import pytest

from bot.assembly import CHANNELS
from tests.contracts.sending import PlatformSendContract, SendContract


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_channel_keeps_the_contract_both_on_bytes_and_on_the_platform(kind: str) -> None:
    module = importlib.import_module(f"tests.contracts.test_{CHANNELS[kind].__name__.rpartition('.')[2]}")
    inherited = [one for name, one in vars(module).items() if name.startswith("Test") and isinstance(one, type)]
    for contract in (SendContract, PlatformSendContract):
        assert any(issubclass(one, contract) for one in inherited), contract
