"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): one act a key, its answer given again."""
