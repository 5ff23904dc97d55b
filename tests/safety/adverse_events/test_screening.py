"""What the screen says of single messages: the table of the guidance, and what tells near twins apart."""

import itertools

import pytest

from bot.safety.adverse_events import Element, Kind, Regime, Seriousness, default_lexicon, predict, screen
from bot.safety.adverse_events.reading import read
from tests.effort import calls


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("患者女，56岁，服用XX片三天后全身皮疹伴瘙痒", Kind.ADVERSE_EVENT),
        ("打完第二针发烧到39度，住了两天院", Kind.ADVERSE_EVENT),
        ("我妈吃了你们的药昨晚走了", Kind.ADVERSE_EVENT),
        ("停药后ALT从320降到80", Kind.ADVERSE_EVENT),
        ("用了两个月血糖一点没降", Kind.LACK_OF_EFFECT),
        ("孕8周才发现，之前一直在吃", Kind.PREGNANCY),
        ("哺乳期，吃了两片这个药，奶要挤掉吗", Kind.LACTATION),
        ("护士把10mg配成了100mg，还没给病人用", Kind.MEDICATION_ERROR),
        ("昨天漏服了两次", Kind.MEDICATION_ERROR),
        ("给5岁孩子用了成人量", Kind.MISUSE),
        ("一次吃了一整板", Kind.OVERDOSE),
        ("这个药我吃上瘾了，不吃就难受", Kind.ABUSE),
        ("扎针时药液溅到眼睛里了", Kind.OCCUPATIONAL_EXPOSURE),
        ("这批药片颜色发黄、有裂纹", Kind.QUALITY_COMPLAINT),
        ("有个病人用在儿童川崎病上效果不错", Kind.OFF_LABEL),
        ("头孢吃了又喝了酒，怎么办", Kind.INTERACTION),
        ("输了白蛋白，怀疑被传染了乙肝", Kind.INFECTION_TRANSMISSION),
        ("买到假药了", Kind.COUNTERFEIT),
        ("这个药会引起肝损伤吗，我转氨酶升高了", Kind.ADVERSE_EVENT),
        ("吃药后头有点晕，应该没事吧", Kind.ADVERSE_EVENT),
        ("🤮了一晚上", Kind.ADVERSE_EVENT),
        ("tx疹", Kind.ADVERSE_EVENT),
        ("过敏了", Kind.ADVERSE_EVENT),
        ("同事说他一个病人用完休克了", Kind.ADVERSE_EVENT),
        ("请问患者用药后皮疹怎么处理？", Kind.ADVERSE_EVENT),
        ("打完造影劑全身癢", Kind.ADVERSE_EVENT),
        ("打完contrast有rash", Kind.ADVERSE_EVENT),
        ("chi le yao hou tou yun", Kind.ADVERSE_EVENT),
    ],
)
def test_what_has_to_be_reported(text: str, kind: Kind) -> None:
    screening = screen([text])
    assert screening.suspected
    assert kind in screening.kinds


@pytest.mark.parametrize(
    "text",
    [
        "说明书里常见不良反应有哪些？",
        "这个药会引起肝损伤吗？",
        "III期试验中皮疹发生率多少？",
        "如果漏服了怎么办？",
        "孕妇能不能用这个药",
        "患者对青霉素过敏，能用头孢吗",
        "造影剂外渗怎么处理？",
        "What are the common side effects of iohexol?",
    ],
)
def test_a_question_is_no_report(text: str) -> None:
    assert not screen([text]).suspected


@pytest.mark.parametrize("text", ["说明书里常见不良反应有哪些？", "这个药会引起肝损伤吗？", "打疫苗后多久会发烧"])
def test_a_question_about_effects_is_marked_as_one(text: str) -> None:
    assert screen([text]).asks_about_effects


@pytest.mark.parametrize(
    "text", ["没有出现任何不适", "打完没什么反应，挺好的", "吃了药头痛好多了", "吃了海鲜身上起疹子"]
)
def test_denied_improved_or_otherwise_caused_is_no_report(text: str) -> None:
    assert not screen([text]).suspected


def test_what_was_there_before_goes_to_review_and_what_got_worse_is_reported() -> None:
    before = screen(["皮疹是用药前就有的"])
    assert not before.suspected
    assert before.review
    assert screen(["皮疹用药前就有，但用药后明显加重了"]).suspected


def test_a_ground_quotes_the_words_as_they_were_written() -> None:
    text = "您好！我  服藥後，頭暈。"
    (ground, *_) = screen([text]).new_grounds
    assert ground.rule == "after_exposure"
    assert ground.quote.text == "頭暈"
    assert text[ground.quote.start : ground.quote.end] == "頭暈"


def test_product_in_one_turn_and_event_in_another() -> None:
    first = "我今天打了造影剂"
    assert not screen([first]).suspected
    screening = screen([first, "现在胳膊上起了好多包"])
    assert screening.suspected
    assert {ground.quote.message for ground in screening.new_grounds} == {1}


def test_thanks_after_a_report_is_no_new_report() -> None:
    screening = screen(["打完疫苗发烧了", "谢谢"])
    assert not screening.suspected
    assert screening.kinds == {Kind.ADVERSE_EVENT}


def test_something_new_after_a_report_is_a_new_ground_in_whatever_words() -> None:
    assert screen(["打完疫苗发烧了", "昨天又吃了你们的药，人像丢了魂"]).suspected


def test_a_question_that_is_then_affirmed_is_a_report() -> None:
    assert screen(["这个药会引起皮疹吗", "有，我们这有一个病人"]).suspected
    assert not screen(["这个药会引起皮疹吗", "有效期到什么时候"]).suspected


def test_only_the_last_five_turns_count() -> None:
    told = ["我今天打了造影剂", *["您好"] * 4]
    assert screen([*told[:-1], "胳膊上起了好多包"]).suspected
    assert all(ground.quote.message < 5 for ground in screen([*told, "您好", "起了好多包"]).grounds)


PARTS = {Element.PATIENT: "我妈", Element.PRODUCT: "碘海醇", Element.EVENT: "起了皮疹"}


@pytest.mark.parametrize("given", [c for n in range(4) for c in itertools.combinations(PARTS, n)], ids="+".join)
@pytest.mark.parametrize("reporter_known", [True, False])
def test_the_missing_elements_are_named(given: tuple[Element, ...], reporter_known: bool) -> None:
    text = "，".join(words for element, words in PARTS.items() if element in given) or "好的"
    screening = screen([text], reporter_known=reporter_known)
    expected: list[Element] = [
        element for element in Element if element not in given and element is not Element.REPORTER
    ]
    # Who tells of their own mother is identified as a relative, whatever the channel knows.
    if not reporter_known and Element.PATIENT not in given:
        expected.insert(1, Element.REPORTER)
    assert list(screening.missing) == expected


def test_a_denied_or_supposed_criterion_is_not_serious() -> None:
    assert screen(["打完针发烧，没有住院"]).serious == frozenset()
    assert screen(["打完针发烧，如果休克怎么办"]).serious == frozenset()
    assert screen(["打完针发烧，住院了"]).serious == {Seriousness.HOSPITALISATION}


@pytest.mark.parametrize(
    "text",
    [
        "病人用药后死了",
        "推药后喉头水肿",
        "怀孕5周，昨天打了碘海醇",
        "孩子打完针发烧",
        "吃药后想自杀",
        "三个病人打完都寒战",
    ],
)
def test_what_a_human_has_to_know_at_once(text: str) -> None:
    assert screen([text]).at_once


def test_other_regimes_are_told_apart() -> None:
    assert screen(["打完疫苗发烧了"]).regimes == {Regime.VACCINE}
    assert screen(["受试者给药后腹泻"]).regimes == {Regime.TRIAL}
    assert screen(["吃完药头晕"]).regimes == {Regime.DRUG}


def test_a_bot_adds_its_own_products() -> None:
    lexicon = default_lexicon().with_products(["维立方"])
    ours, theirs = "维立方用完起了皮疹", "碘海醇用完起了皮疹"
    assert Element.PRODUCT in screen([ours]).missing
    assert Element.PRODUCT not in screen([ours], lexicon=lexicon).missing
    assert not screen([ours], lexicon=lexicon).other_company
    assert screen([theirs], lexicon=lexicon).other_company
    assert screen([theirs], lexicon=lexicon).suspected


def test_no_message_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="at least one message"):
        screen([])


@pytest.mark.parametrize("text", ["", " ", "？！", "\u200b", "😭", "。。。", "a" * 3000])
def test_nothing_to_read_is_nothing_suspected(text: str) -> None:
    assert not screen([text]).suspected


def test_an_event_in_a_long_text_is_found_wherever_it_stands() -> None:
    filler = "今天开会讨论了排班和采购，" * 150
    for text in (
        f"打完碘海醇起了皮疹。{filler}",
        f"{filler}。打完碘海醇起了皮疹。{filler}",
        f"{filler}打完碘海醇起了皮疹",
    ):
        quotes = [ground.quote for ground in screen([text]).new_grounds]
        assert any(text[quote.start : quote.end] == quote.text for quote in quotes)


@pytest.mark.parametrize(
    "piece", ["患者打完碘海醇后出现皮疹，恶心呕吐。", "吃了", "药", "a", "孕周", "今天天气不错，", "怀孕吃了", "没有"]
)
def test_the_work_grows_no_faster_than_the_text(piece: str) -> None:
    """Whatever is searched is searched for in a segment, and the number of searches grows with that of segments."""
    predict({"text": piece})
    short, long = (f"一{piece * 20_000}"[:length] for length in (1_000, 10_000))  # read by no other test
    assert max(len(reading.text) for reading in read(long, 0, default_lexicon())) < 1_000
    assert calls(lambda: screen([long])) < 20 * calls(lambda: screen([short]))
