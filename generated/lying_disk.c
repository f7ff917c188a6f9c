/* Tangled from lit/85_lyingdisk.nw by 'make tangle': change it there, not here. */
#include "lying_disk.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the machine */
struct rfm_lying_disk {
	struct rfm_lying_image  medium, cache;
	uint64_t                capacity;      /* of both, in bytes */
	bool                   *blocks;        /* that own room */
	char                   *path;          /* of the one file */

	struct rfm_lying_event *events;
	size_t                  event_count, event_room;
	bool                    recording;
	uint32_t                call;

	struct process         *processes;
	uint32_t                process_count;
	uint8_t                 boot[16];
	uint64_t                random;
	bool                    ignored[RFM_BARRIERS];
	struct rfm_lying_fault  fault;         /* armed if nth > 0 */
	char                    complaint[256];
};
/* its processes, files and mappings */
struct process {
	struct rfm_os          os;             /* first */
	struct rfm_lying_disk *disk;
	uint32_t               number;
	bool                   dead;
	struct rfm_file       *files;
	struct range          *ranges;
	struct mapping        *mappings;
	struct process        *next;
};

struct rfm_file {
	bool             writable;
	int              locks[RFM_LOCK_FORKS + 1];
	uint64_t         pin;                  /* the number and one */
	struct rfm_file *next;
};

struct range {
	uint8_t      *base;
	uint64_t      bytes;
	struct range *next;
};

struct mapping {
	enum rfm_mapping how;
	uint8_t         *address;
	uint64_t         offset, bytes;
	bool            *own;                  /* pages, if private */
	struct mapping  *next;
};
/* lying disk: small helpers */
static void *
memory(void *old, uint64_t bytes)
{
	void *new = realloc(old, (size_t)bytes + 1);

	if (new == NULL) {
		fprintf(stderr, "the lying disk is out of memory\n");
		abort();
	}
	return new;
}

static void *
zeros(uint64_t bytes)
{
	return memset(memory(NULL, bytes), 0, (size_t)bytes);
}

static uint64_t
smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
static void __attribute__((format(printf, 2, 3)))
complain(struct rfm_lying_disk *disk, const char *format, ...)
{
	va_list arguments;

	if (disk->complaint[0] != '\0')
		return;
	va_start(arguments, format);
	vsnprintf(disk->complaint, sizeof disk->complaint, format,
	    arguments);
	va_end(arguments);
}

const char *
rfm_lying_complaint(const struct rfm_lying_disk *disk)
{
	return disk->complaint[0] == '\0' ? NULL : disk->complaint;
}
static uint64_t
stir(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t
draw(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15u;
	return stir(*state);
}

static uint64_t
hash_sector(uint64_t sector, const uint8_t *bytes)
{
	uint64_t hash = stir(sector + 1), any = 0, word;

	for (size_t i = 0; i < RFM_LYING_SECTOR_BYTES; i += 8) {
		memcpy(&word, bytes + i, 8);
		any |= word;
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 32;
	}
	return any == 0 ? 0 : stir(hash);
}
static void
make_room(struct rfm_lying_disk *disk, uint64_t bytes)
{
	uint64_t new = disk->capacity, old = disk->capacity;

	while (new < bytes)
		new = new == 0 ? 131072 : 2 * new;
	if (new == old)
		return;
	disk->cache.bytes = memory(disk->cache.bytes, new);
	disk->medium.bytes = memory(disk->medium.bytes, new);
	disk->blocks = memory(disk->blocks, new / RFM_LYING_BLOCK_BYTES);
	memset(disk->cache.bytes + old, 0, new - old);
	memset(disk->medium.bytes + old, 0, new - old);
	memset(disk->blocks + old / RFM_LYING_BLOCK_BYTES, 0,
	    (new - old) / RFM_LYING_BLOCK_BYTES);
	disk->capacity = new;
}
/* remember events */
static struct rfm_lying_event *
remember(struct rfm_lying_disk *disk, enum rfm_lying_kind kind,
    uint64_t number)
{
	struct rfm_lying_event *event;

	if (disk->event_count == disk->event_room) {
		disk->event_room = 2 * disk->event_room + 64;
		disk->events = memory(disk->events,
		    disk->event_room * sizeof *disk->events);
	}
	event = &disk->events[disk->event_count++];
	memset(event, 0, sizeof *event);
	event->kind = kind;
	event->call = disk->call;
	event->number = number;
	return event;
}

static void
forget_events(struct rfm_lying_disk *disk)
{
	for (size_t i = 0; i < disk->event_count; i++)
		free(disk->events[i].bytes);
	disk->event_count = 0;
}
static void
remember_sectors(struct rfm_lying_disk *disk, uint64_t offset,
    uint64_t bytes, bool metadata)
{
	uint64_t first = offset / RFM_LYING_SECTOR_BYTES;
	uint64_t last = (offset + bytes - 1) / RFM_LYING_SECTOR_BYTES;

	if (!disk->recording || bytes == 0)
		return;
	for (uint64_t i = first; i <= last; i++) {
		struct rfm_lying_event *event =
		    remember(disk, RFM_LYING_STORE, i);

		event->metadata = metadata;
		event->bytes = memory(NULL, RFM_LYING_SECTOR_BYTES);
		memcpy(event->bytes,
		    disk->cache.bytes + i * RFM_LYING_SECTOR_BYTES,
		    RFM_LYING_SECTOR_BYTES);
	}
}
static void
show(struct rfm_lying_disk *disk, struct mapping *map, uint64_t offset,
    uint64_t bytes)
{
	uint64_t from = offset > map->offset ? offset : map->offset;
	uint64_t to = smaller(offset + bytes, map->offset + map->bytes);

	while (map->how != RFM_MAP_MEMORY && from < to) {
		uint64_t page = (from - map->offset)
		    / RFM_LYING_BLOCK_BYTES;
		uint64_t end = smaller(to, map->offset
		    + (page + 1) * RFM_LYING_BLOCK_BYTES);

		if (map->how == RFM_MAP_SHARED || !map->own[page])
			memcpy(map->address + (from - map->offset),
			    disk->cache.bytes + from, end - from);
		from = end;
	}
}

static void
changed(struct rfm_lying_disk *disk, uint64_t offset, uint64_t bytes,
    bool metadata)
{
	for (struct process *p = disk->processes; p; p = p->next)
		for (struct mapping *m = p->mappings; m; m = m->next)
			show(disk, m, offset, bytes);
	remember_sectors(disk, offset, bytes, metadata);
}
/* see what came through the mappings */
static void
take_store(struct rfm_lying_disk *disk, const uint8_t *from,
    uint64_t offset)
{
	if (!disk->blocks[offset / RFM_LYING_BLOCK_BYTES])
		complain(disk, "a store through the mapping at offset %llu"
		    " went into a hole", (unsigned long long)offset);
	memcpy(disk->cache.bytes + offset, from,
	    RFM_LYING_SECTOR_BYTES);
	changed(disk, offset, RFM_LYING_SECTOR_BYTES, false);
}

static void
notice_page(struct rfm_lying_disk *disk, struct mapping *map,
    uint64_t at)
{
	const uint8_t *here = map->address + at;
	uint64_t       offset = map->offset + at;

	if (memcmp(here, disk->cache.bytes + offset,
	    RFM_LYING_BLOCK_BYTES) == 0)
		return;
	if (map->how == RFM_MAP_PRIVATE) {
		map->own[at / RFM_LYING_BLOCK_BYTES] = true;
		return;
	}
	for (uint64_t i = 0; i < RFM_LYING_BLOCK_BYTES;
	    i += RFM_LYING_SECTOR_BYTES)
		if (memcmp(here + i, disk->cache.bytes + offset + i,
		    RFM_LYING_SECTOR_BYTES) != 0)
			take_store(disk, here + i, offset + i);
}
static void
notice_mapping(struct rfm_lying_disk *disk, struct mapping *map)
{
	uint64_t inside = 0, at;

	if (map->how == RFM_MAP_MEMORY)
		return;
	if (disk->cache.size > map->offset)
		inside = smaller(map->bytes,
		    disk->cache.size - map->offset);
	for (at = 0; at < inside; at += RFM_LYING_BLOCK_BYTES)
		notice_page(disk, map, at);
	for (; at < map->bytes; at++)
		if (map->address[at] != 0)
			complain(disk, "a store through the mapping went"
			    " behind the end of the file");
}

static void
notice(struct rfm_lying_disk *disk)
{
	disk->call++;
	for (struct process *p = disk->processes; p; p = p->next)
		for (struct mapping *m = p->mappings; m && !p->dead;
		    m = m->next)
			notice_mapping(disk, m);
	disk->call++;
}
/* enter a call */
static bool
is_change(enum rfm_lying_call call)
{
	return call == RFM_LYING_WRITE || call == RFM_LYING_EXTEND ||
	    call == RFM_LYING_RESERVE || call == RFM_LYING_PUNCH ||
	    call == RFM_LYING_FLUSH;
}

static bool
strikes(struct rfm_lying_fault *fault, enum rfm_lying_call call)
{
	if (fault->nth == 0)
		return false;
	if (fault->call != call &&
	    !(fault->call == RFM_LYING_CHANGE && is_change(call)))
		return false;
	return --fault->nth == 0;
}

static enum rfm_status
enter(struct rfm_os *os, enum rfm_lying_call call,
    struct rfm_error *error)
{
	struct process        *process = (struct process *)os;
	struct rfm_lying_disk *disk = process->disk;

	if (process->dead)
		return rfm_fail(error, RFM_IO, "this process is dead");
	notice(disk);
	if (!strikes(&disk->fault, call))
		return RFM_OK;
	if (disk->fault.deadly)
		rfm_lying_kill(os);
	return rfm_fail(error, disk->fault.status,
	    "the lying disk was told to fail here");
}
/* serve paths */
static struct rfm_lying_disk *
disk_of(struct rfm_os *os)
{
	return ((struct process *)os)->disk;
}

static enum rfm_status
need_file(struct rfm_os *os, const char *path, struct rfm_error *error)
{
	struct rfm_lying_disk *disk = disk_of(os);

	if (disk->cache.present && strcmp(disk->path, path) == 0)
		return RFM_OK;
	return rfm_fail(error, RFM_NO_FILE, "there is no file %s", path);
}

static enum rfm_status
lying_identify(struct rfm_os *os, const char *path,
    struct rfm_identity *identity, struct rfm_error *error)
{
	RFM_TRY(enter(os, RFM_LYING_OTHER, error));
	RFM_TRY(need_file(os, path, error));
	identity->device = ((struct process *)os)->number;
	identity->inode = 1;
	return RFM_OK;
}

static enum rfm_status
lying_absolute_path(struct rfm_os *os, const char *path, char *out,
    size_t bytes, struct rfm_error *error)
{
	RFM_TRY(enter(os, RFM_LYING_OTHER, error));
	if (strlen(path) >= bytes)
		return rfm_fail(error, RFM_ARGUMENT, "path too long");
	memcpy(out, path, strlen(path) + 1);
	return RFM_OK;
}
static bool
is_unfinished(const char *path)
{
	size_t n = strlen(path);

	return n > 5 && strcmp(path + n - 5, ".part") == 0;
}

static enum rfm_status
create_file(struct rfm_lying_disk *disk, const char *path, bool named,
    struct rfm_error *error)
{
	if (disk->cache.present && strcmp(disk->path, path) == 0)
		return rfm_fail(error, RFM_ARGUMENT, "%s exists", path);
	if (disk->cache.present)
		return rfm_fail(error, RFM_IO, "this disk has one file");
	free(disk->path);
	disk->path = memory(NULL, strlen(path));
	memcpy(disk->path, path, strlen(path) + 1);
	memset(disk->cache.bytes, 0, disk->capacity);
	memset(disk->blocks, 0, disk->capacity / RFM_LYING_BLOCK_BYTES);
	changed(disk, 0, disk->cache.size, true);
	disk->cache.size = 0;
	disk->cache.present = true;
	if (disk->recording) {
		remember(disk, RFM_LYING_SIZE, 0);
		if (named)
			remember(disk, RFM_LYING_NAME, 1);
	}
	return RFM_OK;
}
static struct rfm_file *
add_file(struct process *process, bool writable)
{
	struct rfm_file *file = zeros(sizeof *file);

	file->writable = writable;
	file->next = process->files;
	process->files = file;
	return file;
}

static enum rfm_status
lying_open(struct rfm_os *os, const char *path, enum rfm_open_how how,
    struct rfm_file **file, struct rfm_error *error)
{
	struct process *process = (struct process *)os;

	*file = NULL;
	RFM_TRY(enter(os, RFM_LYING_OPEN, error));
	if (how == RFM_OPEN_CREATE)
		RFM_TRY(create_file(process->disk, path,
		    !is_unfinished(path), error));
	RFM_TRY(need_file(os, path, error));
	*file = add_file(process, how != RFM_OPEN_READ);
	return RFM_OK;
}

static enum rfm_status
lying_reopen(struct rfm_os *os, struct rfm_file *file,
    struct rfm_file **again, struct rfm_error *error)
{
	(void)file;
	*again = NULL;
	RFM_TRY(enter(os, RFM_LYING_OPEN, error));
	*again = add_file((struct process *)os, false);
	return RFM_OK;
}
static void
lying_close(struct rfm_os *os, struct rfm_file *file)
{
	struct process   *process = (struct process *)os;
	struct rfm_file **link = &process->files;

	if (!process->dead)
		notice(process->disk);
	while (*link != NULL && *link != file)
		link = &(*link)->next;
	if (*link == NULL) {
		complain(process->disk, "a file was closed twice");
		return;
	}
	*link = file->next;
	free(file);
}

static enum rfm_status
lying_remove(struct rfm_os *os, const char *path,
    struct rfm_error *error)
{
	struct rfm_lying_disk *disk = disk_of(os);

	RFM_TRY(enter(os, RFM_LYING_OTHER, error));
	RFM_TRY(need_file(os, path, error));
	disk->cache.present = false;
	if (disk->recording)
		remember(disk, RFM_LYING_NAME, 0);
	return RFM_OK;
}
static enum rfm_status
lying_clone(struct rfm_os *os, struct rfm_file *file, const char *path,
    struct rfm_file **copy, bool *whole, struct rfm_error *error)
{
	(void)file;
	*whole = false;
	return lying_open(os, path, RFM_OPEN_CREATE, copy, error);
}

static enum rfm_status
lying_rename(struct rfm_os *os, const char *path, const char *to,
    struct rfm_error *error)
{
	struct rfm_lying_disk *disk = disk_of(os);

	RFM_TRY(enter(os, RFM_LYING_OTHER, error));
	RFM_TRY(need_file(os, path, error));
	disk->path = memory(disk->path, strlen(to));
	memcpy(disk->path, to, strlen(to) + 1);
	if (disk->recording)
		remember(disk, RFM_LYING_NAME, 1);
	return RFM_OK;
}
/* serve bytes */
static enum rfm_status
lying_size(struct rfm_os *os, struct rfm_file *file, uint64_t *bytes,
    struct rfm_error *error)
{
	(void)file;
	RFM_TRY(enter(os, RFM_LYING_OTHER, error));
	*bytes = disk_of(os)->cache.size;
	return RFM_OK;
}

static enum rfm_status
lying_read(struct rfm_os *os, struct rfm_file *file, uint64_t offset,
    void *to, size_t bytes, struct rfm_error *error)
{
	struct rfm_lying_disk *disk = disk_of(os);

	(void)file;
	RFM_TRY(enter(os, RFM_LYING_READ, error));
	if (offset > disk->cache.size || bytes > disk->cache.size - offset)
		return rfm_fail(error, RFM_DAMAGED,
		    "a read behind the end of the file");
	memcpy(to, disk->cache.bytes + offset, bytes);
	return RFM_OK;
}
static void
own_blocks(struct rfm_lying_disk *disk, uint64_t offset, uint64_t bytes)
{
	uint64_t first = offset / RFM_LYING_BLOCK_BYTES;
	uint64_t end = offset + bytes;

	make_room(disk, end);
	for (uint64_t i = first; i * RFM_LYING_BLOCK_BYTES < end; i++)
		disk->blocks[i] = true;
}

static void
set_size(struct rfm_lying_disk *disk, uint64_t bytes)
{
	make_room(disk, bytes);
	disk->cache.size = bytes;
	if (disk->recording)
		remember(disk, RFM_LYING_SIZE, bytes);
}

static void
put(struct rfm_lying_disk *disk, uint64_t offset, const void *from,
    uint64_t bytes)
{
	if (bytes == 0)
		return;
	if (offset + bytes > disk->cache.size)
		set_size(disk, offset + bytes);
	own_blocks(disk, offset, bytes);
	memcpy(disk->cache.bytes + offset, from, bytes);
	changed(disk, offset, bytes, true);
}
static enum rfm_status
lying_write(struct rfm_os *os, struct rfm_file *file, uint64_t offset,
    const void *from, size_t bytes, struct rfm_error *error)
{
	struct rfm_lying_disk *disk = disk_of(os);
	bool                   dead = ((struct process *)os)->dead;
	enum rfm_status        status;

	if (!file->writable)
		return rfm_fail(error, RFM_PERMISSION, "open for reading");
	status = enter(os, RFM_LYING_WRITE, error);
	if (status == RFM_OK)
		put(disk, offset, from, bytes);
	else if (!dead)
		put(disk, offset, from, smaller(disk->fault.part, bytes));
	return status;
}
static void
make_hole(struct rfm_lying_disk *disk, uint64_t offset, uint64_t bytes)
{
	uint64_t block = RFM_LYING_BLOCK_BYTES;

	memset(disk->cache.bytes + offset, 0, bytes);
	changed(disk, offset, bytes, true);
	for (uint64_t i = (offset + block - 1) / block;
	    (i + 1) * block <= offset + bytes; i++)
		disk->blocks[i] = false;
}

static enum rfm_status
lying_resize(struct rfm_os *os, struct rfm_file *file, uint64_t bytes,
    struct rfm_error *error)
{
	struct rfm_lying_disk *disk = disk_of(os);
	uint64_t               old = disk->cache.size;

	(void)file;
	RFM_TRY(enter(os, RFM_LYING_EXTEND, error));
	if (bytes < old)
		make_hole(disk, bytes, old - bytes);
	set_size(disk, bytes);
	return RFM_OK;
}

static enum rfm_status
lying_reserve(struct rfm_os *os, struct rfm_file *file, uint64_t offset,
    uint64_t bytes, struct rfm_error *error)
{
	(void)file;
	RFM_TRY(enter(os, RFM_LYING_RESERVE, error));
	own_blocks(disk_of(os), offset, bytes);
	return RFM_OK;
}
static enum rfm_status
lying_punch(struct rfm_os *os, struct rfm_file *file, uint64_t offset,
    uint64_t bytes, struct rfm_error *error)
{
	struct rfm_lying_disk *disk = disk_of(os);

	(void)file;
	RFM_TRY(enter(os, RFM_LYING_PUNCH, error));
	if (offset < disk->cache.size)
		make_hole(disk, offset, smaller(bytes, disk->cache.size -
		    offset));
	return RFM_OK;
}
/* serve barriers and locks */
static void
remember_barrier(struct rfm_lying_disk *disk, enum rfm_lying_kind kind,
    enum rfm_barrier name)
{
	if (disk->recording)
		remember(disk, kind, name)->ignored = disk->ignored[name];
}

static enum rfm_status
lying_barrier(struct rfm_os *os, struct rfm_file *file,
    enum rfm_barrier name, struct rfm_error *error)
{
	(void)file;
	RFM_TRY(enter(os, RFM_LYING_FLUSH, error));
	remember_barrier(disk_of(os), RFM_LYING_BARRIER, name);
	return RFM_OK;
}

static enum rfm_status
lying_barrier_directory(struct rfm_os *os, const char *path,
    enum rfm_barrier name, struct rfm_error *error)
{
	RFM_TRY(enter(os, RFM_LYING_FLUSH, error));
	RFM_TRY(need_file(os, path, error));
	remember_barrier(disk_of(os), RFM_LYING_DIRECTORY, name);
	return RFM_OK;
}
static bool
somebody_minds(struct rfm_lying_disk *disk, struct rfm_file *file,
    enum rfm_lock which, int wanted)
{
	for (struct process *p = disk->processes; p; p = p->next)
		for (struct rfm_file *f = p->files; f; f = f->next)
			if (f != file && !p->dead &&
			    f->locks[which] + wanted > 2)
				return true;
	return false;
}

static enum rfm_status
lying_lock(struct rfm_os *os, struct rfm_file *file,
    enum rfm_lock which, bool exclusive, struct rfm_error *error)
{
	int wanted = exclusive ? 2 : 1;

	RFM_TRY(enter(os, RFM_LYING_OTHER, error));
	if (exclusive && !file->writable)
		return rfm_fail(error, RFM_PERMISSION, "open for reading");
	if (somebody_minds(disk_of(os), file, which, wanted))
		return rfm_fail(error, RFM_LOCKED,
		    "another process holds the lock");
	file->locks[which] = wanted;
	return RFM_OK;
}
static void
lying_unlock(struct rfm_os *os, struct rfm_file *file,
    enum rfm_lock which)
{
	(void)os;
	file->locks[which] = 0;
}

static bool
lying_held(struct rfm_os *os, struct rfm_file *file, enum rfm_lock which)
{
	return somebody_minds(disk_of(os), file, which, 2);
}
static enum rfm_status
lying_pin(struct rfm_os *os, struct rfm_file *file, uint64_t number,
    struct rfm_error *error)
{
	RFM_TRY(enter(os, RFM_LYING_OTHER, error));
	file->pin = number + 1;
	return RFM_OK;
}

static bool
lying_pinned(struct rfm_os *os, struct rfm_file *file, uint64_t below)
{
	for (struct process *p = disk_of(os)->processes; p; p = p->next)
		for (struct rfm_file *f = p->files; f; f = f->next)
			if (f != file && !p->dead && f->pin != 0 &&
			    f->pin <= below)
				return true;
	return false;
}
/* serve addresses */
static enum rfm_status
lying_reserve_addresses(struct rfm_os *os, uint64_t bytes, void **base,
    struct rfm_error *error)
{
	struct process *process = (struct process *)os;
	struct range   *range;

	RFM_TRY(enter(os, RFM_LYING_MAP, error));
	if (bytes > 1u << 30)
		return rfm_fail(error, RFM_NO_MEMORY,
		    "a lying disk has no room for such a range");
	range = zeros(sizeof *range);
	range->base = aligned_alloc(65536,
	    (size_t)(bytes + 65535) / 65536 * 65536);
	if (range->base == NULL)
		abort();
	range->bytes = bytes;
	range->next = process->ranges;
	process->ranges = range;
	*base = range->base;
	return RFM_OK;
}
static void
unmap(struct process *process, const uint8_t *from, uint64_t bytes)
{
	struct mapping **link = &process->mappings;

	while (*link != NULL) {
		struct mapping *map = *link;
		bool below = map->address + map->bytes <= from;
		bool above = map->address >= from + bytes;

		if (below || above) {
			link = &map->next;
			continue;
		}
		if (map->address < from ||
		    map->address + map->bytes > from + bytes)
			complain(process->disk, "half of a mapping was"
			    " replaced");
		*link = map->next;
		free(map->own);
		free(map);
	}
}
static void
lying_release_addresses(struct rfm_os *os, void *base, uint64_t bytes)
{
	struct process *process = (struct process *)os;
	struct range  **link = &process->ranges;

	if (!process->dead)
		notice(process->disk);
	unmap(process, base, bytes);
	while (*link != NULL && (*link)->base != base)
		link = &(*link)->next;
	if (*link != NULL) {
		struct range *range = *link;
		*link = range->next;
		free(range->base);
		free(range);
	}
}
static void
add_mapping(struct process *process, enum rfm_mapping how,
    uint8_t *address, uint64_t offset, uint64_t bytes)
{
	struct mapping *map = zeros(sizeof *map);

	map->how = how;
	map->address = address;
	map->offset = offset;
	map->bytes = bytes;
	if (how == RFM_MAP_PRIVATE)
		map->own = zeros(bytes / RFM_LYING_BLOCK_BYTES + 1);
	map->next = process->mappings;
	process->mappings = map;
	if (how == RFM_MAP_MEMORY ||
	    offset + bytes > process->disk->capacity)
		memset(address, 0, bytes);
	show(process->disk, map, 0, process->disk->capacity);
}

static enum rfm_status
lying_map(struct rfm_os *os, struct rfm_file *file,
    enum rfm_mapping how, void *address, uint64_t offset,
    uint64_t bytes, struct rfm_error *error)
{
	struct process *process = (struct process *)os;
	uint64_t        page = RFM_LYING_BLOCK_BYTES;

	RFM_TRY(enter(os, RFM_LYING_MAP, error));
	if (bytes == 0 || offset % page != 0 || bytes % page != 0)
		return rfm_fail(error, RFM_ARGUMENT, "not whole pages");
	if (how == RFM_MAP_SHARED && !file->writable)
		return rfm_fail(error, RFM_PERMISSION, "open for reading");
	unmap(process, address, bytes);
	add_mapping(process, how, address, offset, bytes);
	return RFM_OK;
}
static enum rfm_status
lying_resident(struct rfm_os *os, const void *address, uint64_t bytes,
    uint64_t *resident, struct rfm_error *error)
{
	(void)address;
	*resident = 0;
	RFM_TRY(enter(os, RFM_LYING_OTHER, error));
	*resident = bytes;
	return RFM_OK;
}
/* serve the world around */
static void
lying_boot_id(struct rfm_os *os, uint8_t id[16])
{
	memcpy(id, disk_of(os)->boot, 16);
}

static enum rfm_status
lying_random(struct rfm_os *os, void *to, size_t bytes,
    struct rfm_error *error)
{
	uint8_t *at = to;

	RFM_TRY(enter(os, RFM_LYING_OTHER, error));
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)draw(&disk_of(os)->random);
	return RFM_OK;
}

static void
lying_owner(struct rfm_os *os, char *text, size_t bytes)
{
	snprintf(text, bytes, "simulated process %u",
	    ((struct process *)os)->number);
}

static int64_t
lying_now(struct rfm_os *os)
{
	(void)os;
	return 1700000000;
}

static enum rfm_status
lying_at_fork(struct rfm_os *os, const struct rfm_fork_hooks *hooks,
    struct rfm_error *error)
{
	(void)os, (void)hooks, (void)error;
	return RFM_OK;
}
/* start, kill and end processes */
struct rfm_os *
rfm_lying_start(struct rfm_lying_disk *disk)
{
	struct process *process = zeros(sizeof *process);

	process->os = (struct rfm_os){
		lying_identify, lying_absolute_path, lying_open,
		lying_reopen, lying_close, lying_remove, lying_clone,
		lying_rename, lying_size,
		lying_read, lying_write, lying_resize, lying_reserve,
		lying_punch, lying_barrier, lying_barrier_directory,
		lying_lock, lying_unlock, lying_held, lying_pin,
		lying_pinned,
		lying_reserve_addresses,
		lying_release_addresses, lying_map, lying_resident,
		lying_boot_id,
		lying_random, lying_owner, lying_now, lying_at_fork
	};
	process->disk = disk;
	process->number = ++disk->process_count;
	process->next = disk->processes;
	disk->processes = process;
	return &process->os;
}
void
rfm_lying_kill(struct rfm_os *os)
{
	struct process *process = (struct process *)os;

	if (process->dead)
		return;
	notice(process->disk);
	process->dead = true;
}

bool
rfm_lying_is_dead(const struct rfm_os *os)
{
	return ((const struct process *)os)->dead;
}

void
rfm_lying_end(struct rfm_os *os)
{
	struct process        *process = (struct process *)os;
	struct rfm_lying_disk *disk = process->disk;
	struct process       **link = &disk->processes;

	if (process->files != NULL)
		complain(disk, "a process ended with the file open");
	if (process->ranges != NULL)
		complain(disk, "a process ended with addresses reserved");
	while (process->files != NULL)
		lying_close(os, process->files);
	while (process->ranges != NULL)
		lying_release_addresses(os, process->ranges->base,
		    process->ranges->bytes);
	while (*link != process)
		link = &(*link)->next;
	*link = process->next;
	free(process);
}
/* make and boot machines */
struct rfm_lying_disk *
rfm_lying_create(uint64_t seed)
{
	struct rfm_lying_disk *disk = zeros(sizeof *disk);

	disk->random = seed;
	make_room(disk, 1);
	rfm_lying_boot(disk, NULL);
	return disk;
}

void
rfm_lying_destroy(struct rfm_lying_disk *disk)
{
	while (disk->processes != NULL)
		rfm_lying_end(&disk->processes->os);
	forget_events(disk);
	free(disk->events);
	free(disk->medium.bytes);
	free(disk->cache.bytes);
	free(disk->blocks);
	free(disk->path);
	free(disk);
}

static bool
block_is_zero(const uint8_t *block)
{
	return block[0] == 0 && memcmp(block, block + 1,
	    RFM_LYING_BLOCK_BYTES - 1) == 0;
}
static void
load(struct rfm_lying_disk *disk, const struct rfm_lying_image *image)
{
	uint64_t old = disk->cache.size, page = RFM_LYING_BLOCK_BYTES;
	uint64_t new = image->present ? image->size : 0;

	disk->cache.present = image->present;
	disk->cache.size = new;
	make_room(disk, new + page);
	memcpy(disk->cache.bytes, image->bytes, new);
	if (new < old)
		memset(disk->cache.bytes + new, 0, old - new);
	for (uint64_t i = 0; i * page < new || i * page < old; i++)
		disk->blocks[i] =
		    !block_is_zero(disk->cache.bytes + i * page);
}

void
rfm_lying_boot(struct rfm_lying_disk *disk,
    const struct rfm_lying_image *image)
{
	struct rfm_lying_image nothing = { false, 0, disk->cache.bytes, 0 };

	load(disk, image == NULL ? &nothing : image);
	forget_events(disk);
	free(disk->path);
	disk->path = memory(NULL, 5);
	memcpy(disk->path, "store", 6);
	disk->complaint[0] = '\0';
	disk->fault.nth = 0;
	for (int i = 0; i < 16; i++)
		disk->boot[i] = (uint8_t)(1 + draw(&disk->random) % 255);
	rfm_lying_record(disk, disk->recording);
}
void
rfm_lying_same_boot(struct rfm_lying_disk *disk,
    const struct rfm_lying_disk *other)
{
	memcpy(disk->boot, other->boot, sizeof disk->boot);
}
void
rfm_lying_record(struct rfm_lying_disk *disk, bool recording)
{
	disk->recording = recording;
	forget_events(disk);
	if (!recording)
		return;
	disk->medium.present = disk->cache.present;
	disk->medium.size = disk->cache.size;
	memcpy(disk->medium.bytes, disk->cache.bytes, disk->capacity);
}

void
rfm_lying_ignore(struct rfm_lying_disk *disk, enum rfm_barrier barrier)
{
	disk->ignored[barrier] = true;
}

void
rfm_lying_fail(struct rfm_lying_disk *disk,
    const struct rfm_lying_fault *fault)
{
	disk->fault = *fault;
}

void
rfm_lying_mark(struct rfm_lying_disk *disk, uint64_t mark)
{
	notice(disk);
	if (disk->recording)
		remember(disk, RFM_LYING_MARK, mark);
}

struct rfm_lying_image
rfm_lying_present(struct rfm_lying_disk *disk)
{
	notice(disk);
	return disk->cache;
}
/* follow what is durable */
struct version {
	const uint8_t *bytes;
	uint64_t       hash;
	uint32_t       call;
};

struct pending {
	uint64_t        sector;
	bool            metadata;
	uint16_t        count;         /* of versions, with the durable */
	struct version *versions;
};

struct rfm_lying_cut {
	const struct rfm_lying_disk *disk;
	size_t                  next, step;
	uint64_t                mark;
	uint32_t                call;        /* the last one taken in */
	struct rfm_lying_image  durable;     /* its hash: sectors only */
	struct pending         *pending;
	size_t                  count, room;
	uint32_t               *where;       /* sector to pending, plus 1 */
	uint64_t                sizes[16];
	unsigned                size_count;  /* sizes[0] is durable */
	bool                    may[2];      /* be absent, be there */
	bool                    now;         /* there, in the cache */
	struct rfm_lying_pick  *picks;
	uint8_t                *image;
};
struct rfm_lying_cut *
rfm_lying_cut_begin(const struct rfm_lying_disk *disk)
{
	struct rfm_lying_cut *cut = zeros(sizeof *cut);
	uint64_t sectors = disk->capacity / RFM_LYING_SECTOR_BYTES;

	cut->disk = disk;
	cut->durable = disk->medium;
	cut->durable.bytes = memory(NULL, disk->capacity);
	cut->image = zeros(disk->capacity);
	cut->where = zeros(sectors * sizeof *cut->where);
	memcpy(cut->durable.bytes, disk->medium.bytes, disk->capacity);
	cut->durable.hash = 0;
	for (uint64_t i = 0; i < sectors; i++)
		cut->durable.hash ^= hash_sector(i, cut->durable.bytes
		    + i * RFM_LYING_SECTOR_BYTES);
	cut->sizes[0] = disk->medium.size;
	cut->size_count = 1;
	cut->now = disk->medium.present;
	cut->may[cut->now] = true;
	return cut;
}

void
rfm_lying_cut_end(struct rfm_lying_cut *cut)
{
	for (size_t i = 0; i < cut->room; i++)
		free(cut->pending[i].versions);
	free(cut->pending);
	free(cut->picks);
	free(cut->where);
	free(cut->durable.bytes);
	free(cut->image);
	free(cut);
}
static struct pending *
pending_sector(struct rfm_lying_cut *cut, uint64_t sector)
{
	struct pending *pending;

	if (cut->where[sector] != 0)
		return &cut->pending[cut->where[sector] - 1];
	if (cut->count == cut->room) {
		size_t new = 2 * cut->room + 16;

		cut->pending = memory(cut->pending,
		    new * sizeof *cut->pending);
		memset(cut->pending + cut->room, 0,
		    (new - cut->room) * sizeof *cut->pending);
		cut->picks = memory(cut->picks, new * sizeof *cut->picks);
		cut->room = new;
	}
	pending = &cut->pending[cut->count++];
	cut->where[sector] = (uint32_t)cut->count;
	pending->sector = sector;
	pending->metadata = false;
	pending->count = 0;
	return pending;
}
static void
add_version(struct pending *pending, const uint8_t *bytes, uint32_t call)
{
	struct version *new;

	pending->versions = memory(pending->versions,
	    (pending->count + 1u) * sizeof *pending->versions);
	new = &pending->versions[pending->count++];
	new->bytes = bytes;
	new->call = call;
	new->hash = hash_sector(pending->sector, bytes);
}

static void
follow_store(struct rfm_lying_cut *cut,
    const struct rfm_lying_event *event)
{
	struct pending *pending = pending_sector(cut, event->number);

	if (pending->count == 0)
		add_version(pending, cut->durable.bytes
		    + event->number * RFM_LYING_SECTOR_BYTES, 0);
	pending->metadata |= event->metadata;
	add_version(pending, event->bytes, event->call);
}
static void
settle(struct rfm_lying_cut *cut)
{
	for (size_t i = 0; i < cut->count; i++) {
		struct pending *p = &cut->pending[i];
		struct version *newest = &p->versions[p->count - 1];

		cut->durable.hash ^= p->versions[0].hash ^ newest->hash;
		memcpy(cut->durable.bytes
		    + p->sector * RFM_LYING_SECTOR_BYTES,
		    newest->bytes, RFM_LYING_SECTOR_BYTES);
		cut->where[p->sector] = 0;
	}
	cut->count = 0;
	cut->sizes[0] = cut->sizes[cut->size_count - 1];
	cut->size_count = 1;
}

static void
follow_size(struct rfm_lying_cut *cut, uint64_t size)
{
	const unsigned room = sizeof cut->sizes / sizeof cut->sizes[0];

	if (cut->size_count == room)
		cut->size_count--;
	cut->sizes[cut->size_count++] = size;
}
static void
follow(struct rfm_lying_cut *cut, const struct rfm_lying_event *event)
{
	switch (event->kind) {
	case RFM_LYING_STORE:
		follow_store(cut, event);
		break;
	case RFM_LYING_SIZE:
		follow_size(cut, event->number);
		break;
	case RFM_LYING_NAME:
		cut->now = event->number != 0;
		cut->may[cut->now] = true;
		break;
	case RFM_LYING_BARRIER:
		if (!event->ignored)
			settle(cut);
		break;
	case RFM_LYING_DIRECTORY:
		if (!event->ignored)
			cut->may[!cut->now] = false;
		break;
	case RFM_LYING_MARK:
		cut->mark = event->number;
		break;
	}
}
bool
rfm_lying_cut_next(struct rfm_lying_cut *cut,
    struct rfm_lying_moment *moment)
{
	const struct rfm_lying_event *events = cut->disk->events;
	size_t                        end = cut->disk->event_count;

	if (cut->next == end)
		return false;
	cut->call = events[cut->next].call;
	while (cut->next < end && events[cut->next].call == cut->call)
		follow(cut, &events[cut->next++]);
	moment->event = &events[cut->next - 1];
	moment->step = ++cut->step;
	moment->mark = cut->mark;
	moment->pending = cut->count;
	return true;
}
/* build an image from picks */
static void
fill_sector(const struct pending *pending,
    const struct rfm_lying_pick *pick, uint8_t *to)
{
	memcpy(to, pending->versions[pick->first].bytes, pick->head);
	memcpy(to + pick->head,
	    pending->versions[pick->rest].bytes + pick->head,
	    RFM_LYING_SECTOR_BYTES - pick->head);
}

static uint64_t
hash_pick(const struct pending *pending,
    const struct rfm_lying_pick *pick)
{
	uint8_t torn[RFM_LYING_SECTOR_BYTES];

	if (pick->first == pick->rest)
		return pending->versions[pick->first].hash;
	fill_sector(pending, pick, torn);
	return hash_sector(pending->sector, torn);
}
static bool
inside(const struct pending *pending,
    const struct rfm_lying_choice *choice)
{
	return (pending->sector + 1) * RFM_LYING_SECTOR_BYTES
	    <= choice->size;
}

static uint64_t
hash_choice(const struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice)
{
	uint64_t hash = cut->durable.hash ^ stir(~choice->size);

	if (!choice->present)
		return 1;
	for (size_t i = 0; i < cut->count; i++)
		if (inside(&cut->pending[i], choice))
			hash ^= cut->pending[i].versions[0].hash ^
			    hash_pick(&cut->pending[i],
				&choice->picks[i]);
	return hash;
}

struct rfm_lying_image
rfm_lying_cut_build(struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice)
{
	struct rfm_lying_image image = { choice->present, choice->size,
	    cut->image, choice->hash };

	memcpy(image.bytes, cut->durable.bytes, choice->size);
	for (size_t i = 0; i < cut->count; i++)
		if (inside(&cut->pending[i], choice))
			fill_sector(&cut->pending[i], &choice->picks[i],
			    image.bytes + cut->pending[i].sector
			    * RFM_LYING_SECTOR_BYTES);
	return image;
}
static size_t
describe_pick(const struct pending *pending,
    const struct rfm_lying_pick *pick, char *text, size_t bytes)
{
	unsigned newest = pending->count - 1u;
	int      n;

	if (pick->first != pick->rest)
		n = snprintf(text, bytes, " %llu:torn@%u(%u|%u/%u)",
		    (unsigned long long)pending->sector, pick->head,
		    pick->first, pick->rest, newest);
	else if (pick->first == newest || pick->first == 0)
		n = snprintf(text, bytes, " %llu:%s",
		    (unsigned long long)pending->sector,
		    pick->first == 0 ? "old" : "new");
	else
		n = snprintf(text, bytes, " %llu:%u/%u",
		    (unsigned long long)pending->sector, pick->first,
		    newest);
	return n < 0 ? 0 : (size_t)n;
}

void
rfm_lying_cut_describe(const struct rfm_lying_cut *cut,
    const struct rfm_lying_choice *choice, char *text, size_t bytes)
{
	size_t used = (size_t)snprintf(text, bytes, "%s, %llu bytes;"
	    " sectors", choice->present ? "present" : "absent",
	    (unsigned long long)choice->size);

	for (size_t i = 0; i < cut->count && used < bytes; i++)
		used += describe_pick(&cut->pending[i],
		    &choice->picks[i], text + used, bytes - used);
}
/* enumerate what a cut may leave */
struct tour {
	struct rfm_lying_cut   *cut;
	struct rfm_lying_choice choice;
	rfm_lying_visitor      *visit;
	void                   *context;
	uint64_t                random;
	bool                    backwards;   /* new bytes at the end */
};

static void
offer(struct tour *tour)
{
	tour->choice.hash = hash_choice(tour->cut, &tour->choice);
	tour->visit(tour->context, tour->cut, &tour->choice);
}

static void
pick_whole(struct tour *tour, size_t i, unsigned version)
{
	tour->choice.picks[i] = (struct rfm_lying_pick){
		(uint16_t)version, (uint16_t)version,
		RFM_LYING_SECTOR_BYTES
	};
}
static void
pick_torn(struct tour *tour, size_t i, unsigned a, unsigned b,
    unsigned head)
{
	unsigned newer = a > b ? a : b, older = a > b ? b : a;

	tour->choice.picks[i] = (struct rfm_lying_pick){
		(uint16_t)(tour->backwards ? older : newer),
		(uint16_t)(tour->backwards ? newer : older),
		(uint16_t)head
	};
}

static unsigned
newest(const struct tour *tour, size_t i)
{
	return tour->cut->pending[i].count - 1u;
}

static void
pick_all(struct tour *tour, bool new)
{
	for (size_t i = 0; i < tour->cut->count; i++)
		pick_whole(tour, i, new ? newest(tour, i) : 0);
}
static bool
fewer_than(const struct rfm_lying_cut *cut, uint64_t limit)
{
	uint64_t product = cut->size_count;

	for (size_t i = 0; i < cut->count && product <= limit; i++)
		product *= cut->pending[i].count;
	return product <= limit;
}

static bool
turn_odometer(struct tour *tour)
{
	for (size_t i = 0; i < tour->cut->count; i++) {
		unsigned now = tour->choice.picks[i].first;

		if (now < newest(tour, i)) {
			pick_whole(tour, i, now + 1);
			return true;
		}
		pick_whole(tour, i, 0);
	}
	return false;
}

static void
visit_all(struct tour *tour)
{
	for (unsigned s = 0; s < tour->cut->size_count; s++) {
		tour->choice.size = tour->cut->sizes[s];
		pick_all(tour, false);
		do
			offer(tour);
		while (turn_odometer(tour));
	}
}
static bool
single_out(const struct tour *tour, size_t i)
{
	const size_t few = 48, count = tour->cut->count;

	return count <= few || tour->cut->pending[i].metadata ||
	    i % (count / few + 1) == 0;
}

static void
visit_singles(struct tour *tour)
{
	for (int all = 0; all < 2; all++) {
		pick_all(tour, all);
		offer(tour);
		for (size_t i = 0; i < tour->cut->count; i++) {
			if (!single_out(tour, i))
				continue;
			pick_whole(tour, i, all ? 0 : newest(tour, i));
			offer(tour);
			pick_whole(tour, i, all ? newest(tour, i) : 0);
		}
	}
}
static unsigned
version_at(const struct pending *pending, uint32_t call)
{
	unsigned version = pending->count - 1u;

	while (version > 0 && pending->versions[version].call > call)
		version--;
	return version;
}

static void
visit_prefixes(struct tour *tour)
{
	struct rfm_lying_cut *cut = tour->cut;

	for (size_t i = 0; i < cut->count; i++)
		for (unsigned v = 1; v < cut->pending[i].count; v++) {
			uint32_t call = cut->pending[i].versions[v].call;

			if (!single_out(tour, i))
				break;
			for (size_t k = 0; k < cut->count; k++)
				pick_whole(tour, k, version_at(
				    &cut->pending[k], call));
			offer(tour);
		}
}
static unsigned
dice(struct tour *tour, unsigned sides)
{
	return (unsigned)(draw(&tour->random) % sides);
}

static void
visit_random(struct tour *tour, uint32_t count)
{
	struct rfm_lying_cut *cut = tour->cut;

	while (count-- > 0) {
		for (size_t i = 0; i < cut->count; i++) {
			unsigned sides = cut->pending[i].count;

			pick_whole(tour, i, dice(tour, sides));
			if (dice(tour, 8) != 0)
				continue;
			pick_torn(tour, i, tour->choice.picks[i].first,
			    dice(tour, sides),
			    dice(tour, RFM_LYING_SECTOR_BYTES));
		}
		tour->choice.size = cut->sizes[dice(tour,
		    cut->size_count)];
		offer(tour);
	}
	tour->choice.size = cut->sizes[cut->size_count - 1];
}
static bool
differing(const struct pending *pending, unsigned a, unsigned b,
    unsigned *from, unsigned *to)
{
	const uint8_t *x = pending->versions[a].bytes;
	const uint8_t *y = pending->versions[b].bytes;

	*from = 0;
	*to = RFM_LYING_SECTOR_BYTES;
	while (*from < *to && x[*from] == y[*from])
		++*from;
	while (*to > *from && x[*to - 1] == y[*to - 1])
		--*to;
	return *from < *to;
}

static void
tear(struct tour *tour, size_t i, unsigned old, unsigned head)
{
	unsigned new = newest(tour, i);

	pick_torn(tour, i, new, old, head);
	offer(tour);
}
static void
tear_everywhere(struct tour *tour, size_t i, unsigned old)
{
	static const unsigned after[] = { 1, 4, 8, 16, 32, 64 };
	unsigned              from, to;

	if (!differing(&tour->cut->pending[i], old, newest(tour, i),
	    &from, &to))
		return;
	for (size_t k = 0; k < sizeof after / sizeof after[0]; k++)
		if (from + after[k] < to)
			tear(tour, i, old, from + after[k]);
	tear(tour, i, old, (from + to) / 2);
	tear(tour, i, old, to - 1);
}
static void
visit_torn(struct tour *tour, bool new)
{
	for (size_t i = 0; i < tour->cut->count; i++) {
		unsigned last = newest(tour, i);

		if (!tour->cut->pending[i].metadata)
			continue;
		pick_all(tour, new);
		tear_everywhere(tour, i, 0);
		if (last > 1)
			tear_everywhere(tour, i, last - 1);
	}
}

static void
visit_torn_pairs(struct tour *tour, bool new)
{
	const struct pending *pending = tour->cut->pending;
	unsigned              from, to;

	for (size_t i = 0; i < tour->cut->count && i < 8; i++)
		for (size_t k = 0; k < i; k++) {
			if (!pending[i].metadata || !pending[k].metadata ||
			    !differing(&pending[k], 0, newest(tour, k),
			    &from, &to))
				continue;
			pick_all(tour, new);
			pick_torn(tour, k, newest(tour, k), 0,
			    (from + to) / 2);
			tear_everywhere(tour, i, 0);
		}
}
static struct tour
begin_tour(struct rfm_lying_cut *cut, rfm_lying_visitor *visit,
    void *context)
{
	struct tour tour = { cut,
	    { cut->now, cut->sizes[cut->size_count - 1], cut->picks, 0 },
	    visit, context, 0, false };

	pick_all(&tour, true);
	return tour;
}

void
rfm_lying_cut_each(struct rfm_lying_cut *cut,
    const struct rfm_lying_effort *effort, rfm_lying_visitor *visit,
    void *context)
{
	struct tour tour = begin_tour(cut, visit, context);

	tour.random = effort->seed ^ cut->step;
	tour.backwards = effort->backwards;
	if (cut->may[0]) {
		tour.choice.present = false;
		offer(&tour);
	}
	if (!cut->may[1])
		return;
	tour.choice.present = true;
	if (fewer_than(cut, effort->all_below)) {
		visit_all(&tour);
	} else {
		visit_singles(&tour);
		visit_prefixes(&tour);
		visit_random(&tour, effort->random);
	}
	for (int new = 0; new < 2; new++) {
		visit_torn(&tour, new);
		visit_torn_pairs(&tour, new);
	}
}
static bool
in_last_call(const struct tour *tour, size_t i)
{
	const struct pending *p = &tour->cut->pending[i];

	return p->metadata &&
	    p->versions[p->count - 1].call == tour->cut->call;
}

void
rfm_lying_cut_each_death(struct rfm_lying_cut *cut, bool torn,
    rfm_lying_visitor *visit, void *context)
{
	struct tour tour = begin_tour(cut, visit, context);

	offer(&tour);
	for (size_t i = cut->count; i-- > 0;) {
		if (!in_last_call(&tour, i))
			continue;
		if (torn)
			tear_everywhere(&tour, i, newest(&tour, i) - 1);
		pick_whole(&tour, i, newest(&tour, i) - 1);
		offer(&tour);
	}
}
