/* Tangled from lit/50_store.nw by 'make tangle': change it there, not here. */
#include "inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the list of open stores */
static struct rfm_store *stores;
/* know what a store may do */
bool
rfm_writes_file(const struct rfm_store *store)
{
	return store->access == RFM_WRITE && !store->forked;
}

bool
rfm_keeps_catalog(const struct rfm_store *store)
{
	return store->mode == RFM_PERSISTENT;
}

bool
rfm_store_keeps(const struct rfm_store *store)
{
	return rfm_keeps_catalog(store) && rfm_writes_file(store);
}

enum rfm_status
rfm_refuse_change(const struct rfm_store *store, struct rfm_error *error)
{
	if (store->forked)
		return rfm_fail(error, RFM_FORKED,
		    "%s was opened by the parent of this process",
		    store->path);
	if (store->access != RFM_WRITE)
		return rfm_fail(error, RFM_READ_ONLY,
		    "%s is open for reading", store->path);
	if (store->closed)
		return rfm_fail(error, RFM_CLOSED,
		    "runtime is closed: %s", store->path);
	return RFM_OK;
}
/* keep the registry of open stores */
/* find a store by what it holds */
struct rfm_store *
rfm_store_for(const uint8_t uuid[16], const char *path, uint64_t id)
{
	struct rfm_store *found = NULL;
	int               best = -1;

	for (struct rfm_store *s = stores; s != NULL; s = s->next) {
		int rank = (s->access == RFM_WRITE ? 1 : 0) +
		    (strcmp(s->path, path) == 0 ? 2 : 0) +
		    (rfm_catalog_find(&s->catalog, id) != NULL ? 4 : 0);

		if (memcmp(s->uuid, uuid, sizeof s->uuid) != 0 ||
		    rank <= best)
			continue;
		found = s;
		best = rank;
	}
	return found;
}

struct rfm_store *
rfm_store_by_uuid(const uint8_t uuid[16])
{
	return rfm_store_for(uuid, "", 0);
}

static void
enlist(struct rfm_store *store)
{
	store->next = stores;
	stores = store;
}

static void
delist(struct rfm_store *store)
{
	struct rfm_store **s = &stores;

	while (*s != NULL && *s != store)
		s = &(*s)->next;
	if (*s != NULL)
		*s = store->next;
}
/* find a store that is already open */
/* refuse another store than the expected one */
static enum rfm_status
expect(const struct rfm_store *store, const uint8_t *uuid,
    struct rfm_error *error)
{
	if (uuid == NULL ||
	    memcmp(store->uuid, uuid, sizeof store->uuid) == 0)
		return RFM_OK;
	return rfm_fail(error, RFM_MISMATCH,
	    "%s is another store", store->path);
}

static struct rfm_store *
find_open(struct rfm_os *os, const struct rfm_identity *identity,
    enum rfm_access access)
{
	struct rfm_store *reader = NULL;

	for (struct rfm_store *s = stores; s != NULL; s = s->next) {
		if (s->os != os ||
		    s->identity.device != identity->device ||
		    s->identity.inode != identity->inode)
			continue;
		if (s->access == RFM_WRITE)
			return s;
		reader = s;
	}
	return access == RFM_READ ? reader : NULL;
}

static enum rfm_status
share(struct rfm_store *store, const struct rfm_open_options *options,
    const uint8_t *uuid, struct rfm_store **out, struct rfm_error *error)
{
	if (store->mode != options->mode)
		return rfm_fail(error, RFM_MODE,
		    "%s is already open with mode %s", store->path,
		    store->mode == RFM_SCRATCH ? "scratch"
		    : "persistent");
	RFM_TRY(expect(store, uuid, error));
	store->closed = false;
	rfm_store_retain(store);
	*out = store;
	return RFM_OK;
}
/* say in which file it happened */
static enum rfm_status
in_this_file(const struct rfm_store *store, enum rfm_status status,
    struct rfm_error *error)
{
	char text[sizeof error->text];

	if (status == RFM_OK || error == NULL)
		return status;
	memcpy(text, error->text, sizeof text);
	snprintf(error->text, sizeof error->text, "%.200s: %.300s",
	    store->path, text);
	return status;
}
/* lock the file or name the owner */
static enum rfm_status
lock_or_name_the_owner(struct rfm_store *store, struct rfm_error *error)
{
	char            owner[RFM_OWNER_BYTES] = "";
	enum rfm_status status;

	if (store->access == RFM_READ) {
		RFM_TRY(store->os->lock(store->os, store->file,
		    RFM_LOCK_READERS, false, error));
		return store->os->pin(store->os, store->file, 0, error);
	}
	status = store->os->lock(store->os, store->file,
	    RFM_LOCK_WRITER, true, error);
	if (status != RFM_LOCKED)
		return status;
	if (store->os->read(store->os, store->file, RFM_OWNER_OFFSET,
	    owner, sizeof owner - 1, NULL) != RFM_OK || owner[0] == '\0')
		strcpy(owner, "another process");
	return rfm_fail(error, RFM_LOCKED,
	    "%.200s is open for writing by %s", store->path, owner);
}

static enum rfm_status
note_owner(struct rfm_store *store, struct rfm_error *error)
{
	char owner[RFM_OWNER_BYTES];

	memset(owner, 0, sizeof owner);
	store->os->owner(store->os, owner, sizeof owner);
	return store->os->write(store->os, store->file, RFM_OWNER_OFFSET,
	    owner, sizeof owner, error);
}
/* peek at the superblocks */
static enum rfm_status
peek(struct rfm_store *store,
    struct rfm_superblock_disk copies[RFM_SUPERBLOCKS],
    struct rfm_error *error)
{
	if (store->file_bytes < RFM_HEAP_OFFSET)	/* keeps I14 */
		return rfm_fail(error, RFM_FOREIGN,
		    "File too small to be a store: %s has %llu bytes",
		    store->path, (unsigned long long)store->file_bytes);
	for (unsigned i = 0; i < RFM_SUPERBLOCKS; i++)
		RFM_TRY(store->os->read(store->os, store->file,
		    i * RFM_PAGE_BYTES, &copies[i], sizeof copies[i],
		    error));
	return store->os->size(store->os, store->file,
	    &store->file_bytes, error);
}

static enum rfm_status
compare_modes(const struct rfm_store *store, uint32_t flags,
    struct rfm_error *error)
{
	bool scratch = (flags & RFM_SUPERBLOCK_SCRATCH) != 0;

	if (scratch == (store->mode == RFM_SCRATCH))
		return RFM_OK;
	return rfm_fail(error, RFM_MODE,
	    "%s is a %s store and cannot be opened as a %s one",
	    store->path, scratch ? "scratch" : "persistent",
	    scratch ? "persistent" : "scratch");
}
/* read the log into the catalog */
static enum rfm_status
apply_twice(struct rfm_store *store, uint32_t kind, const void *body,
    uint64_t record_offset, struct rfm_error *error)
{
	struct rfm_log *log = &store->log;
	uint64_t        before = log->file_bytes;
	enum rfm_status status;

	status = rfm_catalog_apply(&store->catalog, kind, body,
	    record_offset, log->file_bytes, error);
	if (status != RFM_DAMAGED || store->access == RFM_WRITE)
		return status;
	RFM_TRY(store->os->size(store->os, store->file, &log->file_bytes,
	    error));
	if (log->file_bytes == before)
		return status;
	return rfm_catalog_apply(&store->catalog, kind, body,
	    record_offset, log->file_bytes, error);
}
static enum rfm_status
learn(void *context, uint32_t kind, const void *body,
    uint64_t record_offset, struct rfm_error *error)
{
	struct rfm_store *store = context;
	struct rfm_entry *e = NULL, old = { .bytes = 0 };
	uint64_t          id;

	if (kind == RFM_RECORD_COMMIT) {
		store->pending.count = 0;
		store->pending.bytes = 0;
	} else {
		store->learned++;
	}
	memcpy(&id, body, sizeof id);
	if (kind == RFM_RECORD_FREE || kind == RFM_RECORD_MOVE)
		e = rfm_catalog_find(&store->catalog, id);
	if (e != NULL)
		old = *e;
	RFM_TRY(apply_twice(store, kind, body, record_offset, error));
	if (kind == RFM_RECORD_FREE)
		return rfm_hold_freed(store, e, error);
	if (kind == RFM_RECORD_MOVE)
		return rfm_hold_left(store, e, &old, error);
	return RFM_OK;
}
static enum rfm_status
read_log(struct rfm_store *store, struct rfm_error *error)
{
	uint64_t leap = 0;

	RFM_TRY(rfm_log_open(&store->log, learn, store, error));
	if (!store->log.cut)
		return RFM_OK;
	if (store->catalog.next_id == 0)
		store->catalog.next_id = 1;
	RFM_TRY(store->os->random(store->os, &leap, RFM_ID_LEAP_BYTES,
	    error));
	leap += RFM_ID_LEAP;
	if (!rfm_add(store->catalog.next_id, leap,
	    &store->catalog.next_id))	/* keeps I9 */
		store->catalog.next_id = UINT64_MAX;
	return RFM_OK;
}
/* give the log its file */
static void
connect_log(struct rfm_store *store)
{
	store->log.file = store->file;
	store->log.file_bytes = store->file_bytes;
}
/* move a reader's pin */
static enum rfm_status
move_pin(struct rfm_store *store, struct rfm_error *error)
{
	uint64_t oldest = store->log.epoch;

	if (store->access == RFM_WRITE || store->unwatched_fork)
		return RFM_OK;
	for (struct rfm_payload *p = store->payloads; p != NULL;
	    p = p->next) {
		const struct rfm_entry *e;

		if (p->id == 0)
			continue;
		e = rfm_catalog_find(&store->catalog, p->id);
		if (e != NULL && e->attachment == p)
			p->epoch = store->log.epoch;
		else if (p->epoch < oldest)
			oldest = p->epoch;
	}
	RFM_TRY(store->os->pin(store->os, store->file, oldest, error));
	store->pin = oldest;
	return RFM_OK;
}
/* open an existing file */
static enum rfm_status
open_existing(struct rfm_store *store, const uint8_t *uuid,
    struct rfm_error *error)
{
	bool     writer = store->access == RFM_WRITE;
	unsigned winner;
	struct rfm_superblock_disk copies[RFM_SUPERBLOCKS];

	RFM_TRY(store->os->open(store->os, store->path,
	    writer ? RFM_OPEN_WRITE : RFM_OPEN_READ, &store->file,
	    error));
	RFM_TRY(lock_or_name_the_owner(store, error));
	RFM_TRY(store->os->size(store->os, store->file,
	    &store->file_bytes, error));
	RFM_TRY(peek(store, copies, error));
	RFM_TRY(in_this_file(store, rfm_superblock_choose(copies,
	    store->file_bytes, &winner, error), error));
	RFM_TRY(compare_modes(store, copies[winner].flags, error));
	memcpy(store->uuid, copies[winner].uuid, sizeof store->uuid);
	RFM_TRY(expect(store, uuid, error));
	if (rfm_keeps_catalog(store)) {
		connect_log(store);
		RFM_TRY(in_this_file(store, read_log(store, error),
		    error));
		store->file_bytes = store->log.file_bytes;
		RFM_TRY(move_pin(store, error));
	}
	if (writer)
		RFM_TRY(in_this_file(store, rfm_derive_space(store, error),
		    error));
	RFM_TRY(rfm_map_file(store, error));
	if (rfm_keeps_catalog(store))
		RFM_TRY(in_this_file(store, rfm_look_at_lists(store, error),
		    error));
	if (writer)
		return note_owner(store, error);
	return RFM_OK;
}
/* remove the scratch file that this process made */
static void
remove_scratch_file(struct rfm_store *store)
{
	struct rfm_identity now;

	if (store->created && store->os->identify(store->os, store->path,
	    &now, NULL) == RFM_OK &&
	    now.device == store->identity.device &&
	    now.inode == store->identity.inode)
		(void)store->os->remove(store->os, store->path, NULL);
}

static void
discard(struct rfm_store *store)
{
	if (store->base != NULL)
		store->os->release_addresses(store->os, store->base,
		    store->address_bytes);
	if (store->arena != NULL)
		store->os->release_addresses(store->os, store->arena,
		    store->arena_limit);
	if (store->file != NULL)
		store->os->close(store->os, store->file);
	if (store->space != NULL)
		rfm_space_destroy(store->space);
	rfm_log_dispose(&store->log);
	rfm_catalog_dispose(&store->catalog);
	free(store->pending.list);
	free(store->waiting.list);
	free(store->findings);
	free(store->orphans);
	free(store->chunks);
	free(store);
}
/* make a store in memory */
static enum rfm_status
new_store(struct rfm_os *os, const char *path,
    const struct rfm_open_options *options, struct rfm_store **out,
    struct rfm_error *error)
{
	struct rfm_store *store = calloc(1, sizeof *store);
	enum rfm_status   status;

	if (store == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory to open %s", path);
	store->os = os;
	store->mode = options->mode;
	store->access = options->access;
	store->wanted_addresses = options->address_bytes;
	store->references = 1;
	status = os->absolute_path(os, path, store->path,
	    sizeof store->path, error);
	if (status != RFM_OK) {
		free(store);
		return status;
	}
	/* connect the log to its store */
	store->log.os = os;
	store->log.first_segment_bytes = options->first_segment_bytes == 0
	    ? RFM_SEGMENT_DEFAULT_BYTES : options->first_segment_bytes;
	if (store->log.first_segment_bytes < RFM_SEGMENT_MIN_BYTES)
		store->log.first_segment_bytes = RFM_SEGMENT_MIN_BYTES;
	store->log.room.take = rfm_take_segment;
	store->log.room.give = rfm_give_segment;
	store->log.room.context = store;
	*out = store;
	return RFM_OK;
}
/* format a scratch file */
static enum rfm_status
format_scratch(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_superblock_disk s;

	memset(&s, 0, sizeof s);
	s.sequence = 1;
	s.flags = RFM_SUPERBLOCK_SCRATCH;
	s.file_bytes = store->file_bytes;
	memcpy(s.uuid, store->uuid, sizeof s.uuid);
	store->os->boot_id(store->os, s.boot);
	rfm_superblock_seal(&s);
	return store->os->write(store->os, store->file,
	    s.sequence % RFM_SUPERBLOCKS * RFM_PAGE_BYTES, &s, sizeof s,
	    error);
}
/* create the file under its name */
static enum rfm_status
create_file(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_error detail = { RFM_OK, 0, "" };
	enum rfm_status  status;

	status = store->os->open(store->os, store->path, RFM_OPEN_CREATE,
	    &store->file, &detail);
	if (status == RFM_OK)
		return RFM_OK;
	rfm_fail(error, status, "Cannot create file %.300s: %s",
	    store->path, detail.os_errno != 0 ?
	    strerror(detail.os_errno) : detail.text);
	if (error != NULL)
		error->os_errno = detail.os_errno;
	return status;
}

static enum rfm_status
format_file(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_os *os = store->os;

	RFM_TRY(lock_or_name_the_owner(store, error));
	RFM_TRY(os->resize(os, store->file, store->file_bytes, error));
	RFM_TRY(os->identify(os, store->path, &store->identity, error));
	RFM_TRY(os->random(os, store->uuid, sizeof store->uuid, error));
	RFM_TRY(rfm_secure_chunks(store, store->file_bytes, error));
	RFM_TRY(rfm_map_file(store, error));
	RFM_TRY(rfm_space_add(store->space, RFM_HEAP_OFFSET,
	    store->file_bytes - RFM_HEAP_OFFSET, error));
	RFM_TRY(rfm_reserve_extent(store, 0, RFM_HEAP_OFFSET, error));
	RFM_TRY(note_owner(store, error));
	if (!rfm_keeps_catalog(store))
		return format_scratch(store, error);
	connect_log(store);
	RFM_TRY(rfm_log_format(&store->log, store->uuid, error));
	return os->barrier_directory(os, store->path,
	    RFM_BARRIER_DIRECTORY, error);
}
/* choose the size of a new file */
static enum rfm_status
size_of_new_file(const struct rfm_open_options *options,
    uint64_t *bytes, struct rfm_error *error)
{
	*bytes = options->bytes == 0 ? RFM_FILE_DEFAULT_BYTES
	    : options->bytes;
	if (*bytes < RFM_FILE_MIN_BYTES)
		return rfm_fail(error, RFM_ARGUMENT,
		    "File too small: a store takes at least %d bytes",
		    RFM_FILE_MIN_BYTES);
	if (!rfm_round_up(*bytes, RFM_FILE_STEP_BYTES, bytes) ||
	    *bytes > RFM_FILE_MAX_BYTES)
		return rfm_fail(error, RFM_TOO_LARGE,
		    "size_gb too large: a store has at most %llu bytes",
		    (unsigned long long)RFM_FILE_MAX_BYTES);
	return RFM_OK;
}
/* create a store */
static enum rfm_status
create_store(struct rfm_os *os, const char *path,
    const struct rfm_open_options *options, struct rfm_store **out,
    bool *created, struct rfm_error *error)
{
	struct rfm_store *store;
	enum rfm_status   status;

	RFM_TRY(new_store(os, path, options, &store, error));
	status = size_of_new_file(options, &store->file_bytes, error);
	if (status == RFM_OK)
		status = create_file(store, error);
	if (status != RFM_OK) {
		discard(store);
		return status;
	}
	status = format_file(store, error);
	if (status != RFM_OK) {
		(void)os->remove(os, store->path, NULL);
		discard(store);
		return status;
	}
	store->created = *created = true;
	enlist(store);
	*out = store;
	return RFM_OK;
}

/* see whether a payload is where it was */
static bool
is_where_it_was(const struct rfm_catalog *c, const struct rfm_payload *p,
    const struct rfm_entry *e)
{
	const struct rfm_entry *part = NULL;

	if (e == NULL || e->state == RFM_DESTROYED ||
	    e->offset != p->offset || e->bytes < p->room)
		return false;		/* keeps I6 */
	for (uint32_t k = 0; k < p->part_count; k++) {
		part = rfm_catalog_part(c, e, part);
		if (part == NULL || part->offset != p->parts[k]->offset)
			return false;
	}
	return true;
}
/* read the catalog afresh */
static enum rfm_status
read_afresh(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_catalog old = store->catalog;
	uint64_t           epoch = store->log.epoch;
	enum rfm_status    status;

	memset(&store->catalog, 0, sizeof store->catalog);
	status = read_log(store, error);
	if (status != RFM_OK) {
		rfm_catalog_dispose(&store->catalog);
		store->catalog = old;
		store->log.superblock.head_offset = 0;	/* keeps I13 */
		store->log.epoch = epoch;		/* keeps I6 */
		return status;
	}
	rfm_catalog_dispose(&old);
	for (struct rfm_payload *p = store->payloads; p != NULL;
	    p = p->next) {
		struct rfm_entry *e = p->id == 0 ||
		    p->state == RFM_DESTROYED ? NULL
		    : rfm_catalog_find(&store->catalog, p->id);

		if (is_where_it_was(&store->catalog, p, e))
			e->attachment = p;
	}
	return RFM_OK;
}
/* refresh a reader */
enum rfm_status
rfm_store_refresh(struct rfm_store *store, struct rfm_error *error)
{
	bool replaced;

	if (store->access == RFM_WRITE || !rfm_keeps_catalog(store))
		return RFM_OK;
	RFM_TRY(in_this_file(store, rfm_log_refresh(&store->log,
	    &replaced, learn, store, error), error));
	if (replaced)
		RFM_TRY(in_this_file(store, read_afresh(store, error),
		    error));
	RFM_TRY(move_pin(store, error));
	if (store->log.file_bytes <= store->file_bytes)
		return RFM_OK;
	if (store->log.file_bytes > store->address_bytes)
		return rfm_fail(error, RFM_TOO_LARGE,
		    "%s has outgrown the addresses that were reserved for"
		    " it: open it again", store->path);
	RFM_TRY(rfm_map_up_to(store, store->log.file_bytes, error));
	store->file_bytes = store->log.file_bytes;
	return RFM_OK;
}
/* close */
enum rfm_status
rfm_store_close(struct rfm_store *store, struct rfm_error *error)
{
	enum rfm_status status;

	if (store->closed)
		return RFM_OK;
	if (!rfm_writes_file(store) || !rfm_keeps_catalog(store) ||
	    store->left) {
		store->closed = true;
		return RFM_OK;
	}
	rfm_give_growth_back(store);
	store->closed = true;
	status = rfm_commit(store, error);
	if (status == RFM_OK)
		status = rfm_log_mark_clean(&store->log, error);
	if (status != RFM_OK && !store->log.poisoned)
		store->closed = false;		/* keeps I13 */
	return status;
}
static bool
may_give_blocks_back(struct rfm_store *store)
{
	bool waited = !rfm_keeps_catalog(store) || !store->left ||
	    store->log.begun;

	return waited && rfm_writes_file(store) && !store->log.poisoned &&
	    !store->unwatched_fork &&
	    rfm_nobody_holds(store, RFM_LOCK_READERS) &&
	    rfm_nobody_holds(store, RFM_LOCK_FORKS);	/* keeps I6 */
}

void
rfm_store_sync_at_close(struct rfm_store *store, bool sync)
{
	store->left = !sync;
}

void
rfm_store_retain(struct rfm_store *store)
{
	store->references++;
}

void
rfm_store_release(struct rfm_store *store)
{
	if (--store->references > 0)
		return;
	(void)rfm_store_close(store, NULL);
	if (may_give_blocks_back(store))
		rfm_give_all_free_blocks_back(store);
	if (store->mode == RFM_SCRATCH && rfm_writes_file(store))
		remove_scratch_file(store);
	delist(store);
	discard(store);
}
/* prepare for a fork */
static void
before_fork(void)
{
	for (struct rfm_store *s = stores; s != NULL; s = s->next) {
		if (s->forked || s->fork_file != NULL)
			continue;
		if (s->os->reopen(s->os, s->file, &s->fork_file, NULL) !=
		    RFM_OK) {
			s->fork_file = NULL;
			s->unwatched_fork = true;
		} else if (s->os->lock(s->os, s->fork_file,
		    s->access == RFM_WRITE ? RFM_LOCK_FORKS
		    : RFM_LOCK_READERS, false, NULL) != RFM_OK ||
		    (s->access == RFM_READ && s->os->pin(s->os,
		    s->fork_file, s->pin, NULL) != RFM_OK)) {
			s->unwatched_fork = true;
		}
	}
}

static void
after_fork_in_parent(void)
{
	for (struct rfm_store *s = stores; s != NULL; s = s->next) {
		s->children |= rfm_writes_file(s);
		if (s->fork_file != NULL)
			s->os->close(s->os, s->fork_file);
		s->fork_file = NULL;
	}
}
/* close all payloads of a store */
static void
close_all_payloads(struct rfm_store *store)
{
	for (struct rfm_payload *p = store->payloads; p != NULL;
	    p = p->next) {
		p->state = RFM_DESTROYED;
		p->address = NULL;
	}
	store->closed = true;
}
/* become a child */
static void
become_a_child(struct rfm_store *s)
{
	struct rfm_space *arena_space = NULL;
	struct rfm_file  *source = s->fork_file != NULL ? s->fork_file
	    : s->file;
	bool whole = s->os->map(s->os, source, RFM_MAP_PRIVATE, s->base,
	    0, s->mapped_bytes, NULL) == RFM_OK;	/* keeps I12 */

	s->forked = true;
	if (!whole)
		close_all_payloads(s);
	s->pending.count = s->waiting.count = 0;
	s->pending.bytes = s->waiting.bytes = 0;
	if (rfm_space_create(&arena_space, NULL) == RFM_OK) {
		rfm_space_destroy(s->space);
		s->space = arena_space;
	} else {
		s->closed = true;
	}
}
/* after the fork, in the child */
static void
take_over_fork_file(struct rfm_store *s)
{
	if (s->fork_file == NULL)
		return;
	s->os->close(s->os, s->file);
	s->file = s->log.file = s->fork_file;
	s->fork_file = NULL;
}

static void
after_fork_in_child(void)
{
	for (struct rfm_store *s = stores; s != NULL; s = s->next) {
		if (rfm_writes_file(s))
			become_a_child(s);
		take_over_fork_file(s);
	}
}
/* ask to be told of forks */
static enum rfm_status
watch_for_forks(struct rfm_os *os, struct rfm_error *error)
{
	static const struct rfm_fork_hooks hooks = {
		before_fork, after_fork_in_parent, after_fork_in_child
	};
	static struct rfm_os *watching;
	enum rfm_status       status;

	if (watching == os)
		return RFM_OK;
	status = os->at_fork(os, &hooks, error);
	if (status == RFM_OK)
		watching = os;
	return status;
}
/* open a store */
static enum rfm_status
open_store(struct rfm_os *os, const char *path,
    const struct rfm_open_options *options, const uint8_t *uuid,
    struct rfm_store **out, bool *created, struct rfm_error *error)
{
	struct rfm_identity identity;
	struct rfm_store   *store;
	enum rfm_status     status;

	*created = false;
	RFM_TRY(watch_for_forks(os, error));
	status = os->identify(os, path, &identity, error);
	if (status == RFM_NO_FILE && options->create &&
	    options->access == RFM_WRITE)
		return create_store(os, path, options, out, created,
		    error);
	RFM_TRY(status);
	store = find_open(os, &identity, options->access);
	if (store != NULL)
		return share(store, options, uuid, out, error);
	RFM_TRY(new_store(os, path, options, &store, error));
	store->identity = identity;
	status = open_existing(store, uuid, error);
	if (status != RFM_OK) {
		discard(store);
		return status;
	}
	enlist(store);
	*out = store;
	return RFM_OK;
}
enum rfm_status
rfm_store_open(struct rfm_os *os, const char *path,
    const struct rfm_open_options *options, struct rfm_store **out,
    bool *created, struct rfm_error *error)
{
	bool made;

	return open_store(os, path, options, NULL, out,
	    created == NULL ? &made : created, error);
}

enum rfm_status
rfm_store_follow(struct rfm_os *os, const char *path,
    const uint8_t uuid[16], struct rfm_store **out,
    struct rfm_error *error)
{
	struct rfm_open_options options = { .mode = RFM_PERSISTENT,
		.access = RFM_READ };
	bool made;

	return open_store(os, path, &options, uuid, out, &made, error);
}
