"""The channel's block in ``bots.yaml``."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from channels.wecom.config import CallbackToken, EncodingAesKey, shaped


class Config(BaseModel):
    """What an administrator copies from the application's page in the WeCom console (shapes: pages 90930, 91039).

    ``audience`` is the default reader of this channel: what its members may see unless they are known better.
    Validation errors name the field and never show the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    corp_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
    agent_id: Annotated[int, Field(ge=0)]
    secret: Annotated[SecretStr, shaped(r"[\x21-\x7e]{1,256}", "1 to 256 visible ASCII characters")]
    token: CallbackToken
    encoding_aes_key: EncodingAesKey
    audience: Literal["public", "hcp", "staff"] = "public"
