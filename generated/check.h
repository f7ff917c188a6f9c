/* Tangled from lit/59_check.nw by 'make tangle': change it there, not here. */
#ifndef RFM_CHECK_H
#define RFM_CHECK_H
#include "os.h"

/* what a check reports */
struct rfm_check_report {
	bool     sound;          /* no damage was found */
	bool     clean;          /* closed cleanly */
	bool     scratch;
	uint8_t  uuid[16];
	uint64_t file_bytes;
	uint64_t superblock_sequence;
	uint64_t epoch;          /* of the last COMMIT */
	uint64_t records;        /* in the log */
	uint64_t uncommitted;    /* of them, after the last COMMIT */
	uint64_t live, sealed, tombstones;
	uint64_t names;          /* that stand for something */
	uint64_t live_bytes;     /* extents of live payloads */
	uint64_t segments, log_bytes;
	uint64_t problems;
};

typedef void rfm_check_line(void *context, const char *text);

enum rfm_status rfm_check(struct rfm_os *os, const char *path,
    rfm_check_line *line, void *context,
    struct rfm_check_report *report, struct rfm_error *error);
#endif
