"""The double's webhooks: an event that was told, as Braintree's signed form."""

import hashlib
import hmac
from base64 import encodebytes
from urllib.parse import urlencode

from tonevault.testing.gateways.braintree.markup import render
from tonevault.testing.gateways.braintree.objects import moment
from tonevault.testing.gateways.ledger import Told


def webhook_form(told: Told, public_key: str, private_key: str) -> bytes:
    """The body of its webhook, `application/x-www-form-urlencoded`: `bt_signature` and `bt_payload`."""
    subject = {str(name): str(value) for name, value in told.document.items()}
    document = render(
        "notification",
        {"timestamp": moment(told.made_at), "kind": told.type, "subject": {"transaction": subject}},
    )
    payload = encodebytes(document)
    # Braintree's signature is an HMAC-SHA-1 under the SHA-1 of the private key.
    key = hashlib.sha1(private_key.encode()).digest()  # noqa: S324 - theirs to choose
    signature = hmac.new(key, payload, hashlib.sha1).hexdigest()
    return urlencode({"bt_signature": f"{public_key}|{signature}", "bt_payload": payload}).encode()
