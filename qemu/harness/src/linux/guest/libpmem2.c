/* Eight-byte records that a library makes durable, and what a power cut leaves of them.
 *
 *	libpmem2 DEVICE copy|persist RECORDS [dsb|undrained|careless]
 *
 * Each record has a line of its own. After each, all records so far are claimed: by then the
 * library has said that they are durable. The library is PMDK's libpmem2, or one that stands in for
 * it; with -DKPMEM it is kpmem. `dsb` adds the barrier that Arm's manual asks for, after the
 * library's drain; `undrained` flushes only, and `careless` asks the library for nothing: controls
 * that must be found out. The variable WORKLOAD has its number, where several run one after the
 * other.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>

#ifdef KPMEM
#include <kpmem.h>
#else
#include <libpmem2.h>
#endif
#include "kpmem_linux.h"

#define LINE 64
/* What the program uses of the device, in bytes: the pages of one device mapping. */
#define SIZE ((size_t)2 << 20)

enum { LOST = 1, TORN = 2 };

static char *memory;
static const char *mode, *extra;

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	return 2;
}

#ifdef KPMEM
static struct kpmem_map map;

static int open_memory(const char *device)
{
	int file = open(device, O_RDWR), error;
	char why[160];

	if (file < 0)
		return fail(device, strerror(errno));
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (memory == MAP_FAILED)
		return fail(device, strerror(errno));
	error = kpmem_map_init(&map, memory, SIZE, KPMEM_GRANULARITY_CACHE_LINE);
	if (!error)
		return 0;
	kpmem_errormsg(error, why, sizeof(why));
	return fail("kpmem", why);
}

static int persist(const void *ptr, size_t len)
{
	return kpmem_map_persist(&map, ptr, len);
}

static int copy(void *to, const void *from, size_t len)
{
	return kpmem_map_memcpy(&map, to, from, len, 0);
}

static int flush(const void *ptr, size_t len)
{
	return kpmem_map_flush(&map, ptr, len);
}

static void drain(void)
{
}
#else
static struct pmem2_map *map;

static int open_memory(const char *device)
{
	struct pmem2_config *config;
	struct pmem2_source *source;
	int file = open(device, O_RDWR);

	if (file < 0)
		return fail(device, strerror(errno));
	if (pmem2_config_new(&config) || pmem2_source_from_fd(&source, file) ||
	    pmem2_config_set_length(config, SIZE) ||
	    pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_CACHE_LINE) ||
	    pmem2_map_new(&map, config, source))
		return fail(device, pmem2_errormsg());
	memory = pmem2_map_get_address(map);
	return 0;
}

static int persist(const void *ptr, size_t len)
{
	pmem2_get_persist_fn(map)(ptr, len);
	return 0;
}

static int copy(void *to, const void *from, size_t len)
{
	pmem2_get_memcpy_fn(map)(to, from, len, 0);
	return 0;
}

static int flush(const void *ptr, size_t len)
{
	pmem2_get_flush_fn(map)(ptr, len);
	return 0;
}

static void drain(void)
{
	pmem2_get_drain_fn(map)();
}
#endif

/* The content of a record, of which no two bytes are alike. */
static uint64_t content(uint64_t record)
{
	return 0x1716151413121110ull + 0x0808080808080808ull * (record % 16);
}

static volatile uint64_t *place(uint64_t record)
{
	return (volatile uint64_t *)(memory + record * LINE);
}

static int append(uint64_t record)
{
	uint64_t value = content(record);
	int error = 0;

	if (!strcmp(extra, "careless"))
		*place(record) = value;
	else if (!strcmp(extra, "undrained")) {
		*place(record) = value;
		error = flush((const void *)place(record), sizeof(value));
	} else if (!strcmp(mode, "copy"))
		error = copy((void *)place(record), &value, sizeof(value));
	else {
		*place(record) = value;
		error = persist((const void *)place(record), sizeof(value));
	}
#ifdef __aarch64__
	if (!strcmp(extra, "dsb")) {
		drain();
		__asm__ volatile("dsb sy" : : : "memory");
	}
#else
	(void)drain;
#endif
	return error;
}

/* Recovery: what was claimed is there, and no record is half there. */
static uint64_t recover(uint64_t claims, uint64_t records)
{
	uint64_t record, found;

	for (record = 0; record < records; record++) {
		found = *place(record);
		if (found == content(record))
			continue;
		if (record < claims)
			return LOST;
		if (found)
			return TORN;
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t number, records, record, code, seen[3] = { 0 };
	struct kpmem_simulator sim;
	struct kpmem_crash crash;
	int error;

	if (argc < 4)
		return fail(argv[0], "DEVICE copy|persist RECORDS [dsb|undrained|careless]");
	mode = argv[2];
	records = strtoull(argv[3], NULL, 0);
	extra = argc > 4 ? argv[4] : "";
	number = getenv("WORKLOAD") ? strtoull(getenv("WORKLOAD"), NULL, 0) : 1;
	error = open_memory(argv[1]);
	if (error)
		return error;
	error = kpmem_attach(&sim);
	if (error)
		return fail("the simulator", strerror(error));
	if (kpmem_rebooted(&sim, &crash)) {
		if (crash.begin == number)
			printf("verdict %llu\n", (unsigned long long)recover(crash.claims, records));
		return 0;
	}
	memset(memory, 0, SIZE);

	kpmem_begin(number);
	for (record = 0; record < records; record++) {
		error = append(record);
		if (error)
			break;
		kpmem_acknowledge(memory, (record + 1) * LINE, record);
	}
	kpmem_end();
	if (error)
		return fail("record", "the library refuses to make it durable");

	while (kpmem_cut(&sim, &crash)) {
		code = recover(crash.claims, records);
		seen[code]++;
		kpmem_verdict(code);
	}
	printf("verdicts: %llu good, %llu lost a record, %llu have a torn one\n",
	       (unsigned long long)seen[0], (unsigned long long)seen[LOST],
	       (unsigned long long)seen[TORN]);
	return 0;
}
