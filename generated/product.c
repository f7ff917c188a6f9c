/* Tangled from lit/73_products.nw by 'make tangle': change it there, not here. */
#define USE_FC_LEN_T
#include "product.h"
#include "altvec.h"
#include "layout.h"
#include <R_ext/BLAS.h>

#ifndef FCONE
#define FCONE
#endif

/* look for values that are not finite */
#define LOOK_STEP (R_xlen_t)131072

static bool
seems_awkward(SEXP x)
{
	R_xlen_t n = XLENGTH(x), i = n & 1, k;
	const double *at = DATAPTR_RO(x);
	bool finite = i == 0 || R_FINITE(at[0]);

	while (finite && i < n) {
		R_CheckUserInterrupt();
		at = DATAPTR_RO(x);
		for (k = 0; finite && k < LOOK_STEP && i < n; k += 2, i += 2)
			finite = R_FINITE(at[i] + at[i + 1]);
	}
	return !finite;
}
/* multiply */
static void
multiply(enum rfm_product kind, const double *x, struct rfm_factor a,
    const double *y, struct rfm_factor b, double *z)
{
	bool turned = kind == RFM_PRODUCT_CROSS;
	const char *ta = turned ? "T" : "N";
	int rows = turned ? a.columns : a.rows;
	int inner = turned ? a.rows : a.columns;
	int columns;
	const double one = 1, zero = 0;
	const int step = 1;

	turned = kind == RFM_PRODUCT_TCROSS;
	columns = turned ? b.rows : b.columns;
	if (columns == 1)
		F77_CALL(dgemv)(ta, &a.rows, &a.columns, &one, x, &a.rows,
		    y, &step, &zero, z, &step FCONE);
	else if (rows == 1)
		F77_CALL(dgemv)(turned ? "N" : "T", &b.rows, &b.columns,
		    &one, y, &b.rows, x, &step, &zero, z, &step FCONE);
	else
		F77_CALL(dgemm)(ta, turned ? "T" : "N", &rows, &columns,
		    &inner, &one, x, &a.rows, y, &b.rows, &zero, z, &rows
		    FCONE FCONE);
}
/* multiply a matrix by itself */
static void
square(enum rfm_product kind, const double *x, struct rfm_factor a, double *z)
{
	bool turned = kind == RFM_PRODUCT_CROSS;
	int rows = turned ? a.columns : a.rows;
	int inner = turned ? a.rows : a.columns;
	const double one = 1, zero = 0;
	R_xlen_t n = rows, i, j;

	F77_CALL(dsyrk)("U", turned ? "T" : "N", &rows, &inner, &one, x,
	    &a.rows, &zero, z, &rows FCONE FCONE);
	for (i = 1; i < n; i++)
		for (j = 0; j < i; j++)
			z[i + n * j] = z[j + n * i];
}
/* make the product in the store */
/* take operands that suit */
static bool
suits(struct rfm_factor a)
{
	SEXPTYPE type = (SEXPTYPE)TYPEOF(a.x);

	return (type == REALSXP || type == INTSXP || type == LGLSXP) &&
	    a.rows > 0 && a.columns > 0 &&
	    (R_xlen_t)a.rows * a.columns == XLENGTH(a.x);
}

static uint64_t
extent(enum rfm_product kind, struct rfm_factor a, bool left)
{
	bool turned = kind == (left ? RFM_PRODUCT_CROSS :
	    RFM_PRODUCT_TCROSS);

	return (uint64_t)(turned == left ? a.columns : a.rows);
}

static int
inner_extent(enum rfm_product kind, struct rfm_factor a, bool left)
{
	bool turned = kind == (left ? RFM_PRODUCT_CROSS :
	    RFM_PRODUCT_TCROSS);

	return turned == left ? a.rows : a.columns;
}

SEXP
rfm_product(enum rfm_product kind, struct rfm_factor x, struct rfm_factor y)
{
	bool alone = y.x == NULL;
	SEXP ours = rfm_altvec_inner(x.x) != NULL || alone ? x.x : y.x;
	SEXP a, b, target = NULL;
	uint64_t length = extent(kind, x, true) *
	    extent(kind, alone ? x : y, false);

	if (!suits(x) || length < 2 || (!alone && (!suits(y) ||
	    inner_extent(kind, x, true) != inner_extent(kind, y, false))))
		return R_NilValue;
	a = PROTECT(Rf_coerceVector(x.x, REALSXP));
	b = PROTECT(alone ? a : Rf_coerceVector(y.x, REALSXP));
	if (!seems_awkward(a) && (alone || !seems_awkward(b)))
		target = rfm_altvec_sibling(ours, RFM_NUMERIC, length);
	if (target != NULL) {
		PROTECT(target);
		if (alone)
			square(kind, DATAPTR_RO(a), x, REAL(target));
		else
			multiply(kind, DATAPTR_RO(a), x, DATAPTR_RO(b), y,
			    REAL(target));
		UNPROTECT(1);
	}
	UNPROTECT(2);
	return target == NULL ? R_NilValue : target;
}
