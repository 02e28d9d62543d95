"""Settings: one TOML file, `TONEVAULT_…` variables over it, secrets by reference. Errors name the field, never its value."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    InstanceOf,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import ErrorDetails

from tonevault.plumbing.secret_sources.reader import SecretReader
from tonevault.plumbing.secret_sources.reference import SecretReference

PREFIX: Final = "TONEVAULT_"
SEPARATOR: Final = "__"
"""`TONEVAULT_DESK__LISTEN` sets `listen` of the table `desk`."""
CONFIG_VARIABLE: Final = "TONEVAULT_CONFIG"


class SettingsError(Exception):
    """The configuration cannot be used. `problems` has one line a fault: field, rule, way out."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings(BaseModel):
    """Base of every table of the configuration: no unknown fields, no value ever repeated in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _fetch(value: object, info: ValidationInfo) -> SecretStr:
    reader: SecretReader = info.context or SecretReader({})
    return reader.read(SecretReference.parse(value))


Secret = Annotated[SecretStr, BeforeValidator(_fetch)]
"""A secret of this process, given by reference (`file:`, `env:`, `aws-secretsmanager:`, `vault:`) and fetched at start; shown as stars."""
SecretPlace = Annotated[InstanceOf[SecretReference], BeforeValidator(SecretReference.parse)]
"""A reference that is checked at start and fetched by the zone that needs it: the desk never holds a gateway's key."""

M = TypeVar("M", bound=Settings)


def _overlay(document: dict[str, Any], environ: Mapping[str, str]) -> None:
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE:
            continue
        table: Any = document
        *path, last = variable.removeprefix(PREFIX).lower().split(SEPARATOR)
        for name in path:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise SettingsError([f"{variable}: `{name}` is not a table of the configuration"])
        table[last] = _literal(text)


def _literal(text: str) -> object:
    """A variable's text as a TOML value where it is one (`true`, `8080`, `["a"]`), else as it stands."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _where(location: tuple[int | str, ...]) -> str:
    out = ""
    for part in location:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    # A name that is no setting is input, too: a value that was pasted into its place.
    return _DIGIT_RUN.sub("…", out) or "configuration"


_DIGIT_RUN: Final = re.compile(r"\d{5,}")

_WAYS_OUT: Final = {
    "extra_forbidden": "is not a setting; see docs/configuration.md for those that are",
    "missing": "is required",
}


def load(model: type[M], path: Path | None, environ: Mapping[str, str]) -> M:
    """Read `path` (if any), lay the variables over it and check the whole. Raises SettingsError with every fault at once."""
    document: dict[str, Any] = {}
    if path is not None:
        try:
            document = tomllib.loads(path.read_text())
        except OSError:
            raise SettingsError(
                [f"{path}: cannot be read; give the path of a TOML file with --config or {CONFIG_VARIABLE}"]
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            # tomllib's own message gives the place and at most one character; the document may hold a secret.
            fault = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "the text is not UTF-8"
            raise SettingsError([f"{path}: is not TOML: {fault}"]) from None
    _overlay(document, environ)
    try:
        return model.model_validate(document, context=SecretReader(environ))
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise SettingsError(
            [
                f"{_where(each['loc'])}: {_WAYS_OUT.get(each['type'], each['msg'].removeprefix('Value error, '))}"
                for each in faults
                if not _only_follows(each["loc"], faults)
            ]
        ) from None


def _only_follows(location: tuple[int | str, ...], faults: list[ErrorDetails]) -> bool:
    """Whether a list is faulty only because its items are: one that is left out makes it look too short."""
    return any(each["loc"][: len(location)] == location != each["loc"] for each in faults)
