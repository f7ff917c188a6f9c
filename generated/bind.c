/* Tangled from lit/72_binding.nw by 'make tangle': change it there, not here. */
#include "bind.h"
#include "altstr.h"
#include "layout.h"
#include <string.h>

#define BIND_BLOCK 8192             /* elements */
#define BIND_TILE  131072           /* elements of the result */
#define BIND_STEP  ((uint64_t)1 << 20) /* elements, straight */
#define BIND_MOST  ((uint64_t)1 << 52) /* elements of an R vector */

/* what is to be bound */
struct part {
	SEXP     vector;
	uint64_t length;
	uint64_t run;           /* elements that it gives to each stripe */
	uint64_t start;         /* where in the stripe */
};

struct binding {
	SEXP         target;
	SEXP         ours;      /* decides where the target lives */
	SEXP         kept;      /* the list of the parts' vectors */
	uint32_t     type;      /* of the target */
	uint64_t     stripe;    /* its length: the sum of all runs */
	uint64_t     stripes;
	struct part *parts;
	R_xlen_t     count;
};
/* find the common type */
static int
rank_of(uint32_t type)
{
	static const int ranks[RFM_R_TYPES] = { [RFM_RAW] = 1,
		[RFM_LOGICAL] = 2, [RFM_INTEGER] = 3, [RFM_NUMERIC] = 4,
		[RFM_COMPLEX] = 5, [RFM_CHARACTER] = 6, [RFM_LIST] = 7 };

	return type < RFM_R_TYPES ? ranks[type] : 0;
}

/* tell lists of the same store */
static bool
is_list_of_store(const struct binding *b, SEXP part)
{
	return part == R_NilValue || (TYPEOF(part) == VECSXP &&
	    b->ours != NULL && rfm_altvec_runtime(part) != NULL &&
	    rfm_altvec_runtime(part) == rfm_altvec_runtime(b->ours));
}

static bool
find_type(struct binding *b, SEXP parts)
{
	bool mixed = false;
	R_xlen_t k;

	for (k = 0; k < b->count; k++) {
		SEXP part = VECTOR_ELT(parts, k);
		uint32_t type = rfm_type_of(TYPEOF(part));

		if (part != R_NilValue && type == 0)
			return false;
		if (b->ours == NULL && rfm_altvec_inner(part) != NULL)
			b->ours = part;
		if (rank_of(type) > rank_of(b->type))
			b->type = type;
	}
	for (k = 0; b->type == RFM_LIST && k < b->count; k++)
		mixed |= !is_list_of_store(b, VECTOR_ELT(parts, k));
	return b->ours != NULL && b->type != 0 && !mixed;
}
/* prepare the parts */
/* fill a short part up */
static SEXP
filled_up(SEXP x)
{
	uint64_t length = (uint64_t)XLENGTH(x), k;
	uint64_t most = BIND_BLOCK / length * length;
	SEXP y = PROTECT(Rf_allocVector((SEXPTYPE)TYPEOF(x),
	    (R_xlen_t)most));

	if (TYPEOF(x) == STRSXP) {
		for (k = 0; k < most; k++)
			SET_STRING_ELT(y, (R_xlen_t)k,
			    STRING_ELT(x, (R_xlen_t)(k % length)));
	} else {
		char *to = (char *)(uintptr_t)DATAPTR_RO(y);

		for (k = 0; k < most; k += length)
			rfm_altvec_read(x, 0, length, to + k *
			    rfm_type_bytes(rfm_type_of(TYPEOF(x))));
	}
	UNPROTECT(1);
	return y;
}

static void
prepare(const struct binding *b, R_xlen_t k)
{
	struct part *part = &b->parts[k];
	SEXP x = part->vector;
	uint64_t length = part->length;

	if (length > BIND_BLOCK || length == 0 || b->type == RFM_LIST)
		return;
	if (rfm_type_of(TYPEOF(x)) != b->type)
		x = Rf_coerceVector(x, rfm_type_sexp(b->type));
	PROTECT(x);
	if (length <= BIND_BLOCK / 2 && part->run * b->stripes > length)
		x = filled_up(x);
	part->vector = x;
	part->length = (uint64_t)XLENGTH(x);
	SET_VECTOR_ELT(b->kept, k, x);
	UNPROTECT(1);
}

/* take the parts in */
static void
take_in(struct binding *b, const double *runs)
{
	R_xlen_t k;

	for (k = 0; k < b->count; k++) {
		struct part *part = &b->parts[k];

		part->vector = VECTOR_ELT(b->kept, k);
		part->length = (uint64_t)Rf_xlength(part->vector);
		if (!(runs[k] >= 0 && runs[k] <= (double)BIND_MOST) ||
		    (runs[k] > 0 && part->length == 0))
			rfm_raise("argument", 0, NULL, "A vector cannot give "
			    "that many elements");
		part->run = (uint64_t)runs[k];
		part->start = b->stripe;
		b->stripe += part->run;
		if (b->stripe > BIND_MOST)
			b->stripe = BIND_MOST + 1;
	}
	for (k = 0; k < b->count; k++)
		prepare(b, k);
}
/* write a run */
static char *
address_in(const struct binding *b, uint64_t at)
{
	return (char *)rfm_altvec_live(b->target)->address +
	    at * rfm_type_bytes(b->type);
}

static void
write_run(const struct binding *b, SEXP x, uint64_t from, uint64_t count,
    uint64_t at)
{
	uint64_t k;

	if (b->type == RFM_CHARACTER) {
		rfm_altstr_pour(x, from, count, b->target, at);
		return;
	}
	if (rfm_type_fixed(b->type)) {
		rfm_altvec_read(x, from, count, address_in(b, at));
		return;
	}
	for (k = 0; k < count; k++)
		SET_VECTOR_ELT(b->target, (R_xlen_t)(at + k),
		    VECTOR_ELT(x, (R_xlen_t)(from + k)));
}

/* convert a block */
static SEXP
converted(const struct binding *b, SEXP x, uint64_t from, uint64_t count)
{
	SEXP block = PROTECT(Rf_allocVector((SEXPTYPE)TYPEOF(x),
	    (R_xlen_t)count));

	rfm_altvec_read(x, from, count,
	    (char *)(uintptr_t)DATAPTR_RO(block));
	block = Rf_coerceVector(block, rfm_type_sexp(b->type));
	UNPROTECT(1);
	return block;
}
/* spread a block over many stripes */
#define SPREAD(name, element)                                           \
static void                                                             \
name(const void *from, uint64_t count, void *to, uint64_t run,          \
    uint64_t within, uint64_t gap)                                      \
{                                                                       \
	const element *source = from;                                   \
	element *target = to;                                           \
	uint64_t k, at = 0;                                             \
                                                                        \
	for (k = 0; k < count; k++) {                                   \
		target[at++] = source[k];                               \
		if (++within == run) {                                  \
			within = 0;                                     \
			at += gap;                                      \
		}                                                       \
	}                                                               \
}

SPREAD(spread_1, uint8_t)
SPREAD(spread_4, int32_t)
SPREAD(spread_8, double)
SPREAD(spread_16, Rcomplex)

/* spread numbers */
static void
spread_numbers(const struct binding *b, const struct part *part,
    const void *from, uint64_t count, uint64_t done)
{
	uint64_t within = done % part->run, gap = b->stripe - part->run;
	void *to = address_in(b, done / part->run * b->stripe +
	    part->start + within);

	switch (rfm_type_bytes(b->type)) {
	case 1: spread_1(from, count, to, part->run, within, gap); break;
	case 4: spread_4(from, count, to, part->run, within, gap); break;
	case 8: spread_8(from, count, to, part->run, within, gap); break;
	default:
		spread_16(from, count, to, part->run, within, gap);
		break;
	}
}
/* spread anything */
#define LONG_RUN 64

static void
spread(const struct binding *b, const struct part *part, SEXP x,
    uint64_t from, uint64_t count, uint64_t done)
{
	uint64_t n, within;

	if (rfm_type_fixed(b->type) && part->run < LONG_RUN) {
		spread_numbers(b, part, (const char *)DATAPTR_RO(x) + from *
		    rfm_type_bytes(b->type), count, done);
		return;
	}
	for (; count > 0; count -= n, from += n, done += n) {
		within = done % part->run;
		n = part->run - within < count ? part->run - within : count;
		write_run(b, x, from, n, done / part->run * b->stripe +
		    part->start + within);
	}
}
/* pour a part into some stripes */
static void
pour_block(const struct binding *b, const struct part *part, uint64_t from,
    uint64_t count, uint64_t done)
{
	SEXP x = part->vector;

	if (rfm_type_of(TYPEOF(x)) != b->type ||
	    (b->stripes > 1 && rfm_type_fixed(b->type) &&
	    DATAPTR_OR_NULL(x) == NULL)) {
		x = converted(b, x, from, count);
		from = 0;
	}
	PROTECT(x);
	if (b->stripes == 1)
		write_run(b, x, from, count, part->start + done);
	else
		spread(b, part, x, from, count, done);
	UNPROTECT(1);
}

static void
pour(const struct binding *b, const struct part *part, uint64_t stripe,
    uint64_t last)
{
	uint64_t done = stripe * part->run, end = last * part->run, from, n;
	bool straight = b->stripes == 1 &&
	    rfm_type_of(TYPEOF(part->vector)) == b->type;
	uint64_t step = straight ? BIND_STEP : BIND_BLOCK;

	for (; done < end; done += n) {
		R_CheckUserInterrupt();
		from = done % part->length;
		n = part->length - from < end - done ?
		    part->length - from : end - done;
		n = n < step ? n : step;
		pour_block(b, part, from, n, done);
	}
}
/* bind parts */
static void
fill(const struct binding *b)
{
	uint64_t step = b->stripe < BIND_TILE ? BIND_TILE / b->stripe : 1;
	uint64_t stripe, last;
	R_xlen_t k;

	for (stripe = 0; stripe < b->stripes; stripe = last) {
		last = b->stripes - stripe < step ? b->stripes :
		    stripe + step;
		for (k = 0; k < b->count; k++)
			pour(b, &b->parts[k], stripe, last);
	}
}

/* make the target and fill it */
SEXP
rfm_bind(SEXP parts, const double *runs, uint64_t stripes)
{
	struct binding b = { .stripes = stripes, .count = XLENGTH(parts) };

	if (!find_type(&b, parts))
		return R_NilValue;
	b.kept = PROTECT(Rf_shallow_duplicate(parts));
	b.parts = (struct part *)(void *)R_alloc((size_t)b.count,
	    sizeof *b.parts);
	take_in(&b, runs);
	if (b.stripe == 0 || stripes > BIND_MOST / b.stripe ||
	    b.stripe * stripes < 2) {
		UNPROTECT(1);
		return R_NilValue;
	}
	b.target = rfm_altvec_sibling(b.ours, b.type, b.stripe * stripes);
	if (b.target == NULL)
		b.target = R_NilValue;
	PROTECT(b.target);
	if (b.target != R_NilValue)
		fill(&b);
	UNPROTECT(2);
	return b.target;
}
