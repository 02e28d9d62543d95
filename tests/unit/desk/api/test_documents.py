"""The OpenAPI document and the pages made of it: complete, honest about errors, and with nothing from elsewhere."""

import asyncio
import re
from pathlib import Path

from tests.unit.desk.bench import open_desk


def test_documents(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.stranger() as client:
            document = (await client.get("/openapi.json")).json()
            operations = [each for path in document["paths"].values() for each in path.values()]
            assert len(operations) > 20
            assert all(
                "422" not in each["responses"] and "default" in each["responses"] for each in operations
            )
            assert "ValidationError" not in document["components"]["schemas"]
            assert {"api_key", "log_in"} <= set(document["components"]["securitySchemes"])

            page = await client.get("/docs")
            assert page.status_code == 200
            for path in document["paths"]:
                assert path in page.text
            assert "<script" not in page.text
            assert set(re.findall(r'(?:src|href)="([^"#]+)"', page.text)) == {
                "/docs/docs.css",
                "/openapi.json",
            }
            style = await client.get("/docs/docs.css")
            assert (style.status_code, "url(" in style.text, "@import" in style.text) == (200, False, False)

    asyncio.run(play())


def test_health_tells_of_the_secure_zone(tmp_path: Path) -> None:
    async def play() -> None:
        async with open_desk(tmp_path) as desk, desk.stranger() as client:
            assert (await client.get("/health")).json() == {"status": "ok", "secure_zone": "up"}
            desk.zone.unreachable = True

            async def down() -> bool:
                return bool((await client.get("/health")).json()["secure_zone"] == "down")

            await desk.until(down)

    asyncio.run(play())
