/* Tangled from lit/70_ops.nw by 'make tangle': change it there, not here. */
#include "ops.h"
#include "layout.h"
#include <limits.h>
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

	if (type == 0)
		Rf_error("this operation gives no atomic vector");
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
	SEXP   vector;
	bool   single;
	double values[NUMBERS_BLOCK];
};

static void
read_numbers(SEXP vector, uint64_t from, uint64_t count, double *values)
{
	int integers[NUMBERS_BLOCK];
	uint64_t k;

	if (TYPEOF(vector) == REALSXP) {
		rfm_altvec_read(vector, from, count, values);
		return;
	}
	rfm_altvec_read(vector, from, count, integers);
	for (k = 0; k < count; k++)
		values[k] = integers[k] == NA_INTEGER ? NA_REAL :
		    integers[k];
}

/* reach for numbers in place or spread one */
static void
begin_numbers(struct numbers *numbers, const struct operand *operand,
    uint64_t length)
{
	int k;

	numbers->vector = operand->vector;
	numbers->single = operand->length < length;
	if (!numbers->single)
		return;
	read_numbers(operand->vector, 0, 1, numbers->values);
	for (k = 1; k < NUMBERS_BLOCK; k++)
		numbers->values[k] = numbers->values[0];
}

static const double *
reach(struct numbers *numbers, uint64_t from, uint64_t count)
{
	const double *in_place = NULL;

	if (numbers->single)
		return numbers->values;
	if (TYPEOF(numbers->vector) == REALSXP)
		in_place = DATAPTR_OR_NULL(numbers->vector);
	if (in_place != NULL)
		return in_place + from;
	read_numbers(numbers->vector, from, count, numbers->values);
	return numbers->values;
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
/* put numbers back as integers */
static bool
put_integers(const double *values, uint64_t count, int *to)
{
	bool overflow = false;
	uint64_t k;

	for (k = 0; k < count; k++) {
		double value = values[k];

		to[k] = NA_INTEGER;
		if (ISNAN(value))
			continue;
		if (value > INT_MAX || value <= INT_MIN)
			overflow = true;
		else
			to[k] = (int)value;
	}
	return overflow;
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
/* compute with numbers */
/* compute one run of numbers */
static bool
one_run(enum operator operator, const double *x, bool single,
    const double *y, SEXP target, uint64_t from, uint64_t count)
{
	double values[NUMBERS_BLOCK];

	if (operator >= EQUAL) {
		compare(operator, x, y, count, LOGICAL(target) + from);
		return false;
	}
	if (TYPEOF(target) == REALSXP) {
		calculate(operator, x, single, y, count,
		    REAL(target) + from);
		return false;
	}
	calculate(operator, x, single, y, count, values);
	return put_integers(values, count, INTEGER(target) + from);
}

static SEXP
compute_numbers(struct job *job, enum operator operator, uint32_t type)
{
	struct numbers x, y;
	uint64_t from, count;
	bool overflow = false, single;
	SEXP target;

	target = PROTECT(make_target(job, rfm_type_sexp(type)));
	begin_numbers(&x, &job->operands[0], job->length);
	begin_numbers(&y, &job->operands[1], job->length);
	single = x.single && TYPEOF(x.vector) != INTSXP &&
	    TYPEOF(y.vector) != INTSXP;
	for (from = 0; from < job->length; from += count) {
		count = job->length - from;
		if (count > NUMBERS_BLOCK)
			count = NUMBERS_BLOCK;
		if (from % (NUMBERS_BLOCK * 64) == 0)
			R_CheckUserInterrupt();
		overflow |= one_run(operator, reach(&x, from, count),
		    single, reach(&y, from, count), target, from, count);
	}
	if (overflow)
		Rf_warning("NAs produced by integer overflow");
	UNPROTECT(1);
	return target;
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
	if (type != 0 && XLENGTH(result) > 1 && job->ours != NULL)
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
/* accumulate sums and products */
/* accumulate doubles */
struct running {
	bool        product, stopped;
	long double total;
};

static void
run_doubles(struct running *running, const double *x, uint64_t n,
    double *to)
{
	long double total = running->total;
	uint64_t k;

	for (k = 0; k < n; k++) {
		total = running->product ? total * x[k] : total + x[k];
		to[k] = (double)total;
	}
	running->total = total;
}
/* accumulate integers until they stop */
static void
run_integers(struct running *running, const double *x, uint64_t n, int *to)
{
	uint64_t k;

	for (k = 0; k < n; k++) {
		to[k] = NA_INTEGER;
		if (running->stopped)
			continue;
		running->stopped = ISNAN(x[k]);
		if (running->stopped)
			continue;
		running->total += x[k];
		if (running->total > INT_MAX || running->total <= INT_MIN) {
			running->stopped = true;
			Rf_warning("integer overflow in 'cumsum'; use "
			    "'cumsum(as.numeric(.))'");
			continue;
		}
		to[k] = (int)running->total;
	}
}

static SEXP
compute_running(struct job *job, bool product)
{
	struct numbers x;
	struct running running = { product, false, product ? 1 : 0 };
	bool real = product || TYPEOF(job->operands[0].vector) == REALSXP;
	uint64_t from, count;
	SEXP target;

	target = PROTECT(make_target(job, real ? REALSXP : INTSXP));
	begin_numbers(&x, &job->operands[0], job->length);
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

	return rfm_type_of(TYPEOF(operand->vector)) != 0 &&
	    operand->length > 0 && tsp == R_NilValue;
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
	bool most = is_one_of(generic, keeping), logical;
	enum operator operator = operator_of(generic);
	uint32_t type;
	SEXP result;

	set_up(&job, generic, e1, e2, R_NilValue);
	PROTECT(job.call);
	PROTECT(job.environment);
	logical = TYPEOF(e1) == LGLSXP || TYPEOF(e1) == RAWSXP;
	if (job.count == 1 && logical)
		most = !most;
	if (blocks_will_do(&job)) {
		check_shapes(&job);
		job.length = job.operands[0].length;
		if (job.count > 1 && job.operands[1].length > job.length)
			job.length = job.operands[1].length;
		type = type_of_numbers(&job, operator);
		result = PROTECT(type == 0 ? compute_blocks(&job) :
		    compute_numbers(&job, operator, type));
		copy_attributes(&job, result, most);
	} else {
		result = PROTECT(compute_whole(&job));
	}
	if (Rf_inherits(e1, "fmalloc"))
		classify(result, e1, most);
	else if (Rf_inherits(e2, "fmalloc"))
		classify(result, e2, most);
	UNPROTECT(3);
	return result;
}
/* compute a mathematical function */
static bool
is_elementwise(const char *generic, SEXP extra)
{
	static const char *const others[] = { "cumsum", "cumprod",
		"cummax", "cummin", NULL };

	for (; extra != R_NilValue; extra = CDR(extra))
		if (Rf_xlength(CAR(extra)) != 1)
			return false;
	return !is_one_of(generic, others);
}

SEXP
rfm_ops_math(const char *generic, SEXP x, SEXP extra)
{
	static const char *const running[] = { "cumsum", "cumprod", NULL };
	struct job job;
	SEXP result;

	set_up(&job, generic, x, R_NilValue, extra);
	PROTECT(job.call);
	PROTECT(job.environment);
	job.length = job.operands[0].length;
	if (is_elementwise(generic, extra) && blocks_will_do(&job)) {
		result = PROTECT(compute_blocks(&job));
		copy_attributes(&job, result, true);
	} else if (is_one_of(generic, running) && is_plain(job.operands) &&
	    is_number(x)) {
		result = PROTECT(compute_running(&job,
		    strcmp(generic, "cumprod") == 0));
	} else {
		result = PROTECT(compute_whole(&job));
	}
	if (Rf_inherits(x, "fmalloc"))
		classify(result, x, true);
	UNPROTECT(3);
	return result;
}
