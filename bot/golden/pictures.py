"""A run of golden questions as two pictures (SVG) and a few lines: what is right at which coverage, and what a
confidence is worth. Each in Chinese and in English."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from bot.errors import UsageError
from bot.evaluation.charts import COLOURS, Axis, Panel, picture
from bot.evaluation.metrics import interval
from bot.golden.judging import Outcome
from bot.texts import LANGUAGES, Language, Texts

COVERAGE_FILE = "accuracy-coverage"
RELIABILITY_FILE = "reliability"
SUMMARY_FILE = "summary"
BINS = 5
_PERCENT = [(share / 100, f"{share} %") for share in range(0, 101, 20)]
_LEFT, _WIDTH = 70.0, 420.0
_CURVE, _DOT = COLOURS[0], COLOURS[1]


def draw(outcomes: Sequence[Outcome], folder: Path) -> list[Path]:
    """Write the pictures and the summary of ``outcomes``, which are not empty, into ``folder``, made when missing.

    Raises :class:`~bot.errors.UsageError` when they cannot be written.
    """
    texts = Texts()
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for language in LANGUAGES:
            for name, whole in (
                (f"{COVERAGE_FILE}.{language}.svg", coverage_picture(outcomes, texts, language)),
                (f"{RELIABILITY_FILE}.{language}.svg", reliability_picture(outcomes, texts, language)),
                (f"{SUMMARY_FILE}.{language}.txt", summary(outcomes, texts, language) + "\n"),
            ):
                (folder / name).write_text(whole, encoding="utf-8")
                written.append(folder / name)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from error
    return written


def curve(outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
    """(coverage, accuracy) if the bot said what it found first, for each number of questions, the surest first. Those
    of one confidence come together, as no threshold tells them apart."""
    ranked = sorted(outcomes, key=lambda outcome: -outcome.confidence)
    points = []
    for n, outcome in enumerate(ranked, 1):
        if n == len(ranked) or ranked[n].confidence < outcome.confidence:
            points.append((n / len(ranked), fmean(one.first_right for one in ranked[:n])))
    return points


def bins(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    """``outcomes`` by confidence, in :data:`BINS` equal ranges from 0 to 1."""
    found: list[list[Outcome]] = [[] for _ in range(BINS)]
    for outcome in outcomes:
        found[min(BINS - 1, int(outcome.confidence * BINS))].append(outcome)
    return found


def calibration_error(outcomes: Sequence[Outcome]) -> float:
    """How far confidence and the share whose first hit answers lie apart, 0 to 1: the mean over :func:`bins` weighted
    by their size (expected calibration error)."""
    return sum(abs(_mean(each) - _share(each)) * len(each) for each in bins(outcomes) if each) / len(outcomes)


def coverage_picture(outcomes: Sequence[Outcome], texts: Texts, language: Language) -> str:
    """Accuracy over coverage, with what the bot does now as a dot."""
    title = texts.say("gate_pictures_coverage", language)
    panel = _panel(title, texts, language, x="gate_pictures_coverage_axis", y="gate_pictures_accuracy_axis")
    panel.line(texts.say("gate_pictures_first", language), _CURVE, curve(outcomes), dots=len(outcomes) <= 30)
    answered = [outcome for outcome in outcomes if outcome.answered]
    if answered:
        now = (len(answered) / len(outcomes), fmean(outcome.right for outcome in answered))
        panel.mark(texts.say("gate_pictures_now", language), _DOT, now)
    return picture(690, 410, title, panel.svg())


def reliability_picture(outcomes: Sequence[Outcome], texts: Texts, language: Language) -> str:
    """The share that is right over the confidence, beside the line on which both are the same."""
    title = texts.say("gate_pictures_reliability", language)
    panel = _panel(title, texts, language, x="gate_pictures_confidence_axis", y="gate_pictures_right_axis")
    panel.aside(texts.say("gate_pictures_ideal", language), (0, 0), (1, 1))
    for each in filter(None, bins(outcomes)):
        point = _mean(each), _share(each)
        ends = interval(sum(one.first_right for one in each), len(each))
        panel.whisker(texts.say("gate_pictures_bin", language, n=len(each)), _CURVE, point, *ends)
    return picture(540, 410, title, panel.svg())


def summary(outcomes: Sequence[Outcome], texts: Texts, language: Language) -> str:
    """What came of it in two sentences."""
    answered = [outcome for outcome in outcomes if outcome.answered]
    refusable = [outcome for outcome in outcomes if _must_refuse(outcome)]
    return texts.say(
        "gate_pictures_summary",
        language,
        n=len(outcomes),
        right=sum(outcome.right for outcome in outcomes),
        answered=len(answered),
        well=sum(outcome.right for outcome in answered),
        refusable=len(refusable),
        refused=sum(outcome.right for outcome in refusable),
        missed=sum(outcome.fault == "refused" for outcome in outcomes),
        error=round(100 * calibration_error(outcomes)),
    )


def _must_refuse(outcome: Outcome) -> bool:
    return outcome.fault == "answered" or (outcome.right and not outcome.answered)


def _panel(title: str, texts: Texts, language: Language, *, x: str, y: str) -> Panel:
    across = Axis(label=texts.say(x, language), low=0, high=1, ticks=_PERCENT)
    up = Axis(label=texts.say(y, language), low=0, high=1, ticks=_PERCENT)
    return Panel(title=title, x=across, y=up, left=_LEFT, width=_WIDTH, height=280)


def _share(outcomes: Sequence[Outcome]) -> float:
    return fmean(outcome.first_right for outcome in outcomes)


def _mean(outcomes: Sequence[Outcome]) -> float:
    return fmean(outcome.confidence for outcome in outcomes)
