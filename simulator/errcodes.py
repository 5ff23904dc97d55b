"""How qyapi says no: HTTP 200 with ``errcode`` and an ``errmsg`` with hint, IP and link (rule 16, §8)."""

from typing import Any

_TEXTS = {
    -1: "system busy",
    40001: "invalid credential",
    40003: "invalid userid",
    40004: "invalid media type",
    40005: "invalid type parameter",
    40006: "invalid media size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40009: "invalid image size",
    40011: "invalid video size",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40029: "invalid code",
    40033: "invalid request charset",
    40035: "invalid parameter",
    40056: "invalid agentid",
    40058: "invalid parameter",
    40063: "some parameters are empty",
    40096: "invalid external_userid",
    41001: "access_token missing",
    41010: "missing url",
    41016: "missing title",
    41033: "missing description",
    42001: "access_token expired",
    42052: "msgid expired",
    44001: "empty media data",
    44004: "empty text content",
    45001: "media size out of limit",
    45002: "content size out of limit",
    45007: "playtime out of limit",
    45008: "article size out of limit",
    45009: "api freq out of limit",
    45032: "author size out of limit",
    45033: "api concurrent out of limit",
    45034: "url without scheme",
    48002: "api forbidden",
    60020: "not allow to access from your ip",
    60111: "userid not found",
    81013: "user & party & tag all invalid",
    82001: "user & party & tag all empty",
    82002: "too many parties",
    86001: "invalid chat id",
    86003: "chat id not exist",
    86006: "invalid chat member count",
    86007: "invalid chat owner",
    86008: "chat not created by this app",
    86215: "chat id exists",
    93000: "invalid webhook url",
    93004: "robot disabled",
    95000: "invalid open_kfid",
    95001: "send msg count limit",
    95002: "send msg time limit",
    95003: "session count limit",
    95004: "open_kfid not exist",
    95005: "kf account count limit",
    95006: "invalid kf account name",
    95007: "invalid msg token",
    95008: "menu item count limit",
    95009: "invalid menu item type",
    95013: "session ended",
    95014: "not a servicer",
    95016: "session status transition not allowed",
    95017: "api switch is off",
    95018: "send msg session status invalid",
    95019: "servicer stopped serving",
    301002: "not allow operate another agent with this accesstoken.",
    301017: "only amr voice is supported",
    301019: "md5 of the image does not match",
    830002: "file too large, use range",
}
"""Texts by code; clients decide on the code, the words may change at any time."""


class ApiError(Exception):
    """A qyapi call that is answered with ``errcode``.

    ``rule`` is the rule enforced, ``None`` for an error of §8 that no rule names and for a fault asked for on purpose;
    ``warning`` is appended to the text.
    """

    def __init__(self, errcode: int, rule: int | None, warning: str = "") -> None:
        self.errcode = errcode
        self.rule = rule
        self.warning = warning
        super().__init__(errcode)

    def to_json(self, request_id: str, ip: str, now: float) -> dict[str, Any]:
        """The answer's body; ``request_id`` (32 hex digits) appears in its hint."""
        text = _TEXTS.get(self.errcode, "simulated error") + self.warning
        hint = f"[{int(now)}_{len(request_id)}_{request_id}]"
        link = f"https://open.work.weixin.qq.com/devtool/query?e={self.errcode}"
        return {"errcode": self.errcode, "errmsg": f"{text}, hint: {hint}, from ip: {ip}, more info at {link}"}
