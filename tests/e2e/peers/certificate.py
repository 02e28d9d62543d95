"""Self-signed certificates for the peers' TLS, made anew for each test."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.peers.ports import LOOPBACK

# Long enough for any test run, short enough that a leaked key is of no use.
_LIFE = dt.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files: the certificate (also its own CA), its key, and both in one file, as baresip wants them."""

    certificate_path: Path
    key_path: Path
    both_path: Path


def make_certificate(folder: Path, name: str = "peer") -> Certificate:
    """A P-256 certificate for 127.0.0.1 and localhost that signs itself, written to `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"{name} test peer")])
    now = dt.datetime.now(dt.UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(LOOPBACK))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key", folder / f"{name}.pem")
    made.certificate_path.write_bytes(certificate_pem)
    made.key_path.write_bytes(key_pem)
    made.both_path.write_bytes(certificate_pem + key_pem)
    made.key_path.chmod(0o600)
    made.both_path.chmod(0o600)
    return made
