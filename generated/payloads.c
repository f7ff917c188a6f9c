/* Tangled from lit/53_payloads.nw by 'make tangle': change it there, not here. */
#include "inside.h"
#include <stdlib.h>
#include <string.h>

/* describe a payload and count its reference */
void
rfm_describe_payload(struct rfm_store *store, struct rfm_payload *p,
    uint32_t type, uint64_t length, uint64_t room)
{
	p->store = store;
	p->address = rfm_address_of(store, p->offset);
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
bool
rfm_has_meaning(uint32_t type)
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
	RFM_TRY(rfm_begin(store, error));
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for one more vector");
	status = rfm_take_room(store, bytes, length * rfm_type_bytes(type),
	    growth, &p->offset, error);
	if (status != RFM_OK) {		/* keeps I13 */
		free(p);
		return status;
	}
	extent = rfm_extent_of(bytes);
	rfm_hand_over(store, p->offset, room > length
	    ? length * rfm_type_bytes(type) : extent, zero);
	rfm_describe_payload(store, p, type, length, bytes);
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
	uint64_t before = store->file_bytes;

	RFM_TRY(take_payload(store, type, length, room,
	    zero || rfm_has_meaning(type), growth, payload, error));
	store->temporaries++;
	if (room > length) {
		if (store->copied == 0)
			store->uncopied_bytes = before;
		store->copied += (*payload)->bytes;
	}
	return RFM_OK;
}
/* write the record of a payload */
enum rfm_status
rfm_log_allocation(struct rfm_payload *p, uint32_t flags,
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
	RFM_TRY(rfm_append_and_apply(store, RFM_RECORD_ALLOCATE, &a, error));
	e = rfm_catalog_find(&store->catalog, a.id);
	e->attachment = p;
	p->id = a.id;
	p->state = e->state;
	store->temporaries -= p->owner == NULL;
	store->temporary_bytes -= rfm_extent_of(p->room);
	return RFM_OK;
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
	if (rfm_writes_file(store) && rfm_keeps_catalog(store)) {
		status = rfm_log_allocation(p, 0, error);
		if (status != RFM_OK) {
			rfm_payload_release(p);
			return status;
		}
	}
	*payload = p;
	return RFM_OK;
}
/* return a payload's room or its row */
static void
give_temporary_back(struct rfm_store *store, const struct rfm_payload *p)
{
	uint64_t bytes = rfm_extent_of(p->room);

	store->temporaries -= p->owner == NULL;
	store->temporary_bytes -= bytes;
	if (store->forked && p->offset < RFM_FILE_MAX_BYTES)
		return;		/* keeps I12 */
	if (store->unwatched_fork || p->offset == store->doubt.offset)
		return;
	if (store->children && !rfm_nobody_holds(store, RFM_LOCK_FORKS))
		(void)rfm_extents_push(&store->waiting, p->offset, bytes, 0);
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
	rfm_note_orphan(store, e);
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
void
rfm_drop_handle(struct rfm_payload *p, struct rfm_payload **dying)
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
			rfm_drop_handle(p->whole, &dying);
			end_payload(p);
			continue;
		}
		rfm_drop_elements(p, &dying);
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

	rfm_drop_handle(p, &dying);
	end_all(dying);
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
	rfm_show_parts_to_views(owner);
	return RFM_OK;
}

static void
add_part(struct rfm_payload *owner, struct rfm_payload *part)
{
	owner->parts[owner->part_count++] = part;
	rfm_show_parts_to_views(owner);
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
	if (owner->state == RFM_COMMITTED && rfm_writes_file(store))
		status = rfm_log_allocation(part, 0, error);
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

	if (rfm_writes_file(store) && e->state == RFM_COMMITTED)
		RFM_TRY(rfm_reserve_live(store, e->offset,
		    rfm_extent_of(e->bytes), error));
	p = calloc(1, sizeof *p);
	if (p == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for one more vector");
	p->id = e->id;
	p->offset = e->offset;
	p->state = e->id == store->doubt.id ? RFM_SEALED : e->state;
	rfm_describe_payload(store, p, e->type, e->length, e->bytes);
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
	    (p->id != 0 && rfm_in_a_list(p));
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
/* write a seal */
enum rfm_status
rfm_log_seal(struct rfm_store *store, uint64_t id, uint32_t flags,
    struct rfm_error *error)
{
	struct rfm_seal_disk body = { .id = id, .flags = flags };
	struct rfm_payload  *p;

	RFM_TRY(rfm_append_and_apply(store, RFM_RECORD_SEAL, &body, error));
	p = rfm_catalog_find(&store->catalog, id)->attachment;
	if (p == NULL)
		return RFM_OK;
	p->state = RFM_SEALED;		/* keeps I7 */
	for (uint32_t k = 0; k < p->part_count; k++)
		if (p->parts[k]->id != 0)
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
	    rfm_refuse_change(store, NULL) != RFM_OK)
		return RFM_OK;
	return rfm_log_seal(store, p->id, RFM_SEAL_REFERENCED, error);
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
	if (!rfm_keeps_catalog(store))
		return rfm_fail(error, RFM_MODE,
		    "%s is a scratch store and keeps no records",
		    store->path);
	RFM_TRY(rfm_refuse_change(store, error));
	if (rfm_type_has_ids(p->type) || (p->id == 0 && p->part_count > 0))
		return rfm_publish(p, RFM_ALLOCATE_SEALED, true, error);
	if (p->state == RFM_COMMITTED)
		return rfm_log_seal(store, p->id, RFM_SEAL_REFERENCED, error);
	return rfm_log_allocation(p, RFM_ALLOCATE_SEALED, error);
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
	if (!rfm_keeps_catalog(store))
		return rfm_fail(error, RFM_MODE,
		    "%s is a scratch store and keeps no records",
		    store->path);
	if (p->part_count > 0)
		return rfm_fail(error, RFM_ARGUMENT,
		    "a vector with parts is kept by sealing it");
	RFM_TRY(rfm_refuse_change(store, error));
	if (rfm_type_has_ids(p->type))
		return rfm_publish(p, 0, false, error);
	return rfm_log_allocation(p, 0, error);
}
/* free a record */
enum rfm_status
rfm_free_record(struct rfm_store *store, uint64_t id, struct rfm_error *error)
{
	struct rfm_free_disk body = { id };
	struct rfm_entry    *e;

	RFM_TRY(rfm_append_and_apply(store, RFM_RECORD_FREE, &body, error));
	e = rfm_catalog_find(&store->catalog, id);
	(void)rfm_hold_freed(store, e, NULL);	/* keeps I6 */
	if (rfm_type_has_ids(e->type))
		rfm_forget_cells(store, e);
	return RFM_OK;
}
/* close what handles lead to */
void
rfm_close_payload(struct rfm_payload *p)
{
	if (p->state == RFM_TEMPORARY)
		give_temporary_back(p->store, p);
	else if (p->whole == NULL)
		detach(p->store, p);
	p->state = RFM_DESTROYED;
	p->address = NULL;
}

void
rfm_close_views(struct rfm_payload *whole)
{
	if (whole->views == 0)
		return;
	for (struct rfm_payload *p = whole->store->payloads; p != NULL;
	    p = p->next)
		if (p->whole == whole)
			rfm_close_payload(p);
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
		rfm_close_payload(p);
		return RFM_OK;
	}
	if (rfm_has_parents(p))
		return rfm_fail(error, RFM_HAS_PARENT,
		    "the vector is an element of a list, or of a named"
		    " object, which holds a parent reference to it");
	if (reclaim && p->state != RFM_TEMPORARY) {
		RFM_TRY(rfm_refuse_change(store, error));
		RFM_TRY(rfm_free_record(store, p->id, error));
	}
	rfm_drop_elements(p, &dying);
	rfm_close_views(p);
	for (uint32_t k = 0; k < p->part_count; k++)
		rfm_close_payload(p->parts[k]);
	rfm_close_payload(p);
	end_all(dying);
	rfm_sweep_orphans(store);
	if (reclaim)
		rfm_tidy_log(store);
	return RFM_OK;
}
/* widen a temporary in place */
bool
rfm_store_widen(struct rfm_payload *p, uint64_t length)
{
	struct rfm_store *store = p->store;
	uint64_t          bytes, extent, old = rfm_extent_of(p->room);

	if (p->state != RFM_TEMPORARY || p->handles > 1 ||
	    length < p->length || p->room > p->bytes ||
	    !rfm_multiply(length, rfm_type_bytes(p->type), &bytes) ||
	    !rfm_extent_bytes(bytes, &extent) ||
	    rfm_extent_align(bytes) != rfm_extent_align(p->room) ||
	    !rfm_widen_extent(store, p->offset, old, extent))
		return false;
	rfm_hand_over(store, p->offset + old, extent - old,
	    rfm_has_meaning(p->type));
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

	RFM_TRY(rfm_append_and_apply(store, RFM_RECORD_MOVE, &body, error));
	(void)rfm_hold_left(store, rfm_catalog_find(&store->catalog, p->id),
	    &old, NULL);		/* keeps I6 */
	p->offset = offset;
	p->address = rfm_address_of(store, offset);
	p->bytes = p->room = bytes;
	p->length = p->reach = body.length;
	return RFM_OK;
}
enum rfm_status
rfm_relocate(struct rfm_payload *p, uint64_t bytes, enum rfm_growth growth,
    struct rfm_error *error)
{
	struct rfm_store *store = p->store;
	uint64_t          offset, extent;
	enum rfm_status   status;

	RFM_TRY(rfm_begin(store, error));
	RFM_TRY(rfm_take_extent(store, bytes, growth, &offset, error));
	extent = rfm_extent_of(bytes);
	rfm_hand_over(store, offset, extent, false);
	memcpy(rfm_address_of(store, offset), p->address,
	    (size_t)(bytes < p->bytes ? bytes : p->bytes));
	status = log_move(p, offset, bytes, error);
	if (status != RFM_OK && offset != store->doubt.offset)
		(void)rfm_space_give(store->space, offset, extent,
		    NULL);		/* keeps I13 */
	return status;
}
/* resize a raw block */
static enum rfm_status
resize_record(struct rfm_payload *p, uint64_t bytes,
    enum rfm_growth growth, struct rfm_error *error)
{
	struct rfm_store *store = p->store;
	uint64_t          old = rfm_extent_of(p->room), extent;
	enum rfm_status   status;

	RFM_TRY(rfm_refuse_change(store, error));
	RFM_TRY(rfm_begin(store, error));
	extent = rfm_extent_of(bytes);
	if (p->offset % rfm_extent_align(bytes) != 0)
		return rfm_relocate(p, bytes, growth, error);
	if (extent <= old)
		return log_move(p, p->offset, bytes, error);
	if (rfm_extent_align(bytes) != rfm_extent_align(p->bytes) ||
	    !rfm_widen_extent(store, p->offset, old, extent))
		return rfm_relocate(p, bytes, growth, error);
	rfm_hand_over(store, p->offset + old, extent - old, false);
	status = log_move(p, p->offset, bytes, error);
	if (status != RFM_OK && p->offset != store->doubt.offset)
		(void)rfm_space_add(store->space, p->offset + old,
		    extent - old, NULL);	/* keeps I13 */
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
	RFM_TRY(rfm_take_extent(store, bytes, growth, &offset, error));
	extent = rfm_extent_of(bytes);
	rfm_hand_over(store, offset, extent, false);
	memcpy(rfm_address_of(store, offset), p->address,
	    (size_t)(bytes < p->bytes ? bytes : p->bytes));
	store->temporaries++;
	store->temporary_bytes += extent;
	give_temporary_back(store, &old);
	p->offset = offset;
	p->address = rfm_address_of(store, offset);
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
