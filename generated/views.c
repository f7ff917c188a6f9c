/* Tangled from lit/55_views.nw by 'make tangle': change it there, not here. */
#include "inside.h"
#include <stdlib.h>

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
	rfm_describe_payload(whole->store, p, whole->type, length,
	    length * each);
	*view = p;
	return RFM_OK;
}
/* keep the views' lists of parts */
void
rfm_show_parts_to_views(struct rfm_payload *whole)
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
/* reach further */
static uint64_t
room_to_take(struct rfm_payload *p, uint64_t last)
{
	struct rfm_store *store = p->store;
	uint64_t          each = rfm_type_bytes(p->type), behind, want;
	uint64_t          old = rfm_extent_of(p->room), most;
	uint64_t          end = p->offset + old;

	behind = rfm_space_behind(store->space, end);
	want = (last + last / 2) * each;
	if (want >= RFM_PAGE_BYTES && p->offset % RFM_PAGE_BYTES != 0)
		want = (RFM_PAGE_BYTES - 1) / each * each;
	if (want < (last + last / 8) * each)
		return 0;
	if (behind < want - p->room && end + behind == store->file_bytes &&
	    rfm_grow_file(store, want - p->room - behind, NULL) == RFM_OK)
		behind = rfm_space_behind(store->space, end);
	most = old + behind;
	if (want >= RFM_PAGE_BYTES)
		most -= most % RFM_PAGE_BYTES;
	if (want > most)
		want = most / each * each;
	return want < (last + last / 8) * each ? 0 : want;
}
static bool
widen_room(struct rfm_payload *p, uint64_t last)
{
	struct rfm_store    *store = p->store;
	struct rfm_move_disk body = { p->id, p->offset, 0, 0 };
	struct rfm_entry    *e = rfm_catalog_find(&store->catalog, p->id);
	uint64_t             extent, old = rfm_extent_of(p->room);

	if (p->id == 0 || e == NULL || last > RFM_FILE_MAX_BYTES / 32 ||
	    e->length * rfm_type_bytes(e->type) == e->bytes)
		return false;		/* keeps I7 */
	body.bytes = room_to_take(p, last);
	body.length = e->length;
	if (body.bytes == 0 || !rfm_extent_bytes(body.bytes, &extent) ||
	    p->offset % rfm_extent_align(body.bytes) != 0 ||
	    !rfm_space_widen(store->space, p->offset, old, extent))
		return false;
	if (rfm_append_and_apply(store, RFM_RECORD_MOVE, &body, NULL) !=
	    RFM_OK) {			/* keeps I13 */
		(void)rfm_space_add(store->space, p->offset + old,
		    extent - old, NULL);
		return false;
	}
	p->room = body.bytes;
	return true;
}
bool
rfm_payload_roomy(const struct rfm_payload *p)
{
	return p->whole == NULL && p->owner == NULL &&
	    p->room > p->length * rfm_type_bytes(p->type);
}

static bool
may_reach(struct rfm_payload *p, uint64_t end, uint64_t count)
{
	uint64_t last, bytes;

	return p->state != RFM_DESTROYED && p->whole == NULL &&
	    (p->id == 0 || !p->store->log.poisoned) &&
	    !rfm_type_has_ids(p->type) && rfm_writes_file(p->store) &&
	    p->reach == end && rfm_add(end, count, &last) &&
	    rfm_multiply(last, rfm_type_bytes(p->type), &bytes) &&
	    (bytes < p->room || widen_room(p, last) || bytes == p->room);
}

enum rfm_status
rfm_store_reach(struct rfm_payload *p, uint64_t end, uint64_t count,
    void **address, struct rfm_error *error)
{
	struct rfm_store *store = p->store;
	uint64_t          each = rfm_type_bytes(p->type);
	uint64_t          offset = p->offset + end * each;

	RFM_TRY(rfm_refuse_change(store, error));
	if (!may_reach(p, end, count))
		return rfm_fail(error, RFM_NO_ROOM,
		    "there is no room behind these elements");
	if (count > 0) {
		RFM_TRY(rfm_reserve_live(store, offset, count * each, error));
		rfm_hand_over(store, offset, count * each,
		    rfm_has_meaning(p->type));
	}
	*address = (char *)p->address + end * each;
	p->reach += count;
	return RFM_OK;
}
/* collect what has been reached */
static struct rfm_entry *
reached(const struct rfm_payload *p)    /* its row, if it says less */
{
	struct rfm_entry *e = p->id == 0 ? NULL :
	    rfm_catalog_find(&p->store->catalog, p->id);

	return e != NULL && p->reach > e->length ? e : NULL;
}

static uint64_t
parts_to_log(const struct rfm_payload *p)
{
	uint64_t n = 0;

	for (uint32_t k = 0; k < p->part_count; k++)
		n += p->parts[k]->id == 0 || reached(p->parts[k]) != NULL;
	return n;
}
enum rfm_status
rfm_collect_reached(struct walk *w, const struct rfm_payload *object,
    struct rfm_error *error)
{
	struct rfm_payload *p = object->type == RFM_OBJECT &&
	    object->length > 0 ? *(struct rfm_payload **)object->address
	    : NULL;
	void               *list = w->reached;
	struct rfm_entry   *e = p == NULL ? NULL : reached(p);
	enum rfm_status     status;

	if (e == NULL || p->mark == w->store->mark + 1)
		return RFM_OK;
	status = rfm_secure_list(&list, &w->reached_room, w->reached_count,
	    sizeof(struct rfm_payload *), error);
	w->reached = list;
	RFM_TRY(status);
	rfm_payload_retain(p);
	w->reached[w->reached_count++] = p;
	p->mark = w->store->mark + 1;
	w->records += 1 + parts_to_log(p);
	return RFM_OK;
}
/* log what has been reached */
static enum rfm_status
log_reach(struct rfm_payload *p, struct rfm_error *error)
{
	struct rfm_extend_disk body = { p->id, p->reach };

	return rfm_append_and_apply(p->store, RFM_RECORD_EXTEND, &body, error);
}

enum rfm_status
rfm_log_reached(struct walk *w, struct rfm_error *error)
{
	for (size_t i = 0; i < w->reached_count; i++) {
		struct rfm_payload *p = w->reached[i];
		uint32_t            flags = p->state == RFM_SEALED
		    ? RFM_ALLOCATE_SEALED : 0;

		for (uint32_t k = 0; k < p->part_count; k++)
			if (p->parts[k]->id == 0)
				RFM_TRY(rfm_log_allocation(p->parts[k], flags,
				    error));
			else if (reached(p->parts[k]) != NULL)
				RFM_TRY(log_reach(p->parts[k], error));
		RFM_TRY(log_reach(p, error));
	}
	return RFM_OK;
}
