"""The screen itself: messages in, a :class:`Screening` out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.safety.adverse_events.adverse import NETS, RULES, Rule
from bot.safety.adverse_events.events import Status
from bot.safety.adverse_events.lexicon import Lexicon, default_lexicon
from bot.safety.adverse_events.likeness import reads_like_a_report
from bot.safety.adverse_events.reading import Reading, Span
from bot.safety.adverse_events.situations import find_situations
from bot.safety.adverse_events.window import Turn, Window, read_window

WINDOW = 5
"""Messages that are read together; what is older is not looked at (compliance guidance 1.6)."""


class Kind(StrEnum):
    """What has to be reported. All but the first are reported though no harm is told (guidance 1.1)."""

    ADVERSE_EVENT = "adverse_event"
    PREGNANCY = "pregnancy"
    """Exposure in pregnancy, the father's too."""
    LACTATION = "lactation"
    OVERDOSE = "overdose"
    MISUSE = "misuse"
    ABUSE = "abuse"
    """Abuse or dependence."""
    OFF_LABEL = "off_label"
    MEDICATION_ERROR = "medication_error"
    """Also one that was noticed in time."""
    LACK_OF_EFFECT = "lack_of_effect"
    OCCUPATIONAL_EXPOSURE = "occupational_exposure"
    INTERACTION = "interaction"
    INFECTION_TRANSMISSION = "infection_transmission"
    COUNTERFEIT = "counterfeit"
    QUALITY_COMPLAINT = "quality_complaint"
    """Goes to quality assurance, and to the safety desk as well when harm is told."""


class Seriousness(StrEnum):
    """The six criteria of a serious case (guidance 1.1)."""

    DEATH = "death"
    LIFE_THREATENING = "life_threatening"
    HOSPITALISATION = "hospitalisation"
    DISABILITY = "disability"
    CONGENITAL = "congenital"
    OTHER_IMPORTANT = "other_important"


class Element(StrEnum):
    """The four elements of a valid report (guidance 1.1). A missing one never stops the capture."""

    PATIENT = "patient"
    REPORTER = "reporter"
    PRODUCT = "product"
    EVENT = "event"


class Regime(StrEnum):
    """Whose clock runs (guidance 1.1, "Other regimes")."""

    DRUG = "drug"
    VACCINE = "vaccine"
    DEVICE = "device"
    TRIAL = "trial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Words of a message as they were written: ``message`` counts from the oldest of the window (0), ``start`` and
    ``end`` (exclusive) are characters of it."""

    message: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Why something is suspected: the rule that found it, what it is, and the words."""

    rule: str
    kind: Kind
    quote: Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What the last message, read with those before it, has to do with drug safety."""

    grounds: tuple[Ground, ...] = ()
    """All grounds of the window, oldest message first."""
    new_grounds: tuple[Ground, ...] = ()
    """Those that the last message brought or completed."""
    serious: frozenset[Seriousness] = frozenset()
    """Criteria told anywhere in the window; empty when nothing is suspected. No criterion does not mean not serious:
    plan with the shorter limit until a human has decided (guidance 1.2)."""
    elements: tuple[tuple[Element, Quote | None], ...] = ()
    """The elements that were found, with the words that hold them; ``None`` where it is the chat user themself."""
    products: tuple[Quote, ...] = ()
    other_company: bool = False
    """Only products that are not the company's own were named; set only when its own are known."""
    regimes: frozenset[Regime] = frozenset()
    """More than one where the words point to more than one."""
    at_once: bool = False
    """A human has to know at once: death, danger to life, self-harm, pregnancy, a child, several people (1.5)."""
    asks_about_effects: bool = False
    """The message asks what effects there are. Not a report; ask back whether somebody has shown one (1.6)."""
    review: bool = False
    """Nothing is suspected, but a human should look: an event is told of that was denied, there before, or feared."""

    @property
    def suspected(self) -> bool:
        """Whether the last message has to reach the safety desk."""
        return bool(self.new_grounds)

    @property
    def kinds(self) -> frozenset[Kind]:
        return frozenset(ground.kind for ground in self.grounds)

    @property
    def missing(self) -> tuple[Element, ...]:
        """The elements still to be asked for, in their usual order."""
        found = {element for element, _ in self.elements}
        return tuple(element for element in Element if element not in found)


def screen(
    messages: Sequence[str],
    *,
    lexicon: Lexicon | None = None,
    reporter_known: bool = True,
    rules_alone: bool = False,
) -> Screening:
    """Read the last message of one person with those before it (oldest first; the last ``WINDOW`` count).

    Pure: no language model, no network, no clock. ``lexicon`` is :func:`default_lexicon` unless the bot has products of
    its own (:meth:`Lexicon.with_products`). ``reporter_known`` says that the channel identifies who writes, which makes
    them the reporter. ``rules_alone`` leaves :mod:`.likeness` unasked, as its training needs it. Raises ``ValueError``
    when there is no message.
    """
    if not messages:
        raise ValueError("nothing to screen: expected at least one message")
    lexicon = lexicon or default_lexicon()
    window = read_window(messages[-WINDOW:], lexicon)
    grounds = _grounds(window, rules_alone=rules_alone)
    new = tuple(ground for ground in grounds if ground.quote.message == window.last_number)
    serious = _seriousness(window) if grounds else frozenset()
    products = _products(window)
    return Screening(
        grounds=grounds,
        new_grounds=new,
        serious=serious,
        elements=_elements(window, grounds, products, reporter_known=reporter_known),
        products=products,
        other_company=_only_others(products, lexicon),
        regimes=_regimes(window) if grounds else frozenset(),
        at_once=bool(grounds) and _at_once(window, grounds, serious),
        asks_about_effects=_asks_about_effects(window),
        review=not new and any(event.status is not Status.ASKED for turn in window.latest for event in turn.events),
    )


def _grounds(window: Window, *, rules_alone: bool) -> tuple[Ground, ...]:
    found = [*_adverse(window, RULES), *_situations(window)]
    if not any(ground.quote.message == window.last_number for ground in found):
        found += _adverse(window, NETS) or ([] if rules_alone else _alike(window))
    return tuple(sorted(dict.fromkeys(found), key=lambda ground: (ground.quote.message, ground.quote.start)))


def _adverse(window: Window, rules: Iterable[Rule]) -> list[Ground]:
    return [
        Ground(rule=rule.__name__, kind=Kind.ADVERSE_EVENT, quote=_quote(turn.reading, span))
        for rule in rules
        for turn, span in rule(window)
    ]


def _alike(window: Window) -> list[Ground]:
    """The kind is a guess, and a guess keeps nothing from the safety desk: a quality complaint may tell of harm too."""
    return [
        Ground(rule=reads_like_a_report.__name__, kind=kind, quote=_quote(turn.reading, span))
        for turn, guess, span in reads_like_a_report(window)
        for kind in ([Kind(guess), Kind.ADVERSE_EVENT] if guess == Kind.QUALITY_COMPLAINT else [Kind(guess)])
    ]


def _situations(window: Window) -> list[Ground]:
    return [
        Ground(rule=rule.name, kind=Kind(rule.kind), quote=_quote(turn.reading, span))
        for turn, rule, span in find_situations(window)
    ]


def _quote(reading: Reading, span: Span) -> Quote:
    start, end, text = reading.quote(span)
    return Quote(message=reading.number, start=start, end=end, text=text)


def _seriousness(window: Window) -> frozenset[Seriousness]:
    return frozenset(criterion for criterion in Seriousness for turn in window.turns if _told(turn, criterion))


def _told(turn: Turn, name: str) -> bool:
    """Whether a criterion is told, not denied or supposed."""
    reading = turn.reading
    for span in reading.spans(name):
        lead = Span(max(reading.clause(span.start).start, span.start - 5), span.start)
        denied = reading.has("negation", lead) and not reading.has("event", lead)
        if not denied and not reading.has_before("hypothesis", span.start):
            return True
    return False


def _products(window: Window) -> tuple[Quote, ...]:
    names = ("contrast", "vaccine", "medicine", "named_form", "competitor")
    return tuple(
        _quote(turn.reading, span) for turn in window.turns for name in names for span in turn.reading.spans(name)
    )


def _only_others(products: Iterable[Quote], lexicon: Lexicon) -> bool:
    named = [product.text for product in products]
    return lexicon.own_products is not None and bool(named) and not any(lexicon.is_own(name) for name in named)


def _elements(
    window: Window, grounds: Sequence[Ground], products: Sequence[Quote], *, reporter_known: bool
) -> tuple[tuple[Element, Quote | None], ...]:
    found: list[tuple[Element, Quote | None]] = []
    if patient := _first(window, "patient"):
        found.append((Element.PATIENT, patient))
    reporter = _first(window, "reporter")
    if reporter or reporter_known:
        found.append((Element.REPORTER, reporter))
    if products:
        found.append((Element.PRODUCT, products[0]))
    if grounds:
        found.append((Element.EVENT, grounds[0].quote))
    return tuple(found)


def _first(window: Window, name: str) -> Quote | None:
    spans = ((turn.reading, span) for turn in window.turns for span in turn.reading.spans(name))
    return next((_quote(reading, span) for reading, span in spans), None)


def _regimes(window: Window) -> frozenset[Regime]:
    words = {Regime.VACCINE: "vaccine_words", Regime.DEVICE: "device_words", Regime.TRIAL: "trial_words"}
    found = frozenset(regime for regime, name in words.items() if _first(window, name))
    return found or frozenset({Regime.DRUG})


def _at_once(window: Window, grounds: Iterable[Ground], serious: frozenset[Seriousness]) -> bool:
    if serious & {Seriousness.DEATH, Seriousness.LIFE_THREATENING, Seriousness.CONGENITAL}:
        return True
    if any(ground.kind is Kind.PREGNANCY for ground in grounds):
        return True
    return any(_first(window, name) is not None for name in ("child", "self_harm", "group_event"))


def _asks_about_effects(window: Window) -> bool:
    return any(_turn_asks(turn) for turn in window.latest)


def _turn_asks(turn: Turn) -> bool:
    if turn.reading.has("effect_word") or turn.reading.has("safety_word"):
        return True
    asked = any(event.status in (Status.ASKED, Status.SUPPOSED, Status.GENERAL) for event in turn.events)
    return asked and turn.reading.has("question")
