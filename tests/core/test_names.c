/*
 * Names: whole objects are put, replaced, taken away and exchanged, several at once or
 * none; what a name stands for stays as long as the name, and goes with it if nobody
 * else asked for it. A value here is a raw vector of 100 bytes and its seed.
 */
#include "shop.h"
#include "faults.h"

/* ---- values and changes ---- */

static struct rfm_payload *
value(uint64_t seed)
{
	struct rfm_payload *p = temporary(100 + seed);

	fill(p->address, p->bytes, seed);
	return p;
}

static struct rfm_change
putting(const char *name, struct rfm_payload *p)
{
	return (struct rfm_change){ .name = name, .name_bytes = strlen(name),
	    .value = p };
}

static enum rfm_status
change_one(const char *name, struct rfm_payload *p)
{
	struct rfm_change c = putting(name, p);

	return rfm_store_change(store, &c, 1, &error);
}

/* A new value, of which only the name knows. */
static void
put(const char *name, uint64_t seed)
{
	struct rfm_payload *p = value(seed);

	OK(change_one(name, p));
	release(p);
}

static uint64_t
id_of(struct rfm_store *s, const char *name)
{
	struct rfm_name_info info;

	return rfm_store_name(s, name, strlen(name), &info) ? info.id : 0;
}

static bool
show_name(void *context, const struct rfm_name_info *n)
{
	char *text = context;

	sprintf(text + strlen(text), "%s%.*s:%" PRIu64, *text ? " " : "",
	    (int)n->name_bytes, n->name, n->id);
	return true;
}

/* All names with the seeds of their values, whose bytes are looked at. */
static const char *
names_in(struct rfm_store *s)
{
	static char text[4096];
	char        ids[4096] = "", *one;

	text[0] = '\0';
	rfm_store_names(s, show_name, ids);
	for (one = strtok(ids, " "); one != NULL; one = strtok(NULL, " ")) {
		char               *colon = strchr(one, ':');
		struct rfm_payload *p = NULL;

		*colon = '\0';
		OK(rfm_store_find(s, strtoull(colon + 1, NULL, 10), &p,
		    &error));
		assert_int_equal(p->state, RFM_SEALED);
		if (p->type == RFM_RAW) {
			assert_true(holds(p->address, p->bytes,
			    p->length - 100));
			sprintf(text + strlen(text), "%s%s=%" PRIu64,
			    *text ? " " : "", one, p->length - 100);
		} else {
			sprintf(text + strlen(text), "%s%s=?", *text ? " "
			    : "", one);
		}
		rfm_payload_release(p);
	}
	return text;
}

#define NAMES(wanted) assert_string_equal(names_in(store), (wanted))

static uint64_t
records(void)
{
	return info_of(store).records;
}

static void
sync_now(void)
{
	OK(rfm_store_sync(store, &error));
}

/* ---- put, replace, remove, rename ---- */

/* proves I16 */
static void
what_was_put_is_found_by_its_name(void **state)
{
	struct rfm_name_info info;
	struct rfm_payload  *p = value(7);
	struct rfm_change    c = putting("flights", p);

	(void)state;
	NAMES("");
	assert_int_equal(id_of(store, "flights"), 0);
	c.note = "New York, 2013";
	c.note_bytes = strlen(c.note);
	c.time = 1357000000;
	OK(rfm_store_change(store, &c, 1, &error));
	assert_true(rfm_store_name(store, "flights", 7, &info));
	assert_int_equal(info.id, p->id);
	assert_int_equal(info.time, 1357000000);
	assert_int_equal(info.name_bytes, 7);
	assert_memory_equal(info.name, "flights", 7);
	assert_int_equal(info.note_bytes, 14);
	assert_memory_equal(info.note, "New York, 2013", 14);
	assert_int_equal(p->state, RFM_SEALED);
	assert_int_equal(info_of(store).names, 1);
	assert_false(rfm_store_name(store, "flight", 6, &info));
	NAMES("flights=7");
	put("airports", 8);
	NAMES("airports=8 flights=7");
	assert_true(rfm_store_name(store, "airports", 8, &info));
	assert_true(info.time > 0);     /* now */
	SOUND();
}

/* proves I16 */
static void
a_replaced_value_goes_unless_somebody_holds_it(void **state)
{
	struct rfm_payload *held;
	uint64_t            id;

	(void)state;
	put("x", 1);
	assert_int_equal(records(), 1);
	id = id_of(store, "x");
	put("x", 2);
	NAMES("x=2");
	assert_int_equal(records(), 1);
	REFUSED(RFM_TOMBSTONE, look_for(store, id));
	held = find(id_of(store, "x"));
	id = held->id;
	put("x", 3);
	NAMES("x=3");
	assert_int_equal(records(), 2);
	assert_true(holds(held->address, held->bytes, 2));
	release(held);
	sync_now();                     /* orphans go with a change */
	assert_int_equal(records(), 1);
	REFUSED(RFM_TOMBSTONE, look_for(store, id));
	SOUND();
}

/* proves I16 */
static void
a_removed_name_takes_its_value_with_it(void **state)
{
	uint64_t id;

	(void)state;
	put("x", 1);
	put("y", 2);
	id = id_of(store, "x");
	OK(change_one("x", NULL));
	NAMES("y=2");
	REFUSED(RFM_TOMBSTONE, look_for(store, id));
	assert_int_equal(records(), 1);
	REFUSED(RFM_NO_NAME, change_one("x", NULL));
	SAYS("nothing is stored under the name x");
	SOUND();
	die_and_reopen();
	NAMES("y=2");
	assert_int_equal(records(), 1);
	SOUND();
}

/* proves I16 */
static void
to_rename_is_to_remove_and_to_put_in_one_change(void **state)
{
	struct rfm_payload *p;
	struct rfm_change   c[2];
	uint64_t            id;

	(void)state;
	put("old", 1);
	put("new", 2);
	id = id_of(store, "old");
	p = find(id);
	c[0] = putting("old", NULL);
	c[1] = putting("new", p);
	OK(rfm_store_change(store, c, 2, &error));
	release(p);
	NAMES("new=1");
	assert_int_equal(id_of(store, "new"), id);
	assert_int_equal(records(), 1);
	sync_now();
	assert_int_equal(records(), 1);
	p = find(id);
	c[0] = putting("newer", p);
	c[1] = putting("new", NULL);    /* the other way round */
	OK(rfm_store_change(store, c, 2, &error));
	release(p);
	NAMES("newer=1");
	SOUND();
	die_and_reopen();
	NAMES("newer=1");
	SOUND();
}

/* proves I16 */
static void
two_names_exchange_their_values(void **state)
{
	struct rfm_change c[2];

	(void)state;
	put("a", 1);
	put("b", 2);
	c[0] = putting("a", find(id_of(store, "b")));
	c[1] = putting("b", find(id_of(store, "a")));
	OK(rfm_store_change(store, c, 2, &error));
	NAMES("a=2 b=1");
	reopen();
	NAMES("a=2 b=1");
	assert_int_equal(records(), 2);
}

/* What is said later of a name holds. */
static void
the_last_word_on_a_name_counts(void **state)
{
	struct rfm_change c[3];

	(void)state;
	put("x", 1);
	c[0] = putting("x", value(2));
	c[1] = putting("x", NULL);
	c[2] = putting("x", value(3));
	OK(rfm_store_change(store, c, 3, &error));
	release_all();
	NAMES("x=3");
	c[0] = putting("x", NULL);
	c[1] = putting("x", NULL);
	OK(rfm_store_change(store, c, 2, &error));
	NAMES("");
	sync_now();
	assert_int_equal(records(), 0);
	OK(rfm_store_change(store, c, 0, &error));
	SOUND();
}

/* proves I16 */
static void
two_names_share_a_value_and_the_last_one_takes_it(void **state)
{
	struct rfm_payload *p = value(5);
	struct rfm_change   c[2];
	uint64_t            id;

	(void)state;
	c[0] = putting("one", p);
	c[1] = putting("two", p);
	OK(rfm_store_change(store, c, 2, &error));
	id = p->id;
	OK(change_one("three", p));
	release(p);
	assert_int_equal(records(), 1);
	NAMES("one=5 three=5 two=5");
	OK(change_one("two", NULL));
	put("one", 6);
	NAMES("one=6 three=5");
	die_and_reopen();
	assert_int_equal(id_of(store, "three"), id);
	OK(change_one("three", NULL));
	REFUSED(RFM_TOMBSTONE, look_for(store, id));
	SOUND();
}

/* ---- what stays and what goes ---- */

/* The user created it, so it is his. */
static void
a_committed_vector_is_sealed_and_stays_when_its_name_goes(void **state)
{
	uint64_t            id = create_filled(104, 4);
	struct rfm_payload *p = find(id);

	(void)state;
	OK(change_one("mine", p));
	assert_int_equal(p->state, RFM_SEALED);
	NAMES("mine=4");
	release_all();
	OK(change_one("mine", NULL));
	die_and_reopen();
	assert_int_equal(look_for(store, id), RFM_OK);
	OK(rfm_store_destroy(find(id), true, &error));
	assert_int_equal(records(), 0);
	SOUND();
}

/* A reference in a file outlives the name. */
static void
what_was_referred_to_stays_when_its_name_goes(void **state)
{
	struct rfm_payload *p = value(5);
	uint64_t            id;

	(void)state;
	OK(change_one("x", p));
	OK(rfm_store_seal(p, &error));          /* saveRDS() */
	OK(rfm_store_seal(p, &error));
	id = p->id;
	release(p);
	OK(change_one("x", NULL));
	sync_now();
	assert_int_equal(look_for(store, id), RFM_OK);
	SOUND();
	die_and_reopen();
	assert_int_equal(look_for(store, id), RFM_OK);
	p = value(6);
	OK(rfm_store_seal(p, &error));          /* first, this time */
	id = p->id;
	OK(change_one("x", p));
	release(p);
	OK(change_one("x", NULL));
	sync_now();
	assert_int_equal(look_for(store, id), RFM_OK);
	SOUND();
}

static void
a_value_without_a_name_stays_while_a_handle_is_there(void **state)
{
	struct rfm_payload *p = value(5);
	uint64_t            id;

	(void)state;
	OK(change_one("x", p));
	id = p->id;
	OK(change_one("x", NULL));
	sync_now();
	assert_true(holds(p->address, p->bytes, 5));
	assert_int_equal(records(), 1);
	OK(change_one("again", p));             /* it comes back */
	NAMES("again=5");
	OK(change_one("again", NULL));
	release(p);
	sync_now();
	assert_int_equal(records(), 0);
	REFUSED(RFM_TOMBSTONE, look_for(store, id));
	SOUND();
}

/* The process dies with the handle; nobody needs it any more. */
static void
a_value_without_a_name_is_gone_in_the_next_session(void **state)
{
	struct rfm_payload *p = value(5);

	(void)state;
	OK(change_one("x", p));
	OK(change_one("x", NULL));
	die_and_reopen();
	put("y", 1);
	sync_now();
	assert_int_equal(records(), 1);
	SOUND();
}

/* proves I16 */
static void
what_has_a_name_cannot_be_destroyed(void **state)
{
	struct rfm_payload *p = value(5);

	(void)state;
	OK(change_one("x", p));
	REFUSED(RFM_HAS_PARENT, rfm_store_destroy(p, true, &error));
	SAYS("named object");
	REFUSED(RFM_HAS_PARENT, rfm_store_destroy(p, false, &error));
	NAMES("x=5");
	OK(change_one("x", NULL));
	OK(rfm_store_destroy(p, true, &error));
	sync_now();
	assert_int_equal(records(), 0);
	SOUND();
}

/* Its bytes are those of somebody else, soon. */
/* proves I6, I16 */
static void
the_room_of_a_replaced_value_waits_for_the_commit(void **state)
{
	uint64_t            id, offset;
	struct rfm_payload *p;

	(void)state;
	put("x", 1);
	sync_now();
	p = find(id_of(store, "x"));
	id = p->id;
	offset = p->offset;
	release(p);
	put("x", 2);
	assert_true(info_of(store).held_bytes > 0);
	take_all_room(9);
	for (size_t i = 0; i < handle_count; i++)
		assert_true(handles[i]->offset != offset);
	lose_power_and_reopen();
	NAMES("x=1");
	assert_int_equal(id_of(store, "x"), id);
	SOUND();
}

/* ---- objects ---- */

/* One long string, which lies in a part. */
static struct rfm_payload *
word(char letter)
{
	struct rfm_payload    *p = NULL;
	struct rfm_string_disk cell = { .length = 300 };

	OK(rfm_store_temporary(store, RFM_CHARACTER, 1, true, RFM_GROW, &p,
	    &error));
	OK(rfm_store_extend(keep(p), 300, RFM_GROW, &error));
	memset(p->parts[0]->address, letter, 300);
	memset(cell.far.prefix, letter, 4);
	memcpy(p->address, &cell, sizeof cell);
	return p;
}

/* A vector, and one attribute. */
static struct rfm_payload *
object(struct rfm_payload *vector, uint64_t attribute)
{
	struct rfm_payload *cells[3] = { vector, word('n'),
	    value(attribute) };
	struct rfm_payload *o = NULL;

	OK(rfm_store_temporary(store, RFM_OBJECT, 3, true, RFM_GROW, &o,
	    &error));
	keep(o);
	for (unsigned i = 0; i < 3; i++)
		OK(rfm_store_link(o, i, cells[i], &error));
	release(cells[1]);
	release(cells[2]);
	return o;
}

static void
expect_object(const char *name, uint64_t seed, uint64_t attribute)
{
	struct rfm_payload *o = find(id_of(store, name)), *p = NULL;
	uint64_t            seeds[] = { seed, 0, attribute };

	assert_int_equal(o->type, RFM_OBJECT);
	for (unsigned i = 0; i < 3; i++) {
		OK(rfm_store_element(o, i, &p, &error));
		assert_non_null(p);
		assert_int_equal(p->state, RFM_SEALED);
		if (i == 1) {
			assert_int_equal(p->type, RFM_CHARACTER);
			assert_int_equal(p->part_count, 1);
			assert_int_equal(*(char *)p->parts[0]->address, 'n');
		} else {
			assert_int_equal(p->length, 100 + seeds[i]);
			assert_true(holds(p->address, p->bytes, seeds[i]));
		}
		rfm_payload_release(p);
	}
	release(o);
}

/* proves I16 */
static void
an_object_is_put_with_all_that_is_in_it_and_goes_with_it(void **state)
{
	struct rfm_payload *v = value(5);
	uint64_t            all;

	(void)state;
	OK(change_one("factor", object(v, 6)));
	release_all();
	all = records();
	assert_int_equal(all, 4);
	expect_object("factor", 5, 6);
	assert_int_equal(info_of(store).findings, 0);
	SOUND();
	die_and_reopen();
	expect_object("factor", 5, 6);
	sync_now();
	lose_power_and_reopen();
	expect_object("factor", 5, 6);
	assert_int_equal(records(), all);
	OK(change_one("factor", NULL));
	sync_now();
	assert_int_equal(records(), 0);
	SOUND();
}

/* proves I16 */
static void
two_objects_share_a_vector(void **state)
{
	struct rfm_payload *v = value(5);
	struct rfm_change   c[2];

	(void)state;
	c[0] = putting("a", object(v, 6));
	c[1] = putting("b", object(v, 7));
	OK(rfm_store_change(store, c, 2, &error));
	release_all();
	assert_int_equal(records(), 7);         /* not 8 */
	OK(change_one("a", NULL));
	sync_now();
	assert_int_equal(records(), 4);
	expect_object("b", 5, 7);
	SOUND();
	reopen();
	expect_object("b", 5, 7);
	put("b", 1);
	sync_now();
	assert_int_equal(records(), 1);
	SOUND();
}

/* The user's list becomes a value, and what is in it with it. */
static void
a_committed_list_is_sealed_with_what_is_in_it(void **state)
{
	struct rfm_payload *l = NULL, *p = NULL;
	uint64_t            id;

	(void)state;
	OK(rfm_store_create(store, RFM_LIST, 2, true, RFM_GROW, &l, &error));
	keep(l);
	OK(rfm_store_link(l, 0, value(3), &error));
	OK(rfm_store_link(l, 1, word('w'), &error));
	id = l->id;
	OK(change_one("list", l));
	release_all();
	SOUND();
	die_and_reopen();
	assert_int_equal(id_of(store, "list"), id);
	l = find(id);
	for (unsigned i = 0; i < 2; i++) {
		OK(rfm_store_element(l, i, &p, &error));
		assert_int_equal(p->state, RFM_SEALED);
		rfm_payload_release(p);
	}
	REFUSED(RFM_ARGUMENT, rfm_store_link(l, 0, value(4), &error));
	SAYS("not sealed");
	release_all();
	OK(change_one("list", NULL));
	sync_now();
	assert_int_equal(records(), 3);
	OK(rfm_store_destroy(find(id), true, &error));
	sync_now();
	assert_int_equal(records(), 0);
	SOUND();
}

/* ---- accidents ---- */

/* Every name, note and time comes through a checkpoint. */
static void
names_come_through_a_checkpoint(void **state)
{
	struct rfm_payload  *p = value(3);
	struct rfm_change    c = putting("noted", p);
	struct rfm_name_info info;
	char                 name[40];

	(void)state;
	c.note = "a note";
	c.note_bytes = 6;
	c.time = 99;
	OK(rfm_store_change(store, &c, 1, &error));
	release(p);
	for (uint64_t i = 0; i < 60; i++) {
		sprintf(name, "%.*s", (int)(1 + i % 9), "abcdefghi");
		put(name, i % 30);
		if (i % 7 == 0)
			sync_now();
	}
	sync_now();
	lose_power_and_reopen();        /* the first change makes one */
	put("last", 1);
	assert_int_equal(info_of(store).names, 11);
	SOUND();
	die_and_reopen();
	assert_true(rfm_store_name(store, "noted", 5, &info));
	assert_int_equal(info.time, 99);
	assert_int_equal(info.note_bytes, 6);
	assert_memory_equal(info.note, "a note", 6);
	NAMES("a=24 ab=25 abc=26 abcd=27 abcde=28 abcdef=29 abcdefg=21"
	    " abcdefgh=22 abcdefghi=23 last=1 noted=3");
	SOUND();
}

/* proves I3, I16 */
static void
a_power_cut_leads_back_to_the_names_of_the_last_sync(void **state)
{
	struct rfm_change c[3];

	(void)state;
	put("a", 1);
	put("b", 2);
	sync_now();
	c[0] = putting("a", value(3));
	c[1] = putting("b", NULL);
	c[2] = putting("c", value(4));
	OK(rfm_store_change(store, c, 3, &error));
	release_all();
	NAMES("a=3 c=4");
	lose_power_and_reopen();
	NAMES("a=1 b=2");
	c[0].value = value(3);
	c[2].value = value(4);
	OK(rfm_store_change(store, c, 3, &error));
	release_all();
	sync_now();
	lose_power_and_reopen();
	NAMES("a=3 c=4");
	assert_int_equal(records(), 2);
	SOUND();
}

/* What the change of three is, in the next tests: of a=1 b=2 it makes a=3 c=4. */
static enum rfm_status
change_three(void)
{
	struct rfm_change c[3] = { putting("a", value(3)),
	    putting("b", NULL), putting("c", value(4)) };

	return rfm_store_change(store, c, 3, &error);
}

static void
start_anew(void)
{
	leave();
	rfm_lying_boot(disk, NULL);
	open_store();
	put("a", 1);
	put("b", 2);
	sync_now();
}

/* proves I4, I16 */
static void
a_process_that_dies_in_a_change_has_made_all_of_it_or_nothing(void **state)
{
	bool was_new = false;

	(void)state;
	for (uint32_t nth = 1; !was_new; nth++)
		for (size_t part = 0; part < 100; part += 33) {
			struct rfm_lying_fault fault = { RFM_LYING_CHANGE,
			    nth, RFM_IO, part, true };
			bool                   is_new;

			start_anew();
			rfm_lying_fail(disk, &fault);
			is_new = change_three() == RFM_OK;
			die_and_reopen();
			disarm();
			if (is_new || id_of(store, "c") != 0)
				NAMES("a=3 c=4");
			else
				NAMES("a=1 b=2");
			SOUND();
			put("d", 5);            /* and life goes on */
			if (is_new || id_of(store, "c") != 0)
				NAMES("a=3 c=4 d=5");
			else
				NAMES("a=1 b=2 d=5");
			sync_now();
			assert_int_equal(records(), 3);
			SOUND();
			lose_power_and_reopen();
			assert_int_equal(info_of(store).names, 3);
			was_new |= is_new;
		}
}

/* proves I13, I16 */
static void
a_write_that_fails_in_a_change_leaves_the_names_alone(void **state)
{
	bool went_well = false;

	(void)state;
	for (uint32_t nth = 1; !went_well; nth++) {
		start_anew();
		fail_next(RFM_LYING_WRITE, nth, RFM_IO);
		went_well = change_three() == RFM_OK;
		disarm();
		if (went_well)
			break;
		assert_int_equal(error.status, RFM_IO);
		NAMES("a=1 b=2");
		assert_int_equal(info_of(store).names, 2);
		if (info_of(store).poisoned) {
			REFUSED(RFM_POISONED, change_three());
			SAYS("what was synced before is safe");
			NAMES("a=1 b=2");
		} else {
			OK(change_three());
			NAMES("a=3 c=4");
		}
		die_and_reopen();
		if (id_of(store, "c") != 0)
			NAMES("a=3 c=4");
		else
			NAMES("a=1 b=2");
		SOUND();
	}
	NAMES("a=3 c=4");
}

/* proves I13, I16 */
static void
a_full_disk_leaves_the_names_alone(void **state)
{
	struct rfm_payload *values[200];
	struct rfm_change   changes[200];
	char                names[200][8];
	struct picture      before, after;

	(void)state;
	start_anew();
	for (unsigned i = 0; i < COUNT(values); i++) {
		values[i] = value(i);
		sprintf(names[i], "n%u", i);
		changes[i] = putting(names[i], values[i]);
	}
	before = picture_of(store);
	for (uint32_t nth = 1; nth <= 2; nth++) {       /* a new segment */
		fail_next(RFM_LYING_RESERVE, nth, RFM_DISK_FULL);
		if (rfm_store_change(store, changes, COUNT(changes), &error)
		    == RFM_OK)
			break;
		assert_int_equal(error.status, RFM_DISK_FULL);
		NAMES("a=1 b=2");
		after = picture_of(store);
		assert_string_equal(before.text, after.text);
		for (unsigned i = 0; i < COUNT(values); i++)
			assert_int_equal(values[i]->state, RFM_TEMPORARY);
		assert_false(info_of(store).poisoned);
	}
	disarm();
	OK(rfm_store_change(store, changes, COUNT(changes), &error));
	assert_int_equal(info_of(store).names, 202);
	SOUND();
}

/* proves I13, I16 */
static void
memory_that_runs_out_leaves_the_names_alone(void **state)
{
	long limit = 0;

	(void)state;
	for (bool went_well = false; !went_well; ) {
		struct rfm_change c[3];
		struct picture    before, after;

		start_anew();
		c[0] = putting("a", object(value(3), 4));
		c[1] = putting("b", NULL);
		c[2] = putting("c", value(5));
		before = picture_of(store);
		fail_allocation(++limit);
		went_well = rfm_store_change(store, c, 3, &error) == RFM_OK;
		fail_allocation(0);
		if (went_well) {
			expect_object("a", 3, 4);
			assert_int_equal(info_of(store).names, 2);
			break;
		}
		assert_int_equal(error.status, RFM_NO_MEMORY);
		NAMES("a=1 b=2");
		after = picture_of(store);
		assert_string_equal(before.text, after.text);
		assert_int_equal(c[0].value->state, RFM_TEMPORARY);
		assert_int_equal(c[2].value->state, RFM_TEMPORARY);
		assert_false(info_of(store).poisoned);
		OK(rfm_store_change(store, c, 3, &error));
		expect_object("a", 3, 4);
		die_and_reopen();
		expect_object("a", 3, 4);
		assert_int_equal(info_of(store).names, 2);
		SOUND();
	}
	assert_true(limit > 3);
}

/* ---- what is refused ---- */

/* proves I13 */
static void
a_name_that_is_no_name_is_refused_and_nothing_else_is_done(void **state)
{
	char              text[2100];
	struct rfm_change c[2];

	(void)state;
	memset(text, 'x', sizeof text);
	put("x", 1);
	c[0] = putting("good", value(2));
	c[1] = putting("", value(3));
	REFUSED(RFM_ARGUMENT, rfm_store_change(store, c, 2, &error));
	SAYS("1 to 1024 bytes, in UTF-8");
	c[1].name = text;
	c[1].name_bytes = 1025;
	REFUSED(RFM_ARGUMENT, rfm_store_change(store, c, 2, &error));
	c[1] = putting("\xe4", value(3));
	REFUSED(RFM_ARGUMENT, rfm_store_change(store, c, 2, &error));
	c[1].name = "a\0b";
	c[1].name_bytes = 3;
	REFUSED(RFM_ARGUMENT, rfm_store_change(store, c, 2, &error));
	c[1] = putting("y", value(3));
	c[1].note = text;
	c[1].note_bytes = 2049;
	REFUSED(RFM_ARGUMENT, rfm_store_change(store, c, 2, &error));
	SAYS("up to 2048 bytes, in UTF-8");
	c[1].note = "\xff";
	c[1].note_bytes = 1;
	REFUSED(RFM_ARGUMENT, rfm_store_change(store, c, 2, &error));
	c[1] = putting("nobody", NULL);
	REFUSED(RFM_NO_NAME, rfm_store_change(store, c, 2, &error));
	NAMES("x=1");
	assert_int_equal(c[0].value->state, RFM_TEMPORARY);
	assert_int_equal(records(), 1);
	c[1] = putting("y", value(3));
	c[1].name = text;
	c[1].name_bytes = 1024;
	c[1].note = text;
	c[1].note_bytes = 2048;
	OK(rfm_store_change(store, c, 2, &error));
	die_and_reopen();
	assert_int_equal(info_of(store).names, 3);
	text[1024] = '\0';
	assert_int_not_equal(id_of(store, text), 0);
	SOUND();
}

static void
a_value_that_is_closed_or_somebody_elses_is_refused(void **state)
{
	struct rfm_payload *p = value(1), *foreign = NULL;
	struct rfm_store   *other = NULL;
	struct rfm_lying_disk *second = rfm_lying_create(2);
	struct rfm_os         *os2 = rfm_lying_start(second);

	(void)state;
	OK(rfm_store_destroy(p, true, &error));
	REFUSED(RFM_CLOSED, change_one("x", p));
	SAYS("closed fmalloc ALTREP vector handle");
	OK(rfm_store_open(os2, "other", &scratching, &other, NULL, &error));
	OK(rfm_store_temporary(other, RFM_RAW, 10, true, RFM_GROW, &foreign,
	    &error));
	REFUSED(RFM_MISMATCH, change_one("x", foreign));
	SAYS("of the same fmalloc runtime");
	rfm_payload_release(foreign);
	rfm_store_release(other);
	rfm_lying_end(os2);
	rfm_lying_destroy(second);
	NAMES("");
}

static void
a_scratch_store_keeps_no_names(void **state)
{
	(void)state;
	leave();
	rfm_lying_boot(disk, NULL);
	OK(try_to_open(&scratching));
	REFUSED(RFM_MODE, change_one("x", value(1)));
	SAYS("scratch store and keeps no names");
	NAMES("");
}

static void
a_closed_store_takes_no_names(void **state)
{
	struct rfm_payload *p = value(1);

	(void)state;
	put("x", 2);
	OK(rfm_store_close(store, &error));
	REFUSED(RFM_CLOSED, change_one("x", p));
	NAMES("x=2");
}

/* ---- readers ---- */

/* proves I6, I12, I16 */
static void
a_reader_keeps_his_value_while_the_writer_replaces_it(void **state)
{
	struct rfm_os      *beside = start_process();
	struct rfm_store   *his = NULL;
	struct rfm_payload *p;
	struct rfm_change   c;

	(void)state;
	put("x", 1);
	sync_now();
	OK(rfm_store_open(beside, "store", &reading, &his, NULL, &error));
	assert_string_equal(names_in(his), "x=1");
	p = find_in(his, id_of(his, "x"));
	for (uint64_t i = 2; i < 9; i++) {
		put("x", i);
		put("y", i);
		sync_now();
		take_all_room(i);
		assert_true(holds(p->address, p->bytes, 1));
		assert_string_equal(names_in(his), "x=1");
	}
	OK(rfm_store_refresh(his, &error));
	assert_string_equal(names_in(his), "x=8 y=8");
	assert_true(holds(p->address, p->bytes, 1));
	c = putting("z", p);
	REFUSED(RFM_READ_ONLY, rfm_store_change(his, &c, 1, &error));
	c = putting("x", NULL);
	REFUSED(RFM_READ_ONLY, rfm_store_change(his, &c, 1, &error));
	OK(change_one("x", NULL));
	OK(rfm_store_refresh(his, &error));
	assert_string_equal(names_in(his), "y=8");
	release_all();
	rfm_store_release(his);
	rfm_lying_end(beside);
	SOUND();
}

/* The log is replaced, and with it the reader's table. */
static void
a_reader_finds_the_names_of_a_new_log(void **state)
{
	struct rfm_os    *beside = start_process();
	struct rfm_store *his = NULL;

	(void)state;
	put("gone", 1);
	put("x", 2);
	OK(rfm_store_open(beside, "store", &reading, &his, NULL, &error));
	OK(change_one("gone", NULL));
	for (uint64_t i = 0; i < 300; i++)
		put("x", i % 100);
	sync_now();
	assert_true(info_of(store).log_bytes < 4096);   /* a checkpoint */
	OK(rfm_store_refresh(his, &error));
	assert_string_equal(names_in(his), "x=99");
	rfm_store_release(his);
	rfm_lying_end(beside);
}

#define T(test) cmocka_unit_test_setup_teardown(test, machine_on, machine_off)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_was_put_is_found_by_its_name),
		T(a_replaced_value_goes_unless_somebody_holds_it),
		T(a_removed_name_takes_its_value_with_it),
		T(to_rename_is_to_remove_and_to_put_in_one_change),
		T(two_names_exchange_their_values),
		T(the_last_word_on_a_name_counts),
		T(two_names_share_a_value_and_the_last_one_takes_it),
		T(a_committed_vector_is_sealed_and_stays_when_its_name_goes),
		T(what_was_referred_to_stays_when_its_name_goes),
		T(a_value_without_a_name_stays_while_a_handle_is_there),
		T(a_value_without_a_name_is_gone_in_the_next_session),
		T(what_has_a_name_cannot_be_destroyed),
		T(the_room_of_a_replaced_value_waits_for_the_commit),
		T(an_object_is_put_with_all_that_is_in_it_and_goes_with_it),
		T(two_objects_share_a_vector),
		T(a_committed_list_is_sealed_with_what_is_in_it),
		T(names_come_through_a_checkpoint),
		T(a_power_cut_leads_back_to_the_names_of_the_last_sync),
		T(a_process_that_dies_in_a_change_has_made_all_of_it_or_nothing),
		T(a_write_that_fails_in_a_change_leaves_the_names_alone),
		T(a_full_disk_leaves_the_names_alone),
		T(memory_that_runs_out_leaves_the_names_alone),
		T(a_name_that_is_no_name_is_refused_and_nothing_else_is_done),
		T(a_value_that_is_closed_or_somebody_elses_is_refused),
		T(a_scratch_store_keeps_no_names),
		T(a_closed_store_takes_no_names),
		T(a_reader_keeps_his_value_while_the_writer_replaces_it),
		T(a_reader_finds_the_names_of_a_new_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
