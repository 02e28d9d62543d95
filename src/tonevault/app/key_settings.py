"""The settings of the key custody: `[secure.keys]` and a table for each kind of it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tonevault.plumbing.settings import SecretPlace, Settings

VaultName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
"""What may stand in a path of Vault's API without being taken for more than a name."""


CustodyName = Literal["file", "pkcs11", "aws-kms", "vault-transit"]


class Pkcs11Settings(Settings):
    """A hardware security module, or SoftHSM."""

    module: Path | None = None
    token: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    pin: SecretPlace | None = None


class AwsKmsSettings(Settings):
    """AWS KMS. The identity is the machine's own, as for `aws-secretsmanager:`; what is None comes from AWS_REGION."""

    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] | None = None
    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    alias: Annotated[str, Field(pattern=r"^[a-z][a-z-]{0,62}$")] = "tonevault"


class VaultTransitSettings(Settings):
    """Vault's transit engine. Address and token are those of `vault:` references: VAULT_ADDR, VAULT_TOKEN or VAULT_TOKEN_FILE."""

    mount: VaultName = "transit"
    key: VaultName = "tonevault"


class KeySettings(Settings):
    """Where the key-encrypting keys lie, and how old keys may become."""

    custody: CustodyName = "file"
    custody_before: CustodyName | None = None
    custodian_one: Path | None = None
    custodian_two: Path | None = None
    escrow: Path | None = None
    passphrase_one: SecretPlace | None = None
    passphrase_two: SecretPlace | None = None
    passphrase_escrow: SecretPlace | None = None
    cryptoperiod_days: Annotated[int, Field(ge=1, le=3650)] = 365
    data_cryptoperiod_days: Annotated[int, Field(ge=1, le=3650)] = 730
    pkcs11: Pkcs11Settings = Pkcs11Settings()
    aws_kms: AwsKmsSettings = AwsKmsSettings()
    vault_transit: VaultTransitSettings = VaultTransitSettings()

    @model_validator(mode="after")
    def _module_is_whole(self) -> "KeySettings":
        if "pkcs11" in (self.custody, self.custody_before) and not (
            self.pkcs11.module and self.pkcs11.token and self.pkcs11.pin
        ):
            raise ValueError(
                "custody pkcs11 needs secure.keys.pkcs11.module (the library), token (its label) and pin (a reference)"
            )
        return self

    @model_validator(mode="after")
    def _custodies_differ(self) -> "KeySettings":
        if self.custody == self.custody_before:
            raise ValueError(
                "custody_before: must be another than custody; leave it out when its keys are retired"
            )
        return self

    @model_validator(mode="after")
    def _folders_differ(self) -> "KeySettings":
        named = [each for each in (self.custodian_one, self.custodian_two, self.escrow) if each is not None]
        if len(set(named)) != len(named):
            raise ValueError("custodian_one, custodian_two and escrow must be folders of their own")
        return self
