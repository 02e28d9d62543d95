/* What this library was compiled for. It refuses a Python that means other sizes: then one of the two is of another version. */
#include <string.h>

#include "mask.h"

static int32_t are(const int32_t *own, size_t octets, const int32_t *sizes, int32_t count) {
    return (size_t)count * sizeof *sizes == octets && memcmp(own, sizes, octets) == 0;
}

int32_t screen_fits(const int32_t *sizes, int32_t count) {
    const int32_t own[] = {WINDOW, HOP, COLUMNS, sizeof(struct screening), sizeof(struct screen_tables)};
    return are(own, sizeof own, sizes, count);
}

int32_t look_fits(const int32_t *sizes, int32_t count) {
    const int32_t own[] = {STRETCH, BLOCK, STEP, NUISANCES, STEADY_BLOCKS, MEASURES, sizeof(struct look_tables)};
    return are(own, sizeof own, sizes, count);
}

int32_t ear_fits(const int32_t *sizes, int32_t count) {
    const int32_t own[] = {
        SLICE, LAG, STEADY_WINDOWS, sizeof(struct suspicion_limits), sizeof(struct ear), sizeof(struct glance),
    };
    return are(own, sizeof own, sizes, count);
}

int32_t passage_fits(const int32_t *sizes, int32_t count) {
    const int32_t own[] = {
        DELAY, FADE, HISTORY, FRAME, MEMORY_FRAMES, STEADY_FRAMES, NOISE_LENGTH, BEEP_SAMPLES, MENDED,
        sizeof(struct mask_tables), sizeof(struct line), sizeof(struct passage),
    };
    return are(own, sizeof own, sizes, count);
}
