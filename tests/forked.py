"""The command line in a child that is forked and not started anew: what it imports is there already, and what it
changes in its process (environment, logging, folder) ends with it. Starting one costs 2 s of a machine at rest."""

import importlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.__main__ import main
from bot.cli import COMMANDS

_WITHIN_S = 60.0


def run_forked(
    arguments: Sequence[str], folder: Path, environ: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """What ``python -m bot`` answers to ``arguments`` in ``folder``, with nothing but ``environ`` around it."""
    importlib.import_module(COMMANDS[arguments[0]])  # once, for all children
    out, err = folder / ".stdout", folder / ".stderr"
    child = multiprocessing.get_context("fork").Process(target=_run, args=(arguments, folder, environ, out, err))
    child.start()
    child.join(_WITHIN_S)
    if child.exitcode is None:
        child.kill()
        raise subprocess.TimeoutExpired(list(arguments), _WITHIN_S)
    said, complained = (file.read_text(encoding="utf-8") for file in (out, err))
    for file in (out, err):
        file.unlink()
    return subprocess.CompletedProcess(list(arguments), child.exitcode, said, complained)


def _run(arguments: Sequence[str], folder: Path, environ: Mapping[str, str], out: Path, err: Path) -> None:
    os.environ.clear()  # noqa: TID251 - the child's own
    os.environ.update(environ)  # noqa: TID251
    os.chdir(folder)
    sys.argv = ["bot", *arguments]
    with out.open("w", encoding="utf-8") as sys.stdout, err.open("w", encoding="utf-8") as sys.stderr:
        main()
