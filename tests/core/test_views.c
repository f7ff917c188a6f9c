/*
 * Views: parts of vectors that nobody can change, without a copy; and what is written
 * behind the end of a vector, which nobody sees until a change says so.
 */
#include "shop.h"

static struct rfm_payload *
numerics(uint64_t length, uint64_t room)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_roomy(store, RFM_NUMERIC, length, room, false, RFM_GROW,
	    &p, &error));
	for (uint64_t i = 0; i < length; i++)
		((double *)p->address)[i] = (double)i;
	return keep(p);
}

/* Ten strings, with room for ninety more. */
static struct rfm_payload *
ten_strings(void)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_roomy(store, RFM_CHARACTER, 10, 100, true, RFM_GROW, &p,
	    &error));
	return keep(p);
}

static struct rfm_payload *
view(struct rfm_payload *p, uint64_t from, uint64_t length)
{
	struct rfm_payload *v = NULL;

	OK(rfm_store_view(p, from, length, &v, &error));
	return keep(v);
}

static bool
counts(const struct rfm_payload *p, uint64_t from)
{
	for (uint64_t i = 0; i < p->length; i++)
		if (((const double *)p->address)[i] != (double)(from + i))
			return false;
	return true;
}

static struct rfm_payload *
put_object(const char *name, struct rfm_payload *data)
{
	struct rfm_change c = { name, "", strlen(name), 0, 0,
	    object_of(data) };

	OK(rfm_store_change(store, &c, 1, &error));
	return c.value;
}

static struct rfm_payload *
data_of(const char *name)
{
	struct rfm_name_info info;
	struct rfm_payload  *data = NULL;

	assert_true(rfm_store_name(store, name, strlen(name), &info));
	OK(rfm_store_element(find(info.id), 0, &data, &error));
	return keep(data);
}

static void
append(struct rfm_payload *p, uint64_t count)
{
	void    *at;
	uint64_t end = p->reach;

	OK(rfm_store_reach(p, end, count, &at, &error));
	for (uint64_t i = 0; i < count; i++)
		((double *)at)[i] = (double)(end + i);
}

static void
a_view_is_a_piece_of_its_whole(void **state)
{
	struct rfm_payload *p = numerics(1000, 1000), *v, *w;

	(void)state;
	v = view(p, 100, 50);
	assert_ptr_equal(v->address, (double *)p->address + 100);
	assert_int_equal(v->bytes, 400);
	assert_int_equal(v->state, RFM_SEALED);
	assert_int_equal(v->id, 0);
	assert_true(counts(v, 100));
	assert_true(rfm_payload_shared(p));
	w = view(v, 10, 5);
	assert_ptr_equal(w->whole, p);
	assert_int_equal(w->from, 110);
	assert_true(counts(w, 110));
	assert_int_equal(view(p, 0, 0)->length, 0);
	assert_int_equal(view(p, 1000, 0)->length, 0);
}

static void
a_view_keeps_its_whole_alive(void **state)
{
	struct rfm_payload *p = numerics(100000, 100000), *v = view(p, 5, 10);
	uint64_t            free = info_of(store).free_bytes;

	(void)state;
	release(p);
	assert_int_equal(info_of(store).free_bytes, free);
	assert_true(counts(v, 5));
	release(v);
	assert_true(info_of(store).free_bytes >= free + 800000);
	assert_int_equal(info_of(store).temporaries, 0);
}

static void
what_has_no_views(void **state)
{
	struct rfm_payload *p = numerics(10, 10), *list = NULL, *v = NULL;
	struct rfm_change   c = { "v", "", 1, 0, 0, NULL };

	(void)state;
	REFUSED(RFM_ARGUMENT, rfm_store_view(p, 5, 6, &v, &error));
	SAYS("subscript out of bounds");
	REFUSED(RFM_ARGUMENT, rfm_store_view(p, UINT64_MAX, 2, &v, &error));
	REFUSED(RFM_ARGUMENT, rfm_store_view(p, 11, 0, &v, &error));
	OK(rfm_store_temporary(store, RFM_LIST, 3, true, RFM_GROW, &list,
	    &error));
	keep(list);
	REFUSED(RFM_ARGUMENT, rfm_store_view(list, 0, 1, &v, &error));
	v = view(p, 0, 5);
	REFUSED(RFM_ARGUMENT, rfm_store_view(v, 3, 8, &p, &error));
	REFUSED(RFM_ARGUMENT, rfm_store_link(list, 0, v, &error));
	c.value = v;
	REFUSED(RFM_MISMATCH, rfm_store_change(store, &c, 1, &error));
}

static void
the_end_of_the_whole_is_that_of_its_views(void **state)
{
	struct rfm_payload *p = numerics(10, 10), *v = view(p, 0, 5);
	struct rfm_payload *w = view(p, 5, 5), *none = NULL;

	(void)state;
	OK(rfm_store_destroy(w, true, &error));
	assert_null(w->address);
	assert_non_null(v->address);
	OK(rfm_store_destroy(p, true, &error));
	assert_null(v->address);
	REFUSED(RFM_CLOSED, rfm_store_view(p, 0, 1, &none, &error));
}

static void
a_reference_to_a_view_pins_its_whole(void **state)
{
	struct rfm_payload *p = numerics(10, 10), *v;
	struct rfm_change   gone = { "x", "", 1, 0, 0, NULL };
	uint64_t            id;

	(void)state;
	put_object("x", p);
	id = p->id;
	v = view(p, 2, 3);
	OK(rfm_store_seal(v, &error));
	OK(rfm_store_change(store, &gone, 1, &error));
	release_all();
	OK(rfm_store_sync(store, &error));
	assert_true(counts(find(id), 0));
	reopen();
	assert_true(counts(find(id), 0));
}

static void
a_view_of_strings_reads_their_parts(void **state)
{
	struct rfm_payload *p = NULL, *v;

	(void)state;
	OK(rfm_store_temporary(store, RFM_CHARACTER, 10, true, RFM_GROW, &p,
	    &error));
	keep(p);
	v = view(p, 2, 3);
	OK(rfm_store_extend(p, 100, RFM_GROW, &error));
	assert_int_equal(v->part_count, 1);
	v = view(p, 2, 3);
	assert_int_equal(v->part_count, 1);
	OK(rfm_store_extend(p, 1000, RFM_GROW, &error));
	OK(rfm_store_extend(p, 1000, RFM_GROW, &error));
	assert_ptr_equal(v->parts, p->parts);
	assert_int_equal(v->part_count, 3);
}

/* ---- appending ---- */

static void
what_is_written_behind_the_end_is_seen_after_a_change(void **state)
{
	struct rfm_payload *p = numerics(100, 300), *old;
	uint64_t            id;

	(void)state;
	put_object("x", p);
	id = p->id;
	old = view(p, 0, 100);
	append(p, 50);
	assert_int_equal(p->length, 100);
	die_and_reopen();
	assert_int_equal(find(id)->reach, 100);
	p = data_of("x");
	append(p, 50);
	put_object("x", p);
	SOUND();
	(void)old;
	assert_int_equal(p->length, 100);
	assert_true(counts(view(p, 0, 150), 0));
	release_all();
	assert_int_equal(find(id)->length, 150);
	assert_true(counts(find(id), 0));
	die_and_reopen();
	assert_int_equal(find(id)->length, 150);
	SOUND();
}

static void
a_power_cut_takes_back_what_was_not_synced(void **state)
{
	struct rfm_payload *p = numerics(100, 300);
	uint64_t            id;

	(void)state;
	put_object("x", p);
	id = p->id;
	OK(rfm_store_sync(store, &error));
	append(p, 50);
	put_object("x", p);
	OK(rfm_store_sync(store, &error));
	append(p, 50);
	put_object("x", p);
	assert_int_equal(p->reach, 200);
	lose_power_and_reopen();
	assert_true(find(id)->length >= 150);
	assert_true(counts(find(id), 0));
	SOUND();
}

static void
only_who_stands_at_the_end_may_append(void **state)
{
	struct rfm_payload *p = numerics(100, 300);
	void               *at;

	(void)state;
	append(p, 50);
	REFUSED(RFM_NO_ROOM, rfm_store_reach(p, 100, 10, &at, &error));
	REFUSED(RFM_NO_ROOM, rfm_store_reach(p, 150, 151, &at, &error));
	REFUSED(RFM_NO_ROOM, rfm_store_reach(p, 150, UINT64_MAX - 10, &at,
	    &error));
	REFUSED(RFM_NO_ROOM, rfm_store_reach(view(p, 0, 150), 150, 1, &at,
	    &error));
	append(p, 150);
	REFUSED(RFM_NO_ROOM, rfm_store_reach(p, 300, 1, &at, &error));
	assert_true(counts(view(p, 0, 300), 0));
	put_object("x", p);
	reopen();
	assert_true(counts(data_of("x"), 0));
	assert_int_equal(data_of("x")->length, 300);
	SOUND();
}

static void
two_objects_on_one_vector_extend_it_once(void **state)
{
	struct rfm_payload *p = numerics(10, 100), *list = NULL, *o[2];
	struct rfm_change   c = { "l", "", 1, 0, 0, NULL };

	(void)state;
	put_object("x", p);
	append(p, 10);
	OK(rfm_store_temporary(store, RFM_LIST, 2, true, RFM_GROW, &list,
	    &error));
	c.value = keep(list);
	for (int k = 0; k < 2; k++) {
		o[k] = object_of(p);
		OK(rfm_store_link(list, (uint64_t)k, o[k], &error));
	}
	OK(rfm_store_change(store, &c, 1, &error));
	SOUND();
	die_and_reopen();
	assert_int_equal(data_of("x")->length, 20);
	SOUND();
}

/* Strings bring parts; they are logged with the EXTEND, and only then. */
static void
strings_are_appended_with_their_parts(void **state)
{
	struct rfm_payload *p = ten_strings();
	void               *at;
	uint64_t            id;

	(void)state;
	put_object("s", p);
	id = p->id;
	REFUSED(RFM_ARGUMENT, rfm_store_extend(p, 1000, RFM_GROW, &error));
	OK(rfm_store_reach(p, 10, 5, &at, &error));
	assert_true(all_zero(at, 80));
	OK(rfm_store_extend(p, 1000, RFM_GROW, &error));
	fill(p->parts[0]->address, 1000, 3);
	assert_int_equal(p->parts[0]->id, 0);
	die_and_reopen();
	assert_int_equal(find(id)->part_count, 0);
	p = data_of("s");
	OK(rfm_store_reach(p, 10, 5, &at, &error));
	OK(rfm_store_extend(p, 1000, RFM_GROW, &error));
	fill(p->parts[0]->address, 1000, 4);
	put_object("s", p);
	SOUND();
	die_and_reopen();
	assert_int_equal(find(id)->length, 15);
	assert_int_equal(find(id)->part_count, 1);
	assert_true(holds(find(id)->parts[0]->address, 1000, 4));
	SOUND();
}

/* Nobody holds the vector but the object that is about to be logged. */
static void
what_only_a_new_object_holds_is_extended(void **state)
{
	struct rfm_payload *p = numerics(100, 300);
	struct rfm_change   c = { "x", "", 1, 0, 0, NULL };

	(void)state;
	put_object("x", p);
	release_all();
	p = data_of("x");
	append(p, 50);
	c.value = object_of(p);
	release(p);
	OK(rfm_store_change(store, &c, 1, &error));
	SOUND();
	release_all();
	assert_int_equal(data_of("x")->length, 150);
	assert_true(counts(data_of("x"), 0));
}

/*
 * The part of a vector moves, its cells do not; then strings are appended. A reader who had
 * the vector in hand finds them, also if a checkpoint makes him read everything again.
 */
static void
move_a_part_and_append(bool checkpoint)
{
	struct rfm_payload  *p = ten_strings(), *before, *mine;
	struct rfm_store    *reader = NULL;
	struct rfm_compaction step = { RFM_FILE_MAX_BYTES, 0, 0, false };
	void                *at;
	uint64_t             id, cells, text;

	before = create(24000);
	OK(rfm_store_extend(p, 20000, RFM_GROW, &error));
	fill(p->parts[0]->address, 400, 3);
	p->parts[0]->reach = 400;
	put_object("s", p);
	id = p->id;
	cells = p->offset;
	text = p->parts[0]->offset;
	OK(rfm_store_destroy(before, true, &error));
	release_all();
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_open(start_process(), "store", &reading, &reader,
	    NULL, &error));
	OK(rfm_store_find(reader, id, &mine, &error));
	OK(rfm_store_compact(store, &step, &error));
	p = data_of("s");
	assert_int_equal(p->offset, cells);
	assert_true(p->parts[0]->offset < text);
	OK(rfm_store_reach(p, 10, 5, &at, &error));
	fill((char *)p->parts[0]->address + 400, 400, 4);
	p->parts[0]->reach = 800;
	put_object("s", p);
	if (checkpoint)
		OK(rfm_store_trim(store, &error));
	OK(rfm_store_refresh(reader, &error));
	p = find_in(reader, id);
	assert_true(holds((char *)p->parts[0]->address + 400, 400,
	    4));
	assert_true(holds(p->parts[0]->address, 400, 3));
	assert_true(holds(mine->parts[0]->address, 400, 3));
	release_all();
	rfm_payload_release(mine);
	rfm_store_release(reader);
}

static void
a_reader_finds_what_is_appended_to_a_part_that_has_moved(void **state)
{
	(void)state;
	move_a_part_and_append(false);
}

static void
a_reader_finds_it_after_a_checkpoint(void **state)
{
	(void)state;
	move_a_part_and_append(true);
}

/* How much of the last part is in use is known to the next session. */
static void
a_part_is_extended_with_its_owner(void **state)
{
	struct rfm_payload *p = ten_strings();
	void               *at;
	uint64_t            id;

	(void)state;
	OK(rfm_store_extend(p, 1000, RFM_GROW, &error));
	p->parts[0]->reach = 400;
	put_object("s", p);
	id = p->id;
	die_and_reopen();
	p = find(id);
	assert_int_equal(p->parts[0]->reach, 400);
	assert_int_equal(p->parts[0]->bytes, 1000);
	OK(rfm_store_reach(p, 10, 5, &at, &error));
	p->parts[0]->reach = 700;
	die_and_reopen();
	assert_int_equal(find(id)->parts[0]->reach, 400);
	p = find(id);
	OK(rfm_store_reach(p, 10, 5, &at, &error));
	p->parts[0]->reach = 640;
	put_object("s", p);
	SOUND();
	reopen();
	assert_int_equal(find(id)->parts[0]->reach, 640);
	assert_int_equal(find(id)->reach, 15);
	SOUND();
}

/* The small records of each change find room before the vector; it has room for one more. */
static struct rfm_payload *
last_in_the_file(uint64_t length)
{
	struct rfm_payload *before = temporary(40000), *p;

	take_all_room(1);
	p = numerics(length - 1, length);   /* at the end of the old file */
	release(before);
	put_object("x", p);
	return p;
}

static void
room_grows_where_it_lies(void **state)
{
	struct rfm_payload *p = last_in_the_file(1000);
	uint64_t            id = p->id, offset = p->offset;

	(void)state;
	OK(rfm_store_sync(store, &error));
	while (p->reach < 11999) {      /* the file grows, too */
		append(p, 500);
		put_object("x", p);
		release(handles[handle_count - 1]);
	}
	assert_int_equal(p->offset, offset);
	assert_true(p->room <= 144000);
	assert_true(info_of(store).file_bytes > TINY);
	SOUND();
	die_and_reopen();
	assert_int_equal(find(id)->length, 11999);
	assert_true(counts(find(id), 0));
	lose_power_and_reopen();
	assert_int_equal(find(id)->length, 999);
	assert_true(counts(find(id), 0));
	SOUND();
	create(60000);
	assert_true(counts(find(id), 0));
}

static void
what_has_a_neighbour_does_not_grow(void **state)
{
	struct rfm_payload *p = last_in_the_file(1000), *n;
	void               *at;

	(void)state;
	do
		n = temporary(4096);
	while (n->offset != p->offset + 8192);
	REFUSED(RFM_NO_ROOM, rfm_store_reach(p, 999, 2, &at, &error));
	assert_int_equal(p->room, 8000);
	assert_int_equal(p->reach, 999);
	OK(rfm_store_reach(p, 999, 1, &at, &error));
	SOUND();
}

/* What means all of a vector means all of it for ever. */
static void
what_never_had_room_gets_none(void **state)
{
	struct rfm_payload *p = numerics(1000, 1000), *roomy, *list = NULL;
	struct rfm_change   c = { "x", "", 1, 0, 0, p };
	struct rfm_name_info info;
	void               *at;

	(void)state;
	OK(rfm_store_change(store, &c, 1, &error));
	assert_false(rfm_payload_roomy(p));
	REFUSED(RFM_NO_ROOM, rfm_store_reach(p, 1000, 1, &at, &error));
	release_all();
	assert_true(rfm_store_name(store, "x", 1, &info));
	REFUSED(RFM_NO_ROOM, rfm_store_reach(find(info.id), 1000, 1, &at,
	    &error));
	roomy = numerics(1000, 1001);
	assert_true(rfm_payload_roomy(roomy));
	c.value = roomy;
	REFUSED(RFM_ARGUMENT, rfm_store_change(store, &c, 1, &error));
	SAYS("how much of it is meant");
	OK(rfm_store_temporary(store, RFM_LIST, 1, true, RFM_GROW, &list,
	    &error));
	REFUSED(RFM_ARGUMENT, rfm_store_link(keep(list), 0, roomy, &error));
	put_object("y", roomy);
	assert_false(rfm_payload_roomy(view(roomy, 0, 1000)));
	SOUND();
}

/* Room that is full to the last element looks like none; so it is not filled unless it must. */
static void
more_room_is_asked_for_before_it_is_full(void **state)
{
	struct rfm_payload *p = last_in_the_file(1000);

	(void)state;
	append(p, 1);
	assert_true(p->room > 8000);
	put_object("x", p);
	append(p, 500);
	put_object("x", p);
	SOUND();
}

/* The record of the wider room cannot be written. */
static void
room_that_cannot_be_logged_is_not_taken(void **state)
{
	struct rfm_payload *p = last_in_the_file(1000);
	uint64_t            free = info_of(store).free_bytes;
	void               *at;

	(void)state;
	fail_next(RFM_LYING_WRITE, 1, RFM_IO);
	assert_int_not_equal(rfm_store_reach(p, 999, 2, &at, &error),
	    RFM_OK);
	assert_int_equal(p->room, 8000);
	assert_int_equal(p->reach, 999);
	assert_int_equal(info_of(store).free_bytes, free);
	SOUND();
}

/* In the middle of a page: it is copied, and the file has not become longer for nothing. */
static void
what_is_small_stays_within_a_page(void **state)
{
	struct rfm_payload *p;
	uint64_t            length;
	void               *at;

	(void)state;
	take_all_room(1);
	temporary(64);          /* the file grows, and has room behind it */
	p = numerics(2, 3);
	assert_true(p->offset % RFM_PAGE_BYTES != 0);
	OK(rfm_store_seal(p, &error));
	length = info_of(store).file_bytes;
	REFUSED(RFM_NO_ROOM, rfm_store_reach(p, 2, length, &at, &error));
	REFUSED(RFM_NO_ROOM, rfm_store_reach(p, 2, 1000, &at, &error));
	assert_int_equal(info_of(store).file_bytes, length);
	OK(rfm_store_reach(p, 2, 100, &at, &error));
}

/* A large record is not moved at the close for a few bytes that were appended. */
static void
a_close_moves_no_more_than_was_copied(void **state)
{
	struct rfm_payload *hole = create(600000), *large = create(400000);
	uint64_t            id = large->id, offset = large->offset;

	(void)state;
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_destroy(hole, true, &error));
	OK(rfm_store_sync(store, &error));
	put_object("x", numerics(10, 100000));
	release_all();
	reopen();
	assert_int_equal(find(id)->offset, offset);
	SOUND();
}

/* Three vectors that are copied to where there is more room, again and again. */
static void
copy_three_to_more_room(void)
{
	static const char *const names[] = { "a", "b", "c" };

	for (uint64_t n = 1000; n < 16000; n += n / 2)
		for (unsigned k = 0; k < 3; k++) {
			put_object(names[k], numerics(n, n + n / 2));
			release_all();
		}
}

static void
a_close_gives_back_what_appending_took(void **state)
{
	uint64_t length, live;

	(void)state;
	copy_three_to_more_room();
	length = info_of(store).file_bytes;
	live = info_of(store).live_bytes;
	assert_true(length > 2 * live);
	reopen();
	assert_int_equal(info_of(store).live_bytes, live);
	assert_true(info_of(store).file_bytes < 3 * live / 2);
	assert_true(counts(data_of("a"), 0));
	assert_true(counts(data_of("b"), 0));
	assert_true(counts(data_of("c"), 0));
	SOUND();
	lose_power_and_reopen();
	assert_true(counts(data_of("b"), 0));
	SOUND();
}

/* It was longer before, and somebody may want it so. */
static void
a_close_leaves_a_file_as_long_as_it_was(void **state)
{
	uint64_t length;

	(void)state;
	create(500000);
	OK(rfm_store_destroy(handles[handle_count - 1], true, &error));
	length = info_of(store).file_bytes;
	copy_three_to_more_room();
	assert_true(info_of(store).file_bytes > length);
	reopen();
	assert_int_equal(info_of(store).file_bytes, length);
	reopen();
	assert_int_equal(info_of(store).file_bytes, length);
	SOUND();
}

/* Whatever call fails: the vectors are there, and what is closed is sound. */
static void
a_close_that_cannot_compact_closes(void **state)
{
	static const enum rfm_lying_call calls[] = { RFM_LYING_WRITE,
		RFM_LYING_RESERVE, RFM_LYING_EXTEND, RFM_LYING_FLUSH };

	(void)state;
	for (unsigned k = 0; k < COUNT(calls); k++)
		for (uint32_t nth = 1; nth < 12; nth++) {
			copy_three_to_more_room();
			release_all();
			fail_next(calls[k], nth, k == 1 ? RFM_DISK_FULL
			    : RFM_IO);
			(void)rfm_store_close(store, &error);
			disarm();
			die_and_reopen();
			assert_true(counts(data_of("a"), 0));
			assert_true(counts(data_of("c"), 0));
			SOUND();
			release_all();
		}
}

/* A reader goes on with the old length; looking again shows him the new one. */
static void
a_reader_keeps_the_old_length(void **state)
{
	struct rfm_payload *p = numerics(100, 300), *mine;
	struct rfm_store   *reader = NULL;

	(void)state;
	put_object("x", p);
	OK(rfm_store_open(start_process(), "store", &reading, &reader, NULL,
	    &error));
	mine = find_in(reader, p->id);
	append(p, 100);
	put_object("x", p);
	assert_int_equal(mine->length, 100);
	assert_true(counts(mine, 0));
	OK(rfm_store_refresh(reader, &error));
	assert_int_equal(find_in(reader, p->id)->length, 100);
	assert_int_equal(find_in(reader, p->id)->reach, 200);
	assert_true(counts(view(mine, 0, 200), 0));
	release_all();
	rfm_store_release(reader);
}

#define T(f) cmocka_unit_test_setup_teardown(f, machine_on, machine_off)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_view_is_a_piece_of_its_whole),
		T(a_view_keeps_its_whole_alive),
		T(what_has_no_views),
		T(the_end_of_the_whole_is_that_of_its_views),
		T(a_reference_to_a_view_pins_its_whole),
		T(a_view_of_strings_reads_their_parts),
		T(what_is_written_behind_the_end_is_seen_after_a_change),
		T(a_power_cut_takes_back_what_was_not_synced),
		T(only_who_stands_at_the_end_may_append),
		T(two_objects_on_one_vector_extend_it_once),
		T(strings_are_appended_with_their_parts),
		T(what_only_a_new_object_holds_is_extended),
		T(a_reader_finds_what_is_appended_to_a_part_that_has_moved),
		T(a_reader_finds_it_after_a_checkpoint),
		T(a_part_is_extended_with_its_owner),
		T(room_grows_where_it_lies),
		T(what_has_a_neighbour_does_not_grow),
		T(what_never_had_room_gets_none),
		T(more_room_is_asked_for_before_it_is_full),
		T(room_that_cannot_be_logged_is_not_taken),
		T(what_is_small_stays_within_a_page),
		T(a_close_moves_no_more_than_was_copied),
		T(a_close_gives_back_what_appending_took),
		T(a_close_leaves_a_file_as_long_as_it_was),
		T(a_close_that_cannot_compact_closes),
		T(a_reader_keeps_the_old_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
