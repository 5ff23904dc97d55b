"""Compares parsers on the same files: text kept, tables kept, noise, seconds and memory. Prints a Markdown table.

python -m benchmarks.parsers [--kind pdf] [--python INTERPRETER]

What is compared beside the product's own parsers is in benchmarks/parsers.txt: install it into an environment of its
own, with the product's requirements, and name its interpreter.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import parser_files
from benchmarks.parser_candidates import CANDIDATES
from benchmarks.parser_files import Sample

ROOT = Path(__file__).parent.parent
LIMIT_S = 300


def main() -> None:
    """Every candidate on every file of its kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=CANDIDATES, help="only this kind")
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has the libraries")
    arguments = parser.parse_args()
    print("| file | parser | text kept | rows kept | noise | CPU seconds | MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for kind, sample in parser_files.write(Path(folder)):
            if arguments.kind in (None, kind):
                for candidate in CANDIDATES[kind]:
                    path = Path(folder) / sample.name
                    print(_line(sample, candidate.__name__, arguments.python, path), flush=True)


def _line(sample: Sample, candidate: str, python: str, path: Path) -> str:
    done = subprocess.run(
        ["/usr/bin/env", "OMP_NUM_THREADS=1", python, "-m", "benchmarks.parser_candidates", candidate, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    name = candidate.partition("_")[2] or candidate
    if done.returncode:
        return f"| {sample.name} | {name} | {done.stderr.strip().rpartition(chr(10))[2][:80]} | | | | |"
    found = json.loads(done.stdout.splitlines()[-1])
    lines = [_bare(line) for line in found["text"].splitlines()]
    whole = "".join(lines)
    kept = (
        _share([_bare(sentence) in whole for sentence in sample.sentences]),
        _share([_holds(lines, row) for row in sample.rows]),
        _share([_bare(words) in whole for words in sample.noise]),
    )
    return f"| {sample.name} | {name} | {' | '.join(kept)} | {found['seconds']:.2f} | {found['megabytes']:.0f} |"


def _holds(lines: Sequence[str], row: Sequence[str]) -> bool:
    """Whether one line holds the cells of ``row`` in their order and little else."""
    cells = [_bare(cell) for cell in row]
    pattern = re.compile(".{0,3}".join(map(re.escape, cells)))
    return any(pattern.search(line) for line in lines)


def _bare(text: str) -> str:
    return "".join(text.split())


def _share(hits: Sequence[bool]) -> str:
    return f"{sum(hits) / len(hits):.2f}" if hits else "–"


if __name__ == "__main__":
    main()
