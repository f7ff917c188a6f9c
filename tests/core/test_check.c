/*
 * Tests of the room check. A little writer of its own, which knows the format's
 * structures and the checksum and nothing of the log, builds sound stores of
 * several shapes; each test then breaks one condition and demands the message
 * for it. A fuzzer breaks them at random: RFM_SEED=n replays it, RFM_CASES=n
 * sets how many. `test_check --bytes` prints the example of the chapter.
 */
#define _POSIX_C_SOURCE 200809L
#define main rfm_check_main
#include "rfm_check.c"
#undef main
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "crc.h"
#include "faults.h"
#include "store.h"

#define STEP     ((uint64_t)RFM_FILE_STEP_BYTES)
#define HEAP     ((uint64_t)RFM_HEAP_OFFSET)
#define SALT     0x5a17c0de00000001u
#define ALLOCATE RFM_RECORD_ALLOCATE
#define FREE     RFM_RECORD_FREE
#define SEAL     RFM_RECORD_SEAL
#define COMMIT   RFM_RECORD_COMMIT
#define LINK     RFM_RECORD_LINK
#define COUNT(array) (sizeof (array) / sizeof *(array))

/* ---- a store in memory, and its little writer ---- */

struct image {
	uint8_t *bytes;
	uint64_t size;
	uint8_t  boot[16];              /* of the machine that reads it */
	bool     unreadable;
	bool     locks;                 /* does the system know locks? */
	int      locked;
	uint64_t bytes_read;
	void   (*on_read)(struct image *, uint64_t offset, size_t bytes);
	/* the writer */
	uint64_t segment, end, salt, at, sequence;
	uint32_t flags;                 /* of the records that follow */
	uint64_t records[8192];         /* where each record was put */
	unsigned count;
	unsigned commit;                /* index of the last COMMIT */
	uint64_t segments[64];
	unsigned segments_count;
};

static const uint8_t uuid[16] = { 0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x47,
	0x08, 0x89, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e, 0x6f, 0x70 };
static const uint8_t old_boot[16] = { 1, 1, 2, 3, 5, 8, 13, 21 };
static const uint8_t new_boot[16] = { 2, 3, 5, 7, 11, 13, 17, 19 };

static struct image *
new_image(uint64_t size)
{
	struct image *im = calloc(1, sizeof *im);

	assert_non_null(im);
	im->bytes = calloc(1, size);
	assert_non_null(im->bytes);
	im->size = size;
	im->locks = true;
	im->sequence = 1;
	memcpy(im->boot, new_boot, 16);
	return im;
}

static void
drop(struct image *im)
{
	free(im->bytes);
	free(im);
}

static void
put_bytes(struct image *im, uint64_t at, const void *from, size_t n)
{
	assert_true(at + n <= im->size);
	memcpy(im->bytes + at, from, n);
}

/* Each page's checksum is made again after something was changed on purpose. */
static void
seal_super(struct image *im, unsigned copy)
{
	struct rfm_superblock_disk s;
	uint64_t at = copy * (uint64_t)RFM_PAGE_BYTES;

	memcpy(&s, im->bytes + at, sizeof s);
	s.checksum = rfm_crc32c(0, &s, sizeof s - 4);
	put_bytes(im, at, &s, sizeof s);
}

static void
put_super(struct image *im, uint64_t number, uint32_t flags,
    uint64_t head, uint64_t bytes, uint64_t salt, uint64_t end)
{
	struct rfm_superblock_disk s = {
		{ 0x89, 'R', 'F', 'M', '\r', '\n', 0x1a, '\n' }, 1, flags,
		{ 0 }, number, head, bytes, salt, { 0 }, end,
		2 * STEP, { 0 }, 0
	};
	unsigned copy = (unsigned)(number % 2);

	memcpy(s.uuid, uuid, 16);
	memcpy(s.boot, old_boot, 16);
	put_bytes(im, copy * (uint64_t)RFM_PAGE_BYTES, &s, sizeof s);
	seal_super(im, copy);
}

static struct rfm_superblock_disk *
super(struct image *im, unsigned copy)
{
	return (void *)(im->bytes + copy * (uint64_t)RFM_PAGE_BYTES);
}

static void
seal_segment(struct image *im, uint64_t at)
{
	struct rfm_segment_disk s;

	memcpy(&s, im->bytes + at, sizeof s);
	s.checksum = rfm_crc32c(0, &s, sizeof s - 4);
	put_bytes(im, at, &s, sizeof s);
}

static struct rfm_segment_disk *
segment(struct image *im, unsigned i)
{
	return (void *)(im->bytes + im->segments[i]);
}

static void
put_segment(struct image *im, uint64_t at, uint64_t bytes, uint64_t salt)
{
	struct rfm_segment_disk s = { "", salt, bytes, im->sequence, { 0 },
	    0 };

	memcpy(s.magic, "RFMSEG1\n", 8);
	put_bytes(im, at, &s, sizeof s);
	seal_segment(im, at);
	im->segment = at;
	im->end = at + bytes;
	im->salt = salt;
	im->at = at + sizeof s;
	im->segments[im->segments_count++] = at;
}

static void
seal_record(struct image *im, uint64_t at)
{
	struct rfm_record_disk r;

	memcpy(&r, im->bytes + at, sizeof r);
	if (r.bytes < sizeof r || at + r.bytes > im->size)
		return;
	r.checksum = rfm_crc32c(0, im->bytes + at + 4, r.bytes - 4);
	put_bytes(im, at, &r, sizeof r);
}

static void
put_record(struct image *im, uint32_t kind, const void *body, size_t bytes)
{
	struct rfm_record_disk r = { 0, (uint32_t)(sizeof r + bytes),
	    im->salt, im->sequence++, kind, im->flags };

	assert_true(im->at + r.bytes <= im->end);
	put_bytes(im, im->at, &r, sizeof r);
	put_bytes(im, im->at + sizeof r, body, bytes);
	seal_record(im, im->at);
	if (kind == COMMIT)
		im->commit = im->count;
	im->records[im->count++] = im->at;
	im->at += r.bytes;
}

static struct rfm_record_disk *
record(struct image *im, unsigned i)
{
	return (void *)(im->bytes + im->records[i]);
}

static void *
body(struct image *im, unsigned i)
{
	return record(im, i) + 1;
}

static uint64_t
width(uint32_t type)
{
	return type == RFM_RAW ? 1 : type == RFM_COMPLEX ? 16 :
	    type == RFM_NUMERIC ? 8 : 4;
}

static void
allocate(struct image *im, uint64_t id, uint64_t offset, uint32_t type,
    uint64_t length)
{
	struct rfm_allocate_disk a = { id, offset, length * width(type),
	    length, type, 0, 0, 0, 0 };

	put_record(im, ALLOCATE, &a, sizeof a);
}

static void
free_id(struct image *im, uint64_t id)
{
	put_record(im, FREE, &id, sizeof id);
}

static void
seal_sum(struct image *im, uint64_t id, uint32_t kind, uint32_t sum)
{
	struct rfm_seal_disk s = { id, 0, 0, kind, sum };

	put_record(im, SEAL, &s, sizeof s);
}

static void
seal_as(struct image *im, uint64_t id, uint32_t flags)
{
	struct rfm_seal_disk s = { id, flags, 0, 0, 0 };

	put_record(im, SEAL, &s, sizeof s);
}

static void
commit(struct image *im, uint64_t epoch, uint64_t next_id)
{
	struct rfm_commit_disk c = { epoch, next_id };

	put_record(im, COMMIT, &c, sizeof c);
}

static void
link_to(struct image *im, uint64_t at, uint64_t bytes, uint64_t salt)
{
	struct rfm_link_disk l = { at, bytes, salt };

	put_record(im, LINK, &l, sizeof l);
}

static void
chain(struct image *im, uint64_t at, uint64_t bytes, uint64_t salt)
{
	link_to(im, at, bytes, salt);
	put_segment(im, at, bytes, salt);
}

static void
allocate_as(struct image *im, uint64_t id, uint64_t offset, uint32_t type,
    uint64_t bytes, uint64_t each, uint32_t flags, uint64_t owner)
{
	struct rfm_allocate_disk a = { id, offset, bytes, bytes / each, type,
	    flags, 0, 0, owner };

	put_record(im, ALLOCATE, &a, sizeof a);
}

static void
extend(struct image *im, uint64_t id, uint64_t length)
{
	struct rfm_extend_disk x = { id, length };

	put_record(im, RFM_RECORD_EXTEND, &x, sizeof x);
}

/* A NAME; its name and its note have so many bytes of this text. */
static void
name_as(struct image *im, uint64_t id, const char *text, uint32_t name,
    uint32_t note)
{
	struct rfm_name_disk n = { id, 1700000000, name, note };
	uint8_t              bytes[8192] = { 0 };

	memcpy(bytes, &n, sizeof n);
	memcpy(bytes + sizeof n, text, name + note);
	put_record(im, RFM_RECORD_NAME, bytes,
	    sizeof n + (name + note + 7) / 8 * 8);
}

static void
name(struct image *im, uint64_t id, const char *text)
{
	name_as(im, id, text, (uint32_t)strlen(text), 0);
}

/* What is done here wants to count only together with what comes after it. */
#define MORE(call) (im->flags = RFM_RECORD_MORE, call, im->flags = 0)

static void
move_to(struct image *im, uint64_t id, uint64_t offset, uint64_t bytes,
    uint64_t length)
{
	struct rfm_move_disk m = { id, offset, bytes, length };

	put_record(im, RFM_RECORD_MOVE, &m, sizeof m);
}

static void
put_cells(struct image *im, uint64_t offset, uint64_t a, uint64_t b,
    uint64_t c)
{
	uint64_t cells[3] = { a, b, c };

	put_bytes(im, offset, cells, sizeof cells);
}

/* ---- the operating system that serves it ---- */

struct rfm_file { int unused; };

static struct image *served;

static enum rfm_status
im_identify(struct rfm_os *os, const char *path, struct rfm_identity *id,
    struct rfm_error *error)
{
	(void)os, (void)path, (void)id, (void)error;
	return RFM_OK;
}

static enum rfm_status
im_open(struct rfm_os *os, const char *path, enum rfm_open_how how,
    struct rfm_file **file, struct rfm_error *error)
{
	static struct rfm_file f;

	(void)os, (void)path, (void)error;
	assert_int_equal(how, RFM_OPEN_READ);
	*file = &f;
	return RFM_OK;
}

static void
im_close(struct rfm_os *os, struct rfm_file *file)
{
	(void)os, (void)file;
}

static enum rfm_status
im_size(struct rfm_os *os, struct rfm_file *file, uint64_t *bytes,
    struct rfm_error *error)
{
	(void)os, (void)file, (void)error;
	*bytes = served->size;
	return RFM_OK;
}

static enum rfm_status
im_read(struct rfm_os *os, struct rfm_file *file, uint64_t offset, void *to,
    size_t bytes, struct rfm_error *error)
{
	(void)os, (void)file;
	assert_true(bytes <= served->size &&
	    offset <= served->size - bytes);
	if (served->unreadable && offset >= HEAP)
		return rfm_fail(error, RFM_IO, "cannot read");
	memcpy(to, served->bytes + offset, bytes);
	served->bytes_read += bytes;
	if (served->on_read != NULL)
		served->on_read(served, offset, bytes);
	return RFM_OK;
}

static enum rfm_status
im_lock(struct rfm_os *os, struct rfm_file *file, enum rfm_lock lock,
    bool exclusive, struct rfm_error *error)
{
	(void)os, (void)file;
	assert_int_equal(lock, RFM_LOCK_READERS);
	assert_false(exclusive);
	if (!served->locks)
		return rfm_fail(error, RFM_LOCKED, "no locks here");
	served->locked++;
	return RFM_OK;
}

static void
im_unlock(struct rfm_os *os, struct rfm_file *file, enum rfm_lock lock)
{
	(void)os, (void)file, (void)lock;
	served->locked--;
}

static enum rfm_status
im_pin(struct rfm_os *os, struct rfm_file *file, uint64_t number,
    struct rfm_error *error)
{
	(void)os, (void)file, (void)error;
	assert_int_equal(number, 0);
	return RFM_OK;
}

static void
im_boot(struct rfm_os *os, uint8_t id[16])
{
	(void)os;
	memcpy(id, served->boot, 16);
}

/* Everything else is missing: a checker that writes would crash. */
static struct rfm_os memory_os = {
	.identify = im_identify, .open = im_open, .close = im_close,
	.size = im_size, .read = im_read, .lock = im_lock,
	.unlock = im_unlock, .pin = im_pin, .boot_id = im_boot
};

/* ---- asking for a verdict ---- */

static struct rfm_check_report report;
static struct rfm_error        error;
static char                    said[65536];

static void
hear(void *context, const char *text)
{
	size_t n = strlen(said);

	assert_null(context);
	assert_true(strncmp(text, "damage: ", 8) == 0 ||
	    strncmp(text, "note: ", 6) == 0);
	snprintf(said + n, sizeof said - n, "%s\n", text);
}

static enum rfm_status
judge(struct image *im)
{
	enum rfm_status status;

	served = im;
	im->bytes_read = 0;
	said[0] = '\0';
	memset(&error, 0, sizeof error);
	status = rfm_check(&memory_os, "image", hear, NULL, &report,
	    &error);
	assert_int_equal(im->locked, 0);
	if (status != RFM_OK) {
		assert_int_equal(error.status, status);
		assert_true(error.text[0] != '\0');
		assert_false(report.sound);
	} else {
		assert_int_equal(report.sound, report.problems == 0);
		assert_int_equal(report.sound,
		    strstr(said, "damage: ") == NULL);
	}
	return status;
}

static void
sound(struct image *im)
{
	if (judge(im) != RFM_OK || !report.sound || said[0] != '\0')
		fail_msg("should be sound, without a note: %s%s", said,
		    error.text);
}

static void
noted(struct image *im, const char *text)
{
	if (judge(im) != RFM_OK || !report.sound ||
	    strncmp(said, "note: ", 6) != 0 || strstr(said, text) == NULL)
		fail_msg("wanted the note \"%s\", got: %s%s", text, said,
		    error.text);
}

/* Exactly one finding, and that one: each test breaks a single condition. */
static void
damaged(struct image *im, const char *text)
{
	if (judge(im) != RFM_OK || report.problems != 1 ||
	    strstr(said, text) == NULL)
		fail_msg("wanted the one damage \"%s\", got: %s%s", text,
		    said, error.text);
}

static void
refused(struct image *im, enum rfm_status status, const char *text)
{
	if (judge(im) != status || strstr(error.text, text) == NULL)
		fail_msg("wanted \"%s\", got: %s%s", text, said,
		    error.text);
}

/* ---- sound stores of several shapes ---- */

/* As it was created: one superblock, an empty log. */
static struct image *
fresh(void)
{
	struct image *im = new_image(2 * STEP);

	put_super(im, 1, 0, HEAP, 4096, SALT, 0);
	put_segment(im, HEAP, 4096, SALT);
	return im;
}

/* The example of the chapter: three vectors, one sealed with a checksum, one
 * freed; two commits; closed cleanly. Records 0 to 6. */
static struct image *
small(void)
{
	struct image *im = fresh();
	double        squares[10];
	uint64_t      at = 16384 + 8192;

	for (int i = 0; i < 10; i++)
		squares[i] = i * i;
	put_bytes(im, at, squares, sizeof squares);
	allocate(im, 1, at, RFM_NUMERIC, 10);
	allocate(im, 2, 16384, RFM_INTEGER, 1025);
	commit(im, 1, 3);
	seal_sum(im, 1, 1, rfm_crc32c(0, squares, sizeof squares));
	free_id(im, 2);
	allocate(im, 3, at + 128, RFM_RAW, 0);
	commit(im, 2, 4);
	put_super(im, 2, 0, HEAP, 4096, SALT, 0);
	put_super(im, 3, RFM_SUPERBLOCK_CLEAN, HEAP, 4096, SALT, 8);
	return im;
}

/* The same, not closed: the log may end anywhere. */
static struct image *
open_small(void)
{
	struct image *im = small();

	put_super(im, 3, 0, HEAP, 4096, SALT, 0);
	return im;
}

/* A segment of 4,096 bytes cannot hold it: eight chained ones, of sizes that
 * are and are not multiples of a page. Closed cleanly. */
static struct image *
chained(void)
{
	struct image *im = new_image(4 * STEP);
	uint64_t      id = 1, epoch = 1, at = 65536, bytes = 512;

	put_super(im, 3, 0, HEAP, 512, SALT, 0);
	put_segment(im, HEAP, 512, SALT);
	for (unsigned s = 1; s <= 8; s++) {
		while (im->end - im->at >= 56 + 88 + 48) {
			allocate(im, id, 131072 + id * 64, RFM_RAW, 1 + id % 64);
			id++;
		}
		commit(im, epoch++, id);
		if (s == 8)
			break;
		bytes += 640;
		chain(im, at, bytes, SALT + s);
		at += 8192;
	}
	put_super(im, 4, RFM_SUPERBLOCK_CLEAN, HEAP, 512, SALT,
	    im->sequence);
	return im;
}

/* A checkpoint: the log begins in the middle of things. Not closed. */
static struct image *
checkpointed(void)
{
	struct image            *im = new_image(2 * STEP);
	struct rfm_allocate_disk a = { 7, 32768, 800, 200, RFM_LOGICAL,
	    RFM_ALLOCATE_SEALED, 1, 0, 0 };

	a.payload_checksum = rfm_crc32c(0, im->bytes + 32768, 800);
	im->sequence = 501;
	put_super(im, 8, 0, 12288, 512, SALT, 0);   /* the old log is gone */
	put_super(im, 9, 0, 20480, 1024, SALT + 1, 0);
	put_segment(im, 20480, 1024, SALT + 1);
	put_record(im, ALLOCATE, &a, sizeof a);
	allocate(im, 9, 33600, RFM_COMPLEX, 3);
	commit(im, 41, 30);
	allocate(im, 30, 36864, RFM_NUMERIC, 512);
	commit(im, 42, 31);
	return im;
}

/* Four records behind the last COMMIT. */
static struct image *
uncommitted(void)
{
	struct image *im = open_small();

	allocate(im, 4, 20480 + 4096 + 256, RFM_NUMERIC, 8);
	seal_sum(im, 4, 0, 0);
	free_id(im, 1);
	allocate(im, 5, 32768, RFM_INTEGER, 4);
	return im;
}

/* The last of them arrived by half. */
static struct image *
torn(void)
{
	struct image *im = uncommitted();

	memset(im->bytes + im->records[10] + 40, 0, 40);
	return im;
}

/* Many: 2,929 records in one segment of 256 KiB. */
static struct image *
many(void)
{
	struct image *im = new_image(8 * STEP);

	put_super(im, 5, 0, 262144, 262144, SALT, 0);
	put_segment(im, 262144, 262144, SALT);
	for (uint64_t i = 1; i <= 2900; i++) {
		allocate(im, i, HEAP + 64 * i, RFM_RAW, i % 65);
		if (i % 100 == 0)
			commit(im, i / 100, i + 1);
	}
	put_super(im, 6, RFM_SUPERBLOCK_CLEAN, 262144, 262144, SALT,
	    im->sequence);
	return im;
}

static void
shapes_are_sound(void **state)
{
	struct image *im;

	(void)state;
	sound(im = fresh());
	assert_int_equal(report.records, 0);
	assert_int_equal(report.epoch, 0);
	assert_int_equal(report.superblock_sequence, 1);
	assert_int_equal(report.file_bytes, 131072);
	assert_memory_equal(report.uuid, uuid, 16);
	drop(im);
	sound(im = small());
	assert_true(report.clean);
	assert_int_equal(report.records, 7);
	assert_int_equal(report.epoch, 2);
	assert_int_equal(report.live, 2);
	assert_int_equal(report.sealed, 1);
	assert_int_equal(report.tombstones, 1);
	assert_int_equal(report.uncommitted, 0);
	assert_int_equal(report.live_bytes, 128 + 64);
	assert_int_equal(report.segments, 1);
	assert_int_equal(report.log_bytes, 4096);
	drop(im);
	sound(im = open_small());
	assert_false(report.clean);
	drop(im);
	sound(im = chained());
	assert_int_equal(report.segments, 8);
	assert_int_equal(report.records, im->count);
	drop(im);
	sound(im = checkpointed());
	assert_int_equal(report.epoch, 42);
	assert_int_equal(report.live_bytes, 832 + 64 + 4096);
	drop(im);
	sound(im = uncommitted());
	assert_int_equal(report.uncommitted, 4);
	assert_int_equal(report.live, 3);
	assert_int_equal(report.tombstones, 2);
	drop(im);
	noted(im = torn(), "the log ends before record 11 at byte 12992; what "
	    "follows is no whole record (its checksum is wrong)");
	assert_int_equal(report.uncommitted, 3);
	drop(im);
	sound(im = many());
	assert_int_equal(report.live, 2900);
	drop(im);
}

/* ---- lists, strings, parts, moves ---- */

#define LEAF    20480
#define STRINGS 20544
#define PART    20608
#define LIST    20736
#define INNER   20800
#define FREE_AT 20864

/* A leaf, two strings with a part, a list of both and of a list; not closed. */
static struct image *
family(void)
{
	struct image          *im = fresh();
	struct rfm_string_disk cells[2] = { { .length = RFM_STRING_NA },
	    { .length = 60 | RFM_STRING_IS_BYTES } };

	cells[1].far.offset = 40;
	put_bytes(im, STRINGS, cells, sizeof cells);
	put_cells(im, LIST, 1, 2, 4);
	put_cells(im, INNER, 0, 1, 0);
	allocate_as(im, 1, LEAF, RFM_RAW, 10, 1, RFM_ALLOCATE_ELEMENT, 0);
	allocate_as(im, 2, STRINGS, RFM_CHARACTER, 32, 16, 0, 0);
	allocate_as(im, 3, PART, RFM_BYTES, 100, 1, 0, 2);
	allocate_as(im, 4, INNER, RFM_LIST, 24, 8, 0, 0);
	allocate_as(im, 5, LIST, RFM_LIST, 24, 8, 0, 0);
	commit(im, 1, 6);
	return im;
}

static void
seal_family(struct image *im)
{
	static const uint64_t ids[] = { 1, 2, 4, 5 };

	for (size_t i = 0; i < COUNT(ids); i++) {
		im->flags = i < 3 ? RFM_RECORD_MORE : 0;
		seal_as(im, ids[i], i < 3 ? 0 : RFM_SEAL_REFERENCED);
	}
}

/* Only the process died: the end of the log is what counts. */
static struct image *
same_boot(struct image *im)
{
	memcpy(im->boot, old_boot, 16);
	return im;
}

/* The record with this number is changed, and its checksum made right. */
#define FORGE(index, type, field, value) do {                           \
	((type *)body(im, index))->field = (value);                     \
	seal_record(im, im->records[index]);                            \
} while (0)

/* proves I10 */
static void
families_are_sound(void **state)
{
	struct image *im;

	(void)state;
	sound(im = family());
	assert_int_equal(report.live, 4);
	assert_int_equal(report.live_bytes, 5 * 64 + 64);
	seal_family(im);
	sound(im);
	sound(same_boot(im));
	assert_int_equal(report.sealed, 4);
	free_id(im, 5);
	free_id(im, 2);
	sound(im);
	assert_int_equal(report.live, 2);
	assert_int_equal(report.tombstones, 2);
	drop(im);
	/* An uncommitted list may name what it likes, after a power cut. */
	sound(im = family());
	allocate_as(im, 6, FREE_AT, RFM_LIST, 24, 8, 0, 0);
	put_cells(im, FREE_AT, 77, 3, 0);
	sound(im);
	damaged(same_boot(im), "list 6: its element 1 names id 77, which is "
	    "not there; it has 2 such elements");
	drop(im);
}

/* A verdict needs all that it rests on: if memory is missing, there is none. */
static void
without_memory_there_is_no_verdict(void **state)
{
	struct image *(*const stores[])(void) = { small, chained, torn, many,
		family };
	int failures = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(stores); i++) {
		struct image   *im = stores[i]();
		enum rfm_status status = RFM_NO_MEMORY;

		if (stores[i] == family)
			seal_family(im);
		for (long n = 1; status != RFM_OK; n++) {
			fail_allocation(n);
			status = judge(im);
			assert_int_equal(status, allocation_failed() ?
			    RFM_NO_MEMORY : RFM_OK);
			failures += allocation_failed();
		}
		fail_allocation(0);
		assert_true(report.sound);
		drop(im);
	}
	assert_true(failures > 20);
}

/* proves I10 */
static void
cells_of_lists(void **state)
{
	static const uint64_t wrong[] = { 3, 6, 99, UINT64_MAX };
	struct image         *im;
	char                  text[128];

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		im = family();
		put_cells(im, LIST, 1, wrong[i], 4);
		snprintf(text, sizeof text, "list 5: its element 2 names id "
		    "%" PRIu64 ", which is not there; it has 1 such element",
		    wrong[i]);
		damaged(same_boot(im), text);
		snprintf(text, sizeof text, "names id %" PRIu64 ", which is "
		    "not there in the last COMMIT", wrong[i]);
		memcpy(im->boot, new_boot, 16);
		damaged(im, text);
		drop(im);
	}
	/* The leaf is freed, and two lists name it. */
	im = family();
	put_cells(im, LIST, 0, 2, 4);
	free_id(im, 1);
	sound(im);
	damaged(same_boot(im), "list 4: its element 2 names id 1, which is "
	    "not there; it");
	commit(im, 2, 6);
	damaged(im, "list 4: its element 2 names id 1, which is not there");
	drop(im);
	/* A list that is no more may name the dead. */
	im = family();
	put_cells(im, LIST, 99, 99, 99);
	free_id(im, 5);
	commit(im, 2, 6);
	sound(im);
	sound(same_boot(im));
	drop(im);
	/* Sealed, but what is in it is not. */
	im = family();
	seal_as(im, 5, 0);
	damaged(same_boot(im), "list 5 is sealed, but 3 of its elements are "
	    "not");
	memcpy(im->boot, new_boot, 16);
	sound(im);
	commit(im, 2, 6);
	damaged(im, "list 5 is sealed, but 3 of its elements are not");
	drop(im);
	/* Nobody's element. */
	im = family();
	put_cells(im, LIST, 0, 2, 4);
	put_cells(im, INNER, 0, 0, 0);
	noted(same_boot(im), "1 elements are in no list and have no name: the "
	    "next session frees them");
	drop(im);
}

/* proves I10 */
static void
loops_of_lists(void **state)
{
	struct image *im = family();

	(void)state;
	put_cells(im, INNER, 0, 1, 4);
	damaged(same_boot(im), "a list contains itself: 1 in loops or below");
	put_cells(im, LIST, 5, 2, 4);
	put_cells(im, INNER, 0, 1, 0);
	damaged(im, "a list contains itself: 2 in loops or below them");
	put_cells(im, INNER, 5, 5, 4);
	put_cells(im, LIST, 1, 4, 4);
	damaged(im, "a list contains itself: 2 in loops or below them");
	memcpy(im->boot, new_boot, 16);
	damaged(im, "a list contains itself in the last COMMIT");
	drop(im);
	/* A list beyond the end of the file is named, but cannot be read. */
	for (int i = 0; i < 2; i++) {
		im = i == 0 ? family() : same_boot(family());
		FORGE(3, struct rfm_allocate_disk, offset, 2 * STEP);
		damaged(im, "vector 4: its 24 bytes at offset 131072 lie beyond "
		    "the end of the file");
		drop(im);
	}
}

/* proves I9 */
static void
parts_and_their_owners(void **state)
{
	struct image *im;

	(void)state;
	im = family();
	FORGE(2, struct rfm_allocate_disk, owner, 9);
	judge(im);
	assert_non_null(strstr(said, "record 3 at byte 12528: a part of id 9,"
	    " which is not there"));
	FORGE(2, struct rfm_allocate_disk, owner, 3);
	judge(im);
	assert_non_null(strstr(said, "a part of id 3, which is not there"));
	FORGE(2, struct rfm_allocate_disk, owner, 1);
	damaged(im, "a part of id 1: only string vectors have parts, and "
	    "these are bytes");
	FORGE(2, struct rfm_allocate_disk, owner, 2);
	FORGE(2, struct rfm_allocate_disk, type, RFM_RAW);
	damaged(im, "a part of id 2: only string vectors have parts");
	FORGE(2, struct rfm_allocate_disk, type, RFM_BYTES);
	FORGE(2, struct rfm_allocate_disk, flags, RFM_ALLOCATE_ELEMENT);
	damaged(im, "a part of id 2: only string vectors have parts");
	FORGE(2, struct rfm_allocate_disk, flags, RFM_ALLOCATE_SEALED);
	damaged(im, "a part of id 2: only one of the two is sealed");
	drop(im);
	im = family();
	free_id(im, 3);
	damaged(im, "FREE of id 3, which is only a part of 2");
	drop(im);
	im = family();
	seal_as(im, 3, 0);
	damaged(im, "SEAL of id 3, which is only a part of 2");
	drop(im);
	/* A part of what was freed. */
	im = family();
	free_id(im, 2);
	put_cells(im, LIST, 1, 0, 4);
	commit(im, 2, 6);
	sound(im);
	allocate_as(im, 6, FREE_AT, RFM_BYTES, 64, 1, 0, 2);
	damaged(im, "a part of id 2, which is not there");
	drop(im);
	/* The room of a part is as sacred as any. */
	im = family();
	allocate_as(im, 6, PART + 64, RFM_RAW, 10, 1, 0, 0);
	damaged(im, "vector 3 (bytes 20608 to 20736) and vector 6 (bytes "
	    "20672 to 20736) overlap");
	drop(im);
}

/* proves I10 */
static void
strings_of_sealed_vectors(void **state)
{
	struct rfm_string_disk cell = { .length = 60 };
	struct image          *im;

	(void)state;
	for (int i = 0; i < 4; i++) {
		im = family();
		cell.far.part = i == 0;
		cell.far.offset = i == 1 ? 41 : i == 2 ? UINT32_MAX : 0;
		cell.length = i == 3 ? RFM_STRING_IS_BYTES | 101 : 60;
		put_bytes(im, STRINGS, &cell, sizeof cell);
		sound(same_boot(im));           /* it may still change */
		seal_as(im, 2, 0);
		damaged(im, "vector 2: its string 1 lies outside its parts; 1"
		    " do");
		memcpy(im->boot, new_boot, 16);
		sound(im);                      /* and is not committed */
		commit(im, 2, 6);
		damaged(im, "vector 2: its string 1 lies outside its parts");
		drop(im);
	}
	/* A MOVE says how many there are. */
	im = family();
	move_to(im, 2, FREE_AT, 48, 3);
	put_bytes(im, FREE_AT + 32, &cell, sizeof cell);
	seal_as(im, 2, 0);
	damaged(same_boot(im), "vector 2: its string 3 lies outside its parts");
	drop(im);
	/* Parts are counted from the oldest. */
	im = family();
	allocate_as(im, 6, FREE_AT, RFM_BYTES, 1, 1, 0, 2);
	seal_as(im, 2, 0);
	sound(same_boot(im));
	cell.length = 13;
	cell.far.part = 1;
	cell.far.offset = 0;
	put_bytes(im, STRINGS, &cell, sizeof cell);
	damaged(im, "vector 2: its string 1 lies outside its parts");
	drop(im);
}

/* proves I3, I6 */
static void
payloads_that_move(void **state)
{
	struct image *im;

	(void)state;
	im = family();
	move_to(im, 5, FREE_AT, 24, 3);
	put_cells(im, FREE_AT, 1, 0, 4);
	sound(im);
	sound(same_boot(im));
	put_cells(im, FREE_AT, 1, 3, 4);
	damaged(im, "list 5: its element 2 names id 3, which is not there; it");
	put_cells(im, FREE_AT, 1, 0, 4);
	/* The place that it left is still needed. */
	put_cells(im, LIST, 1, 3, 4);
	damaged(im, "list 5: its element 2 names id 3, which is not there in "
	    "the last COMMIT");
	memcpy(im->boot, new_boot, 16);
	damaged(im, "list 5: its element 2 names id 3, which is not there in "
	    "the last COMMIT");
	put_cells(im, LIST, 1, 0, 4);
	allocate_as(im, 6, LIST, RFM_RAW, 10, 1, 0, 0);
	damaged(im, "vector 5 (bytes 20736 to 20800) and vector 6 (bytes "
	    "20736 to 20800) overlap");
	commit(im, 2, 7);
	sound(im);                              /* not any more */
	drop(im);
}

static void
payloads_that_move_wrongly(void **state)
{
	static const struct {
		uint64_t    id, offset, bytes, length;
		const char *text;
	} wrong[] = {
		{ 5, FREE_AT + 8, 24, 3, "offset 20872 is not aligned to 64" },
		{ 5, FREE_AT, 24, 4, "24 bytes are not 4 elements of 8" },
		{ 5, 131072, 24, 3, "vector 5: its 24 bytes at offset 131072 "
		    "lie beyond the end" },
		{ 3, FREE_AT, 50, 50, "MOVE of id 3, which is sealed or a part" },
		{ 9, FREE_AT, 24, 3, "MOVE of id 9, which is not there" },
	};
	struct image *im;

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		im = same_boot(family());
		move_to(im, wrong[i].id, wrong[i].offset, wrong[i].bytes,
		    wrong[i].length);
		put_cells(im, FREE_AT, 1, 2, 4);
		damaged(im, wrong[i].text);
		drop(im);
	}
	im = family();
	seal_family(im);
	move_to(im, 5, FREE_AT, 24, 3);
	put_cells(im, FREE_AT, 1, 2, 4);
	sound(im);
	drop(im);
	im = family();
	seal_family(im);
	move_to(im, 5, FREE_AT, 16, 2);
	put_cells(im, FREE_AT, 1, 2, 0);
	damaged(im, "MOVE of id 5, which is sealed or a part, to another");
	drop(im);
	/* Shorter in its place, and the end is given up: it is still needed. */
	im = family();
	allocate_as(im, 6, 24576, RFM_BYTES, 200, 1, 0, 0);
	commit(im, 2, 7);
	move_to(im, 6, 24576, 100, 100);
	sound(im);
	allocate_as(im, 7, 24576 + 128, RFM_RAW, 10, 1, 0, 0);
	damaged(im, "vector 6 (bytes 24704 to 24832) and vector 7 (bytes 24704"
	    " to 24768) overlap");
	commit(im, 3, 8);
	sound(im);
	drop(im);
}

/* ---- groups, names, objects, growth ---- */

#define DATA    20480
#define NAMES   20608
#define LEVELS  20672
#define PIECE   20736
#define OBJECT  20800
#define OTHER   20864
#define TEXTS   RFM_CHARACTER
#define ELEMENT (RFM_ALLOCATE_ELEMENT | RFM_ALLOCATE_SEALED)

#define CELL(index, id) put_bytes(im, OBJECT + 8 * (index), \
    &(uint64_t){ id }, 8)

static void
put_piece(struct image *im, double from, double length)
{
	double piece[2] = { from, length };

	put_bytes(im, PIECE, piece, sizeof piece);
}

/* An object with two attributes: its levels, and the piece of its vector that it
 * stands for. One group gives it a name; a second one makes its vector longer and
 * names something else. Not closed. Records 0 to 10. */
static struct image *
open_named(void)
{
	struct image            *im = fresh();
	struct rfm_allocate_disk data = { 1, DATA, 80, 5, RFM_NUMERIC, ELEMENT,
	    0, 0, 0 };
	struct rfm_string_disk   names[2] = { { .length = 6 }, { 0 } };
	uint64_t                 cells[4] = { 1, 2, 3, 4 };

	memcpy(names[0].text, "levels", 6);
	put_bytes(im, NAMES, names, sizeof names);
	put_bytes(im, OBJECT, cells, sizeof cells);
	put_piece(im, 1, 4);
	MORE(put_record(im, ALLOCATE, &data, sizeof data));
	MORE(allocate_as(im, 2, NAMES, TEXTS, 32, 16, ELEMENT, 0));
	MORE(allocate_as(im, 3, LEVELS, TEXTS, 16, 16, ELEMENT, 0));
	MORE(allocate_as(im, 4, PIECE, RFM_NUMERIC, 16, 8, ELEMENT, 0));
	MORE(allocate_as(im, 5, OBJECT, RFM_OBJECT, 32, 8, ELEMENT, 0));
	name_as(im, 5, "flights2013", 7, 4);
	commit(im, 1, 6);
	MORE(extend(im, 1, 6));
	MORE(allocate_as(im, 6, OTHER, RFM_SERIALIZED, 3, 1, ELEMENT, 0));
	name(im, 6, "\xc3\xa5");
	commit(im, 2, 7);
	return im;
}

static struct image *
named(void)
{
	struct image *im = open_named();

	put_super(im, 2, 0, HEAP, 4096, SALT, 0);
	put_super(im, 3, RFM_SUPERBLOCK_CLEAN, HEAP, 4096, SALT, 12);
	return im;
}

/* Half a group at the end. Were it whole, its FREE would be damage. */
static struct image *
half(void)
{
	struct image *im = open_named();

	MORE(allocate_as(im, 7, OTHER + 64, RFM_RAW, 3, 1, ELEMENT, 0));
	MORE(free_id(im, 5));
	return im;
}

/* The message begins with the record's number and place. */
static void
damaged_at(struct image *im, unsigned i, const char *text)
{
	char all[512];

	snprintf(all, sizeof all, "damage: record %" PRIu64 " at byte %" PRIu64
	    ": %s", record(im, i)->sequence, im->records[i], text);
	damaged(im, all);
}

/* The last record is wrong in this way. */
static void
last_damaged(struct image *im, const char *text)
{
	damaged_at(im, im->count - 1, text);
	drop(im);
}

/* proves I16 */
static void
named_stores_are_sound(void **state)
{
	struct image *im;

	(void)state;
	sound(im = named());
	assert_int_equal(report.names, 2);
	assert_int_equal(report.live, 6);
	assert_int_equal(report.sealed, 6);
	drop(im);
	sound(im = open_named());
	sound(same_boot(im));
	name(im, 0, "flights");
	name(im, 0, "flights");              /* it is not there any more */
	name(im, 0, "nobody");
	noted(im, "1 elements are in no list and have no name: the next "
	    "session frees them");
	assert_int_equal(report.names, 1);
	drop(im);
}

/* proves I2, I4 */
static void
half_a_group(void **state)
{
	struct image *im = half();
	char          text[256];

	(void)state;
	snprintf(text, sizeof text, "the log ends before record 12 at byte "
	    "%" PRIu64 ", where half a group of records begins, as a crash "
	    "leaves it: record 14 is missing at byte %" PRIu64 "\n",
	    im->records[11], im->at);
	noted(im, text);
	noted(same_boot(im), text);
	assert_int_equal(report.records, 11);
	assert_int_equal(report.uncommitted, 0);
	assert_int_equal(report.live, 6);
	assert_int_equal(report.names, 2);
	/* A bit more of it, and then the end. */
	memset(im->bytes + im->at, 0xaa, 30);
	noted(im, text);
	memset(im->bytes + im->at, 0, 30);
	MORE(name(im, 0, "flights"));
	record(im, 13)->checksum ^= 1;
	noted(im, text);
	assert_null(strstr(strstr(said, "note: ") + 1, "note: "));
	record(im, 13)->checksum ^= 1;
	noted(im, "record 15 is missing");
	name(im, 7, "x");
	damaged(im, "record 13 frees vector 5, but the name that record 6 ");
	assert_int_equal(report.records, 15);
	assert_int_equal(report.uncommitted, 4);
	drop(im);
	/* It excuses nothing. */
	im = half();
	CELL(2, 77);
	damaged(same_boot(im), "object 5: its element 3 names id 77");
	drop(im);
	/* A store that was closed has none. */
	im = half();
	put_super(im, 2, 0, HEAP, 4096, SALT, 0);
	put_super(im, 3, RFM_SUPERBLOCK_CLEAN, HEAP, 4096, SALT, 12);
	snprintf(text, sizeof text, "the group of records that begins with "
	    "record 12 at byte %" PRIu64 " has no end: record 14 is missing at "
	    "byte %" PRIu64 ", although the store was closed cleanly\n",
	    im->records[11], im->at);
	damaged(im, text);
	drop(im);
}

/* proves I2, I3 */
static void
what_stands_behind_half_a_group(void **state)
{
	struct image *im = half();
	char          text[256];

	(void)state;
	MORE(extend(im, 1, 7));
	allocate_as(im, 8, OTHER + 128, RFM_RAW, 3, 1, 0, 0);
	memset(record(im, 13), 0, 48);
	noted(im, "where half a group of records begins");
	snprintf(text, sizeof text, "record 14 at byte %" PRIu64 " is not whole "
	    "(its length is impossible), but record 15 stands behind it at "
	    "byte %" PRIu64 ": no crash leaves that", im->records[13],
	    im->records[14]);
	damaged(same_boot(im), text);
	memcpy(im->boot, new_boot, 16);
	commit(im, 3, 9);
	snprintf(text, sizeof text, "record 14 at byte %" PRIu64 " is not whole "
	    "(its length is impossible), but record 16 stands behind it at "
	    "byte %" PRIu64 ": no crash leaves that", im->records[13],
	    im->records[15]);
	damaged(im, text);
	drop(im);
	/* The first record of a group may be the broken one. */
	im = half();
	record(im, 11)->checksum ^= 1;
	noted(im, "the log ends before record 12");
	damaged(same_boot(im), "record 12 at byte ");
	drop(im);
}

/* proves I2 */
static void
what_no_group_has(void **state)
{
	struct image *im;

	(void)state;
	im = half();
	commit(im, 3, 8);
	last_damaged(im, "a COMMIT, but the group of records that it stands in "
	    "has no end");
	im = half();
	link_to(im, 16384, 512, SALT + 1);
	last_damaged(im, "a LINK, but the group of records that it stands in "
	    "has no end");
	im = open_named();
	MORE(commit(im, 3, 7));
	last_damaged(im, "a COMMIT, but the group");
	im = open_named();
	MORE(link_to(im, 16384, 512, SALT + 1));
	last_damaged(im, "a LINK, but the group");
	im = half();
	im->sequence++;
	free_id(im, 6);
	last_damaged(im, "sequence 14 was due here");
	im = half();
	im->flags = 6;
	free_id(im, 6);
	last_damaged(im, "unknown flags 0x6");
	/* A group that has no room for its end is not begun. */
	for (int i = 8; i <= 9; i++) {
		im = new_image(2 * STEP);
		put_super(im, 1, 0, HEAP, 512, SALT, 0);
		put_segment(im, HEAP, 512, SALT);
		for (int k = 0; k < i; k++)
			if (i == 8 && k < 4)
				MORE(extend(im, 1, 1));
			else
				MORE(free_id(im, 1));
		if (i == 8)                  /* a FREE, and then a LINK */
			noted(im, "record 9 is missing at byte 12704");
		else
			damaged(im, "the group of records that begins with "
			    "record 1 at byte 12352 has no end: record 10 is "
			    "missing at byte 12712, where its segment has no "
			    "room for it");
		drop(im);
	}
	/* Its records are judged like others. */
	im = half();
	free_id(im, 77);
	assert_int_equal(judge(im), RFM_OK);
	assert_non_null(strstr(said, "FREE of id 77, which is not there"));
	drop(im);
}

/* proves I7 */
static void
seals_of_elements(void **state)
{
	struct image *im;

	(void)state;
	im = open_named();
	seal_as(im, 1, 0);
	last_damaged(im, "SEAL of id 1, which was sealed before");
	im = open_named();
	seal_as(im, 1, RFM_SEAL_REFERENCED);
	sound(im);
	sound(same_boot(im));
	seal_as(im, 1, RFM_SEAL_REFERENCED);
	last_damaged(im, "SEAL of id 1, which was sealed before");
	/* No element. */
	im = open_named();
	allocate_as(im, 7, OTHER + 64, RFM_RAW, 3, 1, RFM_ALLOCATE_SEALED, 0);
	seal_as(im, 7, RFM_SEAL_REFERENCED);
	last_damaged(im, "SEAL of id 7, which was sealed before");
	/* One that becomes both at once. */
	im = same_boot(open_named());
	allocate_as(im, 7, OTHER + 64, RFM_RAW, 3, 1, RFM_ALLOCATE_ELEMENT, 0);
	noted(im, "1 elements are in no list and have no name");
	seal_as(im, 7, 0);
	noted(im, "1 elements are in no list and have no name");
	seal_as(im, 7, RFM_SEAL_REFERENCED);
	sound(im);
	seal_as(im, 7, RFM_SEAL_REFERENCED);
	last_damaged(im, "SEAL of id 7, which was sealed before");
	im = same_boot(open_named());
	allocate_as(im, 7, OTHER + 64, RFM_RAW, 3, 1, RFM_ALLOCATE_ELEMENT, 0);
	seal_as(im, 7, RFM_SEAL_REFERENCED);
	sound(im);
	drop(im);
}

/* A reference changes nothing of what was summed. */
static void
sums_of_elements(void **state)
{
	struct image            *im = same_boot(open_named());
	struct rfm_allocate_disk a = { 7, OTHER + 64, 24, 2, RFM_NUMERIC,
	    ELEMENT, 1, rfm_crc32c(0, "0123456789abcdef", 16), 0 };

	(void)state;
	put_bytes(im, OTHER + 64, "0123456789abcdef", 16);
	MORE(put_record(im, ALLOCATE, &a, sizeof a));
	seal_as(im, 7, RFM_SEAL_REFERENCED);
	sound(im);
	im->bytes[OTHER + 64 + 16] = 'g';    /* the room for one more */
	sound(im);
	extend(im, 7, 3);
	sound(im);
	im->bytes[OTHER + 64 + 15] ^= 1;
	damaged(im, "vector 7: its payload at byte 20928 has checksum ");
	drop(im);
}

static void
room_to_grow(void **state)
{
	static const struct {
		uint32_t    type;
		uint64_t    bytes, length;
		const char *text;
	} some[] = {
		{ RFM_LOGICAL, 41, 10, NULL }, { RFM_INTEGER, 44, 10, NULL },
		{ RFM_NUMERIC, 81, 10, NULL }, { RFM_COMPLEX, 176, 10, NULL },
		{ RFM_RAW, 11, 10, NULL }, { RFM_SERIALIZED, 11, 0, NULL },
		{ RFM_CHARACTER, 48, 2, NULL },
		{ RFM_LIST, 24, 2, "24 bytes are not 2 elements of 8 bytes" },
		{ RFM_LIST, 25, 3, "25 bytes are not 3 elements of 8 bytes" },
		{ RFM_OBJECT, 24, 2, "24 bytes are not 2 elements of 8" },
		{ RFM_BYTES, 24, 23, "24 bytes are not 23 elements of 1" },
		{ RFM_RAW, 9, 10, "9 bytes are no room for 10 elements of 1" },
		{ RFM_NUMERIC, 79, 10, "79 bytes are no room for 10 elements "
		    "of 8" },
		{ RFM_SERIALIZED, 9, 10, "9 bytes are no room for 10 elements "
		    "of 1" },
		{ RFM_LIST, 16, 3, "16 bytes are not 3 elements of 8 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(some); i++) {
		struct image            *im = open_named();
		struct rfm_allocate_disk a = { 7, 24576, some[i].bytes,
		    some[i].length, some[i].type, 0, 0, 0, 0 };

		put_record(im, ALLOCATE, &a, sizeof a);
		if (some[i].text != NULL) {
			last_damaged(im, some[i].text);
			continue;
		}
		sound(im);
		sound(same_boot(im));
		drop(im);
	}
}

/* proves I5 */
static void
extensions(void **state)
{
	static const struct {
		uint64_t    id, length;
		const char *text;
	} some[] = {
		{ 1, 7, NULL }, { 1, 10, NULL },
		{ 1, 6, "EXTEND of id 1 to 6 elements, but it has 6" },
		{ 1, 5, "EXTEND of id 1 to 5 elements, but it has 6" },
		{ 1, 11, "80 bytes are no room for 11 elements of 8 bytes" },
		{ 1, UINT64_MAX, "80 bytes are no room for 18446744" },
		{ 6, 4, "3 bytes are no room for 4 elements of 1 bytes" },
		{ 5, 5, "EXTEND of id 5, but its type 9 never grows" },
		{ 9, 1, "EXTEND of id 9, which is not there" },
		{ 7, 2, "EXTEND of id 7, which was freed before" },
		{ 8, 4, "EXTEND of id 8, but its type 7 never grows" },
		{ 10, 4, "EXTEND of id 10, but its type 8 never grows" },
		{ 12, 4, "3 bytes are no room for 4 elements of 1 bytes" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(some); i++) {
		struct image *im = open_named();

		allocate_as(im, 7, 24576, RFM_RAW, 1, 1, 0, 0);
		free_id(im, 7);
		allocate_as(im, 8, 24640, RFM_LIST, 24, 8, 0, 0);
		if (some[i].id != 9)
			allocate_as(im, 9, 24704, RFM_RAW, 1, 1, 0, 0);
		allocate_as(im, 10, 24768, RFM_BYTES, 3, 1, 0, 0);
		allocate_as(im, 11, 24832, RFM_CHARACTER, 16, 16, 0, 0);
		allocate_as(im, 12, 24896, RFM_BYTES, 3, 1, 0, 11);
		extend(im, some[i].id, some[i].length);
		if (some[i].text != NULL) {
			last_damaged(im, some[i].text);
			continue;
		}
		sound(im);
		sound(same_boot(im));
		drop(im);
	}
}

/* An impossible length leads nowhere. */
static void
lengths_that_are_too_large(void **state)
{
	struct image *im = open_named();

	(void)state;
	FORGE(2, struct rfm_allocate_disk, length, 1ull << 40);
	damaged_at(im, 2, "16 bytes are no room for 1099511627776 elements of "
	    "16 bytes");
	FORGE(2, struct rfm_allocate_disk, length, 1);
	extend(im, 3, 1ull << 40);
	assert_int_equal(judge(same_boot(im)), RFM_OK);
	last_damaged(im, "16 bytes are no room for 1099511627776 elements");
}

/* Strings are judged as far as the vector reaches, in the state in question.
 * proves I3 */
static void
strings_that_were_added(void **state)
{
	struct image            *im = open_named();
	struct rfm_allocate_disk a = { 7, 24576, 64, 1, RFM_CHARACTER,
	    RFM_ALLOCATE_SEALED, 0, 0, 0 };
	struct rfm_string_disk   bad = { .length = 60 };

	(void)state;
	put_bytes(im, 24576 + 32, &bad, sizeof bad);
	put_record(im, ALLOCATE, &a, sizeof a);
	commit(im, 3, 8);
	sound(im);
	extend(im, 7, 2);
	sound(im);
	sound(same_boot(im));
	extend(im, 7, 3);
	damaged(im, "vector 7: its string 3 lies outside its parts; 1 do");
	memcpy(im->boot, new_boot, 16);
	sound(im);
	commit(im, 4, 8);
	damaged(im, "vector 7: its string 3 lies outside its parts; 1 do");
	extend(im, 7, 4);
	damaged(im, "vector 7: its string 3 lies outside its parts; 1 do");
	drop(im);
}

static const struct {
	const char *text;
	bool        good;
} texts[] = {
	{ "\x01", true }, { "a", true }, { "\x7f", true },
	{ "\xc2\x80", true }, { "\xdf\xbf", true }, { "\xe0\xa0\x80", true },
	{ "\xec\xbf\xbf", true }, { "\xed\x9f\xbf", true },
	{ "\xee\x80\x80", true }, { "\xef\xbf\xbf", true },
	{ "\xf0\x90\x80\x80", true }, { "\xf3\xbf\xbf\xbf", true },
	{ "\xf4\x8f\xbf\xbf", true }, { "\xe1\x80\x80z", true },
	{ "\x80", false }, { "\xbf", false }, { "a\x80", false },
	{ "\xc0\x80", false }, { "\xc1\xbf", false },         /* overlong */
	{ "\xe0\x80\x80", false }, { "\xe0\x9f\xbf", false },
	{ "\xf0\x80\x80\x80", false }, { "\xf0\x8f\xbf\xbf", false },
	{ "\xed\xa0\x80", false }, { "\xed\xbf\xbf", false }, /* surrogates */
	{ "\xf4\x90\x80\x80", false }, { "\xf5\x80\x80\x80", false },
	{ "\xf8\x88\x80\x80\x80", false }, { "\xff", false },
	{ "\xc3", false }, { "\xe2\x82", false }, { "\xf0\x9f\x98", false },
	{ "\xc3z", false }, { "\xe2\x82z", false }, { "\xe2z\x82", false },
	{ "\xf0\x9f\x98z", false }, { "\xe2\x82\xc3", false },
	{ "\xc2\x80\x80", false }, { "\xc2\xc0", false },
};

/* proves I16 */
static void
texts_of_names(void **state)
{
	struct image *im;
	char          text[64];

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		uint32_t n = (uint32_t)strlen(texts[i].text);

		im = open_named();
		name(im, 6, texts[i].text);
		if (texts[i].good) {
			sound(im);
			drop(im);
		} else {
			last_damaged(im, "its name is not a text in UTF-8");
		}
		im = open_named();
		snprintf(text, sizeof text, "x%s", texts[i].text);
		name_as(im, 6, text, 1, n);
		if (texts[i].good) {
			sound(im);
			drop(im);
		} else {
			last_damaged(im, "its note is not a text in UTF-8");
		}
	}
	/* A zero byte; a letter that is half in the name and half in the note. */
	im = open_named();
	name_as(im, 6, "a\0b", 3, 0);
	last_damaged(im, "its name is not a text in UTF-8");
	im = open_named();
	name_as(im, 6, "ab\0", 1, 2);
	last_damaged(im, "its note is not a text in UTF-8");
	im = open_named();
	name_as(im, 6, "\xc3\xa5", 1, 1);
	assert_int_equal(judge(im), RFM_OK);
	assert_int_equal(report.problems, 2);
	drop(im);
}

/* proves I16 */
static void
sizes_of_names(void **state)
{
	static char   text[4096];
	struct image *im;

	(void)state;
	memset(text, 'n', sizeof text - 1);
	im = open_named();
	name_as(im, 6, text, 1024, 0);
	sound(im);
	name_as(im, 0, text, 1024, 0);
	sound(im);
	drop(im);
	im = open_named();
	put_super(im, 1, 0, HEAP, 4096, SALT, 0);
	name_as(im, 6, text, 1, 2048);
	sound(im);
	drop(im);
	im = open_named();
	name_as(im, 6, text, 1025, 0);
	last_damaged(im, "a name of 1025 bytes");
	im = open_named();
	name_as(im, 6, text, 1, 2049);
	last_damaged(im, "a note of 2049 bytes");
	im = open_named();
	name_as(im, 6, text, 0, 0);
	last_damaged(im, "a name of 0 bytes");
	im = open_named();
	name_as(im, 6, text, 0, 9);
	last_damaged(im, "a name of 0 bytes");
	/* A name and a note of the most bytes. */
	im = new_image(2 * STEP);
	put_super(im, 1, 0, HEAP, 8192, SALT, 0);
	put_segment(im, HEAP, 8192, SALT);
	allocate_as(im, 1, 32768, RFM_RAW, 1, 1, RFM_ALLOCATE_SEALED, 0);
	name_as(im, 1, text, 1024, 2048);
	assert_int_equal(record(im, 1)->bytes, 3128);
	sound(im);
	assert_int_equal(report.records, 2);
	drop(im);
}

/* Not as long as it says, or not filled up with zeros. */
static void
records_of_names(void **state)
{
	static const uint32_t wrong[][2] = { { 9, 0 }, { 0, 9 }, { 1, 8 },
	    { UINT32_MAX, 0 }, { UINT32_MAX, 2 }, { 1, UINT32_MAX },
	    { UINT32_MAX, UINT32_MAX } };
	struct image          *im;
	struct rfm_name_disk  *n;
	uint8_t                longer[40] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		im = open_named();
		name(im, 6, "12345678");
		n = body(im, 11);
		n->name_bytes = wrong[i][0];
		n->note_bytes = wrong[i][1];
		seal_record(im, im->records[11]);
		last_damaged(im, "64 bytes are not the size of its kind");
	}
	im = open_named();
	n = (void *)longer;
	n->id = 6;
	n->name_bytes = 8;
	memcpy(n + 1, "12345678", 8);
	put_record(im, RFM_RECORD_NAME, longer, 40);
	last_damaged(im, "72 bytes are not the size of its kind");
	im = open_named();
	put_record(im, RFM_RECORD_NAME, longer, 16);
	last_damaged(im, "48 bytes are not the size of its kind");
	im = open_named();
	name(im, 6, "1234567");
	((char *)(body(im, 11)))[31] = 1;
	seal_record(im, im->records[11]);
	last_damaged(im, "the bytes behind its text are not zero");
	im = open_named();
	name_as(im, 6, "12", 1, 1);
	((char *)(body(im, 11)))[26] = ' ';
	seal_record(im, im->records[11]);
	last_damaged(im, "the bytes behind its text are not zero");
	im = open_named();
	name_as(im, 0, "ab", 1, 1);
	last_damaged(im, "a note to a name that is taken away");
}

/* proves I16 */
static void
what_names_stand_for(void **state)
{
	struct image *im;

	(void)state;
	im = open_named();
	name(im, 77, "x");
	last_damaged(im, "NAME of id 77, which is not there");
	im = open_named();
	allocate_as(im, 7, 24576, RFM_RAW, 1, 1, 0, 0);
	name(im, 7, "x");
	last_damaged(im, "NAME of id 7, which is not sealed");
	im = open_named();
	allocate_as(im, 7, 24576, RFM_RAW, 1, 1, RFM_ALLOCATE_SEALED, 0);
	free_id(im, 7);
	name(im, 7, "x");
	last_damaged(im, "NAME of id 7, which was freed before");
	assert_int_equal(report.names, 2);
	im = open_named();
	allocate_as(im, 7, 24576, RFM_CHARACTER, 16, 16, RFM_ALLOCATE_SEALED,
	    0);
	allocate_as(im, 8, 24640, RFM_BYTES, 1, 1, RFM_ALLOCATE_SEALED, 7);
	name(im, 8, "x");
	last_damaged(im, "NAME of id 8, which is only a part of 7");
}

/* proves I16 */
static void
frees_of_what_has_a_name(void **state)
{
	struct image *im;
	char          text[128];

	(void)state;
	im = open_named();
	free_id(im, 6);
	snprintf(text, sizeof text, "record 12 frees vector 6, but the name "
	    "that record 10 at byte %" PRIu64 " gave it still stands for it",
	    im->records[9]);
	damaged(im, text);
	assert_int_equal(report.names, 2);
	name(im, 0, "\xc3\xa5");            /* too late */
	damaged(im, text);
	assert_int_equal(report.names, 1);
	drop(im);
	im = same_boot(open_named());
	name(im, 0, "\xc3\xa5");
	free_id(im, 6);
	sound(im);
	assert_int_equal(report.names, 1);
	drop(im);
	im = open_named();
	name(im, 5, "\xc3\xa5");            /* something else now */
	free_id(im, 6);
	sound(im);
	assert_int_equal(report.names, 2);
	drop(im);
	/* It had two names, and loses one. */
	im = open_named();
	name(im, 6, "also");
	name(im, 0, "also");
	free_id(im, 6);
	damaged(im, "record 14 frees vector 6, but the name that record 10 ");
	drop(im);
	/* To and fro. */
	im = open_named();
	name(im, 5, "\xc3\xa5");
	name(im, 6, "\xc3\xa5");
	free_id(im, 6);
	damaged(im, "record 14 frees vector 6, but the name that record 13 ");
	assert_int_equal(report.names, 2);
	drop(im);
	/* Other names, though they begin or end alike, say nothing. */
	for (int i = 0; i < 4; i++) {
		static const char *const others[] = { "a", "abc", "aa", "bb" };
		im = open_named();
		allocate_as(im, 7, 24576, RFM_RAW, 1, 1, RFM_ALLOCATE_SEALED,
		    0);
		name(im, 7, "ab");
		name(im, 6, others[i]);
		name(im, 0, others[i]);
		sound(im);
		assert_int_equal(report.names, 3);
		free_id(im, 7);
		damaged(im, "record 16 frees vector 7, but the name that "
		    "record 13 ");
		drop(im);
	}
}

/* Names keep elements, and so do cells.
 * proves I16 */
static void
elements_with_names(void **state)
{
	struct image *im = same_boot(open_named());

	(void)state;
	name(im, 0, "flights");
	noted(im, "1 elements are in no list and have no name");
	name(im, 4, "flights");
	noted(im, "1 elements are in no list and have no name");
	name(im, 5, "again");
	sound(im);
	name(im, 0, "\xc3\xa5");
	noted(im, "1 elements are in no list and have no name");
	seal_as(im, 6, RFM_SEAL_REFERENCED);
	sound(im);
	drop(im);
}

/* Many names: the pool of texts grows, and the order is not that of the log. */
static void
many_names(void **state)
{
	struct image *im = new_image(8 * STEP);
	char          text[32];

	(void)state;
	put_super(im, 1, 0, 65536, 327680, SALT, 0);
	put_segment(im, 65536, 327680, SALT);
	allocate_as(im, 1, HEAP, RFM_RAW, 1, 1, RFM_ALLOCATE_SEALED, 0);
	for (uint64_t i = 0; i < 3000; i++) {
		snprintf(text, sizeof text, "%" PRIu64, i * 7919 % 3001 % 1500);
		name(im, i % 5 != 4, text);
	}
	commit(im, 1, 2);
	sound(im);
	for (uint64_t i = 0; i < 500; i++) {
		snprintf(text, sizeof text, "%" PRIu64, i);
		name(im, 0, text);
	}
	commit(im, 2, 2);
	sound(im);
	assert_true(report.names > 600 && report.names < 1000);
	for (uint64_t i = 500; i < 1500; i++) {
		snprintf(text, sizeof text, "%" PRIu64, i);
		name(im, 0, text);
	}
	free_id(im, 1);
	commit(im, 3, 2);
	sound(im);
	assert_int_equal(report.names, 0);
	drop(im);
}

/* proves I16 */
static void
objects(void **state)
{
	struct image *im;

	(void)state;
	im = open_named();
	FORGE(4, struct rfm_allocate_disk, bytes, 8);
	FORGE(4, struct rfm_allocate_disk, length, 1);
	damaged(im, "object 5 has 1 cells; it needs one for a vector and one "
	    "for names");
	FORGE(4, struct rfm_allocate_disk, bytes, 0);
	FORGE(4, struct rfm_allocate_disk, length, 0);
	damaged(im, "object 5 has 0 cells; it needs one for a vector and one "
	    "for names");
	drop(im);
	im = open_named();
	CELL(1, 0);
	damaged(im, "object 5: its second cell names no character vector");
	CELL(1, 4);
	damaged(im, "object 5: its second cell names no character vector");
	CELL(1, 3);
	damaged(im, "object 5 has 2 attributes, but 1 names for them");
	CELL(1, 77);
	damaged(im, "object 5: its element 2 names id 77, which is not there in "
	    "the last COMMIT; it has 1 such element");
	damaged(same_boot(im), "object 5: its element 2 names id 77, which is "
	    "not there; it has 1 such element");
	CELL(1, 2);
	CELL(2, 77);
	damaged(im, "object 5: its element 3 names id 77, which is not there");
	CELL(2, 0);
	noted(im, "1 elements are in no list and have no name");
	CELL(2, 5);
	damaged(im, "a list contains itself: 1 in loops or below them");
	drop(im);
	/* What is bad in both states is told once. */
	im = same_boot(open_named());
	extend(im, 1, 7);
	CELL(1, 4);
	damaged(im, "object 5: its second cell names no character vector");
	drop(im);
	/* Two cells are enough, if there are no names. */
	im = open_named();
	FORGE(4, struct rfm_allocate_disk, bytes, 16);
	FORGE(4, struct rfm_allocate_disk, length, 2);
	damaged(im, "object 5 has 0 attributes, but 2 names for them");
	FORGE(1, struct rfm_allocate_disk, bytes, 0);
	FORGE(1, struct rfm_allocate_disk, length, 0);
	sound(im);
	drop(im);
	/* What is not sealed may be anything, and not be in what is. */
	im = open_named();
	CELL(1, 0);
	FORGE(4, struct rfm_allocate_disk, flags, RFM_ALLOCATE_ELEMENT);
	damaged(im, "record 6 at byte 12792: NAME of id 5, which is not sealed");
	CELL(1, 2);
	FORGE(4, struct rfm_allocate_disk, flags, ELEMENT);
	FORGE(2, struct rfm_allocate_disk, flags, RFM_ALLOCATE_ELEMENT);
	damaged(im, "object 5 is sealed, but 1 of its elements are not");
	drop(im);
	im = same_boot(open_named());
	allocate_as(im, 7, 24576, RFM_OBJECT, 24, 8, 0, 0);
	sound(im);
	seal_as(im, 7, 0);
	damaged(im, "object 7: its second cell names no character vector");
	memcpy(im->boot, new_boot, 16);
	sound(im);
	commit(im, 3, 8);
	damaged(im, "object 7: its second cell names no character vector");
	drop(im);
}

/* proves I16 */
static void
pieces_of_vectors(void **state)
{
	static const double good[][2] = { { 0, 0 }, { 0, 6 }, { 6, 0 },
	    { 5, 1 }, { 0, 1 } };
	static const double wrong[][2] = { { 0, 7 }, { 6, 1 }, { 7, 0 },
	    { -1, 1 }, { 1, -1 }, { 0.5, 1 }, { 1, 0.5 }, { 1, 1e300 },
	    { 1e300, 1 }, { 0.0 / 0.0, 1 }, { 1, 0.0 / 0.0 },
	    { 1.0 / 0.0, 1 }, { 1, 1.0 / 0.0 }, { -1.0 / 0.0, 1 },
	    { -1.0, 2 }, { 7, -1 } };
	struct image *im = same_boot(open_named());
	char          text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		put_piece(im, good[i][0], good[i][1]);
		sound(im);
	}
	for (size_t i = 0; i < COUNT(wrong); i++) {
		put_piece(im, wrong[i][0], wrong[i][1]);
		snprintf(text, sizeof text, "object 5: it stands for %.17g "
		    "elements from %.17g on (bytes 20736 to 20752), but vector "
		    "1 has 6", wrong[i][1], wrong[i][0]);
		damaged(im, text);
	}
	/* The empty name, marked as bytes, is the empty name. */
	im->bytes[NAMES + 19] = 0x80;
	damaged(im, text);
	memset(im->bytes + NAMES + 16, 0xff, 4);     /* NA is another */
	sound(im);
	memset(im->bytes + NAMES + 16, 0, 4);
	/* No vector, no piece of it. */
	put_piece(im, 0, 1);
	CELL(0, 0);
	seal_as(im, 1, RFM_SEAL_REFERENCED);
	commit(im, 3, 7);
	damaged(im, "object 5: it stands for 1 elements from 0 on (bytes 20736 "
	    "to 20752), but vector 0 has 0");
	put_piece(im, 0, 0);
	sound(im);
	CELL(0, 77);                                 /* told, and once */
	put_piece(im, 0, 1);
	damaged(im, "object 5: its element 1 names id 77");
	CELL(0, 1);
	/* It is a numeric vector of two. */
	name(im, 4, "piece");
	commit(im, 4, 7);
	CELL(3, 0);
	damaged(im, "object 5: its attribute without a name, in cell 4, is not "
	    "two numbers");
	CELL(3, 3);
	damaged(im, "object 5: its attribute without a name, in cell 4, is not");
	CELL(3, 2);
	damaged(im, "object 5: its attribute without a name, in cell 4, is not");
	CELL(3, 3);
	damaged(im, "object 5: its attribute without a name, in cell 4, is not");
	CELL(3, 77);
	damaged(im, "object 5: its element 4 names id 77");
	CELL(3, 4);
	sound(im);
	/* The first attribute as well as the last. */
	memset(im->bytes + NAMES, 0, 4);
	damaged(im, "object 5: its attribute without a name, in cell 3, is not");
	drop(im);
}

/* A vector becomes longer: for the last COMMIT it is what it was.
 * proves I3, I16 */
static void
pieces_and_states(void **state)
{
	struct image *im = open_named();

	(void)state;
	extend(im, 1, 7);
	extend(im, 1, 8);
	put_piece(im, 0, 7);
	damaged(im, "object 5: it stands for 7 elements from 0 on (bytes 20736 "
	    "to 20752), but vector 1 has 6");
	commit(im, 3, 7);
	sound(im);
	extend(im, 1, 9);
	sound(im);
	put_piece(im, 0, 9);
	damaged(im, "but vector 1 has 8");
	commit(im, 4, 7);
	sound(im);
	drop(im);
}

/* What says no length must not lead to what may become longer. proves I7, I16 */
static void
room_that_nobody_should_see(void **state)
{
	struct image *im = open_named();

	(void)state;
	FORGE(1, struct rfm_allocate_disk, bytes, 47);   /* 2 of 16, and 15 */
	sound(im);
	FORGE(1, struct rfm_allocate_disk, bytes, 48);
	damaged(im, "object 5: 1 of its elements have room and may become"
	    " longer");
	FORGE(1, struct rfm_allocate_disk, bytes, 32);
	name(im, 1, "data");
	damaged(im, "NAME of id 1, which has room for more than its elements");
	drop(im);
	im = open_named();
	allocate_as(im, 7, 24576, RFM_LIST, 16, 8, 0, 0);
	commit(im, 3, 8);
	put_bytes(im, 24576, (uint64_t[]){ 4, 5 }, 16);
	sound(im);
	put_bytes(im, 24576, (uint64_t[]){ 1, 1 }, 16);
	damaged(im, "list 7: 2 of its elements have room and may become longer");
	extend(im, 1, 10);
	commit(im, 4, 8);
	sound(im);
	drop(im);
}

/* ---- files that are not stores ---- */

static void
what_is_no_store(void **state)
{
	struct image *im = fresh();

	(void)state;
	im->size = 0;
	refused(im, RFM_FOREIGN, "does not begin like one");
	im->size = 5;
	refused(im, RFM_FOREIGN, "does not begin like one");
	im->size = 2 * STEP;
	memset(im->bytes, 0, im->size);
	refused(im, RFM_FOREIGN, "does not begin like one");
	memset(im->bytes, 'x', im->size);
	refused(im, RFM_FOREIGN, "does not begin like one");
	drop(im);
	im = small();
	super(im, 0)->version = super(im, 1)->version = 2;
	seal_super(im, 0);
	seal_super(im, 1);
	refused(im, RFM_VERSION, "a store of format 2; this program knows "
	    "format 1");
	super(im, 0)->checksum++;
	super(im, 1)->checksum++;
	refused(im, RFM_VERSION, "a store of format 2");
	drop(im);
}

static void
what_cannot_be_read(void **state)
{
	struct image *im = small();

	(void)state;
	im->unreadable = true;
	refused(im, RFM_IO, "cannot read");
	im->unreadable = false;
	im->locks = false;                     /* no lock: read anyway */
	sound(im);
	drop(im);
}

/* ---- superblocks ---- */

/* proves I1 */
static void
superblock_fields(void **state)
{
	struct image *im = small();

	(void)state;
	super(im, 0)->reserved[27] = 1;
	seal_super(im, 0);
	damaged(im, "superblock copy 0: its reserved bytes are not zero");
	super(im, 0)->reserved[27] = 0;
	super(im, 0)->file_bytes = im->size + STEP;
	seal_super(im, 0);
	sound(im);      /* the older copy: the file may have been compacted */
	super(im, 0)->file_bytes = 2 * STEP;
	super(im, 1)->file_bytes = im->size + STEP;
	seal_super(im, 1);
	damaged(im, "superblock copy 1: the file has been cut short: it had ");
	super(im, 1)->file_bytes = 2 * STEP;
	super(im, 1)->flags |= 4;
	seal_super(im, 0);
	seal_super(im, 1);
	damaged(im, "superblock copy 1: unknown flags 0x5");
	super(im, 1)->flags = 1;
	super(im, 1)->sequence = 1;
	seal_super(im, 1);                     /* number 2 is not clean: it counts */
	sound(im);
	super(im, 1)->sequence = 5;
	seal_super(im, 1);
	damaged(im, "superblocks: their numbers 2 and 5 are not one apart");
	super(im, 1)->sequence = 4;
	seal_super(im, 1);
	judge(im);
	assert_non_null(strstr(said, "superblock copy 1: its number 4 does "
	    "not belong into this page"));
	super(im, 1)->sequence = 3;
	super(im, 1)->uuid[3] ^= 1;
	seal_super(im, 1);
	damaged(im, "superblocks: two different UUIDs");
	super(im, 1)->uuid[3] ^= 1;
	memset(super(im, 0)->uuid, 0, 16);
	seal_super(im, 0);
	seal_super(im, 1);
	judge(im);
	assert_non_null(strstr(said, "superblock copy 0: it has no UUID"));
	drop(im);
}

/* proves I1 */
static void
superblocks_torn_or_broken(void **state)
{
	static const uint8_t zeros[128];
	struct image *im = small(), *copy = small();
	uint8_t      *other = (uint8_t *)super(im, 0);

	(void)state;
	/* Any prefix of number 4 over number 2 is what a torn write leaves. */
	put_super(copy, 4, 0, HEAP, 4096, SALT, 0);
	for (size_t k = 1; k < 128; k++) {
		memcpy(other, super(copy, 0), k);
		if (memcmp(other, super(copy, 0), 128) == 0)
			break;
		if (k > 32)
			noted(im, "superblock copy 0 (byte 0): not whole, as a "
			    "torn write leaves it");
	}
	drop(im);
	drop(copy);
	/* Over zeros, when there was no other: any prefix, even of the magic. */
	im = fresh();
	copy = fresh();
	put_super(copy, 2, 0, HEAP, 4096, SALT, 0);
	for (size_t k = 1; k < 128; k++) {
		put_bytes(im, 0, zeros, 128);
		put_bytes(im, 0, copy->bytes, k);
		noted(im, "superblock copy 0 (byte 0): not whole, as a torn");
	}
	drop(copy);
	drop(im);
	/* What no torn write changes. */
	for (size_t i = 0; i < 9; i++) {
		static const size_t at[9] = { 0, 7, 8, 12 + 2, 16, 31, 36,
			88, 100 };
		im = small();
		im->bytes[at[i]] ^= 0x40;
		damaged(im, "superblock copy 0 (byte 0): not whole, and not "
		    "what a torn write leaves");
		drop(im);
	}
	im = small();
	memset(im->bytes, 0, 128);
	damaged(im, "superblock copy 0 (byte 0): not whole, and not");
	memset(im->bytes, 'x', 128);
	damaged(im, "superblock copy 0 (byte 0): not whole, and not");
	super(im, 1)->checksum ^= 1;
	memcpy(im->bytes, super(im, 1), 128);
	damaged(im, "superblocks: neither copy is whole (bytes 0 and 4096)");
	memset(im->bytes, 0, 128);
	damaged(im, "; a creation that was interrupted looks the same");
	drop(im);
	/* The newer one breaks, the older says that the store was closed. */
	im = small();
	super(im, 0)->flags = RFM_SUPERBLOCK_CLEAN;
	super(im, 0)->end_sequence = 4;
	seal_super(im, 0);
	super(im, 1)->checksum ^= 1;
	judge(im);
	assert_non_null(strstr(said, "a clean close said that 4 comes next"));
	drop(im);
	/* One copy of another format. */
	im = small();
	super(im, 0)->version = 2;
	seal_super(im, 0);
	damaged(im, "superblock copy 0 (byte 0): not whole, and not");
	drop(im);
}

/* A store of yesterday must not be taken for today's: number 9 names the
 * checkpoint and breaks; number 8 names the old log, which is still whole.
 * proves I1, I3 */
static void
superblock_broken_after_use(void **state)
{
	struct image *im = new_image(2 * STEP);

	(void)state;
	put_super(im, 8, 0, HEAP, 4096, SALT, 0);
	put_super(im, 9, 0, 20480, 1024, SALT + 1, 0);
	put_segment(im, HEAP, 4096, SALT);
	allocate(im, 1, 32768, RFM_RAW, 64);
	commit(im, 1, 2);
	put_segment(im, 20480, 1024, SALT + 1);
	allocate(im, 1, 32768, RFM_RAW, 64);
	commit(im, 2, 2);
	super(im, 1)->checksum ^= 1;
	noted(im, "superblock copy 1 (byte 4096): not whole, as a torn");
	allocate(im, 2, 32832, RFM_RAW, 64);
	damaged(im, "superblock copy 1 (byte 4096): not whole, but it was "
	    "once: the log that it names went on");
	/* A forged place is not followed out of the file. */
	super(im, 1)->head_offset = UINT64_MAX - 63;
	noted(im, "superblock copy 1");
	super(im, 1)->head_offset = 2 * STEP - 64;
	noted(im, "superblock copy 1");
	drop(im);
}

/* Torn so that it has number 10 and still the head of number 8, whose log had gone
 * on for as long as it was in force.
 * proves I1 */
static void
superblock_torn_over_a_long_log(void **state)
{
	struct image *im = checkpointed();

	(void)state;
	im->sequence = 301;
	put_segment(im, 40960, 512, SALT + 9);
	commit(im, 20, 7);
	allocate(im, 7, 32768, RFM_LOGICAL, 200);
	commit(im, 21, 8);
	put_super(im, 10, 0, 40960, 512, SALT + 9, 0);
	super(im, 0)->checksum ^= 1;
	noted(im, "superblock copy 0 (byte 0): not whole, as a torn write");
	drop(im);
}

static void
scratch_stores(void **state)
{
	struct image *im = new_image(2 * STEP);

	(void)state;
	put_super(im, 1, RFM_SUPERBLOCK_SCRATCH, 0, 0, 0, 0);
	noted(im, "a scratch store: it keeps no records");
	assert_true(report.scratch);
	super(im, 1)->head_salt = 1;
	seal_super(im, 1);
	damaged(im, "superblock copy 1: a scratch store that names a log");
	super(im, 1)->head_salt = 0;
	seal_super(im, 1);
	put_super(im, 2, 0, HEAP, 4096, SALT, 0);
	judge(im);
	assert_non_null(strstr(said, "only one of them says that this is a "
	    "scratch store"));
	drop(im);
}

/* ---- the file ---- */

/* proves I5 */
static void
file_sizes(void **state)
{
	struct image *im = small();

	(void)state;
	drop(im);
	im = chained();
	im->size -= 1;
	damaged(im, "file: its size, 262143 bytes, is not a multiple of "
	    "65536");
	drop(im);
	im = small();
	im->size = STEP;
	for (unsigned i = 0; i < 2; i++) {
		super(im, i)->file_bytes = STEP;
		seal_super(im, i);
	}
	damaged(im, "file: 65536 bytes are less than the smallest store has");
	im->size = 20000;
	judge(im);
	assert_non_null(strstr(said, "vector 1: its 80 bytes at offset 24576 "
	    "lie beyond the end of the file"));
	for (im->size = 4224; im->size > 0; im->size--) {
		enum rfm_status status = judge(im);
		assert_true(status == RFM_FOREIGN || !report.sound);
		/* 40 bytes of a superblock are no store, but they were one */
		if (im->size >= 8)
			assert_int_equal(status, RFM_OK);
	}
	drop(im);
}

/* A file larger than the format allows: nothing but its head is read. */
static enum rfm_status
huge_size(struct rfm_os *os, struct rfm_file *file, uint64_t *bytes,
    struct rfm_error *e)
{
	(void)os, (void)file, (void)e;
	*bytes = RFM_FILE_MAX_BYTES + STEP;
	return RFM_OK;
}

static void
file_too_large(void **state)
{
	struct image *im = new_image(2 * STEP);

	(void)state;
	put_super(im, 1, RFM_SUPERBLOCK_SCRATCH, 0, 0, 0, 0);
	memory_os.size = huge_size;
	damaged(im, "file: 70368744243200 bytes are more than format 1 "
	    "allows");
	memory_os.size = im_size;
	drop(im);
}

/* ---- segments ---- */

/* proves I2, I5 */
static void
first_segment(void **state)
{
	struct image *im = small();

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		static const uint64_t place[5][2] = { { 12289, 4096 },
			{ 8192, 4096 }, { HEAP, 64 }, { HEAP, UINT64_C(2) << 36 },
			{ UINT64_MAX - 4095, 4096 } };
		put_super(im, 2, 0, place[i][0], place[i][1], SALT, 0);
		put_super(im, 3, 1, place[i][0], place[i][1], SALT, 8);
		damaged(im, "superblock at byte 4096: it names an impossible "
		    "log segment");
	}
	put_super(im, 2, 0, HEAP, 1 << 20, SALT, 0);
	put_super(im, 3, 1, HEAP, 1 << 20, SALT, 8);
	damaged(im, "its first segment, at byte 12288, is not there: it lies "
	    "beyond the end of the file");
	drop(im);
	im = small();
	segment(im, 0)->magic[6] = '2';
	damaged(im, "is not there: no segment begins there");
	drop(im);
	im = small();
	segment(im, 0)->first_sequence++;
	damaged(im, "is not there: the checksum of its head is wrong");
	drop(im);
	im = small();
	segment(im, 0)->salt++;
	seal_segment(im, HEAP);
	damaged(im, "is not there: its head has another salt");
	drop(im);
	im = small();
	segment(im, 0)->bytes = 8192;
	seal_segment(im, HEAP);
	damaged(im, "segment at byte 12288: its head says 8192 bytes, but it "
	    "was named with 4096");
	drop(im);
	im = small();
	segment(im, 0)->reserved[27] = 1;
	seal_segment(im, HEAP);
	damaged(im, "segment at byte 12288: its reserved bytes are not zero");
	drop(im);
	im = small();
	segment(im, 0)->first_sequence = 0;
	seal_segment(im, HEAP);
	damaged(im, "segment at byte 12288: its first sequence is 0");
	drop(im);
	im = small();
	segment(im, 0)->first_sequence = 2;
	seal_segment(im, HEAP);
	damaged(im, "record 1 at byte 12352: sequence 2 was due here");
	drop(im);
}

/* A log of three segments, the second and third uncommitted but for the last
 * COMMIT if there is one. */
static struct image *
three(bool committed)
{
	struct image *im = new_image(2 * STEP);

	put_super(im, 2, 0, HEAP, 512, SALT, 0);
	put_super(im, 3, 0, HEAP, 512, SALT, 0);
	put_segment(im, HEAP, 512, SALT);
	allocate(im, 1, 40960, RFM_RAW, 1);
	commit(im, 1, 2);
	chain(im, 16384, 512, SALT + 1);
	allocate(im, 2, 41024, RFM_RAW, 1);
	chain(im, 20480, 512, SALT + 2);
	allocate(im, 3, 41088, RFM_RAW, 1);
	if (committed)
		commit(im, 2, 4);
	return im;
}

/* proves I2 */
static void
later_segments(void **state)
{
	struct image *im;

	(void)state;
	sound(im = three(true));
	drop(im);
	sound(im = three(false));
	assert_int_equal(report.uncommitted, 4);
	/* A power cut may lose a segment's head and keep the LINK ... */
	memset(segment(im, 2), 0, 512);
	noted(im, "the log goes on at byte 20480, but no segment begins there:"
	    " as a power cut leaves it; nothing there was committed");
	assert_int_equal(report.uncommitted, 3);
	/* ... a process death may not. */
	memcpy(im->boot, old_boot, 16);
	damaged(im, "the log goes on at byte 20480, but the segment is not "
	    "there: no segment begins there");
	memset(im->boot, 0, 16);
	memset(super(im, 0)->boot, 0, 16);
	memset(super(im, 1)->boot, 0, 16);
	seal_super(im, 0);
	seal_super(im, 1);
	noted(im, "as a power cut leaves it");  /* an unknown boot is no boot */
	drop(im);
	/* Nor may it lose a head before a COMMIT. */
	im = three(true);
	memset(segment(im, 2), 0, 64);
	damaged(im, "the log goes on at byte 20480, but the segment is not "
	    "there");
	drop(im);
	im = three(true);
	segment(im, 1)->checksum ^= 1;           /* COMMIT one LINK further */
	damaged(im, "the log goes on at byte 16384, but the segment is not "
	    "there: the checksum of its head is wrong");
	drop(im);
	im = three(false);
	segment(im, 2)->first_sequence++;
	seal_segment(im, 20480);
	damaged(im, "segment at byte 20480: its first sequence is 7, but 6 was "
	    "due");
	drop(im);
	im = three(false);
	segment(im, 2)->bytes = 576;
	seal_segment(im, 20480);
	damaged(im, "segment at byte 20480: its head says 576 bytes, but it "
	    "was named with 512");
	drop(im);
}

/* The segment for a COMMIT is chained before PAYLOAD: it is there if the COMMIT is.
 * proves I2, I3 */
static void
commit_opens_a_segment(void **state)
{
	struct image *im = open_small();

	(void)state;
	allocate(im, 4, 40960, RFM_RAW, 64);
	chain(im, 20480, 512, SALT + 1);
	memset(segment(im, 1), 0, 64);
	noted(im, "the log goes on at byte 20480, but no segment begins there");
	assert_int_equal(report.epoch, 2);
	commit(im, 3, 5);
	damaged(im, "the log goes on at byte 20480, but the segment is not "
	    "there");
	drop(im);
}

/* proves I2, I5 */
static void
links(void **state)
{
	struct image         *im = three(false);
	struct rfm_link_disk *l = body(im, 4);

	(void)state;
	l->offset = 16384;
	l->salt = SALT + 1;
	seal_record(im, im->records[4]);
	damaged(im, "the log runs in a circle: a LINK leads back to the "
	    "segment at byte 16384");
	l->salt = SALT + 7;
	seal_record(im, im->records[4]);
	damaged(im, "the log runs in a circle: a LINK leads back to the "
	    "segment at byte 16384");
	l->offset = 20481;
	seal_record(im, im->records[4]);
	damaged(im, "LINK at byte 16536: it names an impossible log segment "
	    "(offset 20481, 512 bytes)");
	l->offset = 4096;
	seal_record(im, im->records[4]);
	damaged(im, "LINK at byte 16536: it names an impossible log segment");
	l->offset = 2 * STEP;
	seal_record(im, im->records[4]);
	noted(im, "the log goes on at byte 131072, but it lies beyond the end "
	    "of the file: as a power cut leaves it");
	memcpy(im->boot, old_boot, 16);
	damaged(im, "the log goes on at byte 131072, but the segment is not "
	    "there: it lies beyond the end of the file");
	drop(im);
	/* Segments that overlap: the second lies over the first. */
	im = new_image(2 * STEP);
	put_super(im, 1, 0, HEAP, 1024, SALT, 0);
	put_segment(im, HEAP, 1024, SALT);
	chain(im, HEAP + 512, 512, SALT + 1);
	damaged(im, "the log segment (bytes 12288 to 13312) and the log "
	    "segment (bytes 12800 to 13312) overlap");
	drop(im);
	/* No room left for a LINK. */
	im = new_image(2 * STEP);
	put_super(im, 1, 0, HEAP, 512, SALT, 0);
	put_segment(im, HEAP, 512, SALT);
	for (uint64_t id = 1; id <= 5; id++)
		allocate(im, id, 16384 + 64 * id, RFM_RAW, 0);
	damaged(im, "record 5 at byte 12704: it takes the room that its "
	    "segment keeps for a LINK");
	drop(im);
}

/* ---- records ---- */

/* proves I2 */
static void
broken_records(void **state)
{
	struct image *im = open_small();

	(void)state;
	/* Between two COMMITs: the second convicts the medium. */
	record(im, 4)->checksum ^= 1;
	damaged(im, "record 5 at byte 12632 is not whole (its checksum is "
	    "wrong), but record 7 stands behind it at byte 12760: no crash "
	    "leaves that");
	assert_int_equal(report.records, 4);
	record(im, 4)->checksum ^= 1;
	record(im, 4)->bytes = 48;
	damaged(im, "record 5 at byte 12632 is not whole (its checksum");
	record(im, 4)->bytes = 1u << 31;
	damaged(im, "record 5 at byte 12632 is not whole (its length is "
	    "impossible)");
	record(im, 4)->bytes = 40;
	record(im, 4)->salt++;
	damaged(im, "record 5 at byte 12632 is not whole (its checksum");
	seal_record(im, im->records[4]);
	damaged(im, "record 5 at byte 12632 is not whole (its salt is not that "
	    "of its segment)");
	memset(record(im, 4), 0, 40);
	damaged(im, "record 5 at byte 12632 is not whole (its length is");
	drop(im);
	/* Behind the last COMMIT: a power cut may do that. */
	im = uncommitted();
	record(im, 8)->checksum ^= 1;
	noted(im, "the log ends before record 9");
	assert_int_equal(report.uncommitted, 1);
	memset(record(im, 8), 0, 48);
	sound(im);
	/* A process death may not: whole records stand behind it. */
	memcpy(im->boot, old_boot, 16);
	damaged(im, "record 9 at byte 12896 is not whole (its length is "
	    "impossible), but record 10 stands behind it");
	drop(im);
	/* The COMMIT that convicts stands in the next segment but one. */
	im = three(true);
	record(im, 3)->checksum ^= 1;
	damaged(im, "record 4 at byte 16448 is not whole (its checksum is "
	    "wrong), but record 7 stands behind it at byte 20632");
	drop(im);
	/* A LINK behind the break that leads out of the file is not followed. */
	im = three(false);
	((struct rfm_link_disk *)body(im, 4))->offset = 2 * STEP;
	seal_record(im, im->records[4]);
	record(im, 3)->checksum ^= 1;
	noted(im, "the log ends before record 4 at byte 16448");
	drop(im);
	/* The last COMMIT itself: nobody can tell, but it is told. */
	im = open_small();
	record(im, 6)->checksum ^= 1;
	noted(im, "the log ends before record 7 at byte 12760; what follows "
	    "is no whole record (its checksum is wrong)");
	drop(im);
}

/* proves I2 */
static void
records_that_do_not_belong(void **state)
{
	struct image *im;

	(void)state;
	im = open_small();
	record(im, 4)->sequence = 6;
	seal_record(im, im->records[4]);
	damaged(im, "record 6 at byte 12632: sequence 5 was due here");
	drop(im);
	im = open_small();
	record(im, 4)->kind = 9;
	seal_record(im, im->records[4]);
	damaged(im, "record 5 at byte 12632: unknown kind 9");
	record(im, 4)->kind = 0;
	seal_record(im, im->records[4]);
	damaged(im, "record 5 at byte 12632: unknown kind 0");
	record(im, 4)->kind = SEAL;
	seal_record(im, im->records[4]);
	damaged(im, "record 5 at byte 12632: 40 bytes are not the size of its "
	    "kind");
	drop(im);
	im = open_small();
	record(im, 4)->flags = 2;
	seal_record(im, im->records[4]);
	damaged(im, "record 5 at byte 12632: unknown flags 0x2");
	drop(im);
}

/* A change to the ALLOCATE of id 3 in the small store; its one consequence. */
static void
with_allocate(size_t at, uint64_t value, size_t bytes, const char *text)
{
	struct image *im = small();

	memcpy((uint8_t *)body(im, 5) + at, &value, bytes);
	seal_record(im, im->records[5]);
	damaged(im, text);
	drop(im);
}

/* proves I5, I9 */
static void
allocations(void **state)
{
	struct image             *im;
	struct rfm_allocate_disk *a;

	(void)state;
	with_allocate(offsetof(struct rfm_allocate_disk, type), 0, 4,
	    "record 6 at byte 12672: unknown type 0");
	with_allocate(offsetof(struct rfm_allocate_disk, type), RFM_TYPES, 4,
	    "record 6 at byte 12672: unknown type 11");
	with_allocate(offsetof(struct rfm_allocate_disk, length), 1, 8,
	    "record 6 at byte 12672: 0 bytes are no room for 1 elements of 1 bytes");
	with_allocate(offsetof(struct rfm_allocate_disk, flags), 4, 4,
	    "record 6 at byte 12672: unknown flags 0x4");
	with_allocate(offsetof(struct rfm_allocate_disk, checksum_kind), 1,
	    4, "record 6 at byte 12672: a checksum of a payload that is not "
	    "sealed");
	with_allocate(offsetof(struct rfm_allocate_disk, payload_checksum), 1,
	    4, "record 6 at byte 12672: a payload checksum of no kind");
	with_allocate(offsetof(struct rfm_allocate_disk, offset), 24705, 8,
	    "record 6 at byte 12672: offset 24705 is not aligned to 64");
	with_allocate(offsetof(struct rfm_allocate_disk, offset), 64, 8,
	    "record 6 at byte 12672: offset 64 lies in the first three pages");
	with_allocate(offsetof(struct rfm_allocate_disk, offset), 131072, 8,
	    "vector 3: its 0 bytes at offset 131072 lie beyond the end");
	with_allocate(offsetof(struct rfm_allocate_disk, id), 1, 8,
	    "record 6 at byte 12672: id 1 after id 2: ids must increase");
	with_allocate(offsetof(struct rfm_allocate_disk, id), 0, 8,
	    "record 6 at byte 12672: id 0 after id 2: ids must increase");
	/* 2^61 + 10 elements of 8 bytes are 80 bytes, if nobody looks. */
	im = small();
	a = body(im, 0);
	a->length = (1ull << 61) + 10;
	seal_record(im, im->records[0]);
	damaged(im, "record 1 at byte 12352: 80 bytes are no "
	    "room for 2305843009213693962 elements of 8 bytes");
	drop(im);
	/* A page and more must lie on a page. */
	im = small();
	a = body(im, 1);
	a->offset += 64;
	seal_record(im, im->records[1]);
	damaged(im, "record 2 at byte 12440: offset 16448 is not aligned to "
	    "4096");
	drop(im);
	/* No size and no offset makes a sum overflow. */
	im = small();
	a = body(im, 5);
	a->bytes = a->length = UINT64_MAX - 4095;
	a->offset = 32768;
	seal_record(im, im->records[5]);
	judge(im);
	assert_non_null(strstr(said, "18446744073709547520 bytes at offset "
	    "32768 lie beyond any file"));
	a->bytes = a->length = UINT64_MAX;
	seal_record(im, im->records[5]);
	judge(im);
	assert_non_null(strstr(said, "18446744073709551615 bytes at offset "
	    "32768 lie beyond any file"));
	a->bytes = a->length = 4096;
	a->offset = UINT64_MAX - 4095;
	seal_record(im, im->records[5]);
	judge(im);
	assert_non_null(strstr(said, "4096 bytes at offset "
	    "18446744073709547520 lie beyond any file"));
	drop(im);
	/* An id that an earlier COMMIT gave to somebody else. */
	im = checkpointed();
	((struct rfm_commit_disk *)body(im, 2))->next_id = 31;
	seal_record(im, im->records[2]);
	damaged(im, "id 30 is given out again: the last COMMIT said that 31 is "
	    "next");
	drop(im);
	/* An unknown kind of payload checksum. */
	im = checkpointed();
	a = body(im, 0);
	a->checksum_kind = 2;
	seal_record(im, im->records[0]);
	damaged(im, "record 501 at byte 20544: unknown kind 2 of payload "
	    "checksum");
	drop(im);
}

/* proves I9 */
static void
frees_and_seals(void **state)
{
	struct image *im = small();
	uint64_t     *freed = body(im, 4);
	struct rfm_seal_disk *s = body(im, 3);

	(void)state;
	*freed = 77;
	seal_record(im, im->records[4]);
	damaged(im, "record 5 at byte 12632: FREE of id 77, which is not "
	    "there");
	*freed = 2;
	seal_record(im, im->records[4]);
	s->id = 77;
	seal_record(im, im->records[3]);
	damaged(im, "record 4 at byte 12576: SEAL of id 77, which is not "
	    "there");
	s->id = 1;
	s->checksum_kind = 9;
	seal_record(im, im->records[3]);
	damaged(im, "record 4 at byte 12576: unknown kind 9 of payload "
	    "checksum");
	s->checksum_kind = 1;
	s->flags = 2;
	seal_record(im, im->records[3]);
	damaged(im, "record 4 at byte 12576: unknown flags 0x2 in a SEAL");
	s->flags = 0;
	s->reserved = 1u << 31;
	seal_record(im, im->records[3]);
	damaged(im, "record 4 at byte 12576: the reserved bytes of a SEAL are "
	    "not zero");
	s->reserved = 0;
	s->flags = RFM_SEAL_REFERENCED;
	seal_record(im, im->records[3]);
	sound(im);
	drop(im);
	im = open_small();
	free_id(im, 2);
	damaged(im, "FREE of id 2, which was freed before");
	drop(im);
	im = open_small();
	seal_sum(im, 2, 0, 0);
	damaged(im, "SEAL of id 2, which was freed before");
	drop(im);
	im = open_small();
	seal_sum(im, 1, 0, 0);
	damaged(im, "SEAL of id 1, which was sealed before");
	drop(im);
}

/* proves I3, I9 */
static void
commits(void **state)
{
	struct image           *im = small();
	struct rfm_commit_disk *c = body(im, 6);

	(void)state;
	c->epoch = 3;
	seal_record(im, im->records[6]);
	damaged(im, "record 7 at byte 12760: COMMIT of epoch 3 after epoch 1");
	c->epoch = 1;
	seal_record(im, im->records[6]);
	damaged(im, "record 7 at byte 12760: COMMIT of epoch 1 after epoch 1");
	c->epoch = 2;
	c->next_id = 3;
	seal_record(im, im->records[6]);
	damaged(im, "record 7 at byte 12760: COMMIT says that id 3 is next, "
	    "but id 3 exists");
	c->next_id = 4;
	seal_record(im, im->records[6]);
	c = body(im, 2);
	c->epoch = 2;
	seal_record(im, im->records[2]);
	judge(im);
	assert_non_null(strstr(said, "COMMIT of epoch 2 after epoch 0"));
	drop(im);
	im = checkpointed();
	commit(im, 43, 31);
	sound(im);
	drop(im);
	im = checkpointed();
	((struct rfm_commit_disk *)body(im, 4))->next_id = 99;
	seal_record(im, im->records[4]);
	commit(im, 43, 31);
	damaged(im, "COMMIT says that id 31 is next, but an earlier one said "
	    "99");
	drop(im);
	/* A checkpoint is durable before it is named: it has its COMMIT. */
	im = checkpointed();
	memset(record(im, 2), 0, 512);
	damaged(im, "the log begins with record 501, so it is a checkpoint, "
	    "but it has no COMMIT");
	drop(im);
}

/* proves I3, I4 */
static void
clean_closes(void **state)
{
	struct image *im = small();

	(void)state;
	put_super(im, 3, 1, HEAP, 4096, SALT, 9);
	damaged(im, "the log ends before record 8 at byte 12808, but a clean "
	    "close said that 9 comes next");
	put_super(im, 3, 1, HEAP, 4096, SALT, 7);
	damaged(im, "the log ends before record 8 at byte 12808, but a clean "
	    "close said that 7 comes next");
	put_super(im, 3, 1, HEAP, 4096, SALT, 8);
	record(im, 6)->checksum ^= 1;
	damaged(im, "the log ends before record 7 at byte 12760, but a clean "
	    "close said that 8 comes next");
	record(im, 6)->checksum ^= 1;
	free_id(im, 1);
	put_super(im, 3, 1, HEAP, 4096, SALT, 9);
	damaged(im, "closed cleanly, but 1 records are not committed");
	drop(im);
	/* A LINK that nothing follows needs no COMMIT. */
	im = new_image(2 * STEP);
	put_super(im, 2, 0, HEAP, 512, SALT, 0);
	put_segment(im, HEAP, 512, SALT);
	allocate(im, 1, 40960, RFM_RAW, 1);
	commit(im, 1, 2);
	chain(im, 16384, 512, SALT + 1);
	put_super(im, 3, 1, HEAP, 512, SALT, 4);
	sound(im);
	assert_true(report.clean);
	free_id(im, 1);
	put_super(im, 3, 1, HEAP, 512, SALT, 5);
	damaged(im, "closed cleanly, but 2 records are not committed");
	drop(im);
}

/* ---- extents ---- */

/* proves I5 */
static void
overlaps(void **state)
{
	struct image             *im = small();
	struct rfm_allocate_disk *a = body(im, 5);

	(void)state;
	a->offset = 24640;                        /* the second granule of 1 */
	seal_record(im, im->records[5]);
	damaged(im, "vector 1 (bytes 24576 to 24704) and vector 3 (bytes 24640 "
	    "to 24704) overlap");
	a->offset = 16384;                        /* 2 is gone */
	seal_record(im, im->records[5]);
	sound(im);
	a->offset = HEAP + 4096 - 64;
	seal_record(im, im->records[5]);
	damaged(im, "the log segment (bytes 12288 to 16384) and vector 3 "
	    "(bytes 16320 to 16384) overlap");
	drop(im);
	/* One long extent over two short ones that do not touch each other. */
	im = open_small();
	allocate(im, 4, 20480, RFM_RAW, 12288);
	judge(im);
	assert_non_null(strstr(said, "vector 4 (bytes 20480 to 32768) and "
	    "vector 1 (bytes 24576 to 24704) overlap"));
	assert_non_null(strstr(said, "vector 4 (bytes 20480 to 32768) and "
	    "vector 3 (bytes 24704 to 24768) overlap"));
	assert_int_equal(report.problems, 2);
	drop(im);
}

/* What the last COMMIT needs may not be reused before the next one.
 * proves I5, I6 */
static void
reuse_before_commit(void **state)
{
	struct image *im = open_small();

	(void)state;
	free_id(im, 1);
	allocate(im, 4, 24576, RFM_NUMERIC, 10);
	damaged(im, "vector 1 (bytes 24576 to 24704) and vector 4 (bytes 24576 "
	    "to 24704) overlap");
	commit(im, 3, 5);
	sound(im);
	drop(im);
	im = open_small();
	free_id(im, 1);
	commit(im, 3, 4);
	allocate(im, 4, 24576, RFM_NUMERIC, 10);
	sound(im);
	drop(im);
}

/* proves I5 */
static void
growth_lost_in_a_power_cut(void **state)
{
	struct image *im = open_small();

	(void)state;
	allocate(im, 4, 131072, RFM_RAW, 10);
	noted(im, "vector 4, not committed, lies beyond the end of the file, "
	    "as a power cut leaves it");
	memcpy(im->boot, old_boot, 16);
	damaged(im, "vector 4: its 10 bytes at offset 131072 lie beyond the "
	    "end of the file");
	memcpy(im->boot, new_boot, 16);
	commit(im, 3, 5);
	damaged(im, "vector 4: its 10 bytes at offset 131072 lie beyond the "
	    "end of the file");
	drop(im);
	im = open_small();
	allocate(im, 4, 131072 - 64, RFM_RAW, 65);
	noted(im, "vector 4, not committed, lies beyond the end");
	drop(im);
}

/* proves I8 */
static void
payload_checksums(void **state)
{
	struct image *im = small();

	(void)state;
	im->bytes[24576 + 79] ^= 1;
	damaged(im, "vector 1: its payload at byte 24576 has checksum ");
	im->bytes[24576 + 79] ^= 1;
	im->bytes[24576 + 80] ^= 1;               /* behind the payload */
	im->bytes[16384] ^= 1;                    /* freed */
	im->bytes[24704] ^= 1;                    /* not sealed */
	sound(im);
	drop(im);
	/* Sealed behind the last COMMIT: a power cut may tear it. */
	im = open_small();
	allocate(im, 4, 28672, RFM_RAW, 64);
	commit(im, 3, 5);
	seal_sum(im, 4, 1, 1);
	noted(im, "vector 4, sealed but not committed, has not the payload");
	drop(im);
	im = open_small();
	allocate(im, 4, 28672, RFM_RAW, 100000);
	seal_sum(im, 4, 1, rfm_crc32c(0, im->bytes + 28672, 100000));
	sound(im);
	im->bytes[128671] ^= 1;
	noted(im, "vector 4, sealed but not committed, has not the payload it "
	    "was sealed with");
	memcpy(im->boot, old_boot, 16);
	damaged(im, "vector 4: its payload at byte 28672 has checksum ");
	memcpy(im->boot, new_boot, 16);
	commit(im, 3, 5);
	damaged(im, "vector 4: its payload at byte 28672 has checksum ");
	/* Freed but not committed: the last COMMIT still needs it. */
	free_id(im, 4);
	damaged(im, "vector 4: its payload at byte 28672 has checksum ");
	commit(im, 4, 5);
	sound(im);
	drop(im);
}

/* ---- a writer at work ---- */

static unsigned reads;

static unsigned unfinished = 4;

static void
finish_record(struct image *im, uint64_t offset, size_t bytes)
{
	(void)bytes;
	if (offset >= HEAP && reads++ == 0)
		record(im, unfinished)->checksum ^= 1;
}

static void
finish_group(struct image *im, uint64_t offset, size_t bytes)
{
	(void)bytes;
	if (offset >= HEAP && reads++ == 0)
		free_id(im, 4);
}

static void
flip_superblock(struct image *im, uint64_t offset, size_t bytes)
{
	(void)bytes;
	if (offset >= HEAP && reads++ == 0)
		put_super(im, 4, 0, HEAP, 4096, SALT, 0);
}

static void
writer_at_work(void **state)
{
	struct image *im = open_small();

	(void)state;
	record(im, 4)->checksum ^= 1;
	im->on_read = finish_record;
	reads = 0;
	sound(im);
	assert_int_equal(report.records, 7);
	/* It may be one inside a group. */
	drop(im);
	im = same_boot(open_named());
	unfinished = 9;
	record(im, 9)->checksum ^= 1;
	im->on_read = finish_record;
	reads = 0;
	sound(im);
	assert_int_equal(report.records, 11);
	assert_int_equal(report.names, 2);
	unfinished = 8;
	record(im, 8)->checksum ^= 1;
	reads = 0;
	sound(im);
	assert_int_equal(report.names, 2);
	/* A group that goes on behind its half explains a bad cell. */
	MORE(allocate_as(im, 7, OTHER + 64, RFM_RAW, 1, 1, ELEMENT, 0));
	CELL(2, 7);
	CELL(3, 7);
	im->on_read = finish_group;
	reads = 0;
	noted(im, "a writer is at work: the lists are not judged");
	drop(im);
	im = open_small();
	im->on_read = flip_superblock;
	reads = 0;
	noted(im, "the store was changed while it was read; check it again");
	drop(im);
}

/* ---- forged files must not keep the judge busy ---- */

static void
forged_files_end(void **state)
{
	struct image *im = new_image(16 * STEP);
	const uint64_t n = 16 * STEP / 64;

	(void)state;
	/* Behind a broken record, LINKs that all name the whole heap. */
	put_super(im, 1, 0, HEAP, 16 * STEP - HEAP, SALT, 0);
	put_segment(im, HEAP, 16 * STEP - HEAP, SALT);
	im->at += 64;
	for (uint64_t i = 0; i < n && im->end - im->at >= 64; i++) {
		im->sequence += 3;
		im->count = 0;
		link_to(im, HEAP, 16 * STEP - HEAP, SALT);
		im->at += 8;
	}
	judge(im);
	assert_int_equal(report.segments, 1);
	assert_true(im->bytes_read < 4 * im->size);
	drop(im);
	/* The end of a long group is looked for once. */
	im = new_image(16 * STEP);
	put_super(im, 1, 0, 4 * STEP, 8 * STEP, SALT, 0);
	put_segment(im, 4 * STEP, 8 * STEP, SALT);
	for (uint64_t i = 0; i < 8000; i++)
		MORE(name(im, 0, "x"));
	name(im, 0, "x");
	sound(im);
	assert_int_equal(report.records, 8001);
	assert_true(im->bytes_read < 2 * im->size);
	drop(im);
	/* Behind a broken record, one in every 32 bytes of 3,128 bytes each: after
	 * four times the file the search for a witness ends, and the COMMIT at
	 * the very end is not found. */
	for (int forged = 0; forged < 2; forged++) {
		im = new_image(16 * STEP);
		put_super(im, 1, 0, HEAP, 16 * STEP - HEAP, SALT, 0);
		put_segment(im, HEAP, 16 * STEP - HEAP, SALT);
		for (im->at += 8; forged && im->end - im->at >= 128;
		    im->at += 32) {
			struct rfm_record_disk r = { 1, 3128, SALT, 9,
			    RFM_RECORD_NAME, 0 };
			put_bytes(im, im->at, &r, sizeof r);
		}
		im->at = im->end - 128;
		commit(im, 1, 1);
		judge(im);
		assert_int_equal(report.sound, forged);
		drop(im);
	}
	/* Payloads that share their bytes are not summed one by one. */
	im = new_image(16 * STEP);
	put_super(im, 1, 0, HEAP, 4 * STEP, SALT, 0);
	put_segment(im, HEAP, 4 * STEP, SALT);
	for (uint64_t id = 1; id <= 2000; id++) {
		struct rfm_allocate_disk a = { id, 8 * STEP, 8 * STEP,
		    8 * STEP, RFM_RAW, RFM_ALLOCATE_SEALED, 1, 0, 0 };
		put_record(im, ALLOCATE, &a, sizeof a);
	}
	judge(im);
	assert_int_equal(report.problems, 1999);
	assert_true(im->bytes_read < 2 * im->size);
	drop(im);
}

/* ---- the fuzzer ---- */

static uint64_t random_state;

static uint64_t
any(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint64_t
below(uint64_t n)
{
	return any() % n;
}

static struct image *(*const shapes[])(void) = { fresh, small, open_small,
	chained, checkpointed, uncommitted, torn, many, family, named, half };
#define SHAPES (sizeof shapes / sizeof shapes[0])

/* A byte of committed metadata, and how loudly its loss must be reported: as
 * damage, or, where a crash leaves just the same bytes, at least as a note. */
static uint64_t
metadata_byte(const struct image *im, bool *loud)
{
	uint64_t records = im->sequence == 1 ? 0 : im->commit + 1u;
	uint64_t what = below(records + im->segments_count + 2);
	uint64_t at;

	*loud = what >= 2;
	if (what < 2)
		return what * RFM_PAGE_BYTES + below(128);
	what -= 2;
	if (what < im->segments_count) {
		at = im->segments[what];
		return at + below(64);
	}
	what -= im->segments_count;
	at = im->records[what];
	/* Unless closed, the last COMMIT may just have been torn. */
	*loud = what != im->commit || report.clean;
	return at + below(((struct rfm_record_disk *)(im->bytes + at))->bytes);
}

/* A number of the kind that finds mistakes. */
static uint64_t
nasty(const struct image *im)
{
	static const uint64_t list[] = { 0, 1, 2, 7, 8, 63, 64, 65, 512,
		4095, 4096, 4097, 8192, 12288, 65536, 131072, 1ull << 31,
		1ull << 32, 1ull << 46, 1ull << 61, 1ull << 63,
		UINT64_MAX - 4095, UINT64_MAX - 64, UINT64_MAX };

	switch (below(4)) {
	case 0:  return list[below(sizeof list / sizeof list[0])];
	case 1:  return im->segments[below(im->segments_count)];
	case 2:  return below(im->size + 1) & ~(uint64_t)63;
	default: return below(40);
	}
}

/* One field of one structure becomes nasty, and its checksum right again. */
static void
forge(struct image *im)
{
	uint64_t what = below(10), value = nasty(im), at;
	size_t   width_of = below(2) ? 8 : 4;

	if (what == 0) {
		unsigned copy = (unsigned)below(2);
		at = copy * (uint64_t)RFM_PAGE_BYTES + 8 + 4 * below(28);
		put_bytes(im, at, &value, width_of);
		seal_super(im, copy);
	} else if (what == 1 || im->count == 0) {
		at = im->segments[below(im->segments_count)];
		put_bytes(im, at + 8 + 4 * below(12), &value, width_of);
		seal_segment(im, at);
	} else {
		at = im->records[below(im->count)];
		put_bytes(im, at + 4 + 4 * below(17), &value, width_of);
		seal_record(im, at);
	}
}

static uint64_t
metadata_end(const struct image *im)
{
	uint64_t end = 0;

	for (unsigned i = 0; i < im->segments_count; i++)
		if (im->segments[i] > end)
			end = im->segments[i];
	return end + (im->end - im->segment);
}

/* Anything at all: the judge must come to an end, and stay on its feet. */
static void
ravage(struct image *im)
{
	uint64_t end = metadata_end(im), at, n;

	for (uint64_t times = 1 + below(3); times > 0; times--) {
		at = below(3) ? im->segment + below(im->end - im->segment) :
		    below(end);
		n = 1 + below(64);
		if (n > end - at)
			n = end - at;
		switch (below(6)) {
		case 0:
			im->bytes[at] ^= (uint8_t)(1u << below(8));
			break;
		case 1:
			memset(im->bytes + at, 0, n);
			break;
		case 2:
			while (n-- > 0)
				im->bytes[at + n] = (uint8_t)any();
			break;
		case 3:
			memmove(im->bytes + at, im->bytes + below(end - n),
			    n);
			break;
		default:
			forge(im);
			break;
		}
	}
	if (below(8) == 0)
		im->size = below(im->size + 1);
}

static const char *
fuzz_one(struct image *im, const char *before, uint64_t *at)
{
	bool loud;

	if (below(2) == 0) {
		ravage(im);
		judge(im);
		return NULL;
	}
	*at = metadata_byte(im, &loud);
	im->bytes[*at] ^= (uint8_t)(1u << below(8));
	judge(im);
	if (loud && (error.text[0] != '\0' || report.sound))
		return "no damage was reported";
	if (error.text[0] == '\0' && strcmp(said, before) == 0)
		return "it was passed over in silence";
	return NULL;
}

static uint64_t
setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

/* proves I1, I2 */
static void
fuzz(void **state)
{
	uint64_t seed = setting("RFM_SEED", (uint64_t)time(NULL));
	uint64_t cases = setting("RFM_CASES", 24000);
	char     before[SHAPES][256];
	struct image *im, *saved;

	(void)state;
	print_message("# fuzz: RFM_SEED=%" PRIu64 ", %" PRIu64 " cases\n",
	    seed, cases);
	for (size_t s = 0; s < SHAPES; s++) {
		uint64_t size;
		im = shapes[s]();
		saved = shapes[s]();
		size = im->size;
		judge(im);
		snprintf(before[s], sizeof before[s], "%.255s", said);
		for (uint64_t i = 0; i < cases / SHAPES; i++) {
			const char *wrong;
			uint64_t    at = 0;
			random_state = seed + i * SHAPES + s;
			report.clean = super(saved, 1)->flags & 1 ||
			    super(saved, 0)->flags & 1;
			wrong = fuzz_one(im, before[s], &at);
			if (wrong != NULL)
				fail_msg("RFM_SEED=%" PRIu64 " shape %zu case "
				    "%" PRIu64 ", byte %" PRIu64 ": %s\n%s",
				    seed, s, i, at, wrong, said);
			im->size = size;
			memcpy(im->bytes, saved->bytes, metadata_end(im));
		}
		drop(im);
		drop(saved);
	}
}

/* Every bit of the metadata of the small stores, one after the other.
 * proves I1, I2 */
static void
every_bit(void **state)
{
	struct image *im;
	unsigned      bits = 0;

	(void)state;
	for (size_t s = 0; s < SHAPES; s++) {
		im = shapes[s]();
		if (im->count > 20) {
			drop(im);
			continue;
		}
		for (uint64_t at = 0; at < im->records[im->commit] + 48; at++) {
			bool page = at < 2 * RFM_PAGE_BYTES &&
			    at % RFM_PAGE_BYTES < 128;
			if (!page && at < im->segment)
				continue;
			for (unsigned b = 0; b < 8; b++, bits++) {
				bool quiet;
				im->bytes[at] ^= (uint8_t)(1u << b);
				quiet = judge(im) == RFM_OK && said[0] == '\0';
				im->bytes[at] ^= (uint8_t)(1u << b);
				if (quiet)
					fail_msg("shape %zu: byte %" PRIu64
					    " bit %u passed in silence", s, at,
					    b);
			}
		}
		drop(im);
	}
	print_message("# every_bit: %u bits\n", bits);
}

/* ---- real files, and the program ---- */

static char folder[] = "/tmp/test_check.XXXXXX";
static char store[64], output[64];

static void
save(struct image *im)
{
	int file = open(store, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(file >= 0);
	assert_int_equal(write(file, im->bytes, im->size), im->size);
	close(file);
}

/* Runs the program; its output is in `said`. */
static int
run(const char *one, const char *two)
{
	char   *arguments[] = { "rfm-check", (char *)one, (char *)two, NULL };
	int     n = 1 + (one != NULL) + (two != NULL), status;
	int     out = dup(1), err = dup(2);
	int     file = open(output, O_RDWR | O_CREAT | O_TRUNC, 0600);
	ssize_t got;

	assert_true(file >= 0);
	fflush(stdout);
	dup2(file, 1);
	dup2(file, 2);
	status = rfm_check_main(n, arguments);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	got = pread(file, said, sizeof said - 1, 0);
	assert_true(got >= 0);
	said[got] = '\0';
	close(file);
	return status;
}

static void
the_program(void **state)
{
	struct image *im = small();
	struct stat   before, after;

	(void)state;
	save(im);
	assert_int_equal(stat(store, &before), 0);
	assert_int_equal(run(store, NULL), 0);
	assert_int_equal(stat(store, &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	assert_int_equal(before.st_blocks, after.st_blocks);
	assert_non_null(strstr(said, ": a store of format 1, closed cleanly\n"
	    "  uuid        a1b2c3d4-e5f6-4708-891a-2b3c4d5e6f70\n"
	    "  file        131072 bytes\n"
	    "  superblock  number 3\n"
	    "  log         7 records in 1 segments, 4096 bytes\n"
	    "  committed   epoch 2, and 0 records after it\n"
	    "  vectors     2 live (1 sealed) in 192 bytes, 1 tombstones\n"
	    "  names       0\n"
	    "sound\n"));
	assert_int_equal(run("--quiet", store), 0);
	assert_string_equal(said, "");
	record(im, 4)->checksum ^= 1;
	super(im, 0)->reserved[0] = 1;
	seal_super(im, 0);
	save(im);
	assert_int_equal(run(store, NULL), 1);
	assert_non_null(strstr(said, "damage: superblock copy 0: its reserved "
	    "bytes are not zero\ndamage: record 5 at byte 12632 is not whole"));
	assert_non_null(strstr(said, "\nDAMAGED: 2 problems\n"));
	assert_int_equal(run("--quiet", store), 1);
	assert_string_equal(said, "");
	super(im, 0)->reserved[0] = 0;
	seal_super(im, 0);
	save(im);
	assert_int_equal(run(store, NULL), 1);
	assert_non_null(strstr(said, "\nDAMAGED: 1 problem\n"));
	drop(im);
}

static void
the_program_refuses(void **state)
{
	struct image *im = small();

	(void)state;
	assert_int_equal(run(folder, NULL), 2);
	assert_non_null(strstr(said, "is not a regular file"));
	assert_int_equal(run("/dev/null", NULL), 2);
	unlink(store);
	assert_int_equal(run(store, NULL), 2);
	assert_true(strncmp(said, "rfm-check: ", 11) == 0);
	im->size = 0;
	save(im);
	assert_int_equal(run("--quiet", store), 2);
	assert_non_null(strstr(said, "not a store"));
	assert_int_equal(run(NULL, NULL), 64);
	assert_int_equal(run(store, store), 64);
	assert_int_equal(run("--loud", store), 64);
	assert_int_equal(run("--loud", NULL), 64);
	assert_non_null(strstr(said, "usage: rfm-check [--quiet] FILE"));
	assert_int_equal(run("--help", NULL), 0);
	assert_non_null(strstr(said, "usage: rfm-check [--quiet] FILE"));
	drop(im);
}

static int
make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(store, sizeof store, "%s/store", folder);
	snprintf(output, sizeof output, "%s/output", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(store);
	unlink(output);
	return rmdir(folder);
}

/* ---- what the store itself writes ---- */

static struct rfm_os real_os;      /* POSIX, on a machine that reboots at will */
static uint8_t       boots;

static void
real_boot(struct rfm_os *os, uint8_t id[16])
{
	(void)os;
	memset(id, 1 + boots, 16);
}

static void
look_at(const char *when)
{
	said[0] = '\0';
	assert_int_equal(rfm_check(&real_os, store, hear, NULL, &report,
	    &error), RFM_OK);
	if (!report.sound || said[0] != '\0')
		fail_msg("%s, a real store is not sound: %s", when, said);
}

static void
compare(struct rfm_store *s)
{
	struct rfm_store_info info;

	rfm_store_describe(s, &info);
	look_at("in use");
	assert_int_equal(report.live, info.records);
	assert_int_equal(report.sealed, info.sealed);
	assert_int_equal(report.live_bytes, info.live_bytes);
	assert_int_equal(report.epoch, info.epoch);
	assert_int_equal(report.file_bytes, info.file_bytes);
	assert_memory_equal(report.uuid, info.uuid, 16);
	assert_false(report.clean);
}

static struct rfm_store *
open_real(uint64_t first_segment)
{
	struct rfm_open_options o = { RFM_PERSISTENT, RFM_WRITE, true,
		131072, first_segment, 1ull << 30 };
	struct rfm_store *s = NULL;
	bool              created;

	if (rfm_store_open(&real_os, store, &o, &s, &created, &error)
	    != RFM_OK)
		fail_msg("%s", error.text);
	return s;
}

#define HELD 40

static void
use_store(struct rfm_store *s, unsigned steps, bool watch)
{
	struct rfm_payload *held[HELD] = { 0 };

	for (unsigned i = 0; i < steps; i++) {
		struct rfm_payload **p = &held[below(HELD)];
		uint64_t             what = below(16), n;
		if (*p == NULL) {
			n = below(8) ? below(300) : below(20000);
			assert_int_equal((below(4) ? rfm_store_create :
			    rfm_store_temporary)(s, RFM_INTEGER, n, true,
			    RFM_GROW, p, &error), RFM_OK);
		} else if (what < 3) {
			assert_int_equal(rfm_store_seal(*p, &error), RFM_OK);
		} else if (what < 12) {
			assert_int_equal(rfm_store_destroy(*p, true, &error),
			    RFM_OK);
			rfm_payload_release(*p);
			*p = NULL;
		} else if (what == 12) {
			assert_int_equal(rfm_store_sync(s, &error), RFM_OK);
		}
		if (watch)
			compare(s);
	}
	for (unsigned i = 0; i < HELD; i++)
		if (held[i] != NULL)
			rfm_payload_release(held[i]);
}

static void
real_stores(void **state)
{
	uint64_t seed = setting("RFM_SEED", (uint64_t)time(NULL));

	(void)state;
	real_os = *rfm_os_posix();
	real_os.boot_id = real_boot;
	print_message("# real_stores: RFM_SEED=%" PRIu64 "\n", seed);
	random_state = seed;
	for (unsigned round = 0; round < 4; round++) {
		uint64_t first = round % 2 ? 832 : 512, epoch = 0;
		struct rfm_store *s;
		unlink(store);
		for (unsigned session = 0; session < 3; session++) {
			s = open_real(first);
			use_store(s, 150, true);
			rfm_store_release(s);
			look_at("closed");
			assert_true(report.clean);
			assert_true(report.epoch > epoch);
			epoch = report.epoch;
		}
		/* Killed, four times; before every second, another boot. */
		for (unsigned death = 0; death < 4; death++) {
			pid_t child;
			int   how;
			any();
			boots += death % 2;
			child = fork();
			if (child == 0) {
				use_store(open_real(first), 100, false);
				_exit(0);
			}
			assert_true(child > 0);
			assert_int_equal(waitpid(child, &how, 0), child);
			assert_int_equal(how, 0);
			look_at("after a process death");
			assert_false(report.clean);
		}
	}
}

/* Objects under names, several in one change, elements that come and go. */
static struct rfm_payload *
new_object(struct rfm_store *s)
{
	struct rfm_payload *p, *list;
	uint32_t            types[2] = { RFM_NUMERIC, RFM_CHARACTER };

	assert_int_equal(rfm_store_temporary(s, RFM_OBJECT, 2, true, RFM_GROW,
	    &list, &error), RFM_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal((below(3) || i ? rfm_store_temporary :
		    rfm_store_create)(s, types[i], i ? 0 : below(600), true,
		    RFM_GROW, &p, &error), RFM_OK);
		assert_int_equal(rfm_store_link(list, i, p, &error), RFM_OK);
		rfm_payload_release(p);
	}
	return list;
}

static void
use_names(struct rfm_store *s, unsigned steps, bool watch)
{
	struct rfm_store_info info;

	for (unsigned i = 0; i < steps; i++) {
		struct rfm_change    change[3] = { { 0 } };
		char                 text[3][8];
		struct rfm_name_info old;
		size_t               n = 1 + below(3);
		for (size_t k = 0; k < n; k++) {
			snprintf(text[k], sizeof text[k], "n%u",
			    (unsigned)(3 * below(4) + k));
			change[k].name = text[k];
			change[k].name_bytes = strlen(text[k]);
			change[k].note = "a note";
			change[k].note_bytes = below(7);
			if (below(3) || !rfm_store_name(s, text[k],
			    change[k].name_bytes, &old))
				change[k].value = new_object(s);
			else if (below(2))
				assert_int_equal(rfm_store_find(s, old.id,
				    &change[k].value, &error), RFM_OK);
		}
		if (rfm_store_change(s, change, n, &error) != RFM_OK)
			fail_msg("%s", error.text);
		for (size_t k = 0; k < n; k++) {
			if (change[k].value != NULL && below(8) == 0)
				assert_int_equal(rfm_store_seal(
				    change[k].value, &error), RFM_OK);
			if (change[k].value != NULL)
				rfm_payload_release(change[k].value);
		}
		if (below(8) == 0)
			assert_int_equal(rfm_store_sync(s, &error), RFM_OK);
		if (!watch)
			continue;
		rfm_store_describe(s, &info);
		said[0] = '\0';
		assert_int_equal(rfm_check(&real_os, store, hear, NULL,
		    &report, &error), RFM_OK);
		if (!report.sound)
			fail_msg("a real store is not sound: %s", said);
		assert_int_equal(report.names, info.names);
		assert_int_equal(report.live, info.records);
		assert_int_equal(report.sealed, info.sealed);
		assert_int_equal(report.live_bytes, info.live_bytes);
	}
}

/* proves I16 */
static void
real_names(void **state)
{
	uint64_t seed = setting("RFM_SEED", (uint64_t)time(NULL));

	(void)state;
	real_os = *rfm_os_posix();
	real_os.boot_id = real_boot;
	print_message("# real_names: RFM_SEED=%" PRIu64 "\n", seed);
	random_state = seed;
	for (unsigned round = 0; round < 4; round++) {
		struct rfm_store *s;
		unlink(store);
		s = open_real(round % 2 ? 832 : 512);
		use_names(s, 100, true);
		rfm_store_release(s);
		look_at("closed");
		for (unsigned death = 0; death < 4; death++) {
			pid_t child;
			int   how;
			any();
			boots += death % 2;
			child = fork();
			if (child == 0) {
				use_names(open_real(512), 60, false);
				_exit(0);
			}
			assert_true(child > 0);
			assert_int_equal(waitpid(child, &how, 0), child);
			assert_int_equal(how, 0);
			said[0] = '\0';
			assert_int_equal(rfm_check(&real_os, store, hear, NULL,
			    &report, &error), RFM_OK);
			if (!report.sound)
				fail_msg("after a process death: %s", said);
		}
	}
}

static void
real_scratch_store(void **state)
{
	struct rfm_open_options o = { .mode = RFM_SCRATCH,
		.access = RFM_WRITE, .create = true };
	struct rfm_store *s;
	bool              created;

	(void)state;
	unlink(store);
	assert_int_equal(rfm_store_open(rfm_os_posix(), store, &o, &s,
	    &created, &error), RFM_OK);
	said[0] = '\0';
	assert_int_equal(rfm_check(rfm_os_posix(), store, hear, NULL, &report,
	    &error), RFM_OK);
	assert_true(report.sound && report.scratch);
	rfm_store_release(s);
}

/* ---- the example of the chapter ---- */

static void
print_bytes(const struct image *im, uint64_t at, uint64_t n, const char *what)
{
	printf("%s\n", what);
	for (uint64_t i = 0; i < n; i += 16) {
		printf("%6" PRIu64 " ", at + i);
		for (uint64_t j = i; j < i + 16 && j < n; j++)
			printf("%s%02x", j % 4 ? " " : "  ",
			    im->bytes[at + j]);
		printf("\n");
	}
}

/* The chapter shows these bytes: a checksum is enough to hold them fast. */
static void
example_is_as_printed(void **state)
{
	static const uint32_t sums[7] = { 0x9a9f0bcf, 0x59a2975d, 0x30fa5d5c,
		0xa579617a, 0xce741218, 0x42ad6ea0, 0x2fc07b87 };
	struct image *im = small();

	(void)state;
	assert_int_equal(super(im, 1)->checksum, 0x521fb36e);
	assert_int_equal(segment(im, 0)->checksum, 0xc1c91a40);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(record(im, i)->checksum, sums[i]);
	im->bytes[12664] ^= 1;
	damaged(im, "damage: record 5 at byte 12632 is not whole (its checksum "
	    "is wrong), but record 6 stands behind it at byte 12672: no crash "
	    "leaves that\n");
	drop(im);
}

static int
print_example(void)
{
	static const char *const kinds[] = { "", "ALLOCATE", "FREE", "SEAL",
		"COMMIT", "LINK" };
	struct image *im = small();
	char          what[40];

	print_bytes(im, RFM_PAGE_BYTES, 128, "superblock copy 1");
	print_bytes(im, im->segments[0], 64, "segment");
	for (unsigned i = 0; i < im->count; i++) {
		snprintf(what, sizeof what, "record %u: %s", i + 1,
		    kinds[record(im, i)->kind]);
		print_bytes(im, im->records[i], record(im, i)->bytes, what);
	}
	drop(im);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes_are_sound),
		cmocka_unit_test(what_is_no_store),
		cmocka_unit_test(what_cannot_be_read),
		cmocka_unit_test(superblock_fields),
		cmocka_unit_test(superblocks_torn_or_broken),
		cmocka_unit_test(superblock_broken_after_use),
		cmocka_unit_test(superblock_torn_over_a_long_log),
		cmocka_unit_test(scratch_stores),
		cmocka_unit_test(file_sizes),
		cmocka_unit_test(file_too_large),
		cmocka_unit_test(first_segment),
		cmocka_unit_test(later_segments),
		cmocka_unit_test(commit_opens_a_segment),
		cmocka_unit_test(links),
		cmocka_unit_test(broken_records),
		cmocka_unit_test(records_that_do_not_belong),
		cmocka_unit_test(allocations),
		cmocka_unit_test(frees_and_seals),
		cmocka_unit_test(commits),
		cmocka_unit_test(clean_closes),
		cmocka_unit_test(overlaps),
		cmocka_unit_test(reuse_before_commit),
		cmocka_unit_test(growth_lost_in_a_power_cut),
		cmocka_unit_test(payload_checksums),
		cmocka_unit_test(families_are_sound),
		cmocka_unit_test(without_memory_there_is_no_verdict),
		cmocka_unit_test(cells_of_lists),
		cmocka_unit_test(loops_of_lists),
		cmocka_unit_test(parts_and_their_owners),
		cmocka_unit_test(strings_of_sealed_vectors),
		cmocka_unit_test(payloads_that_move),
		cmocka_unit_test(payloads_that_move_wrongly),
		cmocka_unit_test(named_stores_are_sound),
		cmocka_unit_test(half_a_group),
		cmocka_unit_test(what_stands_behind_half_a_group),
		cmocka_unit_test(what_no_group_has),
		cmocka_unit_test(seals_of_elements),
		cmocka_unit_test(sums_of_elements),
		cmocka_unit_test(room_to_grow),
		cmocka_unit_test(extensions),
		cmocka_unit_test(lengths_that_are_too_large),
		cmocka_unit_test(strings_that_were_added),
		cmocka_unit_test(texts_of_names),
		cmocka_unit_test(sizes_of_names),
		cmocka_unit_test(records_of_names),
		cmocka_unit_test(what_names_stand_for),
		cmocka_unit_test(frees_of_what_has_a_name),
		cmocka_unit_test(elements_with_names),
		cmocka_unit_test(many_names),
		cmocka_unit_test(objects),
		cmocka_unit_test(pieces_of_vectors),
		cmocka_unit_test(pieces_and_states),
		cmocka_unit_test(room_that_nobody_should_see),
		cmocka_unit_test(writer_at_work),
		cmocka_unit_test(forged_files_end),
		cmocka_unit_test(every_bit),
		cmocka_unit_test(example_is_as_printed),
		cmocka_unit_test(fuzz),
		cmocka_unit_test(the_program),
		cmocka_unit_test(the_program_refuses),
		cmocka_unit_test(real_stores),
		cmocka_unit_test(real_names),
		cmocka_unit_test(real_scratch_store),
	};

	if (argc > 1 && strcmp(argv[1], "--bytes") == 0)
		return print_example();
	return cmocka_run_group_tests_name("check", tests, make_folder,
	    remove_folder);
}
