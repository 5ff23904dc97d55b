"""The command line in a process of its own that begins with other people's libraries already imported.

``python -m bot`` spends a second of computing on importing them, and the tests run it some three hundred times. Here a
server that has done so, and nothing else, is forked for each run; all that is ours is imported by the child, in the
environment of the run. That a command starts with Python's own start as well is seen by :mod:`tests.supervision`.
"""

import atexit
import io
import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

_LIBRARIES = (
    *("alembic", "alembic.command", "celery", "click", "cryptography.hazmat.primitives.ciphers", "dotenv", "httpx"),
    *("kombu", "marisa_trie", "numpy", "pydantic", "pydantic_settings", "redis", "requests", "sqlalchemy.orm"),
    *("structlog", "tqdm", "wechatpy.crypto", "xmltodict", "yaml"),
)
"""Not prometheus_client, which looks at its environment while it is imported."""


def run_forked(
    arguments: Sequence[str], folder: Path, environ: Mapping[str, str], within_s: float = 60.0
) -> "subprocess.CompletedProcess[str]":
    """What ``python -m bot`` answers to ``arguments`` in ``folder``, with nothing but ``environ`` around it.

    Raises :class:`subprocess.TimeoutExpired`.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_LIBRARIES))
    with TemporaryDirectory(prefix="forked-") as scratch:
        out, err = Path(scratch, "out"), Path(scratch, "err")
        child = context.Process(target=_run, args=(list(arguments), str(folder), dict(environ), out, err))
        child.start()
        child.join(within_s)
        if (code := child.exitcode) is None:
            child.kill()
            child.join()
            raise subprocess.TimeoutExpired(list(arguments), within_s)
        child.close()
        said, complained = (file.read_text(encoding="utf-8") for file in (out, err))
    return subprocess.CompletedProcess(list(arguments), code, said, complained)


def _run(arguments: list[str], folder: str, environ: dict[str, str], out: Path, err: Path) -> None:
    """Runs in the child: becomes ``python -m bot``, down to the numbers of its files."""
    os.environ.clear()  # noqa: TID251 - the child's own
    os.environ.update(environ)  # noqa: TID251
    os.chdir(folder)
    for number, file in enumerate((Path(os.devnull), out, err)):
        opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(os.fdopen(number, mode, closefd=False), encoding="utf-8", write_through=number == 2)
        for number, mode in enumerate(("rb", "wb", "wb"))
    )
    sys.argv = ["bot", *arguments]
    sys.path[:0] = [folder]
    try:
        runpy.run_module("bot", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:  # noqa: BLE001 - what Python does with it in the end
        sys.excepthook(*sys.exc_info())
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)
