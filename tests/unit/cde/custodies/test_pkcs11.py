"""PKCS#11 on SoftHSM: keys cannot be taken out, wrong places are named, a dropped session is opened anew."""

from pathlib import Path

import pkcs11
import pytest
from tests.conformance.custodies.worlds import PIN, SOFTHSM, soft_tokens

from tonevault.cde.custodies.pkcs11 import ModulePlace, Pkcs11Custody
from tonevault.cde.key_custody import KeyCustodyError

KEY = bytes(range(32))


@pytest.fixture
def place() -> ModulePlace:
    return ModulePlace(SOFTHSM, soft_tokens().pop(), PIN)


def test_the_key_cannot_be_read_or_taken_out(place: ModulePlace) -> None:
    custody = Pkcs11Custody(place)
    key_id = custody.make_key()
    assert custody._session is not None
    key = custody._session.get_key(label=key_id)
    assert key[pkcs11.Attribute.EXTRACTABLE] is False
    assert key[pkcs11.Attribute.SENSITIVE] is True
    with pytest.raises(pkcs11.PKCS11Error):
        _ = key[pkcs11.Attribute.VALUE]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"module": Path("/nowhere.so")}, "secure.keys.pkcs11.module: is no PKCS#11 library"),
        ({"token": "no such token"}, "secure.keys.pkcs11.token: the module has not exactly one"),
        ({"pin": "135790"}, "secure.keys.pkcs11.pin: the token refuses it"),
    ],
)
def test_a_place_that_is_wrong_is_named(place: ModulePlace, change: dict[str, object], said: str) -> None:
    values = {"module": place.module, "token": place.token, "pin": place.pin, **change}
    with pytest.raises(KeyCustodyError, match=said) as refusal:
        Pkcs11Custody(ModulePlace(**values))  # type: ignore[arg-type]
    assert "135790" not in str(refusal.value)


def test_the_pin_is_not_shown(place: ModulePlace) -> None:
    assert PIN not in repr(place)


def test_a_session_that_the_module_dropped_is_opened_anew(place: ModulePlace) -> None:
    custody = Pkcs11Custody(place)
    key_id = custody.make_key()
    wrapped = custody.wrap(KEY, b"c", key_id)
    assert custody._session is not None
    custody._session.close()
    assert custody.unwrap(wrapped, b"c", key_id) == KEY


def test_keys_that_others_made_in_the_token_are_left_alone(place: ModulePlace) -> None:
    custody = Pkcs11Custody(place)
    assert custody._session is not None
    custody._session.generate_key(pkcs11.KeyType.AES, 256, label="somebody else's", store=True)
    assert custody.key_ids() == ()
    with pytest.raises(KeyCustodyError, match="of this shape"):
        custody.wrap(KEY, b"c", "somebody else's")
