"""Types of free text in requests: bounded, on one line, and refused where it looks like a card number."""

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from tonevault.boundary.text import holds_card_number

CARD_DATA_REFUSED: Final = "card_data_refused"
MAX_WORDS: Final = 200
MAX_NAME: Final = 120
MAX_EMAIL: Final = 254
"""RFC 5321 section 4.5.3.1.3: a path of 256 octets with its angle brackets."""
MAX_PHONE: Final = 32
"""Fifteen digits (ITU-T E.164) with the separators people write."""
MAX_REFERENCE: Final = 64

_ONE_LINE: Final = r"^[^\x00-\x1f\x7f\u2028\u2029]*$"


def refuse_card_number(text: str) -> str:
    """The text, unless a run of digits in it could be a card number."""
    if holds_card_number(text):
        raise PydanticCustomError(
            CARD_DATA_REFUSED, "looks like a card number; have the customer key it on the phone instead"
        )
    return text


def _one_line(max_length: int, min_length: int = 0) -> StringConstraints:
    return StringConstraints(
        strict=True, strip_whitespace=True, min_length=min_length, max_length=max_length, pattern=_ONE_LINE
    )


CleanWords = Annotated[str, _one_line(MAX_WORDS), AfterValidator(refuse_card_number)]
CleanName = Annotated[str, _one_line(MAX_NAME, 1), AfterValidator(refuse_card_number)]
CleanReference = Annotated[str, _one_line(MAX_REFERENCE, 1), AfterValidator(refuse_card_number)]
CleanEmail = Annotated[
    str,
    StringConstraints(
        strict=True, max_length=MAX_EMAIL, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+$"
    ),
    AfterValidator(refuse_card_number),
]
PhoneText = Annotated[str, StringConstraints(strict=True, max_length=MAX_PHONE, pattern=r"^[+0-9 ().\-/]*$")]


class Body(BaseModel):
    """A request body: no field but those named, and errors that do not repeat the input."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)
