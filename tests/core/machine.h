/*
 * A machine on the lying disk, for the tests of log and store: barriers that
 * succeed are written down by name, a read can be followed by an accident, and the
 * power can be cut, with everything that was written arrived or with bytes changed
 * by hand.
 */
#ifndef MACHINE_H
#define MACHINE_H
#include "common.h"
#include "layout.h"
#include "lying_disk.h"

static struct rfm_lying_disk *disk;
static char                   barriers[4096];   /* since the last look */
static void                 (*after_read)(uint64_t offset, void *bytes,
				size_t n) UNUSED;
static struct rfm_os          honest;           /* the unchanged functions */

static const char *const barrier_names[RFM_BARRIERS] UNUSED = {
	[RFM_BARRIER_FORMAT] = "FORMAT",
	[RFM_BARRIER_DIRECTORY] = "DIRECTORY",
	[RFM_BARRIER_PRIOR] = "PRIOR",
	[RFM_BARRIER_SEGMENT] = "SEGMENT",
	[RFM_BARRIER_FLIP] = "FLIP",
	[RFM_BARRIER_PAYLOAD] = "PAYLOAD",
	[RFM_BARRIER_COMMIT] = "COMMIT",
};

static void
write_down(enum rfm_barrier name)
{
	if (strlen(barriers) + 16 > sizeof barriers)
		return;
	if (barriers[0] != '\0')
		strcat(barriers, " ");
	strcat(barriers, barrier_names[name]);
}

static enum rfm_status
noted_barrier(struct rfm_os *os, struct rfm_file *file,
    enum rfm_barrier name, struct rfm_error *e)
{
	enum rfm_status status = honest.barrier(os, file, name, e);

	if (status == RFM_OK)
		write_down(name);
	return status;
}

static enum rfm_status
noted_directory(struct rfm_os *os, const char *path, enum rfm_barrier name,
    struct rfm_error *e)
{
	enum rfm_status status = honest.barrier_directory(os, path, name, e);

	if (status == RFM_OK)
		write_down(name);
	return status;
}

static enum rfm_status
followed_read(struct rfm_os *os, struct rfm_file *file, uint64_t offset,
    void *to, size_t n, struct rfm_error *e)
{
	enum rfm_status status = honest.read(os, file, offset, to, n, e);

	if (after_read != NULL && status == RFM_OK)
		after_read(offset, to, n);
	return status;
}

UNUSED static struct rfm_os *
start_process(void)
{
	struct rfm_os *os = rfm_lying_start(disk);

	honest = *os;
	os->barrier = noted_barrier;
	os->barrier_directory = noted_directory;
	os->read = followed_read;
	return os;
}

/* Exactly these barriers since the last look, in this order. */
#define BARRIERS(wanted) do {                                           \
	if (strcmp(barriers, (wanted)) != 0)                            \
		fail_msg("line %d: barriers \"%s\" instead of \"%s\"",  \
		    __LINE__, barriers, (wanted));                      \
	barriers[0] = '\0';                                             \
} while (0)

/* The file as it is in the page cache now; to be freed. */
UNUSED static struct rfm_lying_image
snapshot(void)
{
	struct rfm_lying_image image = rfm_lying_present(disk);
	uint8_t               *copy = malloc(image.size + 1);

	assert_non_null(copy);
	memcpy(copy, image.bytes, image.size);
	image.bytes = copy;
	return image;
}

/* The machine is switched on with this file; its boot id is another one. */
UNUSED static void
boot_with(struct rfm_lying_image *image)
{
	rfm_lying_boot(disk, image);
	free(image->bytes);
	image->bytes = NULL;
}

UNUSED static void
fail_next(enum rfm_lying_call call, uint32_t nth, enum rfm_status status)
{
	struct rfm_lying_fault fault = { call, nth, status, 0, false };

	rfm_lying_fail(disk, &fault);
}

/* Did the armed failure happen? It is disarmed in any case. */
UNUSED static bool
disarm(void)
{
	struct rfm_lying_fault none = { RFM_LYING_OTHER, 0, RFM_OK, 0, false };

	rfm_lying_fail(disk, &none);
	return true;
}

UNUSED static void
no_complaint(void)
{
	const char *complaint = rfm_lying_complaint(disk);

	if (complaint != NULL)
		fail_msg("the disk complains: %s", complaint);
}
#endif
