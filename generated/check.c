/* Tangled from lit/59_check.nw by 'make tangle': change it there, not here. */
#include "check.h"
#include "crc.h"
#include "layout.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define U64 "%" PRIu64

/* what the judge remembers of a payload */
#define NEVER UINT64_MAX

struct vector {
	uint64_t id, offset, bytes;
	uint64_t made, sealed, freed;    /* sequences, or NEVER */
	uint64_t placed;                 /* where it is since then */
	uint64_t length, extended;       /* so long since then */
	uint64_t shorter;                /* and before */
	uint64_t owner;                  /* of a part; or 0 */
	size_t   newest;                 /* its newest part; 0: none */
	size_t   older;                  /* of a part: the one before */
	size_t   left;                   /* the last place it left */
	uint64_t named;                  /* by so many cells of lists */
	uint64_t summed;                 /* bytes that have a checksum */
	uint32_t type;
	uint32_t checksum;
	bool     element;                /* nobody has a reference */
	bool     has_sum;                /* it carries a checksum */
	bool     has_name;
	bool     told;                   /* it is a bad object */
};
struct place_left {
	uint64_t id, offset, bytes;
	uint64_t placed, left;           /* sequences */
	size_t   older;                  /* the place before */
};
/* what the judge remembers of a name */
struct naming {
	uint64_t id;                     /* 0: takes the name away */
	uint64_t from, until;            /* sequences */
	uint64_t at;                     /* the NAME's place */
	size_t   place;                  /* in the pool */
	uint32_t bytes;
	const uint8_t *text;             /* when the pool is full */
};
/* what the judge remembers of an extent */
struct extent {
	uint64_t offset, bytes;
	uint64_t id;
};
struct place {
	uint64_t offset, bytes, salt;
};
/* a record in memory */
struct record {
	uint64_t               at;       /* its place in the file */
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
	} body;
};

#define RECORD_LEAST (sizeof(struct rfm_record_disk) + \
    sizeof(struct rfm_free_disk))
#define RECORD_MOST  (sizeof(struct rfm_record_disk) + \
    RFM_BODY_MAX_BYTES)
#define LINK_BYTES   (sizeof(struct rfm_record_disk) + \
    sizeof(struct rfm_link_disk))
/* what the judge has in mind */
#define WINDOW_BYTES 65536

struct check {
	struct rfm_os             *os;
	struct rfm_file           *file;
	rfm_check_line            *line;
	void                      *context;
	struct rfm_check_report   *report;
	struct rfm_error          *error;
	struct rfm_superblock_disk copies[RFM_SUPERBLOCKS];
	struct rfm_superblock_disk super;  /* the copy that counts */
	/* the state of the walk */
	struct place segment;    /* that we are in */
	uint64_t     at;         /* the next record's place */
	uint64_t     due;        /* the next record's sequence */
	uint64_t     first;      /* the first record's sequence */
	uint64_t     committed;  /* records below this are committed */
	uint64_t     last_id;    /* the highest id seen */
	uint64_t     next_id;    /* as the last COMMIT said */
	uint64_t     stop;       /* here is no whole record any more */
	uint64_t     vain;       /* bytes with a wrong checksum so far */
	bool         inside;     /* of a group, which is whole */
	uint64_t     links;      /* LINKs after the last COMMIT */
	bool         strict;     /* no power cut may excuse this file */
	bool         walking;    /* there is a next record to look at */
	bool         broken;     /* the log's end was not reached */
	bool         overlap;    /* some extents overlap */
	bool         half;       /* half a record is at the log's end */
	bool         busy;       /* a writer went on while we read */
	const char  *why;        /* the walk ended there */
	struct vector *vectors;
	size_t         vectors_count, vectors_room;
	struct place_left *lefts;
	size_t         lefts_count, lefts_room;
	struct naming *namings;
	size_t         namings_count, namings_room;
	uint8_t       *texts;
	size_t         texts_bytes, texts_room;
	struct extent *extents;
	size_t         extents_count, extents_room;
	uint64_t       window_offset;
	size_t         window_bytes;
	uint8_t        window[WINDOW_BYTES];
};
/* report damage and make notes */
static void
speak(struct check *c, const char *what, const char *format,
    va_list arguments)
{
	char   text[512];
	size_t n = (size_t)snprintf(text, sizeof text, "%s: ", what);

	vsnprintf(text + n, sizeof text - n, format, arguments);
	if (c->line != NULL)
		c->line(c->context, text);
}

static void __attribute__((format(printf, 2, 3)))
damage(struct check *c, const char *format, ...)
{
	va_list arguments;

	c->report->problems++;
	va_start(arguments, format);
	speak(c, "damage", format, arguments);
	va_end(arguments);
}

static void __attribute__((format(printf, 2, 3)))
note(struct check *c, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	speak(c, "note", format, arguments);
	va_end(arguments);
}
/* the judge's eyes */
/* look at bytes through the window */
static bool
in_file(const struct check *c, uint64_t offset, uint64_t bytes)
{
	uint64_t file = c->report->file_bytes;

	return bytes <= file && offset <= file - bytes;
}

static enum rfm_status
look(struct check *c, uint64_t offset, size_t bytes,
    const uint8_t **seen)
{
	uint64_t rest = c->report->file_bytes - offset;
	uint64_t into = offset - c->window_offset;

	if (into > c->window_bytes || c->window_bytes - into < bytes) {
		size_t n = rest < WINDOW_BYTES ? (size_t)rest
		    : WINDOW_BYTES;
		c->window_bytes = 0;
		RFM_TRY(c->os->read(c->os, c->file, offset, c->window,
		    n, c->error));
		c->window_offset = offset;
		c->window_bytes = n;
		into = 0;
	}
	*seen = c->window + into;
	return RFM_OK;
}
/* see whether bytes are all zero */
static bool
all_zero(const void *bytes, size_t n)
{
	const uint8_t *byte = bytes;

	while (n > 0 && *byte == 0)
		byte++, n--;
	return n == 0;
}
/* remember payloads and extents */
static enum rfm_status
grow(struct check *c, void **list, size_t *room, size_t count,
    size_t each)
{
	size_t more = *room == 0 ? 64 : *room * 2;
	void  *larger;

	if (count < *room)
		return RFM_OK;
	if (more > SIZE_MAX / each ||
	    (larger = realloc(*list, more * each)) == NULL)
		return rfm_fail(c->error, RFM_NO_MEMORY,
		    "no memory to check %zu records", count);
	*list = larger;
	*room = more;
	return RFM_OK;
}

static enum rfm_status
add_extent(struct check *c, uint64_t offset, uint64_t bytes, uint64_t id)
{
	void            *list = c->extents;
	enum rfm_status  status = grow(c, &list, &c->extents_room,
	    c->extents_count, sizeof *c->extents);

	c->extents = list;
	if (status == RFM_OK)
		c->extents[c->extents_count++] =
		    (struct extent){ offset, bytes, id };
	return status;
}
/* read a record, or say why there is none */
static enum rfm_status
read_record(struct check *c, const struct place *p, uint64_t at,
    struct record *r, const char **why)
{
	uint64_t       room = p->offset + p->bytes - at;
	const uint8_t *seen;
	size_t         body;

	memset(r, 0, sizeof *r);
	r->at = at;
	*why = "the segment ends";
	if (room < RECORD_LEAST)
		return RFM_OK;
	RFM_TRY(look(c, at, sizeof r->head, &seen));
	memcpy(&r->head, seen, sizeof r->head);
	*why = "its length is impossible";
	if (r->head.bytes < RECORD_LEAST || r->head.bytes > RECORD_MOST ||
	    r->head.bytes % 8 != 0 || r->head.bytes > room)
		return RFM_OK;
	RFM_TRY(look(c, at, r->head.bytes, &seen));
	*why = "its checksum is wrong";
	if (r->head.checksum != rfm_crc32c(0, seen + 4,
	    r->head.bytes - 4)) {
		c->vain += r->head.bytes;
		return RFM_OK;
	}
	*why = r->head.salt == p->salt ? NULL
	    : "its salt is not that of its segment";
	body = r->head.bytes - sizeof r->head;
	memcpy(&r->body, seen + sizeof r->head,
	    body < sizeof r->body ? body : sizeof r->body);
	return RFM_OK;
}
/* find the next whole record, wherever it is */
static enum rfm_status
find_record(struct check *c, const struct place *p, uint64_t *at,
    struct record *r, bool *found)
{
	const char    *why;
	const uint8_t *seen;

	*found = false;
	for (; p->offset + p->bytes - *at >= RECORD_LEAST &&
	    c->vain / 4 <= c->report->file_bytes; *at += 8) {
		RFM_TRY(look(c, *at, sizeof r->head, &seen));
		memcpy(&r->head, seen, sizeof r->head);
		if (r->head.salt != p->salt)
			continue;
		RFM_TRY(read_record(c, p, *at, r, &why));
		*found = why == NULL;
		if (*found)
			return RFM_OK;
	}
	return RFM_OK;
}
/* find a witness behind a break */
static enum rfm_status
find_witness(struct check *c, struct place p, uint64_t at,
    struct record *r, bool *found)
{
	uint64_t budget = c->report->file_bytes;

	for (;;) {
		RFM_TRY(find_record(c, &p, &at, r, found));
		if (!*found)
			return RFM_OK;
		at += r->head.bytes;
		if (r->head.kind == RFM_RECORD_COMMIT || c->strict)
			return RFM_OK;
		if (r->head.kind != RFM_RECORD_LINK)
			continue;
		/* search on behind the LINK, or give up */
		p = (struct place){ r->body.link.offset, r->body.link.bytes,
		    r->body.link.salt };
		*found = in_file(c, p.offset, p.bytes) && p.bytes <= budget;
		if (!*found)
			return RFM_OK;
		budget -= p.bytes;
		at = p.offset;
	}
}
/* the judge on superblocks */
/* tell the condition of a superblock copy */
enum condition { WHOLE, BLANK, TORN, LATER, ALIEN };

static const uint8_t store_magic[8] = {
	0x89, 0x52, 0x46, 0x4d, 0x0d, 0x0a, 0x1a, 0x0a
};

static enum condition
condition_of(const struct rfm_superblock_disk *s)
{
	size_t before = offsetof(struct rfm_superblock_disk, checksum);

	if (all_zero(s, sizeof *s))
		return BLANK;
	if (memcmp(s->magic, store_magic, sizeof store_magic) != 0)
		return ALIEN;
	if (s->checksum != rfm_crc32c(0, s, before))
		return TORN;
	return s->version == RFM_FORMAT_VERSION ? WHOLE : LATER;
}
/* read both superblock copies */
static enum rfm_status
read_copies(struct check *c,
    struct rfm_superblock_disk copies[RFM_SUPERBLOCKS])
{
	uint64_t file = c->report->file_bytes;

	memset(copies, 0, RFM_SUPERBLOCKS * sizeof copies[0]);
	for (unsigned i = 0; i < RFM_SUPERBLOCKS; i++) {
		uint64_t offset = i * (uint64_t)RFM_PAGE_BYTES;
		uint64_t rest = offset < file ? file - offset : 0;
		size_t   n = rest < sizeof copies[i] ? (size_t)rest
		    : sizeof copies[i];
		if (n > 0)
			RFM_TRY(c->os->read(c->os, c->file, offset,
			    &copies[i], n, c->error));
	}
	return RFM_OK;
}
/* refuse what is no store, or mourn what was one */
static enum rfm_status
refuse_or_mourn(struct check *c, const enum condition is[])
{
	unsigned magics = 0, later = 0;
	uint32_t version = RFM_FORMAT_VERSION;

	for (unsigned i = 0; i < RFM_SUPERBLOCKS; i++) {
		if (is[i] != TORN && is[i] != LATER)
			continue;
		magics++;
		if (c->copies[i].version == RFM_FORMAT_VERSION ||
		    c->copies[i].version == 0)
			continue;
		version = c->copies[i].version;
		later += is[i] == LATER ? RFM_SUPERBLOCKS : 1;
	}
	if (magics == 0)
		return rfm_fail(c->error, RFM_FOREIGN,
		    "not a store: it does not begin like one");
	if (later >= magics)
		return rfm_fail(c->error, RFM_VERSION,
		    "a store of format %" PRIu32 "; this program knows"
		    " format %d", version, RFM_FORMAT_VERSION);
	/* mourn a store without a superblock */
	damage(c, "superblocks: neither copy is whole (bytes 0 and %d); the log"
	    " cannot be found%s", RFM_PAGE_BYTES, is[0] == BLANK ? "; a creation"
	    " that was interrupted looks the same" : "");
	return RFM_OK;
}
/* note what the superblock says */
static void
note_what_it_is(struct check *c)
{
	const struct rfm_superblock_disk *s = &c->super;
	uint8_t boot[16];

	c->os->boot_id(c->os, boot);
	c->report->clean = (s->flags & RFM_SUPERBLOCK_CLEAN) != 0;
	c->report->scratch = (s->flags & RFM_SUPERBLOCK_SCRATCH) != 0;
	c->report->superblock_sequence = s->sequence;
	memcpy(c->report->uuid, s->uuid, sizeof s->uuid);
	c->strict = c->report->clean ||
	    (!all_zero(boot, sizeof boot) &&
	    memcmp(boot, s->boot, sizeof boot) == 0);
	if (c->report->scratch)
		note(c, "a scratch store: it keeps no records, so there is"
		    " no log to check");
}
/* check a whole superblock */
static void
check_superblock(struct check *c, unsigned i)
{
	const struct rfm_superblock_disk *s = &c->copies[i];
	uint32_t known = RFM_SUPERBLOCK_CLEAN | RFM_SUPERBLOCK_SCRATCH;

	if (s->sequence == 0 || s->sequence % RFM_SUPERBLOCKS != i)
		damage(c, "superblock copy %u: its number " U64
		    " does not belong into this page", i, s->sequence);
	if ((s->flags & ~known) != 0)
		damage(c, "superblock copy %u: unknown flags 0x%" PRIx32,
		    i, s->flags);
	if (s->file_bytes > c->report->file_bytes &&
	    s->sequence == c->super.sequence)
		damage(c, "superblock copy %u: the file has been cut short:"
		    " it had " U64 " bytes", i, s->file_bytes);
	if (!all_zero(s->reserved, sizeof s->reserved))
		damage(c, "superblock copy %u: its reserved bytes are not"
		    " zero", i);
	if (all_zero(s->uuid, sizeof s->uuid))
		damage(c, "superblock copy %u: it has no UUID", i);
	if ((s->flags & RFM_SUPERBLOCK_SCRATCH) != 0 &&
	    (s->head_offset | s->head_bytes | s->head_salt) != 0)
		damage(c, "superblock copy %u: a scratch store that names"
		    " a log", i);
}
/* compare two whole superblocks */
static void
compare_superblocks(struct check *c)
{
	const struct rfm_superblock_disk *a = &c->copies[0];
	const struct rfm_superblock_disk *b = &c->copies[1];

	if (a->sequence - b->sequence != 1 &&
	    b->sequence - a->sequence != 1)
		damage(c, "superblocks: their numbers " U64 " and " U64
		    " are not one apart", a->sequence, b->sequence);
	if (memcmp(a->uuid, b->uuid, sizeof a->uuid) != 0)
		damage(c, "superblocks: two different UUIDs");
	if (((a->flags ^ b->flags) & RFM_SUPERBLOCK_SCRATCH) != 0)
		damage(c, "superblocks: only one of them says that this is"
		    " a scratch store");
}
/* see whether a torn write explains a superblock */
static bool
torn_write_explains(const struct rfm_superblock_disk *torn,
    const struct rfm_superblock_disk *super)
{
	uint64_t       next = super->sequence + 1;
	uint64_t       last = super->sequence - 1;
	const uint8_t *t = (const uint8_t *)torn;
	const uint8_t *s = (const uint8_t *)super;
	size_t         flags = offsetof(struct rfm_superblock_disk, flags);
	size_t         uuid = offsetof(struct rfm_superblock_disk, uuid);
	bool           blank = last == 0;  /* the page was zeros before */

	for (size_t i = 0; i < uuid + sizeof super->uuid; i++)
		if ((i < flags || i >= uuid) && t[i] != s[i] &&
		    !(blank && t[i] == 0))
			return false;
	t = (const uint8_t *)&torn->sequence;
	for (size_t i = 0; i < sizeof next; i++)
		if (t[i] != ((const uint8_t *)&next)[i] &&
		    t[i] != ((const uint8_t *)&last)[i])
			return false;
	return (torn->flags & ~(RFM_SUPERBLOCK_CLEAN |
	    RFM_SUPERBLOCK_SCRATCH)) == 0 &&
	    torn->file_bytes % RFM_FILE_STEP_BYTES == 0 &&
	    all_zero(torn->reserved, sizeof torn->reserved);
}
/* see whether the log of a torn superblock went on */
static enum rfm_status
see_whether_used(struct check *c, const struct rfm_superblock_disk *torn,
    bool *used)
{
	struct place  p = { torn->head_offset, torn->head_bytes,
	    torn->head_salt };
	uint64_t      at = p.offset, commits = 0;
	struct record r;
	bool          found = true;
	const uint8_t *seen;
	struct rfm_segment_disk head;

	if (p.offset == c->super.head_offset || p.offset % 64 != 0 ||
	    !in_file(c, p.offset, p.bytes) ||
	    !in_file(c, c->super.head_offset, sizeof head))
		return RFM_OK;
	RFM_TRY(look(c, c->super.head_offset, sizeof head, &seen));
	memcpy(&head, seen, sizeof head);
	while (found && !*used) {
		RFM_TRY(find_record(c, &p, &at, &r, &found));
		if (found && r.head.sequence < head.first_sequence)
			return RFM_OK;	/* the log of copy n - 1 */
		*used = found && commits > 0;
		if (found && r.head.kind == RFM_RECORD_COMMIT)
			commits++;
		if (found)
			at += r.head.bytes;
	}
	return RFM_OK;
}
/* excuse a superblock that is not whole */
static enum rfm_status
excuse_superblock(struct check *c, unsigned i, enum condition is)
{
	const struct rfm_superblock_disk *torn = &c->copies[i];
	bool used = false;

	if (is == BLANK && c->super.sequence == 1)
		return RFM_OK;
	if (is == BLANK || is == LATER ||
	    !torn_write_explains(torn, &c->super)) {
		damage(c, "superblock copy %u (byte %u): not whole, and not"
		    " what a torn write leaves", i, i * RFM_PAGE_BYTES);
		return RFM_OK;
	}
	if (torn->sequence == c->super.sequence + 1)
		RFM_TRY(see_whether_used(c, torn, &used));
	if (used)
		damage(c, "superblock copy %u (byte %u): not whole, but it"
		    " was once: the log that it names went on", i,
		    i * RFM_PAGE_BYTES);
	else
		note(c, "superblock copy %u (byte %u): not whole, as a torn"
		    " write leaves it; the other copy counts", i,
		    i * RFM_PAGE_BYTES);
	return RFM_OK;
}
/* read the superblocks, or fail if there are none */
static enum rfm_status
read_superblocks(struct check *c, bool *store)
{
	const struct rfm_superblock_disk *s = c->copies;
	enum condition is[RFM_SUPERBLOCKS];
	unsigned       w;

	RFM_TRY(read_copies(c, c->copies));
	is[0] = condition_of(&s[0]);
	is[1] = condition_of(&s[1]);
	*store = is[0] == WHOLE || is[1] == WHOLE;
	if (!*store)
		return refuse_or_mourn(c, is);
	w = is[1] == WHOLE && (is[0] != WHOLE ||
	    s[1].sequence > s[0].sequence);
	c->super = s[w];
	note_what_it_is(c);
	check_superblock(c, w);
	if (is[1 - w] == WHOLE) {
		check_superblock(c, 1 - w);
		compare_superblocks(c);
		return RFM_OK;
	}
	return excuse_superblock(c, 1 - w, is[1 - w]);
}
/* check the size of the file */
static void
check_file_size(struct check *c)
{
	uint64_t bytes = c->report->file_bytes;

	if (bytes % RFM_FILE_STEP_BYTES != 0)
		damage(c, "file: its size, " U64 " bytes, is not a multiple"
		    " of %d: it was cut or something was appended", bytes,
		    RFM_FILE_STEP_BYTES);
	if (bytes < RFM_FILE_MIN_BYTES)
		damage(c, "file: " U64 " bytes are less than the smallest"
		    " store has", bytes);
	if (bytes > RFM_FILE_MAX_BYTES)
		damage(c, "file: " U64 " bytes are more than format 1"
		    " allows", bytes);
}
/* the judge on segments */
/* check the place of a segment */
static uint64_t
unit_of(uint64_t bytes)
{
	return bytes < RFM_PAGE_BYTES ? RFM_GRANULE_BYTES : RFM_PAGE_BYTES;
}

static uint64_t
room_of(uint64_t bytes)
{
	uint64_t unit = unit_of(bytes);

	if (bytes > RFM_FILE_MAX_BYTES)
		return UINT64_MAX;
	return bytes == 0 ? unit : (bytes + unit - 1) / unit * unit;
}

static bool
place_possible(struct check *c, const struct place *p,
    const char *who, uint64_t where)
{
	uint64_t unit = unit_of(p->bytes);

	if (p->bytes >= RFM_SEGMENT_MIN_BYTES &&
	    p->bytes <= RFM_SEGMENT_MAX_BYTES &&
	    p->offset % unit == 0 && p->offset >= RFM_HEAP_OFFSET &&
	    p->offset <= RFM_FILE_MAX_BYTES - p->bytes)
		return true;
	damage(c, "%s at byte " U64 ": it names an impossible log segment"
	    " (offset " U64 ", " U64 " bytes)", who, where, p->offset,
	    p->bytes);
	return false;
}
/* see whether a segment is there */
static enum rfm_status
look_for_segment(struct check *c, const struct place *p,
    struct rfm_segment_disk *s, const char **why)
{
	static const char magic[8] = "RFMSEG1\n";
	size_t         before = offsetof(struct rfm_segment_disk, checksum);
	const uint8_t *seen;

	*why = "it lies beyond the end of the file";
	if (!in_file(c, p->offset, p->bytes))
		return RFM_OK;
	RFM_TRY(look(c, p->offset, sizeof *s, &seen));
	memcpy(s, seen, sizeof *s);
	if (memcmp(s->magic, magic, sizeof magic) != 0)
		*why = "no segment begins there";
	else if (s->checksum != rfm_crc32c(0, s, before))
		*why = "the checksum of its head is wrong";
	else if (s->salt != p->salt)
		*why = "its head has another salt";
	else
		*why = NULL;
	return RFM_OK;
}
/* see whether a segment was read before */
static bool
was_read_before(const struct check *c, uint64_t offset)
{
	for (size_t i = 0; i < c->extents_count; i++)
		if (c->extents[i].offset == offset)
			return true;
	return false;
}
/* check the head of a segment */
static bool
segment_fits(struct check *c, const struct place *p,
    const struct rfm_segment_disk *s)
{
	uint64_t problems = c->report->problems;

	if (s->bytes != p->bytes)
		damage(c, "segment at byte " U64 ": its head says " U64
		    " bytes, but it was named with " U64, p->offset,
		    s->bytes, p->bytes);
	if (!all_zero(s->reserved, sizeof s->reserved))
		damage(c, "segment at byte " U64 ": its reserved bytes are"
		    " not zero", p->offset);
	if (s->first_sequence != c->due && was_read_before(c, p->offset))
		damage(c, "the log runs in a circle: a LINK leads back to"
		    " the segment at byte " U64, p->offset);
	else if (s->first_sequence == 0 || s->first_sequence != c->due)
		damage(c, "segment at byte " U64 ": its first sequence is "
		    U64 ", but " U64 " was due", p->offset,
		    s->first_sequence, c->due);
	return c->report->problems == problems;
}
/* judge a segment that is not there */
static enum rfm_status
miss_segment(struct check *c, const struct place *p, const char *why)
{
	struct record r;
	bool          found = false;

	c->broken = true;
	if (c->report->segments == 0) {
		damage(c, "the log cannot be read: its first segment, at"
		    " byte " U64 ", is not there: %s", p->offset, why);
		return RFM_OK;
	}
	if (in_file(c, p->offset, p->bytes))
		RFM_TRY(find_witness(c, *p, p->offset, &r, &found));
	if (was_read_before(c, p->offset))
		damage(c, "the log runs in a circle: a LINK leads back to"
		    " the segment at byte " U64, p->offset);
	else if (found || c->strict)
		damage(c, "the log goes on at byte " U64 ", but the segment"
		    " is not there: %s", p->offset, why);
	else
		c->broken = false;
	if (!c->broken)
		note(c, "the log goes on at byte " U64 ", but %s: as a power"
		    " cut leaves it; nothing there was committed",
		    p->offset, why);
	return RFM_OK;
}
/* enter a segment */
static enum rfm_status
enter_segment(struct check *c, const struct place *p)
{
	struct rfm_segment_disk s;
	const char             *why;

	c->walking = false;
	RFM_TRY(look_for_segment(c, p, &s, &why));
	if (why != NULL)
		return miss_segment(c, p, why);
	if (c->report->segments == 0)
		c->due = c->first = s.first_sequence;
	c->broken = !segment_fits(c, p, &s);
	if (c->broken)
		return RFM_OK;
	c->walking = true;
	c->segment = *p;
	c->at = p->offset + sizeof s;
	c->report->segments++;
	c->report->log_bytes += p->bytes;
	return add_extent(c, p->offset, room_of(p->bytes), 0);
}
/* the judge on records */
/* report damage in a record */
static void __attribute__((format(printf, 3, 4)))
fault(struct check *c, const struct record *r, const char *format, ...)
{
	char    text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	damage(c, "record " U64 " at byte " U64 ": %s", r->head.sequence,
	    r->at, text);
}
/* see whether a record belongs here */
static bool
size_fits(const struct record *r)
{
	static const uint32_t size[] = {
		[RFM_RECORD_ALLOCATE] = sizeof r->body.allocate,
		[RFM_RECORD_FREE] = sizeof r->body.free,
		[RFM_RECORD_SEAL] = sizeof r->body.seal,
		[RFM_RECORD_COMMIT] = sizeof r->body.commit,
		[RFM_RECORD_LINK] = sizeof r->body.link,
		[RFM_RECORD_MOVE] = sizeof r->body.move,
		[RFM_RECORD_EXTEND] = sizeof r->body.extend,
	};
	const struct rfm_name_disk *n = &r->body.name;
	uint64_t body = r->head.bytes - sizeof r->head, text;

	if (r->head.kind != RFM_RECORD_NAME)
		return body == size[r->head.kind];
	text = (uint64_t)n->name_bytes + n->note_bytes;
	return body - sizeof *n - text < 8;
}
static bool
record_fits(struct check *c, const struct record *r, uint64_t due,
    bool inside)
{
	uint64_t problems = c->report->problems;
	uint32_t kind = r->head.kind;
	bool     more = (r->head.flags & RFM_RECORD_MORE) != 0;

	if (r->head.sequence != due)
		fault(c, r, "sequence " U64 " was due here", due);
	if (kind == 0 || kind > RFM_RECORD_NAME)
		fault(c, r, "unknown kind %" PRIu32, kind);
	else if (!size_fits(r))
		fault(c, r, "%" PRIu32 " bytes are not the size of its"
		    " kind", r->head.bytes);
	if ((r->head.flags & ~RFM_RECORD_MORE) != 0)
		fault(c, r, "unknown flags 0x%" PRIx32, r->head.flags);
	if ((more || inside) && (kind == RFM_RECORD_LINK ||
	    kind == RFM_RECORD_COMMIT))
		fault(c, r, "a %s, but the group of records that it stands"
		    " in has no end", kind == RFM_RECORD_LINK ? "LINK" :
		    "COMMIT");
	return c->report->problems == problems;
}
/* find a payload by its id */
static struct vector *
find_vector(const struct check *c, uint64_t id)
{
	size_t low = 0, high = c->vectors_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->vectors[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->vectors_count && c->vectors[low].id == id
	    ? &c->vectors[low] : NULL;
}
/* check the fields of a payload's checksum */
static void
check_sum_fields(struct check *c, const struct record *r, uint32_t kind,
    uint32_t sum)
{
	if (kind != RFM_CHECKSUM_NONE && kind != RFM_CHECKSUM_CRC32C)
		fault(c, r, "unknown kind %" PRIu32 " of payload checksum",
		    kind);
	if (kind == RFM_CHECKSUM_NONE && sum != 0)
		fault(c, r, "a payload checksum of no kind");
}
/* check the shape of a payload */
static uint64_t
element_bytes(uint32_t type)
{
	static const uint8_t bytes[] = {
		[RFM_LOGICAL] = 4, [RFM_INTEGER] = 4, [RFM_NUMERIC] = 8,
		[RFM_COMPLEX] = 16, [RFM_RAW] = 1, [RFM_CHARACTER] = 16,
		[RFM_LIST] = 8, [RFM_BYTES] = 1, [RFM_OBJECT] = 8,
		[RFM_SERIALIZED] = 1
	};

	return type < sizeof bytes ? bytes[type] : 0;
}

static bool
has_cells(uint32_t type)
{
	return type == RFM_LIST || type == RFM_OBJECT;
}

static bool
may_grow(uint32_t type, uint64_t owner)
{
	return !has_cells(type) && (type != RFM_BYTES || owner != 0);
}

static bool
has_room(uint32_t type, uint64_t bytes, uint64_t length)
{
	uint64_t each = element_bytes(type);

	return may_grow(type, 0) && each > 0 && bytes / each > length;
}
static void
check_size(struct check *c, const struct record *r, uint32_t type,
    uint64_t owner, uint64_t bytes, uint64_t length)
{
	uint64_t each = element_bytes(type);
	bool     grows = may_grow(type, owner);

	if (each == 0)
		fault(c, r, "unknown type %" PRIu32, type);
	else if (grows && bytes / each < length)
		fault(c, r, U64 " bytes are no room for " U64 " elements of"
		    " " U64 " bytes", bytes, length, each);
	else if (!grows && (bytes % each != 0 ||
	    bytes / each != length))
		fault(c, r, U64 " bytes are not " U64 " elements of "
		    U64 " bytes", bytes, length, each);
}

static void
check_shape(struct check *c, const struct record *r)
{
	const struct rfm_allocate_disk *a = &r->body.allocate;
	uint32_t known = RFM_ALLOCATE_SEALED | RFM_ALLOCATE_ELEMENT;

	check_size(c, r, a->type, a->owner, a->bytes, a->length);
	if ((a->flags & ~known) != 0)
		fault(c, r, "unknown flags 0x%" PRIx32, a->flags);
	check_sum_fields(c, r, a->checksum_kind, a->payload_checksum);
	if ((a->flags & RFM_ALLOCATE_SEALED) == 0 &&
	    a->checksum_kind != RFM_CHECKSUM_NONE)
		fault(c, r, "a checksum of a payload that is not sealed");
}
/* check the place of a payload */
static void
check_place(struct check *c, const struct record *r, uint64_t offset,
    uint64_t bytes)
{
	uint64_t room = room_of(bytes);

	if (offset % unit_of(bytes) != 0)
		fault(c, r, "offset " U64 " is not aligned to " U64,
		    offset, unit_of(bytes));
	if (offset < RFM_HEAP_OFFSET)
		fault(c, r, "offset " U64 " lies in the first three pages",
		    offset);
	if (room > RFM_FILE_MAX_BYTES ||
	    offset > RFM_FILE_MAX_BYTES - room)
		fault(c, r, U64 " bytes at offset " U64 " lie beyond any"
		    " file", bytes, offset);
}
/* remember a payload */
static uint64_t
possible_length(const struct vector *v, uint64_t length)
{
	uint64_t each = element_bytes(v->type);
	uint64_t most = each == 0 ? 0 : v->bytes / each;

	return length < most ? length : most;
}

static void
note_sum(struct vector *v, uint32_t kind, uint32_t sum)
{
	if (kind != RFM_CHECKSUM_CRC32C)
		return;
	v->has_sum = true;
	v->summed = v->length * element_bytes(v->type);
	v->checksum = sum;
}

static void
remember_vector(const struct record *r, struct vector *v)
{
	const struct rfm_allocate_disk *a = &r->body.allocate;
	bool sealed = (a->flags & RFM_ALLOCATE_SEALED) != 0;

	*v = (struct vector){ .id = a->id, .offset = a->offset,
	    .bytes = a->bytes, .made = r->head.sequence, .freed = NEVER,
	    .sealed = sealed ? r->head.sequence : NEVER,
	    .placed = r->head.sequence, .owner = a->owner,
	    .type = a->type,
	    .element = (a->flags & RFM_ALLOCATE_ELEMENT) != 0 };
	v->length = possible_length(v, a->length);
	note_sum(v, a->checksum_kind, a->payload_checksum);
}
/* take account of a part */
static void
account_part(struct check *c, const struct record *r,
    struct vector *part)
{
	struct vector *owner = find_vector(c, part->owner);

	if (owner == NULL || owner->freed != NEVER || owner == part) {
		fault(c, r, "a part of id " U64 ", which is not there",
		    part->owner);
		part->owner = 0;
		return;
	}
	if (owner->type != RFM_CHARACTER || owner->owner != 0 ||
	    part->type != RFM_BYTES || (r->body.allocate.flags &
	    RFM_ALLOCATE_ELEMENT) != 0)
		fault(c, r, "a part of id " U64 ": only string vectors have"
		    " parts, and these are bytes", part->owner);
	if ((owner->sealed == NEVER) != (part->sealed == NEVER))
		fault(c, r, "a part of id " U64 ": only one of the two is"
		    " sealed", part->owner);
	part->older = owner->newest;
	owner->newest = (size_t)(part - c->vectors) + 1;
}
/* take account of ALLOCATE */
static enum rfm_status
account_allocate(struct check *c, const struct record *r)
{
	const struct rfm_allocate_disk *a = &r->body.allocate;
	void                           *list = c->vectors;
	enum rfm_status                 status;

	check_shape(c, r);
	check_place(c, r, a->offset, a->bytes);
	if (a->id <= c->last_id)
		fault(c, r, "id " U64 " after id " U64 ": ids must increase",
		    a->id, c->last_id);
	else if (a->id < c->next_id)
		fault(c, r, "id " U64 " is given out again: the last COMMIT"
		    " said that " U64 " is next", a->id, c->next_id);
	if (a->id <= c->last_id)
		return RFM_OK;
	c->last_id = a->id;
	status = grow(c, &list, &c->vectors_room, c->vectors_count,
	    sizeof *c->vectors);
	c->vectors = list;
	if (status != RFM_OK)
		return status;
	remember_vector(r, &c->vectors[c->vectors_count++]);
	if (a->owner != 0)
		account_part(c, r, &c->vectors[c->vectors_count - 1]);
	return RFM_OK;
}
/* seal a payload and its parts */
static void
seal_vector(struct check *c, struct vector *v, uint64_t sequence)
{
	v->sealed = sequence;
	for (size_t i = v->newest; i != 0; i = c->vectors[i - 1].older)
		c->vectors[i - 1].sealed = sequence;
}
/* take account of FREE and SEAL */
static struct vector *
find_live(struct check *c, const struct record *r, uint64_t id,
    const char *what)
{
	struct vector *v = find_vector(c, id);

	if (v == NULL)
		fault(c, r, "%s of id " U64 ", which is not there", what,
		    id);
	else if (v->freed != NEVER)
		fault(c, r, "%s of id " U64 ", which was freed before",
		    what, id);
	else if (v->owner != 0)
		fault(c, r, "%s of id " U64 ", which is only a part of "
		    U64, what, id, v->owner);
	return v != NULL && v->freed == NEVER && v->owner == 0 ? v : NULL;
}

static struct vector *
find_whole_or_part(struct check *c, const struct record *r, uint64_t id,
    const char *what)
{
	struct vector *v = find_vector(c, id);

	return v != NULL && v->freed == NEVER ? v
	    : find_live(c, r, id, what);
}

static void
account_free(struct check *c, const struct record *r)
{
	struct vector *v = find_live(c, r, r->body.free.id, "FREE");

	if (v == NULL)
		return;
	v->freed = r->head.sequence;
	for (size_t i = v->newest; i != 0; i = c->vectors[i - 1].older)
		c->vectors[i - 1].freed = r->head.sequence;
}
static void
account_seal(struct check *c, const struct record *r)
{
	const struct rfm_seal_disk *s = &r->body.seal;
	struct vector              *v = find_live(c, r, s->id, "SEAL");
	bool referenced = (s->flags & RFM_SEAL_REFERENCED) != 0;

	check_sum_fields(c, r, s->checksum_kind, s->payload_checksum);
	if ((s->flags & ~RFM_SEAL_REFERENCED) != 0)
		fault(c, r, "unknown flags 0x%" PRIx32 " in a SEAL",
		    s->flags);
	if (s->reserved != 0)
		fault(c, r, "the reserved bytes of a SEAL are not zero");
	if (v == NULL)
		return;
	if (v->sealed == NEVER)
		seal_vector(c, v, r->head.sequence);
	else if (!v->element || !referenced)
		fault(c, r, "SEAL of id " U64 ", which was sealed before",
		    s->id);
	if (referenced)
		v->element = false;
	note_sum(v, s->checksum_kind, s->payload_checksum);
}
/* remember a length */
static void
set_length(const struct check *c, struct vector *v, uint64_t length,
    uint64_t sequence)
{
	if (v->extended <= c->committed)
		v->shorter = v->length;
	v->length = possible_length(v, length);
	v->extended = sequence;
}
/* take account of MOVE */
static enum rfm_status
account_move(struct check *c, const struct record *r)
{
	const struct rfm_move_disk *m = &r->body.move;
	struct vector *v = find_whole_or_part(c, r, m->id, "MOVE");
	void                       *list = c->lefts;
	enum rfm_status             status;

	if (v == NULL)
		return RFM_OK;
	if ((v->sealed != NEVER || v->owner != 0) &&
	    (m->bytes < v->bytes || m->length != v->length))
		fault(c, r, "MOVE of id " U64 ", which is sealed or a part,"
		    " to another size", m->id);
	check_size(c, r, v->type, v->owner, m->bytes, m->length);
	check_place(c, r, m->offset, m->bytes);
	status = grow(c, &list, &c->lefts_room, c->lefts_count,
	    sizeof *c->lefts);
	c->lefts = list;
	if (status != RFM_OK)
		return status;
	c->lefts[c->lefts_count++] = (struct place_left){ v->id,
	    v->offset, v->bytes, v->placed, r->head.sequence, v->left };
	v->left = c->lefts_count;
	v->offset = m->offset;
	v->bytes = m->bytes;
	v->placed = r->head.sequence;
	set_length(c, v, m->length, r->head.sequence);
	return RFM_OK;
}
/* take account of EXTEND */
static void
account_extend(struct check *c, const struct record *r)
{
	const struct rfm_extend_disk *x = &r->body.extend;
	struct vector *v = find_whole_or_part(c, r, x->id, "EXTEND");

	if (v == NULL)
		return;
	if (!may_grow(v->type, v->owner))
		fault(c, r, "EXTEND of id " U64 ", but its type %" PRIu32
		    " never grows", x->id, v->type);
	else if (x->length <= v->length)
		fault(c, r, "EXTEND of id " U64 " to " U64 " elements, but"
		    " it has " U64, x->id, x->length, v->length);
	else {
		check_size(c, r, v->type, v->owner, v->bytes, x->length);
		set_length(c, v, x->length, r->head.sequence);
	}
}
/* see whether a text is UTF-8 */
static const struct utf8_row {
	uint8_t first, last;             /* of the first byte */
	uint8_t more;                    /* so many follow */
	uint8_t low, high;               /* of the second byte */
} utf8_table[] = {
	{ 0x01, 0x7f, 0, 0,    0 },    { 0xc2, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf }, { 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f }, { 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf }, { 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};

static bool
is_text(const uint8_t *s, size_t n)
{
	const size_t rows = sizeof utf8_table / sizeof utf8_table[0];

	while (n > 0) {
		const struct utf8_row *u = utf8_table;

		while (u < utf8_table + rows &&
		    (*s < u->first || *s > u->last))
			u++;
		if (u == utf8_table + rows || n <= u->more)
			return false;
		for (size_t i = 1; i <= u->more; i++)
			if (s[i] < (i == 1 ? u->low : 0x80) ||
			    s[i] > (i == 1 ? u->high : 0xbf))
				return false;
		n -= u->more + 1u;
		s += u->more + 1u;
	}
	return true;
}
/* remember what a name stands for */
static enum rfm_status
remember_name(struct check *c, const struct record *r,
    const uint8_t *text)
{
	uint32_t        bytes = r->body.name.name_bytes;
	void           *list = c->namings, *texts = c->texts;
	enum rfm_status status;

	status = grow(c, &list, &c->namings_room, c->namings_count,
	    sizeof *c->namings);
	c->namings = list;
	RFM_TRY(status);
	while (c->texts_room - c->texts_bytes < bytes) {
		status = grow(c, &texts, &c->texts_room, c->texts_room, 1);
		c->texts = texts;
		RFM_TRY(status);
	}
	memcpy(c->texts + c->texts_bytes, text, bytes);
	c->namings[c->namings_count++] = (struct naming){
	    r->body.name.id, r->head.sequence, NEVER, r->at,
	    c->texts_bytes, bytes, NULL };
	c->texts_bytes += bytes;
	return RFM_OK;
}
/* take account of NAME */
static void
check_texts(struct check *c, const struct record *r, const uint8_t *seen)
{
	const struct rfm_name_disk *n = &r->body.name;
	size_t text = (size_t)n->name_bytes + n->note_bytes;

	if (n->name_bytes == 0 || n->name_bytes > RFM_NAME_MAX_BYTES)
		fault(c, r, "a name of %" PRIu32 " bytes", n->name_bytes);
	else if (!is_text(seen, n->name_bytes))
		fault(c, r, "its name is not a text in UTF-8");
	if (n->note_bytes > RFM_NOTE_MAX_BYTES)
		fault(c, r, "a note of %" PRIu32 " bytes", n->note_bytes);
	else if (!is_text(seen + n->name_bytes, n->note_bytes))
		fault(c, r, "its note is not a text in UTF-8");
	if (n->id == 0 && n->note_bytes != 0)
		fault(c, r, "a note to a name that is taken away");
	if (!all_zero(seen + text, r->head.bytes - sizeof r->head -
	    sizeof *n - text))
		fault(c, r, "the bytes behind its text are not zero");
}
static enum rfm_status
account_name(struct check *c, const struct record *r)
{
	const struct rfm_name_disk *n = &r->body.name;
	uint64_t       before = sizeof r->head + sizeof *n;
	const uint8_t *seen;

	RFM_TRY(look(c, r->at + before, r->head.bytes - before, &seen));
	check_texts(c, r, seen);
	if (n->id != 0) {
		const struct vector *v = find_live(c, r, n->id, "NAME");

		if (v == NULL)
			return RFM_OK;
		if (v->sealed == NEVER)
			fault(c, r, "NAME of id " U64 ", which is not"
			    " sealed", n->id);
		if (has_room(v->type, v->bytes, v->length))
			fault(c, r, "NAME of id " U64 ", which has room"
			    " for more than its elements", n->id);
	}
	if (n->name_bytes == 0 || n->name_bytes > RFM_NAME_MAX_BYTES)
		return RFM_OK;
	return remember_name(c, r, seen);
}
/* take account of COMMIT */
static void
account_commit(struct check *c, const struct record *r)
{
	const struct rfm_commit_disk *m = &r->body.commit;

	if (m->epoch == 0 || (m->epoch != c->report->epoch + 1 &&
	    (c->report->epoch != 0 || c->first == 1)))
		fault(c, r, "COMMIT of epoch " U64 " after epoch " U64,
		    m->epoch, c->report->epoch);
	if (m->next_id <= c->last_id)
		fault(c, r, "COMMIT says that id " U64 " is next, but id "
		    U64 " exists", m->next_id, c->last_id);
	if (m->next_id < c->next_id)
		fault(c, r, "COMMIT says that id " U64 " is next, but an"
		    " earlier one said " U64, m->next_id, c->next_id);
	else
		c->next_id = m->next_id;
	c->report->epoch = m->epoch;
	c->report->uncommitted = c->links = 0;
	c->committed = r->head.sequence;
}
/* take account of a record */
static enum rfm_status
take_account(struct check *c, const struct record *r)
{
	switch (r->head.kind) {
	case RFM_RECORD_ALLOCATE:
		return account_allocate(c, r);
	case RFM_RECORD_FREE:
		account_free(c, r);
		break;
	case RFM_RECORD_SEAL:
		account_seal(c, r);
		break;
	case RFM_RECORD_MOVE:
		return account_move(c, r);
	case RFM_RECORD_EXTEND:
		account_extend(c, r);
		break;
	case RFM_RECORD_NAME:
		return account_name(c, r);
	case RFM_RECORD_COMMIT:
		account_commit(c, r);
		break;
	}
	return RFM_OK;
}
/* the judge on the walk */
/* judge half a group */
static enum rfm_status
judge_half_group(struct check *c, uint64_t due)
{
	uint64_t room = c->segment.offset + c->segment.bytes - c->stop;
	bool     full = room < RECORD_LEAST + LINK_BYTES;

	c->broken = full || c->report->clean;
	if (c->broken)
		damage(c, "the group of records that begins with record " U64
		    " at byte " U64 " has no end: record " U64 " is missing"
		    " at byte " U64 ", %s", c->due, c->at, due, c->stop,
		    full ? "where its segment has no room for it" :
		    "although the store was closed cleanly");
	else
		note(c, "the log ends before record " U64 " at byte " U64
		    ", where half a group of records begins, as a crash"
		    " leaves it: record " U64 " is missing at byte " U64,
		    c->due, c->at, due, c->stop);
	return RFM_OK;
}
/* judge what stands in the way */
static enum rfm_status
end_walk(struct check *c, const struct record *stopped, uint64_t due,
    const char *why)
{
	struct record r, again;
	bool          found;

	c->walking = false;
	RFM_TRY(find_witness(c, c->segment, stopped->at, &r, &found));
	c->why = why;
	c->stop = stopped->at;
	c->half = stopped->head.salt == c->segment.salt ||
	    stopped->head.sequence == due;
	if (!found)
		return due == c->due ? RFM_OK : judge_half_group(c, due);
	c->window_bytes = 0;
	RFM_TRY(read_record(c, &c->segment, c->stop, &again, &why));
	c->walking = why == NULL;
	c->broken = why != NULL;
	if (c->broken)
		damage(c, "record " U64 " at byte " U64 " is not whole"
		    " (%s), but record " U64 " stands behind it at byte "
		    U64 ": no crash leaves that", due, c->stop, why,
		    r.head.sequence, r.at);
	return RFM_OK;
}
/* look through a group */
static enum rfm_status
give_up(struct check *c)
{
	c->walking = false;
	c->broken = true;
	return RFM_OK;
}

static enum rfm_status
look_through_group(struct check *c, const struct record *first,
    bool *whole)
{
	struct record r = *first;
	uint64_t      due = c->due;
	const char   *why;

	*whole = false;
	while ((r.head.flags & RFM_RECORD_MORE) != 0) {
		RFM_TRY(read_record(c, &c->segment, r.at + r.head.bytes,
		    &r, &why));
		due++;
		if (why != NULL)
			return end_walk(c, &r, due, why);
		if (!record_fits(c, &r, due, true))
			return give_up(c);
	}
	*whole = true;
	return RFM_OK;
}
/* follow a LINK */
static enum rfm_status
follow_link(struct check *c, const struct record *r)
{
	struct place p = { r->body.link.offset, r->body.link.bytes,
	    r->body.link.salt };

	c->walking = false;
	c->broken = true;
	if (!place_possible(c, &p, "LINK", r->at))
		return RFM_OK;
	return enter_segment(c, &p);
}
/* take one step along the log */
static enum rfm_status
take_step(struct check *c)
{
	struct record r;
	const char   *why;
	bool          more, whole;

	RFM_TRY(read_record(c, &c->segment, c->at, &r, &why));
	if (why != NULL)
		return end_walk(c, &r, c->due, why);
	if (!record_fits(c, &r, c->due, c->inside))
		return give_up(c);
	more = (r.head.flags & RFM_RECORD_MORE) != 0;
	if (more && !c->inside) {
		RFM_TRY(look_through_group(c, &r, &whole));
		if (!whole)
			return RFM_OK;
	}
	c->inside = more;
	c->at += r.head.bytes;
	c->due++;
	c->report->records++;
	c->report->uncommitted++;
	if (r.head.kind == RFM_RECORD_LINK) {
		c->links++;
		return follow_link(c, &r);
	}
	if (c->segment.offset + c->segment.bytes - c->at < LINK_BYTES)
		fault(c, &r, "it takes the room that its segment keeps for"
		    " a LINK");
	return take_account(c, &r);
}
/* check the end of the log */
static void
check_end(struct check *c)
{
	const struct rfm_superblock_disk *s = &c->super;

	if (c->report->clean && c->due != s->end_sequence)
		damage(c, "the log ends before record " U64 " at byte " U64
		    ", but a clean close said that " U64 " comes next (%s)",
		    c->due, c->at, s->end_sequence, c->why);
	else if (c->report->clean && c->report->uncommitted > c->links)
		damage(c, "closed cleanly, but " U64 " records are not"
		    " committed", c->report->uncommitted);
	if (c->first > 1 && c->report->epoch == 0)
		damage(c, "the log begins with record " U64 ", so it is a"
		    " checkpoint, but it has no COMMIT", c->first);
	/* note what is left behind the end */
	if (!c->report->clean && c->half && c->stop == c->at)
		note(c, "the log ends before record " U64 " at byte " U64
		    "; what follows is no whole record (%s)", c->due, c->at,
		    c->why);
}
/* read the log */
static enum rfm_status
read_log(struct check *c)
{
	struct place head = { c->super.head_offset, c->super.head_bytes,
	    c->super.head_salt };

	c->broken = true;
	if (!place_possible(c, &head, "superblock",
	    c->super.sequence % RFM_SUPERBLOCKS * RFM_PAGE_BYTES))
		return RFM_OK;
	RFM_TRY(enter_segment(c, &head));
	while (c->walking)
		RFM_TRY(take_step(c));
	if (!c->broken)
		check_end(c);
	return RFM_OK;
}
/* the judge on extents and payloads */
/* see how long each name stood for something */
static bool
same_text(const struct naming *a, const struct naming *b)
{
	return a->bytes == b->bytes &&
	    memcmp(a->text, b->text, a->bytes) == 0;
}

static int
by_text(const void *one, const void *other)
{
	const struct naming *a = one, *b = other;
	size_t least = a->bytes < b->bytes ? a->bytes : b->bytes;
	int    order = memcmp(a->text, b->text, least);

	if (order != 0)
		return order;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? -1 : 1;
	return a->from < b->from ? -1 : 1;
}
static void
settle_names(struct check *c)
{
	for (size_t i = 0; i < c->namings_count; i++)
		c->namings[i].text = c->texts + c->namings[i].place;
	if (c->namings_count > 0)
		qsort(c->namings, c->namings_count, sizeof *c->namings,
		    by_text);
	for (size_t i = 0; i < c->namings_count; i++) {
		struct naming       *n = &c->namings[i];
		const struct vector *v = find_vector(c, n->id);

		if (i + 1 < c->namings_count && same_text(n, n + 1))
			n->until = n[1].from;
		if (v == NULL)
			continue;
		c->report->names += n->until == NEVER;
		if (v->freed > n->from && v->freed < n->until)
			damage(c, "record " U64 " frees vector " U64 ", but"
			    " the name that record " U64 " at byte " U64
			    " gave it still stands for it", v->freed, v->id,
			    n->from, n->at);
	}
}
/* judge a payload beyond the end of the file */
static bool
needed_then(const struct check *c, const struct vector *v)
{
	return v->placed < c->committed && v->freed > c->committed;
}

static void
judge_beyond(struct check *c, const struct vector *v)
{
	if (needed_then(c, v) || c->strict)
		damage(c, "vector " U64 ": its " U64 " bytes at offset "
		    U64 " lie beyond the end of the file", v->id, v->bytes,
		    v->offset);
	else
		note(c, "vector " U64 ", not committed, lies beyond the end"
		    " of the file, as a power cut leaves it", v->id);
}
/* collect the extents that payloads have left */
static enum rfm_status
settle_lefts(struct check *c)
{
	for (size_t i = 0; i < c->lefts_count; i++) {
		const struct place_left *l = &c->lefts[i];
		const struct vector     *v = find_vector(c, l->id);
		uint64_t                 room = room_of(l->bytes);
		uint64_t                 kept = v->offset == l->offset
		    ? room_of(v->bytes) : 0;

		if (l->placed > c->committed || l->left < c->committed ||
		    kept >= room)
			continue;
		if (!in_file(c, l->offset, room))
			damage(c, "vector " U64 ": its " U64 " bytes at"
			    " offset " U64 " lie beyond the end of the"
			    " file", l->id, l->bytes, l->offset);
		else
			RFM_TRY(add_extent(c, l->offset + kept,
			    room - kept, l->id));
	}
	return RFM_OK;
}
/* collect the extents of the payloads */
static enum rfm_status
settle_extents(struct check *c)
{
	for (size_t i = 0; i < c->vectors_count; i++) {
		struct vector *v = &c->vectors[i];
		uint64_t       room = room_of(v->bytes);
		bool           now = v->freed == NEVER;
		bool           whole = v->owner == 0;

		c->report->live += now && whole;
		c->report->sealed += now && whole && v->sealed != NEVER;
		c->report->tombstones += !now && whole;
		c->report->live_bytes += now ? room : 0;
		if (!now && !needed_then(c, v))
			continue;
		if (!in_file(c, v->offset, room))
			judge_beyond(c, v);
		else
			RFM_TRY(add_extent(c, v->offset, room, v->id));
	}
	return settle_lefts(c);
}
/* report two extents that overlap */
static void
name_extent(const struct extent *e, char *text, size_t bytes)
{
	if (e->id == 0)
		snprintf(text, bytes, "the log segment");
	else
		snprintf(text, bytes, "vector " U64, e->id);
}

static void
report_overlap(struct check *c, const struct extent *a,
    const struct extent *b)
{
	char one[40], other[40];

	name_extent(a, one, sizeof one);
	name_extent(b, other, sizeof other);
	c->overlap = true;
	damage(c, "%s (bytes " U64 " to " U64 ") and %s (bytes " U64
	    " to " U64 ") overlap", one, a->offset,
	    a->offset + a->bytes, other, b->offset, b->offset + b->bytes);
}
/* find extents that overlap */
static int
by_offset(const void *one, const void *other)
{
	const struct extent *a = one, *b = other;

	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static void
find_overlaps(struct check *c)
{
	const struct extent *far = c->extents, *e;

	if (c->extents_count > 0)
		qsort(c->extents, c->extents_count, sizeof *c->extents,
		    by_offset);
	for (size_t i = 1; i < c->extents_count; i++) {
		e = &c->extents[i];
		if (e->offset < far->offset + far->bytes)
			report_overlap(c, far, e);
		if (e->offset + e->bytes > far->offset + far->bytes)
			far = e;
	}
}
/* sum the bytes of one payload */
static enum rfm_status
sum_bytes(struct check *c, uint64_t offset, uint64_t bytes, uint32_t *sum)
{
	const uint8_t *seen;

	*sum = 0;
	while (bytes > 0) {
		size_t n = bytes < WINDOW_BYTES ? (size_t)bytes
		    : WINDOW_BYTES;
		RFM_TRY(look(c, offset, n, &seen));
		*sum = rfm_crc32c(*sum, seen, n);
		offset += n;
		bytes -= n;
	}
	return RFM_OK;
}

static void
judge_sum(struct check *c, const struct vector *v, uint32_t sum)
{
	if (v->sealed < c->committed || c->strict)
		damage(c, "vector " U64 ": its payload at byte " U64
		    " has checksum %08" PRIx32 ", but was sealed with %08"
		    PRIx32, v->id, v->offset, sum, v->checksum);
	else
		note(c, "vector " U64 ", sealed but not committed, has not"
		    " the payload it was sealed with, as a power cut leaves"
		    " it", v->id);
}
/* sum the payloads that carry a checksum */
static enum rfm_status
sum_payloads(struct check *c)
{
	for (size_t i = 0; i < c->vectors_count && !c->overlap; i++) {
		const struct vector *v = &c->vectors[i];
		uint32_t             sum;

		if (!v->has_sum || v->sealed == NEVER ||
		    !in_file(c, v->offset, v->summed) ||
		    (v->freed != NEVER && !needed_then(c, v)))
			continue;
		RFM_TRY(sum_bytes(c, v->offset, v->summed, &sum));
		if (sum != v->checksum)
			judge_sum(c, v, sum);
	}
	return RFM_OK;
}
/* see what a state has */
static bool
is_there(const struct check *c, const struct vector *v, bool then)
{
	return then ? v->made < c->committed && v->freed > c->committed
	    : v->freed == NEVER;
}

static bool
is_sealed(const struct check *c, const struct vector *v, bool then)
{
	return then ? v->sealed < c->committed : v->sealed != NEVER;
}

static uint64_t
length_of(const struct check *c, const struct vector *v, bool then)
{
	return then && v->extended > c->committed ? v->shorter
	    : v->length;
}
static struct extent
where(const struct check *c, const struct vector *v, bool then)
{
	struct extent e = { v->offset, v->bytes, v->id };

	for (size_t i = v->left; then && i != 0; i = c->lefts[i - 1].older) {
		const struct place_left *l = &c->lefts[i - 1];

		if (l->left < c->committed)
			break;
		e.offset = l->offset;
		e.bytes = l->bytes;
	}
	return e;
}
/* see whether a writer goes on */
static enum rfm_status
look_for_a_writer(struct check *c)
{
	struct record r;
	const char   *why;

	c->window_bytes = 0;
	RFM_TRY(read_record(c, &c->segment, c->stop, &r, &why));
	c->busy = why == NULL && !c->report->clean;
	if (c->busy)
		note(c, "a writer is at work: the lists are not judged");
	return RFM_OK;
}
/* judge the cells of one list */
struct cells {
	uint64_t bad, first, names;   /* bad ones; the first, its id */
	uint64_t open;                /* elements that are not sealed */
	uint64_t roomy;               /* that may become longer */
};

static enum rfm_status
named_by(struct check *c, const struct extent *e, uint64_t i, bool then,
    uint64_t *id, struct vector **v)
{
	const uint8_t *seen;

	RFM_TRY(look(c, e->offset + i * sizeof *id, sizeof *id, &seen));
	memcpy(id, seen, sizeof *id);
	*v = *id == 0 ? NULL : find_vector(c, *id);
	if (*v != NULL && ((*v)->owner != 0 || !is_there(c, *v, then)))
		*v = NULL;
	return RFM_OK;
}
static enum rfm_status
read_cells(struct check *c, const struct vector *list, bool then,
    struct cells *cells)
{
	struct extent  e = where(c, list, then);
	uint64_t       first = list->type == RFM_OBJECT, id;
	struct vector *v;

	memset(cells, 0, sizeof *cells);
	for (uint64_t i = 0; i < e.bytes / sizeof id; i++) {
		RFM_TRY(named_by(c, &e, i, then, &id, &v));
		if (v != NULL) {
			v->named++;
			cells->open += !is_sealed(c, v, then);
			cells->roomy += i >= first && has_room(v->type,
			    where(c, v, then).bytes, length_of(c, v, then));
		} else if (id != 0 && cells->bad++ == 0) {
			cells->first = i + 1;
			cells->names = id;
		}
	}
	return RFM_OK;
}
static enum rfm_status
judge_list(struct check *c, const struct vector *list, bool then)
{
	const char  *what = list->type == RFM_LIST ? "list" : "object";
	struct cells cells;

	RFM_TRY(read_cells(c, list, then, &cells));
	if (cells.bad > 0 && !then)
		RFM_TRY(look_for_a_writer(c));
	if (c->busy)
		return RFM_OK;
	if (cells.bad > 0)
		damage(c, "%s " U64 ": its element " U64 " names id " U64
		    ", which is not there%s; it has " U64 " such element%s",
		    what, list->id, cells.first, cells.names,
		    then ? " in the last COMMIT" : "", cells.bad,
		    cells.bad > 1 ? "s" : "");
	if (cells.open > 0 && is_sealed(c, list, then))
		damage(c, "%s " U64 " is sealed, but " U64 " of its"
		    " elements are not", what, list->id, cells.open);
	if (cells.roomy > 0)
		damage(c, "%s " U64 ": " U64 " of its elements have room"
		    " and may become longer", what, list->id, cells.roomy);
	return RFM_OK;
}
/* judge the piece that an object stands for */
static bool
is_count(double number, double most)
{
	return number >= 0 && number <= most &&
	    (double)(uint64_t)number == number;
}
static enum rfm_status
judge_piece(struct check *c, const struct vector *object, uint64_t cell,
    bool then)
{
	struct extent  e = where(c, object, then), p;
	uint64_t       data_id, id;
	struct vector *data, *piece;
	double         all, n[2];
	const uint8_t *seen;

	RFM_TRY(named_by(c, &e, 0, then, &data_id, &data));
	RFM_TRY(named_by(c, &e, cell, then, &id, &piece));
	if ((data == NULL && data_id != 0) || (piece == NULL && id != 0))
		return RFM_OK;
	if (piece == NULL || piece->type != RFM_NUMERIC ||
	    length_of(c, piece, then) != 2) {
		damage(c, "object " U64 ": its attribute without a name, in"
		    " cell " U64 ", is not two numbers", object->id,
		    cell + 1);
		return RFM_OK;
	}
	p = where(c, piece, then);
	if (!in_file(c, p.offset, p.bytes))
		return RFM_OK;
	RFM_TRY(look(c, p.offset, sizeof n, &seen));
	memcpy(n, seen, sizeof n);
	all = data == NULL ? 0 : (double)length_of(c, data, then);
	if (!is_count(n[0], all) || !is_count(n[1], all - n[0]))
		damage(c, "object " U64 ": it stands for %.17g elements from"
		    " %.17g on (bytes " U64 " to " U64 "), but vector " U64
		    " has %.0f", object->id, n[1], n[0], p.offset,
		    p.offset + sizeof n, data_id, all);
	return RFM_OK;
}
/* judge the attributes of an object */
static enum rfm_status
judge_attributes(struct check *c, const struct vector *object,
    const struct vector *names, bool then)
{
	struct extent e = where(c, names, then);
	uint64_t      count = length_of(c, names, then);

	for (uint64_t i = 0; i < count && in_file(c, e.offset, e.bytes);
	    i++) {
		uint32_t       length;
		const uint8_t *seen;

		RFM_TRY(look(c, e.offset +
		    i * sizeof(struct rfm_string_disk), sizeof length,
		    &seen));
		memcpy(&length, seen, sizeof length);
		if ((length & ~RFM_STRING_IS_BYTES) == 0)
			RFM_TRY(judge_piece(c, object, i + 2, then));
	}
	return RFM_OK;
}
/* judge the cells of an object */
static enum rfm_status
judge_object(struct check *c, const struct vector *object, bool then)
{
	struct extent  e = where(c, object, then);
	uint64_t       cells = e.bytes / sizeof object->id, id;
	struct vector *names = NULL;

	if (cells < 2) {
		damage(c, "object " U64 " has " U64 " cells; it needs one"
		    " for a vector and one for names", object->id, cells);
		return RFM_OK;
	}
	RFM_TRY(named_by(c, &e, 1, then, &id, &names));
	if (names == NULL && id != 0)
		return RFM_OK;
	if (names == NULL || names->type != RFM_CHARACTER)
		damage(c, "object " U64 ": its second cell names no character"
		    " vector", object->id);
	else if (length_of(c, names, then) != cells - 2)
		damage(c, "object " U64 " has " U64 " attributes, but " U64
		    " names for them", object->id, cells - 2,
		    length_of(c, names, then));
	else
		RFM_TRY(judge_attributes(c, object, names, then));
	return RFM_OK;
}
/* judge the lists of a state */
static bool
list_in_file(const struct check *c, const struct vector *v, bool then)
{
	struct extent e = where(c, v, then);

	return has_cells(v->type) && is_there(c, v, then) &&
	    in_file(c, e.offset, e.bytes);
}
/* take away lists until only loops are left */
static enum rfm_status
take_away(struct check *c, const struct vector *list, bool then,
    size_t *queue, size_t *queued)
{
	struct extent  e = where(c, list, then);
	struct vector *v;
	uint64_t       id;

	for (uint64_t i = 0; i < e.bytes / sizeof id; i++) {
		RFM_TRY(named_by(c, &e, i, then, &id, &v));
		if (v != NULL && list_in_file(c, v, then) && v->named > 0 &&
		    --v->named == 0)
			queue[(*queued)++] = (size_t)(v - c->vectors);
	}
	return RFM_OK;
}

static enum rfm_status
find_loops(struct check *c, bool then, size_t lists)
{
	size_t         *queue = calloc(lists, sizeof *queue);
	size_t          queued = 0;
	enum rfm_status status = RFM_OK;

	if (queue == NULL)
		return rfm_fail(c->error, RFM_NO_MEMORY,
		    "no memory to check %zu lists", lists);
	for (size_t i = 0; i < c->vectors_count; i++)
		if (list_in_file(c, &c->vectors[i], then) &&
		    c->vectors[i].named == 0)
			queue[queued++] = i;
	for (size_t i = 0; i < queued && status == RFM_OK; i++)
		status = take_away(c, &c->vectors[queue[i]], then, queue,
		    &queued);
	free(queue);
	if (status == RFM_OK && queued < lists)
		damage(c, "a list contains itself%s: %zu in loops or below"
		    " them", then ? " in the last COMMIT" : "",
		    lists - queued);
	return status;
}
/* note what nobody names */
static void
note_orphans(struct check *c)
{
	size_t orphans = 0;

	for (size_t i = 0; i < c->namings_count; i++)
		if (c->namings[i].id != 0 && c->namings[i].until == NEVER)
			find_vector(c, c->namings[i].id)->has_name = true;
	for (size_t i = 0; i < c->vectors_count; i++) {
		const struct vector *v = &c->vectors[i];

		orphans += v->named == 0 && !v->has_name &&
		    is_there(c, v, false) && v->element;
	}
	if (orphans > 0)
		note(c, "%zu elements are in no list and have no name: the"
		    " next session frees them", orphans);
}
/* judge the lists of a state, and note orphans */
static enum rfm_status
judge_lists(struct check *c, bool then)
{
	size_t lists = 0;

	for (size_t i = 0; i < c->vectors_count; i++)
		c->vectors[i].named = 0;
	for (size_t i = 0; i < c->vectors_count && !c->busy; i++) {
		struct vector *v = &c->vectors[i];
		uint64_t       problems;

		if (!list_in_file(c, v, then))
			continue;
		lists++;
		RFM_TRY(judge_list(c, v, then));
		problems = c->report->problems;
		if (v->type == RFM_OBJECT && is_sealed(c, v, then) &&
		    !v->told)
			RFM_TRY(judge_object(c, v, then));
		v->told = c->report->problems > problems || v->told;
	}
	if (c->busy)
		return RFM_OK;
	if (!then)
		note_orphans(c);
	return lists == 0 ? RFM_OK : find_loops(c, then, lists);
}
/* judge the strings of a sealed vector */
static bool
cell_fits(const struct check *c, const struct rfm_string_disk *cell,
    const size_t *parts, size_t count)
{
	uint64_t length = cell->length & ~RFM_STRING_IS_BYTES;
	uint64_t room;

	if (cell->length == RFM_STRING_NA ||
	    length <= RFM_STRING_INLINE_BYTES)
		return true;
	if (cell->far.part >= count)
		return false;
	room = c->vectors[parts[cell->far.part] - 1].bytes;
	return length <= room && cell->far.offset <= room - length;
}

static enum rfm_status
judge_cells(struct check *c, const struct vector *v, const size_t *parts,
    size_t count)
{
	struct rfm_string_disk cell;
	struct extent          e = where(c, v, !c->strict);
	const uint8_t         *seen;
	uint64_t               bad = 0, first = 0;

	for (uint64_t i = 0; i < length_of(c, v, !c->strict); i++) {
		RFM_TRY(look(c, e.offset + i * sizeof cell, sizeof cell,
		    &seen));
		memcpy(&cell, seen, sizeof cell);
		if (!cell_fits(c, &cell, parts, count) && bad++ == 0)
			first = i + 1;
	}
	if (bad > 0)
		damage(c, "vector " U64 ": its string " U64 " lies outside"
		    " its parts; " U64 " do", v->id, first, bad);
	return RFM_OK;
}
static enum rfm_status
judge_strings(struct check *c, const struct vector *v)
{
	size_t          count = 0, *parts;
	enum rfm_status status;

	for (size_t i = v->newest; i != 0; i = c->vectors[i - 1].older)
		count++;
	parts = calloc(count + 1, sizeof *parts);
	if (parts == NULL)
		return rfm_fail(c->error, RFM_NO_MEMORY,
		    "no memory to check %zu parts", count);
	for (size_t i = v->newest, k = count; i != 0;
	    i = c->vectors[i - 1].older)
		parts[--k] = i;
	status = judge_cells(c, v, parts, count);
	free(parts);
	return status;
}
/* judge what payloads contain */
static enum rfm_status
judge_contents(struct check *c)
{
	bool committed = c->report->uncommitted == 0;

	if (c->broken || c->overlap)
		return RFM_OK;
	if (!committed || !c->strict)
		RFM_TRY(judge_lists(c, true));
	if (c->strict)
		RFM_TRY(judge_lists(c, false));
	for (size_t i = 0; i < c->vectors_count; i++) {
		const struct vector *v = &c->vectors[i];
		struct extent        e = where(c, v, !c->strict);

		if (v->type == RFM_CHARACTER &&
		    is_there(c, v, !c->strict) &&
		    is_sealed(c, v, !c->strict) &&
		    in_file(c, e.offset, e.bytes))
			RFM_TRY(judge_strings(c, v));
	}
	return RFM_OK;
}
/* see whether the file changed meanwhile */
static enum rfm_status
watch_for_changes(struct check *c)
{
	struct rfm_superblock_disk now[RFM_SUPERBLOCKS];

	RFM_TRY(read_copies(c, now));
	if (memcmp(now, c->copies, sizeof now) != 0)
		note(c, "the store was changed while it was read; check it"
		    " again when its writer is done");
	return RFM_OK;
}
/* examine an open file */
static enum rfm_status
examine_all(struct check *c)
{
	bool store;

	RFM_TRY(c->os->size(c->os, c->file, &c->report->file_bytes,
	    c->error));
	RFM_TRY(read_superblocks(c, &store));
	if (!store)
		return RFM_OK;
	check_file_size(c);
	if (c->report->scratch)
		return RFM_OK;
	RFM_TRY(read_log(c));
	settle_names(c);
	RFM_TRY(settle_extents(c));
	find_overlaps(c);
	RFM_TRY(sum_payloads(c));
	RFM_TRY(judge_contents(c));
	return watch_for_changes(c);
}
static enum rfm_status
examine(struct rfm_os *os, struct rfm_file *file, rfm_check_line *line,
    void *context, struct rfm_check_report *report,
    struct rfm_error *error)
{
	struct check   *c = calloc(1, sizeof *c);
	enum rfm_status status;

	if (c == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory to check a store");
	c->os = os;
	c->file = file;
	c->line = line;
	c->context = context;
	c->report = report;
	c->error = error;
	status = examine_all(c);
	free(c->vectors);
	free(c->lefts);
	free(c->namings);
	free(c->texts);
	free(c->extents);
	free(c);
	return status;
}
/* examine a file */
enum rfm_status
rfm_check(struct rfm_os *os, const char *path, rfm_check_line *line,
    void *context, struct rfm_check_report *report,
    struct rfm_error *error)
{
	struct rfm_identity identity;
	struct rfm_file    *file;
	enum rfm_status     status;
	bool                locked;

	memset(report, 0, sizeof *report);
	RFM_TRY(os->identify(os, path, &identity, error));
	RFM_TRY(os->open(os, path, RFM_OPEN_READ, &file, error));
	locked = os->pin(os, file, 0, NULL) == RFM_OK &&
	    os->lock(os, file, RFM_LOCK_READERS, false, NULL) == RFM_OK;
	status = examine(os, file, line, context, report, error);
	if (locked)
		os->unlock(os, file, RFM_LOCK_READERS);
	os->close(os, file);
	report->sound = status == RFM_OK && report->problems == 0;
	return status;
}
