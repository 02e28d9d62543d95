"""What a call costs a relay, beside rtpengine in the same run: CPU and delay of plain calls, CPU in capture, SRTP, memory.

    .venv/bin/python -m benchmarks.relay [--quick] [--rounds 3] [--seconds 6] [--only plain capture srtp steps]

Needs scripts/install-bench-peers. Every call is two phones that send G.711 in packets of 20 ms; one process plays them all. Relay and
phones each have a core; the relay's CPU is what the kernel charged its own processes. Both relays are measured in turns, and each round
compares the two, so that what else runs on the machine meets both; how much that was, as a share of the machine, stands in the last
column. The table shows the middle round of each, a verdict the middle ratio. In captures real voices talk and the relay looks for keys:
rtpengine with `block DTMF`, silence, a delay buffer of 60 ms and detection on.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import psutil
from benchmarks.recordings.library import MissingError, voices
from benchmarks.relays.contender import HOST, Contender
from benchmarks.relays.phones import FRAME, Measured, Phone, generate, phone, secured
from benchmarks.relays.rtpengine import Rtpengine, RtpengineError
from benchmarks.relays.stages import captured_steps, plain_steps
from benchmarks.relays.tonevault import Tonevault

from tonevault.cde.media import SrtpSuite
from tonevault.cde.wire.g711 import Law, encode

WARM_UP_S = 1.0
SECTIONS = ("plain", "capture", "srtp", "steps")
DELAY_LIMIT_MS = 10.0
COMPARED_CALLS = 300
"""From so many calls a core on, the delay must be no worse than rtpengine's either; with fewer a core has time to spare for waiting."""
STARVED = 0.01
"""A round in which more than this share of the packets was lost says that the machine was busy with something else, and does not count."""


@dataclass(frozen=True, slots=True)
class Play:
    """One measurement: how many calls, in capture or not, secured or not, for how long."""

    calls: int
    seconds: float
    payloads: Sequence[bytes]
    captured: bool = False
    suite: SrtpSuite | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one play: percent of a core for 100 calls, kB of memory a call, what the phones measured, and how many percent of the machine
    something else had."""

    cpu: float
    memory_kb: float
    phones: Measured
    others: float


async def measure(relay: Contender, play: Play) -> Cost:
    """One relay, one play."""
    relay_core, phone_core = sorted(os.sched_getaffinity(0))[:2]
    await relay.start()
    try:
        _pin(relay, relay_core)
        empty = relay.used()
        phones = await _calls(relay, play)
        if play.captured:
            await relay.mask()
        context = multiprocessing.get_context("fork")
        results: multiprocessing.Queue[Measured] = context.Queue()
        arguments = (phones, phone_core, WARM_UP_S, play.seconds, results)
        generator = context.Process(target=generate, args=arguments)
        generator.start()
        await asyncio.sleep(WARM_UP_S + 0.2)
        before, began, shared = relay.used(), time.monotonic(), _MachineShare(generator.pid)
        await asyncio.sleep(play.seconds - 0.5)
        after, ended = relay.used(), time.monotonic()
        others = shared.others(after.cpu_s - before.cpu_s)
        measured = await asyncio.to_thread(results.get)
        generator.join()
        for one in phones:
            one.end.close()
    finally:
        await relay.stop()
    busy = 100 * (after.cpu_s - before.cpu_s) / (ended - began)
    return Cost(busy * 100 / play.calls, (after.memory - empty.memory) / play.calls / 1024, measured, others)


class _MachineShare:
    """How busy the machine is with neither the relay nor the phones."""

    def __init__(self, phones_pid: int | None) -> None:
        self._phones = psutil.Process(phones_pid)
        self._before = self._now()

    def _now(self) -> tuple[float, float, float]:
        machine, phones = psutil.cpu_times(), self._phones.cpu_times()
        return sum(machine), machine.idle + machine.iowait, phones.user + phones.system

    def others(self, relay_s: float) -> float:
        """Percent since it was made, in which the relay used so many seconds."""
        whole, idle, phones = (now - then for now, then in zip(self._now(), self._before, strict=True))
        return max(0.0, 100 * (whole - idle - phones - relay_s) / whole)


def _pin(relay: Contender, core: int) -> None:
    for process in relay.processes():
        for thread in process.threads():
            os.sched_setaffinity(thread.id, {core})


async def _calls(relay: Contender, play: Play) -> list[Phone]:
    chance = Random(1)
    phones = []
    for number in range(play.calls):
        stamped = not play.captured and play.suite is None
        customer, agent = (phone(2 * number + side, play.payloads, stamped=stamped) for side in (0, 1))
        keys = secured(customer, agent, play.suite, chance) if play.suite else None
        ports = await relay.open(customer.port, agent.port, keys)
        for one, port in ((customer, ports[0]), (agent, ports[1])):
            one.target = (HOST, port)
            phones.append(one)
    return phones


def rounds(count: int, contenders: Sequence[Callable[[], Contender]], play: Play) -> list[tuple[Cost, ...]]:
    """Each contender in turn, and again. Gives back the rounds; of each contender the middle one by CPU is printed."""
    played = [tuple(asyncio.run(measure(make(), play)) for make in contenders) for _ in range(count)]
    sound = [each for each in played if all(cost.phones.lost <= STARVED for cost in each)]
    for place, make in enumerate(contenders):
        costs = sorted((each[place] for each in sound or played), key=lambda cost: cost.cpu)
        print(_row(make().name, play, costs[(len(costs) - 1) // 2]), flush=True)
    if not sound:
        print("  ✗  the machine was too busy with other work to tell", flush=True)
    return sound


def _verdict(calls: str, measure: str, good: bool, told: str) -> bool:
    print(f"  {'ok' if good else '✗ '} {calls}, {measure}: {told}", flush=True)
    return good


def _cheaper(calls: str, played: Sequence[tuple[Cost, ...]], told: str) -> bool:
    """Whether our CPU is at most rtpengine's, by the middle of the rounds' ratios."""
    ratios = [own.cpu / peer.cpu for own, peer in played]
    middle, every = statistics.median(ratios), " ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
    return _verdict(calls, "CPU", middle <= 1, f"{middle:.2f} of rtpengine's ({told}; rounds: {every})")


def _no_later(calls: int, played: Sequence[tuple[Cost, ...]]) -> bool:
    """Whether our delay is within its limit and, with enough calls, no worse than rtpengine's in most rounds."""
    own, peer = (statistics.median(each[place].phones.delay_ms(99) for each in played) for place in (0, 1))
    better = sum(each[0].phones.delay_ms(99) <= each[1].phones.delay_ms(99) for each in played)
    good = own <= DELAY_LIMIT_MS
    told = f"{own:.2f} ms (limit {DELAY_LIMIT_MS:.0f} ms"
    if calls >= COMPARED_CALLS:
        good &= 2 * better > len(played)
        told += f" and rtpengine's {peer:.2f} ms; no worse in {better} of {len(played)} rounds"
    else:
        told += f"; rtpengine's {peer:.2f} ms"
    return _verdict(f"{calls} calls", "delay p99", good, told + ")")


def _row(name: str, play: Play, cost: Cost) -> str:
    kind = "capture" if play.captured else play.suite.value if play.suite else "plain"
    heard = cost.phones
    lost = 100 * heard.lost
    delay = f"{heard.delay_ms(50):7.2f} {heard.delay_ms(99):7.2f}" if heard.delays else f"{'':15}"
    sound = f"   {heard.sound} of {heard.sampled} as said" if play.suite else ""
    memory = f"{cost.memory_kb:8.0f} kB {cost.others:7.0f} %{sound}"
    return f"{kind:20} {name:10} {play.calls:5} {cost.cpu:9.1f} % {delay} {lost:7.2f} % {memory}"


def _payloads(captured: bool) -> list[bytes]:
    """Voices in PCMU, or any octets at all."""
    if not captured:
        return [bytes(range(FRAME))]
    samples = np.asarray(voices()[: 8000 * 120], np.int16)
    octets = encode(Law.ULAW, samples)
    return [octets[at : at + FRAME] for at in range(0, len(octets), FRAME)]


def measure_plain(options: argparse.Namespace) -> bool:
    """Nothing but carried. Gives back whether the limits hold."""
    kept = True
    for calls in options.calls:
        play = Play(calls, options.seconds, _payloads(False))
        played = rounds(options.rounds, (Tonevault, Rtpengine), play)
        cheaper = bool(played) and _cheaper(f"{calls} calls", played, "limit 1")
        kept &= bool(played) and _no_later(calls, played) and cheaper
    return kept


def measure_capture(options: argparse.Namespace) -> bool:
    """Every call in capture at once."""
    play = Play(options.captures, options.seconds, _payloads(True), captured=True)
    masks = (Tonevault, lambda: Rtpengine(detects=True))
    played = rounds(options.rounds, masks, play)
    return bool(played) and _cheaper(f"{options.captures} captures", played, "limit 1, aim 0.5")


def measure_srtp(options: argparse.Namespace) -> bool:
    """Both legs secured, beside our own plain calls."""
    plain = _middle_cpu(options, None)
    for suite in (SrtpSuite.CM_SHA1_80, SrtpSuite.GCM_256):
        print(f"     {suite.value}: {_middle_cpu(options, suite) / plain:.2f} times plain", flush=True)
    return True


def _middle_cpu(options: argparse.Namespace, suite: SrtpSuite | None) -> float:
    played = rounds(options.rounds, (Tonevault,), Play(100, options.seconds, _payloads(False), suite=suite))
    return statistics.median([cost.cpu for (cost,) in played] or [float("nan")])


def measure_steps(options: argparse.Namespace) -> bool:
    """Where the time of a packet goes."""
    turns = 20 if options.quick else 100
    for gathered in (10, 30):
        print(f"a plain packet, {2 * gathered} in a turn:")
        _print_steps(plain_steps(gathered, turns))
    for calls in (1, 50):
        print(f"a captured packet, of {calls} calls (reading and writing as above):")
        _print_steps(captured_steps(calls, turns, _payloads(True)))
    return True


def _print_steps(steps: dict[str, float]) -> None:
    whole = sum(steps.values())
    for step, cost in (*steps.items(), ("together", whole)):
        print(f"  {step:58} {cost:6.1f} µs {100 * cost / whole:5.0f} %", flush=True)


def main() -> None:
    """Print the table; exit with 1 where a limit was missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--calls", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--captures", type=int, default=50)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=SECTIONS)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 3.0
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("relay: needs two cores, one for the relay and one for the phones")
    print(
        f"{'':20} {'':10} calls  CPU / 100    p50 ms  p99 ms      lost  memory a call    others", flush=True
    )
    measures = {
        "plain": measure_plain,
        "capture": measure_capture,
        "srtp": measure_srtp,
        "steps": measure_steps,
    }
    try:
        kept = [measures[section](options) for section in options.only]
    except (RtpengineError, MissingError) as fault:
        sys.exit(f"relay: {fault}")
    print("every limit kept" if all(kept) else "✗ a limit was missed")
    sys.exit(not all(kept))


if __name__ == "__main__":
    main()
