/* Tangled from lit/68_objects.nw by 'make tangle': change it there, not here. */
#ifndef RFM_OBJECTS_H
#define RFM_OBJECTS_H
#include "altvec.h"

SEXP rfm_object_survey(struct rfm_runtime *, SEXP x, bool serialize);
SEXP rfm_object_store(struct rfm_runtime *, SEXP x, bool serialize,
         SEXP tell);
SEXP rfm_object_give(struct rfm_runtime *, SEXP pointer);
void rfm_object_move(SEXP x, SEXP to, SEXP tell);
SEXP rfm_object_attributes(SEXP x);   /* a named list, or R_NilValue */
void rfm_object_load(void);
#endif
