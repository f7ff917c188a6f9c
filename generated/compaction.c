/* Tangled from lit/57_compaction.nw by 'make tangle': change it there, not here. */
#include "inside.h"
#include <stdlib.h>
#include <string.h>

/* gather records and holes */
static bool
gather_movable(struct rfm_store *store, struct extents *movable)
{
	const struct rfm_catalog *c = &store->catalog;
	bool                      good = true;

	for (size_t i = 0; good && i < c->count; i++)
		if (c->entries[i].state != RFM_DESTROYED &&
		    c->entries[i].attachment == NULL)
			good = rfm_extents_push(movable, c->entries[i].offset,
			    rfm_extent_of(c->entries[i].bytes),
			    c->entries[i].id);
	rfm_extents_sort(movable);
	return good;
}

static bool
gather_holes(struct rfm_store *store, struct extents *holes)
{
	uint64_t cursor = 0, offset, bytes;
	bool     good = true;

	while (good && rfm_space_next(store->space, &cursor, &offset,
	    &bytes))
		good = rfm_extents_push(holes, offset, bytes, 0);
	rfm_extents_sort(holes);
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
	uint64_t bytes = rfm_extent_of(e->bytes);
	uint64_t align = rfm_extent_align(e->bytes);

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

	status = rfm_reserve_extent(store, place, used == 0 ? 1 : used, error);
	if (status == RFM_OK) {
		rfm_hand_over(store, place, rfm_extent_of(e->bytes), false);
		memcpy(rfm_address_of(store, place),
		    rfm_address_of(store, e->offset), (size_t)used);
		status = rfm_append_and_apply(store, RFM_RECORD_MOVE, &body,
		    error);
	}
	if (status != RFM_OK && place != store->doubt.offset)
		(void)rfm_space_give(store->space, place,
		    rfm_extent_of(e->bytes), NULL);	/* keeps I13 */
	RFM_TRY(status);
	return rfm_hold_left(store, rfm_catalog_find(&store->catalog, id), &old,
	    error);
}
/* move records into holes */
static enum rfm_status
fill_holes(struct rfm_store *store, struct rfm_compaction *c,
    uint64_t limit, const struct extents *movable,
    struct extents *holes, struct rfm_error *error)
{
	for (size_t i = movable->count; i-- > 0 && c->moved < c->budget;) {
		uint64_t id = movable->list[i].number, place;

		if (movable->list[i].bytes > limit - c->moved ||
		    !find_hole(store, holes, rfm_catalog_find(
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
	RFM_TRY(rfm_take_extent(store, rfm_catalog_find(&store->catalog,
	    id)->bytes, RFM_GROW, &place, error));
	RFM_TRY(move_row(store, id, place, error));
	c->moved = c->set_aside = movable->list[i].bytes;
	return RFM_OK;
}
/* compact a little */
static enum rfm_status
compact_once(struct rfm_store *store, struct rfm_compaction *c,
    uint64_t limit, struct extents *movable, struct extents *holes,
    struct rfm_error *error)
{
	if (!gather_movable(store, movable) || !gather_holes(store, holes))
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory to compact %s", store->path);
	RFM_TRY(fill_holes(store, c, limit, movable, holes, error));
	if (c->moved == 0 && c->may_set_aside)
		RFM_TRY(set_one_aside(store, c, movable, holes, error));
	return c->moved == 0 ? RFM_OK : rfm_commit(store, error);
}

static enum rfm_status
compact_up_to(struct rfm_store *store, struct rfm_compaction *c,
    uint64_t limit, struct rfm_error *error)
{
	struct extents  movable = { NULL, 0, 0, 0 };
	struct extents  holes = { NULL, 0, 0, 0 };
	enum rfm_status status;

	c->moved = c->set_aside = 0;
	RFM_TRY(rfm_refuse_change(store, error));
	if (!rfm_keeps_catalog(store))
		return RFM_OK;
	RFM_TRY(rfm_begin(store, error));
	RFM_TRY(rfm_commit(store, error));
	status = compact_once(store, c, limit, &movable, &holes, error);
	free(movable.list);
	free(holes.list);
	return status;
}

enum rfm_status
rfm_store_compact(struct rfm_store *store, struct rfm_compaction *c,
    struct rfm_error *error)
{
	return compact_up_to(store, c, UINT64_MAX, error);
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
		    e->offset + rfm_extent_of(e->bytes) > end)
			end = e->offset + rfm_extent_of(e->bytes);
	}
	for (const struct rfm_payload *p = store->payloads; p != NULL;
	    p = p->next)
		if (p->state == RFM_TEMPORARY &&
		    p->offset < RFM_FILE_MAX_BYTES &&
		    p->offset + rfm_extent_of(p->room) > end)
			end = p->offset + rfm_extent_of(p->room);
	return end;
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
		good = rfm_space_expect(store->space, 2, NULL) == RFM_OK &&
		    rfm_extents_push(taken, h->offset, h->bytes, 0);
		if (good && !rfm_space_widen(store->space, h->offset, 0,
		    h->bytes)) {
			taken->count--;
			good = false;
		}
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
		status = rfm_checkpoint(store, error);
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
	    : rfm_checkpoint(store, error);
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
static enum rfm_status
trim_to(struct rfm_store *store, uint64_t least, struct rfm_error *error)
{
	uint64_t end;

	RFM_TRY(rfm_refuse_change(store, error));
	if (!rfm_keeps_catalog(store))
		return RFM_OK;
	RFM_TRY(rfm_begin(store, error));
	RFM_TRY(rfm_commit(store, error));
	RFM_TRY(checkpoint_before(store, end_of_payloads(store), error));
	rfm_release_waiting(store);
	end = end_of_payloads(store);
	if (end < least)
		end = least;
	for (size_t i = 0; i < store->log.count; i++) {
		uint64_t last = store->log.segments[i].offset +
		    rfm_extent_of(store->log.segments[i].bytes);

		if (last > end)
			end = last;
	}
	return cut_behind(store, end, error);
}

enum rfm_status
rfm_store_trim(struct rfm_store *store, struct rfm_error *error)
{
	return trim_to(store, 0, error);
}
/* give back what appending took */
static bool
is_loose(const struct rfm_store *store)
{
	struct rfm_space_sum sum;

	rfm_space_summary(store->space, &sum);
	return store->file_bytes > store->uncopied_bytes &&
	    sum.free_bytes + store->pending.bytes + store->waiting.bytes >
	    store->file_bytes / 3;
}

void
rfm_give_growth_back(struct rfm_store *store)
{
	struct rfm_compaction c = { 0, 0, 0, false };

	if (store->copied == 0 || store->log.poisoned || !is_loose(store))
		return;
	do {
		c.budget = store->copied;
		if (compact_up_to(store, &c, c.budget, NULL) != RFM_OK)
			return;
		store->copied -= c.moved;
	} while (c.moved > 0 && store->copied > 0);
	(void)trim_to(store, store->uncopied_bytes, NULL);
	store->copied = 0;
}
/* free all records */
static enum rfm_status
log_all_free(struct rfm_store *store, struct extents *all,
    struct rfm_error *error)
{
	const struct rfm_catalog *c = &store->catalog;

	for (size_t i = 0; i < c->count; i++) {
		const struct rfm_entry *e = &c->entries[i];

		if (e->state != RFM_DESTROYED && e->owner == 0 &&
		    !rfm_extents_push(all, e->offset, e->bytes, e->id))
			return rfm_fail(error, RFM_NO_MEMORY,
			    "no memory to empty %s", store->path);
	}
	RFM_TRY(rfm_begin_group(store, all->count, 0, 0, error));
	for (size_t i = 0; i < all->count; i++) {
		struct rfm_free_disk body = { all->list[i].number };

		RFM_TRY(rfm_append_and_apply(store, RFM_RECORD_FREE, &body,
		    error));
	}
	return RFM_OK;
}
static void
let_all_go(struct rfm_store *store, const struct extents *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct rfm_entry   *e = rfm_catalog_find(&store->catalog,
		    all->list[i].number);
		struct rfm_payload *p = e->attachment;

		(void)rfm_hold_freed(store, e, NULL);	/* keeps I6 */
		if (p == NULL)
			continue;
		rfm_close_views(p);
		for (uint32_t k = 0; k < p->part_count; k++)
			rfm_close_payload(p->parts[k]);
		rfm_close_payload(p);
	}
}

enum rfm_status
rfm_store_clear(struct rfm_store *store, struct rfm_error *error)
{
	const struct rfm_catalog *c = &store->catalog;
	struct extents            all = { NULL, 0, 0, 0 };
	enum rfm_status           status;

	RFM_TRY(rfm_refuse_change(store, error));
	if (c->name_count > 0)
		return rfm_fail(error, RFM_ARGUMENT,
		    "there are names left in %s", store->path);
	if (c->live == 0)
		return RFM_OK;
	status = log_all_free(store, &all, error);	/* keeps I13 */
	if (status == RFM_OK) {
		let_all_go(store, &all);
		store->finding_count = 0;
	}
	free(all.list);
	return status;
}
