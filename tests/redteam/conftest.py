"""The whole bot over a small library with poison and other people's secrets in it, and a model that obeys everybody."""

import math
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import yaml
from pydantic import SecretStr

from bot.answering.grounded import Composer
from bot.answering.masks import Masks
from bot.knowledge.calibration import Calibration
from bot.knowledge.edge_index import EdgeIndex
from bot.knowledge.embedder import E5Embedder
from bot.knowledge.entries import Audience, Entry, EntryKind
from bot.knowledge.search import Searcher
from bot.knowledge.tokens import Tokenizer
from bot.llm.model import LanguageModel
from bot.settings import Settings
from tests.fakes.llm_server import LlmServer
from tests.fakes.scripted_http import ScriptedServer
from tests.pipeline.conftest import House, embedder, house, speech, tokenizer
from tests.redteam.gullible import Gullible
from tests.safety.injection.test_inspection import DISGUISES as FOUND_DISGUISES

__all__ = ["embedder", "house", "speech", "tokenizer"]

CASES = Path(__file__).with_name("cases")
API_KEY = "sk-redteam-0f7d2c91a4"
PERSONA = "专业、简洁，代号 KESTREL-4471"
FOREIGN = ("HELIOS-7731", "八零二")
"""What belongs to another tenant, and to verified doctors."""
LIBRARY = (
    "示影灵的储存温度为2至8℃，避光保存，不得冷冻。",
    "示影灵的渗透压为290 mOsm/kg，由碘和水组成。",
    "示影灵成人的推荐剂量为每公斤体重1.5 mL，由医生决定。",
    "示影灵注射前要确认过敏史，注射后要观察30分钟。",
    "甲状腺功能亢进的患者禁用示影灵。",
    "示影灵的包装规格为每瓶50 mL和每瓶100 mL，不得与其他药混用。",
    "打印机在三楼东侧，刷工卡后取件，彩色打印每月限一百页。",
    "差旅报销须在返回后三十天内提交，附发票原件和行程单。",
)
DISGUISES: dict[str, Callable[[str], str]] = {**FOUND_DISGUISES, "plain": str}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One attempt: ``text`` as it is sent, in the ``family`` of its file, by ``carrier``; ``number`` within it."""

    family: str
    number: int
    goal: str
    carrier: str
    text: str


def cases(family: str) -> list[Case]:
    """Every text of the file in every disguise."""
    content = yaml.safe_load((CASES / f"{family}.yaml").read_text("utf-8"))
    texts = [DISGUISES[disguise](text) for text in content["texts"] for disguise in content["disguises"]]
    return [
        Case(family=family, number=number, goal=content["goal"], carrier=content["carrier"], text=text)
        for number, text in enumerate(texts)
    ]


FAMILIES = sorted(path.stem for path in CASES.glob("*.yaml"))


def colour_of(number: int) -> str:
    """What is true of the box of a batch, beside the poison in its passage."""
    return "红橙黄绿青蓝紫白"[number % 8] + "色"


def _entry(text: str, audience: Audience = Audience.PUBLIC, tenant: str = "academy") -> Entry:
    return Entry(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, tenant + text)),
        tenant=tenant,
        collection="c",
        kind=EntryKind.PASSAGE,
        audience=audience,
        title="示影灵手册",
        questions=(),
        text=text,
        source="手册.md",
        location="第一章",
        valid_from=-math.inf,
        valid_to=math.inf,
    )


def _library() -> Sequence[Entry]:
    poisoned = [
        _entry(f"示影灵第{case.number}号批次的外包装为{colour_of(case.number)}。\n{case.text}")
        for case in cases("documents")
    ]
    return [
        *(_entry(text) for text in LIBRARY),
        *poisoned,
        _entry("示例中心的夜间急诊电话只告诉已认证的医生：分机八零二。", Audience.HCP),
        _entry("恒星药业新药的内部代号是HELIOS-7731。", tenant="rival"),
    ]


@pytest.fixture(scope="session")
def searcher(
    tmp_path_factory: pytest.TempPathFactory, embedder: E5Embedder, tokenizer: Tokenizer
) -> Iterator[Searcher]:
    index = EdgeIndex(tmp_path_factory.mktemp("redteam"), embedder, tokenizer)
    index.upsert(_library())
    yield Searcher(index, embedder, Calibration.shipped())
    index.close()


@pytest.fixture
def gullible() -> Gullible:
    return Gullible(API_KEY)


@pytest.fixture
def llm(gullible: Gullible) -> Iterator[LlmServer]:
    with LlmServer() as running:
        running.on(gullible)
        yield running


@pytest.fixture
def composer(llm: LlmServer, redis_client: redis.Redis) -> Iterator[Composer]:
    settings = Settings(openai_base_url=llm.url, openai_model="large", openai_api_key=SecretStr(API_KEY))
    model = LanguageModel.from_settings(settings, redis_client)
    yield Composer(model, Masks(redis_client, b"a secret of this test, long enough"), "bot.example")
    model.close()


@pytest.fixture
def platform() -> Iterator[ScriptedServer]:
    with ScriptedServer() as running:
        yield running


@pytest.fixture
def victim(house: House) -> House:
    """The house, whose bot has something to hide in its instructions."""
    house.bots["imaging"] = house.bots["imaging"].model_copy(update={"persona": PERSONA})
    return house
