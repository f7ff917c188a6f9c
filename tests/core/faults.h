/*
 * Failures of the machine below the lying disk: memory that is not to be had, and
 * calls of the system that are interrupted, do half of what they should, or fail.
 * The Makefile links the core, and nothing else, so that its calls come here.
 */
#ifndef FAULTS_H
#define FAULTS_H
#include <stdbool.h>

/* The nth allocation of the core from now on fails, and no other. 0: none does. */
void fail_allocation(long nth);

/* Did it, since then? */
bool allocation_failed(void);

/* So many of the next reads and writes are interrupted; then each one moves no
   more than so many bytes at once (0: all). */
void disturb_transfers(int interruptions, unsigned long at_once);

/* The next flush of a folder, or of a file, fails with this errno. */
void fail_flush(int cause);
void fail_data_flush(int cause);
#endif
