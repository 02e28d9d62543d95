"""Header names: compact forms, the spelling of names that we write, and which headers are lists or stand once."""

COMPACT_FORMS = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"""RFC 3261 section 7.3.3 and the IANA registry of SIP header fields."""

SINGLE_HEADERS = frozenset(
    {
        "call-id",
        "content-length",
        "content-type",
        "cseq",
        "expires",
        "from",
        "max-forwards",
        "min-se",
        "rack",
        "refer-to",
        "replaces",
        "rseq",
        "session-expires",
        "to",
    }
)
"""Headers of one value: a second one makes the message ambiguous (RFC 3261 section 7.3.1, RFC 4475 sections 3.3.8 and 3.3.9)."""


DISPLAY_NAMES = {
    key: "-".join(part.capitalize() for part in key.split("-"))
    for key in (*COMPACT_FORMS.values(), *sorted(SINGLE_HEADERS))
} | {"call-id": "Call-ID", "cseq": "CSeq", "min-se": "Min-SE", "rack": "RAck", "rseq": "RSeq"}
"""The spelling of names that appear in our errors. A name outside this table is never shown: it is text of the peer's."""

_USUAL_NAMES = (
    *(
        "Allow",
        "Call-ID",
        "Contact",
        "Content-Length",
        "Content-Type",
        "CSeq",
        "From",
        "Max-Forwards",
        "Min-SE",
    ),
    *(
        "P-Asserted-Identity",
        "Privacy",
        "RAck",
        "Reason",
        "Record-Route",
        "Require",
        "Route",
        "RSeq",
        "Server",
    ),
    *("Session-Expires", "Supported", "Timestamp", "To", "User-Agent", "Via"),
)

KNOWN_KEYS = (
    {name: name.lower() for name in _USUAL_NAMES}
    | COMPACT_FORMS
    | {name: name for name in (*COMPACT_FORMS.values(), *SINGLE_HEADERS)}
)
"""The usual spellings of names that every message carries, with what `lookup_key` makes of them; all of them are tokens."""


def lookup_key(name: str) -> str:
    """The name as it is compared: lower case, compact forms written out (RFC 3261 section 7.3.1)."""
    known = KNOWN_KEYS.get(name)
    if known is not None:
        return known
    lowered = name.lower()
    return COMPACT_FORMS.get(lowered, lowered)
