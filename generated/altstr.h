/* Tangled from lit/66_strings.nw by 'make tangle': change it there, not here. */
#ifndef RFM_ALTSTR_H
#define RFM_ALTSTR_H
#include "rcompat.h"

void rfm_altstr_load(DllInfo *);
SEXP rfm_altstr_distinct(SEXP x);  /* R_NilValue: let R do it */
#endif
