/* Tangled from lit/77_names.nw by 'make tangle': change it there, not here. */
#include "names.h"
#include "objects.h"
#include "layout.h"
#include "runtime.h"
#include <string.h>

/* read the arguments of names or fail */
static NORET void
refuse(const char *what)
{
	rfm_raise("argument", 0, NULL, what);
}

static bool
flag_of(SEXP x)
{
	if (TYPEOF(x) != LGLSXP || XLENGTH(x) != 1)
		refuse("A flag must be TRUE or FALSE");
	return LOGICAL(x)[0] == TRUE;
}

static struct rfm_payload *
payload_of(SEXP pointer)
{
	if (!rfm_payload_points(pointer))
		refuse("This is no stored object");
	return rfm_payload_of(pointer);
}
static const char *
text_of(SEXP strings, R_xlen_t i)
{
	if (TYPEOF(strings) != STRSXP || i >= XLENGTH(strings) ||
	    STRING_ELT(strings, i) == NA_STRING)
		refuse("A name must be a string");
	return Rf_translateCharUTF8(STRING_ELT(strings, i));
}
/* store, give and let go */
SEXP
rfm_c_survey(SEXP handle, SEXP x, SEXP serialize)
{
	return rfm_object_survey(rfm_runtime_needed(handle), x,
	    flag_of(serialize));
}

SEXP
rfm_c_store(SEXP handle, SEXP x, SEXP serialize, SEXP tell)
{
	return rfm_object_store(rfm_runtime_needed(handle), x,
	    flag_of(serialize), tell);
}

SEXP
rfm_c_give(SEXP handle, SEXP pointer)
{
	struct rfm_runtime *runtime = rfm_runtime_needed(handle);
	SEXP own, x;

	(void)payload_of(pointer);
	own = PROTECT(rfm_payload_pointer());
	rfm_payload_retain(payload_of(pointer));
	rfm_payload_hold(own, runtime, rfm_payload_of(pointer));
	x = rfm_object_give(runtime, own);
	UNPROTECT(1);
	return x;
}

/* let go of what was stored */
SEXP
rfm_c_let_go(SEXP pointers)
{
	R_xlen_t i;

	rfm_check_thread();
	if (TYPEOF(pointers) != VECSXP)
		refuse("Not a list of stored objects");
	for (i = 0; i < XLENGTH(pointers); i++)
		if (rfm_payload_points(VECTOR_ELT(pointers, i)))
			rfm_payload_drop(VECTOR_ELT(pointers, i));
	return R_NilValue;
}
/* lend a vector */
SEXP
rfm_c_lend(SEXP x)
{
	rfm_check_thread();
	if (rfm_altvec_inner(x) == x && TYPEOF(x) != VECSXP)
		rfm_altvec_lend(x);
	return x;
}
/* change the names of a store */
static bool
is_idle(struct rfm_runtime *runtime, const struct rfm_change *change)
{
	struct rfm_name_info info;

	return change->value == NULL && !rfm_store_name(runtime->store,
	    change->name, change->name_bytes, &info);
}

static void
read_change(struct rfm_change *change, SEXP names, SEXP pointers,
    SEXP notes, SEXP times, R_xlen_t i)
{
	SEXP pointer = VECTOR_ELT(pointers, i);

	change->name = text_of(names, i);
	change->name_bytes = strlen(change->name);
	change->note = text_of(notes, i);
	change->note_bytes = strlen(change->note);
	change->time = REAL(times)[i] > 0 ? (int64_t)REAL(times)[i] : 0;
	change->value = pointer == R_NilValue ? NULL : payload_of(pointer);
}

/* give back what the account knows of */
static uint64_t
temporary_bytes(const struct rfm_runtime *runtime)
{
	struct rfm_store_info info;

	rfm_store_describe(runtime->store, &info);
	return info.temporary_bytes;
}

static void
return_bytes(struct rfm_runtime *runtime, uint64_t before)
{
	uint64_t now = temporary_bytes(runtime);

	if (now < before)
		rfm_runtime_returned(runtime, before - now);
}
/* make a change of names */
SEXP
rfm_c_change(SEXP handle, SEXP names, SEXP pointers, SEXP notes,
    SEXP times)
{
	struct rfm_runtime *runtime = rfm_runtime_needed(handle);
	R_xlen_t count = Rf_xlength(names), i;
	struct rfm_change *changes;
	size_t filled = 0;
	struct rfm_error error;
	enum rfm_status status;
	uint64_t before;

	if (TYPEOF(pointers) != VECSXP || XLENGTH(pointers) != count ||
	    TYPEOF(times) != REALSXP || XLENGTH(times) != count)
		refuse("A change of names has four parts of one length");
	changes = (struct rfm_change *)R_alloc((size_t)count + 1,
	    sizeof *changes);
	for (i = 0; i < count; i++) {
		read_change(&changes[filled], names, pointers, notes, times,
		    i);
		if (!is_idle(runtime, &changes[filled]))
			filled++;
	}
	before = temporary_bytes(runtime);
	status = rfm_store_change(runtime->store, changes, filled,
	    &error);                               /* keeps I13, I16 */
	return_bytes(runtime, before);
	if (status != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	return R_NilValue;
}
/* look a name up */
SEXP
rfm_c_named(SEXP handle, SEXP name)
{
	static const char *const fields[] = { "value", "note", "time", "" };
	struct rfm_runtime *runtime = rfm_runtime_needed(handle);
	const char *text = text_of(name, 0);
	SEXP list = PROTECT(Rf_mkNamed(VECSXP, (const char **)fields));
	SEXP pointer = PROTECT(rfm_payload_pointer());
	char note[RFM_NOTE_MAX_BYTES];
	struct rfm_payload *payload;
	struct rfm_name_info info;
	struct rfm_error error;

	if (!rfm_store_name(runtime->store, text, strlen(text), &info)) {
		UNPROTECT(2);
		return R_NilValue;
	}
	memcpy(note, info.note, info.note_bytes);
	if (rfm_store_find(runtime->store, info.id, &payload, &error) !=
	    RFM_OK)
		rfm_raise_error(&error, runtime->path);
	rfm_payload_hold(pointer, runtime, payload);
	SET_VECTOR_ELT(list, 0, pointer);
	SET_VECTOR_ELT(list, 1, Rf_ScalarString(Rf_mkCharLenCE(note,
	    (int)info.note_bytes, CE_UTF8)));
	SET_VECTOR_ELT(list, 2, Rf_ScalarReal((double)info.time));
	UNPROTECT(2);
	return list;
}
/* list the names of a store */
struct roll {
	size_t                count, filled, bytes, used;
	struct rfm_name_info *rows;
	char                 *text;
};

/* count a name and copy a name */
static bool
count_name(void *context, const struct rfm_name_info *info)
{
	struct roll *roll = context;

	roll->count++;
	roll->bytes += info->name_bytes + info->note_bytes;
	return true;
}

static char *
keep_text(struct roll *roll, const char *text, size_t bytes)
{
	char *kept = roll->text + roll->used;

	memcpy(kept, text, bytes);
	roll->used += bytes;
	return kept;
}

static bool
copy_name(void *context, const struct rfm_name_info *info)
{
	struct roll *roll = context;
	struct rfm_name_info *row = &roll->rows[roll->filled];

	if (roll->filled == roll->count || roll->used +
	    info->name_bytes + info->note_bytes > roll->bytes)
		return false;
	*row = *info;
	row->name = keep_text(roll, info->name, info->name_bytes);
	row->note = keep_text(roll, info->note, info->note_bytes);
	roll->filled++;
	return true;
}
/* make R vectors of the roll */
SEXP
rfm_c_names(SEXP handle)
{
	static const char *const fields[] = { "name", "note", "time", "" };
	struct rfm_runtime *runtime = rfm_runtime_needed(handle);
	SEXP list = PROTECT(Rf_mkNamed(VECSXP, (const char **)fields));
	struct roll roll = { 0 };
	R_xlen_t i, n;

	rfm_store_names(runtime->store, count_name, &roll);
	n = (R_xlen_t)roll.count;
	roll.rows = (struct rfm_name_info *)R_alloc(roll.count + 1,
	    sizeof *roll.rows);
	roll.text = R_alloc(roll.bytes + 1, 1);
	SET_VECTOR_ELT(list, 0, Rf_allocVector(STRSXP, n));
	SET_VECTOR_ELT(list, 1, Rf_allocVector(STRSXP, n));
	SET_VECTOR_ELT(list, 2, Rf_allocVector(REALSXP, n));
	rfm_store_names(runtime->store, copy_name, &roll);
	for (i = 0; i < (R_xlen_t)roll.filled; i++) {
		const struct rfm_name_info *row = &roll.rows[i];

		SET_STRING_ELT(VECTOR_ELT(list, 0), i, Rf_mkCharLenCE(
		    row->name, (int)row->name_bytes, CE_UTF8));
		SET_STRING_ELT(VECTOR_ELT(list, 1), i, Rf_mkCharLenCE(
		    row->note, (int)row->note_bytes, CE_UTF8));
		REAL(VECTOR_ELT(list, 2))[i] = (double)row->time;
	}
	UNPROTECT(1);
	return list;
}
/* tell how many bytes are stored */
SEXP
rfm_c_stored_bytes(SEXP handle, SEXP pointer)
{
	struct rfm_runtime *runtime = rfm_runtime_needed(handle);
	uint64_t disk = 0, resident = 0;
	struct rfm_error error;

	if (rfm_store_sizes(payload_of(pointer), &disk, &resident,
	    &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	return Rf_ScalarReal((double)disk);
}
