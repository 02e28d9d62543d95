"""A value of the desk as a JSON response, serialised once and in one way."""

from fastapi import Response

from tonevault.desk.json_text import to_json


def answer(value: object, status: int = 200) -> Response:
    """The response; routes name its type as `response_model` for the OpenAPI document."""
    return Response(to_json(value), status_code=status, media_type="application/json")
