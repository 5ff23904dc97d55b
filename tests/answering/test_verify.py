"""What may be said of what a model wrote: right sentences are kept, wrong ones dropped, each for its reason."""

import re
from pathlib import Path

import pytest

from bot.answering.verify import Source, Verifier

LEAFLET = Source(
    title="示影灵注射液说明书",
    text=(
        "示影灵注射液为非离子型对比剂，碘浓度为 320 mgI/ml，渗透压为 290 mOsm/kg。\n"
        "成人常用剂量为每公斤体重 1.5 ml，一次总量不超过 150 ml，注射速率 3-5 ml/s。\n"
        "成人一次80 ml，儿童一次30 ml。\n"
        "检查前4小时禁食，检查后多饮水，24小时内饮水不少于2000毫升。\n"
        "孕妇禁用，哺乳期妇女用药后应停止哺乳24小时。甲状腺功能亢进患者禁用。\n"
        "常见不良反应为恶心、皮疹，发生率约5%。严重过敏反应罕见。\n"
        "有效期为三年，开封后应在8小时内用完。\n"
        "避光保存，保存温度为15～30℃。"
    ),
)
COURSE = Source(
    title="影像学院课程指南",
    text=(
        "CT 基础课程共12学时，考试及格线为60分，通过后授予 3 学分。\n"
        "2026年3月5日14:30在 B102 教室开课，由北京协和医院王敏主任主讲，教材为《胸部影像诊断》。\n"
        "报名请登录 https://academy.example.com/signup 或致电 400-820-1234，咨询邮箱 help@academy.example.com。\n"
        "每周两次课，缺课超过三次取消考试资格。学员不得转让账号。"
    ),
)
ENGLISH = Source(
    title="Iodixanol handling guide",
    text=(
        "Iodixanol 320 should be warmed to 37 °C before injection. "
        "The maximum total dose is 150 mL. Do not use it in patients with thyrotoxicosis. "
        "Observe patients for at least 30 minutes after the injection. "
        "Store below 30 °C and protect from light. The bottle must not be frozen. "
        "Dr. Smith at Mayo Clinic reviewed this guide in March 2025."
    ),
)
FAQ = Source(title="账号可以借给同事用吗？", text="不可以。账号仅限本人使用，违者停用30天。")
IN_WORDS = Source(
    title="造影室操作规程",
    text=(
        "渗透压为二百九十，加热到三十七度后使用。备用药放在零下二十度的冷柜，不得超过一百二十支。\n"
        "造影室共九人，轮班间隔十五六天，剩余药量达到三分之一时补货，合格率约九成。"
    ),
)
SOURCES = (LEAFLET, COURSE, ENGLISH, FAQ, IN_WORDS)
QUESTION = "示影灵和罗氏芬能一起用吗？孕妇能用吗？剂量是多少？"


def read(text: str, question: str = QUESTION) -> tuple[str, list[str]]:
    """What is said of ``text``, and the reasons of what is not; the same however the text is torn."""
    whole = Verifier(SOURCES, question)
    said = "".join(whole.feed(text) + whole.finish())
    torn = Verifier(SOURCES, question)
    pieces = [sentence for character in text for sentence in torn.feed(character)]
    assert "".join(pieces + torn.finish()) == said
    return said, [dropped.reason for dropped in whole.dropped]


KEPT = [
    # figures and units, in whatever form
    "示影灵注射液的碘浓度为320 mgI/ml[1]。",
    "碘浓度为３２０mgI/ml[1]。",
    "渗透压为290 mOsm/kg[1]。",
    "渗透压是 290mOsm/kg[1]。",
    "成人常用剂量为每公斤体重1.5毫升[1]。",
    "一次总量不超过150毫升[1]。",
    "一次总量最多150 ml[1]。",
    "注射速率为3～5 ml/s[1]。",
    "注射速率为3至5 ml/s[1]。",
    "检查前四小时禁食[1]。",
    "检查前 4h 禁食[1]。",
    "检查后24小时内饮水不少于2升[1]。",
    "检查后24小时内饮水至少2000 ml[1]。",
    "发生率约为百分之五[1]。",
    "常见不良反应为恶心和皮疹，发生率约５％[1]。",
    "有效期为3年[1]。",
    "开封后八小时内用完[1]。",
    "保存温度为15-30℃，应避光保存[1]。",
    "保存温度为 15–30 摄氏度[1]。",
    "成人一次80 ml[1]。",
    "儿童一次30毫升[1]。",
    # what is forbidden stays forbidden
    "孕妇禁用[1]。",
    "孕妇不能使用[1]。",
    "甲状腺功能亢进患者禁用示影灵注射液[1]。",
    "哺乳期妇女用药后应停止哺乳24小时[1]。",
    "学员不得转让账号[2]。",
    "账号不可以借给同事，仅限本人使用[4]。",
    "违者停用三十天[4]。",
    # dates, times, names, addresses
    "CT基础课程共十二学时，通过后授予3学分[2]。",
    "课程于2026-03-05 14:30在B102教室开课[2]。",
    "3月5日下午2点半在 B-102 教室开课[2]。",
    "由北京协和医院王敏主任主讲[2]。",
    "教材为《胸部影像诊断》[2]。",
    "报名请登录https://academy.example.com/signup[2]。",
    "报名请致电4008201234[2]。",
    "咨询邮箱为help@academy.example.com[2]。",
    "每周2次课，缺课超过3次取消考试资格[2]。",
    # English
    "Iodixanol 320 should be warmed to 37 °C before injection [3].",
    "Warm iodixanol 320 to 37°C before the injection[3].",
    "The maximum total dose is 150 ml [3].",
    "Patients should be observed for at least 30 min after injection [3].",
    "Do not use it in patients with thyrotoxicosis [3].",
    "The bottle must not be frozen [3].",
    "Dr. Smith at Mayo Clinic reviewed the guide in March 2025 [3].",
    # another language than the source, tied to it by a figure or a name
    "The iodine concentration is 320 mgI/ml [1].",
    "The course takes place in room B102 on March 5, 2026 at 2:30 pm [2].",
    "最大总剂量为150 ml[3]。",
    # two sources together
    "示影灵注射液的渗透压为290 mOsm/kg，CT基础课程共12学时[1][2]。",
    # numbers in words, without a unit or with one
    "渗透压为二百九十[1]。",
    "渗透压为二百九十[5]。",
    "渗透压为贰佰玖拾[5]。",
    "渗透压为290[5]。",
    "备用药不得超过一百二[5]。",
    "备用药放在-20℃的冷柜[5]。",
    "造影室轮班间隔15-16天[5]。",
    "造影室合格率约90%[5]。",
    "剩余药量达到三分之一时补货[5]。",
    # numerals that count nothing
    "孕妇千万不要使用[1]。",
    "严重过敏反应十分罕见[1]。",
    "万一缺课超过三次，取消考试资格[2]。",
    "一般检查前4小时禁食[1]。",
]

DROPPED = [
    # figures that no source has, or not with this unit, or not the source that is cited
    ("碘浓度为350 mgI/ml[1]。", "figure"),
    ("一次总量不超过150 mg[1]。", "figure"),
    ("注射速率为3-8 ml/s[1]。", "figure"),
    ("检查前六小时禁食[1]。", "figure"),
    ("检查前4天禁食[1]。", "figure"),
    ("发生率约为百分之十五[1]。", "figure"),
    ("有效期为五年[1]。", "figure"),
    ("保存温度为2～8℃[1]。", "figure"),
    ("渗透压为290 mOsm/kg[2]。", "figure"),
    ("CT基础课程共12学时[1]。", "figure"),
    ("Iodixanol 33 should be warmed to 37 °C before injection[3].", "figure"),
    ("课程于2026年3月6日开课[2]。", "figure"),
    ("课程于2025年3月5日开课[2]。", "figure"),
    ("课程15:30在B102教室开课[2]。", "figure"),
    ("缺课超过两次以上、即第四次取消考试资格[2]。", "figure"),
    ("The maximum total dose is 200 mL [3].", "figure"),
    ("Observe patients for at least 30 hours after the injection [3].", "figure"),
    ("Observe patients for forty minutes after the injection [3].", "figure"),
    ("Observe patients for seventy minutes after the injection [3].", "figure"),
    ("Observe patients for thirty-four minutes after the injection [3].", "figure"),
    ("The maximum total dose is nine hundred and ninety [3].", "figure"),
    # numbers in words, without a unit or with one
    ("渗透压为九百九十九[1]。", "figure"),
    ("渗透压为九百九十九[5]。", "figure"),
    ("渗透压为玖佰玖拾玖[5]。", "figure"),
    ("渗透压为二百零九[5]。", "figure"),
    ("渗透压为二十九[5]。", "figure"),
    ("渗透压为二百九十点五[5]。", "figure"),
    ("渗透压为五[5]。", "figure"),
    ("一次总量不超过一百五十万[1]。", "figure"),
    ("开封后应在八点五小时内用完[1]。", "figure"),
    ("备用药不得超过一百零二[5]。", "figure"),
    ("备用药放在二十度的冷柜[5]。", "figure"),
    ("造影室轮班间隔十六七天[5]。", "figure"),
    ("造影室合格率约八成[5]。", "figure"),
    ("剩余药量达到三分之二时补货[5]。", "figure"),
    ("发生率约为千分之五[1]。", "figure"),
    # somebody else's figure
    ("儿童一次80 ml[1]。", "misplaced_figure"),
    ("成人一次30 ml[1]。", "misplaced_figure"),
    # turned round
    ("孕妇可以使用[1]。", "turned_round"),
    ("孕妇可用示影灵注射液[1]。", "turned_round"),
    ("示影灵注射液适用于孕妇[1]。", "turned_round"),
    ("儿童禁用[1]。", "turned_round"),
    ("是的，孕妇能用[1]。", "turned_round"),
    ("甲状腺功能亢进患者可以使用[1]。", "turned_round"),
    ("学员可以转让账号[2]。", "turned_round"),
    ("账号可以借给同事[4]。", "turned_round"),
    ("可以，账号能借给同事用[4]。", "turned_round"),
    ("检查后4小时禁食[1]。", "turned_round"),
    ("24小时内饮水不超过2000毫升[1]。", "turned_round"),
    ("一次总量至少150 ml[1]。", "turned_round"),
    ("哺乳期妇女用药后不应停止哺乳24小时[1]。", "turned_round"),
    ("Use it in patients with thyrotoxicosis [3].", "turned_round"),
    ("Iodixanol 320 should be warmed to 37 °C after injection [3].", "turned_round"),
    ("The bottle must be frozen [3].", "turned_round"),
    # names, codes, titles, addresses
    ("碘海醇的渗透压为290 mOsm/kg[1]。", "name"),
    ("课程在B12教室开课[2]。", "name"),
    ("课程在 B103 教室开课[2]。", "name"),
    ("MRI 基础课程共12学时[2]。", "name"),
    ("由上海协和医院主讲[2]。", "name"),
    ("由李强主任主讲[2]。", "name"),
    ("教材为《腹部影像诊断》[2]。", "title"),
    ("示影灵注射液又称“显影宝”，渗透压为290 mOsm/kg[1]。", "title"),
    ("报名请登录https://evil.example.com/signup[2]。", "link"),
    ("报名请登录 www.evil.example[2]。", "link"),
    ("报名请致电400-820-9999[2]。", "link"),
    ("咨询邮箱为me@evil.example[2]。", "link"),
    ("Iohexol 320 should be warmed to 37 °C before injection [3].", "name"),
    ("Dr. Jones at Mayo Clinic reviewed the guide in March 2025 [3].", "name"),
    # things only the question names
    ("示影灵注射液和罗氏芬均应避光保存，保存温度为15～30℃[1]。", "only_in_question"),
    # nothing in the sources says so
    ("检查前应停用二甲双胍并复查肾功能[1]。", "name"),
    ("检查当天请穿宽松衣物并由家属陪同前往[1]。", "no_support"),
    ("多数指南认为水化能降低肾损伤风险。", "name"),
    ("本品绝对安全，没有任何风险[1]。", "no_support"),
    ("Patients should wear loose clothing and come with a relative [3].", "no_support"),
    ("Pregnant women may use it [1].", "other_language"),
    ("Pregnant women may receive 320 mgI/ml, which is not the concentration [1].", "other_language"),
    ("示影灵注射液对孕妇安全[1]。", "no_support"),
    ("示影灵注射液可以口服[1]。", "no_support"),
    ("儿童对示影灵注射液耐受良好[1]。", "no_support"),
    ("检查前4小时禁食，检查后多饮水，并常规复查肝功能[1]。", "no_support"),
    ("孕妇禁用，但病情紧急时医生会酌情决定[1]。", "no_support"),
    ("老年人禁用[1]。", "no_support"),
    ("可以[1]。", "nothing_to_check"),
    ("不可以。", "nothing_to_check"),
]


@pytest.mark.parametrize("sentence", KEPT)
def test_kept(sentence: str) -> None:
    said, reasons = read(sentence)
    assert reasons == []
    assert said.replace(" ", "") == sentence.replace(" ", "")


@pytest.mark.parametrize(("sentence", "reason"), DROPPED)
def test_dropped(sentence: str, reason: str) -> None:
    assert read(sentence) == ("", [reason])


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("孕妇禁用【1】。", "孕妇禁用[1]。"),
        ("孕妇禁用［１］。", "孕妇禁用[1]。"),
        ("孕妇禁用。[1]", "孕妇禁用[1]。"),
        ("孕妇禁用[1]。检查后多饮水。[1]", "孕妇禁用[1]。检查后多饮水[1]。"),
        ("孕妇禁用[来源1]。", "孕妇禁用[1]。"),
        ("孕妇禁用[^1]。", "孕妇禁用[1]。"),
        ("孕妇禁用[1,7]。", "孕妇禁用[1]。"),
        ("孕妇禁用[1-2]。", "孕妇禁用[1][2]。"),
        ("孕妇禁用[9]。", "孕妇禁用[1]。"),
        ("孕妇禁用[0]。", "孕妇禁用[1]。"),
        ("孕妇禁用。", "孕妇禁用[1]。"),
        ("学员不得转让账号。", "学员不得转让账号[2]。"),
        ("The bottle must not be frozen.", "The bottle must not be frozen[3]."),
    ],
)
def test_marks(written: str, said: str) -> None:
    assert read(written) == (said, [])


@pytest.mark.parametrize(
    "words",
    ["学员缺课超过三次，就会被取消参加考试的资格", "账号不得借给别人或转让账号", "缺课超过三次的人会失去考试资格"],
)
def test_who_rephrases_freely_must_say_from_what(words: str) -> None:
    assert read(f"{words}[2]。") == (f"{words}[2]。", [])
    assert read(f"{words}。")[0] == ""


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("学员不得不转让账号[2]。", "turned_round"),  # forbidden not to is not forbidden
        ("The Iodix should be warmed to 37 °C before injection[3].", "name"),  # the beginning of another name
    ],
)
def test_what_only_looks_like_the_source_is_dropped(written: str, reason: str) -> None:
    assert read(written) == ("", [reason])


def test_the_line_before_a_list_says_nothing_that_no_source_has() -> None:
    assert read("剂量是500 ml：\n孕妇禁用[1]。") == ("孕妇禁用[1]。", ["figure"])


def test_a_list_stays_a_list_without_its_wrong_items() -> None:
    written = (
        "用药注意事项如下：\n\n1. 孕妇禁用[1]。\n2. 检查前6小时禁食[1]。\n- 避光保存[1]\n\n"
        "**保存温度**为15～30℃[1]。有效期为五年[1]。检查后多饮水[1]。"
    )
    said, reasons = read(written, "用药有哪些注意事项？")
    assert reasons == ["figure", "figure"]
    assert said == (
        "用药注意事项如下：\n\n1. 孕妇禁用[1]。\n- 避光保存[1]\n\n**保存温度**为15～30℃[1]。检查后多饮水[1]。"
    )


def test_the_rest_of_a_line_keeps_its_place_when_its_first_sentence_goes() -> None:
    assert read("孕妇禁用[1]。\n- 有效期为五年[1]。避光保存[1]。")[0] == "孕妇禁用[1]。\n- 避光保存[1]。"


@pytest.mark.parametrize("heading", ["# 每次剂量为3 ml\n", "每次剂量为3 ml：\n"])
def test_a_heading_with_a_figure_is_checked_like_a_sentence(heading: str) -> None:
    sources = [Source(title="手册", text="每次剂量为1.5 ml。"), Source(title="楼层", text="打印机在3楼。")]
    verifier = Verifier(sources, "剂量是多少？")
    assert verifier.feed(f"{heading}每次剂量为1.5 ml[1]。") + verifier.finish() == ["每次剂量为1.5 ml[1]。"]
    assert [dropped.reason for dropped in verifier.dropped] == ["figure"]


def test_what_must_not_be_said_is_not_said_whatever_the_sources_say() -> None:
    sources = [Source(title="手册", text="示影灵绝对安全。示影灵每次用1.5 ml。")]
    verifier = Verifier(sources, "", lambda sentence: "claim" if "绝对安全" in sentence else "")
    said = verifier.feed("# 示影灵绝对安全\n示影灵绝对安全[1]。示影灵每次用1.5 ml[1]。") + verifier.finish()
    assert "".join(said).strip() == "示影灵每次用1.5 ml[1]。"
    assert {dropped.reason for dropped in verifier.dropped} == {"claim"}


@pytest.mark.parametrize("opening", ["您好！", "您好，", "根据资料，", "具体如下：\n", "Hello! "])
def test_politeness_goes_with_what_is_said_or_not_at_all(opening: str) -> None:
    assert read(opening + "孕妇禁用[1]。")[0] == opening + "孕妇禁用[1]。"
    assert read(opening + "有效期为五年[1]。")[0] == ""
    assert read("您好！希望以上信息对您有帮助。") == ("", [])


def test_a_sentence_is_released_as_soon_as_it_has_surely_ended() -> None:
    verifier = Verifier(SOURCES, QUESTION)
    assert verifier.feed("孕妇禁用[1]。") == []  # another mark may follow
    assert verifier.feed("\n") == ["孕妇禁用[1]。"]
    assert verifier.feed("渗透压为290") == []
    assert verifier.feed(" mOsm/kg。[1") == []
    assert verifier.feed("]检查") == ["\n渗透压为290 mOsm/kg[1]。"]
    assert verifier.finish(complete=False) == []
    assert [(dropped.text, dropped.reason) for dropped in verifier.dropped] == [("检查", "incomplete")]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("成人 1.5 ml[1]。e.g. this, i.e. that, vs. those. Dr. Li agreed. 见 v1.2.3。", 4),
        ("1. 一\n2. 二\n10. 十", 3),
        ("真的吗？！是的……好！", 3),
        ("He said “stop.” Then left.", 2),
    ],
)
def test_where_sentences_end(text: str, sentences: int) -> None:
    verifier = Verifier((), "")
    verifier.feed(text)
    verifier.finish()
    assert len(verifier.dropped) == sentences


def test_without_sources_nothing_is_said() -> None:
    verifier = Verifier((), "孕妇能用吗？")
    assert verifier.feed("孕妇禁用[1]。\n") + verifier.finish() == []


def test_whoever_quotes_a_document_word_for_word_is_kept(repository: Path) -> None:
    quoted = 0
    for document in (repository / "deploy/demo/knowledge").glob("*.md"):
        for paragraph in re.split(r"\n\s*\n", document.read_text(encoding="utf-8")):
            source = Source(title=document.stem, text=paragraph)
            for sentence in re.findall(r"[^。！？\n]{6,}", paragraph):
                verifier = Verifier([source], "")
                verifier.feed(f"{sentence}[1]。")
                verifier.finish()
                assert verifier.dropped == []
                quoted += 1
    assert quoted > 100
