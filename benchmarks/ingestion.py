"""A first day's knowledge: how long it takes until 10,000 passages can be found.

python -m benchmarks.ingestion [--passages 10000]

Invented Markdown goes through ``python -m bot ingest --approve`` in a data folder of its own; no system runs beside.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
SECTIONS = 50
"""Passages a document."""
CHARACTERS = 380
_LETTERS = (
    "造影剂量检查患者设备校准记录影像报告科室值班流程审核保存温度批号登记交接培训考核预约取消发票报销门禁网络打印会议"
    "安全演练采购合同样本试剂运输冷藏清洁消毒更新备份权限申请批准通知完成开始之前之后"
)
_WORDS = [_LETTERS[at : at + 2] for at in range(0, len(_LETTERS), 2)]


def main() -> None:
    """Write the documents, ingest them, and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passages", type=int, default=10_000)
    passages = parser.parse_args().passages
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder) / "files"
        files.mkdir()
        for first in range(0, passages, SECTIONS):
            numbers = range(first, min(first + SECTIONS, passages))
            (files / f"{first}.md").write_text(_document(numbers), encoding="utf-8")
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "bot", "ingest", str(files), "--approve"],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "DATA_DIR": f"{folder}/data", "OMP_NUM_THREADS": "1", "LOG_LEVEL": "WARNING"},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds = time.perf_counter() - start
    print(f"{passages} passages in {seconds / 60:.1f} minutes, {1000 * seconds / passages:.0f} ms each")


def _document(numbers: range) -> str:
    chance = random.Random(numbers.start)
    return "\n\n".join(f"## 第{number}节\n\n{_passage(number, chance)}" for number in numbers)


def _passage(number: int, chance: random.Random) -> str:
    text = f"编号{number}："
    while len(text) < CHARACTERS:
        text += "".join(chance.choices(_WORDS, k=chance.randint(4, 9))) + chance.choice("，。；")
    return text


if __name__ == "__main__":
    main()
