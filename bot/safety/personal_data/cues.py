"""Words beside a number that say what it is."""

import re

_LINK = r"[\s:#是为,\"'“”()\[\]【】.]{0,4}$"

NOT_A_PERSON = re.compile(
    r"(?:(?:订单|工单|快递|运单|物流|流水|合同|资产|批|批次|序列|产品|货|商品|条码|条形|发票|凭证|交易|商户|设备|注册证|备案|批准文|国药准字"
    r"|版本|文|税|报销|保单|项目|课题|编|单|案|型|机器|包裹|取件|参考|追踪|登记证|许可证|文献|标准|专利|物料|库存|版)"
    r"(?:单)?(?:号码|编号|编码|代码|号|码)"
    r"|订单|工单|运单|批次|批号|条码|条形码|编号|编码|流水|单号|序列号|IMEI|(?<![a-z])(?:order|batch|lot|serial|sn|s/n|ref|tracking|invoice|pmid|doi|isbn|issn"
    r"|nct|udi|gtin|sku)(?:\s?(?:no|number|id))?)" + _LINK,
    re.IGNORECASE,
)
"""A number of the trade: orders, parcels, batches, contracts, assets."""

ID_CARD = re.compile(
    r"(?:身份证(?:号码?|件)?|身份证件号码?|身分证|证件号码?|证件|户口|公民身份号码|实名|sfz|id\s?card|(?<![a-z])id(?:\s?no)?\.?)[^0-9]{0,10}$",
    re.IGNORECASE,
)
BANK_CARD = re.compile(
    r"(?:卡号?|账号|帐号|账户|帐户|开户行|(?:工|农|建|中|交|招|邮储|民生|兴业|浦发|中信|光大|平安|华夏|广发)行"
    r"|(?<![a-z])(?:card|account|acct)(?:\s?(?:no|number))?)[^0-9]{0,10}$",
    re.IGNORECASE,
)
PHONE = re.compile(
    r"(?:手机|电话|联系|致电|回电|来电|号码|微信|短信|拨打?|打给?我?|呼|加我|(?<![a-z])(?:tel|phone|mobile|mob|cell|call|wechat|wx|vx)(?:\s?no)?)"
    r"[^0-9]{0,8}$",
    re.IGNORECASE,
)
LOCAL_LINE = re.compile(
    r"(?:座机|固话|固定电话|电话|传真|办公室|家里|宅电|回电|(?<![a-z])(?:tel|fax|phone))[^0-9A-Za-z,。;]{0,6}$",
    re.IGNORECASE,
)
PLATE = re.compile(r"(?:车牌|牌照|车号|号牌|车辆|开车|停车|车)[^0-9A-Za-z]{0,8}$")
EMAIL = re.compile(r"(?:邮箱|邮件|e-?mail|mail)[^0-9A-Za-z]{0,8}$", re.IGNORECASE)
CREDIT_CODE = re.compile(r"(?:信用代码|税号|执照(?:号|编号)?)[^0-9]{0,10}$")
TRAVEL = re.compile(
    r"(?:护照|passport|通行证|回乡证|台胞证|证件号?码?|旅行证|签证)[^0-9]{0,10}$",
    re.IGNORECASE,
)
VERSION = re.compile(r"(?:版本|版|version|ver|v|节|章|条|第|表|图|§|OID|UID)[\s.:号]{0,3}$", re.IGNORECASE)
INTERNET = re.compile(r"(?:IP|地址|主机|服务器|登录|登陆|host|server|ping|from)[^0-9]{0,6}$", re.IGNORECASE)

_REACH = 24


def says(cue: re.Pattern[str], text: str, start: int) -> bool:
    """Whether ``cue`` stands just before ``start``."""
    return cue.search(text, max(0, start - _REACH), start) is not None
