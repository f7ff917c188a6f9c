/*
 * Lists, parts, moves and groups of records, under every accident: a history is lived
 * through once on the lying disk, with a picture of the store after each step. Then
 * the power is cut, and the process killed, at every moment of it, and what another
 * session finds must be one of the pictures: after a cut that of the last sync, after
 * a death that before or after the step, once the session has freed what nobody names.
 */
#include "shop.h"

#define MAX_STEPS 40
#define MAX_IDS   64

struct deep {
	char text[4096];
};

static struct deep pictures[MAX_STEPS];     /* after each step */
static bool        syncs[MAX_STEPS];
static unsigned    steps;
static struct rfm_lying_disk *bench;
static uint64_t    images;
static uint64_t    distinct, one_of;        /* of so many one is looked at; not
					     * by hash: cells are addresses */

/* ---- a deep picture ---- */

struct ids {
	uint64_t id[MAX_IDS];
	unsigned count;
};

static bool
note_id(void *context, const struct rfm_record_info *r)
{
	struct ids *ids = context;

	if (r->id != 0 && !r->part && r->state != RFM_DESTROYED) {
		assert_true(ids->count < MAX_IDS);
		ids->id[ids->count++] = r->id;
	}
	return true;
}

static uint64_t
hash_of(const void *bytes, uint64_t n)
{
	uint64_t hash = n;

	for (uint64_t i = 0; i < n; i++)
		hash = mixed(hash ^ ((const uint8_t *)bytes)[i]);
	return hash & 0xffff;
}

static void __attribute__((format(printf, 2, 3)))
add(struct deep *d, const char *format, ...)
{
	size_t  used = strlen(d->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(d->text + used, sizeof d->text - used, format, arguments);
	va_end(arguments);
}

/* Contents are known where they were stored before the record was written: in raw
 * vectors, in the first 50 bytes of blocks, and in all that is sealed. */
static void
add_payload(struct deep *d, struct rfm_payload *p)
{
	bool sealed = p->state == RFM_SEALED;

	add(d, "%" PRIu64 ":%" PRIu32 ":%" PRIu64 "%s", p->id, p->type,
	    p->length, sealed ? "s" : "");
	if (p->type == RFM_RAW || (p->type == RFM_CHARACTER && sealed))
		add(d, "#%" PRIx64, hash_of(p->address, p->bytes));
	if (p->type == RFM_BYTES)
		add(d, "#%" PRIx64, hash_of(p->address, 50));
	for (uint32_t k = 0; k < p->part_count; k++) {
		add(d, "+%" PRIu64, p->parts[k]->bytes);
		if (sealed)
			add(d, "#%" PRIx64, hash_of(p->parts[k]->address,
			    p->parts[k]->bytes));
	}
	for (uint64_t i = 0; rfm_type_has_ids(p->type) && i < p->length; i++) {
		struct rfm_payload *child = NULL;

		OK(rfm_store_element(p, i, &child, &error));
		add(d, "%s%" PRIu64, i == 0 ? "=" : ",",
		    child == NULL ? 0 : child->id);
		if (child != NULL)
			rfm_payload_release(child);
	}
	add(d, " ");
}

static bool
add_name(void *context, const struct rfm_name_info *n)
{
	add(context, "%.*s->%" PRIu64 " ", (int)n->name_bytes, n->name,
	    n->id);
	return true;
}

static struct deep
deep_picture(struct rfm_store *s)
{
	struct deep d = { "" };
	struct ids  ids = { { 0 }, 0 };

	rfm_store_each(s, note_id, &ids);
	rfm_store_names(s, add_name, &d);
	for (unsigned i = 0; i < ids.count; i++) {
		struct rfm_payload *p = NULL;

		OK(rfm_store_find(s, ids.id[i], &p, &error));
		add_payload(&d, p);
		rfm_payload_release(p);
	}
	assert_int_equal(info_of(s).findings, 0);
	return d;
}

/* ---- a history ---- */

static void
step(bool is_sync)
{
	assert_true(steps < MAX_STEPS);
	pictures[steps] = deep_picture(store);
	syncs[steps] = is_sync;
	steps++;
	rfm_lying_mark(disk, steps);
}

static void
done(void)
{
	step(false);
}

static void
sync_now(void)
{
	OK(rfm_store_sync(store, &error));
	step(true);
}

static void
begin_history(void)
{
	struct rfm_lying_image image;

	leave();
	image = snapshot();
	boot_with(&image);
	rfm_lying_record(disk, true);
	open_store();
	steps = 0;
	rfm_lying_mark(disk, 0);
	sync_now();
}

/* ---- the judgement ---- */

/* With few addresses, for images are many. */
static const struct rfm_open_options judging = {
	RFM_PERSISTENT, RFM_WRITE, false, TINY, 512, 1u << 20
};

#define SEEN (1u << 20)

static uint64_t seen[SEEN];

static bool
seen_before(uint64_t key)
{
	uint64_t i = mixed(key) % SEEN;

	key |= 1;
	while (seen[i] != 0 && seen[i] != key)
		i = (i + 1) % SEEN;
	if (seen[i] == key)
		return true;
	seen[i] = key;
	return false;
}

struct inquest {
	struct rfm_lying_moment moment;
	bool                    death;
};

/* Step n is under way: pictures[n] is what it will leave. */
static bool
legal(const struct inquest *q, const struct deep *found)
{
	unsigned n = (unsigned)q->moment.mark, last = n;

	if (q->death)
		return (n > 0 && strcmp(pictures[n - 1].text, found->text)
		    == 0) || (n < steps && strcmp(pictures[n].text,
		    found->text) == 0);
	if (n < steps && syncs[n] && strcmp(pictures[n].text, found->text)
	    == 0)
		return true;
	while (last > 0 && !syncs[last - 1])
		last--;
	return last > 0 && strcmp(pictures[last - 1].text, found->text) == 0;
}

static void
expect_legal(const struct inquest *q, struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice, struct rfm_store *s,
    const char *when)
{
	struct deep found = deep_picture(s);
	char        text[600];
	unsigned    n = (unsigned)q->moment.mark;

	if (legal(q, &found))
		return;
	rfm_lying_cut_describe(cut, choice, text, sizeof text);
	fail_msg("%s in step %u, moment %zu (%s), %s:\n  found  [%s]\n"
	    "  before [%s]\n  after  [%s]", q->death ? "death" : "cut", n,
	    q->moment.step, text, when, found.text, n > 0
	    ? pictures[n - 1].text : "", n < steps ? pictures[n].text : "");
}

static void
quiet(void *context, const char *text)
{
	(void)context;
	if (strncmp(text, "damage", 6) == 0)
		printf("# %s\n", text);
}

static void
expect_sound(struct rfm_os *checker, const struct inquest *q)
{
	struct rfm_check_report report;

	OK(rfm_check(checker, "store", quiet, NULL, &report, &error));
	if (!report.sound)
		fail_msg("%s in step %u, moment %zu: not sound",
		    q->death ? "death" : "cut", (unsigned)q->moment.mark,
		    q->moment.step);
}

static void
judge(void *context, struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice)
{
	struct inquest        *q = context;
	struct rfm_lying_image image;
	struct rfm_os         *other;
	struct rfm_store      *s = NULL;
	struct rfm_payload    *p = NULL;

	if (seen_before(choice->hash ^ mixed(q->moment.mark * 2 + q->death)) ||
	    distinct++ % one_of != 0)
		return;
	images++;
	image = rfm_lying_cut_build(cut, choice);
	rfm_lying_boot(bench, &image);
	if (q->death)
		rfm_lying_same_boot(bench, disk);
	other = rfm_lying_start(bench);
	expect_sound(other, q);
	OK(rfm_store_open(other, "store", &judging, &s, NULL, &error));
	if (!q->death)
		expect_legal(q, cut, choice, s, "on opening");
	/* A change and a sync: the orphans go, and nothing else. */
	OK(rfm_store_create(s, RFM_RAW, 1, true, RFM_GROW, &p, &error));
	OK(rfm_store_destroy(p, true, &error));
	rfm_payload_release(p);
	OK(rfm_store_sync(s, &error));
	expect_legal(q, cut, choice, s, "after a sync");
	rfm_store_release(s);
	expect_sound(other, q);
	rfm_lying_end(other);
	assert_null(rfm_lying_complaint(bench));
}

static void
judge_history(uint64_t sample)
{
	struct rfm_lying_effort effort = { 24, 6, 1, false };
	struct rfm_lying_cut   *cut;
	struct inquest          q;

	memset(seen, 0, sizeof seen);
	images = distinct = 0;
	one_of = sample;
	bench = rfm_lying_create(2);
	for (int backwards = 0; backwards < 2; backwards++) {
		effort.backwards = backwards == 1;
		cut = rfm_lying_cut_begin(disk);
		memset(&q, 0, sizeof q);
		while (rfm_lying_cut_next(cut, &q.moment)) {
			const struct rfm_lying_event *e = q.moment.event;

			if (q.moment.mark == 0)
				continue;
			effort.seed = mixed(q.moment.step);
			q.death = false;
			rfm_lying_cut_each(cut, &effort, judge, &q);
			q.death = true;
			if (e->kind == RFM_LYING_MARK ||
			    e->kind == RFM_LYING_SIZE ||
			    (e->kind == RFM_LYING_STORE && e->metadata))
				rfm_lying_cut_each_death(cut, backwards == 0,
				    judge, &q);
		}
		rfm_lying_cut_end(cut);
	}
	rfm_lying_destroy(bench);
	rfm_lying_record(disk, false);
	printf("# %" PRIu64 " images of %u steps\n", images, steps);
	assert_true(images > steps);
}

/* ---- the people of the histories ---- */

static struct rfm_payload *
temp(uint32_t type, uint64_t length)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_temporary(store, type, length, true, RFM_GROW, &p,
	    &error));
	return keep(p);
}

static struct rfm_payload *
raw(uint64_t bytes, uint64_t seed)
{
	struct rfm_payload *p = temp(RFM_RAW, bytes);

	fill(p->address, bytes, seed);
	return p;
}

static struct rfm_payload *
words(unsigned parts, uint64_t seed)
{
	struct rfm_payload *p = temp(RFM_CHARACTER, 2);

	memset(p->address, 0xff, 32);
	for (unsigned k = 0; k < parts; k++) {
		OK(rfm_store_extend(p, 100 + 700 * k, RFM_GROW, &error));
		fill(p->parts[k]->address, 100 + 700 * k, seed + k);
	}
	return p;
}

static void
put(struct rfm_payload *list, uint64_t index, struct rfm_payload *child)
{
	OK(rfm_store_link(list, index, child, &error));
	if (child != NULL)
		release(child);
}

/* A list of bytes, of strings, and of a list that has the same bytes. */
static struct rfm_payload *
nest(uint64_t seed)
{
	struct rfm_payload *t = temp(RFM_LIST, 3), *u = temp(RFM_LIST, 2);
	struct rfm_payload *b = raw(90, seed);

	OK(rfm_store_link(u, 1, b, &error));
	put(t, 0, b);
	put(t, 1, words(2, seed));
	put(t, 2, u);
	return t;
}

static struct rfm_payload *
committed(uint32_t type, uint64_t length)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_create(store, type, length, true, RFM_GROW, &p, &error));
	return keep(p);
}

/* ---- the histories ---- */

/* proves I3, I4, I8 */
static void
strings_get_parts_are_sealed_and_go(void **state)
{
	struct rfm_payload *p, *q;

	(void)state;
	begin_history();
	p = committed(RFM_CHARACTER, 2);
	memset(p->address, 0xff, 32);
	done();
	OK(rfm_store_extend(p, 100, RFM_GROW, &error));
	done();
	sync_now();
	OK(rfm_store_extend(p, 5000, RFM_GROW, &error));
	done();
	q = words(3, 7);
	OK(rfm_store_seal(q, &error));
	done();
	fill(p->parts[0]->address, 100, 1);
	fill(p->parts[1]->address, 5000, 2);
	sync_now();
	OK(rfm_store_seal(p, &error));
	done();
	sync_now();
	OK(rfm_store_destroy(p, true, &error));
	done();
	q = committed(RFM_LIST, 1);
	done();
	put(q, 0, words(1, 9));
	done();
	sync_now();
	OK(rfm_store_destroy(q, true, &error));
	done();
	sync_now();
	judge_history(1);
}

/* proves I3, I4, I10 */
static void
lists_change_from_one_sync_to_the_next(void **state)
{
	struct rfm_payload *l, *m;

	(void)state;
	begin_history();
	l = committed(RFM_LIST, 3);
	done();
	put(l, 0, raw(60, 1));
	done();
	sync_now();
	put(l, 0, raw(70, 2));          /* moves, and frees what was there */
	done();
	put(l, 1, nest(3));
	done();
	put(l, 0, raw(80, 4));
	done();
	sync_now();
	put(l, 2, raw(61, 5));
	done();
	put(l, 1, NULL);                /* the whole nest goes */
	done();
	m = committed(RFM_LIST, 1);
	done();
	OK(rfm_store_link(m, 0, l, &error));
	done();
	sync_now();
	put(l, 1, nest(6));
	done();
	put(m, 0, NULL);
	done();
	OK(rfm_store_destroy(l, true, &error));
	done();
	sync_now();
	judge_history(1);
}

/* proves I7, I8, I10, I13 */
static void
lists_are_sealed_with_what_is_in_them(void **state)
{
	struct rfm_payload *l, *t, *mine;

	(void)state;
	begin_history();
	OK(rfm_store_seal(nest(1), &error));
	done();
	sync_now();
	mine = raw(75, 2);
	OK(rfm_store_keep(mine, &error));
	done();
	l = committed(RFM_LIST, 2);
	done();
	OK(rfm_store_link(l, 0, mine, &error));
	done();
	sync_now();
	put(l, 1, words(1, 3));
	done();
	t = nest(4);
	OK(rfm_store_link(t, 0, mine, &error));
	sync_now();
	OK(rfm_store_seal(mine, &error));
	done();
	OK(rfm_store_seal(t, &error));
	done();
	sync_now();
	OK(rfm_store_destroy(t, true, &error));
	done();
	sync_now();
	judge_history(1);
}

/* proves I3, I4, I6 */
static void
blocks_are_resized(void **state)
{
	static const uint64_t sizes[] = { 120, 200, 64, 5000, 4096, 9000, 300 };
	struct rfm_payload   *p;

	(void)state;
	begin_history();
	p = temp(RFM_BYTES, 60);
	fill(p->address, 60, 1);
	OK(rfm_store_keep(p, &error));
	done();
	sync_now();
	for (size_t i = 0; i < COUNT(sizes); i++) {
		OK(rfm_store_resize(p, sizes[i], RFM_GROW, &error));
		done();
		OK(rfm_store_resize(p, 50 + 64 * i, RFM_GROW, &error));
		done();
		fill(raw(700, i)->address, 700, 99);    /* reuse the room */
		sync_now();
	}
	judge_history(1);
}

/* One long string, which lies in a part. */
static struct rfm_payload *
word(char letter)
{
	struct rfm_payload    *p = temp(RFM_CHARACTER, 1);
	struct rfm_string_disk cell = { .length = 100 };

	OK(rfm_store_extend(p, 100, RFM_GROW, &error));
	memset(p->parts[0]->address, letter, 100);
	memset(cell.far.prefix, letter, 4);
	memcpy(p->address, &cell, sizeof cell);
	return p;
}

/* A vector, the names of its attributes, and one attribute. */
static struct rfm_payload *
object(struct rfm_payload *vector, uint64_t seed)
{
	struct rfm_payload *o = temp(RFM_OBJECT, 3);

	OK(rfm_store_link(o, 0, vector, &error));
	put(o, 1, word((char)('a' + seed)));
	put(o, 2, raw(30, seed));
	return o;
}

static struct rfm_change
putting(const char *name, struct rfm_payload *value)
{
	return (struct rfm_change){ .name = name, .name_bytes = strlen(name),
	    .value = value, .time = 1 };
}

static struct rfm_payload *
by_name(const char *name)
{
	struct rfm_name_info info;

	assert_true(rfm_store_name(store, name, strlen(name), &info));
	return find(info.id);
}

/* Nobody keeps a handle, so that what loses its name goes at once. */
static void
change(const struct rfm_change *changes, size_t count)
{
	OK(rfm_store_change(store, changes, count, &error));
	release_all();
	done();
}

/* proves I3, I4, I8, I16 */
static void
objects_are_put_replaced_and_renamed_several_at_once(void **state)
{
	struct rfm_payload *v, *l;
	struct rfm_change   c[3];

	(void)state;
	begin_history();
	v = raw(100, 1);
	c[0] = putting("f", object(v, 2));
	change(c, 1);
	sync_now();
	c[0] = putting("f", object(raw(100, 3), 4));    /* three at once */
	c[1] = putting("nest", nest(5));
	c[2] = putting("plain", raw(90, 6));
	change(c, 3);
	v = raw(70, 7);
	c[0] = putting("f", object(v, 8));              /* they share v */
	c[1] = putting("g", object(v, 9));
	c[2] = putting("nest", NULL);
	change(c, 3);
	sync_now();
	c[0] = putting("g", NULL);
	c[1] = putting("h", by_name("g"));              /* a rename */
	change(c, 2);
	l = committed(RFM_LIST, 2);
	done();
	put(l, 0, raw(60, 10));
	done();
	OK(rfm_store_link(l, 1, by_name("plain"), &error));
	done();
	c[0] = putting("list", l);
	c[1] = putting("plain", NULL);
	change(c, 2);
	sync_now();
	c[0] = putting("f", by_name("list"));
	c[1] = putting("list", NULL);
	c[2] = putting("h", nest(11));
	change(c, 3);
	sync_now();
	judge_history(4);
}

/* One more string behind the end of a vector, which lies in a part of its own. */
static void
write_behind(struct rfm_payload *p, char letter)
{
	struct rfm_string_disk cell = { .length = 100 };
	void                  *at;

	OK(rfm_store_reach(p, p->reach, 1, &at, &error));
	OK(rfm_store_extend(p, 100, RFM_GROW, &error));
	cell.far.part = p->part_count - 1;
	memset(p->parts[p->part_count - 1]->address, letter, 100);
	memset(cell.far.prefix, letter, 4);
	memcpy(at, &cell, sizeof cell);
}

static void
append_words(const char *name, const char *letters)
{
	struct rfm_payload *o = by_name(name), *p = NULL;
	struct rfm_change   c;

	OK(rfm_store_element(o, 0, &p, &error));
	keep(p);
	release(o);
	for (size_t i = 0; letters[i] != '\0'; i++)
		write_behind(p, letters[i]);
	c = putting(name, object(p, (uint64_t)letters[0] - 'a'));
	change(&c, 1);
}

static void
compact_and_trim(bool set_aside)
{
	struct rfm_compaction c = { 1, 1, 0, set_aside };

	while (c.moved > 0) {
		OK(rfm_store_compact(store, &c, &error));
		step(true);
		c.may_set_aside = false;
	}
	OK(rfm_store_trim(store, &error));
	step(true);
}

/* proves I3, I4, I7, I8, I16 */
static void
strings_are_appended_to_and_moved_with_their_parts(void **state)
{
	struct rfm_payload *p = NULL;
	struct rfm_change   c[2];

	(void)state;
	begin_history();
	c[0] = putting("hole", raw(3000, 1));
	change(c, 1);
	OK(rfm_store_roomy(store, RFM_CHARACTER, 0, 30, true, RFM_GROW, &p,
	    &error));
	write_behind(keep(p), 'z');
	c[0] = putting("s", object(p, 2));
	change(c, 1);
	sync_now();
	append_words("s", "b");
	append_words("s", "cd");
	sync_now();
	append_words("s", "efg");
	c[0] = putting("hole", NULL);
	c[1] = putting("t", by_name("s"));
	change(c, 2);
	compact_and_trim(false);
	append_words("t", "h");
	c[0] = putting("s", NULL);
	change(c, 1);
	compact_and_trim(true);
	append_words("t", "ij");
	sync_now();
	judge_history(4);
}

#define T(test) cmocka_unit_test_setup_teardown(test, machine_on, machine_off)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(strings_get_parts_are_sealed_and_go),
		T(lists_change_from_one_sync_to_the_next),
		T(lists_are_sealed_with_what_is_in_them),
		T(blocks_are_resized),
		T(objects_are_put_replaced_and_renamed_several_at_once),
		T(strings_are_appended_to_and_moved_with_their_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
