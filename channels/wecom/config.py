"""What the blocks of WeCom's channels have in common, above all the secrets of a callback URL as an administrator
copies them from the WeCom console (page 90930)."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr


def shaped(pattern: str, expected: str) -> AfterValidator:
    """A validator for a secret whose whole text must match ``pattern``; pydantic's own pattern is for plain text."""

    def check(value: SecretStr) -> SecretStr:
        if re.fullmatch(pattern, value.get_secret_value()) is None:
            raise ValueError(f"must be {expected}")
        return value

    return AfterValidator(check)


CorpId = Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Secret = Annotated[SecretStr, shaped(r"[\x21-\x7e]{1,256}", "1 to 256 visible ASCII characters")]
CallbackToken = Annotated[SecretStr, shaped(r"[0-9A-Za-z]{1,32}", "1 to 32 letters and digits")]
EncodingAesKey = Annotated[SecretStr, shaped(r"[0-9A-Za-z]{43}", "exactly 43 letters and digits")]
UploadNames = Literal["ascii", "utf8"]
"""Which characters of a file's name are uploaded."""
