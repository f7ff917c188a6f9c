/*
 * Records that nobody wrote but an enemy: well-formed, with good checksums, and with
 * nonsense in them. A store of all that a store can have gets some of them at the end of its
 * log, before one more COMMIT. It is opened as a reader and as a writer, looked at, and worked
 * with; the verifier reads it, too. Whatever they say, none of them may crash, hang, or
 * touch what is not theirs (ASan). RFM_SEED=n replays a run, RFM_CASES=n sets its length.
 */
#include "shop.h"
#include "cells.h"

struct tail {
	uint64_t at, end, salt, sequence, epoch;
	uint64_t records[256];          /* where each one is */
	unsigned count;
};

static uint64_t
of_interest(uint64_t likely)
{
	static const uint64_t odd[] = { 0, 1, 2, 63, 64, 4095, 4096, 12288,
		TINY, 1u << 20, UINT32_MAX, 1ull << 46, 1ull << 63,
		UINT64_MAX - 1, UINT64_MAX };

	switch (dice(6)) {
	case 0:  return odd[dice(COUNT(odd))];
	case 1:  return dice(20);
	case 2:  return 12288 + 64 * dice(2000);
	case 3:  return likely + dice(3) - 1;
	default: return likely;
	}
}

static void
name_with_note(const char *name, struct rfm_payload *p)
{
	struct rfm_change c = { name, "note", strlen(name), 4, 1, p };

	OK(rfm_store_change(store, &c, 1, &error));
}

/* Numbers, strings with parts, lists in lists, a block, room, names, and holes. */
static void
fill_the_store(void)
{
	struct rfm_payload *list = create_of(RFM_LIST, 3), *p = NULL, *inner;
	struct rfm_room     room = { .known = true };
	struct rfm_text     text = { .bytes = "a text that is too long for"
	    " its cell", .length = 36 };
	struct rfm_place    place;

	create_filled(100, 1);
	inner = temporary_of(RFM_LIST, 2);
	OK(rfm_store_link(inner, 0, temporary(10), &error));
	OK(rfm_store_link(list, 0, inner, &error));
	OK(rfm_store_link(list, 1, create(5000), &error));
	OK(rfm_store_roomy(store, RFM_CHARACTER, 3, 9, true, RFM_GROW, &p,
	    &error));
	OK(rfm_store_extend(keep(p), 1000, RFM_GROW, &error));
	rfm_room_extended(&room, p);
	assert_true(rfm_room_take(&room, p, text.length, &place));
	rfm_cells_put(p, 1, &text, &place, &room);
	name_with_note("a", object_of(p));
	OK(rfm_store_roomy(store, RFM_NUMERIC, 3, 9, true, RFM_GROW, &p,
	    &error));
	name_with_note("b", object_of(keep(p)));
	create_of(RFM_BYTES, 9000);
	OK(rfm_store_sync(store, &error));
	OK(rfm_store_destroy(create(700), true, &error));
	name_with_note("c", temporary(4096));
	OK(rfm_store_sync(store, &error));
}

static void
read_image(const struct rfm_lying_image *image, uint64_t at, void *to, size_t n)
{
	assert_true(at + n <= image->size);
	memcpy(to, image->bytes + at, n);
}

/* Reads the log of a sound store to its end. */
static void
find_tail(const struct rfm_lying_image *image, struct tail *t)
{
	struct rfm_superblock_disk copies[RFM_SUPERBLOCKS];
	struct rfm_segment_disk    segment;
	struct rfm_record_disk     head;
	struct rfm_link_disk       link;
	unsigned                   winner;

	for (unsigned i = 0; i < RFM_SUPERBLOCKS; i++)
		read_image(image, i * RFM_PAGE_BYTES, &copies[i],
		    sizeof copies[i]);
	OK(rfm_superblock_choose(copies, image->size, &winner, &error));
	link.offset = copies[winner].head_offset;
	memset(t, 0, sizeof *t);
	for (;;) {
		read_image(image, link.offset, &segment, sizeof segment);
		t->at = link.offset + sizeof segment;
		t->end = link.offset + segment.bytes;
		t->salt = segment.salt;
		t->sequence = segment.first_sequence;
		while (rfm_record_valid(image->bytes + t->at, t->end - t->at,
		    t->salt, t->sequence)) {
			read_image(image, t->at, &head, sizeof head);
			t->sequence++;
			if (head.kind == RFM_RECORD_LINK)
				break;
			if (head.kind == RFM_RECORD_COMMIT)
				read_image(image, t->at + sizeof head,
				    &t->epoch, sizeof t->epoch);
			t->records[t->count++ % COUNT(t->records)] = t->at;
			t->at += head.bytes;
			head.kind = 0;
		}
		if (head.kind != RFM_RECORD_LINK)
			return;
		read_image(image, t->at + sizeof head, &link, sizeof link);
	}
}

static bool
put(struct rfm_lying_image *image, struct tail *t, uint32_t kind,
    uint32_t flags, const void *body)
{
	uint8_t                record[4096];
	uint32_t               bytes = rfm_record_body_bytes(kind, body);
	struct rfm_record_disk head = { 0, (uint32_t)sizeof head + bytes,
		t->salt, t->sequence, kind, flags };

	if (bytes == 0 || t->at + head.bytes > t->end)
		return false;
	memcpy(record, &head, sizeof head);
	memcpy(record + sizeof head, body, bytes);
	rfm_record_seal(record);
	memcpy(image->bytes + t->at, record, head.bytes);
	t->at += head.bytes;
	t->sequence++;
	return true;
}

/* One that was written, with a word or two of it changed. */
static void
forge_wildly(struct rfm_lying_image *image, struct tail *t)
{
	uint8_t                body[RFM_BODY_MAX_BYTES] = { 0 };
	struct rfm_record_disk head;
	uint64_t               from = t->records[dice(t->count)];

	read_image(image, from, &head, sizeof head);
	read_image(image, from + sizeof head, body, head.bytes - sizeof head);
	for (uint64_t n = 1 + dice(2); n > 0; n--) {
		size_t   at = 8 * dice(head.kind == RFM_RECORD_NAME ? 3 : 7);
		uint64_t word;

		memcpy(&word, body + at, sizeof word);
		word = dice(4) > 0 ? of_interest(word) : word ^ 1ull <<
		    dice(64);
		memcpy(body + at, &word, sizeof word);
	}
	(void)put(image, t, head.kind, dice(6) == 0 ? RFM_RECORD_MORE : 0,
	    body);
}

/* One that might be true, and often is. */
static void
forge_with_care(struct rfm_lying_image *image, struct tail *t)
{
	static const int64_t     steps[] = { 0, 1, 8, 64, 4096, -8, -64, 9 };
	struct rfm_allocate_disk a = { .id = 0 };
	struct rfm_record_disk   head = { .kind = 0 };
	uint8_t                  body[RFM_BODY_MAX_BYTES] = { 0 };
	struct rfm_name_disk     name = { 0, 1, 1 + (uint32_t)dice(2), 3 };
	uint32_t                 kind = 1 + (uint32_t)dice(RFM_RECORD_NAME);
	uint32_t                 flags = dice(20) == 0 ? RFM_RECORD_MORE : 0;

	for (unsigned i = 0; i < 99 && head.kind != RFM_RECORD_ALLOCATE; i++) {
		uint64_t from = t->records[dice(t->count)];

		read_image(image, from, &head, sizeof head);
		if (head.kind == RFM_RECORD_ALLOCATE)
			read_image(image, from + sizeof head, &a, sizeof a);
	}
	if (kind == RFM_RECORD_ALLOCATE) {
		a.id = 40 + t->sequence;
		a.type = dice(3) == 0 ? 1 + (uint32_t)dice(10) : a.type;
		a.owner = dice(3) == 0 ? dice(20) : 0;
		a.flags = (uint32_t)dice(4);
		a.offset = 4096 * (20 + dice(12));
	} else if (kind == RFM_RECORD_EXTEND || kind == RFM_RECORD_MOVE) {
		a.length += (uint64_t)steps[dice(COUNT(steps))];
	}
	if (kind == RFM_RECORD_MOVE) {
		struct rfm_move_disk m = { a.id, dice(2) == 0 ? a.offset :
		    4096 * (20 + dice(12)), a.bytes + (uint64_t)steps[
		    dice(COUNT(steps))], a.length };

		memcpy(body, &m, sizeof m);
	} else if (kind == RFM_RECORD_EXTEND) {
		struct rfm_extend_disk x = { a.id, a.length };

		memcpy(body, &x, sizeof x);
	} else if (kind == RFM_RECORD_NAME) {
		name.id = dice(4) == 0 ? 0 : a.id;
		name.note_bytes = name.id == 0 ? 0 : 3;
		memcpy(body, &name, sizeof name);
		for (unsigned i = 0; i < name.name_bytes + name.note_bytes; i++)
			body[sizeof name + i] = (uint8_t)('a' + dice(3));
	} else if (kind == RFM_RECORD_SEAL) {
		struct rfm_seal_disk seal = { .id = a.id,
			.flags = (uint32_t)dice(2) };

		memcpy(body, &seal, sizeof seal);
	} else if (kind == RFM_RECORD_COMMIT) {
		struct rfm_commit_disk c = { ++t->epoch, 100 };

		memcpy(body, &c, sizeof c);
	} else {
		memcpy(body, &a, sizeof a);
	}
	if (kind != RFM_RECORD_LINK)
		(void)put(image, t, kind, flags, body);
}

static void
forge(struct rfm_lying_image *image, struct tail *t)
{
	if (dice(4) == 0)
		forge_wildly(image, t);
	else
		forge_with_care(image, t);
}

static uint64_t seen;

static void
look_at(struct rfm_payload *p, unsigned depth)
{
	const uint8_t *bytes = p->address;
	struct rfm_text text;

	if (bytes == NULL)
		return;
	for (uint64_t i = 0; i < p->bytes; i += 509)
		seen += bytes[i];
	for (uint64_t i = 0; i < p->length && i < 99; i++) {
		struct rfm_payload *child = NULL;

		if (p->type == RFM_CHARACTER && rfm_cells_get(p, i, &text) &&
		    text.length > 0)
			seen += (uint8_t)text.bytes[text.length - 1];
		if (!rfm_type_has_ids(p->type) || depth == 0 ||
		    rfm_store_element(p, i, &child, &error) != RFM_OK ||
		    child == NULL)
			continue;
		look_at(child, depth - 1);
		rfm_payload_release(child);
	}
}

static void
look_around(struct rfm_store *s)
{
	for (uint64_t id = 0; id < 70; id++) {
		struct rfm_payload *p = NULL;
		uint64_t            disk_bytes, resident;

		if (rfm_store_find(s, id, &p, &error) != RFM_OK)
			continue;
		look_at(p, 3);
		(void)rfm_store_sizes(p, &disk_bytes, &resident, &error);
		rfm_payload_release(p);
	}
}

static bool
note_name(void *context, const struct rfm_name_info *info)
{
	(void)context;
	for (size_t i = 0; i < info->name_bytes; i++)
		seen += (uint8_t)info->name[i];
	return true;
}

/* Each of these may be refused. */
static void
work(void)
{
	struct rfm_compaction c = { 1u << 20, 0, 0, true };
	struct rfm_change     gone = { "a", "", 1, 0, 0, NULL };
	struct rfm_payload   *p = NULL, *t = NULL;
	void                 *at;

	for (uint64_t id = 1; id < 60; id += 1 + dice(4)) {
		if (rfm_store_find(store, id, &p, &error) != RFM_OK)
			continue;
		if (dice(2) == 0 && rfm_store_reach(p, p->reach, 2, &at,
		    &error) == RFM_OK)
			memset(at, 0, 2 * rfm_type_bytes(p->type));
		(void)rfm_store_extend(p, 100, RFM_GROW, &error);
		if (rfm_store_temporary(store, RFM_RAW, 10, true, RFM_GROW,
		    &t, &error) == RFM_OK) {
			(void)rfm_store_link(p, dice(3), t, &error);
			rfm_payload_release(t);
		}
		if (dice(3) == 0)
			(void)rfm_store_seal(p, &error);
		if (dice(5) == 0)
			(void)rfm_store_destroy(p, true, &error);
		if (dice(3) == 0)
			(void)rfm_store_resize(p, dice(20000), RFM_GROW,
			    &error);
		rfm_payload_release(p);
	}
	(void)rfm_store_change(store, &gone, 1, &error);
	(void)rfm_store_compact(store, &c, &error);
	(void)rfm_store_trim(store, &error);
	if (dice(3) == 0)
		(void)rfm_store_clear(store, &error);
	(void)rfm_store_sync(store, &error);
}

static unsigned opened, refused, unsound;

static bool
judge(void)
{
	struct rfm_check_report report;
	struct rfm_os          *checker = rfm_lying_start(disk);
	bool sound = rfm_check(checker, "store", NULL, NULL, &report,
	    NULL) == RFM_OK && report.sound;

	rfm_lying_end(checker);
	return sound;
}

/* What the verifier finds sound opens; and it is sound after it was worked with. */
static void
one_case(const struct rfm_lying_image *good, const struct tail *tail)
{
	struct tail            t = *tail;
	struct rfm_lying_image bad = *good;
	struct rfm_commit_disk commit = { t.epoch + 1, 200 };
	bool                   sound;
	enum rfm_status        status;

	bad.bytes = malloc(good->size);
	assert_non_null(bad.bytes);
	memcpy(bad.bytes, good->bytes, good->size);
	for (uint64_t n = 1 + dice(3); n > 0; n--)
		forge(&bad, &t);
	(void)put(&bad, &t, RFM_RECORD_COMMIT, 0, &commit);
	boot_with(&bad);
	sound = judge();
	unsound += !sound;
	status = try_to_open(&reading);
	if (status == RFM_OK) {
		look_around(store);
		rfm_store_names(store, note_name, NULL);
	}
	leave();
	status = try_to_open(&writing);
	if (status == RFM_OK) {
		opened++;
		look_around(store);
		work();
	} else {
		refused++;
	}
	leave();
	if (sound) {
		expect_at(RFM_OK, status, __LINE__);
		SOUND();
	}
}

static void
forged_records_end_in_an_error_or_in_a_store(void **state)
{
	const char            *given = getenv("RFM_CASES");
	unsigned               cases = given != NULL ?
	    (unsigned)strtoul(given, NULL, 10) : slow_motion() ? 50 : 1500;
	struct rfm_lying_image good;
	struct tail            t;

	(void)state;
	walk_begin();
	fill_the_store();
	SOUND();
	die();
	good = snapshot();
	find_tail(&good, &t);
	for (unsigned i = 0; i < cases; i++)
		one_case(&good, &t);
	printf("# %u opened, %u refused, %u unsound\n", opened, refused,
	    unsound);
	assert_true(opened > 0 && refused > 0);
	free(good.bytes);
}

/* A COMMIT has left one id. A list with an element needs two; nothing of it is logged. */
static void
a_group_counts_its_ids_before_it_begins(void **state)
{
	struct rfm_payload    *list, *element;
	struct rfm_commit_disk commit = { 0, UINT64_MAX - 1 };
	struct rfm_lying_image image;
	struct tail            t;

	(void)state;
	fill_the_store();
	OK(rfm_store_sync(store, &error));
	die();
	image = rfm_lying_present(disk);
	find_tail(&image, &t);
	commit.epoch = t.epoch + 1;
	assert_true(put(&image, &t, RFM_RECORD_COMMIT, 0, &commit));
	open_store();
	list = temporary_of(RFM_LIST, 1);
	element = temporary(100);
	OK(rfm_store_link(list, 0, element, &error));
	REFUSED(RFM_TOO_LARGE, rfm_store_seal(list, &error));
	assert_int_equal(info_of(store).uncommitted, 0);
	assert_int_equal(element->id, 0);
	OK(rfm_store_seal(element, &error));
	SOUND();
	die_and_reopen();
	assert_int_equal(info_of(store).uncommitted, 1);
	SOUND();
}

#define T(f) cmocka_unit_test_setup_teardown(f, machine_on, machine_off)
int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_group_counts_its_ids_before_it_begins),
		T(forged_records_end_in_an_error_or_in_a_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
