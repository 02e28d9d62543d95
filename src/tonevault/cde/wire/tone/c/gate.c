/* Which samples of a delay line may leave it and which may not, with faded edges. It refuses to know why a stretch is closed; see gate.py. */
#include <string.h>

#include "mask.h"

/* Where the samples begin that are remembered. */
static int64_t origin_of(const struct line *line) { return line->position - GATED; }

/* Whether anything that is remembered may be closed; what is remembered of other lines is out of date. */
static int is_touched(const struct line *line) { return line->until > origin_of(line); }

/* A position as a place in what is remembered. */
static int64_t place_of(const struct line *line, int64_t position) {
    int64_t place = position - origin_of(line);
    return place < 0 ? 0 : place > GATED ? GATED : place;
}

static int any(const uint8_t *closed, int64_t count) { return count > 0 && memchr(closed, 1, (size_t)count) != NULL; }

/* The first position from which a stretch can still be closed whole, its fade included. */
int64_t gate_earliest(const struct line *line) { return line->position - DELAY + FADE; }

/* Samples enter the line, at most SLICE; as many leave it, of which gate_gain then tells. */
void gate_enter(struct line *line, int32_t count) {
    if (is_touched(line)) {
        int64_t fresh = line->until - line->position;
        fresh = fresh < 0 ? 0 : fresh > count ? count : fresh;
        memmove(line->closed, line->closed + count, (size_t)(GATED - count));
        memset(line->closed + GATED - count, 1, (size_t)fresh);
        memset(line->closed + GATED - count + fresh, 0, (size_t)(count - fresh));
    }
    line->position += count;
}

/* Close from `start` to before `stop`, also where that has not yet entered. */
void gate_close(struct line *line, int64_t start, int64_t stop) {
    if (!is_touched(line)) memset(line->closed, 0, sizeof line->closed);
    int64_t from = place_of(line, start), to = place_of(line, stop);
    if (to > from) memset(line->closed + from, 1, (size_t)(to - from));
    line->until = stop > line->until ? stop : line->until;
}

/* Whether any sample in the line, or yet to enter it, is closed, or the fade after one has not yet left. */
int gate_holds(const struct line *line) {
    if (line->until > line->position) return 1;
    return is_touched(line) && any(line->closed + GATED - DELAY - FADE, DELAY + FADE);
}

/* Whether every remembered sample from `start` to before `stop` is closed. */
int gate_kept(const struct line *line, int64_t start, int64_t stop) {
    if (!is_touched(line)) return stop <= start;
    int64_t from = place_of(line, start), to = place_of(line, stop);
    return to <= from || memchr(line->closed + from, 0, (size_t)(to - from)) == NULL;
}

/* Whether the `count` samples that left last are not all open; then also their gain, 0 to 1. */
int gate_gain(const struct line *line, const float *ramp, int32_t count, float *gain) {
    if (line->until <= line->position - DELAY - count - FADE) return 0;
    const uint8_t *closed = line->closed + GATED - DELAY - count - FADE; /* `count` and FADE more on either side */
    if (!any(closed, count + 2 * FADE)) return 0;
    float is_open[SLICE + FADE];
    int last = -1; /* The last closed sample so far: FADE before it and FADE after it nothing is fully open. */
    for (int at = 0; at < FADE; at++)
        if (closed[at]) last = at;
    for (int at = 0; at < count + FADE; at++) {
        if (closed[at + FADE]) last = at + FADE;
        is_open[at] = last < at ? 1.0f : 0.0f;
    }
    for (int at = 0; at < count; at++) gain[at] = 0;
    for (int tap = 0; tap <= FADE; tap++)
        for (int at = 0; at < count; at++) gain[at] += is_open[at + tap] * ramp[tap];
    return 1;
}
