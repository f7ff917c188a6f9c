/* Tangled from lit/54_elements.nw by 'make tangle': change it there, not here. */
#include "inside.h"
#include <stdlib.h>
#include <string.h>

/* what is known of a bad cell */
struct finding {
	uint64_t list, index;    /* the list's id */
	bool     mended;
};
/* see whether a payload is in a list */
bool
rfm_in_a_list(const struct rfm_payload *p)
{
	const struct rfm_entry *e = rfm_catalog_find(&p->store->catalog,
	    p->id);

	return e != NULL && (e->parents > 0 || e->names > 0 ||
	    (p->store->access == RFM_READ &&
	    (e->flags & RFM_ALLOCATE_ELEMENT) != 0));
}

bool
rfm_has_parents(const struct rfm_payload *p)
{
	const struct rfm_entry *e = p->id == 0 ? NULL :
	    rfm_catalog_find(&p->store->catalog, p->id);

	return p->parents > 0 ||
	    (e != NULL && (e->parents > 0 || e->names > 0));
}
/* read a cell of a list */
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
	return ((const uint64_t *)rfm_address_of(store, list->offset))[index];
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

static enum rfm_status collect(struct walk *, struct node,
    struct rfm_error *);
static enum rfm_status note_loop(struct rfm_store *, uint64_t list,
    uint64_t index, uint64_t id, struct rfm_error *);

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
enum rfm_status
rfm_secure_list(void **list, size_t *room, size_t count, size_t each,
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
	enum rfm_status status = rfm_secure_list(&steps, &w->room, w->depth,
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
void
rfm_begin_walk(struct rfm_store *store, struct walk *w)
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

void
rfm_end_walk(struct walk *w)
{
	for (size_t i = 0; i < w->reached_count; i++)
		rfm_payload_release(w->reached[i]);
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
enum rfm_status
rfm_walk_from(struct walk *w, struct rfm_payload *root,
    struct rfm_error *error)
{
	struct node node = node_of(root);

	if (is_settled(w, node) ||
	    *mark_of(w->store, node) >= w->store->mark)
		return RFM_OK;
	return walk_below(w, node, error);
}
/* count the cells and find the bad ones */
static enum rfm_status
note_finding(struct rfm_store *store, uint64_t list, uint64_t index,
    struct rfm_error *error)
{
	void           *findings = store->findings;
	enum rfm_status status = rfm_secure_list(&findings,
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

	rfm_begin_walk(store, &w);
	w.lists_only = w.scanning = true;
	for (size_t i = 0; i < c->count && status == RFM_OK; i++)
		if (is_live_list(&c->entries[i]) &&
		    c->entries[i].parents > 0 &&
		    c->entries[i].mark < store->mark)
			status = walk_below(&w, (struct node) {
			    c->entries[i].id, NULL }, error);
	rfm_end_walk(&w);
	return status;
}
/* collect what has to be published */
static enum rfm_status
collect(struct walk *w, struct node node, struct rfm_error *error)
{
	void           *nodes = w->nodes;
	enum rfm_status status;

	if (is_settled(w, node))
		return RFM_OK;
	status = rfm_secure_list(&nodes, &w->nodes_room, w->count,
	    sizeof *w->nodes, error);
	w->nodes = nodes;
	RFM_TRY(status);
	w->nodes[w->count++] = node;
	w->records++;
	if (node.id != 0)
		return RFM_OK;
	w->records += node.temporary->part_count;
	return rfm_collect_reached(w, node.temporary, error);
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
static void
turn_back(struct rfm_payload *list)
{
	struct rfm_store *store = list->store;
	uint64_t          offset;

	if (list->offset == store->doubt.offset && rfm_take_extent(store,
	    list->room, RFM_GROW, &offset, NULL) == RFM_OK) {
		rfm_hand_over(store, offset, rfm_extent_of(list->room),
		    false);
		memcpy(rfm_address_of(store, offset), list->address,
		    (size_t)list->bytes);
		list->offset = offset;
		list->address = rfm_address_of(store, offset);
	}
	turn_cells(list, false);
}
static enum rfm_status
log_whole(struct rfm_payload *p, uint32_t flags, struct rfm_error *error)
{
	enum rfm_status status;

	if (rfm_type_has_ids(p->type))
		turn_cells(p, true);
	status = rfm_log_allocation(p, flags, error);
	if (rfm_type_has_ids(p->type) && status == RFM_OK)
		turn_handles(p);
	else if (rfm_type_has_ids(p->type))
		turn_back(p);
	RFM_TRY(status);
	for (uint32_t k = 0; k < p->part_count; k++)
		RFM_TRY(rfm_log_allocation(p->parts[k],
		    flags & RFM_ALLOCATE_SEALED, error));
	return RFM_OK;
}
enum rfm_status
rfm_log_collected(struct walk *w, struct node root, uint32_t root_flags,
    struct rfm_error *error)
{
	struct rfm_store *store = w->store;
	uint32_t flags = RFM_ALLOCATE_ELEMENT |
	    (w->sealing ? RFM_ALLOCATE_SEALED : 0);

	for (size_t i = 0; i < w->count; i++)
		if (w->nodes[i].id != 0)
			RFM_TRY(rfm_log_seal(store, w->nodes[i].id,
			    w->nodes[i].id == root.id
			    ? RFM_SEAL_REFERENCED : 0, error));
	for (size_t i = 0; i < w->count; i++) {
		struct rfm_payload *p = w->nodes[i].temporary;

		if (p != NULL)
			RFM_TRY(log_whole(p, p == root.temporary
			    ? root_flags : flags, error));
	}
	return rfm_log_reached(w, error);
}
enum rfm_status
rfm_publish(struct rfm_payload *p, uint32_t flags, bool seals,
    struct rfm_error *error)
{
	struct node     root = node_of(p);
	struct walk     w;
	enum rfm_status status;

	rfm_begin_walk(p->store, &w);
	w.sealing = seals;
	status = walk_below(&w, root, error);
	if (status == RFM_OK && w.count > 0)
		status = rfm_begin_group(p->store, w.records, 0, 0, error);
	if (status == RFM_OK && w.count > 0)	/* keeps I13 */
		status = rfm_log_collected(&w, root, flags, error);
	rfm_end_walk(&w);
	return status;
}
/* remember orphans */
static bool
is_orphan(const struct rfm_entry *e)
{
	return (e->flags & RFM_ALLOCATE_ELEMENT) != 0 &&
	    e->state != RFM_DESTROYED && e->parents == 0 &&
	    e->names == 0 && e->attachment == NULL;
}

void
rfm_note_orphan(struct rfm_store *store, const struct rfm_entry *e)
{
	if (!is_orphan(e) || !rfm_writes_file(store))
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
/* free the orphans */
void
rfm_sweep_orphans(struct rfm_store *store)
{
	while (store->orphan_count > 0) {
		uint64_t id = store->orphans[store->orphan_count - 1];
		const struct rfm_entry *e = rfm_catalog_find(
		    &store->catalog, id);

		store->orphan_count--;
		if (e == NULL || !is_orphan(e))
			continue;
		if (rfm_refuse_change(store, NULL) != RFM_OK ||
		    rfm_free_record(store, id, NULL) != RFM_OK) {
			store->orphan_count++;
			return;
		}
	}
}

void
rfm_forget_cells(struct rfm_store *store, const struct rfm_entry *list)
{
	for (uint64_t i = 0; i < list->length; i++) {
		struct rfm_entry *e = row_in(store, list, i);

		if (e == NULL)
			continue;
		e->parents--;
		rfm_note_orphan(store, e);
	}
}
/* let go of a temporary list's elements */
void
rfm_drop_elements(struct rfm_payload *list, struct rfm_payload **dying)
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
		rfm_drop_handle(child, dying);
	}
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
	    rfm_has_parents(list)) {
		rfm_begin_walk(list->store, &w);
		w.lists_only = true;
		w.wanted = node_of(list);
		status = walk_below(&w, node_of(child), error);
		inside = w.found;
		rfm_end_walk(&w);
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
		RFM_TRY(rfm_refuse_change(list->store, error));
	if (child == NULL)
		return RFM_OK;
	if (child->store != list->store)
		return rfm_fail(error, RFM_MISMATCH, "elements of a list"
		    " must be of the same fmalloc runtime");
	if (child->owner != NULL || child->whole != NULL ||
	    child->handles == UINT32_MAX || (rfm_payload_roomy(child) &&
	    (list->type != RFM_OBJECT || index > 0)))
		return rfm_fail(error, RFM_ARGUMENT,
		    "this payload cannot be an element");
	return refuse_loop(list, child, error);
}
/* leave the place that a commit knows */
static enum rfm_status
leave_the_committed_place(struct rfm_payload *list,
    struct rfm_error *error)
{
	const struct rfm_catalog *c = &list->store->catalog;

	if (rfm_catalog_find(c, list->id)->epoch == c->epoch)
		return RFM_OK;
	return rfm_relocate(list, list->bytes, RFM_GROW, error);
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
		rfm_note_orphan(store, old);
	}
	rfm_sweep_orphans(store);
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
		RFM_TRY(rfm_publish(child, RFM_ALLOCATE_ELEMENT, false, error));
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
/* look at the lists of a store */
static int
by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->list != y->list)
		return x->list < y->list ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

enum rfm_status
rfm_look_at_lists(struct rfm_store *store, struct rfm_error *error)
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
		rfm_note_orphan(store, &c->entries[i]);
	return RFM_OK;
}
