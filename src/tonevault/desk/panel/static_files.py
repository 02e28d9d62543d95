"""The panel's scripts, styles and pictures. A browser keeps them and asks each time whether they are still the same."""

import os
from collections.abc import MutableMapping
from typing import Any

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from tonevault.desk.panel.pages import STATIC


class PanelFiles(StaticFiles):
    """Static files under `Cache-Control: no-cache`: after an upgrade no panel runs an old script with new pages."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: MutableMapping[str, Any],
        status_code: int = 200,
    ) -> Response:
        """The file, or 304 where the browser has it."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response
