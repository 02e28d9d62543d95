/* The state of a captured call's delay line, and the tables of the mask. It refuses to know how a tone is found: that is ear.h's. */
#ifndef TONEVAULT_MASK_H
#define TONEVAULT_MASK_H

#include <stdint.h>

#include "ear.h"

enum {
    DELAY = 160,           /* gate.py */
    FADE = 16,
    HISTORY = 960,
    GATED = HISTORY + DELAY,
    FRAME = 160,           /* comfort_noise.py */
    MEMORY_FRAMES = 75,
    STEADY_FRAMES = 3,
    SPANS = MEMORY_FRAMES / STEADY_FRAMES,
    NOISE_LENGTH = 16381,
    BEEP_SAMPLES = 480,    /* beep.py */
    MENDED = 240           /* delay_line.py: samples of which what entered and what left is remembered */
};

/* comfort_noise.py and delay_line.py say what these are and why. */
struct mask_tables {
    const float *ramp;  /* (FADE + 1): the gate's fade */
    const float *noise; /* (NOISE_LENGTH), and again */
    const float *beep;  /* (BEEP_SAMPLES) */
    double loudest, steady_ratio, noisiest, noise_eased;
    int32_t quietest, steady_outliers, steady_for, hang, before_a_hole, longest_hole;
};

/* One line; Line in delay_line.py. Positions count its samples from 0. */
struct line {
    int64_t position;              /* samples that entered the gate */
    int64_t until;                 /* where the last closed stretch ends */
    int64_t beep_at;               /* where the last beep begins */
    int64_t hole;                  /* samples in a row that were zero */
    double frames[MEMORY_FRAMES];  /* power of the latest frames, infinite where nothing was heard yet */
    double energy;                 /* of the frame that is not complete, which holds `count` samples */
    int32_t count;
    int32_t next_frame;
    int32_t next_noise;
    int32_t steady_for;            /* frames for which loud noise was steady */
    float voice;                   /* gain of the voice: 1 in talk, 0 in hush */
    int16_t held[DELAY];
    int16_t spoken[MENDED];        /* what entered, of the samples that left last */
    int16_t masked[MENDED];        /* and what left in their place */
    uint8_t closed[GATED];         /* of the samples remembered and held */
    uint8_t hush, noisy, escaped, closing, finished;
    uint8_t ringing;               /* a beep sounds or waits, beyond this slice */
};

/* A captured call: its ear, its line, and the slice that is on its way; Passage in masking_line.py. */
struct passage {
    const struct screen_tables *screen;
    const struct suspicion_limits *limits;
    const struct mask_tables *mask;
    struct ear ear;
    struct line line;
    struct glance glance;
    int16_t entering[SLICE];
    int16_t leaving[SLICE];
    uint8_t octets[SLICE];         /* what leaves, encoded */
};

void gate_enter(struct line *line, int32_t count);
void gate_close(struct line *line, int64_t start, int64_t stop);
int gate_holds(const struct line *line);
int gate_kept(const struct line *line, int64_t start, int64_t stop);
int64_t gate_earliest(const struct line *line);
int gate_gain(const struct line *line, const float *ramp, int32_t count, float *gain);

double floor_power(const struct mask_tables *tables, const struct line *line);
void mind_noise(const struct mask_tables *tables, struct line *line, const int16_t *samples, int32_t count);
void add_noise(const struct mask_tables *tables, struct line *line, const float *gain, int32_t count, float *wave);

#endif
