"""An answer as the words a person reads in a chat."""

from collections.abc import Callable

from bot.answering.answerer import Answer
from bot.knowledge.approval import approval_words
from bot.knowledge.entries import Entry
from bot.messages import Citation, ReplyKind
from bot.texts import Language, Texts

Link = Callable[[str, Entry], str]
"""(label, entry): the label as a link to the entry's place in its document, in the channel's own words."""


def answer_text(answer: Answer, texts: Texts, language: Language, link: Link) -> str:
    """The answer with its sources below, each linked to its place, where it has any; or the refusal with the questions
    that come near."""
    if answer.kind is ReplyKind.REFUSAL:
        return refusal_text(answer, texts, language, link)
    if not answer.cited:  # a question for what is missing
        return answer.text
    heading = texts.say("sources", language)
    cited = zip(answer.citations, answer.cited, strict=True)
    sources = "\n".join(_source_line(citation, entry, texts, language, link) for citation, entry in cited)
    lead = texts.say("quoted", language) + "\n" if answer.kind is ReplyKind.EXTRACTIVE and not answer.tentative else ""
    text = f"{_noticed(answer, texts, language)}{lead}{answer.text}\n\n{heading}\n{sources}"
    return _with_reserve(text, answer, texts, language)


def plain_text(answer: Answer, texts: Texts, language: Language) -> str:
    """The answer without its list of sources."""
    return _with_reserve(f"{_noticed(answer, texts, language)}{answer.text}", answer, texts, language)


def _with_reserve(text: str, answer: Answer, texts: Texts, language: Language) -> str:
    """``text`` of ``answer`` between the words that it may not be what was asked, where it is tentative."""
    if not answer.tentative:
        return text
    if answer.kind is ReplyKind.FAQ:
        lead = texts.say("tentative_faq", language, question=answer.cited[0].title)
    else:
        lead = texts.say("tentative_quoted", language)
    return "\n".join((lead, text, "", texts.say("tentative_close", language)))


def _noticed(answer: Answer, texts: Texts, language: Language) -> str:
    """What must be read before the answer: where its sources tell otherwise than the question, and where they differ
    from one another. Its last line is empty, if there is any."""
    lines = [
        texts.say("premise_unmet", language, asked=premise.asked, told=premise.told) for premise in answer.premises
    ]
    number = {entry.id: n for n, entry in enumerate(answer.cited, 1)}
    if answer.differences:
        lines.append(texts.say("sources_differ", language))
    for each in answer.differences:
        said = ((each.first, each.first_says), (each.second, each.second_says))
        lines += [
            texts.say("sources_differ_line", language, n=number[entry.id], says=says.strip()) for entry, says in said
        ]
    return "\n".join((*lines, "", "")) if lines else ""


def own_answer_text(answer: Answer, texts: Texts, language: Language) -> str:
    """An answer from what the person sent: it says so, and its sources are no links, for nobody else may see them."""
    lead, heading = texts.say("own_answer", language), texts.say("sources", language)
    lines = [
        texts.say("own_source_line", language, n=n, name=entry.source, where=f" · {entry.place}" if entry.place else "")
        for n, entry in enumerate(answer.cited, 1)
    ]
    return "\n".join((lead, answer.text, "", heading, *lines))


def refusal_text(answer: Answer, texts: Texts, language: Language, link: Link = lambda label, _entry: label) -> str:
    """That the knowledge does not carry an answer, and what comes near: FAQ questions to ask, passages to look at."""
    nearest = []
    if answer.near:
        nearest.append(texts.say("near_questions", language))
        nearest += [f"· {question}" for question in answer.near]
    if answer.offered:
        nearest.append(texts.say("near_sources", language))
        nearest += [_near_source(entry, texts, language, link) for entry in answer.offered]
    if not nearest:
        return texts.say("refusal", language)
    return texts.say("refusal_near", language, near="\n".join(nearest))


def _near_source(entry: Entry, texts: Texts, language: Language, link: Link) -> str:
    where = " · ".join(filter(None, (entry.source, entry.place)))
    return texts.say("near_source_line", language, title=link(entry.title or entry.source, entry), where=where)


def _source_line(citation: Citation, entry: Entry, texts: Texts, language: Language, link: Link) -> str:
    approval = approval_words(citation.approval_number, texts, language)
    where = " · ".join(filter(None, (citation.source, citation.location, approval)))
    return texts.say("source_line", language, n=citation.n, title=link(citation.title, entry), where=where)
