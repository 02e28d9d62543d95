/* What a relay worker's loop does with a datagram between two settled peers. It refuses to decide anything: whatever is not plainly the
   next packet is left to Python, in which every rule is written. Sizes are compared with Python's when the library is first used. */
#ifndef TONEVAULT_LANES_H
#define TONEVAULT_LANES_H

#include <stdint.h>

enum {
    HEADER = 12,           /* RFC 3550 section 5.1, without contributors */
    LARGEST = 2048,        /* media_socket.py: LARGEST_DATAGRAM */
    EVENTS_A_TURN = 64,    /* lanes.py */
    BEHIND = 24,           /* lanes.py */
    NOT_READ = -1          /* lanes.py: a socket that has something, but no lane */
};

/* direct_path.py: where the source's numbers stand, and how they become the stream's. */
#define JUMP_S 2.0         /* track.py */

struct track {
    uint64_t newest;       /* header of the source's newest packet as one number: first octet, type, sequence number, timestamp */
    uint64_t stride;       /* what a next packet adds to it */
    uint64_t last;         /* beyond which either count would begin again at 0; 0: nothing goes on directly */
    uint64_t shift;        /* what makes the source's number the stream's */
    double heard_at;
    double step_s;         /* from one packet to the next */
    double jitter_s;       /* RFC 3550 section 6.4.1, but in seconds */
    int64_t packets;       /* carried since they were counted last */
    int64_t octets;
    const uint8_t *table;  /* changes the law of each octet, if it must change */
    uint32_t ssrc;
    uint32_t stream_ssrc;
};

struct lane {
    struct track *track;   /* NULL: this descriptor has no lane */
    int32_t hearer;        /* descriptor of the socket that is connected to who hears it */
};

struct left {
    int32_t descriptor;
    int32_t length;
};

struct lanes {
    double gather_s;       /* datagrams are let gather for so long before a turn */
    double now;            /* monotonic seconds of the turn */
    int64_t received, sent, failures;
    struct lane *lane;     /* by descriptor */
    int32_t lane_count;
    int32_t poller;        /* epoll(7) */
    int32_t control;       /* descriptor of the controller's socket; -1: there is none */
    int32_t asked;         /* epoll's events of the controller's socket: nothing was read, for what it asks for comes first */
    int32_t hurries;       /* the next turn comes at once */
    int32_t ready_count;   /* sockets that wait to be served */
    int32_t left_count;    /* datagrams and sockets that Python has to look at */
    int32_t ready[EVENTS_A_TURN];
    struct left left[EVENTS_A_TURN];
    uint8_t datagrams[EVENTS_A_TURN][LARGEST];
};

int32_t track_forward(struct track *track, uint8_t *datagram, int32_t length, double now);
int32_t lanes_await(struct lanes *lanes, double longest_s);
int32_t lanes_serve(struct lanes *lanes, double now);
int32_t lanes_run(struct lanes *lanes, double until);
int32_t lanes_fit(const int32_t *sizes, int32_t count);

#endif
