"""Words of people and the links they hold: any command is answered, any link opened or refused, any text cut."""

import base64
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.commands.wording import is_command
from bot.knowledge.entries import Audience
from bot.links import BadLink, SourceLinks, SourceToken
from bot.splitting import split_text
from bot.texts import language_of
from channels.wecom_aibot.mentions import without_robot
from tests.handoff.conftest import office, open_office
from tests.handoff.office import Office, make_message
from tests.hard_inputs.bodies import ODD_TEXTS
from tests.hard_inputs.growth import grows_too_fast

__all__ = ["office", "open_office"]

quick = settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PEOPLE = ("dr.wang", "li.na", "zhang.wei")
_names = st.sampled_from(["help", "human", "reply", "takeover", "release", "echo", "ＥＣＨＯ", "", "x", "é" * 50])
_rests = st.text(max_size=12) | st.sampled_from(
    [*ODD_TEXTS, "1", "#1 好", "＃１", "٣", "²", "9" * 5_000, "999999999 x", "-1", "1.5", "0x1", "1" + "\u3000" * 500]
)
PIECES = (
    "@a ",
    "@",
    "@小影 ",
    "/",
    " ",
    "\u2005",
    "一",
    "a",
    "a ",
    "。",
    "ﷺ",
    "e\u0301",
    "👩\u200d",
    "\n\n",
    "转人工",
    "1",
)


@quick
@given(person=st.sampled_from(PEOPLE), name=_names, rest=_rests, slash=st.sampled_from(["/", "／", " / "]))
def test_any_command_is_answered(office: Office, person: str, name: str, rest: str, slash: str) -> None:
    outcome = office.hear(person, f"{slash}{name} {rest}")
    assert outcome.text.strip() or rest
    outcome.text.encode(errors="surrogatepass")


@pytest.mark.parametrize("text", ODD_TEXTS, ids=lambda text: ascii(text)[:20])
def test_odd_texts_are_judged_and_cut_without_loss(text: str) -> None:
    assert is_command(make_message("dr.wang", text)) == text.lstrip().startswith("/")
    assert language_of(text, "zh") in {"zh", "en"}
    pieces = split_text(text, 2048)
    assert all(len(piece.encode()) <= 2048 for piece in pieces)
    bare = [piece.split("\n", 1)[1] for piece in pieces] if len(pieces) > 1 else pieces
    assert "".join("".join(bare).split()) == "".join(text.split())


def test_what_is_joined_without_end_is_torn_and_not_said_piece_by_piece() -> None:
    for joined in ("👩\u200d" * 4_000, "e" + "\u0301" * 10_000):
        pieces = split_text(joined, 2048)
        assert len(pieces) <= len(joined.encode()) // 1_900 + 1


@quick
@given(text=st.text(max_size=60), names=st.lists(st.text(max_size=5), max_size=2))
def test_a_mention_is_taken_out_of_any_text(text: str, names: list[str]) -> None:
    rest = without_robot(text, names)
    assert set(rest) <= set(text)
    without_robot(f"@{text} {text}", names)


@pytest.mark.parametrize(
    "function",
    [
        lambda text: is_command(make_message("dr.wang", text)),
        lambda text: language_of(text, "zh"),
        lambda text: split_text(text, 2048),
        lambda text: without_robot(text, ("小影", "小")),
    ],
    ids=["command", "language", "pieces", "mentions"],
)
def test_work_grows_with_the_text(function: Callable[[str], object]) -> None:
    assert [piece for piece in PIECES if grows_too_fast(function, piece, 20_000)] == []


LINKS = SourceLinks(b"a secret of this test, long enough", "https://bot.example", 3600)
URL = LINKS.url_for("6f0d7c3e-9a55-5d0b-8a2e-3c1f6f4f2b71", Audience.PUBLIC, "academy", 1_800_000_000.0)
TOKEN = URL.removeprefix("https://bot.example/source/").removesuffix("#cited")


@quick
@given(
    token=st.text(max_size=70)
    | st.binary(min_size=45, max_size=45).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
)
def test_nobody_makes_up_a_link(token: str) -> None:
    with pytest.raises(BadLink):
        LINKS.open(token, 1_800_000_000.0)


@quick
@given(at=st.integers(0, len(TOKEN) - 1), character=st.characters(codec="utf-8"))
def test_no_character_of_a_link_can_be_another(at: int, character: str) -> None:
    token = TOKEN[:at] + character + TOKEN[at + 1 :]
    if token != TOKEN:
        with pytest.raises(BadLink):
            LINKS.open(token, 1_800_000_000.0)


@pytest.mark.parametrize(
    "now", [-1e308, -1.0, 0.0, 1_800_003_599.9, 1_800_003_600.0, 1e308, float("inf"), float("-inf")]
)
def test_a_link_opens_until_its_second_whatever_the_clock_says(now: float) -> None:
    if now < 1_800_003_600:
        assert isinstance(LINKS.open(TOKEN, now), SourceToken)
    else:
        with pytest.raises(BadLink), suppress(OverflowError):
            LINKS.open(TOKEN, now)
