"""One snapshot at a time: what holds the live mappings sees the newest, and a turn sees its own to the end."""

import threading

from bot.bots_file import BotConfig, ChannelConfig
from bot.handoff.reach import Reach
from bot.live import EMPTY, Live, Snapshot, changes, next_snapshot
from bot.messages import ConversationId
from tests.delivery.conftest import RecordingChannel
from tests.handoff.office import APP, ROBOT, Block

PLAIN_ROBOT = ChannelConfig(type="answering", config=Block(plain_userids=True))


def bots(*found: BotConfig) -> dict[str, BotConfig]:
    return {bot.id: bot for bot in found}


def bot(bot_id: str, name: str = "小影", **channels: ChannelConfig) -> BotConfig:
    return BotConfig(id=bot_id, name=name, channels=channels)


def after(before: Snapshot, *found: BotConfig) -> Snapshot:
    return next_snapshot(
        before, bots(*found), "v", lambda _address, channel: RecordingChannel(pushes=channel.type == "pushing")
    )


def test_what_did_not_change_stays_the_very_same_object() -> None:
    first = after(EMPTY, bot("a", app=APP, ai=ROBOT), bot("b", app=APP))
    second = after(first, bot("a", app=APP, ai=PLAIN_ROBOT), bot("b", "改名", app=APP), bot("c", app=APP))
    kept = {key for key, channel in first.channels.items() if second.channels.get(key) is channel}
    assert kept == {("a", "app")}
    assert changes(first, second) == {"added": ["c", "c/app"], "changed": ["b", "a/ai", "b/app"]}
    assert changes(second, first)["removed"] == ["c", "c/app"]


def test_mappings_show_what_runs_now() -> None:
    live = Live(after(EMPTY, bot("a", app=APP)))
    held = live.bots
    live.replace(after(live.snapshot, bot("b", app=APP), bot("c", app=APP)))
    assert list(held) == ["b", "c"]
    assert len(held) == 2
    assert "a" not in held
    assert held.get("a") is None
    assert list(live.channels) == [("b", "app"), ("c", "app")]


def test_iterating_goes_through_one_snapshot() -> None:
    live = Live(after(EMPTY, bot("a", app=APP), bot("b", app=APP)))
    seen = []
    for key, value in live.bots.items():
        seen.append((key, value.id))
        live.replace(EMPTY)
    assert seen == [("a", "a"), ("b", "b")]


def test_pinned_work_sees_its_snapshot_to_the_end_and_others_see_the_newest() -> None:
    live = Live(after(EMPTY, bot("a", app=APP)))
    elsewhere: list[list[str]] = []
    with live.pinned():
        live.replace(after(live.snapshot, bot("b", app=APP)))
        with live.pinned():
            assert list(live.bots) == ["a"], "an inner pin keeps the outer one's"
        other = threading.Thread(target=lambda: elsewhere.append(list(live.bots)))
        other.start()
        other.join()
        assert list(live.bots) == ["a"]
        assert list(live.channels) == [("a", "app")]
    assert elsewhere == [["b"]]
    assert list(live.bots) == ["b"]


def test_staff_are_reached_over_the_channels_that_are_there_now() -> None:
    live = Live(after(EMPTY, bot("a", ai=ROBOT)))
    reach = Reach(live.bots, live.channels)
    in_group = ConversationId(bot="a", channel="ai", person="dr.wang", chat="g1")
    assert reach.staff(in_group, "li.na") is None
    live.replace(after(live.snapshot, bot("a", ai=ROBOT, app=APP)))
    assert reach.staff(in_group, "li.na") == ConversationId(bot="a", channel="app", person="li.na")


def test_a_ticket_of_a_channel_that_was_taken_away_still_has_an_address() -> None:
    live = Live(after(EMPTY, bot("a", app=APP)))
    gone = ConversationId(bot="a", channel="ai", person="dr.wang")
    assert Reach(live.bots, live.channels).person(gone) == gone
