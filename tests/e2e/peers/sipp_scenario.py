"""Turns the scenario files into what SIPp can load: joins in the shared part and writes out its lists of refusals."""

import re
from pathlib import Path

_FOLDER = Path(__file__).parent / "scenarios"

# SIPp matches one status code a line, so every refusal that a peer may answer has a line of its own
# (RFC 3261 section 21.4 to 21.6, RFC 4028's 422, RFC 3329's 494 left out).
_REFUSALS = (
    *(
        400,
        401,
        402,
        403,
        404,
        405,
        406,
        407,
        408,
        410,
        413,
        414,
        415,
        416,
        420,
        421,
        422,
        423,
        480,
        481,
        482,
        483,
    ),
    *(484, 485, 486, 487, 488, 491, 493, 500, 501, 502, 503, 504, 505, 513, 600, 603, 604, 606),
)

_STATUS_LINE = '<action><ereg regexp="SIP/2.0 ([0-9]{3})" search_in="msg" assign_to="line,status"/></action>'

_INCLUDE = re.compile(r'^ *<include file="([a-z_]+\.xml)"/>$', re.MULTILINE)
_REFUSED = re.compile(r'^ *<refusals next="(\w+)"/>$', re.MULTILINE)


def _refusal_lines(label: str) -> str:
    return "\n".join(
        f'  <recv response="{status}" optional="true" next="{label}">{_STATUS_LINE}</recv>'
        for status in _REFUSALS
    )


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def write_scenario(name: str, folder: Path, refusal: int) -> Path:
    """Writes the scenario `name` ("caller", "callee") with its includes to a folder.

    `refusal` is the status with which a callee rejects: SIPp wants the status of a response written out.
    """
    text = _INCLUDE.sub(lambda found: _read(found[1]), _read(f"{name}.xml"))
    text = _REFUSED.sub(lambda found: _refusal_lines(found[1]), text)
    text = text.replace("SIP/2.0 486 Refused", f"SIP/2.0 {refusal} Refused")
    path = folder / f"{name}.xml"
    path.write_text(text, encoding="utf-8")
    return path
