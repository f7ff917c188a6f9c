/*
 * A disk that breaks when it is told to: loaded before the C library (LD_PRELOAD), it
 * lets writes fail while the file $RFM_BROKEN.write exists, and flushes while
 * $RFM_BROKEN.flush does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static int
broken(const char *what)
{
	const char *place = getenv("RFM_BROKEN");
	char        name[4096];

	if (place == NULL)
		return 0;
	snprintf(name, sizeof name, "%s.%s", place, what);
	if (access(name, F_OK) != 0)
		return 0;
	errno = EIO;
	return 1;
}

#define NEXT(type, name) ((type)dlsym(RTLD_NEXT, #name))

ssize_t
pwrite(int descriptor, const void *from, size_t bytes, off_t offset)
{
	return broken("write") ? -1 :
	    NEXT(ssize_t (*)(int, const void *, size_t, off_t), pwrite)(
	    descriptor, from, bytes, offset);
}

int
fsync(int descriptor)
{
	return broken("flush") ? -1 : NEXT(int (*)(int), fsync)(descriptor);
}

int
fdatasync(int descriptor)
{
	return broken("flush") ? -1 :
	    NEXT(int (*)(int), fdatasync)(descriptor);
}
