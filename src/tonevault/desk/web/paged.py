"""The query parameters of every list: how many rows, and after which."""

from typing import Annotated

from fastapi import Depends, Query

from tonevault.desk.paging import DEFAULT_LIMIT, MAX_LIMIT, PageRequest


def _page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows a page.")] = DEFAULT_LIMIT,
    cursor: Annotated[
        str | None,
        Query(pattern=r"^[a-z]{2,5}_[a-z]{28}$", description="The `next_cursor` of the page before."),
    ] = None,
) -> PageRequest:
    return PageRequest(limit, cursor)


Paged = Annotated[PageRequest, Depends(_page_request)]
