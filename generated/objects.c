/* Tangled from lit/68_objects.nw by 'make tangle': change it there, not here. */
#include "objects.h"
#include "altlist.h"
#include "layout.h"
#include <string.h>

/* sort objects into kinds */
enum kind { NOTHING, VECTOR, LIST, VALUE, REFERENCE };

static enum kind
kind_of(SEXP x)
{
	switch (TYPEOF(x)) {
	case NILSXP:
		return NOTHING;
	case LGLSXP: case INTSXP: case REALSXP: case CPLXSXP:
	case RAWSXP: case STRSXP:
		return Rf_isS4(x) ? VALUE : VECTOR;
	case VECSXP:
		return Rf_isS4(x) ? VALUE : LIST;
	case SYMSXP: case LANGSXP: case LISTSXP: case EXPRSXP:
	case S4SXP:
		return VALUE;
	default:
		return REFERENCE;
	}
}
/* list the attributes that are stored */
static SEXP
ask(SEXP function, SEXP x, SEXP more)
{
	bool code = TYPEOF(x) == SYMSXP || TYPEOF(x) == LANGSXP;
	SEXP argument = PROTECT(code ? Rf_lang2(R_QuoteSymbol, x) : x);
	SEXP call = PROTECT(more == R_NilValue ?
	    Rf_lang2(function, argument) :
	    Rf_lang3(function, argument, more));
	SEXP answer = PROTECT(Rf_eval(call, R_BaseEnv));

	SETCADR(call, R_NilValue);
	UNPROTECT(3);
	return answer;
}
static SEXP attributes_symbol, row_names_info_symbol, selfref_symbol;

SEXP
rfm_object_attributes(SEXP x)
{
	SEXP list, names, rows;
	R_xlen_t i;

	if (rfm_attribute_count(x) == 0)
		return R_NilValue;
	list = PROTECT(ask(attributes_symbol, x, R_NilValue));
	names = PROTECT(Rf_getAttrib(list, R_NamesSymbol));
	for (i = 0; i < XLENGTH(list); i++) {
		if (strcmp(CHAR(STRING_ELT(names, i)), "row.names") != 0)
			continue;
		rows = PROTECT(Rf_ScalarInteger(0));
		SET_VECTOR_ELT(list, i, ask(row_names_info_symbol, x, rows));
		UNPROTECT(1);
	}
	UNPROTECT(2);
	return list;
}

/* tell which attributes are kept */
static bool
is_kept(SEXP list, R_xlen_t i)
{
	SEXP names = Rf_getAttrib(list, R_NamesSymbol);

	return TYPEOF(VECTOR_ELT(list, i)) != EXTPTRSXP ||
	    strcmp(CHAR(STRING_ELT(names, i)),
	    CHAR(PRINTNAME(selfref_symbol))) != 0;
}

static R_xlen_t
count_kept(SEXP list)
{
	R_xlen_t i, kept = 0;

	for (i = 0; list != R_NilValue && i < XLENGTH(list); i++)
		kept += is_kept(list, i);
	return kept;
}
/* survey an object */
enum step { ELEMENT, ATTRIBUTE, SLOT };

struct spot {
	const struct spot *above;
	enum step          step;
	SEXP               names;       /* of all neighbours, or NULL */
	R_xlen_t           index;
};

struct survey {
	struct rfm_runtime *runtime;
	SEXP                report;     /* bytes, way, culprit */
	double              bytes;
	bool                serialize;
};

/* write down the way to a culprit */
static SEXP
step_of(const struct spot *spot)
{
	static const char *const words[] = { "element", "attribute",
		"slot" };
	SEXP step = PROTECT(Rf_allocVector(VECSXP, 3));
	SEXP name = R_BlankString;

	if (TYPEOF(spot->names) == STRSXP)
		name = STRING_ELT(spot->names, spot->index);
	SET_VECTOR_ELT(step, 0, Rf_mkString(words[spot->step]));
	SET_VECTOR_ELT(step, 1, Rf_ScalarString(name));
	SET_VECTOR_ELT(step, 2, Rf_ScalarReal((double)spot->index + 1));
	UNPROTECT(1);
	return step;
}

static bool
refuse(struct survey *s, const struct spot *spot, SEXP culprit)
{
	const struct spot *at;
	R_xlen_t depth = 0;
	SEXP way;

	for (at = spot; at != NULL; at = at->above)
		depth++;
	way = Rf_allocVector(VECSXP, depth);
	SET_VECTOR_ELT(s->report, 1, way);
	for (at = spot; at != NULL; at = at->above)
		SET_VECTOR_ELT(way, --depth, step_of(at));
	SET_VECTOR_ELT(s->report, 2, culprit);
	return false;
}
/* decide whether a vector of ours can be shared */
static bool
can_share(struct rfm_runtime *runtime, SEXP inner)
{
	const struct rfm_payload *payload;

	if (inner == NULL)
		return false;
	payload = rfm_altvec_live(inner);
	if (payload->store != runtime->store || (payload->whole != NULL &&
	    payload->length < payload->whole->length / 2))
		return false;
	return TYPEOF(inner) != VECSXP || rfm_altlist_bare(inner);
}
/* look into a value */
static bool look_into(struct survey *, SEXP x, const struct spot *);

static bool
look_into_cells(struct survey *s, SEXP x, const struct spot *above)
{
	struct spot spot = { above, ELEMENT, R_NilValue, 0 };
	bool good = true;

	spot.names = PROTECT(Rf_getAttrib(x, R_NamesSymbol));
	for (; good && x != R_NilValue; x = CDR(x), spot.index++)
		good = look_into(s, CAR(x), &spot);
	UNPROTECT(1);
	return good;
}

/* look into the attributes of a value */
static bool
look_into_attributes(struct survey *s, SEXP x, const struct spot *above)
{
	SEXP list = PROTECT(rfm_object_attributes(x));
	struct spot spot = { above, Rf_isS4(x) ? SLOT : ATTRIBUTE,
		R_NilValue, 0 };
	bool good = true;

	if (list != R_NilValue) {
		spot.names = Rf_getAttrib(list, R_NamesSymbol);
		for (; good && spot.index < XLENGTH(list); spot.index++)
			good = look_into(s, VECTOR_ELT(list, spot.index),
			    &spot);
	}
	UNPROTECT(1);
	return good;
}

static bool
look_into(struct survey *s, SEXP x, const struct spot *above)
{
	struct spot spot = { above, ELEMENT, R_NilValue, 0 };
	bool good = true;

	R_CheckStack();
	if (kind_of(x) == REFERENCE)
		return refuse(s, above, x);
	if (TYPEOF(x) == LANGSXP || TYPEOF(x) == LISTSXP)
		good = look_into_cells(s, x, above);
	if (TYPEOF(x) == VECSXP || TYPEOF(x) == EXPRSXP) {
		spot.names = PROTECT(Rf_getAttrib(x, R_NamesSymbol));
		for (; good && spot.index < XLENGTH(x); spot.index++)
			good = look_into(s, VECTOR_ELT(x, spot.index), &spot);
		UNPROTECT(1);
	}
	return good && look_into_attributes(s, x, above);
}
/* look at an object and all that is in it */
static bool look_at(struct survey *, SEXP x, const struct spot *);

static bool
look_at_all(struct survey *s, SEXP x, SEXP names, enum step step,
    const struct spot *above)
{
	struct spot spot = { above, step, names, 0 };
	bool good = true;

	for (; good && spot.index < XLENGTH(x); spot.index++)
		if (step == ELEMENT || is_kept(x, spot.index))
			good = look_at(s, VECTOR_ELT(x, spot.index), &spot);
	return good;
}

/* count the bytes of a vector */
static bool
count_bytes(struct survey *s, SEXP x)
{
	if (can_share(s->runtime, rfm_altvec_inner(x)))
		return false;
	s->bytes += (double)XLENGTH(x) *
	    (double)rfm_type_bytes(rfm_type_of(TYPEOF(x)));
	return true;
}
/* look at one object */
static bool
look_at(struct survey *s, SEXP x, const struct spot *spot)
{
	enum kind kind = kind_of(x);
	SEXP list, names;
	bool good = true;

	R_CheckStack();
	if (kind == REFERENCE)
		return s->serialize || refuse(s, spot, x);
	if (kind == VALUE)
		return s->serialize || look_into(s, x, spot);
	if (kind == NOTHING)
		return true;
	if (count_bytes(s, x) && kind == LIST) {
		names = PROTECT(Rf_getAttrib(x, R_NamesSymbol));
		good = look_at_all(s, x, names, ELEMENT, spot);
		UNPROTECT(1);
	}
	list = PROTECT(rfm_object_attributes(x));
	if (good && list != R_NilValue)
		good = look_at_all(s, list,
		    Rf_getAttrib(list, R_NamesSymbol), ATTRIBUTE, spot);
	UNPROTECT(1);
	return good;
}
/* begin a survey */
SEXP
rfm_object_survey(struct rfm_runtime *runtime, SEXP x, bool serialize)
{
	struct survey s = { runtime, R_NilValue, 0, serialize };
	struct rfm_error error;

	if (rfm_store_change(runtime->store, NULL, 0, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	PROTECT(runtime->anchor);
	s.report = PROTECT(Rf_allocVector(VECSXP, 3));
	(void)look_at(&s, x, NULL);
	SET_VECTOR_ELT(s.report, 0, Rf_ScalarReal(s.bytes));
	UNPROTECT(2);
	return s.report;
}
/* move elements and tell how far */
#define MOVE_BYTES ((uint64_t)8 << 20)

/* tell an R function a number */
static void
call_back(SEXP function, double value)
{
	SEXP number, call;

	if (function == R_NilValue)
		return;
	number = PROTECT(Rf_ScalarReal(value));
	call = PROTECT(Rf_lang2(function, number));
	(void)Rf_eval(call, R_BaseEnv);
	UNPROTECT(2);
}

static void
move_numbers(SEXP x, SEXP to, SEXP tell)
{
	uint64_t size = rfm_type_bytes(rfm_type_of(TYPEOF(to))), from, n;
	uint64_t length = (uint64_t)XLENGTH(to), step = MOVE_BYTES / size;
	struct rfm_payload *target;

	for (from = 0; from < length; from += n) {
		n = length - from < step ? length - from : step;
		R_CheckUserInterrupt();
		target = rfm_altvec_live(to);
		rfm_altvec_read(x, from, n,
		    (char *)target->address + from * size);
		call_back(tell, (double)(n * size));
	}
}

void
rfm_object_move(SEXP x, SEXP to, SEXP tell)
{
	struct rfm_payload *target = rfm_altvec_live(to);

	if (rfm_type_fixed(target->type)) {
		move_numbers(x, to, tell);
	} else {
		rfm_altvec_copy(x, to);
		call_back(tell, (double)target->bytes);
	}
}
/* link what was stored to its place */
struct place {
	struct rfm_runtime *runtime;
	SEXP                tell;       /* an R function, or NULL */
	bool                serialize;
	struct rfm_payload *list;       /* put it there, */
	uint64_t            index;      /* into this cell */
};

static void
link_payload(const struct place *to, struct rfm_payload *child)
{
	struct rfm_error error;

	if (rfm_store_link(to->list, to->index, child, &error) != RFM_OK)
		rfm_raise_error(&error, to->runtime->path);
}

static SEXP
new_payload(struct rfm_runtime *runtime, uint32_t type, uint64_t length)
{
	SEXP pointer = PROTECT(rfm_payload_pointer());
	struct rfm_payload *payload;
	struct rfm_error error;

	if (rfm_runtime_allocate(runtime, RFM_KIND_TEMPORARY, type, length,
	    rfm_type_has_ids(type), &payload, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	rfm_payload_hold(pointer, runtime, payload);
	UNPROTECT(1);
	return pointer;
}

static void
link_pointer(const struct place *to, SEXP pointer)
{
	link_payload(to, rfm_payload_of(pointer));
	rfm_payload_drop(pointer);
}
/* serialize a value into a payload */
struct sink {
	SEXP     value;
	char    *to;            /* NULL: count only */
	uint64_t bytes, room;
};

static void
put_bytes(R_outpstream_t stream, void *bytes, int count)
{
	struct sink *sink = (struct sink *)stream->data;
	uint64_t n = (uint64_t)count;

	if (sink->to != NULL && n <= sink->room - sink->bytes)
		memcpy(sink->to + sink->bytes, bytes, n);
	sink->bytes += n;
	if (sink->to != NULL && sink->bytes > sink->room)
		sink->bytes = sink->room;
}

static void
put_byte(R_outpstream_t stream, int byte)
{
	char c = (char)byte;

	put_bytes(stream, &c, 1);
}

/* pour a value into a sink */
static SEXP
pour(void *data)
{
	struct sink *sink = data;
	struct R_outpstream_st stream;

	R_InitOutPStream(&stream, (R_pstream_data_t)sink,
	    R_pstream_binary_format, 3, put_byte, put_bytes, NULL,
	    R_NilValue);
	R_Serialize(sink->value, &stream);
	return R_NilValue;
}

static void
by_reference_again(void *unused)
{
	(void)unused;
	rfm_altvec_by_value = false;
}

static uint64_t
serialize(SEXP x, char *to, uint64_t room)
{
	struct sink sink = { x, to, 0, room };

	rfm_altvec_by_value = true;
	R_ExecWithCleanup(pour, &sink, by_reference_again, NULL);
	return sink.bytes;
}
/* store a value as bytes */
static void
store_value(const struct place *to, SEXP x)
{
	uint64_t bytes = serialize(x, NULL, 0);
	SEXP pointer = PROTECT(new_payload(to->runtime, RFM_SERIALIZED,
	    bytes));

	if (serialize(x, rfm_payload_of(pointer)->address, bytes) != bytes)
		rfm_raise("argument", 0, NULL, "A value that was to be "
		    "stored has become shorter while it was stored.");
	link_pointer(to, pointer);
	UNPROTECT(1);
}
/* store vectors */
static void
share(const struct place *to, SEXP x, SEXP inner)
{
	struct rfm_payload *payload;

	if (!rfm_altvec_settle(inner))
		rfm_raise("closed", 0, NULL, "A vector cannot be stored: "
		    "its store takes no changes any more.");
	if (x != inner)
		MARK_NOT_MUTABLE(x);
	if (x == inner || MAYBE_SHARED(inner))
		MARK_NOT_MUTABLE(inner);           /* keeps I7 */
	payload = rfm_altvec_live(inner);
	link_payload(to, payload->whole == NULL ? payload :
	    payload->whole);
}

/* store a small vector */
#define SMALL_BYTES ((uint64_t)64 << 10)

static bool
is_small(SEXP x, uint32_t type)
{
	return !ALTREP(x) && rfm_type_fixed(type) &&
	    (uint64_t)XLENGTH(x) <= SMALL_BYTES / rfm_type_bytes(type);
}

static void
store_small(const struct place *to, SEXP x, uint32_t type)
{
	uint64_t length = (uint64_t)XLENGTH(x);
	struct rfm_payload *payload;
	struct rfm_error error;
	enum rfm_status status;

	status = rfm_runtime_allocate(to->runtime, RFM_KIND_TEMPORARY, type,
	    length, false, &payload, &error);
	if (status != RFM_OK)
		rfm_raise_error(&error, to->runtime->path);
	if (length > 0)
		memcpy(payload->address, DATAPTR_RO(x),
		    length * rfm_type_bytes(type));
	status = rfm_store_link(to->list, to->index, payload, &error);
	rfm_payload_release(payload);
	if (status != RFM_OK)
		rfm_raise_error(&error, to->runtime->path);
}
/* store a vector by moving it */
static void
store_moving(const struct place *to, SEXP x, uint32_t type)
{
	SEXP y = PROTECT(rfm_altvec_temporary(to->runtime, type,
	    (uint64_t)XLENGTH(x)));

	rfm_object_move(x, y, to->tell);
	(void)rfm_altvec_settle(y);
	link_payload(to, rfm_altvec_live(y));
	rfm_payload_drop(R_altrep_data1(y));
	UNPROTECT(1);
}
/* store a list by its elements */
static void store(const struct place *, SEXP x);

static void
store_list(const struct place *to, SEXP x)
{
	SEXP pointer = PROTECT(new_payload(to->runtime, RFM_LIST,
	    (uint64_t)XLENGTH(x)));
	struct place cell = *to;
	R_xlen_t i;

	cell.list = rfm_payload_of(pointer);
	for (i = 0; i < XLENGTH(x); i++) {
		if (i % 1024 == 1023)
			R_CheckUserInterrupt();
		cell.index = (uint64_t)i;
		store(&cell, VECTOR_ELT(x, i));
	}
	link_pointer(to, pointer);
	UNPROTECT(1);
}

static void
store_vector(const struct place *to, SEXP x)
{
	SEXP inner = rfm_altvec_inner(x);
	uint32_t type = rfm_type_of(TYPEOF(x));

	if (can_share(to->runtime, inner))
		share(to, x, inner);
	else if (type == RFM_LIST)
		store_list(to, x);
	else if (is_small(x, type))
		store_small(to, x, type);
	else
		store_moving(to, x, type);
}
/* store an object */
static SEXP
stretch_to_store(const struct place *to, SEXP x)
{
	SEXP inner = rfm_altvec_inner(x), two;
	const struct rfm_payload *payload;

	if (!can_share(to->runtime, inner))
		return R_NilValue;
	payload = rfm_altvec_live(inner);
	if (payload->whole == NULL && !rfm_payload_roomy(payload))
		return R_NilValue;
	two = Rf_allocVector(REALSXP, 2);
	REAL(two)[0] = (double)payload->from;
	REAL(two)[1] = (double)payload->length;
	return two;
}

/* store a vector with its attributes */
static void
store_object(const struct place *to, SEXP x, SEXP list, R_xlen_t kept,
    SEXP stretch)
{
	R_xlen_t i, k = 0, n = kept + (stretch != R_NilValue);
	SEXP pointer = PROTECT(new_payload(to->runtime, RFM_OBJECT,
	    (uint64_t)n + 2));
	SEXP all = Rf_getAttrib(list, R_NamesSymbol);
	SEXP names = PROTECT(Rf_allocVector(STRSXP, n));
	struct place cell = *to;

	cell.list = rfm_payload_of(pointer);
	cell.index = 0;
	if (x != R_NilValue)
		store_vector(&cell, x);
	for (i = 0; k < kept && i < XLENGTH(list); i++) {
		if (!is_kept(list, i))
			continue;
		SET_STRING_ELT(names, k++, STRING_ELT(all, i));
		cell.index = (uint64_t)k + 1;
		store(&cell, VECTOR_ELT(list, i));
	}
	cell.index = (uint64_t)n + 1;
	if (stretch != R_NilValue)
		store_vector(&cell, stretch);
	cell.index = 1;
	store_vector(&cell, names);
	link_pointer(to, pointer);
	UNPROTECT(2);
}
/* store anything */
static void
store(const struct place *to, SEXP x)
{
	enum kind kind = kind_of(x);
	SEXP list, stretch;
	R_xlen_t kept;

	R_CheckStack();
	if (kind == NOTHING)
		return;
	if (kind == REFERENCE && !to->serialize)
		rfm_raise("argument", 0, NULL, "What was to be stored has "
		    "changed meanwhile.");
	if (kind == VALUE || kind == REFERENCE) {
		store_value(to, x);
		return;
	}
	list = PROTECT(rfm_object_attributes(x));
	stretch = PROTECT(stretch_to_store(to, x));
	kept = count_kept(list);
	if (kept == 0 && stretch == R_NilValue)
		store_vector(to, x);
	else
		store_object(to, x, list, kept, stretch);
	UNPROTECT(2);
}
/* store the root of an object */
SEXP
rfm_object_store(struct rfm_runtime *runtime, SEXP x, bool serialize_all,
    SEXP tell)
{
	struct place root = { runtime, tell, serialize_all, NULL, 0 };
	struct rfm_payload *payload;
	struct rfm_error error;
	SEXP list, pointer;

	PROTECT(runtime->anchor);
	list = PROTECT(new_payload(runtime, RFM_LIST, 1));
	pointer = PROTECT(rfm_payload_pointer());
	root.list = rfm_payload_of(list);
	if (x == R_NilValue)
		store_object(&root, x, x, 0, x);
	else
		store(&root, x);
	if (rfm_store_element(root.list, 0, &payload, &error) != RFM_OK)
		rfm_raise_error(&error, runtime->path);
	rfm_payload_hold(pointer, runtime, payload);
	rfm_payload_drop(list);
	UNPROTECT(3);
	return pointer;
}
/* unserialize a payload */
static NORET void
refuse_object(struct rfm_runtime *runtime,
    const struct rfm_payload *payload, const char *why)
{
	struct rfm_error error;

	rfm_fail(&error, RFM_DAMAGED, "object %llu %s",
	    (unsigned long long)payload->id, why);
	rfm_raise_error(&error, runtime->path);
}

struct source {
	struct rfm_runtime       *runtime;
	const struct rfm_payload *payload;
	uint64_t                  at;
};

static void
get_bytes(R_inpstream_t stream, void *bytes, int count)
{
	struct source *from = (struct source *)stream->data;
	uint64_t n = (uint64_t)count;

	if (from->payload->address == NULL ||
	    n > from->payload->length - from->at)
		Rf_error("it ends too early");
	memcpy(bytes, (const char *)from->payload->address + from->at, n);
	from->at += n;
}

static int
get_byte(R_inpstream_t stream)
{
	unsigned char c;

	get_bytes(stream, &c, 1);
	return c;
}

/* let R unserialize, and say what it said */
static SEXP
draw(void *data)
{
	struct R_inpstream_st stream;

	R_InitInPStream(&stream, (R_pstream_data_t)data,
	    R_pstream_any_format, get_byte, get_bytes, NULL, R_NilValue);
	return R_Unserialize(&stream);
}

static SEXP
refuse_bytes(SEXP condition, void *data)
{
	const struct source *from = data;
	SEXP text = TYPEOF(condition) == VECSXP && XLENGTH(condition) > 0 ?
	    VECTOR_ELT(condition, 0) : R_NilValue;
	char why[300];

	snprintf(why, sizeof why, "cannot be unserialized: %.200s",
	    TYPEOF(text) == STRSXP && XLENGTH(text) == 1 ?
	    Rf_translateChar(STRING_ELT(text, 0)) : "an error of R's");
	refuse_object(from->runtime, from->payload, why);
}

static SEXP
unserialized(struct rfm_runtime *runtime, SEXP pointer)
{
	struct source from = { runtime, rfm_payload_of(pointer), 0 };
	SEXP x;

	PROTECT(pointer);
	x = R_tryCatchError(draw, &from, refuse_bytes, &from);
	UNPROTECT(1);
	return x;
}
/* give an object */
static SEXP dressed(struct rfm_runtime *, SEXP pointer);
static SEXP window_on(struct rfm_runtime *, SEXP pointer);

SEXP
rfm_object_give(struct rfm_runtime *runtime, SEXP pointer)
{
	uint32_t type = rfm_payload_of(pointer)->type;
	SEXP x;

	R_CheckStack();
	if (type != RFM_OBJECT && type != RFM_SERIALIZED)
		return window_on(runtime, pointer);
	x = PROTECT(type == RFM_OBJECT ? dressed(runtime, pointer) :
	    unserialized(runtime, pointer));
	rfm_payload_drop(pointer);
	UNPROTECT(1);
	return x;
}

/* make a vector of a pointer */
static SEXP
window_on(struct rfm_runtime *runtime, SEXP pointer)
{
	const struct rfm_payload *payload = rfm_payload_of(pointer);
	SEXP x;

	if (rfm_type_sexp(payload->type) == NILSXP)
		refuse_object(runtime, payload, "has a cell that leads to "
		    "no R object");
	x = PROTECT(rfm_altvec_window(pointer, payload->type));
	if (payload->type == RFM_LIST)
		rfm_altlist_name(x);
	MARK_NOT_MUTABLE(x);                       /* keeps I7 */
	UNPROTECT(1);
	return x;
}
/* take what a cell leads to */
static SEXP
cell_of(struct rfm_runtime *runtime, SEXP object, uint64_t index)
{
	SEXP pointer = PROTECT(rfm_payload_pointer());
	struct rfm_payload *child;
	struct rfm_error error;

	if (rfm_store_element(rfm_payload_of(object), index, &child,
	    &error) != RFM_OK)                     /* keeps I10 */
		rfm_raise_error(&error, runtime->path);
	if (child != NULL)
		rfm_payload_hold(pointer, runtime, child);
	UNPROTECT(1);
	return child == NULL ? R_NilValue : pointer;
}

static uint32_t
type_in(SEXP pointer)
{
	return pointer == R_NilValue ? 0 : rfm_payload_of(pointer)->type;
}
/* make an ordinary vector of an attribute */
#define ORDINARY_LENGTH 1000

static SEXP
ordinary(SEXP x)
{
	R_xlen_t length = Rf_xlength(x), i;
	SEXP y;

	R_CheckStack();
	if (rfm_altvec_inner(x) != x ||
	    (length > ORDINARY_LENGTH && TYPEOF(x) != VECSXP))
		return x;
	PROTECT(x);
	y = PROTECT(Rf_allocVector((SEXPTYPE)TYPEOF(x), length));
	if (rfm_type_fixed(rfm_type_of(TYPEOF(x))) && length > 0)
		rfm_altvec_read(x, 0, (uint64_t)length,
		    (void *)(uintptr_t)DATAPTR_RO(y));
	for (i = 0; TYPEOF(x) == STRSXP && i < length; i++)
		SET_STRING_ELT(y, i, STRING_ELT(x, i));
	for (i = 0; TYPEOF(x) == VECSXP && i < length; i++)
		SET_VECTOR_ELT(y, i, ordinary(VECTOR_ELT(x, i)));
	SHALLOW_DUPLICATE_ATTRIB(y, x);
	UNPROTECT(2);
	return y;
}
static SEXP
attribute_of(struct rfm_runtime *runtime, SEXP object, uint64_t index)
{
	SEXP pointer = PROTECT(cell_of(runtime, object, index));
	SEXP given, value;

	if (pointer == R_NilValue)
		refuse_object(runtime, rfm_payload_of(object),
		    "lacks the value of an attribute");
	given = PROTECT(rfm_object_give(runtime, pointer));
	value = ordinary(given);
	if (value != given)
		rfm_altvec_spend(given);
	UNPROTECT(2);
	return value;
}
/* tell which columns are lent */
static SEXP
lent(SEXP column)
{
	if (rfm_altvec_inner(column) != column)
		return column;
	if (TYPEOF(column) == VECSXP)
		return Rf_shallow_duplicate(column);
	rfm_altvec_lend(column);
	return column;
}
/* make a data frame of its columns */
static SEXP
frame_of(struct rfm_runtime *runtime, SEXP list, bool lends)
{
	uint64_t length = rfm_payload_of(list)->length, i;
	SEXP frame = PROTECT(Rf_allocVector(VECSXP, (R_xlen_t)length));
	SEXP pointer, column;

	for (i = 0; i < length; i++) {
		pointer = PROTECT(cell_of(runtime, list, i));
		if (pointer != R_NilValue) {
			column = PROTECT(rfm_object_give(runtime, pointer));
			SET_VECTOR_ELT(frame, (R_xlen_t)i,
			    lends ? lent(column) : column);
			UNPROTECT(1);
		}
		UNPROTECT(1);
	}
	UNPROTECT(1);
	return frame;
}
/* find a word in the class */
static bool
has_class(SEXP names, SEXP values, const char *word)
{
	R_xlen_t i, k;

	for (i = 0; i < XLENGTH(names); i++) {
		SEXP class = VECTOR_ELT(values, i);

		if (TYPEOF(class) != STRSXP ||
		    strcmp(CHAR(STRING_ELT(names, i)), "class") != 0)
			continue;
		for (k = 0; k < XLENGTH(class); k++)
			if (strcmp(CHAR(STRING_ELT(class, k)), word) == 0)
				return true;
	}
	return false;
}
/* dress a vector in its attributes */
static int
turn_of(const char *name)
{
	return strcmp(name, "dim") == 0 ? 0 :
	    strcmp(name, "class") == 0 ? 2 : 1;
}

static void
put_on_one(SEXP x, SEXP name, SEXP value)
{
	if (LENGTH(name) > 0)
		Rf_setAttrib(x, Rf_installTrChar(name), value);
}

static void
put_on(SEXP x, SEXP names, SEXP values)
{
	R_xlen_t i;
	int turn;

	for (turn = 0; turn < 3; turn++)
		for (i = 0; i < XLENGTH(names); i++)
			if (turn_of(CHAR(STRING_ELT(names, i))) == turn)
				put_on_one(x, STRING_ELT(names, i),
				    VECTOR_ELT(values, i));
	if (has_class(names, values, "data.table"))
		Rf_setAttrib(x, selfref_symbol, PROTECT(R_MakeExternalPtr(
		    NULL, R_NilValue, R_NilValue))), UNPROTECT(1);
}

/* read the attributes of an object */
static SEXP
names_in(struct rfm_runtime *runtime, SEXP object)
{
	const struct rfm_payload *payload = rfm_payload_of(object);
	SEXP pointer, names;
	R_xlen_t i;

	if (payload->length < 2)
		refuse_object(runtime, payload, "is too short");
	pointer = PROTECT(cell_of(runtime, object, 1));
	names = PROTECT(type_in(pointer) != RFM_CHARACTER ? R_NilValue :
	    rfm_object_give(runtime, pointer));
	if (names == R_NilValue ||
	    (uint64_t)XLENGTH(names) != payload->length - 2)
		refuse_object(runtime, payload,
		    "has not as many attributes as names of them");
	for (i = 0; i < XLENGTH(names); i++)
		if (STRING_ELT(names, i) == NA_STRING)
			refuse_object(runtime, payload,
			    "has an attribute without a name");
	UNPROTECT(2);
	return names;
}

static SEXP
values_in(struct rfm_runtime *runtime, SEXP object, R_xlen_t count)
{
	SEXP values = PROTECT(Rf_allocVector(VECSXP, count));
	R_xlen_t i;

	for (i = 0; i < count; i++)
		SET_VECTOR_ELT(values, i,
		    attribute_of(runtime, object, (uint64_t)i + 2));
	UNPROTECT(1);
	return values;
}
/* find the stretch that is meant */
static SEXP
stretch_of(struct rfm_runtime *runtime, SEXP object, SEXP x, SEXP names,
    SEXP values)
{
	R_xlen_t i;

	for (i = 0; i < XLENGTH(names); i++) {
		SEXP two = VECTOR_ELT(values, i);

		if (LENGTH(STRING_ELT(names, i)) > 0)
			continue;
		if (rfm_altvec_inner(x) != x || TYPEOF(two) != REALSXP ||
		    XLENGTH(two) != 2 || !(REAL(two)[0] >= 0) ||
		    !(REAL(two)[1] >= 0) || !(REAL(two)[0] +
		    REAL(two)[1] <= 4503599627370496.))
			refuse_object(runtime, rfm_payload_of(object),
			    "has no sensible stretch");
		return rfm_altvec_view(x, (uint64_t)REAL(two)[0],
		    (uint64_t)REAL(two)[1]);
	}
	return x;
}
/* put vector and attributes together */
static SEXP
dressed(struct rfm_runtime *runtime, SEXP object)
{
	SEXP data, names, values, given, x;

	PROTECT(object);
	data = PROTECT(cell_of(runtime, object, 0));
	names = PROTECT(names_in(runtime, object));
	values = PROTECT(values_in(runtime, object, XLENGTH(names)));
	if (data == R_NilValue && XLENGTH(names) == 0) {
		UNPROTECT(4);
		return R_NilValue;
	}
	if (rfm_type_sexp(type_in(data)) == NILSXP)
		refuse_object(runtime, rfm_payload_of(object),
		    "has no vector");
	if (type_in(data) == RFM_LIST &&
	    has_class(names, values, "data.frame"))
		given = frame_of(runtime, data,
		    has_class(names, values, "data.table"));
	else
		given = rfm_object_give(runtime, data);
	PROTECT(given);
	x = PROTECT(stretch_of(runtime, object, given, names, values));
	if (x != given)
		rfm_altvec_spend(given);
	put_on(x, names, values);
	rfm_altvec_spend(names);
	if (TYPEOF(x) == VECSXP && !ALTREP(x))
		rfm_payload_drop(data);
	MARK_NOT_MUTABLE(x);                       /* keeps I7 */
	UNPROTECT(6);
	return x;
}

void
rfm_object_load(void)
{
	attributes_symbol = Rf_install("attributes");
	row_names_info_symbol = Rf_install(".row_names_info");
	selfref_symbol = Rf_install(".internal.selfref");
	rfm_altlist_join(rfm_object_give);
}
