/*
 * Tests of the room cells, on payloads that are plain memory: limits of length,
 * cells that are spoilt in every field, a random walk beside a model that is an
 * array of C strings, gathering and moving, and a writer that is killed.
 */
#define _DEFAULT_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"
#include "cells.h"

#define PARTS 64

struct vector {
	struct rfm_payload payload, part[PARTS], *parts[PARTS];
	struct rfm_room    room;
	uint8_t           *map;
	uint64_t           heap;
	unsigned           surveys;
};

static struct vector *
make(uint64_t length)
{
	struct vector *v = calloc(1, sizeof *v);

	assert_non_null(v);
	v->payload.type = RFM_CHARACTER;
	v->payload.length = length;
	v->payload.bytes = length * sizeof(struct rfm_string_disk);
	v->payload.address = aligned_alloc(64, (v->payload.bytes | 63) + 1);
	memset(v->payload.address, 0, v->payload.bytes);
	v->payload.parts = v->parts;
	return v;
}

static void
dispose(struct vector *v)
{
	uint32_t k;

	for (k = 0; k < v->payload.part_count; k++)
		free(v->part[k].address);
	free(v->payload.address);
	free(v->map);
	free(v);
}

/* Room as the glue gets it: the stretch, a survey, a part. */
static void
place_for(struct vector *v, uint32_t length, struct rfm_place *place)
{
	uint32_t k = v->payload.part_count;

	if (rfm_room_take(&v->room, &v->payload, length, place))
		return;
	if (rfm_room_survey_pays(&v->room, &v->payload)) {
		free(v->map);
		v->map = calloc(1, rfm_room_map_bytes(&v->payload));
		rfm_room_survey(&v->room, &v->payload, v->map);
		v->surveys++;
		if (rfm_room_take(&v->room, &v->payload, length, place))
			return;
	}
	assert_true(k < PARTS);
	v->part[k].bytes = rfm_room_next_part(&v->payload, length);
	v->part[k].address = calloc(1, v->part[k].bytes);
	v->parts[k] = &v->part[k];
	v->payload.part_count++;
	v->heap += v->part[k].bytes;
	rfm_room_extended(&v->room, &v->payload);
	assert_true(rfm_room_take(&v->room, &v->payload, length, place));
}

static void
put_bytes(struct vector *v, uint64_t i, const char *bytes, size_t length,
    bool unencoded)
{
	struct rfm_text text = { bytes, (uint32_t)length, false, unencoded };
	struct rfm_place place = { 77, 77 };

	if (length > RFM_STRING_INLINE_BYTES)
		place_for(v, (uint32_t)length, &place);
	rfm_cells_put(&v->payload, i, &text, &place, &v->room);
}

static void
put(struct vector *v, uint64_t i, const char *string)
{
	put_bytes(v, i, string, strlen(string), false);
}

static void
put_missing(struct vector *v, uint64_t i)
{
	struct rfm_text text = { NULL, 0, true, false };

	rfm_cells_put(&v->payload, i, &text, NULL, &v->room);
}

static bool
is(const struct vector *v, uint64_t i, const char *string)
{
	struct rfm_text text;

	return rfm_cells_get(&v->payload, i, &text) && !text.missing &&
	    !text.unencoded && text.length == strlen(string) &&
	    memcmp(text.bytes, string, text.length) == 0;
}

static struct rfm_string_disk *
cell(struct vector *v, uint64_t i)
{
	return (struct rfm_string_disk *)v->payload.address + i;
}

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP";

static void
test_lengths(void **state)
{
	struct vector *v = make(43);
	struct rfm_text text;
	char s[64];
	uint64_t i;

	(void)state;
	assert_true(is(v, 5, ""));
	for (i = 0; i <= 42; i++) {
		memcpy(s, letters, i);
		s[i] = 0;
		put(v, i, s);
	}
	for (i = 0; i <= 42; i++) {
		memcpy(s, letters, i);
		s[i] = 0;
		assert_true(is(v, i, s));
		assert_int_equal(cell(v, i)->length, i);
	}
	/* twelve bytes need no heap, thirteen do */
	assert_memory_equal(cell(v, 12)->text, letters, 12);
	assert_memory_equal(cell(v, 13)->far.prefix, letters, 4);
	assert_int_equal(rfm_cells_room(12), 0);
	assert_int_equal(rfm_cells_room(13), 16);
	assert_int_equal(rfm_cells_room(17), 24);
	assert_false(rfm_cells_any_missing(&v->payload));
	put_missing(v, 42);
	assert_true(rfm_cells_get(&v->payload, 42, &text));
	assert_true(text.missing);
	assert_true(rfm_cells_any_missing(&v->payload));
	put_bytes(v, 3, "\xff\xfe", 2, true);
	put_bytes(v, 4, "\xff\xfe a longer one", 15, true);
	assert_true(rfm_cells_get(&v->payload, 3, &text) && text.unencoded);
	assert_true(rfm_cells_get(&v->payload, 4, &text) && text.unencoded);
	assert_int_equal(text.length, 15);
	dispose(v);
}

/* The bytes of the chapter's example. */
static void
test_layout(void **state)
{
	static const uint8_t near[16] = { 9, 0, 0, 0, 'R', 'e', 'y', 'k', 'j',
		'a', 'v', 'i', 'k' };
	static const uint8_t far[16] = { 15, 0, 0, 0, 'L', 'a', 'n', 'd', 0,
		0, 0, 0, 0x40, 0, 0, 0 };
	static const uint8_t missing[16] = { 255, 255, 255, 255 };
	struct vector *v = make(5);

	(void)state;
	put(v, 3, letters);                     /* 42 bytes take 48 */
	put(v, 4, "thirteen long");             /* 16: together 64 */
	put(v, 0, "Reykjavik");
	put(v, 1, "Landmannalaugar");
	put_missing(v, 2);
	assert_memory_equal(cell(v, 0), near, 16);
	assert_memory_equal(cell(v, 1), far, 16);
	assert_memory_equal(cell(v, 2), missing, 16);
	dispose(v);
}

static void
test_equal(void **state)
{
	struct rfm_text text = { "Landmannalaugar", 15, false, false };
	struct vector *v = make(2);

	(void)state;
	put(v, 0, "Landmannalaugar");
	assert_true(rfm_cells_equal(&v->payload, 0, &text));
	assert_false(rfm_cells_equal(&v->payload, 1, &text));
	text.unencoded = true;
	assert_false(rfm_cells_equal(&v->payload, 0, &text));
	text.unencoded = false;
	text.bytes = "Landmannalaugur";
	assert_false(rfm_cells_equal(&v->payload, 0, &text));
	text.length = 14;
	assert_false(rfm_cells_equal(&v->payload, 0, &text));
	text.length = 0;
	assert_true(rfm_cells_equal(&v->payload, 1, &text));
	text.missing = true;
	assert_false(rfm_cells_equal(&v->payload, 1, &text));
	put_missing(v, 1);
	assert_true(rfm_cells_equal(&v->payload, 1, &text));
	dispose(v);
}

/* What a glance, a sketch and a hash say of each pair of these, near and far. */
static void
test_glance(void **state)
{
	static const char *const all[] = { "", "a", "b", "ab", "Reykjavik",
		"Reykjavjk", "twelve bytes", "twelve bytez", "thirteen bytes",
		"thirteen byteZ", "Thirteen bytes", "thirteen bytes, more" };
	const uint64_t n = sizeof all / sizeof *all;
	struct vector *v = make(2 * n + 2);
	struct rfm_string_disk sketch;
	struct rfm_text text;
	uint64_t i, k, a, b;

	(void)state;
	for (i = 0; i < 2 * n; i++)
		put(v, i, all[i % n]);
	put_missing(v, 2 * n);
	put_missing(v, 2 * n + 1);
	for (i = 0; i < n; i++)
		for (k = n; k < 2 * n; k++) {
			assert_int_equal(rfm_cells_same(&v->payload, i, k),
			    k - n == i);
			assert_true(rfm_cells_hash(&v->payload, i, &a));
			assert_true(rfm_cells_hash(&v->payload, k, &b));
			assert_int_equal(a == b, k - n == i);
			if (rfm_cells_differ(cell(v, i), cell(v, k)))
				assert_int_not_equal(k - n, i);
			else if (strlen(all[i]) <= RFM_STRING_INLINE_BYTES)
				assert_int_equal(k - n, i);
			assert_true(rfm_cells_get(&v->payload, k, &text));
			rfm_cells_sketch(&text, &sketch);
			assert_int_equal(rfm_cells_differ(cell(v, i), &sketch),
			    rfm_cells_differ(cell(v, i), cell(v, k)));
		}
	assert_true(rfm_cells_differ(cell(v, 8), cell(v, 10)));
	assert_false(rfm_cells_differ(cell(v, 0), cell(v, 2 * n)));
	assert_false(rfm_cells_same(&v->payload, 0, 2 * n));
	assert_true(rfm_cells_same(&v->payload, 2 * n, 2 * n + 1));
	assert_true(rfm_cells_hash(&v->payload, 2 * n, &a));
	cell(v, 0)->length |= RFM_STRING_IS_BYTES;
	assert_false(rfm_cells_hash(&v->payload, 0, &a));
	assert_false(rfm_cells_differ(cell(v, 0), cell(v, 1)));
	dispose(v);
}

/* Strings that count share most of their bytes; their hashes' low bits must not. */
static void
test_hash_spreads(void **state)
{
	enum { STRINGS = 1 << 14, PLACES = 2 * STRINGS };
	static uint8_t taken[PLACES];
	struct vector *v = make(1);
	uint64_t hash, i, looks = 0;
	char text[64];

	(void)state;
	for (i = 0; i < STRINGS; i++) {
		snprintf(text, sizeof text, i % 2 ? "id%07u" :
		    "a longer name, number %07u", (unsigned)i);
		put(v, 0, text);
		assert_true(rfm_cells_hash(&v->payload, 0, &hash));
		for (; taken[hash % PLACES]; hash++)
			looks++;
		taken[hash % PLACES] = 1;
	}
	assert_in_range(looks, 0, STRINGS);
	dispose(v);
}

/* Every field of a cell is input. */
static void
test_spoilt(void **state)
{
	struct vector *v = make(1);
	struct rfm_string_disk sound;
	struct rfm_text text;
	uint64_t hash;
	char *byte;

	(void)state;
	put(v, 0, letters);
	sound = *cell(v, 0);
	byte = (char *)v->part[0].address + sound.far.offset + 20;
	assert_true(rfm_cells_get(&v->payload, 0, &text));

	cell(v, 0)->far.part = 1;
	assert_false(rfm_cells_get(&v->payload, 0, &text));
	cell(v, 0)->far.part = UINT32_MAX;
	assert_false(rfm_cells_get(&v->payload, 0, &text));
	assert_false(rfm_cells_hash(&v->payload, 0, &hash));
	assert_false(rfm_cells_same(&v->payload, 0, 0));
	*cell(v, 0) = sound;
	cell(v, 0)->far.offset = (uint32_t)v->part[0].bytes - 41;
	memcpy((char *)v->part[0].address + v->part[0].bytes - 41, letters, 41);
	assert_false(rfm_cells_get(&v->payload, 0, &text));
	cell(v, 0)->length = 41;                /* now it just fits */
	assert_true(rfm_cells_get(&v->payload, 0, &text));
	cell(v, 0)->far.offset = UINT32_MAX;
	assert_false(rfm_cells_get(&v->payload, 0, &text));
	*cell(v, 0) = sound;
	cell(v, 0)->length = 0x7fffffff;
	assert_false(rfm_cells_get(&v->payload, 0, &text));
	*cell(v, 0) = sound;
	cell(v, 0)->far.prefix[3] = 'x';
	assert_false(rfm_cells_get(&v->payload, 0, &text));
	*cell(v, 0) = sound;
	*byte = 0;
	assert_false(rfm_cells_get(&v->payload, 0, &text));
	*byte = 'u';
	assert_true(is(v, 0, letters));
	byte = v->part[0].address;
	v->part[0].address = NULL;              /* destroyed */
	assert_false(rfm_cells_get(&v->payload, 0, &text));
	v->part[0].address = byte;
	cell(v, 0)->length = 5;                   /* near, with a zero in it */
	cell(v, 0)->text[2] = 0;
	assert_false(rfm_cells_get(&v->payload, 0, &text));
	dispose(v);
}

/* A survey of cells that lead nowhere neither reads nor marks beyond. */
static void
test_survey_of_spoilt_cells(void **state)
{
	struct vector *v = make(3);

	(void)state;
	put(v, 0, letters);
	put(v, 1, letters);
	put(v, 2, letters);
	cell(v, 0)->far.offset = UINT32_MAX;
	cell(v, 1)->far.part = 9;
	memset(&v->room, 0, sizeof v->room);
	put(v, 0, letters);                     /* surveys first */
	assert_int_equal(v->surveys, 1);
	assert_int_equal(cell(v, 0)->far.offset, 0);
	assert_true(is(v, 2, letters));
	dispose(v);
}

/* Strings are replaced at random; the model is an array of C strings. */
static void
test_walk(void **state)
{
	enum { N = 500, LONGEST = 60 };
	long steps = slow_motion() ? 20000 : 400000;
	struct vector *v = make(N);
	char (*model)[LONGEST + 1] = calloc(N, sizeof *model);
	uint64_t i, k, n;

	(void)state;
	walk_begin();
	while (steps-- > 0) {
		i = dice(N);
		n = dice(LONGEST + 1);
		for (k = 0; k < n; k++)
			model[i][k] = (char)('a' + dice(26));
		model[i][n] = 0;
		put(v, i, model[i]);
		assert_true(is(v, i, model[i]));
		if (dice(2000) == 0) {
			/* another process takes over */
			memset(&v->room, 0, sizeof v->room);
			for (k = 0; k < N; k++)
				assert_true(is(v, k, model[k]));
		}
	}
	for (i = 0; i < N; i++)
		assert_true(is(v, i, model[i]));
	/* what lives is at most N * 64 bytes */
	assert_true(v->surveys > 3);
	assert_true(v->heap <= 8 * N * 64);
	free(model);
	dispose(v);
}

/* A string that fits in no gap leaves the gaps to shorter ones. */
static void
test_gaps_are_kept(void **state)
{
	struct vector *v = make(60);
	char s[400];
	uint64_t i;
	uint32_t parts;

	(void)state;
	for (i = 0; i < 42; i++)                /* 24 bytes each: 1,008 */
		put(v, i, "exactly twenty bytes");
	assert_int_equal(v->payload.part_count, 1);
	for (i = 0; i < 42; i += 2)
		put(v, i, "");
	memset(&v->room, 0, sizeof v->room);
	memset(s, 'x', sizeof s);
	s[300] = 0;
	put(v, 50, s);
	assert_int_equal(v->payload.part_count, 2);
	s[200] = 0;
	for (i = 51; i < 54; i++)
		put(v, i, s);                   /* the new part is full */
	parts = v->payload.part_count;
	assert_int_equal(v->room.to - v->room.from, 1024 - 304 - 600 - 0);
	s[119] = 0;
	put(v, 54, s);
	for (i = 0; i < 42; i += 2)
		put(v, i, "Exactly Twenty Bytes");
	assert_int_equal(v->payload.part_count, parts);
	for (i = 0; i < 42; i++)
		assert_true(is(v, i, i % 2 == 0 ? "Exactly Twenty Bytes" :
		    "exactly twenty bytes"));
	dispose(v);
}

static void
test_gather_and_move(void **state)
{
	static const int64_t positions[] = { 2, -1, 0, 0, 1, 2 };
	struct vector *from = make(3), *to = make(6);
	struct rfm_text text;
	uint64_t at = 0, reach[PARTS] = { 0 };

	(void)state;
	put(from, 0, "Landmannalaugar");
	put(from, 1, "Vik");
	put(from, 2, letters);
	assert_int_equal(rfm_cells_gather(&from->payload, positions, 6,
	    &to->payload, 0), 48 + 16 + 16 + 48);
	assert_int_equal(rfm_cells_far_bytes(&to->payload, 0, 6), 128);
	assert_int_equal(rfm_cells_far_bytes(&to->payload, 1, 5), 32);
	/* no room yet: nothing moves */
	assert_int_equal(rfm_cells_move(&from->payload, &to->payload, &at, 6,
	    &to->room), RFM_NO_ROOM);
	assert_int_equal(at, 0);
	to->part[0].bytes = 64;                 /* room for 42 and 15 */
	to->part[0].address = calloc(1, 64);
	to->parts[0] = &to->part[0];
	to->payload.part_count = 1;
	rfm_room_extended(&to->room, &to->payload);
	assert_int_equal(rfm_cells_move(&from->payload, &to->payload, &at, 6,
	    &to->room), RFM_NO_ROOM);
	assert_int_equal(at, 3);
	to->part[1].bytes = 128;
	to->part[1].address = calloc(1, 128);
	to->parts[1] = &to->part[1];
	to->payload.part_count = 2;
	rfm_room_extended(&to->room, &to->payload);
	assert_int_equal(rfm_cells_move(&from->payload, &to->payload, &at, 6,
	    &to->room), RFM_OK);
	assert_int_equal(at, 6);
	put(from, 0, "x");                      /* the copies are their own */
	memset(from->part[0].address, 'y', from->part[0].bytes);
	assert_true(is(to, 0, letters) && is(to, 5, letters));
	assert_true(is(to, 2, "Landmannalaugar") && is(to, 4, "Vik"));
	assert_true(is(to, 3, "Landmannalaugar"));
	assert_true(rfm_cells_get(&to->payload, 1, &text) && text.missing);
	assert_true(rfm_cells_reach(&to->payload, 0, 6, reach));
	assert_int_equal(reach[0], 64);
	assert_int_equal(reach[1], 64);
	dispose(from);
	dispose(to);
}

static void
test_move_and_reach_of_spoilt_cells(void **state)
{
	static const int64_t positions[] = { 0 };
	struct vector *from = make(1), *to = make(1);
	uint64_t at = 0, reach[PARTS] = { 0 };

	(void)state;
	put(from, 0, "Landmannalaugar");
	cell(from, 0)->far.offset = 60000;
	rfm_cells_gather(&from->payload, positions, 1, &to->payload, 0);
	assert_int_equal(rfm_cells_move(&from->payload, &to->payload, &at, 1,
	    &to->room), RFM_DAMAGED);
	assert_true(rfm_cells_reach(&from->payload, 0, 1, reach));
	assert_int_equal(reach[0], from->part[0].bytes);
	cell(from, 0)->far.part = 1;
	assert_false(rfm_cells_reach(&from->payload, 0, 1, reach));
	dispose(from);
	dispose(to);
}

static void
test_sizes_of_parts(void **state)
{
	struct rfm_payload part = { .bytes = 1000 }, *parts[] = { &part };
	struct rfm_payload payload = { .parts = parts, .part_count = 0 };

	(void)state;
	assert_int_equal(rfm_room_next_part(&payload, 13), 1024);
	assert_int_equal(rfm_room_next_part(&payload, 1025), 1088);
	payload.part_count = 1;
	part.bytes = 1 << 20;
	assert_int_equal(rfm_room_next_part(&payload, 13), 1 << 20);
	part.bytes = (uint64_t)5 << 30;
	assert_int_equal(rfm_room_next_part(&payload, 13), 1 << 30);
	assert_int_equal(rfm_room_next_part(&payload, 0x7ffffffe),
	    (uint64_t)1 << 31);
}

/* Offsets beyond 2 GiB, in memory that is not there until it is touched. */
static void
test_far_offsets(void **state)
{
	uint64_t bytes = (uint64_t)3 << 30;
	struct vector *v = make(2);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)state;
	assert_ptr_not_equal(memory, MAP_FAILED);
	v->part[0].bytes = bytes;
	v->part[0].address = memory;
	v->parts[0] = &v->part[0];
	v->payload.part_count = 1;
	rfm_room_extended(&v->room, &v->payload);
	v->room.from = bytes - 64;
	put(v, 0, letters);
	assert_true(cell(v, 0)->far.offset == bytes - 64);
	assert_true(is(v, 0, letters));
	cell(v, 0)->far.offset += 23;           /* one byte too far */
	memcpy((char *)memory + bytes - 41, letters, 41);
	assert_false(is(v, 0, letters));
	v->payload.part_count = 0;
	munmap(memory, bytes);
	dispose(v);
}

/* proves I15 */
static void
test_kill(void **state)
{
	static const char *const strings[] = { "Landmannalaugar, Iceland",
		"Kirkjubaejarklaustur", "near" };
	int rounds = slow_motion() ? 5 : 100, k;
	size_t bytes = 4096;
	struct vector *v = make(1);
	void *shared = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(shared, MAP_FAILED);
	free(v->payload.address);
	v->payload.address = shared;
	v->part[0].address = (char *)shared + bytes;
	v->part[0].bytes = bytes;
	v->parts[0] = &v->part[0];
	v->payload.part_count = 1;
	rfm_room_extended(&v->room, &v->payload);
	for (k = 0; k < rounds; k++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			for (;;) {
				/* old text is left alone for a while */
				if (v->room.to - v->room.from < 64)
					v->room.from = 0;
				put(v, 0, strings[v->room.from / 8 % 3]);
				v->room.from += v->room.from % 24 == 0 ? 8 : 0;
			}
		usleep((useconds_t)(200 + 37 * k));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		assert_true(is(v, 0, "") || is(v, 0, strings[0]) ||
		    is(v, 0, strings[1]) || is(v, 0, strings[2]));
	}
	v->payload.part_count = 0;
	v->payload.address = NULL;
	munmap(shared, 2 * bytes);
	dispose(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_glance),
		cmocka_unit_test(test_hash_spreads),
		cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_survey_of_spoilt_cells),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_gaps_are_kept),
		cmocka_unit_test(test_gather_and_move),
		cmocka_unit_test(test_move_and_reach_of_spoilt_cells),
		cmocka_unit_test(test_sizes_of_parts),
		cmocka_unit_test(test_far_offsets),
		cmocka_unit_test(test_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
