"""Who may use the model: one at a time, questions first and together, and nobody waits for ever."""

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from bot.knowledge.embedding_queue import OVERTAKEN_AT_MOST, QUESTIONS_A_RUN, EmbeddingQueue

PATIENCE_S = 30


class Model:
    """Says what it computes in one run; while ``held`` every run waits for :meth:`release`."""

    def __init__(self) -> None:
        self.runs: list[list[str]] = []
        self.begun = threading.Event()
        self._go = threading.Event()
        self._go.set()

    def hold(self) -> None:
        self._go.clear()

    def release(self) -> None:
        self._go.set()

    def compute(self, texts: list[str]) -> list[str]:
        self.runs.append(texts)
        self.begun.set()
        assert self._go.wait(PATIENCE_S)
        if "bad" in texts:
            raise ValueError("bad")
        return [text.upper() for text in texts]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def queue() -> EmbeddingQueue:
    return EmbeddingQueue()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def _ask_while_busy(
    queue: EmbeddingQueue, model: Model, pool: ThreadPoolExecutor, texts: list[str]
) -> "list[Future[list[str]]]":
    """Ask ``texts`` one after another while the model computes ``first``; it still does when this returns."""
    model.hold()
    first = pool.submit(queue.question, model.compute, ["first"])
    assert model.begun.wait(PATIENCE_S)
    asked = [first]
    for text in texts:
        asked.append(pool.submit(queue.question, model.compute, [text]))
        _until(lambda: len(queue._waiting) == len(asked) - 1)
    return asked


def test_waiting_questions_share_a_run_in_the_order_they_came(
    queue: EmbeddingQueue, model: Model, pool: ThreadPoolExecutor
) -> None:
    texts = [chr(ord("a") + number) for number in range(QUESTIONS_A_RUN + 2)]
    asked = _ask_while_busy(queue, model, pool, texts)
    model.release()
    assert [one.result(PATIENCE_S) for one in asked] == [["FIRST"], *([text.upper()] for text in texts)]
    assert model.runs == [["first"], texts[:QUESTIONS_A_RUN], texts[QUESTIONS_A_RUN:]]


def test_only_questions_of_the_same_kind_share_a_run(
    queue: EmbeddingQueue, model: Model, pool: ThreadPoolExecutor
) -> None:
    asked = _ask_while_busy(queue, model, pool, ["a"])
    asked.append(pool.submit(queue.question, lambda texts: [text * 2 for text in texts], ["b"]))
    _until(lambda: len(queue._waiting) == 2)
    model.release()
    assert [one.result(PATIENCE_S) for one in asked] == [["FIRST"], ["A"], ["bb"]]
    assert model.runs == [["first"], ["a"]]


def test_a_question_goes_before_a_slice_that_waits_longer(
    queue: EmbeddingQueue, model: Model, pool: ThreadPoolExecutor
) -> None:
    def take_in() -> None:
        with queue.slice_of_import():
            model.compute(["slice"])

    for _ in range(OVERTAKEN_AT_MOST):  # before the import came, they overtook nobody
        queue.question(model.compute, ["earlier"])
    model.runs.clear()
    model.begun.clear()
    _ask_while_busy(queue, model, pool, [])
    slice_ = pool.submit(take_in)
    _until(lambda: queue._imports_waiting == 1)
    question = pool.submit(queue.question, model.compute, ["question"])
    _until(lambda: len(queue._waiting) == 1)
    model.release()
    assert question.result(PATIENCE_S) == ["QUESTION"]
    slice_.result(PATIENCE_S)
    assert model.runs == [["first"], ["question"], ["slice"]]


def test_a_flood_of_questions_does_not_stop_an_import(
    queue: EmbeddingQueue, model: Model, pool: ThreadPoolExecutor
) -> None:
    flooding = threading.Event()
    flooding.set()

    def flood() -> None:
        while flooding.is_set():
            queue.question(model.compute, ["question"])

    floods = [pool.submit(flood) for _ in range(4)]
    _until(lambda: len(model.runs) > OVERTAKEN_AT_MOST)
    for _ in range(3):
        with queue.slice_of_import():
            pass
    flooding.clear()
    for one in floods:
        one.result(PATIENCE_S)


def test_a_text_that_fails_fails_alone(queue: EmbeddingQueue, model: Model, pool: ThreadPoolExecutor) -> None:
    same_run = [f"same run {number}" for number in range(QUESTIONS_A_RUN - 1)]
    _, bad, *others = _ask_while_busy(queue, model, pool, ["bad", *same_run, "next run"])
    model.release()
    with pytest.raises(ValueError, match="bad"):
        bad.result(PATIENCE_S)
    assert [one.result(PATIENCE_S) for one in others] == [[text.upper()] for text in (*same_run, "next run")]


def test_rows_that_cannot_be_shared_out_are_an_error_and_nobody_waits(queue: EmbeddingQueue) -> None:
    def no_rows(_: list[str]) -> list[str]:
        return None  # type: ignore[return-value]

    for _ in range(2):
        with pytest.raises(TypeError):
            queue.question(no_rows, ["a"])


def test_nobody_waits_behind_a_thread_that_was_stopped(
    queue: EmbeddingQueue, model: Model, pool: ThreadPoolExecutor
) -> None:
    class Stopped(BaseException):
        pass

    stopping: list[int | None] = []

    def ask_until_stopped() -> None:
        stopping.append(threading.get_ident())
        queue.question(model.compute, ["stopped"])

    _ask_while_busy(queue, model, pool, [])
    stopped = pool.submit(ask_until_stopped)
    _until(lambda: len(queue._waiting) == 1)
    behind = pool.submit(queue.question, lambda texts: texts, ["behind"])
    _until(lambda: len(queue._waiting) == 2)
    raised = ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(stopping[0] or 0), ctypes.py_object(Stopped))
    assert raised == 1
    model.release()
    assert behind.result(PATIENCE_S) == ["behind"]
    with pytest.raises(Stopped):
        stopped.result(PATIENCE_S)


def test_an_import_that_fails_gives_the_model_back(queue: EmbeddingQueue, model: Model) -> None:
    with pytest.raises(ValueError, match="bad"), queue.slice_of_import():
        model.compute(["bad"])
    assert queue.question(model.compute, ["a"]) == ["A"]
