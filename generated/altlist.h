/* Tangled from lit/67_lists.nw by 'make tangle': change it there, not here. */
#ifndef RFM_ALTLIST_H
#define RFM_ALTLIST_H
#include "altvec.h"

typedef SEXP rfm_altlist_giver(struct rfm_runtime *, SEXP pointer);

void rfm_altlist_load(DllInfo *);
void rfm_altlist_copy(SEXP x, SEXP to);
void rfm_altlist_join(rfm_altlist_giver *);  /* of what is no vector */
void rfm_altlist_name(SEXP x);               /* x came by name */
bool rfm_altlist_bare(SEXP x);    /* does the file know all of it? */
#endif
