"""Offer/answer of one call through the edge: an offer on one leg becomes ours on the other, and its answer ours back.

Both legs speak to the edge alone: addresses, ports and version numbers of one leg never reach the other (RFC 3264, RFC 7092).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final

from tonevault.cde.media import Codec, Leg, LegMedia, MediaAddress, MediaPorts, Srtp
from tonevault.cde.wire.sdp.agreement import Agreement, agree, events_for, suffices, under_offered_numbers
from tonevault.cde.wire.sdp.direction import reverse
from tonevault.cde.wire.sdp.errors import OfferAnswerError
from tonevault.cde.wire.sdp.leg_keys import LegKeys, SrtpTerms, no_keys
from tonevault.cde.wire.sdp.local_side import Audio, LocalSide, Slot, slots_of
from tonevault.cde.wire.sdp.parse import parse
from tonevault.cde.wire.sdp.payload import G711, numbers_of, redundancy_for, with_events
from tonevault.cde.wire.sdp.profile import Profile
from tonevault.cde.wire.sdp.stream import AudioStream, audio_stream

DEFAULT_PTIME_MS: Final = 20
"""RFC 3551 section 4.2: the packet length of a peer that says nothing."""


@dataclass(frozen=True, slots=True)
class _Open:
    """An offer that waits for its answer, what of it the other leg was offered, and the `m=` lines of its leg before it came."""

    source: Leg
    stream: AudioStream
    voice: tuple[Codec, ...]
    events: tuple[Codec, ...]
    slots: tuple[Slot, ...]
    audio_slot: int


class OfferAnswer:
    """The state of both legs' descriptions. `offer`, then any number of `answer` (early media may repeat), then `settle` or `withdraw`.

    With `g711_first` PCMU and PCMA are moved to the front of what is offered, because only in them tones can be seen and masked.
    `keys` says what each leg may have of SRTP; without it both are plain.
    """

    def __init__(
        self,
        ports: MediaPorts,
        session_ids: Mapping[Leg, int],
        *,
        g711_first: bool = False,
        keys: Mapping[Leg, LegKeys] | None = None,
    ) -> None:
        self._keys = keys or {leg: LegKeys(SrtpTerms(), no_keys) for leg in Leg}
        self._sides = {leg: LocalSide(session_ids[leg], ports.of(leg)) for leg in Leg}
        self._agreed: dict[Leg, LegMedia] = {}
        self._proposed: dict[Leg, LegMedia] = {}
        self._profiles: dict[Leg, Profile] = {}
        self._open: _Open | None = None
        self._g711_first = g711_first

    @property
    def offerer(self) -> Leg | None:
        """The leg whose offer is open, if one is."""
        return self._open.source if self._open else None

    def media(self, leg: Leg) -> LegMedia | None:
        """What a leg's relay is to be given: the newest answered state, early media included."""
        return self._proposed.get(leg) or self._agreed.get(leg)

    def restate(self, leg: Leg) -> bytes | None:
        """What the edge and a leg have agreed, for a session refresh that changes nothing (RFC 4028 section 7.4)."""
        return self._sides[leg].restate()

    def offer(self, source: Leg, body: bytes) -> bytes:
        """A peer's offer; answers the edge's offer for the other leg.

        Raises MalformedSdpError (400), UnacceptableSdpError (488), OfferAnswerError when an offer is open already.
        """
        if self._open is not None:
            raise OfferAnswerError("an offer is open: answer or withdraw it first (RFC 3264 section 4)")
        description = parse(body)
        side = self._sides[source]
        stream = audio_stream(description, judge=self._keys[source].of_offer, ip_version=side.ip_version)
        crypto = self._keys[source.other].offer()
        voice = self._ordered(stream.voice)
        events = with_events(voice, stream.events, stream.redundancy)
        known = (*voice, *events)
        known += redundancy_for(known, stream.redundancy)
        self._open = _Open(source, stream, voice, events, side.slots, side.audio_slot)
        side.slots, side.audio_slot = slots_of(description), stream.slot
        return self._sides[source.other].state(
            Audio(
                known,
                stream.direction,
                stream.ptime_ms,
                stream.max_ptime_ms,
                crypto.lines,
                crypto.secured_profile,
            )
        )

    def answer(self, source: Leg, body: bytes) -> bytes:
        """The other peer's answer, or that of another phone that rings too; answers the edge's answer for the offerer.

        Raises MalformedSdpError or UnacceptableSdpError: then nothing is changed, and the caller withdraws and ends the attempt.
        """
        if self._open is None or self._open.source is source:
            raise OfferAnswerError("no offer is open for this leg to answer (RFC 3264 section 4)")
        offerer, offer = self._open.source, self._open.stream
        description = parse(body)
        side = self._sides[source]
        judge = self._keys[source].of_answer
        answer = audio_stream(description, slot=side.audio_slot, judge=judge, ip_version=side.ip_version)
        agreement = agree(offer, answer)
        numbers = numbers_of(description.media[answer.slot])
        offered, answered = self._sides_of(self._open, answer, agreement, numbers)
        self._profiles = {offerer: offer.profile, source: answer.profile}
        told, said = self._proposed.get(offerer), self._sides[offerer].restate()
        if said is not None and told is not None and suffices(told, offered, answered):
            # RFC 3261 section 13.2.1: the first answer holds, and later ones may be ignored. So it changes only if it must.
            self._proposed[source] = answered
            return said
        if told is not None:
            offered = replace(offered, codecs=tuple(dict.fromkeys(offered.codecs + told.codecs)))
        self._proposed = {offerer: offered, source: answered}
        # The answerer's parameters are its own wishes, so they go back under the offerer's payload types.
        back = tuple(
            replace(ours, fmtp=theirs.fmtp)
            for ours, theirs in zip(agreement.offerer, agreement.answerer, strict=True)
        )
        return self._sides[offerer].state(
            Audio(
                (*back, *offered.telephone_events, *offered.redundancy),
                agreement.direction,
                answer.ptime_ms,
                answer.max_ptime_ms,
                self._keys[offerer].answer(offer.crypto),
            )
        )

    def _sides_of(
        self, open_: _Open, answer: AudioStream, agreement: Agreement, numbers: tuple[int, ...]
    ) -> tuple[LegMedia, LegMedia]:
        """What holds on the offerer's leg and on the answerer's, whose answer uses these `numbers`."""
        source, offer = open_.source.other, open_.stream
        offered_events = events_for(agreement.offerer, offer.events)
        answered_events = events_for(agreement.answerer, answer.events)
        offered = LegMedia(
            remote=self._remote(open_.source, offer),
            codecs=agreement.offerer,
            telephone_events=offered_events,
            ptime_ms=_packet_ms(offer),
            direction=agreement.direction,
            security=self._keys[open_.source].secured(offer.crypto),
            # Redundancy ends on its leg, so that what the offerer may use does not depend on what the other side knows.
            redundancy=redundancy_for((*agreement.offerer, *offered_events), offer.redundancy),
        )
        answered = LegMedia(
            remote=self._remote(source, answer),
            codecs=agreement.answerer + under_offered_numbers(open_.voice, agreement.answerer, numbers),
            telephone_events=answered_events + under_offered_numbers(open_.events, answered_events, numbers),
            ptime_ms=_packet_ms(answer),
            direction=reverse(agreement.direction),
            security=self._keys[source].secured(answer.crypto),
            redundancy=redundancy_for((*agreement.answerer, *answered_events), answer.redundancy),
        )
        return offered, answered

    def refreshed(self, leg: Leg, body: bytes) -> None:
        """The answer to what `restate` gave: the peer may have moved or changed its key, and nothing else is taken from it.

        Raises MalformedSdpError or UnacceptableSdpError, and then nothing has changed.
        """
        keys, side = self._keys[leg], self._sides[leg]
        stream = audio_stream(
            parse(body), slot=side.audio_slot, judge=keys.of_refresh, ip_version=side.ip_version
        )
        before = self._agreed.get(leg)
        if before is not None:
            security = keys.secured(stream.crypto)
            self._leave_key(leg, security)
            self._agreed[leg] = replace(before, remote=self._remote(leg, stream), security=security)

    def settle(self) -> None:
        """The exchange is complete: what was answered last holds from now on."""
        for leg, media in self._proposed.items():
            self._keys[leg].settle(media.security, self._profiles[leg])
            self._leave_key(leg, media.security)
            self._sides[leg].settle()
        self._agreed |= self._proposed
        self._proposed = {}
        self._open = None

    def withdraw(self) -> None:
        """The offer was refused or its transaction failed: what was agreed before holds on (RFC 3261 section 14.1)."""
        if self._open is not None:
            side = self._sides[self._open.source]
            side.slots, side.audio_slot = self._open.slots, self._open.audio_slot
            for each in self._sides.values():
                each.withdraw()
        self._proposed = {}
        self._open = None

    def _leave_key(self, leg: Leg, security: Srtp | None) -> None:
        """Zero the peer's key that another one has replaced."""
        before = self._agreed.get(leg)
        if before is not None and before.security is not None and before.security != security:
            before.security.receives.destroy()

    def allow_keys(self, leg: Leg, *, allowed: bool) -> None:
        """Whether the leg's signalling may carry keys by now: its far end may have moved."""
        self._keys[leg].keys_allowed = allowed

    def destroy(self) -> None:
        """The call is over: zero the keys of its media, ours and theirs, and forget what was said of them."""
        for media in (*self._agreed.values(), *self._proposed.values()):
            if media.security is not None:
                media.security.receives.destroy()
        for leg in Leg:
            self._keys[leg].destroy()
            self._sides[leg].forget()

    def _ordered(self, voice: tuple[Codec, ...]) -> tuple[Codec, ...]:
        if not self._g711_first:
            return voice
        return tuple(sorted(voice, key=lambda codec: codec.name not in G711))

    def _remote(self, leg: Leg, stream: AudioStream) -> MediaAddress:
        """Where the peer receives. A hold by 0.0.0.0 names no place: the last one stays, for RTCP and for the way back."""
        before = self._agreed.get(leg)
        if before is not None and ip_address(stream.remote.host).is_unspecified:
            return before.remote
        return stream.remote


def _packet_ms(stream: AudioStream) -> int:
    """The packets that a peer wants to be sent: as long as it says, and never longer than it can take (RFC 8866 section 6.4)."""
    wanted = stream.ptime_ms or DEFAULT_PTIME_MS
    return min(wanted, stream.max_ptime_ms or wanted)
