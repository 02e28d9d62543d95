"""No card digit leaves the secure zone: known cards keyed in every way through the deployed product, then everything searched for them.

One run serves all tests here; each judges one kind of evidence. docs/proof.md says what is searched, how, and what is not.
"""

import re
from typing import Final

import pytest

from tests.boundary.canary.cards import AMEX, MASTERCARD, VISA
from tests.boundary.canary.crashes import EXPECTED_IN_LOG
from tests.boundary.canary.evidence import Evidence, Kind, told
from tests.boundary.canary.run import AFTER, ALL_LINES, MEANWHILE, canary_run

STRAY: Final = "stray"
SILENT: Final = {STRAY, "misuse"}
"""On these lines no key is pressed in a capture, so there is nothing to beep for."""
EXPECTED: Final = {
    Kind.LOG: (
        "tonevault.cde.edge.sip_driver",
        "secure_zone_up",
        "capture over",
        "zone died",
        "state=unknown",
    ),
    Kind.FILE: (
        "desk/desk.db",
        "desk/desk.db-wal",
        "secure/secure.db",
        "secure/secure.db-wal",
        "secure/simulator.db",
        "dump of desk/desk.db",
    ),
    Kind.ANSWER: (
        f"**** **** **** {VISA.number[-4:]}",
        "text/event-stream",
        "session.updated",
        AMEX.number[:6],
    ),
    Kind.REQUEST: ("POST /v1/sessions", "Idempotency-Key"),
    Kind.ZONE: (f"**** **** **** {MASTERCARD.number[-4:]}", "/captures", "/notices", "interrupted"),
    Kind.SIP: ("INVITE sip:", "SIP/2.0 200"),
    Kind.MEDIA: (),
    Kind.BROWSER: (f"**** **** **** {VISA.number[-4:]}", "eventSourceMessageReceived", "card_data_refused"),
    Kind.RECORDING: ("RIFF",),
    Kind.COMMAND: ("FOUND", '"key_count"', "audit log", "webhooks"),
}
"""What each kind must show, or it was not gathered: an empty search finds nothing."""
LEAST_BYTES: Final = {Kind.COMMAND: 2_000}
OTHERWISE: Final = 100_000


pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return canary_run(tmp_path_factory.mktemp("canaries"))


@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name.lower())
def test_nothing_of_a_card(evidence: Evidence, kind: Kind) -> None:
    findings = [*evidence.findings(kind), *evidence.codes(kind)]
    assert findings == [], f"{kind.title}: {told(findings)}"


@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name.lower())
def test_the_evidence_is_there(evidence: Evidence, kind: Kind) -> None:
    assert evidence.size(kind) > LEAST_BYTES.get(kind, OTHERWISE)
    whole = b"\n".join(one.where.encode() + b"\n" + one.content for one in evidence.pieces[kind])
    assert [words for words in EXPECTED[kind] if words.encode() not in whole] == []


def test_no_agent_is_sent_a_key(evidence: Evidence) -> None:
    """From the first packet of a call to the last, on the wire: no telephone-event, and not 5 ms of a key's tones."""
    assert {one.leg.name for one in evidence.heard} == ALL_LINES
    sealed = [one for one in evidence.heard if one.leg.name != STRAY]
    assert {one.leg.name: one.events for one in sealed if one.events} == {}
    assert {one.leg.name: one.audible_keys for one in sealed if one.audible_keys} == {}
    assert {one.leg.name for one in evidence.heard if one.beeps == 0} == SILENT, (
        "the judge heard each capture"
    )
    assert {line: count for line, count in evidence.infos_to_agents.items() if count and line != STRAY} == {}


def test_no_recording_holds_a_key(evidence: Evidence) -> None:
    """Neither the agent's phone nor the product has recorded one, on either channel, but where no field waited."""
    found = dict(evidence.keys_in_recordings)
    assert len(found) > len(ALL_LINES)
    assert found.pop(STRAY) >= 16, "the judge hears keys where there are keys"
    assert {where: keys for where, keys in found.items() if keys} == {}


def test_the_commands_say_what_they_found_and_repeat_none_of_it(evidence: Evidence) -> None:
    """`tonevault tones` finds the number that was keyed in the open, and nothing on a masked call; the audit logs hold."""
    ends = {
        " ".join(words[:2]) if words[0] == "doctor" else words[0:2]: end
        for words, end in evidence.exits.items()
    }
    assert ends["doctor --audit"] == 0
    assert [end for words, end in evidence.exits.items() if words[0] == "tones"] == [1, 0]


def test_where_no_field_waits_the_call_is_as_always(evidence: Evidence) -> None:
    """The judge of the agents' legs hears keys where there are keys: those that were pressed with no capture open."""
    (stray,) = (one for one in evidence.heard if one.leg.name == STRAY)
    assert (stray.events, stray.audible_keys >= 16, evidence.infos_to_agents[STRAY]) == (16, True, 16)


def test_nothing_of_a_card_in_memory(evidence: Evidence) -> None:
    """Of the desk while a card is in hand, and of every process, the secure ones too, once all sessions are over."""
    seen = {(one.process, one.moment) for one in evidence.memory}
    assert seen == {(name, AFTER) for name in ("supervisor", "desk", "secure", "relay", "recorder")} | {
        ("desk", MEANWHILE)
    }
    findings = [found for one in evidence.memory for found in one.findings]
    assert findings == [], told(findings)


def test_memory_is_closed_and_leaves_no_dump(evidence: Evidence) -> None:
    """Nobody but root reads a process, and a crash writes nothing: a relay was ended by a segmentation fault."""
    assert [one.process for one in evidence.memory if not one.is_closed] == []
    assert {re.sub(r"\s+", " ", one.core_limit).strip() for one in evidence.memory} == {
        "Max core file size 0 0 bytes"
    }
    assert evidence.core_files == []


def test_the_faults_happened(evidence: Evidence) -> None:
    """The adapter of the gateway, the vault and the desk raised exceptions, and both zones died."""
    (log,) = evidence.pieces[Kind.LOG]
    text = log.content.decode()
    assert [words for words in EXPECTED_IN_LOG if words not in text] == []
    assert len(re.findall(r"zone died; starting it again.*zone=desk", text)) == 2
    assert len(re.findall(r"zone died; starting it again.*zone=secure", text)) == 1
