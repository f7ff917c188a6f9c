/*
 * Tests of the room log on the lying disk: what is appended, made durable, and
 * believed again after each kind of accident. The room for segments comes from a
 * counter here, so that each test knows where the segments are.
 */
#include "machine.h"
#include "log.h"

#define FILE_BYTES (1u << 20)
#define HEAD       sizeof(struct rfm_segment_disk)
#define ALLOCATE   (32u + 56u)
#define FREE       (32u + 8u)
#define COMMIT     (32u + 16u)
#define LINK       (32u + 24u)

struct seen {
	uint32_t kind;
	uint64_t id, at;
};

/* One process with its log. */
struct rig {
	struct rfm_os  *os;
	struct rfm_log  log;
	struct seen     seen[64];       /* what the visitor was told */
	size_t          count;
	uint64_t        next_room;      /* where the next segment goes */
	bool            no_room;
	uint64_t        given[64];      /* segments given back */
	size_t          given_count;
	char            given_after[64];  /* the last barrier before */
};

static struct rig rig, reader;

static enum rfm_status
take(void *context, uint64_t bytes, uint64_t *offset, struct rfm_error *e)
{
	struct rig *r = context;
	uint64_t    rounded = 0;

	if (r->no_room)
		return rfm_fail(e, RFM_DISK_FULL, "no room");
	assert_true(rfm_extent_bytes(bytes, &rounded));
	*offset = (r->next_room + 4095) / 4096 * 4096;
	r->next_room = *offset + rounded;
	assert_true(r->next_room <= r->log.file_bytes);
	return RFM_OK;
}

static void
give(void *context, uint64_t offset, uint64_t bytes)
{
	struct rig *r = context;
	const char *last = strrchr(barriers, ' ');

	(void)bytes;
	r->given[r->given_count++] = offset;
	strcpy(r->given_after, last == NULL ? barriers : last + 1);
}

static enum rfm_status
visit(void *context, uint32_t kind, const void *body, uint64_t at,
    struct rfm_error *e)
{
	struct rig *r = context;
	uint64_t    id = 0;

	(void)e;
	if (kind != RFM_RECORD_COMMIT)
		memcpy(&id, body, sizeof id);
	assert_true(r->count < COUNT(r->seen));
	r->seen[r->count++] = (struct seen){ kind, id, at };
	return RFM_OK;
}

static void
connect(struct rig *r, uint64_t first_segment_bytes, uint64_t bytes)
{
	memset(r, 0, sizeof *r);
	r->os = start_process();
	r->log.os = r->os;
	r->log.file_bytes = bytes;
	r->log.first_segment_bytes = first_segment_bytes;
	r->log.room.take = take;
	r->log.room.give = give;
	r->log.room.context = r;
	r->next_room = RFM_HEAP_OFFSET;
}

static void
format(uint64_t first_segment_bytes, uint64_t bytes)
{
	uint8_t uuid[16] = "a store of tests";

	connect(&rig, first_segment_bytes, bytes);
	OK(rig.os->open(rig.os, "store", RFM_OPEN_CREATE, &rig.log.file,
	    &error));
	OK(rig.os->resize(rig.os, rig.log.file, bytes, &error));
	OK(rfm_log_format(&rig.log, uuid, &error));
}

static int
set_up(void **state)
{
	(void)state;
	disk = rfm_lying_create(1);
	barriers[0] = '\0';
	after_read = NULL;
	format(512, FILE_BYTES);
	return 0;
}

static void
end(struct rig *r)
{
	if (r->os == NULL)
		return;
	rfm_log_dispose(&r->log);
	if (r->log.file != NULL)
		r->os->close(r->os, r->log.file);
	rfm_lying_end(r->os);
	r->os = NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	end(&rig);
	end(&reader);
	no_complaint();
	rfm_lying_destroy(disk);
	return 0;
}

static enum rfm_status
try_open(struct rig *r)
{
	connect(r, 512, FILE_BYTES);
	r->next_room = FILE_BYTES / 2;  /* not where segments may be */
	OK(r->os->open(r->os, "store", RFM_OPEN_WRITE, &r->log.file, &error));
	return rfm_log_open(&r->log, visit, r, &error);
}

/* The process is killed, and another one opens the log on the same boot. */
static enum rfm_status
after_death(void)
{
	rfm_lying_kill(rig.os);
	end(&rig);
	return try_open(&rig);
}

/* The power is cut, all that was written having arrived. */
static enum rfm_status
after_cut(void)
{
	struct rfm_lying_image image = snapshot();

	end(&rig);
	boot_with(&image);
	return try_open(&rig);
}

/* Changes bytes behind everybody's back, as a medium does. */
static void
scribble(uint64_t at, const void *bytes, size_t n)
{
	struct rfm_os   *os = rfm_lying_start(disk);
	struct rfm_file *f;

	OK(os->open(os, "store", RFM_OPEN_WRITE, &f, &error));
	OK(os->write(os, f, at, bytes, n, &error));
	os->close(os, f);
	rfm_lying_end(os);
}

static void
break_byte(uint64_t at)
{
	uint8_t byte = rfm_lying_present(disk).bytes[at] ^ 0x40;

	scribble(at, &byte, 1);
}

static uint64_t
append(enum rfm_record_kind kind, uint64_t id)
{
	uint64_t body[7] = { id, 65536, 80, 10, RFM_NUMERIC, 0, 0 }, at = 0;

	OK(rfm_log_append(&rig.log, kind, body, &at, &error));
	return at;
}

static void
commit(uint64_t next_id)
{
	OK(rfm_log_commit(&rig.log, next_id, &error));
}

/* What was seen, as text: A1 A2 C F1 */
static const char *
told(const struct rig *r)
{
	static char text[1024];
	char       *t = text;

	*t = '\0';
	for (size_t i = 0; i < r->count; i++)
		if (r->seen[i].kind == RFM_RECORD_COMMIT)
			t += sprintf(t, "%sC", i > 0 ? " " : "");
		else
			t += sprintf(t, "%s%c%" PRIu64, i > 0 ? " " : "",
			    "?AFSCLMEN"[r->seen[i].kind], r->seen[i].id);
	return text;
}

#define TOLD(wanted) assert_string_equal(told(&rig), (wanted))

static struct rfm_superblock_disk
superblock(unsigned copy)
{
	struct rfm_superblock_disk s;

	memcpy(&s, rfm_lying_present(disk).bytes + copy * RFM_PAGE_BYTES,
	    sizeof s);
	return s;
}

/* A list of living records: ids 1 to n. */
static uint64_t moved_to[64], moved_count;

static enum rfm_record_kind
live_get(void *context, uint64_t i, void *body)
{
	struct rfm_allocate_disk a = { .id = i + 1, .offset = 65536,
	    .bytes = 80, .length = 10, .type = RFM_NUMERIC };

	(void)context;
	memcpy(body, &a, sizeof a);
	return RFM_RECORD_ALLOCATE;
}

static void
live_moved(void *context, uint64_t i, uint64_t at)
{
	(void)context;
	if (i < COUNT(moved_to))
		moved_to[i] = at;
	moved_count++;
}

static struct rfm_log_live
living(uint64_t n)
{
	struct rfm_log_live live = { n, n, n * ALLOCATE, n + 1, live_get,
	    live_moved, NULL };

	moved_count = 0;
	return live;
}

/* ---- a new log ---- */

/* proves I1 */
static void
a_new_log_is_one_segment_one_superblock_and_one_barrier(void **state)
{
	struct rfm_superblock_disk s = superblock(1), none = superblock(0);

	(void)state;
	BARRIERS("FORMAT");
	assert_true(all_zero(&none, sizeof none));
	assert_int_equal(s.sequence, 1);
	assert_int_equal(s.flags, 0);
	assert_int_equal(s.head_offset, RFM_HEAP_OFFSET);
	assert_int_equal(s.head_bytes, 512);
	assert_memory_equal(s.uuid, "a store of tests", 16);
	OK(after_death());
	TOLD("");
	assert_int_equal(rig.log.sequence, 1);
	assert_int_equal(rig.log.tail, RFM_HEAP_OFFSET + HEAD);
}

static void
a_log_without_a_commit_is_empty_after_a_power_cut(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	OK(after_cut());
	TOLD("");
	assert_true(rig.log.cut);
}

/* ---- appending ---- */

/* proves I4 */
static void
every_appended_record_is_believed_after_a_death(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	append(RFM_RECORD_SEAL, 1);
	append(RFM_RECORD_FREE, 1);
	OK(after_death());
	TOLD("A1 C S1 F1");
	assert_false(rig.log.cut);
	assert_int_equal(rig.log.uncommitted, 2);
	assert_int_equal(rig.log.epoch, 1);
}

static void
records_stand_back_to_back_and_are_counted(void **state)
{
	uint64_t first = RFM_HEAP_OFFSET + HEAD;

	(void)state;
	assert_int_equal(append(RFM_RECORD_ALLOCATE, 1), first);
	assert_int_equal(append(RFM_RECORD_FREE, 1), first + ALLOCATE);
	commit(2);
	assert_int_equal(append(RFM_RECORD_ALLOCATE, 2),
	    first + ALLOCATE + FREE + COMMIT);
	assert_int_equal(rig.log.bytes, 2 * ALLOCATE + FREE + COMMIT);
	assert_int_equal(rig.log.sequence, 5);
	OK(after_death());
	assert_int_equal(rig.log.bytes, 2 * ALLOCATE + FREE + COMMIT);
	assert_int_equal(rig.log.sequence, 5);
	assert_int_equal(rig.seen[1].at, first + ALLOCATE);
}

/* proves I2 */
static void
a_record_torn_at_any_byte_is_not_believed(void **state)
{
	uint64_t first = append(RFM_RECORD_ALLOCATE, 1);
	uint64_t at = append(RFM_RECORD_ALLOCATE, 2);
	uint8_t  whole[ALLOCATE], zeros[ALLOCATE] = { 0 };

	(void)state;
	memcpy(whole, rfm_lying_present(disk).bytes + at, sizeof whole);
	for (size_t n = 0; n < ALLOCATE; n++) {
		scribble(at, zeros, sizeof zeros);
		scribble(at, whole, n);
		OK(after_death());
		if (all_zero(whole + n, ALLOCATE - n))
			continue;
		TOLD("A1");
		assert_int_equal(rig.log.tail, at);
	}
	assert_int_equal(at, first + ALLOCATE);
}

/* ---- segments in a chain ---- */

static void
fill_segments(unsigned n)
{
	for (uint64_t id = 1; rig.log.count < n; id++)
		append(RFM_RECORD_ALLOCATE, id);
}

static void
a_full_segment_is_followed_by_one_twice_as_large(void **state)
{
	(void)state;
	fill_segments(4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(rig.log.segments[i].bytes, 512u << i);
		for (unsigned k = 0; k < i; k++)
			assert_true(rig.log.segments[i].salt !=
			    rig.log.segments[k].salt);
	}
	BARRIERS("FORMAT");
}

/* proves I4 */
static void
a_chain_of_segments_is_read_as_one_log(void **state)
{
	uint64_t sequence, tail, bytes;

	(void)state;
	fill_segments(4);
	sequence = rig.log.sequence;
	tail = rig.log.tail;
	bytes = rig.log.bytes;
	OK(after_death());
	assert_int_equal(rig.log.count, 4);
	assert_int_equal(rig.log.sequence, sequence);
	assert_int_equal(rig.log.tail, tail);
	assert_int_equal(rig.log.bytes, bytes);
	for (size_t i = 0; i < rig.count; i++)
		assert_int_equal(rig.seen[i].id, i + 1);
	/* a LINK has a number of its own, but is told to nobody */
	assert_int_equal(rig.count + 3 + 1, sequence);
}

static void
segments_stop_growing_at_16_mb(void **state)
{
	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(12u << 20, 64u << 20);
	while (rig.log.count < 3)
		append(RFM_RECORD_ALLOCATE, rig.log.sequence);
	assert_int_equal(rig.log.segments[1].bytes, 16u << 20);
	assert_int_equal(rig.log.segments[2].bytes, 16u << 20);
}

/* Records of all sizes, so that all remainders of a segment occur. */
static void
there_is_always_room_for_a_link(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		const struct rfm_log_segment *s;

		if (i % 5 == 0)
			commit(1);
		else
			append(i % 3 == 0 ? RFM_RECORD_FREE : i % 3 == 1 ?
			    RFM_RECORD_SEAL : RFM_RECORD_ALLOCATE, i);
		s = &rig.log.segments[rig.log.count - 1];
		assert_true(rig.log.tail + LINK <= s->offset + s->bytes);
	}
	assert_true(rig.log.count > 4);
}

static void
a_link_without_its_segment_ends_the_log_after_a_cut(void **state)
{
	uint8_t zeros[HEAD] = { 0 };

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	fill_segments(2);
	scribble(rig.log.segments[1].offset, zeros, sizeof zeros);
	OK(after_cut());
	TOLD("A1 C");
	assert_int_equal(rig.log.count, 1);
}

static void
a_segment_without_its_link_is_not_looked_at(void **state)
{
	uint8_t  zeros[LINK] = { 0 };
	uint64_t link = 0;

	(void)state;
	while (rig.log.count < 2) {
		link = rig.log.tail;
		append(RFM_RECORD_ALLOCATE, rig.log.sequence);
	}
	scribble(link, zeros, sizeof zeros);
	OK(after_death());
	TOLD("A1 A2 A3 A4");
	assert_int_equal(rig.log.tail, link);
	assert_int_equal(rig.log.count, 1);
}

/* A death cannot do this; but if it is so, a new record must not overwrite the
 * LINK and revive what is behind it. */
static void
a_link_that_leads_nowhere_makes_the_log_go_on_elsewhere(void **state)
{
	struct rfm_log_live live = living(4);
	uint8_t             zeros[HEAD] = { 0 };

	(void)state;
	fill_segments(2);
	scribble(rig.log.segments[1].offset, zeros, sizeof zeros);
	OK(after_death());
	assert_true(rig.log.cut);
	barriers[0] = '\0';
	OK(rfm_log_begin(&rig.log, &live, &error));
	BARRIERS("PRIOR SEGMENT FLIP");
}

static void
forge_link(uint64_t offset, uint64_t bytes, uint64_t salt)
{
	uint64_t body[3] = { offset, bytes, salt };

	OK(rfm_log_append(&rig.log, RFM_RECORD_LINK, body, NULL, &error));
}

static void
a_link_back_to_the_head_is_not_followed(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	forge_link(rig.log.segments[0].offset, 512, rig.log.segments[0].salt);
	OK(after_death());
	TOLD("A1");
	assert_int_equal(rig.log.count, 1);
}

static void
a_link_to_an_impossible_segment_is_not_followed(void **state)
{
	static const struct { uint64_t offset, bytes; } wrong[] = {
		{ 0, 512 }, { FILE_BYTES, 512 }, { FILE_BYTES - 4096, 8192 },
		{ 65536, 0 }, { 65536, 448 }, { 65536, UINT64_MAX },
		{ UINT64_MAX - 511, 512 }, { 65537, 512 },
		{ 65536, (1ULL << 30) + 4096 },
	};

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		uint64_t tail = rig.log.tail, sequence = rig.log.sequence;

		forge_link(wrong[i].offset, wrong[i].bytes, 7);
		OK(after_death());
		TOLD("A1");
		assert_int_equal(rig.log.tail, tail);
		assert_int_equal(rig.log.sequence, sequence);
	}
}

/* ---- committing ---- */

/* proves I8 */
static void
a_commit_is_a_barrier_a_record_and_a_barrier(void **state)
{
	(void)state;
	BARRIERS("FORMAT");
	append(RFM_RECORD_ALLOCATE, 1);
	BARRIERS("");
	commit(2);
	BARRIERS("PAYLOAD COMMIT");
	assert_int_equal(rig.log.epoch, 1);
	assert_int_equal(rig.log.uncommitted, 0);
}

/* The COMMIT must not be written, not even asked for, before PAYLOAD is back. */
/* proves I8 */
static void
no_commit_is_written_if_its_payload_barrier_fails(void **state)
{
	uint64_t tail;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	tail = rig.log.tail;
	fail_next(RFM_LYING_FLUSH, 1, RFM_IO);
	REFUSED(RFM_IO, rfm_log_commit(&rig.log, 2, &error));
	assert_true(all_zero(rfm_lying_present(disk).bytes + tail, COMMIT));
	OK(after_cut());
	TOLD("");
}

static void
a_commit_of_nothing_waits_for_payloads_and_writes_nothing(void **state)
{
	uint64_t tail = rig.log.tail;

	(void)state;
	BARRIERS("FORMAT");
	commit(1);
	BARRIERS("PAYLOAD");
	assert_int_equal(rig.log.tail, tail);
	assert_int_equal(rig.log.epoch, 0);
}

/* proves I3 */
static void
after_a_power_cut_the_log_ends_with_the_last_commit(void **state)
{
	uint64_t tail;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	append(RFM_RECORD_ALLOCATE, 2);
	commit(3);
	tail = rig.log.tail;
	append(RFM_RECORD_FREE, 1);
	OK(after_cut());
	TOLD("A1 C A2 C");
	assert_int_equal(rig.log.tail, tail);
	assert_int_equal(rig.log.epoch, 2);
	assert_int_equal(rig.log.uncommitted, 0);
	assert_true(rig.log.cut);
}

/* proves I3 */
static void
a_power_cut_counts_as_a_cut_even_if_nothing_is_missing(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	OK(after_cut());
	TOLD("A1 C");
	assert_true(rig.log.cut);
}

/* One record, by a machine that did not know its boot id. */
static void
append_on_an_unknown_boot(void)
{
	struct rfm_superblock_disk s = superblock(1);

	append(RFM_RECORD_ALLOCATE, 1);
	memset(s.boot, 0, sizeof s.boot);
	rfm_superblock_seal(&s);
	scribble(RFM_PAGE_BYTES, &s, sizeof s);
}

/* proves I3 */
static void
an_unknown_boot_id_counts_as_a_power_cut(void **state)
{
	(void)state;
	append_on_an_unknown_boot();
	OK(after_death());
	TOLD("");
	assert_true(rig.log.cut);
}

static void
no_boot_id(struct rfm_os *os, uint8_t id[16])
{
	(void)os;
	memset(id, 0, 16);
}

/* proves I3 */
static void
two_unknown_boot_ids_are_not_the_same(void **state)
{
	(void)state;
	append_on_an_unknown_boot();
	rfm_lying_kill(rig.os);
	end(&rig);
	connect(&rig, 512, FILE_BYTES);
	rig.os->boot_id = no_boot_id;
	OK(rig.os->open(rig.os, "store", RFM_OPEN_WRITE, &rig.log.file,
	    &error));
	OK(rfm_log_open(&rig.log, visit, &rig, &error));
	TOLD("");
}

/* ---- beginning ---- */

static void
a_session_after_a_death_begins_with_one_barrier(void **state)
{
	struct rfm_superblock_disk before = superblock(1), after;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	OK(after_death());
	barriers[0] = '\0';
	OK(rfm_log_begin(&rig.log, NULL, &error));
	BARRIERS("PRIOR");
	after = superblock(1);
	assert_memory_equal(&before, &after, sizeof after);
	append(RFM_RECORD_ALLOCATE, 2);
	OK(after_death());
	TOLD("A1 A2");
}

static void
a_session_begins_once(void **state)
{
	(void)state;
	OK(after_death());
	barriers[0] = '\0';
	OK(rfm_log_begin(&rig.log, NULL, &error));
	BARRIERS("PRIOR");
	OK(rfm_log_begin(&rig.log, NULL, &error));
	BARRIERS("");
}

static void
close_cleanly(void)
{
	commit(100);
	OK(rfm_log_mark_clean(&rig.log, &error));
}

/* proves I1 */
static void
a_session_after_a_clean_end_first_says_that_it_is_in_use(void **state)
{
	struct rfm_superblock_disk s;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	close_cleanly();
	s = superblock(0);
	assert_int_equal(s.sequence, 2);
	assert_int_equal(s.flags, RFM_SUPERBLOCK_CLEAN);
	assert_int_equal(s.end_sequence, 3);
	OK(after_cut());
	assert_false(rig.log.cut);
	TOLD("A1 C");
	barriers[0] = '\0';
	OK(rfm_log_begin(&rig.log, NULL, &error));
	BARRIERS("PRIOR FLIP");
	s = superblock(1);
	assert_int_equal(s.sequence, 3);
	assert_int_equal(s.flags, 0);
	assert_int_equal(s.end_sequence, 0);
	rig.os->boot_id(rig.os, s.uuid);
	assert_memory_equal(s.boot, s.uuid, 16);
}

/* proves I2, I3 */
static void
a_session_after_a_power_cut_goes_on_in_a_fresh_segment(void **state)
{
	struct rfm_log_live live = living(1);
	uint64_t            salt = rig.log.segments[0].salt, stale;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	stale = append(RFM_RECORD_ALLOCATE, 2);
	append(RFM_RECORD_ALLOCATE, 3);
	OK(after_cut());
	barriers[0] = '\0';
	OK(rfm_log_begin(&rig.log, &live, &error));
	BARRIERS("PRIOR SEGMENT FLIP");
	assert_false(rig.log.cut);
	assert_true(rig.log.segments[0].salt != salt);
	append(RFM_RECORD_ALLOCATE, 2);
	assert_int_equal(rfm_lying_present(disk).bytes[stale] == 0, 0);
	OK(after_death());
	TOLD("A1 C A2");
}

static void
a_begin_that_finds_no_room_changes_nothing_and_may_be_repeated(void **state)
{
	struct rfm_log_live live = living(1);

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	OK(after_cut());
	rig.no_room = true;
	REFUSED(RFM_DISK_FULL, rfm_log_begin(&rig.log, &live, &error));
	assert_false(rig.log.begun);
	assert_false(rig.log.poisoned);
	assert_true(rig.log.cut);
	rig.no_room = false;
	OK(rfm_log_begin(&rig.log, &live, &error));
	append(RFM_RECORD_ALLOCATE, 2);
	OK(after_death());
	TOLD("A1 C A2");
}

/* ---- checkpoint ---- */

/* proves I6 */
static void
a_checkpoint_gives_the_old_segments_back_after_flip_only(void **state)
{
	struct rfm_log_live live = living(2);
	uint64_t            first, second;

	(void)state;
	fill_segments(2);
	first = rig.log.segments[0].offset;
	second = rig.log.segments[1].offset;
	barriers[0] = '\0';
	OK(rfm_log_checkpoint(&rig.log, &live, &error));
	assert_string_equal(rig.given_after, "FLIP");
	BARRIERS("SEGMENT FLIP");
	assert_int_equal(rig.given_count, 2);
	assert_int_equal(rig.given[0], first);
	assert_int_equal(rig.given[1], second);
}

static void
a_checkpoint_says_only_what_is_true_now(void **state)
{
	struct rfm_log_live live = living(2);
	uint64_t            sequence, epoch;

	(void)state;
	fill_segments(2);
	commit(9);
	sequence = rig.log.sequence;
	epoch = rig.log.epoch;
	OK(rfm_log_checkpoint(&rig.log, &live, &error));
	assert_int_equal(moved_count, 2);
	assert_int_equal(moved_to[0], rig.log.segments[0].offset + HEAD);
	assert_int_equal(moved_to[1], moved_to[0] + ALLOCATE);
	assert_int_equal(rig.log.sequence, sequence + 3);
	assert_int_equal(rig.log.epoch, epoch + 1);
	append(RFM_RECORD_ALLOCATE, 20);
	OK(after_death());
	TOLD("A1 A2 C A20");
	assert_int_equal(rig.seen[1].at, moved_to[1]);
	assert_int_equal(rig.log.epoch, epoch + 1);
}

/* proves I3 */
static void
a_checkpoint_is_a_commit(void **state)
{
	struct rfm_log_live live = living(2);

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	append(RFM_RECORD_ALLOCATE, 2);
	OK(rfm_log_checkpoint(&rig.log, &live, &error));
	assert_int_equal(rig.log.uncommitted, 0);
	OK(after_cut());
	TOLD("A1 A2 C");
}

/* proves I2 */
static void
old_records_in_reused_room_are_not_believed(void **state)
{
	struct rfm_log_live live = living(1);
	uint64_t            old;

	(void)state;
	fill_segments(2);
	old = rig.log.segments[1].offset;
	OK(rfm_log_checkpoint(&rig.log, &live, &error));
	rig.next_room = old;            /* full of old records */
	OK(rfm_log_checkpoint(&rig.log, &live, &error));
	assert_int_equal(rig.log.segments[0].offset, old);
	OK(after_death());
	TOLD("A1 C");
}

/* Ids come as 1, 2, 3 and so on, and then a COMMIT. */
static enum rfm_status
count_ids(void *context, uint32_t kind, const void *body, uint64_t at,
    struct rfm_error *e)
{
	uint64_t *next = context, id;

	(void)at, (void)e;
	memcpy(&id, body, sizeof id);
	if (kind == RFM_RECORD_ALLOCATE)
		assert_int_equal(id, (*next)++);
	return RFM_OK;
}

static void
a_checkpoint_of_many_records_is_written_in_pieces(void **state)
{
	struct rfm_log_live live = living(5000);
	uint64_t            tail, next = 1;

	(void)state;
	OK(rfm_log_checkpoint(&rig.log, &live, &error));
	assert_int_equal(moved_count, 5000);
	assert_int_equal(rig.log.bytes, 5000 * ALLOCATE + COMMIT);
	tail = rig.log.tail;
	rfm_lying_kill(rig.os);
	end(&rig);
	connect(&rig, 512, FILE_BYTES);
	OK(rig.os->open(rig.os, "store", RFM_OPEN_WRITE, &rig.log.file,
	    &error));
	OK(rfm_log_open(&rig.log, count_ids, &next, &error));
	assert_int_equal(next, 5001);
	assert_int_equal(rig.log.tail, tail);
}

static void
a_checkpoint_too_large_for_a_segment_changes_nothing(void **state)
{
	struct rfm_log_live live = living(1000000000);

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	REFUSED(RFM_TOO_LARGE, rfm_log_checkpoint(&rig.log, &live, &error));
	assert_false(rig.log.poisoned);
	append(RFM_RECORD_ALLOCATE, 2);
	OK(after_death());
	TOLD("A1 A2");
}

/* proves I13 */
static void
a_checkpoint_that_fails_before_the_flip_has_no_effect(void **state)
{
	struct rfm_log_live live = living(1);

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	append(RFM_RECORD_ALLOCATE, 2);
	for (uint32_t nth = 1; nth <= 2; nth++) {
		fail_next(RFM_LYING_WRITE, nth, RFM_IO);
		REFUSED(RFM_IO, rfm_log_checkpoint(&rig.log, &live, &error));
		assert_false(rig.log.poisoned);
		assert_int_equal(rig.given_count, nth);
	}
	rig.no_room = true;
	REFUSED(RFM_DISK_FULL, rfm_log_checkpoint(&rig.log, &live, &error));
	append(RFM_RECORD_FREE, 1);
	OK(after_death());
	TOLD("A1 A2 F1");
}

/* ---- a clean end ---- */

static void
a_clean_log_is_believed_to_its_end_on_any_boot(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	close_cleanly();
	OK(after_cut());
	TOLD("A1 C");
	OK(after_death());
	TOLD("A1 C");
	assert_int_equal(rig.log.sequence, 3);
}

static void
a_clean_end_needs_no_barrier(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	barriers[0] = '\0';
	OK(rfm_log_mark_clean(&rig.log, &error));
	BARRIERS("");
	assert_false(rig.log.begun);
}

static void
uncommitted_records_are_not_marked_clean(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	OK(rfm_log_mark_clean(&rig.log, &error));
	assert_true(all_zero(rfm_lying_present(disk).bytes, 128));
}

static void
a_session_that_changed_nothing_marks_nothing(void **state)
{
	(void)state;
	OK(after_death());
	OK(rfm_log_mark_clean(&rig.log, &error));
	assert_true(all_zero(rfm_lying_present(disk).bytes, 128));
}

/* ---- damage ---- */

static void
a_clean_log_that_has_lost_its_last_record_is_damaged(void **state)
{
	uint64_t at;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	at = rig.log.tail;
	close_cleanly();
	break_byte(at + 40);
	REFUSED(RFM_DAMAGED, after_death());
	SAYS("the log ends before record 2, but the store was closed after"
	    " record 2");
	REFUSED(RFM_DAMAGED, after_cut());
}

static void
a_clean_log_with_a_record_too_many_is_damaged(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	close_cleanly();
	append(RFM_RECORD_ALLOCATE, 2);
	REFUSED(RFM_DAMAGED, after_death());
}

static void
a_whole_record_behind_a_broken_one_is_damage_after_a_death(void **state)
{
	uint64_t at;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	at = append(RFM_RECORD_ALLOCATE, 2);
	append(RFM_RECORD_ALLOCATE, 3);
	break_byte(at + 50);
	REFUSED(RFM_DAMAGED, after_death());
	SAYS("record 2 of the log, at byte 12440, is broken");
}

/* proves I3 */
static void
a_whole_record_behind_a_broken_one_is_nothing_after_a_cut(void **state)
{
	uint64_t at;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	at = append(RFM_RECORD_ALLOCATE, 2);
	append(RFM_RECORD_ALLOCATE, 3);
	break_byte(at + 50);
	OK(after_cut());
	TOLD("A1 C");
}

static void
a_commit_behind_a_broken_record_is_damage_always(void **state)
{
	uint64_t at;

	(void)state;
	at = append(RFM_RECORD_ALLOCATE, 1);
	append(RFM_RECORD_ALLOCATE, 2);
	commit(3);
	break_byte(at + 50);
	REFUSED(RFM_DAMAGED, after_cut());
	SAYS("whole records follow");
	REFUSED(RFM_DAMAGED, after_death());
}

static void
a_log_without_its_head_is_damaged(void **state)
{
	(void)state;
	break_byte(RFM_HEAP_OFFSET + 9);
	REFUSED(RFM_DAMAGED, after_death());
	SAYS("no log segment at byte 12288");
}

static enum rfm_status
objects(void *context, uint32_t kind, const void *body, uint64_t at,
    struct rfm_error *e)
{
	(void)context, (void)kind, (void)body, (void)at;
	return rfm_fail(e, RFM_MISMATCH, "no");
}

static void
what_the_visitor_objects_to_ends_the_opening(void **state)
{
	struct rfm_log log;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	log = rig.log;
	log.segments = NULL;
	log.count = 0;
	REFUSED(RFM_MISMATCH, rfm_log_open(&log, objects, NULL, &error));
	rfm_log_dispose(&log);
}

/* ---- poison ---- */

static void
nothing_more_is_written(void)
{
	struct rfm_log_live    live = living(0);
	struct rfm_lying_image before = snapshot();
	uint64_t               body[6] = { 9 };

	barriers[0] = '\0';
	REFUSED(RFM_POISONED, rfm_log_append(&rig.log, RFM_RECORD_FREE, body,
	    NULL, &error));
	SAYS("what was synced before is safe");
	REFUSED(RFM_POISONED, rfm_log_commit(&rig.log, 9, &error));
	REFUSED(RFM_POISONED, rfm_log_checkpoint(&rig.log, &live, &error));
	OK(rfm_log_mark_clean(&rig.log, &error));
	rig.log.begun = false;
	REFUSED(RFM_POISONED, rfm_log_begin(&rig.log, &live, &error));
	BARRIERS("");
	assert_memory_equal(before.bytes, rfm_lying_present(disk).bytes,
	    before.size);
	free(before.bytes);
}

/* proves I13 */
static void
a_write_that_fails_at_any_byte_poisons_the_log(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	for (size_t part = 0; part < ALLOCATE; part += 7) {
		struct rfm_lying_fault fault = {
			RFM_LYING_WRITE, 1, RFM_IO, part, false
		};
		struct rfm_log_live live = living(1);
		uint64_t            body[7] = { 7, 1, 2, 3, 4, 5, ~0ULL };

		rfm_lying_fail(disk, &fault);
		REFUSED(RFM_IO, rfm_log_append(&rig.log, RFM_RECORD_ALLOCATE,
		    body, NULL, &error));
		nothing_more_is_written();
		OK(after_death());
		TOLD("A1 C");
		OK(rfm_log_begin(&rig.log, &live, &error));
	}
}

static void
a_barrier_that_fails_poisons_the_log(void **state)
{
	struct rfm_log_live live = living(1);

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	append(RFM_RECORD_FREE, 1);
	for (uint32_t nth = 1; nth <= 2; nth++) {   /* PAYLOAD, COMMIT */
		fail_next(RFM_LYING_FLUSH, nth, RFM_IO);
		REFUSED(RFM_IO, rfm_log_commit(&rig.log, 2, &error));
		nothing_more_is_written();
		OK(after_death());
		OK(rfm_log_begin(&rig.log, &live, &error));
		append(RFM_RECORD_SEAL, 8);
	}
	for (uint32_t nth = 1; nth <= 2; nth++) {   /* SEGMENT, FLIP */
		fail_next(RFM_LYING_FLUSH, nth, RFM_IO);
		REFUSED(RFM_IO, rfm_log_checkpoint(&rig.log, &live, &error));
		assert_int_equal(rig.given_count, 0);
		nothing_more_is_written();
		OK(after_death());
		OK(rfm_log_begin(&rig.log, &live, &error));
	}
	OK(after_death());                          /* PRIOR */
	fail_next(RFM_LYING_FLUSH, 1, RFM_IO);
	REFUSED(RFM_IO, rfm_log_begin(&rig.log, &live, &error));
	nothing_more_is_written();
}

static void
a_superblock_that_cannot_be_written_poisons_the_log(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	fail_next(RFM_LYING_WRITE, 1, RFM_IO);
	REFUSED(RFM_IO, rfm_log_mark_clean(&rig.log, &error));
	nothing_more_is_written();
	OK(after_death());
	TOLD("A1 C");
}

/* proves I13 */
static void
a_chain_that_finds_no_room_changes_nothing(void **state)
{
	uint64_t body[7] = { 9 }, tail, sequence;

	(void)state;
	fill_segments(1);
	while (rig.log.tail + ALLOCATE + LINK <= RFM_HEAP_OFFSET + 512)
		append(RFM_RECORD_ALLOCATE, rig.log.sequence);
	tail = rig.log.tail;
	sequence = rig.log.sequence;
	rig.no_room = true;
	REFUSED(RFM_DISK_FULL, rfm_log_append(&rig.log, RFM_RECORD_ALLOCATE,
	    body, NULL, &error));
	assert_int_equal(rig.log.tail, tail);
	assert_int_equal(rig.log.sequence, sequence);
	assert_false(rig.log.poisoned);
	rig.no_room = false;
	fail_next(RFM_LYING_OTHER, 1, RFM_IO);      /* no random bytes */
	REFUSED(RFM_IO, rfm_log_append(&rig.log, RFM_RECORD_ALLOCATE, body,
	    NULL, &error));
	fail_next(RFM_LYING_WRITE, 1, RFM_IO);      /* no segment head */
	REFUSED(RFM_IO, rfm_log_append(&rig.log, RFM_RECORD_ALLOCATE, body,
	    NULL, &error));
	assert_int_equal(rig.given_count, 1);
	assert_false(rig.log.poisoned);
	append(RFM_RECORD_ALLOCATE, 9);
	assert_int_equal(rig.log.count, 2);
	fail_next(RFM_LYING_WRITE, 2, RFM_IO);      /* no LINK */
	while (rfm_log_append(&rig.log, RFM_RECORD_ALLOCATE, body, NULL,
	    &error) == RFM_OK)
		fail_next(RFM_LYING_WRITE, 2, RFM_IO);
	assert_true(rig.log.poisoned);
	disarm();
	OK(after_death());
}

/* ---- groups ---- */

static void
announce(uint64_t records, uint64_t bytes)
{
	OK(rfm_log_group(&rig.log, records, bytes, &error));
}

/* A group of vectors with the ids from first on, of which only some are written. */
static uint64_t
group(uint64_t first, uint64_t records, uint64_t written)
{
	uint64_t start;

	announce(records, records * ALLOCATE);
	start = rig.log.tail;
	for (uint64_t i = 0; i < written; i++)
		append(RFM_RECORD_ALLOCATE, first + i);
	return start;
}

static uint32_t
flags_at(uint64_t at)
{
	struct rfm_record_disk head;

	memcpy(&head, rfm_lying_present(disk).bytes + at, sizeof head);
	return head.flags;
}

/* proves I2 */
static void
all_of_a_group_but_its_last_record_ask_for_more(void **state)
{
	uint64_t at, start;

	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	announce(1, ALLOCATE);
	at = append(RFM_RECORD_ALLOCATE, 1);
	assert_int_equal(flags_at(at), 0);
	start = group(2, 3, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(flags_at(start + i * ALLOCATE), i < 2
		    ? RFM_RECORD_MORE : 0);
	at = append(RFM_RECORD_ALLOCATE, 5);
	assert_int_equal(flags_at(at), 0);
	at = rig.log.tail;
	commit(6);
	assert_int_equal(flags_at(at), 0);
	OK(after_death());
	TOLD("A1 A2 A3 A4 A5 C");
	assert_false(rig.log.torn);
	OK(after_cut());
	TOLD("A1 A2 A3 A4 A5 C");
}

/* A process dies in a group, and the next one begins: as if nothing had been. */
/* proves I2, I4 */
static void
a_group_without_an_end_is_not_believed(void **state)
{
	(void)state;
	for (uint64_t written = 0; written < 4; written++) {
		uint64_t start;

		append(RFM_RECORD_ALLOCATE, 1);
		start = group(2, 4, written);
		OK(after_death());
		TOLD("A1");
		assert_int_equal(rig.log.tail, start);
		assert_int_equal(rig.log.torn, written > 0);
		assert_false(rig.log.cut);
		assert_int_equal(rig.log.uncommitted, 1);
		OK(after_cut());
		TOLD("");
		end(&rig);
		rfm_lying_boot(disk, NULL);
		format(1024, FILE_BYTES);
	}
}

/* proves I2, I4 */
static void
a_group_whose_last_record_is_torn_at_any_byte_is_not_believed(void **state)
{
	uint8_t  whole[ALLOCATE], zeros[ALLOCATE] = { 0 };
	uint64_t start, at;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	start = group(2, 3, 3);
	at = start + 2 * ALLOCATE;
	memcpy(whole, rfm_lying_present(disk).bytes + at, sizeof whole);
	for (size_t n = 0; n < ALLOCATE; n++) {
		if (all_zero(whole + n, ALLOCATE - n))
			break;
		scribble(at, zeros, sizeof zeros);
		scribble(at, whole, n);
		OK(after_death());
		TOLD("A1");
		assert_int_equal(rig.log.tail, start);
		assert_true(rig.log.torn);
	}
	scribble(at, whole, sizeof whole);
	OK(after_death());
	TOLD("A1 A2 A3 A4");
}

/* proves I2, I3 */
static void
after_a_power_cut_a_group_counts_if_a_commit_follows(void **state)
{
	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	group(1, 3, 3);
	OK(after_cut());
	TOLD("");
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	group(1, 3, 3);
	commit(4);
	group(4, 3, 2);
	OK(after_cut());
	TOLD("A1 A2 A3 C");
	assert_true(rig.log.cut);
	assert_false(rig.log.torn);
}

/*
 * The stale record behind the end has the sequence number that comes next but one;
 * it must not come back when the first one is written again.
 */
/* proves I2 */
static void
half_a_group_makes_the_log_go_on_elsewhere(void **state)
{
	struct rfm_log_live live = living(1);
	uint64_t            salt;

	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	append(RFM_RECORD_ALLOCATE, 1);
	group(2, 4, 3);
	salt = rig.log.segments[0].salt;
	OK(after_death());
	assert_true(rig.log.torn);
	barriers[0] = '\0';
	OK(rfm_log_begin(&rig.log, &live, &error));
	BARRIERS("PRIOR SEGMENT FLIP");
	assert_false(rig.log.torn);
	assert_true(rig.log.segments[0].salt != salt);
	append(RFM_RECORD_ALLOCATE, 7);
	OK(after_death());
	TOLD("A1 C A7");
	assert_false(rig.log.torn);
	barriers[0] = '\0';
	OK(rfm_log_begin(&rig.log, NULL, &error));
	BARRIERS("PRIOR");
}

static void
a_begin_after_half_a_group_may_be_repeated(void **state)
{
	struct rfm_log_live live = living(1);

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	group(2, 2, 1);
	OK(after_death());
	rig.no_room = true;
	REFUSED(RFM_DISK_FULL, rfm_log_begin(&rig.log, &live, &error));
	assert_true(rig.log.torn);
	assert_false(rig.log.begun);
	rig.no_room = false;
	OK(rfm_log_begin(&rig.log, &live, &error));
	append(RFM_RECORD_ALLOCATE, 2);
	OK(after_death());
	TOLD("A1 C A2");
}

/* A group goes on in no other segment. */
static void
a_group_that_does_not_fit_begins_in_a_fresh_segment(void **state)
{
	uint64_t start;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	start = group(2, 4, 4);                 /* 512 bytes hold 4 */
	assert_int_equal(rig.log.count, 2);
	assert_int_equal(rig.log.segments[1].bytes, 1024);
	assert_int_equal(start, rig.log.segments[1].offset + HEAD);
	assert_int_equal(flags_at(RFM_HEAP_OFFSET + HEAD + ALLOCATE), 0);
	start = group(6, 40, 40);               /* not even twice as much */
	assert_int_equal(rig.log.count, 3);
	assert_int_equal(start, rig.log.segments[2].offset + HEAD);
	assert_true(rig.log.segments[2].bytes >= HEAD + 40 * ALLOCATE + LINK);
	append(RFM_RECORD_FREE, 1);
	OK(after_death());
	assert_int_equal(rig.count, 1 + 4 + 40 + 1);
	assert_int_equal(rig.log.count, 4);     /* there was just room */
}

/* proves I2 */
static void
half_a_group_in_a_fresh_segment_leaves_the_link_alone(void **state)
{
	struct rfm_log_live live = living(1);
	uint64_t            start;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	start = group(2, 10, 9);
	OK(after_death());
	TOLD("A1");
	assert_int_equal(rig.log.count, 2);
	assert_int_equal(rig.log.tail, start);
	assert_true(rig.log.torn);
	OK(rfm_log_begin(&rig.log, &live, &error));
	append(RFM_RECORD_ALLOCATE, 2);
	OK(after_death());
	TOLD("A1 C A2");
}

/* proves I13 */
static void
a_group_that_cannot_have_its_room_changes_nothing(void **state)
{
	uint64_t tail, sequence;

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	tail = rig.log.tail;
	sequence = rig.log.sequence;
	REFUSED(RFM_TOO_LARGE, rfm_log_group(&rig.log, 3,
	    RFM_SEGMENT_MAX_BYTES / 2 + 1, &error));
	SAYS("3 records do not fit into one segment");
	REFUSED(RFM_TOO_LARGE, rfm_log_group(&rig.log, 3, UINT64_MAX,
	    &error));
	rig.no_room = true;
	REFUSED(RFM_DISK_FULL, rfm_log_group(&rig.log, 5, 5 * ALLOCATE,
	    &error));
	rig.no_room = false;
	fail_next(RFM_LYING_OTHER, 1, RFM_IO);      /* no random bytes */
	REFUSED(RFM_IO, rfm_log_group(&rig.log, 5, 5 * ALLOCATE, &error));
	fail_next(RFM_LYING_WRITE, 1, RFM_IO);      /* no segment head */
	REFUSED(RFM_IO, rfm_log_group(&rig.log, 5, 5 * ALLOCATE, &error));
	assert_int_equal(rig.given_count, 1);
	disarm();
	assert_int_equal(rig.log.tail, tail);
	assert_int_equal(rig.log.sequence, sequence);
	assert_int_equal(rig.log.count, 1);
	assert_false(rig.log.poisoned);
	assert_int_equal(flags_at(append(RFM_RECORD_ALLOCATE, 2)), 0);
	fail_next(RFM_LYING_WRITE, 2, RFM_IO);      /* no LINK */
	REFUSED(RFM_IO, rfm_log_group(&rig.log, 5, 5 * ALLOCATE, &error));
	assert_true(rig.log.poisoned);
	REFUSED(RFM_POISONED, rfm_log_group(&rig.log, 1, ALLOCATE, &error));
	OK(after_death());
	TOLD("A1 A2");
}

/* proves I13 */
static void
a_write_that_fails_in_a_group_leaves_all_of_it_or_nothing(void **state)
{
	(void)state;
	for (uint32_t nth = 1; nth <= 3; nth++)
		for (size_t part = 0; part <= ALLOCATE; part += 8) {
			struct rfm_lying_fault fault = {
				RFM_LYING_WRITE, nth, RFM_IO, part, false
			};
			struct rfm_log_live live = living(1);
			uint64_t body[7] = { 2, 65536, 80, 10, 3, 0, 0 };
			bool     arrived = part >= ALLOCATE - 16; /* zeros */
			bool     whole = nth == 3 && arrived;

			end(&rig);
			rfm_lying_boot(disk, NULL);
			format(4096, FILE_BYTES);
			append(RFM_RECORD_ALLOCATE, 1);
			announce(3, 3 * ALLOCATE);
			rfm_lying_fail(disk, &fault);
			for (uint32_t i = 1; i < nth; i++, body[0]++)
				OK(rfm_log_append(&rig.log,
				    RFM_RECORD_ALLOCATE, body, NULL,
				    &error));
			REFUSED(RFM_IO, rfm_log_append(&rig.log,
			    RFM_RECORD_ALLOCATE, body, NULL, &error));
			nothing_more_is_written();
			REFUSED(RFM_POISONED, rfm_log_group(&rig.log, 1, 40,
			    &error));
			OK(after_death());
			TOLD(whole ? "A1 A2 A3 A4" : "A1");
			assert_int_equal(rig.log.torn, !whole &&
			    (nth > 1 || arrived));
			OK(rfm_log_begin(&rig.log, &live, &error));
		}
}

/* ---- groups that are longer than a piece ---- */

#define LARGE (8u << 20)

struct tally {
	uint64_t records, commits;
};

static enum rfm_status
tally_up(void *context, uint32_t kind, const void *body, uint64_t at,
    struct rfm_error *e)
{
	struct tally *tally = context;

	(void)body, (void)at, (void)e;
	tally->records++;
	tally->commits += kind == RFM_RECORD_COMMIT;
	return RFM_OK;
}

static struct tally
open_large(bool cut)
{
	struct tally tally = { 0, 0 };

	if (cut) {
		struct rfm_lying_image image = snapshot();

		end(&rig);
		boot_with(&image);
	} else {
		rfm_lying_kill(rig.os);
		end(&rig);
	}
	connect(&rig, 512, LARGE);
	rig.next_room = LARGE / 2;
	OK(rig.os->open(rig.os, "store", RFM_OPEN_WRITE, &rig.log.file,
	    &error));
	OK(rfm_log_open(&rig.log, tally_up, &tally, &error));
	return tally;
}

static void
format_large(void)
{
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(LARGE / 2, LARGE);
}

/* proves I2 */
static void
a_group_longer_than_a_piece_is_believed_or_not_as_a_whole(void **state)
{
	uint64_t n = RFM_LOG_PIECE_BYTES / ALLOCATE * 5 / 2, start;

	(void)state;
	format_large();
	append(RFM_RECORD_ALLOCATE, 1);
	group(2, n, n);
	assert_int_equal(open_large(false).records, n + 1);
	assert_false(rig.log.torn);
	OK(rfm_log_begin(&rig.log, NULL, &error));
	commit(n + 2);
	start = group(n + 2, n / 2, n / 2 - 1);
	assert_int_equal(open_large(false).records, n + 2);
	assert_true(rig.log.torn);
	assert_int_equal(rig.log.tail, start);
	assert_int_equal(open_large(true).records, n + 2);
}

/* Wherever the border between two pieces falls. */
/* proves I2 */
static void
a_group_across_the_border_of_a_piece_is_looked_through(void **state)
{
	uint64_t border = RFM_HEAP_OFFSET + HEAD + RFM_LOG_PIECE_BYTES;

	(void)state;
	for (uint64_t before = 1; before <= 3; before++)
		for (unsigned step = 0; step < 11; step++)
			for (uint64_t lacks = 0; lacks < 2; lacks++) {
				uint64_t told = 0;

				format_large();
				for (unsigned i = 0; i < step; i++, told++)
					append(RFM_RECORD_SEAL, 1);
				while (rig.log.tail + before * ALLOCATE <=
				    border) {
					append(RFM_RECORD_ALLOCATE, 1);
					told++;
				}
				group(2, 4, 4 - lacks);
				assert_int_equal(open_large(false).records,
				    told + (lacks ? 0 : 4));
				assert_int_equal(rig.log.torn, lacks);
			}
}

/* The largest record of all, at the border of a piece, in a group. */
/* proves I2 */
static void
a_long_name_across_the_border_of_a_piece_is_read(void **state)
{
	uint8_t              body[RFM_BODY_MAX_BYTES];
	struct rfm_name_disk n = { 1, 0, RFM_NAME_MAX_BYTES,
	    RFM_NOTE_MAX_BYTES };
	uint64_t border = RFM_HEAP_OFFSET + HEAD + RFM_LOG_PIECE_BYTES;
	uint64_t bytes = 32 + sizeof body;

	(void)state;
	memset(body, 'x', sizeof body);
	memcpy(body, &n, sizeof n);
	for (uint64_t reach = 8; reach <= bytes + 8; reach += 216)
		for (uint64_t lacks = 0; lacks < 2; lacks++) {
			uint64_t told = 0;

			format_large();
			for (; rig.log.tail + reach <= border; told++)
				append(RFM_RECORD_SEAL, 1);
			announce(3, 3 * bytes);
			for (unsigned i = 0; i < 3 - lacks; i++)
				OK(rfm_log_append(&rig.log, RFM_RECORD_NAME,
				    body, NULL, &error));
			assert_int_equal(open_large(false).records, told +
			    (lacks ? 0 : 3));
			assert_int_equal(rig.log.torn, lacks);
		}
}

/* ---- groups and damage ---- */

/* The COMMIT vouches for the group, so nobody but an editor can have broken it. */
static void
a_broken_group_before_a_commit_is_damage_always(void **state)
{
	uint64_t start;

	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	append(RFM_RECORD_ALLOCATE, 1);
	start = group(2, 3, 3);
	commit(5);
	for (unsigned i = 0; i < 3; i++) {
		break_byte(start + i * ALLOCATE + 50);
		REFUSED(RFM_DAMAGED, after_cut());
		SAYS("whole records follow");
		REFUSED(RFM_DAMAGED, after_death());
		break_byte(start + i * ALLOCATE + 50);
	}
	OK(after_death());
	TOLD("A1 A2 A3 A4 C");
}

/* proves I3 */
static void
a_broken_group_without_a_commit_is_damage_after_a_death_only(void **state)
{
	uint64_t start;

	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	start = group(2, 3, 3);
	break_byte(start + ALLOCATE + 50);
	REFUSED(RFM_DAMAGED, after_death());
	SAYS("record 4 of the log");
	OK(after_cut());
	TOLD("A1 C");
}

static void
a_clean_log_that_was_cut_inside_a_group_is_damaged(void **state)
{
	uint8_t  zeros[ALLOCATE + COMMIT] = { 0 };
	uint64_t start;

	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	append(RFM_RECORD_ALLOCATE, 1);
	start = group(2, 3, 3);
	close_cleanly();
	OK(after_death());
	TOLD("A1 A2 A3 A4 C");
	scribble(start + 2 * ALLOCATE, zeros, sizeof zeros);
	REFUSED(RFM_DAMAGED, after_death());
	SAYS("ends before record 2");
	REFUSED(RFM_DAMAGED, after_cut());
	SAYS("ends before record 2");
}

/* ---- never two superblocks at the same time ---- */

/* proves I1 */
static void
never_are_two_superblock_writes_pending(void **state)
{
	struct rfm_log_live     live = living(1);
	struct rfm_lying_moment moment;
	struct rfm_lying_cut   *cut;
	bool                    pending[2] = { false, false };
	unsigned                writes = 0;

	(void)state;
	rfm_lying_record(disk, true);
	for (int i = 0; i < 3; i++) {
		append(RFM_RECORD_ALLOCATE, 1);
		commit(2);
		OK(rfm_log_checkpoint(&rig.log, &live, &error));
		append(RFM_RECORD_ALLOCATE, 2);
		commit(3);
		OK(rfm_log_mark_clean(&rig.log, &error));
		OK(after_death());
		OK(rfm_log_begin(&rig.log, &live, &error));
		append(RFM_RECORD_ALLOCATE, 4);
		OK(after_death());
		OK(rfm_log_begin(&rig.log, &live, &error));
		commit(5);
	}
	cut = rfm_lying_cut_begin(disk);
	while (rfm_lying_cut_next(cut, &moment)) {
		const struct rfm_lying_event *e = moment.event;

		if (e->kind == RFM_LYING_BARRIER)
			pending[0] = pending[1] = false;
		if (e->kind == RFM_LYING_STORE &&
		    (e->number == 0 || e->number == 8)) {
			writes++;
			pending[e->number / 8] = true;
		}
		assert_false(pending[0] && pending[1]);
	}
	rfm_lying_cut_end(cut);
	assert_int_equal(writes, 9);
}

/* ---- readers ---- */

static bool replaced;

static void
refresh(void)
{
	OK(rfm_log_refresh(&reader.log, &replaced, visit, &reader, &error));
}

static void
a_reader_sees_what_was_appended_since(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	OK(try_open(&reader));
	assert_string_equal(told(&reader), "A1");
	refresh();
	append(RFM_RECORD_SEAL, 1);
	fill_segments(3);
	refresh();
	assert_false(replaced);
	assert_int_equal(reader.log.sequence, rig.log.sequence);
	assert_int_equal(reader.log.count, 3);
}

static void
a_reader_is_told_that_the_log_was_replaced(void **state)
{
	struct rfm_log_live live = living(1);

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	OK(try_open(&reader));
	OK(rfm_log_checkpoint(&rig.log, &live, &error));
	reader.count = 0;
	refresh();
	assert_true(replaced);
	assert_int_equal(reader.count, 0);
	OK(rfm_log_open(&reader.log, visit, &reader, &error));
	assert_string_equal(told(&reader), "A1 C");
	append(RFM_RECORD_ALLOCATE, 2);
	refresh();
	assert_string_equal(told(&reader), "A1 C A2");
}

/* He came after a power cut and before the writer began. */
static void
a_reader_of_a_cut_log_sees_what_comes_after_the_writers_begin(void **state)
{
	struct rfm_log_live live = living(1);

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	commit(2);
	OK(after_cut());
	OK(try_open(&reader));
	assert_true(reader.log.cut);
	OK(rfm_log_begin(&rig.log, &live, &error));
	refresh();
	assert_true(replaced);
	reader.count = 0;
	OK(rfm_log_open(&reader.log, visit, &reader, &error));
	assert_false(reader.log.cut);
	append(RFM_RECORD_ALLOCATE, 2);
	refresh();
	assert_false(replaced);
	assert_string_equal(told(&reader), "A1 C A2");
}

static void
a_reader_notices_another_store_in_the_file(void **state)
{
	struct rfm_superblock_disk s = superblock(1);

	(void)state;
	OK(try_open(&reader));
	s.uuid[0] ^= 1;
	rfm_superblock_seal(&s);
	scribble(RFM_PAGE_BYTES, &s, sizeof s);
	REFUSED(RFM_MISMATCH, rfm_log_refresh(&reader.log, &replaced, visit,
	    &reader, &error));
}

static uint64_t tear_at;

static void
tear_once(uint64_t offset, void *bytes, size_t n)
{
	if (offset > tear_at || tear_at - offset >= n)
		return;
	((uint8_t *)bytes)[tear_at - offset] ^= 1;
	after_read = NULL;
}

static void
a_reader_who_sees_half_a_record_looks_again(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	tear_at = append(RFM_RECORD_ALLOCATE, 2) + 60;
	append(RFM_RECORD_ALLOCATE, 3);
	after_read = tear_once;
	OK(try_open(&reader));
	assert_null(after_read);
	assert_string_equal(told(&reader), "A1 A2 A3");
}

static void
begin_behind_his_back(uint64_t offset, void *bytes, size_t n)
{
	(void)bytes, (void)n;
	if (offset != RFM_PAGE_BYTES)
		return;
	after_read = NULL;
	OK(rfm_log_begin(&rig.log, NULL, &error));
	append(RFM_RECORD_ALLOCATE, 2);
}

/* The reader has read "clean", and then the writer begins. */
static void
a_reader_who_comes_while_the_writer_begins_sees_no_damage(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	close_cleanly();
	OK(after_death());
	after_read = begin_behind_his_back;
	OK(try_open(&reader));
	assert_null(after_read);
	assert_string_equal(told(&reader), "A1 C A2");
	append(RFM_RECORD_ALLOCATE, 3);
	refresh();
	assert_string_equal(told(&reader), "A1 C A2 A3");
}

/* The writer makes the file longer and puts a segment there. */
static void
a_reader_follows_a_link_into_a_file_that_has_grown(void **state)
{
	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	OK(try_open(&reader));
	reader.log.file_bytes = FILE_BYTES;
	OK(rig.os->resize(rig.os, rig.log.file, 2 * FILE_BYTES, &error));
	rig.log.file_bytes = 2 * FILE_BYTES;
	rig.next_room = FILE_BYTES;
	fill_segments(2);
	end(&reader);
	OK(try_open(&reader));          /* told that it is a MiB long */
	assert_int_equal(reader.log.count, 2);
	assert_false(reader.log.cut);
	assert_int_equal(reader.log.sequence, rig.log.sequence);
}

static enum rfm_status
no_opinion(void *context, uint32_t kind, const void *body, uint64_t at,
    struct rfm_error *e)
{
	(void)context, (void)kind, (void)body, (void)at, (void)e;
	return RFM_OK;
}

/* proves I13 */
static void
a_refresh_that_fails_on_its_way_goes_on_next_time(void **state)
{
	(void)state;
	for (uint32_t nth = 1; nth <= 6; nth++) {
		connect(&reader, 512, FILE_BYTES);
		OK(reader.os->open(reader.os, "store", RFM_OPEN_READ,
		    &reader.log.file, &error));
		OK(rfm_log_open(&reader.log, no_opinion, NULL, &error));
		fill_segments((unsigned)rig.log.count + 1);
		fail_next(RFM_LYING_READ, nth, RFM_IO);
		(void)rfm_log_refresh(&reader.log, &replaced, no_opinion,
		    NULL, &error);
		disarm();
		OK(rfm_log_refresh(&reader.log, &replaced, no_opinion, NULL,
		    &error));
		assert_int_equal(reader.log.sequence, rig.log.sequence);
		assert_int_equal(reader.log.tail, rig.log.tail);
		assert_false(reader.log.cut);
		end(&reader);
	}
}

/* He looks in mid-group, and again and again until it is whole. */
/* proves I4, I12 */
static void
a_reader_sees_a_group_when_it_is_whole(void **state)
{
	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	append(RFM_RECORD_ALLOCATE, 1);
	announce(4, 4 * ALLOCATE);
	for (uint64_t i = 0; i < 4; i++) {
		OK(try_open(&reader));
		assert_string_equal(told(&reader), "A1");
		assert_int_equal(reader.log.torn, i > 0);
		refresh();
		refresh();
		assert_string_equal(told(&reader), "A1");
		append(RFM_RECORD_ALLOCATE, 2 + i);
		refresh();
		assert_false(replaced);
		assert_string_equal(told(&reader), i < 3 ? "A1" :
		    "A1 A2 A3 A4 A5");
		assert_int_equal(reader.log.torn, i < 3);
		if (i == 3)
			break;
		end(&reader);
	}
	group(6, 2, 1);
	refresh();
	assert_true(reader.log.torn);
	append(RFM_RECORD_ALLOCATE, 7);
	commit(8);
	refresh();
	assert_false(reader.log.torn);
	assert_string_equal(told(&reader), "A1 A2 A3 A4 A5 A6 A7 C");
	assert_int_equal(reader.log.sequence, rig.log.sequence);
}

/* The writer died in mid-group, and another one goes on elsewhere. */
/* proves I4 */
static void
a_reader_of_half_a_group_is_told_that_the_log_was_replaced(void **state)
{
	struct rfm_log_live live = living(1);

	(void)state;
	append(RFM_RECORD_ALLOCATE, 1);
	group(2, 3, 2);
	OK(try_open(&reader));
	OK(after_death());
	OK(rfm_log_begin(&rig.log, &live, &error));
	append(RFM_RECORD_ALLOCATE, 9);
	refresh();
	assert_true(replaced);
	reader.count = 0;
	OK(rfm_log_open(&reader.log, visit, &reader, &error));
	assert_string_equal(told(&reader), "A1 C A9");
	assert_false(reader.log.torn);
}

static unsigned tears;

/* In each look another record is half-written, and those behind it are whole. */
static void
tear_each_look(uint64_t offset, void *bytes, size_t n)
{
	if (tears == 4 || offset > tear_at || tear_at - offset >= n)
		return;
	((uint8_t *)bytes)[tear_at - offset] ^= 1;
	tear_at += ALLOCATE;
	tears++;
}

/* A second look at the group may come too early for a later record of it. */
static void
a_reader_who_sees_half_a_record_of_a_group_looks_again(void **state)
{
	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	append(RFM_RECORD_ALLOCATE, 1);
	tear_at = group(2, 6, 6) + 60;
	tears = 0;
	after_read = tear_each_look;
	OK(try_open(&reader));
	after_read = NULL;
	assert_int_equal(tears, 4);
	assert_string_equal(told(&reader), "A1 A2 A3 A4 A5 A6 A7");
}

static void
finish_behind_his_back(uint64_t offset, void *bytes, size_t n)
{
	(void)bytes, (void)n;
	if (offset < RFM_HEAP_OFFSET + HEAD)
		return;
	after_read = NULL;
	append(RFM_RECORD_ALLOCATE, 4);
	append(RFM_RECORD_ALLOCATE, 5);
	group(6, 2, 1);
}

/* What he has in his hand is older than what he learns by looking ahead. */
static void
a_group_that_is_finished_while_a_reader_looks_is_read_as_a_whole(void **state)
{
	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	append(RFM_RECORD_ALLOCATE, 1);
	group(2, 4, 2);
	after_read = finish_behind_his_back;
	OK(try_open(&reader));
	assert_null(after_read);
	assert_string_equal(told(&reader), "A1 A2 A3 A4 A5");
	assert_true(reader.log.torn);
}

/* A place that stays broken is damage, however often one looks. */
static void
a_record_that_stays_broken_is_damage_at_the_second_look(void **state)
{
	(void)state;
	end(&rig);
	rfm_lying_boot(disk, NULL);
	format(4096, FILE_BYTES);
	append(RFM_RECORD_ALLOCATE, 1);
	break_byte(group(2, 6, 6) + 2 * ALLOCATE + 60);
	REFUSED(RFM_DAMAGED, try_open(&reader));
	SAYS("record 4 of the log");
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_new_log_is_one_segment_one_superblock_and_one_barrier),
		T(a_log_without_a_commit_is_empty_after_a_power_cut),
		T(every_appended_record_is_believed_after_a_death),
		T(records_stand_back_to_back_and_are_counted),
		T(a_record_torn_at_any_byte_is_not_believed),
		T(a_full_segment_is_followed_by_one_twice_as_large),
		T(a_chain_of_segments_is_read_as_one_log),
		T(segments_stop_growing_at_16_mb),
		T(there_is_always_room_for_a_link),
		T(a_link_without_its_segment_ends_the_log_after_a_cut),
		T(a_segment_without_its_link_is_not_looked_at),
		T(a_link_that_leads_nowhere_makes_the_log_go_on_elsewhere),
		T(a_link_back_to_the_head_is_not_followed),
		T(a_link_to_an_impossible_segment_is_not_followed),
		T(a_commit_is_a_barrier_a_record_and_a_barrier),
		T(no_commit_is_written_if_its_payload_barrier_fails),
		T(a_commit_of_nothing_waits_for_payloads_and_writes_nothing),
		T(after_a_power_cut_the_log_ends_with_the_last_commit),
		T(a_power_cut_counts_as_a_cut_even_if_nothing_is_missing),
		T(an_unknown_boot_id_counts_as_a_power_cut),
		T(two_unknown_boot_ids_are_not_the_same),
		T(a_session_after_a_death_begins_with_one_barrier),
		T(a_session_begins_once),
		T(a_session_after_a_clean_end_first_says_that_it_is_in_use),
		T(a_session_after_a_power_cut_goes_on_in_a_fresh_segment),
		T(a_begin_that_finds_no_room_changes_nothing_and_may_be_repeated),
		T(a_checkpoint_gives_the_old_segments_back_after_flip_only),
		T(a_checkpoint_says_only_what_is_true_now),
		T(a_checkpoint_is_a_commit),
		T(old_records_in_reused_room_are_not_believed),
		T(a_checkpoint_of_many_records_is_written_in_pieces),
		T(a_checkpoint_too_large_for_a_segment_changes_nothing),
		T(a_checkpoint_that_fails_before_the_flip_has_no_effect),
		T(a_clean_log_is_believed_to_its_end_on_any_boot),
		T(a_clean_end_needs_no_barrier),
		T(uncommitted_records_are_not_marked_clean),
		T(a_session_that_changed_nothing_marks_nothing),
		T(a_clean_log_that_has_lost_its_last_record_is_damaged),
		T(a_clean_log_with_a_record_too_many_is_damaged),
		T(a_whole_record_behind_a_broken_one_is_damage_after_a_death),
		T(a_whole_record_behind_a_broken_one_is_nothing_after_a_cut),
		T(a_commit_behind_a_broken_record_is_damage_always),
		T(a_log_without_its_head_is_damaged),
		T(what_the_visitor_objects_to_ends_the_opening),
		T(a_write_that_fails_at_any_byte_poisons_the_log),
		T(a_barrier_that_fails_poisons_the_log),
		T(a_superblock_that_cannot_be_written_poisons_the_log),
		T(a_chain_that_finds_no_room_changes_nothing),
		T(never_are_two_superblock_writes_pending),
		T(a_reader_sees_what_was_appended_since),
		T(a_reader_is_told_that_the_log_was_replaced),
		T(a_reader_of_a_cut_log_sees_what_comes_after_the_writers_begin),
		T(all_of_a_group_but_its_last_record_ask_for_more),
		T(a_group_without_an_end_is_not_believed),
		T(a_group_whose_last_record_is_torn_at_any_byte_is_not_believed),
		T(after_a_power_cut_a_group_counts_if_a_commit_follows),
		T(half_a_group_makes_the_log_go_on_elsewhere),
		T(a_begin_after_half_a_group_may_be_repeated),
		T(a_group_that_does_not_fit_begins_in_a_fresh_segment),
		T(half_a_group_in_a_fresh_segment_leaves_the_link_alone),
		T(a_group_that_cannot_have_its_room_changes_nothing),
		T(a_write_that_fails_in_a_group_leaves_all_of_it_or_nothing),
		T(a_group_longer_than_a_piece_is_believed_or_not_as_a_whole),
		T(a_group_across_the_border_of_a_piece_is_looked_through),
		T(a_long_name_across_the_border_of_a_piece_is_read),
		T(a_broken_group_before_a_commit_is_damage_always),
		T(a_broken_group_without_a_commit_is_damage_after_a_death_only),
		T(a_clean_log_that_was_cut_inside_a_group_is_damaged),
		T(a_reader_sees_a_group_when_it_is_whole),
		T(a_reader_of_half_a_group_is_told_that_the_log_was_replaced),
		T(a_reader_who_sees_half_a_record_of_a_group_looks_again),
		T(a_group_that_is_finished_while_a_reader_looks_is_read_as_a_whole),
		T(a_record_that_stays_broken_is_damage_at_the_second_look),
		T(a_reader_notices_another_store_in_the_file),
		T(a_reader_who_sees_half_a_record_looks_again),
		T(a_reader_who_comes_while_the_writer_begins_sees_no_damage),
		T(a_reader_follows_a_link_into_a_file_that_has_grown),
		T(a_refresh_that_fails_on_its_way_goes_on_next_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
