/* Tangled from lit/77_names.nw by 'make tangle': change it there, not here. */
#ifndef RFM_NAMES_H
#define RFM_NAMES_H
#include "rcompat.h"

SEXP rfm_c_survey(SEXP handle, SEXP x, SEXP serialize);
SEXP rfm_c_store(SEXP handle, SEXP x, SEXP serialize, SEXP tell);
SEXP rfm_c_give(SEXP handle, SEXP pointer);
SEXP rfm_c_let_go(SEXP pointers);
SEXP rfm_c_lend(SEXP x);
SEXP rfm_c_names(SEXP handle);
SEXP rfm_c_named(SEXP handle, SEXP name);
SEXP rfm_c_change(SEXP handle, SEXP names, SEXP pointers, SEXP notes,
         SEXP times);
SEXP rfm_c_stored_bytes(SEXP handle, SEXP pointer);
#endif
