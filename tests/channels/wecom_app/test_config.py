"""The block in bots.yaml: wrong values are named, secret values never shown."""

import pytest
from pydantic import ValidationError

from tests.channels.wecom_app.conftest import SECRET, config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("corp_id", ""),
        ("corp_id", "ww 1"),
        ("agent_id", -1),
        ("agent_id", "app"),
        ("secret", ""),
        ("secret", "hidden secret"),
        ("token", "hidden-token"),
        ("token", "t" * 33),
        ("encoding_aes_key", "k" * 42),
        ("encoding_aes_key", "+" * 43),
        ("audience", "everybody"),
        ("upload_names", "gbk"),
        ("colour", "blue"),
    ],
)
def test_a_wrong_field_is_named_and_not_shown(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        config(**{field: value})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]
    assert str(value) not in str(caught.value) or len(str(value)) < 4


def test_secrets_are_not_in_its_text_and_the_reader_is_public_unless_told() -> None:
    block = config()
    assert SECRET not in repr(block)
    assert block.token.get_secret_value() not in repr(block)
    assert (block.audience, config(audience="hcp").audience) == ("public", "hcp")
