"""AWS KMS: every refusal has its meaning, an outage is told from a refusal, and ids name keys of KMS in letters."""

import os
from collections.abc import Iterator
from unittest.mock import patch

import pytest
from botocore.stub import Stubber
from moto import mock_aws
from tests.conformance.custodies.worlds import AWS_IDENTITY

from tonevault.cde.custodies.aws_kms import AwsKmsCustody, KmsPlace, _letters_of, _uuid_of
from tonevault.cde.key_custody import KeyCustodyError, KeyCustodyUnavailableError

KEY = bytes(range(32))
REGION = "eu-west-2"


@pytest.fixture(scope="module", autouse=True)
def _kms() -> Iterator[None]:
    with patch.dict(os.environ, AWS_IDENTITY), mock_aws():
        yield


@pytest.fixture
def custody() -> AwsKmsCustody:
    return AwsKmsCustody(KmsPlace(REGION))


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("DisabledException", KeyCustodyError, "the key is disabled; enable it"),
        ("KMSInvalidStateException", KeyCustodyError, "pending deletion"),
        ("AccessDeniedException", KeyCustodyError, "allow kms:Encrypt and kms:Decrypt"),
        ("InvalidCiphertextException", KeyCustodyError, "does not open"),
        ("IncorrectKeyException", KeyCustodyError, "does not open"),
        ("ThrottlingException", KeyCustodyUnavailableError, "cannot answer now"),
        ("KMSInternalException", KeyCustodyUnavailableError, "cannot answer now"),
        ("SomethingNew", KeyCustodyError, "CloudTrail"),
    ],
)
def test_what_kms_refuses_is_told_with_the_way_out(
    custody: AwsKmsCustody, code: str, kind: type[KeyCustodyError], said: str
) -> None:
    key_id = custody.make_key()
    with Stubber(custody._kms) as stub:
        for _ in range(2):
            stub.add_client_error("decrypt", code, "arn:aws:kms:eu-west-2:111122223333:key/secret-part")
        with pytest.raises(kind, match=said) as refusal:
            custody.unwrap(b"whatever", b"context", key_id)
        assert type(refusal.value) is kind
        assert "111122223333" not in str(refusal.value)


def test_a_disabled_key_fails_the_check(custody: AwsKmsCustody) -> None:
    key_id = custody.make_key()
    with Stubber(custody._kms) as stub:
        stub.add_response("list_aliases", {"Aliases": [{"AliasName": f"alias/tonevault/{key_id}"}]})
        stub.add_client_error("encrypt", "DisabledException")
        with pytest.raises(KeyCustodyError, match="disabled"):
            custody.check()


def test_the_context_goes_to_kms_and_the_key_is_named(custody: AwsKmsCustody) -> None:
    key_id = custody.make_key()
    with Stubber(custody._kms) as stub:
        expected = {
            "KeyId": _uuid_of(key_id),
            "CiphertextBlob": b"blob",
            "EncryptionContext": {"tonevault": "tonevault", "for": "tonevault-key|acme|data|1"},
        }
        stub.add_response("decrypt", {"Plaintext": KEY}, expected)
        assert custody.unwrap(b"blob", b"tonevault-key|acme|data|1", key_id) == KEY


def test_a_key_that_its_keeper_made_is_taken(custody: AwsKmsCustody) -> None:
    made = custody._kms.create_key()["KeyMetadata"]["Arn"]
    key_id = custody.make_key(made)
    assert _uuid_of(key_id) == made.rpartition("/")[2]
    assert custody.unwrap(custody.wrap(KEY, b"c", key_id), b"c", key_id) == KEY
    signing = custody._kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["KeyId"]
    with pytest.raises(KeyCustodyError, match="--key: must be an enabled symmetric key"):
        custody.make_key(signing)


def test_a_service_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    custody = AwsKmsCustody(KmsPlace(REGION))
    key_id = custody.make_key()

    def refused(**_: object) -> object:
        from botocore.exceptions import EndpointConnectionError  # noqa: PLC0415

        raise EndpointConnectionError(endpoint_url="https://kms")

    monkeypatch.setattr(custody._kms, "encrypt", refused)
    with pytest.raises(KeyCustodyUnavailableError, match="EndpointConnectionError"):
        custody.wrap(KEY, b"c", key_id)


def test_a_destroyed_key_can_be_brought_back_for_thirty_days(custody: AwsKmsCustody) -> None:
    key_id = custody.make_key()
    assert "30 days" in custody.destroy_key(key_id)
    about = custody._kms.describe_key(KeyId=_uuid_of(key_id))["KeyMetadata"]
    assert about["KeyState"] == "PendingDeletion"


@pytest.mark.parametrize(
    "kms_id",
    ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "mrk-" + "0a" * 16],
)
def test_ids_go_to_letters_and_back(kms_id: str) -> None:
    assert _uuid_of(_letters_of(kms_id)) == kms_id
