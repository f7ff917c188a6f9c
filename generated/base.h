/* Tangled from lit/10_base.nw by 'make tangle': change it there, not here. */
#ifndef RFM_BASE_H
#define RFM_BASE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* the status codes */
enum rfm_status {
	RFM_OK = 0,
	RFM_ARGUMENT,   /* the caller asked for something impossible */
	RFM_TOO_LARGE,  /* a size overflows, or exceeds the address range */
	RFM_NO_MEMORY,  /* process memory or address space ran out */
	RFM_NO_ROOM,    /* no free extent fits, and growth was not allowed */
	RFM_DISK_FULL,  /* the file system has no room */
	RFM_IO,         /* the system reported an input/output error */
	RFM_NO_FILE,    /* no such file, or its folder is missing */
	RFM_PERMISSION, /* the file may not be opened so */
	RFM_FOREIGN,    /* the file is not a store */
	RFM_VERSION,    /* a store of a format this program does not know */
	RFM_DAMAGED,    /* a store whose bytes contradict each other */
	RFM_LOCKED,     /* another process has it open for writing */
	RFM_MODE,       /* open, or made, with the other mode */
	RFM_CLOSED,     /* the store, or the payload, was closed */
	RFM_READ_ONLY,  /* opened for reading */
	RFM_FORKED,     /* a forked child may not do this */
	RFM_POISONED,   /* an earlier barrier or log write failed */
	RFM_NO_RECORD,  /* no record has this id */
	RFM_TOMBSTONE,  /* the record was destroyed */
	RFM_MISMATCH,   /* a reference does not fit what it points at */
	RFM_HAS_PARENT, /* an element of a list cannot be destroyed */
	RFM_NO_NAME,    /* nothing is stored under this name */
	RFM_STATUSES
};
/* the detail of an error */
struct rfm_error {
	enum rfm_status status;
	int             os_errno;
	char            text[512];
};

enum rfm_status rfm_fail(struct rfm_error *error,
    enum rfm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
const char *rfm_status_name(enum rfm_status status);
/* the shorthand for passing an error up */
#define RFM_TRY(call) do {                                      \
	enum rfm_status rfm_try_status_ = (call);               \
	if (rfm_try_status_ != RFM_OK)                          \
		return rfm_try_status_;                         \
} while (0)
/* sums that are checked */
bool rfm_add(uint64_t a, uint64_t b, uint64_t *sum);
bool rfm_multiply(uint64_t a, uint64_t b, uint64_t *product);
bool rfm_round_up(uint64_t value, uint64_t power_of_two,
    uint64_t *rounded);
#endif
