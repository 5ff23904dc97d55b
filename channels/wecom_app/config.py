"""The channel's block in ``bots.yaml``."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr


def _shaped(pattern: str, expected: str) -> AfterValidator:
    """A validator for a secret whose whole text must match ``pattern``; pydantic's own pattern is for plain text."""

    def check(value: SecretStr) -> SecretStr:
        if re.fullmatch(pattern, value.get_secret_value()) is None:
            raise ValueError(f"must be {expected}")
        return value

    return AfterValidator(check)


class Config(BaseModel):
    """What an administrator copies from the application's page in the WeCom console (shapes: pages 90930, 91039).

    ``audience`` is the default reader of this channel: what its members may see unless they are known better.
    Validation errors name the field and never show the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    corp_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
    agent_id: Annotated[int, Field(ge=0)]
    secret: Annotated[SecretStr, _shaped(r"[\x21-\x7e]{1,256}", "1 to 256 visible ASCII characters")]
    token: Annotated[SecretStr, _shaped(r"[0-9A-Za-z]{1,32}", "1 to 32 letters and digits")]
    encoding_aes_key: Annotated[SecretStr, _shaped(r"[0-9A-Za-z]{43}", "exactly 43 letters and digits")]
    audience: Literal["public", "hcp", "staff"] = "public"
