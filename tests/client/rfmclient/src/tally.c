/* A client that keeps state of its own in a store. The book quotes it. */
#include <Rfmalloc.h>

SEXP tally(SEXP store, SEXP id, SEXP x);

/* A tally of bytes that goes on in the next session: counts those of x, and
   gives the tally's id. An id of 0 begins a new one. */
SEXP
tally(SEXP store, SEXP id, SEXP x)
{
	uint64_t number = (uint64_t)Rf_asReal(id);
	double *counts;
	R_xlen_t i;

	if (number == 0)
		counts = (double *)Rfmalloc_calloc(store, 256,
		    sizeof *counts);
	else
		counts = (double *)Rfmalloc_block_find(store, number);
	if (counts == NULL)
		return Rfmalloc_raise();
	for (i = 0; i < XLENGTH(x); i++)
		counts[RAW(x)[i]]++;
	number = Rfmalloc_block_keep(counts);
	if (number == 0) {
		Rfmalloc_free(counts);
		return Rfmalloc_raise();
	}
	Rfmalloc_block_release(counts);
	return Rf_ScalarReal((double)number);
}
