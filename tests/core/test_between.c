/*
 * Between two steps: what an accident or a failing call leaves to a neighbour, or to the next
 * session, that looks at exactly this moment. Each of these was once seen to go wrong.
 */
#include "shop.h"
#include "faults.h"

/* A writer makes a vector, frees it and dies, all without a commit. A reader has it in hand; the
   next writer gives its room to nobody before the reader has let go of it. */
static void
room_of_the_dead_waits_for_readers(void **state)
{
	uint64_t id;
	struct rfm_store *reader;
	struct rfm_payload *mine;

	(void)state;
	create(64);
	OK(rfm_store_sync(store, &error));
	id = create_filled(8192, 5);
	reader = open_reader();
	OK(rfm_store_find(reader, id, &mine, &error));
	OK(rfm_store_destroy(handles[handle_count - 1], true, &error));
	die_and_reopen();
	take_all_room(9);
	assert_true(holds(mine->address, 8192, 5));
	release_all();
	OK(rfm_store_refresh(reader, &error));
	take_all_room(9);
	assert_true(holds(mine->address, 8192, 5));
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_refresh(reader, &error));
	take_all_room(9);
	assert_true(holds(mine->address, 8192, 5));
	rfm_payload_release(mine);
	rfm_store_release(reader);
}

/* A raw block becomes shorter where it is, and a checkpoint follows. A reader who holds the long
   one keeps its end. */
static void
a_block_that_was_cut_is_not_taken_for_what_it_was(void **state)
{
	struct rfm_payload *p = create_of(RFM_BYTES, 40000), *mine;
	struct rfm_store *reader;

	(void)state;
	fill(p->address, 40000, 3);
	OK(rfm_store_sync(store, &error));
	reader = open_reader();
	OK(rfm_store_find(reader, p->id, &mine, &error));
	OK(rfm_store_resize(p, 8192, RFM_GROW, &error));
	OK(rfm_store_trim(store, &error));
	OK(rfm_store_refresh(reader, &error));
	take_all_room(9);
	OK(rfm_store_sync(store, &error));
	take_all_room(9);
	assert_true(holds(mine->address, 40000, 3));
	rfm_payload_release(mine);
	rfm_store_release(reader);
}

/* A refresh fails when it has read the next commit; what is then found in the old catalog is
   pinned as old. */
static void
a_refresh_that_failed_pins_what_is_found_after_it(void **state)
{
	(void)state;
	for (long nth = 1; nth < 30; nth++) {
		struct rfm_payload *mine;
		struct rfm_store *reader;
		uint64_t id;
		enum rfm_status status;

		machine_off(state);
		machine_on(state);
		id = create_filled(8192, 5);
		for (int i = 0; i < 200; i++)
			create(64);
		OK(rfm_store_sync(store, &error));
		reader = open_reader();
		release_all();
		OK(rfm_store_destroy(find(id), true, &error));
		OK(rfm_store_trim(store, &error));
		for (int i = 0; i < 400; i++)
			create(64);
		fail_allocation(nth);
		status = rfm_store_refresh(reader, &error);
		fail_allocation(0);
		if (status == RFM_OK) {
			rfm_store_release(reader);
			continue;
		}
		mine = NULL;
		OK(rfm_store_find(reader, id, &mine, &error));
		assert_true(holds(mine->address, 8192, 5));
		OK(rfm_store_refresh(reader, &error));
		OK(rfm_store_sync(store, &error));
		take_all_room(9);
		assert_true(info_of(reader).pin < info_of(reader).epoch);
		assert_true(info_of(store).held_bytes >= 8192);
		release_all();
		rfm_payload_release(mine);
		rfm_store_release(reader);
	}
}

/* The medium fails while a store is emptied. The next session finds all of it, whatever
   temporaries were made meanwhile. */
static void
what_could_not_be_emptied_is_whole(void **state)
{
	for (uint32_t nth = 1; nth < 9; nth++) {
		uint64_t a, b;

		machine_off(state);
		machine_on(state);
		create(64);
		OK(rfm_store_sync(store, &error));
		a = create_filled(8192, 5);
		b = create_filled(8192, 6);
		release_all();
		fail_next(RFM_LYING_WRITE, nth, RFM_IO);
		if (rfm_store_clear(store, &error) == RFM_OK)
			continue;
		take_all_room(9);
		die_and_reopen();
		assert_true(holds(find(a)->address, 8192, 5));
		assert_true(holds(find(b)->address, 8192, 6));
	}
}

/* The process dies between COMMIT and its barrier; another one only looks. */
static void
who_has_waited_for_nothing_makes_no_holes(void **state)
{
	struct rfm_lying_fault fault = { RFM_LYING_FLUSH, 2, RFM_IO, 0, true };
	struct rfm_lying_image image;
	struct rfm_payload *p = create(3 << 20);
	uint64_t offset = p->offset;

	(void)state;
	fill(p->address, 3 << 20, 5);
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_destroy(p, true, &error));
	rfm_lying_fail(disk, &fault);
	REFUSED(RFM_IO, rfm_store_sync(store, &error));
	leave();
	open_store();
	rfm_store_sync_at_close(store, false);
	leave();
	image = rfm_lying_present(disk);
	assert_true(holds(image.bytes + offset, 3 << 20, 5));
	reopen();
	create(64);
	rfm_store_sync_at_close(store, false);
	leave();
	image = rfm_lying_present(disk);
	assert_true(all_zero(image.bytes + offset + (1 << 20), 1 << 20));
}

/* A reference is given out while strings are being appended; their part is no record yet. */
static void
a_seal_leaves_a_new_part_temporary(void **state)
{
	struct rfm_payload *p = NULL;
	void *at;
	uint64_t temporary_bytes;

	(void)state;
	OK(rfm_store_roomy(store, RFM_CHARACTER, 10, 100, true, RFM_GROW, &p,
	    &error));
	keep(p);
	name_it("s", object_of(p));
	temporary_bytes = info_of(store).temporary_bytes;
	OK(rfm_store_reach(p, 10, 5, &at, &error));
	OK(rfm_store_extend(p, 10000, RFM_GROW, &error));
	OK(rfm_store_seal(p, &error));
	release_all();
	assert_int_equal(info_of(store).temporary_bytes, temporary_bytes);
	SOUND();
	OK(rfm_store_trim(store, &error));
}

/* A vector with a record, not sealed yet, has been appended to when an object is named. */
static void
a_vector_is_sealed_and_extended_at_once(void **state)
{
	struct rfm_payload *p = NULL;
	void *at;
	uint64_t id;

	(void)state;
	OK(rfm_store_roomy(store, RFM_NUMERIC, 10, 100, true, RFM_GROW, &p,
	    &error));
	keep(p);
	OK(rfm_store_keep(p, &error));
	OK(rfm_store_reach(p, 10, 5, &at, &error));
	name_it("s", object_of(p));
	id = p->id;
	reopen();
	assert_int_equal(find(id)->length, 15);
}

/* The record of a list arrives, and its write fails all the same. */
static void
a_list_in_doubt_keeps_its_cells(void **state)
{
	(void)state;
	for (uint32_t nth = 1; nth < 4; nth++) {
		struct rfm_payload *list = temporary_of(RFM_LIST, 1);
		struct rfm_lying_fault fault = { RFM_LYING_WRITE, nth, RFM_IO, 1000, false };

		OK(rfm_store_link(list, 0, temporary(100), &error));
		rfm_lying_fail(disk, &fault);
		(void)rfm_store_seal(list, &error);
		disarm();
		die();
		open_store();
		SOUND();
		assert_int_equal(info_of(store).findings, 0);
	}
}

/* An EXTEND arrives, and its write fails. What it speaks of is not overwritten. */
static void
nothing_is_appended_after_a_failure(void **state)
{
	struct rfm_lying_fault fault = { RFM_LYING_WRITE, 0, RFM_IO, 1000, false };
	int longer = 0;

	(void)state;
	for (fault.nth = 1; fault.nth < 6; fault.nth++) {
		struct rfm_payload *p = NULL, *o;
		void *at;
		uint64_t id;

		OK(rfm_store_roomy(store, RFM_NUMERIC, 10, 100, true, RFM_GROW, &p,
		    &error));
		keep(p);
		name_it("s", object_of(p));
		id = p->id;
		OK(rfm_store_reach(p, 10, 5, &at, &error));
		fill(at, 40, 1);
		o = object_of(p);
		rfm_lying_fail(disk, &fault);
		(void)rfm_store_seal(o, &error);
		disarm();
		release_all();
		p = find(id);
		if (rfm_store_reach(p, 10, 5, &at, &error) == RFM_OK)
			fill(at, 40, 2);
		die_and_reopen();
		p = find(id);
		longer += p->length == 15;
		if (p->length == 15)
			assert_true(holds((char *)p->address + 80, 40, 1));
		SOUND();
	}
	assert_true(longer > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, machine_on, machine_off)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(room_of_the_dead_waits_for_readers),
		T(a_block_that_was_cut_is_not_taken_for_what_it_was),
		T(a_refresh_that_failed_pins_what_is_found_after_it),
		T(what_could_not_be_emptied_is_whole),
		T(who_has_waited_for_nothing_makes_no_holes),
		T(a_seal_leaves_a_new_part_temporary),
		T(a_vector_is_sealed_and_extended_at_once),
		T(a_list_in_doubt_keeps_its_cells),
		T(nothing_is_appended_after_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
