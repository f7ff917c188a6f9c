/*
 * What the tests and the benchmark of the room space share: its units, and the
 * numbers drawn for their walks (xorshift; the same seed draws the same walk).
 */
#ifndef DRAW_H
#define DRAW_H
#include <stdint.h>
#include "layout.h"

#define G    ((uint64_t)RFM_GRANULE_BYTES)
#define PAGE ((uint64_t)RFM_PAGE_BYTES)
#define MIB  ((uint64_t)1048576)

static uint64_t draw_state = 88172645463325252u;	/* anything but 0 */

static uint64_t
roll(uint64_t below)
{
	draw_state ^= draw_state << 13;
	draw_state ^= draw_state >> 7;
	draw_state ^= draw_state << 17;
	return draw_state % below;
}
#endif
