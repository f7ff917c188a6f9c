/* Does the lying disk lie as it should, and only then? Every kind of image that
 * a power cut may leave is expected here by hand, on files of a few sectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lying_disk.h"

#define S RFM_LYING_SECTOR_BYTES
#define NAME "store"

static struct rfm_lying_disk *disk;
static struct rfm_os         *os;
static struct rfm_file       *file;
static struct rfm_error       error;
static bool                   backwards;

/* A file of 64 KiB, durable with its name, and the recording on. */
static int
set_up(void **state)
{
	(void)state;
	backwards = false;
	disk = rfm_lying_create(1);
	os = rfm_lying_start(disk);
	if (os->open(os, NAME, RFM_OPEN_CREATE, &file, &error) != RFM_OK ||
	    os->resize(os, file, 65536, &error) != RFM_OK)
		return -1;
	rfm_lying_record(disk, true);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rfm_lying_destroy(disk);
	return 0;
}

static void
write_sector(uint64_t sector, int letter)
{
	char bytes[S];

	memset(bytes, letter, S);
	assert_int_equal(os->write(os, file, sector * S, bytes, S, &error),
	    RFM_OK);
}

static void
barrier(enum rfm_barrier name)
{
	assert_int_equal(os->barrier(os, file, name, &error), RFM_OK);
}

/* What was seen: for each distinct image, the first and the last letter of each
 * of the first three sectors. */
struct seen {
	char     text[4096][16];
	uint64_t hash[4096];
	size_t   count, offers;
};

static void
look(void *context, struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice)
{
	struct seen           *seen = context;
	struct rfm_lying_image image;
	char                  *text;

	seen->offers++;
	for (size_t i = 0; i < seen->count; i++)
		if (seen->hash[i] == choice->hash)
			return;
	assert_true(seen->count < 4096);
	image = rfm_lying_cut_build(cut, choice);
	text = seen->text[seen->count];
	seen->hash[seen->count++] = choice->hash;
	if (!image.present) {
		strcpy(text, "absent");
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		char a = (char)image.bytes[i * S];
		char b = (char)image.bytes[i * S + S - 1];

		text[2 * i] = a == 0 ? '.' : a;
		text[2 * i + 1] = b == 0 ? '.' : b;
	}
	text[6] = '\0';
}

static bool
has(const struct seen *seen, const char *text)
{
	for (size_t i = 0; i < seen->count; i++)
		if (strcmp(seen->text[i], text) == 0)
			return true;
	return false;
}

/* Images at the end of all that happened so far. */
static struct seen *
at_the_end(uint32_t all_below, uint32_t random)
{
	static struct seen      seen;
	struct rfm_lying_effort effort = { all_below, random, 7, backwards };
	struct rfm_lying_moment moment;
	struct rfm_lying_cut   *cut = rfm_lying_cut_begin(disk);

	while (rfm_lying_cut_next(cut, &moment))
		;
	memset(&seen, 0, sizeof seen);
	rfm_lying_cut_each(cut, &effort, look, &seen);
	rfm_lying_cut_end(cut);
	return &seen;
}

static void
test_nothing_pending_is_one_image(void **state)
{
	struct seen *seen;

	(void)state;
	write_sector(0, 'a');
	barrier(RFM_BARRIER_PRIOR);
	seen = at_the_end(100, 0);
	assert_int_equal(seen->count, 1);
	assert_string_equal(seen->text[0], "aa....");
}

static void
test_every_subset(void **state)
{
	struct seen *seen;

	(void)state;
	write_sector(0, 'a');
	write_sector(1, 'b');
	seen = at_the_end(100, 0);
	assert_true(has(seen, "......"));
	assert_true(has(seen, "aa...."));
	assert_true(has(seen, "..bb.."));
	assert_true(has(seen, "aabb.."));
}

static void
test_every_version(void **state)
{
	struct seen *seen;

	(void)state;
	write_sector(0, 'a');
	write_sector(0, 'b');
	write_sector(0, 'c');
	seen = at_the_end(100, 0);
	assert_true(has(seen, "......"));
	assert_true(has(seen, "aa...."));
	assert_true(has(seen, "bb...."));
	assert_true(has(seen, "cc...."));
}

static void
test_torn_both_ways(void **state)
{
	struct seen *seen;

	(void)state;
	write_sector(0, 'a');
	barrier(RFM_BARRIER_PRIOR);
	write_sector(0, 'b');
	seen = at_the_end(100, 0);
	assert_true(has(seen, "ba...."));
	assert_false(has(seen, "ab...."));
	backwards = true;
	seen = at_the_end(100, 0);
	assert_false(has(seen, "ba...."));
	assert_true(has(seen, "ab...."));
}

static void
test_two_torn_at_once(void **state)
{
	struct seen *seen;

	(void)state;
	write_sector(0, 'a');
	write_sector(2, 'c');
	seen = at_the_end(100, 0);
	assert_true(has(seen, "a...c."));
	backwards = true;
	seen = at_the_end(100, 0);
	assert_true(has(seen, ".a...c"));
}

static void
test_a_torn_sector_keeps_common_bytes(void **state)
{
	struct seen *seen;
	char         bytes[S];

	(void)state;
	memset(bytes, 'x', S);
	assert_int_equal(os->write(os, file, 0, bytes, S, &error), RFM_OK);
	barrier(RFM_BARRIER_PRIOR);
	memset(bytes + 100, 'y', 50);
	assert_int_equal(os->write(os, file, 0, bytes, S, &error), RFM_OK);
	seen = at_the_end(100, 0);
	assert_true(seen->count > 5);
	for (size_t i = 0; i < seen->count; i++)
		assert_string_equal(seen->text[i], "xx....");
}

static void
test_an_ignored_barrier_settles_nothing(void **state)
{
	struct seen *seen;

	(void)state;
	rfm_lying_ignore(disk, RFM_BARRIER_FLIP);
	write_sector(0, 'a');
	barrier(RFM_BARRIER_FLIP);
	write_sector(1, 'b');
	seen = at_the_end(100, 0);
	assert_true(has(seen, "..bb.."));
	barrier(RFM_BARRIER_PRIOR);
	assert_int_equal(at_the_end(100, 0)->count, 1);
}

static void
test_too_many_to_enumerate(void **state)
{
	struct seen *seen;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		write_sector(i, 'a' + (int)i);
	seen = at_the_end(100, 50);
	assert_true(seen->count > 100);
	assert_true(has(seen, "......"));	/* nothing, or one other */
	assert_true(has(seen, "aabbcc"));	/* everything, or a prefix */
	assert_true(has(seen, "..bbcc"));	/* all but one */
	assert_true(has(seen, "aa...."));	/* one alone, or a prefix */
	assert_true(has(seen, "aabb.."));	/* a prefix */
}

static void
test_the_same_seed_gives_the_same_images(void **state)
{
	uint64_t first = 0, second = 0;

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		write_sector(i, 'a');
	for (size_t i = 0; i < at_the_end(10, 40)->count; i++)
		first += at_the_end(10, 40)->hash[i];
	for (size_t i = 0; i < at_the_end(10, 40)->count; i++)
		second += at_the_end(10, 40)->hash[i];
	assert_int_equal(first, second);
}

static void
test_a_name_needs_its_own_barrier(void **state)
{
	struct seen *seen;

	(void)state;
	os->close(os, file);
	assert_int_equal(os->remove(os, NAME, &error), RFM_OK);
	rfm_lying_record(disk, true);
	assert_int_equal(os->open(os, NAME, RFM_OPEN_CREATE, &file, &error),
	    RFM_OK);
	write_sector(0, 'a');
	barrier(RFM_BARRIER_FORMAT);
	seen = at_the_end(100, 0);
	assert_true(has(seen, "absent"));
	assert_true(has(seen, "aa...."));
	assert_int_equal(os->barrier_directory(os, NAME,
	    RFM_BARRIER_DIRECTORY, &error), RFM_OK);
	seen = at_the_end(100, 0);
	assert_int_equal(seen->count, 1);
	assert_false(has(seen, "absent"));
}

static void
note_size(void *context, struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice)
{
	unsigned *sizes = context;

	(void)cut;
	*sizes |= choice->size == 65536 ? 1 : choice->size == 131072 ? 2 : 4;
}

static void
test_a_size_may_be_late(void **state)
{
	struct rfm_lying_effort effort = { 100, 0, 7, false };
	struct rfm_lying_moment moment;
	struct rfm_lying_cut   *cut;
	unsigned                sizes = 0;

	(void)state;
	assert_int_equal(os->resize(os, file, 131072, &error), RFM_OK);
	write_sector(200, 'a');
	cut = rfm_lying_cut_begin(disk);
	while (rfm_lying_cut_next(cut, &moment))
		;
	rfm_lying_cut_each(cut, &effort, note_size, &sizes);
	rfm_lying_cut_end(cut);
	assert_int_equal(sizes, 3);
}

static uint8_t *
mapped(enum rfm_mapping how)
{
	void *base;

	assert_int_equal(os->reserve_addresses(os, 65536, &base, &error),
	    RFM_OK);
	assert_int_equal(os->map(os, file, how, base, 0, 65536, &error),
	    RFM_OK);
	return base;
}

static void
test_stores_through_the_map_are_seen(void **state)
{
	uint8_t     *base = mapped(RFM_MAP_SHARED);
	uint8_t      byte;
	struct seen *seen;

	(void)state;
	assert_int_equal(os->reserve(os, file, 0, 4096, &error), RFM_OK);
	memset(base, 'm', S);
	assert_int_equal(os->read(os, file, 5, &byte, 1, &error), RFM_OK);
	assert_int_equal(byte, 'm');
	seen = at_the_end(100, 0);
	assert_int_equal(seen->count, 2);
	assert_true(has(seen, "......"));
	assert_true(has(seen, "mm...."));
	write_sector(1, 'w');
	assert_int_equal(base[S], 'w');
	barrier(RFM_BARRIER_PAYLOAD);
	assert_int_equal(at_the_end(100, 0)->count, 1);
	assert_null(rfm_lying_complaint(disk));
	os->release_addresses(os, base, 65536);
}

static void
test_a_private_map_follows_and_keeps(void **state)
{
	uint8_t *base = mapped(RFM_MAP_PRIVATE);
	uint8_t  byte;

	(void)state;
	base[0] = 'p';
	write_sector(0, 'w');
	write_sector(8, 'w');
	assert_int_equal(base[0], 'p');		/* its own page */
	assert_int_equal(base[8 * S], 'w');	/* follows the file */
	assert_int_equal(os->read(os, file, 0, &byte, 1, &error), RFM_OK);
	assert_int_equal(byte, 'w');
	os->release_addresses(os, base, 65536);
}

static void
test_a_store_into_a_hole_is_told(void **state)
{
	uint8_t *base = mapped(RFM_MAP_SHARED);

	(void)state;
	base[8192] = 1;
	barrier(RFM_BARRIER_PAYLOAD);
	assert_non_null(strstr(rfm_lying_complaint(disk), "hole"));
	os->release_addresses(os, base, 65536);
}

static void
test_a_punched_block_is_a_hole_again(void **state)
{
	uint8_t *base = mapped(RFM_MAP_SHARED);

	(void)state;
	write_sector(0, 'a');
	assert_int_equal(os->punch(os, file, 0, 4096, &error), RFM_OK);
	assert_int_equal(base[0], 0);
	assert_null(rfm_lying_complaint(disk));
	base[0] = 'b';
	barrier(RFM_BARRIER_PAYLOAD);
	assert_non_null(strstr(rfm_lying_complaint(disk), "hole"));
	os->release_addresses(os, base, 65536);
}

static void
test_a_store_behind_the_end_is_told(void **state)
{
	void *base;

	(void)state;
	assert_int_equal(os->reserve_addresses(os, 131072, &base, &error),
	    RFM_OK);
	assert_int_equal(os->map(os, file, RFM_MAP_SHARED, base, 0, 131072,
	    &error), RFM_OK);
	((char *)base)[65536] = 1;
	barrier(RFM_BARRIER_PAYLOAD);
	assert_non_null(strstr(rfm_lying_complaint(disk), "behind the end"));
	os->release_addresses(os, base, 131072);
}

static void
test_a_killed_process_leaves_its_stores(void **state)
{
	uint8_t       *base = mapped(RFM_MAP_SHARED);
	struct rfm_os *other = rfm_lying_start(disk);
	struct rfm_file *again;
	uint8_t        byte;

	(void)state;
	assert_int_equal(os->reserve(os, file, 0, 4096, &error), RFM_OK);
	assert_int_equal(os->lock(os, file, RFM_LOCK_WRITER, true, &error),
	    RFM_OK);
	assert_int_equal(other->open(other, NAME, RFM_OPEN_WRITE, &again,
	    &error), RFM_OK);
	assert_int_equal(other->lock(other, again, RFM_LOCK_WRITER, true,
	    &error), RFM_LOCKED);
	base[7] = 'k';
	rfm_lying_kill(os);
	base[8] = 'l';				/* a ghost's store: nothing */
	assert_int_equal(os->write(os, file, 0, "x", 1, &error), RFM_IO);
	assert_int_equal(other->lock(other, again, RFM_LOCK_WRITER, true,
	    &error), RFM_OK);
	assert_int_equal(other->read(other, again, 7, &byte, 1, &error),
	    RFM_OK);
	assert_int_equal(byte, 'k');
	assert_int_equal(other->read(other, again, 8, &byte, 1, &error),
	    RFM_OK);
	assert_int_equal(byte, 0);
	other->close(other, again);
}

static void
test_locks(void **state)
{
	struct rfm_file *a, *b;

	(void)state;
	assert_int_equal(os->reopen(os, file, &a, &error), RFM_OK);
	assert_int_equal(os->reopen(os, file, &b, &error), RFM_OK);
	assert_int_equal(os->lock(os, a, RFM_LOCK_READERS, false, &error),
	    RFM_OK);
	assert_int_equal(os->lock(os, b, RFM_LOCK_READERS, false, &error),
	    RFM_OK);
	assert_int_equal(os->lock(os, file, RFM_LOCK_READERS, true, &error),
	    RFM_LOCKED);
	assert_int_equal(os->lock(os, file, RFM_LOCK_FORKS, true, &error),
	    RFM_OK);
	os->close(os, a);
	os->unlock(os, b, RFM_LOCK_READERS);
	assert_int_equal(os->lock(os, file, RFM_LOCK_READERS, true, &error),
	    RFM_OK);
	assert_int_equal(os->lock(os, b, RFM_LOCK_READERS, false, &error),
	    RFM_LOCKED);
	os->close(os, b);
}

static void
test_the_nth_call_fails_once(void **state)
{
	struct rfm_lying_fault fault = { RFM_LYING_WRITE, 2, RFM_DISK_FULL,
	    3, false };
	char bytes[] = "abcdef", back[7] = "";

	(void)state;
	rfm_lying_fail(disk, &fault);
	assert_int_equal(os->write(os, file, 0, bytes, 6, &error), RFM_OK);
	assert_int_equal(os->write(os, file, 6, bytes, 6, &error),
	    RFM_DISK_FULL);
	assert_int_equal(os->write(os, file, 12, bytes, 6, &error), RFM_OK);
	assert_int_equal(os->read(os, file, 6, back, 6, &error), RFM_OK);
	assert_memory_equal(back, "abc\0\0\0", 6);
}

static void
test_a_deadly_failure_kills(void **state)
{
	struct rfm_lying_fault fault = { RFM_LYING_CHANGE, 2, RFM_IO, 0,
	    true };
	uint64_t size;

	(void)state;
	rfm_lying_fail(disk, &fault);
	write_sector(0, 'a');
	assert_int_equal(os->barrier(os, file, RFM_BARRIER_FLIP, &error),
	    RFM_IO);
	assert_int_equal(os->size(os, file, &size, &error), RFM_IO);
	assert_true(has(at_the_end(100, 0), "......"));	/* no barrier */
}

static void
test_a_death_in_a_write(void **state)
{
	static struct seen      seen;
	struct rfm_lying_moment moment;
	struct rfm_lying_cut   *cut;
	char                    bytes[2 * S];

	(void)state;
	write_sector(0, 'a');
	memset(bytes, 'b', sizeof bytes);
	assert_int_equal(os->write(os, file, 0, bytes, sizeof bytes, &error),
	    RFM_OK);
	cut = rfm_lying_cut_begin(disk);
	while (rfm_lying_cut_next(cut, &moment))
		;
	memset(&seen, 0, sizeof seen);
	rfm_lying_cut_each_death(cut, true, look, &seen);
	rfm_lying_cut_end(cut);
	assert_true(has(&seen, "bbbb.."));
	assert_true(has(&seen, "bb...."));
	assert_true(has(&seen, "ba...."));
	assert_true(has(&seen, "aa...."));
	assert_false(has(&seen, "......"));	/* the first is in the cache */
}

static void
test_an_image_boots(void **state)
{
	struct rfm_lying_disk *other = rfm_lying_create(2);
	struct rfm_lying_image image;
	struct rfm_os         *process;
	uint8_t                one[16], two[16];
	uint64_t               size;

	(void)state;
	write_sector(3, 'z');
	image = rfm_lying_present(disk);
	rfm_lying_boot(other, &image);
	process = rfm_lying_start(other);
	os->boot_id(os, one);
	process->boot_id(process, two);
	assert_memory_not_equal(one, two, 16);
	rfm_lying_same_boot(other, disk);
	process->boot_id(process, two);
	assert_memory_equal(one, two, 16);
	os->close(os, file);
	assert_int_equal(process->open(process, NAME, RFM_OPEN_READ, &file,
	    &error), RFM_OK);
	assert_int_equal(process->size(process, file, &size, &error), RFM_OK);
	assert_int_equal(size, 65536);
	assert_int_equal(rfm_lying_present(other).bytes[3 * S], 'z');
	process->close(process, file);
	rfm_lying_destroy(other);
}

static void
test_what_is_left_open_is_told(void **state)
{
	(void)state;
	rfm_lying_end(os);
	assert_non_null(strstr(rfm_lying_complaint(disk), "file open"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_nothing_pending_is_one_image), T(test_every_subset),
		T(test_every_version), T(test_torn_both_ways),
		T(test_two_torn_at_once),
		T(test_a_torn_sector_keeps_common_bytes),
		T(test_an_ignored_barrier_settles_nothing),
		T(test_too_many_to_enumerate),
		T(test_the_same_seed_gives_the_same_images),
		T(test_a_name_needs_its_own_barrier),
		T(test_a_size_may_be_late),
		T(test_stores_through_the_map_are_seen),
		T(test_a_private_map_follows_and_keeps),
		T(test_a_store_into_a_hole_is_told),
		T(test_a_punched_block_is_a_hole_again),
		T(test_a_store_behind_the_end_is_told),
		T(test_a_killed_process_leaves_its_stores), T(test_locks),
		T(test_the_nth_call_fails_once),
		T(test_a_deadly_failure_kills), T(test_a_death_in_a_write),
		T(test_an_image_boots), T(test_what_is_left_open_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
