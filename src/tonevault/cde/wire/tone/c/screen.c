/* Level A of the ear, window by window: a tapered projection on the tones and on the band below them. It refuses to judge; see screen.py. */
#include "ear.h"

static float larger(float one, float other) { return one > other ? one : other; }

/* The sum of squares of a window, each weighed by the taper's. */
static float tapered_energy(const float *restrict taper_energy, const float *restrict samples) {
    float lanes[LANES] = {0};
    for (int at = 0; at < WINDOW; at += LANES)
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane] += samples[at + lane] * samples[at + lane] * taper_energy[at + lane];
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += lanes[lane];
    return sum;
}

void screen_window(const struct screen_tables *tables, const float *samples, struct screening *found) {
    float sums[COLUMNS] = {0};
    for (int at = 0; at < WINDOW; at++)
        for (int column = 0; column < COLUMNS; column++) sums[column] += samples[at] * tables->basis[at * COLUMNS + column];
    float energy = tapered_energy(tables->taper_energy, samples) + tables->silence;
    float low = 0, row = 0, column = 0;
    for (int at = 2 * TONES; at < COLUMNS; at++) low += sums[at] * sums[at];
    for (int tone = 0; tone < TONES; tone++) {
        float cosine = sums[2 * tone], sine = sums[2 * tone + 1];
        float share = cosine * cosine + sine * sine;
        found->waves[2 * tone] = cosine;
        found->waves[2 * tone + 1] = sine;
        found->tones[tone] = share;
        if (tone < TONES / 2)
            row = larger(row, share);
        else
            column = larger(column, share);
    }
    found->energy = energy;
    found->low = low;
    found->above = larger(energy - low, tables->least_above * energy);
    found->pair = row + column;
    found->weaker = row < column ? row : column;
}

/* Windows one after another, (rows, WINDOW): for plots and tests. */
void screen_rows(const struct screen_tables *tables, const float *windows, int32_t rows, struct screening *found) {
    for (int32_t row = 0; row < rows; row++) screen_window(tables, windows + (int64_t)row * WINDOW, found + row);
}
