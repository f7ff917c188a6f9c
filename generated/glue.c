/* Tangled from lit/75_glue.nw by 'make tangle': change it there, not here. */
#include "glue.h"
#include "altvec.h"
#include "check.h"
#include "layout.h"
#include "ops.h"
#include "os.h"
#include <stdlib.h>
#include <string.h>

/* read arguments or fail */
static NORET void
refuse(const char *what, const char *why)
{
	char message[200];

	snprintf(message, sizeof message, "'%s' %s", what, why);
	rfm_raise("argument", 0, NULL, message);
}

static const char *
text_of(SEXP x, const char *what)
{
	if (TYPEOF(x) != STRSXP || XLENGTH(x) != 1 ||
	    STRING_ELT(x, 0) == NA_STRING)
		refuse(what, "must be a single string");
	return Rf_translateChar(STRING_ELT(x, 0));
}

static bool
flag_of(SEXP x, const char *what)
{
	if (TYPEOF(x) != LGLSXP || XLENGTH(x) != 1 ||
	    LOGICAL(x)[0] == NA_LOGICAL)
		refuse(what, "must be TRUE or FALSE");
	return LOGICAL(x)[0] != 0;
}

/* read numbers, types and runtimes or fail */
static uint64_t
size_of(SEXP x, const char *what)
{
	double value;

	if ((TYPEOF(x) != REALSXP && TYPEOF(x) != INTSXP) || XLENGTH(x) != 1)
		refuse(what, "must be a single non-negative number");
	value = Rf_asReal(x);
	if (!(value >= 0))
		refuse(what, "must be a single non-negative number");
	if (value > 9007199254740992.)
		rfm_raise("too_large", 0, NULL, "A vector or store of more "
		    "than 2^53 elements or bytes cannot be made");
	if (value != (double)(uint64_t)value)
		refuse(what, "must be integer-valued");
	return (uint64_t)value;
}

static uint32_t
type_of(SEXP x)
{
	bool text = TYPEOF(x) == STRSXP && XLENGTH(x) == 1;
	const char *name = text ? CHAR(STRING_ELT(x, 0)) : "?";
	uint32_t type = rfm_type_named(name);
	char message[200];

	if (type == 0) {
		snprintf(message, sizeof message, "Unsupported vector type "
		    "'%.100s': it is one of logical, integer, numeric, "
		    "complex, raw and character", name);
		rfm_raise("argument", 0, NULL, message);
	}
	return type;
}

/* take a runtime from its handle or fail */
static struct rfm_runtime *
runtime_of(SEXP handle)
{
	struct rfm_runtime *runtime;

	rfm_check_thread();
	if (handle == R_NilValue)
		handle = rfm_runtime_default();
	if (handle == R_NilValue)
		rfm_raise("argument", 0, NULL, "fmalloc not initialized: "
		    "call init_fmalloc() first, or give runtime = a handle "
		    "from open_fmalloc()");
	if (TYPEOF(handle) != EXTPTRSXP)
		refuse("runtime", "must be a handle from open_fmalloc()");
	runtime = rfm_runtime_of_handle(handle);
	if (runtime == NULL)
		rfm_raise("closed", 0, NULL, "The fmalloc runtime is closed. "
		    "Open it again with open_fmalloc().");
	return runtime;
}
/* take a payload from a vector or fail */
static struct rfm_payload *
payload_of(SEXP x)
{
	struct rfm_payload *payload = rfm_altvec_payload(x);

	rfm_check_thread();
	if (payload == NULL)
		refuse("x", "must be a vector that lives in a fmalloc store");
	return payload;
}
/* open, close and sync */
/* dress a handle */
static SEXP
uuid_text(const uint8_t uuid[16])
{
	char text[37];
	int k, at = 0;

	for (k = 0; k < 16; k++) {
		if (k == 4 || k == 6 || k == 8 || k == 10)
			text[at++] = '-';
		at += snprintf(text + at, sizeof text - (size_t)at, "%02x",
		    uuid[k]);
	}
	return Rf_mkString(text);
}

static void
dress(SEXP handle, const struct rfm_runtime *runtime, bool created)
{
	struct rfm_store_info info;

	rfm_store_describe(runtime->store, &info);
	Rf_setAttrib(handle, Rf_install("initialized"),
	    PROTECT(Rf_ScalarLogical(created)));
	Rf_setAttrib(handle, Rf_install("mode"), PROTECT(Rf_mkString(
	    info.mode == RFM_SCRATCH ? "scratch" : "persistent")));
	Rf_setAttrib(handle, Rf_install("uuid"),
	    PROTECT(uuid_text(info.uuid)));
	Rf_setAttrib(handle, R_ClassSymbol,
	    PROTECT(Rf_mkString("fmalloc_runtime")));
	UNPROTECT(4);
}
/* say why a store could not be opened */
static NORET void
refuse_open(struct rfm_error *error, const char *path, bool create)
{
	struct rfm_os *os = rfm_os_posix();
	struct rfm_identity identity;
	char text[sizeof error->text];

	if (create && os->identify(os, path, &identity, NULL) ==
	    RFM_NO_FILE) {
		snprintf(text, sizeof text, "Cannot create file '%.200s': "
		    "%.250s", path, error->text);
		memcpy(error->text, text, sizeof text);
	}
	rfm_raise_error(error, path);
}

SEXP
rfm_c_open(SEXP path, SEXP bytes, SEXP mode, SEXP access)
{
	const char *name = text_of(path, "filepath");
	struct rfm_open_options options = { 0 };
	struct rfm_runtime *runtime;
	struct rfm_store *store;
	struct rfm_error error;
	bool created = false;
	SEXP anchor, handle;

	rfm_check_thread();
	options.mode = strcmp(text_of(mode, "mode"), "scratch") == 0 ?
	    RFM_SCRATCH : RFM_PERSISTENT;
	options.access = strcmp(text_of(access, "access"), "read") == 0 ?
	    RFM_READ : RFM_WRITE;
	options.create = options.access == RFM_WRITE;
	options.bytes = bytes == R_NilValue ? 0 : size_of(bytes, "size");
	anchor = PROTECT(rfm_runtime_prepare());
	if (rfm_store_open(rfm_os_posix(), name, &options, &store, &created,
	    &error) != RFM_OK)
		refuse_open(&error, name, options.create);
	runtime = rfm_runtime_adopt(anchor, store);
	handle = PROTECT(rfm_runtime_handle(runtime, true));
	dress(handle, runtime, created);
	UNPROTECT(2);
	return handle;
}

/* close a runtime */
SEXP
rfm_c_close(SEXP handle)
{
	struct rfm_runtime *runtime;
	struct rfm_error error;
	char path[sizeof runtime->path];

	rfm_check_thread();
	if (TYPEOF(handle) != EXTPTRSXP)
		refuse("runtime", "must be a handle from open_fmalloc()");
	runtime = rfm_runtime_of_handle(handle);
	if (runtime == NULL)
		return R_NilValue;
	memcpy(path, runtime->path, sizeof path);
	if (rfm_runtime_close(handle, &error) != RFM_OK)
		rfm_raise_error(&error, path);
	return R_NilValue;
}
/* get and set the default */
SEXP
rfm_c_default(void)
{
	return rfm_runtime_default();
}

SEXP
rfm_c_set_default(SEXP handle)
{
	(void)runtime_of(handle);
	rfm_runtime_set_default(handle);
	return handle;
}
/* ask and sync a runtime */
SEXP
rfm_c_is_open(SEXP handle)
{
	struct rfm_runtime *runtime = rfm_runtime_of_handle(handle);
	struct rfm_store_info info;

	if (runtime == NULL)
		return Rf_ScalarLogical(FALSE);
	rfm_store_describe(runtime->store, &info);
	return Rf_ScalarLogical(!info.closed);
}

SEXP
rfm_c_sync(SEXP handle)
{
	struct rfm_runtime *runtime = runtime_of(handle);
	struct rfm_error error;

	if (rfm_store_sync(runtime->store, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	return handle;
}

SEXP
rfm_c_runtime_of(SEXP x)
{
	struct rfm_runtime *runtime;
	SEXP handle;

	(void)payload_of(x);
	runtime = rfm_altvec_runtime(x);
	if (runtime == NULL)
		rfm_raise("closed", 0, NULL, "The fmalloc runtime is closed.");
	handle = PROTECT(rfm_runtime_handle(runtime, false));
	dress(handle, runtime, false);
	UNPROTECT(1);
	return handle;
}
/* make vectors and copies */
/* read what a new vector is to be */
struct wanted {
	struct rfm_runtime *runtime;
	uint32_t type;
	uint64_t length;
	bool     zero, plain;
};

static bool
plain_by_option(void)
{
	SEXP option = Rf_GetOption1(Rf_install("Rfmalloc.plain"));

	return option != R_NilValue && flag_of(option, "Rfmalloc.plain");
}

static void
read_wanted(struct wanted *want, SEXP handle, SEXP type, SEXP length,
    SEXP zero, SEXP plain)
{
	want->runtime = runtime_of(handle);
	want->type = type_of(type);
	want->length = size_of(length, "length");
	want->zero = flag_of(zero, "zero_initialize") ||
	    !rfm_type_fixed(want->type);
	want->plain = plain == R_NilValue ? plain_by_option() :
	    flag_of(plain, "plain");
}
/* give a new vector its payload */
static void
give_payload(SEXP x, const struct wanted *want)
{
	struct rfm_payload *payload;
	struct rfm_error error;

	if (rfm_runtime_allocate(want->runtime, RFM_KIND_COMMITTED,
	    want->type, want->length, want->zero, &payload, &error) !=
	    RFM_OK)                                /* keeps I13 */
		rfm_raise_error(&error, want->runtime->path);
	rfm_altvec_fill(x, want->runtime, payload);
}

SEXP
rfm_c_vector(SEXP handle, SEXP type, SEXP length, SEXP zero, SEXP plain)
{
	struct wanted want;
	SEXP x;

	read_wanted(&want, handle, type, length, zero, plain);
	x = PROTECT(rfm_altvec_member(want.runtime, want.type));
	if (!want.plain)
		SHALLOW_DUPLICATE_ATTRIB(x, rfm_altvec_model(want.type));
	give_payload(x, &want);
	UNPROTECT(1);
	return x;
}

/* make a vector with dimensions */
SEXP
rfm_c_array(SEXP handle, SEXP type, SEXP length, SEXP zero, SEXP dim,
    SEXP dimnames, SEXP plain)
{
	struct wanted want;
	SEXP x;

	read_wanted(&want, handle, type, length, zero, plain);
	x = PROTECT(rfm_altvec_blank(want.type, (double)want.length));
	Rf_setAttrib(x, R_DimSymbol, dim);
	if (dimnames != R_NilValue)
		Rf_setAttrib(x, R_DimNamesSymbol, dimnames);
	if (!want.plain)
		Rf_setAttrib(x, R_ClassSymbol,
		    rfm_altvec_class(want.type, Rf_length(dim)));
	give_payload(x, &want);
	UNPROTECT(1);
	return x;
}
/* make a temporary for the R side */
SEXP
rfm_c_temporary(SEXP handle, SEXP type, SEXP length)
{
	struct rfm_runtime *runtime = runtime_of(handle);

	return rfm_altvec_temporary(runtime, type_of(type),
	    size_of(length, "length"));
}
/* copy any vector into a store */
struct copy {
	SEXP                from, to;
	struct rfm_payload *payload;
	bool                complete;
};

static SEXP
run_copy(void *context)
{
	struct copy *copy = context;

	rfm_altvec_copy(copy->from, copy->to);
	copy->complete = true;
	return copy->to;
}

static void
undo_copy(void *context)
{
	struct copy *copy = context;

	if (!copy->complete)                       /* keeps I13 */
		(void)rfm_store_destroy(copy->payload, true, NULL);
}

/* choose where a copy goes */
SEXP
rfm_c_copy(SEXP handle, SEXP x, SEXP committed)
{
	struct rfm_runtime *runtime = handle == R_NilValue ?
	    rfm_altvec_runtime(x) : runtime_of(handle);
	uint32_t type = rfm_type_of(TYPEOF(x));
	enum rfm_kind kind = flag_of(committed, "committed") ?
	    RFM_KIND_COMMITTED : RFM_KIND_TEMPORARY;
	struct copy copy = { x, R_NilValue, NULL, false };
	struct rfm_error error;

	rfm_check_thread();
	if (type == 0)
		rfm_raise("argument", 0, NULL, "Unsupported vector type");
	if (runtime == NULL)
		refuse("runtime", "is needed: x lives in no fmalloc store");
	copy.to = PROTECT(rfm_altvec_blank(type, -1));
	if (rfm_runtime_allocate(runtime, kind, type,
	    (uint64_t)XLENGTH(x), false, &copy.payload, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	rfm_altvec_fill(copy.to, runtime, copy.payload);
	R_ExecWithCleanup(run_copy, &copy, undo_copy, &copy);
	UNPROTECT(1);
	return copy.to;
}
/* dress, ask and destroy vectors */
SEXP
rfm_c_shape(SEXP x, SEXP dim, SEXP dimnames, SEXP class)
{
	(void)payload_of(x);
	Rf_setAttrib(x, R_ClassSymbol, R_NilValue);
	Rf_setAttrib(x, R_DimSymbol, dim);
	if (dimnames != R_NilValue)
		Rf_setAttrib(x, R_DimNamesSymbol, dimnames);
	Rf_setAttrib(x, R_ClassSymbol, class);
	return x;
}

/* destroy a vector */
SEXP
rfm_c_destroy(SEXP x, SEXP unsafe)
{
	struct rfm_payload *payload = payload_of(x);
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	bool temporary = payload->state == RFM_TEMPORARY;
	bool reclaim = flag_of(unsafe, "unsafe") || temporary;
	struct rfm_error error;
	uint64_t bytes = rfm_payload_total(payload);

	if (payload->address == NULL)
		return Rf_ScalarLogical(FALSE);
	if (rfm_store_destroy(payload, reclaim, &error) != RFM_OK)
		rfm_raise_error(&error, runtime == NULL ? NULL :
		    runtime->path);
	if (temporary)
		rfm_runtime_returned(runtime, bytes);
	return Rf_ScalarLogical(TRUE);
}
/* list and describe */
static SEXP
number(uint64_t value)
{
	return Rf_ScalarReal((double)value);
}

static const char *
state_name(enum rfm_state state)
{
	switch (state) {
	case RFM_TEMPORARY: return "temporary";
	case RFM_COMMITTED: return "committed";
	case RFM_SEALED: return "sealed";
	default: return "destroyed";
	}
}

/* describe a vector */
SEXP
rfm_c_is_fmalloc(SEXP x)
{
	return Rf_ScalarLogical(rfm_altvec_inner(x) != NULL);
}

SEXP
rfm_c_vector_info(SEXP x)
{
	static const char *names[] = { "id", "state", "offset", "bytes",
	    "length", "type", "handles", "path", "uuid", "open", "" };
	const struct rfm_payload *p = payload_of(x);
	const struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	SEXP list = PROTECT(Rf_mkNamed(VECSXP, names));

	SET_VECTOR_ELT(list, 0, number(p->id));
	SET_VECTOR_ELT(list, 1, Rf_mkString(state_name(p->state)));
	SET_VECTOR_ELT(list, 2, number(p->offset));
	SET_VECTOR_ELT(list, 3, number(p->bytes));
	SET_VECTOR_ELT(list, 4, number(p->length));
	SET_VECTOR_ELT(list, 5, Rf_mkString(rfm_type_name(p->type)));
	SET_VECTOR_ELT(list, 6, number(p->handles));
	if (runtime != NULL) {
		SET_VECTOR_ELT(list, 7, Rf_mkString(runtime->path));
		SET_VECTOR_ELT(list, 8, uuid_text(runtime->uuid));
	}
	SET_VECTOR_ELT(list, 9, Rf_ScalarLogical(rfm_altvec_open(x)));
	UNPROTECT(1);
	return list;
}
/* list the catalog */
enum { LIST_RECORD, LIST_GENERATION, LIST_STATE, LIST_TYPE, LIST_LENGTH,
	LIST_OFFSET, LIST_BYTES, LIST_FLAGS, LIST_RECOVERABLE, LIST_COLUMNS };

struct listing {
	R_xlen_t    rows, filled;
	double      temporaries;
	double     *number[LIST_COLUMNS];
	int        *recoverable;
	enum rfm_state *state;
	uint32_t   *type;
};

static bool
count_row(void *context, const struct rfm_record_info *row)
{
	if (!row->part)
		((struct listing *)context)->rows++;
	return true;
}

/* fill a row of the listing */
static bool
fill_row(void *context, const struct rfm_record_info *row)
{
	struct listing *list = context;
	R_xlen_t i = list->filled;

	if (row->part)
		return true;
	if (i == list->rows)
		return false;
	list->number[LIST_RECORD][i] = (double)row->record_offset;
	list->number[LIST_GENERATION][i] = row->id != 0 ?
	    (double)row->id : --list->temporaries;
	list->number[LIST_LENGTH][i] = (double)row->length;
	list->number[LIST_OFFSET][i] = (double)row->offset;
	list->number[LIST_BYTES][i] = (double)row->bytes;
	list->number[LIST_FLAGS][i] = row->state == RFM_SEALED;
	list->recoverable[i] = row->state == RFM_COMMITTED ||
	    row->state == RFM_SEALED;
	list->state[i] = row->state;
	list->type[i] = row->type;
	list->filled++;
	return true;
}
/* make the columns of the listing */
/* turn states and types into words */
static void
put_words(SEXP columns, const struct listing *list)
{
	SEXP states = VECTOR_ELT(columns, LIST_STATE);
	SEXP types = VECTOR_ELT(columns, LIST_TYPE);
	R_xlen_t i;

	for (i = 0; i < list->filled; i++) {
		enum rfm_state state = list->state[i];

		SET_STRING_ELT(states, i, Rf_mkChar(
		    state == RFM_TEMPORARY ? "temporary" :
		    state == RFM_DESTROYED ? "tombstone" : "committed"));
		SET_STRING_ELT(types, i,
		    Rf_mkChar(rfm_type_name(list->type[i])));
	}
}

SEXP
rfm_c_list(SEXP handle)
{
	static const char *names[] = { "record_offset", "generation",
	    "state", "type", "length", "payload_offset", "payload_nbytes",
	    "flags", "recoverable", "" };
	struct rfm_runtime *runtime = runtime_of(handle);
	struct listing list = { 0 };
	SEXP columns = PROTECT(Rf_mkNamed(VECSXP, names));
	struct rfm_store_info info;
	int k;

	rfm_store_describe(runtime->store, &info);
	if (info.mode != RFM_SCRATCH)
		rfm_store_each(runtime->store, count_row, &list);
	for (k = 0; k < LIST_COLUMNS; k++) {
		SEXPTYPE type = k == LIST_STATE || k == LIST_TYPE ? STRSXP :
		    k == LIST_RECOVERABLE ? LGLSXP : REALSXP;

		SET_VECTOR_ELT(columns, k, Rf_allocVector(type, list.rows));
		if (type == REALSXP)
			list.number[k] = REAL(VECTOR_ELT(columns, k));
	}
	list.recoverable = LOGICAL(VECTOR_ELT(columns, LIST_RECOVERABLE));
	list.state = (enum rfm_state *)R_alloc((size_t)list.rows,
	    sizeof *list.state);
	list.type = (uint32_t *)R_alloc((size_t)list.rows,
	    sizeof *list.type);
	if (list.rows > 0)
		rfm_store_each(runtime->store, fill_row, &list);
	put_words(columns, &list);
	UNPROTECT(1);
	return columns;
}
/* describe a store */
static const char *const counters[] = { "file_bytes", "live_bytes",
	"temporary_bytes", "free_bytes", "held_bytes", "log_bytes",
	"records", "sealed", "tombstones", "temporaries", "tombstone_bytes",
	"epoch", "uncommitted", "last_sync" };

static void
put_counters(SEXP list, int first, const struct rfm_store_info *info)
{
	const uint64_t values[] = { info->file_bytes, info->live_bytes,
	    info->temporary_bytes, info->free_bytes, info->held_bytes,
	    info->log_bytes, info->records, info->sealed, info->tombstones,
	    info->temporaries, info->tombstone_bytes, info->epoch,
	    info->uncommitted, (uint64_t)info->last_sync };
	int k, n = (int)(sizeof values / sizeof *values);

	for (k = 0; k < n; k++)
		SET_VECTOR_ELT(list, first + k, number(values[k]));
}

/* put a store's description together */
SEXP
rfm_c_info(SEXP handle)
{
	struct rfm_runtime *runtime = runtime_of(handle);
	const char *names[32] = { "path", "uuid", "mode", "access",
	    "closed", "poisoned", "forked" };
	int k, n = (int)(sizeof counters / sizeof *counters);
	struct rfm_store_info info;
	SEXP list;

	for (k = 0; k < n; k++)
		names[7 + k] = counters[k];
	names[7 + n] = "";
	rfm_store_describe(runtime->store, &info);
	list = PROTECT(Rf_mkNamed(VECSXP, names));
	SET_VECTOR_ELT(list, 0, Rf_mkString(info.path));
	SET_VECTOR_ELT(list, 1, uuid_text(info.uuid));
	SET_VECTOR_ELT(list, 2, Rf_mkString(
	    info.mode == RFM_SCRATCH ? "scratch" : "persistent"));
	SET_VECTOR_ELT(list, 3, Rf_mkString(
	    info.access == RFM_READ ? "read" : "write"));
	SET_VECTOR_ELT(list, 4, Rf_ScalarLogical(info.closed));
	SET_VECTOR_ELT(list, 5, Rf_ScalarLogical(info.poisoned));
	SET_VECTOR_ELT(list, 6, Rf_ScalarLogical(info.forked));
	put_counters(list, 7, &info);
	UNPROTECT(1);
	return list;
}
/* verify a file */
struct findings {
	char  *text;     /* lines, each ended by a zero */
	size_t bytes, room;
	int    lines;
};

static void
add_line(void *context, const char *text)
{
	struct findings *found = context;
	size_t size = strlen(text) + 1;
	char *wider;

	if (found->bytes + size > found->room) {
		wider = realloc(found->text, 2 * (found->bytes + size));
		if (wider == NULL)
			return;
		found->text = wider;
		found->room = 2 * (found->bytes + size);
	}
	memcpy(found->text + found->bytes, text, size);
	found->bytes += size;
	found->lines++;
}

static void
free_findings(SEXP pointer)
{
	free(R_ExternalPtrAddr(pointer));
	R_ClearExternalPtr(pointer);
}

/* turn findings into a character vector */
static SEXP
lines_of(const struct findings *found)
{
	SEXP lines = PROTECT(Rf_allocVector(STRSXP, found->lines));
	const char *line = found->text;
	int k;

	for (k = 0; k < found->lines; k++) {
		SET_STRING_ELT(lines, k, Rf_mkChar(line));
		line += strlen(line) + 1;
	}
	UNPROTECT(1);
	return lines;
}
/* turn the report into a list */
static SEXP
report_list(const struct rfm_check_report *report)
{
	const char *names[] = { "file_bytes", "superblock_sequence",
	    "epoch", "records", "live", "sealed", "tombstones",
	    "uncommitted", "segments", "log_bytes", "live_bytes",
	    "problems", "clean", "scratch", "uuid", "" };
	const uint64_t values[] = { report->file_bytes,
	    report->superblock_sequence, report->epoch, report->records,
	    report->live, report->sealed, report->tombstones,
	    report->uncommitted, report->segments, report->log_bytes,
	    report->live_bytes, report->problems };
	SEXP list = PROTECT(Rf_mkNamed(VECSXP, names));
	int k, n = (int)(sizeof values / sizeof *values);

	for (k = 0; k < n; k++)
		SET_VECTOR_ELT(list, k, number(values[k]));
	SET_VECTOR_ELT(list, n, Rf_ScalarLogical(report->clean));
	SET_VECTOR_ELT(list, n + 1, Rf_ScalarLogical(report->scratch));
	SET_VECTOR_ELT(list, n + 2, uuid_text(report->uuid));
	UNPROTECT(1);
	return list;
}
/* run the verifier */
SEXP
rfm_c_check(SEXP path)
{
	static const char *names[] = { "sound", "lines", "report", "" };
	const char *name = text_of(path, "filepath");
	struct findings found = { 0 };
	struct rfm_check_report report = { 0 };
	struct rfm_error error;
	enum rfm_status status;
	SEXP list, owner;

	rfm_check_thread();
	list = PROTECT(Rf_mkNamed(VECSXP, names));
	owner = PROTECT(R_MakeExternalPtr(NULL, R_NilValue, R_NilValue));
	R_RegisterCFinalizerEx(owner, free_findings, FALSE);
	status = rfm_check(rfm_os_posix(), name, add_line, &found, &report,
	    &error);
	R_SetExternalPtrAddr(owner, found.text);
	if (status != RFM_OK)
		rfm_raise_error(&error, name);
	SET_VECTOR_ELT(list, 0, Rf_ScalarLogical(report.sound));
	SET_VECTOR_ELT(list, 1, lines_of(&found));
	SET_VECTOR_ELT(list, 2, report_list(&report));
	free_findings(owner);
	UNPROTECT(2);
	return list;
}
/* pass operators on */
SEXP
rfm_c_ops(SEXP generic, SEXP e1, SEXP e2)
{
	rfm_check_thread();
	return rfm_ops_binary(text_of(generic, "generic"), e1, e2);
}

SEXP
rfm_c_math(SEXP generic, SEXP x, SEXP extra)
{
	SEXP arguments, result;

	rfm_check_thread();
	if (TYPEOF(extra) != VECSXP)
		refuse("extra", "must be a list");
	arguments = PROTECT(Rf_VectorToPairList(extra));
	result = rfm_ops_math(text_of(generic, "generic"), x, arguments);
	UNPROTECT(1);
	return result;
}

/* pass views and transpositions on */
SEXP
rfm_c_view(SEXP x)
{
	rfm_check_thread();
	return rfm_ops_view(x);
}

SEXP
rfm_c_settle(SEXP y, SEXP x)
{
	rfm_check_thread();
	return rfm_altvec_inner(x) == NULL ? y : rfm_ops_settle(y, x);
}

SEXP
rfm_c_transpose(SEXP x)
{
	rfm_check_thread();
	return rfm_ops_transpose(x);
}
