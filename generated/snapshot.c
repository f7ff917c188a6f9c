/* Tangled from lit/58_snapshot.nw by 'make tangle': change it there, not here. */
#include "snapshot.h"
#include "layout.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES ((uint64_t)1 << 20)

/* the state of a copy */
struct part {
	uint64_t offset, bytes;
	bool     log;
};

struct rfm_snapshot {
	struct rfm_store *store;
	struct rfm_os    *from, *os;         /* of the store, of the copy */
	struct rfm_file  *source, *target;
	uint64_t          file_bytes;
	struct part      *parts;             /* in order of their offsets */
	size_t            count, room, next;
	uint64_t          done;              /* of the next part */
	bool              whole;             /* the system has copied all */
	bool              short_of_memory;
	char              path[4096];
	char              unfinished[4096 + 24];  /* "": no such file */
	uint8_t           buffer[BUFFER_BYTES];
};
/* write the superblock of a copy */
static enum rfm_status
write_superblock(struct rfm_snapshot *s, struct rfm_error *error)
{
	struct rfm_superblock_disk copies[RFM_SUPERBLOCKS], next;
	unsigned                   winner, place;

	for (unsigned i = 0; i < RFM_SUPERBLOCKS; i++)
		RFM_TRY(s->from->read(s->from, s->source,
		    i * RFM_PAGE_BYTES, &copies[i], sizeof copies[i],
		    error));
	RFM_TRY(rfm_superblock_choose(copies, s->file_bytes, &winner,
	    error));
	next = copies[winner];
	next.sequence = 1;
	next.flags &= ~RFM_SUPERBLOCK_CLEAN;
	next.end_sequence = 0;
	memset(next.boot, 0, sizeof next.boot);
	rfm_superblock_seal(&next);
	place = (unsigned)(next.sequence % RFM_SUPERBLOCKS);
	memset(copies, 0, sizeof copies);
	copies[place] = next;
	for (unsigned i = 0; i < RFM_SUPERBLOCKS; i++)
		RFM_TRY(s->os->write(s->os, s->target,
		    i * RFM_PAGE_BYTES, &copies[i], sizeof copies[i],
		    error));
	return RFM_OK;
}
/* copy a part of the file */
static bool
is_zero(const uint8_t *from, uint64_t bytes)
{
	return from[0] == 0 && memcmp(from, from + 1, bytes - 1) == 0;
}

static uint64_t
stretch(const uint8_t *from, uint64_t bytes, bool *zero)
{
	uint64_t n = 0;

	while (n < bytes) {
		uint64_t page = bytes - n < RFM_PAGE_BYTES ? bytes - n
		    : RFM_PAGE_BYTES;
		bool     now = is_zero(from + n, page);

		if (n == 0)
			*zero = now;
		else if (now != *zero)
			break;
		n += page;
	}
	return n;
}

/* copy up to a buffer of bytes */
static enum rfm_status
copy_bytes(struct rfm_snapshot *s, uint64_t offset, uint64_t bytes,
    struct rfm_error *error)
{
	uint64_t n;
	bool     zero = false;

	RFM_TRY(s->from->read(s->from, s->source, offset, s->buffer,
	    (size_t)bytes, error));
	for (uint64_t at = 0; at < bytes; at += n) {
		n = stretch(s->buffer + at, bytes - at, &zero);
		if (!zero)
			RFM_TRY(s->os->write(s->os, s->target,
			    offset + at, s->buffer + at, (size_t)n,
			    error));
	}
	return RFM_OK;
}

static enum rfm_status
copy_part(struct rfm_snapshot *s, const struct part *p,
    struct rfm_error *error)
{
	for (uint64_t at = 0; at < p->bytes; at += BUFFER_BYTES)
		RFM_TRY(copy_bytes(s, p->offset + at,
		    p->bytes - at < BUFFER_BYTES ? p->bytes - at
		    : BUFFER_BYTES, error));
	return RFM_OK;
}
/* list the parts that are in use */
static void
note_part(void *context, const struct rfm_extent_info *extent)
{
	struct rfm_snapshot *s = context;
	bool log = extent->use == RFM_USE_LOG;

	if (!log && extent->use != RFM_USE_COMMITTED &&
	    extent->use != RFM_USE_SEALED)
		return;
	if (s->count == s->room) {
		size_t       more = s->room * 2 + 64;
		struct part *parts = realloc(s->parts,
		    more * sizeof *parts);

		if (parts == NULL) {
			s->short_of_memory = true;
			return;
		}
		s->parts = parts;
		s->room = more;
	}
	s->parts[s->count++] = (struct part) { extent->offset,
		extent->bytes, log };
}

/* sort the parts and join neighbours */
static int
by_offset(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static enum rfm_status
list_parts(struct rfm_snapshot *s, struct rfm_error *error)
{
	size_t kept = 0;

	rfm_store_map(s->store, note_part, s);
	if (s->short_of_memory)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory to list what is to be copied");
	if (s->count > 0)
		qsort(s->parts, s->count, sizeof *s->parts, by_offset);
	for (size_t i = 0; i < s->count; i++) {
		struct part *last = kept == 0 ? NULL : &s->parts[kept - 1];
		struct part  p = s->parts[i];

		if (last != NULL && last->log == p.log &&
		    last->offset + last->bytes == p.offset)
			last->bytes += p.bytes;
		else
			s->parts[kept++] = p;
	}
	s->count = kept;
	return RFM_OK;
}
/* make the new file */
static enum rfm_status
make_file(struct rfm_snapshot *s, struct rfm_error *error)
{
	uint64_t        digits = 0;
	bool            same = s->from == s->os;
	enum rfm_status status;

	RFM_TRY(s->os->random(s->os, &digits, 4, error));
	snprintf(s->unfinished, sizeof s->unfinished, "%s.%08llx.part",
	    s->path, (unsigned long long)digits);
	status = same ? s->os->clone(s->os, s->source, s->unfinished,
	    &s->target, &s->whole, error)
	    : s->os->open(s->os, s->unfinished, RFM_OPEN_CREATE,
	    &s->target, error);
	if (status != RFM_OK)
		s->unfinished[0] = '\0';
	return status;
}
/* begin a copy */
static enum rfm_status
need_free_name(struct rfm_snapshot *s, struct rfm_error *error)
{
	struct rfm_identity identity;

	if (s->os->identify(s->os, s->path, &identity, NULL) ==
	    RFM_NO_FILE)
		return RFM_OK;
	return rfm_fail(error, RFM_ARGUMENT,
	    "%s exists already, and a copy never replaces a file", s->path);
}

/* take the state to be copied */
static enum rfm_status
take_state(struct rfm_snapshot *s, struct rfm_error *error)
{
	struct rfm_store_info info;

	RFM_TRY(need_free_name(s, error));
	rfm_store_describe(s->store, &info);
	if (info.mode == RFM_SCRATCH)
		return rfm_fail(error, RFM_MODE, "%s is a scratch store:"
		    " nothing in it survives, and a copy would be empty",
		    info.path);
	RFM_TRY(rfm_store_reopen(s->store, &s->from, &s->source, error));
	RFM_TRY(s->from->lock(s->from, s->source, RFM_LOCK_READERS,
	    false, error));
	RFM_TRY(s->from->pin(s->from, s->source, 0, error)); /* keeps I6 */
	RFM_TRY(rfm_store_sync(s->store, error));
	rfm_store_describe(s->store, &info);
	s->file_bytes = info.file_bytes;
	RFM_TRY(make_file(s, error));
	RFM_TRY(write_superblock(s, error));
	if (s->whole)
		return RFM_OK;
	RFM_TRY(s->os->resize(s->os, s->target, s->file_bytes, error));
	RFM_TRY(list_parts(s, error));
	for (size_t i = 0; i < s->count; i++)
		if (s->parts[i].log)
			RFM_TRY(copy_part(s, &s->parts[i], error));
	return RFM_OK;
}
/* make a copy in memory */
enum rfm_status
rfm_snapshot_begin(struct rfm_store *store, struct rfm_os *os,
    const char *to, struct rfm_snapshot **out, struct rfm_error *error)
{
	struct rfm_snapshot *s = calloc(1, sizeof *s);
	struct rfm_error     detail;
	enum rfm_status      status;

	if (error == NULL)
		error = &detail;
	if (s == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for copying a store");
	rfm_store_retain(store);
	s->store = store;
	s->os = os;
	status = os->absolute_path(os, to, s->path, sizeof s->path, error);
	if (status == RFM_OK)
		status = take_state(s, error);
	if (status != RFM_OK) {
		rfm_snapshot_drop(s);
		return status;
	}
	*out = s;
	return RFM_OK;
}
/* go on with a copy */
uint64_t
rfm_snapshot_left(const struct rfm_snapshot *s)
{
	uint64_t left = 0;

	for (size_t i = s->next; i < s->count; i++)
		if (!s->parts[i].log)
			left += s->parts[i].bytes;
	return left - s->done;
}

enum rfm_status
rfm_snapshot_step(struct rfm_snapshot *s, uint64_t bytes,
    uint64_t *copied, struct rfm_error *error)
{
	for (*copied = 0; s->next < s->count && *copied < bytes;) {
		const struct part *p = &s->parts[s->next];
		uint64_t n = p->log ? 0 : p->bytes - s->done;

		if (n > BUFFER_BYTES)
			n = BUFFER_BYTES;
		if (n > 0)
			RFM_TRY(copy_bytes(s, p->offset + s->done, n,
			    error));
		*copied += n;
		s->done += n;
		if (p->log || s->done == p->bytes) {
			s->next++;
			s->done = 0;
		}
	}
	return RFM_OK;
}
/* finish a copy or give it up */
enum rfm_status
rfm_snapshot_finish(struct rfm_snapshot *s, struct rfm_error *error)
{
	enum rfm_status status;

	RFM_TRY(s->os->barrier(s->os, s->target, RFM_BARRIER_FORMAT,
	    error));
	RFM_TRY(s->os->rename(s->os, s->unfinished, s->path, error));
	s->unfinished[0] = '\0';
	status = s->os->barrier_directory(s->os, s->path,
	    RFM_BARRIER_DIRECTORY, error);
	if (status != RFM_OK)
		(void)s->os->remove(s->os, s->path, NULL); /* keeps I13 */
	return status;
}

void
rfm_snapshot_drop(struct rfm_snapshot *s)
{
	if (s->target != NULL)
		s->os->close(s->os, s->target);
	if (s->unfinished[0] != '\0')
		(void)s->os->remove(s->os, s->unfinished, NULL);
	if (s->source != NULL)
		s->from->close(s->from, s->source);
	rfm_store_release(s->store);
	free(s->parts);
	free(s);
}
