"""Which of what was found decides: the FAQ or the passages, or neither."""

import pytest

from bot.answering.evidence import Evidence
from bot.knowledge.search import Hit, SearchResult
from tests.knowledge.small_index import entry, faq

ASKED, PASSAGE = faq("学分怎么算？", answer="每门 2 学分。"), entry("学分按学时计算。")


@pytest.mark.parametrize(
    ("both", "documents", "by_faq", "by_documents"),
    [
        (0.7, 0.6, True, True),
        (0.7, 0.7, True, True),
        (0.7, 0.8, False, True),
        (0.5, 0.0, True, False),
        (0.49, 0.0, False, False),
        (0.49, 0.49, False, False),
    ],
    ids=["faq surer", "as sure", "passage surer", "just sure", "just unsure", "both unsure"],
)
def test_the_surer_one_answers_if_it_is_sure_enough(
    both: float, documents: float, *, by_faq: bool, by_documents: bool
) -> None:
    evidence = Evidence(
        question="学分怎么算",
        both=SearchResult((Hit(ASKED, 1.0), Hit(PASSAGE, 0.5)), both, {}),
        documents=SearchResult((Hit(PASSAGE, 1.0),), documents, {}),
        threshold=0.5,
        timings_ms={},
    )
    assert (evidence.faq is not None, evidence.documents_answer) == (by_faq, by_documents)
    assert evidence.answers == (by_faq or by_documents)
    assert evidence.confidence == max(both, documents)


@pytest.mark.parametrize(("confidence", "near"), [(0.029, ()), (0.03, ("学分怎么算？",))])
def test_questions_that_come_nowhere_near_are_not_offered(confidence: float, near: tuple[str, ...]) -> None:
    both = SearchResult((Hit(PASSAGE, 1.0), Hit(ASKED, 0.5)), confidence, {})
    nothing = SearchResult((), 0.0, {})
    evidence = Evidence(question="天气如何", both=both, documents=nothing, threshold=0.5, timings_ms={})
    assert evidence.near_questions == near
