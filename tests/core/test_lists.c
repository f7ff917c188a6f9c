/*
 * Lists: cells that name records, or, in a temporary list, payloads. What is put in
 * comes out, after any accident; nothing in a list can be destroyed; what no list
 * names any more goes; and a bad cell is an error, never somebody else's data.
 */
#include "shop.h"

static struct rfm_payload *
list_of(uint64_t length)
{
	return create_of(RFM_LIST, length);
}

static struct rfm_payload *
temporary_list(uint64_t length)
{
	return temporary_of(RFM_LIST, length);
}

static struct rfm_payload *
leaf(uint64_t seed)
{
	struct rfm_payload *p = temporary(100);

	fill(p->address, 100, seed);
	return p;
}

static void
link_to(struct rfm_payload *list, uint64_t index, struct rfm_payload *child)
{
	OK(rfm_store_link(list, index, child, &error));
}

/* A new leaf, of which only the list knows. */
static void
put(struct rfm_payload *list, uint64_t index, uint64_t seed)
{
	struct rfm_payload *p = leaf(seed);

	link_to(list, index, p);
	release(p);
}

static struct rfm_payload *
element(struct rfm_payload *list, uint64_t index)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_element(list, index, &p, &error));
	return p == NULL ? NULL : keep(p);
}

/* Element by element: the seed of a leaf, 0 for NULL. The handles go again. */
static void
has_leaves(struct rfm_payload *list, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t seeds[] = { a, b, c };

	assert_int_equal(list->length, 3);
	for (uint64_t i = 0; i < 3; i++) {
		struct rfm_payload *p = element(list, i);

		if (seeds[i] == 0) {
			assert_null(p);
			continue;
		}
		assert_non_null(p);
		assert_int_equal(p->bytes, 100);
		assert_true(holds(p->address, 100, seeds[i]));
		release(p);
	}
}

static uint64_t
records(void)
{
	return info_of(store).records;
}

static void
a_new_list_is_all_null(void **state)
{
	(void)state;
	fill(temporary(24)->address, 24, 1);
	release_all();
	has_leaves(list_of(3), 0, 0, 0);
	has_leaves(temporary_list(3), 0, 0, 0);
}

/* proves I4 */
static void
elements_are_there_after_closing_and_after_a_death(void **state)
{
	struct rfm_payload *l = list_of(3);
	uint64_t            id = l->id;

	(void)state;
	put(l, 0, 5);
	put(l, 2, 7);
	has_leaves(l, 5, 0, 7);
	assert_int_equal(records(), 3);
	SOUND();
	die_and_reopen();
	has_leaves(l = find(id), 5, 0, 7);
	put(l, 1, 6);
	put(l, 0, 8);
	SOUND();
	reopen();
	has_leaves(find(id), 8, 6, 7);
	assert_int_equal(records(), 4);
	SOUND();
}

/* The list is as it was at the sync, whatever was done to it since. */
/* proves I3, I6, I10 */
static void
a_power_cut_leads_back_to_the_lists_of_the_last_sync(void **state)
{
	struct rfm_payload *l = list_of(3);
	uint64_t            id = l->id, offset;

	(void)state;
	put(l, 0, 5);
	put(l, 1, 6);
	OK(rfm_store_sync(store, &error));
	offset = l->offset;
	put(l, 0, 8);                   /* the list moves here */
	assert_int_not_equal(l->offset, offset);
	offset = l->offset;
	put(l, 2, 9);                   /* and not again */
	assert_int_equal(l->offset, offset);
	link_to(l, 1, NULL);
	has_leaves(l, 8, 0, 9);
	lose_power_and_reopen();        /* everything written had arrived */
	has_leaves(find(id), 5, 6, 0);
	SOUND();
	l = find(id);
	put(l, 2, 9);
	OK(rfm_store_sync(store, &error));
	lose_power_and_reopen();
	has_leaves(find(id), 5, 6, 9);
	assert_int_equal(info_of(store).findings, 0);
	SOUND();
}

/* proves I6 */
static void
the_place_that_a_list_left_waits_for_a_commit(void **state)
{
	struct rfm_payload *l = list_of(600);
	uint64_t            held;

	(void)state;
	OK(rfm_store_sync(store, &error));
	held = info_of(store).held_bytes;
	put(l, 0, 1);
	assert_int_equal(info_of(store).held_bytes, held + 8192);
	die_and_reopen();
	assert_true(info_of(store).held_bytes >= 8192);
	OK(rfm_store_sync(store, &error));
	assert_int_equal(info_of(store).held_bytes, 0);
	SOUND();
}

static void
what_is_in_a_list_cannot_be_destroyed(void **state)
{
	struct rfm_payload *l = list_of(3), *mine = create(100), *t;
	uint64_t            id = mine->id, list = l->id;

	(void)state;
	link_to(l, 0, mine);
	link_to(l, 1, mine);
	REFUSED(RFM_HAS_PARENT, rfm_store_destroy(mine, true, &error));
	SAYS("parent reference");
	REFUSED(RFM_HAS_PARENT, rfm_store_destroy(mine, false, &error));
	die_and_reopen();
	l = find(list);
	mine = find(id);
	REFUSED(RFM_HAS_PARENT, rfm_store_destroy(mine, true, &error));
	link_to(l, 0, NULL);
	REFUSED(RFM_HAS_PARENT, rfm_store_destroy(mine, true, &error));
	link_to(l, 1, NULL);
	t = temporary_list(1);
	link_to(t, 0, mine);
	REFUSED(RFM_HAS_PARENT, rfm_store_destroy(mine, true, &error));
	release(t);
	OK(rfm_store_destroy(mine, true, &error));
	assert_int_equal(look_for(store, id), RFM_TOMBSTONE);
	SOUND();
}

static void
elements_go_with_the_last_cell_that_names_them(void **state)
{
	struct rfm_payload *l = list_of(3), *k = list_of(1), *p = leaf(5);

	(void)state;
	link_to(l, 0, p);
	link_to(l, 1, p);
	link_to(k, 0, p);
	release(p);
	assert_int_equal(records(), 3);
	link_to(l, 0, NULL);
	put(l, 1, 6);
	assert_int_equal(records(), 4);
	OK(rfm_store_destroy(k, true, &error));
	assert_int_equal(records(), 2);
	has_leaves(l, 0, 6, 0);
	OK(rfm_store_destroy(l, true, &error));
	assert_int_equal(records(), 0);
	SOUND();
	die_and_reopen();
	assert_int_equal(records(), 0);
}

static void
what_the_user_created_stays_when_its_list_goes(void **state)
{
	struct rfm_payload *l = list_of(1);
	uint64_t            id = create_filled(100, 4);

	(void)state;
	link_to(l, 0, find(id));
	OK(rfm_store_destroy(l, true, &error));
	assert_true(holds(find(id)->address, 100, 4));
	die_and_reopen();
	assert_true(holds(find(id)->address, 100, 4));
}

/* An element in use outlives its cell, and goes with its last handle. */
static void
an_element_in_use_stays_until_it_is_let_go(void **state)
{
	struct rfm_payload *l = list_of(1), *p = leaf(5);

	(void)state;
	link_to(l, 0, p);
	assert_true(rfm_payload_shared(p));
	link_to(l, 0, NULL);
	assert_false(rfm_payload_shared(p));
	assert_int_equal(records(), 2);
	assert_true(holds(p->address, 100, 5));
	release(p);
	assert_int_equal(records(), 2);
	OK(rfm_store_sync(store, &error));
	assert_int_equal(records(), 1);
	SOUND();
}

/* The process dies between the element's record and the cell, or between the cell
 * and the FREE of what was there: the next session frees what nobody names. */
/* proves I4 */
static void
orphans_are_freed_by_the_next_session(void **state)
{
	struct rfm_payload *l = list_of(1), *p = leaf(5);

	(void)state;
	link_to(l, 0, p);
	link_to(l, 0, NULL);
	die_and_reopen();
	assert_int_equal(records(), 2);
	create(10);
	OK(rfm_store_sync(store, &error));
	assert_int_equal(records(), 2);
	SOUND();
}

static void
a_temporary_list_holds_temporaries(void **state)
{
	struct rfm_payload *t = temporary_list(3), *p = leaf(5);

	(void)state;
	link_to(t, 0, p);
	link_to(t, 1, p);
	put(t, 2, 6);
	release(p);
	has_leaves(t, 5, 5, 6);
	put(t, 1, 7);
	has_leaves(t, 5, 7, 6);
	assert_int_equal(info_of(store).temporaries, 4);
	assert_int_equal(records(), 0);
	release(t);
	assert_int_equal(info_of(store).temporaries, 0);
	assert_int_equal(info_of(store).temporary_bytes, 0);
	t = temporary_list(1);
	put(t, 0, 5);
	OK(rfm_store_destroy(t, false, &error));
	assert_int_equal(info_of(store).temporary_bytes, 0);
}

static void
a_list_that_is_widened_has_nulls_at_its_end(void **state)
{
	struct rfm_payload *t = NULL;
	uint64_t            offset;

	(void)state;
	t = temporary(4000);
	offset = t->offset;
	fill(t->address, 4000, 1);
	release(t);
	t = temporary_list(3);
	assert_int_equal(t->offset, offset);
	assert_true(rfm_store_widen(t, 30));
	put(t, 0, 5);
	for (uint64_t i = 1; i < t->length; i++)
		assert_null(element(t, i));
	release(t);
	assert_int_equal(info_of(store).temporary_bytes, 0);
}

static struct rfm_payload *
strings_with_a_part(void)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_temporary(store, RFM_CHARACTER, 2, true, RFM_GROW, &p,
	    &error));
	OK(rfm_store_extend(p, 100, RFM_GROW, &error));
	fill(p->parts[0]->address, 100, 77);
	return keep(p);
}

/* A list of a leaf, strings with a part, and a list that has the leaf again. */
static struct rfm_payload *
nested(void)
{
	struct rfm_payload *t = temporary_list(3), *u = temporary_list(2);
	struct rfm_payload *p = leaf(5), *s = strings_with_a_part();

	link_to(t, 0, p);
	link_to(t, 1, s);
	link_to(t, 2, u);
	link_to(u, 1, p);
	release(p);
	release(s);
	release(u);
	return t;
}

static void
is_nested(struct rfm_payload *l, enum rfm_state wanted)
{
	struct rfm_payload *p = element(l, 0), *s = element(l, 1);
	struct rfm_payload *u = element(l, 2);

	assert_true(holds(p->address, 100, 5));
	assert_int_equal(s->part_count, 1);
	assert_true(holds(s->parts[0]->address, 100, 77));
	assert_null(element(u, 0));
	assert_ptr_equal(element(u, 1), p);
	assert_int_equal(l->state, wanted);
	assert_int_equal(p->state, wanted);
	assert_int_equal(s->state, wanted);
	assert_int_equal(s->parts[0]->state, wanted);
	assert_int_equal(u->state, wanted);
}

static void
a_nested_temporary_goes_into_a_list_whole(void **state)
{
	struct rfm_payload *l = list_of(1), *t = nested();
	uint64_t            id = l->id;

	(void)state;
	is_nested(t, RFM_TEMPORARY);
	link_to(l, 0, t);
	is_nested(t, RFM_COMMITTED);
	assert_int_equal(records(), 5);
	assert_int_equal(info_of(store).temporaries, 0);
	release_all();
	SOUND();
	die_and_reopen();
	is_nested(element(find(id), 0), RFM_COMMITTED);
	release_all();
	link_to(find(id), 0, NULL);
	assert_int_equal(records(), 1);
	SOUND();
}

/* proves I7 */
static void
sealing_a_list_seals_what_is_in_it(void **state)
{
	struct rfm_payload *l = list_of(1), *t = nested(), *mine = create(100);
	uint64_t            id = l->id, other;

	(void)state;
	link_to(l, 0, t);
	OK(rfm_store_seal(l, &error));
	is_nested(t, RFM_SEALED);
	REFUSED(RFM_ARGUMENT, rfm_store_link(l, 0, NULL, &error));
	t = nested();
	link_to(t, 0, mine);            /* a record in a temporary list */
	OK(rfm_store_seal(t, &error));
	other = t->id;
	assert_int_equal(mine->state, RFM_SEALED);
	assert_int_equal(info_of(store).temporaries, 0);
	SOUND();
	die_and_reopen();
	is_nested(element(find(id), 0), RFM_SEALED);
	assert_int_equal(find(other)->state, RFM_SEALED);
	assert_int_equal(element(find(other), 2)->state, RFM_SEALED);
	OK(rfm_store_sync(store, &error));
	reopen();
	is_nested(element(find(id), 0), RFM_SEALED);
	SOUND();
}

static void
a_kept_list_belongs_to_its_user(void **state)
{
	struct rfm_payload *t = nested();
	uint64_t            id;

	(void)state;
	OK(rfm_store_keep(t, &error));
	id = t->id;
	is_nested(t, RFM_COMMITTED);
	release_all();
	die_and_reopen();
	create(1);
	OK(rfm_store_sync(store, &error));
	is_nested(find(id), RFM_COMMITTED);
	SOUND();
}

static void
a_list_cannot_contain_itself(void **state)
{
	struct rfm_payload *a = list_of(2), *b = list_of(2), *t, *u;

	(void)state;
	REFUSED(RFM_ARGUMENT, rfm_store_link(a, 0, a, &error));
	link_to(a, 0, b);
	REFUSED(RFM_ARGUMENT, rfm_store_link(b, 0, a, &error));
	SAYS("element of itself");
	t = temporary_list(1);
	u = temporary_list(1);
	REFUSED(RFM_ARGUMENT, rfm_store_link(t, 0, t, &error));
	link_to(t, 0, u);
	REFUSED(RFM_ARGUMENT, rfm_store_link(u, 0, t, &error));
	link_to(u, 0, a);
	REFUSED(RFM_ARGUMENT, rfm_store_link(b, 0, t, &error));
	REFUSED(RFM_ARGUMENT, rfm_store_link(a, 1, u, &error));
	link_to(t, 0, NULL);
	link_to(a, 1, b);
	assert_ptr_equal(element(a, 1), b);
	SOUND();
}

static void
impossible_links_are_refused(void **state)
{
	struct rfm_payload *l = list_of(2), *p = create(10), *s, *n = NULL;

	(void)state;
	REFUSED(RFM_ARGUMENT, rfm_store_link(l, 2, p, &error));
	REFUSED(RFM_ARGUMENT, rfm_store_link(p, 0, p, &error));
	REFUSED(RFM_ARGUMENT, rfm_store_element(l, 2, &n, &error));
	REFUSED(RFM_ARGUMENT, rfm_store_element(p, 0, &n, &error));
	s = strings_with_a_part();
	REFUSED(RFM_ARGUMENT, rfm_store_link(l, 0, s->parts[0], &error));
	OK(rfm_store_destroy(p, false, &error));
	REFUSED(RFM_CLOSED, rfm_store_link(l, 0, p, &error));
	OK(rfm_store_destroy(l, false, &error));
	REFUSED(RFM_CLOSED, rfm_store_link(l, 0, s, &error));
	REFUSED(RFM_CLOSED, rfm_store_element(l, 0, &n, &error));
	SOUND();
}

static void
an_element_of_another_store_is_refused(void **state)
{
	struct rfm_os      *another = rfm_lying_start(disk);
	struct rfm_store   *reader = NULL;
	struct rfm_payload *l = list_of(2), *p = NULL;

	(void)state;
	OK(rfm_store_open(another, "store", &reading, &reader, NULL,
	    &error));
	OK(rfm_store_create(reader, RFM_RAW, 10, true, RFM_GROW, &p,
	    &error));
	REFUSED(RFM_MISMATCH, rfm_store_link(l, 0, p, &error));
	SAYS("same fmalloc runtime");
	rfm_payload_release(p);
	rfm_store_release(reader);
	rfm_lying_end(another);
}

/* 20,000 deep: no recursion may follow. */
static void
lists_may_be_nested_deeply(void **state)
{
	struct rfm_payload *inner = temporary_list(1), *outer;
	const uint64_t      deep = slow_motion() ? 4000 : 20000;
	uint64_t            id;

	(void)state;
	for (uint64_t i = 0; i < deep; i++) {
		outer = temporary_list(1);
		link_to(outer, 0, inner);
		release(inner);
		inner = outer;
	}
	release(inner);
	assert_int_equal(info_of(store).temporaries, 0);
	inner = temporary_list(1);
	for (uint64_t i = 0; i < deep; i++) {
		outer = temporary_list(1);
		link_to(outer, 0, inner);
		release(inner);
		inner = outer;
	}
	outer = list_of(1);
	id = outer->id;
	link_to(outer, 0, inner);
	release_all();
	assert_int_equal(records(), deep + 2);
	die_and_reopen();
	OK(rfm_store_destroy(find(id), true, &error));
	assert_int_equal(records(), 0);
}

/* Forty pairs, each of the next: 2^40 ways down, 41 lists. */
static void
shared_elements_are_visited_once(void **state)
{
	struct rfm_payload *inner = temporary_list(2), *l = list_of(2);

	(void)state;
	for (int i = 0; i < 40; i++) {
		struct rfm_payload *outer = temporary_list(2);

		link_to(outer, 0, inner);
		link_to(outer, 1, inner);
		release(inner);
		inner = outer;
	}
	link_to(l, 0, inner);
	link_to(l, 1, inner);
	assert_int_equal(records(), 42);
	REFUSED(RFM_ARGUMENT, rfm_store_link(inner, 0, l, &error));
	OK(rfm_store_seal(l, &error));
	SOUND();
}

/* Each write of a link fails in turn, and each time the list is as it was. */
/* proves I13 */
static void
a_link_that_fails_changes_nothing(void **state)
{
	for (uint32_t nth = 1; nth < 12; nth++) {
		struct rfm_payload *l, *t;
		enum rfm_status     status;
		uint64_t            id;

		machine_off(state);
		machine_on(state);
		l = list_of(3);
		id = l->id;
		put(l, 0, 5);
		OK(rfm_store_sync(store, &error));
		t = nested();
		fail_next(RFM_LYING_WRITE, nth, RFM_IO);
		status = rfm_store_link(l, 0, t, &error);
		disarm();
		if (status == RFM_OK) {
			assert_true(nth > 6);
			assert_ptr_equal(element(l, 0), t);
			break;
		}
		assert_int_equal(status, RFM_IO);
		has_leaves(l, 5, 0, 0);
		release(element(t, 1));
		assert_true(holds(element(t, 0)->address, 100, 5));
		assert_null(element(element(t, 2), 0));
		die_and_reopen();
		has_leaves(find(id), 5, 0, 0);
		create(1);
		OK(rfm_store_sync(store, &error));
		assert_int_equal(records(), 3);
		SOUND();
		assert_true(nth < 11);
	}
}

/* Sealing a nested temporary: the process dies after each of its writes. */
/* proves I13 */
static void
a_seal_that_is_broken_off_leaves_nothing(void **state)
{
	uint32_t nth = 1;

	for (;; nth++) {
		struct rfm_payload *t;
		enum rfm_status     status;

		machine_off(state);
		machine_on(state);
		create_filled(10, 1);
		t = nested();
		fail_next(RFM_LYING_WRITE, nth, RFM_IO);
		status = rfm_store_seal(t, &error);
		disarm();
		if (status == RFM_OK)
			break;
		die_and_reopen();
		create(1);
		OK(rfm_store_sync(store, &error));
		assert_int_equal(records(), 2);
		assert_int_equal(info_of(store).live_bytes, 128);
		SOUND();
	}
	assert_true(nth >= 6);
}

/* There is no room for the list's new place, or for the records. */
/* proves I13 */
static void
a_link_without_room_changes_nothing(void **state)
{
	struct rfm_open_options narrow = writing;
	struct rfm_payload     *l, *t, *p = NULL;

	(void)state;
	leave();
	rfm_lying_boot(disk, NULL);
	narrow.address_bytes = 2 * TINY;
	OK(try_to_open(&narrow));
	l = list_of(3);
	put(l, 0, 5);
	OK(rfm_store_sync(store, &error));
	t = nested();
	while (rfm_store_temporary(store, RFM_RAW, 64, false, RFM_GROW, &p,
	    NULL) == RFM_OK)
		keep(p);
	assert_int_not_equal(rfm_store_link(l, 0, t, &error), RFM_OK);
	assert_false(info_of(store).poisoned);
	has_leaves(l, 5, 0, 0);
	is_nested(t, RFM_TEMPORARY);
	assert_int_equal(records(), 2);
	SOUND();
}

/* ---- cells that are wrong ---- */

/* The store is closed, and the cell of a list in its file overwritten. */
static void
forge_cell(uint64_t offset, uint64_t index, uint64_t id)
{
	struct rfm_lying_image image;

	leave();
	image = snapshot();
	memcpy(image.bytes + offset + 8 * index, &id, sizeof id);
	boot_with(&image);
}

/* proves I10 */
static void
a_dangling_cell_is_a_finding_and_an_error(void **state)
{
	struct rfm_payload *l = list_of(3), *s, *p = NULL;
	uint64_t            id = l->id, offset, wrong[3], next;

	(void)state;
	put(l, 0, 5);
	s = strings_with_a_part();
	link_to(l, 1, s);
	release(s);
	OK(rfm_store_sync(store, &error));
	s = element(l, 1);
	next = s->parts[0]->id + 1;
	wrong[0] = s->parts[0]->id;             /* a part */
	wrong[1] = create_filled(100, 9);
	OK(rfm_store_destroy(find(wrong[1]), true, &error));
	assert_int_equal(wrong[1], next);
	offset = l->offset;
	for (int i = 0; i < 3; i++) {
		wrong[2] = create(10)->id + 3;  /* not yet there */
		forge_cell(offset, 2, wrong[i]);
		open_store();
		l = find(id);
		assert_int_equal(info_of(store).findings, 1);
		assert_true(holds(element(l, 0)->address, 100, 5));
		REFUSED(RFM_DAMAGED, rfm_store_element(l, 2, &p, &error));
		SAYS("element 3 of list");
		assert_null(p);
		REFUSED(RFM_DAMAGED, rfm_store_seal(l, &error));
		create(10);
		create(10);
		create(10);
		create(10);
		REFUSED(RFM_DAMAGED, rfm_store_element(l, 2, &p, &error));
	}
	link_to(l, 2, NULL);                    /* mended */
	assert_null(element(l, 2));
	put(l, 2, 7);
	assert_true(holds(element(l, 2)->address, 100, 7));
	OK(rfm_store_seal(l, &error));
	release_all();
	reopen();
	assert_int_equal(info_of(store).findings, 0);
	SOUND();
}

/* proves I10 */
static void
a_loop_is_a_finding_and_an_error(void **state)
{
	struct rfm_payload *a = list_of(2), *b = list_of(2);
	struct rfm_payload *p = NULL, *q = NULL;
	uint64_t            ids[2] = { a->id, b->id }, offset = b->offset;

	(void)state;
	link_to(a, 0, b);
	put(b, 0, 5);
	forge_cell(offset, 1, ids[0]);
	open_store();
	assert_int_equal(info_of(store).findings, 1);
	a = find(ids[0]);
	b = find(ids[1]);
	assert_true((rfm_store_element(a, 0, &p, &error) == RFM_DAMAGED) +
	    (rfm_store_element(b, 1, &q, &error) == RFM_DAMAGED) == 1);
	keep(p != NULL ? p : q);
	assert_true(holds(element(b, 0)->address, 100, 5));
	link_to(b, 1, NULL);
	link_to(a, 0, b);
	assert_ptr_equal(element(a, 0), b);
	release_all();
	reopen();
	assert_int_equal(info_of(store).findings, 0);
	OK(rfm_store_destroy(find(ids[0]), true, &error));
	OK(rfm_store_destroy(find(ids[1]), true, &error));
	assert_int_equal(records(), 0);
	SOUND();
}

static void
a_list_of_itself_on_the_disk_is_told(void **state)
{
	struct rfm_payload *a = list_of(2), *p = NULL;
	uint64_t            id = a->id, offset = a->offset;

	(void)state;
	forge_cell(offset, 0, id);
	OK(try_to_open(&reading));
	assert_int_equal(info_of(store).findings, 1);
	REFUSED(RFM_DAMAGED, rfm_store_element(find(id), 0, &p, &error));
	leave();
	open_store();
	OK(rfm_store_destroy(find(id), true, &error));
	assert_int_equal(records(), 0);
	OK(rfm_store_sync(store, &error));
	SOUND();
}

/* With a finding in the store, no orphan is freed: it may be what is missing. */
static void
nothing_is_freed_while_a_cell_is_bad(void **state)
{
	struct rfm_payload *l = list_of(3);
	uint64_t            offset, element_id;

	(void)state;
	put(l, 0, 5);
	offset = l->offset;
	element_id = element(l, 0)->id;
	release_all();
	OK(rfm_store_sync(store, &error));
	forge_cell(offset, 0, 4711);
	open_store();
	create(10);
	OK(rfm_store_sync(store, &error));
	assert_true(holds(find(element_id)->address, 100, 5));
}

/* ---- neighbours ---- */

static void
a_reader_has_the_list_he_found(void **state)
{
	struct rfm_payload *l = list_of(3), *seen, *t;
	struct rfm_os      *other;
	struct rfm_store   *reader = NULL;
	uint64_t            id = l->id;

	(void)state;
	put(l, 0, 5);
	put(l, 1, 6);
	OK(rfm_store_sync(store, &error));
	other = rfm_lying_start(disk);
	OK(rfm_store_open(other, "store", &reading, &reader, NULL, &error));
	has_leaves(seen = find_in(reader, id), 5, 6, 0);
	assert_true(rfm_payload_shared(element(seen, 0)));
	put(l, 2, 7);
	put(l, 0, 8);
	OK(rfm_store_sync(store, &error));
	take_all_room(99);              /* nothing of his is overwritten */
	has_leaves(seen, 5, 6, 0);
	OK(rfm_store_refresh(reader, &error));
	has_leaves(find_in(reader, id), 8, 6, 7);
	REFUSED(RFM_READ_ONLY, rfm_store_link(find_in(reader, id), 0, NULL,
	    &error));
	OK(rfm_store_temporary(reader, RFM_LIST, 3, true, RFM_GROW, &t,
	    &error));
	link_to(keep(t), 0, element(find_in(reader, id), 2));
	has_leaves(t, 7, 0, 0);
	release_all();
	rfm_store_release(reader);
	rfm_lying_end(other);
	SOUND();
}

static void
a_scratch_store_has_lists(void **state)
{
	struct rfm_payload *l, *t;

	(void)state;
	start_again_with_a_scratch_store();
	l = list_of(1);
	t = nested();
	link_to(l, 0, t);
	release(t);
	is_nested(element(l, 0), RFM_TEMPORARY);
	REFUSED(RFM_HAS_PARENT, rfm_store_destroy(element(l, 0), true,
	    &error));
	REFUSED(RFM_MODE, rfm_store_seal(l, &error));
	release_all();
	assert_int_equal(info_of(store).temporary_bytes, 0);
}

/* A checkpoint writes lists and elements anew; orphans are not among them. */
static void
lists_survive_a_checkpoint(void **state)
{
	struct rfm_payload *l = list_of(3);
	uint64_t            id = l->id;

	(void)state;
	put(l, 1, 6);
	for (int i = 0; i < 100; i++)
		put(l, 0, 100 + (uint64_t)i);
	OK(rfm_store_sync(store, &error));
	assert_true(info_of(store).log_bytes < 2000);
	has_leaves(l, 199, 6, 0);
	release_all();
	lose_power_and_reopen();
	has_leaves(find(id), 199, 6, 0);
	assert_int_equal(records(), 3);
	put(find(id), 0, 5);
	OK(rfm_store_sync(store, &error));
	assert_int_equal(records(), 3);
	SOUND();
}

/* ---- raw blocks ---- */

static struct rfm_payload *
block(uint64_t bytes, uint64_t seed)
{
	struct rfm_payload *p = create_of(RFM_BYTES, bytes);

	fill(p->address, bytes, seed);
	return p;
}

/* proves I3, I4 */
static void
a_resized_block_keeps_its_id_and_its_bytes(void **state)
{
	static const uint64_t sizes[] = { 120, 128, 64, 1, 0, 4095, 4096,
	    9000, 50000, 8192, 100, 70000 };
	struct rfm_payload *p = block(100, 3);
	uint64_t            id = p->id, least = 100;

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		OK(rfm_store_resize(p, sizes[i], RFM_GROW, &error));
		if (sizes[i] < least)
			least = sizes[i];
		assert_int_equal(p->id, id);
		assert_int_equal(p->bytes, sizes[i]);
		assert_int_equal(p->length, sizes[i]);
		assert_true(holds(p->address, least, 3));
		fill(p->address, sizes[i], 3);
		least = sizes[i];
		SOUND();
		if (i % 3 == 0) {
			die_and_reopen();
			p = find(id);
		}
		assert_int_equal(p->bytes, sizes[i]);
		assert_true(holds(p->address, sizes[i], 3));
	}
	reopen();
	assert_true(holds(find(id)->address, 70000, 3));
	SOUND();
}

/* proves I3, I6 */
static void
a_power_cut_takes_a_resize_back(void **state)
{
	static const uint64_t sizes[] = { 10, 200, 4096, 20000, 300000 };

	for (size_t i = 0; i < COUNT(sizes); i++)
		for (size_t j = 0; j < COUNT(sizes); j++) {
			struct rfm_payload *p;
			uint64_t            id, n = sizes[i];

			machine_off(state);
			machine_on(state);
			p = block(n, 3);
			id = p->id;
			OK(rfm_store_sync(store, &error));
			OK(rfm_store_resize(p, sizes[j], RFM_GROW, &error));
			if (sizes[j] > n)
				memset((uint8_t *)p->address + n, 0xee,
				    sizes[j] - n);
			take_all_room(99);
			SOUND();
			lose_power_and_reopen();
			p = find(id);
			assert_int_equal(p->bytes, n);
			assert_true(holds(p->address, n, 3));
			SOUND();
		}
}

/* proves I13 */
static void
a_resize_that_fails_changes_nothing(void **state)
{
	struct rfm_payload   *p = block(5000, 3), *s;
	struct rfm_store_info before = info_of(store), after;
	uint64_t              id = p->id;

	(void)state;
	REFUSED(RFM_NO_ROOM, rfm_store_resize(p, 4u << 20, RFM_STAY,
	    &error));
	REFUSED(RFM_TOO_LARGE, rfm_store_resize(p, 1ULL << 47, RFM_GROW,
	    &error));
	REFUSED(RFM_ARGUMENT, rfm_store_resize(create(10), 20, RFM_GROW,
	    &error));
	s = strings_with_a_part();
	REFUSED(RFM_ARGUMENT, rfm_store_resize(s->parts[0], 20, RFM_GROW,
	    &error));
	release(s);
	after = info_of(store);
	assert_int_equal(before.free_bytes, after.free_bytes + 64);
	fail_next(RFM_LYING_WRITE, 1, RFM_IO);
	REFUSED(RFM_IO, rfm_store_resize(p, 20000, RFM_GROW, &error));
	disarm();
	assert_int_equal(p->bytes, 5000);
	assert_true(holds(p->address, 5000, 3));
	assert_true(info_of(store).free_bytes < after.free_bytes);
	die_and_reopen();
	p = find(id);
	assert_true(holds(p->address, 5000, 3));
	OK(rfm_store_seal(p, &error));
	REFUSED(RFM_ARGUMENT, rfm_store_resize(p, 20, RFM_GROW, &error));
	OK(rfm_store_destroy(p, true, &error));
	REFUSED(RFM_CLOSED, rfm_store_resize(p, 20, RFM_GROW, &error));
	SOUND();
}

/* A write that fails may have written its record: where that says that the block
 * is, nothing else may be in this session. */
/* proves I4, I6, I13 */
static void
the_room_of_a_move_in_doubt_is_not_used(void **state)
{
	static const uint64_t sizes[] = { 10, 5001, 20000, 4096 };
	struct rfm_lying_fault fault = { RFM_LYING_WRITE, 1, RFM_IO, 200,
	    false };

	for (size_t i = 0; i < COUNT(sizes); i++)
		for (int neighbour = 0; neighbour < 2; neighbour++) {
			struct rfm_payload *p, *q;
			uint64_t            id, n;

			machine_off(state);
			machine_on(state);
			p = block(5000, 3);
			id = p->id;
			q = neighbour ? block(9000, 4) : NULL;
			OK(rfm_store_sync(store, &error));
			rfm_lying_fail(disk, &fault);
			REFUSED(RFM_IO, rfm_store_resize(p, sizes[i], RFM_GROW,
			    &error));
			disarm();
			assert_true(holds(p->address, 5000, 3));
			assert_true(q == NULL || holds(q->address, 9000, 4));
			take_all_room(99);
			die_and_reopen();
			p = find(id);
			n = p->bytes < 5000 ? p->bytes : 5000;
			assert_int_equal(p->bytes, sizes[i]);
			assert_true(holds(p->address, n, 3));
			SOUND();
		}
}

static void
a_temporary_block_is_resized_too(void **state)
{
	static const uint64_t sizes[] = { 120, 9000, 100, 70000, 0, 5 };
	struct rfm_payload *p = temporary_of(RFM_BYTES, 100);
	uint64_t            least = 100;

	(void)state;
	fill(p->address, 100, 3);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		uint64_t extent = 0;

		OK(rfm_store_resize(p, sizes[i], RFM_GROW, &error));
		if (sizes[i] < least)
			least = sizes[i];
		assert_true(holds(p->address, least, 3));
		(void)rfm_extent_bytes(sizes[i], &extent);
		assert_int_equal(info_of(store).temporary_bytes, extent);
		assert_int_equal(info_of(store).temporaries, 1);
	}
	release(p);
	assert_int_equal(info_of(store).temporary_bytes, 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, machine_on, machine_off)

static void
a_lists_size_is_that_of_all_below_it(void **state)
{
	struct rfm_payload *outer = list_of(3), *inner = temporary_list(3);
	struct rfm_payload *strings = NULL;
	uint64_t            on_disk, resident, held;

	(void)state;
	OK(rfm_store_temporary(store, RFM_CHARACTER, 10, false, RFM_GROW,
	    &strings, &error));
	keep(strings);
	OK(rfm_store_extend(strings, 5000, RFM_GROW, &error));
	put(inner, 0, 1);
	link_to(inner, 2, strings);
	put(outer, 0, 2);
	link_to(outer, 1, inner);
	held = outer->handles + inner->handles + strings->handles;
	for (int round = 0; round < 2; round++) {
		OK(rfm_store_sizes(outer, &on_disk, &resident, &error));
		assert_int_equal(on_disk, 64 + 64 + 128 + 128 + 192 + 8192);
		assert_int_equal(resident, 24 + 24 + 100 + 100 + 160 + 5000);
	}
	assert_int_equal(outer->handles + inner->handles + strings->handles,
	    held);
	OK(rfm_store_destroy(outer, true, &error));
	OK(rfm_store_sizes(outer, &on_disk, &resident, &error));
	assert_int_equal(on_disk, 0);
}

/* proves I10 */
static void
a_size_is_not_told_of_a_list_with_a_bad_cell(void **state)
{
	struct rfm_payload *l = list_of(3);
	uint64_t            on_disk, resident, *cells = l->address;

	(void)state;
	put(l, 0, 1);
	cells[2] = 4711;
	assert_int_not_equal(rfm_store_sizes(l, &on_disk, &resident, &error),
	    RFM_OK);
	assert_int_equal(l->handles, 1);
	cells[2] = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_lists_size_is_that_of_all_below_it),
		T(a_size_is_not_told_of_a_list_with_a_bad_cell),
		T(a_new_list_is_all_null),
		T(elements_are_there_after_closing_and_after_a_death),
		T(a_power_cut_leads_back_to_the_lists_of_the_last_sync),
		T(the_place_that_a_list_left_waits_for_a_commit),
		T(what_is_in_a_list_cannot_be_destroyed),
		T(elements_go_with_the_last_cell_that_names_them),
		T(what_the_user_created_stays_when_its_list_goes),
		T(an_element_in_use_stays_until_it_is_let_go),
		T(orphans_are_freed_by_the_next_session),
		T(a_temporary_list_holds_temporaries),
		T(a_list_that_is_widened_has_nulls_at_its_end),
		T(a_nested_temporary_goes_into_a_list_whole),
		T(sealing_a_list_seals_what_is_in_it),
		T(a_kept_list_belongs_to_its_user),
		T(a_list_cannot_contain_itself),
		T(impossible_links_are_refused),
		T(an_element_of_another_store_is_refused),
		T(lists_may_be_nested_deeply),
		T(shared_elements_are_visited_once),
		T(a_link_that_fails_changes_nothing),
		T(a_seal_that_is_broken_off_leaves_nothing),
		T(a_link_without_room_changes_nothing),
		T(a_dangling_cell_is_a_finding_and_an_error),
		T(a_loop_is_a_finding_and_an_error),
		T(a_list_of_itself_on_the_disk_is_told),
		T(nothing_is_freed_while_a_cell_is_bad),
		T(a_reader_has_the_list_he_found),
		T(a_scratch_store_has_lists),
		T(lists_survive_a_checkpoint),
		T(a_resized_block_keeps_its_id_and_its_bytes),
		T(a_power_cut_takes_a_resize_back),
		T(a_resize_that_fails_changes_nothing),
		T(the_room_of_a_move_in_doubt_is_not_used),
		T(a_temporary_block_is_resized_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
