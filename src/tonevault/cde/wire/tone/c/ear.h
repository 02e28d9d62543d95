/* What the loops of the ear and the mask share: sizes, the state of a call, and the tables that Python hands over. It refuses to hold a
   threshold or to compute a table: those are made and explained beside the literature in the Python modules that are named here. Every
   size is told back by kernel_sizes and compared with Python's own when the library is loaded. */
#ifndef TONEVAULT_EAR_H
#define TONEVAULT_EAR_H

#include <stdint.h>

enum {
    SLICE = 160,              /* ear.py: most samples at once */
    HOP = 20,                 /* screen.py */
    WINDOW = 104,
    TONES = 8,
    LOW_COLUMNS = 11,
    COLUMNS = 28,             /* two for each tone, the low band, and one of zeros that makes it a whole number of vectors */
    WINDOWS = SLICE / HOP,    /* windows that end in a slice, at most */
    LAG = 3,                  /* suspicion.py */
    STEADY_WINDOWS = 80,
    STRETCH = 640,            /* look.py */
    BLOCK = 40,
    STEP = 20,
    BLOCKS = (STRETCH - BLOCK) / STEP + 1,
    NUISANCES = 13,
    KEYS = 16,
    STEADY_BLOCKS = 9,
    MEASURES = 12,
    PAST = STRETCH + SLICE,   /* samples remembered of a call: every look that a slice asks for lies within */
    LANES = 8                 /* partial sums side by side, because a compiler may not reorder a single one */
};

/* screen.py: level A. */
struct screen_tables {
    const float *basis;        /* (WINDOW, COLUMNS) */
    const float *taper_energy; /* (WINDOW) */
    float silence;
    float least_above;
};

/* suspicion.py: which windows may hold a tone. */
struct suspicion_limits {
    const float *turn;          /* (TONES, 2): the phasor that turns back what a tone advances by over the lag */
    const double *per_radian;   /* (TONES) */
    double widest_offset;
    double widest_mistuning;
    float worth_a_look;
    float faintest_window;
    float suspect_pair;
    float suspect_weaker;
    float faintest_weaker;
    float steady_ratio;
};

/* look.py: level B. */
struct look_tables {
    const float *nuisance; /* (NUISANCES, STRETCH) */
    const float *fits;     /* (KEYS, BLOCK, 4) */
    const float *rotors;   /* (KEYS, BLOCKS, 2, 2) */
    const float *pair_hz;  /* (KEYS, 2) */
    float highest;
    int32_t hole_blocks, hole_seen, attack_steps, fewest_pairs, coarse_lag, fine_lag;
};

/* What level A measured of one window; see Screening in screen.py. */
struct screening {
    float energy, above, low, pair, weaker;
    float tones[TONES];
    float waves[2 * TONES];
};

/* The memory of one call's ear; Memory in ear.py. */
struct ear {
    int64_t position;                  /* samples heard */
    float low[STEADY_WINDOWS];         /* energies below the tones of the latest windows */
    float waves[LAG][2 * TONES];       /* projections of the latest windows */
    int16_t past[PAST];
    uint8_t follows;                   /* whether its tracker follows something and so wants every window */
};

/* What a slice tells of a call; Glance in ear.py. Window k ended before sample first_end + k * HOP. */
struct glance {
    int64_t first_end;
    int64_t onset;                /* of the first key that the tracker reported in this slice, or NEVER */
    int32_t windows;
    uint8_t tonal[WINDOWS];       /* may hold a tone */
    uint8_t mistuned[WINDOWS];    /* looks like a key whose frequencies are too far off */
    int8_t key[WINDOWS];          /* 4 * row + column, or NO_KEY */
    float tones[WINDOWS][TONES];
};

enum { NO_KEY = -1 };
#define NEVER INT64_MAX

void screen_window(const struct screen_tables *tables, const float *samples, struct screening *found);
int32_t ear_hear(const struct screen_tables *tables, const struct suspicion_limits *limits, struct ear *ear, const int16_t *samples,
                 int32_t count, struct glance *glance);
void look_at(const struct look_tables *tables, const float *stretch, int32_t key, int32_t anchor, float *measures);

#endif
