"""Bringing the relays in line with what the descriptions have agreed: each leg is configured when, and only when, it changed."""

from dataclasses import replace

from tonevault.cde.edge.board import Board
from tonevault.cde.edge.call import Call
from tonevault.cde.media import Leg


def configure_media(board: Board, call: Call) -> None:
    """Tell the relays the newest state of both legs. An open capture is not touched by it: its mask hangs on the call, not on the media."""
    if call.is_over:
        return
    for leg in Leg:
        media = call.sdp.media(leg)
        if media is not None and media != call.configured.get(leg):
            call.configured[leg] = media
            board.media.configure(call.id, leg, media)
    secured = frozenset(leg for leg, media in call.configured.items() if media.security is not None)
    if secured != call.info.secured:
        call.info = replace(call.info, secured=secured)
        board.observer.legs_secured(call.info)


def close_media(board: Board, call: Call) -> None:
    """The call is over: its relay is closed, and the keys of its media are zeroed wherever signalling holds them."""
    board.media.close(call.id)
    call.sdp.destroy()
    for media in call.configured.values():
        if media.security is not None:
            media.security.sends.destroy()
            media.security.receives.destroy()
