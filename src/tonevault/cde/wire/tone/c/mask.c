/* A captured call's 20 ms on their way through the delay line: the gate closed where a tone may be, noise and beeps in its place. It refuses
   to recognise a key and to decide when a beep begins: the trackers and bells of Python do; see masking_line.py. */
#include <math.h>
#include <string.h>

#include "mask.h"

static int is_silent(const int16_t *samples, int32_t count) {
    int16_t any = 0;
    for (int32_t at = 0; at < count; at++) any |= samples[at];
    return any == 0;
}

/* Close the gate where a tone may be: from so long before a suspicious window's end that the fade just fits into the line, to some time
   after it. In one slice these stretches overlap, so the first and the last window tell all of them. */
static void close_for_tones(const struct mask_tables *tables, struct line *line, const struct glance *glance) {
    int first = -1, last = -1;
    for (int window = 0; window < glance->windows; window++) {
        if (!glance->tonal[window]) continue;
        if (first < 0) first = window;
        last = window;
    }
    if (first < 0) return;
    gate_close(line, glance->first_end + HOP * first - DELAY + FADE, glance->first_end + HOP * last + tables->hang);
}

/* Samples that are all zero are taken for ones that never came; no telephone is so quiet for long. */
static void mind_holes(const struct mask_tables *tables, struct line *line, const int16_t *samples, int32_t count) {
    line->hole = is_silent(samples, count) ? line->hole + count : 0;
    int64_t hole = line->hole, begin = line->position - count;
    if (hole == 0 || (hole != count && hole > tables->longest_hole)) return;
    int closed = gate_kept(line, begin - 1, begin);
    if (hole == count) gate_close(line, begin - tables->before_a_hole, begin);
    if (closed && hole <= tables->longest_hole) gate_close(line, begin, line->position + tables->hang);
}

/* What leaves the line, while the samples enter it. */
static void exchange(struct line *line, const int16_t *samples, int32_t count, int16_t *leaving) {
    memcpy(leaving, line->held, (size_t)count * sizeof *leaving);
    memmove(line->held, line->held + count, (size_t)(DELAY - count) * sizeof *leaving);
    memcpy(line->held + DELAY - count, samples, (size_t)count * sizeof *leaving);
}

/* Gain of the voice: 1 in talk, 0 in hush, a fade where that changed. */
static void fade_voice(struct line *line, float wanted, int32_t count, float *wave) {
    int32_t fade = 0;
    if (line->voice != wanted) {
        fade = count < FADE ? count : FADE;
        for (int32_t at = 0; at < fade; at++)
            wave[at] *= line->voice + (wanted - line->voice) * (fade > 1 ? (float)at / (float)(fade - 1) : 0);
        line->voice = wanted;
    }
    for (int32_t at = fade; at < count; at++) wave[at] *= wanted;
}

/* The part of the last beep that falls into the samples from `now` on. */
static void mix_beep(const struct mask_tables *tables, const struct line *line, int64_t now, int32_t count, float *wave) {
    for (int32_t at = 0; at < count; at++) {
        int64_t place = now + at - line->beep_at;
        if (place >= 0 && place < BEEP_SAMPLES) wave[at] += tables->beep[place];
    }
}

static int16_t rounded(float sample) { return (int16_t)lrintf(sample < -32768 ? -32768 : sample > 32767 ? 32767 : sample); }

/* What leaves the line, with noise where the gate is closed, without the voice where that is to be hushed, and with beeps. Most lines need
   nothing of that most of the time. */
static void clean(const struct mask_tables *tables, struct line *line, const int16_t *entering, int32_t count, int16_t *leaving) {
    float gain[SLICE], wave[SLICE];
    int shut = gate_gain(line, tables->ramp, count, gain);
    if (!shut) mind_noise(tables, line, leaving, count);
    int muted = line->hush || line->noisy || line->escaped;
    int64_t now = line->position - count;
    int beeps = line->beep_at < line->position && line->beep_at + BEEP_SAMPLES > now;
    if (!shut && !muted && !beeps && !line->closing && line->voice >= 1) return;
    for (int32_t at = 0; at < count; at++) wave[at] = leaving[at];
    if (shut) add_noise(tables, line, gain, count, wave);
    fade_voice(line, muted ? 0 : 1, count, wave);
    if (beeps) mix_beep(tables, line, now, count, wave);
    if (line->closing && !line->ringing && !gate_holds(line)) {
        line->finished = 1;
        for (int32_t at = 0; at < count; at++)
            wave[at] += (count > 1 ? (float)at / (float)(count - 1) : 0) * (entering[at] - wave[at]);
    }
    for (int32_t at = 0; at < count; at++) leaving[at] = rounded(wave[at]);
}

/* What entered and left last, for whoever makes up what was lost. */
static void remember(struct line *line, const int16_t *spoken, const int16_t *masked, int32_t count) {
    int32_t kept = MENDED - count;
    memmove(line->spoken, line->spoken + count, (size_t)kept * sizeof *spoken);
    memcpy(line->spoken + kept, spoken, (size_t)count * sizeof *spoken);
    memmove(line->masked, line->masked + count, (size_t)kept * sizeof *masked);
    memcpy(line->masked + kept, masked, (size_t)count * sizeof *masked);
}

/* Level A of the next samples, at most SLICE. Whether the tracker must be told of them before they are masked. */
int32_t passage_hear(struct passage *passage, const int16_t *samples, int32_t count) {
    memcpy(passage->entering, samples, (size_t)count * sizeof *samples);
    if (passage->line.finished) return 0;
    return ear_hear(passage->screen, passage->limits, &passage->ear, passage->entering, count, &passage->glance);
}

/* A slice that was heard enters the line, and another leaves it. */
static void delay(struct passage *passage, struct line *line, int32_t count) {
    int64_t onset = passage->glance.onset;
    int16_t spoken[SLICE];
    gate_enter(line, count);
    close_for_tones(passage->mask, line, &passage->glance);
    mind_holes(passage->mask, line, passage->entering, count);
    if (onset != NEVER && !gate_kept(line, onset, gate_earliest(line))) line->escaped = 1;
    exchange(line, passage->entering, count, spoken);
    memcpy(passage->leaving, spoken, (size_t)count * sizeof *spoken);
    clean(passage->mask, line, passage->entering, count, passage->leaving);
    remember(line, spoken, passage->leaving, count);
}

/* What leaves the line when what was heard enters it. A finished line passes it on. Whether the line is stricter now than it was told to be. */
int32_t passage_mask(struct passage *passage, int32_t count) {
    struct line *line = &passage->line;
    if (line->finished)
        memcpy(passage->leaving, passage->entering, (size_t)count * sizeof *passage->leaving);
    else
        delay(passage, line, count);
    return line->noisy || line->escaped;
}

/* The same, and what leaves is encoded. */
int32_t passage_finish(struct passage *passage, int32_t count, const uint8_t *encoded) {
    int32_t strict = passage_mask(passage, count);
    for (int32_t at = 0; at < count; at++) passage->octets[at] = encoded[(uint16_t)passage->leaving[at]];
    return strict;
}

enum { WANTED = -1 };

/* A packet of G.711 through the line, as octets. WANTED if the tracker must be told first: nothing is masked yet, passage_finish must follow. */
int32_t passage_carry(struct passage *passage, const uint8_t *octets, int32_t count, const int16_t *decoded, const uint8_t *encoded) {
    int16_t samples[SLICE];
    for (int32_t at = 0; at < count; at++) samples[at] = decoded[octets[at]];
    return passage_hear(passage, samples, count) ? WANTED : passage_finish(passage, count, encoded);
}
