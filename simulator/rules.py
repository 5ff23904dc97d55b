"""The numbers and switches behind the rules; WeCom changes its limits without notice, so none sits in an ``if``.

A dagger (†) marks what the protocol reference does not know for certain.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

PLAIN_XML = ("mixed", "cdata", "bare")
BOT_EXCESS = ("held", "refused")
KF_DISTRIBUTION = ("api", "servicers")
KF_REFUSALS = ("at_once", "later")
_CHOICES = {
    "plain_xml": PLAIN_XML,
    "bot_excess": BOT_EXCESS,
    "kf_distribution": KF_DISTRIBUTION,
    "kf_refusals": KF_REFUSALS,
}

_LARGEST = 1_000_000_000


class BadRule(ValueError):
    """A rule that does not exist or cannot have that value; ``str()`` says which."""


@dataclass(kw_only=True, slots=True)
class Rules:
    """What the simulator enforces now; seconds end in ``_s``, bytes of UTF-8 in ``_bytes``."""

    trusted_ips: str = ""
    """Rule 15: addresses and networks that may call qyapi, comma-separated; empty: all. Others get 60020."""
    url_check_timeout_s: float = 1.0
    """Rule 1: how long the callback URL may take to answer its verification."""
    callback_timeout_s: float = 5.0
    """Rule 5: how long a callback may take before the connection is cut."""
    callback_retries: int = 3
    """Rule 5: how often a failed callback is made again."""
    callback_retry_pause_s: float = 0.0
    """Rule 5†: the pause before each retry."""
    callback_retry_on_status: bool = True
    """Rule 5: a status other than 200 is retried too (page 90238); off follows page 90930."""
    callback_retry_reuses_signature: bool = False
    """§2.1†: a retry repeats timestamp, nonce and ciphertext instead of signing anew."""
    refuse_unlisted_replies: bool = True
    """Rule 6†: a passive reply to an event that documents none, or only a change of its card, is not shown."""
    plain_xml: str = "mixed"
    """Rule 11: ``cdata``, ``bare``, or ``mixed``: the two in turn."""
    token_life_s: float = 7200
    """Rule 13: how long an access token lives."""
    token_reuse_margin_s: float = 300
    """Rule 13†: gettoken returns the same token while it lives longer than this."""
    bad_secret_limit: int = 5
    """Rule 13†: so many wrong secrets from one IP, and it is banned."""
    bad_secret_ban_s: float = 3600
    """Rule 13: how long it is banned."""
    text_bytes: int = 2048
    """Rule 17: longer text and markdown is delivered cut."""
    refused_text_bytes: int = 65536
    """§2.7†: longer text and markdown is refused with 45002."""
    refuse_unicode_escapes: bool = True
    """§8, code 40033: a body that writes characters as backslash-u escapes is refused."""
    member_per_minute: int = 30
    """Rule 18: messages a member gets in any 60 s; more are silently not delivered."""
    member_per_hour: int = 1000
    """Rule 18: the same in any 3,600 s."""
    seats: int = 1000
    """Rule 19: the size of the corp's account."""
    sends_per_seat_and_day: int = 200
    """Rule 19: person-times a seat a day (Asia/Shanghai); more is 45009 until midnight."""
    calls_per_minute: int = 10_000
    """Rule 19: calls of one API (not ``message/send``, §2.10); more is 45009 for 60 s."""
    calls_per_hour: int = 150_000
    """Rule 19: the same in an hour; more is 45009 for 60 min."""
    concurrent_calls: int = 100
    """Rule 19†: calls of one API at the same time; more is 45033."""
    duplicate_interval_s: float = 1800
    """Rule 20: the interval of the duplicate check when the request names none."""
    duplicate_interval_max_s: float = 14_400
    """Rule 20: the longest interval a request may name."""
    response_code_life_s: float = 259_200
    """Rule 21: how long a response code works (72 h)."""
    response_code_errcode: int = 40_058
    """Rule 21†: what a used, old or unknown response code answers; no code is documented."""
    card_errcode: int = 40_058
    """§5.9†: what a template card that breaks the grammar answers; there are finer codes too (42014 to 42051)."""
    refuse_repeated_task_id: bool = True
    """§5.9†: a card with a ``task_id`` that the app used before is refused; off: it is sent."""
    recall_life_s: float = 86_400
    """Rule 22: how long a message can be recalled (24 h); then 42052."""
    media_id_life_s: float = 259_200
    """Rule 23: how long a media id works (3 days); then 40007."""
    whole_download_bytes: int = 20_971_520
    """Rule 23†: the largest file that ``media/get`` gives whole; a larger one without ``Range`` is 830002."""
    image_bytes: int = 10_485_760
    """Rule 23: the largest picture (10 MB); more is 40009."""
    voice_bytes: int = 2_097_152
    """Rule 23: the largest voice (2 MB); more is 45001."""
    voice_s: float = 60
    """Rule 23: the longest voice; more is 45007."""
    video_bytes: int = 10_485_760
    """Rule 23: the largest video (10 MB); more is 40011."""
    file_bytes: int = 20_971_520
    """Rule 23: the largest file (20 MB); more is 45001."""
    permanent_image_bytes: int = 2_097_152
    """Rule 23†: the largest picture of ``media/uploadimg``; more is 40009."""
    permanent_images_per_day: int = 1000
    """Rule 19: pictures of ``media/uploadimg`` a day (Asia/Shanghai); more is 45009 until midnight."""
    appchat_allowed: bool = True
    """Rule 24: the app's visible range is the root department; off: 48002."""
    appchat_per_minute: int = 200
    """Rule 24: messages that one group of the app gets in any 60 s; more are silently not delivered."""
    appchat_per_hour: int = 10_000
    """Rule 24†: the same in any 3,600 s; documented is a day."""
    appchat_changes_per_hour: int = 1000
    """Rule 24: groups made and changed in an hour; more is 45009."""
    robot_per_minute: int = 20
    """Rule 25: messages of one group robot in a minute; more is 45009 for 60 s."""
    robot_markdown_bytes: int = 4096
    """Rule 25: the longest Markdown of a group robot; more is 40058."""
    robot_image_bytes: int = 2_097_152
    """Rule 25†: the largest picture of a group robot (2 MB); more is 40009."""
    robot_md5_errcode: int = 301_019
    """Rule 25†: what a picture answers whose md5 is another."""
    encrypted_userids: bool = False
    """Rule 26: the bot's callbacks carry encrypted userids, as for a creator who is no super administrator."""
    stream_poll_s: float = 1.0
    """Rule 27†: the pause between the refreshes of an unfinished stream."""
    stream_life_s: float = 360
    """Rule 27: refreshes end so long after the member's message."""
    stream_bytes: int = 20_480
    """Rules 27 and 30: the longest content of a stream and of an active reply."""
    refuse_long_stream: bool = True
    """Rule 27†: a longer content is refused; off: it is shown cut."""
    refuse_early_pictures: bool = True
    """Rule 27†: ``msg_item`` before ``finish`` is refused; off: it is ignored."""
    bot_in_progress: int = 3
    """Rule 28: messages of one member that the bot may have in progress at the same time."""
    bot_excess: str = "held"
    """Rule 28†: one more is ``held`` until one ends, or ``refused``."""
    media_url_life_s: float = 300
    """Rule 29†: how long a link to media works; then 403."""
    response_url_life_s: float = 3600
    """Rule 30: how long a ``response_url`` works."""
    response_url_errcode: int = 40_058
    """Rule 30†: what a used, old or unknown ``response_url`` answers; no code is documented."""
    enter_chat_daily: bool = True
    """Rule 31: ``enter_chat`` comes once a member and day (Asia/Shanghai); off: at every entry."""
    kf_bell_gather_s: float = 0.0
    """Rule 38†: the bell waits so long, and what else comes meanwhile shares it."""
    kf_token_life_s: float = 600
    """Rule 39: how long the token of a bell works; then 95007."""
    kf_tokenless_per_minute: int = 10
    """Rule 39†: calls of ``sync_msg`` without a token; more is 45009 for 60 s. The real limit is not published."""
    kf_page_messages: int = 1000
    """Rule 39: the largest page; fewer may come than were asked for."""
    kf_sent_fill_pages: bool = True
    """Rule 39†: messages sent through the API take places on the pages though they never show, so that a page can be
    empty and not the last; off: they take none."""
    kf_history_s: float = 259_200
    """Rule 39: how long messages can be pulled (3 days)."""
    kf_require_open_kfid: bool = True
    """Rule 39†: ``sync_msg`` must name the account (2024); off: the token's account is read."""
    kf_cursor_errcode: int = 40_035
    """Rule 39†: what a cursor that never was answers; no code is documented."""
    kf_window_messages: int = 5
    """Rule 40: messages to a customer since the customer's last one; more is 95001."""
    kf_window_s: float = 172_800
    """Rule 40: how long after the customer's last message one may send, and a session lasts (48 h)."""
    kf_late_errcode: int = 95_002
    """Rule 40†: what a message after that answers; 95018 is reported too."""
    kf_refusals: str = "at_once"
    """Rules 40 and 42†: a message that may not be sent is refused ``at_once``, or accepted and fails ``later``."""
    kf_distribution: str = "api"
    """Rule 40: who gets a new session: the ``api`` (state 0), or ``servicers`` (state 3) while one is serving."""
    kf_assistant_may_end: bool = True
    """Rule 40†: the assistant may end a session from the states 1 and 2; off: 95016."""
    kf_ended_errcode: int = 95_016
    """Rule 40†: what moving an ended session answers; 95013 is in the table too."""
    kf_verified: bool = True
    """§6.1: the corp is verified; off: nothing can be sent (95018)."""
    kf_refuse_long_text: bool = True
    """§6.5†: a text of more than ``text_bytes`` is refused with 45002; off: it is delivered cut."""
    kf_menu_words_bytes: int = 1024
    """§6.5†: the longest words above and below a menu; more is 40058. The reference documents no length."""
    kf_menu_item_bytes: int = 128
    """§6.5†: the longest id, and the longest words, of an item that can be pressed; more is 40058."""
    kf_image_bytes: int = 2_097_152
    """§6.3: the largest picture that a customer can send (2 MB); a larger one arrives as a text that says so."""
    kf_quiet_s: float = 172_800
    """Rule 41: a ``welcome_code`` comes when the customer wrote nothing and got no welcome for so long (48 h)."""
    kf_welcome_life_s: float = 20
    """Rule 41: how long a ``welcome_code`` works, and the code of an ended session."""
    kf_code_life_s: float = 172_800
    """§6.6: how long the codes of the pool work (48 h)."""
    kf_code_errcode: int = 40_029
    """Rule 41†: what a used, old or unknown code answers; no code is documented."""
    kf_codes_count: bool = False
    """§6.6†: messages on events use up the five too."""
    kf_msgid_errcode: int = 40_058
    """Rule 42†: what a repeated ``msgid`` answers; no code is published."""
    kf_send_fail_after_s: float = 1.0
    """Rule 42†: so long after the answer comes ``msg_send_fail``."""

    def update(self, changes: Mapping[str, Any]) -> None:
        """Change some rules, all or none. Raises :class:`BadRule`."""
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        checked = {}
        for name, value in changes.items():
            if name not in kinds:
                raise BadRule(f"unknown rule {name}; known: {', '.join(kinds)}")
            checked[name] = _checked(name, value, kinds[name])
        for name, value in checked.items():
            setattr(self, name, value)

    def copy(self) -> "Rules":
        """The same rules, to change or to go back to."""
        return replace(self)

    def to_json(self) -> dict[str, Any]:
        """Name to value."""
        return asdict(self)


def is_trusted(ip: str, trusted_ips: str) -> bool:
    """Whether ``ip`` is one of the ``trusted_ips`` (rule 15)."""
    networks = _networks(trusted_ips)
    return not networks or any(ip_address(ip) in network for network in networks)


def _networks(trusted_ips: str) -> list[IPv4Network | IPv6Network]:
    return [ip_network(text.strip()) for text in trusted_ips.split(",") if text.strip()]


def _checked(name: str, value: Any, kind: type) -> Any:
    if name == "trusted_ips":
        try:
            _networks(value)
        except (AttributeError, ValueError) as error:
            raise BadRule(f"{name} must be addresses or networks, comma-separated: {error}") from error
        return value
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise BadRule(f"{name} must be one of {', '.join(_CHOICES[name])}")
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise BadRule(f"{name} must be true or false")
        return value
    numeric = isinstance(value, int) or (isinstance(value, float) and kind is float)
    if isinstance(value, bool) or not numeric or not 0 <= value <= _LARGEST:
        raise BadRule(f"{name} must be {'an integer' if kind is int else 'a number'} from 0 to {_LARGEST}")
    return kind(value)
