/* Tangled from lit/50_store.nw by 'make tangle': change it there, not here. */
#include "store.h"
#include "log.h"
#include "space.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* two lists of extents that wait */
struct extent {
	uint64_t offset;
	uint64_t bytes;
	uint64_t number;        /* its epoch, or its record's id */
};

struct extents {
	struct extent *list;
	size_t         count;
	size_t         capacity;
	uint64_t       bytes;
};
/* chunks of the file */
enum chunk_flags {
	CHUNK_RESERVED = 1,
	CHUNK_ZERO = 2
};
/* the store in memory */
struct rfm_store {
	struct rfm_os      *os;
	struct rfm_file    *file;
	char                path[4096];
	struct rfm_identity identity;
	uint8_t             uuid[16];
	enum rfm_mode       mode;
	enum rfm_access     access;
	uint64_t            references;   /* handles and payloads */
	struct rfm_log      log;
	struct rfm_catalog  catalog;
	struct rfm_space   *space;
	struct extents      pending;      /* wait for a commit */
	struct extents      waiting;      /* wait for readers */
	uint8_t            *chunks;       /* chunk flags */
	uint64_t            chunk_count;
	uint8_t            *base;
	uint64_t            file_bytes, mapped_bytes;
	uint64_t            address_bytes, wanted_addresses;
	uint8_t            *arena;
	uint64_t            arena_bytes, arena_limit;
	struct rfm_payload *payloads;
	uint64_t            temporaries, temporary_bytes;
	struct finding     *findings;     /* bad cells of lists */
	size_t              finding_count, finding_room;
	uint64_t           *orphans;      /* ids of elements to be freed */
	size_t              orphan_count, orphan_room;
	uint32_t            mark;         /* of the last walk */
	int64_t             last_sync;
	struct rfm_file    *fork_file;    /* only while forking */
	uint64_t            pin;          /* of a reader: his epoch */
	bool                created, closed, forked, growing, trimming;
	bool                children;     /* forked, maybe still there */
	bool                unwatched_fork;
	bool                left;         /* close as a death would */
	uint64_t            learned;      /* records read, no COMMITs */
	struct rfm_store   *next;         /* in the registry */
};

static struct rfm_store *stores;
struct finding {
	uint64_t list, index;    /* the list's id */
	bool     mended;
};
/* functions that are used before they are defined */
static enum rfm_status take_room(struct rfm_store *, uint64_t bytes,
    uint64_t used_bytes, enum rfm_growth, uint64_t *offset,
    struct rfm_error *);
static enum rfm_status make_room(struct rfm_store *, uint64_t bytes,
    uint64_t align, uint64_t *offset, struct rfm_error *);
static enum rfm_status commit(struct rfm_store *, struct rfm_error *);
static enum rfm_status tidy_log(struct rfm_store *, struct rfm_error *);
static enum rfm_status log_allocation(struct rfm_payload *,
    uint32_t flags, struct rfm_error *);
static enum rfm_status append_and_apply(struct rfm_store *,
    enum rfm_record_kind, const void *body, struct rfm_error *);
static enum rfm_status reserve_chunks(struct rfm_store *, uint64_t first,
    uint64_t last, struct rfm_error *);
static void close_payload(struct rfm_payload *);
static void close_views(struct rfm_payload *whole);
static void end_payload(struct rfm_payload *);
static enum rfm_status publish(struct rfm_payload *, uint32_t flags,
    bool seals, struct rfm_error *);
static void sweep_orphans(struct rfm_store *);
static void forget_cells(struct rfm_store *, const struct rfm_entry *);
static void drop_elements(struct rfm_payload *, struct rfm_payload **dying);
struct walk;
struct node;
static enum rfm_status note_loop(struct rfm_store *, uint64_t list,
    uint64_t index, uint64_t id, struct rfm_error *);
static enum rfm_status note_owner(struct rfm_store *,
    struct rfm_error *);
static void discard(struct rfm_store *);
static uint64_t live_log_bytes(const struct rfm_catalog *);
static uint64_t dead_log_bytes(const struct rfm_store *);
static bool gather_used(struct rfm_store *, struct extents *);
static enum rfm_status add_gap(struct rfm_store *, uint64_t offset,
    uint64_t bytes, bool quiet, struct rfm_error *);
static enum rfm_status size_of_new_file(const struct rfm_open_options *,
    uint64_t *bytes, struct rfm_error *);
static enum rfm_status format_file(struct rfm_store *,
    struct rfm_error *);
static enum rfm_status format_scratch(struct rfm_store *,
    struct rfm_error *);
static void become_a_child(struct rfm_store *);
static void take_over_fork_file(struct rfm_store *);
static enum rfm_status read_afresh(struct rfm_store *,
    struct rfm_error *);
static uint64_t extent_around(uint64_t payload_bytes);
/* know what a store may do */
static bool
writes_file(const struct rfm_store *store)
{
	return store->access == RFM_WRITE && !store->forked;
}

static bool
keeps_catalog(const struct rfm_store *store)
{
	return store->mode == RFM_PERSISTENT;
}

bool
rfm_store_keeps(const struct rfm_store *store)
{
	return keeps_catalog(store) && writes_file(store);
}

static enum rfm_status
refuse_change(const struct rfm_store *store, struct rfm_error *error)
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
/* turn an offset into an address */
static void *
address_of(const struct rfm_store *store, uint64_t offset)
{
	if (offset >= RFM_FILE_MAX_BYTES)
		return store->arena + (offset - RFM_FILE_MAX_BYTES);
	return store->base + offset;
}
/* put an extent on a list */
static bool
extents_push(struct extents *e, uint64_t offset, uint64_t bytes,
    uint64_t number)
{
	if (e->count == e->capacity) {
		size_t         more = e->capacity * 2 + 16;
		struct extent *list = realloc(e->list,
		    more * sizeof *list);

		if (list == NULL)
			return false;
		e->list = list;
		e->capacity = more;
	}
	e->list[e->count].offset = offset;
	e->list[e->count].bytes = bytes;
	e->list[e->count].number = number;
	e->count++;
	e->bytes += bytes;
	return true;
}
/* let the pending extents wait for readers only */
static void
pending_are_committed(struct rfm_store *store)
{
	struct extents *p = &store->pending;

	for (size_t i = 0; i < p->count; i++)
		(void)extents_push(&store->waiting, p->list[i].offset,
		    p->list[i].bytes, store->log.epoch);
	p->count = 0;
	p->bytes = 0;
	rfm_catalog_commit(&store->catalog);
}
/* punch the whole chunks of a free extent */
static void
punch_chunks(struct rfm_store *store, uint64_t offset, uint64_t bytes)
{
	uint64_t first = (offset + RFM_CHUNK_BYTES - 1) / RFM_CHUNK_BYTES;
	uint64_t end = (offset + bytes) / RFM_CHUNK_BYTES;

	if (end <= first)
		return;
	if (store->os->punch(store->os, store->file,
	    first * RFM_CHUNK_BYTES, (end - first) * RFM_CHUNK_BYTES,
	    NULL) != RFM_OK)
		return;
	for (uint64_t c = first; c < end; c++)
		store->chunks[c] = 0;
}
static void
give_blocks_back(struct rfm_store *store, uint64_t offset,
    uint64_t bytes)
{
	if (bytes >= RFM_CHUNK_BYTES && offset < RFM_FILE_MAX_BYTES)
		punch_chunks(store, offset, bytes);
}

static void
give_all_free_blocks_back(struct rfm_store *store)
{
	uint64_t cursor = 0, offset, bytes;

	while (rfm_space_next(store->space, &cursor, &offset, &bytes))
		give_blocks_back(store, offset, bytes);
}
/* release the waiting extents unless somebody reads */
static bool
nobody_holds(struct rfm_store *store, enum rfm_lock which)
{
	return !store->os->held(store->os, store->file, which);
}

static size_t
count_released(struct rfm_store *store)
{
	const struct extents *w = &store->waiting;
	size_t                n = 0;
	uint64_t              free_below = 0;

	if (w->count == 0 || store->unwatched_fork ||
	    !nobody_holds(store, RFM_LOCK_FORKS))
		return 0;
	for (; n < w->count; n++) {
		if (w->list[n].number > free_below &&
		    store->os->pinned(store->os, store->file,
		    w->list[n].number))
			break;		/* keeps I6 */
		if (w->list[n].number > free_below)
			free_below = w->list[n].number;
	}
	return n;
}
static void
release_waiting(struct rfm_store *store)
{
	struct extents *w = &store->waiting;
	size_t          n = count_released(store);

	for (size_t i = 0; i < n; i++) {
		if (w->list[i].number <= store->log.epoch)
			give_blocks_back(store, w->list[i].offset,
			    w->list[i].bytes);
		(void)rfm_space_give(store->space, w->list[i].offset,
		    w->list[i].bytes, NULL);
		w->bytes -= w->list[i].bytes;
	}
	if (n == 0)
		return;
	w->count -= n;
	memmove(w->list, w->list + n, w->count * sizeof *w->list);
	if (w->count == 0)
		store->children = false;
}
/* reserve a run of chunks */
static enum rfm_status
reserve_chunks(struct rfm_store *store, uint64_t first, uint64_t last,
    struct rfm_error *error)
{
	uint64_t start = first * RFM_CHUNK_BYTES;
	uint64_t end = (last + 1) * RFM_CHUNK_BYTES;

	if (end > store->file_bytes)
		end = store->file_bytes;
	RFM_TRY(store->os->reserve(store->os, store->file, start,
	    end - start, error));
	for (uint64_t c = first; c <= last; c++)
		store->chunks[c] |= CHUNK_RESERVED;
	return RFM_OK;
}
/* reserve the blocks of an extent */
static enum rfm_status
reserve_extent(struct rfm_store *store, uint64_t offset, uint64_t bytes,
    struct rfm_error *error)
{
	uint64_t last = (offset + bytes - 1) / RFM_CHUNK_BYTES;

	for (uint64_t c = offset / RFM_CHUNK_BYTES; c <= last; c++) {
		uint64_t first = c;
		enum rfm_status status;

		if (store->chunks[c] & CHUNK_RESERVED)
			continue;
		while (c < last &&
		    (store->chunks[c + 1] & CHUNK_RESERVED) == 0)
			c++;
		status = reserve_chunks(store, first, c, error);
		if (status != RFM_OK) {
			punch_chunks(store, offset, bytes);
			return status;
		}
	}
	return RFM_OK;
}
/* reserve the blocks of a living vector */
static enum rfm_status
reserve_live(struct rfm_store *store, uint64_t offset, uint64_t bytes,
    struct rfm_error *error)
{
	uint64_t last = (offset + bytes - 1) / RFM_CHUNK_BYTES;

	for (uint64_t c = offset / RFM_CHUNK_BYTES; c <= last; c++)
		if ((store->chunks[c] & CHUNK_RESERVED) == 0)
			return reserve_chunks(store,
			    offset / RFM_CHUNK_BYTES, last, error);
	return RFM_OK;
}
/* clear an extent where it may not be zero */
static void
hand_over(struct rfm_store *store, uint64_t offset, uint64_t bytes,
    bool zero)
{
	uint64_t end = offset + bytes;

	while (offset < end) {
		uint64_t c = offset / RFM_CHUNK_BYTES;
		uint64_t stop = (c + 1) * RFM_CHUNK_BYTES;

		if (stop > end)
			stop = end;
		if (offset >= RFM_FILE_MAX_BYTES) {
			stop = end;
			if (zero)
				memset(address_of(store, offset), 0,
				    stop - offset);
		} else {
			if (zero && !(store->chunks[c] & CHUNK_ZERO))
				memset(address_of(store, offset), 0,
				    stop - offset);
			store->chunks[c] &= (uint8_t)~CHUNK_ZERO;
		}
		offset = stop;
	}
}
/* reserve addresses for a file */
static enum rfm_status
reserve_addresses(struct rfm_store *store, uint64_t wanted, void **base,
    uint64_t *got, struct rfm_error *error)
{
	uint64_t least = store->file_bytes;

	if (wanted == 0)
		wanted = RFM_ADDRESS_BYTES;
	while (wanted < least * 2 && wanted < RFM_FILE_MAX_BYTES)
		wanted *= 2;
	for (;;) {
		enum rfm_status status = store->os->reserve_addresses(
		    store->os, wanted, base, error);

		if (status == RFM_OK)
			*got = wanted;
		if (status == RFM_OK || wanted / 2 < least ||
		    wanted <= RFM_FILE_STEP_BYTES)
			return status;
		wanted /= 2;
	}
}
/* keep the list of chunks */
static enum rfm_status
secure_chunks(struct rfm_store *store, uint64_t file_bytes,
    struct rfm_error *error)
{
	uint64_t n = (file_bytes + RFM_CHUNK_BYTES - 1) / RFM_CHUNK_BYTES;
	uint8_t *more;

	if (n <= store->chunk_count)
		return RFM_OK;
	more = realloc(store->chunks, n);
	if (more == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for the map of %s", store->path);
	memset(more + store->chunk_count, CHUNK_ZERO,
	    n - store->chunk_count);
	store->chunks = more;
	store->chunk_count = n;
	return RFM_OK;
}
/* extend the file unless it is long enough */
static enum rfm_status
extend_file(struct rfm_store *store, uint64_t bytes,
    struct rfm_error *error)
{
	uint64_t now;

	RFM_TRY(store->os->size(store->os, store->file, &now, error));
	if (now >= bytes)
		return RFM_OK;
	return store->os->resize(store->os, store->file, bytes, error);
}
static enum rfm_status
map_up_to(struct rfm_store *store, uint64_t bytes,
    struct rfm_error *error)
{
	uint64_t old = store->mapped_bytes;

	if (bytes <= old)
		return RFM_OK;
	RFM_TRY(store->os->map(store->os, store->file,
	    store->access == RFM_WRITE ? RFM_MAP_SHARED
	    : RFM_MAP_PRIVATE, store->base + old, old, bytes - old,
	    error));
	store->mapped_bytes = bytes;
	return RFM_OK;
}
/* grow the file */
static enum rfm_status
grow_file(struct rfm_store *store, uint64_t bytes,
    struct rfm_error *error)
{
	uint64_t old = store->file_bytes, step = old, fresh;

	if (step > RFM_GROWTH_STEP_BYTES)
		step = old / 4 > RFM_GROWTH_STEP_BYTES ? old / 4
		    : RFM_GROWTH_STEP_BYTES;
	if (step > RFM_GROWTH_LIMIT_BYTES)
		step = RFM_GROWTH_LIMIT_BYTES;
	if (step < bytes)
		step = bytes;
	if (!rfm_add(old, step, &fresh) ||
	    !rfm_round_up(fresh, RFM_FILE_STEP_BYTES, &fresh) ||
	    fresh > store->address_bytes || fresh > RFM_FILE_MAX_BYTES)
		return rfm_fail(error, RFM_TOO_LARGE,
		    "%s cannot grow to %llu more bytes", store->path,
		    (unsigned long long)bytes);
	RFM_TRY(secure_chunks(store, fresh, error));
	RFM_TRY(store->os->reserve(store->os, store->file, old, bytes,
	    error));
	RFM_TRY(extend_file(store, fresh, error));
	RFM_TRY(map_up_to(store, fresh, error));
	RFM_TRY(rfm_space_add(store->space, old, fresh - old, error));
	store->chunks[(old - 1) / RFM_CHUNK_BYTES] &=
	    (uint8_t)~CHUNK_RESERVED;
	store->file_bytes = fresh;
	store->log.file_bytes = fresh;
	return RFM_OK;
}
/* grow the arena */
static enum rfm_status
grow_arena(struct rfm_store *store, uint64_t bytes,
    struct rfm_error *error)
{
	uint64_t step = RFM_ARENA_STEP_BYTES, end;

	if (step < bytes &&
	    !rfm_round_up(bytes, RFM_FILE_STEP_BYTES, &step))
		step = UINT64_MAX;
	if (store->arena == NULL) {
		void *base;

		RFM_TRY(reserve_addresses(store, store->wanted_addresses,
		    &base, &store->arena_limit, error));
		store->arena = base;
	}
	if (step > store->arena_limit - store->arena_bytes)
		step = store->arena_limit - store->arena_bytes;
	if (step < bytes ||
	    !rfm_add(store->arena_bytes, step, &end))
		return rfm_fail(error, RFM_TOO_LARGE,
		    "no addresses left for %llu bytes of memory",
		    (unsigned long long)bytes);
	RFM_TRY(store->os->map(store->os, NULL, RFM_MAP_MEMORY,
	    store->arena + store->arena_bytes, 0, step, error));
	RFM_TRY(rfm_space_add(store->space,
	    RFM_FILE_MAX_BYTES + store->arena_bytes, step, error));
	store->arena_bytes = end;
	return RFM_OK;
}
/* take an extent */
static enum rfm_status
take_extent(struct rfm_store *store, uint64_t payload_bytes,
    enum rfm_growth growth, uint64_t *offset, struct rfm_error *error)
{
	return take_room(store, payload_bytes, payload_bytes, growth,
	    offset, error);
}

static enum rfm_status
take_room(struct rfm_store *store, uint64_t payload_bytes,
    uint64_t used_bytes, enum rfm_growth growth, uint64_t *offset,
    struct rfm_error *error)
{
	uint64_t        bytes, align = rfm_extent_align(payload_bytes);
	enum rfm_status status;

	if (!rfm_extent_bytes(payload_bytes, &bytes))
		return rfm_fail(error, RFM_TOO_LARGE,
		    "a vector of %llu bytes does not fit anywhere",
		    (unsigned long long)payload_bytes);
	status = rfm_space_take(store->space, bytes, align, offset,
	    error);
	if (status == RFM_NO_ROOM && growth == RFM_GROW)
		status = make_room(store, bytes, align, offset, error);
	if (status != RFM_OK || !writes_file(store))
		return status;
	status = reserve_extent(store, *offset, used_bytes == 0 ? 1
	    : used_bytes, error);
	if (status != RFM_OK)
		(void)rfm_space_give(store->space, *offset, bytes, NULL);
	return status;
}
/* make room for an extent */
static enum rfm_status
make_room(struct rfm_store *store, uint64_t bytes, uint64_t align,
    uint64_t *offset, struct rfm_error *error)
{
	uint64_t with_slack;

	release_waiting(store);
	if (rfm_space_take(store->space, bytes, align, offset, NULL) ==
	    RFM_OK)
		return RFM_OK;
	if (writes_file(store) && keeps_catalog(store) &&
	    store->log.begun && !store->growing &&
	    store->pending.bytes >= bytes) {
		RFM_TRY(commit(store, error));
		if (rfm_space_take(store->space, bytes, align, offset,
		    NULL) == RFM_OK)
			return RFM_OK;
	}
	if (!rfm_add(bytes, RFM_PAGE_BYTES, &with_slack))
		return rfm_fail(error, RFM_TOO_LARGE,
		    "a vector of %llu bytes does not fit anywhere",
		    (unsigned long long)bytes);
	if (store->trimming)
		return rfm_fail(error, RFM_NO_ROOM,
		    "no room below the end of what is in use");
	if (writes_file(store))
		RFM_TRY(grow_file(store, with_slack, error));
	else
		RFM_TRY(grow_arena(store, with_slack, error));
	return rfm_space_take(store->space, bytes, align, offset, error);
}
/* give the log its room */
/* let a segment begin in fresh pages */
static enum rfm_status
freshen(struct rfm_store *store, uint64_t offset, uint64_t bytes,
    struct rfm_error *error)
{
	enum rfm_status status;

	if (!writes_file(store) || offset % RFM_PAGE_BYTES != 0 ||
	    store->os->punch(store->os, store->file, offset, bytes,
	    NULL) != RFM_OK)
		return RFM_OK;
	status = store->os->reserve(store->os, store->file, offset, bytes,
	    error);
	for (uint64_t c = offset / RFM_CHUNK_BYTES; status != RFM_OK &&
	    c <= (offset + bytes - 1) / RFM_CHUNK_BYTES; c++)
		store->chunks[c] = 0;
	return status;
}

static enum rfm_status
log_takes(void *context, uint64_t bytes, uint64_t *offset,
    struct rfm_error *error)
{
	struct rfm_store *store = context;
	uint64_t          rounded = 0;
	enum rfm_status   status;

	store->growing = true;
	status = take_extent(store, bytes, RFM_GROW, offset, error);
	store->growing = false;
	if (status != RFM_OK || !rfm_extent_bytes(bytes, &rounded))
		return status;
	status = freshen(store, *offset, rounded, error);
	if (status != RFM_OK)
		(void)rfm_space_give(store->space, *offset, rounded, NULL);
	else
		hand_over(store, *offset, rounded, false);
	return status;
}

static void
log_gives(void *context, uint64_t offset, uint64_t bytes)
{
	struct rfm_store *store = context;
	uint64_t          rounded;

	if (rfm_extent_bytes(bytes, &rounded))
		(void)extents_push(&store->waiting, offset, rounded,
		    store->log.epoch + 1);
}
/* give the log the living records */
static void
put_name(void *body, const struct rfm_name *name)
{
	struct rfm_name_disk disk = { name->id, name->time,
	    name->name_bytes, name->note_bytes };
	size_t               text = name->name_bytes + name->note_bytes;

	memset(body, 0, RFM_BODY_MAX_BYTES);
	memcpy(body, &disk, sizeof disk);
	memcpy((char *)body + sizeof disk, name->text, text);
}

static enum rfm_record_kind
live_get(void *context, uint64_t i, void *body)
{
	const struct rfm_catalog *catalog = context;
	struct rfm_allocate_disk *a = body;
	const struct rfm_entry   *e;

	if (i >= catalog->count) {
		put_name(body, catalog->names[i - catalog->count]);
		return RFM_RECORD_NAME;
	}
	e = &catalog->entries[i];
	a->id = e->id;
	a->offset = e->offset;
	a->bytes = e->bytes;
	a->length = e->length;
	a->type = e->type;
	a->flags = e->flags;
	if (e->state == RFM_SEALED)
		a->flags |= RFM_ALLOCATE_SEALED;
	a->checksum_kind = e->checksum_kind;
	a->payload_checksum = e->payload_checksum;
	a->owner = e->owner;
	return RFM_RECORD_ALLOCATE;
}
static void
live_moved(void *context, uint64_t i, uint64_t record_offset)
{
	struct rfm_catalog *catalog = context;

	catalog->entries[i].record_offset = record_offset;
}

static struct rfm_log_live
living(struct rfm_store *store)
{
	struct rfm_log_live       live;
	const struct rfm_catalog *c = &store->catalog;

	rfm_catalog_compact(&store->catalog);
	live.payloads = c->live;
	live.count = c->live + c->name_count;
	live.bytes = live_log_bytes(c);
	live.next_id = store->catalog.next_id == 0 ? 1
	    : store->catalog.next_id;
	live.get = live_get;
	live.moved = live_moved;
	live.context = &store->catalog;
	return live;
}
/* begin the session's changes */
static enum rfm_status
begin(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_log_live live;

	if (!writes_file(store) || !keeps_catalog(store) ||
	    store->log.begun)
		return RFM_OK;
	if (!store->log.cut && !store->log.torn)
		return rfm_log_begin(&store->log, NULL, error);
	live = living(store);
	RFM_TRY(rfm_log_begin(&store->log, &live, error));
	pending_are_committed(store);
	release_waiting(store);
	return RFM_OK;
}
/* describe a payload and count its reference */
static uint64_t
extent_of(const struct rfm_payload *p)
{
	uint64_t bytes = 0;

	(void)rfm_extent_bytes(p->room, &bytes);
	return bytes;
}

static void
describe_payload(struct rfm_store *store, struct rfm_payload *p,
    uint32_t type, uint64_t length, uint64_t room)
{
	p->store = store;
	p->address = address_of(store, p->offset);
	p->type = type;
	p->length = p->reach = length;
	p->bytes = length * rfm_type_bytes(type);
	p->room = room;
	p->handles = 1;
	p->epoch = store->log.epoch;
	p->next = store->payloads;
	if (p->next != NULL)
		p->next->previous = p;
	store->payloads = p;
	rfm_store_retain(store);	/* keeps I11 */
}
/* see whether the cells of a type have a meaning */
static bool
has_meaning(uint32_t type)
{
	return type == RFM_CHARACTER || rfm_type_has_ids(type);
}
/* create a temporary */
static enum rfm_status
take_payload(struct rfm_store *store, uint32_t type,
    uint64_t length, uint64_t room, bool zero, enum rfm_growth growth,
    struct rfm_payload **payload, struct rfm_error *error)
{
	struct rfm_payload *p;
	uint64_t            bytes, extent;
	enum rfm_status     status;

	/* refuse an impossible vector or a closed store */
	if (rfm_type_bytes(type) == 0)
		return rfm_fail(error, RFM_ARGUMENT, "unknown type %lu",
		    (unsigned long)type);
	if (length > room || !rfm_multiply(room, rfm_type_bytes(type), &bytes) ||
	    bytes > RFM_FILE_MAX_BYTES)
		return rfm_fail(error, RFM_TOO_LARGE,
		    "a vector of %llu elements is larger than any store",
		    (unsigned long long)length);
	if (store->closed)
		return rfm_fail(error, RFM_CLOSED, "runtime is closed: %s",
		    store->path);
	RFM_TRY(begin(store, error));
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for one more vector");
	status = take_room(store, bytes, length * rfm_type_bytes(type),
	    growth, &p->offset, error);
	if (status != RFM_OK) {		/* keeps I13 */
		free(p);
		return status;
	}
	(void)rfm_extent_bytes(bytes, &extent);
	hand_over(store, p->offset, room > length
	    ? length * rfm_type_bytes(type) : extent, zero);
	describe_payload(store, p, type, length, bytes);
	store->temporary_bytes += extent;
	*payload = p;
	return RFM_OK;
}
enum rfm_status
rfm_store_temporary(struct rfm_store *store, uint32_t type,
    uint64_t length, bool zero, enum rfm_growth growth,
    struct rfm_payload **payload, struct rfm_error *error)
{
	return rfm_store_roomy(store, type, length, length, zero, growth,
	    payload, error);
}

enum rfm_status
rfm_store_roomy(struct rfm_store *store, uint32_t type,
    uint64_t length, uint64_t room, bool zero, enum rfm_growth growth,
    struct rfm_payload **payload, struct rfm_error *error)
{
	RFM_TRY(take_payload(store, type, length, room,
	    zero || has_meaning(type), growth, payload, error));
	store->temporaries++;
	return RFM_OK;
}
/* write the record of a payload */
static enum rfm_status
log_allocation(struct rfm_payload *p, uint32_t flags,
    struct rfm_error *error)
{
	struct rfm_store        *store = p->store;
	struct rfm_allocate_disk a = {
		.offset = p->offset, .bytes = p->room,
		.length = p->reach,
		.type = p->type, .flags = flags,
		.owner = p->owner == NULL ? 0 : p->owner->id
	};
	struct rfm_entry *e;

	a.id = store->catalog.next_id == 0 ? 1 : store->catalog.next_id;
	if (a.id == UINT64_MAX)
		return rfm_fail(error, RFM_TOO_LARGE,
		    "%s has given out all its ids", store->path);
	RFM_TRY(rfm_catalog_secure(&store->catalog, 1, error));
	RFM_TRY(append_and_apply(store, RFM_RECORD_ALLOCATE, &a, error));
	e = rfm_catalog_find(&store->catalog, a.id);
	e->attachment = p;
	p->id = a.id;
	p->state = e->state;
	store->temporaries -= p->owner == NULL;
	store->temporary_bytes -= extent_of(p);
	return RFM_OK;
}

static enum rfm_status
append_and_apply(struct rfm_store *store, enum rfm_record_kind kind,
    const void *body, struct rfm_error *error)
{
	uint64_t record_offset;

	RFM_TRY(begin(store, error));
	RFM_TRY(rfm_log_append(&store->log, kind, body, &record_offset,
	    error));
	return rfm_catalog_apply(&store->catalog, kind, body,
	    record_offset, store->file_bytes, error);
}
/* create a committed vector */
enum rfm_status
rfm_store_create(struct rfm_store *store, uint32_t type,
    uint64_t length, bool zero, enum rfm_growth growth,
    struct rfm_payload **payload, struct rfm_error *error)
{
	struct rfm_payload *p;
	enum rfm_status     status;

	RFM_TRY(rfm_store_temporary(store, type, length, zero, growth, &p,
	    error));
	if (writes_file(store) && keeps_catalog(store)) {
		status = log_allocation(p, 0, error);
		if (status != RFM_OK) {
			rfm_payload_release(p);
			return status;
		}
	}
	*payload = p;
	return RFM_OK;
}
/* remember orphans */
static bool
is_orphan(const struct rfm_entry *e)
{
	return (e->flags & RFM_ALLOCATE_ELEMENT) != 0 &&
	    e->state != RFM_DESTROYED && e->parents == 0 &&
	    e->names == 0 && e->attachment == NULL;
}

static void
note_orphan(struct rfm_store *store, const struct rfm_entry *e)
{
	if (!is_orphan(e) || !writes_file(store))
		return;
	if (store->orphan_count == store->orphan_room) {
		size_t    more = store->orphan_room * 2 + 16;
		uint64_t *list = realloc(store->orphans,
		    more * sizeof *list);

		if (list == NULL)
			return;
		store->orphans = list;
		store->orphan_room = more;
	}
	store->orphans[store->orphan_count++] = e->id;
}
/* return a payload's room or its row */
static void
give_temporary_back(struct rfm_store *store, const struct rfm_payload *p)
{
	uint64_t bytes = extent_of(p);

	store->temporaries -= p->owner == NULL;
	store->temporary_bytes -= bytes;
	if (store->forked && p->offset < RFM_FILE_MAX_BYTES)
		return;		/* keeps I12 */
	if (store->unwatched_fork)
		return;
	if (store->children && !nobody_holds(store, RFM_LOCK_FORKS))
		(void)extents_push(&store->waiting, p->offset, bytes, 0);
	else
		(void)rfm_space_give(store->space, p->offset, bytes, NULL);
}

static void
detach(struct rfm_store *store, const struct rfm_payload *p)
{
	struct rfm_entry *e = rfm_catalog_find(&store->catalog, p->id);

	if (e == NULL || e->attachment != p)
		return;
	e->attachment = NULL;
	note_orphan(store, e);
}
/* end a payload */
static void
end_payload(struct rfm_payload *p)
{
	struct rfm_store *store = p->store;

	if (p->previous != NULL)
		p->previous->next = p->next;
	else
		store->payloads = p->next;
	if (p->next != NULL)
		p->next->previous = p->previous;
	if (p->state == RFM_TEMPORARY)
		give_temporary_back(store, p);
	else if (p->state != RFM_DESTROYED && p->whole == NULL)
		detach(store, p);
	free(p);
	rfm_store_release(store);
}
/* drop one handle of a payload */
static void
drop_handle(struct rfm_payload *p, struct rfm_payload **dying)
{
	if (--p->handles > 0)
		return;
	p->dying = *dying;
	*dying = p;
}

static void
end_all(struct rfm_payload *dying)
{
	while (dying != NULL) {
		struct rfm_payload *p = dying;

		dying = p->dying;
		if (p->whole != NULL) {
			p->whole->views--;
			drop_handle(p->whole, &dying);
			end_payload(p);
			continue;
		}
		drop_elements(p, &dying);
		for (uint32_t k = 0; k < p->part_count; k++)
			end_payload(p->parts[k]);
		free(p->parts);
		end_payload(p);
	}
}

void
rfm_payload_release(struct rfm_payload *p)
{
	struct rfm_payload *dying = NULL;

	drop_handle(p, &dying);
	end_all(dying);
}
/* let go of a temporary list's elements */
static void
drop_elements(struct rfm_payload *list, struct rfm_payload **dying)
{
	if (!rfm_type_has_ids(list->type) ||
	    list->state != RFM_TEMPORARY)
		return;
	for (uint64_t i = 0; i < list->length; i++) {
		struct rfm_payload *child =
		    ((struct rfm_payload **)list->address)[i];

		if (child == NULL)
			continue;
		child->parents--;
		drop_handle(child, dying);
	}
}
/* keep the views' lists of parts */
static void
show_parts_to_views(struct rfm_payload *whole)
{
	if (whole->views == 0)
		return;
	for (struct rfm_payload *p = whole->store->payloads; p != NULL;
	    p = p->next)
		if (p->whole == whole) {
			p->parts = whole->parts;
			p->part_count = whole->part_count;
		}
}
/* keep the list of parts */
static enum rfm_status
secure_part_list(struct rfm_payload *owner, struct rfm_error *error)
{
	struct rfm_payload **more;

	if (owner->part_count == UINT32_MAX)
		return rfm_fail(error, RFM_TOO_LARGE,
		    "a vector with too many parts");
	more = realloc(owner->parts,
	    (owner->part_count + (size_t)1) * sizeof *more);
	if (more == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for one more part of a vector");
	owner->parts = more;
	show_parts_to_views(owner);
	return RFM_OK;
}

static void
add_part(struct rfm_payload *owner, struct rfm_payload *part)
{
	owner->parts[owner->part_count++] = part;
	show_parts_to_views(owner);
}
/* extend a payload by one part */
enum rfm_status
rfm_store_extend(struct rfm_payload *owner, uint64_t bytes,
    enum rfm_growth growth, struct rfm_error *error)
{
	struct rfm_store   *store = owner->store;
	struct rfm_payload *part;
	enum rfm_status     status = RFM_OK;

	/* refuse to extend what cannot have parts */
	if (owner->state == RFM_DESTROYED)
		return rfm_fail(error, RFM_CLOSED,
		    "closed fmalloc ALTREP vector handle");
	if (owner->type != RFM_CHARACTER || owner->whole != NULL ||
	    (owner->state == RFM_SEALED && owner->reach <= owner->length))
		return rfm_fail(error, RFM_ARGUMENT,
		    "only a string vector that is not sealed gets parts");
	RFM_TRY(secure_part_list(owner, error));
	RFM_TRY(take_payload(store, RFM_BYTES, bytes, bytes, false, growth,
	    &part, error));
	part->owner = owner;
	if (owner->state == RFM_COMMITTED && writes_file(store))
		status = log_allocation(part, 0, error);
	if (status != RFM_OK) {		/* keeps I13 */
		end_payload(part);
		return status;
	}
	add_part(owner, part);
	return RFM_OK;
}
/* resolve an id, looking twice as a reader */
static bool
is_mapped(const struct rfm_store *store, const struct rfm_entry *e)
{
	const struct rfm_entry *part = NULL;

	do {
		const struct rfm_entry *row = part == NULL ? e : part;

		if (row->offset + row->bytes > store->file_bytes)
			return false;
		part = rfm_catalog_part(&store->catalog, e, part);
	} while (part != NULL);
	return true;
}

static enum rfm_status
resolve(struct rfm_store *store, uint64_t id, struct rfm_entry **e,
    struct rfm_error *error)
{
	enum rfm_status status;

	status = rfm_catalog_resolve(&store->catalog, id, e, error);
	if (store->access == RFM_WRITE || status == RFM_TOMBSTONE ||
	    (status == RFM_OK && is_mapped(store, *e)))
		return status;
	RFM_TRY(rfm_store_refresh(store, error));
	return rfm_catalog_resolve(&store->catalog, id, e, error);
}
/* attach a payload to its row */
static enum rfm_status
attach(struct rfm_store *store, struct rfm_entry *e,
    struct rfm_payload **payload, struct rfm_error *error)
{
	struct rfm_payload *p;

	if (writes_file(store) && e->state == RFM_COMMITTED) {
		uint64_t bytes;

		(void)rfm_extent_bytes(e->bytes, &bytes);
		RFM_TRY(reserve_live(store, e->offset, bytes, error));
	}
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for one more vector");
	p->id = e->id;
	p->offset = e->offset;
	p->state = e->state;
	describe_payload(store, p, e->type, e->length, e->bytes);
	e->attachment = p;
	*payload = p;
	return RFM_OK;
}
/* attach the parts that are missing */
static enum rfm_status
attach_parts(struct rfm_payload *owner, const struct rfm_entry *e,
    struct rfm_error *error)
{
	struct rfm_store *store = owner->store;
	struct rfm_entry *row = NULL;
	uint32_t          number = 0;

	while ((row = rfm_catalog_part(&store->catalog, e, row)) != NULL) {
		struct rfm_payload *part;

		if (number++ < owner->part_count)
			continue;
		RFM_TRY(secure_part_list(owner, error));
		RFM_TRY(attach(store, row, &part, error));
		part->bytes = row->bytes;
		part->owner = owner;
		add_part(owner, part);
	}
	return RFM_OK;
}
/* see whether a payload is in a list */
static bool
in_a_list(const struct rfm_payload *p)
{
	const struct rfm_entry *e = rfm_catalog_find(&p->store->catalog,
	    p->id);

	return e != NULL && (e->parents > 0 || e->names > 0 ||
	    (p->store->access == RFM_READ &&
	    (e->flags & RFM_ALLOCATE_ELEMENT) != 0));
}

static bool
has_parents(const struct rfm_payload *p)
{
	const struct rfm_entry *e = p->id == 0 ? NULL :
	    rfm_catalog_find(&p->store->catalog, p->id);

	return p->parents > 0 ||
	    (e != NULL && (e->parents > 0 || e->names > 0));
}
/* share a payload */
void
rfm_payload_retain(struct rfm_payload *p)
{
	p->handles++;
}

bool
rfm_payload_shared(const struct rfm_payload *p)
{
	return p->handles > 1 || p->state == RFM_SEALED ||
	    (p->id != 0 && in_a_list(p));
}
/* make a view */
static enum rfm_status
refuse_view(const struct rfm_payload *whole, uint64_t from,
    uint64_t length, struct rfm_error *error)
{
	uint64_t end;

	if (whole->state == RFM_DESTROYED)
		return rfm_fail(error, RFM_CLOSED,
		    "closed fmalloc ALTREP vector handle");
	if (whole->owner != NULL || rfm_type_has_ids(whole->type) ||
	    whole->handles == UINT32_MAX)
		return rfm_fail(error, RFM_ARGUMENT,
		    "a list, or a part, has no views");
	if (!rfm_add(from, length, &end) || end > whole->reach)
		return rfm_fail(error, RFM_ARGUMENT, "subscript out of"
		    " bounds: a view of elements %llu to %llu of %llu",
		    (unsigned long long)from + 1, (unsigned long long)end,
		    (unsigned long long)whole->reach);
	return RFM_OK;
}
enum rfm_status
rfm_store_view(struct rfm_payload *whole, uint64_t from, uint64_t length,
    struct rfm_payload **view, struct rfm_error *error)
{
	struct rfm_payload *p;
	uint64_t            each = rfm_type_bytes(whole->type), end;

	if (whole->whole != NULL && rfm_add(from, length, &end) &&
	    end <= whole->length)
		return rfm_store_view(whole->whole, whole->from + from,
		    length, view, error);
	RFM_TRY(refuse_view(whole, from, length, error));
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for one more vector");
	p->offset = whole->offset + from * each;
	p->state = RFM_SEALED;		/* keeps I7 */
	p->whole = whole;
	p->from = from;
	p->parts = whole->parts;
	p->part_count = whole->part_count;
	rfm_payload_retain(whole);
	whole->views++;
	describe_payload(whole->store, p, whole->type, length,
	    length * each);
	*view = p;
	return RFM_OK;
}
/* find a record's payload */
enum rfm_status
rfm_store_find(struct rfm_store *store, uint64_t id,
    struct rfm_payload **payload, struct rfm_error *error)
{
	struct rfm_entry   *e;
	struct rfm_payload *p;

	RFM_TRY(resolve(store, id, &e, error));
	p = e->attachment;
	if (p != NULL)
		rfm_payload_retain(p);
	else
		RFM_TRY(attach(store, e, &p, error));
	if (p->reach < e->length)
		p->reach = e->length;	/* its writer has appended */
	if (e->chain != 0) {
		enum rfm_status status = attach_parts(p, e, error);

		if (status != RFM_OK) {
			rfm_payload_release(p);
			return status;
		}
	}
	*payload = p;
	return RFM_OK;
}
/* read a cell of a list */
struct node {
	uint64_t            id;
	struct rfm_payload *temporary;
};

static struct node
node_of(struct rfm_payload *p)
{
	struct node node = { p->id, p->id == 0 ? p : NULL };

	return node;
}

static struct rfm_payload *
pointer_in(const struct rfm_payload *list, uint64_t index)
{
	return ((struct rfm_payload **)list->address)[index];
}

static uint64_t
id_in(const struct rfm_store *store, const struct rfm_entry *list,
    uint64_t index)
{
	return ((const uint64_t *)address_of(store, list->offset))[index];
}
static struct finding *
finding_at(const struct rfm_store *store, uint64_t list, uint64_t index)
{
	size_t low = 0, high = store->finding_count;

	while (low < high) {
		size_t          middle = low + (high - low) / 2;
		struct finding *f = &store->findings[middle];

		if (f->list == list && f->index == index)
			return f->mended ? NULL : f;
		if (f->list < list || (f->list == list &&
		    f->index < index))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static struct rfm_entry *
row_in(const struct rfm_store *store, const struct rfm_entry *list,
    uint64_t index)
{
	struct rfm_entry *e = rfm_catalog_find(&store->catalog,
	    id_in(store, list, index));

	return e != NULL && e->owner == 0 && e->state != RFM_DESTROYED &&
	    finding_at(store, list->id, index) == NULL ? e : NULL;
}
static enum rfm_status
bad_cell(struct rfm_error *error, uint64_t list, uint64_t index,
    uint64_t id)
{
	return rfm_fail(error, RFM_DAMAGED, "element %llu of list %llu is"
	    " bad: it names record %llu, which is not there or contains the"
	    " list", (unsigned long long)index + 1,
	    (unsigned long long)list, (unsigned long long)id);
}

static enum rfm_status
node_in(const struct rfm_store *store, struct node list, uint64_t index,
    struct node *child, struct rfm_error *error)
{
	const struct rfm_entry *e;
	uint64_t                id;

	memset(child, 0, sizeof *child);
	if (list.id == 0) {
		struct rfm_payload *p = pointer_in(list.temporary, index);

		if (p != NULL)
			*child = node_of(p);
		return RFM_OK;
	}
	e = rfm_catalog_find(&store->catalog, list.id);
	id = id_in(store, e, index);
	child->id = id;
	if (id != 0 && row_in(store, e, index) == NULL)
		return bad_cell(error, list.id, index, id);
	return RFM_OK;		/* keeps I10 */
}
/* walk through lists */
struct step {
	struct node node;
	uint64_t    next;       /* cell to look at */
	uint64_t    length;     /* 0: not a list */
};

struct walk {
	struct rfm_store *store;
	struct step      *steps;
	size_t            depth, room;
	bool              lists_only, scanning, sealing;
	struct node       wanted;
	bool              found;
	struct node      *nodes;        /* collected */
	size_t            count, nodes_room;
	struct rfm_payload **reached;   /* longer than the log says */
	size_t            reached_count, reached_room;
	uint64_t          records;      /* that they need */
};

static enum rfm_status collect(struct walk *, struct node,
    struct rfm_error *);

static uint32_t *
mark_of(const struct rfm_store *store, struct node node)
{
	return node.id == 0 ? &node.temporary->mark :
	    &rfm_catalog_find(&store->catalog, node.id)->mark;
}
static uint64_t
cells_of(const struct rfm_store *store, struct node node)
{
	const struct rfm_entry *e;

	if (node.id == 0)
		return rfm_type_has_ids(node.temporary->type)
		    ? node.temporary->length : 0;
	e = rfm_catalog_find(&store->catalog, node.id);
	return rfm_type_has_ids(e->type) ? e->length : 0;
}
static enum rfm_status
secure_list(void **list, size_t *room, size_t count, size_t each,
    struct rfm_error *error)
{
	size_t more = *room * 2 + 32;
	void  *larger;

	if (count < *room)
		return RFM_OK;
	larger = more > SIZE_MAX / each ? NULL
	    : realloc(*list, more * each);
	if (larger == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory to go through a list");
	*list = larger;
	*room = more;
	return RFM_OK;
}

static enum rfm_status
enter(struct walk *w, struct node node, struct rfm_error *error)
{
	void           *steps = w->steps;
	enum rfm_status status = secure_list(&steps, &w->room, w->depth,
	    sizeof *w->steps, error);

	w->steps = steps;
	RFM_TRY(status);
	*mark_of(w->store, node) = w->store->mark;
	w->steps[w->depth++] = (struct step){ node, 0,
	    cells_of(w->store, node) };
	w->found |= node.id == w->wanted.id &&
	    node.temporary == w->wanted.temporary;
	return RFM_OK;
}
static void
begin_walk(struct rfm_store *store, struct walk *w)
{
	memset(w, 0, sizeof *w);
	w->store = store;
	if (store->mark > UINT32_MAX - 4) {
		for (size_t i = 0; i < store->catalog.count; i++)
			store->catalog.entries[i].mark = 0;
		for (struct rfm_payload *p = store->payloads; p != NULL;
		    p = p->next)
			p->mark = 0;
		store->mark = 0;
	}
	store->mark += 2;
}

static void
end_walk(struct walk *w)
{
	free(w->steps);
	free(w->nodes);
	free(w->reached);
}
static bool
is_settled(const struct walk *w, struct node node)
{
	return node.id != 0 && !w->lists_only && (!w->sealing ||
	    rfm_catalog_find(&w->store->catalog, node.id)->state ==
	    RFM_SEALED);
}
static enum rfm_status
look_at_cell(struct walk *w, struct node list, uint64_t index,
    struct rfm_error *error)
{
	struct node     child;
	uint32_t        mark;
	enum rfm_status status = node_in(w->store, list, index, &child,
	    error);

	if (status != RFM_OK)
		return w->scanning ? RFM_OK : status;
	if ((child.id == 0 && child.temporary == NULL) ||
	    (w->lists_only && cells_of(w->store, child) == 0))
		return RFM_OK;
	if (is_settled(w, child))
		return RFM_OK;
	mark = *mark_of(w->store, child);
	if (mark == w->store->mark)
		return w->scanning ? note_loop(w->store, list.id, index,
		    child.id, error) : bad_cell(error, list.id, index,
		    child.id);
	return mark == w->store->mark + 1 ? RFM_OK
	    : enter(w, child, error);
}
static enum rfm_status
walk_below(struct walk *w, struct node root, struct rfm_error *error)
{
	RFM_TRY(enter(w, root, error));
	while (w->depth > 0) {
		struct step *s = &w->steps[w->depth - 1];
		struct node  node = s->node;

		if (s->next < s->length) {
			RFM_TRY(look_at_cell(w, node, s->next++, error));
			continue;
		}
		w->depth--;
		*mark_of(w->store, node) = w->store->mark + 1;
		if (!w->lists_only)
			RFM_TRY(collect(w, node, error));
	}
	return RFM_OK;
}
/* collect what has been reached */
static bool
is_reached(const struct rfm_payload *p)
{
	const struct rfm_entry *e = p->id == 0 ? NULL :
	    rfm_catalog_find(&p->store->catalog, p->id);

	return e != NULL && p->reach > e->length;
}

static uint64_t
parts_to_log(const struct rfm_payload *p)
{
	uint64_t n = 0;

	for (uint32_t k = 0; k < p->part_count; k++)
		n += p->parts[k]->id == 0 || is_reached(p->parts[k]);
	return n;
}
static enum rfm_status
collect_reached(struct walk *w, const struct rfm_payload *object,
    struct rfm_error *error)
{
	struct rfm_payload *p = object->type == RFM_OBJECT &&
	    object->length > 0 ? pointer_in(object, 0) : NULL;
	void               *reached = w->reached;
	struct rfm_entry   *e;
	enum rfm_status     status;

	if (p == NULL || !is_reached(p))
		return RFM_OK;
	e = rfm_catalog_find(&w->store->catalog, p->id);
	if (e->mark == w->store->mark + 1)
		return RFM_OK;
	status = secure_list(&reached, &w->reached_room, w->reached_count,
	    sizeof(struct rfm_payload *), error);
	w->reached = reached;
	RFM_TRY(status);
	w->reached[w->reached_count++] = p;
	e->mark = w->store->mark + 1;
	w->records += 1 + parts_to_log(p);
	return RFM_OK;
}
/* collect what has to be published */
static enum rfm_status
collect(struct walk *w, struct node node, struct rfm_error *error)
{
	void           *nodes = w->nodes;
	enum rfm_status status;

	if (is_settled(w, node))
		return RFM_OK;
	status = secure_list(&nodes, &w->nodes_room, w->count,
	    sizeof *w->nodes, error);
	w->nodes = nodes;
	RFM_TRY(status);
	w->nodes[w->count++] = node;
	w->records++;
	if (node.id != 0)
		return RFM_OK;
	w->records += node.temporary->part_count;
	return collect_reached(w, node.temporary, error);
}
/* write a seal */
static enum rfm_status
log_seal(struct rfm_store *store, uint64_t id, uint32_t flags,
    struct rfm_error *error)
{
	struct rfm_seal_disk body = { .id = id, .flags = flags };
	struct rfm_payload  *p;

	RFM_TRY(append_and_apply(store, RFM_RECORD_SEAL, &body, error));
	p = rfm_catalog_find(&store->catalog, id)->attachment;
	if (p == NULL)
		return RFM_OK;
	p->state = RFM_SEALED;		/* keeps I7 */
	for (uint32_t k = 0; k < p->part_count; k++)
		p->parts[k]->state = RFM_SEALED;
	return RFM_OK;
}
static enum rfm_status
note_reference(struct rfm_payload *p, struct rfm_error *error)
{
	struct rfm_store       *store = p->store;
	const struct rfm_entry *e;

	if (p->whole != NULL)
		return rfm_store_seal(p->whole, error);
	e = rfm_catalog_find(&store->catalog, p->id);
	if (e == NULL || e->attachment != p ||
	    (e->flags & RFM_ALLOCATE_ELEMENT) == 0 ||
	    refuse_change(store, NULL) != RFM_OK)
		return RFM_OK;
	return log_seal(store, p->id, RFM_SEAL_REFERENCED, error);
}
/* begin a group of records */
static enum rfm_status
begin_group(struct rfm_store *store, uint64_t records, uint64_t names,
    uint64_t name_bytes, struct rfm_error *error)
{
	uint64_t all, bytes;

	if (!rfm_add(records, names, &all) ||
	    !rfm_multiply(all, sizeof(struct rfm_record_disk) +
	    sizeof(struct rfm_allocate_disk), &bytes) ||
	    !rfm_add(bytes, name_bytes, &bytes))
		bytes = UINT64_MAX;
	RFM_TRY(begin(store, error));
	RFM_TRY(rfm_catalog_secure(&store->catalog, records, error));
	RFM_TRY(rfm_catalog_prepare_names(&store->catalog, names, error));
	return rfm_log_group(&store->log, all, bytes, error);
}
/* log what has been reached */
static enum rfm_status
log_reach(struct rfm_payload *p, struct rfm_error *error)
{
	struct rfm_extend_disk body = { p->id, p->reach };

	return append_and_apply(p->store, RFM_RECORD_EXTEND, &body, error);
}

static enum rfm_status
log_reached(struct walk *w, struct rfm_error *error)
{
	for (size_t i = 0; i < w->reached_count; i++) {
		struct rfm_payload *p = w->reached[i];
		uint32_t            flags = p->state == RFM_SEALED
		    ? RFM_ALLOCATE_SEALED : 0;

		for (uint32_t k = 0; k < p->part_count; k++)
			if (p->parts[k]->id == 0)
				RFM_TRY(log_allocation(p->parts[k], flags,
				    error));
			else if (is_reached(p->parts[k]))
				RFM_TRY(log_reach(p->parts[k], error));
		RFM_TRY(log_reach(p, error));
	}
	return RFM_OK;
}
/* publish a payload with all that is in it */
static void
turn_cells(struct rfm_payload *list, bool into_ids)
{
	uint64_t            *ids = list->address;
	struct rfm_payload **pointers = list->address;

	for (uint64_t i = 0; i < list->length; i++) {
		if (ids[i] == 0)
			continue;
		if (into_ids)
			ids[i] = pointers[i]->id;
		else
			pointers[i] = rfm_catalog_find(
			    &list->store->catalog, ids[i])->attachment;
	}
}

static void
turn_handles(struct rfm_payload *list)
{
	const uint64_t *ids = list->address;

	for (uint64_t i = 0; i < list->length; i++) {
		struct rfm_entry   *e;
		struct rfm_payload *child;

		if (ids[i] == 0)
			continue;
		e = rfm_catalog_find(&list->store->catalog, ids[i]);
		child = e->attachment;
		e->parents++;
		child->parents--;
		rfm_payload_release(child);
	}
}
static enum rfm_status
log_whole(struct rfm_payload *p, uint32_t flags, struct rfm_error *error)
{
	enum rfm_status status;

	if (rfm_type_has_ids(p->type))
		turn_cells(p, true);
	status = log_allocation(p, flags, error);
	if (rfm_type_has_ids(p->type) && status == RFM_OK)
		turn_handles(p);
	else if (rfm_type_has_ids(p->type))
		turn_cells(p, false);
	RFM_TRY(status);
	for (uint32_t k = 0; k < p->part_count; k++)
		RFM_TRY(log_allocation(p->parts[k],
		    flags & RFM_ALLOCATE_SEALED, error));
	return RFM_OK;
}
static enum rfm_status
log_collected(struct walk *w, struct node root, uint32_t root_flags,
    struct rfm_error *error)
{
	struct rfm_store *store = w->store;
	uint32_t flags = RFM_ALLOCATE_ELEMENT |
	    (w->sealing ? RFM_ALLOCATE_SEALED : 0);

	for (size_t i = 0; i < w->count; i++)
		if (w->nodes[i].id != 0)
			RFM_TRY(log_seal(store, w->nodes[i].id,
			    w->nodes[i].id == root.id
			    ? RFM_SEAL_REFERENCED : 0, error));
	for (size_t i = 0; i < w->count; i++) {
		struct rfm_payload *p = w->nodes[i].temporary;

		if (p != NULL)
			RFM_TRY(log_whole(p, p == root.temporary
			    ? root_flags : flags, error));
	}
	return log_reached(w, error);
}
static enum rfm_status
publish(struct rfm_payload *p, uint32_t flags, bool seals,
    struct rfm_error *error)
{
	struct node     root = node_of(p);
	struct walk     w;
	enum rfm_status status;

	begin_walk(p->store, &w);
	w.sealing = seals;
	status = walk_below(&w, root, error);
	if (status == RFM_OK && w.count > 0)
		status = begin_group(p->store, w.records, 0, 0, error);
	if (status == RFM_OK && w.count > 0)	/* keeps I13 */
		status = log_collected(&w, root, flags, error);
	end_walk(&w);
	return status;
}
/* seal a payload */
enum rfm_status
rfm_store_seal(struct rfm_payload *p, struct rfm_error *error)
{
	struct rfm_store *store = p->store;

	if (p->state == RFM_SEALED)
		return note_reference(p, error);
	if (p->state == RFM_DESTROYED)
		return rfm_fail(error, RFM_CLOSED,
		    "closed fmalloc ALTREP vector handle");
	if (!keeps_catalog(store))
		return rfm_fail(error, RFM_MODE,
		    "%s is a scratch store and keeps no records",
		    store->path);
	RFM_TRY(refuse_change(store, error));
	if (rfm_type_has_ids(p->type) || (p->id == 0 && p->part_count > 0))
		return publish(p, RFM_ALLOCATE_SEALED, true, error);
	if (p->state == RFM_COMMITTED)
		return log_seal(store, p->id, RFM_SEAL_REFERENCED, error);
	return log_allocation(p, RFM_ALLOCATE_SEALED, error);
}
/* keep a temporary */
enum rfm_status
rfm_store_keep(struct rfm_payload *p, struct rfm_error *error)
{
	struct rfm_store *store = p->store;

	if (p->state == RFM_DESTROYED)
		return rfm_fail(error, RFM_CLOSED,
		    "closed fmalloc ALTREP vector handle");
	if (p->state != RFM_TEMPORARY)
		return RFM_OK;
	if (!keeps_catalog(store))
		return rfm_fail(error, RFM_MODE,
		    "%s is a scratch store and keeps no records",
		    store->path);
	if (p->part_count > 0)
		return rfm_fail(error, RFM_ARGUMENT,
		    "a vector with parts is kept by sealing it");
	RFM_TRY(refuse_change(store, error));
	if (rfm_type_has_ids(p->type))
		return publish(p, 0, false, error);
	return log_allocation(p, 0, error);
}
/* checkpoint the store */
static enum rfm_status
checkpoint(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_log_live live = living(store);

	RFM_TRY(rfm_log_checkpoint(&store->log, &live, error));
	pending_are_committed(store);
	release_waiting(store);
	return RFM_OK;
}
/* sync */
enum rfm_status
rfm_store_sync(struct rfm_store *store, struct rfm_error *error)
{
	if (!keeps_catalog(store))
		return rfm_fail(error, RFM_MODE,
		    "%s is a scratch store: nothing in it survives, so"
		    " there is nothing to sync", store->path);
	RFM_TRY(refuse_change(store, error));
	return commit(store, error);
}

static enum rfm_status
commit(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_catalog *catalog = &store->catalog;
	enum rfm_status     status;

	if (store->log.uncommitted > 0)
		RFM_TRY(begin(store, error));
	if (store->log.begun)
		sweep_orphans(store);
	RFM_TRY(rfm_log_commit(&store->log, catalog->next_id == 0 ? 1
	    : catalog->next_id, error));
	store->last_sync = store->os->now(store->os);
	pending_are_committed(store);
	release_waiting(store);
	if (!store->log.begun || dead_log_bytes(store) <=
	    store->log.bytes / 2 + store->log.first_segment_bytes)
		return RFM_OK;
	status = checkpoint(store, error);
	return store->log.poisoned ? status : RFM_OK;
}
/* tidy the log when too much of it is dead */
static uint64_t
live_log_bytes(const struct rfm_catalog *c)
{
	return c->live * (sizeof(struct rfm_record_disk) +
	    sizeof(struct rfm_allocate_disk)) + c->name_bytes +
	    c->name_count * sizeof(struct rfm_record_disk);
}

static uint64_t
dead_log_bytes(const struct rfm_store *store)
{
	uint64_t live = live_log_bytes(&store->catalog);

	return store->log.bytes > live ? store->log.bytes - live : 0;
}

static enum rfm_status
tidy_log(struct rfm_store *store, struct rfm_error *error)
{
	if (!keeps_catalog(store) || !writes_file(store) ||
	    dead_log_bytes(store) < RFM_LOG_DEAD_LIMIT_BYTES)
		return RFM_OK;
	return rfm_store_sync(store, error);
}
/* hold what was freed since the last commit */
static uint64_t
row_extent(const struct rfm_entry *e)
{
	uint64_t bytes = 0;

	(void)rfm_extent_bytes(e->bytes, &bytes);
	return bytes;
}

static enum rfm_status
hold_extent(struct rfm_store *store, struct rfm_entry *e,
    uint64_t epoch, uint64_t offset, uint64_t bytes,
    struct rfm_error *error)
{
	bool seen = epoch != store->catalog.epoch, pushed;

	if (store->access == RFM_READ) {
		e->attachment = NULL;
		return RFM_OK;
	}
	if (!seen && !store->log.begun)
		return RFM_OK;
	pushed = !seen			/* keeps I6 */
	    ? extents_push(&store->waiting, offset, bytes,
	    store->log.epoch + 1)
	    : extents_push(&store->pending, offset, bytes, 0);
	return pushed ? RFM_OK : rfm_fail(error, RFM_NO_MEMORY,
	    "no memory to remember freed extents");
}
static enum rfm_status
hold_freed(struct rfm_store *store, struct rfm_entry *e,
    struct rfm_error *error)
{
	struct rfm_entry *part = NULL;

	RFM_TRY(hold_extent(store, e, e->epoch, e->offset, row_extent(e),
	    error));
	while ((part = rfm_catalog_part(&store->catalog, e, part)) != NULL)
		RFM_TRY(hold_extent(store, part, part->epoch, part->offset,
		    row_extent(part), error));
	return RFM_OK;
}
static enum rfm_status
hold_left(struct rfm_store *store, struct rfm_entry *e,
    const struct rfm_entry *old, struct rfm_error *error)
{
	uint64_t kept = e->offset == old->offset ? row_extent(e) : 0;

	if (kept >= row_extent(old))
		return RFM_OK;
	return hold_extent(store, e, old->epoch, old->offset + kept,
	    row_extent(old) - kept, error);
}
/* free a record */
static enum rfm_status
free_record(struct rfm_store *store, uint64_t id, struct rfm_error *error)
{
	struct rfm_free_disk body = { id };
	struct rfm_entry    *e;

	RFM_TRY(append_and_apply(store, RFM_RECORD_FREE, &body, error));
	e = rfm_catalog_find(&store->catalog, id);
	(void)hold_freed(store, e, NULL);	/* keeps I6 */
	if (rfm_type_has_ids(e->type))
		forget_cells(store, e);
	return RFM_OK;
}
/* free the orphans */
static void
sweep_orphans(struct rfm_store *store)
{
	while (store->orphan_count > 0) {
		uint64_t id = store->orphans[store->orphan_count - 1];
		const struct rfm_entry *e = rfm_catalog_find(
		    &store->catalog, id);

		store->orphan_count--;
		if (e == NULL || !is_orphan(e))
			continue;
		if (refuse_change(store, NULL) != RFM_OK ||
		    free_record(store, id, NULL) != RFM_OK) {
			store->orphan_count++;
			return;
		}
	}
}

static void
forget_cells(struct rfm_store *store, const struct rfm_entry *list)
{
	for (uint64_t i = 0; i < list->length; i++) {
		struct rfm_entry *e = row_in(store, list, i);

		if (e == NULL)
			continue;
		e->parents--;
		note_orphan(store, e);
	}
}
/* destroy a payload */
enum rfm_status
rfm_store_destroy(struct rfm_payload *p, bool reclaim,
    struct rfm_error *error)
{
	struct rfm_store   *store = p->store;
	struct rfm_payload *dying = NULL;

	if (p->state == RFM_DESTROYED)
		return RFM_OK;
	if (p->whole != NULL) {
		close_payload(p);
		return RFM_OK;
	}
	if (has_parents(p))
		return rfm_fail(error, RFM_HAS_PARENT,
		    "the vector is an element of a list, or of a named"
		    " object, which holds a parent reference to it");
	if (reclaim && p->state != RFM_TEMPORARY) {
		RFM_TRY(refuse_change(store, error));
		RFM_TRY(free_record(store, p->id, error));
	}
	drop_elements(p, &dying);
	close_views(p);
	for (uint32_t k = 0; k < p->part_count; k++)
		close_payload(p->parts[k]);
	close_payload(p);
	end_all(dying);
	sweep_orphans(store);
	return reclaim ? tidy_log(store, error) : RFM_OK;
}
static void
close_payload(struct rfm_payload *p)
{
	if (p->state == RFM_TEMPORARY)
		give_temporary_back(p->store, p);
	else if (p->whole == NULL)
		detach(p->store, p);
	p->state = RFM_DESTROYED;
	p->address = NULL;
}

static void
close_views(struct rfm_payload *whole)
{
	if (whole->views == 0)
		return;
	for (struct rfm_payload *p = whole->store->payloads; p != NULL;
	    p = p->next)
		if (p->whole == whole)
			close_payload(p);
}
/* widen an extent in place */
static bool
widen_extent(struct rfm_store *store, uint64_t offset, uint64_t old,
    uint64_t extent)
{
	if (!rfm_space_widen(store->space, offset, old, extent))
		return false;
	if (!writes_file(store) || extent == old ||
	    reserve_extent(store, offset + old, extent - old, NULL) ==
	    RFM_OK)
		return true;
	(void)rfm_space_add(store->space, offset + old, extent - old,
	    NULL);
	return false;
}
/* widen a temporary in place */
bool
rfm_store_widen(struct rfm_payload *p, uint64_t length)
{
	struct rfm_store *store = p->store;
	uint64_t          bytes, extent, old = extent_of(p);

	if (p->state != RFM_TEMPORARY || p->handles > 1 ||
	    length < p->length || p->room > p->bytes ||
	    !rfm_multiply(length, rfm_type_bytes(p->type), &bytes) ||
	    !rfm_extent_bytes(bytes, &extent) ||
	    rfm_extent_align(bytes) != rfm_extent_align(p->room) ||
	    !widen_extent(store, p->offset, old, extent))
		return false;
	hand_over(store, p->offset + old, extent - old,
	    has_meaning(p->type));
	store->temporary_bytes += extent - old;
	p->bytes = p->room = bytes;
	p->length = p->reach = length;
	return true;
}
/* give a record another extent */
static enum rfm_status
log_move(struct rfm_payload *p, uint64_t offset, uint64_t bytes,
    struct rfm_error *error)
{
	struct rfm_store    *store = p->store;
	struct rfm_entry     old = *rfm_catalog_find(&store->catalog, p->id);
	struct rfm_move_disk body = { p->id, offset, bytes,
	    bytes / rfm_type_bytes(p->type) };

	RFM_TRY(append_and_apply(store, RFM_RECORD_MOVE, &body, error));
	(void)hold_left(store, rfm_catalog_find(&store->catalog, p->id),
	    &old, NULL);		/* keeps I6 */
	p->offset = offset;
	p->address = address_of(store, offset);
	p->bytes = p->room = bytes;
	p->length = p->reach = body.length;
	return RFM_OK;
}
static enum rfm_status
relocate(struct rfm_payload *p, uint64_t bytes, enum rfm_growth growth,
    struct rfm_error *error)
{
	struct rfm_store *store = p->store;
	uint64_t          offset, extent;
	enum rfm_status   status;

	RFM_TRY(begin(store, error));
	RFM_TRY(take_extent(store, bytes, growth, &offset, error));
	(void)rfm_extent_bytes(bytes, &extent);
	hand_over(store, offset, extent, false);
	memcpy(address_of(store, offset), p->address,
	    (size_t)(bytes < p->bytes ? bytes : p->bytes));
	status = log_move(p, offset, bytes, error);
	if (status != RFM_OK)		/* keeps I13 */
		(void)rfm_space_give(store->space, offset, extent, NULL);
	return status;
}

static enum rfm_status
leave_the_committed_place(struct rfm_payload *list,
    struct rfm_error *error)
{
	const struct rfm_catalog *c = &list->store->catalog;

	if (rfm_catalog_find(c, list->id)->epoch == c->epoch)
		return RFM_OK;
	return relocate(list, list->bytes, RFM_GROW, error);
}
/* resize a raw block */
static enum rfm_status
resize_record(struct rfm_payload *p, uint64_t bytes,
    enum rfm_growth growth, struct rfm_error *error)
{
	struct rfm_store *store = p->store;
	uint64_t          old = extent_of(p), extent;
	enum rfm_status   status;

	RFM_TRY(refuse_change(store, error));
	RFM_TRY(begin(store, error));
	(void)rfm_extent_bytes(bytes, &extent);
	if (p->offset % rfm_extent_align(bytes) != 0)
		return relocate(p, bytes, growth, error);
	if (extent <= old)
		return log_move(p, p->offset, bytes, error);
	if (rfm_extent_align(bytes) != rfm_extent_align(p->bytes) ||
	    !widen_extent(store, p->offset, old, extent))
		return relocate(p, bytes, growth, error);
	hand_over(store, p->offset + old, extent - old, false);
	status = log_move(p, p->offset, bytes, error);
	if (status != RFM_OK)		/* keeps I13 */
		(void)rfm_space_add(store->space, p->offset + old,
		    extent - old, NULL);
	return status;
}
static enum rfm_status
resize_temporary(struct rfm_payload *p, uint64_t bytes,
    enum rfm_growth growth, struct rfm_error *error)
{
	struct rfm_store  *store = p->store;
	struct rfm_payload old = *p;
	uint64_t           offset, extent;

	if (rfm_store_widen(p, bytes))
		return RFM_OK;
	RFM_TRY(take_extent(store, bytes, growth, &offset, error));
	(void)rfm_extent_bytes(bytes, &extent);
	hand_over(store, offset, extent, false);
	memcpy(address_of(store, offset), p->address,
	    (size_t)(bytes < p->bytes ? bytes : p->bytes));
	store->temporaries++;
	store->temporary_bytes += extent;
	give_temporary_back(store, &old);
	p->offset = offset;
	p->address = address_of(store, offset);
	p->bytes = p->room = p->length = p->reach = bytes;
	return RFM_OK;
}
enum rfm_status
rfm_store_resize(struct rfm_payload *p, uint64_t bytes,
    enum rfm_growth growth, struct rfm_error *error)
{
	if (p->state == RFM_DESTROYED)
		return rfm_fail(error, RFM_CLOSED,
		    "closed fmalloc ALTREP vector handle");
	if (p->type != RFM_BYTES || p->owner != NULL ||
	    p->state == RFM_SEALED)
		return rfm_fail(error, RFM_ARGUMENT,
		    "only a raw block that is not sealed can be resized");
	if (bytes > RFM_FILE_MAX_BYTES)
		return rfm_fail(error, RFM_TOO_LARGE,
		    "a block of %llu bytes is larger than any store",
		    (unsigned long long)bytes);
	return p->id == 0 ? resize_temporary(p, bytes, growth, error)
	    : resize_record(p, bytes, growth, error);
}
/* refuse an impossible link */
static enum rfm_status
refuse_loop(struct rfm_payload *list, struct rfm_payload *child,
    struct rfm_error *error)
{
	struct walk     w;
	enum rfm_status status = RFM_OK;
	bool            inside = child == list;

	if (rfm_type_has_ids(child->type) && child != list &&
	    has_parents(list)) {
		begin_walk(list->store, &w);
		w.lists_only = true;
		w.wanted = node_of(list);
		status = walk_below(&w, node_of(child), error);
		inside = w.found;
		end_walk(&w);
	}
	if (!inside)
		return status;
	return rfm_fail(error, RFM_ARGUMENT,
	    "a list cannot be an element of itself");
}
static enum rfm_status
refuse_link(struct rfm_payload *list, uint64_t index,
    struct rfm_payload *child, struct rfm_error *error)
{
	if (list->state == RFM_DESTROYED ||
	    (child != NULL && child->state == RFM_DESTROYED))
		return rfm_fail(error, RFM_CLOSED,
		    "closed fmalloc ALTREP vector handle");
	if (!rfm_type_has_ids(list->type) || list->state == RFM_SEALED ||
	    index >= list->length)
		return rfm_fail(error, RFM_ARGUMENT,
		    "only a list that is not sealed takes elements, and"
		    " only as many as it is long");
	if (list->id != 0)
		RFM_TRY(refuse_change(list->store, error));
	if (child == NULL)
		return RFM_OK;
	if (child->store != list->store)
		return rfm_fail(error, RFM_MISMATCH, "elements of a list"
		    " must be of the same fmalloc runtime");
	if (child->owner != NULL || child->whole != NULL ||
	    child->handles == UINT32_MAX)
		return rfm_fail(error, RFM_ARGUMENT,
		    "this payload cannot be an element");
	return refuse_loop(list, child, error);
}
/* link an element to a list */
static void
link_pointer(struct rfm_payload *list, uint64_t index,
    struct rfm_payload *child)
{
	struct rfm_payload **cell =
	    (struct rfm_payload **)list->address + index;
	struct rfm_payload  *old = *cell;

	if (child != NULL) {
		child->parents++;
		child->handles++;
	}
	*cell = child;
	if (old != NULL) {
		old->parents--;
		rfm_payload_release(old);
	}
}
static void
link_id(struct rfm_payload *list, uint64_t index,
    const struct rfm_payload *child)
{
	struct rfm_store *store = list->store;
	struct rfm_entry *e = rfm_catalog_find(&store->catalog, list->id);
	struct rfm_entry *old = row_in(store, e, index);
	struct finding   *bad = finding_at(store, list->id, index);

	if (child != NULL)
		rfm_catalog_find(&store->catalog, child->id)->parents++;
	((uint64_t *)list->address)[index] = child == NULL ? 0 : child->id;
	if (bad != NULL)
		bad->mended = true;
	if (old != NULL) {
		old->parents--;
		note_orphan(store, old);
	}
	sweep_orphans(store);
}

enum rfm_status
rfm_store_link(struct rfm_payload *list, uint64_t index,
    struct rfm_payload *child, struct rfm_error *error)
{
	RFM_TRY(refuse_link(list, index, child, error));
	if (list->id == 0) {
		link_pointer(list, index, child);
		return RFM_OK;
	}
	RFM_TRY(leave_the_committed_place(list, error));
	if (child != NULL && child->id == 0)
		RFM_TRY(publish(child, RFM_ALLOCATE_ELEMENT, false, error));
	link_id(list, index, child);
	return RFM_OK;
}
/* fetch an element of a list */
enum rfm_status
rfm_store_element(struct rfm_payload *list, uint64_t index,
    struct rfm_payload **child, struct rfm_error *error)
{
	struct rfm_store *store = list->store;
	struct rfm_entry *e;
	uint64_t          id;
	enum rfm_status   status;

	*child = NULL;
	if (list->state == RFM_DESTROYED)
		return rfm_fail(error, RFM_CLOSED,
		    "closed fmalloc ALTREP vector handle");
	if (!rfm_type_has_ids(list->type) || index >= list->length)
		return rfm_fail(error, RFM_ARGUMENT,
		    "subscript out of bounds");
	if (list->id == 0) {
		*child = pointer_in(list, index);
		if (*child != NULL)
			rfm_payload_retain(*child);
		return RFM_OK;
	}
	id = ((const uint64_t *)list->address)[index];
	if (id == 0)
		return RFM_OK;
	if (finding_at(store, list->id, index) != NULL)
		return bad_cell(error, list->id, index, id);
	status = rfm_store_find(store, id, child, error);
	/* say what a missing element means */
	if (status != RFM_NO_RECORD && status != RFM_TOMBSTONE)
		return status;
	e = rfm_catalog_find(&store->catalog, list->id);
	if (e != NULL && e->attachment == list)
		return bad_cell(error, list->id, index, id);
	return status;
}
/* count the cells and find the bad ones */
static enum rfm_status
note_finding(struct rfm_store *store, uint64_t list, uint64_t index,
    struct rfm_error *error)
{
	void           *findings = store->findings;
	enum rfm_status status = secure_list(&findings,
	    &store->finding_room, store->finding_count,
	    sizeof *store->findings, error);

	store->findings = findings;
	RFM_TRY(status);
	store->findings[store->finding_count++] =
	    (struct finding){ list, index, false };
	return RFM_OK;
}

static enum rfm_status
count_cells(struct rfm_store *store, const struct rfm_entry *list,
    struct rfm_error *error)
{
	for (uint64_t i = 0; i < list->length; i++) {
		uint64_t          id = id_in(store, list, i);
		struct rfm_entry *e = rfm_catalog_find(&store->catalog, id);

		if (id == 0 || (store->access == RFM_READ &&
		    id >= store->catalog.next_id))
			continue;
		if (e != NULL && e->owner == 0 &&
		    e->state != RFM_DESTROYED)
			e->parents++;
		else
			RFM_TRY(note_finding(store, list->id, i, error));
	}
	return RFM_OK;
}
/* find loops among the lists */
static enum rfm_status
note_loop(struct rfm_store *store, uint64_t list, uint64_t index,
    uint64_t id, struct rfm_error *error)
{
	RFM_TRY(note_finding(store, list, index, error));
	rfm_catalog_find(&store->catalog, id)->parents--;
	return RFM_OK;
}

static bool
is_live_list(const struct rfm_entry *e)
{
	return rfm_type_has_ids(e->type) && e->state != RFM_DESTROYED;
}

static enum rfm_status
find_loops(struct rfm_store *store, struct rfm_error *error)
{
	const struct rfm_catalog *c = &store->catalog;
	enum rfm_status           status = RFM_OK;
	struct walk               w;

	begin_walk(store, &w);
	w.lists_only = w.scanning = true;
	for (size_t i = 0; i < c->count && status == RFM_OK; i++)
		if (is_live_list(&c->entries[i]) &&
		    c->entries[i].parents > 0 &&
		    c->entries[i].mark < store->mark)
			status = walk_below(&w, (struct node) {
			    c->entries[i].id, NULL }, error);
	end_walk(&w);
	return status;
}
/* look at the lists of a store */
static int
by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static enum rfm_status
look_at_lists(struct rfm_store *store, struct rfm_error *error)
{
	const struct rfm_catalog *c = &store->catalog;

	if (c->lists == 0 && c->elements == 0)
		return RFM_OK;
	for (size_t i = 0; i < c->count; i++)
		if (is_live_list(&c->entries[i]))
			RFM_TRY(count_cells(store, &c->entries[i], error));
	RFM_TRY(find_loops(store, error));
	if (store->finding_count > 0)
		qsort(store->findings, store->finding_count,
		    sizeof *store->findings, by_place);
	for (size_t i = 0; i < c->count && store->finding_count == 0; i++)
		note_orphan(store, &c->entries[i]);
	return RFM_OK;
}
/* reach further */
static uint64_t
room_to_take(struct rfm_payload *p, uint64_t last)
{
	struct rfm_store *store = p->store;
	uint64_t          each = rfm_type_bytes(p->type), old = extent_of(p);
	uint64_t          end = p->offset + old, behind, want;

	behind = rfm_space_behind(store->space, end);
	want = (last + last / 2) * each;
	if (behind < want - p->room && end + behind == store->file_bytes &&
	    grow_file(store, want - p->room - behind, NULL) == RFM_OK)
		behind = rfm_space_behind(store->space, end);
	behind -= (old + behind) % RFM_PAGE_BYTES;
	if (want > old + behind)
		want = (old + behind) / each * each;
	return want < (last + last / 8) * each ? 0 : want;
}
static bool
widen_room(struct rfm_payload *p, uint64_t last)
{
	struct rfm_store    *store = p->store;
	struct rfm_move_disk body = { p->id, p->offset, 0, 0 };
	struct rfm_entry    *e = rfm_catalog_find(&store->catalog, p->id);
	uint64_t             extent, old = extent_of(p);

	if (p->id == 0 || e == NULL || last > RFM_FILE_MAX_BYTES / 32)
		return false;
	body.bytes = room_to_take(p, last);
	body.length = e->length;
	if (body.bytes == 0 || !rfm_extent_bytes(body.bytes, &extent) ||
	    p->offset % rfm_extent_align(body.bytes) != 0 ||
	    !rfm_space_widen(store->space, p->offset, old, extent))
		return false;
	if (append_and_apply(store, RFM_RECORD_MOVE, &body, NULL) !=
	    RFM_OK) {			/* keeps I13 */
		(void)rfm_space_add(store->space, p->offset + old,
		    extent - old, NULL);
		return false;
	}
	p->room = body.bytes;
	return true;
}
static bool
may_reach(struct rfm_payload *p, uint64_t end, uint64_t count)
{
	uint64_t last, bytes;

	return p->state != RFM_DESTROYED && p->whole == NULL &&
	    !rfm_type_has_ids(p->type) && writes_file(p->store) &&
	    p->reach == end && rfm_add(end, count, &last) &&
	    rfm_multiply(last, rfm_type_bytes(p->type), &bytes) &&
	    (bytes <= p->room || widen_room(p, last));
}

enum rfm_status
rfm_store_reach(struct rfm_payload *p, uint64_t end, uint64_t count,
    void **address, struct rfm_error *error)
{
	struct rfm_store *store = p->store;
	uint64_t          each = rfm_type_bytes(p->type);
	uint64_t          offset = p->offset + end * each;

	RFM_TRY(refuse_change(store, error));
	if (!may_reach(p, end, count))
		return rfm_fail(error, RFM_NO_ROOM,
		    "there is no room behind these elements");
	if (count > 0) {
		RFM_TRY(reserve_live(store, offset, count * each, error));
		hand_over(store, offset, count * each,
		    has_meaning(p->type));
	}
	*address = (char *)p->address + end * each;
	p->reach += count;
	return RFM_OK;
}
/* refuse an impossible change of names */
static enum rfm_status
refuse_name(struct rfm_store *store, const struct rfm_change *c,
    struct rfm_error *error)
{
	if (c->name_bytes == 0 || c->name_bytes > RFM_NAME_MAX_BYTES ||
	    !rfm_text_valid(c->name, c->name_bytes))
		return rfm_fail(error, RFM_ARGUMENT, "a name is a text of 1"
		    " to %u bytes, in UTF-8", RFM_NAME_MAX_BYTES);
	if (c->note_bytes > RFM_NOTE_MAX_BYTES ||
	    !rfm_text_valid(c->note, c->note_bytes))
		return rfm_fail(error, RFM_ARGUMENT, "a description is a"
		    " text of up to %u bytes, in UTF-8",
		    RFM_NOTE_MAX_BYTES);
	if (c->value == NULL)
		return rfm_catalog_find_name(&store->catalog, c->name,
		    c->name_bytes) != NULL ? RFM_OK : rfm_fail(error,
		    RFM_NO_NAME, "nothing is stored under the name %.*s",
		    (int)c->name_bytes, c->name);
	if (c->value->state == RFM_DESTROYED)
		return rfm_fail(error, RFM_CLOSED,
		    "closed fmalloc ALTREP vector handle");
	if (c->value->store != store || c->value->owner != NULL ||
	    c->value->whole != NULL)
		return rfm_fail(error, RFM_MISMATCH,
		    "an object under a name must be of the same fmalloc"
		    " runtime");
	return RFM_OK;
}
static enum rfm_status
refuse_changes(struct rfm_store *store, const struct rfm_change *changes,
    size_t count, struct rfm_error *error)
{
	if (!keeps_catalog(store))
		return rfm_fail(error, RFM_MODE,
		    "%s is a scratch store and keeps no names",
		    store->path);
	RFM_TRY(refuse_change(store, error));
	for (size_t i = 0; i < count; i++)
		RFM_TRY(refuse_name(store, &changes[i], error));
	return RFM_OK;
}
/* make the rows of new names */
static void
drop_names(struct rfm_name **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

static struct rfm_name **
new_names(struct rfm_store *store, const struct rfm_change *changes,
    size_t count, uint64_t *bytes, struct rfm_error *error)
{
	struct rfm_name **names = calloc(count + 1, sizeof *names);
	uint8_t           body[RFM_BODY_MAX_BYTES];

	*bytes = 0;
	if (names == NULL)
		(void)rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for %zu names", count);
	for (size_t i = 0; names != NULL && i < count; i++) {
		const struct rfm_change *c = &changes[i];
		struct rfm_name_disk     disk = { 0, c->time != 0 ? c->time
		    : store->os->now(store->os), (uint32_t)c->name_bytes,
		    c->value == NULL ? 0 : (uint32_t)c->note_bytes };

		memcpy(body, &disk, sizeof disk);
		memcpy(body + sizeof disk, c->name, disk.name_bytes);
		if (disk.note_bytes > 0)
			memcpy(body + sizeof disk + disk.name_bytes, c->note,
			    disk.note_bytes);
		names[i] = rfm_catalog_new_name(body, error);
		if (names[i] == NULL) {
			drop_names(names, i);
			return NULL;
		}
		*bytes += disk.name_bytes + disk.note_bytes + 8;
	}
	return names;
}
/* change names */
static enum rfm_status
collect_values(struct walk *w, const struct rfm_change *changes,
    size_t count, struct rfm_error *error)
{
	for (size_t i = 0; i < count; i++) {
		struct node root;

		if (changes[i].value == NULL)
			continue;
		root = node_of(changes[i].value);
		if (!is_settled(w, root) &&
		    *mark_of(w->store, root) < w->store->mark)
			RFM_TRY(walk_below(w, root, error));
	}
	return RFM_OK;
}

static enum rfm_status
log_names(struct rfm_store *store, struct rfm_name **names,
    const struct rfm_change *changes, size_t count,
    struct rfm_error *error)
{
	uint8_t body[RFM_BODY_MAX_BYTES];

	for (size_t i = 0; i < count; i++) {
		if (changes[i].value != NULL)
			names[i]->id = changes[i].value->id;
		put_name(body, names[i]);
		RFM_TRY(rfm_log_append(&store->log, RFM_RECORD_NAME, body,
		    NULL, error));
	}
	return RFM_OK;
}
static void
apply_names(struct rfm_store *store, struct rfm_name **names,
    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct rfm_name *old = rfm_catalog_find_name(
		    &store->catalog, names[i]->text, names[i]->name_bytes);
		uint64_t               id = old == NULL ? 0 : old->id;

		rfm_catalog_name(&store->catalog, names[i]); /* keeps I16 */
		if (id != 0)
			note_orphan(store, rfm_catalog_find(
			    &store->catalog, id));
	}
	sweep_orphans(store);
}
static enum rfm_status
log_change(struct walk *w, struct rfm_name **names,
    const struct rfm_change *changes, size_t count, uint64_t name_bytes,
    struct rfm_error *error)
{
	struct rfm_store *store = w->store;
	const struct node none = { 0, NULL };

	RFM_TRY(collect_values(w, changes, count, error));
	RFM_TRY(begin_group(store, w->records, count, name_bytes, error));
	RFM_TRY(log_collected(w, none, 0, error));	/* keeps I13 */
	return log_names(store, names, changes, count, error);
}
enum rfm_status
rfm_store_change(struct rfm_store *store,
    const struct rfm_change *changes, size_t count,
    struct rfm_error *error)
{
	struct walk       w;
	uint64_t          bytes;
	enum rfm_status   status;
	struct rfm_name **names;

	RFM_TRY(refuse_changes(store, changes, count, error));
	if (count == 0)
		return RFM_OK;
	names = new_names(store, changes, count, &bytes, error);
	if (names == NULL)
		return RFM_NO_MEMORY;
	begin_walk(store, &w);
	w.sealing = true;
	status = log_change(&w, names, changes, count, bytes, error);
	end_walk(&w);
	if (status != RFM_OK) {
		drop_names(names, count);
		return status;
	}
	apply_names(store, names, count);
	free(names);
	release_waiting(store);
	return tidy_log(store, error);
}
/* look names up */
static struct rfm_name_info
told(const struct rfm_name *n)
{
	return (struct rfm_name_info){ n->text, n->text + n->name_bytes,
	    n->name_bytes, n->note_bytes, n->time, n->id };
}

bool
rfm_store_name(struct rfm_store *store, const char *name,
    size_t name_bytes, struct rfm_name_info *info)
{
	const struct rfm_name *n = rfm_catalog_find_name(&store->catalog,
	    name, name_bytes);

	if (n != NULL)
		*info = told(n);
	return n != NULL;
}

void
rfm_store_names(struct rfm_store *store, rfm_name_visitor *visit,
    void *context)
{
	const struct rfm_catalog *c = &store->catalog;

	for (size_t i = 0; i < c->name_count; i++) {
		struct rfm_name_info info = told(c->names[i]);

		if (!visit(context, &info))
			return;
	}
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
		return hold_freed(store, e, error);
	if (kind == RFM_RECORD_MOVE)
		return hold_left(store, e, &old, error);
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
/* sort the extents and add the gaps */
static int
by_offset(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static enum rfm_status
add_gaps(struct rfm_store *store, struct extents *used,
    struct rfm_error *error)
{
	bool     quiet = !store->os->pinned(store->os, store->file,
	    store->log.epoch) && nobody_holds(store, RFM_LOCK_FORKS);
	uint64_t end = RFM_HEAP_OFFSET;

	if (used->count > 0)
		qsort(used->list, used->count, sizeof *used->list,
		    by_offset);
	for (size_t i = 0; i <= used->count; i++) {
		uint64_t next = i == used->count ? store->file_bytes
		    : used->list[i].offset;

		if (next < end)
			return rfm_fail(error, RFM_DAMAGED,
			    "two extents overlap at byte %llu",
			    (unsigned long long)next);
		RFM_TRY(add_gap(store, end, next - end, quiet, error));
		if (i < used->count)
			end = next + used->list[i].bytes;
	}
	return RFM_OK;
}

static enum rfm_status
add_gap(struct rfm_store *store, uint64_t offset, uint64_t bytes,
    bool quiet, struct rfm_error *error)
{
	if (bytes == 0)
		return RFM_OK;
	if (quiet)
		return rfm_space_add(store->space, offset, bytes, error);
	if (!extents_push(&store->waiting, offset, bytes,
	    store->log.epoch))
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory to remember free extents");
	return RFM_OK;
}
/* derive the free space */
static enum rfm_status
derive_space(struct rfm_store *store, struct rfm_error *error)
{
	struct extents  used = { NULL, 0, 0, 0 };
	enum rfm_status status;

	RFM_TRY(secure_chunks(store, store->file_bytes, error));
	memset(store->chunks, 0, store->chunk_count);
	RFM_TRY(rfm_space_create(&store->space, error));
	status = gather_used(store, &used)
	    ? rfm_space_expect(store->space, 2 * used.count + 1, error)
	    : rfm_fail(error, RFM_NO_MEMORY,
	    "no memory to find the free space");
	if (status == RFM_OK)
		status = add_gaps(store, &used, error);
	free(used.list);
	return status;
}

static bool
gather_used(struct rfm_store *store, struct extents *used)
{
	const struct rfm_catalog *c = &store->catalog;
	uint64_t                  bytes = 0;
	bool                      good = true;

	for (size_t i = 0; good && i < c->count; i++)
		if (c->entries[i].state != RFM_DESTROYED)
			good = rfm_extent_bytes(c->entries[i].bytes,
			    &bytes) && extents_push(used,
			    c->entries[i].offset, bytes, 0);
	for (size_t i = 0; good && i < store->pending.count; i++)
		good = extents_push(used, store->pending.list[i].offset,
		    store->pending.list[i].bytes, 0);
	for (size_t i = 0; good && i < store->log.count; i++)
		good = rfm_extent_bytes(store->log.segments[i].bytes,
		    &bytes) && extents_push(used,
		    store->log.segments[i].offset, bytes, 0);
	return good;
}
/* know where the payloads end */
static uint64_t
end_of_list(const struct extents *e, uint64_t end)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->list[i].offset + e->list[i].bytes > end)
			end = e->list[i].offset + e->list[i].bytes;
	return end;
}

static uint64_t
end_of_payloads(const struct rfm_store *store)
{
	uint64_t end = end_of_list(&store->waiting,
	    end_of_list(&store->pending, RFM_HEAP_OFFSET));

	for (size_t i = 0; i < store->catalog.count; i++) {
		const struct rfm_entry *e = &store->catalog.entries[i];

		if (e->state != RFM_DESTROYED &&
		    e->offset + row_extent(e) > end)
			end = e->offset + row_extent(e);
	}
	for (const struct rfm_payload *p = store->payloads; p != NULL;
	    p = p->next)
		if (p->state == RFM_TEMPORARY &&
		    p->offset < RFM_FILE_MAX_BYTES &&
		    p->offset + extent_of(p) > end)
			end = p->offset + extent_of(p);
	return end;
}
/* gather records and holes */
static bool
gather_movable(struct rfm_store *store, struct extents *movable)
{
	const struct rfm_catalog *c = &store->catalog;
	bool                      good = true;

	for (size_t i = 0; good && i < c->count; i++)
		if (c->entries[i].state != RFM_DESTROYED &&
		    c->entries[i].attachment == NULL)
			good = extents_push(movable, c->entries[i].offset,
			    row_extent(&c->entries[i]), c->entries[i].id);
	if (movable->count > 0)
		qsort(movable->list, movable->count, sizeof *movable->list,
		    by_offset);
	return good;
}

static bool
gather_holes(struct rfm_store *store, struct extents *holes)
{
	uint64_t cursor = 0, offset, bytes;
	bool     good = true;

	while (good && rfm_space_next(store->space, &cursor, &offset,
	    &bytes))
		good = extents_push(holes, offset, bytes, 0);
	if (holes->count > 0)
		qsort(holes->list, holes->count, sizeof *holes->list,
		    by_offset);
	return good;
}
/* find a hole before a record */
static bool
take_front(struct rfm_store *store, struct extent *hole, uint64_t place,
    uint64_t bytes)
{
	uint64_t pad = place - hole->offset;

	if (rfm_space_expect(store->space, 2, NULL) != RFM_OK ||
	    !rfm_space_widen(store->space, hole->offset, 0, pad + bytes))
		return false;
	if (pad > 0)
		(void)rfm_space_give(store->space, hole->offset, pad, NULL);
	hole->offset += pad + bytes;
	hole->bytes -= pad + bytes;
	return true;
}

static bool
find_hole(struct rfm_store *store, struct extents *holes,
    const struct rfm_entry *e, uint64_t *place)
{
	uint64_t bytes = row_extent(e), align = rfm_extent_align(e->bytes);

	for (size_t i = 0; i < holes->count; i++) {
		struct extent *h = &holes->list[i];

		if (h->offset >= e->offset)
			return false;
		if (!rfm_round_up(h->offset, align, place) ||
		    h->bytes < bytes ||
		    *place - h->offset > h->bytes - bytes)
			continue;
		if (take_front(store, h, *place, bytes))
			return true;
		h->bytes = 0;
	}
	return false;
}
/* move a record that nobody uses */
static enum rfm_status
move_row(struct rfm_store *store, uint64_t id, uint64_t place,
    struct rfm_error *error)
{
	struct rfm_entry    *e = rfm_catalog_find(&store->catalog, id);
	struct rfm_entry     old = *e;
	struct rfm_move_disk body = { id, place, e->bytes, e->length };
	uint64_t used = e->length * rfm_type_bytes(e->type);
	enum rfm_status      status;

	status = reserve_extent(store, place, used == 0 ? 1 : used, error);
	if (status == RFM_OK) {
		hand_over(store, place, row_extent(e), false);
		memcpy(address_of(store, place),
		    address_of(store, e->offset), (size_t)used);
		status = append_and_apply(store, RFM_RECORD_MOVE, &body,
		    error);
	}
	if (status != RFM_OK) {		/* keeps I13 */
		(void)rfm_space_give(store->space, place, row_extent(e),
		    NULL);
		return status;
	}
	return hold_left(store, rfm_catalog_find(&store->catalog, id), &old,
	    error);
}
/* move records into holes */
static enum rfm_status
fill_holes(struct rfm_store *store, struct rfm_compaction *c,
    const struct extents *movable, struct extents *holes,
    struct rfm_error *error)
{
	for (size_t i = movable->count; i-- > 0 && c->moved < c->budget;) {
		uint64_t id = movable->list[i].number, place;

		if (!find_hole(store, holes, rfm_catalog_find(
		    &store->catalog, id), &place))
			continue;
		RFM_TRY(move_row(store, id, place, error));
		c->moved += movable->list[i].bytes;
	}
	return RFM_OK;
}
/* make the first hole larger */
static size_t
first_in_the_way(const struct rfm_store *store,
    const struct extents *movable, const struct extents *holes)
{
	size_t i = 0;

	for (size_t k = 0; k < holes->count; k++) {
		const struct rfm_entry *e;
		uint64_t                place;

		while (i < movable->count &&
		    movable->list[i].offset < holes->list[k].offset)
			i++;
		if (i == movable->count)
			break;
		e = rfm_catalog_find(&store->catalog,
		    movable->list[i].number);
		if (rfm_round_up(holes->list[k].offset,
		    rfm_extent_align(e->bytes), &place) &&
		    place < e->offset)
			return i;
	}
	return movable->count;
}
static enum rfm_status
set_one_aside(struct rfm_store *store, struct rfm_compaction *c,
    const struct extents *movable, const struct extents *holes,
    struct rfm_error *error)
{
	size_t   i = first_in_the_way(store, movable, holes);
	uint64_t id, place;

	if (i == movable->count)
		return RFM_OK;
	id = movable->list[i].number;
	RFM_TRY(take_extent(store, rfm_catalog_find(&store->catalog,
	    id)->bytes, RFM_GROW, &place, error));
	RFM_TRY(move_row(store, id, place, error));
	c->moved = c->set_aside = movable->list[i].bytes;
	return RFM_OK;
}
/* compact a little */
static enum rfm_status
compact_once(struct rfm_store *store, struct rfm_compaction *c,
    struct extents *movable, struct extents *holes,
    struct rfm_error *error)
{
	if (!gather_movable(store, movable) || !gather_holes(store, holes))
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory to compact %s", store->path);
	RFM_TRY(fill_holes(store, c, movable, holes, error));
	if (c->moved == 0 && c->may_set_aside)
		RFM_TRY(set_one_aside(store, c, movable, holes, error));
	return c->moved == 0 ? RFM_OK : commit(store, error);
}

enum rfm_status
rfm_store_compact(struct rfm_store *store, struct rfm_compaction *c,
    struct rfm_error *error)
{
	struct extents  movable = { NULL, 0, 0, 0 };
	struct extents  holes = { NULL, 0, 0, 0 };
	enum rfm_status status;

	c->moved = c->set_aside = 0;
	RFM_TRY(refuse_change(store, error));
	if (!keeps_catalog(store))
		return RFM_OK;
	RFM_TRY(begin(store, error));
	RFM_TRY(commit(store, error));
	status = compact_once(store, c, &movable, &holes, error);
	free(movable.list);
	free(holes.list);
	return status;
}
/* checkpoint before the end of the payloads */
static bool
take_behind(struct rfm_store *store, uint64_t end, struct extents *taken)
{
	struct extents holes = { NULL, 0, 0, 0 };
	bool           good = gather_holes(store, &holes);

	for (size_t i = 0; good && i < holes.count; i++) {
		struct extent *h = &holes.list[i];

		if (h->offset + h->bytes <= end)
			continue;
		good = extents_push(taken, h->offset, h->bytes, 0) &&
		    rfm_space_expect(store->space, 2, NULL) == RFM_OK &&
		    rfm_space_widen(store->space, h->offset, 0, h->bytes);
		if (!good && taken->count > 0)
			taken->count--;
		if (good && h->offset < end)
			(void)rfm_space_give(store->space, h->offset,
			    end - h->offset, NULL);
	}
	free(holes.list);
	return good;
}
static enum rfm_status
checkpoint_before(struct rfm_store *store, uint64_t end,
    struct rfm_error *error)
{
	struct extents  taken = { NULL, 0, 0, 0 };
	enum rfm_status status = RFM_NO_MEMORY;

	if (take_behind(store, end, &taken)) {
		store->trimming = true;
		status = checkpoint(store, error);
		store->trimming = false;
	}
	for (size_t i = 0; i < taken.count; i++) {
		uint64_t from = taken.list[i].offset < end ? end
		    : taken.list[i].offset;

		(void)rfm_space_give(store->space, from,
		    taken.list[i].offset + taken.list[i].bytes - from,
		    NULL);
	}
	free(taken.list);
	return status == RFM_OK || store->log.poisoned ? status
	    : checkpoint(store, error);
}
/* cut the end off */
static enum rfm_status
cut_file(struct rfm_store *store, uint64_t bytes,
    struct rfm_error *error)
{
	RFM_TRY(rfm_log_shrink(&store->log, bytes, error));
	RFM_TRY(store->os->resize(store->os, store->file, bytes, error));
	store->file_bytes = bytes;
	store->chunk_count = (bytes + RFM_CHUNK_BYTES - 1) /
	    RFM_CHUNK_BYTES;
	return RFM_OK;
}
static enum rfm_status
cut_behind(struct rfm_store *store, uint64_t end,
    struct rfm_error *error)
{
	uint64_t        bytes, cursor = 0, offset = 0, size = 0;
	enum rfm_status status;

	if (end < RFM_FILE_MIN_BYTES)
		end = RFM_FILE_MIN_BYTES;
	if (!rfm_round_up(end, RFM_FILE_STEP_BYTES, &bytes) ||
	    bytes >= store->file_bytes)
		return RFM_OK;
	while (offset + size != store->file_bytes)
		if (!rfm_space_next(store->space, &cursor, &offset, &size))
			return RFM_OK;
	if (offset > bytes ||
	    rfm_space_expect(store->space, 1, NULL) != RFM_OK ||
	    !rfm_space_widen(store->space, offset, 0, size))
		return RFM_OK;
	status = cut_file(store, bytes, error);
	if (store->file_bytes > offset)
		(void)rfm_space_give(store->space, offset,
		    store->file_bytes - offset, NULL);
	return status;
}
enum rfm_status
rfm_store_trim(struct rfm_store *store, struct rfm_error *error)
{
	uint64_t end;

	RFM_TRY(refuse_change(store, error));
	if (!keeps_catalog(store))
		return RFM_OK;
	RFM_TRY(begin(store, error));
	RFM_TRY(commit(store, error));
	RFM_TRY(checkpoint_before(store, end_of_payloads(store), error));
	release_waiting(store);
	end = end_of_payloads(store);
	for (size_t i = 0; i < store->log.count; i++) {
		uint64_t last = store->log.segments[i].offset +
		    extent_around(store->log.segments[i].bytes);

		if (last > end)
			end = last;
	}
	return cut_behind(store, end, error);
}
/* free all records */
static enum rfm_status
free_all(struct rfm_store *store, struct rfm_error *error)
{
	for (size_t i = 0; i < store->catalog.count; i++) {
		struct rfm_entry    *e = &store->catalog.entries[i];
		struct rfm_free_disk body = { e->id };
		struct rfm_payload  *p = e->attachment;

		if (e->state == RFM_DESTROYED || e->owner != 0)
			continue;
		RFM_TRY(append_and_apply(store, RFM_RECORD_FREE, &body,
		    error));
		(void)hold_freed(store, e, NULL);	/* keeps I6 */
		if (p == NULL)
			continue;
		close_views(p);
		for (uint32_t k = 0; k < p->part_count; k++)
			close_payload(p->parts[k]);
		close_payload(p);
	}
	return RFM_OK;
}

enum rfm_status
rfm_store_clear(struct rfm_store *store, struct rfm_error *error)
{
	const struct rfm_catalog *c = &store->catalog;

	RFM_TRY(refuse_change(store, error));
	if (c->name_count > 0)
		return rfm_fail(error, RFM_ARGUMENT,
		    "there are names left in %s", store->path);
	if (c->live == 0)
		return RFM_OK;
	RFM_TRY(begin_group(store, c->live - c->parts, 0, 0, error));
	RFM_TRY(free_all(store, error));
	store->finding_count = 0;
	return RFM_OK;
}
/* map the file */
static enum rfm_status
map_file(struct rfm_store *store, struct rfm_error *error)
{
	void *base;

	RFM_TRY(reserve_addresses(store, store->wanted_addresses, &base,
	    &store->address_bytes, error));
	store->base = base;
	if (store->space == NULL)
		RFM_TRY(rfm_space_create(&store->space, error));
	return map_up_to(store, store->file_bytes, error);
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
	if (keeps_catalog(store)) {
		connect_log(store);
		RFM_TRY(in_this_file(store, read_log(store, error),
		    error));
		store->file_bytes = store->log.file_bytes;
		RFM_TRY(move_pin(store, error));
	}
	if (writer)
		RFM_TRY(in_this_file(store, derive_space(store, error),
		    error));
	RFM_TRY(map_file(store, error));
	if (keeps_catalog(store))
		RFM_TRY(in_this_file(store, look_at_lists(store, error),
		    error));
	if (writer)
		return note_owner(store, error);
	return RFM_OK;
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
	store->log.room.take = log_takes;
	store->log.room.give = log_gives;
	store->log.room.context = store;
	*out = store;
	return RFM_OK;
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
	RFM_TRY(secure_chunks(store, store->file_bytes, error));
	RFM_TRY(map_file(store, error));
	RFM_TRY(rfm_space_add(store->space, RFM_HEAP_OFFSET,
	    store->file_bytes - RFM_HEAP_OFFSET, error));
	RFM_TRY(reserve_extent(store, 0, RFM_HEAP_OFFSET, error));
	RFM_TRY(note_owner(store, error));
	if (!keeps_catalog(store))
		return format_scratch(store, error);
	connect_log(store);
	RFM_TRY(rfm_log_format(&store->log, store->uuid, error));
	return os->barrier_directory(os, store->path,
	    RFM_BARRIER_DIRECTORY, error);
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
/* read the catalog afresh */
static enum rfm_status
read_afresh(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_catalog old = store->catalog;
	enum rfm_status    status;

	memset(&store->catalog, 0, sizeof store->catalog);
	status = read_log(store, error);
	if (status != RFM_OK) {
		rfm_catalog_dispose(&store->catalog);
		store->catalog = old;
		store->log.superblock.head_offset = 0;	/* keeps I13 */
		return status;
	}
	rfm_catalog_dispose(&old);
	for (struct rfm_payload *p = store->payloads; p != NULL;
	    p = p->next) {
		struct rfm_entry *e = p->id == 0 ||
		    p->state == RFM_DESTROYED ? NULL
		    : rfm_catalog_find(&store->catalog, p->id);

		if (e != NULL && e->state != RFM_DESTROYED &&
		    e->offset == p->offset)
			e->attachment = p;
	}
	return RFM_OK;
}
/* refresh a reader */
enum rfm_status
rfm_store_refresh(struct rfm_store *store, struct rfm_error *error)
{
	bool replaced;

	if (store->access == RFM_WRITE || !keeps_catalog(store))
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
	RFM_TRY(map_up_to(store, store->log.file_bytes, error));
	store->file_bytes = store->log.file_bytes;
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
/* close */
enum rfm_status
rfm_store_close(struct rfm_store *store, struct rfm_error *error)
{
	enum rfm_status status;

	if (store->closed)
		return RFM_OK;
	store->closed = true;
	if (!writes_file(store) || !keeps_catalog(store) || store->left)
		return RFM_OK;
	status = commit(store, error);
	if (status == RFM_OK)
		status = rfm_log_mark_clean(&store->log, error);
	if (status != RFM_OK && !store->log.poisoned)
		store->closed = false;		/* keeps I13 */
	return status;
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
	if (writes_file(store) && !store->log.poisoned &&
	    !store->unwatched_fork &&
	    nobody_holds(store, RFM_LOCK_READERS) &&
	    nobody_holds(store, RFM_LOCK_FORKS))
		give_all_free_blocks_back(store);
	if (store->mode == RFM_SCRATCH && writes_file(store))
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
		s->children |= writes_file(s);
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
/* after the fork, in the child */
static void
after_fork_in_child(void)
{
	for (struct rfm_store *s = stores; s != NULL; s = s->next) {
		if (writes_file(s))
			become_a_child(s);
		take_over_fork_file(s);
	}
}

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
static void
take_over_fork_file(struct rfm_store *s)
{
	if (s->fork_file == NULL)
		return;
	s->os->close(s->os, s->file);
	s->file = s->log.file = s->fork_file;
	s->fork_file = NULL;
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
/* visit every record */
void
rfm_store_each(struct rfm_store *store, rfm_record_visitor *visit,
    void *context)
{
	for (size_t i = 0; i < store->catalog.count; i++) {
		const struct rfm_entry *e = &store->catalog.entries[i];
		const struct rfm_payload *p = e->attachment;
		struct rfm_record_info info = {
			e->record_offset, e->id, e->offset, e->bytes,
			e->length, e->owner, e->type,
			p == NULL ? 0 : p->handles, e->state,
			e->owner != 0
		};

		if (!visit(context, &info))
			return;
	}
	for (const struct rfm_payload *p = store->payloads; p != NULL;
	    p = p->next) {
		struct rfm_record_info info = {
			0, 0, p->offset, p->bytes, p->length, 0, p->type,
			p->handles, p->state, p->owner != NULL
		};

		if (p->state == RFM_TEMPORARY && !visit(context, &info))
			return;
	}
}
/* draw the map of the file */
static void
show_extent(const struct rfm_store *store, rfm_extent_visitor *visit,
    void *context, struct rfm_extent_info info)
{
	if (info.offset + info.bytes <= store->file_bytes)
		visit(context, &info);
}

/* show payloads and what waits */
static uint64_t
extent_around(uint64_t payload_bytes)
{
	uint64_t bytes = 0;

	(void)rfm_extent_bytes(payload_bytes, &bytes);
	return bytes;
}

static void
show_records(const struct rfm_store *store, rfm_extent_visitor *visit,
    void *context)
{
	for (size_t i = 0; i < store->catalog.count; i++) {
		const struct rfm_entry *e = &store->catalog.entries[i];

		if (e->state != RFM_DESTROYED)
			show_extent(store, visit, context,
			    (struct rfm_extent_info) { e->offset,
			    extent_around(e->bytes), e->id,
			    e->state == RFM_SEALED ? RFM_USE_SEALED :
			    RFM_USE_COMMITTED });
	}
}

/* show temporaries and lists of extents */
static void
show_temporaries(const struct rfm_store *store,
    rfm_extent_visitor *visit, void *context)
{
	for (const struct rfm_payload *p = store->payloads; p != NULL;
	    p = p->next)
		if (p->state == RFM_TEMPORARY)
			show_extent(store, visit, context,
			    (struct rfm_extent_info) { p->offset,
			    extent_of(p), 0, RFM_USE_TEMPORARY });
}

static void
show_waiting(const struct rfm_store *store, const struct extents *list,
    rfm_extent_visitor *visit, void *context)
{
	for (size_t i = 0; i < list->count; i++)
		show_extent(store, visit, context,
		    (struct rfm_extent_info) { list->list[i].offset,
		    list->list[i].bytes, 0, RFM_USE_HELD });
}

void
rfm_store_map(struct rfm_store *store, rfm_extent_visitor *visit,
    void *context)
{
	const struct rfm_log *log = &store->log;

	show_extent(store, visit, context, (struct rfm_extent_info) {
	    0, RFM_HEAP_OFFSET, 0, RFM_USE_HEAD });
	for (size_t i = 0; i < log->count; i++)
		show_extent(store, visit, context,
		    (struct rfm_extent_info) { log->segments[i].offset,
		    extent_around(log->segments[i].bytes), 0,
		    RFM_USE_LOG });
	show_records(store, visit, context);
	show_temporaries(store, visit, context);
	show_waiting(store, &store->pending, visit, context);
	show_waiting(store, &store->waiting, visit, context);
}
/* tell how large a payload is */
/* add the sizes of one payload */
static enum rfm_status
add_sizes(const struct rfm_payload *p, uint64_t *disk,
    uint64_t *resident, struct rfm_error *error)
{
	struct rfm_os *os = p->store->os;
	uint64_t       in_memory;

	if (p->address == NULL)
		return RFM_OK;
	RFM_TRY(os->resident(os, p->address, p->bytes, &in_memory, error));
	*disk += p->whole == NULL ? extent_of(p) : p->bytes;
	*resident += in_memory;
	for (uint32_t k = 0; k < p->part_count; k++)
		RFM_TRY(add_sizes(p->parts[k], disk, resident, error));
	return RFM_OK;
}
/* wait to be counted */
struct waiting_list {
	struct rfm_payload **list;
	size_t               count, capacity;
};

static enum rfm_status
wait_for_count(struct waiting_list *w, struct rfm_payload *p,
    struct rfm_error *error)
{
	if (w->count == w->capacity) {
		size_t more = w->capacity * 2 + 16;
		struct rfm_payload **list = realloc(w->list,
		    more * sizeof *list);

		if (list == NULL) {
			rfm_payload_release(p);
			return rfm_fail(error, RFM_NO_MEMORY,
			    "no memory to look into a list");
		}
		w->list = list;
		w->capacity = more;
	}
	w->list[w->count++] = p;
	return RFM_OK;
}

/* let the elements wait to be counted */
static enum rfm_status
wait_elements(struct waiting_list *w, struct rfm_payload *list,
    struct rfm_error *error)
{
	struct rfm_payload *child;

	for (uint64_t i = 0; list->address != NULL && i < list->length; i++) {
		RFM_TRY(rfm_store_element(list, i, &child, error));
		if (child != NULL)
			RFM_TRY(wait_for_count(w, child, error));
	}
	return RFM_OK;
}

enum rfm_status
rfm_store_sizes(struct rfm_payload *p, uint64_t *disk,
    uint64_t *resident, struct rfm_error *error)
{
	struct waiting_list w = { NULL, 0, 0 };
	enum rfm_status     status;

	*disk = *resident = 0;
	rfm_payload_retain(p);
	status = wait_for_count(&w, p, error);
	while (w.count > 0) {
		p = w.list[--w.count];
		if (status == RFM_OK)
			status = add_sizes(p, disk, resident, error);
		if (status == RFM_OK && rfm_type_has_ids(p->type))
			status = wait_elements(&w, p, error);
		rfm_payload_release(p);
	}
	free(w.list);
	return status;
}
/* describe the store */
void
rfm_store_describe(struct rfm_store *store, struct rfm_store_info *info)
{
	struct rfm_space_sum sum;

	memset(info, 0, sizeof *info);
	rfm_space_summary(store->space, &sum);
	memcpy(info->path, store->path, sizeof info->path);
	memcpy(info->uuid, store->uuid, sizeof info->uuid);
	info->mode = store->mode;
	info->access = store->access;
	info->closed = store->closed;
	info->poisoned = store->log.poisoned;
	info->forked = store->forked;
	info->file_bytes = store->file_bytes;
	info->live_bytes = store->catalog.live_bytes;
	info->temporary_bytes = store->temporary_bytes;
	info->free_bytes = sum.free_bytes;
	info->held_bytes = store->pending.bytes + store->waiting.bytes;
	info->log_bytes = store->log.bytes;
	info->records = store->catalog.live - store->catalog.parts;
	info->sealed = store->catalog.sealed;
	info->tombstones = store->catalog.tombstones;
	info->tombstone_bytes = store->catalog.tombstone_bytes;
	info->names = store->catalog.name_count;
	info->temporaries = store->temporaries;
	info->epoch = store->log.epoch;
	info->uncommitted = store->log.uncommitted;
	info->findings = store->finding_count;
	info->learned = store->learned;
	info->last_sync = store->last_sync;
}
enum rfm_status
rfm_store_reopen(struct rfm_store *store, struct rfm_os **os,
    struct rfm_file **file, struct rfm_error *error)
{
	*os = store->os;
	return store->os->reopen(store->os, store->file, file, error);
}
