/*
 * Tests of the room store on real files and with real processes: links, owners,
 * forks, readers, kills, a disk that is full, and a million records.
 */
#define _GNU_SOURCE
#include "common.h"
#include "check.h"
#include "faults.h"
#include "folder.h"
#include "layout.h"
#include "store.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB 1048576ULL

static struct rfm_os    *os;
static struct rfm_store *store;
static char              folder[FOLDER_BYTES], home[4096];

static const struct rfm_open_options writing = {
	RFM_PERSISTENT, RFM_WRITE, true, MIB, 0, 0
};
static const struct rfm_open_options reading = {
	RFM_PERSISTENT, RFM_READ, false, 0, 0, 0
};
static const struct rfm_open_options scratching = {
	RFM_SCRATCH, RFM_WRITE, true, MIB, 0, 0
};

static enum rfm_status
try_to_open(const struct rfm_open_options *options)
{
	store = NULL;
	return rfm_store_open(os, "s", options, &store, NULL, &error);
}

static int
set_up(void **state)
{
	(void)state;
	alarm(slow_motion() ? 900 : 300);       /* for a child that never says it */
	os = rfm_os_posix();
	return new_folder(folder) == NULL || getcwd(home, sizeof home) == NULL ||
	    chdir(folder) != 0 || try_to_open(&writing) != RFM_OK;
}

static void
leave(void)
{
	if (store != NULL)
		rfm_store_release(store);
	store = NULL;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	leave();
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir(home) != 0 || system(command) != 0;
}

static struct rfm_payload *
create(uint64_t bytes, uint64_t seed)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_create(store, RFM_RAW, bytes, false, RFM_GROW, &p,
	    &error));
	fill(p->address, bytes, seed);
	return p;
}

static struct rfm_payload *
temporary(uint64_t bytes, uint64_t seed)
{
	struct rfm_payload *p = NULL;

	OK(rfm_store_temporary(store, RFM_RAW, bytes, false, RFM_GROW, &p,
	    &error));
	fill(p->address, bytes, seed);
	return p;
}

static bool
is_there(struct rfm_store *s, uint64_t id, uint64_t bytes, uint64_t seed)
{
	struct rfm_payload *p = NULL;
	bool                good;

	if (rfm_store_find(s, id, &p, &error) != RFM_OK)
		return false;
	good = p->bytes == bytes && holds(p->address, bytes, seed);
	rfm_payload_release(p);
	return good;
}

static void
expect_sound(void)
{
	struct rfm_check_report report;

	OK(rfm_check(os, "s", NULL, NULL, &report, &error));
	assert_true(report.sound);
}

static struct rfm_store_info
info(void)
{
	struct rfm_store_info i;

	rfm_store_describe(store, &i);
	return i;
}

static int to_child[2], to_parent[2];

/* A process of its own. It keeps its ends of the pipes only: if this program dies,
 * whoever waits for it hears so. */
static pid_t
start(int (*act)(void))
{
	pid_t child;

	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (to_child[1] > 0)
			close(to_child[1]);
		to_child[1] = 0;
		leave_child(act());
	}
	return child;
}

static int
end_of(pid_t child)
{
	int result = 0;

	assert_int_equal(waitpid(child, &result, 0), child);
	return WIFEXITED(result) ? WEXITSTATUS(result)
	    : 128 + WTERMSIG(result);
}

static void
make_pipes(void)
{
	assert_int_equal(pipe(to_child), 0);
	assert_int_equal(pipe(to_parent), 0);
}

static void
drop_pipes(void)
{
	for (int i = 0; i < 2; i++) {
		close(to_child[i]);
		close(to_parent[i]);
		to_child[i] = to_parent[i] = 0;
	}
}

static void
say(const int pipe_[2], uint64_t word)
{
	if (write(pipe_[1], &word, sizeof word) != sizeof word)
		abort();
}

static uint64_t
hear(const int pipe_[2])
{
	uint64_t word = 0;

	if (read(pipe_[0], &word, sizeof word) != sizeof word)
		return UINT64_MAX;
	return word;
}

/* ---- names ---- */

/* proves I12 */
static void
a_file_has_one_store_whatever_it_is_called(void **state)
{
	static const char *const names[] = { "soft", "hard", "./s", "sub/../s" };
	struct rfm_store        *again;

	(void)state;
	assert_int_equal(symlink("s", "soft"), 0);
	assert_int_equal(link("s", "hard"), 0);
	assert_int_equal(mkdir("sub", 0777), 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		OK(rfm_store_open(os, names[i], &writing, &again, NULL,
		    &error));
		assert_ptr_equal(again, store);
		rfm_store_release(again);
	}
	assert_int_equal(info().path[0], '/');
}

static void
a_store_is_found_by_its_uuid(void **state)
{
	struct rfm_store_info i = info();
	struct rfm_store     *b;

	(void)state;
	assert_ptr_equal(rfm_store_by_uuid(i.uuid), store);
	OK(rfm_store_open(os, "t", &writing, &b, NULL, &error));
	assert_ptr_equal(rfm_store_by_uuid(i.uuid), store);
	i.uuid[3] ^= 1;
	assert_null(rfm_store_by_uuid(i.uuid));
	rfm_store_release(b);
}

static void
a_missing_folder_is_told_with_the_systems_reason(void **state)
{
	struct rfm_store *b;

	(void)state;
	REFUSED(RFM_NO_FILE, rfm_store_open(os, "no/such/s", &writing, &b,
	    NULL, &error));
	assert_int_equal(rfm_store_open(os, "no/such/s", &writing, &b, NULL,
	    NULL), RFM_NO_FILE);
}

/* ---- what is no store ---- */

/* The same bytes, size and times as before, whoever tried to open it. */
static void
expect_untouched(const char *name, enum rfm_status wanted)
{
	struct stat       before, after;
	char              command[256];
	struct rfm_store *b = NULL;

	snprintf(command, sizeof command, "cp %s copy", name);
	assert_int_equal(system(command), 0);
	assert_int_equal(stat(name, &before), 0);
	REFUSED(wanted, rfm_store_open(os, name, &writing, &b, NULL, &error));
	REFUSED(wanted, rfm_store_open(os, name, &reading, &b, NULL, &error));
	assert_int_not_equal(rfm_store_open(os, name, &scratching, &b, NULL,
	    &error), RFM_OK);
	assert_int_equal(stat(name, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	snprintf(command, sizeof command, "cmp -s %s copy", name);
	assert_int_equal(system(command), 0);
}

/* proves I14 */
static void
foreign_files_are_refused_and_untouched(void **state)
{
	struct rfm_store *b = NULL;

	(void)state;
	assert_int_equal(system("head -c 1000000 /dev/urandom >random;"
	    " cp /bin/ls elf; : >empty; echo hello >text"), 0);
	expect_untouched("random", RFM_FOREIGN);
	expect_untouched("elf", RFM_FOREIGN);
	expect_untouched("empty", RFM_FOREIGN);
	expect_untouched("text", RFM_FOREIGN);
	assert_int_equal(mkdir("folder", 0777), 0);
	assert_int_equal(mkfifo("pipe", 0666), 0);
	REFUSED(RFM_FOREIGN, rfm_store_open(os, "folder", &writing, &b, NULL,
	    &error));
	REFUSED(RFM_FOREIGN, rfm_store_open(os, "pipe", &reading, &b, NULL,
	    &error));
	REFUSED(RFM_FOREIGN, rfm_store_open(os, "/dev/zero", &reading, &b,
	    NULL, &error));
}

/* proves I14 */
static void
a_truncated_store_is_refused_and_untouched(void **state)
{
	(void)state;
	rfm_payload_release(create(500000, 1));
	leave();
	assert_int_equal(system("head -c 300000 s >short"), 0);
	expect_untouched("short", RFM_DAMAGED);
	assert_int_equal(system("head -c 100 s >stump"), 0);
	expect_untouched("stump", RFM_FOREIGN);
}

static int
open_the_read_only_file(void)
{
	struct rfm_store *b = NULL;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 99;
	if (rfm_store_open(os, "s", &writing, &b, NULL, NULL) !=
	    RFM_PERMISSION)
		return 1;
	return rfm_store_open(os, "s", &reading, &b, NULL, NULL) != RFM_OK;
}

static void
a_file_that_may_only_be_read_can_be_read(void **state)
{
	(void)state;
	if (getuid() != 0)
		skip();
	leave();
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod("s", 0444), 0);
	assert_int_equal(end_of(start(open_the_read_only_file)), 0);
}

/* ---- other processes ---- */

static int
open_as_second_writer(void)
{
	char pid[64];

	if (try_to_open(&writing) != RFM_LOCKED)
		return 1;
	snprintf(pid, sizeof pid, "open for writing by process %ld ",
	    (long)getppid());
	return strstr(error.text, pid) == NULL;
}

/* It has nothing of its parent's store: it is forked before that is opened. */
static int
wait_and_open_as_second_writer(void)
{
	(void)hear(to_child);
	return open_as_second_writer();
}

/* proves I12 */
static void
another_process_is_kept_out_and_told_the_owner(void **state)
{
	pid_t child;

	(void)state;
	leave();
	make_pipes();
	child = start(wait_and_open_as_second_writer);
	OK(try_to_open(&writing));
	say(to_child, 1);
	assert_int_equal(end_of(child), 0);
	drop_pipes();
}

static int
write_until_killed(void)
{
	if (try_to_open(&writing) != RFM_OK)
		return 1;
	for (uint64_t i = 1;; i++) {
		struct rfm_payload *p = create(100 + i % 5000, i);

		if (p->id != i)
			return 2;
		if (i % 3 == 0 && rfm_store_seal(p, NULL) != RFM_OK)
			return 3;
		if (i % 10 == 0 && rfm_store_sync(store, NULL) != RFM_OK)
			return 4;
		rfm_payload_release(p);
		say(to_parent, i);
	}
}

/* proves I4 */
static void
a_process_killed_at_any_time_loses_nothing_it_had_told(void **state)
{
	(void)state;
	leave();
	for (int round = 0; round < 8; round++) {
		uint64_t told = 0, word, stop = 20 + (uint64_t)round * 13;
		pid_t    child;

		assert_int_equal(unlink("s"), 0);
		make_pipes();
		child = start(write_until_killed);
		close(to_parent[1]);
		while ((word = hear(to_parent)) != UINT64_MAX) {
			told = word;
			if (told == stop)
				kill(child, SIGKILL);
		}
		to_parent[1] = dup(0);
		assert_int_equal(end_of(child), 128 + SIGKILL);
		assert_true(told >= stop);
		OK(try_to_open(&writing));
		for (uint64_t id = 1; id <= told; id++)
			assert_true(is_there(store, id, 100 + id % 5000, id));
		expect_sound();
		leave();
		drop_pipes();
	}
}

static int
read_beside_the_writer(void)
{
	struct rfm_payload *p = NULL;
	uint64_t            first, later;

	first = hear(to_child);
	if (try_to_open(&reading) != RFM_OK ||
	    rfm_store_find(store, first, &p, NULL) != RFM_OK)
		return 1;
	fill(p->address, 100, 77);      /* stays here */
	say(to_parent, 1);
	later = hear(to_child);
	if (!is_there(store, later, 3 * MIB, 5))
		return 2;
	if (!holds((uint8_t *)p->address + 4096, 8192, 1 + 512))
		return 3;
	say(to_parent, 2);
	(void)hear(to_child);
	if (!holds((uint8_t *)p->address + 4096, 8192, 1 + 512))
		return 4;
	rfm_payload_release(p);
	leave();
	return 0;
}

/* proves I6, I12 */
static void
a_reader_in_another_process_sees_all_and_disturbs_nothing(void **state)
{
	struct rfm_payload *p;
	uint64_t            id;
	pid_t               child;

	(void)state;
	leave();
	make_pipes();
	child = start(read_beside_the_writer);
	OK(try_to_open(&writing));
	p = create(12288, 1);
	id = p->id;
	say(to_child, id);
	assert_int_equal(hear(to_parent), 1);
	assert_true(holds(p->address, 12288, 1));
	rfm_payload_release(create(3 * MIB, 5));        /* grows */
	say(to_child, id + 1);
	assert_int_equal(hear(to_parent), 2);
	OK(rfm_store_destroy(p, true, &error));
	OK(rfm_store_sync(store, &error));
	assert_true(info().held_bytes >= 12288);
	say(to_child, 3);
	assert_int_equal(end_of(child), 0);
	rfm_payload_release(p);
	OK(rfm_store_sync(store, &error));
	assert_int_equal(info().held_bytes, 0);
	drop_pipes();
}

/* ---- forks ---- */

static struct rfm_payload *committed, *floating;

static int
live_as_a_child(void)
{
	struct rfm_change    c = { .name = "a name", .name_bytes = 6 };
	struct rfm_name_info told;
	struct rfm_payload  *p = NULL;

	if (!holds(committed->address, 9000, 1) ||
	    !holds(floating->address, 9000, 2))
		return 1;
	fill(committed->address, 9000, 11);
	fill(floating->address, 9000, 12);
	for (int i = 0; i < 50; i++) {
		if (rfm_store_temporary(store, RFM_RAW, 100000, true, RFM_GROW,
		    &p, NULL) != RFM_OK)
			return 2;
		if (p->offset < RFM_FILE_MAX_BYTES ||
		    !all_zero(p->address, 100000))
			return 3;
		fill(p->address, 100000, 13);
		if (i % 2 == 0)
			rfm_payload_release(p);
	}
	if (rfm_store_create(store, RFM_RAW, 10, true, RFM_GROW, &p, NULL) !=
	    RFM_OK || p->state != RFM_TEMPORARY)
		return 4;
	c.value = p;
	if (rfm_store_change(store, &c, 1, &error) != RFM_FORKED)
		return 7;
	c.value = NULL;                 /* the name that is there */
	if (rfm_store_change(store, &c, 1, &error) != RFM_FORKED ||
	    !rfm_store_name(store, "a name", 6, &told))
		return 8;
	if (rfm_store_seal(p, &error) != RFM_FORKED ||
	    rfm_store_sync(store, &error) != RFM_FORKED ||
	    rfm_store_destroy(committed, true, &error) != RFM_FORKED)
		return 5;
	if (strstr(error.text, "opened by the parent") == NULL)
		return 6;
	rfm_payload_release(floating);  /* what finalizers do */
	rfm_payload_release(committed);
	if (rfm_store_close(store, NULL) != RFM_OK)
		return 7;
	rfm_store_release(store);
	return 0;
}

/* proves I12, I13 */
static void
a_child_works_in_memory_and_its_parent_notices_nothing(void **state)
{
	struct rfm_change     c = { .name = "a name", .name_bytes = 6 };
	struct rfm_store_info i, k;

	(void)state;
	committed = create(9000, 1);
	floating = temporary(9000, 2);
	c.value = temporary(10, 3);
	OK(rfm_store_change(store, &c, 1, &error));
	rfm_payload_release(c.value);
	OK(rfm_store_sync(store, &error));
	i = info();
	assert_int_equal(system("sha256sum <s >sum"), 0);
	assert_int_equal(end_of(start(live_as_a_child)), 0);
	assert_int_equal(system("sha256sum <s | cmp -s - sum"), 0);
	k = info();
	assert_memory_equal(&i, &k, sizeof i);
	assert_true(holds(committed->address, 9000, 1));
	assert_true(holds(floating->address, 9000, 2));
	rfm_payload_release(floating);
	rfm_payload_release(committed);
	rfm_payload_release(create(100, 3));
	expect_sound();
}

static int
look_again_later(void)
{
	(void)hear(to_child);
	return !holds(committed->address, 9000, 1) ||
	    !holds(floating->address, 9000, 2);
}

/* proves I6, I12 */
static void
a_parent_does_not_reuse_what_its_child_still_reads(void **state)
{
	struct rfm_payload *more[200];
	pid_t               child;

	(void)state;
	committed = create(9000, 1);
	floating = temporary(9000, 2);
	OK(rfm_store_sync(store, &error));
	make_pipes();
	child = start(look_again_later);
	rfm_payload_release(floating);
	OK(rfm_store_destroy(committed, true, &error));
	OK(rfm_store_sync(store, &error));
	assert_int_equal(info().held_bytes, 2 * 12288);
	for (size_t i = 0; i < COUNT(more); i++)
		more[i] = temporary(9000, 3);
	say(to_child, 1);
	assert_int_equal(end_of(child), 0);
	for (size_t i = 0; i < COUNT(more); i++)
		rfm_payload_release(more[i]);
	OK(rfm_store_sync(store, &error));
	assert_int_equal(info().held_bytes, 0);
	rfm_payload_release(committed);
	drop_pipes();
}

static int
outlive_the_parent(void)
{
	bool good;

	say(to_parent, 1);
	(void)hear(to_child);
	good = holds(committed->address, 9000, 1) &&
	    holds(floating->address, 9000, 2);
	say(to_parent, good ? 2 : 3);
	return 0;
}

static int
be_a_short_parent(void)
{
	if (try_to_open(&writing) != RFM_OK)
		return 1;
	committed = create(9000, 1);
	floating = temporary(9000, 2);
	if (rfm_store_sync(store, NULL) != RFM_OK ||
	    start(outlive_the_parent) < 0 || hear(to_parent) != 1)
		return 2;
	leave_child(0);
}

/* proves I6, I12 */
static void
a_child_that_outlives_its_parent_keeps_no_writers_lock(void **state)
{
	struct rfm_payload *p = NULL;

	(void)state;
	leave();
	assert_int_equal(unlink("s"), 0);
	make_pipes();
	assert_int_equal(end_of(start(be_a_short_parent)), 0);
	OK(try_to_open(&writing));
	/* but what it reads is not handed out to anybody */
	assert_int_equal(info().free_bytes, 0);
	rfm_payload_release(temporary(2 * MIB, 3));
	OK(rfm_store_find(store, 1, &p, &error));
	OK(rfm_store_destroy(p, true, &error));
	rfm_payload_release(p);
	OK(rfm_store_sync(store, &error));
	assert_true(info().held_bytes >= 12288);
	say(to_child, 1);
	assert_int_equal(hear(to_parent), 2);
	for (int i = 0; i < 2000 && info().held_bytes > 0; i++) {
		usleep(1000);
		OK(rfm_store_sync(store, &error));
	}
	assert_int_equal(info().held_bytes, 0);
	drop_pipes();
}

static int
have_a_child_oneself(void)
{
	int inner;

	fill(committed->address, 9000, 5);
	inner = end_of(start(live_as_a_child));
	return inner == 1 ? 0 : 1;      /* it saw its own parent's numbers */
}

static void
a_child_of_a_child_is_a_child(void **state)
{
	(void)state;
	committed = create(9000, 1);
	floating = temporary(9000, 2);
	assert_int_equal(end_of(start(have_a_child_oneself)), 0);
	assert_true(holds(committed->address, 9000, 1));
	rfm_payload_release(floating);
	rfm_payload_release(committed);
}

static int
do_nothing(void)
{
	return 0;
}

static void
many_forks_leave_no_descriptor_and_no_room_behind(void **state)
{
	int first, last;

	(void)state;
	rfm_payload_release(temporary(100, 1));
	first = dup(0);
	close(first);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(end_of(start(do_nothing)), 0);
		rfm_payload_release(temporary(100, 1));
	}
	last = dup(0);
	close(last);
	assert_int_equal(first, last);
	OK(rfm_store_sync(store, &error));
	assert_int_equal(info().held_bytes, 0);
}

/* ---- scratch ---- */

static void
a_scratch_file_is_removed_only_if_it_is_ours(void **state)
{
	struct rfm_store *b;
	bool              created;

	(void)state;
	OK(rfm_store_open(os, "scratch", &scratching, &b, &created, &error));
	assert_true(created);
	rfm_store_release(b);
	assert_int_equal(access("scratch", F_OK), -1);
	OK(rfm_store_open(os, "scratch", &scratching, &b, &created, &error));
	assert_int_equal(rename("scratch", "elsewhere"), 0);
	assert_int_equal(system("echo precious >scratch"), 0);
	rfm_store_release(b);
	assert_int_equal(access("scratch", F_OK), 0);
	assert_int_equal(access("elsewhere", F_OK), 0);
	OK(rfm_store_open(os, "elsewhere", &scratching, &b, &created,
	    &error));
	assert_false(created);
	rfm_store_release(b);
	assert_int_equal(access("elsewhere", F_OK), 0);
}

static int
open_scratch_and_fork(void)
{
	struct rfm_store *b;

	if (rfm_store_open(os, "scratch", &scratching, &b, NULL, NULL) !=
	    RFM_OK)
		return 1;
	store = b;
	if (end_of(start(do_nothing)) != 0)
		return 2;
	leave();
	return access("scratch", F_OK) == 0;
}

static void
a_child_does_not_remove_its_parents_scratch_file(void **state)
{
	struct rfm_store *b;
	pid_t             child;

	(void)state;
	OK(rfm_store_open(os, "scratch", &scratching, &b, NULL, &error));
	child = fork();
	if (child == 0) {
		rfm_store_release(b);
		leave_child(0);
	}
	assert_int_equal(end_of(child), 0);
	assert_int_equal(access("scratch", F_OK), 0);
	rfm_store_release(b);
	assert_int_equal(access("scratch", F_OK), -1);
	leave();
	assert_int_equal(end_of(start(open_scratch_and_fork)), 0);
}

/* ---- room on the disk ---- */

static uint64_t
blocks(const char *name)
{
	struct stat about;

	assert_int_equal(stat(name, &about), 0);
	return (uint64_t)about.st_blocks * 512;
}

static void
a_store_costs_only_the_blocks_it_uses(void **state)
{
	struct rfm_open_options large = writing;
	struct rfm_payload     *p = NULL;
	struct rfm_store       *b;

	(void)state;
	large.bytes = slow_motion() ? 4ULL << 30 : 50ULL << 30;
	OK(rfm_store_open(os, "large", &large, &b, NULL, &error));
	assert_true(blocks("large") < 4 * MIB);
	OK(rfm_store_create(b, RFM_NUMERIC, 8 * MIB / 8, true, RFM_STAY, &p,
	    &error));
	assert_true(blocks("large") >= 8 * MIB);
	assert_true(blocks("large") < 16 * MIB);
	OK(rfm_store_destroy(p, true, &error));
	assert_true(blocks("large") >= 8 * MIB);
	OK(rfm_store_sync(b, &error));
	assert_true(blocks("large") < 4 * MIB);
	rfm_payload_release(p);
	rfm_store_release(b);
}

static void
temporaries_give_their_blocks_back_when_the_store_is_let_go(void **state)
{
	struct rfm_payload *p = temporary(20 * MIB, 1);

	(void)state;
	rfm_payload_release(p);
	assert_true(blocks("s") >= 20 * MIB);
	leave();
	assert_true(blocks("s") < 4 * MIB);
	OK(try_to_open(&writing));
	expect_sound();
}

static int
fill_a_small_disk(void)
{
	struct rfm_payload *kept, *p = NULL;
	unsigned            n = 0;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", folder, "tmpfs", 0, "size=40m") != 0)
		return 99;
	if (chdir(folder) != 0 || try_to_open(&writing) != RFM_OK)
		return 1;
	kept = create(MIB, 1);
	if (rfm_store_create(store, RFM_RAW, 160 * MIB, true, RFM_GROW, &p,
	    &error) != RFM_DISK_FULL)
		return 2;
	if (info().file_bytes > 8 * MIB || p != NULL)
		return 3;
	while (rfm_store_create(store, RFM_RAW, 3 * MIB, false, RFM_GROW, &p,
	    &error) == RFM_OK)
		fill(p->address, p->bytes, ++n);        /* no SIGBUS */
	if (error.status != RFM_DISK_FULL || n < 8 || n > 13)
		return 4;
	if (!holds(kept->address, MIB, 1))
		return 5;
	if (rfm_store_destroy(p, true, NULL) != RFM_OK)
		return 6;
	(void)rfm_store_sync(store, NULL);
	if (rfm_store_create(store, RFM_RAW, 2 * MIB, false, RFM_GROW, &p,
	    &error) != RFM_OK)
		return 7;
	fill(p->address, p->bytes, 99);
	if (rfm_store_sync(store, &error) != RFM_OK)
		return 8;
	for (uint64_t id = 2; id <= n; id++)
		if (!is_there(store, id, 3 * MIB, id - 1))
			return 9;
	return 0;
}

/* proves I13 */
static void
a_full_disk_is_an_error_and_the_rest_lives_on(void **state)
{
	int result;

	(void)state;
	leave();
	result = end_of(start(fill_a_small_disk));
	if (result == 99)
		skip();
	assert_int_equal(result, 0);
}

static int
open_with_few_addresses(void)
{
	struct rfm_open_options options = writing;
	char                    command[64];

	options.address_bytes = 1ULL << 62;     /* it halves until it fits */
	snprintf(command, sizeof command, "t%d", (int)getpid());
	if (rfm_store_open(os, command, &options, &store, NULL, NULL) !=
	    RFM_OK)
		return 1;
	return !holds(create(100000, 1)->address, 100000, 1);
}

static void
addresses_are_taken_as_many_as_there_are(void **state)
{
	(void)state;
	assert_int_equal(end_of(start(open_with_few_addresses)), 0);
}

/* ---- many ---- */

static void
a_million_records_are_made_and_found_again(void **state)
{
	const uint64_t  n = slow_motion() ? 50000 : 1000000;
	struct timespec a, b;
	double          ms;

	(void)state;
	for (uint64_t i = 0; i < n; i++) {
		struct rfm_payload *p = NULL;

		OK(rfm_store_create(store, RFM_INTEGER, 10, true, RFM_GROW,
		    &p, &error));
		memcpy(p->address, &i, sizeof i);
		rfm_payload_release(p);
	}
	leave();
	clock_gettime(CLOCK_MONOTONIC, &a);
	OK(try_to_open(&writing));
	clock_gettime(CLOCK_MONOTONIC, &b);
	ms = (double)(b.tv_sec - a.tv_sec) * 1e3 +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e6;
	printf("# %" PRIu64 " records reopened in %.0f ms\n", n, ms);
	assert_int_equal(info().records, n);
	for (uint64_t i = 0; i < n; i += 9999) {
		struct rfm_payload *p = NULL;

		OK(rfm_store_find(store, i + 1, &p, &error));
		assert_memory_equal(p->address, &i, sizeof i);
		rfm_payload_release(p);
	}
	expect_sound();
}

/* A store that does not commit for want of room. */
static void
start_with_room(void)
{
	struct rfm_open_options roomy = writing;

	if (slow_motion())
		skip();
	leave();
	unlink("s");
	roomy.bytes = 256 * MIB;
	OK(try_to_open(&roomy));
}

/* Without a sync, for a long time: the store commits on its own account. */
static void
a_loop_without_a_sync_does_not_fill_the_log_with_the_dead(void **state)
{
	uint64_t largest = 0;

	(void)state;
	start_with_room();
	for (int i = 0; i < 700000; i++) {
		struct rfm_payload *p = NULL;

		OK(rfm_store_create(store, RFM_RAW, 10, false, RFM_GROW, &p,
		    &error));
		OK(rfm_store_destroy(p, true, &error));
		rfm_payload_release(p);
		if (i % 1000 == 0 && info().log_bytes > largest)
			largest = info().log_bytes;
	}
	assert_true(largest > RFM_LOG_DEAD_LIMIT_BYTES / 2);
	assert_true(largest < RFM_LOG_DEAD_LIMIT_BYTES + MIB);
	assert_true(info().log_bytes < RFM_LOG_DEAD_LIMIT_BYTES / 2);
	assert_int_not_equal(info().last_sync, 0);
	expect_sound();
}

/* The vector is destroyed; that the medium has failed is said to who comes next. */
static void
a_destroy_has_succeeded_if_only_the_tidying_fails(void **state)
{
	struct rfm_payload *p = NULL;
	int                 i = 0;

	(void)state;
	start_with_room();
	OK(rfm_store_create(store, RFM_RAW, 10, false, RFM_GROW, &p, &error));
	rfm_payload_release(p);
	OK(rfm_store_sync(store, &error));
	fail_data_flush(EIO);
	for (;;) {
		enum rfm_status status = rfm_store_create(store, RFM_RAW, 10,
		    false, RFM_GROW, &p, &error);

		if (status == RFM_POISONED)
			break;
		assert_int_equal(status, RFM_OK);
		OK(rfm_store_destroy(p, true, &error));
		rfm_payload_release(p);
		assert_true(i++ < 700000);
	}
	assert_true(i > 100000);
	assert_int_equal(info().records, 1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_file_has_one_store_whatever_it_is_called),
		T(a_store_is_found_by_its_uuid),
		T(a_missing_folder_is_told_with_the_systems_reason),
		T(foreign_files_are_refused_and_untouched),
		T(a_truncated_store_is_refused_and_untouched),
		T(a_file_that_may_only_be_read_can_be_read),
		T(another_process_is_kept_out_and_told_the_owner),
		T(a_process_killed_at_any_time_loses_nothing_it_had_told),
		T(a_reader_in_another_process_sees_all_and_disturbs_nothing),
		T(a_child_works_in_memory_and_its_parent_notices_nothing),
		T(a_parent_does_not_reuse_what_its_child_still_reads),
		T(a_child_that_outlives_its_parent_keeps_no_writers_lock),
		T(a_child_of_a_child_is_a_child),
		T(many_forks_leave_no_descriptor_and_no_room_behind),
		T(a_scratch_file_is_removed_only_if_it_is_ours),
		T(a_child_does_not_remove_its_parents_scratch_file),
		T(a_store_costs_only_the_blocks_it_uses),
		T(temporaries_give_their_blocks_back_when_the_store_is_let_go),
		T(a_full_disk_is_an_error_and_the_rest_lives_on),
		T(addresses_are_taken_as_many_as_there_are),
		T(a_million_records_are_made_and_found_again),
		T(a_loop_without_a_sync_does_not_fill_the_log_with_the_dead),
		T(a_destroy_has_succeeded_if_only_the_tidying_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
