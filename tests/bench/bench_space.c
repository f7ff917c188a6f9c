/*
 * What the operations of the room space cost: the numbers of its chapter.
 *   gcc -O2 -Igenerated -Itests/core tests/bench/bench_space.c generated/space.c \
 *       generated/base.c -o build/bench_space && build/bench_space
 * Each time is processor time, the median of five rounds. The last lines are
 * malloc's and free's times for the same sizes, as a yardstick.
 */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "draw.h"
#include "space.h"

enum { ROUNDS = 5 };

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
resident_mib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long  all = 0, resident = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld %ld", &all, &resident) != 2)
		resident = 0;
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
report(const char *what, double *ns, const char *note)
{
	qsort(ns, ROUNDS, sizeof *ns, by_value);
	printf("%-52s %8.0f ns%s\n", what, ns[ROUNDS / 2], note);
}

static void
must(int ok)
{
	if (!ok) {
		fprintf(stderr, "bench_space: an operation failed\n");
		exit(1);
	}
}

static struct rfm_space *
make(uint64_t holes)
{
	struct rfm_space *space;

	must(rfm_space_create(&space, NULL) == RFM_OK);
	for (uint64_t i = 0; i < holes; i++)	/* 64 to 4096 bytes */
		must(rfm_space_add(space, i * 2 * PAGE, G * (1 + i * 37 % 64),
		    NULL) == RFM_OK);
	must(rfm_space_add(space, UINT64_C(1) << 40, UINT64_C(1) << 39,
	    NULL) == RFM_OK);
	return space;
}

/* Take and give back at once: a temporary that reuses a warm extent. */
static void
pairs(const char *what, uint64_t holes, uint64_t bytes)
{
	struct rfm_space *space = make(holes);
	uint64_t          align = bytes < PAGE ? G : PAGE, offset, other;
	double            ns[ROUNDS], start;
	const int         n = 1000000;

	must(rfm_space_take(space, bytes, align, &other, NULL) == RFM_OK);
	must(rfm_space_take(space, align, align, &offset, NULL) == RFM_OK);
	must(rfm_space_give(space, other, bytes, NULL) == RFM_OK);
	for (int r = 0; r < ROUNDS; r++) {
		start = now();
		for (int i = 0; i < n; i++) {
			must(rfm_space_take(space, bytes, align, &offset,
			    NULL) == RFM_OK);
			must(rfm_space_give(space, offset, bytes, NULL) ==
			    RFM_OK);
		}
		ns[r] = (now() - start) / n;
	}
	report(what, ns, " a pair");
	rfm_space_destroy(space);
}

/* Random sizes, random order: live extents replaced one by one. */
static void
churn(const char *what, uint64_t live, int use_malloc)
{
	struct rfm_space *space = make(0);
	uint64_t         *offsets = calloc(live, sizeof *offsets);
	uint64_t         *sizes = calloc(live, sizeof *sizes);
	void            **blocks = calloc(live, sizeof *blocks);
	struct rfm_space_sum sum;
	double            ns[ROUNDS], start;
	const int         n = 1000000;
	char              note[80] = " a pair";

	must(offsets != NULL && sizes != NULL && blocks != NULL);
	for (uint64_t i = 0; i < live; i++) {
		sizes[i] = G * (1 + roll(63));
		if (use_malloc)
			must((blocks[i] = malloc(sizes[i])) != NULL);
		else
			must(rfm_space_take(space, sizes[i], G, &offsets[i],
			    NULL) == RFM_OK);
	}
	for (int r = 0; r < ROUNDS; r++) {
		start = now();
		for (int k = 0; k < n; k++) {
			uint64_t i = roll(live), bytes = G * (1 + roll(63));

			if (use_malloc) {
				free(blocks[i]);
				must((blocks[i] = malloc(bytes)) != NULL);
				*(char *)blocks[i] = 1;
			} else {
				must(rfm_space_give(space, offsets[i],
				    sizes[i], NULL) == RFM_OK);
				must(rfm_space_take(space, bytes, G,
				    &offsets[i], NULL) == RFM_OK);
			}
			sizes[i] = bytes;
		}
		ns[r] = (now() - start) / n;
	}
	rfm_space_summary(space, &sum);
	if (!use_malloc)
		snprintf(note, sizeof note, " a pair, %" PRIu64
		    " free extents at the end", sum.extents);
	report(what, ns, note);
	for (uint64_t i = 0; use_malloc && i < live; i++)
		free(blocks[i]);
	free(offsets);
	free(sizes);
	free(blocks);
	rfm_space_destroy(space);
}

static void
widening(void)
{
	struct rfm_space *space = make(1000);
	uint64_t          offset, bytes;
	double            ns[ROUNDS], start;
	const int         n = 1000000;

	for (int r = 0; r < ROUNDS; r++) {
		bytes = UINT64_C(1) << 20;
		must(rfm_space_take(space, bytes, PAGE, &offset, NULL) ==
		    RFM_OK);
		start = now();
		for (int i = 0; i < n; i++, bytes += G)
			must(rfm_space_widen(space, offset, bytes, bytes + G));
		ns[r] = (now() - start) / n;
		must(rfm_space_give(space, offset, bytes, NULL) == RFM_OK);
	}
	report("widen by one granule", ns, "");
}

/* A store with a million gaps is opened: the time and the memory. */
static struct rfm_space *
open_a_million(double *longest)
{
	struct rfm_space *space;
	double            start = 0;

	must(rfm_space_create(&space, NULL) == RFM_OK);
	for (uint64_t i = 0; i < 1000000; i++) {
		if (longest != NULL)
			start = now();
		must(rfm_space_add(space, i * 2 * PAGE,
		    G * (1 + i * 37 % 64), NULL) == RFM_OK);
		if (longest != NULL && now() - start > *longest)
			*longest = now() - start;
	}
	return space;
}

static void
a_million(void)
{
	struct rfm_space *space;
	double            ns[ROUNDS], start, before = resident_mib();
	double            longest = 0;

	space = open_a_million(&longest);
	printf("%-52s %8.1f MiB\n", "memory of a million free extents",
	    resident_mib() - before);
	rfm_space_destroy(space);
	for (int r = 0; r < ROUNDS; r++) {
		start = now();
		space = open_a_million(NULL);
		ns[r] = (now() - start) / 1000000;
		rfm_space_destroy(space);
	}
	report("add one of a million gaps at opening", ns, "");
	printf("%-52s %8.1f ms\n", "the longest of them (the table doubles)",
	    longest / 1e6);
}

int
main(void)
{
	a_million();
	pairs("64 bytes, few free extents", 10, 64);
	pairs("64 bytes, a million free extents", 1000000, 64);
	pairs("8 MB, few free extents", 10, 8003584);
	pairs("8 MB, a million free extents", 1000000, 8003584);
	widening();
	churn("random 64 to 4032 bytes, 1,000 live", 1000, 0);
	churn("random 64 to 4032 bytes, 1,000,000 live", 1000000, 0);
	churn("malloc, the same, 1,000 live", 1000, 1);
	churn("malloc, the same, 1,000,000 live", 1000000, 1);
	return 0;
}
