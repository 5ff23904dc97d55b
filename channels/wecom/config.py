"""The secrets of a callback URL as an administrator copies them from the WeCom console (page 90930)."""

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr


def shaped(pattern: str, expected: str) -> AfterValidator:
    """A validator for a secret whose whole text must match ``pattern``; pydantic's own pattern is for plain text."""

    def check(value: SecretStr) -> SecretStr:
        if re.fullmatch(pattern, value.get_secret_value()) is None:
            raise ValueError(f"must be {expected}")
        return value

    return AfterValidator(check)


CallbackToken = Annotated[SecretStr, shaped(r"[0-9A-Za-z]{1,32}", "1 to 32 letters and digits")]
EncodingAesKey = Annotated[SecretStr, shaped(r"[0-9A-Za-z]{43}", "exactly 43 letters and digits")]
