"""The block in bots.yaml: wrong values are named, secret values never shown."""

import pytest
from pydantic import ValidationError

from tests.channels.wecom_aibot.conftest import ENCODING_AES_KEY, TOKEN, config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token", "hidden-token"),
        ("token", "t" * 33),
        ("encoding_aes_key", "k" * 42),
        ("encoding_aes_key", "+" * 43),
        ("receive_id", "ww 1"),
        ("display_name", "n" * 129),
        ("audience", "everybody"),
        ("plain_userids", "perhaps"),
        ("colour", "blue"),
    ],
)
def test_a_wrong_field_is_named_and_not_shown(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        config(**{field: value})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]
    assert str(value) not in str(caught.value)


@pytest.mark.parametrize("chat", [{"audience": "everybody"}, {}, {"audience": "hcp", "colour": "blue"}])
def test_a_wrong_chat_is_named(chat: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        config(chats={"CHATID": chat})
    assert caught.value.errors()[0]["loc"][:2] == ("chats", "CHATID")


def test_a_small_block_is_a_public_robot_of_the_corp_itself() -> None:
    block = config()
    assert (block.receive_id, block.display_name, block.audience, dict(block.chats)) == ("", "", "public", {})
    assert block.plain_userids is False
    assert config(chats={"CHATID": {"audience": "hcp"}}).chats["CHATID"].audience == "hcp"


def test_secrets_are_not_in_its_text() -> None:
    assert TOKEN not in repr(config())
    assert ENCODING_AES_KEY not in repr(config())
