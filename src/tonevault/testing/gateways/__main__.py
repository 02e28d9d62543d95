"""A gateway's double as a program: `python -m tonevault.testing.gateways stripe --ledger FILE`. Prints its URL, then serves."""

import argparse
import signal
import ssl
import sys
import threading
from pathlib import Path

from tonevault.testing.gateways.server import GatewayDouble
from tonevault.testing.gateways.weather import Weather
from tonevault.testing.gateways.wires import WIRES


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tonevault.testing.gateways", description=__doc__)
    parser.add_argument("wire", choices=sorted(WIRES), help="the wire format")
    parser.add_argument("--ledger", type=Path, required=True, help="its SQLite file; kept when it ends")
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 takes any that is free")
    parser.add_argument("--pace", type=float, default=1.0, help="scales the delays that test cards ask for")
    for name, text in (
        ("lost-requests", "share of requests that never arrive"),
        ("lost-answers", "share of requests that are done and not answered"),
        ("late-answers", "share of answers that come late"),
        ("declines", "share of payments that the issuer declines"),
    ):
        parser.add_argument(f"--{name}", type=float, default=0.0, help=f"{text}, 0 to 1")
    parser.add_argument("--late-s", type=float, default=1.0, help="how late, in seconds")
    parser.add_argument(
        "--look-up-lag-s", type=float, default=0.0, help="how long look-ups see nothing of a deed"
    )
    parser.add_argument("--certificate", type=Path, help="PEM file: serves HTTPS")
    parser.add_argument("--key", type=Path, help="PEM file of the certificate's key")
    parser.add_argument("--seed", type=int, default=0, help="of all these shares")
    return parser


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    options = _options().parse_args()
    weather = Weather(
        seed=options.seed,
        lost_requests=options.lost_requests,
        lost_answers=options.lost_answers,
        late_answers=options.late_answers,
        late_s=options.late_s,
        declines=options.declines,
        look_up_lag_s=options.look_up_lag_s,
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    tls = None
    if options.certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.certificate, options.key)
    with GatewayDouble(
        WIRES[options.wire](), options.ledger, port=options.port, weather=weather, pace=options.pace, tls=tls
    ) as double:
        sys.stdout.write(f"{double.url}\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    main()
