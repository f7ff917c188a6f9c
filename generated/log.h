/* Tangled from lit/30_log.nw by 'make tangle': change it there, not here. */
#ifndef RFM_LOG_H
#define RFM_LOG_H
#include "layout.h"
#include "os.h"

#define RFM_LOG_BUFFER_BYTES 65536
#define RFM_LOG_PIECE_BYTES  (1u << 20)

/* what the log needs from the store */
struct rfm_log_room {
	enum rfm_status (*take)(void *context, uint64_t bytes,
	    uint64_t *offset, struct rfm_error *);
	void (*give)(void *context, uint64_t offset, uint64_t bytes);
	void *context;
};
typedef enum rfm_status rfm_log_visit(void *context, uint32_t kind,
    const void *body, uint64_t record_offset, struct rfm_error *);

struct rfm_log_live {
	uint64_t payloads;
	uint64_t count;
	uint64_t bytes;         /* of all records */
	uint64_t next_id;
	enum rfm_record_kind (*get)(void *context, uint64_t i,
	    void *body);
	void   (*moved)(void *context, uint64_t i,
	    uint64_t record_offset);
	void   *context;
};
/* the state of an open log */
struct rfm_log_segment {
	uint64_t offset;
	uint64_t bytes;
	uint64_t salt;
};

struct rfm_log {
	struct rfm_os             *os;
	struct rfm_file           *file;
	uint64_t                   file_bytes;
	uint64_t                   first_segment_bytes;
	struct rfm_log_room        room;
	struct rfm_superblock_disk superblock;
	struct rfm_log_segment    *segments;
	size_t                     count;
	uint64_t tail;           /* offset of the next record */
	uint64_t sequence;       /* of the next record */
	uint64_t epoch;          /* of the last COMMIT; 0: none yet */
	uint64_t bytes;          /* of all records in the segments */
	uint64_t uncommitted;    /* records since the last COMMIT */
	uint64_t group;          /* records that a group still lacks */
	uint64_t whole;          /* groups are whole up to this sequence */
	uint64_t broken;         /* the record last found broken */
	bool     cut;            /* stale records may lie behind the end */
	bool     torn;           /* the end is half a group */
	bool     begun;          /* this session may write */
	bool     poisoned;       /* a write or a barrier failed */
};

enum rfm_status rfm_log_format(struct rfm_log *, const uint8_t uuid[16],
    struct rfm_error *);
enum rfm_status rfm_log_open(struct rfm_log *, rfm_log_visit *,
    void *context, struct rfm_error *);
enum rfm_status rfm_log_refresh(struct rfm_log *, bool *replaced,
    rfm_log_visit *, void *context, struct rfm_error *);
enum rfm_status rfm_log_begin(struct rfm_log *,
    const struct rfm_log_live *, struct rfm_error *);
enum rfm_status rfm_log_group(struct rfm_log *, uint64_t records,
    uint64_t bytes, struct rfm_error *);
enum rfm_status rfm_log_append(struct rfm_log *, enum rfm_record_kind,
    const void *body, uint64_t *record_offset, struct rfm_error *);
enum rfm_status rfm_log_commit(struct rfm_log *, uint64_t next_id,
    struct rfm_error *);
enum rfm_status rfm_log_checkpoint(struct rfm_log *,
    const struct rfm_log_live *, struct rfm_error *);
enum rfm_status rfm_log_shrink(struct rfm_log *, uint64_t file_bytes,
    struct rfm_error *);
enum rfm_status rfm_log_mark_clean(struct rfm_log *, struct rfm_error *);
void rfm_log_dispose(struct rfm_log *);
#endif
