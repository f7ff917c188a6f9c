/*
 * Tests of the room layout: the bytes of format 1, typed here once more by hand,
 * and each single reason why a superblock, a segment, a record or an extent is
 * refused.
 */
#include "common.h"
#include "crc.h"
#include "layout.h"

#define FILE_BYTES 131072u

/* ---- golden bytes ---- */

static void
expect_bytes(const void *found, size_t n, const char *hex, int line)
{
	char        text[1024];
	size_t      digits = 0;
	const char *h = hex;

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)found)[i]);
	for (; *h != '\0'; h++) {
		if (*h == ' ')
			continue;
		if (digits >= 2 * n || text[digits] != *h)
			fail_msg("line %d, byte %zu: %s\nexpected %s", line,
			    digits / 2, text, hex);
		digits++;
	}
	assert_int_equal(digits, 2 * n);
}

#define BYTES(object, hex) \
	expect_bytes(&(object), sizeof (object), (hex), __LINE__)

static struct rfm_superblock_disk
good_superblock(void)
{
	struct rfm_superblock_disk s;

	memset(&s, 0, sizeof s);
	s.flags = RFM_SUPERBLOCK_CLEAN;
	for (uint8_t i = 0; i < 16; i++) {
		s.uuid[i] = (uint8_t)(0xa0 + i);
		s.boot[i] = (uint8_t)(0xb0 + i);
	}
	s.sequence = 3;
	s.head_offset = 12288;
	s.head_bytes = 65536;
	s.head_salt = 0x0102030405060708u;
	s.end_sequence = 9;
	s.file_bytes = 131072;
	rfm_superblock_seal(&s);
	return s;
}

static void
a_superblock_is_these_128_bytes(void **state)
{
	struct rfm_superblock_disk s = good_superblock();

	(void)state;
	assert_int_equal(s.checksum, rfm_crc32c(0, &s, 124));
	s.checksum = 0x11223344;
	BYTES(s, "8952464d0d0a1a0a 01000000 01000000"
	    "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
	    "0300000000000000 0030000000000000 0000010000000000"
	    "0807060504030201 b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
	    "0900000000000000 0000020000000000"
	    "0000000000000000000000000000"
	    "0000000000000000000000000000 44332211");
}

static struct rfm_segment_disk
good_segment(void)
{
	struct rfm_segment_disk s;

	memset(&s, 0, sizeof s);
	s.salt = 0x1122334455667788u;
	s.bytes = 65536;
	s.first_sequence = 5;
	rfm_segment_seal(&s);
	return s;
}

static void
a_segment_head_is_these_64_bytes(void **state)
{
	struct rfm_segment_disk s = good_segment();

	(void)state;
	assert_int_equal(s.checksum, rfm_crc32c(0, &s, 60));
	s.checksum = 0x11223344;
	BYTES(s, "52464d534547310a 8877665544332211 0000010000000000"
	    "0500000000000000"
	    "00000000000000000000000000000000000000000000000000000000"
	    "44332211");
}

/* A record in memory, as the log writes it. */
struct record {
	struct rfm_record_disk head;
	union {
		struct rfm_allocate_disk allocate;
		struct rfm_free_disk     free;
		struct rfm_seal_disk     seal;
		struct rfm_commit_disk   commit;
		struct rfm_link_disk     link;
		struct rfm_move_disk     move;
		struct rfm_extend_disk   extend;
		struct rfm_name_disk     name;
		uint8_t                  all[RFM_BODY_MAX_BYTES];
	} body;
};

#define SALT 0x1122334455667788u

static struct record
good_record(uint32_t kind)
{
	struct record r;

	memset(&r, 0, sizeof r);
	r.head.kind = kind;
	r.head.salt = SALT;
	r.head.sequence = 77;
	r.body.allocate.id = 7;
	r.body.allocate.offset = 28672;
	if (kind == RFM_RECORD_NAME) {
		r.body.name.name_bytes = 5;
		r.body.name.note_bytes = 4;
		memcpy(r.body.all + 24, "eagle""bird", 9);
	}
	r.head.bytes = 32 + rfm_record_body_bytes(kind, &r.body);
	if (kind == RFM_RECORD_ALLOCATE) {
		r.body.allocate.bytes = 80;
		r.body.allocate.length = 10;
		r.body.allocate.type = RFM_NUMERIC;
		r.body.allocate.flags = RFM_ALLOCATE_SEALED;
		r.body.allocate.checksum_kind = RFM_CHECKSUM_CRC32C;
		r.body.allocate.payload_checksum = 0xcafebabe;
		r.body.allocate.owner = 5;
	}
	rfm_record_seal(&r);
	return r;
}

static void
the_records_are_these_bytes(void **state)
{
	struct record r = good_record(RFM_RECORD_ALLOCATE);

	(void)state;
	assert_int_equal(r.head.checksum,
	    rfm_crc32c(0, (uint8_t *)&r + 4, 84));
	r.head.checksum = 0x11223344;
	BYTES(r.head, "44332211 58000000 8877665544332211"
	    "4d00000000000000 01000000 00000000");
	BYTES(r.body.allocate, "0700000000000000 0070000000000000"
	    "5000000000000000 0a00000000000000 03000000 01000000"
	    "01000000 bebafeca 0500000000000000");
	r = good_record(RFM_RECORD_FREE);
	BYTES(r.body.free, "0700000000000000");
	r.body.seal.flags = RFM_SEAL_REFERENCED;
	r.body.seal.reserved = 0;
	r.body.seal.checksum_kind = 1;
	r.body.seal.payload_checksum = 0x01020304;
	BYTES(r.body.seal, "0700000000000000 01000000 00000000"
	    "01000000 04030201");
	r.body.move.offset = 4096;
	r.body.move.bytes = 24;
	r.body.move.length = 3;
	BYTES(r.body.move, "0700000000000000 0010000000000000"
	    "1800000000000000 0300000000000000");
	BYTES(r.body.extend, "0700000000000000 0010000000000000");
	r = good_record(RFM_RECORD_NAME);
	r.body.name.time = 0x65a1b2c3;
	assert_int_equal(r.head.bytes, 32 + 24 + 16);
	BYTES(r.body.name, "0700000000000000 c3b2a16500000000"
	    "05000000 04000000");
	r.body.commit.epoch = 2;
	r.body.commit.next_id = 0x100000001u;
	BYTES(r.body.commit, "0200000000000000 0100000001000000");
	r.body.link.offset = 4096;
	r.body.link.bytes = 512;
	r.body.link.salt = SALT;
	BYTES(r.body.link, "0010000000000000 0002000000000000"
	    "8877665544332211");
}

static void
the_numbers_of_format_1_are_fixed(void **state)
{
	(void)state;
	assert_int_equal(RFM_FORMAT_VERSION, 1);
	assert_int_equal(RFM_PAGE_BYTES, 4096);
	assert_int_equal(RFM_OWNER_OFFSET, 8192);
	assert_int_equal(RFM_HEAP_OFFSET, 12288);
	assert_int_equal(RFM_FILE_STEP_BYTES, 65536);
	assert_int_equal(RFM_RECORD_ALLOCATE, 1);
	assert_int_equal(RFM_RECORD_FREE, 2);
	assert_int_equal(RFM_RECORD_SEAL, 3);
	assert_int_equal(RFM_RECORD_COMMIT, 4);
	assert_int_equal(RFM_RECORD_LINK, 5);
	assert_int_equal(RFM_RECORD_MOVE, 6);
	assert_int_equal(RFM_RECORD_EXTEND, 7);
	assert_int_equal(RFM_RECORD_NAME, 8);
	assert_int_equal(RFM_RECORD_MORE, 1);
	assert_int_equal(RFM_ALLOCATE_SEALED, 1);
	assert_int_equal(RFM_ALLOCATE_ELEMENT, 2);
	assert_int_equal(RFM_SEAL_REFERENCED, 1);
	assert_int_equal(RFM_NAME_MAX_BYTES, 1024);
	assert_int_equal(RFM_NOTE_MAX_BYTES, 2048);
	assert_int_equal(RFM_LOGICAL, 1);
	assert_int_equal(RFM_INTEGER, 2);
	assert_int_equal(RFM_NUMERIC, 3);
	assert_int_equal(RFM_COMPLEX, 4);
	assert_int_equal(RFM_RAW, 5);
	assert_int_equal(RFM_CHARACTER, 6);
	assert_int_equal(RFM_LIST, 7);
	assert_int_equal(RFM_BYTES, 8);
	assert_int_equal(RFM_OBJECT, 9);
	assert_int_equal(RFM_SERIALIZED, 10);
}

static void
body_sizes_follow_from_the_kind(void **state)
{
	static const uint32_t sizes[] = { 0, 56, 8, 24, 16, 24, 32, 16 };

	(void)state;
	for (uint32_t kind = 0; kind < COUNT(sizes); kind++)
		assert_int_equal(rfm_record_body_bytes(kind, NULL),
		    sizes[kind]);
	assert_int_equal(rfm_record_body_bytes(9, NULL), 0);
	assert_int_equal(rfm_record_body_bytes(UINT32_MAX, NULL), 0);
}

static void
element_sizes_follow_from_the_type(void **state)
{
	(void)state;
	assert_int_equal(rfm_type_bytes(RFM_LOGICAL), 4);
	assert_int_equal(rfm_type_bytes(RFM_INTEGER), 4);
	assert_int_equal(rfm_type_bytes(RFM_NUMERIC), 8);
	assert_int_equal(rfm_type_bytes(RFM_COMPLEX), 16);
	assert_int_equal(rfm_type_bytes(RFM_RAW), 1);
	assert_int_equal(rfm_type_bytes(0), 0);
	assert_int_equal(rfm_type_bytes(RFM_CHARACTER), 16);
	assert_int_equal(rfm_type_bytes(RFM_LIST), 8);
	assert_int_equal(rfm_type_bytes(RFM_BYTES), 1);
	assert_int_equal(rfm_type_bytes(RFM_OBJECT), 8);
	assert_int_equal(rfm_type_bytes(RFM_SERIALIZED), 1);
	assert_int_equal(rfm_type_bytes(11), 0);
	assert_int_equal(rfm_type_bytes(UINT32_MAX), 0);
	for (uint32_t type = 0; type <= RFM_TYPES; type++)
		assert_int_equal(rfm_type_has_ids(type),
		    type == RFM_LIST || type == RFM_OBJECT);
}

/* ---- names ---- */

static uint32_t
size_of_name(uint32_t name, uint32_t note)
{
	struct rfm_name_disk n = { 7, 0, name, note };

	return rfm_record_body_bytes(RFM_RECORD_NAME, &n);
}

static void
a_name_takes_its_text_rounded_up_to_eight_bytes(void **state)
{
	(void)state;
	assert_int_equal(size_of_name(1, 0), 32);
	assert_int_equal(size_of_name(8, 0), 32);
	assert_int_equal(size_of_name(8, 1), 40);
	assert_int_equal(size_of_name(1024, 2048), 24 + 3072);
	assert_int_equal(24 + 3072, RFM_BODY_MAX_BYTES);
	assert_int_equal(size_of_name(0, 0), 0);
	assert_int_equal(size_of_name(0, 8), 0);
	assert_int_equal(size_of_name(1025, 0), 0);
	assert_int_equal(size_of_name(1, 2049), 0);
	assert_int_equal(size_of_name(UINT32_MAX, 9), 0);
	assert_int_equal(size_of_name(9, UINT32_MAX), 0);
}

#define TEXT(text) rfm_text_valid((text), sizeof (text) - 1)

static void
a_text_is_utf8_and_nothing_like_it(void **state)
{
	(void)state;
	assert_true(TEXT(""));
	assert_true(TEXT("plain text, \x01 \x7f"));
	assert_true(TEXT("\xc2\x80 \xdf\xbf"));
	assert_true(TEXT("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"));
	assert_true(TEXT("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"));
	assert_false(TEXT("a\0b"));
	assert_false(TEXT("\x80"));
	assert_false(TEXT("\xbf"));
	assert_false(TEXT("\xc2"));               /* cut short */
	assert_false(TEXT("\xe2\x82"));
	assert_false(TEXT("\xf0\x9f\x98"));
	assert_false(rfm_text_valid("\xc3\xa4", 1)); /* there, but not his */
	assert_false(rfm_text_valid("\xe2\x82\xac", 2));
	assert_false(TEXT("\xc2 "));              /* no continuation */
	assert_false(TEXT("\xe2\x82 "));
	assert_false(TEXT("\xe2 \x82"));
	assert_false(TEXT("\xc2\xc0"));
	assert_false(TEXT("\xc0\xaf"));           /* overlong */
	assert_false(TEXT("\xc0\x80"));
	assert_false(TEXT("\xc1\xbf"));
	assert_false(TEXT("\xe0\x9f\xbf"));
	assert_false(TEXT("\xf0\x8f\xbf\xbf"));
	assert_false(TEXT("\xed\xa0\x80"));       /* surrogates */
	assert_false(TEXT("\xed\xbf\xbf"));
	assert_false(TEXT("\xf4\x90\x80\x80"));   /* behind the last */
	assert_false(TEXT("\xf7\xbf\xbf\xbf"));
	assert_false(TEXT("\xf8\x88\x80\x80\x80"));
	assert_false(TEXT("\xfe"));
	assert_false(TEXT("\xff"));
}

static void
a_name_is_text_with_zeros_behind_it(void **state)
{
	struct record r = good_record(RFM_RECORD_NAME), broken;

	(void)state;
	assert_true(rfm_name_valid(&r.body));
	for (size_t i = 24; i < 40; i++) {
		broken = r;
		broken.body.all[i] ^= 0x80;
		assert_false(rfm_name_valid(&broken.body));
	}
	broken = r;                     /* a character across the border */
	memcpy(broken.body.all + 28, "\xc3\xa4", 2);
	assert_false(rfm_name_valid(&broken.body));
	memcpy(broken.body.all + 27, "\xc3\xa4", 2);
	memcpy(broken.body.all + 29, "\xc3\xa4", 2);
	assert_true(rfm_name_valid(&broken.body));
	broken = r;                     /* no more, but a note on it */
	broken.body.name.id = 0;
	assert_false(rfm_name_valid(&broken.body));
	broken.body.name.note_bytes = 0;
	memset(broken.body.all + 29, 0, 4);
	assert_true(rfm_name_valid(&broken.body));
	r.body.name.name_bytes = 8;     /* nothing to pad */
	r.body.name.note_bytes = 0;
	memcpy(r.body.all + 24, "12345678""x", 9);
	assert_true(rfm_name_valid(&r.body));
}

/* ---- superblocks ---- */

/* Copy 1 is this one, copy 0 is zero: what does choosing say? */
static enum rfm_status
choose_alone(const struct rfm_superblock_disk *s, uint64_t file_bytes)
{
	struct rfm_superblock_disk copies[2];
	unsigned                   winner = 7;
	enum rfm_status            status;

	memset(copies, 0, sizeof copies);
	copies[1] = *s;
	status = rfm_superblock_choose(copies, file_bytes, &winner, &error);
	if (status == RFM_OK)
		assert_int_equal(winner, 1);
	else
		assert_int_equal(winner, 7);
	return status;
}

static void
checksum_again(struct rfm_superblock_disk *s)
{
	s->checksum = rfm_crc32c(0, s, 124);
}

static void
a_whole_superblock_is_accepted(void **state)
{
	struct rfm_superblock_disk s = good_superblock();

	(void)state;
	OK(choose_alone(&s, FILE_BYTES));
}

/* An older copy's log may be there still, and would tell of last week. */
/* proves I1 */
static void
an_older_superblock_does_not_stand_in_where_the_file_was_cut(void **state)
{
	struct rfm_superblock_disk copies[2];
	unsigned                   winner = 7;

	(void)state;
	copies[0] = copies[1] = good_superblock();
	copies[0].sequence = 4;
	copies[0].head_offset = FILE_BYTES;
	copies[0].file_bytes = 2 * FILE_BYTES;
	checksum_again(&copies[0]);
	REFUSED(RFM_DAMAGED, rfm_superblock_choose(copies, FILE_BYTES,
	    &winner, &error));
	SAYS("cut short");
	assert_int_equal(winner, 7);
}

/* proves I1 */
static void
of_two_whole_superblocks_the_later_wins(void **state)
{
	struct rfm_superblock_disk copies[2];
	unsigned                   winner = 7;

	(void)state;
	copies[0] = copies[1] = good_superblock();
	copies[0].sequence = 4;
	checksum_again(&copies[0]);
	OK(rfm_superblock_choose(copies, FILE_BYTES, &winner, &error));
	assert_int_equal(winner, 0);
	copies[1].sequence = 5;
	checksum_again(&copies[1]);
	OK(rfm_superblock_choose(copies, FILE_BYTES, &winner, &error));
	assert_int_equal(winner, 1);
}

/* proves I1 */
static void
a_torn_superblock_loses_to_the_older_one_wherever_it_is_torn(void **state)
{
	struct rfm_superblock_disk copies[2], next = good_superblock();
	unsigned                   winner;

	(void)state;
	next.sequence = 4;
	next.head_offset = 81920;
	next.head_bytes = 512;
	checksum_again(&next);
	for (size_t cut = 0; cut < 128; cut++) {
		struct rfm_superblock_disk older = good_superblock();

		older.sequence = 2;
		older.uuid[15] = 0;     /* so that each byte range differs */
		older.end_sequence = 1;
		checksum_again(&older);
		copies[0] = older;
		copies[1] = good_superblock();
		memcpy(&copies[0], &next, cut);
		winner = 7;
		OK(rfm_superblock_choose(copies, FILE_BYTES, &winner, &error));
		if (memcmp(&copies[0], &next, 128) != 0)
			assert_int_equal(winner, 1);
	}
}

static void
every_flipped_bit_of_a_superblock_is_noticed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 1024; i++) {
		struct rfm_superblock_disk s = good_superblock();

		((uint8_t *)&s)[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_not_equal(choose_alone(&s, FILE_BYTES), RFM_OK);
	}
}

static void
what_begins_like_something_else_is_foreign(void **state)
{
	struct rfm_superblock_disk s = good_superblock();

	(void)state;
	s.magic[1] = 'X';
	checksum_again(&s);
	REFUSED(RFM_FOREIGN, choose_alone(&s, FILE_BYTES));
	memset(&s, 0, sizeof s);
	REFUSED(RFM_FOREIGN, choose_alone(&s, FILE_BYTES));
}

static void
a_later_format_is_told_by_its_number(void **state)
{
	struct rfm_superblock_disk s = good_superblock();

	(void)state;
	s.version = 2;
	checksum_again(&s);
	REFUSED(RFM_VERSION, choose_alone(&s, FILE_BYTES));
	SAYS("format 2");
}

/* One condition of a superblock broken, the checksum right again. */
#define BROKEN_SUPERBLOCK(name, change)                                 \
static void                                                             \
name(void **state)                                                      \
{                                                                       \
	struct rfm_superblock_disk s = good_superblock();               \
                                                                        \
	(void)state;                                                    \
	change;                                                         \
	checksum_again(&s);                                             \
	REFUSED(RFM_DAMAGED, choose_alone(&s, FILE_BYTES));             \
}

BROKEN_SUPERBLOCK(an_unknown_flag_is_refused, s.flags |= 4)
BROKEN_SUPERBLOCK(sequence_zero_is_refused, s.sequence = 0)
BROKEN_SUPERBLOCK(a_first_reserved_byte_is_refused, s.reserved[0] = 1)
BROKEN_SUPERBLOCK(a_last_reserved_byte_is_refused, s.reserved[27] = 1)
BROKEN_SUPERBLOCK(a_file_shorter_than_it_was_is_refused,
    s.file_bytes = FILE_BYTES + 65536)
BROKEN_SUPERBLOCK(a_head_below_the_heap_is_refused, s.head_offset = 8192)
BROKEN_SUPERBLOCK(a_head_behind_the_end_is_refused,
    s.head_offset = FILE_BYTES)
BROKEN_SUPERBLOCK(a_head_across_the_end_is_refused,
    s.head_offset = FILE_BYTES - 61440)
BROKEN_SUPERBLOCK(a_head_out_of_line_is_refused, s.head_offset += 64)
BROKEN_SUPERBLOCK(a_head_too_small_is_refused, s.head_bytes = 448)
BROKEN_SUPERBLOCK(a_head_whose_end_wraps_is_refused,
    s.head_bytes = UINT64_MAX - 4095)
BROKEN_SUPERBLOCK(a_head_whose_rounding_wraps_is_refused,
    s.head_bytes = UINT64_MAX)
BROKEN_SUPERBLOCK(a_head_at_an_offset_that_wraps_is_refused,
    s.head_offset = UINT64_MAX - 65535)
BROKEN_SUPERBLOCK(a_scratch_superblock_with_a_log_is_refused,
    s.flags = RFM_SUPERBLOCK_SCRATCH)

static void
a_scratch_superblock_needs_no_log(void **state)
{
	struct rfm_superblock_disk s = good_superblock();

	(void)state;
	s.flags = RFM_SUPERBLOCK_SCRATCH;
	s.head_offset = s.head_bytes = 0;
	checksum_again(&s);
	OK(choose_alone(&s, FILE_BYTES));
}

/* ---- segments ---- */

static void
a_segment_head_is_accepted_by_who_knows_its_size_and_salt(void **state)
{
	struct rfm_segment_disk s = good_segment();

	(void)state;
	assert_true(rfm_segment_valid(&s, 65536, SALT));
	assert_false(rfm_segment_valid(&s, 65535, SALT));
	assert_false(rfm_segment_valid(&s, 65536, SALT + 1));
}

static void
every_flipped_bit_of_a_segment_head_is_noticed(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 512; i++) {
		struct rfm_segment_disk s = good_segment();

		((uint8_t *)&s)[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_false(rfm_segment_valid(&s, 65536, SALT));
	}
}

/* ---- records ---- */

static bool
valid(const struct record *r)
{
	return rfm_record_valid(r, r->head.bytes, SALT, 77);
}

static void
a_whole_record_of_each_kind_is_accepted(void **state)
{
	(void)state;
	for (uint32_t kind = 1; kind <= RFM_RECORD_NAME; kind++) {
		struct record r = good_record(kind);

		assert_true(valid(&r));
	}
}

/* proves I2 */
static void
a_record_of_another_salt_is_refused(void **state)
{
	struct record r = good_record(RFM_RECORD_ALLOCATE);

	(void)state;
	assert_false(rfm_record_valid(&r, 88, SALT + 1, 77));
	r.head.salt++;
	rfm_record_seal(&r);
	assert_false(valid(&r));
}

/* proves I2 */
static void
a_record_of_another_sequence_is_refused(void **state)
{
	struct record r = good_record(RFM_RECORD_ALLOCATE);

	(void)state;
	assert_false(rfm_record_valid(&r, 88, SALT, 76));
	assert_false(rfm_record_valid(&r, 88, SALT, 78));
}

/* proves I2 */
static void
every_flipped_bit_of_a_record_is_noticed(void **state)
{
	(void)state;
	for (uint32_t kind = 1; kind <= RFM_RECORD_NAME; kind++)
		for (unsigned i = 0; i < good_record(kind).head.bytes * 8;
		    i++) {
			struct record r = good_record(kind);

			((uint8_t *)&r)[i / 8] ^= (uint8_t)(1u << i % 8);
			assert_false(rfm_record_valid(&r, sizeof r, SALT,
			    77));
		}
}

/* proves I2 */
static void
a_record_that_the_segment_cuts_off_is_refused(void **state)
{
	struct record r = good_record(RFM_RECORD_ALLOCATE);

	(void)state;
	for (uint64_t available = 0; available < 88; available++) {
		/* a piece of the right size: ASan watches its end */
		uint8_t *piece = malloc(available + (available == 0));

		assert_non_null(piece);
		memcpy(piece, &r, available);
		assert_false(rfm_record_valid(piece, available, SALT, 77));
		free(piece);
	}
	assert_true(rfm_record_valid(&r, 88, SALT, 77));
}

static void
a_record_of_unknown_kind_is_refused(void **state)
{
	struct record r = good_record(RFM_RECORD_COMMIT);

	(void)state;
	r.head.kind = 9;
	rfm_record_seal(&r);
	assert_false(valid(&r));
	r.head.kind = 6;
	rfm_record_seal(&r);
	assert_false(valid(&r));
	r.head.kind = 0;
	r.head.bytes = 32;
	rfm_record_seal(&r);
	assert_false(valid(&r));
}

static void
a_record_of_another_size_than_its_kind_is_refused(void **state)
{
	struct record r = good_record(RFM_RECORD_COMMIT);

	(void)state;
	r.head.bytes = 56;
	rfm_record_seal(&r);
	assert_false(rfm_record_valid(&r, sizeof r, SALT, 77));
	r.head.bytes = 40;
	rfm_record_seal(&r);
	assert_false(rfm_record_valid(&r, sizeof r, SALT, 77));
	r = good_record(RFM_RECORD_COMMIT);
	r.head.bytes = UINT32_MAX;      /* must not be summed up */
	assert_false(rfm_record_valid(&r, sizeof r, SALT, 77));
}

static void
a_record_with_reserved_bits_is_refused(void **state)
{
	struct record r = good_record(RFM_RECORD_SEAL);

	(void)state;
	for (unsigned bit = 0; bit < 32; bit++) {
		r.head.flags = 1u << bit;
		rfm_record_seal(&r);
		assert_int_equal(valid(&r), bit == 0);
	}
}

/* The size of a NAME follows from fields that must be there first. */
static void
a_name_that_is_not_all_there_is_no_record(void **state)
{
	struct record r = good_record(RFM_RECORD_NAME), broken;

	(void)state;
	assert_true(rfm_record_valid(&r, 72, SALT, 77));
	for (uint64_t available = 0; available < 72; available++) {
		uint8_t *exact = malloc(available + 1);

		memcpy(exact, &r, available);
		assert_false(rfm_record_valid(exact, available, SALT, 77));
		free(exact);
	}
	for (uint32_t bytes = 32; bytes < 72; bytes += 8) {
		uint8_t *exact = malloc(bytes);

		broken = r;
		broken.head.bytes = bytes;
		rfm_record_seal(&broken);
		memcpy(exact, &broken, bytes);
		assert_false(rfm_record_valid(exact, bytes, SALT, 77));
		free(exact);
	}
	broken = r;
	broken.body.name.name_bytes = 0;
	rfm_record_seal(&broken);
	assert_false(rfm_record_valid(&broken, 72, SALT, 77));
	broken.body.name.name_bytes = UINT32_MAX;
	rfm_record_seal(&broken);
	assert_false(rfm_record_valid(&broken, 72, SALT, 77));
}

/* ---- extents ---- */

static uint64_t
extent(uint64_t payload)
{
	uint64_t bytes = 0;

	assert_true(rfm_extent_bytes(payload, &bytes));
	return bytes;
}

static void
payloads_are_rounded_to_granules_and_from_a_page_on_to_pages(void **state)
{
	(void)state;
	assert_int_equal(extent(0), 64);
	assert_int_equal(extent(1), 64);
	assert_int_equal(extent(64), 64);
	assert_int_equal(extent(65), 128);
	assert_int_equal(extent(80), 128);
	assert_int_equal(extent(4095), 4096);
	assert_int_equal(extent(4096), 4096);
	assert_int_equal(extent(4097), 8192);
	assert_int_equal(extent(8000000), 8003584);
	assert_int_equal(rfm_extent_align(0), 64);
	assert_int_equal(rfm_extent_align(4095), 64);
	assert_int_equal(rfm_extent_align(4096), 4096);
}

static void
a_payload_too_large_to_be_rounded_is_refused(void **state)
{
	uint64_t bytes;

	(void)state;
	assert_true(rfm_extent_bytes(UINT64_MAX - 4095, &bytes));
	assert_false(rfm_extent_bytes(UINT64_MAX - 4094, &bytes));
	assert_false(rfm_extent_bytes(UINT64_MAX, &bytes));
}

/* proves I5 */
static void
an_extent_lies_in_the_heap_in_line_and_inside_the_file(void **state)
{
	(void)state;
	assert_true(rfm_extent_valid(12288, 1, FILE_BYTES));
	assert_true(rfm_extent_valid(12352, 1, FILE_BYTES));
	assert_true(rfm_extent_valid(FILE_BYTES - 64, 64, FILE_BYTES));
	assert_true(rfm_extent_valid(12288, FILE_BYTES - 12288, FILE_BYTES));
	assert_false(rfm_extent_valid(12224, 1, FILE_BYTES));
	assert_false(rfm_extent_valid(0, 1, FILE_BYTES));
	assert_false(rfm_extent_valid(12289, 1, FILE_BYTES));
	assert_false(rfm_extent_valid(12288 + 64, 4096, FILE_BYTES));
	assert_false(rfm_extent_valid(FILE_BYTES - 64, 65, FILE_BYTES));
	assert_false(rfm_extent_valid(FILE_BYTES, 1, FILE_BYTES));
	assert_false(rfm_extent_valid(12288, FILE_BYTES - 12287, FILE_BYTES));
}

/* proves I5 */
static void
an_extent_whose_end_wraps_around_is_refused(void **state)
{
	(void)state;
	assert_false(rfm_extent_valid(UINT64_MAX - 63, 64, FILE_BYTES));
	assert_false(rfm_extent_valid(UINT64_MAX - 63, 64, UINT64_MAX));
	assert_false(rfm_extent_valid(UINT64_MAX - 63, 128, FILE_BYTES));
	assert_false(rfm_extent_valid(12288, UINT64_MAX - 12287, FILE_BYTES));
	assert_false(rfm_extent_valid(12288, UINT64_MAX, FILE_BYTES));
	assert_false(rfm_extent_valid(12288, 1, 0));
}

#define T cmocka_unit_test

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_superblock_is_these_128_bytes),
		T(a_segment_head_is_these_64_bytes),
		T(the_records_are_these_bytes),
		T(the_numbers_of_format_1_are_fixed),
		T(body_sizes_follow_from_the_kind),
		T(element_sizes_follow_from_the_type),
		T(a_name_takes_its_text_rounded_up_to_eight_bytes),
		T(a_text_is_utf8_and_nothing_like_it),
		T(a_name_is_text_with_zeros_behind_it),
		T(a_name_that_is_not_all_there_is_no_record),
		T(a_whole_superblock_is_accepted),
		T(of_two_whole_superblocks_the_later_wins),
		T(a_torn_superblock_loses_to_the_older_one_wherever_it_is_torn),
		T(every_flipped_bit_of_a_superblock_is_noticed),
		T(what_begins_like_something_else_is_foreign),
		T(a_later_format_is_told_by_its_number),
		T(an_unknown_flag_is_refused),
		T(sequence_zero_is_refused),
		T(a_first_reserved_byte_is_refused),
		T(a_last_reserved_byte_is_refused),
		T(a_file_shorter_than_it_was_is_refused),
		T(an_older_superblock_does_not_stand_in_where_the_file_was_cut),
		T(a_head_below_the_heap_is_refused),
		T(a_head_behind_the_end_is_refused),
		T(a_head_across_the_end_is_refused),
		T(a_head_out_of_line_is_refused),
		T(a_head_too_small_is_refused),
		T(a_head_whose_end_wraps_is_refused),
		T(a_head_whose_rounding_wraps_is_refused),
		T(a_head_at_an_offset_that_wraps_is_refused),
		T(a_scratch_superblock_with_a_log_is_refused),
		T(a_scratch_superblock_needs_no_log),
		T(a_segment_head_is_accepted_by_who_knows_its_size_and_salt),
		T(every_flipped_bit_of_a_segment_head_is_noticed),
		T(a_whole_record_of_each_kind_is_accepted),
		T(a_record_of_another_salt_is_refused),
		T(a_record_of_another_sequence_is_refused),
		T(every_flipped_bit_of_a_record_is_noticed),
		T(a_record_that_the_segment_cuts_off_is_refused),
		T(a_record_of_unknown_kind_is_refused),
		T(a_record_of_another_size_than_its_kind_is_refused),
		T(a_record_with_reserved_bits_is_refused),
		T(payloads_are_rounded_to_granules_and_from_a_page_on_to_pages),
		T(a_payload_too_large_to_be_rounded_is_refused),
		T(an_extent_lies_in_the_heap_in_line_and_inside_the_file),
		T(an_extent_whose_end_wraps_around_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
