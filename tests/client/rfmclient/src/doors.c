/*
 * One door for each function of Rfmalloc.h, so that R tests can call it in every
 * order. An address travels through R as an external pointer, which is never
 * cleared: the tests must be able to use one that has ended.
 */
#include <Rfmalloc.h>
#include <pthread.h>
#include <string.h>

SEXP squares(SEXP store, SEXP n);
SEXP tally(SEXP store, SEXP id, SEXP x);
SEXP cpp_version(void);

static SEXP
pointer(void *address)
{
	return address == NULL ? R_NilValue :
	    R_MakeExternalPtr(address, R_NilValue, R_NilValue);
}

static void *
address(SEXP x)
{
	return x == R_NilValue ? NULL : R_ExternalPtrAddr(x);
}

static size_t
size(SEXP x)
{
	return (size_t)Rf_asReal(x);
}

static const char *
text(SEXP x)
{
	return x == R_NilValue ? NULL : CHAR(STRING_ELT(x, 0));
}

/* ---- versions and errors ---- */

static SEXP
c_version(void)
{
	return Rf_ScalarLogical(Rfmalloc_api_version() ==
	    RFMALLOC_API_VERSION);
}

static SEXP
c_last_error(void)
{
	return Rf_mkString(Rfmalloc_last_error());
}

static SEXP
c_raise(void)
{
	return Rfmalloc_raise();
}

/* ---- runtimes ---- */

static SEXP
c_default(void)
{
	return Rfmalloc_default_runtime();
}

static SEXP
c_open(SEXP path, SEXP size_gb, SEXP mode)
{
	return Rfmalloc_open_runtime(text(path), Rf_asReal(size_gb),
	    text(mode));
}

static SEXP
c_cleanup(SEXP runtime)
{
	return Rfmalloc_cleanup_runtime(runtime);
}

static SEXP
c_sync(SEXP runtime)
{
	return Rf_ScalarInteger(Rfmalloc_sync_runtime(runtime));
}

static SEXP
c_list(SEXP runtime)
{
	return Rfmalloc_list_allocations(runtime);
}

/* ---- vectors ---- */

static SEXP
c_create(SEXP runtime, SEXP type, SEXP length)
{
	return Rfmalloc_create_vector(runtime, Rf_asInteger(type),
	    (R_xlen_t)Rf_asReal(length));
}

static SEXP
c_is_vector(SEXP x)
{
	return Rf_ScalarInteger(Rfmalloc_is_fmalloc_vector(x));
}

static SEXP
c_type(SEXP x)
{
	return Rf_ScalarInteger(Rfmalloc_vector_type(x));
}

static SEXP
c_length(SEXP x)
{
	return Rf_ScalarReal((double)Rfmalloc_vector_length(x));
}

static SEXP
c_payload(SEXP x)
{
	return pointer(Rfmalloc_vector_payload_ptr(x));
}

static SEXP
c_writable(SEXP x)
{
	return Rf_ScalarInteger(Rfmalloc_vector_is_writable(x));
}

/* ---- blocks ---- */

static SEXP
c_malloc(SEXP runtime, SEXP bytes)
{
	return pointer(Rfmalloc_malloc(runtime, size(bytes)));
}

static SEXP
c_calloc(SEXP runtime, SEXP count, SEXP bytes)
{
	return pointer(Rfmalloc_calloc(runtime, size(count), size(bytes)));
}

static SEXP
c_realloc(SEXP runtime, SEXP block, SEXP bytes)
{
	return pointer(Rfmalloc_realloc(runtime, address(block),
	    size(bytes)));
}

static SEXP
c_free(SEXP block)
{
	return Rf_ScalarInteger(Rfmalloc_free(address(block)));
}

static SEXP
c_keep(SEXP block)
{
	return Rf_ScalarReal((double)Rfmalloc_block_keep(address(block)));
}

static SEXP
c_id(SEXP block)
{
	return Rf_ScalarReal((double)Rfmalloc_block_id(address(block)));
}

static SEXP
c_find(SEXP runtime, SEXP id)
{
	return pointer(Rfmalloc_block_find(runtime,
	    (uint64_t)Rf_asReal(id)));
}

static SEXP
c_release(SEXP block)
{
	return Rf_ScalarInteger(Rfmalloc_block_release(address(block)));
}

static SEXP
c_bytes(SEXP block)
{
	return Rf_ScalarReal((double)Rfmalloc_block_bytes(address(block)));
}

/* ---- what a client does with an address ---- */

static SEXP
c_poke(SEXP block, SEXP bytes)
{
	memcpy(address(block), RAW(bytes), (size_t)XLENGTH(bytes));
	return R_NilValue;
}

static SEXP
c_peek(SEXP block, SEXP count)
{
	SEXP bytes = Rf_allocVector(RAWSXP, (R_xlen_t)size(count));

	memcpy(RAW(bytes), address(block), size(count));
	return bytes;
}

static SEXP
c_shift(SEXP block, SEXP bytes)
{
	return pointer((char *)address(block) + size(bytes));
}

static SEXP
c_remainder(SEXP block, SEXP divisor)
{
	return Rf_ScalarReal((double)((uintptr_t)address(block) %
	    size(divisor)));
}

/* An address of another allocator. */
static SEXP
c_foreign(void)
{
	static char bytes[64];

	return pointer(bytes);
}

/* ---- what C may ask of any vector ---- */

/* Is there an address that costs nothing? */
static SEXP
c_at_hand(SEXP x)
{
	return Rf_ScalarLogical(DATAPTR_OR_NULL(x) != NULL);
}

/* A list's elements as its plain array has them. */
static SEXP
c_elements(SEXP x)
{
	const SEXP *from = (const SEXP *)DATAPTR_RO(x);
	SEXP y = PROTECT(Rf_allocVector(VECSXP, XLENGTH(x)));
	R_xlen_t i;

	for (i = 0; i < XLENGTH(x); i++)
		SET_VECTOR_ELT(y, i, from[i]);
	UNPROTECT(1);
	return y;
}

/* What is known: that nothing is missing, and that all is in order. */
static SEXP
c_known(SEXP x)
{
	SEXP known = Rf_allocVector(LGLSXP, 2);

	LOGICAL(known)[0] = TYPEOF(x) == STRSXP ? STRING_NO_NA(x) :
	    TYPEOF(x) == REALSXP ? REAL_NO_NA(x) : INTEGER_NO_NA(x);
	LOGICAL(known)[1] = TYPEOF(x) == REALSXP ?
	    KNOWN_INCR(REAL_IS_SORTED(x)) : TYPEOF(x) == INTSXP ?
	    KNOWN_INCR(INTEGER_IS_SORTED(x)) : 0;
	return known;
}

/* Writes an element without asking whether it may. */
static SEXP
c_set(SEXP x, SEXP i, SEXP value)
{
	if (TYPEOF(x) == STRSXP)
		SET_STRING_ELT(x, Rf_asInteger(i) - 1,
		    STRING_ELT(value, 0));
	else
		SET_VECTOR_ELT(x, Rf_asInteger(i) - 1, value);
	return R_NilValue;
}

/* ---- strings that nobody protects ---- */

/* What STRING_ELT() gave last, kept as C code of packages keeps it: unprotected. */
static SEXP held[4096];

static SEXP
c_hold(SEXP x)
{
	R_xlen_t i, count = XLENGTH(x);

	if (count > (R_xlen_t)(sizeof held / sizeof *held))
		Rf_error("too many to hold");
	for (i = 0; i < count; i++)
		held[i] = STRING_ELT(x, i);
	return R_NilValue;
}

/* The bytes that stand there now, so many of each, one after another. */
static SEXP
c_held(SEXP count, SEXP bytes)
{
	size_t i, n = size(count), each = size(bytes);
	SEXP text = Rf_allocVector(RAWSXP, (R_xlen_t)(n * each));

	for (i = 0; i < n; i++)
		memcpy(RAW(text) + i * each, CHAR(held[i]), each);
	return text;
}

/* ---- threads ---- */

struct errand {
	SEXP  runtime;
	void *block, *made;
	int   freed;
	char  why[600];
};

static void *
run_errand(void *context)
{
	struct errand *errand = (struct errand *)context;

	memset(errand->block, 7, 100);
	errand->made = Rfmalloc_malloc(errand->runtime, 100);
	strncpy(errand->why, Rfmalloc_last_error(), sizeof errand->why - 1);
	errand->freed = Rfmalloc_free(errand->block);
	return NULL;
}

/* Another thread fills the block's first 100 bytes, and tries to make one and to
   free this one: what it got, and its reason. */
static SEXP
c_thread(SEXP runtime, SEXP block)
{
	struct errand errand = { runtime, address(block), NULL, 0, "" };
	pthread_t thread;
	SEXP result;

	/* the first calls, which look the functions up, are R's */
	(void)Rfmalloc_last_error();
	(void)Rfmalloc_block_bytes(errand.block);
	(void)Rfmalloc_free(Rfmalloc_malloc(runtime, 1));
	if (pthread_create(&thread, NULL, run_errand, &errand) != 0)
		Rf_error("no thread");
	pthread_join(thread, NULL);
	result = PROTECT(Rf_allocVector(VECSXP, 3));
	SET_VECTOR_ELT(result, 0, Rf_ScalarLogical(errand.made == NULL));
	SET_VECTOR_ELT(result, 1, Rf_ScalarInteger(errand.freed));
	SET_VECTOR_ELT(result, 2, Rf_mkString(errand.why));
	UNPROTECT(1);
	return result;
}

/* ---- registration ---- */

#define DOOR(name, arguments) \
	{ #name, (DL_FUNC)(void (*)(void))&name, arguments }

static const R_CallMethodDef doors[] = {
	DOOR(squares, 2), DOOR(tally, 3), DOOR(cpp_version, 0),
	DOOR(c_version, 0), DOOR(c_last_error, 0), DOOR(c_raise, 0),
	DOOR(c_default, 0), DOOR(c_open, 3), DOOR(c_cleanup, 1),
	DOOR(c_sync, 1), DOOR(c_list, 1), DOOR(c_create, 3),
	DOOR(c_is_vector, 1), DOOR(c_type, 1), DOOR(c_length, 1),
	DOOR(c_payload, 1), DOOR(c_writable, 1), DOOR(c_malloc, 2),
	DOOR(c_calloc, 3), DOOR(c_realloc, 3), DOOR(c_free, 1),
	DOOR(c_keep, 1), DOOR(c_id, 1), DOOR(c_find, 2), DOOR(c_release, 1),
	DOOR(c_bytes, 1), DOOR(c_poke, 2), DOOR(c_peek, 2), DOOR(c_shift, 2),
	DOOR(c_remainder, 2), DOOR(c_foreign, 0), DOOR(c_hold, 1),
	DOOR(c_held, 2), DOOR(c_at_hand, 1), DOOR(c_elements, 1),
	DOOR(c_known, 1), DOOR(c_set, 3), DOOR(c_thread, 2),
	{ NULL, NULL, 0 }
};

void R_init_rfmclient(DllInfo *dll);

void
R_init_rfmclient(DllInfo *dll)
{
	R_registerRoutines(dll, NULL, doors, NULL, NULL);
	R_useDynamicSymbols(dll, FALSE);
}
