/* Tangled from lit/52_sync.nw by 'make tangle': change it there, not here. */
#include "inside.h"
#include <string.h>

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

void
rfm_tidy_log(struct rfm_store *store)
{
	if (rfm_keeps_catalog(store) && rfm_writes_file(store) &&
	    dead_log_bytes(store) >= RFM_LOG_DEAD_LIMIT_BYTES)
		(void)rfm_store_sync(store, NULL);
}
/* give the log the living records */
void
rfm_put_name(void *body, const struct rfm_name *name)
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
		rfm_put_name(body, catalog->names[i - catalog->count]);
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
enum rfm_status
rfm_begin(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_log_live live;

	if (!rfm_writes_file(store) || !rfm_keeps_catalog(store) ||
	    store->log.begun)
		return RFM_OK;
	if (!store->log.cut && !store->log.torn)
		return rfm_log_begin(&store->log, NULL, error);
	live = living(store);
	RFM_TRY(rfm_log_begin(&store->log, &live, error));
	rfm_pending_are_committed(store);
	rfm_release_waiting(store);
	return RFM_OK;
}
/* append a record and apply it */
enum rfm_status
rfm_append_and_apply(struct rfm_store *store, enum rfm_record_kind kind,
    const void *body, struct rfm_error *error)
{
	uint64_t        record_offset;
	enum rfm_status status;
	bool            ended = store->log.poisoned;

	RFM_TRY(rfm_begin(store, error));
	status = rfm_log_append(&store->log, kind, body, &record_offset,
	    error);
	if (store->log.poisoned && !ended &&
	    (kind == RFM_RECORD_ALLOCATE || kind == RFM_RECORD_MOVE))
		memcpy(&store->doubt, body, sizeof store->doubt);
	RFM_TRY(status);
	return rfm_catalog_apply(&store->catalog, kind, body,
	    record_offset, store->file_bytes, error);
}
/* begin a group of records */
enum rfm_status
rfm_begin_group(struct rfm_store *store, uint64_t records, uint64_t names,
    uint64_t name_bytes, struct rfm_error *error)
{
	uint64_t all, bytes, next = store->catalog.next_id;

	if (records > 0 && records > UINT64_MAX - 1 - next)
		return rfm_fail(error, RFM_TOO_LARGE,
		    "%s has given out all its ids", store->path);
	if (!rfm_add(records, names, &all) ||
	    !rfm_multiply(all, sizeof(struct rfm_record_disk) +
	    sizeof(struct rfm_allocate_disk), &bytes) ||
	    !rfm_add(bytes, name_bytes, &bytes))
		bytes = UINT64_MAX;
	RFM_TRY(rfm_begin(store, error));
	RFM_TRY(rfm_catalog_secure(&store->catalog, records, error));
	RFM_TRY(rfm_catalog_prepare_names(&store->catalog, names, error));
	return rfm_log_group(&store->log, all, bytes, error);
}
/* checkpoint the store */
enum rfm_status
rfm_checkpoint(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_log_live live = living(store);

	RFM_TRY(rfm_log_checkpoint(&store->log, &live, error));
	rfm_pending_are_committed(store);
	rfm_release_waiting(store);
	return RFM_OK;
}
/* sync */
enum rfm_status
rfm_store_sync(struct rfm_store *store, struct rfm_error *error)
{
	if (!rfm_keeps_catalog(store))
		return rfm_fail(error, RFM_MODE,
		    "%s is a scratch store: nothing in it survives, so"
		    " there is nothing to sync", store->path);
	RFM_TRY(rfm_refuse_change(store, error));
	return rfm_commit(store, error);
}

enum rfm_status
rfm_commit(struct rfm_store *store, struct rfm_error *error)
{
	struct rfm_catalog *catalog = &store->catalog;
	enum rfm_status     status;

	if (store->log.uncommitted > 0)
		RFM_TRY(rfm_begin(store, error));
	if (store->log.begun)
		rfm_sweep_orphans(store);
	RFM_TRY(rfm_log_commit(&store->log, catalog->next_id == 0 ? 1
	    : catalog->next_id, error));
	store->last_sync = store->os->now(store->os);
	rfm_pending_are_committed(store);
	rfm_release_waiting(store);
	if (!store->log.begun || dead_log_bytes(store) <=
	    store->log.bytes / 2 + store->log.first_segment_bytes)
		return RFM_OK;
	status = rfm_checkpoint(store, error);
	return store->log.poisoned ? status : RFM_OK;
}
