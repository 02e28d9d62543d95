/* One call's next samples through level A, and which of its windows may hold a tone: early suspicion, for the mask, and what is worth a
   careful look, for the tracker. It refuses to look carefully and to name a key for certain; see suspicion.py and ear.py. */
#include <math.h>
#include <string.h>

#include "ear.h"

/* The strongest row and column, as 4 * row + column. */
static int strongest_key(const float *tones) {
    int row = 0, column = 0;
    for (int tone = 1; tone < TONES / 2; tone++) {
        if (tones[tone] > tones[row]) row = tone;
        if (tones[TONES / 2 + tone] > tones[TONES / 2 + column]) column = tone;
    }
    return 4 * row + column;
}

static int is_worth_a_look(const struct suspicion_limits *limits, const struct screening *found) {
    return found->pair >= limits->worth_a_look * found->above && found->energy >= limits->faintest_window &&
           found->weaker >= limits->faintest_weaker * found->above;
}

/* By how much one tone's frequency is off, relative to it: from the turn of its phase over the lag. */
static double offset_of(const struct suspicion_limits *limits, const float *later, const float *earlier, int tone) {
    float now_re = later[2 * tone], now_im = -later[2 * tone + 1];
    float then_re = earlier[2 * tone], then_im = earlier[2 * tone + 1]; /* conjugated twice */
    float re = now_re * then_re - now_im * then_im, im = now_re * then_im + now_im * then_re;
    float turn_re = limits->turn[2 * tone], turn_im = limits->turn[2 * tone + 1];
    return (double)atan2f(re * turn_im + im * turn_re, re * turn_re - im * turn_im) * limits->per_radian[tone];
}

static int is_in_tune(const struct suspicion_limits *limits, const float *later, const float *earlier, int key) {
    double row = offset_of(limits, later, earlier, key / 4), column = offset_of(limits, later, earlier, 4 + key % 4);
    return fabs(row) <= limits->widest_offset && fabs(column) <= limits->widest_offset &&
           fabs(row - column) <= limits->widest_mistuning;
}

/* Whether pair and weaker tone are enough of all there is, less what the latest low bands tell to be dial tone or hum. */
static int is_pure(const struct suspicion_limits *limits, const struct screening *found, const float *low) {
    float least = low[0], most = low[0];
    for (int at = 1; at <= STEADY_WINDOWS; at++) {
        least = low[at] < least ? low[at] : least;
        most = low[at] > most ? low[at] : most;
    }
    float rest = most < limits->steady_ratio * least ? found->above : found->energy;
    return found->pair >= limits->suspect_pair * rest && found->weaker >= limits->suspect_weaker * (rest - found->pair) &&
           found->weaker >= limits->faintest_weaker * rest;
}

/* The past moves on by the samples; what lies before the new ones stays for windows and looks. */
static void remember(struct ear *ear, const int16_t *samples, int32_t count) {
    memmove(ear->past, ear->past + count, (size_t)(PAST - count) * sizeof *ear->past);
    memcpy(ear->past + PAST - count, samples, (size_t)count * sizeof *ear->past);
    ear->position += count;
}

/* The next samples of a call, at most SLICE. Whether its tracker must be told of them. */
int32_t ear_hear(const struct screen_tables *tables, const struct suspicion_limits *limits, struct ear *ear,
              const int16_t *samples, int32_t count, struct glance *glance) {
    int32_t phase = (int32_t)(ear->position % HOP), windows = (phase + count) / HOP;
    glance->first_end = ear->position - phase + HOP;
    glance->onset = NEVER;
    glance->windows = windows;
    int32_t wanted = ear->follows;
    remember(ear, samples, count);
    memset(glance->tonal, 0, sizeof glance->tonal);
    memset(glance->mistuned, 0, sizeof glance->mistuned);
    memset(glance->key, NO_KEY, sizeof glance->key);
    if (windows == 0) return 0;
    float heard[WINDOW + HOP * (WINDOWS - 1)];
    const int16_t *first = ear->past + PAST - count + HOP - phase - WINDOW;
    for (int at = 0; at < WINDOW + HOP * (windows - 1); at++) heard[at] = first[at];
    float low[STEADY_WINDOWS + WINDOWS];
    float waves[LAG + WINDOWS][2 * TONES];
    memcpy(low, ear->low, sizeof ear->low);
    memcpy(waves, ear->waves, sizeof ear->waves);
    for (int window = 0; window < windows; window++) {
        struct screening found;
        screen_window(tables, heard + HOP * window, &found);
        low[STEADY_WINDOWS + window] = found.low;
        memcpy(waves[LAG + window], found.waves, sizeof found.waves);
        memcpy(glance->tones[window], found.tones, sizeof found.tones);
        if (!is_worth_a_look(limits, &found)) continue;
        int key = strongest_key(found.tones);
        int tuned = is_in_tune(limits, waves[LAG + window], waves[window], key);
        glance->key[window] = (int8_t)key;
        glance->mistuned[window] = !tuned;
        glance->tonal[window] = tuned && is_pure(limits, &found, low + window);
        wanted |= tuned;
    }
    memcpy(ear->low, low + windows, sizeof ear->low);
    memcpy(ear->waves, waves[windows], sizeof ear->waves);
    return wanted;
}
