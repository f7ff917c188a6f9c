/* Tangled from lit/66_strings.nw by 'make tangle': change it there, not here. */
#ifndef RFM_ALTSTR_H
#define RFM_ALTSTR_H
#include "rcompat.h"
#include <stdint.h>

void rfm_altstr_load(DllInfo *);
SEXP rfm_altstr_array(SEXP x);
SEXP rfm_altstr_distinct(SEXP x);  /* R_NilValue: not ours, or no strings */
void rfm_altstr_pour(SEXP x, uint64_t from, uint64_t count, SEXP to,
    uint64_t at);              /* x: any strings; to: ours, and fresh */
void rfm_altstr_append(SEXP x, uint64_t count, SEXP to, uint64_t at);
void rfm_altstr_begin(SEXP x, SEXP to);    /* x becomes its beginning */
#endif
