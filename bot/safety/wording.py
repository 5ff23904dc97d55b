"""What a sentence of a language model must not say, whatever its sources say: claims, posing as a person, markup, and
links to strangers.

Approved words that are quoted as they stand (a FAQ, a passage) were read by whoever approved them, and do not pass
here.
"""

import re
import unicodedata
from collections.abc import Iterable

from bot.safety.conduct import Conduct
from bot.safety.words import PHARMA, SECURITIES, Family, find_claims

_FAMILIES = {"pharma": PHARMA, "securities": SECURITIES}
_MARKUP = re.compile(r"<\s*[a-z/!?]|!?\[[^\]\n]*\]\s*\(|&#?\w{2,8};|(?:javascript|data|vbscript)\s*:", re.IGNORECASE)
"""What a chat or a page would read as markup. Our own marks ``[1]`` have no parenthesis behind them."""
_TOP_LEVELS = (
    "com|cn|net|org|io|info|biz|top|xyz|club|vip|site|online|shop|store|live|link|click|icu|work|fun|pro|app|dev|cc|tv"
    "|me|tk|ru|co|ai|us|uk|jp|hk|tw|de|eu|edu|gov|ly|gl|example|test|invalid"
)
_ADDRESS = re.compile(
    r"(?<![a-z0-9_@.-])(?P<scheme>[a-z][a-z0-9+.-]{1,15}://(?:[^\s/@]{1,64}@)?)?"
    rf"(?P<host>(?:[a-z0-9_-]{{1,63}}\.){{1,8}}(?:{_TOP_LEVELS})(?![a-z0-9_-]|\.[a-z0-9])"
    r"|(?:\d{1,3}\.){3}\d{1,3}(?=[:/]))",
    re.IGNORECASE,
)
"""An address, with or without a scheme; a mail address is none, for nobody opens it by a click."""
_ANY_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,15}:\s?//", re.IGNORECASE)


class Wording:
    """The rules for one bot; ``own_host`` is the host of PUBLIC_URL, which it may always link to, or empty."""

    def __init__(self, conduct: Conduct, own_host: str) -> None:
        self._families = frozenset({Family.HUMAN}).union(*(_FAMILIES[trade] for trade in conduct.trade))
        self._hosts = frozenset(filter(None, (own_host.lower(), *conduct.link_hosts)))

    def objection(self, sentence: str) -> str:
        """Why ``sentence`` must not be said, as a constant word; empty when it may."""
        if find_claims(sentence, self._families):
            return "claim"
        plain = unicodedata.normalize("NFKC", sentence)
        if _MARKUP.search(plain):
            return "markup"
        return "" if self._links_only_to_known(plain) else "foreign_link"

    def _links_only_to_known(self, plain: str) -> bool:
        found = list(_ADDRESS.finditer(plain))
        if not all(_below(address["host"].lower(), self._hosts) for address in found):
            return False
        return len(_ANY_SCHEME.findall(plain)) <= sum(1 for address in found if address["scheme"])


def _below(host: str, known: Iterable[str]) -> bool:
    """Whether ``host`` is one of ``known`` or lies below one."""
    return any(host == one or host.endswith(f".{one}") for one in known)
