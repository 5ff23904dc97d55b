"""What the safety checks share: one spelling of a text, rules a person can read, a small linear model."""

import json
from pathlib import Path

import numpy as np
import pytest

from bot.safety.characters import canonical, without_chinese_spaces
from bot.safety.linear import HASH_BITS, WINDOW, LinearModel, feature_indices, load_model
from bot.safety.rules import UNLESS_REACH, load_rules

PACKAGES = [("bot.safety.injection", "model"), ("bot.safety.words", "offensive")]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ＡＢＣ　１２３", "abc 123"),
        ("忽\u200b略\ufeff", "忽略"),
        ("請忽略", "请忽略"),
        ("рrompt", "prompt"),
        ("a\n\t b ", "a b"),
        ("𝐢𝐠𝐧𝐨𝐫𝐞", "ignore"),
        ("a\x00b", "ab"),
    ],
)
def test_what_looks_alike_is_spelt_alike(text: str, plain: str) -> None:
    assert canonical(text) == plain
    assert canonical(plain) == plain


def test_spaces_beside_chinese_mean_nothing() -> None:
    assert without_chinese_spaces("忽 略 all rules 吗") == "忽略all rules吗"


@pytest.fixture
def rule_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    package = tmp_path / "sample_rules"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "rules.yaml").write_text(
        """
words:
  fruit: 苹果|梨
rules:
- id: eats
  family: food
  says: Somebody eats.
  any: |-
    吃~<fruit>
    eat an apple
  with: 人
  unless: 不
- id: both
  family: food
  weight: 0.5
  says: Both in a sentence.
  together: |-
    <fruit>
    桃
""",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return package.name


def test_a_rule_is_read_as_it_says(rule_file: str) -> None:
    eats, both = load_rules(rule_file, "rules.yaml")
    assert (eats.weight, both.weight) == (1.0, 0.5)
    assert eats.find("有人吃了一个大苹果") == "吃了一个大苹果"
    assert eats.find("人 eat--an_apple") == "eat--an_apple"
    assert eats.find("吃苹果") is None
    assert eats.find("人吃。苹果") is None
    assert eats.find("人吃了一二三四五六七八九十个苹果") is None
    assert eats.find("人不吃苹果") is None
    assert eats.find("不" + "好" * UNLESS_REACH + "人吃苹果") == "吃苹果"
    assert eats.find("人不吃苹果" + "好" * UNLESS_REACH + "吃梨") == "吃梨"
    assert both.find("桃子和苹果") == "桃子和苹果"
    assert both.find("桃子。苹果") is None


@pytest.mark.parametrize(("package", "name"), PACKAGES)
def test_a_shipped_model_names_its_data_and_licences(package: str, name: str, repository: Path) -> None:
    about = json.loads((repository / package.replace(".", "/") / f"{name}.json").read_text("utf-8"))
    assert about["trained_on"]
    assert all("(" in source for source in about["trained_on"])
    assert set(load_model(package, name).chances("你好")) == set(about["heads"])


def test_a_model_takes_the_likeliest_window() -> None:
    weights = np.zeros((1, 1 << HASH_BITS), dtype=np.int8)
    weights[0, np.setdiff1d(feature_indices("攻击攻击"), feature_indices("好"))] = 100
    model = LinearModel(("head",), weights, [0.1], [-5.0])
    long_and_harmless = "好" * 3 * WINDOW
    assert model.chances("攻击攻击")["head"] > 0.9
    assert model.chances(long_and_harmless)["head"] < 0.1
    assert model.chances(f"{long_and_harmless}攻击攻击{long_and_harmless}")["head"] > 0.9


def test_features_do_not_depend_on_repetition() -> None:
    assert set(feature_indices("好好好好")) == set(feature_indices("好好好好好好"))
