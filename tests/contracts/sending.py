"""What every channel promises of what it sends, whether it hears anybody or not; two classes of tests, as in
:mod:`tests.contracts.channel`."""

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import pytest
import redis
from structlog.testing import capture_logs

from bot.channel import Channel, ChannelAddress, ChannelError, ChannelKit, Refused, Retry, Unknown
from bot.connections import Connections
from bot.messages import ConversationId
from bot.parts import Article, Button, Card, Markdown, Menu, News, Part, Text
from bot.shaping import parts_of
from bot.streams import Streams
from tests.contracts.scene import Stage
from tests.fakes.scripted_http import Answer, Cut, ScriptedServer, reply
from tests.media_sources import NO_MEDIA

NOW = 1_800_000_000.0
ADDRESS = ChannelAddress(bot="imaging", channel="c", bot_name="影像助手")
DOCTOR = "wang.fang"


@dataclass
class Speaker(ABC):
    """A channel under test that sends to :data:`DOCTOR` or to its group, and the platform's side of it."""

    redis: "redis.Redis"
    http: Connections
    platform: ScriptedServer
    counted: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    @abstractmethod
    def channel(self) -> Channel:
        """The channel."""

    @property
    @abstractmethod
    def send_path(self) -> str:
        """Where its messages arrive at the platform."""

    @property
    def conversation(self) -> ConversationId:
        """Where it sends to."""
        return ConversationId(bot=ADDRESS.bot, channel=ADDRESS.channel, person=DOCTOR)

    @abstractmethod
    def permit(self) -> None:
        """Let the channel send once."""

    def kit(self) -> ChannelKit:
        """What the installation lends."""
        return ChannelKit(
            redis=self.redis,
            http=self.http,
            api_base={"wecom": self.platform.url},
            callback_max_skew_s=3600,
            pace_per_minute=30,
            pace_per_hour=1000,
            bubbles=Streams(self.redis, lambda: NOW),
            media=NO_MEDIA,
            count=lambda event, **labels: self.counted.append((event, labels)),
            clock=lambda: NOW,
        )

    def send(self, text: str) -> None:
        self.permit()
        self.channel.send(self.conversation, Text(text), "turn:0", NOW + 5)

    def arrived(self) -> int:
        return len(self.platform.to(self.send_path))


class SendContract:
    """What bytes a send becomes, and what each kind of answer to it means."""

    def test_a_part_is_sent_with_one_call(self, subject: Speaker) -> None:
        subject.send("开放时间是 9:00 至 17:00。")
        assert subject.arrived() == 1
        assert "开放时间是 9:00 至 17:00。" in subject.platform.to(subject.send_path)[0].body.decode()
        assert ("send", {"outcome": "sent", "code": "0"}) in subject.counted

    def test_a_server_error_may_be_tried_again(self, subject: Speaker) -> None:
        subject.platform.on(subject.send_path, Answer(status=500))
        with pytest.raises(Retry):
            subject.send("一")

    def test_a_cut_after_the_request_is_an_unknown_outcome(self, subject: Speaker) -> None:
        subject.platform.on(subject.send_path, Cut())
        with pytest.raises(Unknown):
            subject.send("一")

    def test_what_the_platform_refuses_for_good_is_not_tried_again(self, subject: Speaker) -> None:
        subject.platform.on(subject.send_path, reply({"errcode": 40201, "errmsg": "anti-spam"}))
        with pytest.raises(Refused, match="40201"):
            subject.send("一")
        assert subject.arrived() == 1

    def test_a_busy_platform_may_be_tried_again(self, subject: Speaker) -> None:
        subject.platform.on(subject.send_path, reply({"errcode": -1, "errmsg": "system busy"}))
        with pytest.raises(Retry):
            subject.send("一")

    def test_what_is_too_long_never_leaves(self, subject: Speaker) -> None:
        with pytest.raises(Refused, match="too_long"):
            subject.send("好" * subject.channel.limits.text_bytes)
        assert subject.arrived() == 0

    def test_a_link_names_its_address_and_its_label(self, subject: Speaker) -> None:
        link = subject.channel.link("课程指南", "https://bot.example/source/abc#cited")
        assert "课程指南" in link
        assert "https://bot.example/source/abc#cited" in link


PARTS: tuple[Part, ...] = (
    Text("字"),
    Markdown("**字**"),
    Menu("您想问的是？", ("增强 CT 前禁食多久", "能不能喝水")),
    Card(task_id="t1", title="这个回答有用吗？", text="请选", buttons=(Button("有用", "rate:useful"),)),
    News((Article("标题", "描述", "https://a.example/1", "https://a.example/1.png"),)),
)
LATE_S = 0.3
"""How long a send may take in a test whose platform does not answer in time; the platform takes ten times as long."""


class PlatformSendContract:
    """What people read, and what goes wrong on the way, against the simulated platform."""

    def test_a_long_text_arrives_whole_in_order_and_in_bytes_that_fit(self, scene: Stage) -> None:
        limit = scene.channel.limits.text_bytes
        text = "禁食😀" * (limit * 2 // 10)  # no border to cut at, and characters of three and four bytes
        parts = parts_of(text, scene.channel.limits)
        assert len(parts) == 3
        for number, part in enumerate(parts):
            scene.permit(scene.people[0])
            scene.send(part, f"turn:{number}")
        read = scene.reads(scene.people[0])
        assert [words.partition("\n")[0] for words in read] == ["（1/3）", "（2/3）", "（3/3）"]
        assert "".join(words.partition("\n")[2] for words in read) == text
        assert all(len(words.encode()) <= limit for words in read)

    @pytest.mark.parametrize(
        ("fault", "failure", "code"),
        [
            ({"kind": "errcode", "errcode": -1}, Retry, "-1"),
            ({"kind": "errcode", "errcode": 45009}, Retry, "45009"),
            ({"kind": "errcode", "errcode": 45033}, Retry, "45033"),
            ({"kind": "http_500"}, Retry, "http_500"),
            ({"kind": "errcode", "errcode": 40201}, Refused, "40201"),
            ({"kind": "errcode", "errcode": 40003}, Refused, "40003"),
            ({"kind": "errcode", "errcode": 987654}, Refused, "987654"),
            ({"kind": "hang", "seconds": 10 * LATE_S}, Unknown, "timeout"),
            ({"kind": "answer_late", "seconds": 10 * LATE_S}, Unknown, "timeout"),
            ({"kind": "close_after"}, Unknown, "connection_lost"),
        ],
        ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else "",
    )
    def test_what_a_failed_send_means(
        self, scene: Stage, fault: dict[str, object], failure: type[ChannelError], code: str
    ) -> None:
        scene.permit(scene.people[0])
        scene.fault(**fault)
        with pytest.raises(failure) as caught:
            scene.says("只说一次", within_s=LATE_S if "seconds" in fault else 5.0)
        assert vars(caught.value)["code"] == code

    def test_a_rate_limit_is_waited_out(self, scene: Stage) -> None:
        scene.permit(scene.people[0])
        scene.fault(kind="errcode", errcode=45009)
        with pytest.raises(Retry) as caught:
            scene.says("一")
        assert caught.value.after_s >= 60

    @pytest.mark.parametrize("errcode", [-1, 45009])
    def test_what_was_not_sent_is_sent_by_the_next_try(self, scene: Stage, errcode: int) -> None:
        scene.permit(scene.people[0])
        scene.fault(kind="errcode", errcode=errcode)
        with pytest.raises(Retry):
            scene.says("只说一次")
        scene.says("只说一次")
        assert scene.reads(scene.people[0]) == ["只说一次"]

    def test_a_resend_after_a_lost_answer_is_read_once(self, scene: Stage) -> None:
        scene.permit(scene.people[0])
        scene.fault(kind="close_after")
        with pytest.raises(Unknown):
            scene.says("只说一次")
        if scene.resends:
            scene.says("只说一次")
        else:
            with pytest.raises(Refused):
                scene.says("只说一次")
        assert scene.reads(scene.people[0]) == ["只说一次"]

    def test_an_expired_token_is_renewed_and_nobody_notices(self, scene: Stage) -> None:
        scene.permit(scene.people[0])
        if scene.refused_token:
            scene.fault(kind="errcode", errcode=scene.refused_token)
        scene.says("一")
        assert scene.reads(scene.people[0]) == ["一"]

    def test_after_the_deadline_nothing_leaves(self, scene: Stage) -> None:
        scene.permit(scene.people[0])
        with pytest.raises(Retry):
            scene.says("太晚了", within_s=-1)
        assert scene.reads(scene.people[0]) == []

    @pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
    def test_a_part_is_shown_or_refused_and_never_lost(self, scene: Stage, part: Part) -> None:
        shows = scene.channel.limits.shows(part)
        scene.permit(scene.people[0])
        if shows:
            scene.send(part)
        else:
            with pytest.raises(Refused, match="part_unsupported"):
                scene.send(part)
        assert len(scene.reads(scene.people[0])) == shows

    def test_choices_are_a_menu_or_the_words_they_are(self, scene: Stage) -> None:
        words = "您想问的是？\n· 禁食多久\n· 能不能喝水"
        (part,) = parts_of(words, scene.channel.limits, choices=("禁食多久", "能不能喝水"))
        scene.permit(scene.people[0])
        scene.send(part)
        (read,) = scene.reads(scene.people[0])
        assert isinstance(part, Menu) or read == words

    @pytest.mark.parametrize("kind", ["errcode", "http_500", "close_after", "hang"])
    def test_no_secret_is_in_an_error_or_a_log(self, scene: Stage, kind: str, caplog: pytest.LogCaptureFixture) -> None:
        faults: dict[str, dict[str, float]] = {"errcode": {"errcode": 40201}, "hang": {"seconds": 10 * LATE_S}}
        caplog.set_level(logging.DEBUG)
        scene.permit(scene.people[0])
        secrets = scene.secrets()
        scene.fault(kind=kind, **faults.get(kind, {}))
        with capture_logs() as logged, pytest.raises(ChannelError) as caught:
            scene.says("一", within_s=LATE_S if kind == "hang" else 5.0)
        said = repr([str(caught.value), vars(caught.value), logged, caplog.text])
        assert [secret for secret in secrets if secret in said] == []
