/* Tangled from lit/51_room.nw by 'make tangle': change it there, not here. */
#include "inside.h"
#include <stdlib.h>
#include <string.h>

/* tell how long an extent is */
uint64_t
rfm_extent_of(uint64_t payload_bytes)
{
	uint64_t bytes = 0;

	(void)rfm_extent_bytes(payload_bytes, &bytes);
	return bytes;
}
/* chunks of the file */
enum chunk_flags {
	CHUNK_RESERVED = 1,
	CHUNK_ZERO = 2
};
/* turn an offset into an address */
void *
rfm_address_of(const struct rfm_store *store, uint64_t offset)
{
	if (offset >= RFM_FILE_MAX_BYTES)
		return store->arena + (offset - RFM_FILE_MAX_BYTES);
	return store->base + offset;
}
/* put an extent on a list */
bool
rfm_extents_push(struct extents *e, uint64_t offset, uint64_t bytes,
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
/* sort a list of extents */
static int
by_offset(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

void
rfm_extents_sort(struct extents *e)
{
	if (e->count > 0)
		qsort(e->list, e->count, sizeof *e->list, by_offset);
}
/* hold what was freed since the last commit */
static enum rfm_status
hold_extent(struct rfm_store *store, struct rfm_entry *e,
    uint64_t epoch, uint64_t offset, uint64_t bytes,
    struct rfm_error *error)
{
	bool seen = epoch != store->catalog.epoch, pushed;

	if (store->access == RFM_READ) {
		e->attachment = NULL;
		if (e->owner != 0)
			rfm_catalog_find(&store->catalog, e->owner)
			    ->attachment = NULL;
		return RFM_OK;
	}
	if (!seen && !store->log.begun)
		return RFM_OK;
	pushed = seen			/* keeps I6 */
	    ? rfm_extents_push(&store->pending, offset, bytes, 0)
	    : rfm_extents_push(&store->waiting, offset, bytes,
	    store->log.epoch + 1);
	return pushed ? RFM_OK : rfm_fail(error, RFM_NO_MEMORY,
	    "no memory to remember freed extents");
}
enum rfm_status
rfm_hold_freed(struct rfm_store *store, struct rfm_entry *e,
    struct rfm_error *error)
{
	struct rfm_entry *part = NULL;

	RFM_TRY(hold_extent(store, e, e->epoch, e->offset,
	    rfm_extent_of(e->bytes), error));
	while ((part = rfm_catalog_part(&store->catalog, e, part)) != NULL)
		RFM_TRY(hold_extent(store, part, part->epoch, part->offset,
		    rfm_extent_of(part->bytes), error));
	return RFM_OK;
}
enum rfm_status
rfm_hold_left(struct rfm_store *store, struct rfm_entry *e,
    const struct rfm_entry *old, struct rfm_error *error)
{
	uint64_t kept = e->offset == old->offset ? rfm_extent_of(e->bytes) : 0;

	if (kept >= rfm_extent_of(old->bytes))
		return RFM_OK;
	return hold_extent(store, e, old->epoch, old->offset + kept,
	    rfm_extent_of(old->bytes) - kept, error);
}
/* let the pending extents wait for readers only */
void
rfm_pending_are_committed(struct rfm_store *store)
{
	struct extents *p = &store->pending;

	for (size_t i = 0; i < p->count; i++)
		(void)rfm_extents_push(&store->waiting, p->list[i].offset,
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

void
rfm_give_all_free_blocks_back(struct rfm_store *store)
{
	uint64_t cursor = 0, offset, bytes;

	while (rfm_space_next(store->space, &cursor, &offset, &bytes))
		give_blocks_back(store, offset, bytes);
}
/* release the waiting extents unless somebody reads */
bool
rfm_nobody_holds(struct rfm_store *store, enum rfm_lock which)
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
	    !rfm_nobody_holds(store, RFM_LOCK_FORKS))
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
void
rfm_release_waiting(struct rfm_store *store)
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
enum rfm_status
rfm_reserve_extent(struct rfm_store *store, uint64_t offset, uint64_t bytes,
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
enum rfm_status
rfm_reserve_live(struct rfm_store *store, uint64_t offset, uint64_t bytes,
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
void
rfm_hand_over(struct rfm_store *store, uint64_t offset, uint64_t bytes,
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
				memset(rfm_address_of(store, offset), 0,
				    stop - offset);
		} else {
			if (zero && !(store->chunks[c] & CHUNK_ZERO))
				memset(rfm_address_of(store, offset), 0,
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
enum rfm_status
rfm_secure_chunks(struct rfm_store *store, uint64_t file_bytes,
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
/* map the file */
enum rfm_status
rfm_map_up_to(struct rfm_store *store, uint64_t bytes,
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

enum rfm_status
rfm_map_file(struct rfm_store *store, struct rfm_error *error)
{
	void *base;

	RFM_TRY(reserve_addresses(store, store->wanted_addresses, &base,
	    &store->address_bytes, error));
	store->base = base;
	if (store->space == NULL)
		RFM_TRY(rfm_space_create(&store->space, error));
	return rfm_map_up_to(store, store->file_bytes, error);
}
/* grow the file */
enum rfm_status
rfm_grow_file(struct rfm_store *store, uint64_t bytes,
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
	RFM_TRY(rfm_secure_chunks(store, fresh, error));
	RFM_TRY(store->os->reserve(store->os, store->file, old, bytes,
	    error));
	RFM_TRY(extend_file(store, fresh, error));
	RFM_TRY(rfm_map_up_to(store, fresh, error));
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
/* make room for an extent */
static enum rfm_status
make_room(struct rfm_store *store, uint64_t bytes, uint64_t align,
    uint64_t *offset, struct rfm_error *error)
{
	uint64_t with_slack;

	if (rfm_writes_file(store) && rfm_keeps_catalog(store) &&
	    store->log.begun && !store->log.poisoned && !store->growing &&
	    store->pending.bytes >= bytes) {
		RFM_TRY(rfm_commit(store, error));
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
	if (rfm_writes_file(store))
		RFM_TRY(rfm_grow_file(store, with_slack, error));
	else
		RFM_TRY(grow_arena(store, with_slack, error));
	return rfm_space_take(store->space, bytes, align, offset, error);
}
/* take an extent */
enum rfm_status
rfm_take_extent(struct rfm_store *store, uint64_t payload_bytes,
    enum rfm_growth growth, uint64_t *offset, struct rfm_error *error)
{
	return rfm_take_room(store, payload_bytes, payload_bytes, growth,
	    offset, error);
}

enum rfm_status
rfm_take_room(struct rfm_store *store, uint64_t payload_bytes,
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
	if (status == RFM_NO_ROOM && store->waiting.count > 0) {
		rfm_release_waiting(store);
		status = rfm_space_take(store->space, bytes, align, offset,
		    error);
	}
	if (status == RFM_NO_ROOM && growth == RFM_GROW)
		status = make_room(store, bytes, align, offset, error);
	if (status != RFM_OK || !rfm_writes_file(store))
		return status;
	status = rfm_reserve_extent(store, *offset, used_bytes == 0 ? 1
	    : used_bytes, error);
	if (status != RFM_OK)
		(void)rfm_space_give(store->space, *offset, bytes, NULL);
	return status;
}
/* widen an extent in place */
bool
rfm_widen_extent(struct rfm_store *store, uint64_t offset, uint64_t old,
    uint64_t extent)
{
	if (!rfm_space_widen(store->space, offset, old, extent))
		return false;
	if (!rfm_writes_file(store) || extent == old ||
	    rfm_reserve_extent(store, offset + old, extent - old, NULL) ==
	    RFM_OK)
		return true;
	(void)rfm_space_add(store->space, offset + old, extent - old,
	    NULL);
	return false;
}
/* give the log its room */
/* let a segment begin in fresh pages */
static enum rfm_status
freshen(struct rfm_store *store, uint64_t offset, uint64_t bytes,
    struct rfm_error *error)
{
	enum rfm_status status;

	if (!rfm_writes_file(store) || offset % RFM_PAGE_BYTES != 0 ||
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

enum rfm_status
rfm_take_segment(void *context, uint64_t bytes, uint64_t *offset,
    struct rfm_error *error)
{
	struct rfm_store *store = context;
	uint64_t          rounded = 0;
	enum rfm_status   status;

	store->growing = true;
	status = rfm_take_extent(store, bytes, RFM_GROW, offset, error);
	store->growing = false;
	if (status != RFM_OK || !rfm_extent_bytes(bytes, &rounded))
		return status;
	status = freshen(store, *offset, rounded, error);
	if (status != RFM_OK)
		(void)rfm_space_give(store->space, *offset, rounded, NULL);
	else
		rfm_hand_over(store, *offset, rounded, false);
	return status;
}

void
rfm_give_segment(void *context, uint64_t offset, uint64_t bytes)
{
	struct rfm_store *store = context;
	uint64_t          rounded;

	if (rfm_extent_bytes(bytes, &rounded))
		(void)rfm_extents_push(&store->waiting, offset, rounded,
		    store->log.epoch + 1);
}
/* let a gap be free or wait */
static uint64_t
unknown_from(const struct rfm_store *store)
{
	return store->log.epoch + (store->log.uncommitted > 0); /* keeps I6 */
}

static enum rfm_status
add_gap(struct rfm_store *store, uint64_t offset, uint64_t bytes,
    bool quiet, struct rfm_error *error)
{
	if (bytes == 0)
		return RFM_OK;
	if (quiet)
		return rfm_space_add(store->space, offset, bytes, error);
	if (!rfm_extents_push(&store->waiting, offset, bytes,
	    unknown_from(store)))
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory to remember free extents");
	return RFM_OK;
}
/* add the gaps between extents */
static enum rfm_status
add_gaps(struct rfm_store *store, struct extents *used,
    struct rfm_error *error)
{
	bool     quiet = !store->os->pinned(store->os, store->file,
	    unknown_from(store)) && rfm_nobody_holds(store, RFM_LOCK_FORKS);
	uint64_t end = RFM_HEAP_OFFSET;

	rfm_extents_sort(used);
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
/* gather what is in use */
static bool
gather_used(struct rfm_store *store, struct extents *used)
{
	const struct rfm_catalog *c = &store->catalog;
	uint64_t                  bytes = 0;
	bool                      good = true;

	for (size_t i = 0; good && i < c->count; i++)
		if (c->entries[i].state != RFM_DESTROYED)
			good = rfm_extent_bytes(c->entries[i].bytes,
			    &bytes) && rfm_extents_push(used,
			    c->entries[i].offset, bytes, 0);
	for (size_t i = 0; good && i < store->pending.count; i++)
		good = rfm_extents_push(used, store->pending.list[i].offset,
		    store->pending.list[i].bytes, 0);
	for (size_t i = 0; good && i < store->log.count; i++)
		good = rfm_extent_bytes(store->log.segments[i].bytes,
		    &bytes) && rfm_extents_push(used,
		    store->log.segments[i].offset, bytes, 0);
	return good;
}
/* derive the free space */
enum rfm_status
rfm_derive_space(struct rfm_store *store, struct rfm_error *error)
{
	struct extents  used = { NULL, 0, 0, 0 };
	enum rfm_status status;

	RFM_TRY(rfm_secure_chunks(store, store->file_bytes, error));
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
