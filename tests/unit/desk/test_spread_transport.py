"""Requests are spread over pools one after the other, and all pools are closed."""

import asyncio

import httpx

from tonevault.desk.spread_transport import POOLS, SpreadTransport


class Pool(httpx.AsyncBaseTransport):
    def __init__(self) -> None:
        self.asked = 0
        self.is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200, request=request)

    async def aclose(self) -> None:
        self.is_closed = True


def test_every_pool_gets_its_share_and_is_closed() -> None:
    pools: list[Pool] = []

    def make() -> Pool:
        pools.append(Pool())
        return pools[-1]

    async def ask() -> None:
        async with httpx.AsyncClient(
            transport=SpreadTransport(make), base_url="http://secure-zone"
        ) as client:
            await asyncio.gather(*(client.get("/health") for _ in range(3 * POOLS)))

    asyncio.run(ask())
    assert [pool.asked for pool in pools] == [3] * POOLS
    assert all(pool.is_closed for pool in pools)
