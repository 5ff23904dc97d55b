"""``eval classify``: how well a safety check tells apart the labels of a file (labels as in the set's own description).

The checks are the product's own functions, called as the pipeline calls them; no language model and no worker runs.
What an item is depends on the task:

``adverse-event``, ``offensive``
    A row; its label is one of those that are predicted.
``pii``
    A span of personal data, or a row without any (label ``none``). A span is found when a predicted one of its type
    covers at least half of it. A row without spans is right when nothing is predicted for it. Predicted spans that
    belong to no labelled one count against the precision of their type.
``injection``
    A row; predictions are ``attack`` or ``benign``. A label that begins with ``benign`` names harmless text, every
    other one a kind of attack. A label's recall is the share of its rows that are decided so, its precision that of
    the decision; the macro F1 is over the two decisions.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Final, TypeVar

from bot.errors import UsageError
from bot.evaluation.rows import read_rows, text_of

TASKS: Final = ("emotion", "adverse-event", "pii", "injection", "offensive", "intent")
"""What ``eval classify`` is to measure (design, section 7)."""
BUILT: Final = ("adverse-event", "pii", "injection", "offensive")
NONE: Final = "none"
"""Label of a row without personal data, and what is predicted where nothing is found."""
ATTACK: Final = "attack"
BENIGN: Final = "benign"

Row = Mapping[str, Any]
Span = tuple[str, int, int]
"""(type, start, end), in characters of the text, the end exclusive."""
Pair = tuple[str, str]
"""(label, prediction) of one item."""
Progress = Callable[[int, int], None]
"""Called with (done, in all)."""

_Prediction = TypeVar("_Prediction")
_PROGRESS_STEP = 64


def evaluate_classification(task: str, items_path: Path, progress: Progress) -> dict[str, Any]:
    """Measure one of :data:`BUILT` on the rows of ``items_path``; the keys are those of the contract (design §7).

    ``n`` is the number of rows, ``ms_per_item`` the mean time of one. Raises :class:`~bot.errors.UsageError` for a task
    that is not built, and naming file and line of a bad row.
    """
    if task not in BUILT:
        raise UsageError(
            f"`eval classify --task {task}` is not built yet: this version measures {', '.join(BUILT)}, "
            f"and `eval retrieval`"
        )
    rows = [_checked(task, row, where) for where, row in read_rows(items_path)]
    if task == "pii":
        spans, ms_per_item = _timed(_find_personal_data(), rows, progress)
        result = span_report(spans_of_rows(rows), spans)
    else:
        predictions, ms_per_item = _timed(_predictor(task), rows, progress)
        pairs = list(zip([str(row["label"]) for row in rows], predictions, strict=True))
        result = attack_report(pairs) if task == "injection" else report(pairs)
    return {"n": len(rows), **result, "ms_per_item": ms_per_item}


def report(pairs: Sequence[Pair], *, stray: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Accuracy, macro F1, figures of each label and the confusion of ``pairs``.

    ``stray`` counts predictions that belong to no pair; they lower precision alone. A precision of nothing predicted
    and a recall of no items are 0, as is usual.
    """
    golds = Counter(gold for gold, _ in pairs)
    predicted = Counter(prediction for _, prediction in pairs) + Counter(stray or {})
    right = Counter(gold for gold, prediction in pairs if gold == prediction)
    labels = sorted(golds | predicted)
    per_label = {label: _figures(right[label], predicted[label], golds[label]) for label in labels}
    return {
        "accuracy": right.total() / len(pairs),
        "macro_f1": fmean(_f1(figures["precision"], figures["recall"]) for figures in per_label.values()),
        "per_label": per_label,
        "confusion": _confusion(pairs),
    }


def attack_report(pairs: Sequence[Pair]) -> dict[str, Any]:
    """The same where labels name kinds of text and predictions are :data:`ATTACK` or :data:`BENIGN`."""
    decided = report([(_decision(label), prediction) for label, prediction in pairs])
    per_label = {}
    for label, n in sorted(Counter(label for label, _ in pairs).items()):
        found = sum(gold == label and prediction == _decision(label) for gold, prediction in pairs)
        per_label[label] = {
            "precision": decided["per_label"][_decision(label)]["precision"],
            "recall": found / n,
            "n": n,
        }
    return {**decided, "per_label": per_label, "confusion": _confusion(pairs)}


def span_report(golds: Sequence[Sequence[Span]], predictions: Sequence[Sequence[Span]]) -> dict[str, Any]:
    """The same for the labelled and the predicted spans of each row."""
    pairs: list[Pair] = []
    stray: Counter[str] = Counter()
    for gold, predicted in zip(golds, predictions, strict=True):
        row_pairs, unused = _match_spans(gold, predicted)
        pairs += row_pairs
        stray.update(unused)
    return report(pairs, stray=stray)


def spans_of_rows(rows: Iterable[Row]) -> list[list[Span]]:
    """The labelled spans of each row."""
    return [[(span["type"], span["start"], span["end"]) for span in row["spans"]] for row in rows]


def _match_spans(gold: Sequence[Span], predicted: Sequence[Span]) -> tuple[list[Pair], list[str]]:
    """(Label, prediction) of each item of one row, and the types of the predicted spans that belong to none."""
    if not gold:
        first = predicted[0][0] if predicted else NONE
        return [(NONE, first)], [type_ for type_, _, _ in predicted[1:]]
    pairs = []
    used: set[Span] = set()
    for label, start, end in gold:
        covering = [span for span in predicted if 2 * (min(span[2], end) - max(span[1], start)) >= end - start]
        own = [span for span in covering if span[0] == label]
        pairs.append((label, (own or covering or [(NONE, 0, 0)])[0][0]))
        used.update(own or covering[:1])
    return pairs, [span[0] for span in predicted if span not in used]


def _decision(label: str) -> str:
    return BENIGN if label.startswith(BENIGN) else ATTACK


def _figures(right: int, predicted: int, n: int) -> dict[str, Any]:
    return {"precision": right / predicted if predicted else 0.0, "recall": right / n if n else 0.0, "n": n}


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _confusion(pairs: Iterable[Pair]) -> dict[str, dict[str, int]]:
    confusion: dict[str, dict[str, int]] = {}
    for (gold, prediction), count in sorted(Counter(pairs).items()):
        confusion.setdefault(gold, {})[prediction] = count
    return confusion


def _timed(
    predict: Callable[[Row], _Prediction], rows: Sequence[Row], progress: Progress
) -> tuple[list[_Prediction], float]:
    """The prediction for each row, and the mean milliseconds of one; what is loaded once is not counted."""
    predict({"text": ""})
    predictions, seconds = [], 0.0
    for number, row in enumerate(rows, start=1):
        started = time.perf_counter()
        predictions.append(predict(row))
        seconds += time.perf_counter() - started
        if number % _PROGRESS_STEP == 0 or number == len(rows):
            progress(number, len(rows))
    return predictions, seconds / len(rows) * 1000


def _predictor(task: str) -> Callable[[Row], str]:
    """The check that ``task`` measures; each is imported alone."""
    if task == "adverse-event":
        from bot.safety.adverse_events import predict

        return predict
    if task == "injection":
        from bot.safety.injection import inspect

        return lambda row: ATTACK if inspect(row["text"]).attack else BENIGN
    from bot.safety.words import is_offensive

    return lambda row: str(int(is_offensive(row["text"])))


def _find_personal_data() -> Callable[[Row], list[Span]]:
    from bot.safety.personal_data import predict_spans

    return lambda row: predict_spans(row["text"])


def _checked(task: str, row: dict[str, Any], where: str) -> dict[str, Any]:
    """``row`` as it is; raises :class:`~bot.errors.UsageError` for a row that ``task`` cannot be measured on."""
    text = text_of(row, "text", where)
    if task == "pii":
        _check_spans(row, len(text), where)
        return row
    label = row.get("label")
    if task == "offensive":
        if label not in (0, 1, "0", "1") or isinstance(label, bool | float):
            raise UsageError(f"{where}: label must be 1 (offensive) or 0")
    elif not isinstance(label, str) or not label:
        raise UsageError(f"{where}: label is missing or no text; every row needs the label it should be given")
    return row


def _check_spans(row: dict[str, Any], length: int, where: str) -> None:
    spans = row.get("spans")
    if not isinstance(spans, list):
        raise UsageError(
            f"{where}: spans must be a list of {{type, start, end}}, empty where there is no personal data"
        )
    for span in spans:
        if not isinstance(span, dict) or not isinstance(span.get("type"), str):
            raise UsageError(f"{where}: a span needs a type, such as phone")
        start, end = span.get("start"), span.get("end")
        if not (type(start) is int and type(end) is int and 0 <= start < end <= length):
            raise UsageError(f"{where}: a span needs start < end, both positions in the text of {length} characters")
