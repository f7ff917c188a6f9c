/*
 * Where tests of a real file system keep their files. Who includes it asks for
 * mkdtemp() with a macro of features first.
 */
#ifndef FOLDER_H
#define FOLDER_H
#include "common.h"

/*
 * A new folder where TMPDIR says, or in /tmp, for tests of a real file system; NULL
 * if there is none. At most 90 characters, so that paths in it fit where they go.
 */
#define FOLDER_BYTES 91
static char *
new_folder(char folder[FOLDER_BYTES])
{
	const char *where = getenv("TMPDIR");
	int         n = snprintf(folder, FOLDER_BYTES, "%s/rfm-XXXXXX",
	    where == NULL ? "/tmp" : where);

	return n < 0 || n >= FOLDER_BYTES ? NULL : mkdtemp(folder);
}

#endif
