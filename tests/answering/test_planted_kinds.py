"""Errors of kinds that need no new word: two things exchanged, another row's figure, a limit or ratio turned round, a
condition left out, one character of a name. Beside them what says the same in other words, which must pass."""

import pytest

from bot.answering.verify import Source, Verifier

LAB = Source(
    title="机房规定",
    text="""\
开放时间见下表。

| 日期 | 开放时间 | 值班 |
| --- | --- | --- |
| 周一至周五 | 8:00 至 21:00 | 管理员 |
| 周六 | 9:00 至 17:00 | 助教 |
| 周日与公休日 | 不开放 | 无 |

| 设备 | 数量 | 单次最长 |
| --- | --- | --- |
| 阅片工作站 | 24 台 | 4 小时 |
| 超声模拟仪 | 4 台 | 2 小时 |

密码为10至20位，每30分钟保存一次。每10次练习约出现2次温热感。安全培训有效期2年，到期前30天提醒重学。
如果启用了双人模式并且完成培训，那么工作站和模拟仪可以同时预约。
连续12个月没有登录的账号会自动冻结。发挥不了并行的优势时请改用单机。
每个案例至少3张图像，摘要不超过300字。空腹吃4枚红枣。真君诞在农历三月十五。
学员只能看到姓名和单位。带教老师还能看到课程成绩。
外单位影像岗位的同事可以用访客身份浏览简介，但不能选课。
一个案例要有：
1. 至少8张图片，全部去掉个人信息；
2. 一段教学要点。""",
)
LEAFLET = Source(
    title="示影素须知",
    text="""\
对于小剂量，不适合联用庆大霉素。脱发可用非那雄胺治疗。地平类药物可以继续服用。
肝功能正常后方可恢复用药。患者可以食用豆制品，心脏病人士不建议服用鹿茸。
孕妇及未成年人停止使用。蛋白的摄入量约为0.8克每公斤体重，空腹血糖为3.9-6.1，随机血糖为8.5mmol/L。
甲公司收购了乙公司，合格率接近99%，面积127平方公里，奖金20万人民币。
默认关闭备份功能，从4.0版开始默认开启日志。免修的课照样计学分，每学期最多选4门课，最后时段在关门前结束。平时成绩占40%，测验占60%。""",
)

ENGLISH = Source(
    title="Company",
    text="Alpha Inc acquired Beta Corp in 2019. The nurse calls the doctor first. Rooms and labs are open.",
)

PLANTED = [
    (ENGLISH, "Beta Corp acquired Alpha Inc in 2019.", "exchanged"),
    (ENGLISH, "The doctor calls the nurse first.", "exchanged"),
    # exchanged
    (LEAFLET, "乙公司收购了甲公司。", "exchanged"),
    (LAB, "每2次练习约出现10次温热感。", "misplaced_figure"),
    (LAB, "带教老师只能看到姓名和单位。", "other_subject"),
    # another row's
    (LAB, "周六的开放时间是8:00至21:00。", "misplaced_figure"),
    (LAB, "超声模拟仪单次最长4小时。", "misplaced_figure"),
    (LAB, "周六由管理员值班。", "misplaced_figure"),
    # another range, count or period
    (LAB, "密码为10至30位。", "misplaced_figure"),
    (LAB, "开放时间为17:00至9:00。", "misplaced_figure"),
    (LAB, "安全培训有效期30天。", "misplaced_figure"),
    (LAB, "空腹吃10枚红枣。", "misplaced_figure"),
    # limits
    (LAB, "每个案例最多3张图像。", "turned_round"),
    (LAB, "摘要至少300字。", "turned_round"),
    (LAB, "投稿的案例最多8张图片，全部去掉个人信息。", "turned_round"),
    (LEAFLET, "Choose at least 4 courses per term.", "turned_round"),
    # units and scales
    (LEAFLET, "空腹血糖为3.9-6.1mg/dl。", "figure"),
    (LEAFLET, "合格率接近99‰。", "figure"),
    (LEAFLET, "面积127平方米。", "figure"),
    (LEAFLET, "奖金20万日元。", "figure"),
    (LAB, "真君诞在公历三月十五。", "figure"),
    # names
    (LEAFLET, "对于小剂量，不适合联用庆大毒素。", "name"),
    (LEAFLET, "脱发可用非那甾胺治疗。", "name"),
    (LEAFLET, "普利类药物可以继续服用。", "name"),
    # denied or asserted, word by word
    (LEAFLET, "对于小剂量，很适合联用庆大霉素。", "turned_round"),
    (LEAFLET, "患者不能食用豆制品。", "turned_round"),
    (LEAFLET, "孕妇及未成年人可在指导下使用。", "turned_round"),
    (LAB, "连续12个月登录的账号会自动冻结。", "turned_round"),
    (LEAFLET, "免修的课不计学分。", "turned_round"),
    (LEAFLET, "默认开启备份功能。", "turned_round"),
    (LEAFLET, "最后时段在关门后结束。", "turned_round"),
    # conditions and absolutes
    (LAB, "工作站和模拟仪可以同时预约。", "condition"),
    (LEAFLET, "患者随时可以食用豆制品。", "overstated"),
    # another language: two figures of one kind
    (LEAFLET, "The test counts for 40% and coursework for 60%.", "other_language"),
]

SAME = [
    (ENGLISH, "Beta Corp was acquired by Alpha Inc in 2019."),
    (ENGLISH, "In 2019 Alpha Inc acquired Beta Corp."),
    (ENGLISH, "The nurse calls the doctor first."),
    (LEAFLET, "乙公司被甲公司收购了。"),
    (LEAFLET, "甲公司收购乙公司。"),
    (LAB, "约每10次练习出现2次温热感。"),
    (LAB, "周六9:00到17:00开放。"),
    (LAB, "周日和公休日不开放。"),
    (LAB, "超声模拟仪单次最长2小时。"),
    (LAB, "周六由助教值班。"),
    (LAB, "密码为10到20位。"),
    (LAB, "周一至周五晚上9点关门，开放时间为上午8点到晚上9点。"),
    (LAB, "安全培训有效期为2年，到期前30天会提醒重学。"),
    (LAB, "每个案例不少于3张图像。"),
    (LAB, "摘要最多300字。"),
    (LAB, "连续12个月未登录，账号会自动冻结。"),
    (LAB, "无法发挥并行的优势时请改用单机。"),
    (LAB, "外单位影像岗位的同事不能选课，但可以用访客身份浏览简介。"),
    (LAB, "启用双人模式并完成培训后，工作站和模拟仪可以同时预约。"),
    (LAB, "真君诞是阴历三月十五。"),
    (LEAFLET, "空腹血糖为3.9-6.1mmol/L。"),
    (LEAFLET, "患者可以食用豆制品。"),
    (LEAFLET, "孕妇和未成年人不要使用。"),
    (LEAFLET, "可以用地平类药物。"),
    (LEAFLET, "心脏病人士不推荐服用鹿茸。"),
    (LEAFLET, "每学期可选的课最多4门。"),
]


def read(source: Source, sentence: str, question: str = "请问") -> tuple[str, list[str]]:
    verifier = Verifier([source], question)
    said = verifier.feed(f"{sentence[:-1]}[1]{sentence[-1]}") + verifier.finish()
    return "".join(said), [dropped.reason for dropped in verifier.dropped]


@pytest.mark.parametrize(("source", "sentence", "reason"), PLANTED)
def test_a_planted_error_is_not_said(source: Source, sentence: str, reason: str) -> None:
    assert read(source, sentence) == ("", [reason])


@pytest.mark.parametrize(("source", "sentence"), SAME)
def test_what_says_the_same_is_said(source: Source, sentence: str) -> None:
    assert read(source, sentence) == (f"{sentence[:-1]}[1]{sentence[-1]}", [])


def test_a_condition_may_stand_in_the_question_or_in_the_sentence_before() -> None:
    asked = "启用了双人模式并且完成培训，能同时预约吗？"
    assert read(LAB, "工作站和模拟仪可以同时预约。", asked)[1] == []
    verifier = Verifier([LAB], "请问")
    verifier.feed("如果启用了双人模式并且完成培训，那么可以预约工作站和模拟仪[1]。工作站和模拟仪可以同时预约[1]。")
    verifier.finish()
    assert verifier.dropped == []


def test_members_of_a_list_have_no_order() -> None:
    source = Source(title="名单", text="讲者为周德兴、黄彬俊、汤和仁，由学院邀请。")
    assert read(source, "讲者为汤和仁、黄彬俊、周德兴。")[1] == []


LIST = Source(
    title="示影素说明书",
    text="成人一次80 ml，儿童一次30 ml。\n孕妇禁用。甲状腺功能亢进患者禁用。检查前4小时禁食。避光保存。\n"
    "遇到下面情况不能开始练习：\n1. 病人身份没有核对；\n2. 知情同意页没有签名。\n冻结的账号不能选课、投稿。",
)


@pytest.mark.parametrize(
    "written",
    [
        "不能使用的人群：\n- 孕妇[1]\n- 甲状腺功能亢进患者[1]",
        "冻结的账号不能：\n- 选课[1]\n- 投稿[1]",
        "以下情况不能开始练习：\n- 病人身份没有核对[1]\n- 知情同意页没有签名[1]",
        "检查前：\n- 4小时禁食[1]",
        "一次用量：\n- 成人80 ml[1]\n- 儿童30 ml[1]",
    ],
)
def test_a_list_says_what_its_first_line_and_an_item_say_together(written: str) -> None:
    verifier = Verifier([LIST], "哪些人群不能使用？一次用量是多少？")
    assert ("".join(verifier.feed(written) + verifier.finish()), verifier.dropped) == (written, [])


@pytest.mark.parametrize(
    ("written", "dropped"),
    [
        ("孕妇可以使用：\n- 避光保存[1]。", "孕妇可以使用："),
        ("## 孕妇可以使用示影素\n避光保存[1]。", "孕妇可以使用示影素"),
        ("可以使用的人群：\n- 孕妇[1]\n- 成人[1]", "孕妇[1]"),
        ("禁用人群：\n- 孕妇[1]\n- 儿童[1]", "儿童[1]"),
        ("成人：\n- 一次30 ml[1]\n- 一次80 ml[1]", "一次30 ml[1]"),
    ],
)
def test_a_line_before_a_list_says_nothing_that_turns_its_source_round(written: str, dropped: str) -> None:
    verifier = Verifier([LIST], "孕妇和儿童可以使用示影素吗？成人一次用多少？")
    assert dropped not in "".join(verifier.feed(written) + verifier.finish())
    assert [each.text for each in verifier.dropped] == [dropped]


CUP = Source(title="建桥杯", text="建桥杯的特邀种子棋手为唐奕。示影素应避光保存，保存温度为15至30度。")
FOUNDER = Source(title="唐爱陆", text="唐爱陆创办爱国公司，专卖国货。罗氏素应避光保存，不得冷冻。")


def both(sentence: str) -> list[str]:
    verifier = Verifier([CUP, FOUNDER], "请问")
    verifier.feed(f"{sentence[:-1]}[1][2]。")
    verifier.finish()
    return [dropped.reason for dropped in verifier.dropped]


def test_what_one_source_names_is_not_said_to_be_what_another_says() -> None:
    assert both("唐爱陆是建桥杯的特邀种子棋手。") == ["other_subject"]


@pytest.mark.parametrize(
    "sentence",
    [
        "示影素和罗氏素都应避光保存。",
        "建桥杯的特邀种子棋手是唐奕，唐爱陆创办了爱国公司。",
        "唐爱陆创办的爱国公司专卖国货。",
    ],
)
def test_what_two_sources_say_may_be_said_of_both(sentence: str) -> None:
    assert both(sentence) == []
