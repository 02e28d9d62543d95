"""References are read or refused; what is refused is never repeated."""

import pytest

from tonevault.plumbing.secret_sources.reference import SecretReference, SecretSource

WRITTEN_OUT = "sk_live_swordfish"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("file:/run/secrets/a#b", SecretReference(SecretSource.FILE, "/run/secrets/a#b")),
        ("env:STRIPE_KEY", SecretReference(SecretSource.ENVIRONMENT, "STRIPE_KEY")),
        ("vault:secret/pay/stripe#key", SecretReference(SecretSource.VAULT, "secret/pay/stripe", "key")),
        (
            "aws-secretsmanager:arn:aws:secretsmanager:eu-west-2:acct:secret:pay#key",
            SecretReference(SecretSource.AWS_SECRETS_MANAGER, "arn:aws:secretsmanager:eu-west-2:acct:secret:pay", "key"),
        ),
        ("aws-secretsmanager:pay/stripe", SecretReference(SecretSource.AWS_SECRETS_MANAGER, "pay/stripe")),
    ],
)  # fmt: skip
def test_read(text: str, reference: SecretReference) -> None:
    assert SecretReference.parse(text) == reference


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN_OUT,
        f"http:{WRITTEN_OUT}",
        "file:",
        "env:",
        f"vault:{WRITTEN_OUT}",
        f"vault:secret/{WRITTEN_OUT}",
        f"vault:secret//{WRITTEN_OUT}#key",
        f"vault:secret/../{WRITTEN_OUT}#key",
        f"vault:secret/{WRITTEN_OUT}#",
        f"aws-secretsmanager:{WRITTEN_OUT}#",
        "aws-secretsmanager:#key",
        7,
        None,
    ],
)
def test_refused_with_the_shape_that_is_wanted(text: object) -> None:
    with pytest.raises(ValueError, match=r"written as|a reference: file:") as caught:
        SecretReference.parse(text)
    assert WRITTEN_OUT not in str(caught.value)
