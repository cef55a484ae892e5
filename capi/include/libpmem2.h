/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * kpmem's libpmem2.h: the calls of PMDK's libpmem2 with the same names, types and values, so that
 * code written to them compiles and links unchanged.
 *
 * Calls in the first part need no OS: libkpmem.a has them for bare metal, without an allocator. The
 * others, and the first part too, are in libpmem2.a and libpmem2.so.1 for Linux user space. Link
 * one of the two.
 *
 * A call returns 0, or a negative code: PMEM2_E_..., or the negative of an errno.
 */
#ifndef LIBPMEM2_H
#define LIBPMEM2_H 1

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ---- */

#define PMEM2_E_UNKNOWN (-100000)
/* Not supported for this source or on this platform. */
#define PMEM2_E_NOSUPP (-100001)
#define PMEM2_E_FILE_HANDLE_NOT_SET (-100003)
/* The file is not open, or not for reading. */
#define PMEM2_E_INVALID_FILE_HANDLE (-100004)
/* Neither a regular file nor a DAX device. */
#define PMEM2_E_INVALID_FILE_TYPE (-100005)
/* The range is larger than its source or the address space. */
#define PMEM2_E_MAP_RANGE (-100006)
/* Something is mapped there. */
#define PMEM2_E_MAPPING_EXISTS (-100007)
#define PMEM2_E_GRANULARITY_NOT_SET (-100008)
/* The CPU, the file or the source cannot do it. */
#define PMEM2_E_GRANULARITY_NOT_SUPPORTED (-100009)
#define PMEM2_E_OFFSET_OUT_OF_RANGE (-100010)
#define PMEM2_E_OFFSET_UNALIGNED (-100011)
#define PMEM2_E_INVALID_ALIGNMENT_FORMAT (-100012)
#define PMEM2_E_INVALID_ALIGNMENT_VALUE (-100013)
#define PMEM2_E_INVALID_SIZE_FORMAT (-100014)
#define PMEM2_E_LENGTH_UNALIGNED (-100015)
#define PMEM2_E_MAPPING_NOT_FOUND (-100016)
#define PMEM2_E_BUFFER_TOO_SMALL (-100017)
#define PMEM2_E_SOURCE_EMPTY (-100018)
#define PMEM2_E_INVALID_SHARING_VALUE (-100019)
#define PMEM2_E_SRC_DEVDAX_PRIVATE (-100020)
#define PMEM2_E_INVALID_ADDRESS_REQUEST_TYPE (-100021)
#define PMEM2_E_ADDRESS_UNALIGNED (-100022)
#define PMEM2_E_ADDRESS_NULL (-100023)
/* The range is not inside the map. */
#define PMEM2_E_DEEP_FLUSH_RANGE (-100024)
#define PMEM2_E_INVALID_REGION_FORMAT (-100025)
#define PMEM2_E_DAX_REGION_NOT_FOUND (-100026)
#define PMEM2_E_INVALID_DEV_FORMAT (-100027)
#define PMEM2_E_CANNOT_READ_BOUNDS (-100028)
#define PMEM2_E_NO_BAD_BLOCK_FOUND (-100029)
#define PMEM2_E_LENGTH_OUT_OF_RANGE (-100030)
#define PMEM2_E_INVALID_PROT_FLAG (-100031)
#define PMEM2_E_NO_ACCESS (-100032)
#define PMEM2_E_VM_RESERVATION_NOT_EMPTY (-100033)
/* Another map covers a part of the range. */
#define PMEM2_E_MAP_EXISTS (-100034)
#define PMEM2_E_FILE_DESCRIPTOR_NOT_SET (-100035)
#define PMEM2_E_SOURCE_TYPE_NOT_SUPPORTED (-100036)
#define PMEM2_E_IO_FAIL (-100037)

/* A sentence about the last call that failed: on this thread, or without an OS on any CPU. */
const char *pmem2_errormsg(void);
/* The errno of what a call returned: ENOTSUP of PMEM2_E_NOSUPP, EINVAL of the other codes. */
int pmem2_err_to_errno(int error);

/* ---- Sources ---- */

struct pmem2_source;

/*
 * `size` bytes of memory that no file backs. -ENOMEM if libkpmem.a has KPMEM_PMEM2_SOURCES of them: a
 * source may be deleted when its maps are made.
 */
int pmem2_source_from_anon(struct pmem2_source **source, size_t size);
int pmem2_source_size(const struct pmem2_source *source, size_t *size);
/* Sets *source to null; always 0. Maps of the source stay. */
int pmem2_source_delete(struct pmem2_source **source);

/* ---- Maps of memory that is mapped already ---- */

struct pmem2_map;

/* What the platform makes durable: each store that left the core; each cache line that was written
 * back; what somebody was asked to sync. */
enum pmem2_granularity {
	PMEM2_GRANULARITY_BYTE,
	PMEM2_GRANULARITY_CACHE_LINE,
	PMEM2_GRANULARITY_PAGE
};

/*
 * A map of `len` bytes at `address`, which must be mapped write-back. Errors: MAP_EXISTS,
 * ADDRESS_NULL, LENGTH_OUT_OF_RANGE (no bytes), MAP_RANGE (it wraps), GRANULARITY_NOT_SUPPORTED,
 * and -ENOMEM.
 */
int pmem2_map_from_existing(struct pmem2_map **map, const struct pmem2_source *source,
	void *address, size_t len, enum pmem2_granularity granularity);
/* Sets *map to null. MAPPING_NOT_FOUND if it is no map. */
int pmem2_map_delete(struct pmem2_map **map);

void *pmem2_map_get_address(struct pmem2_map *map);
size_t pmem2_map_get_size(struct pmem2_map *map);
enum pmem2_granularity pmem2_map_get_store_granularity(struct pmem2_map *map);

/* ---- Functions of a map: never null, and the same at every call ---- */

/*
 * Makes a range durable before it returns. Any alignment; of no bytes it is a drain. It has no way to
 * say that it failed: an error of a kernel's hooks is kept, and returned by the map's next
 * pmem2_deep_flush().
 */
typedef void (*pmem2_persist_fn)(const void *ptr, size_t size);
/* Starts to make a range durable. */
typedef void (*pmem2_flush_fn)(const void *ptr, size_t size);
/* Waits until all that this CPU has flushed is durable. */
typedef void (*pmem2_drain_fn)(void);

pmem2_persist_fn pmem2_get_persist_fn(struct pmem2_map *map);
pmem2_flush_fn pmem2_get_flush_fn(struct pmem2_map *map);
pmem2_drain_fn pmem2_get_drain_fn(struct pmem2_map *map);

/* Copies and fills skip the final drain; store past the cache or through it; the same as hints;
 * neither flush nor drain. What contradicts itself or is unknown counts as no flags. */
#define PMEM2_F_MEM_NODRAIN (1U << 0)
#define PMEM2_F_MEM_NONTEMPORAL (1U << 1)
#define PMEM2_F_MEM_TEMPORAL (1U << 2)
#define PMEM2_F_MEM_WC (1U << 3)
#define PMEM2_F_MEM_WB (1U << 4)
#define PMEM2_F_MEM_NOFLUSH (1U << 5)
#define PMEM2_F_MEM_VALID_FLAGS (PMEM2_F_MEM_NODRAIN | PMEM2_F_MEM_NONTEMPORAL | \
	PMEM2_F_MEM_TEMPORAL | PMEM2_F_MEM_WC | PMEM2_F_MEM_WB | PMEM2_F_MEM_NOFLUSH)

/* As libc's, overlap included, and durable on return unless the flags say otherwise. Each aligned
 * word of 8 bytes is written by one store. Return the destination. */
typedef void *(*pmem2_memmove_fn)(void *pmemdest, const void *src, size_t len, unsigned flags);
typedef void *(*pmem2_memcpy_fn)(void *pmemdest, const void *src, size_t len, unsigned flags);
typedef void *(*pmem2_memset_fn)(void *pmemdest, int c, size_t len, unsigned flags);

pmem2_memmove_fn pmem2_get_memmove_fn(struct pmem2_map *map);
pmem2_memcpy_fn pmem2_get_memcpy_fn(struct pmem2_map *map);
pmem2_memset_fn pmem2_get_memset_fn(struct pmem2_map *map);

/*
 * Moves a range on to the most reliable domain of the platform. DEEP_FLUSH_RANGE if it is not
 * inside the map; NOSUPP if there is no such domain, or none is known: 0 is never returned for nothing.
 */
int pmem2_deep_flush(struct pmem2_map *map, void *ptr, size_t size);

/* ---- kpmem's own, in libkpmem.a only ---- */

/* Sources at a time. */
#define KPMEM_PMEM2_SOURCES 16
/* Maps at a time, and what each takes of memory that is given for more. */
#define KPMEM_PMEM2_MAPS 32
#define KPMEM_PMEM2_MAP_SIZE 320

/*
 * Gives `size` bytes at `memory` for more maps, for good. Returns for how many: at least
 * size / KPMEM_PMEM2_MAP_SIZE - 1.
 */
size_t kpmem_pmem2_give_memory(void *memory, size_t size);

/*
 * What a kernel gives in place of a file. Each function gets `context`, and returns 0 or an errno;
 * each may be null. They may be called from any CPU as long as a map of the source lives.
 */
struct kpmem_pmem2_hooks {
	/* Page granularity: starts to sync a range; waits until all of that is durable. */
	int (*flush)(void *context, const void *ptr, size_t len);
	int (*drain)(void *context);
	/* pmem2_deep_flush: moves a range, which is durable, to the deep domain; waits for that. */
	int (*deep_flush)(void *context, const void *ptr, size_t len);
	int (*deep_drain)(void *context);
	void *context;
};

/* A source of `size` bytes with these hooks, which are copied. */
int kpmem_pmem2_source_from_hooks(struct pmem2_source **source, size_t size,
	const struct kpmem_pmem2_hooks *hooks);

/* ======== What follows needs an OS: libpmem2.a and libpmem2.so.1 only ======== */

#ifndef __KERNEL__

/* ---- Sources that are files ---- */

int pmem2_source_from_fd(struct pmem2_source **source, int fd);
int pmem2_source_get_fd(const struct pmem2_source *source, int *fd);
/* What offset and length of a map must be multiples of. */
int pmem2_source_alignment(const struct pmem2_source *source, size_t *alignment);
/* Copies that return PMEM2_E_IO_FAIL where a load or store would raise SIGBUS. */
int pmem2_source_pread_mcsafe(struct pmem2_source *source, void *buf, size_t size, size_t offset);
int pmem2_source_pwrite_mcsafe(struct pmem2_source *source, void *buf, size_t size, size_t offset);

/* ---- Address space that is kept for maps ---- */

struct pmem2_vm_reservation;

int pmem2_vm_reservation_new(struct pmem2_vm_reservation **reservation, void *address,
	size_t size);
int pmem2_vm_reservation_delete(struct pmem2_vm_reservation **reservation);
void *pmem2_vm_reservation_get_address(struct pmem2_vm_reservation *reservation);
size_t pmem2_vm_reservation_get_size(struct pmem2_vm_reservation *reservation);
int pmem2_vm_reservation_extend(struct pmem2_vm_reservation *reservation, size_t size);
int pmem2_vm_reservation_shrink(struct pmem2_vm_reservation *reservation, size_t offset,
	size_t size);
int pmem2_vm_reservation_map_find(struct pmem2_vm_reservation *reservation, size_t offset,
	size_t len, struct pmem2_map **map);
int pmem2_vm_reservation_map_find_prev(struct pmem2_vm_reservation *reservation,
	struct pmem2_map *map, struct pmem2_map **previous);
int pmem2_vm_reservation_map_find_next(struct pmem2_vm_reservation *reservation,
	struct pmem2_map *map, struct pmem2_map **next);
int pmem2_vm_reservation_map_find_first(struct pmem2_vm_reservation *reservation,
	struct pmem2_map **map);
int pmem2_vm_reservation_map_find_last(struct pmem2_vm_reservation *reservation,
	struct pmem2_map **map);

/* ---- Configs, and maps of files ---- */

struct pmem2_config;

enum pmem2_sharing_type {
	PMEM2_SHARED,
	PMEM2_PRIVATE
};

#define PMEM2_PROT_EXEC (1U << 29)
#define PMEM2_PROT_READ (1U << 30)
#define PMEM2_PROT_WRITE (1U << 31)
#define PMEM2_PROT_NONE 0

int pmem2_config_new(struct pmem2_config **config);
int pmem2_config_delete(struct pmem2_config **config);
/* The coarsest that will do. Must be set. */
int pmem2_config_set_required_store_granularity(struct pmem2_config *config,
	enum pmem2_granularity granularity);
int pmem2_config_set_offset(struct pmem2_config *config, size_t offset);
int pmem2_config_set_length(struct pmem2_config *config, size_t length);
int pmem2_config_set_sharing(struct pmem2_config *config, enum pmem2_sharing_type sharing);
int pmem2_config_set_protection(struct pmem2_config *config, unsigned protection);
int pmem2_config_set_vm_reservation(struct pmem2_config *config,
	struct pmem2_vm_reservation *reservation, size_t offset);

int pmem2_map_new(struct pmem2_map **map, const struct pmem2_config *config,
	const struct pmem2_source *source);

/* ---- Devices behind a source ---- */

/* Names of the NVDIMMs, and how often they lost power before all was written. */
int pmem2_source_device_id(const struct pmem2_source *source, char *id, size_t *len);
int pmem2_source_device_usc(const struct pmem2_source *source, uint64_t *usc);
int pmem2_source_numa_node(const struct pmem2_source *source, int *numa_node);

struct pmem2_badblock_context;

struct pmem2_badblock {
	size_t offset;
	size_t length;
};

int pmem2_badblock_context_new(struct pmem2_badblock_context **context,
	const struct pmem2_source *source);
void pmem2_badblock_context_delete(struct pmem2_badblock_context **context);
int pmem2_badblock_next(struct pmem2_badblock_context *context, struct pmem2_badblock *block);
int pmem2_badblock_clear(struct pmem2_badblock_context *context,
	const struct pmem2_badblock *block);

/* Prints what `format` says, a colon, and pmem2_errormsg() to standard error. */
void pmem2_perror(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));

#endif /* __KERNEL__ */

#ifdef __cplusplus
}
#endif
#endif /* LIBPMEM2_H */
