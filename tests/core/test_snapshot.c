/*
 * Tests of the room snapshot: a store on one lying disk is copied to another one,
 * whose power is cut at every moment, while the store goes on living.
 */
#define _GNU_SOURCE
#include "shop.h"
#include "folder.h"
#include "snapshot.h"

#define VECTORS 12              /* and one more, sometimes */

static struct rfm_lying_disk *away, *lab;
static struct rfm_os         *away_os;
static uint64_t               ids[VECTORS + 1];
static uint64_t               sizes[VECTORS + 1];
static size_t                 wanted;        /* of them must be there */

static int
on(void **state)
{
	away = rfm_lying_create(11);
	rfm_lying_boot(away, NULL);
	rfm_lying_record(away, true);
	lab = rfm_lying_create(12);
	away_os = rfm_lying_start(away);
	wanted = 0;
	return machine_on(state);
}

static int
off(void **state)
{
	int status = machine_off(state);
	const char *complaint;

	rfm_lying_end(away_os);
	complaint = rfm_lying_complaint(away);
	if (complaint != NULL)
		fail_msg("the other disk complains: %s", complaint);
	rfm_lying_destroy(away);
	rfm_lying_destroy(lab);
	return status;
}

static void
make_vectors(void)
{
	for (wanted = 0; wanted < VECTORS; wanted++) {
		sizes[wanted] = wanted % 3 == 0 ? 9000 : 100 + wanted;
		ids[wanted] = create_filled(sizes[wanted], wanted);
	}
	release_all();
}

static struct rfm_snapshot *
begun(void)
{
	struct rfm_snapshot *s = NULL;

	OK(rfm_snapshot_begin(store, away_os, "store", &s, &error));
	assert_non_null(s);
	return s;
}

static void
go_on(struct rfm_snapshot *s, uint64_t bytes)
{
	uint64_t copied = 1;

	while (copied > 0)
		OK(rfm_snapshot_step(s, bytes, &copied, &error));
	assert_int_equal(rfm_snapshot_left(s), 0);
}

static void
copy_all(void)
{
	struct rfm_snapshot *s = begun();

	go_on(s, 1u << 20);
	OK(rfm_snapshot_finish(s, &error));
	rfm_snapshot_drop(s);
}

static void
no_line(void *context, const char *line)
{
	if (!*(bool *)context)
		print_error("%s\n", line);
}

/* Is it a whole store, with the vectors that are wanted and no other? */
static bool
is_the_copy(const struct rfm_lying_image *image, bool quiet)
{
	struct rfm_open_options options = { RFM_PERSISTENT, RFM_WRITE,
		false, 0, 512, image->size + TINY };
	struct rfm_check_report report = { 0 };
	struct rfm_store       *copy = NULL;
	struct rfm_os          *o;
	bool                    good;

	rfm_lying_boot(lab, image);
	o = rfm_lying_start(lab);
	good = rfm_check(o, "store", no_line, &quiet, &report, &error) ==
	    RFM_OK && report.sound && report.live == wanted &&
	    rfm_store_open(o, "store", &options, &copy, NULL, &error) ==
	    RFM_OK && info_of(copy).records == wanted;
	for (size_t i = 0; i < wanted && good; i++) {
		struct rfm_payload *p = NULL;

		good = rfm_store_find(copy, ids[i], &p, &error) == RFM_OK;
		if (good)
			good = holds(p->address, sizes[i], i);
		if (p != NULL)
			rfm_payload_release(p);
	}
	if (copy != NULL)
		rfm_store_release(copy);
	rfm_lying_end(o);
	return good;
}

static bool
is_the_copy_now(void)
{
	struct rfm_lying_image image = rfm_lying_present(away);

	return image.present && is_the_copy(&image, false);
}

/* ---- what is in it ---- */

static void
a_copy_holds_what_the_commit_holds(void **state)
{
	(void)state;
	make_vectors();
	temporary(5000);
	copy_all();
	assert_true(is_the_copy_now());
	assert_int_equal(info_of(store).uncommitted, 0);
}

static void
an_empty_store_can_be_copied(void **state)
{
	(void)state;
	copy_all();
	assert_true(is_the_copy_now());
}

static void
a_store_that_has_not_begun_can_be_copied(void **state)
{
	(void)state;
	make_vectors();
	reopen();
	copy_all();
	assert_true(is_the_copy_now());
}

static void
a_copy_of_a_store_whose_log_has_many_segments(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++)
		create_filled(64, 1);
	for (int i = 0; i < 60; i++)
		OK(rfm_store_destroy(handles[i], true, &error));
	release_all();
	make_vectors();
	copy_all();
	assert_true(is_the_copy_now());
}

static void
holes_stay_holes(void **state)
{
	struct rfm_lying_image before, after;
	uint64_t pages = 0, n = 0;

	(void)state;
	OK(rfm_store_create(store, RFM_RAW, 60000, true, RFM_GROW,
	    &handles[handle_count++], &error));
	release_all();
	copy_all();
	before = rfm_lying_present(disk);
	after = rfm_lying_present(away);
	assert_int_equal(before.size, after.size);
	for (uint64_t at = 0; at < after.size; at += RFM_PAGE_BYTES) {
		pages++;
		n += !all_zero(after.bytes + at, RFM_PAGE_BYTES);
	}
	assert_true(n < 6 && pages > 30);
}

/* proves I9 */
static void
ids_of_copies_leap_apart(void **state)
{
	uint64_t next[3];

	(void)state;
	make_vectors();
	copy_all();
	for (int i = 0; i < 3; i++) {
		struct rfm_lying_image  image = rfm_lying_present(away);
		struct rfm_open_options options = { RFM_PERSISTENT,
			RFM_WRITE, false, 0, 512, RANGE };
		struct rfm_payload     *p;
		struct rfm_store       *copy;
		struct rfm_os          *o;

		rfm_lying_boot(lab, &image);
		o = rfm_lying_start(lab);
		OK(rfm_store_open(o, "store", &options, &copy, NULL,
		    &error));
		assert_memory_equal(info_of(copy).uuid, info_of(store).uuid,
		    16);
		OK(rfm_store_create(copy, RFM_RAW, 10, true, RFM_GROW, &p,
		    &error));
		next[i] = p->id;
		rfm_payload_release(p);
		rfm_store_release(copy);
		rfm_lying_end(o);
		assert_true(next[i] > ids[VECTORS - 1] + RFM_ID_LEAP);
	}
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < i; k++)
			assert_true((next[i] > next[k] ? next[i] - next[k] :
			    next[k] - next[i]) > 1u << 16);
}

/* ---- a store that goes on living ---- */

static void
live_on(unsigned round)
{
	struct rfm_payload *p = NULL;

	if (round < wanted && rfm_store_find(store, ids[round], &p,
	    &error) == RFM_OK) {
		OK(rfm_store_destroy(p, true, &error));
		rfm_payload_release(p);
	}
	create_filled(9000, 77 + round);
	release_all();
	OK(rfm_store_sync(store, &error));
}

/* proves I6 */
static void
the_copy_does_not_notice_what_happens_meanwhile(void **state)
{
	struct rfm_snapshot *s;
	uint64_t             copied = 1;
	unsigned             round = 0;

	(void)state;
	make_vectors();
	sizes[wanted] = 3u << 20;       /* three buffers */
	ids[wanted] = create_filled(sizes[wanted], wanted);
	wanted++;
	release_all();
	s = begun();
	for (unsigned k = 0; k < 3; k++)
		live_on(VECTORS - k);
	while (copied > 0) {
		OK(rfm_snapshot_step(s, 1, &copied, &error));
		live_on(round++);
	}
	assert_true(round > 3);
	OK(rfm_snapshot_finish(s, &error));
	rfm_snapshot_drop(s);
	assert_true(is_the_copy_now());
}

/* proves I11 */
static void
a_store_may_be_closed_while_it_is_copied(void **state)
{
	struct rfm_snapshot *s;

	(void)state;
	make_vectors();
	s = begun();
	OK(rfm_store_close(store, &error));
	rfm_store_release(store);
	store = NULL;
	go_on(s, 1000);
	OK(rfm_snapshot_finish(s, &error));
	rfm_snapshot_drop(s);
	assert_true(is_the_copy_now());
}

/* ---- power cuts ---- */

struct verdict {
	bool     quiet, finished;
	unsigned there, absent, broken;
	uint64_t last;
};

static void
judge(void *context, struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice)
{
	struct verdict        *v = context;
	struct rfm_lying_image image;

	if (choice->hash == v->last)
		return;
	v->last = choice->hash;
	if (!choice->present) {
		v->absent++;
		return;
	}
	v->there++;
	image = rfm_lying_cut_build(cut, choice);
	v->broken += !is_the_copy(&image, v->quiet);
}

/* What the cuts of a whole copying leave, and those after it. */
static void
cut_everywhere(struct verdict *during, struct verdict *after)
{
	struct rfm_lying_effort effort = { 16, 2, 5, false };
	struct rfm_lying_moment moment;
	struct rfm_lying_cut   *cut;

	copy_all();
	rfm_lying_mark(away, 1);
	cut = rfm_lying_cut_begin(away);
	while (rfm_lying_cut_next(cut, &moment))
		rfm_lying_cut_each(cut, &effort, judge,
		    moment.mark == 1 ? after : during);
	rfm_lying_cut_end(cut);
}

/* proves I3 */
static void
wherever_the_power_goes_there_is_a_whole_copy_or_none(void **state)
{
	struct verdict during = { 0 }, after = { 0 };

	(void)state;
	make_vectors();
	cut_everywhere(&during, &after);
	assert_int_equal(during.broken, 0);
	assert_true(during.absent > 0 && during.there > 0);
	assert_int_equal(after.broken, 0);
	assert_int_equal(after.absent, 0);
	assert_true(after.there > 0);
}

static void
without_FORMAT_a_copy_may_be_full_of_holes(void **state)
{
	struct verdict during = { .quiet = true }, after = { .quiet = true };

	(void)state;
	make_vectors();
	rfm_lying_ignore(away, RFM_BARRIER_FORMAT);
	cut_everywhere(&during, &after);
	assert_true(after.broken > 0);
}

static void
without_DIRECTORY_a_finished_copy_may_be_absent(void **state)
{
	struct verdict during = { 0 }, after = { 0 };

	(void)state;
	make_vectors();
	rfm_lying_ignore(away, RFM_BARRIER_DIRECTORY);
	cut_everywhere(&during, &after);
	assert_int_equal(during.broken + after.broken, 0);
	assert_true(after.absent > 0);
}

/* ---- refusals and failures ---- */

static void
some_stores_cannot_be_copied(void **state)
{
	struct rfm_snapshot *s = NULL;

	(void)state;
	make_vectors();
	leave();
	OK(try_to_open(&reading));
	REFUSED(RFM_READ_ONLY, rfm_snapshot_begin(store, away_os, "store",
	    &s, &error));
	leave();
	rfm_lying_boot(disk, NULL);
	OK(try_to_open(&scratching));
	REFUSED(RFM_MODE, rfm_snapshot_begin(store, away_os, "store", &s,
	    &error));
	SAYS("scratch");
	assert_null(s);
	assert_false(rfm_lying_present(away).present);
}

/* proves I14 */
static void
a_file_that_exists_is_not_replaced(void **state)
{
	struct rfm_snapshot *s = NULL;
	struct rfm_file     *f;

	(void)state;
	OK(away_os->open(away_os, "store", RFM_OPEN_CREATE, &f, &error));
	OK(away_os->write(away_os, f, 0, "mine", 4, &error));
	away_os->close(away_os, f);
	REFUSED(RFM_ARGUMENT, rfm_snapshot_begin(store, away_os, "store",
	    &s, &error));
	SAYS("exists already");
	assert_null(s);
	assert_memory_equal(rfm_lying_present(away).bytes, "mine", 4);
}

/* Fails in the nth call on the other disk; true if there was one. */
static bool
fails_at(uint32_t nth, enum rfm_lying_call call)
{
	struct rfm_lying_fault fault = { call, nth, RFM_DISK_FULL, 0, false };
	struct rfm_snapshot   *s = NULL;
	enum rfm_status        status;
	uint64_t               copied = 1;

	rfm_lying_fail(away, &fault);
	status = rfm_snapshot_begin(store, away_os, "store", &s, &error);
	while (status == RFM_OK && copied > 0)
		status = rfm_snapshot_step(s, 4096, &copied, &error);
	if (status == RFM_OK)
		status = rfm_snapshot_finish(s, &error);
	if (s != NULL)
		rfm_snapshot_drop(s);
	fault.nth = 0;
	rfm_lying_fail(away, &fault);
	if (status == RFM_OK)
		return false;
	assert_int_equal(status, RFM_DISK_FULL);
	assert_false(rfm_lying_present(away).present);
	return true;
}

/* proves I13 */
static void
what_fails_leaves_no_file(void **state)
{
	static const enum rfm_lying_call calls[] = { RFM_LYING_OPEN,
		RFM_LYING_WRITE, RFM_LYING_EXTEND, RFM_LYING_FLUSH };

	(void)state;
	make_vectors();
	for (size_t k = 0; k < COUNT(calls); k++) {
		uint32_t n = 1;

		while (fails_at(n, calls[k]))
			n++;
		assert_true(n > 1);
		assert_true(is_the_copy_now());
		OK(away_os->remove(away_os, "store", &error));
	}
}

/* proves I13 */
static void
what_is_given_up_leaves_no_file_and_no_lock(void **state)
{
	struct rfm_snapshot *s;
	uint64_t             copied;

	(void)state;
	make_vectors();
	s = begun();
	OK(rfm_snapshot_step(s, 1, &copied, &error));
	assert_true(copied > 0);
	assert_true(rfm_lying_present(away).present);
	rfm_snapshot_drop(s);
	assert_false(rfm_lying_present(away).present);
	OK(rfm_store_destroy(find(ids[0]), true, &error));
	release_all();
	OK(rfm_store_sync(store, &error));
	assert_int_equal(info_of(store).held_bytes, 0);
}

static void
one_disk_has_no_place_for_two_files(void **state)
{
	struct rfm_snapshot *s = NULL;

	(void)state;
	REFUSED(RFM_IO, rfm_snapshot_begin(store, os, "copy", &s, &error));
	assert_null(s);
}

/* ---- a system that lets two files share their blocks ---- */

static bool cloned;

static enum rfm_status
clone_by_reading(struct rfm_os *o, struct rfm_file *file, const char *path,
    struct rfm_file **copy, bool *whole, struct rfm_error *e)
{
	static uint8_t bytes[1u << 20];
	uint64_t       size;

	*whole = false;
	if (o->size(o, file, &size, e) != RFM_OK || size > sizeof bytes)
		return RFM_IO;
	RFM_TRY(o->open(o, path, RFM_OPEN_CREATE, copy, e));
	RFM_TRY(o->read(o, file, 0, bytes, (size_t)size, e));
	RFM_TRY(o->write(o, *copy, 0, bytes, (size_t)size, e));
	*whole = cloned = true;
	return RFM_OK;
}

static struct rfm_store *
real_store(struct rfm_os *o, const char *folder, const char *name)
{
	struct rfm_open_options options = { RFM_PERSISTENT, RFM_WRITE, true,
		TINY, 0, 0 };
	struct rfm_store *s = NULL;
	char              path[200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	OK(rfm_store_open(o, path, &options, &s, NULL, &error));
	return s;
}

static void
where_blocks_are_shared_only_the_superblock_is_written(void **state)
{
	struct rfm_os        real = *rfm_os_posix();
	char                 folder[FOLDER_BYTES], text[256];
	struct rfm_snapshot *s = NULL;
	struct rfm_store    *a, *b;
	struct rfm_payload  *p, *q, *r;

	(void)state;
	real.clone = clone_by_reading;
	assert_non_null(new_folder(folder));
	a = real_store(&real, folder, "a");
	OK(rfm_store_create(a, RFM_RAW, 5000, true, RFM_GROW, &p, &error));
	fill(p->address, 5000, 3);
	snprintf(text, sizeof text, "%s/b", folder);
	OK(rfm_snapshot_begin(a, &real, text, &s, &error));
	assert_true(cloned);
	assert_int_equal(rfm_snapshot_left(s), 0);
	go_on(s, 1000);
	OK(rfm_snapshot_finish(s, &error));
	rfm_snapshot_drop(s);
	b = real_store(&real, folder, "b");
	OK(rfm_store_find(b, p->id, &q, &error));
	assert_true(p->address != q->address && holds(q->address, 5000, 3));
	rfm_payload_release(q);
	OK(rfm_store_create(b, RFM_RAW, 1, true, RFM_GROW, &q, &error));
	assert_true(q->id > p->id + RFM_ID_LEAP);     /* on this boot, too */
	/* which of the two is meant is seen by the record, then by the path */
	OK(rfm_store_create(a, RFM_RAW, 1, true, RFM_GROW, &r, &error));
	assert_ptr_equal(rfm_store_for(info_of(a).uuid, "", q->id), b);
	assert_ptr_equal(rfm_store_for(info_of(a).uuid, "", r->id), a);
	assert_ptr_equal(rfm_store_for(info_of(a).uuid, text, r->id), a);
	rfm_payload_release(r);
	assert_ptr_equal(rfm_store_for(info_of(a).uuid, text, p->id), b);
	assert_ptr_equal(rfm_store_for(info_of(a).uuid, info_of(a).path,
	    p->id), a);
	rfm_payload_release(q);
	rfm_payload_release(p);
	rfm_store_release(b);
	rfm_store_release(a);
	snprintf(text, sizeof text, "test $(ls %s | wc -l) = 2 && rm -r %s",
	    folder, folder);
	assert_int_equal(system(text), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, on, off)
	const struct CMUnitTest tests[] = {
		T(a_copy_holds_what_the_commit_holds),
		T(an_empty_store_can_be_copied),
		T(a_store_that_has_not_begun_can_be_copied),
		T(a_copy_of_a_store_whose_log_has_many_segments),
		T(holes_stay_holes),
		T(ids_of_copies_leap_apart),
		T(the_copy_does_not_notice_what_happens_meanwhile),
		T(a_store_may_be_closed_while_it_is_copied),
		T(wherever_the_power_goes_there_is_a_whole_copy_or_none),
		T(without_FORMAT_a_copy_may_be_full_of_holes),
		T(without_DIRECTORY_a_finished_copy_may_be_absent),
		T(some_stores_cannot_be_copied),
		T(a_file_that_exists_is_not_replaced),
		T(what_fails_leaves_no_file),
		T(what_is_given_up_leaves_no_file_and_no_lock),
		T(one_disk_has_no_place_for_two_files),
		T(where_blocks_are_shared_only_the_superblock_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
