/*
 * The types and values of libpmem2.h, one by one. It compiles with PMDK's header and with kpmem's,
 * or they are not the same; that nothing is missing here, the suite sees.
 */
#include <libpmem2.h>
#include <stddef.h>

#define IS(name, value) typedef char is_##name[(name) == (value) ? 1 : -1]
#define CODE(name, number) IS(PMEM2_E_##name, -100000 - (number))

CODE(UNKNOWN, 0);
CODE(NOSUPP, 1);
CODE(FILE_HANDLE_NOT_SET, 3);
CODE(INVALID_FILE_HANDLE, 4);
CODE(INVALID_FILE_TYPE, 5);
CODE(MAP_RANGE, 6);
CODE(MAPPING_EXISTS, 7);
CODE(GRANULARITY_NOT_SET, 8);
CODE(GRANULARITY_NOT_SUPPORTED, 9);
CODE(OFFSET_OUT_OF_RANGE, 10);
CODE(OFFSET_UNALIGNED, 11);
CODE(INVALID_ALIGNMENT_FORMAT, 12);
CODE(INVALID_ALIGNMENT_VALUE, 13);
CODE(INVALID_SIZE_FORMAT, 14);
CODE(LENGTH_UNALIGNED, 15);
CODE(MAPPING_NOT_FOUND, 16);
CODE(BUFFER_TOO_SMALL, 17);
CODE(SOURCE_EMPTY, 18);
CODE(INVALID_SHARING_VALUE, 19);
CODE(SRC_DEVDAX_PRIVATE, 20);
CODE(INVALID_ADDRESS_REQUEST_TYPE, 21);
CODE(ADDRESS_UNALIGNED, 22);
CODE(ADDRESS_NULL, 23);
CODE(DEEP_FLUSH_RANGE, 24);
CODE(INVALID_REGION_FORMAT, 25);
CODE(DAX_REGION_NOT_FOUND, 26);
CODE(INVALID_DEV_FORMAT, 27);
CODE(CANNOT_READ_BOUNDS, 28);
CODE(NO_BAD_BLOCK_FOUND, 29);
CODE(LENGTH_OUT_OF_RANGE, 30);
CODE(INVALID_PROT_FLAG, 31);
CODE(NO_ACCESS, 32);
CODE(VM_RESERVATION_NOT_EMPTY, 33);
CODE(MAP_EXISTS, 34);
CODE(FILE_DESCRIPTOR_NOT_SET, 35);
CODE(SOURCE_TYPE_NOT_SUPPORTED, 36);
CODE(IO_FAIL, 37);

IS(PMEM2_F_MEM_NODRAIN, 1U);
IS(PMEM2_F_MEM_NONTEMPORAL, 2U);
IS(PMEM2_F_MEM_TEMPORAL, 4U);
IS(PMEM2_F_MEM_WC, 8U);
IS(PMEM2_F_MEM_WB, 16U);
IS(PMEM2_F_MEM_NOFLUSH, 32U);
IS(PMEM2_F_MEM_VALID_FLAGS, 63U);
IS(PMEM2_PROT_NONE, 0);
IS(PMEM2_PROT_EXEC, 0x20000000U);
IS(PMEM2_PROT_READ, 0x40000000U);
IS(PMEM2_PROT_WRITE, 0x80000000U);
IS(PMEM2_GRANULARITY_BYTE, 0);
IS(PMEM2_GRANULARITY_CACHE_LINE, 1);
IS(PMEM2_GRANULARITY_PAGE, 2);
IS(PMEM2_SHARED, 0);
IS(PMEM2_PRIVATE, 1);

#ifdef __cplusplus
#define TAG(tag) tag
#else
#define TAG(tag) enum tag
/* Unsigned, which C++ leaves to its own kind of enumerations. */
typedef char granularity_is_unsigned[(TAG(pmem2_granularity)) - 1 > 0 ? 1 : -1];
typedef char sharing_is_unsigned[(TAG(pmem2_sharing_type)) - 1 > 0 ? 1 : -1];
#endif
typedef char size_of_granularity[sizeof(TAG(pmem2_granularity)) == sizeof(unsigned) ? 1 : -1];
typedef char size_of_sharing[sizeof(TAG(pmem2_sharing_type)) == sizeof(unsigned) ? 1 : -1];
typedef char size_of_block[sizeof(struct pmem2_badblock) == 2 * sizeof(size_t) ? 1 : -1];
typedef char offset_in_block[offsetof(struct pmem2_badblock, offset) == 0 ? 1 : -1];
typedef char length_in_block[offsetof(struct pmem2_badblock, length) == sizeof(size_t) ? 1 : -1];

typedef struct pmem2_source source;
typedef struct pmem2_config config;
typedef struct pmem2_map map;
typedef struct pmem2_vm_reservation space;
typedef struct pmem2_badblock_context context;
typedef struct pmem2_badblock block;
typedef TAG(pmem2_granularity) granularity;
typedef TAG(pmem2_sharing_type) sharing;
typedef void (*persist)(const void *, size_t);
typedef void (*drain)(void);
typedef void *(*copy)(void *, const void *, size_t, unsigned);
typedef void *(*fill)(void *, int, size_t, unsigned);

/* Each function has just this type: a pointer to another would not take its address. */
extern const struct functions {
	const char *(*errormsg)(void);
	int (*err_to_errno)(int);
	void (*perror)(const char *, ...);
	int (*source_from_fd)(source **, int);
	int (*source_from_anon)(source **, size_t);
	int (*source_delete)(source **);
	int (*source_get_fd)(const source *, int *);
	int (*source_size)(const source *, size_t *);
	int (*source_alignment)(const source *, size_t *);
	int (*source_pread_mcsafe)(source *, void *, size_t, size_t);
	int (*source_pwrite_mcsafe)(source *, void *, size_t, size_t);
	int (*source_device_id)(const source *, char *, size_t *);
	int (*source_device_usc)(const source *, uint64_t *);
	int (*source_numa_node)(const source *, int *);
	int (*config_new)(config **);
	int (*config_delete)(config **);
	int (*config_set_required_store_granularity)(config *, granularity);
	int (*config_set_offset)(config *, size_t);
	int (*config_set_length)(config *, size_t);
	int (*config_set_sharing)(config *, sharing);
	int (*config_set_protection)(config *, unsigned);
	int (*config_set_vm_reservation)(config *, space *, size_t);
	int (*map_new)(map **, const config *, const source *);
	int (*map_from_existing)(map **, const source *, void *, size_t, granularity);
	int (*map_delete)(map **);
	void *(*map_get_address)(map *);
	size_t (*map_get_size)(map *);
	granularity (*map_get_store_granularity)(map *);
	persist (*get_persist_fn)(map *);
	persist (*get_flush_fn)(map *);
	drain (*get_drain_fn)(map *);
	copy (*get_memmove_fn)(map *);
	copy (*get_memcpy_fn)(map *);
	fill (*get_memset_fn)(map *);
	int (*deep_flush)(map *, void *, size_t);
	int (*vm_reservation_new)(space **, void *, size_t);
	int (*vm_reservation_delete)(space **);
	void *(*vm_reservation_get_address)(space *);
	size_t (*vm_reservation_get_size)(space *);
	int (*vm_reservation_extend)(space *, size_t);
	int (*vm_reservation_shrink)(space *, size_t, size_t);
	int (*vm_reservation_map_find)(space *, size_t, size_t, map **);
	int (*vm_reservation_map_find_prev)(space *, map *, map **);
	int (*vm_reservation_map_find_next)(space *, map *, map **);
	int (*vm_reservation_map_find_first)(space *, map **);
	int (*vm_reservation_map_find_last)(space *, map **);
	int (*badblock_context_new)(context **, const source *);
	void (*badblock_context_delete)(context **);
	int (*badblock_next)(context *, block *);
	int (*badblock_clear)(context *, const block *);
} functions;

const struct functions functions = {pmem2_errormsg, pmem2_err_to_errno, pmem2_perror,
	pmem2_source_from_fd, pmem2_source_from_anon, pmem2_source_delete, pmem2_source_get_fd,
	pmem2_source_size, pmem2_source_alignment, pmem2_source_pread_mcsafe,
	pmem2_source_pwrite_mcsafe, pmem2_source_device_id, pmem2_source_device_usc,
	pmem2_source_numa_node, pmem2_config_new, pmem2_config_delete,
	pmem2_config_set_required_store_granularity, pmem2_config_set_offset,
	pmem2_config_set_length, pmem2_config_set_sharing, pmem2_config_set_protection,
	pmem2_config_set_vm_reservation, pmem2_map_new, pmem2_map_from_existing, pmem2_map_delete,
	pmem2_map_get_address, pmem2_map_get_size, pmem2_map_get_store_granularity,
	pmem2_get_persist_fn, pmem2_get_flush_fn, pmem2_get_drain_fn, pmem2_get_memmove_fn,
	pmem2_get_memcpy_fn, pmem2_get_memset_fn, pmem2_deep_flush, pmem2_vm_reservation_new,
	pmem2_vm_reservation_delete, pmem2_vm_reservation_get_address,
	pmem2_vm_reservation_get_size, pmem2_vm_reservation_extend, pmem2_vm_reservation_shrink,
	pmem2_vm_reservation_map_find, pmem2_vm_reservation_map_find_prev,
	pmem2_vm_reservation_map_find_next, pmem2_vm_reservation_map_find_first,
	pmem2_vm_reservation_map_find_last, pmem2_badblock_context_new,
	pmem2_badblock_context_delete, pmem2_badblock_next, pmem2_badblock_clear};
