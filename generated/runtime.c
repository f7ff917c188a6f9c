/* Tangled from lit/60_runtime.nw by 'make tangle': change it there, not here. */
#include "runtime.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct rfm_runtime *runtimes;
static uint64_t            openings;
static pthread_t           main_thread;
static SEXP                anchor_tag, handle_tag, view_tag, payload_tag;
static SEXP                group_tag, places;

/* close the store that an anchor stands for */
static void
drop_store(struct rfm_runtime *runtime)
{
	struct rfm_runtime **link = &runtimes;

	while (*link != NULL && *link != runtime)
		link = &(*link)->next;
	if (*link != NULL)
		*link = runtime->next;
	if (runtime->store != NULL)
		rfm_store_release(runtime->store);
	runtime->store = NULL;
}

static void
finalize_anchor(SEXP anchor)
{
	struct rfm_runtime *runtime = R_ExternalPtrAddr(anchor);

	if (runtime == NULL)
		return;
	R_ClearExternalPtr(anchor);
	if (runtime->store != NULL && runtime->process == getpid())
		(void)rfm_store_close(runtime->store, NULL);
	drop_store(runtime);                       /* keeps I12 */
	free(runtime);
}
/* make an anchor without a store */
SEXP
rfm_runtime_prepare(void)
{
	SEXP anchor;
	struct rfm_runtime *runtime;

	anchor = PROTECT(R_MakeExternalPtr(NULL, anchor_tag, R_NilValue));
	R_RegisterCFinalizerEx(anchor, finalize_anchor, TRUE);
	runtime = calloc(1, sizeof *runtime);
	if (runtime == NULL)
		rfm_raise("no_memory", 0, NULL, "There is no memory left "
		    "for opening a store.");
	runtime->anchor = anchor;
	runtime->process = getpid();
	runtime->sync = RFM_SYNC_CLOSE;
	R_SetExternalPtrAddr(anchor, runtime);
	UNPROTECT(1);
	return anchor;
}
/* give a store its runtime */
struct rfm_runtime *
rfm_runtime_adopt(SEXP anchor, struct rfm_store *store)
{
	struct rfm_runtime *runtime;
	struct rfm_store_info info;

	for (runtime = runtimes; runtime != NULL; runtime = runtime->next)
		if (runtime->store == store) {
			rfm_store_release(store);
			return runtime;
		}
	runtime = R_ExternalPtrAddr(anchor);
	rfm_store_describe(store, &info);
	memcpy(runtime->uuid, info.uuid, sizeof runtime->uuid);
	memcpy(runtime->path, info.path, sizeof runtime->path);
	runtime->store = store;
	runtime->number = ++openings;
	runtime->next = runtimes;
	runtimes = runtime;
	return runtime;
}

/* take in a wish for syncs */
void
rfm_runtime_sync(struct rfm_runtime *runtime, enum rfm_sync wish)
{
	if (runtime->opens == 0 || wish > runtime->sync)
		runtime->sync = wish;
	rfm_store_sync_at_close(runtime->store,
	    runtime->sync != RFM_SYNC_NEVER);
}

struct rfm_runtime *
rfm_runtime_of_anchor(SEXP anchor)
{
	struct rfm_runtime *runtime = NULL;

	if (TYPEOF(anchor) == EXTPTRSXP)
		runtime = R_ExternalPtrAddr(anchor);
	return runtime == NULL || runtime->store == NULL ? NULL : runtime;
}
/* make, resolve and close handles */
/* forget a handle that was never closed */
static void
finalize_handle(SEXP handle)
{
	struct rfm_runtime *runtime = rfm_runtime_of_handle(handle);

	R_ClearExternalPtr(handle);
	if (runtime != NULL && runtime->opens > 0)
		runtime->opens--;
}

SEXP
rfm_runtime_handle(struct rfm_runtime *runtime, bool opened)
{
	SEXP handle = PROTECT(R_MakeExternalPtr(NULL,
	    opened ? handle_tag : view_tag, runtime->anchor));

	if (opened) {
		R_RegisterCFinalizerEx(handle, finalize_handle, FALSE);
		runtime->opens++;
	}
	R_SetExternalPtrAddr(handle, runtime);
	UNPROTECT(1);
	return handle;
}

/* find the runtime behind a handle */
struct rfm_runtime *
rfm_runtime_of_handle(SEXP handle)
{
	SEXP tag;

	if (TYPEOF(handle) != EXTPTRSXP)
		return NULL;
	tag = R_ExternalPtrTag(handle);
	if (tag != handle_tag && tag != view_tag)
		return NULL;
	if (R_ExternalPtrAddr(handle) == NULL)
		return NULL;
	return rfm_runtime_of_anchor(R_ExternalPtrProtected(handle));
}
/* close a handle */
enum rfm_status
rfm_runtime_close(SEXP handle, struct rfm_error *error)
{
	struct rfm_runtime *runtime = rfm_runtime_of_handle(handle);
	bool opened = R_ExternalPtrTag(handle) == handle_tag;
	enum rfm_status status = RFM_OK;

	R_ClearExternalPtr(handle);
	PROTECT(R_ExternalPtrProtected(handle));
	R_SetExternalPtrProtected(handle, R_NilValue);
	if (runtime != NULL && opened && runtime->opens > 0)
		runtime->opens--;
	if (runtime != NULL && runtime->opens == 0 &&
	    runtime->process == getpid()) {
		rfm_runtime_retire_group(runtime);
		if (runtime->vectors > 0)
			R_gc();
		if (runtime->store != NULL)
			status = rfm_store_close(runtime->store, error);
		if (runtime->vectors == 0)
			drop_store(runtime);
	}
	UNPROTECT(1);
	return status;
}
/* keep the default handle */
static SEXP default_handle;     /* preserved from the collector */

SEXP
rfm_runtime_default(void)
{
	return rfm_runtime_of_handle(default_handle) == NULL ?
	    R_NilValue : default_handle;
}

void
rfm_runtime_set_default(SEXP handle)
{
	R_PreserveObject(handle);
	R_ReleaseObject(default_handle);
	default_handle = handle;
}
/* make external pointers to payloads */
uint64_t rfm_payload_turns;

/* let go of a payload */
uint64_t
rfm_payload_total(const struct rfm_payload *payload)
{
	uint64_t total = payload->bytes;
	uint32_t k;

	for (k = 0; k < payload->part_count; k++)
		total += payload->parts[k]->bytes;
	return total;
}

static void
finalize_payload(SEXP pointer)
{
	struct rfm_payload *payload = R_ExternalPtrAddr(pointer);
	struct rfm_runtime *runtime;

	if (payload == NULL)
		return;
	rfm_payload_turns++;
	runtime = rfm_runtime_of_pointer(pointer);
	R_ClearExternalPtr(pointer);
	if (runtime != NULL)
		runtime->vectors--;
	if (payload->state == RFM_TEMPORARY && payload->handles == 1)
		rfm_runtime_returned(runtime, rfm_payload_total(payload));
	rfm_payload_release(payload);      /* keeps I11, I12 */
}
/* drop a pointer at once */
void
rfm_payload_drop(SEXP pointer)
{
	finalize_payload(pointer);
}

bool
rfm_payload_points(SEXP pointer)
{
	return TYPEOF(pointer) == EXTPTRSXP &&
	    R_ExternalPtrTag(pointer) == payload_tag &&
	    R_ExternalPtrAddr(pointer) != NULL;
}

SEXP
rfm_payload_pointer(void)
{
	SEXP pointer;

	pointer = PROTECT(R_MakeExternalPtr(NULL, payload_tag, R_NilValue));
	R_RegisterCFinalizerEx(pointer, finalize_payload, FALSE);
	UNPROTECT(1);
	return pointer;
}

void
rfm_payload_hold(SEXP pointer, struct rfm_runtime *runtime,
    struct rfm_payload *payload)
{
	rfm_payload_turns++;
	R_SetExternalPtrProtected(pointer, runtime->anchor); /* keeps I11 */
	R_SetExternalPtrAddr(pointer, payload);
	runtime->vectors++;
}

struct rfm_payload *
rfm_payload_of(SEXP pointer)
{
	return R_ExternalPtrAddr(pointer);
}

struct rfm_runtime *
rfm_runtime_of_pointer(SEXP pointer)
{
	return rfm_runtime_of_anchor(R_ExternalPtrProtected(pointer));
}
/* hold the payloads of many vectors by one pointer */
#define GROUP_MEMBERS 64

struct group {
	int                 used;
	struct rfm_payload *members[GROUP_MEMBERS];
};

/* let go of a group */
static void
finalize_group(SEXP pointer)
{
	struct group *group = R_ExternalPtrAddr(pointer);
	struct rfm_runtime *runtime = rfm_runtime_of_pointer(pointer);
	int k;

	if (group == NULL)
		return;
	R_ClearExternalPtr(pointer);
	rfm_payload_turns++;
	if (runtime != NULL)
		runtime->vectors--;
	for (k = 0; k < group->used; k++)
		if (group->members[k] != NULL)
			rfm_payload_release(group->members[k]);
	free(group);                               /* keeps I11, I12 */
}
/* begin a new group */
static SEXP
new_group(struct rfm_runtime *runtime)
{
	SEXP pointer;

	pointer = PROTECT(R_MakeExternalPtr(NULL, group_tag,
	    runtime->anchor));
	R_RegisterCFinalizerEx(pointer, finalize_group, FALSE);
	R_SetExternalPtrAddr(pointer, calloc(1, sizeof(struct group)));
	if (R_ExternalPtrAddr(pointer) == NULL)
		rfm_raise("no_memory", 0, runtime->path,
		    "There is no memory left for another vector.");
	runtime->vectors++;
	R_SetExternalPtrProtected(runtime->anchor, pointer);
	UNPROTECT(1);
	return pointer;
}
/* find a free place in a group */
SEXP
rfm_runtime_group(struct rfm_runtime *runtime, SEXP *place)
{
	SEXP pointer = R_ExternalPtrProtected(runtime->anchor);
	struct group *group = NULL;

	if (TYPEOF(pointer) == EXTPTRSXP)
		group = R_ExternalPtrAddr(pointer);
	if (group == NULL || group->used == GROUP_MEMBERS) {
		pointer = new_group(runtime);
		group = R_ExternalPtrAddr(pointer);
	}
	*place = VECTOR_ELT(places, group->used++);
	return pointer;
}
/* retire the latest group */
void
rfm_runtime_retire_group(struct rfm_runtime *runtime)
{
	R_SetExternalPtrProtected(runtime->anchor, R_NilValue);
}
/* put a payload into its place */
void
rfm_group_hold(SEXP pointer, int place, struct rfm_payload *payload)
{
	struct group *group = R_ExternalPtrAddr(pointer);

	group->members[place] = payload;           /* keeps I11 */
}

struct rfm_payload *
rfm_group_member(SEXP pointer, int place)
{
	const struct group *group = R_ExternalPtrAddr(pointer);

	return group == NULL ? NULL : group->members[place];
}

static void
make_places(void)
{
	int k;

	places = Rf_allocVector(VECSXP, GROUP_MEMBERS);
	R_PreserveObject(places);
	for (k = 0; k < GROUP_MEMBERS; k++)
		SET_VECTOR_ELT(places, k, Rf_ScalarInteger(k));
}
/* get room for a vector */
#define COLLECT_STEP_BYTES (UINT64_C(256) << 20)
#define BALLAST_MIN_BYTES  (UINT64_C(64) << 10)
#define BALLAST_MAX_BYTES  (UINT64_C(32) << 20)

/* run a collection and take stock */
static void
collect(struct rfm_runtime *runtime)
{
	struct rfm_store_info info;

	R_gc();
	if (runtime->store != NULL) {
		rfm_store_describe(runtime->store, &info);
		runtime->given = info.temporary_bytes;
	}
	runtime->survived = runtime->given;
}

static void
drop_ballast(uint64_t bytes)
{
	if (bytes > BALLAST_MAX_BYTES)
		bytes = BALLAST_MAX_BYTES;
	if (bytes >= BALLAST_MIN_BYTES)
		(void)Rf_allocVector(RAWSXP, (R_xlen_t)bytes);
}

static void
collect_when_due(struct rfm_runtime *runtime, uint64_t bytes)
{
	uint64_t step = runtime->survived / 2;

	if (step < COLLECT_STEP_BYTES)
		step = COLLECT_STEP_BYTES;
	if (runtime->given + bytes > runtime->survived + step)
		collect(runtime);
	else
		drop_ballast(bytes);
}

/* ask the store for a payload */
struct request {
	struct rfm_runtime *runtime;
	enum rfm_kind       kind;
	uint32_t            type;
	uint64_t            length;
	bool                zero;
	struct rfm_payload *owner;      /* of a part; else NULL */
	uint64_t            room;       /* elements, or 0: as the length */
};

static bool
grows(const struct request *want)       /* it is for appending */
{
	const struct rfm_payload *owner = want->owner;

	return want->room > 0 ||
	    (owner != NULL && owner->room > owner->bytes);
}

static enum rfm_status
attempt(const struct request *want, enum rfm_growth growth,
    struct rfm_payload **payload, struct rfm_error *error)
{
	struct rfm_store *store = want->runtime->store;

	if (store == NULL)
		return rfm_fail(error, RFM_CLOSED, "runtime is closed");
	if (want->owner != NULL)
		return rfm_store_extend(want->owner, want->length, growth,
		    error);
	if (want->kind == RFM_KIND_COMMITTED)
		return rfm_store_create(store, want->type, want->length,
		    want->zero, growth, payload, error);
	return rfm_store_roomy(store, want->type, want->length,
	    want->room > 0 ? want->room : want->length, want->zero, growth,
	    payload, error);
}
/* make room, in the order of what it costs */
static enum rfm_status
make_room(const struct request *want, struct rfm_payload **payload,
    struct rfm_error *error)
{
	enum rfm_status status = RFM_NO_ROOM;

	if (want->runtime->given > 0 && !grows(want)) {
		collect(want->runtime);
		status = attempt(want, RFM_STAY, payload, error);
	}
	if (status == RFM_NO_ROOM)
		status = attempt(want, RFM_GROW, payload, error);
	if (status == RFM_DISK_FULL) {
		collect(want->runtime);
		status = attempt(want, RFM_GROW, payload, error);
	}
	return status;
}
/* count what is handed out and what comes back */
static enum rfm_status
grant(const struct request *want, struct rfm_payload **payload,
    struct rfm_error *error)
{
	struct rfm_runtime *runtime = want->runtime;
	enum rfm_status status;
	uint64_t bytes;

	if (!rfm_multiply(want->length, rfm_type_bytes(want->type), &bytes))
		return rfm_fail(error, RFM_TOO_LARGE, "A vector of %llu "
		    "elements is larger than any file can be",
		    (unsigned long long)want->length);
	PROTECT(runtime->anchor);
	if (want->kind == RFM_KIND_TEMPORARY && !grows(want))
		collect_when_due(runtime, bytes);
	status = attempt(want, RFM_STAY, payload, error);
	if (status == RFM_NO_ROOM)
		status = make_room(want, payload, error);
	UNPROTECT(1);
	if (status == RFM_OK && (*payload)->state == RFM_TEMPORARY &&
	    want->kind != RFM_KIND_BLOCK)
		runtime->given += (*payload)->bytes;
	return status;
}
enum rfm_status
rfm_runtime_allocate(struct rfm_runtime *runtime, enum rfm_kind kind,
    uint32_t type, uint64_t length, bool zero,
    struct rfm_payload **payload, struct rfm_error *error)
{
	struct request want = { runtime, kind, type, length, zero, NULL, 0 };

	return grant(&want, payload, error);
}

enum rfm_status
rfm_runtime_roomy(struct rfm_runtime *runtime, uint32_t type,
    uint64_t length, uint64_t room, struct rfm_payload **payload,
    struct rfm_error *error)
{
	struct request want = { runtime, RFM_KIND_TEMPORARY, type, length,
		false, NULL, room };

	return grant(&want, payload, error);
}

/* get room for one more part */
enum rfm_status
rfm_runtime_extend(struct rfm_runtime *runtime, struct rfm_payload *owner,
    uint64_t bytes, struct rfm_error *error)
{
	struct request want = { runtime, RFM_KIND_COMMITTED, RFM_BYTES,
		bytes, false, owner, 0 };
	bool temporary = owner->state == RFM_TEMPORARY && !grows(&want);
	enum rfm_status status;

	PROTECT(runtime->anchor);
	if (temporary)
		collect_when_due(runtime, bytes);
	status = attempt(&want, RFM_STAY, NULL, error);
	if (status == RFM_NO_ROOM)
		status = make_room(&want, NULL, error);
	UNPROTECT(1);
	if (status == RFM_OK && temporary)
		runtime->given += bytes;
	return status;
}

void
rfm_runtime_returned(struct rfm_runtime *runtime, uint64_t bytes)
{
	if (runtime != NULL)
		runtime->given -= bytes < runtime->given ?
		    bytes : runtime->given;
}
/* let a reader look again */
/* see whether the pin is behind */
static bool
is_behind(struct rfm_runtime *runtime)
{
	struct rfm_store_info info;

	rfm_store_describe(runtime->store, &info);
	return info.mode != RFM_SCRATCH && runtime->vectors > 0 &&
	    info.pin < info.epoch;
}
/* collect if it may move the pin */
#define REST_PER_WORK 9

static double
seconds(void)
{
	struct timespec now = { 0, 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

enum rfm_status
rfm_runtime_refresh(struct rfm_runtime *runtime, struct rfm_error *error)
{
	double began, ended;

	RFM_TRY(rfm_store_refresh(runtime->store, error));
	began = seconds();
	if (began < runtime->rest || !is_behind(runtime))
		return RFM_OK;
	collect(runtime);
	ended = seconds();
	runtime->rest = ended + REST_PER_WORK * (ended - began);
	if (runtime->store == NULL)
		return rfm_fail(error, RFM_CLOSED, "runtime is closed");
	return rfm_store_refresh(runtime->store, error);
}
/* signal a condition */
/* say what can be done about it */
static const char *
remedy(enum rfm_status status)
{
	static const char *const remedies[RFM_STATUSES] = {
		[RFM_NO_MEMORY] = "Remove objects that are no longer "
		    "needed and call gc().",
		[RFM_DISK_FULL] = "Nothing was changed. Make room on that "
		    "file system, or remove vectors and call gc().",
		[RFM_IO] = "Look at the disk and at the system's log.",
		[RFM_FOREIGN] = "The file was not changed. Choose another "
		    "path.",
		[RFM_VERSION] = "Use the version of Rfmalloc that wrote it.",
		[RFM_DAMAGED] = "check_fmalloc() tells more.",
		[RFM_LOCKED] = "Close it there, or open it here with "
		    "access = \"read\".",
		[RFM_CLOSED] = "Open it again with open_fmalloc().",
		[RFM_READ_ONLY] = "Open it with access = \"write\" for that.",
		[RFM_FORKED] = "Do it in the parent process.",
		[RFM_HAS_PARENT] = "Take it out of the list first, or "
		    "destroy the list.",
		[RFM_POISONED] = "What was written since the last "
		    "sync_fmalloc() may be lost: save what matters "
		    "elsewhere, then close and reopen the store.",
	};

	if ((unsigned)status >= RFM_STATUSES || remedies[status] == NULL)
		return "";
	return remedies[status];
}
/* build a condition of our classes */
static SEXP caller;             /* a function of no arguments */

static SEXP
current_call(void)
{
	SEXP ask = PROTECT(Rf_lang1(caller)), call;

	call = Rf_eval(ask, R_BaseEnv);
	UNPROTECT(1);
	return call;
}

static SEXP
new_condition(const char *kind, int os_errno, const char *path,
    const char *message)
{
	static const char *const names[] = { "message", "call", "path",
	    "status", "errno", "" };
	SEXP condition = PROTECT(Rf_mkNamed(VECSXP, (const char **)names));
	SEXP class = PROTECT(Rf_allocVector(STRSXP, 4));
	char first[64];

	SET_VECTOR_ELT(condition, 0, Rf_mkString(message));
	SET_VECTOR_ELT(condition, 1, current_call());
	SET_VECTOR_ELT(condition, 2, path == NULL ?
	    Rf_ScalarString(NA_STRING) : Rf_mkString(path));
	SET_VECTOR_ELT(condition, 3, Rf_mkString(kind));
	SET_VECTOR_ELT(condition, 4, Rf_ScalarInteger(os_errno));
	snprintf(first, sizeof first, "fmalloc_%s", kind);
	SET_STRING_ELT(class, 0, Rf_mkChar(first));
	SET_STRING_ELT(class, 1, Rf_mkChar("fmalloc_error"));
	SET_STRING_ELT(class, 2, Rf_mkChar("error"));
	SET_STRING_ELT(class, 3, Rf_mkChar("condition"));
	Rf_setAttrib(condition, R_ClassSymbol, class);
	UNPROTECT(2);
	return condition;
}

void
rfm_raise(const char *kind, int os_errno, const char *path,
    const char *message)
{
	SEXP condition, call;

	condition = PROTECT(new_condition(kind, os_errno, path, message));
	call = PROTECT(Rf_lang2(Rf_install("stop"), condition));
	Rf_eval(call, R_BaseEnv);
	Rf_error("%s", message); /* stop() does not return */
}

void
rfm_raise_error(const struct rfm_error *error, const char *path)
{
	const char *what = remedy(error->status);
	bool named = path == NULL || strstr(error->text, path) != NULL;
	char message[1024];

	snprintf(message, sizeof message, "%.400s%s%s%s%s",
	    named ? "" : path, named ? "" : ": ", error->text,
	    what[0] == '\0' ? "" : "\n", what);
	rfm_raise(rfm_status_name(error->status), error->os_errno, path,
	    message);
}
/* remember what holds for the whole session */
void
rfm_runtime_load(void)
{
	main_thread = pthread_self();
	anchor_tag = Rf_install("fmalloc_anchor");
	handle_tag = Rf_install("fmalloc_runtime");
	view_tag = Rf_install("fmalloc_runtime_view");
	payload_tag = Rf_install("fmalloc_payload");
	group_tag = Rf_install("fmalloc_group");
	default_handle = R_NilValue;
	make_places();
	caller = R_ParseEvalString("function() "
	    "Rfmalloc:::users_call(sys.nframe() - 1L)", R_BaseEnv);
	R_PreserveObject(caller);
}

bool
rfm_on_main_thread(void)
{
	return pthread_equal(pthread_self(), main_thread);
}

void
rfm_check_thread(void)
{
	if (!rfm_on_main_thread())
		rfm_raise("thread", 0, NULL, "Rfmalloc was called from a "
		    "thread other than R's main thread");
}
struct rfm_runtime *
rfm_runtime_needed(SEXP handle)
{
	struct rfm_runtime *runtime;

	rfm_check_thread();
	runtime = rfm_runtime_of_handle(handle);
	if (runtime == NULL)
		rfm_raise("closed", 0, NULL, "The fmalloc runtime is closed. "
		    "Open it again with open_fmalloc().");
	return runtime;
}
