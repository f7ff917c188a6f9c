/* Tangled from lit/65_altvec.nw by 'make tangle': change it there, not here. */
#include "altvec.h"
#include "layout.h"
#include "cells.h"
#include <limits.h>
#include <math.h>
#include <string.h>

#define COPY_BYTES ((size_t)8 << 20)

static R_altrep_class_t classes[RFM_R_TYPES];
static const struct rfm_altvec_kind *kinds[RFM_R_TYPES];

/* translate between R's types and ours */
static const struct { SEXPTYPE sexp; const char *name; } types[] = {
	[0] = { NILSXP, "unsupported" },
	[RFM_LOGICAL] = { LGLSXP, "logical" },
	[RFM_INTEGER] = { INTSXP, "integer" },
	[RFM_NUMERIC] = { REALSXP, "numeric" },
	[RFM_COMPLEX] = { CPLXSXP, "complex" },
	[RFM_RAW] = { RAWSXP, "raw" },
	[RFM_CHARACTER] = { STRSXP, "character" },
	[RFM_LIST] = { VECSXP, "list" },
	[RFM_BYTES] = { NILSXP, "bytes" },
	[RFM_OBJECT] = { NILSXP, "object" },
	[RFM_SERIALIZED] = { NILSXP, "serialized" },
};
static uint32_t last_type = RFM_RAW;    /* that has a class yet */

uint32_t
rfm_type_of(int sexp)
{
	uint32_t type = last_type;

	while (type > 0 && types[type].sexp != (SEXPTYPE)sexp)
		type--;
	return type;
}

SEXPTYPE
rfm_type_sexp(uint32_t type)
{
	return types[type < RFM_R_TYPES ? type : 0].sexp;
}

bool
rfm_type_fixed(uint32_t type)
{
	return type >= RFM_LOGICAL && type <= RFM_RAW;
}

/* translate the names of types */
const char *
rfm_type_name(uint32_t type)
{
	return types[type < RFM_TYPES ? type : 0].name;
}

uint32_t
rfm_type_named(const char *name)
{
	uint32_t type = last_type;

	if (strcmp(name, "double") == 0)
		return RFM_NUMERIC;
	while (type > 0 && strcmp(types[type].name, name) != 0)
		type--;
	return type;
}
/* look through the wrappers that R makes */
static SEXP base_symbol, wrappers[RFM_R_TYPES];
static SEXP compact_integers, compact_numbers;

static bool
is_wrapper(SEXP x, uint32_t type)
{
	return rfm_class_name(x) == wrappers[type] &&
	    rfm_class_package(x) == base_symbol;
}

SEXP
rfm_altvec_inner(SEXP x)
{
	uint32_t type = rfm_type_of(TYPEOF(x));

	while (type != 0 && ALTREP(x)) {
		if (R_altrep_inherits(x, classes[type]))
			return x;
		if (!is_wrapper(x, type))
			break;
		x = R_altrep_data1(x);
	}
	return NULL;
}

/* get at the payload and the runtime of a vector */
/* remember the payload of a vector */
struct rfm_memory rfm_memories[RFM_MEMORIES];

struct rfm_payload *
rfm_altvec_look_up(SEXP x)
{
	struct rfm_memory *memory =
	    &rfm_memories[(uintptr_t)x / 8 % RFM_MEMORIES];
	SEXP place = R_altrep_data2(x), pointer = R_altrep_data1(x);
	struct rfm_payload *payload = TYPEOF(place) == INTSXP ?
	    rfm_group_member(pointer, INTEGER(place)[0]) :
	    rfm_payload_of(pointer);

	memory->vector = payload == NULL ? NULL : x;
	memory->turn = rfm_payload_turns;
	memory->payload = payload;
	memory->beside = NULL;
	return payload;
}

static SEXP
new_vector(uint32_t type, SEXP data1, SEXP data2)
{
	SEXP x = R_new_altrep(classes[type], data1, data2);

	rfm_payload_turns++;
	return x;
}

static struct rfm_payload *
payload_of(SEXP x)
{
	const struct rfm_memory *memory = rfm_altvec_recall(x);

	return memory != NULL ? memory->payload : rfm_altvec_look_up(x);
}

/* look at what a vector may be */
struct rfm_payload *
rfm_altvec_payload(SEXP x)
{
	SEXP inner = rfm_altvec_inner(x);

	return inner == NULL ? NULL : payload_of(inner);
}

struct rfm_runtime *
rfm_altvec_runtime(SEXP x)
{
	SEXP inner = rfm_altvec_inner(x);

	return inner == NULL ? NULL :
	    rfm_runtime_of_pointer(R_altrep_data1(inner));
}

struct rfm_payload *
rfm_altvec_live(SEXP x)
{
	struct rfm_payload *payload = rfm_altvec_payload(x);

	if (payload == NULL || payload->address == NULL)
		rfm_raise("closed", 0, NULL, "closed fmalloc ALTREP vector "
		    "handle: the vector was destroyed, or restored without "
		    "its store.");
	return payload;
}
/* tell whether a vector's store is open */
bool
rfm_altvec_open(SEXP x)
{
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	struct rfm_store_info info;

	if (runtime == NULL)
		return false;
	rfm_store_describe(runtime->store, &info);
	return !info.closed;
}
/* keep a promise beside a vector */
static SEXP
promise_of(SEXP x)
{
	SEXP beside = R_altrep_data2(x);

	return TYPEOF(beside) == VECSXP ?
	    VECTOR_ELT(beside, RFM_BOX_PROMISE) : beside;
}

static void
drop_promise(SEXP x)
{
	SEXP beside = R_altrep_data2(x);

	if (TYPEOF(beside) == VECSXP)
		SET_VECTOR_ELT(beside, RFM_BOX_PROMISE, R_NilValue);
	else
		R_set_altrep_data2(x, R_NilValue);
}
/* make a vector around a payload */
SEXP
rfm_altvec_blank(uint32_t type, double promised_length)
{
	SEXP pointer = PROTECT(rfm_payload_pointer()), beside, x;

	beside = PROTECT(promised_length < 0 ? R_NilValue :
	    Rf_ScalarReal(promised_length));
	x = rfm_altvec_window(pointer, type);
	if (TYPEOF(R_altrep_data2(x)) == VECSXP)
		SET_VECTOR_ELT(R_altrep_data2(x), RFM_BOX_PROMISE, beside);
	else
		R_set_altrep_data2(x, beside);
	UNPROTECT(2);
	return x;
}

SEXP
rfm_altvec_window(SEXP pointer, uint32_t type)
{
	SEXP box = PROTECT(rfm_type_fixed(type) ? R_NilValue :
	    Rf_allocVector(VECSXP, RFM_BOX_PLACES));
	SEXP x = new_vector(type, pointer, box);

	UNPROTECT(1);
	return x;
}

SEXP
rfm_altvec_alias(SEXP x)
{
	return new_vector(rfm_type_of(TYPEOF(x)), R_altrep_data1(x),
	    R_altrep_data2(x));
}

/* make a blank vector that is one of a group */
SEXP
rfm_altvec_member(struct rfm_runtime *runtime, uint32_t type)
{
	SEXP group, place, x;

	if (!rfm_type_fixed(type) || !rfm_store_keeps(runtime->store))
		return rfm_altvec_blank(type, -1);
	group = PROTECT(rfm_runtime_group(runtime, &place));
	x = new_vector(type, group, place);
	UNPROTECT(1);
	return x;
}
/* put a payload into a blank vector */
void
rfm_altvec_fill(SEXP x, struct rfm_runtime *runtime,
    struct rfm_payload *payload)
{
	SEXP place = R_altrep_data2(x);

	if (TYPEOF(place) == INTSXP) {
		rfm_group_hold(R_altrep_data1(x), INTEGER(place)[0],
		    payload);
	} else {
		rfm_payload_hold(R_altrep_data1(x), runtime, payload);
		drop_promise(x);
	}
	if (rfm_payload_shared(payload))
		MARK_NOT_MUTABLE(x);               /* keeps I7 */
}
void
rfm_altvec_spend(SEXP x)
{
	if (rfm_altvec_inner(x) == x &&
	    rfm_payload_points(R_altrep_data1(x)))
		rfm_payload_drop(R_altrep_data1(x));
}
/* make a temporary or fail */
SEXP
rfm_altvec_temporary(struct rfm_runtime *runtime, uint32_t type,
    uint64_t length)
{
	struct rfm_payload *payload;
	struct rfm_error error;
	SEXP x = PROTECT(rfm_altvec_blank(type, -1));

	if (rfm_runtime_allocate(runtime, RFM_KIND_TEMPORARY, type, length,
	    !rfm_type_fixed(type), &payload, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	rfm_altvec_fill(x, runtime, payload);
	UNPROTECT(1);
	return x;
}
/* make a temporary beside another vector */
SEXP
rfm_altvec_sibling(SEXP x, uint32_t type, uint64_t length)
{
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	struct rfm_payload *payload;
	struct rfm_error error;
	SEXP y;

	if (runtime == NULL)
		return NULL;
	y = PROTECT(rfm_altvec_blank(type, -1));
	switch (rfm_runtime_allocate(runtime, RFM_KIND_TEMPORARY, type,
	    length, type == RFM_LIST, &payload, &error)) {
	case RFM_OK:
		rfm_altvec_fill(y, runtime, payload);
		break;
	case RFM_CLOSED: case RFM_POISONED:
	case RFM_FORKED: case RFM_READ_ONLY:
		y = NULL;
		break;
	default:
		rfm_raise_error(&error, runtime->path);
	}
	UNPROTECT(1);
	return y;
}
/* keep the sets of classes */
static SEXP class_sets, models;

SEXP
rfm_altvec_class(uint32_t type, int dimensions)
{
	int shape = dimensions == 0 ? 0 : dimensions == 2 ? 1 : 2;

	return VECTOR_ELT(class_sets, (int)type * 3 + shape);
}

SEXP
rfm_altvec_model(uint32_t type)
{
	return VECTOR_ELT(models, (int)type);
}

/* make the sets of classes at load time */
static void
make_classes(void)
{
	static const char *const shapes[] = { "fmalloc_vector",
		"fmalloc_matrix", "fmalloc_array" };
	int k;

	class_sets = Rf_allocVector(VECSXP, RFM_R_TYPES * 3);
	R_PreserveObject(class_sets);
	for (k = 0; k < RFM_R_TYPES * 3; k++) {
		SEXP set = Rf_allocVector(STRSXP, 3);

		SET_VECTOR_ELT(class_sets, k, set);
		SET_STRING_ELT(set, 0, Rf_mkChar(shapes[k % 3]));
		SET_STRING_ELT(set, 1, Rf_mkChar("fmalloc"));
		SET_STRING_ELT(set, 2, Rf_mkChar(types[k / 3].name));
		MARK_NOT_MUTABLE(set);
	}
	models = Rf_allocVector(VECSXP, RFM_R_TYPES);
	R_PreserveObject(models);
	for (k = RFM_LOGICAL; k < RFM_R_TYPES; k++) {
		SET_VECTOR_ELT(models, k,
		    Rf_allocVector(types[k].sexp, 0));
		Rf_setAttrib(VECTOR_ELT(models, k), R_ClassSymbol,
		    rfm_altvec_class((uint32_t)k, 0));
	}
}
/* move elements in blocks */
void
rfm_altvec_read(SEXP x, uint64_t from, uint64_t count, void *to)
{
	R_xlen_t i = (R_xlen_t)from, n = (R_xlen_t)count;
	uint64_t size = rfm_type_bytes(rfm_type_of(TYPEOF(x)));
	const char *address = DATAPTR_OR_NULL(x);

	if (address != NULL && from + count <= (uint64_t)XLENGTH(x)) {
		memcpy(to, address + from * size, count * size);
		return;
	}
	switch (TYPEOF(x)) {
	case LGLSXP:
		LOGICAL_GET_REGION(x, i, n, to);
		break;
	case INTSXP:
		INTEGER_GET_REGION(x, i, n, to);
		break;
	case REALSXP:
		REAL_GET_REGION(x, i, n, to);
		break;
	case CPLXSXP:
		COMPLEX_GET_REGION(x, i, n, to);
		break;
	default:
		RAW_GET_REGION(x, i, n, to);
		break;
	}
}

/* copy a whole vector into another */
void
rfm_altvec_copy(SEXP x, SEXP to)
{
	struct rfm_payload *target = rfm_altvec_live(to);
	const struct rfm_altvec_kind *kind = kinds[target->type];
	uint64_t size = rfm_type_bytes(target->type);
	uint64_t length = target->length, step = COPY_BYTES / size, i, n;

	if (kind != NULL) {
		kind->copy(x, to);
		return;
	}
	for (i = 0; i < length; i += n) {
		R_CheckUserInterrupt();
		n = length - i < step ? length - i : step;
		target = rfm_altvec_live(to);
		rfm_altvec_read(x, i, n, (char *)target->address + i * size);
	}
}
/* give length, elements and addresses */
static void *
address_of(SEXP x)
{
	const struct rfm_memory *memory = rfm_altvec_recall(x);

	if (memory != NULL && memory->payload->address != NULL)
		return memory->payload->address;
	return rfm_altvec_live(x)->address;        /* or an R error */
}

/* give the length of a vector */
static R_xlen_t
promised_length(SEXP x)
{
	SEXP promised = promise_of(x);

	return TYPEOF(promised) == REALSXP ? (R_xlen_t)REAL(promised)[0] : 0;
}

static R_xlen_t
length_of(SEXP x)
{
	const struct rfm_payload *payload = payload_of(x);

	return payload != NULL ? (R_xlen_t)payload->length :
	    promised_length(x);
}
/* give an address */
/* lend a vector to somebody who writes by reference */
static SEXP lent_symbol;

static bool
is_lent(SEXP x)
{
	return promise_of(x) == lent_symbol;
}

void
rfm_altvec_lend(SEXP x)
{
	SEXP beside = R_altrep_data2(x);

	if (TYPEOF(beside) == VECSXP)
		SET_VECTOR_ELT(beside, RFM_BOX_PROMISE, lent_symbol);
	else if (TYPEOF(beside) != INTSXP)         /* in a group */
		R_set_altrep_data2(x, lent_symbol);
}

/* give a lent vector a payload of its own */
void
rfm_altvec_own(SEXP x)
{
	struct rfm_payload *payload = payload_of(x);
	SEXP copy;

	if (payload == NULL || !rfm_payload_shared(payload) || !is_lent(x))
		return;
	copy = PROTECT(Rf_shallow_duplicate(x));
	if (rfm_altvec_inner(copy) != copy)
		rfm_raise("closed", 0, NULL, "This vector belongs to a "
		    "store that takes no changes, and may not be changed in "
		    "place: collect_fmalloc() makes a copy in memory.");
	rfm_payload_turns++;
	R_set_altrep_data1(x, R_altrep_data1(copy));
	R_set_altrep_data2(x, R_altrep_data2(copy));
	rfm_altvec_lend(x);                        /* keeps I7 */
	UNPROTECT(1);
}

static void *
dataptr(SEXP x, Rboolean writable)
{
	if (writable)
		rfm_altvec_own(x);
	return address_of(x);
}

static const void *
dataptr_or_null(SEXP x)
{
	struct rfm_payload *payload = payload_of(x);

	return payload == NULL ? NULL : payload->address;
}
/* give one element */
static int
integer_elt(SEXP x, R_xlen_t i)
{
	return ((const int *)address_of(x))[i];
}

static double
real_elt(SEXP x, R_xlen_t i)
{
	return ((const double *)address_of(x))[i];
}

static Rcomplex
complex_elt(SEXP x, R_xlen_t i)
{
	return ((const Rcomplex *)address_of(x))[i];
}

static Rbyte
raw_elt(SEXP x, R_xlen_t i)
{
	return ((const Rbyte *)address_of(x))[i];
}
/* take a subset into a temporary */
#define BLOCK_ELEMENTS RFM_POSITIONS

/* turn a block of indices into positions */
void
rfm_altvec_positions(SEXP index, R_xlen_t from, R_xlen_t count,
    R_xlen_t length, int64_t *positions)
{
	union { int i[BLOCK_ELEMENTS]; double d[BLOCK_ELEMENTS]; } block;
	R_xlen_t k;

	if (TYPEOF(index) == INTSXP) {
		INTEGER_GET_REGION(index, from, count, block.i);
		for (k = 0; k < count; k++)
			positions[k] = block.i[k] < 1 ||
			    block.i[k] > length ? -1 : block.i[k] - 1;
		return;
	}
	REAL_GET_REGION(index, from, count, block.d);
	for (k = 0; k < count; k++)
		positions[k] = block.d[k] >= 1 &&
		    block.d[k] < (double)length + 1 ?
		    (int64_t)block.d[k] - 1 : -1;
}
/* give a view */
bool
rfm_altvec_is_compact(SEXP index)
{
	return ALTREP(index) && rfm_class_package(index) == base_symbol &&
	    (rfm_class_name(index) == compact_integers ||
	    rfm_class_name(index) == compact_numbers) &&
	    R_altrep_data2(index) == R_NilValue;
}

static double
index_at(SEXP index, R_xlen_t i)
{
	int value;

	if (TYPEOF(index) == REALSXP)
		return REAL_ELT(index, i);
	value = INTEGER_ELT(index, i);
	return value == NA_INTEGER ? NA_REAL : value;
}
static bool
is_run(SEXP index, R_xlen_t length)
{
	R_xlen_t count = XLENGTH(index), i, k;
	double first = index_at(index, 0);
	int64_t positions[BLOCK_ELEMENTS];

	if (!(first >= 1) || index_at(index, count - 1) - first !=
	    (double)(count - 1) ||
	    !(index_at(index, count - 1) < (double)length + 1))
		return false;
	if (rfm_altvec_is_compact(index))
		return true;
	for (i = 0; i < count; i += BLOCK_ELEMENTS) {
		R_xlen_t n = count - i < BLOCK_ELEMENTS ? count - i :
		    BLOCK_ELEMENTS;

		rfm_altvec_positions(index, i, n, length, positions);
		for (k = 0; k < n; k++)
			if (positions[k] != (int64_t)first - 1 + i + k)
				return false;
	}
	return true;
}
SEXP
rfm_altvec_view_on(struct rfm_runtime *runtime, struct rfm_payload *whole,
    uint64_t from, uint64_t length)
{
	struct rfm_payload *view;
	struct rfm_error error;
	SEXP y = PROTECT(rfm_altvec_blank(whole->type, -1));

	if (rfm_store_view(whole, from, length, &view, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	rfm_altvec_fill(y, runtime, view);
	UNPROTECT(1);
	return y;
}

SEXP
rfm_altvec_view(SEXP x, uint64_t from, uint64_t length)
{
	struct rfm_payload *whole = rfm_altvec_live(x);
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);

	if (runtime == NULL)
		rfm_raise("closed", 0, NULL, "The fmalloc runtime is closed.");
	MARK_NOT_MUTABLE(x);                       /* keeps I7 */
	return rfm_altvec_view_on(runtime, whole, from, length);
}

SEXP
rfm_altvec_run(SEXP x, SEXP index)
{
	const struct rfm_payload *payload = rfm_altvec_live(x);
	uint64_t count = (uint64_t)XLENGTH(index);

	if (payload->state != RFM_SEALED ||
	    count < RFM_VIEW_MIN_BYTES / rfm_type_bytes(payload->type) ||
	    rfm_altvec_runtime(x) == NULL ||
	    !is_run(index, (R_xlen_t)payload->length))
		return NULL;
	return rfm_altvec_view(x, (uint64_t)index_at(index, 0) - 1, count);
}
/* gather elements at positions */
/* the missing value of each type */
static void
missing_value(uint32_t type, Rcomplex *value)
{
	int missing = NA_INTEGER;

	value->r = value->i = NA_REAL;
	if (type == RFM_LOGICAL || type == RFM_INTEGER)
		memcpy(value, &missing, sizeof missing);
	if (type == RFM_RAW)
		memset(value, 0, sizeof *value);
}
/* gather elements of one size */
#define GATHER(name, element)                                           \
static void                                                             \
name(const void *from, const int64_t *positions, size_t count,          \
    void *to, const void *missing)                                      \
{                                                                       \
	const element *source = from;                                   \
	element *target = to, none;                                     \
	size_t k;                                                       \
                                                                        \
	memcpy(&none, missing, sizeof none);                            \
	for (k = 0; k < count; k++)                                     \
		target[k] = positions[k] < 0 ? none :                   \
		    source[positions[k]];                               \
}

GATHER(gather_1, uint8_t)
GATHER(gather_4, int32_t)
GATHER(gather_8, double)
GATHER(gather_16, Rcomplex)

static void
gather(SEXP x, const int64_t *positions, size_t count, SEXP y, size_t at)
{
	const char *from = address_of(x);
	char *to = address_of(y);
	uint32_t type = payload_of(x)->type;
	size_t size = (size_t)rfm_type_bytes(type), k;
	Rcomplex missing;

	for (k = 1; k < count; k++)
		if (positions[k] != positions[0] + (int64_t)k)
			break;
	if (k == count && positions[0] >= 0) {
		memcpy(to + at * size, from + (size_t)positions[0] * size,
		    count * size);
		return;
	}
	missing_value(type, &missing);
	to += at * size;
	switch (size) {
	case 1: gather_1(from, positions, count, to, &missing); break;
	case 4: gather_4(from, positions, count, to, &missing); break;
	case 8: gather_8(from, positions, count, to, &missing); break;
	default: gather_16(from, positions, count, to, &missing); break;
	}
}

static SEXP
extract_subset(SEXP x, SEXP index, SEXP call)
{
	R_xlen_t count = XLENGTH(index), i;
	uint32_t type = rfm_altvec_live(x)->type;
	int64_t positions[BLOCK_ELEMENTS];
	SEXP y;

	(void)call;
	if (count < 2 || (TYPEOF(index) != INTSXP &&
	    TYPEOF(index) != REALSXP))
		return NULL;
	y = rfm_altvec_run(x, index);
	if (y != NULL)
		return y;
	y = rfm_altvec_sibling(x, type, (uint64_t)count);
	if (y == NULL)
		return NULL;
	PROTECT(y);
	for (i = 0; i < count; i += BLOCK_ELEMENTS) {
		R_xlen_t n = count - i < BLOCK_ELEMENTS ? count - i :
		    BLOCK_ELEMENTS;

		if (i % (BLOCK_ELEMENTS * 128) == 0)
			R_CheckUserInterrupt();
		rfm_altvec_positions(index, i, n, length_of(x), positions);
		gather(x, positions, (size_t)n, y, (size_t)i);
	}
	UNPROTECT(1);
	return y;
}
/* duplicate and coerce into temporaries */
static SEXP
duplicate(SEXP x, Rboolean deep)
{
	struct rfm_payload *payload = rfm_altvec_live(x);
	SEXP y = rfm_altvec_sibling(x, payload->type, payload->length);

	(void)deep;
	if (y == NULL)
		return NULL;
	PROTECT(y);
	rfm_altvec_copy(x, y);                     /* keeps I7 */
	UNPROTECT(1);
	return y;
}

/* convert a block between number types */
/* squeeze a double into an integer */
static int
integer_of(double value, bool *lost)
{
	if (ISNAN(value))
		return NA_INTEGER;
	if (value >= INT_MAX + 1. || value <= INT_MIN) {
		*lost = true;
		return NA_INTEGER;
	}
	return (int)value;
}

static bool
convert(uint32_t from, const void *source, uint32_t to, void *target,
    uint64_t first, uint64_t count)
{
	const int *i = (const int *)source + first;
	const double *d = (const double *)source + first;
	int *integers = (int *)target + first;
	double *doubles = (double *)target + first;
	bool lost = false;
	uint64_t k;

	if (to == RFM_NUMERIC) {
		for (k = 0; k < count; k++)
			doubles[k] = i[k] == NA_INTEGER ? NA_REAL : i[k];
	} else if (from != RFM_NUMERIC) {
		for (k = 0; k < count; k++)
			integers[k] = i[k] == NA_INTEGER ||
			    to == RFM_INTEGER ? i[k] : i[k] != 0;
	} else if (to == RFM_LOGICAL) {
		for (k = 0; k < count; k++)
			integers[k] = ISNAN(d[k]) ? NA_LOGICAL : d[k] != 0;
	} else {
		for (k = 0; k < count; k++)
			integers[k] = integer_of(d[k], &lost);
	}
	return lost;
}
/* coerce between number types */
static SEXP
coerce(SEXP x, int sexp)
{
	struct rfm_payload *payload = rfm_altvec_live(x);
	uint32_t from = payload->type, to = rfm_type_of(sexp);
	uint64_t length = payload->length, i, n;
	bool lost = false;
	SEXP y;

	if (from > RFM_NUMERIC || to == 0 || to > RFM_NUMERIC)
		return NULL;
	y = rfm_altvec_sibling(x, to, length);
	if (y == NULL)
		y = Rf_allocVector((SEXPTYPE)sexp, (R_xlen_t)length);
	PROTECT(y);
	for (i = 0; i < length; i += n) {
		n = length - i < COPY_BYTES ? length - i : COPY_BYTES;
		R_CheckUserInterrupt();
		lost |= convert(from, address_of(x), to,
		    (void *)(uintptr_t)DATAPTR_RO(y), i, n);
	}
	if (lost)
		Rf_warning("NAs introduced by coercion to integer range");
	UNPROTECT(1);
	return y;
}
/* know what is known of sealed payloads */
#define NO_NA_KNOWN 1u
#define NO_NA       2u
#define ORDER_KNOWN 4u
#define UP          8u
#define DOWN        16u

/* look at doubles */
static uint32_t
look_at_doubles(const double *d, uint64_t n, bool order)
{
	bool up = n == 0 || !ISNAN(d[0]), down = up;
	uint64_t k;

	if (!order) {
		for (k = 0; k < n && !ISNAN(d[k]); k++)
			;
		return NO_NA_KNOWN | (k == n ? NO_NA : 0u);
	}
	for (k = 1; k < n && (up || down); k++) {
		up = up && d[k - 1] <= d[k];
		down = down && d[k - 1] >= d[k];
	}
	return ORDER_KNOWN | (up ? UP : down ? DOWN : 0u);
}
/* look at integers */
static uint32_t
look_at_integers(const int *i, uint64_t n, bool order)
{
	bool up = n == 0 || i[0] != NA_INTEGER;
	bool down = n == 0 || i[n - 1] != NA_INTEGER;
	uint64_t k;

	if (!order) {
		for (k = 0; k < n && i[k] != NA_INTEGER; k++)
			;
		return NO_NA_KNOWN | (k == n ? NO_NA : 0u);
	}
	for (k = 1; k < n && (up || down); k++) {
		up = up && i[k - 1] <= i[k];
		down = down && i[k - 1] >= i[k];
	}
	return ORDER_KNOWN | (up ? UP : down ? DOWN : 0u);
}
/* answer whether values are missing */
static uint32_t
facts_of(SEXP x, uint32_t wanted, bool order)
{
	const void *values = address_of(x);
	struct rfm_payload *payload = payload_of(x);

	if (payload->state != RFM_SEALED || (payload->notes & wanted) != 0)
		return payload->notes;
	if (payload->type == RFM_CHARACTER)
		payload->notes |= NO_NA_KNOWN |
		    (rfm_cells_any_missing(payload) ? 0u : NO_NA);
	else
		payload->notes |= TYPEOF(x) == REALSXP ?
		    look_at_doubles(values, payload->length, order) :
		    look_at_integers(values, payload->length, order);
	return payload->notes;
}

int
rfm_altvec_no_na(SEXP x)
{
	return (facts_of(x, NO_NA_KNOWN, false) & NO_NA) != 0;
}
/* answer whether the order is known */
static int
is_sorted(SEXP x)
{
	uint32_t have = facts_of(x, ORDER_KNOWN, true);

	return (have & UP) != 0 ? SORTED_INCR :
	    (have & DOWN) != 0 ? SORTED_DECR : UNKNOWN_SORTEDNESS;
}
/* show a vector to inspect */
static const char *
state_name(const struct rfm_payload *payload)
{
	static const char *const names[] = {
		[RFM_TEMPORARY] = "temporary", [RFM_COMMITTED] = "committed",
		[RFM_SEALED] = "sealed", [RFM_DESTROYED] = "destroyed",
	};

	return names[payload->state];
}

static Rboolean
inspect(SEXP x, int pre, int deep, int pvec,
    void (*subtree)(SEXP, int, int, int))
{
	struct rfm_payload *payload = payload_of(x);

	(void)pre, (void)deep, (void)pvec, (void)subtree;
	if (payload == NULL) {
		Rprintf(" fmalloc_altrep %s without a store\n",
		    rfm_type_name(rfm_type_of(TYPEOF(x))));
		return TRUE;
	}
	Rprintf(" fmalloc_altrep %s payload_offset=%llu runtime=%s "
	    "state=%s id=%llu length=%llu\n", rfm_type_name(payload->type),
	    (unsigned long long)payload->offset,
	    rfm_altvec_open(x) ? "open" : "closed", state_name(payload),
	    (unsigned long long)payload->id,
	    (unsigned long long)payload->length);
	return TRUE;
}
/* write and read references */
enum { REFERENCE_VERSION, REFERENCE_UUID, REFERENCE_ID, REFERENCE_TYPE,
	REFERENCE_LENGTH, REFERENCE_PATH, REFERENCE_FROM, REFERENCE_LENT,
	REFERENCE_FIELDS };

/* compose a reference */
static SEXP
compose(const struct rfm_runtime *runtime,
    const struct rfm_payload *payload, bool lent)
{
	const struct rfm_payload *whole = payload->whole == NULL ?
	    payload : payload->whole;
	SEXP state = PROTECT(Rf_allocVector(VECSXP, lent ?
	    REFERENCE_FIELDS : payload->from > 0 ? REFERENCE_LENT :
	    REFERENCE_FROM));
	SEXP uuid = Rf_allocVector(RAWSXP, sizeof runtime->uuid);

	if (lent)
		SET_VECTOR_ELT(state, REFERENCE_LENT,
		    Rf_ScalarLogical(TRUE));
	if (lent || payload->from > 0)
		SET_VECTOR_ELT(state, REFERENCE_FROM,
		    Rf_ScalarReal((double)payload->from));
	SET_VECTOR_ELT(state, REFERENCE_UUID, uuid);
	memcpy(RAW(uuid), runtime->uuid, sizeof runtime->uuid);
	SET_VECTOR_ELT(state, REFERENCE_VERSION, Rf_ScalarInteger(1));
	SET_VECTOR_ELT(state, REFERENCE_ID,
	    Rf_ScalarReal((double)whole->id));
	SET_VECTOR_ELT(state, REFERENCE_TYPE,
	    Rf_mkString(rfm_type_name(payload->type)));
	SET_VECTOR_ELT(state, REFERENCE_LENGTH,
	    Rf_ScalarReal((double)payload->length));
	SET_VECTOR_ELT(state, REFERENCE_PATH, Rf_mkString(runtime->path));
	UNPROTECT(1);
	return state;
}
/* know whether references are wanted */
bool rfm_altvec_by_value;
/* seal a payload and give its reference */
bool
rfm_altvec_settle(SEXP x)
{
	const struct rfm_altvec_kind *kind =
	    kinds[rfm_type_of(TYPEOF(x))];

	return kind == NULL || kind->settle(x);
}

SEXP
rfm_altvec_reference(SEXP x)
{
	struct rfm_payload *payload = rfm_altvec_live(x);
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	bool temporary = payload->state == RFM_TEMPORARY;
	struct rfm_store_info info;
	struct rfm_error error;

	if (runtime == NULL || rfm_altvec_by_value)
		return NULL;
	rfm_store_describe(runtime->store, &info);
	if (info.poisoned)
		return NULL;
	if (!rfm_altvec_settle(x))
		return NULL;
	switch (rfm_store_seal(payload, &error)) {
	case RFM_OK:
		break;
	case RFM_MODE: case RFM_READ_ONLY:
	case RFM_FORKED: case RFM_CLOSED:
		return NULL;
	default:
		rfm_raise_error(&error, runtime->path);
	}
	MARK_NOT_MUTABLE(x);                       /* keeps I7 */
	if (temporary)
		rfm_runtime_returned(runtime, rfm_payload_total(payload));
	return compose(runtime, payload, is_lent(x));
}
/* take a reference apart or fail */
void
rfm_altvec_refuse(const char *why)
{
	char message[256];

	snprintf(message, sizeof message,
	    "invalid Rfmalloc serialized reference: %s", why);
	rfm_raise("reference", 0, NULL, message);
}

static void
check_shape(SEXP state)
{
	static const struct { SEXPTYPE type; R_xlen_t length; } shape[] = {
		{ INTSXP, 1 }, { RAWSXP, 16 }, { REALSXP, 1 },
		{ STRSXP, 1 }, { REALSXP, 1 }, { STRSXP, 1 },
		{ REALSXP, 1 }, { LGLSXP, 1 },
	};
	int k;

	if (TYPEOF(state) != VECSXP || XLENGTH(state) < REFERENCE_FROM ||
	    XLENGTH(state) > REFERENCE_FIELDS)
		rfm_altvec_refuse("it is not a list of six elements.");
	for (k = 0; k < XLENGTH(state); k++) {
		SEXP field = VECTOR_ELT(state, k);

		if ((SEXPTYPE)TYPEOF(field) != shape[k].type ||
		    XLENGTH(field) != shape[k].length)
			rfm_altvec_refuse("an element is of the wrong "
			    "type or length.");
	}
}

/* check the numbers of a reference or fail */
struct reference {
	const uint8_t *uuid;
	const char    *path;
	uint64_t       id, length, from;
	uint32_t       type;
};

static double
whole_number(SEXP state, int field)
{
	double value = REAL(VECTOR_ELT(state, field))[0];

	if (!(value >= 0 && value < 9007199254740992.) ||
	    value != floor(value))
		rfm_altvec_refuse("its numbers are out of range.");
	return value;
}

static void
take_apart(SEXP state, struct reference *reference)
{

	check_shape(state);
	if (INTEGER(VECTOR_ELT(state, REFERENCE_VERSION))[0] != 1)
		rfm_altvec_refuse("a newer Rfmalloc has written it.");
	reference->uuid = RAW(VECTOR_ELT(state, REFERENCE_UUID));
	reference->id = (uint64_t)whole_number(state, REFERENCE_ID);
	reference->length = (uint64_t)whole_number(state, REFERENCE_LENGTH);
	reference->from = XLENGTH(state) == REFERENCE_FROM ? 0 :
	    (uint64_t)whole_number(state, REFERENCE_FROM);
	if (reference->id == 0)
		rfm_altvec_refuse("its numbers are out of range.");
	reference->type = rfm_type_named(CHAR(STRING_ELT(
	    VECTOR_ELT(state, REFERENCE_TYPE), 0)));
	reference->path = CHAR(STRING_ELT(
	    VECTOR_ELT(state, REFERENCE_PATH), 0));
	if (reference->type == 0)
		rfm_altvec_refuse("it names a type that does not exist.");
}
/* find the store of a reference or fail */
/* try to open one candidate */
struct search {
	const struct reference *reference;
	struct rfm_error        error;      /* of the best candidate */
	size_t                  used;
	char                    tried[2048];
};

static void
note_failure(struct search *search, const char *path,
    const struct rfm_error *error)
{
	bool named = strstr(error->text, path) != NULL;
	int n = snprintf(search->tried + search->used,
	    sizeof search->tried - search->used, "\n- %.300s%s%.400s",
	    named ? "" : path, named ? "" : ": ", error->text);

	if (n > 0 && (size_t)n < sizeof search->tried - search->used)
		search->used += (size_t)n;
	else
		search->tried[search->used] = '\0';
	if (search->error.status == RFM_OK ||
	    search->error.status == RFM_NO_FILE)
		search->error = *error;
}

static struct rfm_store *
try_path(struct search *search, const char *path)
{
	struct rfm_store *store;
	struct rfm_error error;

	if (rfm_store_follow(rfm_os_posix(), path, search->reference->uuid,
	    &store, &error) == RFM_OK)
		return store;
	note_failure(search, path, &error);
	return NULL;
}
/* say what was tried */
#define MOVED_HINT "\nIf the file was moved, open it first at its new " \
	"place with open_fmalloc(), or name its new folder: " \
	"options(Rfmalloc.path = \"FOLDER\")."

static NORET void
refuse_search(const struct search *search)
{
	const char *path = search->reference->path;
	char message[4096];

	snprintf(message, sizeof message, "A serialized reference leads to "
	    "'%.300s', and the store was not found:%s%s", path,
	    search->tried, MOVED_HINT);
	rfm_raise(rfm_status_name(search->error.status),
	    search->error.os_errno, path, message);
}
/* ask the R side for more candidates */
static SEXP
more_candidates(const char *path)
{
	SEXP name = PROTECT(Rf_mkString("Rfmalloc")), call, paths;

	call = PROTECT(Rf_lang2(Rf_install("reference_candidates"),
	    PROTECT(Rf_mkString(path))));
	paths = PROTECT(Rf_eval(call, PROTECT(R_FindNamespace(name))));
	if (TYPEOF(paths) != STRSXP)
		paths = Rf_allocVector(STRSXP, 0);
	UNPROTECT(5);
	return paths;
}

static struct rfm_runtime *
find_store(SEXP anchor, const struct reference *reference)
{
	struct rfm_store *store = rfm_store_for(reference->uuid,
	    reference->path, reference->id);
	struct search search = { .reference = reference };
	SEXP more;
	R_xlen_t k;

	if (store != NULL)
		rfm_store_retain(store);
	else
		store = try_path(&search, reference->path);
	if (store == NULL) {
		more = PROTECT(more_candidates(reference->path));
		for (k = 0; store == NULL && k < XLENGTH(more); k++)
			store = try_path(&search,
			    Rf_translateChar(STRING_ELT(more, k)));
		UNPROTECT(1);
	}
	if (store == NULL)
		refuse_search(&search);
	return rfm_runtime_adopt(anchor, store);
}
/* turn a reference into a vector */
static enum rfm_status
fits(const struct rfm_payload *payload, const struct reference *reference,
    struct rfm_error *error)
{
	if (payload->type != reference->type ||
	    reference->length > payload->reach ||
	    reference->from > payload->reach - reference->length)
		return rfm_fail(error, RFM_MISMATCH, "invalid Rfmalloc "
		    "serialized reference: record %llu is of another type "
		    "or length", (unsigned long long)reference->id);
	if (payload->state != RFM_SEALED)
		return rfm_fail(error, RFM_MISMATCH, "serialized fmalloc "
		    "catalog record is not committed: record %llu was not "
		    "sealed when the power went",
		    (unsigned long long)reference->id);
	return RFM_OK;
}

/* explain why a record was not found */
static NORET void
refuse_record(enum rfm_status status, const struct reference *reference,
    const struct rfm_error *error)
{
	char message[512];

	if (status != RFM_NO_RECORD && status != RFM_TOMBSTONE)
		rfm_raise_error(error, reference->path);
	snprintf(message, sizeof message, status == RFM_TOMBSTONE ?
	    "serialized fmalloc catalog record is a tombstone: vector %llu "
	    "of '%.300s' was destroyed, or made in another copy of it." :
	    "serialized fmalloc catalog record is not committed: there is "
	    "no vector %llu in '%.300s'.",
	    (unsigned long long)reference->id, reference->path);
	rfm_raise(rfm_status_name(status), 0, reference->path, message);
}
/* resolve a reference */
SEXP
rfm_altvec_recover(SEXP class, SEXP state)
{
	struct reference reference;
	struct rfm_runtime *runtime;
	struct rfm_payload *payload;
	struct rfm_error error;
	enum rfm_status status;
	SEXP anchor, x;

	(void)class;
	rfm_check_thread();
	take_apart(state, &reference);
	anchor = PROTECT(rfm_runtime_prepare());
	x = PROTECT(rfm_altvec_blank(reference.type, -1));
	runtime = find_store(anchor, &reference);
	status = rfm_store_find(runtime->store, reference.id, &payload,
	    &error);
	if (status != RFM_OK)
		refuse_record(status, &reference, &error);
	rfm_altvec_fill(x, runtime, payload);
	if (fits(payload, &reference, &error) != RFM_OK)
		rfm_raise_error(&error, reference.path); /* keeps I9 */
	if (reference.length != payload->length)
		x = rfm_altvec_view(x, reference.from, reference.length);
	if (XLENGTH(state) > REFERENCE_LENT)
		rfm_altvec_lend(x);
	UNPROTECT(2);
	return x;
}
/* fill the class tables */
static R_altrep_class_t
make_class(uint32_t type, DllInfo *dll)
{
	static const char package[] = "Rfmalloc";

	switch (type) {
	case RFM_LOGICAL: return R_make_altlogical_class(
	    "fmalloc_altrep_logical", package, dll);
	case RFM_INTEGER: return R_make_altinteger_class(
	    "fmalloc_altrep_integer", package, dll);
	case RFM_NUMERIC: return R_make_altreal_class(
	    "fmalloc_altrep_numeric", package, dll);
	case RFM_COMPLEX: return R_make_altcomplex_class(
	    "fmalloc_altrep_complex", package, dll);
	default: return R_make_altraw_class(
	    "fmalloc_altrep_raw", package, dll);
	}
}

/* set the methods that all classes have */
static void
set_common_methods(R_altrep_class_t class)
{
	R_set_altrep_Length_method(class, length_of);
	R_set_altrep_Inspect_method(class, inspect);
	R_set_altrep_Serialized_state_method(class, rfm_altvec_reference);
	R_set_altrep_Unserialize_method(class, rfm_altvec_recover);
}

static void
set_fixed_methods(R_altrep_class_t class)
{
	R_set_altrep_Duplicate_method(class, duplicate);
	R_set_altrep_Coerce_method(class, coerce);
	R_set_altvec_Dataptr_method(class, dataptr);
	R_set_altvec_Dataptr_or_null_method(class, dataptr_or_null);
	R_set_altvec_Extract_subset_method(class, extract_subset);
}
/* set the methods of each type */
static void
set_typed_methods(const R_altrep_class_t *class)
{
	R_set_altlogical_Elt_method(class[RFM_LOGICAL], integer_elt);
	R_set_altlogical_No_NA_method(class[RFM_LOGICAL], rfm_altvec_no_na);
	R_set_altlogical_Is_sorted_method(class[RFM_LOGICAL], is_sorted);
	R_set_altinteger_Elt_method(class[RFM_INTEGER], integer_elt);
	R_set_altinteger_No_NA_method(class[RFM_INTEGER], rfm_altvec_no_na);
	R_set_altinteger_Is_sorted_method(class[RFM_INTEGER], is_sorted);
	R_set_altreal_Elt_method(class[RFM_NUMERIC], real_elt);
	R_set_altreal_No_NA_method(class[RFM_NUMERIC], rfm_altvec_no_na);
	R_set_altreal_Is_sorted_method(class[RFM_NUMERIC], is_sorted);
	R_set_altcomplex_Elt_method(class[RFM_COMPLEX], complex_elt);
	R_set_altraw_Elt_method(class[RFM_RAW], raw_elt);
}
/* make all classes at load time */
void
rfm_altvec_load(DllInfo *dll)
{
	static const char *const names[] = { "wrap_logical", "wrap_integer",
		"wrap_real", "wrap_complex", "wrap_raw" };
	uint32_t type;

	for (type = RFM_LOGICAL; type <= RFM_RAW; type++) {
		classes[type] = make_class(type, dll);
		set_common_methods(classes[type]);
		set_fixed_methods(classes[type]);
		wrappers[type] = Rf_install(names[type - 1]);
	}
	set_typed_methods(classes);
	base_symbol = Rf_install("base");
	lent_symbol = Rf_install("fmalloc_lent");
	compact_integers = Rf_install("compact_intseq");
	compact_numbers = Rf_install("compact_realseq");
	make_classes();
}
/* take in a class of another chapter */
void
rfm_altvec_join(uint32_t type, R_altrep_class_t class,
    const struct rfm_altvec_kind *kind)
{
	if (last_type < type)
		last_type = type;
	classes[type] = class;
	kinds[type] = kind;
	wrappers[type] = Rf_install(kind->wrapper);
	set_common_methods(class);
}
