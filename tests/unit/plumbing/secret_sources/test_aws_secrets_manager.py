"""AWS Secrets Manager by the real SDK, against moto."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tonevault.plumbing.secret_sources.aws_secrets_manager import read_aws_secret
from tonevault.plumbing.secret_sources.reference import SecretReference, SecretUnavailableError

SECRET = "swordfish"
ENVIRON = {"AWS_REGION": "eu-west-2"}


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-west-2")
        client.create_secret(Name="plain", SecretString=SECRET)
        client.create_secret(Name="pay/stripe", SecretString=json.dumps({"key": SECRET, "number": 7}))
        client.create_secret(Name="binary", SecretBinary=b"\x00")
        yield


def read(text: str) -> str:
    return read_aws_secret(SecretReference.parse(f"aws-secretsmanager:{text}"), ENVIRON)


def test_a_text_and_an_entry_of_a_document() -> None:
    assert read("plain") == SECRET
    assert read("pay/stripe#key") == SECRET


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("absent", "no secret of this name"),
        ("binary", "is binary"),
        ("plain#key", "no JSON object"),
        ("pay/stripe#number", "no JSON object"),
    ],
)
def test_refusals(text: str, words: str) -> None:
    with pytest.raises(SecretUnavailableError, match=words) as caught:
        read(text)
    assert SECRET not in str(caught.value)


def test_without_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(SecretUnavailableError, match="check the region"):
        read_aws_secret(SecretReference.parse("aws-secretsmanager:plain"), {})
