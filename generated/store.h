/* Tangled from lit/50_store.nw by 'make tangle': change it there, not here. */
#ifndef RFM_STORE_H
#define RFM_STORE_H
#include "catalog.h"
#include "os.h"

struct rfm_store;

#define RFM_CHUNK_BYTES          1048576
#define RFM_ADDRESS_BYTES        (1ULL << 40)
#define RFM_GROWTH_STEP_BYTES    (32ULL << 20)
#define RFM_GROWTH_LIMIT_BYTES   (1ULL << 30)
#define RFM_ARENA_STEP_BYTES     (16ULL << 20)
#define RFM_LOG_DEAD_LIMIT_BYTES (64ULL << 20)

/* how a store may be opened */
enum rfm_mode   { RFM_PERSISTENT, RFM_SCRATCH };
enum rfm_access { RFM_READ, RFM_WRITE };
enum rfm_growth { RFM_STAY, RFM_GROW };

struct rfm_open_options {
	enum rfm_mode   mode;
	enum rfm_access access;
	bool            create;              /* if it is absent */
	uint64_t        bytes;               /* of a new file; 0: default */
	uint64_t        first_segment_bytes; /* 0: default */
	uint64_t        address_bytes;       /* 0: default */
};
/* a step of compaction */
struct rfm_compaction {
	uint64_t budget;        /* bytes that a step may move, or one record */
	uint64_t moved;         /* by this step */
	uint64_t set_aside;     /* of them, to make a hole larger */
	bool     may_set_aside;
};
/* a payload as this process sees it */
struct rfm_payload {
	struct rfm_store   *store;
	void               *address;  /* NULL once destroyed */
	uint64_t            id;       /* 0 while temporary */
	uint64_t            offset;
	uint64_t            bytes;    /* of its elements */
	uint64_t            room;     /* of its extent, before rounding */
	uint64_t            length;
	uint64_t            reach;    /* elements written; see Appending */
	uint64_t            epoch;    /* of the catalog that knew it */
	uint32_t            type;
	enum rfm_state      state;
	uint32_t            handles;
	uint32_t            notes;    /* of those who read it */
	uint32_t            part_count;
	struct rfm_payload **parts;   /* in order of their number */
	struct rfm_payload *owner;    /* of a part; else NULL */
	struct rfm_payload *whole;    /* of a view; else NULL */
	uint32_t            views;    /* of this one */
	uint64_t            from;     /* of a view: its first element */
	uint64_t            parents;  /* cells of temporary lists */
	struct rfm_payload *dying;    /* the next to end */
	uint32_t            mark;     /* of walks through lists */
	struct rfm_payload *next, *previous;
};
/* what a store tells about itself */
struct rfm_record_info {
	uint64_t record_offset, id, offset, bytes, length;
	uint64_t owner;        /* of a part that has a record */
	uint32_t type, handles;
	enum rfm_state state;
	bool part;
};
typedef bool rfm_record_visitor(void *context,
    const struct rfm_record_info *);

struct rfm_store_info {
	char            path[4096];
	uint8_t         uuid[16];
	enum rfm_mode   mode;
	enum rfm_access access;
	bool            closed, poisoned, forked;
	uint64_t file_bytes, live_bytes, temporary_bytes, free_bytes;
	uint64_t held_bytes;   /* freed, waiting for a commit or a reader */
	uint64_t log_bytes;
	uint64_t records, sealed, tombstones, tombstone_bytes, names;
	uint64_t temporaries;
	uint64_t epoch;        /* of the last commit */
	uint64_t pin;          /* of a reader: the oldest that he holds */
	uint64_t uncommitted;  /* records since */
	uint64_t findings;     /* bad cells of lists, found at opening */
	uint64_t learned;      /* records that were read from the log */
	int64_t  last_sync;    /* 0: not in this session */
};
enum rfm_use {
	RFM_USE_HEAD,           /* superblocks and the owner's note */
	RFM_USE_LOG,
	RFM_USE_COMMITTED,
	RFM_USE_SEALED,
	RFM_USE_TEMPORARY,
	RFM_USE_HELD            /* freed, waits for a commit or a reader */
};

struct rfm_extent_info {
	uint64_t     offset, bytes, id;    /* id 0: no record */
	enum rfm_use use;
};
typedef void rfm_extent_visitor(void *context,
    const struct rfm_extent_info *);
/* store: opening and closing */
enum rfm_status rfm_store_open(struct rfm_os *, const char *path,
    const struct rfm_open_options *, struct rfm_store **, bool *created,
    struct rfm_error *);
enum rfm_status rfm_store_follow(struct rfm_os *, const char *path,
    const uint8_t uuid[16], struct rfm_store **, struct rfm_error *);
struct rfm_store *rfm_store_by_uuid(const uint8_t uuid[16]);
struct rfm_store *rfm_store_for(const uint8_t uuid[16], const char *path,
    uint64_t id);
void rfm_store_retain(struct rfm_store *);
void rfm_store_release(struct rfm_store *);
enum rfm_status rfm_store_close(struct rfm_store *, struct rfm_error *);
void rfm_store_sync_at_close(struct rfm_store *, bool sync);
enum rfm_status rfm_store_sync(struct rfm_store *, struct rfm_error *);
enum rfm_status rfm_store_compact(struct rfm_store *,
    struct rfm_compaction *, struct rfm_error *);
enum rfm_status rfm_store_trim(struct rfm_store *, struct rfm_error *);
enum rfm_status rfm_store_clear(struct rfm_store *, struct rfm_error *);
enum rfm_status rfm_store_refresh(struct rfm_store *,
    struct rfm_error *);
/* store: payloads */
enum rfm_status rfm_store_create(struct rfm_store *, uint32_t type,
    uint64_t length, bool zero, enum rfm_growth,
    struct rfm_payload **, struct rfm_error *);
enum rfm_status rfm_store_temporary(struct rfm_store *, uint32_t type,
    uint64_t length, bool zero, enum rfm_growth,
    struct rfm_payload **, struct rfm_error *);
enum rfm_status rfm_store_find(struct rfm_store *, uint64_t id,
    struct rfm_payload **, struct rfm_error *);
enum rfm_status rfm_store_seal(struct rfm_payload *, struct rfm_error *);
enum rfm_status rfm_store_keep(struct rfm_payload *, struct rfm_error *);
enum rfm_status rfm_store_destroy(struct rfm_payload *, bool reclaim,
    struct rfm_error *);
enum rfm_status rfm_store_extend(struct rfm_payload *owner,
    uint64_t bytes, enum rfm_growth, struct rfm_error *);
enum rfm_status rfm_store_link(struct rfm_payload *list,
    uint64_t index, struct rfm_payload *child, struct rfm_error *);
enum rfm_status rfm_store_element(struct rfm_payload *list,
    uint64_t index, struct rfm_payload **child, struct rfm_error *);
enum rfm_status rfm_store_resize(struct rfm_payload *, uint64_t bytes,
    enum rfm_growth, struct rfm_error *);
enum rfm_status rfm_store_roomy(struct rfm_store *, uint32_t type,
    uint64_t length, uint64_t room, bool zero, enum rfm_growth,
    struct rfm_payload **, struct rfm_error *);
enum rfm_status rfm_store_reach(struct rfm_payload *whole, uint64_t end,
    uint64_t count, void **address, struct rfm_error *);
enum rfm_status rfm_store_view(struct rfm_payload *whole, uint64_t from,
    uint64_t length, struct rfm_payload **, struct rfm_error *);
bool rfm_store_widen(struct rfm_payload *, uint64_t length);
bool rfm_store_keeps(const struct rfm_store *);  /* are creates logged? */
void rfm_payload_retain(struct rfm_payload *);
void rfm_payload_release(struct rfm_payload *);
bool rfm_payload_shared(const struct rfm_payload *);
bool rfm_payload_roomy(const struct rfm_payload *);
/* the names of a store */
struct rfm_change {
	const char         *name, *note;
	size_t              name_bytes, note_bytes;
	int64_t             time;       /* 0: now */
	struct rfm_payload *value;      /* NULL: take the name away */
};
struct rfm_name_info {
	const char *name, *note;        /* not terminated */
	size_t      name_bytes, note_bytes;
	int64_t     time;
	uint64_t    id;
};
typedef bool rfm_name_visitor(void *context,
    const struct rfm_name_info *);

enum rfm_status rfm_store_change(struct rfm_store *,
    const struct rfm_change *, size_t count, struct rfm_error *);
bool rfm_store_name(struct rfm_store *, const char *name,
    size_t name_bytes, struct rfm_name_info *);
void rfm_store_names(struct rfm_store *, rfm_name_visitor *,
    void *context);
/* store: looking around */
void rfm_store_each(struct rfm_store *, rfm_record_visitor *,
    void *context);
void rfm_store_map(struct rfm_store *, rfm_extent_visitor *,
    void *context);
enum rfm_status rfm_store_sizes(struct rfm_payload *, uint64_t *disk,
    uint64_t *resident, struct rfm_error *);
void rfm_store_describe(struct rfm_store *, struct rfm_store_info *);
enum rfm_status rfm_store_reopen(struct rfm_store *, struct rfm_os **,
    struct rfm_file **, struct rfm_error *);
#endif
