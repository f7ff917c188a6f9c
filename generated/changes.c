/* Tangled from lit/56_changes.nw by 'make tangle': change it there, not here. */
#include "inside.h"
#include <stdlib.h>
#include <string.h>

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
	if (rfm_payload_roomy(c->value))
		return rfm_fail(error, RFM_ARGUMENT,
		    "a vector with room stands under a name in an object,"
		    " which says how much of it is meant");
	return RFM_OK;
}
static enum rfm_status
refuse_changes(struct rfm_store *store, const struct rfm_change *changes,
    size_t count, struct rfm_error *error)
{
	if (!rfm_keeps_catalog(store))
		return rfm_fail(error, RFM_MODE,
		    "%s is a scratch store and keeps no names",
		    store->path);
	RFM_TRY(rfm_refuse_change(store, error));
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
	for (size_t i = 0; i < count; i++)
		if (changes[i].value != NULL)
			RFM_TRY(rfm_walk_from(w, changes[i].value, error));
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
		rfm_put_name(body, names[i]);
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
			rfm_note_orphan(store, rfm_catalog_find(
			    &store->catalog, id));
	}
	rfm_sweep_orphans(store);
}
static enum rfm_status
log_change(struct walk *w, struct rfm_name **names,
    const struct rfm_change *changes, size_t count, uint64_t name_bytes,
    struct rfm_error *error)
{
	struct rfm_store *store = w->store;
	const struct node none = { 0, NULL };

	RFM_TRY(collect_values(w, changes, count, error));
	RFM_TRY(rfm_begin_group(store, w->records, count, name_bytes, error));
	RFM_TRY(rfm_log_collected(w, none, 0, error));	/* keeps I13 */
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
	rfm_begin_walk(store, &w);
	w.sealing = true;
	status = log_change(&w, names, changes, count, bytes, error);
	rfm_end_walk(&w);
	if (status != RFM_OK) {
		drop_names(names, count);
		return status;
	}
	apply_names(store, names, count);
	free(names);
	rfm_release_waiting(store);
	rfm_tidy_log(store);
	return RFM_OK;
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
