/* See faults.h. What the core calls as malloc is __wrap_malloc here. */
#define _POSIX_C_SOURCE 200809L
#include "faults.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
char *__wrap_strdup(const char *);
char *__wrap_strndup(const char *, size_t);
ssize_t __wrap_pread(int, void *, size_t, off_t);
ssize_t __wrap_pwrite(int, const void *, size_t, off_t);
int __wrap_fsync(int);
int __wrap_fdatasync(int);

static long          allocations_left;  /* 0: no limit */
static bool          failed;
static int           interruptions_left, flush_error, data_error;
static unsigned long most;              /* bytes in one transfer; 0: no limit */

void
fail_allocation(long nth)
{
	allocations_left = nth;
	failed = false;
}

bool
allocation_failed(void)
{
	return failed;
}

void
disturb_transfers(int interruptions, unsigned long at_once)
{
	interruptions_left = interruptions;
	most = at_once;
}

void
fail_flush(int cause)
{
	flush_error = cause;
}

void
fail_data_flush(int cause)
{
	data_error = cause;
}

static bool
scarce(void)
{
	if (allocations_left == 0 || --allocations_left > 0)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t bytes)
{
	return scarce() ? NULL : malloc(bytes);
}

void *
__wrap_calloc(size_t count, size_t bytes)
{
	return scarce() ? NULL : calloc(count, bytes);
}

void *
__wrap_realloc(void *old, size_t bytes)
{
	return scarce() ? NULL : realloc(old, bytes);
}

char *
__wrap_strdup(const char *text)
{
	return scarce() ? NULL : strdup(text);
}

char *
__wrap_strndup(const char *text, size_t bytes)
{
	return scarce() ? NULL : strndup(text, bytes);
}

static bool
interrupted(void)
{
	if (interruptions_left == 0)
		return false;
	interruptions_left--;
	errno = EINTR;
	return true;
}

static size_t
at_once(size_t bytes)
{
	return most != 0 && bytes > most ? most : bytes;
}

ssize_t
__wrap_pread(int descriptor, void *to, size_t bytes, off_t offset)
{
	return interrupted() ? -1 :
	    pread(descriptor, to, at_once(bytes), offset);
}

ssize_t
__wrap_pwrite(int descriptor, const void *from, size_t bytes, off_t offset)
{
	return interrupted() ? -1 :
	    pwrite(descriptor, from, at_once(bytes), offset);
}

static bool
strikes(int *cause)
{
	if (*cause == 0)
		return false;
	errno = *cause;
	*cause = 0;
	return true;
}

int
__wrap_fsync(int descriptor)
{
	return strikes(&flush_error) ? -1 : fsync(descriptor);
}

int
__wrap_fdatasync(int descriptor)
{
	return strikes(&data_error) ? -1 : fdatasync(descriptor);
}
