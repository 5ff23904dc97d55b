"""A Git repository as a folder: its newest state, by the ``git`` of this machine."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from bot.errors import KnowledgeError

SECONDS = 600
_ADDRESS = re.compile(r"(?:https://|ssh://|git@[\w.-]+:)\S+")


def is_repository(address: str) -> bool:
    """Whether ``address`` is meant to be a repository: a URL, or the folder of a bare one, that ends in ``.git``."""
    return address.endswith(".git") and (bool(_ADDRESS.fullmatch(address)) or Path(address).is_dir())


def clone(address: str, folder: Path) -> Path:
    """The newest state of the repository, in a folder of its name below ``folder``.

    Nothing of it is run, links in it become files, and no password is asked for. Raises
    :class:`~bot.errors.KnowledgeError` with what to do.
    """
    program = shutil.which("git")
    if program is None:
        raise KnowledgeError("git is not installed on this machine: install it, or copy the folder")
    name = re.sub(r"[^\w.-]", "_", address.rstrip("/").removesuffix(".git").rpartition("/")[2]) or "repository"
    target = folder / name
    options = ("core.symlinks=false", "core.hooksPath=/dev/null", "protocol.ext.allow=never", "core.fsmonitor=false")
    command = [program, *(word for option in options for word in ("-c", option)), "clone", "--quiet", "--depth=1"]
    local = not _ADDRESS.fullmatch(address)
    where = f"file://{Path(address).resolve()}" if local else address
    with subprocess.Popen(
        [*command, "--no-tags", "--single-branch", "--", where, str(target)],
        env={
            "PATH": os.defpath,
            "HOME": str(Path.home()),
            "LANG": "C.UTF-8",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LFS_SKIP_SMUDGE": "1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            _, complaint = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            raise KnowledgeError(f"git took longer than {SECONDS} s: clone it yourself and give the folder") from error
        finally:  # also when somebody interrupts us: it has a session of its own and would go on
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        said = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise KnowledgeError(f"git could not clone it ({_without_password(said)[:200]})")
    shutil.rmtree(target / ".git")
    return target


def _without_password(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//…@", text)
