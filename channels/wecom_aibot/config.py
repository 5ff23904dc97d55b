"""The channel's block in ``bots.yaml``."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from channels.wecom.config import CallbackToken, EncodingAesKey

Audience = Literal["public", "hcp", "staff"]
_ChatId = Annotated[str, Field(min_length=1, max_length=128)]
_HostName = Annotated[
    str, Field(pattern=r"^\.?[0-9a-z-]{1,63}(\.[0-9a-z-]{1,63})*\.[a-z][0-9a-z-]{1,62}$", max_length=253)
]
"""A name and no address: the last piece of an address is a number."""


class ChatConfig(BaseModel):
    """What is known of one group."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    audience: Audience
    """What all its members may read."""


class Config(BaseModel):
    """What an administrator copies from the robot's page in the WeCom console (shapes: pages 90930, 101033).

    Validation errors name the field and never show the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    token: CallbackToken
    """智能机器人 › API 模式 › 使用 URL 回调 › Token."""
    encoding_aes_key: EncodingAesKey
    """The same form › EncodingAESKey."""
    receive_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{0,64}$")] = ""
    """Empty for a robot of the corp itself (page 101033)."""
    display_name: Annotated[str, Field(max_length=128)] = ""
    """The name by which members mention the robot, where it differs from the bot's name."""
    audience: Audience = "public"
    """What people may read in single chats unless more is known of them."""
    audience_for: Literal["everybody", "bound"] = "everybody"
    """Who may read as much as ``audience`` in single chats: everybody, or only people who are bound to the valid record
    of a professional, who may read at most ``hcp``; all others are ``public`` then (docs/identity.md)."""
    chats: Mapping[_ChatId, ChatConfig] = Field(default_factory=dict)
    """What is known of groups, by their chatid; a group that is not listed is public."""
    media_hosts: tuple[_HostName, ...] = (".myqcloud.com",)
    """Hosts from which media are fetched, besides the API's own, by name; a dot in front stands for all names below."""
    response_hosts: tuple[_HostName, ...] = (".weixin.qq.com",)
    """Hosts to which late replies are posted (``response_url``, page 101138), besides the API's own, written as those
    of ``media_hosts``."""
    plain_userids: bool = False
    """Whether userids are those of the address book and not encrypted (page 100719, ``from.userid``)."""
