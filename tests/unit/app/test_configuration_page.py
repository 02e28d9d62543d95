"""docs/configuration.md names every setting, and no other; its example can be loaded."""

import re
import tomllib
from pathlib import Path

from pydantic import BaseModel

from tonevault.app.settings import AccountSettings, RouteSettings, TonevaultSettings

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()


def names(model: type[BaseModel], prefix: str = "") -> set[str]:
    out: set[str] = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            out |= names(inner, f"{prefix}{name}.")
        elif name not in ("routes", "accounts"):
            out.add(prefix + name)
    return out


def test_every_setting_is_documented() -> None:
    wanted = names(TonevaultSettings) | names(RouteSettings) | names(AccountSettings)
    documented = set(re.findall(r"^\| `([a-z0-9_.]+)` \|", PAGE, flags=re.MULTILINE))
    assert documented == wanted


def test_the_example_is_a_configuration() -> None:
    example = PAGE.partition("```toml\n")[2].partition("```")[0]
    assert TonevaultSettings.model_validate(tomllib.loads(example)).secure.routes[0].name == "support"
