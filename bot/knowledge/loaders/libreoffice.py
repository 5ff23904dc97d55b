"""Files of old kinds (.doc, .ppt, .rtf, .odt …) to new ones by LibreOffice, where it is installed."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from bot.errors import KnowledgeError
from bot.knowledge.loaders.kinds import Kind

PROGRAMS = ("soffice", "libreoffice")
SECONDS = 120
_SLIDES = (".ppt", ".odp")
_LIMITS = 'ulimit -v 6291456 -t 180 -f 1048576 -c 0; exec "$@"'
"""Address space in KiB, seconds of processor time and the size of a file in blocks, given up before it starts."""


def converted(path: Path, folder: Path) -> tuple[Path, Kind]:
    """The file as .docx or .pptx in ``folder``, and which. Raises :class:`~bot.errors.KnowledgeError`."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    suffix = path.suffix.lower()
    kind, wanted = (Kind.SLIDES, "pptx") if suffix in _SLIDES else (Kind.WORD, "docx")
    if program is None:
        raise KnowledgeError(f"{suffix} is read where LibreOffice is installed: install it, or save it as .{wanted}")
    given = folder / f"given{suffix}"  # its own name may be anything
    shutil.copyfile(path, given)
    command = [program, "--headless", "--norestore", f"-env:UserInstallation=file://{folder}/profile"]
    command += ["--convert-to", wanted, "--outdir", str(folder), str(given)]
    with subprocess.Popen(
        ["/bin/sh", "-c", _LIMITS, "sh", *command],
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise KnowledgeError(f"LibreOffice took longer than {SECONDS} s: save it as .{wanted}") from error
    made = folder / f"given.{wanted}"
    if not made.is_file():
        raise KnowledgeError(f"LibreOffice could not read it: it is damaged, or save it as .{wanted}")
    return made, kind
