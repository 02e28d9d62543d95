"""The search finds a canary in each encoding, whole and in part, and nothing in what may be shown. Else its zero proves nothing."""

import base64
import json
import random

import pytest

from tests.boundary.canary.cards import CANARIES, Canary
from tests.boundary.canary.search import Finding, Search, standalone
from tonevault.cde.sealed.card_number import CardNumber

SEARCH = Search(CANARIES)


def packed(text: str) -> bytes:
    return bytes.fromhex(text + "0" * (len(text) % 2))


def encodings(digits: str) -> dict[str, bytes]:
    spaced = " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))
    return {
        "ASCII": digits.encode(),
        "spaced": spaced.encode(),
        "dashed": spaced.replace(" ", "-").encode(),
        "over lines": "\n".join(digits).encode(),
        "JSON list": json.dumps([int(d) for d in digits]).encode(),
        "JSON strings": json.dumps(list(digits)).encode(),
        "UTF-16 LE": digits.encode("utf-16-le"),
        "UTF-16 BE": digits.encode("utf-16-be"),
        "UTF-32": digits.encode("utf-32-le"),
        "a byte each": bytes(map(int, digits)),
        "hex": digits.encode().hex().encode(),
        "HEX": digits.encode().hex().upper().encode(),
        "percent": "".join(f"%{ord(d):02x}" for d in digits).encode(),
        "base64": base64.b64encode(digits.encode()),
        "base64 shifted": base64.b64encode(b"a" + digits.encode() + b"zz"),
        "base64 shifted twice": base64.b64encode(b"ab" + digits.encode() + b"z"),
    }


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.name)
@pytest.mark.parametrize("encoding", list(encodings("1234567")))
def test_whole_and_in_part(canary: Canary, encoding: str) -> None:
    for part in (canary.number, canary.number[:7], canary.number[4:12], canary.number[-7:]):
        blob = random.Random(3).randbytes(4096) + b"|" + encodings(part)[encoding] + b"|" + bytes(64)
        assert [f.canary for f in SEARCH.run("blob", blob)][:1] == [canary.name], (
            f"{encoding} of {len(part)} digits was missed"
        )


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.name)
def test_packed_decimal_on_either_nibble(canary: Canary) -> None:
    for text in (canary.number, "f" + canary.number):
        assert SEARCH.run("blob", b"\xff\xfe" + packed(text))


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.name)
def test_what_may_be_shown_is_no_finding(canary: Canary) -> None:
    first6, last4 = canary.allowed
    shown = f'{{"first6": "{first6}", "last4": "{last4}", "masked": "**** **** **** {last4}"}}'
    assert SEARCH.run("shown", shown.encode()) == []


def test_noise_is_no_finding() -> None:
    assert SEARCH.run("noise", random.Random(1).randbytes(8_000_000)) == []


def test_a_finding_repeats_no_digit() -> None:
    (finding, *_) = SEARCH.run("log", CANARIES[0].number.encode())
    assert isinstance(finding, Finding)
    assert CANARIES[0].number[6:12] not in repr(finding)


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.name)
def test_canaries_are_valid_cards(canary: Canary) -> None:
    number = CardNumber(bytearray(canary.number.encode()))
    assert number.is_valid
    assert number.issuer is not None
    assert number.issuer.code_length == len(canary.code)


def test_a_security_code_is_found_as_a_word() -> None:
    assert standalone("739", 'code "739" and 739 but not 17390 or 12:739') == [6, 15]
