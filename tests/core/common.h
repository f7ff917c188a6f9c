/*
 * What all tests of the core share: a status that is not the expected one is
 * told with its text, payloads get a pattern, and a random walk prints the seed
 * that replays it (RFM_SEED).
 */
#ifndef COMMON_H
#define COMMON_H
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base.h"

/*
 * How a forked child of a test leaves: without cmocka's and stdio's farewells, but
 * what `make coverage` counted in it is not lost.
 */
extern void __gcov_dump(void) __attribute__((weak));
__attribute__((unused, noreturn)) static void
leave_child(int status)
{
	if (__gcov_dump != NULL)
		__gcov_dump();
	_exit(status);
}

#define COUNT(array) (sizeof (array) / sizeof *(array))
#define UNUSED       __attribute__((unused))

/* The detail of the last call that was given it. */
static struct rfm_error error UNUSED;

#define OK(call) expect_at(RFM_OK, (call), __LINE__)
#define REFUSED(status, call) expect_at((status), (call), __LINE__)

UNUSED static void
expect_at(enum rfm_status wanted, enum rfm_status got, int line)
{
	if (got != wanted)
		fail_msg("line %d: %s instead of %s: %s", line,
		    rfm_status_name(got), rfm_status_name(wanted),
		    error.text);
}

/* The message must contain this: it is read by people. */
#define SAYS(words) do {                                                \
	if (strstr(error.text, (words)) == NULL)                        \
		fail_msg("line %d: \"%s\" does not say \"%s\"",         \
		    __LINE__, error.text, (words));                     \
} while (0)

UNUSED static uint64_t
mixed(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* No byte of the pattern is zero, so a hole never passes for it. */
UNUSED static uint8_t
pattern(uint64_t seed, uint64_t i)
{
	return (uint8_t)(mixed(seed + i / 8) >> i % 8 * 8) | 1;
}

UNUSED static void
fill(void *to, uint64_t bytes, uint64_t seed)
{
	for (uint64_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = pattern(seed, i);
}

UNUSED static bool
holds(const void *from, uint64_t bytes, uint64_t seed)
{
	for (uint64_t i = 0; i < bytes; i++)
		if (((const uint8_t *)from)[i] != pattern(seed, i))
			return false;
	return true;
}

UNUSED static bool
all_zero(const void *from, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i++)
		if (((const uint8_t *)from)[i] != 0)
			return false;
	return true;
}

/* Under valgrind all is 30 times slower; what only takes time is done less. */
UNUSED static bool
slow_motion(void)
{
	const char *loaded = getenv("LD_PRELOAD");

	return loaded != NULL && strstr(loaded, "vgpreload") != NULL;
}

/* A random walk: RFM_SEED replays one. */
static uint64_t walk_state UNUSED;

UNUSED static uint64_t
walk_begin(void)
{
	const char *given = getenv("RFM_SEED");
	uint64_t    seed = given != NULL ? strtoull(given, NULL, 10)
	    : (uint64_t)time(NULL);

	printf("# RFM_SEED=%" PRIu64 "\n", seed);
	walk_state = seed;
	return seed;
}

UNUSED static uint64_t
dice(uint64_t sides)
{
	return mixed(walk_state++) % sides;
}
#endif
