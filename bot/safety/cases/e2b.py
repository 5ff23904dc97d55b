"""A case by the element ids of E2B(R3) (ICH; guidance 1.4), for the system that makes the ICSR.

What is not known is left out, and nothing is guessed: no coding, no causality, no country. Times are ISO 8601 with
their zone.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.safety.adverse_events import Kind, Regime, Seriousness
from bot.safety.cases.dossier import Dossier

_LONGEST_EVENT = 250
_UNITS = {"岁": "a", "周岁": "a", "个月": "mo", "月龄": "mo", "天大": "d"}
_SEX = {"男": "1", "女": "2"}
_CRITERIA = {
    "E.i.3.2a": Seriousness.DEATH,
    "E.i.3.2b": Seriousness.LIFE_THREATENING,
    "E.i.3.2c": Seriousness.HOSPITALISATION,
    "E.i.3.2d": Seriousness.DISABILITY,
    "E.i.3.2e": Seriousness.CONGENITAL,
    "E.i.3.2f": Seriousness.OTHER_IMPORTANT,
}
_SITUATIONS = {
    Kind.COUNTERFEIT: "1",
    Kind.OVERDOSE: "2",
    Kind.MEDICATION_ERROR: "7",
    Kind.MISUSE: "8",
    Kind.ABUSE: "9",
    Kind.OCCUPATIONAL_EXPOSURE: "10",
    Kind.OFF_LABEL: "11",
}
_SPONTANEOUS, _STUDY, _SUSPECT = "1", "2", "1"


def e2b_elements(dossier: Dossier, sender: str, created_at: float, zone: ZoneInfo) -> dict[str, Any]:
    """Element id to value; repeated groups (``E.i``, ``G.k``, …) are lists. ``sender`` names the installation in the
    report's id."""
    case = dossier.case

    def moment(at: float) -> str:
        return datetime.fromtimestamp(at, zone).isoformat(timespec="seconds")

    names = list(dict.fromkeys(filter(None, dossier.senders)))
    elements: dict[str, Any] = {
        "C.1.1": f"CN-{sender}-{case.number}",
        "C.1.2": moment(created_at),
        "C.1.3": _STUDY if Regime.TRIAL in case.regimes else _SPONTANEOUS,
        "C.1.4": moment(case.received_at),
        "C.1.5": moment(case.latest_at),
        "C.2.r": [{"C.2.r.1": name} for name in names],
        "C.3.2": dossier.company,
        "E.i": [_event(words, case.serious) for words in dossier.effects],
        "G.k": _products(dossier),
        "H.1": _narrative(dossier, zone),
    }
    if dossier.age:
        elements |= {"D.2.2a": dossier.age[0], "D.2.2b": _UNITS[dossier.age[1]]}
    if dossier.sex:
        elements["D.5"] = _SEX[dossier.sex]
    return {name: value for name, value in elements.items() if value}


def _event(words: str, serious: tuple[Seriousness, ...]) -> dict[str, Any]:
    """One effect. A criterion that was not told is not denied by that."""
    told = {name: "true" for name, criterion in _CRITERIA.items() if criterion in serious}
    unknown = {name: {"nullFlavor": "NI"} for name in _CRITERIA if name not in told}
    return {"E.i.1.1a": words[:_LONGEST_EVENT], "E.i.1.1b": "zho", **told, **unknown}


def _products(dossier: Dossier) -> list[dict[str, Any]]:
    case = dossier.case
    situations = [{"G.k.10.r": code} for kind, code in _SITUATIONS.items() if kind in case.kinds]
    products: list[dict[str, Any]] = [{"G.k.1": _SUSPECT, "G.k.2.2": name} for name in case.products]
    if len(products) == 1:  # else nobody has said to which of them it belongs
        products[0] |= {"G.k.4.r": [{"G.k.4.r.7": batch} for batch in case.batches], "G.k.10": situations}
    return [{name: value for name, value in product.items() if value} for product in products]


def _narrative(dossier: Dossier, zone: ZoneInfo) -> str:
    lines = []
    for message, words in zip(dossier.messages, dossier.words, strict=True):
        at = datetime.fromtimestamp(message.sent_at, zone).strftime("%Y-%m-%d %H:%M")
        lines.append(f"[{at}] {words}")
    return "\n".join(lines)
