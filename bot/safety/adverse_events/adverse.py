"""The rules by which a message tells of an adverse event.

Suspicion is enough (可疑即报): no rule asks whether the product caused the event. Each rule is one function, named as
it is shown to the safety officer, and yields the words it rests on. They read what ``events`` and ``exposures`` found;
what is denied, asked, supposed or general has been set apart there. Their phrases are in ``terms/suspicions.yaml``.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator

from bot.safety.adverse_events.events import Event, Status
from bot.safety.adverse_events.exposures import Exposure
from bot.safety.adverse_events.reading import Reading, Span
from bot.safety.adverse_events.window import LONGEST_COMPLAINT, LONGEST_STORY, Turn, Window

Found = Iterator[tuple[Turn, Span]]
Rule = Callable[[Window], Found]

_CLAUSES_AFTER_CERTAIN = 4
"""How many clauses after an exposure an event still belongs to it."""
_CLAUSES_AFTER_POSSIBLE = 2
_NEAREST = 4
"""So many exposures before an event are looked at, and after it; keeps the work linear."""
_LONGEST_AFFIRMATION = 24
_SOMETHING = 2
"""Characters left of what stands behind a taking, when all that belongs to a taking is left out."""
_NOT_TOLD = (Status.DENIED, Status.ASKED, Status.SUPPOSED)


def after_exposure(window: Window) -> Found:
    """An event told after something was given: 打完第二针发烧."""
    for turn in window.turns:
        for event in turn.told:
            if any(_follows(turn, exposure, event) for exposure in _before(turn, event)):
                yield turn, event.span


def trouble_after_exposure(window: Window) -> Found:
    """Something new, strange or bad after a taking, in words that no list holds: 打完右手就再也握不住东西了."""
    for turn in window.turns:
        if turn.consults:
            continue
        for exposure in turn.exposures:
            clause = turn.reading.clauses[exposure.clause]
            after = turn.reading.clauses[min(exposure.clause + 1, len(turn.reading.clauses) - 1)]
            behind = Span(exposure.span.end, after.end)
            sentence = turn.reading.sentence(exposure.span.start)
            asked = turn.reading.has("bare_question", sentence) and not turn.reading.has("worried", sentence)
            if not exposure.certain or asked or turn.reading.has("benign", Span(clause.start, after.end)):
                continue
            trouble = turn.reading.first("trouble", behind)
            if trouble >= 0 and not turn.reading.has("other_cause", behind):
                yield turn, turn.reading.clause(trouble)


def something_after_exposure(window: Window) -> Found:
    """Whatever a short message tells after a taking, unless it is good, routine or a question. The net below the
    lists: no list of complaints is complete, and a missed report is the costly error."""
    for turn in window.turns:
        reading = turn.reading
        if turn.consults or not reading.is_whole or len(reading.text) > LONGEST_STORY:
            continue
        if reading.has("benign") or reading.has("routine") or reading.has("other_cause"):
            continue
        if turn.events and all(event.status in _NOT_TOLD for event in turn.events):
            continue
        if reading.has("how"):
            continue
        for exposure in turn.exposures:
            clause = reading.clauses[exposure.clause]
            asked = reading.has("bare_question", reading.sentence(exposure.span.start)) and not reading.has("worried")
            if not exposure.certain or asked or not _is_medical(reading, clause):
                continue
            after = reading.clauses[min(exposure.clause + 1, len(reading.clauses) - 1)]
            left = reading.lexicon["said_with_a_taking"].sub("", reading.text[exposure.span.end : after.end])
            if len(left) >= _SOMETHING:
                yield turn, Span(exposure.span.start, after.end)
                break


def given_in_an_earlier_turn(window: Window) -> Found:
    """What was given stands in an earlier message, the event in the last."""
    given = any(exposure.certain for turn in window.earlier for exposure in turn.exposures)
    named = any(turn.names_product for turn in window.earlier)
    for turn in window.latest:
        somebody = turn.reading.has("person") or turn.reading.has("time")
        for event in turn.told:
            if (given or (named and somebody)) and not _other_cause(turn.reading, event):
                yield turn, event.span


def given_before(window: Window) -> Found:
    """The event first, then what was given shortly before: 起疹子，昨天刚打的造影剂."""
    for turn in window.turns:
        for event in turn.told:
            if any(_precedes(turn, event, exposure) for exposure in _behind(turn, event)):
                yield turn, event.span


def blamed_on_product(window: Window) -> Found:
    """The person asks or says that a product is behind it: 头晕跟吃这个药有关系吗."""
    for turn in window.turns:
        if not (turn.reading.has("blame") or turn.reading.has("related")) or not turn.names_product:
            continue
        for event in turn.told:
            asked_about = turn.consults and _is_diagnosis(turn.reading, event)
            if not asked_about and not _other_cause(turn.reading, event):
                yield turn, event.span


def told_beside_a_question(window: Window) -> Found:
    """Asked about a product's effects, with somebody who shows one: 会引起肝损伤吗，我转氨酶升高了."""
    for turn in window.latest:
        asked = any(event.status is Status.ASKED for event in turn.events)
        if not asked or not turn.names_product or turn.consults:
            continue
        here = turn.reading.first("one_here")
        if here >= 0:
            yield turn, turn.reading.clause(here)
        for event in turn.told:
            if turn.reading.has("person", turn.reading.clauses[event.clause]):
                yield turn, event.span


def effect_suffered(window: Window) -> Found:
    """Side effects told by that name: 吃那个药副作用很大; not 听说副作用很大."""
    for turn in window.turns:
        reading = turn.reading
        for span in reading.spans("suffered"):
            clause, sentence = reading.clause(span.start), reading.sentence(span.start)
            asked = reading.has("asks_occurrence", Span(clause.start, min(span.end + 4, len(reading.text))))
            denied = reading.has("negation", Span(max(clause.start, span.start - 4), span.start))
            if asked or denied or reading.has("hearsay", Span(max(sentence.start, span.start - 24), clause.end)):
                continue
            near = Span(max(0, span.start - 40), min(span.end + 16, len(reading.text)))
            if reading.has("taking", near) or reading.has("unbearable", near) or reading.has("person", sentence):
                yield turn, span


def allergic_to_product(window: Window) -> Found:
    """An allergy that showed with a product: 造影剂过敏了, 消炎药都过敏; not 青霉素过敏的人."""
    for turn in window.turns:
        reading = turn.reading
        for span in reading.spans("product_allergy"):
            sentence = reading.sentence(span.start)
            lead = reading.text[sentence.start : span.start]
            if reading.has_before("hypothesis", span.start) or reading.lexicon["allergy_not_told"].search(lead):
                continue
            if reading.has("how", sentence) and not (reading.has("person") or reading.has("time")):
                continue
            told = reading.text[span.end : span.end + 1] in ("了", "反") or reading.has("allergy_told", span)
            if told or (turn.exposures and reading.has("person")):
                yield turn, span


def drug_induced_condition(window: Window) -> Found:
    """A condition whose name says where it comes from: 药物性肝损伤, 药疹, 对比剂肾病."""
    for turn in window.turns:
        reading = turn.reading
        somebody = reading.has("person") or reading.has("time")
        for span in reading.spans("drug_induced"):
            if not somebody or (reading.has("about_the_term", reading.sentence(span.start)) and not turn.exposures):
                continue
            if reading.has_before("published", span.start) or reading.has_before("long_ago", span.start):
                continue
            event = next((event for event in turn.events if event.span.end > span.start), None)
            if event is None or event.status not in _NOT_TOLD:
                yield turn, span


def better_without(window: Window) -> Found:
    """It got better when the product was stopped, came back with it, or was the reason to stop."""
    for turn in window.turns:
        reading = turn.reading
        for span in reading.spans("stopped_by"):
            sentence = reading.sentence(span.start)
            told = reading.has("event", sentence) or reading.has("unnamed_event", span)
            if told and not reading.has("hypothesis", sentence):
                yield turn, span


def appeared_in_patient(window: Window) -> Found:
    """A patient is said to have shown it, and a product is named anywhere: 患者出现支气管痉挛，用的是碘美普尔."""
    for turn in window.turns:
        if not turn.names_product or turn.consults:
            continue
        for event in turn.told:
            clause = turn.reading.clauses[event.clause]
            lead = turn.reading.text[clause.start : event.span.start]
            about = Span(max(0, clause.start - 24), clause.end)
            if turn.reading.lexicon["shown"].search(lead) and turn.reading.has("person", about):
                yield turn, event.span


def new_since_baseline(window: Window) -> Found:
    """Not there before the product, and there now: 尿蛋白三个加，用药前阴性."""
    for turn in window.turns:
        reading = turn.reading
        if turn.consults or not reading.has("baseline") or not (turn.names_product or turn.exposures):
            continue
        for event in turn.told:
            if not _other_cause(reading, event):
                yield turn, event.span


def worse_with_product(window: Window) -> Found:
    """A complaint from before that got worse with the product."""
    for turn in window.turns:
        first = next((exposure.span.start for exposure in turn.exposures if exposure.certain), None)
        for span in turn.reading.spans("worse"):
            sentence = turn.reading.sentence(span.start)
            if first is not None and first < span.start and not turn.reading.has("question", sentence):
                yield turn, span


def bare_complaint(window: Window) -> Found:
    """A short message that only says what happened: 过敏了; not a question about an illness, and no other cause."""
    turn = window.turns[-1]
    reading = turn.reading
    if len(reading.text) > LONGEST_COMPLAINT or reading.has("illness_question") or reading.has("mood"):
        return
    if (reading.has("what_to_do") and not turn.names_product) or reading.has("pleased"):
        return
    for event in turn.told:
        if _is_diagnosis(reading, event):
            continue
        sentence = reading.sentence(event.span.start)
        asked = reading.has("bare_question", sentence) and not reading.has("worried", sentence)
        if not asked and not reading.has("not_of_somebody", sentence) and not _other_cause(reading, event):
            yield turn, event.span


def death_told(window: Window) -> Found:
    """Somebody died; who tells a company so suspects something."""
    for turn in window.turns:
        reading = turn.reading
        for span in reading.spans("death"):
            sentence = reading.sentence(span.start)
            general = reading.has("not_of_somebody", sentence) or reading.has("hypothesis", sentence)
            if reading.has("person", sentence) and not general:
                yield turn, span


def question_affirmed(window: Window) -> Found:
    """Asked whether it can happen, then told that it did: 会引起皮疹吗 — 有一个病人."""
    asked = False
    for turn in window.turns:
        if asked and len(turn.reading.text) <= _LONGEST_AFFIRMATION:
            yield from ((turn, span) for span in turn.reading.spans("affirmed"))
        asked = asked or any(event.status is Status.ASKED for event in turn.events) or turn.reading.has("effect_word")


RULES: tuple[Rule, ...] = (
    after_exposure,
    given_in_an_earlier_turn,
    given_before,
    blamed_on_product,
    told_beside_a_question,
    effect_suffered,
    allergic_to_product,
    drug_induced_condition,
    better_without,
    appeared_in_patient,
    new_since_baseline,
    worse_with_product,
    bare_complaint,
    death_told,
    question_affirmed,
)
NETS: tuple[Rule, ...] = (trouble_after_exposure, something_after_exposure)
"""Below the lists: asked only when no other rule, nor one of ``rules.yaml``, has found anything in the last message."""


def _before(turn: Turn, event: Event) -> list[Exposure]:
    index = bisect_left(turn.exposures, event.span.start, key=_start)
    certain = [exposure for exposure in turn.exposures[max(0, index - 3 * _NEAREST) : index] if exposure.certain]
    return [*certain[-_NEAREST:], *turn.exposures[max(0, index - _NEAREST) : index]]


def _behind(turn: Turn, event: Event) -> list[Exposure]:
    index = bisect_left(turn.exposures, event.span.end, key=_start)
    return [exposure for exposure in turn.exposures[index : index + _NEAREST] if exposure.certain]


def _start(exposure: Exposure) -> int:
    return exposure.span.start


def _follows(turn: Turn, exposure: Exposure, event: Event) -> bool:
    if event.span.end <= exposure.span.end:
        return False
    reach = _CLAUSES_AFTER_CERTAIN if exposure.certain else _CLAUSES_AFTER_POSSIBLE
    together = exposure.certain and exposure.clause == event.clause
    if event.clause - exposure.clause > reach or (not together and _other_cause(turn.reading, event)):
        return False
    return not _is_the_illness(turn, exposure, event)


def _is_medical(reading: Reading, clause: Span) -> bool:
    """Whether the taking is surely of a medicine: 用了, 打了 and 换了 say it only beside one."""
    return reading.has("medical_taking", clause) or reading.has("product") or reading.has("therapy", clause)


def _precedes(turn: Turn, event: Event, exposure: Exposure) -> bool:
    reading = turn.reading
    if _is_diagnosis(reading, event):
        return False
    clause = reading.clauses[exposure.clause]
    around = Span(max(clause.start, exposure.span.start - 10), clause.end)
    if reading.lexicon["english_after"].match(reading.part(exposure.span)):
        return True
    diagnostic = reading.has("contrast", around) or reading.has("vaccine", around)
    allergic = reading.lexicon["skin"].fullmatch(reading.part(event.span)) is not None
    if turn.consults and not (diagnostic or allergic):
        return False
    return diagnostic or reading.has("shortly_before", around) or (allergic and reading.has("time", around))


def _other_cause(reading: Reading, event: Event) -> bool:
    """Whether the event's clause or the one before names a cause that is no medicine, and no medicine."""
    first = reading.clauses[max(0, event.clause - 1)].start
    last = reading.clauses[event.clause].end
    around = Span(first, last)
    return reading.has("other_cause", around) and not reading.has("product", around)


def _is_the_illness(turn: Turn, exposure: Exposure, event: Event) -> bool:
    """The complaint was there before the product, or came long after it: the illness, not an effect."""
    reading, lexicon = turn.reading, turn.reading.lexicon
    words = reading.part(event.span)
    mentioned = any(
        words in reading.part(other.span) or reading.part(other.span) in words
        for other in turn.events
        if other.span.end <= exposure.span.start and not _is_title(reading, other)
    )
    if mentioned and reading.has("persistent", reading.clauses[event.clause]):
        return True
    if not turn.consults:
        return False
    if mentioned or reading.has("since_then", Span(exposure.span.end, event.span.start)):
        return True
    if event.clause - exposure.clause > 1:
        return lexicon["skin"].fullmatch(words) is None
    if lexicon["illness"].fullmatch(words) is None and not _is_diagnosis(reading, event):
        return False
    link = Span(exposure.span.start, event.span.start)
    return "后" not in reading.part(link) or reading.has("stop", link)


def _is_diagnosis(reading: Reading, event: Event) -> bool:
    """Whether the event is the name of an illness: told alone it is what somebody has come with."""
    return reading.lexicon["diagnosis"].fullmatch(reading.part(event.span)) is not None


def _is_title(reading: Reading, event: Event) -> bool:
    """Whether the event stands in a question that opens the message and is told again below it."""
    first = reading.sentences[0]
    return event.span.end <= first.end and len(reading.sentences) > 1 and reading.part(first).endswith("?")
