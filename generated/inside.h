/* Tangled from lit/50_store.nw by 'make tangle': change it there, not here. */
#ifndef RFM_INSIDE_H
#define RFM_INSIDE_H
#include "store.h"
#include "log.h"
#include "space.h"

/* extents on a list */
struct extent {
	uint64_t offset;
	uint64_t bytes;
	uint64_t number;        /* its epoch, or its record's id */
};

struct extents {
	struct extent *list;
	size_t         count;
	size_t         capacity;
	uint64_t       bytes;
};
/* what is in doubt */
struct doubt {
	uint64_t id, offset;    /* as an ALLOCATE or a MOVE begins */
};
/* the store in memory */
struct rfm_store {
	struct rfm_os      *os;
	struct rfm_file    *file;
	char                path[4096];
	struct rfm_identity identity;
	uint8_t             uuid[16];
	enum rfm_mode       mode;
	enum rfm_access     access;
	uint64_t            references;   /* handles and payloads */
	struct rfm_log      log;
	struct rfm_catalog  catalog;
	struct rfm_space   *space;
	struct extents      pending;      /* wait for a commit */
	struct extents      waiting;      /* wait for readers */
	uint8_t            *chunks;       /* chunk flags */
	uint64_t            chunk_count;
	uint8_t            *base;
	uint64_t            file_bytes, mapped_bytes;
	uint64_t            address_bytes, wanted_addresses;
	uint8_t            *arena;
	uint64_t            arena_bytes, arena_limit;
	struct rfm_payload *payloads;
	struct doubt        doubt;
	uint64_t            temporaries, temporary_bytes;
	struct finding     *findings;     /* bad cells of lists */
	size_t              finding_count, finding_room;
	uint64_t           *orphans;      /* ids of elements to be freed */
	size_t              orphan_count, orphan_room;
	uint32_t            mark;         /* of the last walk */
	int64_t             last_sync;
	struct rfm_file    *fork_file;    /* only while forking */
	uint64_t            pin;          /* of a reader: his epoch */
	uint64_t            copied, uncopied_bytes; /* see the close */
	bool                created, closed, forked, growing, trimming;
	bool                children;     /* forked, maybe still there */
	bool                unwatched_fork;
	bool                left;         /* close as a death would */
	uint64_t            learned;      /* records read, no COMMITs */
	struct rfm_store   *next;         /* in the registry */
};
/* a walk through lists, seen from outside */
struct node {
	uint64_t            id;
	struct rfm_payload *temporary;
};

struct walk {
	struct rfm_store *store;
	struct step      *steps;
	size_t            depth, room;
	bool              lists_only, scanning, sealing;
	struct node       wanted;
	bool              found;
	struct node      *nodes;        /* collected */
	size_t            count, nodes_room;
	struct rfm_payload **reached;   /* longer than the log says */
	size_t            reached_count, reached_room;
	uint64_t          records;      /* that they need */
};
/* inside: what a store may do */
bool rfm_writes_file(const struct rfm_store *);
bool rfm_keeps_catalog(const struct rfm_store *);
enum rfm_status rfm_refuse_change(const struct rfm_store *,
    struct rfm_error *);
/* inside: room */
uint64_t rfm_extent_of(uint64_t payload_bytes);
bool rfm_extents_push(struct extents *, uint64_t offset,
    uint64_t bytes, uint64_t number);
void rfm_extents_sort(struct extents *);
enum rfm_status rfm_hold_freed(struct rfm_store *, struct rfm_entry *,
    struct rfm_error *);
enum rfm_status rfm_hold_left(struct rfm_store *, struct rfm_entry *,
    const struct rfm_entry *old, struct rfm_error *);
void rfm_pending_are_committed(struct rfm_store *);
bool rfm_nobody_holds(struct rfm_store *, enum rfm_lock);
void rfm_release_waiting(struct rfm_store *);
enum rfm_status rfm_reserve_extent(struct rfm_store *, uint64_t offset,
    uint64_t bytes, struct rfm_error *);
enum rfm_status rfm_reserve_live(struct rfm_store *, uint64_t offset,
    uint64_t bytes, struct rfm_error *);
void rfm_hand_over(struct rfm_store *, uint64_t offset, uint64_t bytes,
    bool zero);
enum rfm_status rfm_grow_file(struct rfm_store *, uint64_t bytes,
    struct rfm_error *);
void rfm_give_all_free_blocks_back(struct rfm_store *);
void *rfm_address_of(const struct rfm_store *, uint64_t offset);
enum rfm_status rfm_secure_chunks(struct rfm_store *,
    uint64_t file_bytes, struct rfm_error *);
enum rfm_status rfm_map_file(struct rfm_store *, struct rfm_error *);
enum rfm_status rfm_map_up_to(struct rfm_store *, uint64_t bytes,
    struct rfm_error *);
enum rfm_status rfm_take_extent(struct rfm_store *,
    uint64_t payload_bytes, enum rfm_growth, uint64_t *offset,
    struct rfm_error *);
enum rfm_status rfm_take_room(struct rfm_store *,
    uint64_t payload_bytes, uint64_t used_bytes, enum rfm_growth,
    uint64_t *offset, struct rfm_error *);
bool rfm_widen_extent(struct rfm_store *, uint64_t offset,
    uint64_t old, uint64_t extent);
enum rfm_status rfm_take_segment(void *store, uint64_t bytes,
    uint64_t *offset, struct rfm_error *);
void rfm_give_segment(void *store, uint64_t offset, uint64_t bytes);
enum rfm_status rfm_derive_space(struct rfm_store *,
    struct rfm_error *);
/* inside: keeping step */
enum rfm_status rfm_begin(struct rfm_store *, struct rfm_error *);
enum rfm_status rfm_begin_group(struct rfm_store *, uint64_t records,
    uint64_t names, uint64_t name_bytes, struct rfm_error *);
enum rfm_status rfm_append_and_apply(struct rfm_store *,
    enum rfm_record_kind, const void *body, struct rfm_error *);
void rfm_put_name(void *body, const struct rfm_name *);
enum rfm_status rfm_commit(struct rfm_store *, struct rfm_error *);
enum rfm_status rfm_checkpoint(struct rfm_store *, struct rfm_error *);
void rfm_tidy_log(struct rfm_store *);
/* inside: payloads */
bool rfm_has_meaning(uint32_t type);
void rfm_describe_payload(struct rfm_store *, struct rfm_payload *,
    uint32_t type, uint64_t length, uint64_t room);
enum rfm_status rfm_log_allocation(struct rfm_payload *,
    uint32_t flags, struct rfm_error *);
enum rfm_status rfm_log_seal(struct rfm_store *, uint64_t id,
    uint32_t flags, struct rfm_error *);
enum rfm_status rfm_relocate(struct rfm_payload *, uint64_t bytes,
    enum rfm_growth, struct rfm_error *);
enum rfm_status rfm_free_record(struct rfm_store *, uint64_t id,
    struct rfm_error *);
void rfm_drop_handle(struct rfm_payload *, struct rfm_payload **dying);
void rfm_close_payload(struct rfm_payload *);
void rfm_close_views(struct rfm_payload *whole);
/* inside: lists */
bool rfm_in_a_list(const struct rfm_payload *);
bool rfm_has_parents(const struct rfm_payload *);
enum rfm_status rfm_publish(struct rfm_payload *, uint32_t flags,
    bool seals, struct rfm_error *);
void rfm_note_orphan(struct rfm_store *, const struct rfm_entry *);
void rfm_sweep_orphans(struct rfm_store *);
void rfm_forget_cells(struct rfm_store *,
    const struct rfm_entry *list);
void rfm_drop_elements(struct rfm_payload *list,
    struct rfm_payload **dying);
enum rfm_status rfm_look_at_lists(struct rfm_store *,
    struct rfm_error *);
void rfm_begin_walk(struct rfm_store *, struct walk *);
enum rfm_status rfm_walk_from(struct walk *, struct rfm_payload *root,
    struct rfm_error *);
enum rfm_status rfm_log_collected(struct walk *, struct node root,
    uint32_t root_flags, struct rfm_error *);
void rfm_end_walk(struct walk *);
enum rfm_status rfm_secure_list(void **list, size_t *room,
    size_t count, size_t each, struct rfm_error *);
/* inside: views */
void rfm_show_parts_to_views(struct rfm_payload *whole);
enum rfm_status rfm_collect_reached(struct walk *,
    const struct rfm_payload *object, struct rfm_error *);
enum rfm_status rfm_log_reached(struct walk *, struct rfm_error *);
void rfm_give_growth_back(struct rfm_store *);
#endif
