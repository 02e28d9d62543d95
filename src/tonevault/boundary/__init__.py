"""Every message and port that crosses the edge of the card-data environment. No type here can hold a card number."""
