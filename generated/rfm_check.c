/* Tangled from lit/59_check.nw by 'make tangle': change it there, not here. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "layout.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOUND = 0, DAMAGED = 1, NO_STORE = 2, USAGE = 64 };

/* collect the findings */
static void
collect(void *findings, const char *text)
{
	fprintf(findings, "%s\n", text);
}
/* print what the file is */
static void
print_identity(const char *path, const struct rfm_check_report *r)
{
	static const char dashes[16] = { [3] = 1, [5] = 1, [7] = 1,
	    [9] = 1 };

	printf("%s: a store of format %d, %s\n", path,
	    RFM_FORMAT_VERSION, r->scratch ? "scratch" :
	    r->clean ? "closed cleanly" : "not closed cleanly");
	printf("  uuid        ");
	for (int i = 0; i < 16; i++)
		printf("%02x%s", r->uuid[i], dashes[i] ? "-" : "");
	printf("\n  file        %" PRIu64 " bytes\n", r->file_bytes);
	printf("  superblock  number %" PRIu64 "\n",
	    r->superblock_sequence);
}
/* print what is in it */
static void
print_counts(const struct rfm_check_report *r)
{
	printf("  log         %" PRIu64 " records in %" PRIu64
	    " segments, %" PRIu64 " bytes\n", r->records, r->segments,
	    r->log_bytes);
	printf("  committed   epoch %" PRIu64 ", and %" PRIu64
	    " records after it\n", r->epoch, r->uncommitted);
	printf("  vectors     %" PRIu64 " live (%" PRIu64 " sealed) in %"
	    PRIu64 " bytes, %" PRIu64 " tombstones\n", r->live, r->sealed,
	    r->live_bytes, r->tombstones);
	printf("  names       %" PRIu64 "\n", r->names);
}
/* check one file and give the verdict */
static int
check(const char *path, bool quiet)
{
	struct rfm_check_report report;
	struct rfm_error        error = { 0 };
	char                   *text = NULL;
	size_t                  bytes = 0;
	FILE                   *findings = open_memstream(&text, &bytes);
	enum rfm_status         status;

	if (findings == NULL) {
		fprintf(stderr, "rfm-check: out of memory\n");
		return NO_STORE;
	}
	status = rfm_check(rfm_os_posix(), path, collect, findings,
	    &report, &error);
	fclose(findings);
	if (status != RFM_OK) {
		fprintf(stderr, "rfm-check: %s: %s\n", path, error.text);
	} else if (!quiet) {
		print_identity(path, &report);
		print_counts(&report);
		printf("%s", text);
		/* print the verdict */
		if (report.sound)
			printf("sound\n");
		else
			printf("DAMAGED: %" PRIu64 " problem%s\n", report.problems,
			    report.problems == 1 ? "" : "s");
	}
	free(text);
	return status != RFM_OK ? NO_STORE : report.sound ? SOUND : DAMAGED;
}
/* understand the command line */
static const char usage[] =
	"usage: rfm-check [--quiet] FILE\n"
	"Checks a store from outside; never changes it.\n"
	"Exit status: 0 sound, 1 damaged, 2 no store or not readable.\n";

int
main(int argc, char **argv)
{
	bool quiet = argc > 1 && strcmp(argv[1], "--quiet") == 0;

	argc -= quiet;
	argv += quiet;
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		printf("%s", usage);
		return SOUND;
	}
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "%s", usage);
		return USAGE;
	}
	return check(argv[1], quiet);
}
