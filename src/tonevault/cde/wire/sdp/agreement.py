"""What an answer makes of an offer (RFC 3264 section 6): the codecs that both sides know, paired, and the direction that both allow."""

from dataclasses import dataclass, replace

from tonevault.cde.media import Codec, Direction, LegMedia
from tonevault.cde.wire.sdp.direction import meet, reverse
from tonevault.cde.wire.sdp.errors import UnacceptableSdpError, WarningCode
from tonevault.cde.wire.sdp.payload import COMFORT_NOISE, G711, same_codec
from tonevault.cde.wire.sdp.stream import AudioStream


@dataclass(frozen=True, slots=True)
class Agreement:
    """The common codecs in the answerer's order: `offerer[i]` and `answerer[i]` are one coding under each side's own number.

    `direction` is the answerer's, already narrowed to what the offer allows.
    """

    offerer: tuple[Codec, ...]
    answerer: tuple[Codec, ...]
    direction: Direction


def agree(offer: AudioStream, answer: AudioStream) -> Agreement:
    """Match an answer with the offer it answers. Raises UnacceptableSdpError when no voice codec is common."""
    pairs = _pairs(offer.voice, answer.voice)
    if all(ours.name == COMFORT_NOISE for ours, _ in pairs):
        raise UnacceptableSdpError(
            WarningCode.INCOMPATIBLE_FORMAT, "No voice codec in common between the two sides"
        )
    return Agreement(
        offerer=tuple(ours for ours, _ in pairs),
        answerer=tuple(theirs for _, theirs in pairs),
        direction=meet(answer.direction, reverse(offer.direction)),
    )


def _pairs(offered: tuple[Codec, ...], answered: tuple[Codec, ...]) -> list[tuple[Codec, Codec]]:
    pairs: list[tuple[Codec, Codec]] = []
    free = list(offered)
    for theirs in answered:
        ours = _match(theirs, free)
        if ours is not None:
            free.remove(ours)
            pairs.append((ours, theirs))
    return pairs


def _match(theirs: Codec, free: list[Codec]) -> Codec | None:
    """By number and coding first, for one coding can be offered twice with different parameters; then by coding alone."""
    for ours in free:
        if ours.payload_type == theirs.payload_type and same_codec(ours, theirs):
            return ours
    for ours in free:
        if same_codec(ours, theirs):
            return ours
    return None


def events_for(voice: tuple[Codec, ...], events: tuple[Codec, ...]) -> tuple[Codec, ...]:
    """Of a side's telephone-events, those that can run beside the agreed voice: their clock is its clock (RFC 4733 section 2.1).

    A phone that has none of such a clock (many offer Opus beside events at 8 kHz alone) will send what it has, so that is taken.
    """
    rates = {codec.clock_rate for codec in voice}
    return tuple(event for event in events if event.clock_rate in rates) or events


def under_offered_numbers(
    offered: tuple[Codec, ...], answered: tuple[Codec, ...], taken: tuple[int, ...]
) -> tuple[Codec, ...]:
    """What is answered under other numbers than it was offered, once more under the offered ones, unless those are `taken` in the answer.

    RFC 3264 section 6.1: an answerer is sent the numbers of its answer and itself sends those of the offer; many send their own all the
    same.
    """
    return tuple(
        replace(theirs, payload_type=ours.payload_type)
        for ours, theirs in _pairs(offered, answered)
        if ours.payload_type not in taken
    )


def suffices(told: LegMedia, offered: LegMedia, answered: LegMedia) -> bool:
    """Whether an offerer who was `told` an answer before need not be told that it is `offered` now: both it and who has `answered` prefer
    G.711, whose laws the relay makes of each other. Other codings depend on parameters that only the newest answer names."""
    return told.direction is offered.direction and all(
        _preferred(side.codecs).name in G711 for side in (told, answered)
    )


def _preferred(codecs: tuple[Codec, ...]) -> Codec:
    return next(codec for codec in codecs if codec.name != COMFORT_NOISE)
