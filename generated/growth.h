/* Tangled from lit/69_growth.nw by 'make tangle': change it there, not here. */
#ifndef RFM_GROWTH_H
#define RFM_GROWTH_H
#include "rcompat.h"

SEXP rfm_c_append(SEXP handle, SEXP x, SEXP y, SEXP attributes);
SEXP rfm_c_spend(SEXP x);
SEXP rfm_c_view_of(SEXP x, SEXP from, SEXP length, SEXP attributes);
SEXP rfm_c_run(SEXP x, SEXP index);   /* a view, or NULL */
SEXP rfm_c_compact(SEXP handle, SEXP budget, SEXP may_set_aside);
SEXP rfm_c_trim(SEXP handle);
SEXP rfm_c_recollect(SEXP handle);
SEXP rfm_c_clear(SEXP handle, SEXP word);
#endif
