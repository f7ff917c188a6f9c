/*
 * A store on the machine of machine.h: one process that writes, handles that are
 * released in time, and the accidents as one call each.
 */
#ifndef SHOP_H
#define SHOP_H
#include "machine.h"
#include "check.h"
#include "store.h"

#define TINY  RFM_FILE_MIN_BYTES
#define RANGE (8u << 20)

static const struct rfm_open_options writing UNUSED = {
	RFM_PERSISTENT, RFM_WRITE, true, TINY, 512, RANGE
};
static const struct rfm_open_options reading UNUSED = {
	RFM_PERSISTENT, RFM_READ, false, 0, 0, 4 * RANGE
};
static const struct rfm_open_options scratching UNUSED = {
	RFM_SCRATCH, RFM_WRITE, true, TINY, 512, RANGE
};

static struct rfm_os      *os;
static struct rfm_store   *store;
static bool                created UNUSED;
static struct rfm_payload *handles[65536];
static size_t              handle_count;

static struct rfm_payload *
keep(struct rfm_payload *p)
{
	assert_true(handle_count < COUNT(handles));
	return handles[handle_count++] = p;
}

UNUSED static void
release(struct rfm_payload *p)
{
	size_t i = handle_count;

	while (i-- > 0 && handles[i] != p)
		;
	handles[i] = handles[--handle_count];
	rfm_payload_release(p);
}

static void
release_all(void)
{
	while (handle_count > 0)
		rfm_payload_release(handles[--handle_count]);
}

UNUSED static struct rfm_payload *
create_of(enum rfm_type type, uint64_t length)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_create(store, type, length, false, RFM_GROW, &p,
	    &error));
	return keep(p);
}

UNUSED static struct rfm_payload *
create(uint64_t bytes)
{
	return create_of(RFM_RAW, bytes);
}

/* A committed vector with a pattern; its id. */
UNUSED static uint64_t
create_filled(uint64_t bytes, uint64_t seed)
{
	struct rfm_payload *p = create(bytes);

	fill(p->address, bytes, seed);
	return p->id;
}

UNUSED static struct rfm_payload *
temporary_of(enum rfm_type type, uint64_t length)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_temporary(store, type, length, false, RFM_GROW, &p,
	    &error));
	return keep(p);
}

UNUSED static struct rfm_payload *
temporary(uint64_t bytes)
{
	return temporary_of(RFM_RAW, bytes);
}

UNUSED static struct rfm_payload *
find_in(struct rfm_store *s, uint64_t id)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_find(s, id, &p, &error));
	return keep(p);
}

UNUSED static struct rfm_payload *
find(uint64_t id)
{
	return find_in(store, id);
}

/* An object of this vector, without attributes. */
UNUSED static struct rfm_payload *
object_of(struct rfm_payload *data)
{
	struct rfm_payload *object = NULL, *names = NULL;

	OK(rfm_store_temporary(store, RFM_OBJECT, 2, true, RFM_GROW, &object,
	    &error));
	OK(rfm_store_temporary(store, RFM_CHARACTER, 0, true, RFM_GROW,
	    &names, &error));
	OK(rfm_store_link(object, 0, data, &error));
	OK(rfm_store_link(object, 1, names, &error));
	rfm_payload_release(names);
	return keep(object);
}

/* This payload under this name, or nothing (NULL); its id. */
UNUSED static uint64_t
name_it(const char *name, struct rfm_payload *p)
{
	struct rfm_change c = { name, "", strlen(name), 0, 0, p };

	OK(rfm_store_change(store, &c, 1, &error));
	return p == NULL ? 0 : p->id;
}

/* The store, as another process reads it. */
UNUSED static struct rfm_store *
open_reader(void)
{
	struct rfm_store *reader = NULL;

	OK(rfm_store_open(start_process(), "store", &reading, &reader, NULL,
	    &error));
	return reader;
}

/* The status of looking for it; a handle that comes is dropped again. */
UNUSED static enum rfm_status
look_for(struct rfm_store *s, uint64_t id)
{
	struct rfm_payload *p = NULL;
	enum rfm_status     status = rfm_store_find(s, id, &p, &error);

	if (status == RFM_OK)
		rfm_payload_release(p);
	return status;
}

/* Is there room for so many bytes, without growing? */
UNUSED static bool
has_room(uint64_t bytes)
{
	struct rfm_payload *p = NULL;
	enum rfm_status     status = rfm_store_temporary(store, RFM_RAW,
	    bytes, false, RFM_STAY, &p, &error);

	if (status == RFM_OK)
		rfm_payload_release(p);
	else
		assert_int_equal(status, RFM_NO_ROOM);
	return status == RFM_OK;
}

/* Takes all room that there is, page by page and then by granules. */
UNUSED static void
take_all_room(uint64_t seed)
{
	uint64_t bytes = RFM_PAGE_BYTES;

	while (bytes >= 64) {
		struct rfm_payload *p = NULL;

		if (rfm_store_temporary(store, RFM_RAW, bytes, false,
		    RFM_STAY, &p, &error) == RFM_OK)
			fill(keep(p)->address, bytes, seed);
		else
			bytes /= 2;
	}
}

UNUSED static struct rfm_store_info
info_of(struct rfm_store *s)
{
	struct rfm_store_info info;

	rfm_store_describe(s, &info);
	return info;
}

/* ---- processes and accidents ---- */

UNUSED static enum rfm_status
try_to_open(const struct rfm_open_options *options)
{
	os = start_process();
	store = NULL;
	created = false;
	return rfm_store_open(os, "store", options, &store, &created, &error);
}

UNUSED static void
open_store(void)
{
	OK(try_to_open(&writing));
}

/* The process lets go of all it has, dead or alive. */
static void
leave(void)
{
	release_all();
	if (store != NULL)
		rfm_store_release(store);
	store = NULL;
	if (os != NULL)
		rfm_lying_end(os);
	os = NULL;
}

/* Another disk, and a scratch store on it. */
UNUSED static void
start_again_with_a_scratch_store(void)
{
	leave();
	rfm_lying_destroy(disk);
	disk = rfm_lying_create(1);
	OK(try_to_open(&scratching));
}

/* A quiet end: closed cleanly, and opened by another process. */
UNUSED static void
reopen(void)
{
	leave();
	open_store();
}

UNUSED static void
die(void)
{
	rfm_lying_kill(os);
	leave();
}

UNUSED static void
die_and_reopen(void)
{
	die();
	open_store();
}

UNUSED static void
lose_power(void)
{
	struct rfm_lying_image image = snapshot();

	rfm_lying_kill(os);
	leave();
	boot_with(&image);
}

UNUSED static void
lose_power_and_reopen(void)
{
	lose_power();
	open_store();
}

/* ---- the independent verifier ---- */

static void
problem(void *context, const char *text)
{
	(void)context;
	printf("# %s\n", text);
}

UNUSED static void
sound_at(int line)
{
	struct rfm_check_report report;
	struct rfm_os          *checker = rfm_lying_start(disk);
	enum rfm_status         status = rfm_check(checker, "store", NULL,
	    NULL, &report, &error);

	if (status == RFM_OK && !report.sound)
		(void)rfm_check(checker, "store", problem, NULL, &report,
		    NULL);
	rfm_lying_end(checker);
	if (status != RFM_OK || !report.sound)
		fail_msg("line %d: not sound: %s", line,
		    status == RFM_OK ? "see above" : error.text);
}

#define SOUND() sound_at(__LINE__)

/* ---- what is in a store, as a picture to be compared ---- */

struct picture {
	char text[8192];
};

static bool
paint(void *context, const struct rfm_record_info *r)
{
	struct picture *picture = context;
	size_t          used = strlen(picture->text);

	if (r->id != 0 && r->state != RFM_DESTROYED)
		snprintf(picture->text + used, sizeof picture->text - used,
		    "%" PRIu64 ":%" PRIu64 "@%" PRIu64 "%s ", r->id, r->bytes,
		    r->offset, r->state == RFM_SEALED ? "s" : "");
	return true;
}

UNUSED static struct picture
picture_of(struct rfm_store *s)
{
	struct picture picture = { "" };

	rfm_store_each(s, paint, &picture);
	return picture;
}

static int
machine_on(void **state)
{
	(void)state;
	disk = rfm_lying_create(1);
	barriers[0] = '\0';
	after_read = NULL;
	os = NULL;
	store = NULL;
	open_store();
	return 0;
}

static int
machine_off(void **state)
{
	(void)state;
	leave();
	no_complaint();
	rfm_lying_destroy(disk);
	return 0;
}
#endif
