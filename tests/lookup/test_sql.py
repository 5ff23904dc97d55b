"""A look-up table out of a database: asked once, read like the file it would have been."""

import csv
import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.cli.bringing import queried
from bot.errors import UsageError
from bot.knowledge.lookup_table import tables_of
from bot.lookup.deciding import Found, decide, meant
from tests.conftest import Run
from tests.lookup.conftest import entries_of
from tests.one_bot import ONE_BOT

RULES = """
CREATE TABLE rules (scan TEXT, age_from NUMERIC, age_to NUMERIC, allowed TEXT, fee NUMERIC, until DATE);
INSERT INTO rules VALUES ('星影扫描', NULL, 17, '家长陪同', 300, '2030-01-02');
INSERT INTO rules VALUES ('星影扫描', 18, NULL, '可以', 320.50, '2030-01-02');
"""
COLUMNS = "检查|扫描[选项],年龄[范围 岁],能否检查|能不能做[文本],费用|多少钱[数值 元],截止[日期]"
QUERY = """
SELECT scan, CASE WHEN age_from IS NULL THEN '≤' || age_to ELSE '≥' || age_from END, allowed, fee, until
FROM rules ORDER BY scan, age_from
"""
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def rules(tmp_path: Path) -> str:
    """The address of a database with two rules."""
    with closing(sqlite3.connect(tmp_path / "rules.sqlite")) as connection:
        connection.executescript(RULES)
    return f"sqlite:///{tmp_path}/rules.sqlite"


def test_what_a_database_holds_is_looked_up_like_a_file(rules: str) -> None:
    with queried("须知.csv", rules, QUERY, columns=COLUMNS, timezone=SHANGHAI) as (path,):
        assert path.name == "须知.csv"
        text = path.read_text(encoding="utf-8")
    assert not path.exists()
    assert list(csv.reader(text.splitlines()))[2] == ["星影扫描", "≥18", "可以", "320.5", "2030-01-02"]
    asked = meant(tables_of(entries_of(text, "须知")), "星影扫描能不能做，我二十岁")
    assert asked
    decision = decide(asked[0], asked[1].given)
    assert isinstance(decision, Found)
    assert [row.entry.location for row in decision.rows] == ["第 3 行"]


@pytest.mark.parametrize(
    ("name", "query", "columns", "problem"),
    [
        ("须知.csv", "DELETE FROM rules RETURNING scan", "", "the database refuses"),
        ("须知.csv", QUERY, "检查[选项],年龄[范围]", "--columns names 2 columns, and the query gives 5"),
        ("../须知.csv", QUERY, "", "what the table is called"),
        ("须知.sh", QUERY, "", "what the table is called"),
    ],
)
def test_what_does_not_fit_is_said(rules: str, name: str, query: str, columns: str, problem: str) -> None:
    with (
        pytest.raises(UsageError, match=problem),
        queried(name, rules, query, columns=columns, timezone=SHANGHAI),
    ):
        pass


def test_ingest_takes_it_in_as_a_draft_and_keeps_the_address_to_itself(
    rules: str, command_line: Run, tmp_path: Path
) -> None:
    (tmp_path / "bots.yaml").write_text(ONE_BOT, encoding="utf-8")
    asked = ("--query", QUERY, "--columns", COLUMNS)
    done = command_line("ingest", "须知.csv", "--sql", "${RULES}", *asked, RULES=rules)
    assert done.returncode == 0, done.stderr
    assert "须知.csv (3 entries, 3 new, 0 gone) [not approved, not searched]" in done.stdout
    assert "sqlite:" not in done.stdout + done.stderr
    half = command_line("ingest", "须知.csv", "--sql", "${RULES}", RULES=rules)
    assert (half.returncode, half.stderr) == (
        2,
        "error: say what to ask for: NAME.csv with --sql URL and --query SELECT\n",
    )
