"""Base of everything that crosses the boundary: frozen, strict, no unknown fields, and errors that never repeat their input."""

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """One JSON document on the narrow interface between desk and secure zone."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, ser_json_inf_nan="null")
