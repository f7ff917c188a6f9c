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
rfm_catalog_secure(struct rfm_catalog *catalog, struct rfm_error *error)
{
	size_t            more = catalog->capacity * 2 + 64;
	struct rfm_entry *entries;

	if (catalog->count < catalog->capacity)
		return RFM_OK;
	entries = realloc(catalog->entries, more * sizeof *entries);
	if (entries == NULL)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "no memory for a catalog of %zu records", more);
	catalog->entries = entries;
	catalog->capacity = more;
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
/* apply an allocation */
static enum rfm_status
apply_allocate(struct rfm_catalog *catalog, const void *body,
    uint64_t record_offset, uint64_t file_bytes, struct rfm_error *error)
{
	struct rfm_allocate_disk a;
	struct rfm_entry        *e;
	uint64_t                 bytes;

	memcpy(&a, body, sizeof a);
	if (a.id < next_id(catalog) || a.id == UINT64_MAX)
		return nonsense(error, record_offset,
		    "reuses an id");	/* keeps I9 */
	if (rfm_type_bytes(a.type) == 0 ||
	    !rfm_multiply(a.length, rfm_type_bytes(a.type), &bytes) ||
	    bytes != a.bytes || (a.flags & ~RFM_ALLOCATE_SEALED) != 0)
		return nonsense(error, record_offset,
		    "describes an impossible vector");
	if (!rfm_extent_valid(a.offset, a.bytes, file_bytes))
		return nonsense(error, record_offset,
		    "names an extent outside the file");
	RFM_TRY(rfm_catalog_secure(catalog, error));
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
	e->attachment = NULL;
	catalog->next_id = a.id + 1;
	catalog->live++;
	catalog->live_bytes += extent_of(e);
	catalog->sealed += e->state == RFM_SEALED;
	return RFM_OK;
}
/* apply a free and a seal */
static enum rfm_status
apply_free(struct rfm_catalog *catalog, const void *body,
    uint64_t record_offset, struct rfm_error *error)
{
	struct rfm_free_disk f;
	struct rfm_entry    *e;

	memcpy(&f, body, sizeof f);
	e = rfm_catalog_find(catalog, f.id);
	if (e == NULL || e->state == RFM_DESTROYED)
		return nonsense(error, record_offset,
		    "frees what does not exist");
	catalog->live--;
	catalog->sealed -= e->state == RFM_SEALED;
	catalog->live_bytes -= extent_of(e);
	catalog->tombstones++;
	catalog->tombstone_bytes += e->bytes;
	e->state = RFM_DESTROYED;
	return RFM_OK;
}

static enum rfm_status
apply_seal(struct rfm_catalog *catalog, const void *body,
    uint64_t record_offset, struct rfm_error *error)
{
	struct rfm_seal_disk s;
	struct rfm_entry    *e;

	memcpy(&s, body, sizeof s);
	e = rfm_catalog_find(catalog, s.id);
	if (e == NULL || e->state != RFM_COMMITTED)
		return nonsense(error, record_offset,
		    "seals what is not there to be sealed");
	e->state = RFM_SEALED;
	e->checksum_kind = s.checksum_kind;
	e->payload_checksum = s.payload_checksum;
	catalog->sealed++;
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
	case RFM_RECORD_COMMIT:
		memcpy(&commit, body, sizeof commit);
		if (commit.next_id < next_id(catalog))
			return nonsense(error, record_offset,
			    "takes back ids that were given out");
		catalog->next_id = commit.next_id;
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
	*entry = rfm_catalog_find(catalog, id);
	if (*entry != NULL && (*entry)->state != RFM_DESTROYED)
		return RFM_OK;
	*entry = NULL;
	if (id == 0 || id >= next_id(catalog))
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
	free(catalog->entries);
	memset(catalog, 0, sizeof *catalog);
}
