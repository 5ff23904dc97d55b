"""People come, press, choose and rate: what the bot says to it, and what it keeps."""

from dataclasses import replace

import pytest

from bot.bots_file import BotConfig
from bot.events import CardClick, Entered, MenuClick, Rating, Subscribed, Undelivered, Verdict, Warned
from bot.feedback.records import Source
from bot.handoff.tickets import TicketState
from bot.messages import MessageKind, ReplyKind
from bot.parts import Card, CardUpdate, Text, words_of
from tests.pipeline.conftest import NOW, House, words

QUESTION = "如何修改登录密码"


def verdicts(house: House, turn_id: str) -> list[tuple[Verdict, Source]]:
    return [(given.verdict, given.source) for given in house.feedback.of_turn(turn_id)]


def test_who_gains_the_app_is_welcomed(house: House) -> None:
    assert "小影" in words(house.event(Subscribed()))


def test_who_enters_is_welcomed_once_a_day(house: House) -> None:
    first = house.event(Entered())
    assert "小影" in words(first)
    house.records.save(house.record("", kind=MessageKind.EVENT, event=Entered()))
    again = house.event(Entered())
    assert (again.reply.parts, again.reply.record) == ((), "")
    house.clock.now = NOW + 24 * 3600
    assert "小影" in words(house.event(Entered()))


def test_who_has_just_asked_is_not_welcomed_on_entering(house: House) -> None:
    house.delivers(QUESTION)
    assert house.event(Entered()).reply.parts == ()


def test_a_menu_entry_asks_what_the_configuration_says(house: House) -> None:
    house.bots["imaging"] = replace_bot(house, menu={"password": QUESTION, "human": "转人工"})
    assert "修改密码" in words(house.event(MenuClick("password")))
    assert "转接人工" in words(house.event(MenuClick("human")))


def test_a_menu_entry_that_nobody_configured_is_answered(house: House) -> None:
    assert "菜单" in words(house.event(MenuClick("courses")))


def test_a_menu_entry_gives_nobody_more_rights(house: House) -> None:
    house.bots["imaging"] = replace_bot(house, menu={"echo": "/echo 一"})
    assert "管理员" in words(house.event(MenuClick("echo")))


def test_a_warning_of_the_platform_reaches_the_admins_once_a_day(house: House) -> None:
    (post,) = house.event(Warned("inactive_alert")).posts
    assert post.conversation.person == "zhang.wei"
    assert "inactive_alert" in words_of_post(post.reply.parts)
    (again,) = house.event(Warned("inactive_alert")).posts
    assert again.reply.key == post.reply.key


def test_thumbs_are_kept_with_the_turn_and_answered_by_silence(house: House) -> None:
    turn = house.delivers(QUESTION, channel="ai")
    event = Rating(turn_id=turn.id, verdict=Verdict.USELESS, reasons=("incomplete",), words="不全")
    assert house.event(event, channel="ai", stream_id="").reply.parts == ()
    (given,) = house.feedback.of_turn(turn.id)
    assert (given.verdict, given.reasons, given.words, given.person) == (
        Verdict.USELESS,
        ("incomplete",),
        "不全",
        "wang.fang",
    )


def test_the_last_verdict_of_a_person_counts(house: House) -> None:
    turn_id = house.message("").turn_id
    for verdict in (Verdict.USEFUL, Verdict.USELESS, Verdict.WITHDRAWN):
        house.event(Rating(turn_id=turn_id, verdict=verdict))
    assert verdicts(house, turn_id) == [(Verdict.WITHDRAWN, Source.RATING)]


@pytest.mark.parametrize(
    ("chat", "elsewhere", "taken"),
    [
        ("", {}, True),
        ("", {"person": "li.na"}, False),
        ("", {"bot": "other"}, False),
        ("", {"chat": "doctors"}, False),
        ("doctors", {"person": "li.na"}, True),
        ("doctors", {"chat": "others"}, False),
        ("doctors", {"chat": "", "person": "li.na"}, False),
    ],
    ids=["own", "a colleague's", "another bot's", "a group's", "in the group", "another group", "outside the group"],
)
def test_who_could_read_an_answer_may_rate_it(house: House, chat: str, elsewhere: dict[str, str], taken: bool) -> None:
    house.bots["other"] = replace_bot(house, id="other", tenant="hospital")
    house.channels["other", "ai"] = house.channels["imaging", "ai"]
    turn = house.delivers(QUESTION, channel="ai", chat=chat)
    rater = replace(house.message("", channel="ai", chat=chat).conversation, **elsewhere)
    rating = Rating(turn_id=turn.id, verdict=Verdict.USEFUL)
    assert house.event(rating, conversation=rater).reply.parts == ()
    assert verdicts(house, turn.id) == ([(Verdict.USEFUL, Source.RATING)] if taken else [])


@pytest.mark.parametrize("turn_id", ["", "t1", "a" * 256, "A" * 20, "a" * 20 + "\n"])
def test_what_is_no_turn_s_id_is_not_kept(house: House, turn_id: str) -> None:
    house.event(Rating(turn_id=turn_id, verdict=Verdict.USEFUL))
    house.event(CardClick(task_id="x", key=f"rate:useful:{turn_id}"))
    assert verdicts(house, turn_id) == []


def test_an_answer_asks_in_words_where_the_platform_has_no_thumbs(house: House) -> None:
    assert house.hears(QUESTION).endswith("可回复“有用”“没用”或“转人工”。")
    house.channels["imaging", "ai"].ratings = True
    assert "有用" not in house.hears(QUESTION, channel="ai")


@pytest.mark.parametrize("text", ["火星上今天的天气怎么样？", "/help", "转人工"])
def test_only_answers_are_asked_about(house: House, text: str) -> None:
    assert "有用" not in house.hears(text)


def test_nothing_is_asked_where_the_bot_shall_not(house: House) -> None:
    house.bots["imaging"] = replace_bot(house, feedback="none")
    assert "有用" not in house.hears(QUESTION)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("有用", Verdict.USEFUL),
        ("有用！谢谢", Verdict.USEFUL),
        ("没用。", Verdict.USELESS),
        ("Not useful", Verdict.USELESS),
    ],
)
def test_words_after_an_answer_are_its_verdict(house: House, text: str, verdict: Verdict) -> None:
    turn = house.delivers(QUESTION)
    house.delivers("/help")
    said = house.record(text)
    assert (said.step, said.kind) == ("take_verdict", ReplyKind.NOTICE)
    assert verdicts(house, turn.id) == [(verdict, Source.WORDS)]


def test_in_a_group_the_words_are_about_the_answer_to_their_own_person(house: House) -> None:
    turn = house.delivers(QUESTION, channel="ai", chat="doctors")
    colleague = replace(house.message("", channel="ai", chat="doctors").conversation, person="li.na")
    assert house.record("没用", conversation=colleague, channel="ai").step != "take_verdict"
    assert house.record("没用", channel="ai", chat="doctors").step == "take_verdict"
    assert verdicts(house, turn.id) == [(Verdict.USELESS, Source.WORDS)]


def test_words_after_a_refusal_are_about_it_and_not_about_the_answer_before(house: House) -> None:
    turn = house.delivers(QUESTION)
    refused = house.delivers("今天上海天气怎么样", received_at=NOW + 1)
    assert refused.kind == ReplyKind.REFUSAL
    house.says("没用")
    assert verdicts(house, turn.id) == []
    assert verdicts(house, refused.id) == [(Verdict.USELESS, Source.WORDS)]


def test_the_same_words_without_an_answer_are_a_question(house: House) -> None:
    assert house.record("有用").step != "take_verdict"


def test_the_same_words_a_day_later_are_a_question(house: House) -> None:
    house.delivers(QUESTION)
    house.clock.now = NOW + 24 * 3600 + 1
    assert house.record("有用").step != "take_verdict"


@pytest.mark.parametrize("text", ["没用过，怎么开始？", "有用的资料在哪里", "碘海醇没用完怎么办"])
def test_a_question_that_holds_these_words_is_a_question(house: House, text: str) -> None:
    house.delivers(QUESTION)
    assert house.record(text).step != "take_verdict"


def test_a_verdict_is_not_answered_together_with_a_question(house: House) -> None:
    assert not house.pipeline.mergeable(house.message("有用"))
    assert house.pipeline.mergeable(house.message(QUESTION))


class TestCards:
    """A bot that asks by a card, on a channel that shows cards."""

    @pytest.fixture(autouse=True)
    def _cards(self, house: House) -> None:
        house.channels["imaging", "app"].cards = True
        house.bots["imaging"] = replace_bot(house, feedback="card")

    def card(self, house: House) -> Card:
        text, card = house.says(QUESTION).reply.parts
        assert isinstance(text, Text)
        assert "有用" not in text.content
        assert isinstance(card, Card)
        return card

    def test_a_card_follows_the_answer(self, house: House) -> None:
        assert [button.label for button in self.card(house).buttons] == ["有用", "没用", "转人工"]

    def test_a_channel_without_cards_asks_in_words(self, house: House) -> None:
        house.channels["imaging", "app"].cards = False
        assert house.hears(QUESTION).endswith("可回复“有用”“没用”或“转人工”。")

    def test_a_press_is_kept_with_the_turn_and_says_nothing_more(self, house: House) -> None:
        card = self.card(house)
        pressed = house.event(CardClick(task_id=card.task_id, key=card.buttons[1].key))
        assert pressed.reply.parts == ()
        assert verdicts(house, card.task_id.removeprefix("rate_")) == [(Verdict.USELESS, Source.CARD)]

    def test_a_press_brings_a_human(self, house: House) -> None:
        card = self.card(house)
        pressed = house.event(CardClick(task_id=card.task_id, key=card.buttons[2].key))
        assert "转接人工" in words(pressed)
        assert house.tickets.silencing(house.message("").conversation)

    def test_a_verdict_that_was_not_taken_is_not_shown_as_noted(self, house: House) -> None:
        card = self.card(house)
        foreign = CardClick(task_id=card.task_id, key="rate:useful:nobody", response_code="once")
        pressed = house.event(foreign)
        assert pressed.reply.parts == (CardUpdate(card.task_id, "once", "没有记录"),)

    def test_a_press_on_what_is_no_card_of_ours_is_quiet(self, house: House) -> None:
        assert house.event(CardClick(task_id="x", key="rate:perfect:t1")).reply.parts == ()
        assert house.event(CardClick(task_id="x", key="")).reply.parts == ()

    def test_a_human_s_service_is_rated_by_its_person_alone(self, house: House) -> None:
        ticket, card = self.released(house)
        chosen = {card.vote.key: (card.vote.choices[0].id,)} if card.vote else {}
        click = CardClick(task_id=card.task_id, key=f"ticket:{ticket}", chosen=chosen)
        stranger = replace(house.message("").conversation, person="stranger")
        assert f"{ticket}" in words(house.event(click, conversation=stranger))
        assert self.satisfaction(house, ticket) is None
        voted = house.event(replace(click, response_code="once"))
        assert "谢谢" in words(voted)
        assert voted.reply.parts[1:] == (CardUpdate(card.task_id, "once", "已评价：满意"),)
        assert self.satisfaction(house, ticket) == 3

    @pytest.mark.parametrize("chosen", [{}, {"k": ()}, {"k": ("9",)}, {"k": ("好",)}, {"k": ("1", "2")}])
    def test_a_vote_without_a_clear_choice_is_asked_for_again(
        self, house: House, chosen: dict[str, tuple[str, ...]]
    ) -> None:
        ticket, card = self.released(house)
        said = words(house.event(CardClick(task_id=card.task_id, key=f"ticket:{ticket}", chosen=chosen)))
        assert "选" in said
        assert self.satisfaction(house, ticket) is None

    def released(self, house: House) -> tuple[int, Card]:
        house.says("转人工")
        (waiting,) = house.tickets.silencing(house.message("").conversation)
        assert waiting is not None
        servicer = replace(house.message("").conversation, person="li.na")
        outcome = house.says(
            f"/release {waiting.number}", conversation=servicer, sender=replace(house.message("").sender, id="li.na")
        )
        released = house.tickets.get("imaging", waiting.number)
        assert released is not None
        assert released.state is TicketState.RELEASED
        (post,) = outcome.posts
        card = post.reply.parts[-1]
        assert isinstance(card, Card)
        return waiting.number, card

    def satisfaction(self, house: House, number: int) -> int | None:
        ticket = house.tickets.get("imaging", number)
        return ticket.satisfaction if ticket else None


def test_an_event_that_could_not_be_worked_is_not_apologised_for(house: House) -> None:
    message = house.message("", kind=MessageKind.EVENT, event=Entered())
    assert house.pipeline.apologise([message], "failed").reply.parts == ()


def test_words_behind_such_an_event_are_apologised_for(house: House) -> None:
    entered = house.message("", kind=MessageKind.EVENT, event=Entered())
    asked = house.message("年假有几天？")
    outcome = house.pipeline.apologise([entered, asked], "too_old")
    assert words_of_post(outcome.reply.parts).startswith("抱歉")
    assert outcome.reply.key == asked.turn_id
    assert outcome.posts, "a human hears of it"


def replace_bot(house: House, **changes: object) -> BotConfig:
    return house.bots["imaging"].model_copy(update=changes)


def words_of_post(parts: tuple[object, ...]) -> str:
    return "".join(part.content for part in parts if isinstance(part, Text))


def test_who_the_platform_says_is_to_be_welcomed_is_so_in_time_or_not_at_all(house: House) -> None:
    """The platform knows who was welcomed before, and a welcome that does not reach anybody is no dead answer."""
    house.records.save(house.record(QUESTION))
    welcome = house.event(Entered(welcome_until=NOW + 20))
    assert "小影" in words(welcome)
    assert welcome.reply.record == ""
    assert house.event(Entered(welcome_until=NOW - 1)).reply.parts == ()


def test_an_answer_that_the_person_never_got_is_known_and_told(house: House) -> None:
    turn = house.delivers(QUESTION)
    outcome = house.event(Undelivered(part=f"{turn.id}:0", reason="security"))
    assert outcome.reply.parts == ()
    (post,) = outcome.posts
    assert post.conversation.person == "li.na"
    assert QUESTION in "".join(map(words_of, post.reply.parts))
    kept = house.records.get(turn.id)
    assert kept is not None
    assert (kept.failure, kept.answer) == ("undelivered_security", turn.answer)


def test_so_are_a_humans_words_and_no_other_notice(house: House) -> None:
    (post,) = house.event(Undelivered(part="t1:human:0", reason="refused_by_person")).posts
    assert "refused_by_person" in "".join(map(words_of, post.reply.parts))
    assert house.event(Undelivered(part="busy:imaging/app//wang.fang:1:0", reason="unknown")).posts == ()
