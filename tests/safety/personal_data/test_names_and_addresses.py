"""Names and addresses: told by the words around them, and not taken from ordinary sentences."""

import pytest

from bot.safety.personal_data import find

NAMES = ["王芳", "李国强", "陈思远", "欧阳雪", "郝建国", "梁婉婷", "于海洋", "尉迟恭", "諸葛亮", "張偉明"]
FRAMES = [
    "患者{}，男，45岁，增强后皮疹",
    "病人{}今天做的CTA",
    "我叫{}，放射科医生",
    "姓名：{} 电话：13812345678",
    "{} 13812345678",
    "13812345678 {}",
    "{}（110101199003074557）申请注销",
    "放门口，{}收",
    "{}的检查报告什么时候出来",
    "{}主任在吗",
    "@{} 请看一下",
    "{}：收到，谢谢",
    "户名：{}",
    "麻烦把{}的订单取消",
    "患者王芳、{}均好转",
]


def values(text: str, kind: str) -> list[str]:
    return [text[span.start : span.end] for span in find(text) if span.type == kind]


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_known_by_what_stands_beside_it(frame: str, name: str) -> None:
    assert name in values(frame.format(name), "name")


@pytest.mark.parametrize(
    "text",
    [
        "王医生您好",
        "请李主任看一下",
        "赵女士来电",
        "王某，男，45岁",
        "张某某的案例",
        "患者高血压三年",
        "患者白细胞升高",
        "患者何时复查",
        "用户常见问题",
        "给您添麻烦了",
        "姓名：不详",
        "姓名写错了怎么改",
        "姓名和单位",
        "姓名：单位：电话：",
        "户名和卡号不一致",
        "请问马根维显的剂量是多少",
        "谢谢，13812345678没人接".replace("13812345678", "电话"),
        "Dr. Wang said so",
    ],
)
def test_titles_blanked_names_and_ordinary_words_are_no_names(text: str) -> None:
    assert find(text) == []


def test_names_in_latin_letters_with_a_dot_and_those_that_are_words() -> None:
    assert values("My name is Li Xiaoming", "name") == ["Li Xiaoming"]
    assert values("Dr. Wei Wang will come", "name") == ["Wei Wang"]
    assert values("姓名：方圆 性别：女", "name") == ["方圆"]  # an ordinary word anywhere else
    assert values("患者阿依古丽·买买提，女", "name") == ["阿依古丽·买买提"]


@pytest.mark.parametrize(
    "address",
    [
        "广东省深圳市南山区科苑路15号科兴园A栋",
        "上海市徐汇区漕溪北路331弄6号1201",
        "四川省成都市武侯区天府大道中段1388号",
        "北京市朝阳区建国路88号3号楼502室",
        "山东省青岛市市南区香港中路8号甲1单元602户",
        "河南省周口市沈丘县槐店镇李庄村3组",
        "重庆市渝北区龙溪街道红锦大道86号5幢7-2",
        "浦东新区世纪大道100号",
        "北京市朝陽區建國路88號",
        "文三路478号2单元301",
    ],
)
@pytest.mark.parametrize("frame", ["{}", "请寄到{}，张伟民收", "收货地址：{}，电话13812345678", "我住在{}。"])
def test_an_address_is_found_from_its_first_place_to_the_door(frame: str, address: str) -> None:
    assert values(frame.format(address), "address") == [address]


def test_what_follows_i_live_in_is_an_address_when_it_names_two_places() -> None:
    assert values("我住在长沙市芙蓉区五一大道，附近有医院吗", "address") == ["长沙市芙蓉区五一大道"]
    assert values("我住在北京朝阳区", "address") == ["北京朝阳区"]
    assert find("我住在北京") == []
    assert find("能寄到上海市吗") == []


@pytest.mark.parametrize(
    "text",
    [
        "上海的学习班什么时候开",
        "门诊楼3楼CT室怎么走",
        "住在院里3号楼的患者",
        "急诊1号线",
        "静脉通路2条",
        "北京市有哪些医院",
        "地址填错了",
    ],
)
def test_places_are_not_addresses(text: str) -> None:
    assert find(text) == []
