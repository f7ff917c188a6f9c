/* Tangled from lit/67_lists.nw by 'make tangle': change it there, not here. */
#ifndef RFM_ALTLIST_H
#define RFM_ALTLIST_H
#include "altvec.h"

void rfm_altlist_load(DllInfo *);
void rfm_altlist_copy(SEXP x, SEXP to);
#endif
