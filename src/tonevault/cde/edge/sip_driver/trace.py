"""One line about a message for the debug log: its method or status, its length, and a hash of its Call-ID. Never a header, never a body."""

import hashlib
import re

from tonevault.cde.wire.sip.message import KNOWN_METHODS

_CALL_ID = re.compile(rb"\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_STATUS = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2}) ")
_CSEQ_METHOD = re.compile(rb"\r\ncseq[ \t]*:[ \t]*[0-9]+[ \t]+([A-Z]+)", re.IGNORECASE)
_NAMED = {method.encode(): method for method in KNOWN_METHODS}


def summarise(data: bytes) -> str:
    """Such as `200 to INVITE, 612 bytes, call 9f86d081`."""
    head = data.partition(b"\r\n\r\n")[0]
    status = _STATUS.match(head)
    if status is not None:
        cseq = _CSEQ_METHOD.search(head)
        what = f"{int(status[1])} to {_NAMED.get(cseq[1], 'unknown method') if cseq else 'unknown method'}"
    else:
        what = _NAMED.get(head.partition(b" ")[0], "unknown method")
    call_id = _CALL_ID.search(head)
    call = hashlib.sha256(call_id[1].strip()).hexdigest()[:8] if call_id else "unknown"
    return f"{what}, {len(data)} bytes, call {call}"
