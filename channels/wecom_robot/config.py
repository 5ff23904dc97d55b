"""The channel's block in ``bots.yaml``."""

from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from channels.wecom.config import shaped

_WEBHOOK = r"https://qyapi\.weixin\.qq\.com/cgi-bin/webhook/send\?key=[0-9A-Za-z-]{8,64}"

Use = Literal["announcements", "alerts"]


class Config(BaseModel):
    """What the robot's page in the group shows (page 99110).

    Validation errors name the field and never show the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    webhook: Annotated[
        SecretStr, shaped(_WEBHOOK, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key= with the robot's key")
    ]
    """The group › 消息推送 › the robot › Webhook 地址. Whoever has it speaks in the group: write ``${NAME}``
    and keep it in the environment. Only its key is used; calls go to WECOM_API_BASE and nowhere else."""
    carries: tuple[Use, ...] = ("announcements",)
    """What the robot says: ``announcements`` (broadcasts, reminders, digests), ``alerts`` (what an operator must
    see), or both."""
    per_minute: Annotated[int, Field(ge=1, le=20)] = 20
    """Messages a minute; the platform takes 20 from one robot and then refuses all for a minute."""

    @property
    def key(self) -> str:
        """The secret part of the webhook."""
        return parse_qs(urlsplit(self.webhook.get_secret_value()).query)["key"][0]
