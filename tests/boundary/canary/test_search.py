"""The search finds a canary in each encoding, whole and in part, and nothing in what may be shown. Else its zero proves nothing."""

import base64
import json
import random
import struct

import pytest

from tests.boundary.canary.cards import CANARIES, POSTED, STRAY, Canary
from tests.boundary.canary.search import CHUNK, Finding, Search, standalone
from tonevault.cde.sealed.card_number import CardNumber

SEARCH = Search(CANARIES)


def packed(text: str) -> bytes:
    return bytes.fromhex(text + "0" * (len(text) % 2))


def encodings(digits: str) -> dict[str, bytes]:
    spaced = " ".join(digits[i : i + 4] for i in range(0, len(digits), 4))
    values = list(map(int, digits))
    return {
        "ASCII": digits.encode(),
        "spaced": spaced.encode(),
        "dashed": spaced.replace(" ", "-").encode(),
        "over lines": "\n".join(digits).encode(),
        "JSON list": json.dumps(values).encode(),
        "JSON strings": json.dumps(list(digits)).encode(),
        "list of codes": str(list(digits.encode())).encode(),
        "UTF-16 LE": digits.encode("utf-16-le"),
        "UTF-16 BE": digits.encode("utf-16-be"),
        "UTF-32 LE": digits.encode("utf-32-le"),
        "UTF-32 BE": digits.encode("utf-32-be"),
        "a byte each": bytes(values),
        "two bytes each": struct.pack(f"<{len(values)}H", *values),
        "four bytes each": struct.pack(f"<{len(values)}I", *values),
        "eight bytes each": struct.pack(f"<{len(values)}Q", *values),
        "hex": digits.encode().hex().encode(),
        "HEX": digits.encode().hex().upper().encode(),
        "hex dump": digits.encode().hex(" ").encode(),
        "percent": "".join(f"%{ord(d):02x}" for d in digits).encode(),
        "backslash x": "".join(f"\\x{ord(d):02x}" for d in digits).encode(),
        "backslash u": "".join(f"\\u{ord(d):04x}" for d in digits).encode(),
        "0x list": ", ".join(f"0x{ord(d):02x}" for d in digits).encode(),
        "references": "".join(f"&#{ord(d)};" for d in digits).encode(),
        "hex references": "".join(f"&#x{ord(d):x};" for d in digits).encode(),
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
def test_ten_digits_in_the_midst_of_others(canary: Canary) -> None:
    assert SEARCH.run("blob", b"0011" + canary.number[3:13].encode() + b"2233")
    assert SEARCH.run("backwards", canary.number[::-1].encode())


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.name)
def test_as_a_number(canary: Canary) -> None:
    number = int(canary.number)
    for form in ("<Q", ">Q", "<d", ">d"):
        assert SEARCH.run("blob", b"\xff\xfe" + struct.pack(form, number) + b"\x01")
    assert SEARCH.run("blob", b"\x02" + struct.pack("<II", number % 2**30, number // 2**30))


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.name)
def test_packed_decimal_on_either_nibble(canary: Canary) -> None:
    for text in (canary.number, "f" + canary.number):
        assert SEARCH.run("blob", b"\xff\xfe" + packed(text))


@pytest.mark.parametrize("of", ["numbers", "characters"])
def test_a_list_in_the_memory_of_a_python_process(of: str) -> None:
    digits = CANARIES[0].number[2:10]
    # Made as a program would make it, then looked for in this process's own memory.
    held: list[object] = [int(each) if of == "numbers" else each for each in digits]
    listed = struct.pack(f"<{len(held)}Q", *map(id, held))
    assert [each.encoding for each in SEARCH.run("heap", bytes(16) + listed + bytes(16))] == [
        "list of Python objects"
    ] * 2


def test_across_the_seam_of_two_chunks() -> None:
    for before in (CHUNK - 20, CHUNK - 8, CHUNK, CHUNK + 500):
        blob = b"x" * before + CANARIES[1].number.encode() + b"y" * 100
        assert min(each.offset for each in SEARCH.run("blob", blob)) == before


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.name)
def test_what_may_be_shown_is_no_finding(canary: Canary) -> None:
    first6, last4 = canary.allowed
    shown = f'{{"first6": "{first6}", "last4": "{last4}", "masked": "**** **** **** {last4}"}}'
    assert SEARCH.run("shown", shown.encode()) == []


def test_noise_is_no_finding() -> None:
    assert SEARCH.run("noise", random.Random(1).randbytes(32_000_000)) == []


def test_times_and_counters_are_no_finding() -> None:
    rng = random.Random(7)
    lines = [
        f"2026-11-{rng.randrange(1, 31):02} {rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}.{rng.randrange(10**6):06}"
        f" port={rng.randrange(20000, 60000)} took {rng.random():.9f} of {rng.randrange(10**12)}"
        for _ in range(100_000)
    ]
    assert SEARCH.run("log", "\n".join(lines).encode()) == []


def test_a_finding_repeats_no_digit() -> None:
    (finding, *_) = SEARCH.run("log", CANARIES[0].number.encode())
    assert isinstance(finding, Finding)
    assert CANARIES[0].number[6:12] not in repr(finding)


@pytest.mark.parametrize("canary", [*CANARIES, STRAY, POSTED], ids=lambda c: c.name)
def test_canaries_are_valid_cards(canary: Canary) -> None:
    number = CardNumber(bytearray(canary.number.encode()))
    assert number.is_valid
    assert number.issuer is not None
    assert number.issuer.code_length == len(canary.code)
    assert not CardNumber(bytearray(canary.mistyped.encode())).is_valid


def test_a_security_code_is_found_as_a_word() -> None:
    assert standalone("739", 'code "739" and 739 but not 17390 or 12:739') == [6, 15]
