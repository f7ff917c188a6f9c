/* Tangled from lit/78_capi.nw by 'make tangle': change it there, not here. */
/*
 * Rfmalloc for the C and C++ code of other packages: vectors and blocks
 * of memory that live in a file. In DESCRIPTION:
 *     Imports: Rfmalloc
 *     LinkingTo: Rfmalloc
 *
 * A `runtime' is what open_fmalloc() returns; R_NilValue means the
 * default one of init_fmalloc(). Protect it while it is in use.
 *
 * Threads: all functions are for R's main thread. The bytes of a vector
 * or of a block may be used by any thread as long as they exist.
 *
 * Errors: functions marked JUMPS raise R errors of class fmalloc_error,
 * by a long jump, so call them while you hold nothing that would be lost.
 * The others never jump. They say by what they return that they failed,
 * and Rfmalloc_last_error() says why; nothing has changed then.
 *
 * Garbage: the functions that jump, and malloc, calloc and realloc, may
 * run R's collector: protect your R objects.
 */
#ifndef RFMALLOC_H
#define RFMALLOC_H
#include <stddef.h>
#include <stdint.h>
#include <Rinternals.h>
#include <R_ext/Rdynload.h>

/* what every call goes through */
#define RFMALLOC_FUNCTION(result, name, parameters, arguments)      \
typedef result name##_type parameters;                              \
static inline result                                                \
name parameters                                                     \
{                                                                   \
	static name##_type *function;                               \
                                                                    \
	if (function == NULL)                                       \
		function = (name##_type *)(void (*)(void))          \
		    R_GetCCallable("Rfmalloc", #name);              \
	return function arguments;                                  \
}

/* calls for versions and errors */
#define RFMALLOC_API_VERSION 1

/* The version of the package that is loaded: compare it, in your
   R_init_<package>(), with RFMALLOC_API_VERSION, the one of this header. */
RFMALLOC_FUNCTION(int, Rfmalloc_api_version, (void), ())

/* Why the last call of this thread that failed without a jump has failed:
   a sentence, good until the next failure. "" if none has. */
RFMALLOC_FUNCTION(const char *, Rfmalloc_last_error, (void), ())

/* JUMPS: raises that failure as an R error, of the same class as if it
   had happened in R, such as fmalloc_disk_full. Never returns. */
RFMALLOC_FUNCTION(SEXP, Rfmalloc_raise, (void), ())
/* calls on runtimes */
/* The default runtime, or R_NilValue if there is none. */
RFMALLOC_FUNCTION(SEXP, Rfmalloc_default_runtime, (void), ())

/* JUMPS: open_fmalloc(). size_gb: 0 for the default. mode: "persistent"
   (also if NULL), "scratch", or "read" for access = "read". */
RFMALLOC_FUNCTION(SEXP, Rfmalloc_open_runtime,
    (const char *path, double size_gb, const char *mode),
    (path, size_gb, mode))

/* JUMPS: cleanup_fmalloc(). If no other open handle on the store is left,
   its blocks are freed; those that were kept stay in the file. The result
   is R_NilValue. */
RFMALLOC_FUNCTION(SEXP, Rfmalloc_cleanup_runtime, (SEXP runtime),
    (runtime))

/* sync_fmalloc(): 0, or -1 if it failed. */
RFMALLOC_FUNCTION(int, Rfmalloc_sync_runtime, (SEXP runtime), (runtime))

/* JUMPS: list_fmalloc_allocations(), a data frame. */
RFMALLOC_FUNCTION(SEXP, Rfmalloc_list_allocations, (SEXP runtime),
    (runtime))
/* calls on vectors */
/* JUMPS: create_fmalloc_vector(): LGLSXP, INTSXP, REALSXP, CPLXSXP,
   RAWSXP, STRSXP or VECSXP. Elements start as zero, "" or NULL. */
RFMALLOC_FUNCTION(SEXP, Rfmalloc_create_vector,
    (SEXP runtime, int sexptype, R_xlen_t length),
    (runtime, sexptype, length))

/* 1 if x lives in a store, else 0. Any R object may be asked. */
RFMALLOC_FUNCTION(int, Rfmalloc_is_fmalloc_vector, (SEXP x), (x))

/* Its type, or NILSXP; its length, or -1: if x does not live there. */
RFMALLOC_FUNCTION(int, Rfmalloc_vector_type, (SEXP x), (x))
RFMALLOC_FUNCTION(R_xlen_t, Rfmalloc_vector_length, (SEXP x), (x))

/* Where its elements are: good while x is reachable and not destroyed.
   NULL if x does not live in a store, was destroyed, or is a character
   vector or a list: use STRING_ELT() and VECTOR_ELT() on those. */
RFMALLOC_FUNCTION(void *, Rfmalloc_vector_payload_ptr, (SEXP x), (x))

/* 1 if there is such an address and it may be written to. 0 also if a
   reference was saved, or another R object has the same payload. Look at
   MAYBE_SHARED(x), too. */
RFMALLOC_FUNCTION(int, Rfmalloc_vector_is_writable, (SEXP x), (x))
/* calls on blocks */
/* A block of memory in the store, at a multiple of 64: NULL if there is
   none. It lives until it is freed, or until Rfmalloc_cleanup_runtime()
   closes the last open handle on its store. Its bytes are arbitrary after
   malloc, zero after calloc. A block of 0 bytes is a block. */
RFMALLOC_FUNCTION(void *, Rfmalloc_malloc, (SEXP runtime, size_t bytes),
    (runtime, bytes))
RFMALLOC_FUNCTION(void *, Rfmalloc_calloc,
    (SEXP runtime, size_t count, size_t bytes), (runtime, count, bytes))

/* The block with another size, perhaps at another address: NULL if it
   could not be had, and then the old one is as before. What is new has
   arbitrary bytes. A `block' of NULL is malloc; 0 bytes do not free. A
   kept block keeps its id. */
RFMALLOC_FUNCTION(void *, Rfmalloc_realloc,
    (SEXP runtime, void *block, size_t bytes), (runtime, block, bytes))

/* 0, or -1 if this is no block, or one that was freed before: then
   nothing happens. A kept block leaves the store for good, and its id is
   never used again. NULL is freed with success. */
RFMALLOC_FUNCTION(int, Rfmalloc_free, (void *block), (block))

/* calls on blocks that are kept */
/* Keeps the block in its persistent store and gives its id, or 0 if that
   failed. Keeping twice gives the same id. The bytes may still be changed;
   they are durable after the next Rfmalloc_sync_runtime(). */
RFMALLOC_FUNCTION(uint64_t, Rfmalloc_block_keep, (void *block), (block))

/* The id of a block that was kept, or 0. */
RFMALLOC_FUNCTION(uint64_t, Rfmalloc_block_id, (void *block), (block))

/* The block with this id, in this session or a later one, or NULL. One
   that is in use already is found at the same address. */
RFMALLOC_FUNCTION(void *, Rfmalloc_block_find,
    (SEXP runtime, uint64_t id), (runtime, id))

/* Lets go of a block that was kept, once for each time that it was made
   or found; the last time, its address ends. A block that was not kept is
   freed. 0, or -1 if this is no block. */
RFMALLOC_FUNCTION(int, Rfmalloc_block_release, (void *block), (block))

/* How many bytes were asked for; 0 also if this is no block. */
RFMALLOC_FUNCTION(size_t, Rfmalloc_block_bytes, (void *block), (block))
#endif
