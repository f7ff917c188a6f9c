/* Tangled from lit/78_capi.nw by 'make tangle': change it there, not here. */
#ifndef RFM_CAPI_H
#define RFM_CAPI_H
#include "rcompat.h"

void rfm_capi_load(void);
#endif
