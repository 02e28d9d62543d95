"""The proof of the proof: with a leak planted in the product, the canary search finds it; where none is planted, it finds nothing."""

from collections.abc import Iterator

import pytest

from tests.boundary.canary.agent_leg import Heard
from tests.boundary.canary.cards import Canary
from tests.boundary.canary.evidence import Evidence, Kind
from tests.boundary.canary.money_plays import CHECKED
from tests.boundary.canary.planted_run import CARRIERS, CLEAN, PLANTED, QUIET, planted_run
from tests.boundary.canary.plants import Plant, launcher_path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    folder = tmp_path_factory.mktemp("planted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", launcher_path(folder / "flags"))
        yield planted_run(folder)


def places(evidence: Evidence, canary: Canary) -> dict[Kind, set[str]]:
    """In which kinds a card's number was found, and in which encodings."""
    found = {kind: {one.encoding for one in evidence.findings(kind, (canary,))} for kind in Kind}
    return {kind: encodings for kind, encodings in found.items() if encodings}


def in_memory(evidence: Evidence, canary: Canary) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for report in evidence.memory:
        for one in report.findings:
            if one.canary == canary.name:
                found.setdefault(report.process, set()).add(one.encoding)
    return found


def heard(evidence: Evidence, line: str) -> Heard:
    (one,) = (each for each in evidence.heard if each.leg.name == line)
    return one


def test_nothing_is_found_of_a_card_without_a_leak(evidence: Evidence) -> None:
    assert places(evidence, CLEAN) == {}
    assert in_memory(evidence, CLEAN) == {}
    assert [kind for kind in Kind if evidence.codes(kind, (CLEAN,))] == []
    quiet = heard(evidence, QUIET)
    assert (quiet.events, quiet.audible_keys) == (0, 0)
    assert quiet.beeps > 100
    assert evidence.infos_to_agents[QUIET] == 0
    assert evidence.keys_in_recordings[QUIET] == 0


def test_a_number_in_the_log(evidence: Evidence) -> None:
    assert places(evidence, PLANTED[Plant.LOG]) == {Kind.LOG: {"base64"}}


def test_a_security_code_in_the_log(evidence: Evidence) -> None:
    canary = PLANTED[Plant.CODE]
    assert [kind for kind in Kind if evidence.codes(kind, (canary,))] == [Kind.LOG]


def test_events_that_are_not_masked(evidence: Evidence) -> None:
    assert heard(evidence, Plant.EVENTS).events == 8


def test_tones_that_are_not_masked(evidence: Evidence) -> None:
    assert heard(evidence, Plant.TONES).audible_keys >= 8
    assert evidence.keys_in_recordings[Plant.TONES] >= 8, "nor in the product's own recording"


def test_info_that_passes(evidence: Evidence) -> None:
    assert evidence.infos_to_agents[Plant.INFO] == 8
    assert {line: count for line, count in evidence.infos_to_agents.items() if line != Plant.INFO} == {
        QUIET: 0,
        Plant.EVENTS: 0,
        Plant.TONES: 0,
        CHECKED: 0,
    }


def test_a_part_of_a_number_that_crosses_to_the_desk(evidence: Evidence) -> None:
    """The types of the narrow interface refuse whole numbers; eleven digits in a reference pass them, and the search finds those."""
    found = places(evidence, PLANTED[Plant.REFERENCE])
    assert set(found) == {Kind.ZONE, Kind.FILE, Kind.ANSWER}
    files = {one.where for one in evidence.findings(Kind.FILE, (PLANTED[Plant.REFERENCE],))}
    assert {"dump of desk/desk.db", "dump of secure/secure.db", "file desk/desk.db"} <= files


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (Plant.SCHEDULE, {Kind.ZONE, Kind.FILE, Kind.ANSWER}),
        (Plant.VERIFICATION, {Kind.ZONE, Kind.FILE, Kind.ANSWER}),
        (Plant.CAPTURE, {Kind.ZONE, Kind.FILE, Kind.ANSWER}),
        (Plant.VOID, {Kind.ZONE, Kind.FILE, Kind.ANSWER}),
        (Plant.REFUND, {Kind.ZONE, Kind.FILE, Kind.ANSWER}),
        (Plant.RECONCILIATION, {Kind.ZONE, Kind.FILE, Kind.ANSWER}),
    ],
)
def test_a_part_of_a_number_in_what_a_gateway_says_of_a_kept_card(
    evidence: Evidence, plant: Plant, kinds: set[Kind]
) -> None:
    assert set(places(evidence, PLANTED[plant])) == kinds


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (Plant.SPLIT, {Kind.ANSWER: {"base64"}}),
        (Plant.WEBHOOK, {Kind.LOG: {"base64"}}),
        (Plant.COMMAND, {Kind.COMMAND: {"text"}}),
    ],
)
def test_a_number_where_a_flow_tells_of_itself(
    evidence: Evidence, plant: Plant, found: dict[Kind, set[str]]
) -> None:
    """In the answer about a split, in the log of a webhook, in what `tonevault tones` prints."""
    assert places(evidence, PLANTED[plant]) == found


def test_a_number_in_base64_in_an_answer(evidence: Evidence) -> None:
    assert places(evidence, PLANTED[Plant.ANSWER]) == {Kind.ANSWER: {"base64"}}


def test_a_number_that_the_secure_process_forgets_to_destroy(evidence: Evidence) -> None:
    assert "text" in in_memory(evidence, PLANTED[Plant.SECURE_MEMORY])["secure"]


def test_a_number_as_a_list_in_the_memory_of_the_desk(evidence: Evidence) -> None:
    assert "list of Python objects" in in_memory(evidence, PLANTED[Plant.DESK_MEMORY])["desk"]


def test_an_exception_that_holds_a_card_is_not_printed(evidence: Evidence) -> None:
    """A gateway's adapter raises with the number in its message and in its variables: the log tells the kind of the fault alone."""
    assert places(evidence, PLANTED[Plant.FAULT]) == {}
    (log,) = evidence.pieces[Kind.LOG]
    assert b"a gateway adapter failed" in log.content


def test_every_plant_is_looked_for() -> None:
    assert {*PLANTED, *CARRIERS} == set(Plant)
