/* Tangled from lit/60_runtime.nw by 'make tangle': change it there, not here. */
#ifndef RFM_RUNTIME_H
#define RFM_RUNTIME_H
#include "rcompat.h"
#include "store.h"
#include <sys/types.h>

/* what R knows of an open store */
enum rfm_sync {
	RFM_SYNC_NEVER,      /* a close leaves the store as a death would */
	RFM_SYNC_CLOSE,
	RFM_SYNC_PUT         /* and after each put and each transaction */
};

struct rfm_runtime {
	struct rfm_store   *store;      /* NULL: prepared, not yet used */
	SEXP                anchor;     /* not protected: it protects us */
	pid_t               process;    /* that opened it */
	uint32_t            opens;      /* handles not yet closed */
	uint32_t            vectors;    /* pointers to payloads or groups */
	uint64_t            given;      /* bytes of temporaries handed out */
	uint64_t            survived;   /* of them, at the last collection */
	double              rest;       /* seconds: none before that time */
	enum rfm_sync       sync;       /* the strictest that was asked for */
	uint64_t            number;     /* no other of this session has it */
	struct rfm_runtime *next;
	uint8_t             uuid[16];
	char                path[4096];
};
/* making runtimes and handles */
void                rfm_runtime_load(void);
SEXP                rfm_runtime_prepare(void);
struct rfm_runtime *rfm_runtime_adopt(SEXP anchor, struct rfm_store *);
SEXP                rfm_runtime_handle(struct rfm_runtime *, bool opened);
struct rfm_runtime *rfm_runtime_of_handle(SEXP handle);
struct rfm_runtime *rfm_runtime_of_anchor(SEXP anchor);
SEXP                rfm_runtime_default(void);   /* R_NilValue: none */
void                rfm_runtime_set_default(SEXP handle);
void                rfm_runtime_sync(struct rfm_runtime *, enum rfm_sync);
enum rfm_status     rfm_runtime_close(SEXP handle, struct rfm_error *);
/* making external pointers to payloads */
SEXP                rfm_payload_pointer(void);
void                rfm_payload_hold(SEXP pointer, struct rfm_runtime *,
                        struct rfm_payload *);
void                rfm_payload_drop(SEXP pointer);
bool                rfm_payload_points(SEXP pointer);   /* is it one? */
struct rfm_payload *rfm_payload_of(SEXP pointer);
struct rfm_runtime *rfm_runtime_of_pointer(SEXP pointer);
SEXP                rfm_runtime_group(struct rfm_runtime *, SEXP *place);
void                rfm_runtime_retire_group(struct rfm_runtime *);
void                rfm_group_hold(SEXP group, int place,
                        struct rfm_payload *);
struct rfm_payload *rfm_group_member(SEXP group, int place);
uint64_t            rfm_payload_total(const struct rfm_payload *);
extern attribute_hidden uint64_t rfm_payload_turns;
/* getting room */
enum rfm_kind { RFM_KIND_COMMITTED, RFM_KIND_TEMPORARY, RFM_KIND_BLOCK };
enum rfm_status rfm_runtime_allocate(struct rfm_runtime *, enum rfm_kind,
    uint32_t type, uint64_t length, bool zero, struct rfm_payload **,
    struct rfm_error *);
enum rfm_status rfm_runtime_roomy(struct rfm_runtime *, uint32_t type,
    uint64_t length, uint64_t room, struct rfm_payload **,
    struct rfm_error *);
enum rfm_status rfm_runtime_extend(struct rfm_runtime *,
    struct rfm_payload *owner, uint64_t bytes, struct rfm_error *);
void rfm_runtime_returned(struct rfm_runtime *, uint64_t bytes);
/* looking again */
enum rfm_status rfm_runtime_refresh(struct rfm_runtime *,
    struct rfm_error *);
/* telling R what went wrong */
NORET void rfm_raise(const char *kind, int os_errno, const char *path,
    const char *message);
NORET void rfm_raise_error(const struct rfm_error *, const char *path);
bool       rfm_on_main_thread(void);
void       rfm_check_thread(void);
struct rfm_runtime *rfm_runtime_needed(SEXP handle);  /* or an R error */
#endif
