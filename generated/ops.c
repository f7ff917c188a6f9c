/* Tangled from lit/70_ops.nw by 'make tangle': change it there, not here. */
#include "ops.h"
#include "cells.h"
#include "layout.h"
#include <limits.h>
#include <math.h>
#include <string.h>

#define OPS_BLOCK 8192

/* what is to be computed */
struct operand {
	SEXP     vector;        /* as the caller gave it */
	SEXP     symbol;        /* e1 or e2 */
	uint64_t length;
	SEXP     block;         /* bound to the symbol */
	bool     steady;        /* the same block serves every round */
	struct rfm_payload *window; /* or NULL: the block is a copy */
};

struct job {
	SEXP           call, environment;
	struct operand operands[2];
	int            count;
	uint64_t       length;  /* of the result */
	SEXP           ours;    /* the result lives in its store */
};

/* set up a job */
static void
add_operand(struct job *job, const char *name, SEXP vector)
{
	struct operand *operand = &job->operands[job->count++];

	operand->vector = vector;
	operand->symbol = Rf_install(name);
	operand->length = (uint64_t)Rf_xlength(vector);
	operand->block = R_NilValue;
	operand->steady = false;
	operand->window = NULL;
	if (job->ours == NULL && rfm_altvec_inner(vector) != NULL)
		job->ours = vector;
}

static void
set_up(struct job *job, const char *generic, SEXP e1, SEXP e2, SEXP extra)
{
	SEXP arguments = extra;

	memset(job, 0, sizeof *job);
	add_operand(job, "e1", e1);
	if (e2 != R_NilValue) {
		add_operand(job, "e2", e2);
		arguments = Rf_lcons(Rf_install("e2"), arguments);
	}
	PROTECT(arguments);
	arguments = PROTECT(Rf_lcons(Rf_install("e1"), arguments));
	job->call = Rf_lcons(Rf_install(generic), arguments);
	UNPROTECT(2);
	PROTECT(job->call);
	job->environment = PROTECT(R_NewEnv(R_BaseEnv, 0, 0));
	UNPROTECT(2);
}
/* cut an operand into blocks */
/* read a run of elements, recycling */
static void *
elements_of(SEXP x)
{
	switch (TYPEOF(x)) {
	case LGLSXP: return LOGICAL(x);
	case INTSXP: return INTEGER(x);
	case REALSXP: return REAL(x);
	case CPLXSXP: return COMPLEX(x);
	default: return RAW(x);
	}
}

static void
read_recycled(const struct operand *operand, uint64_t from, uint64_t count)
{
	uint64_t size = rfm_type_bytes(rfm_type_of(TYPEOF(operand->block)));
	uint64_t done, at = from % operand->length, run;
	char *to = elements_of(operand->block);

	for (done = 0; done < count; done += run) {
		run = operand->length - at;
		if (run > count - done)
			run = count - done;
		rfm_altvec_read(operand->vector, at, run, to + done * size);
		at = 0;
	}
}
/* open a window on an operand */
static void
open_window(struct job *job, struct operand *operand)
{
	SEXP room = PROTECT(Rf_allocVector(RAWSXP,
	    sizeof *operand->window));
	SEXP pointer = PROTECT(R_MakeExternalPtr(RAW(room), R_NilValue,
	    room));

	operand->window = memset(RAW(room), 0, sizeof *operand->window);
	operand->window->type = rfm_type_of(TYPEOF(operand->vector));
	operand->window->state = RFM_TEMPORARY;
	operand->block = PROTECT(rfm_altvec_window(pointer,
	    operand->window->type));
	MARK_NOT_MUTABLE(operand->block);
	Rf_defineVar(operand->symbol, operand->block, job->environment);
	UNPROTECT(3);
}
/* copy a block of an operand */
static void
copy_block(struct job *job, struct operand *operand, uint64_t from,
    uint64_t count)
{
	uint64_t size = operand->length;

	if (operand->window != NULL)
		operand->block = R_NilValue;
	operand->window = NULL;
	operand->steady = size < job->length && OPS_BLOCK % size == 0 &&
	    job->length % size == 0;
	if (!operand->steady)
		size = count;
	if (operand->block == R_NilValue ||
	    (uint64_t)XLENGTH(operand->block) != size) {
		operand->block = PROTECT(Rf_allocVector(
		    (SEXPTYPE)TYPEOF(operand->vector), (R_xlen_t)size));
		Rf_defineVar(operand->symbol, operand->block,
		    job->environment);
		UNPROTECT(1);
	}
	read_recycled(operand, operand->steady ? 0 : from, size);
}

static void
bind_block(struct job *job, struct operand *operand, uint64_t from,
    uint64_t count)
{
	const char *address = NULL;

	if (operand->steady)
		return;
	if (operand->length == job->length)
		address = DATAPTR_OR_NULL(operand->vector);
	if (address == NULL) {
		copy_block(job, operand, from, count);
		return;
	}
	if (operand->window == NULL)
		open_window(job, operand);
	operand->window->address = (void *)(uintptr_t)(address +
	    from * rfm_type_bytes(operand->window->type));
	operand->window->length = count;
}
/* compute the result block by block */
/* make the target when its type is known */
static SEXP
make_target(const struct job *job, SEXPTYPE sexp)
{
	uint32_t type = rfm_type_of((int)sexp);
	SEXP target = NULL;

	if (!rfm_type_fixed(type))
		Rf_error("this operation gives no vector of numbers");
	if (job->length > 1 && job->ours != NULL)
		target = rfm_altvec_sibling(job->ours, type, job->length);
	if (target == NULL)
		target = Rf_allocVector(sexp, (R_xlen_t)job->length);
	return target;
}
/* copy a block into the target */
static void
store_block(SEXP target, uint64_t from, uint64_t count, SEXP block)
{
	uint64_t size = rfm_type_bytes(rfm_type_of(TYPEOF(target)));

	if (TYPEOF(block) != TYPEOF(target) ||
	    (uint64_t)XLENGTH(block) != count)
		Rf_error("blocks of different types or lengths");
	rfm_altvec_read(block, 0, count,
	    (char *)elements_of(target) + from * size);
}

static SEXP
compute_blocks(struct job *job)
{
	SEXP target = R_NilValue, block;
	PROTECT_INDEX index;
	uint64_t from, count;
	int k;

	PROTECT_WITH_INDEX(target, &index);
	for (from = 0; from < job->length; from += count) {
		count = job->length - from;
		if (count > OPS_BLOCK)
			count = OPS_BLOCK;
		R_CheckUserInterrupt();
		for (k = 0; k < job->count; k++)
			bind_block(job, &job->operands[k], from, count);
		block = PROTECT(Rf_eval(job->call, job->environment));
		if (from == 0)
			REPROTECT(target = make_target(job,
			    (SEXPTYPE)TYPEOF(block)), index);
		store_block(target, from, count, block);
		UNPROTECT(1);
	}
	UNPROTECT(1);
	return target;
}
/* compute the commonest operators directly */
#define NUMBERS_BLOCK 2048

/* the ten operators */
enum operator { PLUS, MINUS, TIMES, DIVIDE, EQUAL, UNEQUAL, LESS, GREATER,
	AT_MOST, AT_LEAST, OPERATORS };

static const char *const operator_names[OPERATORS + 1] = { "+", "-", "*",
	"/", "==", "!=", "<", ">", "<=", ">=", NULL };

static enum operator
operator_of(const char *name)
{
	int k = 0;

	while (k < OPERATORS && strcmp(operator_names[k], name) != 0)
		k++;
	return (enum operator)k;
}
/* bring a run of numbers into reach */
struct numbers {
	SEXP vector;
	bool doubles;           /* else integers are wanted */
	bool single;
	union {
		double d[NUMBERS_BLOCK];
		int    i[NUMBERS_BLOCK];
	} values;
};

static void
read_numbers(struct numbers *numbers, uint64_t from, uint64_t count)
{
	int integers[NUMBERS_BLOCK];
	uint64_t k;

	if (!numbers->doubles || TYPEOF(numbers->vector) == REALSXP) {
		rfm_altvec_read(numbers->vector, from, count,
		    &numbers->values);
		return;
	}
	rfm_altvec_read(numbers->vector, from, count, integers);
	for (k = 0; k < count; k++)
		numbers->values.d[k] = integers[k] == NA_INTEGER ? NA_REAL :
		    integers[k];
}

/* reach for numbers in place or spread one */
static void
begin_numbers(struct numbers *numbers, const struct operand *operand,
    uint64_t length, bool doubles)
{
	int k;

	numbers->vector = operand->vector;
	numbers->doubles = doubles;
	numbers->single = operand->length < length;
	if (!numbers->single)
		return;
	read_numbers(numbers, 0, 1);
	for (k = 1; k < NUMBERS_BLOCK; k++)
		if (doubles)
			numbers->values.d[k] = numbers->values.d[0];
		else
			numbers->values.i[k] = numbers->values.i[0];
}

static const void *
reach(struct numbers *numbers, uint64_t from, uint64_t count)
{
	const char *in_place = NULL;

	if (numbers->single)
		return &numbers->values;
	if (!numbers->doubles || TYPEOF(numbers->vector) == REALSXP)
		in_place = DATAPTR_OR_NULL(numbers->vector);
	if (in_place != NULL)
		return in_place + from *
		    (numbers->doubles ? sizeof(double) : sizeof(int));
	read_numbers(numbers, from, count);
	return &numbers->values;
}
/* apply an operator to a run */
#define EACH(expression) \
	do { for (k = 0; k < n; k++) to[k] = (expression); } while (0)
#define COMPARE(relation) \
	EACH(ISNAN(x[k]) || ISNAN(y[k]) ? NA_LOGICAL : x[k] relation y[k])

static void
calculate(enum operator operator, const double *x, bool single,
    const double *y, uint64_t n, double *to)
{
	double first = x[0];
	uint64_t k;

	switch (operator) {
	case PLUS:
		if (single)
			EACH(first + y[k]);
		else
			EACH(x[k] + y[k]);
		break;
	case TIMES:
		if (single)
			EACH(first * y[k]);
		else
			EACH(x[k] * y[k]);
		break;
	case MINUS: EACH(x[k] - y[k]); break;
	default: EACH(x[k] / y[k]); break;
	}
}

/* compare two runs */
static void
compare(enum operator operator, const double *x, const double *y,
    uint64_t n, int *to)
{
	uint64_t k;

	switch (operator) {
	case EQUAL: COMPARE(==); break;
	case UNEQUAL: COMPARE(!=); break;
	case LESS: COMPARE(<); break;
	case GREATER: COMPARE(>); break;
	case AT_MOST: COMPARE(<=); break;
	default: COMPARE(>=); break;
	}
}
/* decide what type the numbers give */
static bool
is_number(SEXP x)
{
	return TYPEOF(x) == REALSXP || TYPEOF(x) == INTSXP ||
	    TYPEOF(x) == LGLSXP;
}

static uint32_t
type_of_numbers(const struct job *job, enum operator operator)
{
	const struct operand *x = &job->operands[0], *y = x + 1;

	if (operator == OPERATORS || job->count < 2 || job->length < 2 ||
	    !is_number(x->vector) || !is_number(y->vector) ||
	    (x->length != job->length && x->length != 1) ||
	    (y->length != job->length && y->length != 1))
		return 0;
	if (operator >= EQUAL)
		return RFM_LOGICAL;
	return operator == DIVIDE || TYPEOF(x->vector) == REALSXP ||
	    TYPEOF(y->vector) == REALSXP ? RFM_NUMERIC : RFM_INTEGER;
}
/* compute with integers */
#define EACH_INTEGER(expression)                                        \
	for (k = 0; k < n; k++) {                                       \
		int64_t a = x[k], b = y[k], value = (expression);       \
		bool none = a == NA_INTEGER || b == NA_INTEGER;         \
		bool beyond = value > INT_MAX || value <= INT_MIN;      \
                                                                        \
		overflow |= beyond && !none;                            \
		to[k] = none || beyond ? NA_INTEGER : (int)value;       \
	}

static bool
calculate_integers(enum operator operator, const int *x, const int *y,
    uint64_t n, int *to)
{
	bool overflow = false;
	uint64_t k;

	if (operator == PLUS)
		EACH_INTEGER(a + b)
	else if (operator == MINUS)
		EACH_INTEGER(a - b)
	else
		EACH_INTEGER(a * b)
	return overflow;
}

/* compute integers run by run */
static SEXP
compute_integers(struct job *job, enum operator operator)
{
	struct numbers x, y;
	uint64_t from, count;
	bool overflow = false;
	SEXP target = PROTECT(make_target(job, INTSXP));

	begin_numbers(&x, &job->operands[0], job->length, false);
	begin_numbers(&y, &job->operands[1], job->length, false);
	for (from = 0; from < job->length; from += count) {
		count = job->length - from;
		if (count > NUMBERS_BLOCK)
			count = NUMBERS_BLOCK;
		if (from % (NUMBERS_BLOCK * 64) == 0)
			R_CheckUserInterrupt();
		overflow |= calculate_integers(operator,
		    reach(&x, from, count),
		    reach(&y, from, count), count,
		    INTEGER(target) + from);
	}
	if (overflow)
		Rf_warning("NAs produced by integer overflow");
	UNPROTECT(1);
	return target;
}
/* compute with numbers */
/* compute one run of numbers */
static void
one_run(enum operator operator, const double *x, bool single,
    const double *y, SEXP target, uint64_t from, uint64_t count)
{
	if (operator >= EQUAL)
		compare(operator, x, y, count, LOGICAL(target) + from);
	else
		calculate(operator, x, single, y, count,
		    REAL(target) + from);
}

static SEXP
compute_numbers(struct job *job, enum operator operator, uint32_t type)
{
	struct numbers x, y;
	uint64_t from, count;
	bool single;
	SEXP target;

	target = PROTECT(make_target(job, rfm_type_sexp(type)));
	begin_numbers(&x, &job->operands[0], job->length, true);
	begin_numbers(&y, &job->operands[1], job->length, true);
	single = x.single && TYPEOF(x.vector) != INTSXP &&
	    TYPEOF(y.vector) != INTSXP;
	for (from = 0; from < job->length; from += count) {
		count = job->length - from;
		if (count > NUMBERS_BLOCK)
			count = NUMBERS_BLOCK;
		if (from % (NUMBERS_BLOCK * 64) == 0)
			R_CheckUserInterrupt();
		one_run(operator, reach(&x, from, count), single,
		    reach(&y, from, count), target, from, count);
	}
	UNPROTECT(1);
	return target;
}
/* compute the commonest functions directly */
enum function { ABS, SQRT, EXP, FLOOR, CEILING, FUNCTIONS };

static enum function
function_of(const char *name)
{
	static const char *const names[FUNCTIONS] = { "abs", "sqrt",
		"exp", "floor", "ceiling" };
	int k = 0;

	while (k < FUNCTIONS && strcmp(names[k], name) != 0)
		k++;
	return (enum function)k;
}

static bool
apply_function(enum function function, const double *x, uint64_t n,
    double *to)
{
	bool produced = false;
	uint64_t k;

	switch (function) {
	case ABS: EACH(fabs(x[k])); break;
	case SQRT: EACH(sqrt(x[k])); break;
	case EXP: EACH(exp(x[k])); break;
	case FLOOR: EACH(floor(x[k])); break;
	default: EACH(ceil(x[k])); break;
	}
	for (k = 0; k < n; k++)
		produced |= ISNAN(to[k]) && !ISNAN(x[k]);
	return produced;
}

/* compute a function run by run */
static SEXP
compute_function(struct job *job, enum function function)
{
	struct numbers x;
	uint64_t from, count;
	bool produced = false;
	SEXP target = PROTECT(make_target(job, REALSXP));

	begin_numbers(&x, &job->operands[0], job->length, true);
	for (from = 0; from < job->length; from += count) {
		count = job->length - from;
		if (count > NUMBERS_BLOCK)
			count = NUMBERS_BLOCK;
		if (from % (NUMBERS_BLOCK * 64) == 0)
			R_CheckUserInterrupt();
		produced |= apply_function(function, reach(&x, from, count),
		    count, REAL(target) + from);
	}
	if (produced)
		Rf_warning("NaNs produced");
	UNPROTECT(1);
	return target;
}
/* compare text with text */
/* begin with a side of the comparison */
struct side {
	SEXP                          vector;
	const struct rfm_payload     *payload; /* NULL: ordinary */
	const struct rfm_string_disk *cells;   /* NULL: there are none */
	struct rfm_string_disk        sketch;
	uint64_t                      step;    /* 0: one for all */
};

/* get a text to compare */
static bool
get_text(const struct side *side, uint64_t k, struct rfm_text *text)
{
	SEXP string;

	if (side->payload != NULL)
		return rfm_cells_get(side->payload, k * side->step, text) &&
		    !text->unencoded;
	string = STRING_ELT(side->vector, (R_xlen_t)(k * side->step));
	text->missing = string == NA_STRING;
	text->unencoded = false;
	text->bytes = CHAR(string);
	text->length = (uint32_t)LENGTH(string);
	return text->missing || Rf_charIsUTF8(string);
}

static int
same_text(const struct rfm_text *a, const struct rfm_text *b, bool equal)
{
	if (a->missing || b->missing)
		return NA_LOGICAL;
	return (a->length == b->length &&
	    memcmp(a->bytes, b->bytes, a->length) == 0) == equal;
}

static bool
begin_side(struct side *side, const struct operand *operand)
{
	struct rfm_text text;

	side->vector = operand->vector;
	side->payload = rfm_altvec_payload(operand->vector);
	side->cells = NULL;
	side->step = operand->length > 1;
	if (side->payload != NULL) {
		side->cells = side->payload->address;
		return side->cells != NULL;
	}
	if (side->step > 0)
		return true;
	if (!get_text(side, 0, &text))
		return false;
	rfm_cells_sketch(&text, &side->sketch);
	side->cells = &side->sketch;
	return true;
}
/* decide whether texts can be compared by bytes */
static bool
texts_will_do(const struct job *job, enum operator operator)
{
	const struct operand *x = job->operands;
	int k;

	if ((operator != EQUAL && operator != UNEQUAL) || job->count < 2)
		return false;
	for (k = 0; k < 2; k++, x++)
		if (TYPEOF(x->vector) != STRSXP || x->length == 0 ||
		    Rf_isArray(x->vector) ||
		    Rf_getAttrib(x->vector, R_TspSymbol) != R_NilValue ||
		    (ALTREP(x->vector) &&
		    rfm_altvec_inner(x->vector) == NULL))
			return false;
	x = job->operands;
	return x[0].length == x[1].length || x[0].length == 1 ||
	    x[1].length == 1;
}

static bool
compare_run(const struct side *x, const struct side *y, bool equal,
    uint64_t from, uint64_t to, int *answers)
{
	bool glance = x->cells != NULL && y->cells != NULL;
	struct rfm_text a, b;
	uint64_t k;

	for (k = from; k < to; k++)
		if (glance && rfm_cells_differ(x->cells + k * x->step,
		    y->cells + k * y->step))
			answers[k] = !equal;
		else if (get_text(x, k, &a) && get_text(y, k, &b))
			answers[k] = same_text(&a, &b, equal);
		else
			return false;
	return true;
}

/* compare texts run by run */
static SEXP
compare_texts(struct job *job, bool equal)
{
	uint64_t from, to, n = job->operands[0].length;
	struct side x, y;
	bool compared = true;
	SEXP target;

	job->length = n > job->operands[1].length ? n :
	    job->operands[1].length;
	target = PROTECT(make_target(job, LGLSXP));
	for (from = 0; compared && from < job->length; from = to) {
		R_CheckUserInterrupt();
		to = job->length - from > NUMBERS_BLOCK * 16 ?
		    from + NUMBERS_BLOCK * 16 : job->length;
		compared = begin_side(&x, &job->operands[0]) &&
		    begin_side(&y, &job->operands[1]) &&
		    compare_run(&x, &y, equal, from, to,
		    LOGICAL(target));
	}
	UNPROTECT(1);
	return compared ? target : NULL;
}
/* let R compute the whole */
/* take our class off an operand */
static SEXP
strip(SEXP x)
{
	SEXP call;

	if (!Rf_inherits(x, "fmalloc"))
		return x;
	call = PROTECT(Rf_lang2(Rf_install("unclass"), x));
	x = Rf_eval(call, R_BaseEnv);
	UNPROTECT(1);
	return x;
}

static SEXP
compute_whole(struct job *job)
{
	SEXP result, target = NULL;
	uint32_t type;
	int k;

	for (k = 0; k < job->count; k++)
		Rf_defineVar(job->operands[k].symbol,
		    strip(job->operands[k].vector), job->environment);
	result = PROTECT(Rf_eval(job->call, job->environment));
	type = rfm_type_of(TYPEOF(result));
	if (type != 0 && type != RFM_LIST && XLENGTH(result) > 1 &&
	    job->ours != NULL)
		target = rfm_altvec_sibling(job->ours, type,
		    (uint64_t)XLENGTH(result));
	if (target != NULL) {
		PROTECT(target);
		rfm_altvec_copy(result, target);
		DUPLICATE_ATTRIB(target, result);
		UNPROTECT(1);
		result = target;
	}
	UNPROTECT(1);
	return result;
}
/* give the result its class */
/* count the classes in front of ours */
static R_xlen_t
front_length(SEXP class)
{
	R_xlen_t k;

	for (k = 0; k < Rf_xlength(class); k++)
		if (strncmp(CHAR(STRING_ELT(class, k)), "fmalloc", 7) == 0)
			break;
	return k;
}

static void
classify(SEXP target, SEXP source, bool most)
{
	SEXP class = PROTECT(Rf_getAttrib(source, R_ClassSymbol)), new, set;
	R_xlen_t front = most ? front_length(class) : 0, k;
	R_xlen_t ours = XLENGTH(target) > 1 ? 3 : 0;
	int dims = Rf_length(Rf_getAttrib(target, R_DimSymbol));

	set = rfm_altvec_class(rfm_type_of(TYPEOF(target)), dims);
	new = PROTECT(Rf_allocVector(STRSXP, front + ours));
	for (k = 0; k < front; k++)
		SET_STRING_ELT(new, k, STRING_ELT(class, k));
	for (k = 0; k < ours; k++)
		SET_STRING_ELT(new, front + k, STRING_ELT(set, k));
	Rf_classgets(target, front + ours > 0 ? new : R_NilValue);
	UNPROTECT(2);
}
/* give the result its attributes */
static bool
is_array(SEXP x)
{
	return Rf_isArray(x);
}

/* copy dimensions or names */
static void
copy_dimensions(SEXP x, SEXP y, SEXP target)
{
	SEXP from = is_array(x) ? x : y, names;

	Rf_setAttrib(target, R_DimSymbol,
	    PROTECT(Rf_getAttrib(from, R_DimSymbol)));
	names = PROTECT(Rf_getAttrib(x, R_DimNamesSymbol));
	if (names == R_NilValue && y != NULL) {
		UNPROTECT(1);
		names = PROTECT(Rf_getAttrib(y, R_DimNamesSymbol));
	}
	if (names != R_NilValue)
		Rf_setAttrib(target, R_DimNamesSymbol, names);
	UNPROTECT(2);
}

static void
copy_names(SEXP x, SEXP y, SEXP target)
{
	SEXP names = PROTECT(Rf_getAttrib(x, R_NamesSymbol));

	if (Rf_xlength(names) != XLENGTH(target) && y != NULL) {
		UNPROTECT(1);
		names = PROTECT(Rf_getAttrib(y, R_NamesSymbol));
	}
	if (names != R_NilValue && XLENGTH(names) == XLENGTH(target))
		Rf_setAttrib(target, R_NamesSymbol, names);
	UNPROTECT(1);
}

static void
copy_attributes(struct job *job, SEXP target, bool most)
{
	SEXP x = job->operands[0].vector;
	SEXP y = job->count > 1 ? job->operands[1].vector : NULL;
	R_xlen_t n = (R_xlen_t)job->length;

	if (most && y != NULL && Rf_xlength(y) == n)
		Rf_copyMostAttrib(y, target);
	if (most && Rf_xlength(x) == n)
		Rf_copyMostAttrib(x, target);
	if (is_array(x) || (y != NULL && is_array(y))) {
		copy_dimensions(x, y, target);
		return;
	}
	copy_names(x, y, target);
}
/* accumulate from left to right */
enum running_kind { SUM, PRODUCT, LARGEST, SMALLEST, RUNNING_KINDS };

struct running {
	enum running_kind kind;
	bool              begun;
	bool              stopped;  /* all that follows is missing */
	long double       total;
};

/* name the running kinds */
static enum running_kind
running_kind_of(const char *generic)
{
	static const char *const names[RUNNING_KINDS] = { "cumsum",
		"cumprod", "cummax", "cummin" };
	int k = 0;

	while (k < RUNNING_KINDS && strcmp(names[k], generic) != 0)
		k++;
	return (enum running_kind)k;
}

/* accumulate doubles */
/* meet another missing value */
static long double
missing(long double total, double x)
{
	return R_IsNA(x) ? x : total;
}

#define RUN(expression) \
	do { for (k = 0; k < n; k++) to[k] = (double)(expression); } while (0)
#define EXTREME(relation) \
	(last = ISNAN(x[k]) || ISNAN(last) ? last + x[k] : \
	    last relation x[k] ? last : x[k])

static void
run_doubles(struct running *running, const double *x, uint64_t n,
    double *to)
{
	long double total = running->total;
	double last = (double)total;
	uint64_t k;

	if (!running->begun) {
		total = running->kind == SUM ? 0 : 1;
		last = running->kind == LARGEST ? R_NegInf : R_PosInf;
	}
	switch (running->kind) {
	case SUM:
		RUN(total = ISNAN(total) ? missing(total, x[k]) :
		    total + x[k]);
		break;
	case PRODUCT:
		RUN(total = ISNAN(total) ? missing(total, x[k]) :
		    total * x[k]);
		break;
	case LARGEST: RUN(EXTREME(>)); break;
	default: RUN(EXTREME(<)); break;
	}
	if (running->kind >= LARGEST)
		total = last;
	running->total = total;
	running->begun = true;
}
/* accumulate integers until they stop */
/* take one more integer or stop */
static void
take_integer(struct running *running, double x)
{
	bool larger = x > (double)running->total;

	running->stopped = ISNAN(x);
	if (running->stopped)
		return;
	if (running->kind == SUM)
		running->total += x;
	else if (!running->begun || larger == (running->kind == LARGEST))
		running->total = x;
	running->begun = true;
	if (running->total > INT_MAX || running->total <= INT_MIN) {
		running->stopped = true;
		Rf_warning("integer overflow in 'cumsum'; use "
		    "'cumsum(as.numeric(.))'");
	}
}

static void
run_integers(struct running *running, const double *x, uint64_t n, int *to)
{
	uint64_t k;

	for (k = 0; k < n; k++) {
		if (!running->stopped)
			take_integer(running, x[k]);
		to[k] = running->stopped ? NA_INTEGER : (int)running->total;
	}
}
/* accumulate a vector */
static SEXP
compute_running(struct job *job, enum running_kind kind)
{
	struct numbers x;
	struct running running = { kind, false, false, 0 };
	bool real = kind == PRODUCT ||
	    TYPEOF(job->operands[0].vector) == REALSXP;
	uint64_t from, count;
	SEXP target;

	target = PROTECT(make_target(job, real ? REALSXP : INTSXP));
	begin_numbers(&x, &job->operands[0], job->length, true);
	for (from = 0; from < job->length; from += count) {
		count = job->length - from;
		if (count > NUMBERS_BLOCK)
			count = NUMBERS_BLOCK;
		if (from % (NUMBERS_BLOCK * 64) == 0)
			R_CheckUserInterrupt();
		if (real)
			run_doubles(&running, reach(&x, from, count), count,
			    REAL(target) + from);
		else
			run_integers(&running, reach(&x, from, count), count,
			    INTEGER(target) + from);
	}
	copy_names(job->operands[0].vector, NULL, target);
	UNPROTECT(1);
	return target;
}
/* decide whether blocks will do */
static bool
is_plain(const struct operand *operand)
{
	SEXP tsp = Rf_getAttrib(operand->vector, R_TspSymbol);
	uint32_t type = rfm_type_of(TYPEOF(operand->vector));

	return rfm_type_fixed(type) && operand->length > 0 &&
	    tsp == R_NilValue;
}

static bool
blocks_will_do(const struct job *job)
{
	const struct operand *x = &job->operands[0], *y = x + 1;
	bool xarray = is_array(x->vector), yarray;

	if (!is_plain(x))
		return false;
	if (job->count == 1)
		return true;
	yarray = is_array(y->vector);
	if (xarray != yarray && (xarray ? x : y)->length <
	    (xarray ? y : x)->length)
		return false;
	return is_plain(y);
}
static bool
is_refused(const struct job *job, const char *generic, bool arithmetic)
{
	bool logic = strcmp(generic, "&") == 0 || strcmp(generic, "|") == 0;
	int k, raw = 0;

	for (k = 0; k < job->count; k++)
		raw += TYPEOF(job->operands[k].vector) == RAWSXP;
	return (arithmetic && raw > 0) || (logic && raw == 1);
}
/* compute what is not numbers */
static SEXP
compute_otherwise(struct job *job, enum operator operator)
{
	SEXP result = NULL;

	if (texts_will_do(job, operator))
		result = compare_texts(job, operator == EQUAL);
	if (result == NULL)
		return compute_whole(job);
	PROTECT(result);
	copy_attributes(job, result, false);
	UNPROTECT(1);
	return result;
}
/* the two groups of functions */
/* refuse operands that do not go together */
static bool
same_shape(SEXP x, SEXP y)
{
	SEXP a = PROTECT(Rf_getAttrib(x, R_DimSymbol));
	SEXP b = PROTECT(Rf_getAttrib(y, R_DimSymbol));
	bool same = XLENGTH(a) == XLENGTH(b) && memcmp(INTEGER(a),
	    INTEGER(b), (size_t)XLENGTH(a) * sizeof(int)) == 0;

	UNPROTECT(2);
	return same;
}

static void
check_shapes(const struct job *job)
{
	const struct operand *x = &job->operands[0], *y = x + 1;
	uint64_t longer = x->length, shorter = y->length;

	if (job->count == 1)
		return;
	if (is_array(x->vector) && is_array(y->vector) &&
	    !same_shape(x->vector, y->vector))
		Rf_error("non-conformable arrays");
	if (longer < shorter) {
		longer = y->length;
		shorter = x->length;
	}
	if (longer % shorter != 0)
		Rf_warning("longer object length is not a multiple of "
		    "shorter object length");
}

static bool
is_one_of(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* compute an operator */
SEXP
rfm_ops_binary(const char *generic, SEXP e1, SEXP e2)
{
	static const char *const keeping[] = { "+", "-", "*", "/", "^",
		"%%", "%/%", NULL };
	struct job job;
	bool most = is_one_of(generic, keeping), arithmetic = most, logical;
	enum operator operator = operator_of(generic);
	uint32_t type;
	SEXP result;

	set_up(&job, generic, e1, e2, R_NilValue);
	PROTECT(job.call);
	PROTECT(job.environment);
	logical = TYPEOF(e1) == LGLSXP || TYPEOF(e1) == RAWSXP;
	if (job.count == 1 && logical)
		most = !most;
	if (blocks_will_do(&job) &&
	    !is_refused(&job, generic, arithmetic)) {
		check_shapes(&job);
		job.length = job.operands[0].length;
		if (job.count > 1 && job.operands[1].length > job.length)
			job.length = job.operands[1].length;
		type = type_of_numbers(&job, operator);
		result = PROTECT(type == 0 ? compute_blocks(&job) :
		    type == RFM_INTEGER ? compute_integers(&job, operator) :
		    compute_numbers(&job, operator, type));
		copy_attributes(&job, result, most);
	} else {
		result = PROTECT(compute_otherwise(&job, operator));
	}
	if (Rf_inherits(e1, "fmalloc"))
		classify(result, e1, most);
	else if (Rf_inherits(e2, "fmalloc"))
		classify(result, e2, most);
	UNPROTECT(3);
	return result;
}
/* compute a mathematical function */
/* tell whether a function goes element by element */
static bool
is_elementwise(const char *generic, SEXP extra)
{
	for (; extra != R_NilValue; extra = CDR(extra))
		if (Rf_xlength(CAR(extra)) != 1)
			return false;
	return running_kind_of(generic) == RUNNING_KINDS;
}

SEXP
rfm_ops_math(const char *generic, SEXP x, SEXP extra)
{
	static const char *const questions[] = { "is.na", "is.nan",
		"is.finite", "is.infinite", NULL };
	bool most = !is_one_of(generic, questions);
	enum function function;
	struct job job;
	SEXP result;

	set_up(&job, generic, x, R_NilValue, extra);
	PROTECT(job.call);
	PROTECT(job.environment);
	job.length = job.operands[0].length;
	function = TYPEOF(x) == REALSXP && extra == R_NilValue ?
	    function_of(generic) : FUNCTIONS;
	if (is_elementwise(generic, extra) && blocks_will_do(&job)) {
		result = PROTECT(function == FUNCTIONS ?
		    compute_blocks(&job) : compute_function(&job, function));
		copy_attributes(&job, result, most);
	} else if (running_kind_of(generic) != RUNNING_KINDS &&
	    is_plain(job.operands) && is_number(x)) {
		result = PROTECT(compute_running(&job,
		    running_kind_of(generic)));
	} else {
		result = PROTECT(compute_whole(&job));
	}
	if (Rf_inherits(x, "fmalloc"))
		classify(result, x, most);
	UNPROTECT(3);
	return result;
}
/* lend a vector to R without its class */
SEXP
rfm_ops_view(SEXP x)
{
	SEXP inner = rfm_altvec_inner(x), class, front, view;
	R_xlen_t k, n;

	if (inner == NULL || TYPEOF(x) == VECSXP)
		return strip(x);
	view = PROTECT(rfm_altvec_alias(inner));
	DUPLICATE_ATTRIB(view, x);
	class = PROTECT(Rf_getAttrib(x, R_ClassSymbol));
	n = front_length(class);
	front = PROTECT(Rf_allocVector(STRSXP, n));
	for (k = 0; k < n; k++)
		SET_STRING_ELT(front, k, STRING_ELT(class, k));
	Rf_classgets(view, n > 0 ? front : R_NilValue);
	MARK_NOT_MUTABLE(view);
	UNPROTECT(3);
	return view;
}

/* put a result of R into the store */
static bool
is_view_of(SEXP y, SEXP x)
{
	return rfm_altvec_inner(y) != NULL &&
	    rfm_altvec_payload(y) == rfm_altvec_payload(x);
}

static SEXP
our_own(SEXP y, SEXP x)
{
	SEXP inner = rfm_altvec_inner(y), z;

	if (is_view_of(y, x))
		return Rf_duplicate(y);
	if (!MAYBE_SHARED(y))
		return y;
	if (inner == NULL || rfm_altvec_runtime(inner) == NULL ||
	    rfm_altvec_live(inner)->whole == NULL)
		return Rf_duplicate(y);
	z = PROTECT(rfm_altvec_view(inner, 0, (uint64_t)XLENGTH(inner)));
	DUPLICATE_ATTRIB(z, y);
	UNPROTECT(1);
	return z;
}
SEXP
rfm_ops_settle(SEXP y, SEXP x)
{
	uint32_t type = rfm_type_of(TYPEOF(y));
	bool single = Rf_xlength(y) <= 1 &&
	    Rf_getAttrib(y, R_DimSymbol) == R_NilValue;
	SEXP z = NULL;

	y = PROTECT(our_own(y, x));
	if (!single && type != 0 && type != RFM_LIST && !Rf_isObject(y) &&
	    rfm_altvec_inner(y) == NULL)
		z = rfm_altvec_sibling(x, type, (uint64_t)XLENGTH(y));
	if (z != NULL) {
		PROTECT(z);
		rfm_altvec_copy(y, z);
		DUPLICATE_ATTRIB(z, y);
		UNPROTECT(1);
		y = z;
	}
	PROTECT(y);
	if (!single && !Rf_isObject(y) && rfm_altvec_inner(y) != NULL)
		classify(y, y, false);
	UNPROTECT(2);
	return y;
}
/* turn rows into columns */
#define TILE 32

#define TRANSPOSE(name, element)                                        \
static void                                                             \
name(const void *from, uint64_t rows, uint64_t columns, uint64_t first, \
    void *to)                                                           \
{                                                                       \
	const element *source = from;                                   \
	element *target = to;                                           \
	uint64_t last = first + TILE < columns ? first + TILE : columns; \
	uint64_t i, j, row;                                             \
                                                                        \
	for (row = 0; row < rows; row += TILE)                          \
		for (i = row; i < row + TILE && i < rows; i++)          \
			for (j = first; j < last; j++)                  \
				target[i * columns + j] =               \
				    source[j * rows + i];               \
}

TRANSPOSE(transpose_1, uint8_t)
TRANSPOSE(transpose_4, int32_t)
TRANSPOSE(transpose_8, double)
TRANSPOSE(transpose_16, Rcomplex)

/* transpose a band of columns */
static void
transpose_band(SEXP x, uint64_t rows, uint64_t columns, uint64_t first,
    SEXP target)
{
	const void *from = DATAPTR_RO(x);
	void *to = elements_of(target);

	switch (rfm_type_bytes(rfm_type_of(TYPEOF(x)))) {
	case 1: transpose_1(from, rows, columns, first, to); break;
	case 4: transpose_4(from, rows, columns, first, to); break;
	case 8: transpose_8(from, rows, columns, first, to); break;
	default: transpose_16(from, rows, columns, first, to); break;
	}
}
/* transpose a matrix */
/* exchange the names of rows and columns */
static SEXP
reversed(SEXP pair)
{
	SEXP new = PROTECT(Rf_allocVector((SEXPTYPE)TYPEOF(pair), 2));
	int k;

	for (k = 0; k < 2; k++) {
		if (TYPEOF(pair) == INTSXP)
			INTEGER(new)[k] = INTEGER(pair)[1 - k];
		else if (TYPEOF(pair) == STRSXP)
			SET_STRING_ELT(new, k, STRING_ELT(pair, 1 - k));
		else
			SET_VECTOR_ELT(new, k, VECTOR_ELT(pair, 1 - k));
	}
	UNPROTECT(1);
	return new;
}

static void
exchange_names(SEXP x, SEXP target)
{
	SEXP names = PROTECT(Rf_getAttrib(x, R_DimNamesSymbol)), new, outer;

	Rf_setAttrib(target, R_DimSymbol,
	    PROTECT(reversed(Rf_getAttrib(x, R_DimSymbol))));
	if (names != R_NilValue) {
		new = PROTECT(reversed(names));
		outer = PROTECT(Rf_getAttrib(names, R_NamesSymbol));
		if (outer != R_NilValue)
			Rf_setAttrib(new, R_NamesSymbol,
			    PROTECT(reversed(outer)));
		Rf_setAttrib(target, R_DimNamesSymbol, new);
		UNPROTECT(outer != R_NilValue ? 3 : 2);
	}
	UNPROTECT(2);
}

SEXP
rfm_ops_transpose(SEXP x)
{
	SEXP dim = Rf_getAttrib(x, R_DimSymbol), target = NULL;
	uint32_t type = rfm_type_of(TYPEOF(x));
	uint64_t rows, columns, j;

	if (rfm_altvec_inner(x) == NULL || Rf_length(dim) != 2 ||
	    !rfm_type_fixed(type) || XLENGTH(x) == 0)
		return R_NilValue;
	rows = (uint64_t)INTEGER(dim)[0];
	columns = (uint64_t)INTEGER(dim)[1];
	target = rfm_altvec_sibling(x, type, rows * columns);
	if (target == NULL)
		return R_NilValue;
	PROTECT(target);
	for (j = 0; j < columns; j += TILE) {
		R_CheckUserInterrupt();
		transpose_band(x, rows, columns, j, target);
	}
	Rf_copyMostAttrib(x, target);
	exchange_names(x, target);
	classify(target, x, true);
	UNPROTECT(1);
	return target;
}
