/* Level B of the ear: a careful look at one stretch of 80 ms for one key. It measures what Look in look.py lists, and refuses to decide. */
#include <math.h>
#include <string.h>

#include "ear.h"

#define PI 3.14159265358979323846
#define RATE 8000.0

struct phasor {
    float re, im;
};

/* What is known of a stretch, block by block. */
struct blocks {
    struct phasor tones[BLOCKS][2];
    float power[BLOCKS];
    float size[BLOCKS][2];
    float height[BLOCKS][2];
    float level[BLOCKS];
    uint8_t on[BLOCKS];
    uint8_t full[BLOCKS];
    int lit; /* how many are full */
};

static float within(float number, float least, float most) { return number < least ? least : number > most ? most : number; }

static float centre(int block) { return (float)(STEP * block) + BLOCK / 2.0f; }

static float length(float re, float im) { return sqrtf(re * re + im * im); }

/* The stretch without hum and dial tone. */
static void clean_of_nuisances(const float *nuisance, const float *restrict stretch, float *restrict clean) {
    float shares[NUISANCES];
    for (int each = 0; each < NUISANCES; each++) {
        const float *wave = nuisance + each * STRETCH;
        float lanes[LANES] = {0};
        for (int at = 0; at < STRETCH; at += LANES)
            for (int lane = 0; lane < LANES; lane++) lanes[lane] += stretch[at + lane] * wave[at + lane];
        shares[each] = 0;
        for (int lane = 0; lane < LANES; lane++) shares[each] += lanes[lane];
    }
    memcpy(clean, stretch, STRETCH * sizeof *clean);
    for (int each = 0; each < NUISANCES; each++) {
        const float *wave = nuisance + each * STRETCH;
        for (int at = 0; at < STRETCH; at++) clean[at] -= shares[each] * wave[at];
    }
}

/* Phasors of both tones in every block, by least squares, and each block's mean square. */
static void demodulate(const struct look_tables *tables, const float *clean, int key, struct blocks *found) {
    const float *fit = tables->fits + key * BLOCK * 4;
    const float *rotors = tables->rotors + key * BLOCKS * 4;
    for (int block = 0; block < BLOCKS; block++) {
        const float *samples = clean + STEP * block;
        float sums[4] = {0}, lanes[LANES] = {0};
        for (int at = 0; at < BLOCK; at++)
            for (int each = 0; each < 4; each++) sums[each] += samples[at] * fit[4 * at + each];
        for (int at = 0; at < BLOCK; at += LANES)
            for (int lane = 0; lane < LANES; lane++) lanes[lane] += samples[at + lane] * samples[at + lane];
        float energy = 0;
        for (int lane = 0; lane < LANES; lane++) energy += lanes[lane];
        found->power[block] = energy / BLOCK;
        for (int tone = 0; tone < 2; tone++) {
            float re = sums[2 * tone], im = sums[2 * tone + 1];
            float turn_re = rotors[4 * block + 2 * tone], turn_im = rotors[4 * block + 2 * tone + 1];
            found->tones[block][tone].re = re * turn_re - im * turn_im;
            found->tones[block][tone].im = re * turn_im + im * turn_re;
            found->size[block][tone] = length(found->tones[block][tone].re, found->tones[block][tone].im);
        }
    }
}

/* Median amplitude of a tone around the anchor, never zero. */
static float steady_size(const struct blocks *found, int anchor, int tone) {
    int begin = anchor - STEADY_BLOCKS / 2;
    begin = begin < 0 ? 0 : begin > BLOCKS - STEADY_BLOCKS ? BLOCKS - STEADY_BLOCKS : begin;
    float ranked[STEADY_BLOCKS];
    for (int count = 0; count < STEADY_BLOCKS; count++) {
        float next = found->size[begin + count][tone];
        int at = count;
        for (; at > 0 && ranked[at - 1] > next; at--) ranked[at] = ranked[at - 1];
        ranked[at] = next;
    }
    return ranked[STEADY_BLOCKS / 2] + 0.01f;
}

/* Where the envelope stands in each block, of a tone's height of 1. */
static void measure_envelope(struct blocks *found, const float steady[2]) {
    float whole = steady[0] * steady[0] + steady[1] * steady[1];
    for (int block = 0; block < BLOCKS; block++) {
        const float *size = found->size[block];
        float row = size[0] / steady[0], column = size[1] / steady[1];
        found->height[block][0] = row;
        found->height[block][1] = column;
        found->level[block] = sqrtf((size[0] * size[0] + size[1] * size[1]) / whole);
        found->on[block] = found->level[block] >= 0.5f && (row < column ? row : column) >= 0.35f;
    }
}

/* First and last block of the tone around the anchor, holes bridged. */
static void find_edges(const struct look_tables *tables, const struct blocks *found, int anchor, int *first, int *last) {
    int before = -1, after = BLOCKS, dark = 0;
    for (int block = 0; block < BLOCKS; block++) {
        dark = found->on[block] ? 0 : dark + 1;
        if (dark < tables->hole_blocks) continue;
        int start = block - tables->hole_blocks + 1;
        if (block <= anchor) before = block;
        if (start >= anchor && start < after) after = start;
    }
    *first = *last = -1;
    for (int block = before + 1; block < after; block++) {
        if (!found->on[block]) continue;
        if (*first < 0) *first = block;
        *last = block;
    }
    if (*first < 0) *first = *last = anchor;
}

/* How far from a block's centre towards a lower neighbour the envelope crosses half its height, in samples. */
static float to_crossing(float high, float low) {
    float fall = high - low;
    return STEP * within((high - 0.5f) / (fall > 0.05f ? fall : 0.05f), 0, 1);
}

/* The lesser rise of the two tones, as a share of their height, over some blocks to either side of the onset. */
static float attack_of(const struct look_tables *tables, const struct blocks *found, float onset) {
    int middle = (int)rintf((onset - BLOCK / 2.0f) / STEP);
    if (middle < tables->attack_steps) return -1;
    int later = middle + tables->attack_steps < BLOCKS ? middle + tables->attack_steps : BLOCKS - 1;
    float least = INFINITY;
    for (int tone = 0; tone < 2; tone++) {
        float after = found->height[later][tone];
        float rise = (after < tables->highest ? after : tables->highest) - found->height[middle - tables->attack_steps][tone];
        least = rise < least ? rise : least;
    }
    return least;
}

/* Samples between the places where the two tones last rose through half their height before the anchor. */
static float apart_of(const struct blocks *found, int anchor) {
    float crossing[2];
    for (int tone = 0; tone < 2; tone++) {
        int last = anchor;
        while (last >= 0 && !(found->height[last][tone] < 0.5f)) last--;
        float low = found->height[last < 0 ? 0 : last][tone];
        float high = found->height[last + 1 < BLOCKS ? last + 1 : BLOCKS - 1][tone];
        float rise = high - low;
        crossing[tone] = STEP * ((float)last + within((0.5f - low) / (rise > 1e-3f ? rise : 1e-3f), 0, 1));
    }
    return fabsf(crossing[0] - crossing[1]);
}

/* Mean turn of a tone's phase, in radians, over `lag` steps of lit blocks; `pairs` is how many there are. */
static float turn_of(const struct blocks *found, int tone, int lag, int *pairs) {
    float re = 0, im = 0;
    *pairs = 0;
    for (int block = lag; block < BLOCKS; block++) {
        if (!found->full[block] || !found->full[block - lag]) continue;
        struct phasor now = found->tones[block][tone], then = found->tones[block - lag][tone];
        re += now.re * then.re + now.im * then.im;
        im += now.im * then.re - now.re * then.im;
        ++*pairs;
    }
    return atan2f(im, re);
}

/* Error of a tone's frequency in Hz, by the turn of phase over a short lag, then over a longer one around it. */
static float offset_hz(const struct look_tables *tables, const struct blocks *found, int tone) {
    int pairs;
    float coarse = turn_of(found, tone, tables->coarse_lag, &pairs), fine = turn_of(found, tone, tables->fine_lag, &pairs);
    double expected = coarse * (double)tables->fine_lag / tables->coarse_lag, off = fine - expected;
    double turn = pairs < tables->fewest_pairs ? expected : expected + (off - 2 * PI * floor((off + PI) / (2 * PI)));
    return (float)(turn * (RATE / (2 * PI * STEP * tables->fine_lag)));
}

/* The lit phasors of a tone turned back by its own offset: those of a constant sine all point the same way. A hole may have swallowed any
   number of samples, so what follows the first one is turned to point as what came before. */
static void straighten(const struct look_tables *tables, const struct blocks *found, int tone, float off_hz, struct phasor *straight) {
    double step = -2 * PI / RATE * off_hz * STEP;
    double turn_re = cos(step), turn_im = sin(step), re = turn_re, im = turn_im; /* The first centre is one step in. */
    struct phasor early = {0, 0}, late = {0, 0};
    int after_hole = BLOCKS, dark = -1; /* -1: nothing was lit yet */
    for (int block = 0; block < BLOCKS; block++) {
        struct phasor was = found->tones[block][tone];
        straight[block].re = found->full[block] ? (float)(was.re * re - was.im * im) : 0;
        straight[block].im = found->full[block] ? (float)(was.re * im + was.im * re) : 0;
        double next = re * turn_re - im * turn_im;
        im = re * turn_im + im * turn_re;
        re = next;
        dark = found->full[block] ? 0 : dark < 0 ? -1 : dark + 1;
        if (dark >= tables->hole_seen && after_hole == BLOCKS) after_hole = block;
        struct phasor *sum = block < after_hole ? &early : &late;
        sum->re += straight[block].re;
        sum->im += straight[block].im;
    }
    if (after_hole == BLOCKS) return;
    float unit_re = early.re * late.re + early.im * late.im, unit_im = early.im * late.re - early.re * late.im;
    float size = length(unit_re, unit_im);
    size = size > 1e-9f ? size : 1e-9f;
    unit_re /= size, unit_im /= size;
    for (int block = after_hole; block < BLOCKS; block++) {
        struct phasor was = straight[block];
        straight[block].re = was.re * unit_re - was.im * unit_im;
        straight[block].im = was.re * unit_im + was.im * unit_re;
    }
}

/* How fast a tone's frequency changes, in Hz a second: the bend of its phase, by least squares. */
static double glide_of(const struct blocks *found, const struct phasor *straight, struct phasor sum) {
    double weight = found->lit > 1 ? found->lit : 1, middle = 0, mean_square = 0;
    for (int block = 0; block < BLOCKS; block++)
        if (found->full[block]) middle += centre(block) / weight;
    for (int block = 0; block < BLOCKS; block++) {
        double time = (centre(block) - middle) / RATE;
        if (found->full[block]) mean_square += time * time / weight;
    }
    double curve = 0, bends = 0;
    for (int block = 0; block < BLOCKS; block++) {
        if (!found->full[block]) continue;
        struct phasor is = straight[block];
        double phase = atan2f(is.im * sum.re - is.re * sum.im, is.re * sum.re + is.im * sum.im);
        double time = (centre(block) - middle) / RATE, bend = time * time - mean_square;
        curve += phase * bend;
        bends += bend * bend;
    }
    return fabs(curve / (bends > 1e-12 ? bends : 1e-12)) / PI;
}

/* One tone: its squared amplitude as a constant sine, that one's share of the tone's power, its offset in Hz, and its glide. */
static void measure_tone(const struct look_tables *tables, const struct blocks *found, int tone, float *square, float *steadiness,
                         float *off_hz, double *glide) {
    struct phasor straight[BLOCKS], sum = {0, 0};
    float whole = 0, weight = found->lit > 1 ? (float)found->lit : 1;
    *off_hz = offset_hz(tables, found, tone);
    straighten(tables, found, tone, *off_hz, straight);
    for (int block = 0; block < BLOCKS; block++) {
        sum.re += straight[block].re;
        sum.im += straight[block].im;
        whole += straight[block].re * straight[block].re + straight[block].im * straight[block].im;
    }
    *square = (sum.re * sum.re + sum.im * sum.im) / (weight * weight);
    *steadiness = *square / (whole / weight + 1e-6f);
    *glide = glide_of(found, straight, sum);
}

/* Measure a stretch that is suspected of the key at place `key`, which certainly sounded, if it did, around sample `anchor`. */
void look_at(const struct look_tables *tables, const float *stretch, int32_t key, int32_t anchor, float *measures) {
    float clean[STRETCH];
    struct blocks found;
    clean_of_nuisances(tables->nuisance, stretch, clean);
    demodulate(tables, clean, key, &found);
    int middle = anchor < BLOCK / 2 ? 0 : (anchor - BLOCK / 2) / STEP;
    middle = middle < BLOCKS ? middle : BLOCKS - 1;
    float steady[2] = {steady_size(&found, middle, 0), steady_size(&found, middle, 1)};
    measure_envelope(&found, steady);
    int first, last;
    find_edges(tables, &found, middle, &first, &last);
    const float *level = found.level;
    float onset = first == 0 ? 0 : centre(first) - to_crossing(level[first], level[first - 1]);
    float end = last == BLOCKS - 1 ? STRETCH : centre(last) + to_crossing(level[last], level[last + 1]);
    int holes = 0;
    float power = 0;
    found.lit = 0;
    for (int block = 0; block < BLOCKS; block++) {
        int inside = first <= block && block <= last;
        holes += inside && !found.on[block];
        found.full[block] = inside && found.on[block] && level[block] >= 0.8f;
        found.lit += found.full[block];
        power += found.full[block] ? found.power[block] : 0;
    }
    float square[2], steadiness[2], off_hz[2];
    double glide[2];
    for (int tone = 0; tone < 2; tone++)
        measure_tone(tables, &found, tone, square + tone, steadiness + tone, off_hz + tone, glide + tone);
    float explained = (square[0] + square[1]) / 2;
    const float told[MEASURES] = {
        onset,
        end,
        end - onset - (float)(STEP * holes),
        off_hz[0] / tables->pair_hz[2 * key],
        off_hz[1] / tables->pair_hz[2 * key + 1],
        20 * log10f(steady[1] / steady[0]),
        explained / (power / (found.lit > 1 ? (float)found.lit : 1) + 1),
        steadiness[0] < steadiness[1] ? steadiness[0] : steadiness[1],
        (float)(glide[0] > glide[1] ? glide[0] : glide[1]),
        attack_of(tables, &found, onset),
        apart_of(&found, middle),
        explained,
    };
    memcpy(measures, told, sizeof told);
}

/* The stretch before sample `end` of a call, which must lie in what its ear remembers. */
void ear_look(const struct look_tables *tables, const struct ear *ear, int64_t end, int32_t key, int32_t anchor, float *measures) {
    float stretch[STRETCH];
    const int16_t *first = ear->past + PAST - STRETCH - (ear->position - end);
    for (int at = 0; at < STRETCH; at++) stretch[at] = first[at];
    look_at(tables, stretch, key, anchor, measures);
}

/* Stretches one after another, (rows, STRETCH): for plots and tests. */
void look_rows(const struct look_tables *tables, const float *stretches, const int32_t *keys, const int32_t *anchors, int32_t rows,
               float *measures) {
    for (int32_t row = 0; row < rows; row++)
        look_at(tables, stretches + (int64_t)row * STRETCH, keys[row], anchors[row], measures + (int64_t)row * MEASURES);
}
