"""The channel's block in ``bots.yaml``."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from channels.wecom.config import CallbackToken, CorpId, EncodingAesKey, Secret, UploadNames


class Config(BaseModel):
    """What an administrator copies from the application's page in the WeCom console (shapes: pages 90930, 91039).

    Validation errors name the field and never show the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    corp_id: CorpId
    """我的企业 › 企业信息 › 企业ID."""
    agent_id: Annotated[int, Field(ge=0)]
    """应用管理 › the application › AgentId."""
    secret: Secret
    """The same page › Secret."""
    token: CallbackToken
    """The same page › 接收消息 › 设置API接收 › Token."""
    encoding_aes_key: EncodingAesKey
    """The same form › EncodingAESKey."""
    upload_names: UploadNames = "ascii"
    """Under which names files are uploaded, which is what members see: ``ascii`` replaces every other character, as
    WeCom's own plugin does; ``utf8`` keeps it, which no documentation promises to work."""
    audience: Literal["public", "hcp", "staff"] = "public"
    """What its members may read unless more is known of them."""
    audience_for: Literal["everybody", "bound"] = "everybody"
    """Who may read as much as ``audience`` in single chats: everybody, or only people who are bound to the valid record
    of a professional, who may read at most ``hcp``; all others are ``public`` then (docs/identity.md)."""
