/* Tangled from lit/45_catalog.nw by 'make tangle': change it there, not here. */
#include "catalog.h"
#include <stdlib.h>
#include <string.h>

/* small helpers of the catalog */
static uint64_t
next_id(const struct rfm_catalog *catalog)
{
	return catalog->next_id == 0 ? 1 : catalog->next_id;
}

static uint64_t
extent_of(const struct rfm_entry *e)
{
	uint64_t bytes = 0;

	(void)rfm_extent_bytes(e->bytes, &bytes);
	return bytes;
}

static enum rfm_status
nonsense(struct rfm_error *error, uint64_t record_offset,
    const char *what)
{
	return rfm_fail(error, RFM_DAMAGED, "the record at byte %llu %s",
	    (unsigned long long)record_offset, what);
}
/* secure a row */
enum rfm_status
rfm_catalog_secure(struct rfm_catalog *catalog, uint64_t rows,
    struct rfm_error *error)
{
	uint64_t          more = catalog->capacity * 2 + 64;
	struct rfm_entry *entries = NULL;

	if (rows <= catalog->capacity - catalog->count)
		return RFM_OK;
	if (rows > more - catalog->count &&
	    !rfm_add(catalog->count, rows, &more))
		more = UINT64_MAX;
	if (more <= SIZE_MAX / sizeof *entries)
		entries = realloc(catalog->entries,
		    (size_t)more * sizeof *entries);
	if (entries == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for a catalog of %llu records",
		    (unsigned long long)more);
	catalog->entries = entries;
	catalog->capacity = (size_t)more;
	return RFM_OK;
}
/* find a row by its id */
struct rfm_entry *
rfm_catalog_find(const struct rfm_catalog *catalog, uint64_t id)
{
	size_t   low = 0, high = catalog->count;
	uint64_t guess = high > 0 ? id - catalog->entries[0].id : 0;

	if (guess < high && catalog->entries[guess].id == id)
		return &catalog->entries[guess];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (catalog->entries[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < catalog->count && catalog->entries[low].id == id)
		return &catalog->entries[low];
	return NULL;
}
/* count a living row */
static void
count_row(struct rfm_catalog *catalog, const struct rfm_entry *e,
    uint64_t sign)
{
	catalog->live += sign;
	catalog->live_bytes += sign * extent_of(e);
	if (e->owner != 0)
		catalog->parts += sign;
	else if (e->state == RFM_SEALED)
		catalog->sealed += sign;
	if ((e->flags & RFM_ALLOCATE_ELEMENT) != 0)
		catalog->elements += sign;
	if (rfm_type_has_ids(e->type))
		catalog->lists += sign;
}
/* join the ring of an owner's parts */
static void
join_chain(struct rfm_catalog *catalog, struct rfm_entry *part)
{
	struct rfm_entry *owner = rfm_catalog_find(catalog, part->owner);
	struct rfm_entry *last = owner->chain == 0 ? part
	    : rfm_catalog_find(catalog, owner->chain);

	part->chain = owner->chain == 0 ? part->id : last->chain;
	last->chain = owner->chain = part->id;
}

struct rfm_entry *
rfm_catalog_part(const struct rfm_catalog *catalog,
    const struct rfm_entry *owner, const struct rfm_entry *previous)
{
	if (owner->chain == 0 || owner->owner != 0 ||
	    (previous != NULL && previous->id == owner->chain))
		return NULL;
	if (previous == NULL)
		previous = rfm_catalog_find(catalog, owner->chain);
	return rfm_catalog_find(catalog, previous->chain);
}
/* see whether a part fits its owner */
static bool
has_room(uint32_t type, uint64_t owner, uint64_t length,
    uint64_t claimed)
{
	uint64_t bytes, each = rfm_type_bytes(type);
	bool     grows = !rfm_type_has_ids(type) &&
	    (type != RFM_BYTES || owner != 0);

	return each != 0 && rfm_multiply(length, each, &bytes) &&
	    (grows ? bytes <= claimed : bytes == claimed);
}

static bool
may_own(const struct rfm_entry *owner, const struct rfm_allocate_disk *a)
{
	bool sealed = (a->flags & RFM_ALLOCATE_SEALED) != 0;

	return owner != NULL && owner->state != RFM_DESTROYED &&
	    owner->owner == 0 && owner->type == RFM_CHARACTER &&
	    a->type == RFM_BYTES &&
	    (a->flags & RFM_ALLOCATE_ELEMENT) == 0 &&
	    sealed == (owner->state == RFM_SEALED);
}
/* apply an allocation */
static enum rfm_status
apply_allocate(struct rfm_catalog *catalog, const void *body,
    uint64_t record_offset, uint64_t file_bytes, struct rfm_error *error)
{
	struct rfm_allocate_disk a;
	struct rfm_entry        *e;

	memcpy(&a, body, sizeof a);
	if (a.id < next_id(catalog) || a.id == UINT64_MAX)
		return nonsense(error, record_offset,
		    "reuses an id");	/* keeps I9 */
	if (!has_room(a.type, a.owner, a.length, a.bytes) ||
	    (a.flags & ~(RFM_ALLOCATE_SEALED |
	    RFM_ALLOCATE_ELEMENT)) != 0)
		return nonsense(error, record_offset,
		    "describes an impossible vector");
	if (!rfm_extent_valid(a.offset, a.bytes, file_bytes))
		return nonsense(error, record_offset,
		    "names an extent outside the file");
	if (a.owner != 0 && !may_own(rfm_catalog_find(catalog, a.owner),
	    &a))
		return nonsense(error, record_offset,
		    "describes a part without its owner");
	RFM_TRY(rfm_catalog_secure(catalog, 1, error));
	e = &catalog->entries[catalog->count++];
	/* fill in the new row */
	e->id = a.id;
	e->offset = a.offset;
	e->bytes = a.bytes;
	e->length = a.length;
	e->record_offset = record_offset;
	e->type = a.type;
	e->state = a.flags & RFM_ALLOCATE_SEALED ? RFM_SEALED : RFM_COMMITTED;
	e->checksum_kind = a.checksum_kind;
	e->payload_checksum = a.payload_checksum;
	e->owner = a.owner;
	e->chain = 0;
	e->epoch = catalog->epoch;
	e->flags = a.flags & ~RFM_ALLOCATE_SEALED;
	e->mark = 0;
	e->names = e->parents = 0;
	e->attachment = NULL;
	if (a.owner != 0)
		join_chain(catalog, e);
	catalog->next_id = a.id + 1;
	count_row(catalog, e, 1);
	return RFM_OK;
}
/* apply a free and a seal */
static void
bury(struct rfm_catalog *catalog, struct rfm_entry *e)
{
	count_row(catalog, e, UINT64_MAX);
	catalog->tombstones += e->owner == 0;
	catalog->tombstone_bytes += e->bytes;
	e->state = RFM_DESTROYED;
}

static enum rfm_status
apply_free(struct rfm_catalog *catalog, const void *body,
    uint64_t record_offset, struct rfm_error *error)
{
	struct rfm_free_disk f;
	struct rfm_entry    *e, *part;

	memcpy(&f, body, sizeof f);
	e = rfm_catalog_find(catalog, f.id);
	if (e == NULL || e->state == RFM_DESTROYED || e->owner != 0)
		return nonsense(error, record_offset,
		    "frees what does not exist");
	if (e->names > 0)
		return nonsense(error, record_offset,
		    "frees what a name stands for");
	for (part = rfm_catalog_part(catalog, e, NULL); part != NULL;
	    part = rfm_catalog_part(catalog, e, part))
		bury(catalog, part);
	bury(catalog, e);
	return RFM_OK;
}
static void
set_sealed(struct rfm_catalog *catalog, struct rfm_entry *e,
    bool referenced)
{
	count_row(catalog, e, UINT64_MAX);
	e->state = RFM_SEALED;
	if (referenced)
		e->flags &= ~RFM_ALLOCATE_ELEMENT;
	count_row(catalog, e, 1);
}

static bool
sealable(const struct rfm_entry *e, const struct rfm_seal_disk *s)
{
	bool known = (s->flags & ~RFM_SEAL_REFERENCED) == 0 &&
	    s->reserved == 0;

	if (e == NULL || e->owner != 0 || !known)
		return false;
	return e->state == RFM_COMMITTED || (e->state == RFM_SEALED &&
	    (e->flags & RFM_ALLOCATE_ELEMENT) != 0 &&
	    (s->flags & RFM_SEAL_REFERENCED) != 0);
}
static enum rfm_status
apply_seal(struct rfm_catalog *catalog, const void *body,
    uint64_t record_offset, struct rfm_error *error)
{
	struct rfm_seal_disk s;
	struct rfm_entry    *e, *part;

	memcpy(&s, body, sizeof s);
	e = rfm_catalog_find(catalog, s.id);
	if (!sealable(e, &s))
		return nonsense(error, record_offset,
		    "seals what is not there to be sealed");
	for (part = rfm_catalog_part(catalog, e, NULL); part != NULL;
	    part = rfm_catalog_part(catalog, e, part))
		set_sealed(catalog, part, false);
	set_sealed(catalog, e, (s.flags & RFM_SEAL_REFERENCED) != 0);
	if (s.checksum_kind != RFM_CHECKSUM_NONE) {
		e->checksum_kind = s.checksum_kind;
		e->payload_checksum = s.payload_checksum;
	}
	return RFM_OK;
}
/* apply a move */
static enum rfm_status
apply_move(struct rfm_catalog *catalog, const void *body,
    uint64_t record_offset, uint64_t file_bytes, struct rfm_error *error)
{
	struct rfm_move_disk m;
	struct rfm_entry    *e;

	memcpy(&m, body, sizeof m);
	e = rfm_catalog_find(catalog, m.id);
	if (e == NULL || e->state == RFM_DESTROYED)
		return nonsense(error, record_offset,
		    "moves what is not there to be moved");
	if (!has_room(e->type, e->owner, m.length, m.bytes) ||
	    ((e->state == RFM_SEALED || e->owner != 0) &&
	    (m.bytes < e->bytes || m.length != e->length)))
		return nonsense(error, record_offset,
		    "describes an impossible vector");
	if (!rfm_extent_valid(m.offset, m.bytes, file_bytes))
		return nonsense(error, record_offset,
		    "names an extent outside the file");
	count_row(catalog, e, UINT64_MAX);
	if (m.offset != e->offset)
		e->epoch = catalog->epoch;
	e->offset = m.offset;
	e->bytes = m.bytes;
	e->length = m.length;
	count_row(catalog, e, 1);
	return RFM_OK;
}
static enum rfm_status
apply_extend(struct rfm_catalog *catalog, const void *body,
    uint64_t record_offset, struct rfm_error *error)
{
	struct rfm_extend_disk x;
	struct rfm_entry      *e;

	memcpy(&x, body, sizeof x);
	e = rfm_catalog_find(catalog, x.id);
	if (e == NULL || e->state == RFM_DESTROYED)
		return nonsense(error, record_offset,
		    "extends what is not there to be extended");
	if (x.length <= e->length ||
	    !has_room(e->type, e->owner, x.length, e->bytes))
		return nonsense(error, record_offset,
		    "describes an impossible vector");
	e->length = x.length;
	e->checksum_kind = RFM_CHECKSUM_NONE;
	e->payload_checksum = 0;
	return RFM_OK;
}
void
rfm_catalog_commit(struct rfm_catalog *catalog)
{
	catalog->epoch++;
}
/* keep the table of names */
enum rfm_status
rfm_catalog_prepare_names(struct rfm_catalog *catalog, uint64_t more,
    struct rfm_error *error)
{
	uint64_t          room = catalog->name_room * 2 + 16;
	struct rfm_name **names = NULL;

	if (more <= catalog->name_room - catalog->name_count)
		return RFM_OK;
	if (more > room - catalog->name_count &&
	    !rfm_add(catalog->name_count, more, &room))
		room = UINT64_MAX;
	if (room <= SIZE_MAX / sizeof *names)
		names = realloc(catalog->names,
		    (size_t)room * sizeof *names);
	if (names == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for a table of %llu names",
		    (unsigned long long)room);
	catalog->names = names;
	catalog->name_room = (size_t)room;
	return RFM_OK;
}

struct rfm_name *
rfm_catalog_new_name(const void *body, struct rfm_error *error)
{
	struct rfm_name_disk disk;
	struct rfm_name     *name;
	size_t               text;

	memcpy(&disk, body, sizeof disk);
	text = (size_t)disk.name_bytes + disk.note_bytes;
	name = malloc(sizeof *name + text);
	if (name == NULL) {
		(void)rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for one more name");
		return NULL;
	}
	name->id = disk.id;
	name->time = disk.time;
	name->name_bytes = disk.name_bytes;
	name->note_bytes = disk.note_bytes;
	memcpy(name->text, (const char *)body + sizeof disk, text);
	return name;
}
static size_t
place_of(const struct rfm_catalog *catalog, const char *text,
    size_t bytes, bool *found)
{
	size_t low = 0, high = catalog->name_count;

	while (low < high) {
		size_t                 middle = low + (high - low) / 2;
		const struct rfm_name *n = catalog->names[middle];
		size_t least = bytes < n->name_bytes ? bytes
		    : n->name_bytes;
		int    order = memcmp(n->text, text, least);

		if (order == 0)
			order = (n->name_bytes > bytes) -
			    (n->name_bytes < bytes);
		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

const struct rfm_name *
rfm_catalog_find_name(const struct rfm_catalog *catalog,
    const char *text, size_t bytes)
{
	bool   found;
	size_t at = place_of(catalog, text, bytes, &found);

	return found ? catalog->names[at] : NULL;
}
static void
count_name(struct rfm_catalog *catalog, const struct rfm_name *name,
    uint64_t sign)
{
	catalog->name_bytes += sign * rfm_name_body_bytes(
	    name->name_bytes, name->note_bytes);
	rfm_catalog_find(catalog, name->id)->names += sign;
}

void
rfm_catalog_name(struct rfm_catalog *catalog, struct rfm_name *name)
{
	bool              found;
	size_t            at = place_of(catalog, name->text,
	    name->name_bytes, &found);
	struct rfm_name **here = catalog->names + at;
	size_t            behind = catalog->name_count - at;

	if (name->id != 0)
		count_name(catalog, name, 1);
	if (found) {
		count_name(catalog, *here, UINT64_MAX);
		free(*here);
		*here = name;
	} else if (name->id != 0) {
		if (behind > 0)
			memmove(here + 1, here, behind * sizeof *here);
		*here = name;
		catalog->name_count++;
	}
	if (name->id != 0)
		return;
	if (found) {
		memmove(here, here + 1, (behind - 1) * sizeof *here);
		catalog->name_count--;
	}
	free(name);
}
/* apply a name */
static enum rfm_status
apply_name(struct rfm_catalog *catalog, const void *body,
    uint64_t record_offset, struct rfm_error *error)
{
	struct rfm_name_disk disk;
	struct rfm_name     *name;
	const struct rfm_entry *e;

	memcpy(&disk, body, sizeof disk);
	if (!rfm_name_valid(body))
		return nonsense(error, record_offset,
		    "gives a name that is no text");
	e = rfm_catalog_find(catalog, disk.id);
	if (disk.id != 0 && (e == NULL || e->state != RFM_SEALED ||
	    e->owner != 0))
		return nonsense(error, record_offset,
		    "names what is not there to be named");
	RFM_TRY(rfm_catalog_prepare_names(catalog, 1, error));
	name = rfm_catalog_new_name(body, error);
	if (name == NULL)
		return RFM_NO_MEMORY;
	rfm_catalog_name(catalog, name);
	return RFM_OK;
}
/* apply a record */
enum rfm_status
rfm_catalog_apply(struct rfm_catalog *catalog, uint32_t kind,
    const void *body, uint64_t record_offset, uint64_t file_bytes,
    struct rfm_error *error)
{
	struct rfm_commit_disk commit;

	switch (kind) {
	case RFM_RECORD_ALLOCATE:
		return apply_allocate(catalog, body, record_offset,
		    file_bytes, error);
	case RFM_RECORD_FREE:
		return apply_free(catalog, body, record_offset, error);
	case RFM_RECORD_SEAL:
		return apply_seal(catalog, body, record_offset, error);
	case RFM_RECORD_MOVE:
		return apply_move(catalog, body, record_offset,
		    file_bytes, error);
	case RFM_RECORD_EXTEND:
		return apply_extend(catalog, body, record_offset, error);
	case RFM_RECORD_NAME:
		return apply_name(catalog, body, record_offset, error);
	case RFM_RECORD_COMMIT:
		memcpy(&commit, body, sizeof commit);
		if (commit.next_id < next_id(catalog))
			return nonsense(error, record_offset,
			    "takes back ids that were given out");
		catalog->next_id = commit.next_id;
		rfm_catalog_commit(catalog);
		return RFM_OK;
	default:
		return RFM_OK;
	}
}
/* resolve an id or say why not */
enum rfm_status
rfm_catalog_resolve(const struct rfm_catalog *catalog, uint64_t id,
    struct rfm_entry **entry, struct rfm_error *error)
{
	bool part;

	*entry = rfm_catalog_find(catalog, id);
	part = *entry != NULL && (*entry)->owner != 0;
	if (*entry != NULL && !part && (*entry)->state != RFM_DESTROYED)
		return RFM_OK;
	*entry = NULL;
	if (part || id == 0 || id >= next_id(catalog))
		return rfm_fail(error, RFM_NO_RECORD,
		    "there is no record %llu", (unsigned long long)id);
	return rfm_fail(error, RFM_TOMBSTONE,
	    "record %llu was destroyed, or lost before it was synced",
	    (unsigned long long)id);
}
/* drop the tombstones */
void
rfm_catalog_compact(struct rfm_catalog *catalog)
{
	size_t kept = 0;

	for (size_t i = 0; i < catalog->count; i++)
		if (catalog->entries[i].state != RFM_DESTROYED)
			catalog->entries[kept++] = catalog->entries[i];
	catalog->count = kept;
	catalog->tombstones = 0;
	catalog->tombstone_bytes = 0;
}

void
rfm_catalog_dispose(struct rfm_catalog *catalog)
{
	for (size_t i = 0; i < catalog->name_count; i++)
		free(catalog->names[i]);
	free(catalog->names);
	free(catalog->entries);
	memset(catalog, 0, sizeof *catalog);
}
