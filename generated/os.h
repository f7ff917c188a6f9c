/* Tangled from lit/15_os.nw by 'make tangle': change it there, not here. */
#ifndef RFM_OS_H
#define RFM_OS_H
#include "base.h"

struct rfm_file;

enum rfm_open_how {
	RFM_OPEN_READ,
	RFM_OPEN_WRITE,
	RFM_OPEN_CREATE     /* it must not exist yet */
};

/* the three locks */
enum rfm_lock {
	RFM_LOCK_WRITER,
	RFM_LOCK_READERS,
	RFM_LOCK_FORKS
};
/* the named barriers */
enum rfm_barrier {
	RFM_BARRIER_FORMAT,    /* a new store's first bytes */
	RFM_BARRIER_DIRECTORY, /* the name of a new store */
	RFM_BARRIER_PRIOR,     /* what an earlier process left behind */
	RFM_BARRIER_SEGMENT,   /* a checkpoint, before it is named */
	RFM_BARRIER_FLIP,      /* a superblock, before it is relied on */
	RFM_BARRIER_PAYLOAD,   /* payloads and records, before COMMIT */
	RFM_BARRIER_COMMIT,    /* the COMMIT, before sync returns */
	RFM_BARRIERS
};
/* the kinds of mapping */
enum rfm_mapping {
	RFM_MAP_SHARED,     /* stores reach the file */
	RFM_MAP_PRIVATE,    /* stores stay in this process */
	RFM_MAP_MEMORY      /* zeros, no file at all */
};
/* the identity of a file */
struct rfm_identity {
	uint64_t device;
	uint64_t inode;
};
/* what happens at a fork */
struct rfm_fork_hooks {
	void (*prepare)(void);
	void (*parent)(void);
	void (*child)(void);
};
/* the operating system as a record of functions */
struct rfm_os {
	/* os: names and files */
	enum rfm_status (*identify)(struct rfm_os *, const char *path,
	    struct rfm_identity *, struct rfm_error *);
	enum rfm_status (*absolute_path)(struct rfm_os *, const char *path,
	    char *out, size_t bytes, struct rfm_error *);
	enum rfm_status (*open)(struct rfm_os *, const char *path,
	    enum rfm_open_how, struct rfm_file **, struct rfm_error *);
	enum rfm_status (*reopen)(struct rfm_os *, struct rfm_file *,
	    struct rfm_file **again, struct rfm_error *);
	void (*close)(struct rfm_os *, struct rfm_file *);
	enum rfm_status (*remove)(struct rfm_os *, const char *path,
	    struct rfm_error *);
	enum rfm_status (*clone)(struct rfm_os *, struct rfm_file *,
	    const char *path, struct rfm_file **copy, bool *whole,
	    struct rfm_error *);
	enum rfm_status (*rename)(struct rfm_os *, const char *path,
	    const char *to, struct rfm_error *);
	/* os: bytes and room */
	enum rfm_status (*size)(struct rfm_os *, struct rfm_file *,
	    uint64_t *bytes, struct rfm_error *);
	enum rfm_status (*read)(struct rfm_os *, struct rfm_file *,
	    uint64_t offset, void *to, size_t bytes, struct rfm_error *);
	enum rfm_status (*write)(struct rfm_os *, struct rfm_file *,
	    uint64_t offset, const void *from, size_t bytes,
	    struct rfm_error *);
	enum rfm_status (*resize)(struct rfm_os *, struct rfm_file *,
	    uint64_t bytes, struct rfm_error *);
	enum rfm_status (*reserve)(struct rfm_os *, struct rfm_file *,
	    uint64_t offset, uint64_t bytes, struct rfm_error *);
	enum rfm_status (*punch)(struct rfm_os *, struct rfm_file *,
	    uint64_t offset, uint64_t bytes, struct rfm_error *);
	/* os: barriers and locks */
	enum rfm_status (*barrier)(struct rfm_os *, struct rfm_file *,
	    enum rfm_barrier, struct rfm_error *);
	enum rfm_status (*barrier_directory)(struct rfm_os *,
	    const char *path, enum rfm_barrier, struct rfm_error *);
	enum rfm_status (*lock)(struct rfm_os *, struct rfm_file *,
	    enum rfm_lock, bool exclusive, struct rfm_error *);
	void (*unlock)(struct rfm_os *, struct rfm_file *, enum rfm_lock);
	bool (*held)(struct rfm_os *, struct rfm_file *, enum rfm_lock);
	enum rfm_status (*pin)(struct rfm_os *, struct rfm_file *,
	    uint64_t number, struct rfm_error *);
	bool (*pinned)(struct rfm_os *, struct rfm_file *, uint64_t below);
	/* os: addresses */
	enum rfm_status (*reserve_addresses)(struct rfm_os *,
	    uint64_t bytes, void **base, struct rfm_error *);
	void (*release_addresses)(struct rfm_os *, void *base,
	    uint64_t bytes);
	enum rfm_status (*map)(struct rfm_os *, struct rfm_file *,
	    enum rfm_mapping, void *address, uint64_t offset,
	    uint64_t bytes, struct rfm_error *);
	enum rfm_status (*resident)(struct rfm_os *, const void *address,
	    uint64_t bytes, uint64_t *resident, struct rfm_error *);
	/* os: the world around */
	void (*boot_id)(struct rfm_os *, uint8_t id[16]);
	enum rfm_status (*random)(struct rfm_os *, void *to, size_t bytes,
	    struct rfm_error *);
	void (*owner)(struct rfm_os *, char *text, size_t bytes);
	int64_t (*now)(struct rfm_os *);
	enum rfm_status (*at_fork)(struct rfm_os *,
	    const struct rfm_fork_hooks *, struct rfm_error *);
};

struct rfm_os *rfm_os_posix(void);
#endif
