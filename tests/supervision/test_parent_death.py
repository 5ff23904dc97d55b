"""A process that was started to end with its parent does so, however the parent ends."""

import subprocess
import sys
import time

from bot.supervision import parent_death
from bot.supervision.run_file import alive

PARENT = """
import subprocess, sys
child = [sys.executable, sys.argv[1], "sh", "-c", "echo $$; exec sleep 60"]
subprocess.Popen(child).wait()
"""


def test_a_command_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, parent_death.__file__], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.kill()
    give_up_at = time.monotonic() + 10
    while alive(child):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
