"""An orderly end: after SIGTERM calls that are up end by themselves, payments on them included; a second signal ends them at once."""

import signal
from pathlib import Path

from tests.e2e.house import House
from tests.e2e.house_calls import CARD, StagedCall
from tests.e2e.peers.baresip import CLOSED
from tests.e2e.peers.group import PeerGroup

DRAIN_S = 120
END_S = 30.0


def ask_to_end(house: House) -> None:
    """The first signal, and the word that it was heard."""
    house.process.signal(signal.SIGTERM)
    house.wait("draining", lambda: True if "no new calls are taken" in house.process.log() else None)


def test_a_call_that_is_up_is_paid_on_and_ends_by_itself(
    house: House, peers: PeerGroup, tmp_path: Path
) -> None:
    """And is recorded to its end: masked, as the ear of `tonevault tones` finds."""
    recordings = tmp_path / "recordings"
    customer, agent, late = peers.phone("customer"), peers.phone("agent"), peers.phone("late")
    recorded = f'[secure.recordings]\ncalls = "all"\ndirectory = "{recordings}"\n'
    house.start(agent.uri, more=f"[secure]\ndrain_s = {DRAIN_S}\n{recorded}")
    customer.dial(house.sip_uri())
    call_id = house.wait_call()["id"]
    ask_to_end(house)
    late.dial(house.sip_uri(), wait=False)
    assert late.wait_for(CLOSED).detail.startswith("503")
    house.start_session(call_id, 1000)
    StagedCall(house, customer, agent, call_id, 0).capture_card(customer.send_keys, CARD)
    assert house.complete()["charge"]["state"] == "succeeded"
    assert house.process.return_code is None
    customer.hangup()
    assert house.process.wait(END_S) == 0
    (recording,) = recordings.glob("*.wav")
    heard = house.command("tones", str(recording), "--json")
    assert heard.wait(END_S) == 0
    assert '"keys": []' in heard.log()


def test_a_second_signal_hangs_up_at_once(house: House, peers: PeerGroup) -> None:
    customer, agent = peers.phone("customer"), peers.phone("agent")
    house.start(agent.uri, more=f"[secure]\ndrain_s = {DRAIN_S}\n")
    customer.dial(house.sip_uri())
    house.wait_call()
    ask_to_end(house)
    house.process.signal(signal.SIGTERM)
    for phone in (customer, agent):
        phone.wait_for(CLOSED)
    assert house.process.wait(END_S) == 0
