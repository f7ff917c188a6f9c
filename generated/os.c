/* Tangled from lit/15_os.nw by 'make tangle': change it there, not here. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE
#else
#define _GNU_SOURCE
#endif
#include "os.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/clonefile.h>
#include <sys/sysctl.h>
#else
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

struct rfm_file {
	int      descriptor;
	uint64_t pin;           /* one more than the number; 0: none */
};

/* turn errno into a status */
static enum rfm_status
classify(int number)
{
	switch (number) {
	case ENOSPC: case EDQUOT: case EFBIG:
		return RFM_DISK_FULL;
	case ENOENT: case ENOTDIR:
		return RFM_NO_FILE;
	case EACCES: case EPERM: case EROFS: case ETXTBSY:
		return RFM_PERMISSION;
	case ENOMEM: case EMFILE: case ENFILE:
		return RFM_NO_MEMORY;
	case EINVAL: case EEXIST: case EISDIR: case ENAMETOOLONG:
		return RFM_ARGUMENT;
	default:
		return RFM_IO;
	}
}

static enum rfm_status
fail(struct rfm_error *error, const char *what, const char *on)
{
	int             number = errno;
	enum rfm_status status = classify(number);

	rfm_fail(error, status, "cannot %s%s%s: %s", what,
	    *on != '\0' ? " " : "", on, strerror(number));
	if (error != NULL)
		error->os_errno = number;
	return status;
}
/* find and open files */
static enum rfm_status
posix_identify(struct rfm_os *os, const char *path,
    struct rfm_identity *identity, struct rfm_error *error)
{
	struct stat about;

	(void)os;
	if (stat(path, &about) != 0)
		return fail(error, "find", path);
	if (!S_ISREG(about.st_mode))
		return rfm_fail(error, RFM_FOREIGN,
		    "%s is not a regular file", path);
	identity->device = (uint64_t)about.st_dev;
	identity->inode = (uint64_t)about.st_ino;
	return RFM_OK;
}
static enum rfm_status
posix_absolute_path(struct rfm_os *os, const char *path, char *out,
    size_t bytes, struct rfm_error *error)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char       *folder, *real;
	int         length;

	(void)os;
	folder = slash == NULL ? strdup(".")
	    : strndup(path, (size_t)(slash == path ? 1 : slash - path));
	if (folder == NULL)
		return fail(error, "resolve", path);
	real = realpath(folder, NULL);
	free(folder);
	if (real == NULL)
		return fail(error, "find the folder of", path);
	length = snprintf(out, bytes, "%s/%s",
	    strcmp(real, "/") == 0 ? "" : real, name);
	free(real);
	if (length < 0 || (size_t)length >= bytes)
		return rfm_fail(error, RFM_ARGUMENT,
		    "the path %.60s... is too long", path);
	return RFM_OK;
}
static enum rfm_status
posix_open(struct rfm_os *os, const char *path, enum rfm_open_how how,
    struct rfm_file **file, struct rfm_error *error)
{
	int flags = how == RFM_OPEN_READ ? O_RDONLY : O_RDWR;

	(void)os;
	if (how == RFM_OPEN_CREATE)
		flags |= O_CREAT | O_EXCL;
	*file = malloc(sizeof **file);
	if (*file == NULL)
		return fail(error, "open", path);
	(*file)->pin = 0;
	(*file)->descriptor = open(path, flags | O_CLOEXEC, 0666);
	if ((*file)->descriptor < 0) {
		enum rfm_status status = fail(error,
		    how == RFM_OPEN_CREATE ? "create" : "open", path);
		free(*file);
		*file = NULL;
		return status;
	}
	return RFM_OK;
}

/* open an open file once more */
static enum rfm_status
posix_reopen(struct rfm_os *os, struct rfm_file *file,
    struct rfm_file **again, struct rfm_error *error)
{
	char path[64];

#ifdef __linux__
	snprintf(path, sizeof path, "/proc/self/fd/%d", file->descriptor);
#else
	snprintf(path, sizeof path, "/dev/fd/%d", file->descriptor);
#endif
	return posix_open(os, path, RFM_OPEN_READ, again, error);
}
/* create a file as a copy of another */
static enum rfm_status
posix_clone(struct rfm_os *os, struct rfm_file *file, const char *path,
    struct rfm_file **copy, bool *whole, struct rfm_error *error)
{
	*whole = false;
#ifdef __APPLE__
	if (fclonefileat(file->descriptor, AT_FDCWD, path, 0) == 0) {
		enum rfm_status status = posix_open(os, path,
		    RFM_OPEN_WRITE, copy, error);

		*whole = status == RFM_OK;
		if (!*whole)
			(void)unlink(path);
		return status;
	}
#endif
	RFM_TRY(posix_open(os, path, RFM_OPEN_CREATE, copy, error));
#ifdef FICLONE
	*whole = ioctl((*copy)->descriptor, FICLONE, file->descriptor)
	    == 0;
#else
	(void)file;
#endif
	return RFM_OK;
}
/* give a file another name */
static int
rename_if_free(const char *path, const char *to)
{
#ifdef __APPLE__
	return renamex_np(path, to, RENAME_EXCL);
#else
	return renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE);
#endif
}

static enum rfm_status
posix_rename(struct rfm_os *os, const char *path, const char *to,
    struct rfm_error *error)
{
	(void)os;
	if (rename_if_free(path, to) == 0)
		return RFM_OK;
	if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
		return fail(error, "rename a file to", to);
	if (link(path, to) != 0)
		return fail(error, "rename a file to", to);
	(void)unlink(path);
	return RFM_OK;
}
static void
posix_close(struct rfm_os *os, struct rfm_file *file)
{
	(void)os;
	close(file->descriptor);
	free(file);
}

static enum rfm_status
posix_remove(struct rfm_os *os, const char *path,
    struct rfm_error *error)
{
	(void)os;
	if (unlink(path) != 0)
		return fail(error, "remove", path);
	return RFM_OK;
}
/* move bytes */
static enum rfm_status
posix_size(struct rfm_os *os, struct rfm_file *file, uint64_t *bytes,
    struct rfm_error *error)
{
	struct stat about;

	(void)os;
	if (fstat(file->descriptor, &about) != 0)
		return fail(error, "measure the file", "");
	*bytes = (uint64_t)about.st_size;
	return RFM_OK;
}

static enum rfm_status
posix_read(struct rfm_os *os, struct rfm_file *file, uint64_t offset,
    void *to, size_t bytes, struct rfm_error *error)
{
	char *at = to;

	(void)os;
	while (bytes > 0) {
		ssize_t n = pread(file->descriptor, at, bytes,
		    (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(error, "read the file", "");
		if (n == 0)
			return rfm_fail(error, RFM_DAMAGED,
			    "the file ends at byte %llu, in the middle of"
			    " something", (unsigned long long)offset);
		at += n;
		offset += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return RFM_OK;
}

static enum rfm_status
posix_write(struct rfm_os *os, struct rfm_file *file, uint64_t offset,
    const void *from, size_t bytes, struct rfm_error *error)
{
	const char *at = from;

	(void)os;
	while (bytes > 0) {
		ssize_t n = pwrite(file->descriptor, at, bytes,
		    (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(error, "write the file", "");
		at += n;
		offset += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return RFM_OK;
}
/* obtain and return room */
static enum rfm_status
posix_resize(struct rfm_os *os, struct rfm_file *file, uint64_t bytes,
    struct rfm_error *error)
{
	(void)os;
	if (ftruncate(file->descriptor, (off_t)bytes) != 0)
		return fail(error, "change the length of the file", "");
	return RFM_OK;
}

#ifdef __linux__
static enum rfm_status
posix_reserve(struct rfm_os *os, struct rfm_file *file,
    uint64_t offset, uint64_t bytes, struct rfm_error *error)
{
	int result;

	(void)os;
	do
		result = fallocate(file->descriptor,
		    FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes);
	while (result != 0 && errno == EINTR);
	if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
		return RFM_OK;
	/* drop blocks past the end and fail */
	struct stat     about;
	enum rfm_status status;

	status = fail(error, "reserve room on the disk", "");
	if (fstat(file->descriptor, &about) == 0 &&
	    offset >= (uint64_t)about.st_size)
		(void)!ftruncate(file->descriptor, about.st_size);
	return status;
}
#endif
#ifdef __APPLE__
static enum rfm_status
posix_reserve(struct rfm_os *os, struct rfm_file *file,
    uint64_t offset, uint64_t bytes, struct rfm_error *error)
{
	struct stat about;
	fstore_t    wish = { F_ALLOCATEALL, F_PEOFPOSMODE, 0, 0, 0 };

	(void)os;
	if (fstat(file->descriptor, &about) != 0)
		return fail(error, "measure the file", "");
	if (offset + bytes <= (uint64_t)about.st_size)
		return RFM_OK;
	wish.fst_length = (off_t)(offset + bytes) - about.st_size;
	if (fcntl(file->descriptor, F_PREALLOCATE, &wish) != 0 &&
	    errno != ENOTSUP)
		return fail(error, "reserve room on the disk", "");
	return RFM_OK;
}
#endif
static enum rfm_status
posix_punch(struct rfm_os *os, struct rfm_file *file, uint64_t offset,
    uint64_t bytes, struct rfm_error *error)
{
	(void)os;
#ifdef FALLOC_FL_PUNCH_HOLE
	if (fallocate(file->descriptor,
	    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	    (off_t)offset, (off_t)bytes) != 0 &&
	    errno != EOPNOTSUPP && errno != ENOSYS)
		return fail(error, "give room back to the disk", "");
#elif defined(F_PUNCHHOLE)
	fpunchhole_t hole = { 0, 0, (off_t)offset, (off_t)bytes };

	if (fcntl(file->descriptor, F_PUNCHHOLE, &hole) != 0 &&
	    errno != ENOTSUP && errno != EINVAL)
		return fail(error, "give room back to the disk", "");
#else
	(void)file, (void)offset, (void)bytes, (void)error;
#endif
	return RFM_OK;
}
/* wait for the disk */
static enum rfm_status
flush(int descriptor, struct rfm_error *error)
{
#ifdef F_FULLFSYNC
	if (fcntl(descriptor, F_FULLFSYNC) == 0)
		return RFM_OK;
	if (errno != ENOTSUP && errno != EINVAL)
		return fail(error, "flush the file to disk", "");
#endif
	if (fdatasync(descriptor) != 0)
		return fail(error, "flush the file to disk", "");
	return RFM_OK;
}

static enum rfm_status
posix_barrier(struct rfm_os *os, struct rfm_file *file,
    enum rfm_barrier name, struct rfm_error *error)
{
	(void)os, (void)name;
	return flush(file->descriptor, error);
}
static enum rfm_status
posix_barrier_directory(struct rfm_os *os, const char *path,
    enum rfm_barrier name, struct rfm_error *error)
{
	const char     *slash = strrchr(path, '/');
	char           *folder;
	int             descriptor;
	enum rfm_status status = RFM_OK;

	(void)os, (void)name;
	folder = slash == NULL ? strdup(".")
	    : strndup(path, (size_t)(slash == path ? 1 : slash - path));
	if (folder == NULL)
		return fail(error, "flush the folder of", path);
	descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0)
		status = fail(error, "open the folder", folder);
	free(folder);
	if (descriptor < 0)
		return status;
	if (fsync(descriptor) != 0 && errno != EINVAL)
		status = fail(error, "flush the folder of", path);
	close(descriptor);
	return status;
}
/* lock parts of a file */
#ifdef F_OFD_SETLK
#define SET_LOCK F_OFD_SETLK
#else
#define SET_LOCK F_SETLK
#endif

static struct flock
byte_range(uint64_t start, uint64_t bytes, short kind)
{
	struct flock range;

	memset(&range, 0, sizeof range);
	range.l_type = kind;
	range.l_whence = SEEK_SET;
	range.l_start = (off_t)start;
	range.l_len = (off_t)bytes;
	return range;
}

static struct flock
lock_range(enum rfm_lock which, short kind)
{
	return byte_range((1ULL << 62) + which, 1, kind);
}

static int
set_lock(int descriptor, enum rfm_lock which, short kind)
{
	struct flock range = lock_range(which, kind);

	return fcntl(descriptor, SET_LOCK, &range);
}
static enum rfm_status
posix_lock(struct rfm_os *os, struct rfm_file *file,
    enum rfm_lock which, bool exclusive, struct rfm_error *error)
{
	(void)os;
	if (set_lock(file->descriptor, which,
	    exclusive ? F_WRLCK : F_RDLCK) == 0)
		return RFM_OK;
	if (errno == EAGAIN || errno == EACCES)
		return rfm_fail(error, RFM_LOCKED,
		    "another process holds the lock");
	return fail(error, "lock the file", "");
}

/* ask whether somebody else holds a lock */
#ifdef F_OFD_GETLK
#define GET_LOCK F_OFD_GETLK
#else
#define GET_LOCK F_GETLK
#endif

static bool
somebody_locks(const struct rfm_file *file, struct flock range)
{
	return fcntl(file->descriptor, GET_LOCK, &range) != 0 ||
	    range.l_type != F_UNLCK;
}

static bool
posix_held(struct rfm_os *os, struct rfm_file *file,
    enum rfm_lock which)
{
	(void)os;
	return somebody_locks(file, lock_range(which, F_WRLCK));
}

static void
posix_unlock(struct rfm_os *os, struct rfm_file *file,
    enum rfm_lock which)
{
	(void)os;
	(void)set_lock(file->descriptor, which, F_UNLCK);
}
#define PINS_START (1ULL << 61)
#define PINS_MAX   (1ULL << 60)

static enum rfm_status
posix_pin(struct rfm_os *os, struct rfm_file *file, uint64_t number,
    struct rfm_error *error)
{
	struct flock range;

	(void)os;
	number %= PINS_MAX;
	if (file->pin == number + 1)
		return RFM_OK;
	range = byte_range(PINS_START + number, 1, F_RDLCK);
	if (fcntl(file->descriptor, SET_LOCK, &range) != 0)
		return fail(error, "lock the file", "");
	if (file->pin != 0) {
		range = byte_range(PINS_START + file->pin - 1, 1, F_UNLCK);
		(void)fcntl(file->descriptor, SET_LOCK, &range);
	}
	file->pin = number + 1;
	return RFM_OK;
}

static bool
posix_pinned(struct rfm_os *os, struct rfm_file *file, uint64_t below)
{
	(void)os;
	if (below == 0)
		return false;
	if (below > PINS_MAX)
		below = PINS_MAX;
	return somebody_locks(file, byte_range(PINS_START, below, F_WRLCK));
}
/* arrange addresses */
static enum rfm_status
posix_reserve_addresses(struct rfm_os *os, uint64_t bytes, void **base,
    struct rfm_error *error)
{
	(void)os;
	*base = mmap(NULL, (size_t)bytes, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (*base == MAP_FAILED)
		return fail(error, "reserve addresses", "");
	return RFM_OK;
}

static void
posix_release_addresses(struct rfm_os *os, void *base, uint64_t bytes)
{
	(void)os;
	munmap(base, (size_t)bytes);
}
static enum rfm_status
posix_map(struct rfm_os *os, struct rfm_file *file,
    enum rfm_mapping how, void *address, uint64_t offset,
    uint64_t bytes, struct rfm_error *error)
{
	int flags = MAP_FIXED;
	int descriptor = -1;

	(void)os;
	if (how == RFM_MAP_MEMORY) {
		flags |= MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
		offset = 0;
	} else {
		flags |= how == RFM_MAP_SHARED ? MAP_SHARED
		    : MAP_PRIVATE | MAP_NORESERVE;
		descriptor = file->descriptor;
	}
	if (mmap(address, (size_t)bytes, PROT_READ | PROT_WRITE, flags,
	    descriptor, (off_t)offset) == MAP_FAILED)
		return fail(error, "map the file", "");
	return RFM_OK;
}
#define RESIDENT_WINDOW 4096    /* pages */

/* count a page's bytes within a range */
static uint64_t
overlap(uint64_t page, uint64_t bytes, uint64_t start, uint64_t end)
{
	uint64_t from = page > start ? page : start;
	uint64_t to = page + bytes < end ? page + bytes : end;

	return to > from ? to - from : 0;
}

static enum rfm_status
posix_resident(struct rfm_os *os, const void *address, uint64_t bytes,
    uint64_t *resident, struct rfm_error *error)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = (uintptr_t)address, end = start + bytes;
	uint64_t at = start / page * page, n, k;
	unsigned char in_memory[RESIDENT_WINDOW];

	(void)os;
	for (*resident = 0; at < end; at += n * page) {
		n = (end - at + page - 1) / page;
		if (n > RESIDENT_WINDOW)
			n = RESIDENT_WINDOW;
		if (mincore((void *)(uintptr_t)at, (size_t)(n * page),
		    (void *)in_memory) != 0)
			return fail(error, "ask what is in memory", "");
		for (k = 0; k < n; k++)
			if ((in_memory[k] & 1) != 0)
				*resident += overlap(at + k * page, page,
				    start, end);
	}
	return RFM_OK;
}
/* ask about the world */
static void
boot_text(char *text, size_t bytes)
{
	text[0] = '\0';
#ifdef __APPLE__
	if (sysctlbyname("kern.bootsessionuuid", text, &bytes, NULL, 0)
	    != 0)
		text[0] = '\0';
#else
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f == NULL)
		return;
	if (fgets(text, (int)bytes, f) == NULL)
		text[0] = '\0';
	fclose(f);
#endif
}

static void
posix_boot_id(struct rfm_os *os, uint8_t id[16])
{
	static const char digits[] = "0123456789abcdef";
	char     text[64];
	unsigned n = 0;

	(void)os;
	memset(id, 0, 16);
	boot_text(text, sizeof text);
	for (const char *c = text; *c != '\0' && n < 32; c++) {
		int         low = *c >= 'A' && *c <= 'F' ? *c + 32 : *c;
		const char *digit = strchr(digits, low);
		if (digit == NULL)
			continue;
		id[n / 2] = (uint8_t)(id[n / 2] << 4 | (digit - digits));
		n++;
	}
	if (n < 32)
		memset(id, 0, 16);
}
static enum rfm_status
posix_random(struct rfm_os *os, void *to, size_t bytes,
    struct rfm_error *error)
{
	(void)os;
	if (getentropy(to, bytes) != 0)
		return fail(error, "obtain random bytes", "");
	return RFM_OK;
}

static int64_t
posix_now(struct rfm_os *os)
{
	(void)os;
	return (int64_t)time(NULL);
}
static void
posix_owner(struct rfm_os *os, char *text, size_t bytes)
{
	char      host[128] = "unknown host";
	char      since[32] = "";
	time_t    now = time(NULL);
	struct tm broken_down;

	(void)os;
	(void)gethostname(host, sizeof host - 1);
	host[sizeof host - 1] = '\0';
	if (gmtime_r(&now, &broken_down) != NULL)
		strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S UTC",
		    &broken_down);
	snprintf(text, bytes, "process %ld on %s since %s",
	    (long)getpid(), host, since);
}

static enum rfm_status
posix_at_fork(struct rfm_os *os, const struct rfm_fork_hooks *hooks,
    struct rfm_error *error)
{
	(void)os;
	errno = pthread_atfork(hooks->prepare, hooks->parent,
	    hooks->child);
	if (errno != 0)
		return fail(error, "watch for forks", "");
	return RFM_OK;
}
/* the record of the POSIX functions */
struct rfm_os *
rfm_os_posix(void)
{
	static struct rfm_os os = {
		posix_identify, posix_absolute_path, posix_open,
		posix_reopen, posix_close, posix_remove, posix_clone,
		posix_rename, posix_size, posix_read,
		posix_write, posix_resize, posix_reserve, posix_punch,
		posix_barrier, posix_barrier_directory, posix_lock,
		posix_unlock, posix_held, posix_pin, posix_pinned,
		posix_reserve_addresses,
		posix_release_addresses, posix_map, posix_resident,
		posix_boot_id,
		posix_random, posix_owner, posix_now, posix_at_fork
	};

	return &os;
}
