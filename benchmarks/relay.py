"""What a call costs a relay, beside rtpengine in the same run: CPU and delay of plain calls, CPU in capture, SRTP, memory.

    .venv/bin/python -m benchmarks.relay [--quick] [--rounds 3] [--seconds 6] [--only plain capture srtp steps]

Needs scripts/install-bench-peers. Every call is two phones that send G.711 in packets of 20 ms; one process plays them all. Relay and
phones each have a core; the relay's CPU is what the kernel charged its own processes. Both relays are measured in turns, and the middle
one of the rounds counts, so that what else runs on the machine meets both. In captures real voices talk and the relay looks for keys:
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
    """Of one play: percent of a core for 100 calls, kB of memory a call, and what the phones measured."""

    cpu: float
    memory_kb: float
    phones: Measured


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
        arguments = (phones, phone_core, play.seconds + WARM_UP_S, results)
        generator = context.Process(target=generate, args=arguments)
        generator.start()
        await asyncio.sleep(WARM_UP_S + 0.2)
        before, began = relay.used(), time.monotonic()
        await asyncio.sleep(play.seconds - 0.5)
        after, ended = relay.used(), time.monotonic()
        measured = await asyncio.to_thread(results.get)
        generator.join()
        for one in phones:
            one.end.close()
    finally:
        await relay.stop()
    busy = 100 * (after.cpu_s - before.cpu_s) / (ended - began)
    return Cost(busy * 100 / play.calls, (after.memory - empty.memory) / play.calls / 1024, measured)


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


def rounds(count: int, contenders: Sequence[Callable[[], Contender]], play: Play) -> list[Cost]:
    """Each contender in turn, and again; the middle one of each by CPU. One row a contender is printed."""
    costs: list[list[Cost]] = [[] for _ in contenders]
    for _ in range(count):
        for place, make in enumerate(contenders):
            costs[place].append(asyncio.run(measure(make(), play)))
    middle = []
    for make, all_of_it in zip(contenders, costs, strict=True):
        sound = [each for each in all_of_it if each.phones.lost <= STARVED] or all_of_it
        cpu = statistics.median_low(each.cpu for each in sound)
        cost = next(each for each in sound if each.cpu == cpu)
        middle.append(cost)
        print(_row(make().name, play, cost), flush=True)
    return middle


def _row(name: str, play: Play, cost: Cost) -> str:
    kind = "capture" if play.captured else play.suite.value if play.suite else "plain"
    heard = cost.phones
    lost = 100 * heard.lost
    delay = f"{heard.delay_ms(50):7.2f} {heard.delay_ms(99):7.2f}" if heard.delays else f"{'':15}"
    sound = f"   {heard.sound} of {heard.sampled} as said" if play.suite else ""
    return f"{kind:20} {name:10} {play.calls:5} {cost.cpu:9.1f} % {delay} {lost:7.2f} % {cost.memory_kb:8.0f} kB{sound}"


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
        own, peer = rounds(
            options.rounds, (Tonevault, Rtpengine), Play(calls, options.seconds, _payloads(False))
        )
        delay, peers_delay = own.phones.delay_ms(99), peer.phones.delay_ms(99)
        good = own.cpu <= peer.cpu and delay <= DELAY_LIMIT_MS and delay <= peers_delay
        if max(own.phones.lost, peer.phones.lost) > STARVED:
            print(f"  ✗  {calls} calls: the machine was too busy with other work to tell", flush=True)
            kept = False
            continue
        print(
            f"  {'ok' if good else '✗ '} {calls} calls: {own.cpu / peer.cpu:.2f} of rtpengine's CPU (limit 1), delay p99 {delay:.1f} ms "
            f"(limit {DELAY_LIMIT_MS:.0f} and rtpengine's {peers_delay:.1f})",
            flush=True,
        )
        kept &= good
    return kept


def measure_capture(options: argparse.Namespace) -> bool:
    """Every call in capture at once."""
    play = Play(options.captures, options.seconds, _payloads(True), captured=True)
    masks = (Tonevault, lambda: Rtpengine(detects=True))
    own, peer = rounds(options.rounds, masks, play)
    good = own.cpu <= peer.cpu
    print(
        f"  {'ok' if good else '✗ '} {options.captures} captures: {own.cpu / peer.cpu:.2f} of rtpengine's CPU (limit 1, aim 0.5)",
        flush=True,
    )
    return good


def measure_srtp(options: argparse.Namespace) -> bool:
    """Both legs secured, beside our own plain calls."""
    (plain,) = rounds(options.rounds, (Tonevault,), Play(100, options.seconds, _payloads(False)))
    for suite in (SrtpSuite.CM_SHA1_80, SrtpSuite.GCM_256):
        (cost,) = rounds(
            options.rounds, (Tonevault,), Play(100, options.seconds, _payloads(False), suite=suite)
        )
        print(f"     {suite.value}: {cost.cpu / plain.cpu:.2f} times plain", flush=True)
    return True


def measure_steps(options: argparse.Namespace) -> bool:
    """Where the time of a packet goes."""
    turns = 20 if options.quick else 100
    for gathered in (10, 30):
        print(f"a plain packet, {2 * gathered} in a turn:")
        _print_steps(plain_steps(gathered, turns))
    for gathered in (1, 12, 25, 50):
        print(f"a captured packet, {gathered} masked together (reading and writing as above):")
        _print_steps(captured_steps(gathered, turns, _payloads(True)))
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
    print(f"{'':20} {'':10} calls  CPU / 100    p50 ms  p99 ms      lost  memory a call", flush=True)
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
