/* The noise of a line in its pauses: its measure, whether it takes away what the mask promises, and noise of its level in place of what was
   taken out. It refuses to copy the customer's sound; see comfort_noise.py. */
#include <math.h>
#include <stdlib.h>

#include "mask.h"

static int ascending(const void *one, const void *other) {
    double left = *(const double *)one, right = *(const double *)other;
    return (left > right) - (left < right);
}

/* Powers in their order; gives back how many of them were heard at all. */
static int ranked_frames(const struct line *line, double *ranked) {
    int heard = 0;
    for (int at = 0; at < MEMORY_FRAMES; at++) {
        ranked[at] = line->frames[at];
        heard += line->frames[at] < INFINITY;
    }
    qsort(ranked, MEMORY_FRAMES, sizeof *ranked, ascending);
    return heard;
}

/* Power of the line in its recent pauses; zero where they are digital silence or nothing was heard. */
double floor_power(const struct mask_tables *tables, const struct line *line) {
    double ranked[MEMORY_FRAMES];
    int heard = ranked_frames(line, ranked);
    if (heard > tables->quietest) return ranked[tables->quietest];
    return heard > 0 ? ranked[heard - 1] : 0;
}

/* The second quietest frame that is not digital silence: even speech without pauses soon dips to the line's noise. */
double floor_dip(const struct line *line) {
    double ranked[MEMORY_FRAMES];
    int heard = ranked_frames(line, ranked), silent = 0;
    while (silent < heard && !(ranked[silent] > 0)) silent++;
    return heard - silent > 1 ? ranked[silent + 1] : 0;
}

/* Whether the memory is full and the floor lies above `power`. */
static int is_loud(const struct mask_tables *tables, const struct line *line, double power) {
    int quiet = 0;
    for (int at = 0; at < MEMORY_FRAMES; at++) quiet += line->frames[at] <= power;
    return quiet <= tables->quietest && line->frames[MEMORY_FRAMES - 1] < INFINITY;
}

/* Whether all of the memory sounds like noise: the line said nothing else for as long as that. */
int floor_steady(const struct mask_tables *tables, const struct line *line) {
    double spans[SPANS];
    for (int span = 0; span < SPANS; span++) {
        double sum = 0;
        for (int at = 0; at < STEADY_FRAMES; at++)
            sum += line->frames[(line->next_frame + STEADY_FRAMES * span + at) % MEMORY_FRAMES];
        spans[span] = sum / STEADY_FRAMES;
    }
    qsort(spans, SPANS, sizeof *spans, ascending);
    double loudest = spans[SPANS - 1 - tables->steady_outliers], quietest = spans[tables->steady_outliers];
    return spans[SPANS - 1] < INFINITY && loudest <= tables->steady_ratio * quietest;
}

/* Take samples that hold no tone; whether something new is known of the floor. */
int floor_hear(struct line *line, const int16_t *samples, int32_t count) {
    int64_t energy = 0;
    for (int32_t at = 0; at < count; at++) energy += (int32_t)samples[at] * samples[at];
    line->energy += (double)energy;
    line->count += count;
    if (line->count < FRAME) return 0;
    line->frames[line->next_frame] = line->energy / line->count;
    line->next_frame = (line->next_frame + 1) % MEMORY_FRAMES;
    line->energy = line->count = 0;
    return 1;
}

/* Open audio tells the noise of the line, and whether that takes away what the mask promises. */
void mind_noise(const struct mask_tables *tables, struct line *line, const int16_t *samples, int32_t count) {
    if (!floor_hear(line, samples, count)) return;
    if (line->noisy) {
        line->noisy = floor_power(tables, line) > tables->noise_eased && floor_dip(line) > tables->noise_eased;
        line->steady_for = 0;
    } else if (is_loud(tables, line, tables->noisiest) && floor_steady(tables, line)) {
        line->steady_for++;
        line->noisy = line->steady_for >= tables->steady_for;
    } else {
        line->steady_for = 0;
    }
}

/* The line's own noise where its samples were taken away, in as far as they were. */
void add_noise(const struct mask_tables *tables, struct line *line, const float *gain, int32_t count, float *wave) {
    const float *noise = tables->noise + line->next_noise;
    double power = floor_power(tables, line);
    float scale = (float)sqrt(power < tables->loudest ? power : tables->loudest);
    line->next_noise = (line->next_noise + count) % NOISE_LENGTH;
    for (int32_t at = 0; at < count; at++) {
        float rest = 1 - gain[at] * gain[at];
        wave[at] = wave[at] * gain[at] + noise[at] * scale * sqrtf(rest > 0 ? rest : 0);
    }
}
