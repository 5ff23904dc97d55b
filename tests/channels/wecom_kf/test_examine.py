"""What the doctor says of an account."""

import pytest

from bot.finding import State
from tests.channels.wecom_kf.conftest import Practice
from tests.simulator.kf_desk import KF


def states(practice: Practice, **changes: object) -> dict[str, State]:
    findings = practice.build(**changes).examine(practice.clock() + 5)
    return {finding.name: finding.state for finding in findings}


def test_an_account_of_ours_is_well(practice: Practice) -> None:
    assert states(practice) == {"token": State.OK, "account": State.OK}


def test_a_wrong_secret_is_found(practice: Practice) -> None:
    (finding,) = practice.build(secret="wrong").examine(practice.clock() + 5)
    assert (finding.name, finding.state) == ("token", State.BROKEN)
    assert "wrong" not in finding.detail


def test_an_account_of_somebody_else_is_found(practice: Practice) -> None:
    assert states(practice, open_kfid="wkNobodys")["account"] is State.BROKEN


def test_an_account_that_the_api_may_not_serve_is_found(practice: Practice) -> None:
    practice.desk.call("POST", "/_sim/kf/manage", open_kfid=KF, on=False)
    assert states(practice)["account"] is State.BROKEN


@pytest.mark.parametrize("errcode", [48002, 60020, 95017])
def test_what_the_platform_refuses_has_a_cure(practice: Practice, errcode: int) -> None:
    practice.desk.fault(on="kf/account/list", kind="errcode", errcode=errcode)
    (finding,) = practice.channel.examine(practice.clock() + 5)
    assert (finding.name, finding.state) == ("account", State.BROKEN)
    assert "WECOM_API_BASE" not in finding.cure
