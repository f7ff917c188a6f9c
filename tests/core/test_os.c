/*
 * Tests of the room os: the POSIX functions behind the seam, on real files in a
 * folder of their own, and with real processes where locks and mappings meet.
 */
#define _GNU_SOURCE
#include "common.h"
#include "faults.h"
#include "folder.h"
#include "os.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB 1048576u

static struct rfm_os   *os;
static struct rfm_file *file;
static char             folder[FOLDER_BYTES], home[4096];

static int
set_up(void **state)
{
	(void)state;
	os = rfm_os_posix();
	return new_folder(folder) == NULL || getcwd(home, sizeof home) == NULL ||
	    chdir(folder) != 0 ||
	    os->open(os, "f", RFM_OPEN_CREATE, &file, &error) != RFM_OK;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	if (file != NULL)
		os->close(os, file);
	file = NULL;
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir(home) != 0 || system(command) != 0;
}

/* What a child process finds out, as its exit status. */
static int
in_a_child(int (*act)(void))
{
	int   result;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		leave_child(act());
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_true(WIFEXITED(result));
	return WEXITSTATUS(result);
}

/* ---- names and files ---- */

static void
create_makes_an_empty_file_and_insists_on_being_first(void **state)
{
	struct rfm_file *again = (struct rfm_file *)1;
	uint64_t         bytes = 1;

	(void)state;
	OK(os->size(os, file, &bytes, &error));
	assert_int_equal(bytes, 0);
	REFUSED(RFM_ARGUMENT, os->open(os, "f", RFM_OPEN_CREATE, &again,
	    &error));
	SAYS("f: File exists");
	assert_int_equal(error.os_errno, EEXIST);
	assert_null(again);
}

static void
create_does_not_follow_a_dangling_link(void **state)
{
	struct rfm_file *f;

	(void)state;
	assert_int_equal(symlink("nowhere", "link"), 0);
	REFUSED(RFM_ARGUMENT, os->open(os, "link", RFM_OPEN_CREATE, &f,
	    &error));
	assert_int_equal(access("nowhere", F_OK), -1);
}

static void
each_cause_has_its_word(void **state)
{
	struct rfm_file *f;

	(void)state;
	REFUSED(RFM_NO_FILE, os->open(os, "absent", RFM_OPEN_WRITE, &f,
	    &error));
	REFUSED(RFM_NO_FILE, os->open(os, "no/f", RFM_OPEN_CREATE, &f,
	    &error));
	REFUSED(RFM_NO_FILE, os->open(os, "f/f", RFM_OPEN_READ, &f, &error));
	assert_int_equal(error.os_errno, ENOTDIR);
	REFUSED(RFM_ARGUMENT, os->open(os, ".", RFM_OPEN_WRITE, &f, &error));
	REFUSED(RFM_NO_FILE, os->remove(os, "absent", &error));
	assert_int_equal(os->remove(os, "absent", NULL), RFM_NO_FILE);
}

static int
open_as_nobody(void)
{
	struct rfm_file *f;

	if (setgid(65534) != 0 || setuid(65534) != 0)
		return 99;
	return os->open(os, "f", RFM_OPEN_WRITE, &f, NULL);
}

static void
a_file_that_may_not_be_written_is_a_matter_of_permission(void **state)
{
	struct rfm_file *f = NULL;

	(void)state;
	assert_int_equal(chmod("f", 0444), 0);
	assert_int_equal(chmod(".", 0755), 0);
	if (getuid() == 0) {
		assert_int_equal(in_a_child(open_as_nobody), RFM_PERMISSION);
		return;
	}
	REFUSED(RFM_PERMISSION, os->open(os, "f", RFM_OPEN_WRITE, &f,
	    &error));
}

static void
opening_without_descriptors_is_out_of_memory_and_leaks_nothing(void **state)
{
	struct rlimit    now, none;
	struct rfm_file *f;
	enum rfm_status  status;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	none = now;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	status = os->open(os, "f", RFM_OPEN_READ, &f, &error);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	REFUSED(RFM_NO_MEMORY, status);
	assert_null(f);
}

static void
links_lead_to_one_identity_and_copies_do_not(void **state)
{
	struct rfm_identity a, b;

	(void)state;
	assert_int_equal(symlink("f", "soft"), 0);
	assert_int_equal(link("f", "hard"), 0);
	assert_int_equal(system("cp f copy"), 0);
	OK(os->identify(os, "f", &a, &error));
	OK(os->identify(os, "soft", &b, &error));
	assert_memory_equal(&a, &b, sizeof a);
	OK(os->identify(os, "hard", &b, &error));
	assert_memory_equal(&a, &b, sizeof a);
	OK(os->identify(os, "copy", &b, &error));
	assert_int_not_equal(a.inode, b.inode);
	REFUSED(RFM_NO_FILE, os->identify(os, "absent", &b, &error));
}

static void
a_clone_is_whole_or_empty_and_a_new_file(void **state)
{
	struct rfm_file *f = NULL;
	char             back[5] = "";
	uint64_t         bytes = 9;
	bool             whole;

	(void)state;
	OK(os->write(os, file, 0, "bytes", 5, &error));
	OK(os->clone(os, file, "g", &f, &whole, &error));
	OK(os->size(os, f, &bytes, &error));
	assert_int_equal(bytes, whole ? 5 : 0);
	if (whole)
		OK(os->read(os, f, 0, back, 5, &error));
	else
		print_message("# this file system shares no blocks\n");
	assert_true(!whole || memcmp(back, "bytes", 5) == 0);
	OK(os->write(os, f, 0, "other", 5, &error));
	OK(os->read(os, file, 0, back, 5, &error));
	assert_memory_equal(back, "bytes", 5);
	os->close(os, f);
	f = NULL;
	REFUSED(RFM_ARGUMENT, os->clone(os, file, "g", &f, &whole, &error));
	REFUSED(RFM_NO_FILE, os->clone(os, file, "no/g", &f, &whole,
	    &error));
	assert_null(f);
}

static void
a_new_name_replaces_nothing(void **state)
{
	struct rfm_identity before, after;

	(void)state;
	OK(os->identify(os, "f", &before, &error));
	OK(os->rename(os, "f", "g", &error));
	REFUSED(RFM_NO_FILE, os->identify(os, "f", &after, &error));
	OK(os->identify(os, "g", &after, &error));
	assert_memory_equal(&before, &after, sizeof after);
	assert_int_equal(system("echo mine >f"), 0);
	REFUSED(RFM_ARGUMENT, os->rename(os, "g", "f", &error));
	SAYS("File exists");
	assert_int_equal(system("grep -q mine f"), 0);
	assert_int_equal(symlink("nowhere", "link"), 0);
	REFUSED(RFM_ARGUMENT, os->rename(os, "g", "link", &error));
	REFUSED(RFM_NO_FILE, os->rename(os, "absent", "h", &error));
	REFUSED(RFM_NO_FILE, os->rename(os, "g", "no/g", &error));
}

/* proves I14 */
static void
what_is_no_regular_file_is_foreign_and_not_opened(void **state)
{
	struct rfm_identity i;

	(void)state;
	assert_int_equal(mkfifo("pipe", 0666), 0);
	REFUSED(RFM_FOREIGN, os->identify(os, "pipe", &i, &error));
	REFUSED(RFM_FOREIGN, os->identify(os, ".", &i, &error));
	REFUSED(RFM_FOREIGN, os->identify(os, "/dev/null", &i, &error));
	SAYS("not a regular file");
}

static void
a_path_is_made_absolute_by_its_folder(void **state)
{
	char path[4096], wanted[4096], here[2048];

	(void)state;
	assert_non_null(getcwd(here, sizeof here));
	OK(os->absolute_path(os, "not-yet", path, sizeof path, &error));
	snprintf(wanted, sizeof wanted, "%s/not-yet", here);
	assert_string_equal(path, wanted);
	assert_int_equal(mkdir("sub", 0777), 0);
	assert_int_equal(symlink("sub", "way"), 0);
	OK(os->absolute_path(os, "way/../f", path, sizeof path, &error));
	snprintf(wanted, sizeof wanted, "%s/f", here);
	assert_string_equal(path, wanted);
	OK(os->absolute_path(os, "way/x", path, sizeof path, &error));
	snprintf(wanted, sizeof wanted, "%s/sub/x", here);
	assert_string_equal(path, wanted);
	assert_int_equal(symlink("f", "soft"), 0);
	OK(os->absolute_path(os, "soft", path, sizeof path, &error));
	snprintf(wanted, sizeof wanted, "%s/soft", here);
	assert_string_equal(path, wanted);
	OK(os->absolute_path(os, "/x", path, sizeof path, &error));
	assert_string_equal(path, "/x");
}

static void
a_path_without_a_folder_or_too_long_is_refused(void **state)
{
	char path[32] = "";

	(void)state;
	REFUSED(RFM_NO_FILE, os->absolute_path(os, "no/f", path,
	    sizeof path, &error));
	REFUSED(RFM_ARGUMENT, os->absolute_path(os,
	    "a-name-of-more-than-thirty-one-letters", path, sizeof path,
	    &error));
	SAYS("too long");
}

static void
a_file_without_a_name_can_be_opened_once_more(void **state)
{
	struct rfm_file *again;
	char             text[4] = "";

	(void)state;
	OK(os->write(os, file, 0, "abc", 3, &error));
	OK(os->remove(os, "f", &error));
	OK(os->reopen(os, file, &again, &error));
	OK(os->read(os, again, 0, text, 3, &error));
	assert_string_equal(text, "abc");
	assert_int_not_equal(os->write(os, again, 0, "x", 1, NULL), RFM_OK);
	os->close(os, again);
}

static void
no_descriptor_is_inherited_by_a_program(void **state)
{
	struct rfm_file *again;

	(void)state;
	OK(os->reopen(os, file, &again, &error));
	assert_int_not_equal(system("ls -l /proc/self/fd |"
	    " grep -q 'rfm-os-.*/f'"), 0);
	os->close(os, again);
}

/* ---- bytes and room ---- */

static void
what_was_written_is_read_and_makes_the_file_longer(void **state)
{
	static uint8_t bytes[300000], back[300000];
	uint64_t       size;

	(void)state;
	fill(bytes, sizeof bytes, 1);
	OK(os->write(os, file, 1000, bytes, sizeof bytes, &error));
	OK(os->size(os, file, &size, &error));
	assert_int_equal(size, 301000);
	OK(os->read(os, file, 1000, back, sizeof back, &error));
	assert_memory_equal(bytes, back, sizeof back);
	OK(os->read(os, file, 0, back, 1000, &error));
	assert_true(all_zero(back, 1000));
}

static void
a_file_that_ends_too_early_is_damage_and_says_where(void **state)
{
	char text[10];

	(void)state;
	OK(os->write(os, file, 0, "abc", 3, &error));
	REFUSED(RFM_DAMAGED, os->read(os, file, 1, text, 10, &error));
	SAYS("at byte 3");
	REFUSED(RFM_DAMAGED, os->read(os, file, 99, text, 1, &error));
	OK(os->read(os, file, 99, text, 0, &error));
}

static int
write_beyond_the_limit(void)
{
	struct rlimit one = { 4096, 4096 };
	char          bytes[8192] = "";

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &one) != 0)
		return 99;
	return os->write(os, file, 0, bytes, sizeof bytes, NULL);
}

/* The first write gets half of it through; only going on meets the error. */
static void
a_short_write_goes_on_and_meets_the_reason(void **state)
{
	uint64_t size;

	(void)state;
	assert_int_equal(in_a_child(write_beyond_the_limit), RFM_DISK_FULL);
	OK(os->size(os, file, &size, &error));
	assert_int_equal(size, 4096);
}

static uint64_t
blocks(void)
{
	struct stat about;

	assert_int_equal(stat("f", &about), 0);
	return (uint64_t)about.st_blocks * 512;
}

static void
extend_makes_a_hole_and_reserve_fills_it(void **state)
{
	uint64_t size;
	char     byte = 1;

	(void)state;
	OK(os->resize(os, file, 4 * MIB, &error));
	OK(os->size(os, file, &size, &error));
	assert_int_equal(size, 4 * MIB);
	assert_true(blocks() < MIB);
	OK(os->reserve(os, file, MIB, 2 * MIB, &error));
	assert_true(blocks() >= 2 * MIB && blocks() < 3 * MIB);
	OK(os->read(os, file, MIB, &byte, 1, &error));
	assert_int_equal(byte, 0);
}

static void
reserve_behind_the_end_does_not_make_the_file_longer(void **state)
{
	uint64_t size;

	(void)state;
	OK(os->resize(os, file, MIB, &error));
	OK(os->reserve(os, file, MIB, MIB, &error));
	OK(os->size(os, file, &size, &error));
	assert_int_equal(size, MIB);
	assert_true(blocks() >= MIB);
}

static void
punch_leaves_zeros_and_gives_the_blocks_back(void **state)
{
	static uint8_t bytes[2 * MIB], back[2 * MIB];
	uint64_t       size;

	(void)state;
	fill(bytes, sizeof bytes, 2);
	OK(os->write(os, file, 0, bytes, sizeof bytes, &error));
	OK(os->punch(os, file, MIB, MIB, &error));
	assert_true(blocks() <= MIB + 65536);
	OK(os->size(os, file, &size, &error));
	assert_int_equal(size, 2 * MIB);
	OK(os->read(os, file, 0, back, sizeof back, &error));
	assert_memory_equal(bytes, back, MIB);
	assert_true(all_zero(back + MIB, MIB));
}

/* A full disk needs a small one: a file system of 4 MB that only a child sees. */
static int
on_a_full_disk(void)
{
	static struct rfm_file *f;
	struct stat             about;
	char                    byte = 1;

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", folder, "tmpfs", 0, "size=4m") != 0)
		return 99;
	if (chdir(folder) != 0 ||
	    os->open(os, "g", RFM_OPEN_CREATE, &f, NULL) != RFM_OK ||
	    os->resize(os, f, 2 * MIB, NULL) != RFM_OK ||
	    os->write(os, f, 0, &byte, 1, NULL) != RFM_OK)
		return 1;
	if (os->reserve(os, f, 2 * MIB, MIB, NULL) != RFM_OK)
		return 6;       /* for the next one to drop */
	if (os->reserve(os, f, 2 * MIB, 16 * MIB, &error) != RFM_DISK_FULL)
		return 2;
	if (stat("g", &about) != 0 || about.st_size != 2 * MIB ||
	    about.st_blocks * 512 > MIB)
		return 3;       /* the part that was obtained stays */
	if (os->reserve(os, f, 0, 2 * MIB, NULL) != RFM_OK)
		return 4;
	return strstr(error.text, "reserve room") == NULL ? 5 : 0;
}

static void
a_full_disk_is_told_and_blocks_behind_the_end_are_dropped(void **state)
{
	int result;

	(void)state;
	result = in_a_child(on_a_full_disk);
	if (result == 99)
		skip();
	assert_int_equal(result, 0);
}

/* ---- barriers ---- */

static void
barriers_succeed_on_files_and_folders(void **state)
{
	(void)state;
	OK(os->write(os, file, 0, "x", 1, &error));
	for (int i = 0; i < RFM_BARRIERS; i++)
		OK(os->barrier(os, file, (enum rfm_barrier)i, &error));
	OK(os->barrier_directory(os, "f", RFM_BARRIER_DIRECTORY, &error));
	OK(os->barrier_directory(os, "/f", RFM_BARRIER_DIRECTORY, &error));
	OK(os->barrier_directory(os, "../f", RFM_BARRIER_DIRECTORY, &error));
	REFUSED(RFM_NO_FILE, os->barrier_directory(os, "no/f",
	    RFM_BARRIER_DIRECTORY, &error));
}

/* A closed descriptor stands for a medium that fails. */
static void
a_barrier_that_fails_says_so(void **state)
{
	int keep = open("f", O_RDONLY);

	(void)state;
	assert_true(keep >= 0);
	*(int *)file += 1000;           /* nobody has that one open */
	assert_int_equal(os->barrier(os, file, RFM_BARRIER_COMMIT, &error),
	    RFM_IO);
	*(int *)file -= 1000;
	SAYS("flush");
	assert_int_equal(error.os_errno, EBADF);
	close(keep);
}

/* ---- a system that is disturbed, or refuses ---- */

static void
a_transfer_that_is_interrupted_or_cut_short_goes_on(void **state)
{
	uint8_t bytes[1000], back[1000] = { 0 };

	(void)state;
	fill(bytes, sizeof bytes, 1);
	disturb_transfers(3, 7);
	OK(os->write(os, file, 5, bytes, sizeof bytes, &error));
	disturb_transfers(3, 11);
	OK(os->read(os, file, 5, back, sizeof back, &error));
	disturb_transfers(0, 0);
	assert_true(holds(back, sizeof back, 1));
}

/* Somebody else in the process closes what is not his. */
static void
a_descriptor_that_is_gone_is_an_error_of_each_call(void **state)
{
	struct rfm_file *f;
	uint64_t         bytes = 4711;
	char             text[3] = "";
	int              free_one = dup(0);

	(void)state;
	close(free_one);
	OK(os->open(os, "f", RFM_OPEN_WRITE, &f, &error));
	assert_int_equal(close(free_one), 0);
	REFUSED(RFM_IO, os->size(os, f, &bytes, &error));
	SAYS("measure the file");
	assert_int_equal(bytes, 4711);
	REFUSED(RFM_IO, os->read(os, f, 0, text, 3, &error));
	SAYS("read the file");
	REFUSED(RFM_IO, os->write(os, f, 0, text, 3, &error));
	SAYS("write the file");
	REFUSED(RFM_IO, os->resize(os, f, MIB, &error));
	SAYS("change the length of the file");
	REFUSED(RFM_IO, os->punch(os, f, 0, 4096, &error));
	SAYS("give room back");
	assert_int_equal(error.os_errno, EBADF);
	os->close(os, f);
}

/* A folder that cannot be flushed is one thing, a disk that fails another. */
static void
only_a_flush_that_means_nothing_may_fail(void **state)
{
	(void)state;
	fail_flush(EINVAL);
	OK(os->barrier_directory(os, "f", RFM_BARRIER_DIRECTORY, &error));
	fail_flush(EIO);
	REFUSED(RFM_IO, os->barrier_directory(os, "f", RFM_BARRIER_DIRECTORY,
	    &error));
	SAYS("flush the folder of f");
	assert_int_equal(error.os_errno, EIO);
}

static void
without_memory_no_file_is_opened_or_flushed(void **state)
{
	struct rfm_file *f = file;
	char             path[4096];

	(void)state;
	fail_allocation(1);
	REFUSED(RFM_NO_MEMORY, os->open(os, "f", RFM_OPEN_READ, &f, &error));
	assert_null(f);
	for (int i = 0; i < 2; i++) {
		fail_allocation(1);
		REFUSED(RFM_NO_MEMORY, os->absolute_path(os,
		    i == 0 ? "f" : "./f", path, sizeof path, &error));
		fail_allocation(1);
		REFUSED(RFM_NO_MEMORY, os->barrier_directory(os,
		    i == 0 ? "f" : "./f", RFM_BARRIER_DIRECTORY, &error));
	}
	fail_allocation(0);
	OK(os->absolute_path(os, "f", path, sizeof path, &error));
}

/* ---- locks ---- */

static struct rfm_file *
again(enum rfm_open_how how)
{
	struct rfm_file *f;

	OK(os->open(os, "f", how, &f, &error));
	return f;
}

/* proves I12 */
static void
there_is_one_exclusive_lock_or_many_shared_ones(void **state)
{
	struct rfm_file *b = again(RFM_OPEN_WRITE), *c = again(RFM_OPEN_READ);

	(void)state;
	OK(os->lock(os, file, RFM_LOCK_WRITER, true, &error));
	REFUSED(RFM_LOCKED, os->lock(os, b, RFM_LOCK_WRITER, true, &error));
	REFUSED(RFM_LOCKED, os->lock(os, c, RFM_LOCK_WRITER, false, &error));
	os->unlock(os, file, RFM_LOCK_WRITER);
	OK(os->lock(os, b, RFM_LOCK_WRITER, false, &error));
	OK(os->lock(os, c, RFM_LOCK_WRITER, false, &error));
	REFUSED(RFM_LOCKED, os->lock(os, file, RFM_LOCK_WRITER, true,
	    &error));
	os->close(os, b);
	os->close(os, c);
	OK(os->lock(os, file, RFM_LOCK_WRITER, true, &error));
}

static void
one_may_ask_whether_somebody_else_holds_a_lock(void **state)
{
	struct rfm_file *b = again(RFM_OPEN_READ);

	(void)state;
	assert_false(os->held(os, file, RFM_LOCK_READERS));
	OK(os->lock(os, b, RFM_LOCK_READERS, false, &error));
	assert_true(os->held(os, file, RFM_LOCK_READERS));
	assert_false(os->held(os, file, RFM_LOCK_FORKS));
	os->close(os, b);
	assert_false(os->held(os, file, RFM_LOCK_READERS));
	OK(os->lock(os, file, RFM_LOCK_READERS, true, &error));
	assert_false(os->held(os, file, RFM_LOCK_READERS));
}

/* proves I6 */
static void
a_pin_is_seen_until_it_is_moved(void **state)
{
	struct rfm_file *b = again(RFM_OPEN_READ);

	(void)state;
	assert_false(os->pinned(os, file, UINT64_MAX));
	OK(os->pin(os, b, 7, &error));
	assert_true(os->pinned(os, file, 8));
	assert_false(os->pinned(os, file, 7));
	OK(os->pin(os, b, 9, &error));
	assert_false(os->pinned(os, file, 9));
	assert_true(os->pinned(os, file, 10));
	os->close(os, b);
	assert_false(os->pinned(os, file, UINT64_MAX));
}

static void
the_three_locks_do_not_meet(void **state)
{
	struct rfm_file *b = again(RFM_OPEN_WRITE);

	(void)state;
	OK(os->lock(os, file, RFM_LOCK_WRITER, true, &error));
	OK(os->lock(os, b, RFM_LOCK_READERS, true, &error));
	OK(os->lock(os, b, RFM_LOCK_FORKS, true, &error));
	REFUSED(RFM_LOCKED, os->lock(os, file, RFM_LOCK_READERS, true,
	    &error));
	os->close(os, b);
}

static void
an_exclusive_lock_needs_a_file_open_for_writing(void **state)
{
	struct rfm_file *b = again(RFM_OPEN_READ);

	(void)state;
	assert_int_not_equal(os->lock(os, b, RFM_LOCK_READERS, true, &error),
	    RFM_OK);
	assert_int_not_equal(error.status, RFM_LOCKED);
	OK(os->lock(os, b, RFM_LOCK_READERS, false, &error));
	os->close(os, b);
}

/* The accident of the classic lock: some library opens and closes the file. */
static void
a_lock_survives_another_opening_and_closing_of_the_file(void **state)
{
	struct rfm_file *b;

	(void)state;
	OK(os->lock(os, file, RFM_LOCK_WRITER, true, &error));
	os->close(os, again(RFM_OPEN_READ));
	b = again(RFM_OPEN_WRITE);
	REFUSED(RFM_LOCKED, os->lock(os, b, RFM_LOCK_WRITER, true, &error));
	os->close(os, b);
}

static int
try_to_lock(void)
{
	static struct rfm_file *b;

	if (os->open(os, "f", RFM_OPEN_WRITE, &b, NULL) != RFM_OK)
		return 99;
	return os->lock(os, b, RFM_LOCK_WRITER, true, NULL);
}

static int
lock_and_die(void)
{
	if (try_to_lock() != RFM_OK)
		return 99;
	leave_child(0);
}

static void
a_lock_keeps_other_processes_out_and_ends_with_its_process(void **state)
{
	(void)state;
	OK(os->lock(os, file, RFM_LOCK_WRITER, true, &error));
	assert_int_equal(in_a_child(try_to_lock), RFM_LOCKED);
	os->unlock(os, file, RFM_LOCK_WRITER);
	assert_int_equal(in_a_child(lock_and_die), 0);
	OK(os->lock(os, file, RFM_LOCK_WRITER, true, &error));
}

/* A child that inherits the descriptor inherits the lock; the parent's closing
 * does not end it, the child's end does. */
static void
a_lock_belongs_to_the_open_file_description(void **state)
{
	struct rfm_file *b = again(RFM_OPEN_READ);
	int              go[2];
	pid_t            child;

	(void)state;
	OK(os->lock(os, b, RFM_LOCK_FORKS, false, &error));
	assert_int_equal(pipe(go), 0);
	child = fork();
	if (child == 0) {
		char c;

		close(go[1]);
		leave_child(read(go[0], &c, 1) != 0);
	}
	close(go[0]);
	os->close(os, b);
	REFUSED(RFM_LOCKED, os->lock(os, file, RFM_LOCK_FORKS, true, &error));
	close(go[1]);
	assert_int_equal(waitpid(child, NULL, 0), child);
	OK(os->lock(os, file, RFM_LOCK_FORKS, true, &error));
}

static int
ask_all_the_time(int tell)
{
	struct rfm_file *b;

	if (os->open(os, "f", RFM_OPEN_WRITE, &b, NULL) != RFM_OK ||
	    write(tell, "!", 1) != 1)
		return 99;
	while (getppid() != 1)          /* as long as anybody wants to know */
		(void)os->held(os, b, RFM_LOCK_READERS);
	return 0;
}

/* A writer who asks must not take the lock, not even for a moment. */
static void
a_reader_is_not_turned_away_by_the_writers_question(void **state)
{
	struct rfm_file *b = again(RFM_OPEN_READ);
	int              told[2];
	char             c;
	pid_t            child;

	(void)state;
	assert_int_equal(pipe(told), 0);
	child = fork();
	if (child == 0)
		leave_child(ask_all_the_time(told[1]));
	assert_int_equal(read(told[0], &c, 1), 1);
	for (int i = 0; i < 5000; i++) {
		enum rfm_status status = os->lock(os, b, RFM_LOCK_READERS,
		    false, &error);

		if (status != RFM_OK)
			kill(child, SIGKILL);
		OK(status);
		os->unlock(os, b, RFM_LOCK_READERS);
	}
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(told[0]);
	close(told[1]);
	os->close(os, b);
}

/* ---- addresses ---- */

/* proves I11 */
static void
a_file_grows_under_its_mapping_without_moving(void **state)
{
	uint64_t range = slow_motion() ? 1ULL << 34 : 1ULL << 40;
	void    *base;
	uint8_t *bytes;
	char     text[6] = "";

	(void)state;
	OK(os->reserve_addresses(os, range, &base, &error));
	bytes = base;
	OK(os->resize(os, file, 65536, &error));
	OK(os->map(os, file, RFM_MAP_SHARED, base, 0, 65536, &error));
	fill(bytes, 65536, 3);
	OK(os->resize(os, file, MIB, &error));
	OK(os->map(os, file, RFM_MAP_SHARED, bytes + 65536, 65536,
	    MIB - 65536, &error));
	assert_true(holds(bytes, 65536, 3));
	memcpy(bytes + MIB - 5, "tail.", 5);
	OK(os->read(os, file, MIB - 5, text, 5, &error));
	assert_string_equal(text, "tail.");
	os->release_addresses(os, base, range);
}

static void
a_private_mapping_keeps_its_writes_and_sees_the_file(void **state)
{
	struct rfm_file *b;
	void            *base;
	char             text[4] = "";

	(void)state;
	OK(os->resize(os, file, 65536, &error));
	OK(os->write(os, file, 0, "one", 3, &error));
	OK(os->reserve_addresses(os, MIB, &base, &error));
	b = again(RFM_OPEN_READ);
	OK(os->map(os, b, RFM_MAP_PRIVATE, base, 0, 65536, &error));
	assert_memory_equal(base, "one", 3);
	memcpy(base, "two", 3);
	OK(os->read(os, file, 0, text, 3, &error));
	assert_string_equal(text, "one");
	REFUSED(RFM_PERMISSION, os->map(os, b, RFM_MAP_SHARED, base, 0,
	    65536, &error));
	assert_memory_equal(base, "two", 3);
	os->release_addresses(os, base, MIB);
	os->close(os, b);
}

static void
a_shared_mapping_turns_private_in_place(void **state)
{
	void *base;
	char  text[4] = "";

	(void)state;
	OK(os->resize(os, file, 65536, &error));
	OK(os->reserve_addresses(os, MIB, &base, &error));
	OK(os->map(os, file, RFM_MAP_SHARED, base, 0, 65536, &error));
	memcpy(base, "one", 3);
	OK(os->map(os, file, RFM_MAP_PRIVATE, base, 0, 65536, &error));
	assert_memory_equal(base, "one", 3);
	memcpy(base, "two", 3);
	OK(os->read(os, file, 0, text, 3, &error));
	assert_string_equal(text, "one");
	os->release_addresses(os, base, MIB);
}

static void
memory_is_zero_and_needs_no_file(void **state)
{
	void *base;

	(void)state;
	OK(os->reserve_addresses(os, MIB, &base, &error));
	OK(os->map(os, NULL, RFM_MAP_MEMORY, base, 123, MIB, &error));
	assert_true(all_zero(base, MIB));
	fill(base, MIB, 4);
	os->release_addresses(os, base, MIB);
}

static void
bytes_in_memory_are_counted_to_the_byte(void **state)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), resident = 1;
	void    *base;
	char    *bytes;

	(void)state;
	OK(os->reserve_addresses(os, 64 * MIB, &base, &error));
	bytes = base;
	OK(os->map(os, NULL, RFM_MAP_MEMORY, base, 0, 64 * MIB, &error));
	OK(os->resident(os, bytes, 64 * MIB, &resident, &error));
	assert_true(resident == 0);
	bytes[3 * page] = 1;
	bytes[20 * MIB] = 1;            /* beyond the first window */
	OK(os->resident(os, bytes, 64 * MIB, &resident, &error));
	assert_true(resident == 2 * page);
	OK(os->resident(os, bytes + 3 * page + 10, 20, &resident, &error));
	assert_true(resident == 20);
	OK(os->resident(os, bytes + 3 * page - 7, 8, &resident, &error));
	assert_true(resident == 1);
	OK(os->resident(os, bytes + 3 * page, 0, &resident, &error));
	assert_true(resident == 0);
	os->release_addresses(os, base, 64 * MIB);
	REFUSED(RFM_NO_MEMORY, os->resident(os, bytes, page, &resident,
	    &error));
	SAYS("in memory");
}

static void
too_many_addresses_are_out_of_memory(void **state)
{
	void *base = NULL;

	(void)state;
	if (slow_motion())      /* valgrind has an answer of its own */
		skip();
	REFUSED(RFM_NO_MEMORY, os->reserve_addresses(os, 1ULL << 60, &base,
	    &error));
	SAYS("reserve addresses");
}

static int
touch(void)
{
	void *base;

	if (os->reserve_addresses(os, MIB, &base, NULL) != RFM_OK)
		return 99;
	signal(SIGSEGV, SIG_DFL);
	*(volatile char *)base = 1;
	return 0;
}

static void
reserved_addresses_are_not_memory(void **state)
{
	int   result;
	pid_t child;

	(void)state;
	if (slow_motion())      /* valgrind reports what is done on purpose */
		skip();
	child = fork();
	if (child == 0)
		leave_child(touch());
	assert_int_equal(waitpid(child, &result, 0), child);
	assert_true(WIFSIGNALED(result) && WTERMSIG(result) == SIGSEGV);
}

/* ---- the world around ---- */

static void
the_boot_id_is_that_of_the_kernel(void **state)
{
	uint8_t id[16], same[16];
	char    text[64] = "", hex[64] = "", *h = hex;
	FILE   *f = fopen("/proc/sys/kernel/random/boot_id", "r");

	(void)state;
	if (f == NULL)
		skip();
	assert_non_null(fgets(text, sizeof text, f));
	fclose(f);
	os->boot_id(os, id);
	os->boot_id(os, same);
	assert_memory_equal(id, same, 16);
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*h++ = '-';
		h += sprintf(h, "%02x", id[i]);
	}
	text[36] = '\0';
	assert_string_equal(hex, text);
}

static void
random_bytes_differ(void **state)
{
	uint8_t a[16] = { 0 }, b[16] = { 0 };

	(void)state;
	OK(os->random(os, a, 16, &error));
	OK(os->random(os, b, 16, &error));
	assert_memory_not_equal(a, b, 16);
}

static void
the_owner_is_told_by_process_and_host_within_its_room(void **state)
{
	char text[256], host[128] = "", pid[32], little[10];

	(void)state;
	memset(little, 'x', sizeof little);
	os->owner(os, text, sizeof text);
	gethostname(host, sizeof host - 1);
	snprintf(pid, sizeof pid, "process %ld ", (long)getpid());
	assert_non_null(strstr(text, pid));
	assert_non_null(strstr(text, host));
	assert_non_null(strstr(text, "UTC"));
	os->owner(os, little, sizeof little);
	assert_int_equal(strlen(little), sizeof little - 1);
}

static void
now_is_now(void **state)
{
	int64_t before = (int64_t)time(NULL);

	(void)state;
	assert_in_range(os->now(os), before, before + 5);
}

static int steps[3], step;

static void on_prepare(void) { steps[0] = ++step; }
static void on_parent(void) { steps[1] = ++step; }
static void on_child(void) { steps[2] = ++step; }

static int
what_the_child_saw(void)
{
	return steps[0] == 1 && steps[2] == 2 && steps[1] == 0 ? 0 : 1;
}

static void
the_hooks_run_before_a_fork_and_on_both_sides_after_it(void **state)
{
	static const struct rfm_fork_hooks hooks = {
		on_prepare, on_parent, on_child
	};

	(void)state;
	OK(os->at_fork(os, &hooks, &error));
	step = 0;
	memset(steps, 0, sizeof steps);
	assert_int_equal(in_a_child(what_the_child_saw), 0);
	assert_int_equal(steps[0], 1);
	assert_int_equal(steps[1], 2);
	assert_int_equal(steps[2], 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(create_makes_an_empty_file_and_insists_on_being_first),
		T(create_does_not_follow_a_dangling_link),
		T(each_cause_has_its_word),
		T(a_file_that_may_not_be_written_is_a_matter_of_permission),
		T(opening_without_descriptors_is_out_of_memory_and_leaks_nothing),
		T(links_lead_to_one_identity_and_copies_do_not),
		T(a_clone_is_whole_or_empty_and_a_new_file),
		T(a_new_name_replaces_nothing),
		T(what_is_no_regular_file_is_foreign_and_not_opened),
		T(a_path_is_made_absolute_by_its_folder),
		T(a_path_without_a_folder_or_too_long_is_refused),
		T(a_file_without_a_name_can_be_opened_once_more),
		T(no_descriptor_is_inherited_by_a_program),
		T(what_was_written_is_read_and_makes_the_file_longer),
		T(a_file_that_ends_too_early_is_damage_and_says_where),
		T(a_short_write_goes_on_and_meets_the_reason),
		T(extend_makes_a_hole_and_reserve_fills_it),
		T(reserve_behind_the_end_does_not_make_the_file_longer),
		T(punch_leaves_zeros_and_gives_the_blocks_back),
		T(a_full_disk_is_told_and_blocks_behind_the_end_are_dropped),
		T(barriers_succeed_on_files_and_folders),
		T(a_barrier_that_fails_says_so),
		T(a_transfer_that_is_interrupted_or_cut_short_goes_on),
		T(a_descriptor_that_is_gone_is_an_error_of_each_call),
		T(only_a_flush_that_means_nothing_may_fail),
		T(without_memory_no_file_is_opened_or_flushed),
		T(there_is_one_exclusive_lock_or_many_shared_ones),
		T(one_may_ask_whether_somebody_else_holds_a_lock),
		T(a_pin_is_seen_until_it_is_moved),
		T(the_three_locks_do_not_meet),
		T(an_exclusive_lock_needs_a_file_open_for_writing),
		T(a_lock_survives_another_opening_and_closing_of_the_file),
		T(a_lock_keeps_other_processes_out_and_ends_with_its_process),
		T(a_lock_belongs_to_the_open_file_description),
		T(a_reader_is_not_turned_away_by_the_writers_question),
		T(a_file_grows_under_its_mapping_without_moving),
		T(a_private_mapping_keeps_its_writes_and_sees_the_file),
		T(a_shared_mapping_turns_private_in_place),
		T(memory_is_zero_and_needs_no_file),
		T(bytes_in_memory_are_counted_to_the_byte),
		T(too_many_addresses_are_out_of_memory),
		T(reserved_addresses_are_not_memory),
		T(the_boot_id_is_that_of_the_kernel),
		T(random_bytes_differ),
		T(the_owner_is_told_by_process_and_host_within_its_room),
		T(now_is_now),
		T(the_hooks_run_before_a_fork_and_on_both_sides_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
