"""The channel's block in ``bots.yaml``."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from channels.wecom.config import CallbackToken, CorpId, EncodingAesKey, Secret, UploadNames

ALLOWANCE = 5
"""Messages that the platform lets through after each message of a customer (page 94677)."""


class Config(BaseModel):
    """What an administrator copies from the WeCom console and from 微信客服 (pages 94661, 94698).

    Validation errors name the field and never show the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    corp_id: CorpId
    """我的企业 › 企业信息 › 企业ID."""
    secret: Secret
    """The Secret of the self-built application that is listed under 微信客服 › API › 可调用接口的应用."""
    token: CallbackToken
    """微信客服 › API › 回调配置 › Token, or the application's 接收消息 where that takes the callbacks."""
    encoding_aes_key: EncodingAesKey
    """The same form › EncodingAESKey."""
    open_kfid: Annotated[str, Field(pattern=r"^wk[0-9A-Za-z_-]{1,62}$")]
    """The account, as ``kf/account/list`` names it: ``wk…``."""
    pull_every_s: Annotated[float, Field(ge=5, le=3600)] = 60.0
    """Seconds after which messages are pulled although no bell rang, for the platform loses bells. How often it may be
    asked without one is not published; it answers 45009 when that is too often."""
    first_pull_s: Annotated[float, Field(ge=0, le=259_200)] = 600.0
    """At the very first pull the platform gives three days of history: what is older than so many seconds then is not
    answered."""
    reply_messages: Annotated[int, Field(ge=1, le=ALLOWANCE)] = 3
    """Messages that one reply may have, of the five that the platform lets through; the rest of a longer one stands on
    a page behind a signed link."""
    humans: Literal["session", "tickets"] = "session"
    """Where humans answer: ``session`` hands the customer's session to the account's servicers in WeCom, to one of the
    bot's ``servicers`` first; ``tickets`` keeps it with the bot, which passes words on both ways."""
    satisfaction: bool = False
    """Whether the customer is asked, by a menu, what a human's service was like when it has ended. Leave it off
    where customer service itself asks (接待设置), or people are asked twice."""
    upload_names: UploadNames = "ascii"
    """Under which names files are uploaded; as with an application."""
    audience: Literal["public", "hcp", "staff"] = "public"
    """What its customers may read unless more is known of them."""
    audience_for: Literal["everybody", "bound"] = "everybody"
    """Who may read as much as ``audience`` in single chats: everybody, or only people who are bound to the valid record
    of a professional, who may read at most ``hcp``; all others are ``public`` then (docs/identity.md)."""

    @property
    def account(self) -> tuple[str, str]:
        """Whose messages are pulled: two channels that pull one account would each answer what the other has."""
        return self.corp_id, self.open_kfid
