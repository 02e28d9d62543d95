"""Secrets in AWS Secrets Manager, by the machine's own AWS identity. Needs the extra `tonevault[aws]`; reads, never writes."""

import json
from collections.abc import Mapping
from typing import Final

from tonevault.plumbing.secret_sources.reference import SecretReference, SecretUnavailableError

REGION_VARIABLES: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
ENDPOINT_VARIABLE: Final = "AWS_ENDPOINT_URL_SECRETS_MANAGER"
TIMEOUT_S: Final = 10
"""Seconds to connect and to answer: a process that starts waits no longer than this, times TRIES, for one secret."""
TRIES: Final = 3

_REFUSALS: Final = {
    "ResourceNotFoundException": "knows no secret of this name in this region; correct the name or AWS_REGION",
    "AccessDeniedException": "refused; allow this identity secretsmanager:GetSecretValue on the secret",
    "UnrecognizedClientException": "does not know this machine's AWS identity; check its credentials",
    "InvalidRequestException": "has the secret marked for deletion; restore it",
    "DecryptionFailure": "cannot decrypt the secret; allow this identity kms:Decrypt on its key",
}


def read_aws_secret(reference: SecretReference, environ: Mapping[str, str]) -> str:
    """The secret's text, or the entry `key` of the JSON document that it holds. Raises SecretUnavailableError."""
    try:
        import boto3  # noqa: PLC0415 - an extra, wanted by this source alone
        from botocore.config import Config  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        raise SecretUnavailableError("aws-secretsmanager: needs boto3; install tonevault[aws]") from None
    region = next((environ[name] for name in REGION_VARIABLES if environ.get(name)), None)
    limits = Config(
        connect_timeout=TIMEOUT_S,
        read_timeout=TIMEOUT_S,
        retries={"total_max_attempts": TRIES, "mode": "standard"},
    )
    try:
        client = boto3.client(
            "secretsmanager", region_name=region, config=limits, endpoint_url=environ.get(ENDPOINT_VARIABLE)
        )
        answer = client.get_secret_value(SecretId=reference.place)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        why = _REFUSALS.get(code, "refused the request; see its audit trail (CloudTrail)")
        raise SecretUnavailableError(f"aws-secretsmanager: {why}") from None
    except (BotoCoreError, ValueError) as error:
        raise SecretUnavailableError(
            f"aws-secretsmanager: cannot be asked ({type(error).__name__}); "
            "check the region, the machine's AWS identity and the way to the endpoint"
        ) from None
    text = answer.get("SecretString")
    if not isinstance(text, str):
        raise SecretUnavailableError("aws-secretsmanager: the secret is binary; store it as text")
    return text if reference.key is None else _entry(text, reference.key)


def _entry(text: str, key: str) -> str:
    try:
        found = json.loads(text)[key]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str):
        raise SecretUnavailableError(
            "aws-secretsmanager: the secret is no JSON object with text under this key (after `#`)"
        )
    return found
