"""The app's events as §2.4 documents them: who causes them, what they carry, and what may answer them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from simulator.envelope import Value

Passive = Literal["any", "card", "none"]
"""The passive reply that an event allows: any, only a change of its card, or none."""

CARD_EVENTS = ("template_card_event", "template_card_menu_event")


@dataclass(frozen=True, kw_only=True, slots=True)
class AppEvent:
    """One event; ``of_system`` comes from ``sys`` and no member, ``fields`` are the documented ones with example
    values, sent where a test gives none."""

    passive: Passive = "none"
    of_system: bool = False
    has_key: bool = True
    fields: Mapping[str, Value] = field(default_factory=dict)


_SCANNED: Mapping[str, Value] = {"ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": "https://work.weixin.qq.com"}}
_PICTURES: Mapping[str, Value] = {
    "SendPicsInfo": {"Count": 1, "PicList": {"item": [{"PicMd5Sum": "1b5f7c23b5bf75682a53e7b6d163e185"}]}}
}
_PLACE: Mapping[str, Value] = {
    "SendLocationInfo": {
        "Location_X": "23",
        "Location_Y": "113",
        "Scale": "15",
        "Label": "广州市海珠区",
        "Poiname": "",
    },
    "AppType": "wxwork",
}
_APPROVAL: Mapping[str, Value] = {
    "ApprovalInfo": {
        "ThirdNo": "201806010001",
        "OpenSpName": "付款",
        "OpenTemplateId": "1234567890",
        "OpenSpStatus": 1,
        "ApplyTime": 1527837645,
        "ApplyUserName": "王芳",
        "ApplyUserId": "wang.fang",
    }
}

_ALERTS = ("inactive_alert", "low_active_alert")
_INACTIVITY = ("close_inactive_agent", "reopen_inactive_agent", "low_active", "active_restored")
_OF_SYSTEM = AppEvent(of_system=True, has_key=False)

APP_EVENTS: Mapping[str, AppEvent] = {
    "subscribe": AppEvent(passive="any"),
    "unsubscribe": AppEvent(),
    "enter_agent": AppEvent(passive="any"),
    "LOCATION": AppEvent(
        passive="any",
        has_key=False,
        fields={"Latitude": "23.104", "Longitude": "113.320", "Precision": "65.000", "AppType": "wxwork"},
    ),
    **dict.fromkeys(("click", "view", "view_miniprogram"), AppEvent(passive="any")),
    "scancode_push": AppEvent(fields=_SCANNED),
    "scancode_waitmsg": AppEvent(passive="any", fields=_SCANNED),
    **dict.fromkeys(("pic_sysphoto", "pic_photo_or_album", "pic_weixin"), AppEvent(fields=_PICTURES)),
    "location_select": AppEvent(fields=_PLACE),
    "template_card_event": AppEvent(passive="card"),
    "template_card_menu_event": AppEvent(passive="any"),
    "batch_job_result": AppEvent(
        of_system=True,
        has_key=False,
        fields={
            "BatchJob": {
                "JobId": "S0MrnndvRG5fadSlLwiBqiDDbM143UqTmKP3152FZk4",
                "JobType": "sync_user",
                "ErrCode": 0,
                "ErrMsg": "ok",
            }
        },
    ),
    "change_contact": AppEvent(
        of_system=True, has_key=False, fields={"ChangeType": "update_user", "UserID": "wang.fang"}
    ),
    "open_approval_change": AppEvent(of_system=True, has_key=False, fields=_APPROVAL),
    **dict.fromkeys(("share_agent_change", "share_chain_change", *_INACTIVITY), _OF_SYSTEM),
    **dict.fromkeys(_ALERTS, AppEvent(of_system=True, has_key=False, fields={"EffectTime": 1700000000})),
}
