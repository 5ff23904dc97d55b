"""False premises: questions that take something for granted which the passage that answers does not say.

    python -m benchmarks.premises DATA_FOLDER/SET --cache FOLDER [--faq] [--model]

The questions of the set that are answered from the right passage are asked once as they are, and once for each thing in
them that a rule can change (a year, a figure with its unit, a code, a title, a name) into one that neither the question
nor the passage has. Of the changed ones that are answered from the very same passage, ``noticed`` is the share whose
answer says first what the source says in its place, ``refused`` of those that get none, ``silent`` the rest: another
question was answered. ``elsewhere`` are those for which something else was found. ``false alarms`` is the share of the
unchanged questions that are refused or corrected because of what they take for granted.
"""

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.answering import Bench, Knowing, options_of
from bot.answering.names import latin_names
from bot.answering.proper_nouns import proper_nouns
from bot.answering.quantities import fold
from bot.evaluation.retrieval import read_set
from bot.knowledge.entries import Entry
from bot.messages import ReplyKind

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_FIGURE = re.compile(
    r"(?<![\d.a-zA-Z])(\d{1,3}(?:\.\d+)?)(?=\s?(?:mg|ml|g|kg|%|毫克|毫升|克|公斤|小时|天|元|米|公里|公分|岁))"
)
_CODE = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]+[-.]?\d+[A-Za-z0-9.]*")
_TITLE = re.compile("《([^《》]+)》")
_HAN = re.compile("[\u4e00-\u9fff]+")
_LEAST_LATIN = 4
"""Letters of a Latin name that is changed."""


def main(arguments: Sequence[str]) -> None:
    """Print the shares as JSON, a line for each kind of change and one for the unchanged questions."""
    options = options_of(__doc__, arguments)
    rows = read_set(
        options.data / "corpus.jsonl", options.data / "queries.jsonl", None, fields=("title", "text"), faq=options.faq
    )
    questions = rows.questions[: options.questions]
    others = _others([question.text for question in questions])
    alarms: Counter[str] = Counter()
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    with Bench(options).knowing(rows.entries) as bot:
        for question in questions:
            evidence = bot.find(question.text)
            first = evidence.faq or (evidence.documents.hits[0] if evidence.documents_answer else None)
            if first is None or rows.row_ids[first.entry.id] not in question.positives:
                continue
            answer = bot.answer(evidence)
            alarms["asked"] += 1
            alarms["alarmed"] += answer.kind is ReplyKind.REFUSAL or bool(answer.premises)
            alarms["differ"] += bool(answer.differences)
            for kind, changed in changes(question.text, _whole(first.entry), others):
                seen[kind][_outcome(bot, changed, first.entry)] += 1
    for kind, outcomes in sorted(seen.items()):
        same = outcomes.total() - outcomes["elsewhere"]
        shares = {what: outcomes[what] / same if same else None for what in ("noticed", "refused", "silent")}
        sys.stdout.write(json.dumps({"changed": kind, "n": same, "elsewhere": outcomes["elsewhere"], **shares}) + "\n")
    asked = max(1, alarms["asked"])
    result = {"n": alarms["asked"], "false alarms": alarms["alarmed"] / asked, "differences": alarms["differ"] / asked}
    sys.stdout.write(json.dumps(result) + "\n")


def changes(question: str, passage: str, others: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """``question`` with one thing changed that ``passage`` has too, and what was: ``others`` are what may be put in its
    place, by kind."""
    known = fold(passage)
    for kind, found in _named(question):
        if fold(found) not in known:
            continue
        number = re.search(r"\d+", found)
        candidates = (
            (found.replace(number[0], str(int(number[0]) + step), 1) for step in (3, 4, 7, 11))
            if number
            else others[kind]
        )
        for other in candidates:
            if fold(other) not in known and other not in question:
                yield kind, question.replace(found, other)
                break


def _named(question: str) -> Iterator[tuple[str, str]]:
    """What can be changed in a question, with its kind."""
    for kind, pattern in (("year", _YEAR), ("figure", _FIGURE), ("code", _CODE), ("title", _TITLE)):
        yield from ((kind, found.group()) for found in pattern.finditer(question))
    for run in _HAN.findall(_TITLE.sub(" ", question)):
        yield from (("name", name) for name in proper_nouns().people_and_places(run))
    for name in latin_names(question):
        if name.isalpha() and len(name) >= _LEAST_LATIN:
            yield from (("latin", found) for found in re.findall(rf"(?i)(?<![a-z]){name}(?![a-z])", question))


def _others(questions: Sequence[str]) -> dict[str, list[str]]:
    """All that the questions name, by kind."""
    found: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        for kind, name in _named(question):
            found[kind].append(name)
    return found


def _outcome(bot: Knowing, question: str, right: Entry) -> str:
    evidence = bot.find(question)
    first = evidence.faq or (evidence.documents.hits[0] if evidence.documents.hits else None)
    if first is None or first.entry.id != right.id:
        return "elsewhere"
    answer = bot.answer(evidence)
    if answer.kind is ReplyKind.REFUSAL:
        return "refused"
    return "noticed" if answer.premises else "silent"


def _whole(entry: Entry) -> str:
    return "\n".join((entry.title, *entry.questions, entry.text))


if __name__ == "__main__":
    main(sys.argv[1:])
