/* Tangled from lit/69_growth.nw by 'make tangle': change it there, not here. */
#include "growth.h"
#include "altstr.h"
#include "altvec.h"
#include "layout.h"
#include "runtime.h"
#include <string.h>

/* read the arguments of growth or fail */
static NORET void
refuse(const char *what)
{
	rfm_raise("argument", 0, NULL, what);
}

static double
number_of(SEXP x)
{
	double value = TYPEOF(x) == REALSXP && XLENGTH(x) == 1 ?
	    REAL(x)[0] : -1;

	if (!(value >= 0 && value < 9007199254740992.))
		refuse("A number must be whole and not negative");
	return value;
}
/* write elements behind an end */
static SEXP
object_on(struct rfm_runtime *runtime, struct rfm_payload *whole)
{
	SEXP w = PROTECT(rfm_altvec_blank(whole->type, -1));

	rfm_payload_retain(whole);
	rfm_altvec_fill(w, runtime, whole);
	UNPROTECT(1);
	return w;
}

static void
write_behind(struct rfm_runtime *runtime, struct rfm_payload *whole,
    uint64_t end, SEXP y, void *address)
{
	uint64_t count = (uint64_t)XLENGTH(y);
	SEXP w;

	if (rfm_type_fixed(whole->type)) {
		rfm_altvec_read(y, 0, count, address);
		return;
	}
	w = PROTECT(object_on(runtime, whole));
	rfm_altstr_append(y, count, w, end);
	rfm_altvec_spend(w);
	UNPROTECT(1);
}
/* append in place */
static SEXP
append_in_place(struct rfm_runtime *runtime, SEXP x, SEXP y)
{
	struct rfm_payload *p = rfm_altvec_live(x);
	struct rfm_payload *whole = p->whole == NULL ? p : p->whole;
	uint64_t from = p->from, length = p->length;
	uint64_t count = (uint64_t)XLENGTH(y);
	struct rfm_error error;
	enum rfm_status status;
	void *address;

	status = rfm_store_reach(whole, from + length, count, &address,
	    &error);
	if (status == RFM_NO_ROOM)
		return R_NilValue;
	if (status != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	write_behind(runtime, whole, from + length, y, address);
	return rfm_altvec_view_on(runtime, whole, from, length + count);
}
/* append by copying */
static SEXP
append_by_copying(struct rfm_runtime *runtime, SEXP x, SEXP y)
{
	uint64_t n = (uint64_t)XLENGTH(x), m = (uint64_t)XLENGTH(y);
	uint32_t type = rfm_type_of(TYPEOF(x));
	uint64_t each = rfm_type_bytes(type), sum;
	struct rfm_payload *payload;
	struct rfm_error error;
	SEXP w = PROTECT(rfm_altvec_blank(type, -1)), c;

	if (!rfm_add(n, m, &sum) || sum > RFM_FILE_MAX_BYTES / each)
		rfm_raise("too_large", 0, runtime->path, "The vector would be "
		    "larger than any store.");
	if (rfm_runtime_roomy(runtime, type, sum, sum + sum / 2, &payload,
	    &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	rfm_altvec_fill(w, runtime, payload);
	if (rfm_type_fixed(type)) {
		rfm_altvec_read(x, 0, n, payload->address);
		rfm_altvec_read(y, 0, m, (char *)payload->address + n * each);
	} else {
		rfm_altstr_begin(x, w);
		rfm_altstr_append(y, m, w, n);
	}
	c = rfm_altvec_view(w, 0, sum);
	rfm_altvec_spend(w);
	UNPROTECT(1);
	return c;
}
/* append one vector to another */
static void
put_on(SEXP x, SEXP attributes)
{
	SEXP names = PROTECT(Rf_getAttrib(attributes, R_NamesSymbol));
	R_xlen_t i;

	if (Rf_xlength(names) != Rf_xlength(attributes))
		refuse("Attributes have names");
	for (i = 0; i < Rf_xlength(attributes); i++)
		Rf_setAttrib(x, Rf_installTrChar(STRING_ELT(names, i)),
		    VECTOR_ELT(attributes, i));
	UNPROTECT(1);
}

SEXP
rfm_c_append(SEXP handle, SEXP x, SEXP y, SEXP attributes)
{
	struct rfm_runtime *runtime = rfm_runtime_needed(handle);
	SEXP inner = rfm_altvec_inner(x), c = R_NilValue;

	if (TYPEOF(x) != TYPEOF(y) || TYPEOF(x) == VECSXP ||
	    rfm_type_of(TYPEOF(x)) == 0 || TYPEOF(attributes) != VECSXP)
		refuse("Two vectors of one type can be joined");
	PROTECT(runtime->anchor);
	if (inner != NULL && rfm_altvec_runtime(inner) == runtime &&
	    rfm_altvec_settle(inner)) {
		(void)rfm_altvec_live(inner);
		c = append_in_place(runtime, inner, y);
	}
	PROTECT(c);
	if (c == R_NilValue)
		c = append_by_copying(runtime, x, y);
	PROTECT(c);
	put_on(c, attributes);
	UNPROTECT(3);
	return c;
}
/* let go of what an append is done with */
static void
spend_vector(SEXP x)
{
	SEXP names = ATTRIB(x) == R_NilValue ? R_NilValue :
	    Rf_getAttrib(x, R_NamesSymbol);

	rfm_altvec_spend(names);
	rfm_altvec_spend(x);
}

SEXP
rfm_c_spend(SEXP x)
{
	R_xlen_t i;

	rfm_check_thread();
	for (i = 0; TYPEOF(x) == VECSXP && i < XLENGTH(x); i++)
		spend_vector(VECTOR_ELT(x, i));
	spend_vector(x);
	return R_NilValue;
}
/* give a view of a vector */
SEXP
rfm_c_view_of(SEXP x, SEXP from, SEXP length, SEXP attributes)
{
	SEXP inner = rfm_altvec_inner(x), view;

	rfm_check_thread();
	if (inner == NULL || !rfm_altvec_settle(inner) ||
	    TYPEOF(attributes) != VECSXP)
		refuse("This is no vector that lives in an open store");
	view = PROTECT(rfm_altvec_view(inner, (uint64_t)number_of(from),
	    (uint64_t)number_of(length)));
	put_on(view, attributes);
	UNPROTECT(1);
	return view;
}
SEXP
rfm_c_run(SEXP x, SEXP index)
{
	SEXP inner = rfm_altvec_inner(x), view;

	rfm_check_thread();
	if (inner == NULL || TYPEOF(x) == VECSXP ||
	    !rfm_altvec_is_compact(index) ||
	    Rf_getAttrib(x, R_NamesSymbol) != R_NilValue ||
	    Rf_getAttrib(x, R_DimSymbol) != R_NilValue ||
	    !rfm_altvec_settle(inner))
		return R_NilValue;
	view = rfm_altvec_run(inner, index);
	return view == NULL ? R_NilValue : view;
}
/* compact and trim */
SEXP
rfm_c_compact(SEXP handle, SEXP budget, SEXP may_set_aside)
{
	struct rfm_runtime *runtime = rfm_runtime_needed(handle);
	struct rfm_compaction c = { (uint64_t)number_of(budget), 0, 0,
		number_of(may_set_aside) != 0 };
	struct rfm_error error;
	SEXP done = PROTECT(Rf_allocVector(REALSXP, 2));

	if (rfm_store_compact(runtime->store, &c, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	REAL(done)[0] = (double)c.moved;
	REAL(done)[1] = (double)c.set_aside;
	UNPROTECT(1);
	return done;
}

SEXP
rfm_c_trim(SEXP handle)
{
	struct rfm_runtime *runtime = rfm_runtime_needed(handle);
	struct rfm_error error;

	if (rfm_store_trim(runtime->store, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	return R_NilValue;
}
SEXP
rfm_c_recollect(SEXP handle)
{
	rfm_runtime_retire_group(rfm_runtime_needed(handle));
	R_gc();
	return R_NilValue;
}

SEXP
rfm_c_clear(SEXP handle, SEXP word)
{
	struct rfm_runtime *runtime = rfm_runtime_needed(handle);
	struct rfm_error error;

	if (TYPEOF(word) != STRSXP || XLENGTH(word) != 1 ||
	    strcmp(CHAR(STRING_ELT(word, 0)), "everything") != 0)
		refuse("A store is emptied if the word is \"everything\"");
	if (rfm_store_clear(runtime->store, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	return R_NilValue;
}
