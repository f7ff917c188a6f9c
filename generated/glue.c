/* Tangled from lit/75_glue.nw by 'make tangle': change it there, not here. */
#include "glue.h"
#include "altstr.h"
#include "altvec.h"
#include "bind.h"
#include "check.h"
#include "layout.h"
#include "objects.h"
#include "ops.h"
#include "os.h"
#include "snapshot.h"
#include "product.h"
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
	char message[240];

	if (type == 0) {
		snprintf(message, sizeof message, "Unsupported vector type "
		    "'%.100s': it is one of logical, integer, numeric, "
		    "complex, raw, character and list", name);
		rfm_raise("argument", 0, NULL, message);
	}
	return type;
}

/* take a runtime from its handle or fail */
static struct rfm_runtime *
runtime_of(SEXP handle)
{
	rfm_check_thread();
	if (handle == R_NilValue)
		handle = rfm_runtime_default();
	if (handle == R_NilValue)
		rfm_raise("argument", 0, NULL, "fmalloc not initialized: "
		    "call init_fmalloc() first, or give runtime = a handle "
		    "from open_fmalloc()");
	if (TYPEOF(handle) != EXTPTRSXP)
		refuse("runtime", "must be a handle from open_fmalloc()");
	return rfm_runtime_needed(handle);
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
/* know when a store syncs by itself */
static const char *const syncs[] = { [RFM_SYNC_NEVER] = "never",
	[RFM_SYNC_CLOSE] = "close", [RFM_SYNC_PUT] = "put" };

static enum rfm_sync
sync_of(const char *word)
{
	int k;

	for (k = RFM_SYNC_NEVER; k <= RFM_SYNC_PUT; k++)
		if (strcmp(syncs[k], word) == 0)
			return (enum rfm_sync)k;
	refuse("sync", "must be \"close\", \"put\" or \"never\"");
}

SEXP
rfm_c_sync_policy(SEXP handle)
{
	return Rf_mkString(syncs[runtime_of(handle)->sync]);
}

SEXP
rfm_c_number(SEXP handle)
{
	char text[24];

	snprintf(text, sizeof text, "%llu",
	    (unsigned long long)runtime_of(handle)->number);
	return Rf_mkString(text);
}

SEXP
rfm_c_open(SEXP path, SEXP bytes, SEXP mode, SEXP access, SEXP sync)
{
	const char *name = text_of(path, "filepath");
	struct rfm_open_options options = { 0 };
	enum rfm_sync wish = sync_of(text_of(sync, "sync"));
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
	rfm_runtime_sync(runtime, wish);
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
/* move a reader to the newest state */
SEXP
rfm_c_refresh(SEXP handle)
{
	struct rfm_runtime *runtime = runtime_of(handle);
	struct rfm_store_info before, after;
	struct rfm_error error;

	PROTECT(runtime->anchor);
	rfm_store_describe(runtime->store, &before);
	if (rfm_runtime_refresh(runtime, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	rfm_store_describe(runtime->store, &after);
	UNPROTECT(1);
	return Rf_ScalarLogical(after.learned != before.learned);
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
SEXP
rfm_c_copy(SEXP handle, SEXP x, SEXP committed)
{
	struct rfm_runtime *runtime = handle == R_NilValue ?
	    rfm_altvec_runtime(x) : runtime_of(handle);
	uint32_t type = rfm_type_of(TYPEOF(x));
	bool keep = flag_of(committed, "committed");
	SEXP y;

	rfm_check_thread();
	if (type == 0)
		rfm_raise("argument", 0, NULL, "Unsupported vector type");
	if (runtime == NULL)
		refuse("runtime", "is needed: x lives in no fmalloc store");
	y = PROTECT(rfm_altvec_temporary(runtime, type,
	    (uint64_t)XLENGTH(x)));
	rfm_altvec_copy(x, y);
	if (keep)
		(void)rfm_c_keep(y);               /* keeps I13 */
	UNPROTECT(1);
	return y;
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
/* destroy the record that a copy stands for */
static enum rfm_status
destroy_origin(SEXP x, bool reclaim, struct rfm_error *error)
{
	SEXP tag = R_ExternalPtrTag(R_altrep_data1(rfm_altvec_inner(x)));
	struct rfm_payload *payload = rfm_altvec_payload(x), *origin;
	enum rfm_status status;

	if (TYPEOF(tag) != REALSXP)
		return RFM_OK;
	status = rfm_store_find(payload->store, (uint64_t)REAL(tag)[0],
	    &origin, error);
	if (status == RFM_TOMBSTONE)
		return RFM_OK;
	RFM_TRY(status);
	status = rfm_store_destroy(origin, reclaim, error);
	rfm_payload_release(origin);
	return status;
}

SEXP
rfm_c_destroy(SEXP x, SEXP unsafe)
{
	struct rfm_payload *payload = payload_of(x);
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	bool temporary = payload->state == RFM_TEMPORARY;
	bool insists = flag_of(unsafe, "unsafe");
	struct rfm_error error;
	uint64_t bytes = rfm_payload_total(payload);

	if (payload->address == NULL)
		return Rf_ScalarLogical(FALSE);
	if ((temporary && destroy_origin(x, insists, &error) != RFM_OK) ||
	    rfm_store_destroy(payload, insists || temporary, &error) !=
	    RFM_OK)
		rfm_raise_error(&error, runtime == NULL ? NULL :
		    runtime->path);
	if (temporary)
		rfm_runtime_returned(runtime, bytes);
	return Rf_ScalarLogical(TRUE);
}
/* give 64 bits as a number */
static SEXP
number(uint64_t value)
{
	return Rf_ScalarReal((double)value);
}
/* move whole objects in and out */
SEXP
rfm_c_type_bytes(SEXP type)
{
	const char *name = text_of(type, "type");

	return number(rfm_type_bytes(rfm_type_named(name)));
}

SEXP
rfm_c_class(SEXP type, SEXP dimensions)
{
	uint64_t count = size_of(dimensions, "dimensions");

	return rfm_altvec_class(type_of(type), count > 3 ? 3 : (int)count);
}

/* take our class away or put it on */
static bool
is_our_word(SEXP class, R_xlen_t i)
{
	const char *word = CHAR(STRING_ELT(class, i));

	if (strncmp(word, "fmalloc", 7) == 0)
		return true;
	return i > 0 && rfm_type_named(word) != 0 &&
	    strcmp(CHAR(STRING_ELT(class, i - 1)), "fmalloc") == 0;
}

static void
drop_class(SEXP x)
{
	SEXP class = PROTECT(Rf_getAttrib(x, R_ClassSymbol)), rest;
	R_xlen_t i, n, kept = 0;

	n = TYPEOF(class) == STRSXP ? XLENGTH(class) : 0;
	for (i = 0; i < n; i++)
		kept += !is_our_word(class, i);
	if (kept < n) {
		rest = PROTECT(Rf_allocVector(STRSXP, kept));
		for (i = kept = 0; i < n; i++)
			if (!is_our_word(class, i))
				SET_STRING_ELT(rest, kept++,
				    STRING_ELT(class, i));
		Rf_setAttrib(x, R_ClassSymbol,
		    kept == 0 ? R_NilValue : rest);
		UNPROTECT(1);
	}
	UNPROTECT(1);
}

/* give a vector the attributes of another */
static void
dress_like(SEXP x, SEXP model, bool plain)
{
	SEXP dim = Rf_getAttrib(model, R_DimSymbol);

	SHALLOW_DUPLICATE_ATTRIB(x, model);
	if (plain)
		drop_class(x);
	else if (!Rf_isObject(model))
		Rf_setAttrib(x, R_ClassSymbol, rfm_altvec_class(
		    rfm_type_of(TYPEOF(x)), Rf_length(dim)));
}
/* make a temporary like another vector */
SEXP
rfm_c_like(SEXP handle, SEXP model, SEXP plain)
{
	struct rfm_runtime *runtime = runtime_of(handle);
	uint32_t type = rfm_type_of(TYPEOF(model));
	bool bare = flag_of(plain, "plain");
	struct rfm_payload *payload;
	struct rfm_error error;
	SEXP x;

	if (type == 0)
		rfm_raise("argument", 0, NULL, "Unsupported vector type");
	x = PROTECT(rfm_altvec_blank(type, (double)XLENGTH(model)));
	dress_like(x, model, bare);
	if (rfm_runtime_allocate(runtime, RFM_KIND_TEMPORARY, type,
	    (uint64_t)XLENGTH(model), !rfm_type_fixed(type), &payload,
	    &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	rfm_altvec_fill(x, runtime, payload);
	UNPROTECT(1);
	return x;
}
/* move the elements of a vector */
SEXP
rfm_c_move(SEXP x, SEXP to, SEXP tell)
{
	struct rfm_payload *target = payload_of(to);

	if ((uint64_t)XLENGTH(x) != target->length ||
	    TYPEOF(x) != TYPEOF(to) || TYPEOF(x) == VECSXP)
		refuse("to", "does not have the elements of x");
	rfm_object_move(x, to, tell);
	return R_NilValue;
}
/* put an element into a new list */
SEXP
rfm_c_put(SEXP list, SEXP position, SEXP element)
{
	uint64_t i = size_of(position, "position");

	if (TYPEOF(list) != VECSXP || i < 1 || i > (uint64_t)XLENGTH(list))
		refuse("position", "is not one of the list's");
	if (rfm_altvec_inner(element) != NULL)
		MARK_NOT_MUTABLE(rfm_altvec_inner(element));
	SET_VECTOR_ELT(list, (R_xlen_t)i - 1, element);
	return R_NilValue;
}
/* give records to a new object */
static enum rfm_status
write_record(SEXP x, struct rfm_payload *payload,
    struct rfm_error *error)
{
	enum rfm_status status;

	if (rfm_type_fixed(payload->type))
		return rfm_store_keep(payload, error);
	status = rfm_store_seal(payload, error);
	if (status == RFM_OK)
		MARK_NOT_MUTABLE(rfm_altvec_inner(x)); /* keeps I7 */
	return status;
}

static enum rfm_status
keep_one(SEXP x, bool keep, struct rfm_error *error)
{
	struct rfm_payload *payload = rfm_altvec_payload(x);
	bool temporary = payload != NULL &&
	    payload->state == RFM_TEMPORARY;
	enum rfm_status status;

	if (payload == NULL)
		return RFM_OK;
	if (!keep)                                 /* keeps I13 */
		return rfm_store_destroy(payload, true, NULL);
	status = write_record(x, payload, error);
	if (temporary && status == RFM_OK)
		rfm_runtime_returned(rfm_altvec_runtime(x),
		    rfm_payload_total(payload));
	return status == RFM_MODE || status == RFM_READ_ONLY ||
	    status == RFM_FORKED ? RFM_OK : status;
}

/* keep all columns or none */
SEXP
rfm_c_keep(SEXP x)
{
	bool several = rfm_altvec_inner(x) == NULL && TYPEOF(x) == VECSXP;
	R_xlen_t i, n = several ? XLENGTH(x) : 1;
	enum rfm_status status = RFM_OK;
	struct rfm_error error;

	rfm_check_thread();
	for (i = 0; i < n && status == RFM_OK; i++)
		status = keep_one(several ? VECTOR_ELT(x, i) : x, true,
		    &error);
	if (status != RFM_OK) {
		while (i-- > 0)
			(void)keep_one(several ? VECTOR_ELT(x, i) : x,
			    false, NULL);
		rfm_raise_error(&error, NULL);
	}
	return x;
}
/* give a second object to a payload */
SEXP
rfm_c_alias(SEXP x, SEXP plain)
{
	struct rfm_payload *payload = payload_of(x);
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	bool bare = flag_of(plain, "plain");
	SEXP y;

	payload = rfm_altvec_live(x);
	if (runtime == NULL)
		return x;
	y = PROTECT(rfm_altvec_blank(payload->type,
	    (double)payload->length));
	dress_like(y, x, bare);
	MARK_NOT_MUTABLE(rfm_altvec_inner(x));     /* keeps I7 */
	rfm_payload_retain(payload);
	rfm_altvec_fill(y, runtime, payload);
	UNPROTECT(1);
	return y;
}
/* collect an object into R's memory */
static SEXP collect(SEXP x);

/* copy a block of strings or elements */
#define COLLECT_ELEMENTS ((uint64_t)1 << 18)

static void
collect_block(SEXP x, SEXP y, R_xlen_t i, R_xlen_t end)
{
	for (; i < end; i++)
		if (TYPEOF(y) == STRSXP)
			SET_STRING_ELT(y, i, STRING_ELT(x, i));
		else
			SET_VECTOR_ELT(y, i, collect(VECTOR_ELT(x, i)));
}
/* copy elements into an ordinary vector */
static void
collect_elements(SEXP x, SEXP y)
{
	uint64_t length = (uint64_t)XLENGTH(y), i, n;
	uint64_t size = rfm_type_bytes(rfm_type_of(TYPEOF(y)));
	char *target = TYPEOF(y) == STRSXP || TYPEOF(y) == VECSXP ? NULL :
	    (char *)(uintptr_t)DATAPTR_RO(y);

	for (i = 0; i < length; i += n) {
		n = length - i < COLLECT_ELEMENTS ? length - i :
		    COLLECT_ELEMENTS;
		R_CheckUserInterrupt();
		if (target != NULL) {
			(void)rfm_altvec_live(x);
			rfm_altvec_read(x, i, n, target + i * size);
		} else {
			collect_block(x, y, (R_xlen_t)i, (R_xlen_t)(i + n));
		}
	}
}
/* collect the attributes that may be ours */
static void
collect_attributes(SEXP y)
{
	SEXP list, names, value;
	R_xlen_t i;

	if (rfm_attribute_count(y) == 0)
		return;
	list = PROTECT(rfm_object_attributes(y));
	names = PROTECT(Rf_getAttrib(list, R_NamesSymbol));
	for (i = 0; i < XLENGTH(list); i++) {
		value = VECTOR_ELT(list, i);
		if (rfm_altvec_inner(value) == NULL &&
		    TYPEOF(value) != VECSXP)
			continue;
		value = PROTECT(collect(value));
		Rf_setAttrib(y, Rf_installTrChar(STRING_ELT(names, i)),
		    value);
		UNPROTECT(1);
	}
	UNPROTECT(2);
}

static SEXP
collect(SEXP x)
{
	bool ours = rfm_altvec_inner(x) != NULL;
	SEXP y;

	R_CheckStack();
	if (!ours && TYPEOF(x) != VECSXP)
		return x;
	y = PROTECT(Rf_allocVector(TYPEOF(x), XLENGTH(x)));
	SHALLOW_DUPLICATE_ATTRIB(y, x);
	collect_attributes(y);
	if (ours)
		drop_class(y);
	collect_elements(x, y);
	UNPROTECT(1);
	return y;
}

SEXP
rfm_c_collect(SEXP x)
{
	rfm_check_thread();
	return collect(x);
}
/* recover a vector from its record */
struct sought {
	uint64_t record_offset, id;
	uint32_t type;
};

static bool
note_record(void *context, const struct rfm_record_info *row)
{
	struct sought *sought = context;

	if (row->id == 0 || row->record_offset != sought->record_offset)
		return true;
	sought->id = row->id;
	sought->type = row->type;
	return false;
}

/* make a vector of a record or fail */
static struct rfm_payload *
find_record(struct rfm_runtime *runtime, uint64_t id)
{
	struct rfm_payload *payload;
	struct rfm_error error;

	if (rfm_store_find(runtime->store, id, &payload, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	return payload;
}

static bool
is_in_use(const struct rfm_payload *payload)
{
	return payload->handles > 1 && payload->state == RFM_COMMITTED;
}

/* collect what may keep a record in use */
static struct rfm_runtime *
find_unused(SEXP handle, uint64_t id)
{
	struct rfm_runtime *runtime = runtime_of(handle);
	struct rfm_payload *payload = find_record(runtime, id);
	bool used = is_in_use(payload);

	rfm_payload_release(payload);
	if (!used)
		return runtime;
	rfm_runtime_retire_group(runtime);
	R_gc();
	return runtime_of(handle);
}
/* make a vector of a record, or a copy */
static SEXP
recovered(SEXP handle, const struct sought *sought)
{
	SEXP x = PROTECT(rfm_altvec_blank(sought->type, -1)), origin;
	struct rfm_runtime *runtime = find_unused(handle, sought->id);
	struct rfm_payload *payload = find_record(runtime, sought->id);

	rfm_altvec_fill(x, runtime, payload);
	if (is_in_use(payload)) {
		origin = PROTECT(Rf_ScalarReal((double)sought->id));
		x = PROTECT(Rf_shallow_duplicate(x));
		if (rfm_altvec_inner(x) == x)
			R_SetExternalPtrTag(R_altrep_data1(x), origin);
		UNPROTECT(2);
	}
	UNPROTECT(1);
	return x;
}
/* answer a request to recover */
static SEXP
recovered_object(SEXP handle, uint64_t id)
{
	SEXP pointer = PROTECT(rfm_payload_pointer()), x;
	struct rfm_runtime *runtime = runtime_of(handle);

	rfm_payload_hold(pointer, runtime, find_record(runtime, id));
	x = rfm_object_give(runtime, pointer);
	UNPROTECT(1);
	return x;
}
SEXP
rfm_c_recover(SEXP handle, SEXP record_offset, SEXP plain)
{
	struct rfm_runtime *runtime = runtime_of(handle);
	struct sought sought = { size_of(record_offset, "record_offset"),
	    0, 0 };
	bool bare = flag_of(plain, "plain");
	SEXP x;

	if (sought.record_offset != 0)
		rfm_store_each(runtime->store, note_record, &sought);
	if (sought.type == RFM_OBJECT || sought.type == RFM_SERIALIZED)
		return recovered_object(handle, sought.id);
	if (rfm_type_sexp(sought.type) == NILSXP)
		rfm_raise("no_record", 0, runtime->path, "No vector's "
		    "record lies at that offset: see column record_offset "
		    "of list_fmalloc_allocations().");
	x = PROTECT(recovered(handle, &sought));
	if (!bare)
		Rf_setAttrib(x, R_ClassSymbol,
		    rfm_altvec_class(sought.type, 0));
	UNPROTECT(1);
	return x;
}
/* list and describe */
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
	list->recoverable[i] = row->type != RFM_BYTES &&
	    (row->state == RFM_COMMITTED || row->state == RFM_SEALED);
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
	"epoch", "uncommitted", "findings", "last_sync" };

static void
put_counters(SEXP list, int first, const struct rfm_store_info *info)
{
	const uint64_t values[] = { info->file_bytes, info->live_bytes,
	    info->temporary_bytes, info->free_bytes, info->held_bytes,
	    info->log_bytes, info->records, info->sealed, info->tombstones,
	    info->temporaries, info->tombstone_bytes, info->epoch,
	    info->uncommitted, info->findings,
	    (uint64_t)info->last_sync };
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
/* tell sizes and places */
static double
object_size(SEXP x)
{
	SEXP name = PROTECT(Rf_mkString("utils")), call;
	double bytes;

	call = PROTECT(Rf_lang2(Rf_install("object.size"), x));
	bytes = Rf_asReal(Rf_eval(call, R_FindNamespace(name)));
	UNPROTECT(2);
	return bytes;
}

static double
heap_bytes(SEXP x)
{
	SEXP inner = rfm_altvec_inner(x);
	double bytes;
	R_xlen_t i;

	if (inner != NULL)
		return rfm_type_fixed(rfm_type_of(TYPEOF(x))) ? 0 :
		    heap_bytes(R_altrep_data2(inner));
	if (TYPEOF(x) != VECSXP)
		return x == R_NilValue ? 0 : object_size(x);
	bytes = (double)XLENGTH(x) * sizeof(SEXP);
	for (i = 0; i < XLENGTH(x); i++)
		bytes += heap_bytes(VECTOR_ELT(x, i));
	return bytes;
}

/* tell the sizes of a vector */
SEXP
rfm_c_sizes(SEXP x)
{
	struct rfm_payload *payload = rfm_altvec_live(x);
	uint64_t disk = 0, resident = 0;
	struct rfm_error error;
	SEXP sizes;

	if (rfm_store_sizes(payload, &disk, &resident, &error) != RFM_OK)
		rfm_raise_error(&error, NULL);
	sizes = PROTECT(Rf_allocVector(REALSXP, 3));
	REAL(sizes)[0] = (double)disk;
	REAL(sizes)[1] = (double)resident;
	REAL(sizes)[2] = heap_bytes(x);
	UNPROTECT(1);
	return sizes;
}
/* list the extents of the file */
struct drawing {
	R_xlen_t count, filled;
	double  *offset, *bytes, *id;
	int     *use;
};

static void
count_extent(void *context, const struct rfm_extent_info *extent)
{
	(void)extent;
	((struct drawing *)context)->count++;
}

static void
draw_extent(void *context, const struct rfm_extent_info *extent)
{
	struct drawing *map = context;
	R_xlen_t i = map->filled;

	if (i == map->count)
		return;
	map->offset[i] = (double)extent->offset;
	map->bytes[i] = (double)extent->bytes;
	map->id[i] = (double)extent->id;
	map->use[i] = (int)extent->use + 1;
	map->filled++;
}

/* make the columns of the map */
SEXP
rfm_c_map(SEXP handle)
{
	static const char *names[] = { "offset", "bytes", "generation",
	    "use", "" };
	static const char *const uses[] = { "head", "log", "committed",
	    "sealed", "temporary", "held" };
	struct rfm_runtime *runtime = runtime_of(handle);
	struct drawing map = { 0 };
	SEXP columns = PROTECT(Rf_mkNamed(VECSXP, names)), levels;
	int k;

	rfm_store_map(runtime->store, count_extent, &map);
	for (k = 0; k < 4; k++)
		SET_VECTOR_ELT(columns, k, Rf_allocVector(
		    k == 3 ? INTSXP : REALSXP, map.count));
	map.offset = REAL(VECTOR_ELT(columns, 0));
	map.bytes = REAL(VECTOR_ELT(columns, 1));
	map.id = REAL(VECTOR_ELT(columns, 2));
	map.use = INTEGER(VECTOR_ELT(columns, 3));
	levels = PROTECT(Rf_allocVector(STRSXP, 6));
	for (k = 0; k < 6; k++)
		SET_STRING_ELT(levels, k, Rf_mkChar(uses[k]));
	Rf_setAttrib(VECTOR_ELT(columns, 3), R_LevelsSymbol, levels);
	Rf_setAttrib(VECTOR_ELT(columns, 3), R_ClassSymbol,
	    PROTECT(Rf_mkString("factor")));
	rfm_store_map(runtime->store, draw_extent, &map);
	UNPROTECT(3);
	return columns;
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
/* copy a store */
static SEXP copy_tag;

static void
finalize_copy(SEXP copy)
{
	struct rfm_snapshot *snapshot = R_ExternalPtrAddr(copy);

	R_ClearExternalPtr(copy);
	if (snapshot != NULL)
		rfm_snapshot_drop(snapshot);
}

static struct rfm_snapshot *
snapshot_of(SEXP copy)
{
	rfm_check_thread();
	if (TYPEOF(copy) != EXTPTRSXP || R_ExternalPtrTag(copy) != copy_tag ||
	    R_ExternalPtrAddr(copy) == NULL)
		refuse("copy", "must be one that was begun and not ended");
	return R_ExternalPtrAddr(copy);
}

/* begin to copy a store */
SEXP
rfm_c_snapshot_begin(SEXP handle, SEXP to)
{
	struct rfm_runtime *runtime = runtime_of(handle);
	const char *path = text_of(to, "to");
	struct rfm_snapshot *snapshot;
	struct rfm_error error;
	SEXP copy;

	copy_tag = Rf_install("fmalloc_copy");
	copy = PROTECT(R_MakeExternalPtr(NULL, copy_tag,
	    PROTECT(Rf_mkString(path))));
	R_RegisterCFinalizerEx(copy, finalize_copy, TRUE);
	if (rfm_snapshot_begin(runtime->store, rfm_os_posix(), path,
	    &snapshot, &error) != RFM_OK)
		rfm_raise_error(&error, error.status == RFM_ARGUMENT ||
		    error.status == RFM_DISK_FULL ? path : runtime->path);
	R_SetExternalPtrAddr(copy, snapshot);
	UNPROTECT(2);
	return copy;
}
/* go on with the copy of a store */
static NORET void
refuse_copy(const struct rfm_error *error, SEXP copy)
{
	rfm_raise_error(error,
	    CHAR(STRING_ELT(R_ExternalPtrProtected(copy), 0)));
}

SEXP
rfm_c_snapshot_left(SEXP copy)
{
	return number(rfm_snapshot_left(snapshot_of(copy)));
}

SEXP
rfm_c_snapshot_step(SEXP copy, SEXP bytes)
{
	struct rfm_snapshot *snapshot = snapshot_of(copy);
	struct rfm_error error;
	uint64_t copied;

	if (rfm_snapshot_step(snapshot, size_of(bytes, "bytes"), &copied,
	    &error) != RFM_OK)
		refuse_copy(&error, copy);
	return number(copied);
}
/* end the copy of a store */
SEXP
rfm_c_snapshot_finish(SEXP copy)
{
	struct rfm_error error;

	if (rfm_snapshot_finish(snapshot_of(copy), &error) != RFM_OK)
		refuse_copy(&error, copy);
	return R_NilValue;
}

SEXP
rfm_c_snapshot_drop(SEXP copy)
{
	if (TYPEOF(copy) == EXTPTRSXP && R_ExternalPtrTag(copy) == copy_tag)
		finalize_copy(copy);
	return R_NilValue;
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

SEXP
rfm_c_distinct(SEXP x)
{
	rfm_check_thread();
	return rfm_altstr_distinct(x);
}

SEXP
rfm_c_strings(SEXP x)
{
	rfm_check_thread();
	return rfm_altstr_array(x);
}
/* pass bindings and products on */
static SEXP
dressed(SEXP y, SEXP dim, SEXP labels)
{
	if (y == R_NilValue)
		return y;
	PROTECT(y);
	if (dim != R_NilValue)
		Rf_setAttrib(y, R_DimSymbol, dim);
	if (labels != R_NilValue)
		Rf_setAttrib(y, dim == R_NilValue ? R_NamesSymbol :
		    R_DimNamesSymbol, labels);
	Rf_classgets(y, rfm_altvec_class(rfm_type_of(TYPEOF(y)),
	    Rf_length(dim)));
	UNPROTECT(1);
	return y;
}

SEXP
rfm_c_bind(SEXP parts, SEXP runs, SEXP stripes, SEXP dim, SEXP labels)
{
	uint64_t count = size_of(stripes, "stripes");

	rfm_check_thread();
	if (TYPEOF(parts) != VECSXP)
		refuse("parts", "must be a list");
	if (TYPEOF(runs) != REALSXP || XLENGTH(runs) != XLENGTH(parts))
		refuse("runs", "must be a number for each part");
	return dressed(rfm_bind(parts, REAL_RO(runs), count), dim, labels);
}

/* pass products on */
SEXP
rfm_c_product(SEXP generic, SEXP x, SEXP y, SEXP dims, SEXP dim,
    SEXP labels)
{
	const char *name = text_of(generic, "generic");
	enum rfm_product kind = strcmp(name, "%*%") == 0 ?
	    RFM_PRODUCT_PLAIN : strcmp(name, "crossprod") == 0 ?
	    RFM_PRODUCT_CROSS : RFM_PRODUCT_TCROSS;
	struct rfm_factor a = { .x = x }, b = { .x = y };

	rfm_check_thread();
	if (TYPEOF(dims) != INTSXP || XLENGTH(dims) != 4)
		refuse("dims", "must be four integers");
	a.rows = INTEGER(dims)[0];
	a.columns = INTEGER(dims)[1];
	b.rows = INTEGER(dims)[2];
	b.columns = INTEGER(dims)[3];
	if (y == R_NilValue)
		b.x = NULL;
	return dressed(rfm_product(kind, a, b), dim, labels);
}
