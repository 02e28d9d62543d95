"""The card-data environment (secure zone): everything that can meet a card digit."""
