/*
 * Tests of the room store on the lying disk: what survives what, when room may be
 * used again, which barriers an operation costs, and that whatever fails has no
 * effect. What needs real processes and files is in test_store_posix.c.
 */
#include "faults.h"
#include "shop.h"

/* Another process beside the one of shop.h. */
static struct rfm_os    *other_os;
static struct rfm_store *other;

static enum rfm_status
open_other(const struct rfm_open_options *options)
{
	other_os = start_process();
	other = NULL;
	return rfm_store_open(other_os, "store", options, &other, NULL,
	    &error);
}

static void
close_other(void)
{
	if (other != NULL)
		rfm_store_release(other);
	if (other_os != NULL)
		rfm_lying_end(other_os);
	other = NULL;
	other_os = NULL;
}

static int
on(void **state)
{
	other = NULL;
	other_os = NULL;
	return machine_on(state);
}

static int
off(void **state)
{
	release_all();
	close_other();
	return machine_off(state);
}

/* ---- making and opening ---- */

static void
a_new_store_has_the_size_asked_for_in_steps(void **state)
{
	static const struct { uint64_t wish, bytes; } sizes[] = {
		{ TINY, TINY }, { TINY + 1, TINY + 65536 },
		{ 1000000, 1048576 }, { 0, RFM_FILE_DEFAULT_BYTES },
	};
	struct rfm_open_options options = writing;

	(void)state;
	options.address_bytes = 1u << 28;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		leave();
		rfm_lying_boot(disk, NULL);
		options.bytes = sizes[i].wish;
		OK(try_to_open(&options));
		assert_true(created);
		assert_int_equal(info_of(store).file_bytes, sizes[i].bytes);
		assert_int_equal(rfm_lying_present(disk).size,
		    sizes[i].bytes);
	}
}

/* proves I13 */
static void
an_impossible_size_makes_no_file(void **state)
{
	struct rfm_open_options options = writing;

	(void)state;
	leave();
	rfm_lying_boot(disk, NULL);
	options.bytes = TINY - 1;
	REFUSED(RFM_ARGUMENT, try_to_open(&options));
	SAYS("too small");
	leave();
	options.bytes = RFM_FILE_MAX_BYTES + 1;
	REFUSED(RFM_TOO_LARGE, try_to_open(&options));
	leave();
	options.bytes = UINT64_MAX;
	REFUSED(RFM_TOO_LARGE, try_to_open(&options));
	assert_false(rfm_lying_present(disk).present);
}

static void
what_is_absent_is_made_only_for_a_writer_who_wants_it(void **state)
{
	struct rfm_open_options options = writing;

	(void)state;
	leave();
	rfm_lying_boot(disk, NULL);
	options.create = false;
	REFUSED(RFM_NO_FILE, try_to_open(&options));
	leave();
	options = reading;
	options.create = true;
	REFUSED(RFM_NO_FILE, try_to_open(&options));
	assert_false(rfm_lying_present(disk).present);
}

static void
expect_only_the_note_differs(const struct rfm_lying_image *before)
{
	struct rfm_lying_image now = rfm_lying_present(disk);

	assert_int_equal(now.size, before->size);
	assert_memory_equal(now.bytes, before->bytes, RFM_OWNER_OFFSET);
	assert_memory_equal(now.bytes + RFM_HEAP_OFFSET,
	    before->bytes + RFM_HEAP_OFFSET, now.size - RFM_HEAP_OFFSET);
}

static void
opening_writes_the_owners_note_and_nothing_else(void **state)
{
	struct rfm_lying_image before;

	(void)state;
	create_filled(5000, 1);
	OK(rfm_store_sync(store, &error));
	create_filled(500, 2);
	before = snapshot();
	die_and_reopen();               /* in use, same boot */
	expect_only_the_note_differs(&before);
	lose_power_and_reopen();        /* in use, another boot */
	expect_only_the_note_differs(&before);
	free(before.bytes);
	create_filled(50, 3);
	leave();                        /* clean */
	before = snapshot();
	open_store();
	expect_only_the_note_differs(&before);
	free(before.bytes);
	before = snapshot();
	OK(open_other(&reading));       /* a reader: not even that */
	assert_memory_equal(before.bytes, rfm_lying_present(disk).bytes,
	    before.size);
	free(before.bytes);
}

static void
expect_refused_unchanged(enum rfm_status wanted, struct rfm_lying_image *image)
{
	uint8_t *before = malloc(image->size + 1);

	assert_non_null(before);
	memcpy(before, image->bytes, image->size);
	rfm_lying_boot(disk, image);
	REFUSED(wanted, try_to_open(&writing));
	SAYS("store");
	leave();
	REFUSED(wanted, try_to_open(&reading));
	leave();
	assert_int_not_equal(try_to_open(&scratching), RFM_OK);
	leave();
	assert_int_equal(rfm_lying_present(disk).size, image->size);
	assert_memory_equal(rfm_lying_present(disk).bytes, before,
	    image->size);
	free(before);
}

/* proves I14 */
static void
what_is_no_store_is_refused_and_not_touched(void **state)
{
	static uint8_t         bytes[65536];
	struct rfm_lying_image image = { true, 0, bytes, 0 };

	(void)state;
	leave();
	expect_refused_unchanged(RFM_FOREIGN, &image);
	image.size = 1;
	expect_refused_unchanged(RFM_FOREIGN, &image);
	image.size = RFM_HEAP_OFFSET - 1;
	expect_refused_unchanged(RFM_FOREIGN, &image);
	image.size = 65536;
	expect_refused_unchanged(RFM_FOREIGN, &image);
	fill(bytes, sizeof bytes, 9);
	expect_refused_unchanged(RFM_FOREIGN, &image);
}

/* proves I14 */
static void
a_store_of_another_format_is_refused_and_not_touched(void **state)
{
	struct rfm_lying_image      image;
	struct rfm_superblock_disk *s;

	(void)state;
	leave();
	image = snapshot();
	for (unsigned i = 0; i < 2; i++) {
		s = (void *)(image.bytes + i * RFM_PAGE_BYTES);
		s->version = 2;
	}
	expect_refused_unchanged(RFM_VERSION, &image);
	free(image.bytes);
}

/* proves I14 */
static void
a_truncated_store_is_refused_and_not_touched(void **state)
{
	struct rfm_lying_image image;

	(void)state;
	take_all_room(1);
	for (size_t i = 0; i < handle_count; i++)
		if (handles[i]->bytes == RFM_PAGE_BYTES)
			OK(rfm_store_seal(handles[i], &error));
	leave();
	image = snapshot();
	for (uint64_t bytes = 0; bytes < TINY; bytes += 4096) {
		image.size = bytes;
		expect_refused_unchanged(bytes < RFM_HEAP_OFFSET ?
		    RFM_FOREIGN : RFM_DAMAGED, &image);
	}
	free(image.bytes);
}

/* proves I1 */
static void
one_broken_superblock_of_two_does_no_harm(void **state)
{
	struct rfm_lying_image image;
	uint64_t               id;

	(void)state;
	id = create_filled(100, 1);
	reopen();
	create_filled(10, 2);
	reopen();                       /* both copies are written now */
	for (unsigned copy = 0; copy < 2; copy++) {
		leave();
		image = snapshot();
		image.bytes[copy * RFM_PAGE_BYTES + 20] ^= 1;
		boot_with(&image);
		open_store();
		assert_true(holds(find(id)->address, 100, 1));
		create_filled(10, 2);   /* write both copies again */
		reopen();
		create_filled(10, 2);
		reopen();
		SOUND();
	}
}

/* ---- each operation and its barriers ---- */

static void
the_barriers_of_each_operation_are_these(void **state)
{
	struct rfm_payload *p, *t;
	uint64_t            id;

	(void)state;
	BARRIERS("FORMAT DIRECTORY");           /* creating the file */
	p = create(100);
	BARRIERS("");                           /* creating a vector */
	id = p->id;
	t = temporary(100);
	BARRIERS("");
	OK(rfm_store_seal(t, &error));
	OK(rfm_store_seal(p, &error));
	BARRIERS("");                           /* sealing */
	OK(rfm_store_sync(store, &error));
	BARRIERS("PAYLOAD COMMIT");             /* syncing */
	OK(rfm_store_sync(store, &error));
	BARRIERS("PAYLOAD");                    /* with nothing to say */
	OK(rfm_store_destroy(t, true, &error));
	BARRIERS("");                           /* destroying */
	OK(rfm_store_close(store, &error));
	BARRIERS("PAYLOAD COMMIT");             /* closing */
	reopen();
	BARRIERS("");                           /* opening */
	find(id);
	BARRIERS("");                           /* finding */
	OK(rfm_store_sync(store, &error));
	BARRIERS("PAYLOAD");
	temporary(10);
	BARRIERS("PRIOR FLIP");                 /* the first change */
	create(10);
	BARRIERS("");
	die_and_reopen();
	BARRIERS("");
	create(10);
	BARRIERS("PRIOR");                      /* ... after a death */
	lose_power_and_reopen();
	BARRIERS("");
	create(10);
	BARRIERS("PRIOR SEGMENT FLIP");         /* ... after a power cut */
	reopen();
	BARRIERS("PAYLOAD COMMIT");
	reopen();
	BARRIERS("PAYLOAD");                    /* closing an unchanged one */
	OK(open_other(&reading));
	look_for(other, id);
	OK(rfm_store_refresh(other, &error));
	close_other();
	BARRIERS("");                           /* a reader */
}

static void
a_sync_of_a_log_that_is_mostly_dead_makes_a_checkpoint(void **state)
{
	uint64_t keep_id = create_filled(100, 1), before;

	(void)state;
	for (int i = 0; i < 20; i++)
		OK(rfm_store_destroy(create(10), true, &error));
	release_all();
	before = info_of(store).log_bytes;
	barriers[0] = '\0';
	OK(rfm_store_sync(store, &error));
	BARRIERS("PAYLOAD COMMIT SEGMENT FLIP");
	assert_true(info_of(store).log_bytes < before / 5);
	assert_int_equal(info_of(store).tombstones, 0);
	SOUND();
	lose_power_and_reopen();
	assert_true(holds(find(keep_id)->address, 100, 1));
	assert_int_equal(info_of(store).records, 1);
}

/* proves I13 */
static void
a_sync_whose_checkpoint_fails_before_the_flip_has_succeeded(void **state)
{
	unsigned succeeded = 0;

	(void)state;
	for (uint32_t nth = 1; nth <= 6; nth++) {
		uint64_t        id = create_filled(100, nth);
		enum rfm_status status;

		for (int i = 0; i < 20; i++)
			OK(rfm_store_destroy(create(10), true, &error));
		fail_next(RFM_LYING_WRITE, nth, RFM_IO);
		barriers[0] = '\0';
		status = rfm_store_sync(store, &error);
		disarm();
		assert_int_equal(status != RFM_OK, info_of(store).poisoned);
		if (status == RFM_OK)
			succeeded += strcmp(barriers, "PAYLOAD COMMIT") == 0;
		lose_power_and_reopen();
		if (status == RFM_OK)
			assert_true(holds(find(id)->address, 100, nth));
		SOUND();
	}
	assert_true(succeeded >= 2);
}

static void
the_record_offsets_lead_to_the_records(void **state);

static bool
expect_record(void *context, const struct rfm_record_info *r)
{
	struct rfm_lying_image   now = rfm_lying_present(disk);
	struct rfm_record_disk   head;
	struct rfm_allocate_disk body;

	memcpy(&head, now.bytes + r->record_offset, sizeof head);
	memcpy(&body, now.bytes + r->record_offset + sizeof head,
	    sizeof body);
	assert_int_equal(head.kind, RFM_RECORD_ALLOCATE);
	assert_int_equal(body.id, r->id);
	assert_int_equal(body.offset, r->offset);
	++*(int *)context;
	return true;
}

static void
the_record_offsets_lead_to_the_records(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; i < 40; i++)
		create(10);
	for (int i = 0; i < 40; i++)
		if (i % 10 != 0)
			OK(rfm_store_destroy(handles[i], true, &error));
	release_all();
	barriers[0] = '\0';
	OK(rfm_store_sync(store, &error));
	BARRIERS("PAYLOAD COMMIT SEGMENT FLIP");
	create(10);
	rfm_store_each(store, expect_record, &n);
	assert_int_equal(n, 5);
	reopen();
	rfm_store_each(store, expect_record, &n);
	assert_int_equal(n, 10);
}

/* ---- what survives what ---- */

/* proves I4 */
static void
after_a_death_everything_is_there(void **state)
{
	uint64_t a = create_filled(100, 1), b, c;
	struct rfm_payload *t = temporary(5000);

	(void)state;
	fill(t->address, 5000, 2);
	OK(rfm_store_seal(t, &error));
	b = t->id;
	OK(rfm_store_sync(store, &error));
	c = create_filled(300, 3);
	OK(rfm_store_destroy(find(a), true, &error));
	die_and_reopen();
	REFUSED(RFM_TOMBSTONE, look_for(store, a));
	assert_true(holds(find(b)->address, 5000, 2));
	assert_int_equal(find(b)->state, RFM_SEALED);
	assert_true(holds(find(c)->address, 300, 3));
	assert_int_equal(find(c)->state, RFM_COMMITTED);
	SOUND();
}

/* proves I3, I7, I8 */
static void
after_a_power_cut_the_last_sync_is_there_and_no_more(void **state)
{
	struct rfm_payload *t = temporary(5000);
	struct picture      synced, now;
	uint64_t            a = create_filled(100, 1), b, c;

	(void)state;
	fill(t->address, 5000, 2);
	OK(rfm_store_seal(t, &error));
	b = t->id;
	OK(rfm_store_sync(store, &error));
	synced = picture_of(store);
	c = create_filled(300, 3);
	OK(rfm_store_seal(find(a), &error));
	OK(rfm_store_destroy(find(b), true, &error));
	lose_power_and_reopen();
	now = picture_of(store);
	assert_string_equal(now.text, synced.text);
	assert_true(holds(find(a)->address, 100, 1));
	assert_int_equal(find(a)->state, RFM_COMMITTED);
	assert_true(holds(find(b)->address, 5000, 2));
	REFUSED(RFM_TOMBSTONE, look_for(store, c));
	SOUND();
}

static void
a_clean_close_is_a_sync(void **state)
{
	uint64_t a = create_filled(100, 1);

	(void)state;
	leave();
	os = start_process();
	lose_power_and_reopen();
	assert_true(holds(find(a)->address, 100, 1));
}

static void
temporaries_are_gone_and_their_room_is_back(void **state)
{
	uint64_t free_bytes = info_of(store).free_bytes;

	(void)state;
	fill(temporary(60000)->address, 60000, 1);
	assert_int_equal(info_of(store).temporaries, 1);
	assert_int_equal(info_of(store).temporary_bytes, 61440);
	assert_int_equal(info_of(store).free_bytes, free_bytes - 61440);
	die_and_reopen();
	assert_int_equal(info_of(store).temporaries, 0);
	assert_int_equal(info_of(store).free_bytes, free_bytes);
}

/* ---- ids ---- */

/* proves I9 */
static void
an_id_lost_in_a_power_cut_is_never_given_again(void **state)
{
	uint64_t lost[4];

	(void)state;
	OK(rfm_store_sync(store, &error));
	for (int i = 0; i < 4; i++) {
		lost[i] = create_filled(100, (uint64_t)i);
		for (int k = 0; k < i; k++)
			assert_true(lost[k] < lost[i]);
		lose_power_and_reopen();
		for (int k = 0; k <= i; k++)
			REFUSED(RFM_TOMBSTONE, look_for(store, lost[k]));
	}
	assert_true(lost[1] >= lost[0] + RFM_ID_LEAP);
}

/* proves I9 */
static void
an_id_is_not_given_again_after_its_tombstone_was_forgotten(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 30; i++) {
			struct rfm_payload *p = create(10);

			assert_true(p->id > last);
			last = p->id;
			OK(rfm_store_destroy(p, true, &error));
		}
		OK(rfm_store_sync(store, &error));
		assert_int_equal(info_of(store).tombstones, 0);
		reopen();
		REFUSED(RFM_TOMBSTONE, look_for(store, last));
		REFUSED(RFM_NO_RECORD, look_for(store, last + 1));
	}
}

static void
a_death_does_not_make_ids_leap(void **state)
{
	uint64_t id = create(10)->id;

	(void)state;
	die_and_reopen();
	assert_int_equal(create(10)->id, id + 1);
	reopen();
	assert_int_equal(create(10)->id, id + 2);
}

/* ---- handles ---- */

static void
one_record_has_one_payload_whoever_asks(void **state)
{
	struct rfm_payload *p = create(100), *q = find(p->id);

	(void)state;
	assert_ptr_equal(p, q);
	assert_int_equal(p->handles, 2);
	assert_true(rfm_payload_shared(p));
	release(q);
	assert_false(rfm_payload_shared(p));
	OK(rfm_store_seal(p, &error));
	assert_true(rfm_payload_shared(p));
}

/* proves I11 */
static void
a_payload_keeps_its_store_mapped(void **state)
{
	struct rfm_payload *p = create(100);

	(void)state;
	fill(p->address, 100, 1);
	OK(rfm_store_close(store, &error));
	rfm_store_release(store);
	store = NULL;
	assert_true(holds(p->address, 100, 1));
	fill(p->address, 100, 2);
	release(p);
}

/* proves I9 */
static void
destroy_ends_the_record_and_all_its_handles(void **state)
{
	struct rfm_payload *p = create(100), *q = find(p->id);

	(void)state;
	OK(rfm_store_destroy(q, true, &error));
	assert_null(p->address);
	assert_int_equal(p->state, RFM_DESTROYED);
	REFUSED(RFM_TOMBSTONE, look_for(store, p->id));
	REFUSED(RFM_CLOSED, rfm_store_seal(p, &error));
	OK(rfm_store_destroy(p, true, &error));
	assert_int_equal(info_of(store).tombstones, 1);
	assert_int_equal(info_of(store).tombstone_bytes, 100);
	assert_int_equal(info_of(store).records, 0);
	reopen();
	SOUND();
}

static void
destroy_without_reclaim_ends_the_handles_only(void **state)
{
	struct rfm_payload *p = create(100);
	uint64_t            id = p->id, log_bytes;

	(void)state;
	fill(p->address, 100, 1);
	log_bytes = info_of(store).log_bytes;
	OK(rfm_store_destroy(p, false, &error));
	assert_null(p->address);
	assert_int_equal(info_of(store).log_bytes, log_bytes);
	assert_ptr_not_equal(find(id), p);
	assert_true(holds(find(id)->address, 100, 1));
}

static void
destroy_of_a_temporary_returns_its_room(void **state)
{
	struct rfm_payload *p = temporary(60000);
	uint64_t            free_bytes = info_of(store).free_bytes;

	(void)state;
	OK(rfm_store_destroy(p, true, &error));
	assert_int_equal(info_of(store).temporaries, 0);
	assert_int_equal(info_of(store).free_bytes, free_bytes + 61440);
	release(p);
	assert_int_equal(info_of(store).free_bytes, free_bytes + 61440);
}

static void
sealing_a_temporary_writes_one_record(void **state)
{
	struct rfm_payload *p = temporary(100);
	uint64_t            log_bytes = info_of(store).log_bytes;

	(void)state;
	assert_int_equal(p->id, 0);
	OK(rfm_store_seal(p, &error));
	assert_int_not_equal(p->id, 0);
	assert_int_equal(p->state, RFM_SEALED);
	assert_int_equal(info_of(store).log_bytes, log_bytes + 88);
	assert_int_equal(info_of(store).temporaries, 0);
	OK(rfm_store_seal(p, &error));
	assert_int_equal(info_of(store).log_bytes, log_bytes + 88);
	assert_ptr_equal(find(p->id), p);
}

static void
keeping_a_temporary_commits_it_and_leaves_it_open_to_change(void **state)
{
	struct rfm_payload *p = temporary(100);
	uint64_t            log_bytes = info_of(store).log_bytes, id;

	(void)state;
	fill(p->address, 100, 3);
	OK(rfm_store_keep(p, &error));
	id = p->id;
	assert_int_not_equal(id, 0);
	assert_int_equal(p->state, RFM_COMMITTED);
	assert_int_equal(info_of(store).log_bytes, log_bytes + 88);
	assert_int_equal(info_of(store).temporaries, 0);
	OK(rfm_store_keep(p, &error));
	assert_int_equal(info_of(store).log_bytes, log_bytes + 88);
	fill(p->address, 100, 4);
	OK(rfm_store_sync(store, &error));
	lose_power_and_reopen();
	assert_true(holds(find(id)->address, 100, 4));
	assert_int_equal(find(id)->state, RFM_COMMITTED);
}

/* ---- sizes, zeros ---- */

static void
vectors_of_every_size_hold_what_they_hold(void **state)
{
	static const uint64_t sizes[] = {
		0, 1, 63, 64, 65, 100, 4095, 4096, 4097, 8192, 30000
	};
	uint64_t ids[COUNT(sizes)];

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct rfm_payload *p = create(sizes[i]);

		assert_int_equal(p->offset % rfm_extent_align(sizes[i]), 0);
		assert_non_null(p->address);
		fill(p->address, sizes[i], i);
		ids[i] = p->id;
	}
	reopen();
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct rfm_payload *p = find(ids[i]);

		assert_int_equal(p->bytes, sizes[i]);
		assert_true(holds(p->address, sizes[i], i));
	}
	SOUND();
}

static void
elements_of_every_type_have_their_size(void **state)
{
	static const uint32_t bytes[] = { 0, 4, 4, 8, 16, 1 };

	(void)state;
	for (uint32_t type = RFM_LOGICAL; type <= RFM_RAW; type++) {
		struct rfm_payload *p = NULL;

		OK(rfm_store_create(store, type, 10, true, RFM_GROW, &p,
		    &error));
		keep(p);
		assert_int_equal(p->type, type);
		assert_int_equal(p->length, 10);
		assert_int_equal(p->bytes, 10 * bytes[type]);
	}
}

static void
impossible_vectors_are_refused(void **state)
{
	struct picture      before = picture_of(store), after;
	struct rfm_payload *p = NULL;

	(void)state;
	REFUSED(RFM_ARGUMENT, rfm_store_create(store, 0, 1, true, RFM_GROW,
	    &p, &error));
	REFUSED(RFM_ARGUMENT, rfm_store_temporary(store, RFM_TYPES, 1, true, RFM_GROW,
	    &p, &error));
	REFUSED(RFM_TOO_LARGE, rfm_store_create(store, RFM_COMPLEX,
	    1ULL << 60, true, RFM_GROW, &p, &error));
	REFUSED(RFM_TOO_LARGE, rfm_store_create(store, RFM_NUMERIC,
	    UINT64_MAX, true, RFM_GROW, &p, &error));
	REFUSED(RFM_TOO_LARGE, rfm_store_create(store, RFM_RAW,
	    RFM_FILE_MAX_BYTES + 1, true, RFM_GROW, &p, &error));
	REFUSED(RFM_TOO_LARGE, rfm_store_create(store, RFM_RAW,
	    RFM_FILE_MAX_BYTES, true, RFM_GROW, &p, &error));
	assert_null(p);
	after = picture_of(store);
	assert_string_equal(before.text, after.text);
}

static void
one_vector_may_fill_the_whole_file(void **state)
{
	uint64_t largest = TINY - RFM_HEAP_OFFSET - 4096, id;
	struct rfm_payload *p = NULL;

	(void)state;
	REFUSED(RFM_NO_ROOM, rfm_store_create(store, RFM_RAW, largest + 1,
	    false, RFM_STAY, &p, &error));
	OK(rfm_store_create(store, RFM_RAW, largest, false, RFM_STAY, &p,
	    &error));
	keep(p);
	fill(p->address, largest, 1);
	id = p->id;
	assert_false(has_room(4096));
	assert_int_equal(info_of(store).file_bytes, TINY);
	reopen();
	assert_true(holds(find(id)->address, largest, 1));
	SOUND();
}

static void
room_that_was_used_is_zeroed_if_zeros_are_asked_for(void **state)
{
	static const uint64_t sizes[] = { 10, 64, 4000, 4096, 50000 };
	struct rfm_payload   *p;

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		take_all_room(1);
		release_all();
		OK(rfm_store_create(store, RFM_RAW, sizes[i], true, RFM_STAY,
		    &p, &error));
		assert_true(all_zero(keep(p)->address, sizes[i]));
	}
	reopen();
	OK(rfm_store_temporary(store, RFM_RAW, 4096, true, RFM_STAY, &p,
	    &error));
	assert_true(all_zero(keep(p)->address, 4096));
}

/* Several chunks: some used, some not, some punched. */
static void
zeros_come_out_of_used_unused_and_punched_chunks(void **state)
{
	struct rfm_open_options wide = writing;
	struct rfm_payload     *p;

	(void)state;
	leave();
	rfm_lying_boot(disk, NULL);
	wide.bytes = 4u << 20;
	OK(try_to_open(&wide));
	p = temporary(1500000);
	fill(p->address, p->bytes, 1);
	release(p);
	OK(rfm_store_create(store, RFM_RAW, 3u << 20, true, RFM_STAY, &p,
	    &error));
	assert_true(all_zero(keep(p)->address, p->bytes));
	fill(p->address, p->bytes, 2);
	OK(rfm_store_destroy(p, true, &error));
	release(p);
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_create(store, RFM_RAW, 3u << 20, true, RFM_STAY, &p,
	    &error));
	assert_true(all_zero(keep(p)->address, p->bytes));
	fill(p->address, p->bytes, 3);
	reopen();
	assert_true(holds(find(2)->address, 3u << 20, 3));
	OK(rfm_store_temporary(store, RFM_RAW, 500000, true, RFM_STAY, &p,
	    &error));
	assert_true(all_zero(keep(p)->address, p->bytes));
}

/* ---- room that waits ---- */

/* proves I6 */
static void
a_freed_extent_is_not_used_before_the_commit(void **state)
{
	struct rfm_payload *p = create(60000);

	(void)state;
	OK(rfm_store_sync(store, &error));
	assert_false(has_room(60000));
	OK(rfm_store_destroy(p, true, &error));
	assert_false(has_room(60000));
	assert_int_equal(info_of(store).held_bytes, 61440);
	OK(rfm_store_sync(store, &error));
	assert_true(has_room(60000));
	assert_int_equal(info_of(store).held_bytes, 0);
}

/* proves I6 */
static void
a_freed_extent_waits_across_a_death(void **state)
{
	uint64_t id = create_filled(60000, 1);

	(void)state;
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_destroy(find(id), true, &error));
	die_and_reopen();
	assert_int_equal(info_of(store).held_bytes, 61440);
	assert_false(has_room(60000));
	take_all_room(2);
	lose_power_and_reopen();
	assert_true(holds(find(id)->address, 60000, 1));
	OK(rfm_store_destroy(find(id), true, &error));
	die_and_reopen();
	OK(rfm_store_sync(store, &error));
	assert_true(has_room(60000));
}

/* proves I6, I3 */
static void
what_was_destroyed_without_sync_is_back_after_a_power_cut(void **state)
{
	uint64_t id = create_filled(60000, 1);

	(void)state;
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_destroy(find(id), true, &error));
	take_all_room(2);
	lose_power_and_reopen();
	assert_true(holds(find(id)->address, 60000, 1));
	SOUND();
}

/* proves I6 */
static void
what_no_commit_has_seen_is_free_at_once(void **state)
{
	struct rfm_payload *p = create(60000);
	uint64_t            offset = p->offset;

	(void)state;
	assert_false(has_room(60000));
	OK(rfm_store_destroy(p, true, &error));
	barriers[0] = '\0';
	p = create(60000);
	assert_int_equal(p->offset, offset);
	BARRIERS("");
	OK(rfm_store_destroy(p, true, &error));
	die_and_reopen();
	assert_true(has_room(60000));
	SOUND();
}

/* proves I6 */
static void
room_that_lives_again_is_not_handed_out_twice(void **state)
{
	uint64_t first = create_filled(60000, 1), second;
	uint64_t offset = find(first)->offset;

	(void)state;
	OK(rfm_store_destroy(find(first), true, &error));
	second = create_filled(60000, 2);
	assert_int_equal(find(second)->offset, offset);
	die_and_reopen();
	take_all_room(3);
	assert_true(holds(find(second)->address, 60000, 2));
	SOUND();
	lose_power_and_reopen();
	assert_int_equal(info_of(store).records, 0);
	SOUND();
}

/* Only a part of its extent is new. proves I6 */
static void
a_block_that_was_widened_waits_for_a_commit(void **state)
{
	struct rfm_payload *p = create_of(RFM_BYTES, 20000);
	uint64_t            id = p->id, offset = p->offset;

	(void)state;
	fill(p->address, 20000, 1);
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_resize(p, 60000, RFM_STAY, &error));
	assert_int_equal(p->offset, offset);
	OK(rfm_store_destroy(p, true, &error));
	assert_false(has_room(60000));
	take_all_room(2);
	lose_power_and_reopen();
	assert_true(holds(find(id)->address, 20000, 1));
	SOUND();
}

/* proves I6 */
static void
growing_is_avoided_by_a_commit_if_that_helps(void **state)
{
	struct rfm_payload *p = create(60000);

	(void)state;
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_destroy(p, true, &error));
	take_all_room(1);
	barriers[0] = '\0';
	create(60000);
	BARRIERS("PAYLOAD COMMIT");
	assert_int_equal(info_of(store).file_bytes, TINY);
	SOUND();
}

static void
a_temporarys_room_is_the_next_to_be_used(void **state)
{
	struct rfm_payload *a = temporary(8000), *b = temporary(8000);
	uint64_t            offset = a->offset;

	(void)state;
	(void)b;
	release(a);
	assert_int_equal(temporary(8000)->offset, offset);
}

/* proves I6, I12 */
static void
a_freed_extent_is_not_used_while_a_reader_is_there(void **state)
{
	uint64_t            id = create_filled(60000, 1);
	struct rfm_payload *seen;

	(void)state;
	OK(rfm_store_sync(store, &error));
	OK(open_other(&reading));
	seen = find_in(other, id);
	OK(rfm_store_destroy(find(id), true, &error));
	OK(rfm_store_sync(store, &error));
	assert_false(has_room(60000));
	take_all_room(2);
	assert_true(holds(seen->address, 60000, 1));
	release(seen);
	close_other();
	OK(rfm_store_sync(store, &error));
	release_all();
	assert_true(has_room(60000));
}

/* proves I6, I12 */
static void
a_reader_may_know_what_no_commit_has_seen(void **state)
{
	uint64_t            id = create_filled(60000, 1);
	struct rfm_payload *seen;

	(void)state;
	OK(open_other(&reading));
	seen = find_in(other, id);
	OK(rfm_store_destroy(find(id), true, &error));
	assert_false(has_room(60000));
	take_all_room(2);
	assert_true(holds(seen->address, 60000, 1));
	release(seen);
	close_other();
	release_all();
	assert_true(has_room(60000));
}

/* proves I6, I12 */
static void
a_new_writer_uses_no_gap_while_an_old_reader_is_there(void **state)
{
	uint64_t            id = create_filled(60000, 1);
	struct rfm_payload *seen;
	struct rfm_store   *writer;
	struct rfm_os      *writer_os;

	(void)state;
	OK(rfm_store_sync(store, &error));
	OK(open_other(&reading));
	OK(rfm_store_find(other, id, &seen, &error));
	OK(rfm_store_destroy(find(id), true, &error));
	reopen();
	assert_false(has_room(64));
	create_filled(60000, 2);        /* grows */
	assert_true(info_of(store).file_bytes > TINY);
	take_all_room(3);
	assert_true(holds(seen->address, 60000, 1));
	rfm_payload_release(seen);
	writer = store;
	writer_os = os;
	close_other();
	store = writer;
	os = writer_os;
	OK(rfm_store_sync(store, &error));
	assert_true(has_room(60000));
	SOUND();
}

/* ---- growing ---- */

/* proves I11 */
static void
the_file_grows_and_no_address_moves(void **state)
{
	struct rfm_payload *p = create(1000), *q;
	void               *address = p->address;
	uint64_t            id = p->id;

	(void)state;
	fill(p->address, 1000, 1);
	q = create(1000000);
	fill(q->address, 1000000, 2);
	assert_ptr_equal(p->address, address);
	assert_int_equal((uint8_t *)q->address - (uint8_t *)address,
	    q->offset - p->offset);
	assert_true(holds(p->address, 1000, 1));
	assert_true(info_of(store).file_bytes >= 1000000);
	assert_int_equal(info_of(store).file_bytes % 65536, 0);
	reopen();
	assert_true(holds(find(id)->address, 1000, 1));
	assert_true(holds(find(id + 1)->address, 1000000, 2));
	SOUND();
}

static void
growth_doubles_the_file(void **state)
{
	uint64_t bytes = TINY;

	(void)state;
	for (int i = 0; i < 4; i++) {
		while (info_of(store).file_bytes == bytes)
			temporary(4096);
		assert_int_equal(info_of(store).file_bytes, 2 * bytes);
		bytes *= 2;
	}
}

/* proves I13 */
static void
growth_beyond_the_addresses_is_refused(void **state)
{
	struct rfm_payload *p = NULL;

	(void)state;
	create_filled(100, 1);
	REFUSED(RFM_TOO_LARGE, rfm_store_create(store, RFM_RAW, RANGE, false,
	    RFM_GROW, &p, &error));
	SAYS("cannot grow");
	assert_int_equal(info_of(store).file_bytes, TINY);
	assert_int_equal(rfm_lying_present(disk).size, TINY);
	create_filled(100000, 2);
}

/* proves I13 */
static void
growth_that_fails_at_any_step_can_be_repeated_smaller(void **state)
{
	static const enum rfm_lying_call steps[] = {
		RFM_LYING_RESERVE, RFM_LYING_EXTEND, RFM_LYING_MAP
	};

	(void)state;
	take_all_room(1);
	for (size_t i = 0; i < COUNT(steps); i++) {
		struct rfm_payload *p = NULL;
		uint64_t            before = info_of(store).file_bytes;

		fail_next(steps[i], 1, RFM_DISK_FULL);
		REFUSED(RFM_DISK_FULL, rfm_store_create(store, RFM_RAW,
		    2000000, false, RFM_GROW, &p, &error));
		assert_int_equal(info_of(store).file_bytes, before);
		create_filled(200000, i);
		take_all_room(1);
		SOUND();
	}
	reopen();
	for (uint64_t i = 0; i < COUNT(steps); i++)
		assert_true(holds(find(i + 1)->address, 200000, i));
	SOUND();
}

/* ---- widening ---- */

static void
a_temporary_widens_into_free_room_and_stays_where_it_is(void **state)
{
	struct rfm_payload *p = temporary(8192);
	void               *address = p->address;
	uint64_t            free_bytes = info_of(store).free_bytes;

	(void)state;
	fill(p->address, 8192, 1);
	rfm_payload_retain(p);          /* another handle relies on the length */
	assert_false(rfm_store_widen(p, 20000));
	rfm_payload_release(p);
	assert_true(rfm_store_widen(p, 20000));
	assert_ptr_equal(p->address, address);
	assert_int_equal(p->length, 20000);
	assert_int_equal(p->bytes, 20000);
	assert_true(holds(p->address, 8192, 1));
	assert_int_equal(info_of(store).free_bytes, free_bytes - 12288);
	assert_int_equal(info_of(store).temporary_bytes, 20480);
	fill(p->address, 20000, 2);
	assert_true(rfm_store_widen(p, 20001));
	assert_int_equal(info_of(store).temporary_bytes, 20480);
	release(p);
	assert_int_equal(info_of(store).free_bytes, free_bytes + 8192);
	assert_int_equal(info_of(store).temporary_bytes, 0);
}

static void
what_cannot_widen_stays_as_it_is(void **state)
{
	struct rfm_payload *p = temporary(8192), *next, *c = create(8192);

	(void)state;
	assert_false(rfm_store_widen(p, 8191));         /* shrinking */
	assert_false(rfm_store_widen(p, UINT64_MAX));
	assert_false(rfm_store_widen(p, 10u << 20));
	assert_false(rfm_store_widen(c, 9000));         /* not temporary */
	next = temporary(64);
	if (next->offset != p->offset + 8192)
		take_all_room(1);
	assert_false(rfm_store_widen(p, 9000));         /* a neighbour */
	assert_int_equal(p->bytes, 8192);
	next = temporary(100);
	assert_false(rfm_store_widen(next, 5000));      /* to whole pages */
}

/* proves I13 */
static void
widening_without_disk_room_changes_nothing(void **state)
{
	struct rfm_open_options wide = writing;
	struct rfm_payload     *p;
	uint64_t                free_bytes;

	(void)state;
	leave();
	rfm_lying_boot(disk, NULL);
	wide.bytes = 4u << 20;
	OK(try_to_open(&wide));
	p = temporary(8192);
	free_bytes = info_of(store).free_bytes;
	fail_next(RFM_LYING_RESERVE, 1, RFM_DISK_FULL);
	assert_false(rfm_store_widen(p, 2u << 20));
	assert_int_equal(p->bytes, 8192);
	assert_int_equal(info_of(store).free_bytes, free_bytes);
	assert_true(rfm_store_widen(p, 2u << 20));
	fill(p->address, 2u << 20, 1);
}

/* ---- closed, revived, shared ---- */

static void
a_closed_store_takes_nothing_and_shows_what_it_has(void **state)
{
	struct rfm_payload *p = create(100), *t = temporary(100), *q = NULL;

	(void)state;
	fill(p->address, 100, 1);
	OK(rfm_store_close(store, &error));
	assert_true(info_of(store).closed);
	OK(rfm_store_close(store, &error));
	REFUSED(RFM_CLOSED, rfm_store_create(store, RFM_RAW, 1, true,
	    RFM_GROW, &q, &error));
	SAYS("runtime is closed");
	REFUSED(RFM_CLOSED, rfm_store_temporary(store, RFM_RAW, 1, true,
	    RFM_GROW, &q, &error));
	REFUSED(RFM_CLOSED, rfm_store_seal(p, &error));
	REFUSED(RFM_CLOSED, rfm_store_seal(t, &error));
	REFUSED(RFM_CLOSED, rfm_store_destroy(p, true, &error));
	REFUSED(RFM_CLOSED, rfm_store_sync(store, &error));
	assert_int_equal(p->state, RFM_COMMITTED);
	assert_true(holds(p->address, 100, 1));
	SOUND();
}

static void
opening_again_revives_a_closed_store(void **state)
{
	struct rfm_payload *p = create(100);
	struct rfm_store   *again = NULL;

	(void)state;
	OK(rfm_store_close(store, &error));
	barriers[0] = '\0';
	OK(rfm_store_open(os, "store", &writing, &again, &created, &error));
	assert_ptr_equal(again, store);
	assert_false(created);
	assert_false(info_of(store).closed);
	OK(rfm_store_seal(p, &error));
	BARRIERS("PRIOR FLIP");
	rfm_store_release(again);
	SOUND();
}

/* proves I12 */
static void
a_second_opening_in_one_process_shares_the_store(void **state)
{
	struct rfm_store *a = NULL, *b = NULL;

	(void)state;
	OK(rfm_store_open(os, "store", &writing, &a, NULL, &error));
	OK(rfm_store_open(os, "store", &reading, &b, NULL, &error));
	assert_ptr_equal(a, store);
	assert_ptr_equal(b, store);
	rfm_store_release(a);
	rfm_store_release(b);
	create_filled(100, 1);
}

static void
a_readers_store_is_shared_by_readers_only(void **state)
{
	struct rfm_store *a = NULL, *b = NULL;

	(void)state;
	leave();
	OK(try_to_open(&reading));
	OK(rfm_store_open(os, "store", &reading, &a, NULL, &error));
	assert_ptr_equal(a, store);
	OK(rfm_store_open(os, "store", &writing, &b, NULL, &error));
	assert_ptr_not_equal(b, store);
	rfm_store_release(a);
	assert_ptr_equal(rfm_store_by_uuid(info_of(store).uuid), b);
	rfm_store_release(b);
	assert_ptr_equal(rfm_store_by_uuid(info_of(store).uuid), store);
}

/* proves I12 */
static void
a_second_writer_is_kept_out_and_told_who_is_in(void **state)
{
	(void)state;
	REFUSED(RFM_LOCKED, open_other(&writing));
	SAYS("open for writing by simulated process 1");
	close_other();
	die();
	OK(open_other(&writing));
	REFUSED(RFM_LOCKED, try_to_open(&writing));
	SAYS("simulated process");
}

/* ---- readers ---- */

/* proves I12 */
static void
what_a_reader_writes_stays_with_him(void **state)
{
	uint64_t               id = create_filled(5000, 1);
	struct rfm_payload    *mine, *his = NULL;
	struct rfm_lying_image before;

	(void)state;
	mine = find(id);
	OK(open_other(&reading));
	before = snapshot();
	his = find_in(other, id);
	fill(his->address, 5000, 2);
	OK(rfm_store_temporary(other, RFM_RAW, 100000, true, RFM_GROW, &his,
	    &error));
	keep(his);
	assert_true(his->offset >= RFM_FILE_MAX_BYTES);
	assert_true(all_zero(his->address, 100000));
	fill(his->address, 100000, 3);
	OK(rfm_store_create(other, RFM_RAW, 100, true, RFM_GROW, &his,
	    &error));
	keep(his);
	assert_int_equal(his->state, RFM_TEMPORARY);
	REFUSED(RFM_READ_ONLY, rfm_store_seal(his, &error));
	REFUSED(RFM_READ_ONLY, rfm_store_sync(other, &error));
	REFUSED(RFM_READ_ONLY, rfm_store_destroy(find_in(other, id), true,
	    &error));
	assert_true(holds(find_in(other, id)->address, 5000, 2));
	assert_true(holds(mine->address, 5000, 1));
	assert_memory_equal(before.bytes, rfm_lying_present(disk).bytes,
	    before.size);
	free(before.bytes);
}

static void
a_readers_room_returns_to_his_memory(void **state)
{
	struct rfm_payload *p = NULL;
	uint64_t            offset;

	(void)state;
	OK(open_other(&reading));
	REFUSED(RFM_NO_ROOM, rfm_store_temporary(other, RFM_RAW, 5000, true,
	    RFM_STAY, &p, &error));
	OK(rfm_store_temporary(other, RFM_RAW, 5000, true, RFM_GROW, &p,
	    &error));
	offset = p->offset;
	fill(p->address, 5000, 1);
	rfm_payload_release(p);
	OK(rfm_store_temporary(other, RFM_RAW, 5000, true, RFM_STAY, &p,
	    &error));
	assert_int_equal(p->offset, offset);
	assert_true(all_zero(p->address, 5000));
	rfm_payload_release(p);
}

static void
a_reader_sees_a_sealed_record_at_once(void **state)
{
	struct rfm_payload *t;

	(void)state;
	OK(open_other(&reading));
	t = temporary(5000);
	fill(t->address, 5000, 1);
	OK(rfm_store_seal(t, &error));
	assert_true(holds(find_in(other, t->id)->address, 5000, 1));
	REFUSED(RFM_NO_RECORD, look_for(other, t->id + 1));
}

static void
a_reader_follows_a_file_that_grows(void **state)
{
	uint64_t small, large;

	(void)state;
	small = create_filled(100, 1);
	OK(open_other(&reading));
	large = create_filled(1000000, 2);
	assert_true(info_of(store).file_bytes > TINY);
	assert_true(holds(find_in(other, large)->address, 1000000, 2));
	assert_true(holds(find_in(other, small)->address, 100, 1));
	create_filled(1000000, 3);
	OK(rfm_store_refresh(other, &error));
	assert_int_equal(info_of(other).file_bytes,
	    info_of(store).file_bytes);
}

static bool grown;

static void
grow_behind_his_back(uint64_t offset, void *bytes, size_t n)
{
	(void)bytes, (void)n;
	if (grown || offset != RFM_PAGE_BYTES)
		return;
	grown = true;
	create_filled(1000000, 2);
}

/* The reader has measured the file, and then the writer grows it. */
static void
a_reader_who_comes_while_the_file_grows_sees_no_damage(void **state)
{
	(void)state;
	grown = false;
	after_read = grow_behind_his_back;
	OK(open_other(&reading));
	after_read = NULL;
	assert_true(grown);
	assert_true(holds(find_in(other, 1)->address, 1000000, 2));
	create_filled(100, 3);
	grown = false;
	after_read = grow_behind_his_back;
	REFUSED(RFM_NO_RECORD, look_for(other, 99));
	after_read = NULL;
	assert_true(holds(find_in(other, 3)->address, 1000000, 2));
}

static void
a_file_that_outgrows_a_reader_is_told_and_not_touched(void **state)
{
	struct rfm_open_options narrow = reading;
	uint64_t                id = create_filled(100, 1), large;

	(void)state;
	narrow.address_bytes = TINY;
	OK(open_other(&narrow));
	large = create_filled(1000000, 2);
	REFUSED(RFM_TOO_LARGE, look_for(other, large));
	SAYS("open it again");
	REFUSED(RFM_TOO_LARGE, look_for(other, large));
	assert_true(holds(find_in(other, id)->address, 100, 1));
}

/* proves I6, I7 */
static void
a_readers_vectors_survive_a_checkpoint(void **state)
{
	uint64_t            id = create_filled(5000, 1), late;
	struct rfm_payload *seen;

	(void)state;
	OK(open_other(&reading));
	seen = find_in(other, id);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20; i++)
			OK(rfm_store_destroy(create(10), true, &error));
		barriers[0] = '\0';
		OK(rfm_store_sync(store, &error));
		BARRIERS("PAYLOAD COMMIT SEGMENT FLIP");
		late = create_filled(300, 7);
		assert_true(holds(find_in(other, late)->address, 300, 7));
		assert_ptr_equal(find_in(other, id), seen);
		assert_true(holds(seen->address, 5000, 1));
	}
	OK(rfm_store_destroy(find(id), true, &error));
	OK(rfm_store_refresh(other, &error));
	REFUSED(RFM_TOMBSTONE, look_for(other, id));
	assert_true(holds(seen->address, 5000, 1));
}

static void
a_reader_of_a_cut_store_follows_its_writer(void **state)
{
	uint64_t id = create_filled(100, 1);
	(void)state;

	OK(rfm_store_sync(store, &error));
	lose_power_and_reopen();
	OK(open_other(&reading));
	assert_true(holds(find_in(other, id)->address, 100, 1));
	for (uint64_t i = 2; i < 10; i++) {
		struct rfm_payload *p = create(100);

		fill(p->address, 100, i);
		OK(rfm_store_refresh(other, &error));
		assert_true(holds(find_in(other, p->id)->address, 100, i));
	}
}

/* ---- scratch ---- */

static void
start_scratch(void)
{
	leave();
	rfm_lying_boot(disk, NULL);
	barriers[0] = '\0';
	OK(try_to_open(&scratching));
}

static void
a_scratch_store_promises_nothing_and_waits_for_nothing(void **state)
{
	struct rfm_payload *p;

	(void)state;
	start_scratch();
	p = create(5000);
	assert_int_equal(p->state, RFM_TEMPORARY);
	assert_int_equal(p->id, 0);
	fill(p->address, 5000, 1);
	create_filled(1000000, 2);
	assert_true(holds(p->address, 5000, 1));
	REFUSED(RFM_MODE, rfm_store_seal(p, &error));
	SAYS("scratch store");
	REFUSED(RFM_MODE, rfm_store_sync(store, &error));
	SAYS("nothing in it survives");
	OK(rfm_store_close(store, &error));
	BARRIERS("");
}

static void
a_scratch_file_goes_with_the_process_that_made_it(void **state)
{
	(void)state;
	start_scratch();
	create(100);
	assert_true(rfm_lying_present(disk).present);
	leave();
	assert_false(rfm_lying_present(disk).present);
}

static void
what_cannot_be_kept_stays_temporary(void **state)
{
	struct rfm_payload *p = temporary(100), *gone = temporary(100);

	(void)state;
	OK(rfm_store_destroy(gone, true, &error));
	REFUSED(RFM_CLOSED, rfm_store_keep(gone, &error));
	OK(rfm_store_close(store, &error));
	REFUSED(RFM_CLOSED, rfm_store_keep(p, &error));
	assert_int_equal(p->state, RFM_TEMPORARY);
	die();
	start_scratch();
	p = temporary(100);
	REFUSED(RFM_MODE, rfm_store_keep(p, &error));
	assert_int_equal(p->state, RFM_TEMPORARY);
}

static void
a_scratch_file_left_behind_is_taken_over_and_left(void **state)
{
	uint64_t free_bytes;

	(void)state;
	start_scratch();
	free_bytes = info_of(store).free_bytes;
	create_filled(50000, 1);
	die();
	OK(try_to_open(&scratching));
	assert_false(created);
	assert_int_equal(info_of(store).free_bytes, free_bytes);
	create_filled(50000, 2);
	leave();
	assert_true(rfm_lying_present(disk).present);
}

/* proves I14 */
static void
the_two_modes_do_not_open_each_others_files(void **state)
{
	struct rfm_lying_image before;
	struct rfm_store      *again;

	(void)state;
	create_filled(100, 1);
	REFUSED(RFM_MODE, rfm_store_open(os, "store", &scratching, &again,
	    NULL, &error));
	SAYS("already open with mode persistent");
	leave();
	before = snapshot();
	REFUSED(RFM_MODE, try_to_open(&scratching));
	SAYS("is a persistent store");
	leave();
	assert_memory_equal(before.bytes, rfm_lying_present(disk).bytes,
	    before.size);
	free(before.bytes);
	start_scratch();
	REFUSED(RFM_MODE, rfm_store_open(os, "store", &writing, &again, NULL,
	    &error));
	die();
	before = snapshot();
	REFUSED(RFM_MODE, try_to_open(&writing));
	SAYS("is a scratch store");
	leave();
	assert_memory_equal(before.bytes, rfm_lying_present(disk).bytes,
	    before.size);
	free(before.bytes);
}

/* ---- poison ---- */

static void
a_failed_barrier_ends_the_commits_of_the_session(void **state)
{
	uint64_t            a = create_filled(100, 1);
	struct rfm_payload *p = NULL;

	(void)state;
	OK(rfm_store_sync(store, &error));
	for (uint32_t nth = 1; nth <= 2; nth++) {
		create_filled(100, 2);
		fail_next(RFM_LYING_FLUSH, nth, RFM_IO);
		REFUSED(RFM_IO, rfm_store_sync(store, &error));
		assert_true(info_of(store).poisoned);
		barriers[0] = '\0';
		REFUSED(RFM_POISONED, rfm_store_sync(store, &error));
		REFUSED(RFM_POISONED, rfm_store_create(store, RFM_RAW, 10,
		    false, RFM_GROW, &p, &error));
		REFUSED(RFM_POISONED, rfm_store_seal(find(a), &error));
		REFUSED(RFM_POISONED, rfm_store_destroy(find(a), true,
		    &error));
		assert_true(holds(find(a)->address, 100, 1));
		temporary(100);         /* the session's work goes on */
		REFUSED(RFM_POISONED, rfm_store_close(store, &error));
		BARRIERS("");
		if (nth == 1)
			lose_power_and_reopen();
		else
			die_and_reopen();
		assert_true(holds(find(a)->address, 100, 1));
		SOUND();
	}
}

static void
a_poisoned_store_is_not_healed_by_opening_it_again_here(void **state)
{
	struct rfm_store   *again;
	struct rfm_payload *p = NULL;

	(void)state;
	create(100);
	fail_next(RFM_LYING_FLUSH, 1, RFM_IO);
	REFUSED(RFM_IO, rfm_store_close(store, &error));
	OK(rfm_store_open(os, "store", &writing, &again, NULL, &error));
	assert_ptr_equal(again, store);
	REFUSED(RFM_POISONED, rfm_store_create(store, RFM_RAW, 1, false,
	    RFM_GROW, &p, &error));
	rfm_store_release(again);
	reopen();
	create(100);
	SOUND();
}

/* proves I13 */
static void
a_close_without_room_for_its_record_may_be_tried_again(void **state)
{
	struct rfm_open_options narrow = writing;
	uint64_t                id = 0;

	(void)state;
	leave();
	rfm_lying_boot(disk, NULL);
	narrow.address_bytes = TINY;            /* it soon cannot grow */
	OK(try_to_open(&narrow));
	for (int i = 0; i < 4; i++)             /* COMMIT would not fit */
		id = create_filled(10, 1);
	take_all_room(2);
	temporary(100);                         /* once it can */
	take_all_room(2);
	REFUSED(RFM_TOO_LARGE, rfm_store_close(store, &error));
	assert_false(info_of(store).closed);
	assert_false(info_of(store).poisoned);
	release_all();
	OK(rfm_store_close(store, &error));
	lose_power_and_reopen();
	assert_true(holds(find(id)->address, 10, 1));
}

/* ---- any call may fail ---- */

enum operation {
	DO_CREATE, DO_CREATE_LARGE, DO_TEMPORARY, DO_TEMPORARY_LARGE,
	DO_SEAL_TEMPORARY, DO_SEAL, DO_DESTROY, DO_DESTROY_TEMPORARY,
	DO_SYNC, DO_CHECKPOINT, DO_FIND, DO_CLOSE, DO_OPEN, DO_READ,
	DO_EXTEND, DO_FIND_STRINGS, DO_SIZES, DO_LINK, DO_SEAL_LIST,
	OPERATIONS
};

static struct rfm_payload *at_hand, *at_hand_temporary;
static uint64_t            id_at_hand;

static enum rfm_status
operate(enum operation what, struct rfm_error *e)
{
	struct rfm_payload *p = NULL;
	enum rfm_status     status;

	switch (what) {
	case DO_CREATE: case DO_CREATE_LARGE:
		status = rfm_store_create(store, RFM_RAW, what == DO_CREATE ?
		    100 : 300000, true, RFM_GROW, &p, e);
		break;
	case DO_TEMPORARY: case DO_TEMPORARY_LARGE:
		status = rfm_store_temporary(store, RFM_RAW, what ==
		    DO_TEMPORARY ? 100 : 300000, true, RFM_GROW, &p, e);
		break;
	case DO_SEAL_TEMPORARY:
		return rfm_store_seal(at_hand_temporary, e);
	case DO_SEAL:
		return rfm_store_seal(at_hand, e);
	case DO_DESTROY:
		return rfm_store_destroy(at_hand, true, e);
	case DO_DESTROY_TEMPORARY:
		return rfm_store_destroy(at_hand_temporary, true, e);
	case DO_SYNC: case DO_CHECKPOINT:
		return rfm_store_sync(store, e);
	case DO_CLOSE:
		return rfm_store_close(store, e);
	case DO_FIND: case DO_FIND_STRINGS:
		status = rfm_store_find(store, what == DO_FIND ? 3 :
		    id_at_hand, &p, e);
		break;
	case DO_EXTEND:
		return rfm_store_extend(at_hand, 100, RFM_GROW, e);
	case DO_LINK:
		return rfm_store_link(at_hand, 1, at_hand_temporary, e);
	case DO_SIZES:
		return rfm_store_sizes(at_hand, &(uint64_t){ 0 },
		    &(uint64_t){ 0 }, e);
	case DO_SEAL_LIST:
		return rfm_store_seal(at_hand, e);
	default:
		assert_true(what == DO_OPEN || what == DO_READ);
		other_os = start_process();
		other = NULL;
		return rfm_store_open(other_os, "store", what == DO_OPEN ?
		    &writing : &reading, &other, NULL, e);
	}
	if (status == RFM_OK)
		keep(p);
	else
		assert_null(p);
	return status;
}

/* Strings with two parts, of which no handle is left. */
static void
furnish_strings(void)
{
	at_hand = create_of(RFM_CHARACTER, 10);
	id_at_hand = at_hand->id;
	OK(rfm_store_extend(at_hand, 100, RFM_GROW, &error));
	OK(rfm_store_extend(at_hand, 100, RFM_GROW, &error));
}

/* A list of a list of 20 vectors, and a temporary one of the same kind. */
static void
furnish_lists(void)
{
	struct rfm_payload *l[] = { create_of(RFM_LIST, 20),
		temporary_of(RFM_LIST, 20), create_of(RFM_LIST, 3) };

	for (uint64_t k = 0; k < 20; k++) {
		OK(rfm_store_link(l[0], k, create(10), &error));
		OK(rfm_store_link(l[1], k, temporary(10), &error));
	}
	OK(rfm_store_link(l[2], 0, l[0], &error));
	at_hand = l[2];
	at_hand_temporary = l[1];
}

/* A store with something in all states: sealed, committed, freed, not synced. */
static void
furnish(enum operation what, int way)
{
	leave();
	rfm_lying_boot(disk, NULL);
	open_store();
	create_filled(5000, 1);
	create_filled(300, 2);
	create_filled(20, 3);
	OK(rfm_store_seal(handles[1], &error));
	OK(rfm_store_sync(store, &error));
	for (int i = 0; what == DO_CHECKPOINT && i < 20; i++)
		OK(rfm_store_destroy(create(10), true, &error));
	OK(rfm_store_destroy(create(2000), true, &error));
	create_filled(700, 4);
	if (way == 1)
		die_and_reopen();
	else if (way == 2)
		lose_power_and_reopen();
	else if (way == 3)
		reopen();
	release_all();
	at_hand = at_hand_temporary = NULL;
	if (what == DO_SEAL || what == DO_DESTROY)
		at_hand = find(1);
	if (what == DO_SEAL_TEMPORARY || what == DO_DESTROY_TEMPORARY)
		at_hand_temporary = temporary(1000);
	if (what == DO_EXTEND || what == DO_FIND_STRINGS)
		furnish_strings();
	if (what == DO_FIND_STRINGS)
		release_all();
	if (what == DO_LINK || what == DO_SIZES || what == DO_SEAL_LIST)
		furnish_lists();
	if (what == DO_OPEN)
		die();
}

static void
contents_are_there(void)
{
	assert_true(holds(find(1)->address, 5000, 1));
	assert_true(holds(find(2)->address, 300, 2));
	assert_true(holds(find(3)->address, 20, 3));
	release_all();
}

/* The nth call of the disk fails or, without a fault, the nth allocation: did it? */
static bool
fail_one(enum operation what, int way, const struct rfm_lying_fault *fault,
    uint32_t nth)
{
	struct picture  before = { "" }, after = { "" };
	enum rfm_status status;
	bool            failed;

	furnish(what, way);
	if (store != NULL)
		before = picture_of(store);
	if (fault != NULL)
		rfm_lying_fail(disk, fault);
	else
		fail_allocation(nth);
	error.status = RFM_OK;
	status = operate(what, nth % 2 == 0 ? NULL : &error);
	disarm();
	failed = allocation_failed();
	fail_allocation(0);
	if (fault == NULL && status != RFM_OK)
		assert_int_equal(status, RFM_NO_MEMORY);
	if (nth % 2 != 0 && status != RFM_OK) {
		assert_int_equal(error.status, status);
		assert_true(error.text[0] != '\0');
	}
	if (what == DO_OPEN || what == DO_READ) {
		close_other();
		if (store == NULL)
			open_store();
	} else if (status != RFM_OK) {  /* nothing has changed */
		after = picture_of(store);
		assert_string_equal(before.text, after.text);
		if (!info_of(store).poisoned && !info_of(store).closed)
			OK(operate(what, &error));
	}
	if (what != DO_DESTROY)
		contents_are_there();
	/* what is in memory is in the file, for a death ... */
	before = picture_of(store);
	die_and_reopen();
	after = picture_of(store);
	assert_string_equal(before.text, after.text);
	SOUND();
	create(64);
	/* ... and what was synced survives a power cut */
	lose_power_and_reopen();
	if (what != DO_DESTROY)
		contents_are_there();
	SOUND();
	create(64);
	OK(rfm_store_sync(store, &error));
	SOUND();
	no_complaint();
	return failed;
}

static void
fail_call(enum operation what, int way, enum rfm_lying_call call, uint32_t nth)
{
	struct rfm_lying_fault fault = {
		call, nth, call == RFM_LYING_RESERVE ? RFM_DISK_FULL : RFM_IO,
		nth * 6, false
	};

	(void)fail_one(what, way, &fault, nth);
}

/* A write that fails leaves at most 36 bytes, less than any record: if all of a
 * record arrives, then nobody can know after a death that it was not wanted. (What is done to
 * a list and all below it may stop half-way: test_lists.c looks at what that leaves.) */
/* proves I13 */
static void
whatever_call_fails_nothing_has_changed(void **state)
{
	static const struct { enum rfm_lying_call call; uint32_t most; }
	calls[] = {
		{ RFM_LYING_READ, 6 }, { RFM_LYING_WRITE, 6 },
		{ RFM_LYING_EXTEND, 1 }, { RFM_LYING_RESERVE, 3 },
		{ RFM_LYING_PUNCH, 1 }, { RFM_LYING_FLUSH, 5 },
		{ RFM_LYING_MAP, 2 }, { RFM_LYING_OPEN, 1 },
		{ RFM_LYING_OTHER, 6 },
	};

	(void)state;
	for (int what = 0; what < DO_LINK; what++)
		for (int way = 0; way < (slow_motion() ? 1 : 4); way++)
			for (size_t i = 0; i < COUNT(calls); i++)
				for (uint32_t n = 1; n <= calls[i].most; n++)
					fail_call((enum operation)what, way,
					    calls[i].call, n);
}

/* proves I13 */
static void
whatever_allocation_fails_nothing_has_changed(void **state)
{
	uint32_t failures = 0;

	(void)state;
	for (int what = 0; what < OPERATIONS; what++)
		for (int way = 0; way < (slow_motion() ? 1 : 4); way++)
			for (uint32_t n = 1; fail_one((enum operation)what,
			    way, NULL, n); n++)
				failures++;
	printf("# %" PRIu32 " allocations failed\n", failures);
	assert_true(failures > 20);
}

/* proves I13 */
static void
a_reservation_that_fails_half_way_loses_no_room(void **state)
{
	struct rfm_open_options wide = writing;
	struct rfm_payload     *p = NULL;
	uint64_t                free_bytes;

	(void)state;
	leave();
	rfm_lying_boot(disk, NULL);
	wide.bytes = 6u << 20;
	OK(try_to_open(&wide));
	/* the middle one of five chunks is there already */
	release(temporary(2500000));
	reopen();
	take_all_room(1);
	release_all();
	reopen();
	free_bytes = info_of(store).free_bytes;
	for (uint32_t nth = 1; nth <= 2; nth++) {
		fail_next(RFM_LYING_RESERVE, nth, RFM_DISK_FULL);
		if (rfm_store_temporary(store, RFM_RAW, 5u << 20, true,
		    RFM_STAY, &p, &error) == RFM_OK)
			rfm_payload_release(p);
		disarm();
		assert_int_equal(info_of(store).free_bytes, free_bytes);
	}
	OK(rfm_store_temporary(store, RFM_RAW, 5u << 20, true, RFM_STAY, &p,
	    &error));
	assert_true(all_zero(keep(p)->address, p->bytes));
	fill(p->address, p->bytes, 1);
}

/* A program that copies files may make holes of zeros, and then the disk is full. */
/* proves I13 */
static void
a_vector_in_a_hole_gets_its_blocks_when_it_is_found(void **state)
{
	struct rfm_payload *p = NULL;
	uint64_t            zeros;

	(void)state;
	OK(rfm_store_create(store, RFM_RAW, 30000, true, RFM_STAY, &p,
	    &error));
	zeros = keep(p)->id;
	create_filled(30000, 1);
	OK(rfm_store_sync(store, &error));
	lose_power_and_reopen();
	fail_next(RFM_LYING_RESERVE, 1, RFM_DISK_FULL);
	REFUSED(RFM_DISK_FULL, look_for(store, zeros));
	assert_true(holds(find(zeros + 1)->address, 30000, 1));
	p = find(zeros);
	assert_true(all_zero(p->address, 30000));
	fill(p->address, 30000, 2);     /* the disk would complain of a hole */
	OK(rfm_store_sync(store, &error));
	no_complaint();
}

/* proves I13 */
static void
a_refresh_that_fails_anywhere_can_be_repeated(void **state)
{
	static const enum rfm_lying_call calls[] = {
		RFM_LYING_READ, RFM_LYING_MAP, RFM_LYING_OTHER
	};
	struct rfm_open_options roomy = reading;
	uint64_t                id = create_filled(100, 1), last;

	(void)state;
	roomy.address_bytes = 1u << 28;
	for (size_t i = 0; i < COUNT(calls); i++)
		for (uint32_t nth = 1; nth <= 4; nth++) {
			unsigned replaced = nth % 2;

			OK(open_other(&roomy));
			for (int k = 0; k < 20 && replaced; k++)
				OK(rfm_store_destroy(create(10), true,
				    &error));
			if (replaced)
				OK(rfm_store_sync(store, &error));
			release_all();
			if (info_of(store).file_bytes < 4u << 20)
				take_all_room(2);
			last = create_filled(50000, 7);
			fail_next(calls[i], nth, RFM_IO);
			(void)look_for(other, last);
			disarm();
			assert_true(holds(find_in(other, last)->address,
			    50000, 7));
			assert_true(holds(find_in(other, id)->address, 100,
			    1));
			release_all();
			close_other();
		}
}

/* proves I13 */
static void
a_store_that_cannot_be_made_leaves_no_file(void **state)
{
	unsigned failures = 0;

	(void)state;
	for (int call = 0; call <= RFM_LYING_OTHER; call++)
		for (uint32_t nth = 1; nth <= 6; nth++) {
			leave();
			rfm_lying_boot(disk, NULL);
			fail_next((enum rfm_lying_call)call, nth, RFM_IO);
			if (try_to_open(&writing) == RFM_OK) {
				disarm();
				create(10);
				continue;
			}
			failures++;
			disarm();
			assert_false(rfm_lying_present(disk).present);
		}
	assert_true(failures > 12);
	leave();
	rfm_lying_boot(disk, NULL);
	open_store();
}

/* ---- forged files ---- */

static uint64_t record_of_2;

static bool
note_record_2(void *context, const struct rfm_record_info *r)
{
	(void)context;
	if (r->id == 2)
		record_of_2 = r->record_offset;
	return true;
}

/* Three vectors; the second one's record as the forger finds it. */
static struct rfm_lying_image
to_be_forged(struct rfm_allocate_disk *body)
{
	struct rfm_lying_image image;

	leave();
	rfm_lying_boot(disk, NULL);
	open_store();
	for (uint64_t i = 1; i <= 3; i++)
		create_filled(5000, i);
	rfm_store_each(store, note_record_2, NULL);
	leave();
	image = snapshot();
	memcpy(body, image.bytes + record_of_2 +
	    sizeof(struct rfm_record_disk), sizeof *body);
	return image;
}

static void
put_forged(struct rfm_lying_image *image, const struct rfm_allocate_disk *a)
{
	uint8_t *record = image->bytes + record_of_2;

	memcpy(record + sizeof(struct rfm_record_disk), a, sizeof *a);
	rfm_record_seal(record);
	expect_refused_unchanged(RFM_DAMAGED, image);
	free(image->bytes);
}

/* proves I5, I14 */
static void
a_forged_catalog_is_damage_and_the_file_is_not_touched(void **state)
{
	struct rfm_allocate_disk a;
	struct rfm_lying_image   image;

#define FORGE(change) do {                                              \
	image = to_be_forged(&a);                                       \
	change;                                                         \
	put_forged(&image, &a);                                         \
} while (0)
	(void)state;
	FORGE(a.id = 1);
	FORGE(a.id = 0);
	FORGE(a.id = UINT64_MAX);
	FORGE(a.type = 9);
	FORGE(a.length++);
	FORGE(a.offset = 0);
	FORGE(a.offset = TINY);
	FORGE(a.offset = UINT64_MAX - 4095);
	FORGE((a.bytes = a.length = TINY));
	FORGE(a.flags = 0x80);
}

/* What only the writer looks at: he must not hand out what others have. */
/* proves I5 */
static void
overlapping_extents_are_damage_to_a_writer(void **state)
{
	struct rfm_allocate_disk a;
	struct rfm_lying_image   image;
	uint64_t                 where[3];

	(void)state;
	image = to_be_forged(&a);
	free(image.bytes);
	where[0] = a.offset + 8192;     /* the next vector */
	where[1] = a.offset - 4096;     /* half of the one before */
	where[2] = RFM_HEAP_OFFSET;     /* the log */
	for (int i = 0; i < 3; i++) {
		uint8_t *record;

		image = to_be_forged(&a);
		a.offset = where[i];
		record = image.bytes + record_of_2;
		memcpy(record + sizeof(struct rfm_record_disk), &a, sizeof a);
		rfm_record_seal(record);
		rfm_lying_boot(disk, &image);
		REFUSED(RFM_DAMAGED, try_to_open(&writing));
		SAYS("overlap");
		leave();
		assert_memory_equal(image.bytes,
		    rfm_lying_present(disk).bytes, image.size);
		free(image.bytes);
	}
}

/* A forged COMMIT says that nearly all ids are gone. */
/* proves I9 */
static void
the_last_id_is_refused_and_does_no_harm(void **state)
{
	static const uint64_t next[] = { UINT64_MAX, UINT64_MAX - 1000 };

	(void)state;
	for (size_t i = 0; i < COUNT(next); i++) {
		struct rfm_allocate_disk a;
		struct rfm_lying_image   image = to_be_forged(&a);
		uint8_t                 *commit = image.bytes + record_of_2 +
		    176;
		struct rfm_payload      *p = NULL;
		struct rfm_record_disk   head;

		memcpy(&head, commit, sizeof head);
		assert_int_equal(head.kind, RFM_RECORD_COMMIT);
		memcpy(commit + sizeof head + 8, &next[i], 8);
		rfm_record_seal(commit);
		boot_with(&image);
		open_store();
		if (i == 1) {           /* the leap would wrap around */
			create(1);
			lose_power_and_reopen();
		}
		for (int k = 0; k < 2; k++) {
			REFUSED(RFM_TOO_LARGE, rfm_store_create(store,
			    RFM_RAW, 1, false, RFM_GROW, &p, &error));
			SAYS("all its ids");
			assert_null(p);
			assert_true(holds(find(3)->address, 5000, 3));
			reopen();
		}
		SOUND();
	}
}

/* ---- telling about itself ---- */

static bool
stop_after_two(void *context, const struct rfm_record_info *r)
{
	(void)r;
	return ++*(int *)context < 2;
}

static void
the_sums_of_a_store_are_right(void **state)
{
	struct rfm_store_info i;
	int                   n = 0;

	(void)state;
	create(100);
	create(5000);
	temporary(64);
	OK(rfm_store_seal(find(1), &error));
	OK(rfm_store_destroy(create(300), true, &error));
	i = info_of(store);
	assert_string_equal(i.path, "store");
	assert_int_equal(i.mode, RFM_PERSISTENT);
	assert_int_equal(i.access, RFM_WRITE);
	assert_false(i.closed || i.poisoned || i.forked);
	assert_int_equal(i.records, 2);
	assert_int_equal(i.sealed, 1);
	assert_int_equal(i.live_bytes, 128 + 8192);
	assert_int_equal(i.temporaries, 1);
	assert_int_equal(i.temporary_bytes, 64);
	assert_int_equal(i.tombstones, 1);
	assert_int_equal(i.tombstone_bytes, 300);
	assert_int_equal(i.held_bytes, 320);
	assert_int_equal(i.uncommitted, 5);
	assert_int_equal(i.epoch, 0);
	assert_int_equal(i.last_sync, 0);
	assert_int_equal(i.log_bytes, 3 * 88 + 56 + 40 + (i.log_bytes > 400 ?
	    56 : 0));
	rfm_store_each(store, stop_after_two, &n);
	assert_int_equal(n, 2);
	OK(rfm_store_sync(store, &error));
	i = info_of(store);
	assert_int_equal(i.epoch, 1);
	assert_int_equal(i.uncommitted, 0);
	assert_int_equal(i.last_sync, 1700000000);
	assert_int_equal(i.held_bytes, 0);
}

/* The extents on the map, one mark for each granule: no two may meet. */
struct chart {
	uint8_t  marks[8u << 20 >> 6];
	uint64_t bytes[RFM_USE_HELD + 1];
	uint64_t known;         /* bytes of the extent of this id */
	uint64_t id;
};

static void
mark_extent(void *context, const struct rfm_extent_info *e)
{
	struct chart *chart = context;

	assert_true(e->use <= RFM_USE_HELD);
	assert_true(e->offset % RFM_GRANULE_BYTES == 0);
	for (uint64_t g = e->offset / RFM_GRANULE_BYTES;
	    g < (e->offset + e->bytes) / RFM_GRANULE_BYTES; g++) {
		assert_int_equal(chart->marks[g], 0);
		chart->marks[g] = 1;
	}
	chart->bytes[e->use] += e->bytes;
	if (e->id != 0 && e->id == chart->id)
		chart->known = e->bytes;
}

static uint64_t
draw(struct chart *chart, uint64_t id)
{
	uint64_t used = 0;

	memset(chart, 0, sizeof *chart);
	chart->id = id;
	rfm_store_map(store, mark_extent, chart);
	for (int use = 0; use <= RFM_USE_HELD; use++)
		used += chart->bytes[use];
	return used;
}

/* proves I5 */
static void
the_map_shows_every_byte_that_is_not_free(void **state)
{
	static struct chart chart;
	uint64_t b, before = info_of(store).free_bytes;

	(void)state;
	assert_true(draw(&chart, 0) + before == info_of(store).file_bytes);
	assert_int_equal(chart.bytes[RFM_USE_HEAD], RFM_HEAP_OFFSET);
	create(100);
	b = create_filled(5000, 1);
	OK(rfm_store_seal(find(b), &error));
	temporary(10);
	OK(rfm_store_destroy(create(300), true, &error));
	assert_true(draw(&chart, b) + info_of(store).free_bytes ==
	    info_of(store).file_bytes);
	assert_int_equal(chart.bytes[RFM_USE_COMMITTED], 128);
	assert_int_equal(chart.bytes[RFM_USE_SEALED], 8192);
	assert_int_equal(chart.known, 8192);
	assert_int_equal(chart.bytes[RFM_USE_TEMPORARY], 64);
	assert_int_equal(chart.bytes[RFM_USE_HELD], 320);
	assert_true(chart.bytes[RFM_USE_LOG] >= 512);
	OK(rfm_store_sync(store, &error));
	draw(&chart, b);
	assert_int_equal(chart.bytes[RFM_USE_HELD], 0);
}

static void
a_readers_temporaries_are_not_on_the_map(void **state)
{
	static struct chart chart;

	(void)state;
	create(100);
	leave();
	OK(try_to_open(&reading));
	temporary(10);
	draw(&chart, 0);
	assert_int_equal(chart.bytes[RFM_USE_COMMITTED], 128);
	assert_int_equal(chart.bytes[RFM_USE_TEMPORARY], 0);
}

static void
what_is_destroyed_is_not_in_memory(void **state)
{
	struct rfm_payload *p = create(5000);
	uint64_t            on_disk, resident = 1;

	(void)state;
	OK(rfm_store_sizes(p, &on_disk, &resident, &error));
	assert_int_equal(on_disk, 8192);
	assert_int_equal(resident, 5000);
	OK(rfm_store_destroy(p, true, &error));
	OK(rfm_store_sizes(p, &on_disk, &resident, &error));
	assert_int_equal(on_disk, 0);
	assert_int_equal(resident, 0);
}

/* proves I5 */
static void
room_is_neither_lost_nor_doubled(void **state)
{
	struct rfm_store_info i = info_of(store);
	uint64_t              all = i.free_bytes;

	(void)state;
	for (uint64_t k = 0; k < 30; k++) {
		if (k % 3 == 0)
			create(k * 100);
		else if (k % 3 == 1)
			temporary(k * 77);
		else
			OK(rfm_store_destroy(handles[k / 2], true, &error));
		i = info_of(store);
		if (i.file_bytes == TINY)
			assert_true(i.free_bytes + i.live_bytes +
			    i.temporary_bytes + i.held_bytes <= all);
	}
	release_all();
	for (uint64_t id = 1; id <= 10; id++)
		if (look_for(store, id) == RFM_OK)
			OK(rfm_store_destroy(find(id), true, &error));
	release_all();
	OK(rfm_store_sync(store, &error));
	reopen();
	i = info_of(store);
	assert_int_equal(i.live_bytes + i.temporary_bytes + i.held_bytes, 0);
	assert_int_equal(i.free_bytes % 64, 0);
	SOUND();
}

#define T(test) cmocka_unit_test_setup_teardown(test, on, off)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_new_store_has_the_size_asked_for_in_steps),
		T(an_impossible_size_makes_no_file),
		T(what_is_absent_is_made_only_for_a_writer_who_wants_it),
		T(opening_writes_the_owners_note_and_nothing_else),
		T(what_is_no_store_is_refused_and_not_touched),
		T(a_store_of_another_format_is_refused_and_not_touched),
		T(a_truncated_store_is_refused_and_not_touched),
		T(one_broken_superblock_of_two_does_no_harm),
		T(the_barriers_of_each_operation_are_these),
		T(a_sync_of_a_log_that_is_mostly_dead_makes_a_checkpoint),
		T(a_sync_whose_checkpoint_fails_before_the_flip_has_succeeded),
		T(the_record_offsets_lead_to_the_records),
		T(after_a_death_everything_is_there),
		T(after_a_power_cut_the_last_sync_is_there_and_no_more),
		T(a_clean_close_is_a_sync),
		T(temporaries_are_gone_and_their_room_is_back),
		T(an_id_lost_in_a_power_cut_is_never_given_again),
		T(an_id_is_not_given_again_after_its_tombstone_was_forgotten),
		T(a_death_does_not_make_ids_leap),
		T(one_record_has_one_payload_whoever_asks),
		T(a_payload_keeps_its_store_mapped),
		T(destroy_ends_the_record_and_all_its_handles),
		T(destroy_without_reclaim_ends_the_handles_only),
		T(destroy_of_a_temporary_returns_its_room),
		T(sealing_a_temporary_writes_one_record),
		T(keeping_a_temporary_commits_it_and_leaves_it_open_to_change),
		T(what_cannot_be_kept_stays_temporary),
		T(vectors_of_every_size_hold_what_they_hold),
		T(elements_of_every_type_have_their_size),
		T(impossible_vectors_are_refused),
		T(one_vector_may_fill_the_whole_file),
		T(room_that_was_used_is_zeroed_if_zeros_are_asked_for),
		T(zeros_come_out_of_used_unused_and_punched_chunks),
		T(a_freed_extent_is_not_used_before_the_commit),
		T(a_freed_extent_waits_across_a_death),
		T(what_was_destroyed_without_sync_is_back_after_a_power_cut),
		T(what_no_commit_has_seen_is_free_at_once),
		T(room_that_lives_again_is_not_handed_out_twice),
		T(a_block_that_was_widened_waits_for_a_commit),
		T(growing_is_avoided_by_a_commit_if_that_helps),
		T(a_temporarys_room_is_the_next_to_be_used),
		T(a_freed_extent_is_not_used_while_a_reader_is_there),
		T(a_reader_may_know_what_no_commit_has_seen),
		T(a_new_writer_uses_no_gap_while_an_old_reader_is_there),
		T(the_file_grows_and_no_address_moves),
		T(growth_doubles_the_file),
		T(growth_beyond_the_addresses_is_refused),
		T(growth_that_fails_at_any_step_can_be_repeated_smaller),
		T(a_temporary_widens_into_free_room_and_stays_where_it_is),
		T(what_cannot_widen_stays_as_it_is),
		T(widening_without_disk_room_changes_nothing),
		T(a_closed_store_takes_nothing_and_shows_what_it_has),
		T(opening_again_revives_a_closed_store),
		T(a_second_opening_in_one_process_shares_the_store),
		T(a_readers_store_is_shared_by_readers_only),
		T(a_second_writer_is_kept_out_and_told_who_is_in),
		T(what_a_reader_writes_stays_with_him),
		T(a_readers_room_returns_to_his_memory),
		T(a_reader_sees_a_sealed_record_at_once),
		T(a_reader_follows_a_file_that_grows),
		T(a_reader_who_comes_while_the_file_grows_sees_no_damage),
		T(a_file_that_outgrows_a_reader_is_told_and_not_touched),
		T(a_readers_vectors_survive_a_checkpoint),
		T(a_reader_of_a_cut_store_follows_its_writer),
		T(a_scratch_store_promises_nothing_and_waits_for_nothing),
		T(a_scratch_file_goes_with_the_process_that_made_it),
		T(a_scratch_file_left_behind_is_taken_over_and_left),
		T(the_two_modes_do_not_open_each_others_files),
		T(a_failed_barrier_ends_the_commits_of_the_session),
		T(a_poisoned_store_is_not_healed_by_opening_it_again_here),
		T(a_close_without_room_for_its_record_may_be_tried_again),
		T(whatever_call_fails_nothing_has_changed),
		T(whatever_allocation_fails_nothing_has_changed),
		T(a_reservation_that_fails_half_way_loses_no_room),
		T(a_vector_in_a_hole_gets_its_blocks_when_it_is_found),
		T(a_refresh_that_fails_anywhere_can_be_repeated),
		T(a_store_that_cannot_be_made_leaves_no_file),
		T(a_forged_catalog_is_damage_and_the_file_is_not_touched),
		T(overlapping_extents_are_damage_to_a_writer),
		T(the_last_id_is_refused_and_does_no_harm),
		T(the_sums_of_a_store_are_right),
		T(the_map_shows_every_byte_that_is_not_free),
		T(a_readers_temporaries_are_not_on_the_map),
		T(what_is_destroyed_is_not_in_memory),
		T(room_is_neither_lost_nor_doubled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
