"""The fake server as a program, and what importing our side costs."""

import subprocess
import sys
from pathlib import Path

from bot.llm.model import Role
from tests.llm.conftest import MakeModel, soon


def test_it_prints_its_url_answers_and_ends_on_request(make_model: MakeModel, repository: Path) -> None:
    command = [sys.executable, "-m", "tests.fakes.llm_server", "--delay-ms", "5"]
    with subprocess.Popen(command, cwd=repository, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        messages = [{"role": "user", "content": '<source n="1" title="t">\n孕妇禁用。避光保存。\n</source>'}]
        answer = make_model(base_url=url).complete(Role.LARGE, messages, bot="imaging", deadline=soon())
        program.terminate()
        assert program.wait(timeout=10) == 0
    assert answer.text == "孕妇禁用[1]。"


def test_the_client_library_is_imported_only_where_a_model_is_made(repository: Path) -> None:
    program = "import sys, bot.llm.model, bot.answering.grounded; print('openai' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
