/* Tangled from lit/72_binding.nw by 'make tangle': change it there, not here. */
#ifndef RFM_BIND_H
#define RFM_BIND_H
#include "altvec.h"

/* parts is a list, with one run for each; R_NilValue: let R do it */
SEXP rfm_bind(SEXP parts, const double *runs, uint64_t stripes);
#endif
