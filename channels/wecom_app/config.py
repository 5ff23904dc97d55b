"""The channel's block in ``bots.yaml``."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from channels.wecom.config import CallbackToken, EncodingAesKey, shaped

UploadNames = Literal["ascii", "utf8"]


class Config(BaseModel):
    """What an administrator copies from the application's page in the WeCom console (shapes: pages 90930, 91039).

    Validation errors name the field and never show the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    corp_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
    """我的企业 › 企业信息 › 企业ID."""
    agent_id: Annotated[int, Field(ge=0)]
    """应用管理 › the application › AgentId."""
    secret: Annotated[SecretStr, shaped(r"[\x21-\x7e]{1,256}", "1 to 256 visible ASCII characters")]
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
