"""Key-encrypting keys in the transit engine of HashiCorp Vault or OpenBao."""

from tonevault.cde.custodies.vault_transit.custody import VaultTransitCustody
from tonevault.cde.custodies.vault_transit.link import VaultPlace

__all__ = ["VaultPlace", "VaultTransitCustody"]
