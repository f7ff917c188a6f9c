/* Tangled from lit/58_about.nw by 'make tangle': change it there, not here. */
#include "inside.h"
#include <stdlib.h>
#include <string.h>

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
	info->pin = store->access == RFM_WRITE ? store->log.epoch : store->pin;
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
static void
show_records(const struct rfm_store *store, rfm_extent_visitor *visit,
    void *context)
{
	for (size_t i = 0; i < store->catalog.count; i++) {
		const struct rfm_entry *e = &store->catalog.entries[i];

		if (e->state != RFM_DESTROYED)
			show_extent(store, visit, context,
			    (struct rfm_extent_info) { e->offset,
			    rfm_extent_of(e->bytes), e->id,
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
			    rfm_extent_of(p->room), 0, RFM_USE_TEMPORARY });
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
		    rfm_extent_of(log->segments[i].bytes), 0,
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
	*disk += p->whole == NULL ? rfm_extent_of(p->room) : p->bytes;
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
