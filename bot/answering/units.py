"""Units of measure: their names in Chinese and English, each as so many of the one that the others are told in."""

import re
from fractions import Fraction

UNITS: dict[str, tuple[str, Fraction]] = {}
"""By name, in small letters: the name of what it measures in, and how many of these it is."""


def _unit(name: str, **scaled: str) -> None:
    for scale, aliases in scaled.items():
        for alias in aliases.split():
            UNITS[alias.replace("_", " ")] = (name, Fraction(scale[1:].replace("per", "1/")))


_unit("mg", x1="mg 毫克", x1000="g 克", x1000000="kg 公斤 千克", xper1000="ug mcg μg 微克", xper1000000="ng 纳克")
_unit("mg", x1000000000="吨 公吨")
_unit("ml", x1="ml 毫升 cc", x100="dl 分升", x1000="l 升 liter liters litre litres", xper1000="ul μl 微升")
_unit("mm", x1="mm 毫米", x10="cm 厘米 公分", x1000="m 米", x1000000="km 公里 千米", xper1000="um μm 微米")
_unit("m2", x1="m2 平方米 平米", x10000="公顷", x1000000="km2 平方公里 平方千米", xper10000="cm2 平方厘米")
_unit("m3", x1="m3 立方米")
_unit("mu", x1="亩")
_unit("s", x1="s sec secs second seconds 秒 秒钟", x60="min mins minute minutes 分钟")
_unit("s", x3600="h hr hrs hour hours 小时 个小时 钟头 个钟头")
_unit("day", x1="day days 天 日")
_unit("workday", x1="个工作日 工作日 working_days working_day business_days business_day workdays")
_unit("week", x1="week weeks 周 星期 个星期 礼拜")
_unit("month", x1="month months 个月")
_unit("calendar month", x1="月 月份")
_unit("year", x1="year years yr yrs 年 年内")
_unit("age", x1="岁 周岁 years_old years_of_age year-old")
_unit("%", x1="% percent per_cent", xper10="‰ permille per_mille")
_unit("°c", x1="°c 摄氏度 度 degrees")
_unit("°f", x1="°f 华氏度")
_unit("mgi", x1="mgi mg_i 毫克碘 mg碘", x1000="gi g_i 克碘")
_unit("mmol", x1="mmol 毫摩尔", x1000="mol 摩尔")
_unit("mosm", x1="mosm 毫渗")
_unit("mmhg", x1="mmhg 毫米汞柱")
_unit("iu", x1="iu u 单位 国际单位 units unit")
_unit("kv", x1="kv 千伏")
_unit("ma", x1="ma 毫安")
_unit("mgy", x1="mgy", x1000="gy")
_unit("tesla", x1="t 特斯拉 tesla")
_unit("yuan", x1="元 块 块钱 人民币 rmb cny yuan")
_unit("usd", x1="美元 usd dollars")
_unit("jpy", x1="日元 日圆 jpy yen")
_unit("eur", x1="欧元 eur euros")
_unit("gbp", x1="英镑 gbp pounds")
_unit("hkd", x1="港元 港币 hkd")
_unit("twd", x1="新台币 台币 twd")
_unit("krw", x1="韩元 krw")
_unit("times", x1="次 回 times time")
_unit("tablet", x1="片 tablet tablets")
_unit("capsule", x1="粒 capsule capsules")
_unit("vial", x1="支 vial vials")
_unit("bottle", x1="瓶 bottle bottles")
_unit("box", x1="盒 box boxes")
_unit("bag", x1="袋 bag bags")
_unit("drop", x1="滴 drop drops")
_unit("credit", x1="学分 个学分 credit credits")
_unit("period", x1="学时 课时 个学时 个课时")
_unit("point", x1="分 points point")
_unit("fold", x1="倍 fold")
_unit(
    "",
    x1="个 名 位 人 项 种 条 款 张 台 间 座 套 份 门 节 章 楼 层 号 级 期 类 例 家 所 步 剂 针 颗 枚 遍 顿 餐 页 句 处 "
    "批 轮 组 届 代 件 本 只 堂 场 讲 题 道 包 管 杯 勺 口 夜 晚 people persons patients items",
)

_LONGEST_UNIT = max(map(len, UNITS))


_LATIN = sorted((alias for alias in UNITS if alias[0].isascii() and alias != "%"), key=len, reverse=True)
_OTHER = sorted((alias for alias in UNITS if not alias[0].isascii() or alias == "%"), key=len, reverse=True)
_UNIT = rf"(?:(?:{'|'.join(map(re.escape, _LATIN))})(?![a-z])|{'|'.join(map(re.escape, _OTHER))})"
FULL_UNIT = rf"{_UNIT}(?:\s?/\s?{_UNIT})*"
"""Units and quotients of them, folded."""


def unit_at(text: str) -> tuple[str, Fraction, int] | None:
    """The unit that ``text``, in small letters, begins with: the name of what it measures in, how many of these it is,
    and how many characters were read. ``None`` where none is known."""
    for length in range(min(_LONGEST_UNIT, len(text)), 0, -1):
        known = UNITS.get(text[:length])
        letters = text[length - 1 : length + 1]
        if known and not (len(letters) == 2 and letters.isascii() and letters.isalpha()):
            return *known, length
    return None
