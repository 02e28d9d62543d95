"""The desk zone: everything a contact centre touches. It holds tokens, masked values and results, and refuses card data."""
