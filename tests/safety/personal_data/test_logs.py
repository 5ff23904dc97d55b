"""Personal data in log lines."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.safety.personal_data.logs import masking


def logged(**fields: Any) -> tuple[dict[str, Any], Counter[str]]:
    counted: Counter[str] = Counter()
    event = masking(lambda kind, n: counted.update({kind: n}))(None, "info", {"event": "happened", **fields})
    return dict(event), counted


def test_values_are_masked_and_counted() -> None:
    event, counted = logged(error="send to 13800138000 (zhang@example.cn) failed: 13900139000 is blocked")
    assert event["error"] == "send to [phone] ([email]) failed: [phone] is blocked"
    assert counted == {"phone": 2, "email": 1}


def test_a_value_inside_a_list_or_a_mapping_is_masked() -> None:
    event, _ = logged(problems=["field mobile: 13800138000"], body={"id": "11010519491231002X"})
    assert "13800138000" not in str(event)
    assert "11010519491231002X" not in str(event)


@pytest.mark.parametrize("field", ["conversation", "message_id", "turn", "timestamp", "key"])
def test_what_an_operator_follows_a_message_by_stays(field: str) -> None:
    event, counted = logged(**{field: "imaging/app/13800138000"})
    assert event[field] == "imaging/app/13800138000"
    assert not counted


def test_what_holds_nothing_personal_stays_the_same_object() -> None:
    fields = {"parts": 2, "waited_ms": 840, "error": "timeout after 10 s", "missing": ["redis", "index"], "flag": None}
    event, counted = logged(**fields)
    assert event == {"event": "happened", **fields}
    assert not counted


def test_the_product_masks_its_log_lines_and_counts(tmp_path: Path, repository: Path) -> None:
    program = (
        "import structlog; from bot import telemetry; telemetry.configure_logging('INFO');"
        "log = structlog.get_logger();"
        "import io, sys; kept, sys.stderr = sys.stderr, io.StringIO(); log.info('aside');"
        "sys.stderr.close(); sys.stderr = kept;"
        "log.info('refused', error='13800138000 is unknown');"
        "\ntry:\n    raise ValueError('no such card: 6222020000000001230')\n"
        "except ValueError:\n    log.exception('failed')\n"
        "print(telemetry.metrics_page(__import__('pathlib').Path(__import__('os').environ['PROMETHEUS_MULTIPROC_DIR'])).decode())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=repository,
        env={"PATH": "", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    refused, failed = map(json.loads, ran.stderr.splitlines())
    assert refused["error"] == "[phone] is unknown"
    assert "6222020000000001230" not in failed["exception"]
    assert 'bot_log_values_masked_total{type="phone"} 1.0' in ran.stdout.splitlines()
