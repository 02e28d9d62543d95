"""What the doctor says of a TLS certificate and its key: readable, a pair, and for how long."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tonevault.app.findings import Finding, Level

CERTIFICATE_WARNING: Final = timedelta(days=21)


def certificate_findings(
    subject: str, certificate_path: Path | None, key_path: Path | None
) -> Iterator[Finding]:
    """One finding, or none where no certificate is configured. `subject` is the table that names both files."""
    if certificate_path is None or key_path is None:
        return
    try:
        certificate = x509.load_pem_x509_certificate(certificate_path.read_bytes())
        key = load_pem_private_key(key_path.read_bytes(), None)
    except OSError:
        yield Finding(
            Level.FAULT,
            subject,
            "certificate or private_key cannot be read",
            "name PEM files that this user can read",
        )
        return
    except (ValueError, TypeError):
        yield Finding(
            Level.FAULT,
            subject,
            "certificate or private_key is not PEM, or the key has a password",
            "give PEM files, the key without password and mode 0600",
        )
        return
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    left = certificate.not_valid_after_utc - datetime.now(UTC)
    if certificate.public_key().public_bytes(*form) != key.public_key().public_bytes(*form):
        yield Finding(
            Level.FAULT,
            subject,
            "certificate and private_key do not belong together",
            "name the key that the certificate was made for",
        )
    elif left < timedelta(0):
        yield Finding(Level.FAULT, subject, "the certificate has expired", "renew it")
    elif left < CERTIFICATE_WARNING:
        yield Finding(Level.WARNING, subject, f"the certificate expires in {left.days} days", "renew it")
    else:
        yield Finding(Level.OK, subject, f"the certificate is good for {left.days} days")
