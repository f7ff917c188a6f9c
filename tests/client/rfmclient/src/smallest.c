/* The smallest client: a vector that C fills. The book quotes it. */
#include <Rfmalloc.h>

SEXP squares(SEXP store, SEXP n);

/* The squares of 1, 2, …, n, computed into the store. */
SEXP
squares(SEXP store, SEXP n)
{
	R_xlen_t i, length = (R_xlen_t)Rf_asReal(n);
	SEXP x = PROTECT(Rfmalloc_create_vector(store, REALSXP, length));
	double *to = (double *)Rfmalloc_vector_payload_ptr(x);

	for (i = 0; i < length; i++)
		to[i] = (double)(i + 1) * (double)(i + 1);
	UNPROTECT(1);
	return x;
}
