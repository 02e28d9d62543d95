/* A packet that goes on as the one before did is renumbered by one addition. */
#include <stddef.h>

#include "lanes.h"

static uint64_t read_number(const uint8_t *octets, int32_t count) {
    uint64_t number = 0;
    for (int32_t at = 0; at < count; at++) number = number << 8 | octets[at];
    return number;
}

static void write_number(uint8_t *octets, int32_t count, uint64_t number) {
    for (int32_t at = count - 1; at >= 0; at--, number >>= 8) octets[at] = (uint8_t)number;
}

int32_t track_forward(struct track *track, uint8_t *datagram, int32_t length, double now) {
    if (length <= HEADER || track->last == 0) return 0;
    const uint64_t numbers = read_number(datagram, 8);
    if (numbers - track->newest != track->stride || numbers > track->last || read_number(datagram + 8, 4) != track->ssrc) return 0;
    const double drift = now - track->heard_at - track->step_s;
    if (drift > JUMP_S || drift < -JUMP_S) return 0;
    track->newest = numbers;
    track->heard_at = now;
    track->jitter_s += ((drift > 0 ? drift : -drift) - track->jitter_s) * 0.0625;
    track->packets += 1;
    track->octets += length;
    write_number(datagram, 8, numbers + track->shift);
    write_number(datagram + 8, 4, track->stream_ssrc);
    if (track->table != NULL) {
        for (int32_t at = HEADER; at < length; at++) datagram[at] = track->table[datagram[at]];
    }
    return 1;
}
