"""The channel's block in ``bots.yaml``."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from channels.wecom.config import CallbackToken, EncodingAesKey

Audience = Literal["public", "hcp", "staff"]
_ChatId = Annotated[str, Field(min_length=1, max_length=128)]


class ChatConfig(BaseModel):
    """What is known of one group: the ``audience`` that all its members belong to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    audience: Audience


class Config(BaseModel):
    """What an administrator copies from the robot's page in the WeCom console (shapes: pages 90930, 101033).

    ``receive_id`` is empty for a robot of the corp itself (page 101033). ``display_name`` is the name by which members
    mention the robot, where it differs from the bot's name. ``audience`` is the default reader of single chats;
    ``chats`` maps a group's chatid to what is known of it, and a group that is not listed is public.
    ``plain_userids`` says that userids are those of the address book and not encrypted (page 100719,
    ``from.userid``). Validation errors name the field and never show the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: CallbackToken
    encoding_aes_key: EncodingAesKey
    receive_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{0,64}$")] = ""
    display_name: Annotated[str, Field(max_length=128)] = ""
    audience: Audience = "public"
    chats: Mapping[_ChatId, ChatConfig] = Field(default_factory=dict)
    plain_userids: bool = False
