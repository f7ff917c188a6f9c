/* Tangled from lit/75_glue.nw by 'make tangle': change it there, not here. */
#ifndef RFM_GLUE_H
#define RFM_GLUE_H
#include "rcompat.h"

/* doors for runtimes */
SEXP rfm_c_open(SEXP path, SEXP bytes, SEXP mode, SEXP access, SEXP sync);
SEXP rfm_c_sync_policy(SEXP handle);
SEXP rfm_c_number(SEXP handle);
SEXP rfm_c_refresh(SEXP handle);
SEXP rfm_c_close(SEXP handle);
SEXP rfm_c_is_open(SEXP handle);
SEXP rfm_c_default(void);
SEXP rfm_c_set_default(SEXP handle);
SEXP rfm_c_sync(SEXP handle);
SEXP rfm_c_runtime_of(SEXP x);
/* doors for vectors */
SEXP rfm_c_vector(SEXP handle, SEXP type, SEXP length, SEXP zero,
         SEXP plain);
SEXP rfm_c_array(SEXP handle, SEXP type, SEXP length, SEXP zero, SEXP dim,
         SEXP dimnames, SEXP plain);
SEXP rfm_c_temporary(SEXP handle, SEXP type, SEXP length);
SEXP rfm_c_copy(SEXP handle, SEXP x, SEXP committed);
SEXP rfm_c_shape(SEXP x, SEXP dim, SEXP dimnames, SEXP class);
SEXP rfm_c_destroy(SEXP x, SEXP unsafe);
/* doors for whole objects */
SEXP rfm_c_type_bytes(SEXP type);
SEXP rfm_c_class(SEXP type, SEXP dimensions);
SEXP rfm_c_like(SEXP handle, SEXP x, SEXP plain);
SEXP rfm_c_move(SEXP x, SEXP to, SEXP tell);
SEXP rfm_c_put(SEXP list, SEXP position, SEXP element);
SEXP rfm_c_keep(SEXP x);
SEXP rfm_c_alias(SEXP x, SEXP plain);
SEXP rfm_c_collect(SEXP x);
SEXP rfm_c_recover(SEXP handle, SEXP record_offset, SEXP plain);
/* doors for looking inside */
SEXP rfm_c_is_fmalloc(SEXP x);
SEXP rfm_c_vector_info(SEXP x);
SEXP rfm_c_list(SEXP handle);
SEXP rfm_c_info(SEXP handle);
SEXP rfm_c_check(SEXP path);
SEXP rfm_c_sizes(SEXP x);
SEXP rfm_c_map(SEXP handle);
/* doors for copies of a store */
SEXP rfm_c_snapshot_begin(SEXP handle, SEXP to);
SEXP rfm_c_snapshot_left(SEXP copy);
SEXP rfm_c_snapshot_step(SEXP copy, SEXP bytes);
SEXP rfm_c_snapshot_finish(SEXP copy);
SEXP rfm_c_snapshot_drop(SEXP copy);
/* doors for arithmetic */
SEXP rfm_c_ops(SEXP generic, SEXP e1, SEXP e2);
SEXP rfm_c_math(SEXP generic, SEXP x, SEXP extra);
SEXP rfm_c_view(SEXP x);
SEXP rfm_c_settle(SEXP y, SEXP x);
SEXP rfm_c_transpose(SEXP x);
SEXP rfm_c_distinct(SEXP x);
SEXP rfm_c_strings(SEXP x);
SEXP rfm_c_bind(SEXP parts, SEXP runs, SEXP stripes, SEXP dim, SEXP labels);
SEXP rfm_c_product(SEXP generic, SEXP x, SEXP y, SEXP dims, SEXP dim,
         SEXP labels);
#endif
