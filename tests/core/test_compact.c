/*
 * Compaction: what nobody uses moves to the front, the file becomes as short as what
 * is in it, and every payload keeps its bytes, through any accident. Readers of earlier
 * epochs see what they saw; those who look again let the room be reused.
 */
#include "shop.h"
#include "faults.h"

#define BYTES 8192

/* Sealed elements under names are what a store is full of. */
static uint64_t
put(const char *name, uint64_t bytes, uint64_t seed)
{
	struct rfm_payload *p = temporary(bytes);
	uint64_t            id;

	fill(p->address, bytes, seed);
	id = name_it(name, p);
	release(p);
	return id;
}

static struct rfm_payload *
named(struct rfm_store *s, const char *name)
{
	struct rfm_name_info info;

	assert_true(rfm_store_name(s, name, strlen(name), &info));
	return find_in(s, info.id);
}

static void
holds_named(struct rfm_store *s, const char *name, uint64_t seed)
{
	struct rfm_payload *p = named(s, name);

	if (!holds(p->address, p->bytes, seed))
		fail_msg("%s has not the bytes of %" PRIu64, name, seed);
	release(p);
}

static void
compact(bool set_aside)
{
	struct rfm_compaction c = { 1 << 16, 0, 0, set_aside };

	for (int steps = 0; steps == 0 || c.moved > 0; steps++) {
		OK(rfm_store_compact(store, &c, &error));
		SOUND();
		assert_true(steps < 1000);
	}
	OK(rfm_store_trim(store, &error));
	SOUND();
}

/* Ten objects, of which every second one goes. */
static void
make_holes(void)
{
	char name[2] = "a";

	for (uint64_t i = 0; i < 10; i++, name[0]++)
		put(name, BYTES * 4, i);
	OK(rfm_store_sync(store, &error));
	for (name[0] = 'a'; name[0] < 'k'; name[0] = (char)(name[0] + 2))
		name_it(name, NULL);
	OK(rfm_store_sync(store, &error));
}

static void
holds_the_rest(struct rfm_store *s)
{
	char name[2] = "b";

	for (uint64_t i = 1; i < 10; i += 2, name[0] = (char)(name[0] + 2))
		holds_named(s, name, i);
}

static void
holes_are_filled_and_the_file_is_cut(void **state)
{
	uint64_t before;

	(void)state;
	make_holes();
	before = info_of(store).file_bytes;
	compact(false);
	assert_true(info_of(store).file_bytes < before);
	assert_true(info_of(store).file_bytes < 5 * BYTES * 4 + 2 * 65536);
	holds_the_rest(store);
	reopen();
	holds_the_rest(store);
	assert_true(info_of(store).file_bytes < before);
}

static void
it_survives_a_death_and_a_power_cut(void **state)
{
	(void)state;
	make_holes();
	compact(false);
	die_and_reopen();
	SOUND();
	holds_the_rest(store);
	put("x", BYTES * 40, 77);
	OK(rfm_store_sync(store, &error));
	lose_power_and_reopen();
	SOUND();
	holds_the_rest(store);
	holds_named(store, "x", 77);
}

static void
a_file_that_was_cut_grows_again(void **state)
{
	(void)state;
	make_holes();
	compact(false);
	for (uint64_t i = 0; i < 20; i++) {
		char name[3] = { 'n', (char)('a' + i), 0 };

		put(name, BYTES * 8, 100 + i);
	}
	SOUND();
	holds_the_rest(store);
	for (uint64_t i = 0; i < 20; i++) {
		char name[3] = { 'n', (char)('a' + i), 0 };

		holds_named(store, name, 100 + i);
	}
}

static void
what_is_in_use_stays_where_it_is(void **state)
{
	struct rfm_payload *j;
	void               *address;
	uint64_t            offset;

	(void)state;
	make_holes();
	j = named(store, "j");
	address = j->address;
	offset = j->offset;
	compact(false);
	assert_ptr_equal(j->address, address);
	assert_true(holds(address, j->bytes, 9));
	assert_true(info_of(store).file_bytes >= offset + j->bytes);
	release(j);
	compact(false);
	assert_true(info_of(store).file_bytes < offset);
	holds_the_rest(store);
}

/* One small hole before large records: only setting aside helps. */
static void
a_small_hole_is_made_larger(void **state)
{
	uint64_t stuck;

	(void)state;
	put("small", BYTES, 1);
	put("A", BYTES * 16, 2);
	put("B", BYTES * 16, 3);
	put("C", BYTES * 16, 4);
	name_it("small", NULL);
	OK(rfm_store_sync(store, &error));
	compact(false);
	stuck = named(store, "A")->offset;
	release_all();
	compact(true);
	assert_true(named(store, "A")->offset < stuck ||
	    named(store, "B")->offset < stuck ||
	    named(store, "C")->offset < stuck);
	release_all();
	holds_named(store, "A", 2);
	holds_named(store, "B", 3);
	holds_named(store, "C", 4);
	lose_power_and_reopen();
	holds_named(store, "A", 2);
}

static void
strings_move_with_their_parts(void **state)
{
	struct rfm_payload *p = NULL;
	uint64_t            id;

	(void)state;
	put("hole", BYTES * 4, 1);
	OK(rfm_store_temporary(store, RFM_CHARACTER, 100, true, RFM_GROW, &p,
	    &error));
	OK(rfm_store_extend(p, 5000, RFM_GROW, &error));
	fill(p->parts[0]->address, 5000, 5);
	id = name_it("s", p);
	rfm_payload_release(p);
	name_it("hole", NULL);
	compact(false);
	p = find(id);
	assert_int_equal(p->part_count, 1);
	assert_true(all_zero(p->address, 1600));
	assert_true(holds(p->parts[0]->address, 5000, 5));
	assert_int_equal(p->parts[0]->state, RFM_SEALED);
}

static void
an_empty_store_is_as_short_as_can_be(void **state)
{
	(void)state;
	put("x", BYTES * 100, 1);
	name_it("x", NULL);
	compact(false);
	assert_int_equal(info_of(store).file_bytes, RFM_FILE_MIN_BYTES);
	reopen();
	compact(false);
	assert_int_equal(info_of(store).file_bytes, RFM_FILE_MIN_BYTES);
}

static void
readers_and_scratch_stores_are_not_compacted(void **state)
{
	struct rfm_compaction c = { 1, 0, 0, false };
	struct rfm_store     *reader = NULL;

	(void)state;
	put("x", BYTES, 1);
	OK(rfm_store_open(start_process(), "store", &reading, &reader, NULL,
	    &error));
	REFUSED(RFM_READ_ONLY, rfm_store_compact(reader, &c, &error));
	REFUSED(RFM_READ_ONLY, rfm_store_trim(reader, &error));
	rfm_store_release(reader);
	start_again_with_a_scratch_store();
	OK(rfm_store_compact(store, &c, &error));
	OK(rfm_store_trim(store, &error));
	assert_int_equal(c.moved, 0);
}

/* Whatever call fails, every object is there, now and after a power cut. */
static void
a_failure_changes_nothing(void **state)
{
	static const enum rfm_lying_call calls[] = { RFM_LYING_WRITE,
	    RFM_LYING_FLUSH, RFM_LYING_RESERVE, RFM_LYING_EXTEND };

	(void)state;
	for (size_t k = 0; k < COUNT(calls); k++)
		for (uint32_t nth = 1; nth < 12; nth++) {
			struct rfm_compaction c = { 1 << 20, 0, 0, true };

			machine_off(NULL);
			machine_on(NULL);
			make_holes();
			fail_next(calls[k], nth, RFM_IO);
			if (rfm_store_compact(store, &c, &error) == RFM_OK)
				(void)rfm_store_trim(store, &error);
			disarm();
			holds_the_rest(store);
			if (nth % 2)
				lose_power_and_reopen();
			else
				die_and_reopen();
			SOUND();
			holds_the_rest(store);
		}
}

static void
add_extent(void *context, const struct rfm_extent_info *e)
{
	*(uint64_t *)context += e->bytes;
}

/* All room is free, or in use for something. proves I5 */
static void
no_room_is_lost(void)
{
	uint64_t bytes = info_of(store).free_bytes;

	rfm_store_map(store, add_extent, &bytes);
	assert_int_equal(bytes, info_of(store).file_bytes);
}

/* Whichever allocation fails, nothing is lost: no object, and no room of this session. */
static void
without_memory_nothing_is_lost(void **state)
{
	(void)state;
	for (long nth = 1; ; nth++) {
		struct rfm_compaction c = { 1 << 20, 0, 0, true };
		enum rfm_status       status;
		bool                  failed;

		machine_off(NULL);
		machine_on(NULL);
		make_holes();
		fail_allocation(nth);
		status = rfm_store_compact(store, &c, &error);
		if (status == RFM_OK)
			status = rfm_store_trim(store, &error);
		failed = allocation_failed();
		fail_allocation(0);
		assert_true(status == RFM_OK || status == RFM_NO_MEMORY);
		SOUND();
		holds_the_rest(store);
		release_all();
		no_room_is_lost();
		compact(true);
		no_room_is_lost();
		reopen();
		holds_the_rest(store);
		if (!failed)
			break;
		assert_true(nth < 100);
	}
}

/* Neither does a temporary move, nor is the file cut where it lies. */
static void
a_temporary_stays_where_it_is(void **state)
{
	struct rfm_payload *t;
	void               *address;

	(void)state;
	make_holes();
	t = temporary(BYTES * 40);
	fill(t->address, t->bytes, 5);
	address = t->address;
	compact(true);
	assert_ptr_equal(t->address, address);
	assert_true(holds(address, t->bytes, 5));
	assert_true(info_of(store).file_bytes >= t->offset + t->bytes);
	release(t);
	compact(true);
	holds_the_rest(store);
}

/* An emptied store has nothing, and who has something of it in hand is told so. */
static void
everything_goes(void **state)
{
	struct rfm_payload *strings, *number;

	(void)state;
	strings = create_of(RFM_CHARACTER, 100);
	OK(rfm_store_extend(strings, 5000, RFM_GROW, &error));
	number = create(BYTES);
	name_it("s", strings);
	put("x", BYTES * 4, 1);
	name_it("s", NULL);
	name_it("x", NULL);
	OK(rfm_store_clear(store, &error));
	assert_int_equal(strings->state, RFM_DESTROYED);
	assert_int_equal(number->state, RFM_DESTROYED);
	assert_null(number->address);
	SOUND();
	release_all();
	assert_int_equal(info_of(store).records, 0);
	compact(false);
	assert_int_equal(info_of(store).file_bytes, RFM_FILE_MIN_BYTES);
	lose_power_and_reopen();
	assert_int_equal(info_of(store).records, 0);
}

/* ---- epochs ---- */

static void
a_reader_keeps_what_he_may_know(void **state)
{
	struct rfm_store   *reader;
	struct rfm_payload *old;

	(void)state;
	put("x", BYTES * 4, 1);
	OK(rfm_store_sync(store, &error));
	reader = open_reader();
	old = named(reader, "x");
	put("x", BYTES * 4, 2);
	OK(rfm_store_sync(store, &error));
	assert_true(info_of(store).held_bytes >= BYTES * 4);
	take_all_room(9);
	assert_true(holds(old->address, old->bytes, 1));
	OK(rfm_store_refresh(reader, &error));
	holds_named(reader, "x", 2);
	OK(rfm_store_sync(store, &error));
	take_all_room(9);
	assert_true(holds(old->address, old->bytes, 1));
	release(old);
	assert_true(info_of(store).held_bytes >= BYTES * 4);
	OK(rfm_store_refresh(reader, &error));
	OK(rfm_store_sync(store, &error));
	assert_int_equal(info_of(store).held_bytes, 0);
	release_all();
	rfm_store_release(reader);
}

/* Replaced and looked at again, two hundred times, in a file that does not grow. */
static void
a_reader_who_looks_again_holds_nothing_back(void **state)
{
	struct rfm_store *reader;
	uint64_t          bytes = 0;

	(void)state;
	put("x", BYTES * 4, 0);
	OK(rfm_store_sync(store, &error));
	reader = open_reader();
	for (uint64_t i = 1; i <= 200; i++) {
		struct rfm_payload *p = named(reader, "x");

		put("x", BYTES * 4, i);
		OK(rfm_store_sync(store, &error));
		assert_true(holds(p->address, p->bytes, i - 1));
		release(p);
		if (i % 20 == 0)
			compact(false);
		OK(rfm_store_refresh(reader, &error));
		holds_named(reader, "x", i);
		if (i == 20)
			bytes = info_of(store).file_bytes;
		if (i > 20)
			assert_true(info_of(store).file_bytes <= 3 * bytes);
	}
	rfm_store_release(reader);
}

/* A dead reader pins nothing; a writer who comes later asks the old pins. */
static void
pins_outlive_writers_and_not_readers(void **state)
{
	struct rfm_os    *reading_os = start_process();
	struct rfm_store *reader = NULL;

	(void)state;
	put("x", BYTES * 4, 1);
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_open(reading_os, "store", &reading, &reader, NULL,
	    &error));
	name_it("x", NULL);
	OK(rfm_store_sync(store, &error));
	die_and_reopen();
	take_all_room(9);
	holds_named(reader, "x", 1);
	release_all();
	rfm_lying_kill(reading_os);
	OK(rfm_store_sync(store, &error));
	assert_int_equal(info_of(store).held_bytes, 0);
	rfm_store_release(reader);
}

/* ---- a walk beside a model ---- */

static void
walk_with_a_model(void **state)
{
	uint64_t seeds[16] = { 0 };

	(void)state;
	walk_begin();
	for (int step = 0; step < 400; step++) {
		size_t k = dice(16);
		char   name[2] = { (char)('A' + k), 0 };

		switch (dice(8)) {
		case 0: case 1: case 2:
			seeds[k] = (uint64_t)step + 1;
			put(name, 64 + dice(5) * dice(20000), seeds[k]);
			break;
		case 3:
			if (seeds[k] != 0)
				name_it(name, NULL);
			seeds[k] = 0;
			break;
		case 4:
			compact(dice(2) == 0);
			break;
		case 5:
			die_and_reopen();
			break;
		case 6:
			OK(rfm_store_sync(store, &error));
			lose_power_and_reopen();
			break;
		default:
			if (seeds[k] != 0)
				holds_named(store, name, seeds[k]);
		}
	}
	SOUND();
	for (size_t k = 0; k < 16; k++) {
		char name[2] = { (char)('A' + k), 0 };

		if (seeds[k] != 0)
			holds_named(store, name, seeds[k]);
	}
	no_complaint();
}

#define T(f) cmocka_unit_test_setup_teardown(f, machine_on, machine_off)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(holes_are_filled_and_the_file_is_cut),
		T(it_survives_a_death_and_a_power_cut),
		T(a_file_that_was_cut_grows_again),
		T(what_is_in_use_stays_where_it_is),
		T(a_small_hole_is_made_larger),
		T(strings_move_with_their_parts),
		T(an_empty_store_is_as_short_as_can_be),
		T(readers_and_scratch_stores_are_not_compacted),
		T(a_failure_changes_nothing),
		T(without_memory_nothing_is_lost),
		T(a_temporary_stays_where_it_is),
		T(everything_goes),
		T(a_reader_keeps_what_he_may_know),
		T(a_reader_who_looks_again_holds_nothing_back),
		T(pins_outlive_writers_and_not_readers),
		T(walk_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
