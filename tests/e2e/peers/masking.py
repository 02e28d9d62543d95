"""Masks keypad digits in what a peer logged, so that a failure message can be pasted anywhere."""

import re

MASK = "•"

# Where a single key is written: baresip quotes it ("DTMF digit: '4'", "received event: '4'"); INFO bodies and
# ctrl_tcp's DTMF events name it.
_KEY_CONTEXTS = (
    re.compile(r"(')[0-9A-D*#](?=')"),
    re.compile(r"(Signal\s*=\s*)[0-9A-D*#]"),
    re.compile(r"(\"type\":\"CALL_DTMF_START\"[^\n]*\"param\":\")[0-9A-D*#]"),
    re.compile(r"(application/dtmf\r?\n(?:[^\n]+\r?\n)*\r?\n)[0-9A-D*#]"),
)

# Seven digits in a row, or parted by blanks or dashes, are more of a card number than a log may show
# (SPEC.md section 2: partial runs of 7 digits or more).
_DIGIT_RUN = re.compile(r"\d(?:[ -]?\d){6,}")


def masked(text: str) -> str:
    """The text with every key press and every run of seven digits or more replaced by dots."""
    for context in _KEY_CONTEXTS:
        text = context.sub(rf"\g<1>{MASK}", text)
    return _DIGIT_RUN.sub(lambda run: MASK * len(run.group()), text)
