/* Tangled from lit/73_products.nw by 'make tangle': change it there, not here. */
#ifndef RFM_PRODUCT_H
#define RFM_PRODUCT_H
#include "rcompat.h"

enum rfm_product { RFM_PRODUCT_PLAIN, RFM_PRODUCT_CROSS,
	RFM_PRODUCT_TCROSS };

struct rfm_factor { SEXP x; int rows, columns; };

/* y->x is NULL for the product of a matrix with itself; R_NilValue:
   let R do it */
SEXP rfm_product(enum rfm_product, struct rfm_factor x,
    struct rfm_factor y);
#endif
