/* Tangled from lit/67_lists.nw by 'make tangle': change it there, not here. */
#include "altlist.h"
#include "layout.h"
#include <string.h>

static R_altrep_class_t list_class;

/* open the box of a list */
enum {
	SEEN = RFM_BOX_CACHE,     /* R objects of elements; NULL: unseen */
	CLASSED = RFM_BOX_RECORD, /* of the unseen: one byte, or one each */
	NOTES = RFM_BOX_TABLE     /* an integer of the following bits */
};
enum { DRESSED = 1, COMPLETE = 2, BY_NAME = 4 };

static SEXP
place(SEXP x, int what)
{
	return VECTOR_ELT(R_altrep_data2(x), what);
}

static int
notes(SEXP x)
{
	SEXP bits = place(x, NOTES);

	return TYPEOF(bits) == INTSXP ? INTEGER(bits)[0] : 0;
}

/* see and note */
static void
note(SEXP x, int bits)
{
	if (place(x, NOTES) == R_NilValue)
		SET_VECTOR_ELT(R_altrep_data2(x), NOTES,
		    Rf_ScalarInteger(0));
	INTEGER(place(x, NOTES))[0] |= bits;
}

static SEXP
seen(SEXP x)
{
	SEXP list = place(x, SEEN);

	if (list == R_NilValue) {
		note(x, 0);
		list = Rf_allocVector(VECSXP, XLENGTH(x));
		SET_VECTOR_ELT(R_altrep_data2(x), SEEN, list);
	}
	return list;
}
/* know a list that came by name */
static rfm_altlist_giver *give_object;

void
rfm_altlist_join(rfm_altlist_giver *giver)
{
	give_object = giver;
}

void
rfm_altlist_name(SEXP x)
{
	note(x, BY_NAME);
}

bool
rfm_altlist_bare(SEXP x)
{
	return (notes(x) & BY_NAME) != 0 || ((notes(x) & DRESSED) == 0 &&
	    place(x, CLASSED) == R_NilValue);
}
/* fetch an element from the store */
static bool
is_empty(const struct rfm_payload *list, R_xlen_t i)
{
	return ((const uint64_t *)list->address)[i] == 0;
}

/* tell whether an element has attributes */
static bool
is_ours(SEXP x)
{
	return ALTREP(x) && R_altrep_inherits(x, list_class);
}

static bool
has_attributes(SEXP element)
{
	if (rfm_attribute_count(element) > 0)
		return true;
	return is_ours(element) && (notes(element) & DRESSED) != 0;
}
/* tell how an unseen element was classed */
static bool
was_classed(SEXP x, R_xlen_t i)
{
	SEXP classed = place(x, CLASSED);

	if (TYPEOF(classed) != RAWSXP)
		return false;
	return RAW(classed)[XLENGTH(classed) == 1 ? 0 : i] == 1;
}

/* class an element that was classed */
static void
class_element(SEXP x, SEXP element)
{
	Rf_setAttrib(element, R_ClassSymbol,
	    rfm_altvec_class(rfm_type_of(TYPEOF(element)), 0));
	note(x, DRESSED);
}

static SEXP
fetch(SEXP x, R_xlen_t i)
{
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	SEXP pointer = PROTECT(rfm_payload_pointer()), element;
	struct rfm_payload *child;
	struct rfm_error error;

	if (runtime == NULL)
		rfm_raise("closed", 0, NULL, "The fmalloc runtime is closed.");
	if (rfm_store_element(rfm_altvec_live(x), (uint64_t)i, &child,
	    &error) != RFM_OK)                     /* keeps I10 */
		rfm_raise_error(&error, runtime->path);
	rfm_payload_hold(pointer, runtime, child);
	if (rfm_type_sexp(child->type) == NILSXP) {
		element = give_object(runtime, pointer);
		UNPROTECT(1);
		return element;
	}
	element = PROTECT(rfm_altvec_window(pointer, child->type));
	if ((notes(x) & BY_NAME) != 0 && child->type == RFM_LIST)
		rfm_altlist_name(element);
	if (was_classed(x, i))
		class_element(x, element);
	MARK_NOT_MUTABLE(element);
	UNPROTECT(2);
	return element;
}
/* give an element */
static SEXP
elt(SEXP x, R_xlen_t i)
{
	const struct rfm_payload *list = rfm_altvec_live(x);
	SEXP objects = place(x, SEEN), element = R_NilValue;

	if (objects != R_NilValue)
		element = VECTOR_ELT(objects, i);
	if (element != R_NilValue || is_empty(list, i))
		return element;
	objects = seen(x);
	element = PROTECT(fetch(x, i));
	SET_VECTOR_ELT(objects, i, element);
	UNPROTECT(1);
	return element;
}
/* look at a new element or fail */
static SEXP
unwrapped(SEXP wrapper, SEXP inner)
{
	SEXP object = PROTECT(rfm_altvec_alias(inner));

	SHALLOW_DUPLICATE_ATTRIB(object, wrapper);
	MARK_NOT_MUTABLE(wrapper);
	if (MAYBE_SHARED(inner))
		MARK_NOT_MUTABLE(inner);
	UNPROTECT(1);
	return object;
}

/* admit a vector of the same store */
static SEXP
admitted(SEXP x, SEXP value)
{
	struct rfm_payload *list = rfm_altvec_live(x);
	SEXP inner;

	if (value == R_NilValue)
		return value;
	inner = rfm_altvec_inner(value);
	if (inner != NULL && (rfm_altvec_live(inner)->whole != NULL ||
	    rfm_payload_roomy(rfm_altvec_live(inner)))) {
		value = Rf_shallow_duplicate(value);
		inner = rfm_altvec_inner(value);
	}
	if (inner == NULL)
		rfm_raise("argument", 0, NULL, "The elements of a fmalloc "
		    "list are NULL or fmalloc vectors: ordinary R objects "
		    "have no place in the file. as_fmalloc() makes a "
		    "copy that has.");
	if (rfm_altvec_live(inner)->store != list->store)
		rfm_raise("mismatch", 0, NULL, "The elements of a fmalloc "
		    "list live in the same fmalloc runtime as the list: "
		    "as_fmalloc() makes a copy there.");
	if (!rfm_altvec_settle(inner))
		rfm_raise("closed", 0, NULL, "This vector cannot be put "
		    "into a list: its store takes no changes any more.");
	return inner == value ? value : unwrapped(value, inner);
}
/* put an element into its cell */
static void
link_child(SEXP x, R_xlen_t i, struct rfm_payload *child)
{
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	struct rfm_error error;

	if (rfm_store_link(rfm_altvec_live(x), (uint64_t)i, child,
	    &error) != RFM_OK)                     /* keeps I13 */
		rfm_raise_error(&error,
		    runtime == NULL ? NULL : runtime->path);
}

/* put an element and see it */
static void
put(SEXP x, R_xlen_t i, SEXP value)
{
	SEXP objects = PROTECT(seen(x));

	link_child(x, i, value == R_NilValue ? NULL :
	    rfm_altvec_live(value));
	SET_VECTOR_ELT(objects, i, value);
	if (value != R_NilValue && has_attributes(value))
		note(x, DRESSED);
	UNPROTECT(1);
}
/* set an element */
static bool
is_there(SEXP x, R_xlen_t i, SEXP value)
{
	SEXP objects = place(x, SEEN);

	return value != R_NilValue && objects != R_NilValue &&
	    VECTOR_ELT(objects, i) == value;
}

static void
set_elt(SEXP x, R_xlen_t i, SEXP value)
{
	if (is_there(x, i, value))
		return;
	if ((notes(x) & BY_NAME) != 0)
		rfm_raise("argument", 0, NULL, "A list that came by name "
		    "is a value, and some C code has tried to change it in "
		    "place.");
	value = PROTECT(admitted(x, value));
	put(x, i, value);
	UNPROTECT(1);
}
/* share elements with another list */
static void
share_cell(SEXP x, R_xlen_t i, SEXP to, R_xlen_t k)
{
	struct rfm_payload *list = rfm_altvec_live(x), *child;
	struct rfm_payload *target = rfm_altvec_live(to);
	struct rfm_runtime *runtime = rfm_altvec_runtime(x);
	struct rfm_error error;
	enum rfm_status status;

	status = rfm_store_element(list, (uint64_t)i, &child, &error);
	if (status == RFM_OK) {
		status = rfm_store_link(target, (uint64_t)k, child, &error);
		if (child != NULL)
			rfm_payload_release(child);
	}
	if (status != RFM_OK)
		rfm_raise_error(&error,
		    runtime == NULL ? NULL : runtime->path);
}

static void
share(SEXP x, R_xlen_t i, SEXP to, R_xlen_t k)
{
	SEXP objects = place(x, SEEN), element = R_NilValue;

	if (objects != R_NilValue)
		element = VECTOR_ELT(objects, i);
	if (element == R_NilValue && is_empty(rfm_altvec_live(x), i))
		return;
	if (element == R_NilValue && was_classed(x, i))
		element = elt(x, i);
	PROTECT(element);
	if (element != R_NilValue) {
		note(to, notes(x) & DRESSED);
		SET_VECTOR_ELT(seen(to), k, element);
	}
	share_cell(x, i, to, k);
	UNPROTECT(1);
}
/* take a subset of a list */
static SEXP
extract_subset(SEXP x, SEXP index, SEXP call)
{
	R_xlen_t count = XLENGTH(index), i, k;
	int64_t positions[RFM_POSITIONS];
	SEXP y;

	(void)call;
	(void)rfm_altvec_live(x);
	if (count < 2 || (notes(x) & BY_NAME) != 0 ||
	    (TYPEOF(index) != INTSXP && TYPEOF(index) != REALSXP))
		return NULL;
	y = rfm_altvec_sibling(x, RFM_LIST, (uint64_t)count);
	if (y == NULL)
		return NULL;
	PROTECT(y);
	for (i = 0; i < count; i += RFM_POSITIONS) {
		R_xlen_t n = count - i < RFM_POSITIONS ? count - i :
		    RFM_POSITIONS;

		R_CheckUserInterrupt();
		rfm_altvec_positions(index, i, n, XLENGTH(x), positions);
		for (k = 0; k < n; k++)
			if (positions[k] >= 0)
				share(x, positions[k], y, i + k);
	}
	UNPROTECT(1);
	return y;
}
/* duplicate a list */
static SEXP
as_ordinary(SEXP x)
{
	R_xlen_t length = XLENGTH(x), i;
	SEXP y = PROTECT(Rf_allocVector(VECSXP, length));

	for (i = 0; i < length; i++)
		SET_VECTOR_ELT(y, i, elt(x, i));
	UNPROTECT(1);
	return y;
}

static SEXP
duplicate(SEXP x, Rboolean deep)
{
	R_xlen_t length = XLENGTH(x), i;
	SEXP y;

	(void)deep;
	if ((notes(x) & BY_NAME) != 0)
		return as_ordinary(x);
	y = rfm_altvec_sibling(x, RFM_LIST, (uint64_t)length);
	if (y == NULL)
		return NULL;
	PROTECT(y);
	for (i = 0; i < length; i++) {
		if (i % 65536 == 65535)
			R_CheckUserInterrupt();
		share(x, i, y, i);                 /* keeps I7 */
	}
	UNPROTECT(1);
	return y;
}
void
rfm_altlist_copy(SEXP x, SEXP to)
{
	R_xlen_t length = XLENGTH(x), i;

	for (i = 0; i < length; i++) {
		R_CheckUserInterrupt();
		SET_VECTOR_ELT(to, i, VECTOR_ELT(x, i));
	}
}
/* give the address of all elements */
static void *
dataptr(SEXP x, Rboolean writable)
{
	R_xlen_t length = XLENGTH(x), i;
	SEXP objects = seen(x);

	(void)writable;
	for (i = 0; i < length; i++)
		(void)elt(x, i);
	note(x, COMPLETE);
	return (void *)(uintptr_t)DATAPTR_RO(objects);
}

static const void *
dataptr_or_null(SEXP x)
{
	const struct rfm_payload *list = rfm_altvec_payload(x);

	if (list == NULL || list->address == NULL ||
	    (notes(x) & COMPLETE) == 0)
		return NULL;
	return DATAPTR_RO(place(x, SEEN));
}
/* write references to lists */
enum sort { BARE, DRESSED_ONE, CLASSED_ONE, SORTS };
enum { STATE_REFERENCE, STATE_CLASSED, STATE_POSITIONS, STATE_ELEMENTS,
	STATE_FIELDS };

static bool
has_our_class_alone(SEXP x)
{
	SEXP ours = rfm_altvec_class(rfm_type_of(TYPEOF(x)), 0), class;

	if (rfm_attribute_count(x) != 1)
		return false;
	class = Rf_getAttrib(x, R_ClassSymbol);
	return class == ours || R_compute_identical(class, ours, 16);
}

/* tell whether the file knows an element's attributes */
static bool
is_object(SEXP x, R_xlen_t i)
{
	struct rfm_payload *child;
	struct rfm_error error;
	bool object;

	if (rfm_store_element(rfm_altvec_live(x), (uint64_t)i, &child,
	    &error) != RFM_OK)
		rfm_raise_error(&error, NULL);
	if (child == NULL)
		return false;
	object = rfm_type_sexp(child->type) == NILSXP;
	rfm_payload_release(child);
	return object;
}

static enum sort
sort_of(SEXP x, R_xlen_t i)
{
	SEXP element = VECTOR_ELT(place(x, SEEN), i);

	if (element == R_NilValue)
		return was_classed(x, i) ? CLASSED_ONE : BARE;
	if (!has_attributes(element) || is_object(x, i))
		return BARE;
	if (is_ours(element) && (notes(element) & DRESSED) != 0)
		return DRESSED_ONE;
	return has_our_class_alone(element) ? CLASSED_ONE : DRESSED_ONE;
}

/* compose the state of a list */
static SEXP
compose(SEXP x, SEXP reference)
{
	R_xlen_t length = XLENGTH(x), counts[SORTS] = { 0 }, i, k = 0;
	SEXP state = PROTECT(Rf_allocVector(VECSXP, STATE_FIELDS));
	SEXP sorts = Rf_allocVector(RAWSXP, length), positions, elements;

	SET_VECTOR_ELT(state, STATE_REFERENCE, reference);
	SET_VECTOR_ELT(state, STATE_CLASSED, sorts);
	for (i = 0; i < length; i++) {
		enum sort sort = sort_of(x, i);

		counts[sort]++;
		RAW(sorts)[i] = sort == CLASSED_ONE;
	}
	if (counts[CLASSED_ONE] == 0 || counts[CLASSED_ONE] == length)
		SET_VECTOR_ELT(state, STATE_CLASSED,
		    Rf_ScalarRaw(counts[CLASSED_ONE] > 0));
	positions = Rf_allocVector(REALSXP, counts[DRESSED_ONE]);
	SET_VECTOR_ELT(state, STATE_POSITIONS, positions);
	elements = Rf_allocVector(VECSXP, counts[DRESSED_ONE]);
	SET_VECTOR_ELT(state, STATE_ELEMENTS, elements);
	for (i = 0; k < counts[DRESSED_ONE]; i++)
		if (sort_of(x, i) == DRESSED_ONE) {
			REAL(positions)[k] = (double)i + 1;
			SET_VECTOR_ELT(elements, k++,
			    VECTOR_ELT(place(x, SEEN), i));
		}
	UNPROTECT(1);
	return counts[BARE] == length ? reference : state;
}
/* seal a list and give its state */
#define SORTED_BY_NAME 2

static SEXP
compose_named(SEXP reference)
{
	SEXP state = PROTECT(Rf_allocVector(VECSXP, STATE_FIELDS));

	SET_VECTOR_ELT(state, STATE_REFERENCE, reference);
	SET_VECTOR_ELT(state, STATE_CLASSED, Rf_ScalarRaw(SORTED_BY_NAME));
	SET_VECTOR_ELT(state, STATE_POSITIONS, Rf_allocVector(REALSXP, 0));
	SET_VECTOR_ELT(state, STATE_ELEMENTS, Rf_allocVector(VECSXP, 0));
	UNPROTECT(1);
	return state;
}

static SEXP
serialized_state(SEXP x)
{
	SEXP reference = rfm_altvec_reference(x), state;

	if (reference == NULL || (notes(x) == 0 &&
	    place(x, SEEN) == R_NilValue && place(x, CLASSED) == R_NilValue))
		return reference;
	PROTECT(reference);
	state = (notes(x) & BY_NAME) != 0 ? compose_named(reference) :
	    compose(x, reference);
	UNPROTECT(1);
	return state;
}
/* read references to lists */
static void
check_fields(SEXP state)
{
	static const SEXPTYPE types[STATE_FIELDS] = { VECSXP, RAWSXP,
		REALSXP, VECSXP };
	int k;

	for (k = 0; k < STATE_FIELDS; k++)
		if ((SEXPTYPE)TYPEOF(VECTOR_ELT(state, k)) != types[k])
			rfm_altvec_refuse("a field of a list is of the "
			    "wrong type.");
	if (XLENGTH(VECTOR_ELT(state, STATE_POSITIONS)) !=
	    XLENGTH(VECTOR_ELT(state, STATE_ELEMENTS)))
		rfm_altvec_refuse("a list has not as many elements as "
		    "positions.");
}

/* recognise an element or fail */
static SEXP
recognised(SEXP x, R_xlen_t i, SEXP element)
{
	SEXP inner = rfm_altvec_inner(element);
	struct rfm_payload *child;
	struct rfm_error error;
	bool same;

	if (rfm_store_element(rfm_altvec_live(x), (uint64_t)i, &child,
	    &error) != RFM_OK)
		rfm_raise_error(&error, NULL);
	same = child != NULL && inner != NULL &&
	    rfm_altvec_payload(inner) == child;
	if (child != NULL)
		rfm_payload_release(child);
	if (!same)
		rfm_altvec_refuse("a list has another element in that place.");
	return element == inner ? element : unwrapped(element, inner);
}
/* dress the elements of a list */
static void
dress(SEXP x, SEXP state)
{
	SEXP classed = VECTOR_ELT(state, STATE_CLASSED);
	SEXP positions = VECTOR_ELT(state, STATE_POSITIONS);
	SEXP elements = VECTOR_ELT(state, STATE_ELEMENTS);
	R_xlen_t length = XLENGTH(x), k;

	if (XLENGTH(classed) != length && XLENGTH(classed) != 1)
		rfm_altvec_refuse("a list has not as many elements as sorts.");
	if (XLENGTH(classed) == 1 && RAW(classed)[0] == SORTED_BY_NAME) {
		note(x, BY_NAME);
		return;
	}
	SET_VECTOR_ELT(R_altrep_data2(x), CLASSED, classed);
	note(x, DRESSED);
	for (k = 0; k < XLENGTH(positions); k++) {
		double at = REAL(positions)[k];
		SEXP element;

		if (!(at >= 1 && at <= (double)length) ||
		    at != (double)(R_xlen_t)at)
			rfm_altvec_refuse("a position is not in the list.");
		element = PROTECT(recognised(x, (R_xlen_t)at - 1,
		    VECTOR_ELT(elements, k)));
		SET_VECTOR_ELT(seen(x), (R_xlen_t)at - 1, element);
		UNPROTECT(1);
	}
}
/* resolve a reference to a list */
static SEXP
unserialize(SEXP class, SEXP state)
{
	bool dressed = TYPEOF(state) == VECSXP &&
	    XLENGTH(state) == STATE_FIELDS;
	SEXP x;

	if (dressed)
		check_fields(state);
	x = PROTECT(rfm_altvec_recover(class, dressed ?
	    VECTOR_ELT(state, STATE_REFERENCE) : state));
	if (dressed && TYPEOF(x) != VECSXP)
		rfm_altvec_refuse("it leads to a vector that is no list.");
	if (dressed)
		dress(x, state);
	UNPROTECT(1);
	return x;
}
/* tell R of the class of lists */
static bool
settle(SEXP x)
{
	(void)x;
	return true;
}

void
rfm_altlist_load(DllInfo *dll)
{
	static const struct rfm_altvec_kind kind = { "wrap_list", settle,
		rfm_altlist_copy };

	list_class = R_make_altlist_class("fmalloc_altrep_list", "Rfmalloc",
	    dll);
	rfm_altvec_join(RFM_LIST, list_class, &kind);
	R_set_altrep_Duplicate_method(list_class, duplicate);
	R_set_altrep_Serialized_state_method(list_class, serialized_state);
	R_set_altrep_Unserialize_method(list_class, unserialize);
	R_set_altvec_Dataptr_method(list_class, dataptr);
	R_set_altvec_Dataptr_or_null_method(list_class, dataptr_or_null);
	R_set_altvec_Extract_subset_method(list_class, extract_subset);
	R_set_altlist_Elt_method(list_class, elt);
	R_set_altlist_Set_elt_method(list_class, set_elt);
}
