/* Tangled from lit/78_capi.nw by 'make tangle': change it there, not here. */
#include "capi.h"
#include "altvec.h"
#include "glue.h"
#include "layout.h"
#include "Rfmalloc.h"
#include <stdlib.h>
#include <string.h>

/* declare each function as the header does */
static Rfmalloc_api_version_type version;
static Rfmalloc_last_error_type last_error;
static Rfmalloc_raise_type raise_last;
static Rfmalloc_default_runtime_type default_runtime;
static Rfmalloc_open_runtime_type open_runtime;
static Rfmalloc_cleanup_runtime_type cleanup_runtime;
static Rfmalloc_sync_runtime_type sync_runtime;
static Rfmalloc_list_allocations_type list_allocations;
static Rfmalloc_create_vector_type create_vector;
static Rfmalloc_is_fmalloc_vector_type is_vector;
static Rfmalloc_vector_type_type vector_type;
static Rfmalloc_vector_length_type vector_length;
static Rfmalloc_vector_payload_ptr_type vector_address;
static Rfmalloc_vector_is_writable_type vector_is_writable;
static Rfmalloc_malloc_type take_any;
static Rfmalloc_calloc_type take_zeroed;
static Rfmalloc_realloc_type resize;
static Rfmalloc_free_type give;
static Rfmalloc_block_keep_type keep;
static Rfmalloc_block_id_type id_of;
static Rfmalloc_block_find_type find;
static Rfmalloc_block_release_type let_go;
static Rfmalloc_block_bytes_type bytes_of;
/* remember why a call failed */
static _Thread_local struct rfm_error last;

static bool
on_main_thread(void)
{
	if (rfm_on_main_thread())
		return true;
	rfm_fail(&last, RFM_ARGUMENT, "Rfmalloc was called from a thread "
	    "other than R's main thread");
	return false;
}

static const char *
last_error(void)
{
	return last.text;
}

static SEXP
raise_last(void)
{
	rfm_check_thread();
	if (last.status == RFM_OK)
		rfm_raise("argument", 0, NULL, "No call of Rfmalloc has "
		    "failed");
	rfm_raise_error(&last, NULL);
}
/* look up blocks */
struct block {
	void               *address; /* NULL: this place is free */
	struct rfm_payload *payload;
	uint64_t            users;   /* made and found, less released */
};

static struct block *places;
static size_t        room, taken;    /* room: 0, or a power of two */

static size_t
home_of(const void *address)
{
	uint64_t granule = (uintptr_t)address / RFM_GRANULE_BYTES;

	return (size_t)(granule * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	    (room - 1);
}

static struct block *
place_of(const void *address)
{
	size_t i = home_of(address);

	while (places[i].address != NULL && places[i].address != address)
		i = (i + 1) & (room - 1);
	return &places[i];
}

static struct block *
registered(const void *address)
{
	struct block *place = room == 0 ? NULL : place_of(address);

	return place == NULL || place->address == NULL ? NULL : place;
}

/* look up a block or complain */
static struct block *
block_at(void *address)
{
	struct block *block = NULL;

	if (!on_main_thread())
		return NULL;
	block = registered(address);
	if (block == NULL)
		rfm_fail(&last, RFM_ARGUMENT, "%p is not the address of a "
		    "block: it was freed before, or never was one", address);
	return block;
}
/* secure a place */
static bool
secure(void)
{
	struct block *old = places, *wider;
	size_t k, before = room, after = room == 0 ? 64 : 2 * room;

	if (2 * (taken + 1) <= room)
		return true;
	wider = calloc(after, sizeof *wider);
	if (wider == NULL) {
		rfm_fail(&last, RFM_NO_MEMORY, "no memory for one more "
		    "block");
		return false;
	}
	places = wider;
	room = after;
	for (k = 0; k < before; k++)
		if (old[k].address != NULL)
			*place_of(old[k].address) = old[k];
	free(old);
	return true;
}
/* enter and remove blocks */
static void *
enter(struct rfm_payload *payload, uint64_t users)
{
	struct block *place = place_of(payload->address);

	place->address = payload->address;
	place->payload = payload;
	place->users = users;
	taken++;
	return place->address;
}

static void
strike(struct block *block)
{
	size_t hole = (size_t)(block - places), i = hole;

	for (;;) {
		i = (i + 1) & (room - 1);
		if (places[i].address == NULL)
			break;
		if (((i - home_of(places[i].address)) & (room - 1)) <
		    ((i - hole) & (room - 1)))
			continue;
		places[hole] = places[i];
		hole = i;
	}
	places[hole].address = NULL;
	taken--;
}

static void
forget(struct block *block)
{
	struct rfm_payload *payload = block->payload;

	strike(block);
	rfm_payload_release(payload);              /* keeps I11 */
}
/* reach the runtime without jumping */
static struct rfm_runtime *
reach(SEXP handle)
{
	struct rfm_runtime *runtime;

	if (!on_main_thread())
		return NULL;
	if (handle == R_NilValue)
		handle = rfm_runtime_default();
	if (handle == R_NilValue) {
		rfm_fail(&last, RFM_ARGUMENT, "fmalloc not initialized: "
		    "there is no default runtime");
		return NULL;
	}
	runtime = rfm_runtime_of_handle(handle);
	if (runtime == NULL)
		rfm_fail(&last, RFM_CLOSED, "The fmalloc runtime is closed");
	return runtime;
}
/* take and give blocks */
static void *
take(SEXP handle, uint64_t bytes, bool zero)
{
	struct rfm_runtime *runtime = reach(handle);
	struct rfm_payload *payload;

	if (runtime == NULL || !secure() || rfm_runtime_allocate(runtime,
	    RFM_KIND_BLOCK, RFM_BYTES, bytes, zero, &payload, &last) !=
	    RFM_OK)
		return NULL;
	return enter(payload, 1);
}

static void *
take_any(SEXP runtime, size_t bytes)
{
	return take(runtime, bytes, false);
}

static void *
take_zeroed(SEXP runtime, size_t count, size_t bytes)
{
	uint64_t product;

	if (rfm_multiply(count, bytes, &product))
		return take(runtime, product, true);
	rfm_fail(&last, RFM_TOO_LARGE, "%llu times %llu bytes are more "
	    "than 64 bits can count", (unsigned long long)count,
	    (unsigned long long)bytes);
	return NULL;
}

/* give a block back */
static int
give(void *address)
{
	struct block *block;
	enum rfm_state state;

	if (address == NULL)
		return 0;
	block = block_at(address);
	if (block == NULL)
		return -1;
	state = block->payload->state;
	if (state != RFM_TEMPORARY && rfm_store_destroy(block->payload,
	    true, &last) != RFM_OK)                /* keeps I13 */
		return -1;
	forget(block);
	return 0;
}

static int
let_go(void *address)
{
	struct block *block = block_at(address);

	if (block == NULL)
		return -1;
	if (--block->users == 0 ||
	    block->payload->state == RFM_TEMPORARY)
		forget(block);
	return 0;
}
/* change the size of a block */
/* follow a block to its new address */
static void *
at_its_new_address(void *old)
{
	struct block *block = block_at(old), moved;

	if (block == NULL)
		return NULL;
	moved = *block;
	strike(block);
	return enter(moved.payload, moved.users);
}

static enum rfm_status
stretch(struct rfm_payload *payload, uint64_t bytes)
{
	enum rfm_status status = rfm_store_resize(payload, bytes, RFM_STAY,
	    &last);

	if (status != RFM_NO_ROOM)
		return status;
	rfm_payload_retain(payload);
	R_gc();
	status = rfm_store_resize(payload, bytes, RFM_GROW, &last);
	rfm_payload_release(payload);
	return status;
}

static void *
resize(SEXP handle, void *address, size_t bytes)
{
	struct rfm_runtime *runtime = reach(handle);
	struct block *block;

	if (runtime == NULL)
		return NULL;
	if (address == NULL)
		return take(handle, bytes, false);
	block = block_at(address);
	if (block == NULL)
		return NULL;
	if (block->payload->store != runtime->store) {
		rfm_fail(&last, RFM_MISMATCH, "the block at %p is not of "
		    "the same fmalloc runtime", address);
		return NULL;
	}
	if (stretch(block->payload, bytes) != RFM_OK)
		return NULL;                       /* keeps I13 */
	return at_its_new_address(address);
}
/* keep and find blocks */
static uint64_t
keep(void *address)
{
	struct block *block = block_at(address);

	if (block == NULL || rfm_store_keep(block->payload, &last) != RFM_OK)
		return 0;
	return block->payload->id;
}

static uint64_t
id_of(void *address)
{
	struct block *block = block_at(address);

	return block == NULL ? 0 : block->payload->id;
}

static size_t
bytes_of(void *address)
{
	struct block *block = block_at(address);

	return block == NULL ? 0 : (size_t)block->payload->bytes;
}

/* find a kept block */
static void *
find(SEXP handle, uint64_t id)
{
	struct rfm_runtime *runtime = reach(handle);
	struct rfm_payload *payload;
	struct block *block;

	if (runtime == NULL || !secure() || rfm_store_find(runtime->store,
	    id, &payload, &last) != RFM_OK)
		return NULL;
	if (payload->type != RFM_BYTES) {
		rfm_payload_release(payload);
		rfm_fail(&last, RFM_MISMATCH, "record %llu is a vector, "
		    "not a block", (unsigned long long)id);
		return NULL;
	}
	block = registered(payload->address);
	if (block == NULL)
		return enter(payload, 1);
	rfm_payload_release(payload);
	block->users++;
	return block->address;
}
/* serve the calls on runtimes */
static SEXP
call_r(const char *function, SEXP arguments)
{
	SEXP name = PROTECT(Rf_mkString("Rfmalloc"));
	SEXP home = PROTECT(R_FindNamespace(name));
	SEXP call = PROTECT(Rf_lcons(Rf_install(function), arguments));
	SEXP value = Rf_eval(call, home);

	UNPROTECT(3);
	return value;
}

static SEXP
open_runtime(const char *path, double size_gb, const char *mode)
{
	bool read = mode != NULL && strcmp(mode, "read") == 0;
	SEXP file, size, how, access, arguments, handle;

	rfm_check_thread();
	file = PROTECT(path == NULL ? R_NilValue : Rf_mkString(path));
	size = PROTECT(size_gb == 0 ? R_NilValue :
	    Rf_ScalarReal(size_gb));
	how = PROTECT(Rf_mkString(read || mode == NULL ? "persistent" :
	    mode));
	access = PROTECT(Rf_mkString(read ? "read" : "write"));
	arguments = PROTECT(Rf_list4(file, size, how, access));
	handle = call_r("open_fmalloc", arguments);
	UNPROTECT(5);
	return handle;
}

/* clean up with the blocks */
/* forget all blocks of a closed store */
static bool
is_of(const struct block *block, const struct rfm_store *store)
{
	return block->address != NULL && block->payload->store == store;
}

static void
forget_blocks(const struct rfm_store *store)
{
	struct rfm_store_info info;
	size_t i = 0;

	while (i < room && !is_of(&places[i], store))
		i++;
	if (i == room)
		return;
	rfm_store_describe(places[i].payload->store, &info);
	while (info.closed && i < room)
		if (is_of(&places[i], store))
			forget(&places[i]);        /* another moves up */
		else
			i++;
}

static SEXP
cleanup_runtime(SEXP handle)
{
	struct rfm_runtime *runtime;
	struct rfm_store *store = NULL;
	SEXP arguments;

	rfm_check_thread();
	runtime = rfm_runtime_of_handle(handle == R_NilValue ?
	    rfm_runtime_default() : handle);
	if (runtime != NULL)
		store = runtime->store;
	arguments = PROTECT(Rf_list1(handle));
	(void)call_r("cleanup_fmalloc", arguments);
	forget_blocks(store);
	UNPROTECT(1);
	return R_NilValue;
}
/* list, sync and tell */
static SEXP
list_allocations(SEXP handle)
{
	SEXP arguments, list;

	rfm_check_thread();
	arguments = PROTECT(Rf_list1(handle));
	list = call_r("list_fmalloc_allocations", arguments);
	UNPROTECT(1);
	return list;
}

static int
sync_runtime(SEXP handle)
{
	struct rfm_runtime *runtime = reach(handle);

	return runtime != NULL &&
	    rfm_store_sync(runtime->store, &last) == RFM_OK ? 0 : -1;
}

static int
version(void)
{
	return RFMALLOC_API_VERSION;
}
/* serve the calls on vectors */
static NORET void
refuse_type(int sexptype)
{
	char message[80];

	snprintf(message, sizeof message, "Unsupported vector type: "
	    "SEXPTYPE %d", sexptype);
	rfm_raise("argument", 0, NULL, message);
}

static SEXP
create_vector(SEXP handle, int sexptype, R_xlen_t length)
{
	SEXP type, elements, yes, x;

	if (rfm_type_of(sexptype) == 0)
		refuse_type(sexptype);
	type = PROTECT(Rf_mkString(rfm_type_name(rfm_type_of(sexptype))));
	elements = PROTECT(Rf_ScalarReal((double)length));
	yes = PROTECT(Rf_ScalarLogical(TRUE));
	x = rfm_c_vector(handle, type, elements, yes, R_NilValue);
	UNPROTECT(3);
	return x;
}

/* ask about a vector */
static int
is_vector(SEXP x)
{
	return rfm_altvec_payload(x) != NULL;
}

static int
vector_type(SEXP x)
{
	return is_vector(x) ? TYPEOF(x) : NILSXP;
}

static R_xlen_t
vector_length(SEXP x)
{
	return is_vector(x) ? XLENGTH(x) : -1;
}

static void *
vector_address(SEXP x)
{
	struct rfm_payload *payload = rfm_altvec_payload(x);

	if (payload == NULL || payload->type > RFM_RAW)
		return NULL;
	return payload->address;
}

static int
vector_is_writable(SEXP x)
{
	struct rfm_payload *payload = rfm_altvec_payload(x);

	return vector_address(x) != NULL && !rfm_payload_shared(payload);
}
/* register the callables */
static SEXP
default_runtime(void)
{
	rfm_check_thread();
	return rfm_runtime_default();
}

#define CALLABLE(name, function) \
	R_RegisterCCallable("Rfmalloc", #name, \
	    (DL_FUNC)(void (*)(void))(function))

void
rfm_capi_load(void)
{
	CALLABLE(Rfmalloc_api_version, version);
	CALLABLE(Rfmalloc_last_error, last_error);
	CALLABLE(Rfmalloc_raise, raise_last);
	CALLABLE(Rfmalloc_default_runtime, default_runtime);
	CALLABLE(Rfmalloc_open_runtime, open_runtime);
	CALLABLE(Rfmalloc_cleanup_runtime, cleanup_runtime);
	CALLABLE(Rfmalloc_sync_runtime, sync_runtime);
	CALLABLE(Rfmalloc_list_allocations, list_allocations);
	CALLABLE(Rfmalloc_create_vector, create_vector);
	CALLABLE(Rfmalloc_is_fmalloc_vector, is_vector);
	CALLABLE(Rfmalloc_vector_type, vector_type);
	CALLABLE(Rfmalloc_vector_length, vector_length);
	CALLABLE(Rfmalloc_vector_payload_ptr, vector_address);
	CALLABLE(Rfmalloc_vector_is_writable, vector_is_writable);
	CALLABLE(Rfmalloc_malloc, take_any);
	CALLABLE(Rfmalloc_calloc, take_zeroed);
	CALLABLE(Rfmalloc_realloc, resize);
	CALLABLE(Rfmalloc_free, give);
	CALLABLE(Rfmalloc_block_keep, keep);
	CALLABLE(Rfmalloc_block_id, id_of);
	CALLABLE(Rfmalloc_block_find, find);
	CALLABLE(Rfmalloc_block_release, let_go);
	CALLABLE(Rfmalloc_block_bytes, bytes_of);
}
