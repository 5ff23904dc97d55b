"""The channel's block in ``bots.yaml``."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from channels.wecom.config import CorpId, Secret, UploadNames

Use = Literal["announcements", "alerts"]


class Config(BaseModel):
    """What tells the group, and the application that made it (page 90245).

    Validation errors name the field and never show the value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    corp_id: CorpId
    """我的企业 › 企业信息 › 企业ID."""
    secret: Secret
    """The Secret of the self-built application that made the group; its visible range must be the root department."""
    chatid: Annotated[str, Field(pattern=r"^[0-9a-zA-Z]{1,32}$")]
    """The group, as ``appchat/create`` was told or answered."""
    carries: tuple[Use, ...] = ("announcements",)
    """What is said there: ``announcements`` (broadcasts, reminders, digests), ``alerts`` (what an operator must
    see), or both."""
    upload_names: UploadNames = "ascii"
    """Under which names files are uploaded; as with an application."""
