"""Errors planted into sentences that are otherwise the source's own: another dose, unit, date, place, person or group,
a ban turned round. Beside them sentences that say the same as the source in other words, which must pass."""

import pytest

from bot.answering.verify import Source, Verifier

CONTRAST = Source(
    title="碘海醇说明书",
    text="碘海醇注射液用于CT增强扫描，成人常用剂量为80至100 ml，儿童按体重每公斤1.5至2 ml，最大不超过50 ml。"
    "注射速率为每秒2至3 ml。"
    "肾小球滤过率低于30 ml/min者禁用。"
    "使用前24小时应充分水化。"
    "对碘过敏者禁用。",
)
METFORMIN = Source(
    title="二甲双胍用药须知",
    text="二甲双胍应在造影前停用，造影后48小时复查肾功能正常后方可恢复用药。"
    "每日最大剂量为2000 mg，分两到三次随餐服用。"
    "常见不良反应为腹泻和恶心，多在用药两周内消失。"
    "孕妇不推荐使用。",
)
REFUNDS = Source(
    title="退款与发票说明",
    text="订单付款后7个工作日内可以申请退款，退款将在3个工作日内原路退回。"
    "课程开始后不支持退款。"
    "发票由财务部开具，电子发票当天发送到注册邮箱。"
    "客服电话400-820-1234，工作时间为周一至周五9:00至18:00。",
)
REACTIONS = Source(
    title="碘造影剂不良反应",
    text="轻度不良反应包括皮疹和瘙痒，通常在30分钟内自行缓解，无需治疗。"
    "中度反应需静脉给予地塞米松5 mg。"
    "重度过敏反应立即肌内注射肾上腺素0.3至0.5 mg，可在5至15分钟后重复。"
    "既往有过敏史者发生率约为普通人群的5倍。",
)
ACADEMY = Source(
    title="学院简介",
    text="影像学院成立于2018年6月，院长为王建国教授，总部位于上海市徐汇区。"
    "学院每年举办两期培训班，每期60人，学费3800元。"
    "结业须修满24学分并通过考试，合格率为92%。",
)
STORAGE = Source(
    title="Storage",
    text="Store iodixanol below 30 °C and protect it from light."
    " Do not freeze."
    " The solution may be kept at 37 °C for up to one month before use."
    " Patients should not fast for more than 4 hours before the examination.",
)

PLANTED = [
    (CONTRAST, "成人常用剂量为80至120 ml。"),
    (CONTRAST, "儿童按体重每公斤2至3 ml。"),
    (CONTRAST, "成人常用剂量为80至100 mg。"),
    (CONTRAST, "注射速率为每分钟2至3 ml。"),
    (CONTRAST, "肾小球滤过率高于30 ml/min者禁用。"),
    (CONTRAST, "肾小球滤过率低于30 ml/min者可以使用。"),
    (CONTRAST, "肾小球滤过率低于60 ml/min者禁用。"),
    (CONTRAST, "使用后24小时应充分水化。"),
    (CONTRAST, "使用前24小时无需水化。"),
    (CONTRAST, "对碘过敏者可用。"),
    (CONTRAST, "儿童最大可用100 ml。"),
    (CONTRAST, "碘克沙醇成人常用剂量为80至100 ml。"),
    (CONTRAST, "儿童常用剂量为80至100 ml。"),
    (CONTRAST, "成人最大不超过50 ml。"),
    (CONTRAST, "用于MRI增强扫描，成人常用剂量为80至100 ml。"),
    (METFORMIN, "二甲双胍应在造影后停用。"),
    (METFORMIN, "造影后24小时复查肾功能。"),
    (METFORMIN, "造影后48天复查肾功能正常后方可恢复用药。"),
    (METFORMIN, "每日最大剂量为2000 g。"),
    (METFORMIN, "每日最小剂量为2000 mg。"),
    (METFORMIN, "分两到三次空腹服用。"),
    (METFORMIN, "造影后无需复查肾功能即可恢复用药。"),
    (METFORMIN, "孕妇推荐使用。"),
    (METFORMIN, "孕妇可以使用。"),
    (METFORMIN, "多在用药两个月内消失。"),
    (METFORMIN, "二甲双胍在造影前不用停用。"),
    (METFORMIN, "格列美脲应在造影前停用。"),
    (METFORMIN, "每次最大剂量为2000 mg。"),
    (METFORMIN, "每周最大剂量为2000 mg。"),
    (REFUNDS, "订单付款后7天内可以申请退款。"),
    (REFUNDS, "退款将在7个工作日内原路退回。"),
    (REFUNDS, "课程开始后支持退款。"),
    (REFUNDS, "课程开始前不支持退款。"),
    (REFUNDS, "发票由市场部开具。"),
    (REFUNDS, "电子发票次日发送到注册邮箱。"),
    (REFUNDS, "客服电话400-820-1243。"),
    (REFUNDS, "工作时间为周一至周六9:00至18:00。"),
    (REFUNDS, "工作时间为周一至周五9:00至17:00。"),
    (REFUNDS, "纸质发票当天发送到注册邮箱。"),
    (REFUNDS, "付款后7个工作日内不可以申请退款。"),
    (REFUNDS, "订单付款后7个工作日后可以申请退款。"),
    (REACTIONS, "轻度不良反应通常在30小时内自行缓解。"),
    (REACTIONS, "轻度不良反应需要治疗。"),
    (REACTIONS, "中度反应需口服地塞米松5 mg。"),
    (REACTIONS, "中度反应需静脉给予地塞米松50 mg。"),
    (REACTIONS, "中度反应需静脉给予泼尼松5 mg。"),
    (REACTIONS, "重度过敏反应立即静脉注射肾上腺素0.3至0.5 mg。"),
    (REACTIONS, "重度过敏反应立即肌内注射肾上腺素3至5 mg。"),
    (REACTIONS, "轻度反应立即肌内注射肾上腺素0.3至0.5 mg。"),
    (REACTIONS, "既往有过敏史者发生率约为普通人群的15倍。"),
    (REACTIONS, "既往无过敏史者发生率约为普通人群的5倍。"),
    (REACTIONS, "重度过敏反应不可重复注射肾上腺素。"),
    (ACADEMY, "影像学院成立于2016年6月。"),
    (ACADEMY, "影像学院成立于2018年8月。"),
    (ACADEMY, "院长为王建军教授。"),
    (ACADEMY, "总部位于上海市浦东新区。"),
    (ACADEMY, "总部位于北京市徐汇区。"),
    (ACADEMY, "学院每年举办四期培训班。"),
    (ACADEMY, "每期90人，学费3800元。"),
    (ACADEMY, "学费380元。"),
    (ACADEMY, "结业须修满24学分或通过考试。"),
    (ACADEMY, "结业须修满20学分并通过考试。"),
    (ACADEMY, "合格率为98%。"),
    (ACADEMY, "不合格率为92%。"),
    (ACADEMY, "院长为李建国教授。"),
    (STORAGE, "Store iodixanol above 30 °C."),
    (STORAGE, "Store iodixanol below 37 °C and protect it from light."),
    (STORAGE, "The solution may be kept at 37 °C for up to one week before use."),
    (STORAGE, "Patients should fast for more than 4 hours before the examination."),
    (STORAGE, "Store iohexol below 30 °C."),
    (STORAGE, "It need not be protected from light."),
    (STORAGE, "Patients should not fast for more than 4 hours after the examination."),
]

TRUE = [
    (CONTRAST, "成人常用剂量为80至100 ml。"),
    (CONTRAST, "儿童按每公斤体重1.5至2 ml使用，最大不超过50 ml。"),
    (CONTRAST, "对碘过敏的人禁用。"),
    (CONTRAST, "使用前24小时要充分水化。"),
    (CONTRAST, "肾小球滤过率低于30 ml/min的患者禁用。"),
    (CONTRAST, "碘海醇注射液用于CT增强扫描。"),
    (METFORMIN, "造影前应停用二甲双胍。"),
    (METFORMIN, "造影后48小时复查肾功能，正常后可以恢复用药。"),
    (METFORMIN, "每天最大剂量是2 g，分两到三次随餐服用。"),
    (METFORMIN, "常见不良反应是腹泻和恶心。"),
    (METFORMIN, "孕妇不推荐使用二甲双胍。"),
    (REFUNDS, "付款后7个工作日内可以申请退款。"),
    (REFUNDS, "课程开始后不能退款。"),
    (REFUNDS, "退款会在3个工作日内原路退回。"),
    (REFUNDS, "电子发票当天发到您的注册邮箱。"),
    (REFUNDS, "客服电话是400-820-1234。"),
    (REACTIONS, "轻度反应通常30分钟内自行缓解，无需治疗。"),
    (REACTIONS, "重度过敏反应应立即肌内注射肾上腺素0.3至0.5 mg。"),
    (REACTIONS, "有过敏史的人发生率约为普通人群的5倍。"),
    (REACTIONS, "中度反应需要静脉给予地塞米松5 mg。"),
    (ACADEMY, "学院成立于2018年6月，院长是王建国教授。"),
    (ACADEMY, "每年举办两期培训班，每期60人。"),
    (ACADEMY, "学费为3800元。"),
    (ACADEMY, "结业需要修满24学分并通过考试。"),
    (STORAGE, "Store iodixanol below 30 °C and keep it from light."),
    (STORAGE, "Do not freeze the solution."),
    (STORAGE, "It may be kept at 37 °C for up to one month before use."),
    (STORAGE, "Patients should not fast for more than 4 hours before the examination."),
]


def said(source: Source, sentence: str) -> str:
    verifier = Verifier([source], "请问")
    return "".join(verifier.feed(sentence) + verifier.finish())


@pytest.mark.parametrize("mark", ["[1]", ""])
@pytest.mark.parametrize(("source", "sentence"), PLANTED)
def test_a_planted_error_is_not_said(source: Source, sentence: str, mark: str) -> None:
    assert said(source, f"{sentence[:-1]}{mark}{sentence[-1]}") == ""


@pytest.mark.parametrize("mark", ["[1]", ""])
@pytest.mark.parametrize(("source", "sentence"), TRUE)
def test_what_the_source_says_is_said(source: Source, sentence: str, mark: str) -> None:
    assert said(source, f"{sentence[:-1]}{mark}{sentence[-1]}") == f"{sentence[:-1]}[1]{sentence[-1]}"
