"""What people say of themselves: noticed, so that it can be said how somebody is verified, and never believed."""

import re
import unicodedata

_WHO = "医生|医师|大夫|护士|护师|药师|药剂师|技师|医务人员|医护人员|医务工作者|放射科的|临床专家|主任医师|hcp"
_CHINESE = re.compile(
    rf"(?:我|本人)(?:就|也|真的|确实)?(?:是|作为)(?!不|否|想|要|来|去|问|给|替|帮|看|找|在)[^，。！？,.!?的]{{0,12}}?(?:的)?"
    rf"[^，。！？,.!?的]{{0,8}}(?:{_WHO})(?!的(?:病人|患者|家属|助理|朋友)|吗|开的|说|让|建议)"
)
_ENGLISH = re.compile(
    r"\bi(?:'m| am) an? (?:\w+ ){0,3}(?:doctor|physician|nurse|radiologist|pharmacist|surgeon|clinician|hcp|"
    r"health-?care professional)\b(?!'s)"
)
_LONGEST = 2000


def claims_to_be_professional(text: str) -> bool:
    """Whether somebody says that they are a health-care professional."""
    folded = unicodedata.normalize("NFKC", text[:_LONGEST]).replace("’", "'").lower()
    return bool(_CHINESE.search(folded) or _ENGLISH.search(folded))
