/* Waits for datagrams, carries those of lanes, and leaves the rest. It allocates nothing, opens nothing, and keeps no digit: what was left is
   wiped before the next wait. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "lanes.h"

static double monotonic(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void pause_for(double seconds) {
    const struct timespec wanted = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
    nanosleep(&wanted, NULL);
}

static void leave(struct lanes *lanes, int32_t descriptor, int32_t length) {
    lanes->left[lanes->left_count++] = (struct left){descriptor, length};
}

static void wipe_left(struct lanes *lanes) {
    for (int32_t at = 0; at < lanes->left_count; at++) {
        if (lanes->left[at].length > 0) memset(lanes->datagrams[at], 0, (size_t)lanes->left[at].length);
    }
    lanes->left_count = 0;
}

/* A connected socket tells with the next send of an ICMP message that came before it, and sends nothing. Whoever can forge such messages must
   not be able to take packets away by them, so it is sent again. */
static void send_to(struct lanes *lanes, int32_t hearer, const uint8_t *datagram, int32_t length) {
    lanes->sent += 1;
    if (send(hearer, datagram, (size_t)length, MSG_DONTWAIT) >= 0) return;
    if (errno == ECONNREFUSED && send(hearer, datagram, (size_t)length, MSG_DONTWAIT) >= 0) return;
    lanes->failures += 1;
}

static void serve(struct lanes *lanes, int32_t descriptor, double now) {
    const struct lane *lane = descriptor < lanes->lane_count ? &lanes->lane[descriptor] : NULL;
    if (lane == NULL || lane->track == NULL) {
        leave(lanes, descriptor, NOT_READ);
        return;
    }
    uint8_t *datagram = lanes->datagrams[lanes->left_count];
    const int32_t length = (int32_t)recv(descriptor, datagram, LARGEST, MSG_DONTWAIT);
    if (length < 0) return;
    lanes->received += 1;
    if (track_forward(lane->track, datagram, length, now)) {
        send_to(lanes, lane->hearer, datagram, length);
    } else {
        leave(lanes, descriptor, length);
    }
}

/* Wipe what was left, and find out which sockets have something. None, if the controller asks for something: that is to be done before any datagram is read. */
int32_t lanes_await(struct lanes *lanes, double longest_s) {
    struct epoll_event events[EVENTS_A_TURN];
    wipe_left(lanes);
    const int32_t longest_ms = longest_s > 0 ? (int32_t)(1e3 * longest_s + 0.999) : 0;
    const int32_t count = epoll_wait(lanes->poller, events, EVENTS_A_TURN, longest_ms);
    lanes->asked = lanes->ready_count = 0;
    for (int32_t at = 0; at < count; at++) {
        if (events[at].data.fd == lanes->control) {
            lanes->asked = (int32_t)events[at].events;
            lanes->ready_count = 0;
            return 0;
        }
        lanes->ready[lanes->ready_count++] = events[at].data.fd;
    }
    return lanes->ready_count;
}

/* A datagram of each socket that has one. Gives back how many are left to look at. */
int32_t lanes_serve(struct lanes *lanes, double now) {
    lanes->now = now;
    for (int32_t at = 0; at < lanes->ready_count; at++) serve(lanes, lanes->ready[at], now);
    return lanes->left_count;
}

/* Turn after turn, until something is left, the controller asks for something, or it is `until`. */
int32_t lanes_run(struct lanes *lanes, double until) {
    do {
        if (lanes->gather_s > 0 && lanes->ready_count < BEHIND && !lanes->hurries) pause_for(lanes->gather_s);
        lanes->hurries = 0;
        lanes_await(lanes, until - monotonic());
        lanes_serve(lanes, monotonic());
    } while (!lanes->asked && !lanes->left_count && lanes->now < until);
    return lanes->left_count;
}

int32_t lanes_fit(const int32_t *sizes, int32_t count) {
    const int32_t own[] = {
        LARGEST, EVENTS_A_TURN, BEHIND, (int32_t)(1e3 * JUMP_S), sizeof(struct track), sizeof(struct lane), sizeof(struct lanes),
    };
    return (size_t)count * sizeof *sizes == sizeof own && memcmp(own, sizes, sizeof own) == 0;
}
