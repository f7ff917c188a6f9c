/*
 * Parts: the further extents of a string vector. They come, are sealed and go with
 * their owner, whatever happens in between; alone they cannot be found.
 */
#include "shop.h"

static struct rfm_payload *
strings(uint64_t length)
{
	return create_of(RFM_CHARACTER, length);
}

static struct rfm_payload *
temporary_strings(uint64_t length)
{
	return temporary_of(RFM_CHARACTER, length);
}

/* One more part, filled with a pattern. */
static void
extend(struct rfm_payload *p, uint64_t bytes, uint64_t seed)
{
	OK(rfm_store_extend(p, bytes, RFM_GROW, &error));
	fill(p->parts[p->part_count - 1]->address, bytes, seed);
}

static void
has_parts(const struct rfm_payload *p, uint32_t n, uint64_t seed)
{
	static const uint64_t bytes[] = { 100, 5000, 70000 };

	assert_int_equal(p->part_count, n);
	for (uint32_t k = 0; k < n; k++) {
		assert_int_equal(p->parts[k]->bytes, bytes[k]);
		assert_int_equal(p->parts[k]->type, RFM_BYTES);
		assert_int_equal(p->parts[k]->state, p->state);
		assert_ptr_equal(p->parts[k]->owner, p);
		assert_true(holds(p->parts[k]->address, bytes[k], seed + k));
	}
}

static void
extend_thrice(struct rfm_payload *p, uint64_t seed)
{
	extend(p, 100, seed);
	extend(p, 5000, seed + 1);
	extend(p, 70000, seed + 2);
}

static void
a_new_string_vector_is_all_empty_strings(void **state)
{
	(void)state;
	fill(temporary(1600)->address, 1600, 1);
	release_all();
	assert_true(all_zero(temporary_strings(100)->address, 1600));
	assert_true(all_zero(strings(100)->address, 1600));
}

static void
a_vectors_size_is_that_of_all_its_parts(void **state)
{
	struct rfm_payload *p = strings(10);
	uint64_t            on_disk, resident;

	(void)state;
	extend_thrice(p, 1);
	OK(rfm_store_sizes(p, &on_disk, &resident, &error));
	assert_int_equal(on_disk, 192 + 128 + 8192 + 73728);
	assert_int_equal(resident, 160 + 100 + 5000 + 70000);
}

/* proves I4 */
static void
parts_are_there_after_closing_and_after_a_death(void **state)
{
	struct rfm_payload *p = strings(10);
	uint64_t            id = p->id;

	(void)state;
	extend_thrice(p, 1);
	fill(strings(4)->address, 64, 9);
	has_parts(p, 3, 1);
	assert_int_equal(info_of(store).records, 2);
	SOUND();
	die_and_reopen();
	has_parts(find(id), 3, 1);
	SOUND();
	reopen();
	has_parts(find(id), 3, 1);
	assert_ptr_equal(find(id), find(id));
	has_parts(find(id), 3, 1);
}

/* proves I3 */
static void
a_power_cut_takes_the_parts_that_no_sync_covered(void **state)
{
	struct rfm_payload *p = strings(10);
	uint64_t            id = p->id;

	(void)state;
	extend(p, 100, 1);
	OK(rfm_store_sync(store, &error));
	extend(p, 5000, 2);
	lose_power_and_reopen();
	has_parts(find(id), 1, 1);
	extend(find(id), 5000, 2);
	has_parts(find(id), 2, 1);
	SOUND();
}

/* proves I9 */
static void
a_part_is_nobody_but_its_owners(void **state)
{
	struct rfm_payload *p = strings(10);

	(void)state;
	extend_thrice(p, 1);
	for (int k = 0; k < 3; k++) {
		assert_int_not_equal(p->parts[k]->id, 0);
		assert_int_equal(look_for(store, p->parts[k]->id),
		    RFM_NO_RECORD);
	}
}

static void
parts_are_sealed_and_freed_with_their_owner(void **state)
{
	struct rfm_payload *p = strings(10);
	uint64_t            id = p->id, live;

	(void)state;
	extend_thrice(p, 1);
	OK(rfm_store_seal(p, &error));
	OK(rfm_store_sync(store, &error));
	has_parts(p, 3, 1);
	assert_int_equal(info_of(store).sealed, 1);
	REFUSED(RFM_ARGUMENT, rfm_store_extend(p, 10, RFM_GROW, &error));
	die_and_reopen();
	has_parts(p = find(id), 3, 1);
	assert_int_equal(p->state, RFM_SEALED);
	live = info_of(store).live_bytes;
	OK(rfm_store_destroy(p, true, &error));
	assert_null(p->address);
	assert_null(p->parts[0]->address);
	assert_int_equal(info_of(store).live_bytes, 0);
	assert_int_equal(info_of(store).records, 0);
	assert_int_equal(info_of(store).tombstones, 1);
	assert_int_equal(info_of(store).held_bytes, live);
	SOUND();
	die_and_reopen();
	assert_int_equal(look_for(store, id), RFM_TOMBSTONE);
	assert_int_equal(info_of(store).held_bytes, live);
	OK(rfm_store_sync(store, &error));
	assert_int_equal(info_of(store).held_bytes, 0);
	SOUND();
}

static void
a_temporary_takes_its_parts_with_it(void **state)
{
	uint64_t            before = info_of(store).free_bytes;
	struct rfm_payload *p = temporary_strings(10);

	(void)state;
	extend_thrice(p, 1);
	has_parts(p, 3, 1);
	assert_int_equal(info_of(store).temporaries, 1);
	assert_true(info_of(store).temporary_bytes > 75000);
	release(p);
	assert_int_equal(info_of(store).temporaries, 0);
	assert_int_equal(info_of(store).temporary_bytes, 0);
	p = temporary_strings(10);
	extend_thrice(p, 1);
	OK(rfm_store_destroy(p, false, &error));
	assert_int_equal(info_of(store).temporary_bytes, 0);
	assert_true(info_of(store).free_bytes >= before);
}

static void
a_sealed_temporary_has_its_parts(void **state)
{
	struct rfm_payload *p = temporary_strings(10);
	uint64_t            id;

	(void)state;
	memset(p->address, 0xff, 160);  /* ten times NA */
	extend_thrice(p, 1);
	OK(rfm_store_seal(p, &error));
	id = p->id;
	has_parts(p, 3, 1);
	assert_int_equal(p->state, RFM_SEALED);
	assert_int_equal(info_of(store).temporaries, 0);
	assert_int_equal(info_of(store).temporary_bytes, 0);
	SOUND();
	die_and_reopen();
	has_parts(p = find(id), 3, 1);
	assert_int_equal(p->state, RFM_SEALED);
	assert_int_equal(((uint32_t *)p->address)[36], RFM_STRING_NA);
}

/* A checkpoint writes owners and parts anew. */
static void
parts_survive_a_checkpoint(void **state)
{
	struct rfm_payload *p = strings(10), *t = temporary_strings(3);
	uint64_t            id = p->id, sealed;

	(void)state;
	extend_thrice(p, 1);
	extend_thrice(t, 11);
	OK(rfm_store_seal(t, &error));
	sealed = t->id;
	OK(rfm_store_sync(store, &error));
	lose_power_and_reopen();
	create(10);                     /* a fresh segment */
	has_parts(find(id), 3, 1);
	has_parts(find(sealed), 3, 11);
	reopen();
	has_parts(find(id), 3, 1);
	has_parts(find(sealed), 3, 11);
	SOUND();
}

/* Whatever fails while a part is made: the owner is as it was. */
/* proves I13 */
static void
a_part_that_cannot_be_made_leaves_nothing(void **state)
{
	struct rfm_payload   *p = strings(10), *n = NULL;
	struct rfm_store_info before, after;

	(void)state;
	extend(p, 100, 1);
	before = info_of(store);
	REFUSED(RFM_NO_ROOM, rfm_store_extend(p, 10u << 20, RFM_STAY,
	    &error));
	REFUSED(RFM_TOO_LARGE, rfm_store_extend(p, UINT64_MAX, RFM_GROW,
	    &error));
	fail_next(RFM_LYING_RESERVE, 1, RFM_DISK_FULL);
	REFUSED(RFM_DISK_FULL, rfm_store_extend(p, 2u << 20, RFM_GROW,
	    &error));
	disarm();
	after = info_of(store);
	assert_int_equal(p->part_count, 1);
	assert_int_equal(before.temporary_bytes, after.temporary_bytes);
	assert_int_equal(before.temporaries, after.temporaries);
	assert_int_equal(before.log_bytes, after.log_bytes);
	REFUSED(RFM_ARGUMENT, rfm_store_extend(create(10), 10, RFM_GROW,
	    &error));
	REFUSED(RFM_ARGUMENT, rfm_store_extend(p->parts[0], 10, RFM_GROW,
	    &error));
	OK(rfm_store_temporary(store, RFM_LIST, 1, true, RFM_GROW, &n,
	    &error));
	REFUSED(RFM_ARGUMENT, rfm_store_extend(keep(n), 10, RFM_GROW,
	    &error));
	OK(rfm_store_destroy(p, false, &error));
	REFUSED(RFM_CLOSED, rfm_store_extend(p, 10, RFM_GROW, &error));
	SOUND();
}

/* The log write of a part fails: the part is gone, the owner still works. */
/* proves I13 */
static void
a_part_whose_record_fails_is_gone(void **state)
{
	struct rfm_payload *p = strings(10);
	uint64_t            id = p->id;

	(void)state;
	extend(p, 100, 1);
	fail_next(RFM_LYING_WRITE, 1, RFM_IO);
	REFUSED(RFM_IO, rfm_store_extend(p, 5000, RFM_GROW, &error));
	disarm();
	assert_int_equal(p->part_count, 1);
	assert_int_equal(info_of(store).temporary_bytes, 0);
	REFUSED(RFM_POISONED, rfm_store_extend(p, 5000, RFM_GROW, &error));
	die_and_reopen();
	has_parts(find(id), 1, 1);
	SOUND();
}

static void
a_reader_finds_the_parts_and_those_that_come_later(void **state)
{
	struct rfm_payload *p = strings(10), *seen;
	struct rfm_os      *other;
	struct rfm_store   *reader = NULL;
	uint64_t            id = p->id;

	(void)state;
	extend(p, 100, 1);
	other = rfm_lying_start(disk);
	OK(rfm_store_open(other, "store", &reading, &reader, NULL, &error));
	has_parts(seen = find_in(reader, id), 1, 1);
	extend(p, 5000, 2);
	extend(p, 70000, 3);            /* behind the end of his mapping */
	OK(rfm_store_refresh(reader, &error));
	assert_ptr_equal(find_in(reader, id), seen);
	has_parts(seen, 3, 1);
	/* He may extend it for himself. */
	OK(rfm_store_extend(seen, 10, RFM_GROW, &error));
	assert_int_equal(seen->part_count, 4);
	assert_int_equal(seen->parts[3]->state, RFM_TEMPORARY);
	assert_int_equal(p->part_count, 3);
	release_all();
	rfm_store_release(reader);
	rfm_lying_end(other);
	SOUND();
}

static void
a_part_that_was_just_made_can_be_widened(void **state)
{
	struct rfm_payload *p = temporary_strings(1);
	uint8_t            *address;

	(void)state;
	extend(p, 8192, 1);
	address = p->parts[0]->address;
	assert_true(rfm_store_widen(p->parts[0], 16384));
	assert_ptr_equal(p->parts[0]->address, address);
	assert_int_equal(p->parts[0]->bytes, 16384);
	assert_true(holds(address, 8192, 1));
	release(p);
	assert_int_equal(info_of(store).temporary_bytes, 0);
}

static void
a_scratch_store_has_parts_too(void **state)
{
	struct rfm_payload *p;

	(void)state;
	start_again_with_a_scratch_store();
	p = strings(10);
	extend_thrice(p, 1);
	has_parts(p, 3, 1);
	release(p);
	assert_int_equal(info_of(store).temporary_bytes, 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, machine_on, machine_off)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_new_string_vector_is_all_empty_strings),
		T(a_vectors_size_is_that_of_all_its_parts),
		T(parts_are_there_after_closing_and_after_a_death),
		T(a_power_cut_takes_the_parts_that_no_sync_covered),
		T(a_part_is_nobody_but_its_owners),
		T(parts_are_sealed_and_freed_with_their_owner),
		T(a_temporary_takes_its_parts_with_it),
		T(a_sealed_temporary_has_its_parts),
		T(parts_survive_a_checkpoint),
		T(a_part_that_cannot_be_made_leaves_nothing),
		T(a_part_whose_record_fails_is_gone),
		T(a_reader_finds_the_parts_and_those_that_come_later),
		T(a_part_that_was_just_made_can_be_widened),
		T(a_scratch_store_has_parts_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
