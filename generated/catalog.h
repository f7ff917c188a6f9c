/* Tangled from lit/45_catalog.nw by 'make tangle': change it there, not here. */
#ifndef RFM_CATALOG_H
#define RFM_CATALOG_H
#include "layout.h"

#define RFM_ID_LEAP (1ULL << 32)
#define RFM_ID_LEAP_BYTES 5     /* random ones are added */

/* the states of a payload */
enum rfm_state {
	RFM_TEMPORARY,  /* not in the log; belongs to its R object */
	RFM_COMMITTED,  /* in the log; writable in place */
	RFM_SEALED,     /* in the log; never changes again */
	RFM_DESTROYED   /* freed, or its handles closed */
};
/* a row of the catalog */
struct rfm_entry {
	uint64_t       id;
	uint64_t       offset;
	uint64_t       bytes;
	uint64_t       length;
	uint64_t       record_offset;
	uint32_t       type;
	enum rfm_state state;
	uint32_t       checksum_kind;
	uint32_t       payload_checksum;
	uint64_t       owner;       /* of a part; else 0 */
	uint64_t       chain;       /* from part to part, see below */
	uint64_t       epoch;       /* in which its extent was logged */
	uint32_t       flags;       /* RFM_ALLOCATE_ELEMENT, or 0 */
	uint32_t       mark;
	uint64_t       names;       /* that stand for it */
	uint64_t       parents;
	void          *attachment;
};
/* a name */
struct rfm_name {
	uint64_t id;            /* 0: takes the name away */
	int64_t  time;
	uint32_t name_bytes, note_bytes;
	char     text[];        /* the name, then the note */
};
/* the catalog as a whole */
struct rfm_catalog {
	struct rfm_entry *entries;
	size_t            count;
	size_t            capacity;
	uint64_t          next_id;     /* 0 stands for 1 */
	uint64_t          epoch;       /* commits seen */
	uint64_t          live;        /* parts included */
	uint64_t          parts;       /* of the living */
	uint64_t          lists;
	uint64_t          elements;    /* that nobody can refer to */
	uint64_t          sealed;      /* parts not included */
	uint64_t          tombstones;
	uint64_t          tombstone_bytes;  /* payloads of the dead */
	uint64_t          live_bytes;  /* extents of the living */
	struct rfm_name **names;       /* in order of their bytes */
	size_t            name_count, name_room;
	uint64_t          name_bytes;  /* of their bodies */
};

void rfm_catalog_dispose(struct rfm_catalog *);
enum rfm_status rfm_catalog_secure(struct rfm_catalog *,
    uint64_t rows, struct rfm_error *);
enum rfm_status rfm_catalog_apply(struct rfm_catalog *, uint32_t kind,
    const void *body, uint64_t record_offset, uint64_t file_bytes,
    struct rfm_error *);
enum rfm_status rfm_catalog_prepare_names(struct rfm_catalog *,
    uint64_t more, struct rfm_error *);
struct rfm_name *rfm_catalog_new_name(const void *body,
    struct rfm_error *);
void rfm_catalog_name(struct rfm_catalog *, struct rfm_name *);
const struct rfm_name *rfm_catalog_find_name(const struct rfm_catalog *,
    const char *text, size_t bytes);
void rfm_catalog_commit(struct rfm_catalog *);
struct rfm_entry *rfm_catalog_find(const struct rfm_catalog *,
    uint64_t id);
struct rfm_entry *rfm_catalog_part(const struct rfm_catalog *,
    const struct rfm_entry *owner, const struct rfm_entry *previous);
enum rfm_status rfm_catalog_resolve(const struct rfm_catalog *,
    uint64_t id, struct rfm_entry **, struct rfm_error *);
void rfm_catalog_compact(struct rfm_catalog *);
#endif
