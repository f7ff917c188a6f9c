/* Tangled from lit/75_glue.nw by 'make tangle': change it there, not here. */
#include "altlist.h"
#include "altstr.h"
#include "altvec.h"
#include "capi.h"
#include "glue.h"
#include "growth.h"
#include "names.h"
#include "objects.h"

/* the table of doors */
#define DOOR(name, arguments) \
	{ #name, (DL_FUNC)(void (*)(void))&name, arguments }

static const R_CallMethodDef doors[] = {
	DOOR(rfm_c_open, 5), DOOR(rfm_c_close, 1), DOOR(rfm_c_is_open, 1),
	DOOR(rfm_c_sync, 1), DOOR(rfm_c_runtime_of, 1),
	DOOR(rfm_c_sync_policy, 1), DOOR(rfm_c_number, 1),
	DOOR(rfm_c_refresh, 1),
	DOOR(rfm_c_default, 0), DOOR(rfm_c_set_default, 1),
	DOOR(rfm_c_vector, 5), DOOR(rfm_c_array, 7), DOOR(rfm_c_temporary, 3),
	DOOR(rfm_c_copy, 3), DOOR(rfm_c_shape, 4), DOOR(rfm_c_destroy, 2),
	DOOR(rfm_c_is_fmalloc, 1), DOOR(rfm_c_vector_info, 1),
	DOOR(rfm_c_type_bytes, 1), DOOR(rfm_c_class, 2),
	DOOR(rfm_c_like, 3), DOOR(rfm_c_move, 3), DOOR(rfm_c_put, 3),
	DOOR(rfm_c_keep, 1), DOOR(rfm_c_alias, 2), DOOR(rfm_c_collect, 1),
	DOOR(rfm_c_recover, 3), DOOR(rfm_c_sizes, 1), DOOR(rfm_c_map, 1),
	DOOR(rfm_c_list, 1), DOOR(rfm_c_info, 1), DOOR(rfm_c_check, 1),
	DOOR(rfm_c_snapshot_begin, 2), DOOR(rfm_c_snapshot_left, 1),
	DOOR(rfm_c_snapshot_step, 2), DOOR(rfm_c_snapshot_finish, 1),
	DOOR(rfm_c_snapshot_drop, 1),
	DOOR(rfm_c_ops, 3), DOOR(rfm_c_math, 3), DOOR(rfm_c_view, 1),
	DOOR(rfm_c_settle, 2), DOOR(rfm_c_transpose, 1),
	DOOR(rfm_c_survey, 3), DOOR(rfm_c_store, 4), DOOR(rfm_c_give, 2),
	DOOR(rfm_c_names, 1), DOOR(rfm_c_named, 2), DOOR(rfm_c_change, 5),
	DOOR(rfm_c_stored_bytes, 2), DOOR(rfm_c_let_go, 1),
	DOOR(rfm_c_lend, 1),
	DOOR(rfm_c_append, 4), DOOR(rfm_c_spend, 1),
	DOOR(rfm_c_view_of, 4), DOOR(rfm_c_run, 2),
	DOOR(rfm_c_compact, 3), DOOR(rfm_c_trim, 1),
	DOOR(rfm_c_recollect, 1), DOOR(rfm_c_clear, 2),
	DOOR(rfm_c_distinct, 1), DOOR(rfm_c_strings, 1),
	DOOR(rfm_c_bind, 5), DOOR(rfm_c_product, 6),
	{ NULL, NULL, 0 }
};

attribute_visible void
R_init_Rfmalloc(DllInfo *dll)
{
	R_registerRoutines(dll, NULL, doors, NULL, NULL);
	R_useDynamicSymbols(dll, FALSE);
	R_forceSymbols(dll, TRUE);
	rfm_runtime_load();
	rfm_altvec_load(dll);
	rfm_altstr_load(dll);
	rfm_altlist_load(dll);
	rfm_object_load();
	rfm_capi_load();
}
