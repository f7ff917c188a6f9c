/* Tangled from lit/70_ops.nw by 'make tangle': change it there, not here. */
#ifndef RFM_OPS_H
#define RFM_OPS_H
#include "altvec.h"

/* e2 is R_NilValue for a unary operator */
SEXP rfm_ops_binary(const char *generic, SEXP e1, SEXP e2);
SEXP rfm_ops_math(const char *generic, SEXP x, SEXP extra);
SEXP rfm_ops_view(SEXP x);
SEXP rfm_ops_settle(SEXP y, SEXP x);
SEXP rfm_ops_transpose(SEXP x);    /* R_NilValue: let R do it */
#endif
