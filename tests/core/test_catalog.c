/*
 * Tests of the room catalog: what each record teaches it, what it refuses to
 * believe, and that a dead id stays dead.
 */
#include "common.h"
#include "catalog.h"

#define FILE_BYTES (1u << 20)

static struct rfm_catalog catalog;

static int
set_up(void **state)
{
	(void)state;
	memset(&catalog, 0, sizeof catalog);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rfm_catalog_dispose(&catalog);
	assert_null(catalog.entries);
	return 0;
}

static struct rfm_allocate_disk
vector(uint64_t id)
{
	struct rfm_allocate_disk a;

	memset(&a, 0, sizeof a);
	a.id = id;
	a.offset = 65536 + id % 1000 * 128;
	a.bytes = 80;
	a.length = 10;
	a.type = RFM_NUMERIC;
	return a;
}

static enum rfm_status
apply(uint32_t kind, const void *body)
{
	return rfm_catalog_apply(&catalog, kind, body, 12352, FILE_BYTES,
	    &error);
}

static void
allocate(uint64_t id)
{
	struct rfm_allocate_disk a = vector(id);

	OK(apply(RFM_RECORD_ALLOCATE, &a));
}

static enum rfm_status
free_one(uint64_t id)
{
	struct rfm_free_disk f = { id };

	return apply(RFM_RECORD_FREE, &f);
}

static enum rfm_status
seal(uint64_t id)
{
	struct rfm_seal_disk s = { id, 0, 0, RFM_CHECKSUM_CRC32C, 0xfeed };

	return apply(RFM_RECORD_SEAL, &s);
}

/* A reference to it is given out. */
static enum rfm_status
refer(uint64_t id)
{
	struct rfm_seal_disk s = { .id = id, .flags = RFM_SEAL_REFERENCED };

	return apply(RFM_RECORD_SEAL, &s);
}

static enum rfm_status
commit(uint64_t next_id)
{
	struct rfm_commit_disk c = { 1, next_id };

	return apply(RFM_RECORD_COMMIT, &c);
}

static void
expect_counts(uint64_t live, uint64_t sealed, uint64_t tombstones)
{
	assert_int_equal(catalog.live, live);
	assert_int_equal(catalog.sealed, sealed);
	assert_int_equal(catalog.tombstones, tombstones);
	assert_int_equal(catalog.live_bytes, live * 128);
}

static void
an_allocation_becomes_a_row_as_it_stands(void **state)
{
	struct rfm_allocate_disk a = vector(7);
	struct rfm_entry        *e;

	(void)state;
	a.checksum_kind = RFM_CHECKSUM_CRC32C;
	a.payload_checksum = 0xabcd;
	OK(apply(RFM_RECORD_ALLOCATE, &a));
	e = rfm_catalog_find(&catalog, 7);
	assert_non_null(e);
	assert_int_equal(e->id, 7);
	assert_int_equal(e->offset, a.offset);
	assert_int_equal(e->bytes, 80);
	assert_int_equal(e->length, 10);
	assert_int_equal(e->type, RFM_NUMERIC);
	assert_int_equal(e->record_offset, 12352);
	assert_int_equal(e->state, RFM_COMMITTED);
	assert_int_equal(e->checksum_kind, RFM_CHECKSUM_CRC32C);
	assert_int_equal(e->payload_checksum, 0xabcd);
	assert_null(e->attachment);
	assert_int_equal(catalog.next_id, 8);
	expect_counts(1, 0, 0);
}

static void
an_allocation_may_be_sealed_from_birth(void **state)
{
	struct rfm_allocate_disk a = vector(1);

	(void)state;
	a.flags = RFM_ALLOCATE_SEALED;
	OK(apply(RFM_RECORD_ALLOCATE, &a));
	assert_int_equal(rfm_catalog_find(&catalog, 1)->state, RFM_SEALED);
	expect_counts(1, 1, 0);
	REFUSED(RFM_DAMAGED, seal(1));
}

static void
a_seal_makes_a_committed_record_sealed_with_its_checksum(void **state)
{
	struct rfm_entry *e;

	(void)state;
	allocate(1);
	OK(seal(1));
	e = rfm_catalog_find(&catalog, 1);
	assert_int_equal(e->state, RFM_SEALED);
	assert_int_equal(e->checksum_kind, RFM_CHECKSUM_CRC32C);
	assert_int_equal(e->payload_checksum, 0xfeed);
	expect_counts(1, 1, 0);
}

static void
a_free_leaves_a_tombstone(void **state)
{
	(void)state;
	allocate(1);
	allocate(2);
	OK(seal(1));
	OK(free_one(1));
	expect_counts(1, 0, 1);
	assert_int_equal(rfm_catalog_find(&catalog, 1)->state, RFM_DESTROYED);
	OK(free_one(2));
	expect_counts(0, 0, 2);
}

/* ---- ids ---- */

/* proves I9 */
static void
an_id_comes_only_once_and_only_upwards(void **state)
{
	struct rfm_allocate_disk a = vector(5);

	(void)state;
	allocate(5);
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_ALLOCATE, &a));
	SAYS("the record at byte 12352 reuses an id");
	OK(free_one(5));
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_ALLOCATE, &a));
	a = vector(4);
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_ALLOCATE, &a));
	allocate(9);
}

/* proves I9 */
static void
a_commit_keeps_the_count_of_ids_and_never_takes_it_back(void **state)
{
	struct rfm_allocate_disk a = vector(99);

	(void)state;
	OK(commit(100));
	assert_int_equal(catalog.next_id, 100);
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_ALLOCATE, &a));
	REFUSED(RFM_DAMAGED, commit(99));
	SAYS("takes back ids");
	OK(commit(100));
	allocate(100);
	assert_int_equal(catalog.next_id, 101);
}

static void
the_ids_zero_and_last_are_none(void **state)
{
	struct rfm_allocate_disk a = vector(0);

	(void)state;
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_ALLOCATE, &a));
	a = vector(UINT64_MAX);
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_ALLOCATE, &a));
	REFUSED(RFM_DAMAGED, commit(0));
	expect_counts(0, 0, 0);
}

/* proves I9 */
static void
an_unknown_id_and_a_dead_one_get_different_answers(void **state)
{
	struct rfm_entry *e = NULL;

	(void)state;
	allocate(3);
	allocate(4);
	OK(free_one(4));
	OK(rfm_catalog_resolve(&catalog, 3, &e, &error));
	assert_int_equal(e->id, 3);
	REFUSED(RFM_TOMBSTONE, rfm_catalog_resolve(&catalog, 4, &e, &error));
	assert_null(e);
	SAYS("record 4 was destroyed");
	REFUSED(RFM_TOMBSTONE, rfm_catalog_resolve(&catalog, 2, &e, &error));
	REFUSED(RFM_NO_RECORD, rfm_catalog_resolve(&catalog, 5, &e, &error));
	SAYS("no record 5");
	REFUSED(RFM_NO_RECORD, rfm_catalog_resolve(&catalog, 0, &e, &error));
	REFUSED(RFM_NO_RECORD, rfm_catalog_resolve(&catalog, UINT64_MAX, &e,
	    &error));
}

/* proves I9 */
static void
a_dead_id_stays_dead_when_its_row_is_dropped(void **state)
{
	struct rfm_entry *e;

	(void)state;
	for (uint64_t id = 1; id <= 10; id++)
		allocate(id);
	for (uint64_t id = 1; id <= 10; id += 2)
		OK(free_one(id));
	OK(free_one(10));
	rfm_catalog_compact(&catalog);
	assert_int_equal(catalog.count, 4);
	expect_counts(4, 0, 0);
	assert_int_equal(catalog.next_id, 11);
	for (uint64_t id = 1; id <= 10; id++)
		assert_int_equal(rfm_catalog_resolve(&catalog, id, &e, NULL),
		    id % 2 == 0 && id < 10 ? RFM_OK : RFM_TOMBSTONE);
}

/* ---- what makes no sense in its place ---- */

static void
only_what_lives_can_be_freed(void **state)
{
	(void)state;
	REFUSED(RFM_DAMAGED, free_one(1));
	allocate(1);
	OK(free_one(1));
	REFUSED(RFM_DAMAGED, free_one(1));
	SAYS("frees what does not exist");
	expect_counts(0, 0, 1);
}

static void
only_what_is_committed_can_be_sealed(void **state)
{
	(void)state;
	REFUSED(RFM_DAMAGED, seal(1));
	allocate(1);
	OK(seal(1));
	REFUSED(RFM_DAMAGED, seal(1));
	OK(free_one(1));
	REFUSED(RFM_DAMAGED, seal(1));
	SAYS("seals what is not there");
}

#define IMPOSSIBLE(name, change)                                        \
static void                                                             \
name(void **state)                                                      \
{                                                                       \
	struct rfm_allocate_disk a = vector(1);                         \
                                                                        \
	(void)state;                                                    \
	change;                                                         \
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_ALLOCATE, &a));           \
	expect_counts(0, 0, 0);                                         \
	assert_int_equal(catalog.count, 0);                             \
	assert_int_equal(catalog.next_id, 0);                           \
}

IMPOSSIBLE(type_zero_is_refused, a.type = 0)
IMPOSSIBLE(an_unknown_type_is_refused, a.type = RFM_TYPES)
IMPOSSIBLE(fewer_bytes_than_elements_are_refused, a.bytes = 79)
IMPOSSIBLE(a_list_with_more_bytes_than_elements_is_refused,
    (a.type = RFM_LIST, a.bytes = 88))
IMPOSSIBLE(an_object_with_more_bytes_than_elements_is_refused,
    (a.type = RFM_OBJECT, a.bytes = 88))
IMPOSSIBLE(a_block_with_more_bytes_than_its_length_is_refused,
    (a.type = RFM_BYTES, a.bytes = 11))
IMPOSSIBLE(a_length_whose_bytes_wrap_is_refused,
    a.length = (1ULL << 61) + 10)
IMPOSSIBLE(an_unknown_flag_is_refused, a.flags = 4)
IMPOSSIBLE(an_extent_in_the_superblocks_is_refused, a.offset = 4096)
IMPOSSIBLE(an_extent_behind_the_end_is_refused, a.offset = FILE_BYTES)
IMPOSSIBLE(an_extent_across_the_end_is_refused, a.offset = FILE_BYTES - 64)
IMPOSSIBLE(an_extent_out_of_line_is_refused, a.offset += 8)
IMPOSSIBLE(an_extent_that_wraps_is_refused, a.offset = UINT64_MAX - 63)
IMPOSSIBLE(a_payload_larger_than_the_file_is_refused,
    (a.type = RFM_RAW, a.length = a.bytes = FILE_BYTES))

static void
an_empty_vector_is_possible(void **state)
{
	struct rfm_allocate_disk a = vector(1);

	(void)state;
	a.length = a.bytes = 0;
	a.offset = FILE_BYTES - 64;
	OK(apply(RFM_RECORD_ALLOCATE, &a));
	assert_int_equal(catalog.live_bytes, 64);
}

static void
a_record_of_another_kind_teaches_nothing(void **state)
{
	uint64_t body[6] = { 1 };

	(void)state;
	OK(apply(RFM_RECORD_LINK, body));
	OK(apply(99, body));
	expect_counts(0, 0, 0);
}

/* ---- finding ---- */

static void
every_row_of_many_is_found_and_no_other(void **state)
{
	(void)state;
	for (uint64_t id = 3; id < 30000; id += 3)
		allocate(id);
	for (uint64_t id = 0; id < 30003; id++) {
		struct rfm_entry *e = rfm_catalog_find(&catalog, id);

		if (id % 3 == 0 && id > 0 && id < 30000)
			assert_int_equal(e->id, id);
		else
			assert_null(e);
	}
}

/* What the store relies on: after it has secured a row, applying cannot fail. */
static void
a_secured_row_is_taken_without_moving_the_table(void **state)
{
	(void)state;
	for (uint64_t id = 1; id <= 200; id++) {
		struct rfm_entry *before;

		OK(rfm_catalog_secure(&catalog, 1, &error));
		before = catalog.entries;
		assert_true(catalog.capacity > catalog.count);
		allocate(id);
		assert_ptr_equal(before, catalog.entries);
	}
	REFUSED(RFM_NO_MEMORY, rfm_catalog_secure(&catalog, UINT64_MAX,
	    &error));
	REFUSED(RFM_NO_MEMORY, rfm_catalog_secure(&catalog, UINT64_MAX / 2,
	    &error));
	assert_int_equal(rfm_catalog_find(&catalog, 200)->id, 200);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* ---- parts ---- */

static struct rfm_allocate_disk
strings(uint64_t id)
{
	struct rfm_allocate_disk a = vector(id);

	a.type = RFM_CHARACTER;
	a.length = 5;
	return a;
}

static enum rfm_status
part(uint64_t id, uint64_t owner)
{
	struct rfm_allocate_disk a = vector(id);

	a.type = RFM_BYTES;
	a.length = a.bytes;
	a.owner = owner;
	return apply(RFM_RECORD_ALLOCATE, &a);
}

/* The ids of the parts, as decimal digits. */
static uint64_t
parts_of(uint64_t owner)
{
	const struct rfm_entry *e = rfm_catalog_find(&catalog, owner), *p;
	uint64_t                digits = 0;

	for (p = rfm_catalog_part(&catalog, e, NULL); p != NULL;
	    p = rfm_catalog_part(&catalog, e, p))
		digits = digits * 10 + p->id;
	return digits;
}

static void
parts_are_found_in_order_and_share_their_owners_fate(void **state)
{
	struct rfm_allocate_disk a = strings(1), b = strings(3);
	struct rfm_entry        *e;

	(void)state;
	OK(apply(RFM_RECORD_ALLOCATE, &a));
	assert_int_equal(parts_of(1), 0);
	OK(part(2, 1));
	assert_int_equal(parts_of(1), 2);
	OK(apply(RFM_RECORD_ALLOCATE, &b));
	OK(part(4, 1));
	OK(part(5, 3));
	OK(part(6, 1));
	assert_int_equal(parts_of(1), 246);
	assert_int_equal(parts_of(3), 5);
	assert_int_equal(parts_of(2), 0);
	assert_int_equal(catalog.parts, 4);
	REFUSED(RFM_NO_RECORD, rfm_catalog_resolve(&catalog, 4, &e, &error));
	REFUSED(RFM_DAMAGED, free_one(4));
	REFUSED(RFM_DAMAGED, seal(4));
	OK(seal(1));
	expect_counts(6, 1, 0);
	assert_int_equal(rfm_catalog_find(&catalog, 6)->state, RFM_SEALED);
	assert_int_equal(rfm_catalog_find(&catalog, 5)->state, RFM_COMMITTED);
	REFUSED(RFM_DAMAGED, part(7, 1));       /* it is sealed */
	OK(free_one(1));
	expect_counts(2, 0, 1);
	assert_int_equal(catalog.parts, 1);
	REFUSED(RFM_DAMAGED, part(7, 1));
	rfm_catalog_compact(&catalog);
	assert_int_equal(parts_of(3), 5);
	assert_int_equal(catalog.count, 2);
}

static void
a_part_needs_an_owner_that_may_have_it(void **state)
{
	struct rfm_allocate_disk a = strings(1);

	(void)state;
	REFUSED(RFM_DAMAGED, part(1, 1));
	OK(apply(RFM_RECORD_ALLOCATE, &a));
	allocate(2);
	OK(part(3, 1));
	REFUSED(RFM_DAMAGED, part(4, 2));       /* numbers */
	REFUSED(RFM_DAMAGED, part(4, 3));       /* a part */
	REFUSED(RFM_DAMAGED, part(4, 9));       /* nobody */
	a = strings(4);
	a.owner = 1;
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_ALLOCATE, &a));
	assert_int_equal(catalog.count, 3);
}

/* ---- elements, and the references to them ---- */

static void
element(uint64_t id, uint32_t flags)
{
	struct rfm_allocate_disk a = vector(id);

	a.flags = RFM_ALLOCATE_ELEMENT | flags;
	OK(apply(RFM_RECORD_ALLOCATE, &a));
}

static uint32_t
flags_of(uint64_t id)
{
	return rfm_catalog_find(&catalog, id)->flags;
}

static void
a_sealed_element_is_one_until_a_reference_is_given_out(void **state)
{
	(void)state;
	element(1, 0);
	element(2, RFM_ALLOCATE_SEALED);
	element(3, 0);
	assert_int_equal(catalog.elements, 3);
	assert_int_equal(flags_of(2), RFM_ALLOCATE_ELEMENT);
	OK(seal(1));
	assert_int_equal(flags_of(1), RFM_ALLOCATE_ELEMENT);
	assert_int_equal(catalog.elements, 3);
	expect_counts(3, 2, 0);
	REFUSED(RFM_DAMAGED, seal(1));          /* nothing new */
	REFUSED(RFM_DAMAGED, seal(2));
	OK(refer(1));
	OK(refer(2));
	OK(refer(3));                           /* both at once */
	for (uint64_t id = 1; id <= 3; id++) {
		assert_int_equal(flags_of(id), 0);
		assert_int_equal(rfm_catalog_find(&catalog, id)->state,
		    RFM_SEALED);
		REFUSED(RFM_DAMAGED, refer(id));
		REFUSED(RFM_DAMAGED, seal(id));
	}
	assert_int_equal(catalog.elements, 0);
	expect_counts(3, 3, 0);
	OK(free_one(1));
	expect_counts(2, 2, 1);
}

static void
a_seal_with_unknown_bits_is_refused(void **state)
{
	struct rfm_seal_disk s = { .id = 1 };

	(void)state;
	allocate(1);
	s.flags = 2;
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_SEAL, &s));
	s.flags = 0;
	s.reserved = 1;
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_SEAL, &s));
	expect_counts(1, 0, 0);
}

/* ---- longer vectors, and moves ---- */

static enum rfm_status
extend(uint64_t id, uint64_t length)
{
	struct rfm_extend_disk x = { id, length };

	return apply(RFM_RECORD_EXTEND, &x);
}

static void
a_vector_with_room_becomes_longer_where_it_lies(void **state)
{
	struct rfm_allocate_disk a = vector(1);
	struct rfm_entry        *e;

	(void)state;
	a.bytes = 128;
	OK(apply(RFM_RECORD_ALLOCATE, &a));
	e = rfm_catalog_find(&catalog, 1);
	assert_int_equal(e->length, 10);
	assert_int_equal(e->bytes, 128);
	OK(extend(1, 11));
	assert_int_equal(e->length, 11);
	OK(seal(1));
	OK(extend(1, 16));                      /* sealed, and full */
	assert_int_equal(e->length, 16);
	assert_int_equal(e->bytes, 128);
	assert_int_equal(e->offset, a.offset);
	REFUSED(RFM_DAMAGED, extend(1, 17));
	SAYS("impossible vector");
	REFUSED(RFM_DAMAGED, extend(1, 16));
	REFUSED(RFM_DAMAGED, extend(1, 15));
	REFUSED(RFM_DAMAGED, extend(1, UINT64_MAX / 8 + 1));
	assert_int_equal(e->length, 16);
	REFUSED(RFM_DAMAGED, extend(2, 1));
	SAYS("not there to be extended");
	OK(free_one(1));
	REFUSED(RFM_DAMAGED, extend(1, 17));
	a = strings(2);
	OK(apply(RFM_RECORD_ALLOCATE, &a));
	OK(part(3, 2));
	REFUSED(RFM_DAMAGED, extend(3, 81));
}

static void
ids_and_blocks_are_never_extended(void **state)
{
	static const uint32_t types[] = { RFM_LIST, RFM_OBJECT, RFM_BYTES };

	(void)state;
	for (uint64_t id = 1; id <= COUNT(types); id++) {
		struct rfm_allocate_disk a = vector(id);

		a.type = types[id - 1];
		a.bytes = a.length * rfm_type_bytes(a.type);
		OK(apply(RFM_RECORD_ALLOCATE, &a));
		REFUSED(RFM_DAMAGED, extend(id, 11));
	}
}

static void
a_move_changes_place_and_length_and_nothing_else(void **state)
{
	struct rfm_move_disk m = { 2, 131072, 160, 20 };
	struct rfm_entry    *e;

	(void)state;
	allocate(1);
	allocate(2);
	OK(commit(3));
	e = rfm_catalog_find(&catalog, 2);
	assert_int_not_equal(e->epoch, catalog.epoch);
	OK(apply(RFM_RECORD_MOVE, &m));
	assert_int_equal(e->offset, 131072);
	assert_int_equal(e->bytes, 160);
	assert_int_equal(e->length, 20);
	assert_int_equal(e->epoch, catalog.epoch);
	assert_int_equal(e->state, RFM_COMMITTED);
	assert_int_equal(catalog.live_bytes, 128 + 192);
	assert_int_equal(catalog.live, 2);
	m.length = 21;          /* of which 20 have room */
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_MOVE, &m));
	m.length = 20;
	m.offset = 4096;
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_MOVE, &m));
	m.offset = 131072;
	m.id = 9;
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_MOVE, &m));
	m.id = 2;
	OK(seal(2));
	m.length = 19;          /* sealed: it moves as it is */
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_MOVE, &m));
	m.length = 20;
	OK(apply(RFM_RECORD_MOVE, &m));
	OK(free_one(2));
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_MOVE, &m));
	assert_int_equal(catalog.live_bytes, 128);
}

/* ---- names ---- */

static uint8_t name_body[RFM_BODY_MAX_BYTES + 8];

/* The body of a NAME; its size. */
static size_t
write_name(uint64_t id, const void *name, size_t name_bytes,
    const char *note)
{
	struct rfm_name_disk n = { id, 1700000000, (uint32_t)name_bytes,
	    (uint32_t)strlen(note) };
	uint32_t             bytes;

	memset(name_body, 0, sizeof name_body);
	memcpy(name_body, &n, sizeof n);
	memcpy(name_body + sizeof n, name, name_bytes);
	memcpy(name_body + sizeof n + name_bytes, note, n.note_bytes);
	bytes = rfm_record_body_bytes(RFM_RECORD_NAME, name_body);
	assert_true(bytes != 0);
	return bytes;
}

static size_t noted_bytes;      /* of all names that stand */

static enum rfm_status
name_with(uint64_t id, const char *name, const char *note)
{
	(void)write_name(id, name, strlen(name), note);
	return apply(RFM_RECORD_NAME, name_body);
}

static enum rfm_status
name(uint64_t id, const char *text)
{
	return name_with(id, text, "");
}

/* All names in their order: a=1 b=2(note) */
static const char *
names(void)
{
	static char text[4096];
	char       *t = text;

	*t = '\0';
	noted_bytes = 0;
	for (size_t i = 0; i < catalog.name_count; i++) {
		const struct rfm_name *n = catalog.names[i];
		uint64_t               id = n->id;

		t += sprintf(t, "%s%.*s=%" PRIu64, i > 0 ? " " : "",
		    (int)n->name_bytes, n->text, id);
		if (n->note_bytes > 0)
			t += sprintf(t, "(%.*s)", (int)n->note_bytes,
			    n->text + n->name_bytes);
		assert_int_equal(n->time, 1700000000);
		assert_ptr_equal(n, rfm_catalog_find_name(&catalog, n->text,
		    n->name_bytes));
		noted_bytes += 24 + (n->name_bytes + n->note_bytes + 7u) / 8
		    * 8;
	}
	assert_int_equal(catalog.name_bytes, noted_bytes);
	return text;
}

#define NAMES(wanted) assert_string_equal(names(), (wanted))

static void
sealed_vectors(uint64_t n)
{
	for (uint64_t id = 1; id <= n; id++) {
		allocate(id);
		OK(seal(id));
	}
}

static uint64_t
names_of(uint64_t id)
{
	return rfm_catalog_find(&catalog, id)->names;
}

static void
names_stand_in_the_order_of_their_bytes(void **state)
{
	(void)state;
	sealed_vectors(3);
	NAMES("");
	assert_null(rfm_catalog_find_name(&catalog, "a", 1));
	OK(name(1, "m"));
	OK(name(2, "a"));
	OK(name(3, "z"));
	OK(name(3, "ma"));
	OK(name(2, "l"));
	OK(name(1, "\xc3\xa4"));
	OK(name(1, "M"));
	OK(name_with(2, "maa", "a note"));
	NAMES("M=1 a=2 l=2 m=1 ma=3 maa=2(a note) z=3 \xc3\xa4=1");
	assert_null(rfm_catalog_find_name(&catalog, "mab", 3));
	assert_null(rfm_catalog_find_name(&catalog, "", 0));
	assert_null(rfm_catalog_find_name(&catalog, "zz", 2));
	assert_int_equal(names_of(1), 3);
	assert_int_equal(names_of(2), 3);
	assert_int_equal(names_of(3), 2);
}

/* proves I16 */
static void
a_name_is_replaced_with_all_that_belongs_to_it(void **state)
{
	(void)state;
	sealed_vectors(2);
	OK(name(1, "a"));
	OK(name_with(1, "x", "a rather long note"));
	OK(name_with(2, "x", "short"));
	NAMES("a=1 x=2(short)");
	assert_int_equal(names_of(1), 1);
	assert_int_equal(names_of(2), 1);
	OK(name_with(2, "x", "the same, and another note"));
	NAMES("a=1 x=2(the same, and another note)");
	assert_int_equal(names_of(2), 1);
	OK(name(1, "x"));
	NAMES("a=1 x=1");
	assert_int_equal(names_of(1), 2);
	assert_int_equal(names_of(2), 0);
}

/* proves I16 */
static void
a_name_is_taken_away_and_may_come_back(void **state)
{
	(void)state;
	sealed_vectors(2);
	OK(name(0, "nobody"));                  /* no damage, and nothing */
	NAMES("");
	OK(name(1, "a"));
	OK(name(2, "b"));
	OK(name(1, "c"));
	OK(name(0, "b"));
	NAMES("a=1 c=1");
	OK(name(0, "bb"));
	OK(name(0, "c"));
	NAMES("a=1");
	OK(name(0, "a"));
	NAMES("");
	assert_int_equal(names_of(1), 0);
	assert_int_equal(names_of(2), 0);
	OK(name(2, "b"));
	NAMES("b=2");
}

static void
many_names_are_kept_in_order(void **state)
{
	char text[40];

	(void)state;
	sealed_vectors(7);
	for (uint64_t i = 0; i < 3000; i++) {
		sprintf(text, "n%" PRIu64, mixed(i) % 5000);
		OK(name(1 + i % 7, text));
	}
	for (uint64_t i = 0; i < 1500; i++) {
		sprintf(text, "n%" PRIu64, mixed(2 * i) % 5000);
		OK(name(0, text));
		assert_null(rfm_catalog_find_name(&catalog, text,
		    strlen(text)));
	}
	assert_true(catalog.name_count > 500);
	for (size_t i = 1; i < catalog.name_count; i++) {
		const struct rfm_name *a = catalog.names[i - 1];
		const struct rfm_name *b = catalog.names[i];
		char                   one[40], other[40];

		sprintf(one, "%.*s", (int)a->name_bytes, a->text);
		sprintf(other, "%.*s", (int)b->name_bytes, b->text);
		assert_true(strcmp(one, other) < 0);
	}
}

/* What the store relies on: with this memory a name is put without more. */
static void
prepared_names_are_taken_without_moving_the_table(void **state)
{
	(void)state;
	sealed_vectors(1);
	for (unsigned i = 0; i < 40; i++) {
		struct rfm_name **before;

		OK(rfm_catalog_prepare_names(&catalog, 5, &error));
		before = catalog.names;
		assert_true(catalog.name_room >= catalog.name_count + 5);
		for (unsigned k = 0; k < 5; k++) {
			char             text[20];
			struct rfm_name *n;

			sprintf(text, "%u and %u", i, k);
			(void)write_name(1, text, strlen(text), "");
			n = rfm_catalog_new_name(name_body, &error);
			assert_non_null(n);
			rfm_catalog_name(&catalog, n);
			assert_ptr_equal(before, catalog.names);
		}
	}
	assert_int_equal(catalog.name_count, 200);
	REFUSED(RFM_NO_MEMORY, rfm_catalog_prepare_names(&catalog,
	    UINT64_MAX / 2, &error));
	REFUSED(RFM_NO_MEMORY, rfm_catalog_prepare_names(&catalog,
	    UINT64_MAX, &error));
	assert_int_equal(catalog.name_count, 200);
}

static void
a_name_that_is_no_text_is_damage(void **state)
{
	size_t bytes;

	(void)state;
	sealed_vectors(1);
	REFUSED(RFM_DAMAGED, name(1, "\xff"));
	SAYS("the record at byte 12352 gives a name that is no text");
	REFUSED(RFM_DAMAGED, name(1, "a\xc3"));
	REFUSED(RFM_DAMAGED, name_with(1, "a", "\xed\xa0\x80"));
	(void)write_name(1, "a\0b", 3, "");
	REFUSED(RFM_DAMAGED, apply(RFM_RECORD_NAME, name_body));
	REFUSED(RFM_DAMAGED, name_with(0, "a", "a note on nothing"));
	bytes = write_name(1, "abc", 3, "d");
	for (size_t i = sizeof(struct rfm_name_disk) + 4; i < bytes; i++) {
		name_body[i] = 1;               /* the padding */
		REFUSED(RFM_DAMAGED, apply(RFM_RECORD_NAME, name_body));
		name_body[i] = 0;
	}
	NAMES("");
	OK(apply(RFM_RECORD_NAME, name_body));
	NAMES("abc=1(d)");
}

static void
only_what_is_sealed_and_whole_can_have_a_name(void **state)
{
	struct rfm_allocate_disk a = strings(1);

	(void)state;
	OK(apply(RFM_RECORD_ALLOCATE, &a));
	OK(part(2, 1));
	REFUSED(RFM_DAMAGED, name(1, "x"));     /* it may change */
	SAYS("names what is not there to be named");
	OK(seal(1));
	REFUSED(RFM_DAMAGED, name(2, "x"));     /* a part */
	REFUSED(RFM_DAMAGED, name(3, "x"));     /* nobody */
	element(3, RFM_ALLOCATE_SEALED);
	OK(free_one(3));
	REFUSED(RFM_DAMAGED, name(3, "x"));     /* dead */
	NAMES("");
	OK(name(1, "x"));
	NAMES("x=1");
}

/* proves I16 */
static void
what_has_a_name_cannot_be_freed(void **state)
{
	(void)state;
	sealed_vectors(2);
	OK(name(1, "a"));
	OK(name(1, "b"));
	REFUSED(RFM_DAMAGED, free_one(1));
	SAYS("frees what a name stands for");
	OK(name(0, "a"));
	REFUSED(RFM_DAMAGED, free_one(1));
	OK(name(2, "b"));
	OK(free_one(1));
	expect_counts(1, 1, 1);
	rfm_catalog_compact(&catalog);
	NAMES("b=2");
	assert_int_equal(names_of(2), 1);
	REFUSED(RFM_DAMAGED, free_one(2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(parts_are_found_in_order_and_share_their_owners_fate),
		T(a_part_needs_an_owner_that_may_have_it),
		T(a_sealed_element_is_one_until_a_reference_is_given_out),
		T(a_seal_with_unknown_bits_is_refused),
		T(a_vector_with_room_becomes_longer_where_it_lies),
		T(ids_and_blocks_are_never_extended),
		T(names_stand_in_the_order_of_their_bytes),
		T(a_name_is_replaced_with_all_that_belongs_to_it),
		T(a_name_is_taken_away_and_may_come_back),
		T(many_names_are_kept_in_order),
		T(prepared_names_are_taken_without_moving_the_table),
		T(a_name_that_is_no_text_is_damage),
		T(only_what_is_sealed_and_whole_can_have_a_name),
		T(what_has_a_name_cannot_be_freed),
		T(a_move_changes_place_and_length_and_nothing_else),
		T(an_allocation_becomes_a_row_as_it_stands),
		T(an_allocation_may_be_sealed_from_birth),
		T(a_seal_makes_a_committed_record_sealed_with_its_checksum),
		T(a_free_leaves_a_tombstone),
		T(an_id_comes_only_once_and_only_upwards),
		T(a_commit_keeps_the_count_of_ids_and_never_takes_it_back),
		T(the_ids_zero_and_last_are_none),
		T(an_unknown_id_and_a_dead_one_get_different_answers),
		T(a_dead_id_stays_dead_when_its_row_is_dropped),
		T(only_what_lives_can_be_freed),
		T(only_what_is_committed_can_be_sealed),
		T(type_zero_is_refused),
		T(an_unknown_type_is_refused),
		T(fewer_bytes_than_elements_are_refused),
		T(a_list_with_more_bytes_than_elements_is_refused),
		T(an_object_with_more_bytes_than_elements_is_refused),
		T(a_block_with_more_bytes_than_its_length_is_refused),
		T(a_length_whose_bytes_wrap_is_refused),
		T(an_unknown_flag_is_refused),
		T(an_extent_in_the_superblocks_is_refused),
		T(an_extent_behind_the_end_is_refused),
		T(an_extent_across_the_end_is_refused),
		T(an_extent_out_of_line_is_refused),
		T(an_extent_that_wraps_is_refused),
		T(a_payload_larger_than_the_file_is_refused),
		T(an_empty_vector_is_possible),
		T(a_record_of_another_kind_teaches_nothing),
		T(every_row_of_many_is_found_and_no_other),
		T(a_secured_row_is_taken_without_moving_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
