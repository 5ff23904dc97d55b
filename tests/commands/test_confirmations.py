"""A second word before what cannot be undone: by the same person, within two minutes, once."""

from dataclasses import replace

import redis

from bot.commands.confirmations import VALID_S, Confirmations
from bot.commands.declaration import Confirmed
from bot.commands.desk import CommandDesk
from bot.parts import Card
from tests.commands.conftest import ADMIN, GROUP, Chat, code_of
from tests.handoff.office import Office, make_bot

ASKED = "/broadcast 明天停机"
INVALID = "无效：可能已超时、已用过，或不是您的"


def _remember(office: Office) -> None:
    office.now = 1000.0
    office.remember("dr.wang", "问", "答")


def test_what_will_be_done_is_shown_and_nothing_done_before_the_word(chat: Chat) -> None:
    _remember(chat.office)
    asked = chat.says(ADMIN, ASKED)
    assert asked.text.startswith("将发给 1 人：\n【通知】明天停机\n确认请在 2 分钟内回复：/confirm ")
    assert chat.office.tools.broadcasts.newest("imaging") is None
    assert "已开始" in chat.hears(ADMIN, f"/confirm {code_of(asked)}")
    assert chat.office.tools.broadcasts.newest("imaging") is not None


def test_it_is_asked_by_a_button_too(chat: Chat) -> None:
    _remember(chat.office)
    asked = chat.says(ADMIN, ASKED)
    (card,) = asked.parts
    assert isinstance(card, Card)
    assert (card.title, card.buttons[0].label) == ("确认执行 /broadcast？", "确认执行")
    assert "已开始" in chat.presses(ADMIN, asked).text


def test_the_word_works_once_but_again_for_a_turn_that_runs_again(chat: Chat) -> None:
    _remember(chat.office)
    code = code_of(chat.says(ADMIN, ASKED))
    first = chat.hears(ADMIN, f"/confirm {code}", turn_id="the one that confirms")
    assert chat.hears(ADMIN, f"/confirm {code}", turn_id="the one that confirms") == first
    assert INVALID in chat.hears(ADMIN, f"/confirm {code}")
    chat.office.tools.broadcasts.stop("imaging")
    assert chat.office.tools.broadcasts.newest("imaging").number == 1  # type: ignore[union-attr]


def test_the_word_is_its_person_s_alone(chat: Chat) -> None:
    _remember(chat.office)
    bot = make_bot(admins=[ADMIN, "second.admin"])
    code = code_of(chat.says(ADMIN, ASKED))
    assert INVALID in chat.hears("second.admin", f"/confirm {code}", bot=bot)
    assert INVALID in chat.hears(ADMIN, f"/confirm {code}", bot=make_bot("second"))
    assert "已开始" in chat.hears("Zhang.WEI", f"／确认 {code.lower()}")


def test_rights_are_looked_at_again(chat: Chat) -> None:
    _remember(chat.office)
    code = code_of(chat.says(ADMIN, ASKED))
    assert "只有管理员" in chat.hears(ADMIN, f"/confirm {code}", bot=make_bot(admins=["somebody.else"]))
    of_a_group = make_bot(admins=["somebody.else"], group_admins={GROUP: [ADMIN]})
    assert "只有管理员" in chat.hears(ADMIN, f"/confirm {code}", bot=of_a_group, chat=GROUP)
    assert chat.office.tools.broadcasts.newest("imaging") is None


def test_the_word_survives_a_worker_and_ends_after_two_minutes(chat: Chat, redis_client: redis.Redis) -> None:
    _remember(chat.office)
    code = code_of(chat.says(ADMIN, ASKED))
    (name,) = redis_client.keys(f"confirm:*:{code}")
    assert 0 < redis_client.ttl(name) <= VALID_S
    another = CommandDesk(
        replace(chat.office.tools, confirmations=Confirmations(redis_client)), chat.office.audited.append
    )
    chat.office.commands = another
    redis_client.delete(name)  # as its end does
    assert INVALID in chat.hears(ADMIN, f"/confirm {code}")
    code = code_of(chat.says(ADMIN, ASKED))
    assert "已开始" in chat.hears(ADMIN, f"/confirm {code}")


def test_a_turn_that_runs_again_asks_for_the_same_word(chat: Chat) -> None:
    _remember(chat.office)
    asked = [code_of(chat.says(ADMIN, ASKED, turn_id="again")) for _ in range(3)]
    assert len(set(asked)) == 1


def test_words_that_wait_at_the_same_time_differ(redis_client: redis.Redis) -> None:
    confirmations = Confirmations(redis_client)
    wanted = [Confirmed(name="kill", rest=str(number), turn_id=f"t{number}") for number in range(60)]
    codes = [confirmations.ask("imaging", ADMIN, one) for one in wanted]
    assert len(set(codes)) == len(wanted)
    assert [confirmations.take("imaging", ADMIN, code, "t") for code in codes] == wanted


def test_what_is_no_code_is_said(chat: Chat) -> None:
    assert chat.hears(ADMIN, "/confirm 7K").startswith("“7K”不是确认码（例如 K7）。")
