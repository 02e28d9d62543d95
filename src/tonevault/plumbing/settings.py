"""Settings: one TOML file, `TONEVAULT_…` variables over it, secrets by reference. Errors name the field, never its value."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, get_args

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


Location = tuple[int | str, ...]


def _overlay(document: dict[str, Any], environ: Mapping[str, str]) -> dict[Location, str]:
    """Lay the variables over the document; where each of them went."""
    variables: dict[Location, str] = {}
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
        variables[*path, last] = variable
    return variables


def _literal(text: str) -> object:
    """A variable's text as a TOML value where it is a list, a table or quoted. A number or a truth value is read by its setting's type."""
    if not text.lstrip().startswith(("[", "{", '"', "'")):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _where(location: Location, variables: Mapping[Location, str]) -> str:
    out = ""
    for part in location:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    variable = next((name for place, name in variables.items() if location[: len(place)] == place), None)
    if variable is not None:
        out += f" (by {variable})"
    # A name that is no setting is input, too: a value that was pasted into its place.
    return _DIGIT_RUN.sub("…", out)


_DIGIT_RUN: Final = re.compile(r"\d{5,}")

_RULES: Final = {
    "missing": "is required",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be a text in quotes",
    "path_type": "must be a path in quotes",
    "tuple_type": 'must be a list, for example ["one", "two"]',
    "dict_type": "must be a table",
    "model_type": "must be a table, which begins with its name in brackets",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
    "less_than": "must be less than {lt}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "string_pattern_mismatch": "must have the form {pattern}; docs/configuration.md says it in words",
}
"""What pydantic finds, in an operator's words; the limits come from the setting itself."""


def _rule(fault: ErrorDetails, model: type[BaseModel], variables: Mapping[Location, str]) -> str:
    location = fault["loc"]
    if fault["type"] == "extra_forbidden":
        meant = difflib.get_close_matches(str(location[-1]), _settings_beside(model, location), n=1)
        if meant:
            return f"is not a setting; `{meant[0]}` is"
        parted = "; two underscores part a table from its setting" if location in variables else ""
        return f"is not a setting; see docs/configuration.md for those that are{parted}"
    if fault["type"] in _RULES:
        return _RULES[fault["type"]].format(**fault.get("ctx", {}))
    return fault["msg"].removeprefix("Value error, ")


def _settings_beside(model: type[BaseModel], location: Location) -> list[str]:
    """The names that the table of a setting knows; none where it is no table of ours."""
    table: type[BaseModel] | None = model
    for part in location[:-1]:
        if table is None:
            return []
        if isinstance(part, str):
            field = table.model_fields.get(part)
            table = None if field is None else _table_in(field.annotation)
    return [] if table is None else list(table.model_fields)


def _table_in(annotation: object) -> type[BaseModel] | None:
    """The table in an annotation such as `Table`, `Table | None` or `tuple[Table, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_table_in(each) for each in get_args(annotation))
    return next((each for each in found if each is not None), None)


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
    variables = _overlay(document, environ)
    try:
        return model.model_validate(document, context=SecretReader(environ))
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise SettingsError(
            [
                ": ".join(filter(None, (_where(each["loc"], variables), _rule(each, model, variables))))
                for each in faults
                if not _only_follows(each["loc"], faults)
            ]
        ) from None


def _only_follows(location: Location, faults: list[ErrorDetails]) -> bool:
    """Whether a list is faulty only because its items are: one that is left out makes it look too short."""
    return any(each["loc"][: len(location)] == location != each["loc"] for each in faults)
