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
        return refusal_text(answer.near, texts, language)
    if not answer.cited:  # a question for what is missing
        return answer.text
    heading = texts.say("sources", language)
    cited = zip(answer.citations, answer.cited, strict=True)
    sources = "\n".join(_source_line(citation, entry, texts, language, link) for citation, entry in cited)
    lead = texts.say("quoted", language) + "\n" if answer.kind is ReplyKind.EXTRACTIVE else ""
    return f"{lead}{answer.text}\n\n{heading}\n{sources}"


def own_answer_text(answer: Answer, texts: Texts, language: Language) -> str:
    """An answer from what the person sent: it says so, and its sources are no links, for nobody else may see them."""
    lead, heading = texts.say("own_answer", language), texts.say("sources", language)
    lines = [
        texts.say("own_source_line", language, n=n, name=entry.source, where=f" · {entry.place}" if entry.place else "")
        for n, entry in enumerate(answer.cited, 1)
    ]
    return "\n".join((lead, answer.text, "", heading, *lines))


def refusal_text(near: tuple[str, ...], texts: Texts, language: Language) -> str:
    """That the knowledge does not carry an answer, and what comes near."""
    if not near:
        return texts.say("refusal", language)
    lines = "\n".join(f"· {question}" for question in near)
    return texts.say("refusal_near", language, near=lines)


def _source_line(citation: Citation, entry: Entry, texts: Texts, language: Language, link: Link) -> str:
    approval = approval_words(citation.approval_number, texts, language)
    where = " · ".join(filter(None, (citation.source, citation.location, approval)))
    return texts.say("source_line", language, n=citation.n, title=link(citation.title, entry), where=where)
