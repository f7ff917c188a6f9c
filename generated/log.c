/* Tangled from lit/30_log.nw by 'make tangle': change it there, not here. */
#include "log.h"
#include <stdlib.h>
#include <string.h>

/* put a record together in memory */
#define RECORD_MAX_BYTES (sizeof(struct rfm_record_disk) + \
    RFM_BODY_MAX_BYTES)
#define LINK_BYTES (sizeof(struct rfm_record_disk) + \
    sizeof(struct rfm_link_disk))

static uint32_t
record_bytes(uint32_t kind, const void *body)
{
	return (uint32_t)sizeof(struct rfm_record_disk) +
	    rfm_record_body_bytes(kind, body);
}

static uint32_t
put_record(uint8_t *to, enum rfm_record_kind kind, uint32_t flags,
    const void *body, uint64_t salt, uint64_t sequence)
{
	struct rfm_record_disk head = {
		.bytes = record_bytes(kind, body), .salt = salt,
		.sequence = sequence, .kind = kind, .flags = flags
	};

	memcpy(to, &head, sizeof head);
	memcpy(to + sizeof head, body, head.bytes - sizeof head);
	rfm_record_seal(to);
	return head.bytes;
}
/* refuse to write to a poisoned log */
static enum rfm_status
refuse_if_poisoned(const struct rfm_log *log, struct rfm_error *error)
{
	if (!log->poisoned)
		return RFM_OK;
	return rfm_fail(error, RFM_POISONED,
	    "an earlier write or flush failed, and a second try would"
	    " prove nothing; what was synced before is safe");
}
/* wait at a named barrier */
static enum rfm_status
barrier(struct rfm_log *log, enum rfm_barrier name,
    struct rfm_error *error)
{
	enum rfm_status status;

	status = log->os->barrier(log->os, log->file, name, error);
	if (status != RFM_OK)
		log->poisoned = true;
	return status;
}
/* know whether the kernel has died since */
static bool
same_boot(const struct rfm_log *log)
{
	static const uint8_t unknown[16];
	uint8_t              now[16];

	log->os->boot_id(log->os, now);
	return memcmp(now, unknown, 16) != 0 &&
	    memcmp(now, log->superblock.boot, 16) == 0;
}
/* know whether a record fits */
#define SEGMENT_LIMIT_BYTES (16u << 20)

static bool
fits(const struct rfm_log *log, uint64_t bytes)
{
	const struct rfm_log_segment *s = &log->segments[log->count - 1];

	return log->tail + bytes + LINK_BYTES <= s->offset + s->bytes;
}

static uint64_t
segment_for(uint64_t bytes)
{
	uint64_t least = sizeof(struct rfm_segment_disk) + bytes +
	    LINK_BYTES;

	(void)rfm_extent_bytes(least, &least);
	return least;
}
/* keep the list of segments */
static enum rfm_status
secure_segment_list(struct rfm_log *log, struct rfm_error *error)
{
	struct rfm_log_segment *more;

	more = realloc(log->segments, (log->count + 1) * sizeof *more);
	if (more == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for the list of log segments");
	log->segments = more;
	return RFM_OK;
}

static void
push_segment(struct rfm_log *log, const struct rfm_log_segment *segment)
{
	log->segments[log->count++] = *segment;
}
/* open a segment in fresh room */
static enum rfm_status
open_segment(struct rfm_log *log, struct rfm_log_segment *segment,
    uint64_t first_sequence, struct rfm_error *error)
{
	struct rfm_segment_disk head = { .first_sequence = first_sequence };
	enum rfm_status         status;

	RFM_TRY(secure_segment_list(log, error));
	RFM_TRY(log->os->random(log->os, &segment->salt,
	    sizeof segment->salt, error));
	RFM_TRY(log->room.take(log->room.context, segment->bytes,
	    &segment->offset, error));
	head.salt = segment->salt;
	head.bytes = segment->bytes;
	rfm_segment_seal(&head);
	status = log->os->write(log->os, log->file, segment->offset,
	    &head, sizeof head, error);
	if (status != RFM_OK)
		log->room.give(log->room.context, segment->offset,
		    segment->bytes);
	return status;
}
/* write a record at the tail */
static enum rfm_status
write_record(struct rfm_log *log, enum rfm_record_kind kind,
    const void *body, uint64_t *record_offset, struct rfm_error *error)
{
	uint8_t         record[RECORD_MAX_BYTES];
	uint32_t        flags = log->group > 0 ? RFM_RECORD_MORE : 0;
	uint32_t        bytes = put_record(record, kind, flags, body,
	    log->segments[log->count - 1].salt, log->sequence);
	enum rfm_status status = log->os->write(log->os, log->file,
	    log->tail, record, bytes, error);

	if (status != RFM_OK) {
		log->poisoned = true;	/* keeps I13 */
		return status;
	}
	if (record_offset != NULL)
		*record_offset = log->tail;
	log->tail += bytes;
	log->sequence++;
	log->bytes += bytes;
	return RFM_OK;
}
/* chain a new segment to the log */
static enum rfm_status
chain_a_segment(struct rfm_log *log, uint64_t least,
    struct rfm_error *error)
{
	struct rfm_log_segment next;
	struct rfm_link_disk   link;

	next.bytes = log->segments[log->count - 1].bytes * 2;
	if (next.bytes > SEGMENT_LIMIT_BYTES)
		next.bytes = SEGMENT_LIMIT_BYTES;
	if (next.bytes < least)
		next.bytes = least;
	RFM_TRY(open_segment(log, &next, log->sequence + 1, error));
	link.offset = next.offset;
	link.bytes = next.bytes;
	link.salt = next.salt;
	RFM_TRY(write_record(log, RFM_RECORD_LINK, &link, NULL, error));
	push_segment(log, &next);
	log->tail = next.offset + sizeof(struct rfm_segment_disk);
	return RFM_OK;
}
/* announce a group of records */
enum rfm_status
rfm_log_group(struct rfm_log *log, uint64_t records, uint64_t bytes,
    struct rfm_error *error)
{
	RFM_TRY(refuse_if_poisoned(log, error));
	if (bytes > RFM_SEGMENT_MAX_BYTES / 2)
		return rfm_fail(error, RFM_TOO_LARGE,
		    "%llu records do not fit into one segment of the log",
		    (unsigned long long)records);
	if (!fits(log, bytes))		/* keeps I13 */
		RFM_TRY(chain_a_segment(log, segment_for(bytes), error));
	log->group = records;
	return RFM_OK;
}
/* append one record */
enum rfm_status
rfm_log_append(struct rfm_log *log, enum rfm_record_kind kind,
    const void *body, uint64_t *record_offset, struct rfm_error *error)
{
	uint32_t bytes = record_bytes(kind, body);

	RFM_TRY(refuse_if_poisoned(log, error));
	if (!fits(log, bytes))
		RFM_TRY(chain_a_segment(log, segment_for(bytes), error));
	if (log->group > 0)
		log->group--;
	RFM_TRY(write_record(log, kind, body, record_offset, error));
	log->uncommitted++;
	return RFM_OK;
}
/* commit */
enum rfm_status
rfm_log_commit(struct rfm_log *log, uint64_t next_id,
    struct rfm_error *error)
{
	struct rfm_commit_disk commit = { log->epoch + 1, next_id };

	RFM_TRY(refuse_if_poisoned(log, error));
	if (log->uncommitted > 0 &&
	    !fits(log, record_bytes(RFM_RECORD_COMMIT, &commit)))
		RFM_TRY(chain_a_segment(log, 0, error));
	RFM_TRY(barrier(log, RFM_BARRIER_PAYLOAD, error)); /* keeps I8 */
	if (log->uncommitted == 0)
		return RFM_OK;
	RFM_TRY(write_record(log, RFM_RECORD_COMMIT, &commit, NULL,
	    error));
	RFM_TRY(barrier(log, RFM_BARRIER_COMMIT, error)); /* keeps I3 */
	log->epoch++;
	log->uncommitted = 0;
	return RFM_OK;
}
/* write the next superblock */
static enum rfm_status
write_superblock(struct rfm_log *log, struct rfm_superblock_disk next,
    struct rfm_error *error)
{
	enum rfm_status status;

	next.sequence = log->superblock.sequence + 1;
	next.file_bytes = log->file_bytes;
	log->os->boot_id(log->os, next.boot);
	rfm_superblock_seal(&next);
	status = log->os->write(log->os, log->file,	/* keeps I1 */
	    next.sequence % RFM_SUPERBLOCKS * RFM_PAGE_BYTES,
	    &next, sizeof next, error);
	if (status != RFM_OK) {
		log->poisoned = true;
		return status;
	}
	log->superblock = next;
	return RFM_OK;
}
/* stream the living records */
static enum rfm_status
stream_live_records(struct rfm_log *log, const struct rfm_log_live *live,
    const struct rfm_log_segment *fresh, struct rfm_error *error)
{
	struct rfm_commit_disk commit = { log->epoch + 1, live->next_id };
	uint64_t at = fresh->offset + sizeof(struct rfm_segment_disk);
	uint64_t sequence = log->sequence;
	size_t   used = 0;
	uint8_t *buffer = malloc(RFM_LOG_BUFFER_BYTES);
	enum rfm_status status = RFM_OK;

	if (buffer == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for a checkpoint");
	for (uint64_t i = 0; i <= live->count && status == RFM_OK; i++) {
		/* put the next living record, or the closing COMMIT */
		uint8_t              body[RFM_BODY_MAX_BYTES];
		bool                 last = i == live->count;
		enum rfm_record_kind kind = RFM_RECORD_COMMIT;

		if (!last)
			kind = live->get(live->context, i, body);
		used += put_record(buffer + used, kind, 0,
		    last ? (const void *)&commit : (const void *)body,
		    fresh->salt, sequence++);
		/* write the buffer when it is full */
		if (last || used + RECORD_MAX_BYTES > RFM_LOG_BUFFER_BYTES) {
			status = log->os->write(log->os, log->file, at, buffer, used,
			    error);
			at += used;
			used = 0;
		}
	}
	free(buffer);
	return status;
}
/* write all living records into a fresh segment */
static enum rfm_status
write_live_records(struct rfm_log *log, const struct rfm_log_live *live,
    struct rfm_log_segment *fresh, uint64_t *records,
    struct rfm_error *error)
{
	enum rfm_status status;
	uint64_t        room, rounded;

	*records = live->bytes + sizeof(struct rfm_record_disk) +
	    sizeof(struct rfm_commit_disk);
	room = sizeof(struct rfm_segment_disk) + *records + *records / 2 +
	    LINK_BYTES;
	fresh->bytes = log->first_segment_bytes;
	if (fresh->bytes < room)
		fresh->bytes = room;
	if (fresh->bytes > RFM_SEGMENT_MAX_BYTES ||
	    !rfm_extent_bytes(fresh->bytes, &rounded))
		return rfm_fail(error, RFM_TOO_LARGE,
		    "%llu records do not fit into one segment of the log",
		    (unsigned long long)live->count);
	fresh->bytes = rounded;
	RFM_TRY(open_segment(log, fresh, log->sequence, error));
	status = stream_live_records(log, live, fresh, error);
	if (status != RFM_OK)
		log->room.give(log->room.context, fresh->offset,
		    fresh->bytes);
	return status;
}
/* checkpoint */
enum rfm_status
rfm_log_checkpoint(struct rfm_log *log, const struct rfm_log_live *live,
    struct rfm_error *error)
{
	struct rfm_superblock_disk next = log->superblock;
	struct rfm_log_segment     fresh;
	uint64_t                   records;

	RFM_TRY(refuse_if_poisoned(log, error));
	RFM_TRY(write_live_records(log, live, &fresh, &records, error));
	next.head_offset = fresh.offset;
	next.head_bytes = fresh.bytes;
	next.head_salt = fresh.salt;
	next.flags &= ~RFM_SUPERBLOCK_CLEAN;
	next.end_sequence = 0;
	RFM_TRY(barrier(log, RFM_BARRIER_SEGMENT, error));
	RFM_TRY(write_superblock(log, next, error));
	RFM_TRY(barrier(log, RFM_BARRIER_FLIP, error)); /* keeps I6 */
	/* go on in the fresh segment, without the old */
	for (size_t i = 0; i < log->count; i++)
		log->room.give(log->room.context, log->segments[i].offset,
		    log->segments[i].bytes);
	log->segments[0] = fresh;
	log->count = 1;
	log->bytes = records;
	log->tail = fresh.offset + sizeof(struct rfm_segment_disk) + records;
	log->sequence += live->count + 1;
	log->epoch++;
	log->uncommitted = 0;
	log->cut = log->torn = false;
	for (uint64_t i = 0; i < live->payloads; i++)
		live->moved(live->context, i, fresh.offset +
		    sizeof(struct rfm_segment_disk) +
		    i * (sizeof(struct rfm_record_disk) +
		    sizeof(struct rfm_allocate_disk)));
	return RFM_OK;
}
/* begin to change the store */
enum rfm_status
rfm_log_begin(struct rfm_log *log, const struct rfm_log_live *live,
    struct rfm_error *error)
{
	struct rfm_superblock_disk next = log->superblock;

	if (log->begun)
		return RFM_OK;
	RFM_TRY(refuse_if_poisoned(log, error));
	RFM_TRY(barrier(log, RFM_BARRIER_PRIOR, error)); /* keeps I6 */
	if (log->cut || log->torn) {
		RFM_TRY(rfm_log_checkpoint(log, live, error));
	} else if (!same_boot(log) ||
	    (next.flags & RFM_SUPERBLOCK_CLEAN) != 0) {
		next.flags &= ~RFM_SUPERBLOCK_CLEAN;
		next.end_sequence = 0;
		RFM_TRY(write_superblock(log, next, error));
		RFM_TRY(barrier(log, RFM_BARRIER_FLIP, error));
	}
	log->begun = true;
	return RFM_OK;
}
/* say that the file will be shorter */
enum rfm_status
rfm_log_shrink(struct rfm_log *log, uint64_t file_bytes,
    struct rfm_error *error)
{
	uint64_t        before = log->file_bytes;
	enum rfm_status status;

	RFM_TRY(refuse_if_poisoned(log, error));
	log->file_bytes = file_bytes;
	status = write_superblock(log, log->superblock, error);
	if (status != RFM_OK) {
		log->file_bytes = before;
		return status;
	}
	return barrier(log, RFM_BARRIER_FLIP, error);
}
/* mark a clean end */
enum rfm_status
rfm_log_mark_clean(struct rfm_log *log, struct rfm_error *error)
{
	struct rfm_superblock_disk next = log->superblock;

	if (!log->begun || log->poisoned || log->uncommitted > 0)
		return RFM_OK;
	next.flags |= RFM_SUPERBLOCK_CLEAN;
	next.end_sequence = log->sequence;
	log->begun = false;
	return write_superblock(log, next, error);
}
/* format a new log */
enum rfm_status
rfm_log_format(struct rfm_log *log, const uint8_t uuid[16],
    struct rfm_error *error)
{
	struct rfm_superblock_disk s;
	struct rfm_log_segment     first = {
		.bytes = log->first_segment_bytes
	};

	memset(&s, 0, sizeof s);
	memcpy(s.uuid, uuid, sizeof s.uuid);
	RFM_TRY(open_segment(log, &first, 1, error));
	push_segment(log, &first);
	log->tail = first.offset + sizeof(struct rfm_segment_disk);
	log->sequence = 1;
	s.head_offset = first.offset;
	s.head_bytes = first.bytes;
	s.head_salt = first.salt;
	RFM_TRY(write_superblock(log, s, error));
	RFM_TRY(barrier(log, RFM_BARRIER_FORMAT, error));
	log->begun = true;
	return RFM_OK;
}
/* read and choose the superblock */
static enum rfm_status
read_superblock_once(struct rfm_log *log,
    struct rfm_superblock_disk *chosen, struct rfm_error *error)
{
	struct rfm_superblock_disk copies[RFM_SUPERBLOCKS];
	unsigned                   winner;

	for (unsigned i = 0; i < RFM_SUPERBLOCKS; i++)
		RFM_TRY(log->os->read(log->os, log->file,
		    i * RFM_PAGE_BYTES, &copies[i], sizeof copies[i],
		    error));
	RFM_TRY(log->os->size(log->os, log->file, &log->file_bytes,
	    error));
	RFM_TRY(rfm_superblock_choose(copies, log->file_bytes, &winner,
	    error));
	*chosen = copies[winner];
	return RFM_OK;
}

static enum rfm_status
read_superblock(struct rfm_log *log, struct rfm_superblock_disk *chosen,
    struct rfm_error *error)
{
	enum rfm_status status = read_superblock_once(log, chosen, error);

	return status == RFM_DAMAGED
	    ? read_superblock_once(log, chosen, error) : status;
}
/* enter a segment if it is there */
static enum rfm_status
may_be_a_segment(struct rfm_log *log, const struct rfm_log_segment *s,
    bool *possible, struct rfm_error *error)
{
	*possible = s->bytes >= RFM_SEGMENT_MIN_BYTES &&
	    s->bytes <= RFM_SEGMENT_MAX_BYTES;
	if (!*possible || rfm_extent_valid(s->offset, s->bytes,
	    log->file_bytes))
		return RFM_OK;
	RFM_TRY(log->os->size(log->os, log->file, &log->file_bytes,
	    error));
	*possible = rfm_extent_valid(s->offset, s->bytes,
	    log->file_bytes);
	return RFM_OK;
}

static enum rfm_status
enter_segment(struct rfm_log *log, const struct rfm_log_segment *segment,
    bool *valid, struct rfm_error *error)
{
	struct rfm_segment_disk head;

	RFM_TRY(may_be_a_segment(log, segment, valid, error));
	if (!*valid)
		return RFM_OK;
	RFM_TRY(log->os->read(log->os, log->file, segment->offset,
	    &head, sizeof head, error));
	*valid = rfm_segment_valid(&head, segment->bytes, segment->salt) &&
	    (log->sequence == 0 || head.first_sequence == log->sequence);
	if (!*valid)
		return RFM_OK;
	RFM_TRY(secure_segment_list(log, error));
	push_segment(log, segment);
	log->sequence = head.first_sequence;
	log->tail = segment->offset + sizeof head;
	return RFM_OK;
}
/* go to the head of the log */
static enum rfm_status
go_to_head(struct rfm_log *log, struct rfm_error *error)
{
	struct rfm_log_segment head = {
		log->superblock.head_offset, log->superblock.head_bytes,
		log->superblock.head_salt
	};
	bool valid;

	log->count = 0;
	log->bytes = log->epoch = log->uncommitted = 0;
	log->sequence = log->whole = 0;
	RFM_TRY(enter_segment(log, &head, &valid, error));
	if (!valid)
		return rfm_fail(error, RFM_DAMAGED,
		    "there is no log segment at byte %llu, where the"
		    " superblock says that the log begins",
		    (unsigned long long)head.offset);
	return RFM_OK;
}
/* note what a record means to the log */
static void
note_record(struct rfm_log *log, uint32_t kind, const uint8_t *body)
{
	struct rfm_commit_disk commit;

	if (kind != RFM_RECORD_COMMIT) {
		log->uncommitted++;
		return;
	}
	memcpy(&commit, body, sizeof commit);
	log->epoch = commit.epoch;
	log->uncommitted = 0;
}
/* follow a link if its segment is there */
static enum rfm_status
follow_link(struct rfm_log *log, const uint8_t *body, bool *more,
    struct rfm_error *error)
{
	struct rfm_link_disk   link;
	struct rfm_log_segment next;
	enum rfm_status        status;

	memcpy(&link, body, sizeof link);
	next.offset = link.offset;
	next.bytes = link.bytes;
	next.salt = link.salt;
	log->sequence++;
	status = enter_segment(log, &next, more, error);
	if (status == RFM_OK && *more) {
		log->bytes += LINK_BYTES;
		return RFM_OK;
	}
	log->sequence--;
	*more = false;
	log->cut |= status == RFM_OK;
	return status;
}
/* load a piece of the segment */
static enum rfm_status
load_piece(struct rfm_log *log, uint64_t from, uint8_t **bytes,
    uint64_t *n, struct rfm_error *error)
{
	const struct rfm_log_segment *s = &log->segments[log->count - 1];
	enum rfm_status               status;

	*n = s->offset + s->bytes - from;
	if (*n > RFM_LOG_PIECE_BYTES)
		*n = RFM_LOG_PIECE_BYTES;
	*bytes = malloc((size_t)*n + 1);
	if (*bytes == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory to read the log");
	status = log->os->read(log->os, log->file, from, *bytes, *n,
	    error);
	if (status != RFM_OK)
		free(*bytes);
	return status;
}
/* judge what lies behind the end */
static enum rfm_status
look_for_a_witness(struct rfm_log *log, const uint8_t *bytes, uint64_t n,
    uint64_t end, uint64_t sequence, struct rfm_error *error)
{
	uint64_t salt = log->segments[log->count - 1].salt;
	bool     lossless = same_boot(log) ||
	    (log->superblock.flags & RFM_SUPERBLOCK_CLEAN) != 0;

	for (uint64_t at = 0; at + sizeof(struct rfm_record_disk) <= n;
	    at += 8) {
		struct rfm_record_disk head;

		memcpy(&head, bytes + at, sizeof head);
		if (head.salt != salt || head.sequence < sequence ||
		    (head.kind != RFM_RECORD_COMMIT && !lossless) ||
		    !rfm_record_valid(bytes + at, n - at, salt,
		    head.sequence))
			continue;
		log->broken = sequence;
		return rfm_fail(error, RFM_DAMAGED,
		    "record %llu of the log, at byte %llu, is broken"
		    " although whole records follow it",
		    (unsigned long long)sequence,
		    (unsigned long long)end);
	}
	return RFM_OK;
}
static enum rfm_status
judge_the_rest(struct rfm_log *log, uint64_t end, uint64_t sequence,
    struct rfm_error *error)
{
	const struct rfm_log_segment *s = &log->segments[log->count - 1];
	uint64_t step = RFM_LOG_PIECE_BYTES - RECORD_MAX_BYTES;
	enum rfm_status status = RFM_OK;

	for (uint64_t from = end; status == RFM_OK &&
	    from < s->offset + s->bytes; from += step) {
		uint8_t *bytes;
		uint64_t n;

		RFM_TRY(load_piece(log, from, &bytes, &n, error));
		status = look_for_a_witness(log, bytes, n, end, sequence,
		    error);
		free(bytes);
	}
	return status;
}
/* look for the end of a group */
static enum rfm_status
look_through_group(struct rfm_log *log, struct rfm_error *error)
{
	const uint64_t salt = log->segments[log->count - 1].salt;
	uint64_t       from = log->tail, sequence = log->sequence;
	uint64_t       n, at;
	uint32_t       flags = RFM_RECORD_MORE;
	bool           stranger = false;

	do {
		struct rfm_record_disk head;
		uint8_t               *bytes;

		RFM_TRY(load_piece(log, from, &bytes, &n, error));
		for (at = 0; (flags & RFM_RECORD_MORE) != 0 &&
		    rfm_record_valid(bytes + at, n - at, salt, sequence);
		    sequence++) {
			memcpy(&head, bytes + at, sizeof head);
			flags = head.flags;
			stranger |= head.kind == RFM_RECORD_COMMIT ||
			    head.kind == RFM_RECORD_LINK;
			at += head.bytes;
		}
		free(bytes);
		from += at;
	} while ((flags & RFM_RECORD_MORE) != 0 &&
	    n == RFM_LOG_PIECE_BYTES && n - at < RECORD_MAX_BYTES);
	if (stranger)
		return rfm_fail(error, RFM_DAMAGED, "the group at record"
		    " %llu of the log contains a COMMIT or a LINK",
		    (unsigned long long)log->sequence);
	log->torn = (flags & RFM_RECORD_MORE) != 0;
	if (log->torn)
		return judge_the_rest(log, from, sequence, error);
	log->whole = sequence;
	return RFM_OK;
}
/* walk one segment */
static enum rfm_status
walk_records(struct rfm_log *log, const uint8_t *bytes, uint64_t n,
    uint64_t upto, rfm_log_visit *visit, void *context, bool *more,
    struct rfm_error *error)
{
	const uint64_t salt = log->segments[log->count - 1].salt;
	uint64_t       at = 0;

	*more = false;
	while (log->sequence < upto &&
	    rfm_record_valid(bytes + at, n - at, salt, log->sequence)) {
		struct rfm_record_disk head;
		const uint8_t         *body = bytes + at + sizeof head;

		memcpy(&head, bytes + at, sizeof head);
		if ((head.flags & RFM_RECORD_MORE) != 0 &&
		    log->sequence >= log->whole) {
			RFM_TRY(look_through_group(log, error));
			if (log->torn)
				return RFM_OK;
		}
		if (head.kind == RFM_RECORD_LINK)
			return follow_link(log, body, more, error);
		RFM_TRY(visit(context, head.kind, body, log->tail, error));
		note_record(log, head.kind, body);
		at += head.bytes;
		log->tail += head.bytes;
		log->sequence++;
		log->bytes += head.bytes;
	}
	if (log->sequence >= upto)
		return RFM_OK;
	*more = n == RFM_LOG_PIECE_BYTES && n - at < RECORD_MAX_BYTES;
	return *more ? RFM_OK : judge_the_rest(log, log->tail,
	    log->sequence, error);
}
/* walk one piece */
static enum rfm_status
walk_piece(struct rfm_log *log, uint64_t upto, rfm_log_visit *visit,
    void *context, bool *more, struct rfm_error *error)
{
	uint8_t        *bytes;
	uint64_t        n;
	enum rfm_status status;

	RFM_TRY(load_piece(log, log->tail, &bytes, &n, error));
	status = walk_records(log, bytes, n, upto, visit, context, more,
	    error);
	free(bytes);
	return status;
}
/* walk the log from the tail on */
static enum rfm_status
walk(struct rfm_log *log, uint64_t upto, rfm_log_visit *visit,
    void *context, struct rfm_error *error)
{
	uint64_t suspected = 0;
	bool     more = true;

	log->torn = false;
	log->broken = 0;
	while (more) {
		enum rfm_status status;

		status = walk_piece(log, upto, visit, context, &more,
		    error);
		/* look a second time before calling it damage */
		if (status == RFM_DAMAGED && log->broken > suspected) {
			suspected = log->broken;
			more = true;
			continue;
		}
		RFM_TRY(status);
	}
	return RFM_OK;
}
/* find the last commit */
struct last_commit {
	uint64_t       upto;
	struct rfm_log *log;
};

static enum rfm_status
remember_commit(void *context, uint32_t kind, const void *body,
    uint64_t record_offset, struct rfm_error *error)
{
	struct last_commit *last = context;

	(void)body, (void)record_offset, (void)error;
	if (kind == RFM_RECORD_COMMIT)
		last->upto = last->log->sequence + 1;
	return RFM_OK;
}

static enum rfm_status
find_last_commit(struct rfm_log *log, uint64_t *upto,
    struct rfm_error *error)
{
	struct last_commit last = { 0, log };

	RFM_TRY(go_to_head(log, error));
	last.upto = log->sequence;
	RFM_TRY(walk(log, UINT64_MAX, remember_commit, &last, error));
	*upto = last.upto;
	return RFM_OK;
}
/* judge a clean log of another length */
static enum rfm_status
judge_the_end(struct rfm_log *log, struct rfm_error *error)
{
	struct rfm_superblock_disk now;

	RFM_TRY(read_superblock(log, &now, error));
	if (now.sequence != log->superblock.sequence)
		return RFM_OK;
	return rfm_fail(error, RFM_DAMAGED,
	    "the log ends before record %llu, but the store was closed"
	    " after record %llu", (unsigned long long)log->sequence,
	    (unsigned long long)log->superblock.end_sequence - 1);
}
/* open an existing log */
enum rfm_status
rfm_log_open(struct rfm_log *log, rfm_log_visit *visit, void *context,
    struct rfm_error *error)
{
	bool     clean;
	uint64_t upto = UINT64_MAX;

	RFM_TRY(read_superblock(log, &log->superblock, error));
	clean = (log->superblock.flags & RFM_SUPERBLOCK_CLEAN) != 0;
	log->cut = !clean && !same_boot(log);
	if (log->cut)
		RFM_TRY(find_last_commit(log, &upto, error));
	RFM_TRY(go_to_head(log, error));
	RFM_TRY(walk(log, upto, visit, context, error));	/* keeps I4 */
	if (clean && (log->torn ||
	    log->sequence != log->superblock.end_sequence))
		return judge_the_end(log, error);
	return RFM_OK;
}
/* look again */
enum rfm_status
rfm_log_refresh(struct rfm_log *log, bool *replaced,
    rfm_log_visit *visit, void *context, struct rfm_error *error)
{
	struct rfm_superblock_disk now;

	*replaced = false;
	RFM_TRY(read_superblock(log, &now, error));
	if (memcmp(now.uuid, log->superblock.uuid, sizeof now.uuid) != 0)
		return rfm_fail(error, RFM_MISMATCH,
		    "the file has been replaced by another store");
	*replaced = now.head_offset != log->superblock.head_offset ||
	    now.head_salt != log->superblock.head_salt;
	log->superblock = now;
	if (*replaced || log->cut)
		return RFM_OK;
	return walk(log, UINT64_MAX, visit, context, error);
}

void
rfm_log_dispose(struct rfm_log *log)
{
	free(log->segments);
	log->segments = NULL;
	log->count = 0;
}
