/* Tangled from lit/85_lyingdisk.nw by 'make tangle': change it there, not here. */
#ifndef RFM_LYING_DISK_H
#define RFM_LYING_DISK_H
#include "os.h"

#define RFM_LYING_SECTOR_BYTES 512
#define RFM_LYING_BLOCK_BYTES  4096

struct rfm_lying_disk;

/* the contents of a lying disk */
struct rfm_lying_image {
	bool     present;
	uint64_t size;
	uint8_t *bytes;
	uint64_t hash;
};
/* the events that it records */
enum rfm_lying_kind {
	RFM_LYING_STORE,      /* a sector has new bytes */
	RFM_LYING_SIZE,       /* the file has a new size */
	RFM_LYING_NAME,       /* the name appears or goes */
	RFM_LYING_BARRIER,    /* the file's barrier */
	RFM_LYING_DIRECTORY,  /* the directory's barrier */
	RFM_LYING_MARK        /* a number of the caller's */
};

struct rfm_lying_event {
	enum rfm_lying_kind kind;
	uint32_t call;        /* events of one call share a number */
	bool     metadata;    /* stored by write, not through a mapping */
	bool     ignored;     /* a barrier that did nothing */
	uint64_t number;      /* sector, size, presence, barrier, mark */
	uint8_t *bytes;       /* the sector from now on */
};
/* the calls that can be made to fail */
enum rfm_lying_call {
	RFM_LYING_OPEN, RFM_LYING_READ, RFM_LYING_WRITE,
	RFM_LYING_EXTEND, RFM_LYING_RESERVE, RFM_LYING_PUNCH,
	RFM_LYING_FLUSH, RFM_LYING_MAP, RFM_LYING_OTHER,
	RFM_LYING_CHANGE
};

struct rfm_lying_fault {
	enum rfm_lying_call call;
	uint32_t            nth;      /* 1: the next one */
	enum rfm_status     status;
	size_t              part;
	bool                deadly;
};
/* lying disk: prototypes */
struct rfm_lying_disk *rfm_lying_create(uint64_t seed);
void rfm_lying_destroy(struct rfm_lying_disk *disk);
void rfm_lying_boot(struct rfm_lying_disk *disk,
    const struct rfm_lying_image *image);
void rfm_lying_same_boot(struct rfm_lying_disk *disk,
    const struct rfm_lying_disk *other);
struct rfm_os *rfm_lying_start(struct rfm_lying_disk *disk);
void rfm_lying_kill(struct rfm_os *process);
bool rfm_lying_is_dead(const struct rfm_os *process);
void rfm_lying_end(struct rfm_os *process);
void rfm_lying_ignore(struct rfm_lying_disk *disk,
    enum rfm_barrier barrier);
void rfm_lying_fail(struct rfm_lying_disk *disk,
    const struct rfm_lying_fault *fault);
void rfm_lying_record(struct rfm_lying_disk *disk, bool recording);
void rfm_lying_mark(struct rfm_lying_disk *disk, uint64_t mark);
struct rfm_lying_image rfm_lying_present(struct rfm_lying_disk *disk);
const char *rfm_lying_complaint(const struct rfm_lying_disk *disk);
/* what a power cut may leave */
struct rfm_lying_cut;

struct rfm_lying_moment {
	const struct rfm_lying_event *event;  /* the last one taken in */
	size_t                        step;   /* how many calls so far */
	uint64_t                      mark;   /* the last one met */
	size_t                        pending;   /* sectors */
};

struct rfm_lying_cut *rfm_lying_cut_begin(
    const struct rfm_lying_disk *disk);
bool rfm_lying_cut_next(struct rfm_lying_cut *cut,
    struct rfm_lying_moment *moment);
void rfm_lying_cut_end(struct rfm_lying_cut *cut);
struct rfm_lying_pick {
	uint16_t first, rest, head;
};

struct rfm_lying_choice {
	bool                   present;
	uint64_t               size;
	struct rfm_lying_pick *picks;     /* one for each pending sector */
	uint64_t               hash;
};

typedef void rfm_lying_visitor(void *context, struct rfm_lying_cut *,
    const struct rfm_lying_choice *);
struct rfm_lying_effort {
	uint32_t all_below;    /* visit all choices if they are fewer */
	uint32_t random;       /* else this many random ones, and */
	uint64_t seed;         /* from where these begin */
	bool     backwards;    /* sectors are written from the back */
};

void rfm_lying_cut_each(struct rfm_lying_cut *cut,
    const struct rfm_lying_effort *effort, rfm_lying_visitor *visit,
    void *context);
void rfm_lying_cut_each_death(struct rfm_lying_cut *cut, bool torn,
    rfm_lying_visitor *visit, void *context);
struct rfm_lying_image rfm_lying_cut_build(struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice);
void rfm_lying_cut_describe(const struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice, char *text, size_t bytes);
#endif
