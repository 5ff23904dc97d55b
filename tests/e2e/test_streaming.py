"""With a language model that takes its time: what people see of an answer while it is written."""

import os
from pathlib import Path

import pytest

from tests.e2e.conftest import Crowd, System
from tests.fakes.llm_server import LlmServer, Say
from tests.simulator.browser import Browser, find_chromium

ROBOT = "影像学院小助手"
QUESTION = "虚拟皮疹出现的比例是多少？"
FIRST = "虚拟头晕：每 20 次练习约出现 1 次[1]。"
RIGHT = "虚拟皮疹：每 50 次练习约出现 1 次[1]。"


def test_an_answer_streams_in_and_its_last_words_always_arrive(small: System, awaited_llm: LlmServer) -> None:
    awaited_llm.on(Say(FIRST + RIGHT[:2], then=RIGHT[2:]))
    doctor = Crowd(small).stranger(peer="bot").says(QUESTION)
    doctor.sees(FIRST)
    assert not any(RIGHT in text for text in doctor.seen), doctor.seen
    awaited_llm.go_on()
    assert doctor.reads()["content"].startswith(FIRST + RIGHT)


def test_a_person_reads_a_streamed_and_cited_answer_in_the_page(
    small: System, awaited_llm: LlmServer, tmp_path: Path
) -> None:
    executable = find_chromium()
    if executable is None:
        if os.environ.get("REQUIRE_BROWSER"):  # noqa: TID251 -- the switch of the whole suite's browser tests
            pytest.fail("REQUIRE_BROWSER is set and there is no chromium")
        pytest.skip("NO CHROMIUM FOUND: the chat page is not tested in a browser")
    awaited_llm.on(Say(FIRST + RIGHT[:2], then=RIGHT[2:]))
    with Browser(executable, tmp_path) as browser:
        browser.resize(1280, 800)
        browser.open(f"{small.simulator}/#wang.fang/group/imaging-academy")
        browser.wait_for("document.querySelector('#title')?.textContent === '影像学院交流群'")
        browser.look("document.querySelector('#text').focus()")
        browser.type(f"@{ROBOT} {QUESTION}")
        browser.press("Enter")
        shown = "document.querySelector('#messages').innerText"
        browser.wait_for(f"{shown}.includes('每 20 次') && !{shown}.includes('每 50 次')")
        awaited_llm.go_on()
        browser.wait_for(f"{shown}.includes('每 50 次') && {shown}.includes('来源')")
        link = browser.look("[...document.querySelectorAll('#messages a')].at(-1).href")
        browser.open(link)
        browser.wait_for("document.querySelector('#cited')?.innerText.includes('每 50 次练习约出现 1 次')")
        assert browser.problems == []
