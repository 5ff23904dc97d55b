"""The register takes a roster as a whole, tells what changed, and keeps tenants apart."""

import json

import pytest

from bot.errors import InputError
from bot.identity.roster import read_roster
from tests.identity.conftest import BY, DAY_S, LI, NOW, PLACES, SHANGHAI, WANG, Office

HEAD = "record,licence,hospital,valid_until,account,channel\n"
TWO = HEAD + "1,L1,示例医院,2027-12-31,wmWANG,imaging/kf\n2,L2,示例医院,2027-12-31,,\n"


def test_a_roster_adds_changes_and_leaves_what_it_does_not_name(office: Office) -> None:
    assert office.load(TWO).counts() == {
        "added": 2,
        "changed": 0,
        "unchanged": 0,
        "removed": 0,
        "bound": 1,
        "unbound": 0,
    }
    again = office.load(TWO, now=NOW + DAY_S)
    assert again.counts() == {"added": 0, "changed": 0, "unchanged": 2, "removed": 0, "bound": 0, "unbound": 0}
    changed = office.load(HEAD + "2,L2,另一医院,2027-12-31,,\n3,,,2027-12-31,,\n")
    assert changed.counts() == {"added": 1, "changed": 1, "unchanged": 0, "removed": 0, "bound": 0, "unbound": 0}
    found = {
        one.professional.record: (one.professional.hospital, one.bound) for one in office.register.newest("academy", 9)
    }
    assert found == {"1": ("示例医院", 1), "2": ("另一医院", 0), "3": ("", 0)}


def test_with_replace_whoever_is_not_named_goes_with_their_binding(office: Office) -> None:
    office.load(TWO)
    assert office.load(HEAD + "2,L1,示例医院,2027-12-31,,\n", replace_all=True).removed == 1, (
        "its licence is free again"
    )
    assert office.record_of(WANG) is None
    assert [one.professional.record for one in office.register.newest("academy", 9)] == ["2"]


def test_a_dry_run_counts_and_changes_nothing(office: Office) -> None:
    office.load(TWO)
    before = office.entries()
    tried = office.load(HEAD + "3,,,2027-12-31,wmLI,imaging/kf\n", replace_all=True, dry_run=True)
    assert tried.counts() == {"added": 1, "changed": 0, "unchanged": 0, "removed": 2, "bound": 1, "unbound": 1}
    assert [one.professional.record for one in office.register.newest("academy", 9)] == ["1", "2"]
    assert (office.record_of(WANG), office.record_of(LI)) == ("1", None)
    assert office.entries() == before


def test_two_rows_may_change_places(office: Office) -> None:
    rows = "1,,,2027-12-31,{0},imaging/kf\n2,,,2027-12-31,{1},imaging/kf\n"
    office.load(HEAD + rows.format("wmWANG", "wmLI"))
    assert office.load(HEAD + rows.format("wmLI", "wmWANG")).bound == 2
    assert (office.record_of(WANG), office.record_of(LI)) == ("2", "1")


def test_a_licence_of_another_record_is_refused_and_nothing_is_kept(office: Office) -> None:
    office.load(TWO)
    with pytest.raises(InputError) as refused:
        office.load(HEAD + "9,,,2027-12-31,,\n3,l1,,2027-12-31,,\n")
    assert (refused.value.text_key, refused.value.values) == ("hcp_licence_taken", {"record": "3", "other": "1"})
    assert [one.professional.record for one in office.register.newest("academy", 9)] == ["1", "2"]


def test_a_number_that_goes_to_another_person_takes_no_binding_and_no_code_along(office: Office) -> None:
    office.load(TWO)
    code = office.bindings.issue("academy", "2", BY, NOW)
    swapped = HEAD + "1,L2,示例医院,2027-12-31,,\n2,L1,示例医院,2027-12-31,,\n"
    assert office.load(swapped).counts() == {
        "added": 0,
        "changed": 2,
        "unchanged": 0,
        "removed": 0,
        "bound": 0,
        "unbound": 1,
    }
    assert office.record_of(WANG) is None, "the holder of licence L1 is bound to what is L2's now"
    with pytest.raises(InputError, match="hcp_code_wrong"):
        office.bindings.redeem("academy", LI, code, NOW)
    bound_anew = office.load(HEAD + "1,L3,示例医院,2027-12-31,wmWANG,imaging/kf\n")
    assert (bound_anew.bound, office.record_of(WANG)) == (1, "1"), "what the roster itself says of an account counts"
    office.load(HEAD + "1,,别家医院,2027-12-31,,\n")
    office.load(HEAD + "1,L3,别家医院,2027-12-31,,\n")
    assert office.record_of(WANG) == "1", "a roster without licences tells of no change of person"


def test_a_long_name_of_a_file_is_no_obstacle(office: Office) -> None:
    rows = read_roster(TWO, timezone=SHANGHAI, places=PLACES).rows
    office.register.load("academy", rows, source="名" * 200 + ".csv", by=BY, now=NOW)
    assert {len(one.professional.source) for one in office.register.newest("academy", 9)} == {128}


def test_tenants_have_registers_of_their_own(office: Office) -> None:
    office.load(TWO)
    office.load(HEAD + "1,L1,别家医院,2027-12-31,,\n", tenant="rival", replace_all=True)
    assert office.record_of(WANG) == "1"
    assert office.record_of(WANG, tenant="rival") is None
    (theirs,) = office.register.newest("rival", 9)
    (ours, _) = office.register.newest("academy", 9)
    assert theirs.professional.hospital == "别家医院"
    assert theirs.professional.licence != ours.professional.licence, "a digest tells nothing across tenants"
    office.register.remove("rival", "1", BY)
    assert office.record_of(WANG) == "1"


def test_a_removed_record_takes_bindings_and_codes_with_it(office: Office) -> None:
    office.load(TWO)
    code = office.bindings.issue("academy", "1", BY, NOW)
    assert office.register.remove("academy", "1", BY) == 1
    assert office.record_of(WANG) is None
    office.load(TWO)
    with pytest.raises(InputError, match="hcp_code_wrong"):
        office.bindings.redeem("academy", LI, code, NOW)
    with pytest.raises(InputError, match="hcp_no_record"):
        office.register.remove("academy", "7", BY)


def test_no_licence_and_no_id_stands_in_the_database_or_the_audit_log(office: Office) -> None:
    office.load(HEAD + "H-4711,LIC-0815,示例医院,2027-12-31,wmWANG,imaging/kf\n")
    office.register.get("academy", "H-4711", BY)
    office.bindings.unbind("academy", WANG, BY)
    (kept,) = office.register.newest("academy", 9)
    assert len(kept.professional.licence) == 32
    assert "0815" not in str(kept)
    log = "\n".join(entry.to_line() for entry in office.entries())
    assert [entry.action for entry in office.entries()] == ["identity", "read", "identity"]
    assert json.loads(office.entries()[0].details)["added"] == 1
    assert all(word not in log for word in ("4711", "0815", "wmWANG", "wmwang"))
