"""What a link shows of the library: to whom, how much, in which version, and how it stands today."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.excerpt import Excerpt, Standing
from bot.knowledge.origin import make_entry
from bot.knowledge.reading import WINDOW, Reading
from bot.links import tenant_tag
from tests.web.library import NOON, Library, faq, section

DAY = 86_400.0


def read(
    library: Library, entry: Entry, reader: Audience = Audience.PUBLIC, tenant: str = "academy", now: float = NOON
) -> Excerpt | None:
    arguments: Mapping[str, Any] = {"entry": entry.id, "reader": reader.value, "tenant": tenant_tag(tenant)}
    found = Reading(library.database, lambda: now).read(arguments)
    return Excerpt.from_json(found) if found else None


def shown(library: Library, entry: Entry, **changes: Any) -> Excerpt:
    excerpt = read(library, entry, **changes)
    assert excerpt is not None
    return excerpt


def long_document(sections: int, *, changed: int | None = None) -> str:
    words = ("改" if n == changed else "原" for n in range(sections))
    return "# 手册\n\n" + "".join(section(f"第{n}节", f"{word}文第{n}段。") for n, word in enumerate(words))


def test_a_passage_is_shown_where_it_stands_in_its_document(library: Library) -> None:
    origin = library.origin(".md")
    entries = library.put(origin, "# 手册\n\n" + section("注册", "先注册。") + section("登录", "再登录。"))
    excerpt = shown(library, entries[1])
    assert (excerpt.kind, excerpt.title, excerpt.source) == (EntryKind.PASSAGE, "手册", origin.source)
    assert (excerpt.version, excerpt.approved_at, excerpt.markdown) == (1, NOON, True)
    assert (excerpt.standing, excerpt.since) == (Standing.CURRENT, None)
    assert (excerpt.earlier, excerpt.later) == (0, 0)
    assert [(p.location, p.text, p.cited) for p in excerpt.passages] == [
        ("注册", "先注册。", False),
        ("登录", "再登录。", True),
    ]


@pytest.mark.parametrize(
    ("place", "earlier", "later"),
    [(0, 0, 60), (19, 0, 60), (20, 0, 60), (21, 1, 59), (50, 30, 30), (80, 60, 0), (99, 60, 0)],
)
def test_a_long_document_is_shown_around_the_passage(library: Library, place: int, earlier: int, later: int) -> None:
    entries = library.put(library.origin(".md"), long_document(100))
    excerpt = shown(library, entries[place])
    assert len(excerpt.passages) == WINDOW
    assert (excerpt.earlier, excerpt.later) == (earlier, later)
    assert [p.text for p in excerpt.passages] == [e.text for e in entries[earlier : 100 - later]]
    assert [p.text for p in excerpt.passages if p.cited] == [entries[place].text]


def test_a_faq_is_shown_without_the_other_rows(library: Library) -> None:
    origin = library.origin(".csv")
    rows = [faq(origin, f"问题{n}？", f"答案{n}。", row=n) for n in range(2, 60)]
    library.put_entries(origin, *rows)
    excerpt = shown(library, rows[30])
    assert (excerpt.kind, excerpt.title, excerpt.markdown) == (EntryKind.FAQ, "问题32？", False)
    assert [(p.text, p.location, p.cited) for p in excerpt.passages] == [("答案32。", "第 32 行", True)]
    assert (excerpt.earlier, excerpt.later) == (0, 0)


@pytest.mark.parametrize("audience", list(Audience))
@pytest.mark.parametrize("reader", list(Audience))
def test_nobody_reads_above_their_audience(library: Library, audience: Audience, reader: Audience) -> None:
    entries = library.put(library.origin(".md", audience=audience), "# 题\n\n正文。\n")
    assert (read(library, entries[0], reader) is not None) == (audience in reader.readable)


def test_a_neighbour_of_another_audience_is_never_shown(library: Library) -> None:
    origin, secret = library.origin(".md"), library.origin(".md", audience=Audience.STAFF)
    open_entry, staff_entry = (
        make_entry(each, kind=EntryKind.PASSAGE, title="题", text=text, location="节")
        for each, text in ((origin, "公开。"), (secret, "内部。"))
    )
    library.put_entries(origin, open_entry, staff_entry)
    assert [p.text for p in shown(library, open_entry).passages] == ["公开。"]


def test_another_tenant_and_an_unknown_entry_show_nothing(library: Library) -> None:
    entries = library.put(library.origin(".md"), "# 题\n\n正文。\n")
    assert read(library, entries[0], tenant="hospital") is None
    other = library.put(library.origin(".md", tenant="hospital"), "# 题\n\n别家的正文。\n")
    assert read(library, other[0]) is None
    assert (
        read(library, make_entry(library.origin(".md"), kind=EntryKind.PASSAGE, title="", text="", location="")) is None
    )


def test_a_draft_is_never_shown(library: Library) -> None:
    origin = library.origin(".md")
    draft = library.put(origin, "# 题\n\n草稿。\n", approve=False)
    assert read(library, draft[0]) is None
    approved = library.put(origin, "# 题\n\n定稿。\n")
    assert read(library, draft[0]) is None
    assert [p.text for p in shown(library, approved[0]).passages] == ["定稿。"]


def test_words_that_stay_are_shown_in_the_version_that_answers_now(library: Library) -> None:
    origin = library.origin(".md")
    entries = library.put(origin, long_document(3))
    library.put(origin, long_document(3, changed=0), now=NOON + DAY)
    excerpt = shown(library, entries[2])
    assert (excerpt.version, excerpt.approved_at, excerpt.standing) == (2, NOON + DAY, Standing.CURRENT)
    assert [p.text for p in excerpt.passages] == ["改文第0段。", "原文第1段。", "原文第2段。"]


def test_words_that_changed_are_shown_as_they_were_and_called_replaced(library: Library) -> None:
    origin = library.origin(".md")
    entries = library.put(origin, long_document(3))
    library.put(origin, long_document(3, changed=1), now=NOON + DAY)
    library.put(origin, long_document(3, changed=2), approve=False, now=NOON + 2 * DAY)
    excerpt = shown(library, entries[1])
    assert (excerpt.version, excerpt.standing, excerpt.since) == (1, Standing.REPLACED, NOON + DAY)
    assert [p.text for p in excerpt.passages] == ["原文第0段。", "原文第1段。", "原文第2段。"]


def test_the_newest_version_with_the_words_is_shown(library: Library) -> None:
    origin = library.origin(".md")
    entries = library.put(origin, long_document(3))
    library.put(origin, long_document(3, changed=0), now=NOON + DAY)
    library.put(origin, long_document(3, changed=2), now=NOON + 2 * DAY)
    excerpt = shown(library, entries[2])
    assert (excerpt.version, excerpt.standing, excerpt.since) == (2, Standing.REPLACED, NOON + 2 * DAY)


def test_a_withdrawn_document_says_so(library: Library) -> None:
    origin = library.origin(".md")
    entries = library.put(origin, long_document(3))
    library.withdraw(origin, now=NOON + DAY)
    excerpt = shown(library, entries[1])
    assert (excerpt.version, excerpt.standing, excerpt.since) == (1, Standing.WITHDRAWN, NOON + DAY)


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_document_that_was_restricted_is_closed_to_those_who_could_read_it(library: Library, withdrawn: bool) -> None:
    origin = library.origin(".md")
    entries = library.put(origin, long_document(3))
    same_file = replace(origin, audience=Audience.STAFF)
    library.put(same_file, long_document(3), now=NOON + DAY)
    if withdrawn:
        library.withdraw(origin, now=NOON + 2 * DAY)
    assert read(library, entries[1]) is None
    assert read(library, entries[1], Audience.STAFF) is not None


def test_a_document_that_is_for_some_bots_alone_by_now_is_closed_to_links_from_before(library: Library) -> None:
    origin = library.origin(".md")
    entries = library.put(origin, long_document(3))
    limited = library.put(replace(origin, bots=("second",)), long_document(3), now=NOON + DAY)
    assert read(library, entries[1]) is None, "the link does not say which bot it is of"
    assert read(library, limited[1]) is not None


def test_what_was_restricted_before_stays_closed_when_the_document_opens(library: Library) -> None:
    origin = library.origin(".md", audience=Audience.STAFF)
    entries = library.put(origin, long_document(3))
    opened = library.put(replace(origin, audience=Audience.PUBLIC), long_document(3), now=NOON + DAY)
    assert read(library, entries[1]) is None
    assert read(library, opened[1]) is not None


def test_a_faq_expires_at_the_end_of_its_last_day(library: Library) -> None:
    origin = library.origin(".csv")
    row = faq(origin, "年会？", "十二月。", valid_to=NOON + DAY)
    library.put_entries(origin, row)
    assert shown(library, row, now=NOON + DAY - 1).standing is Standing.CURRENT
    over = shown(library, row, now=NOON + DAY)
    assert (over.standing, over.since) == (Standing.EXPIRED, NOON + DAY)


def test_a_faq_that_only_moved_in_its_table_is_still_current(library: Library) -> None:
    origin = library.origin(".csv")
    row = faq(origin, "几点开门？", "八点。", row=2)
    library.put_entries(origin, row)
    library.put_entries(
        origin, faq(origin, "新问题？", "新答案。", row=2), faq(origin, "几点开门？", "八点。", row=3), now=NOON + DAY
    )
    excerpt = shown(library, row)
    assert (excerpt.version, excerpt.standing) == (2, Standing.CURRENT)
    assert [(p.text, p.location, p.cited) for p in excerpt.passages] == [("八点。", "第 3 行", True)]
    library.put_entries(origin, faq(origin, "几点开门？", "九点。", row=2), now=NOON + 2 * DAY)
    assert shown(library, row).standing is Standing.REPLACED


def test_the_clock_is_the_owners_own(library: Library) -> None:
    origin = library.origin(".csv")
    row = faq(origin, "昨天？", "过了。", valid_to=time.time() - 1)
    library.put_entries(origin, row)
    arguments = {"entry": row.id, "reader": "public", "tenant": tenant_tag("academy")}
    found = Reading(library.database).read(arguments)
    assert found is not None
    assert found["standing"] == "expired"
