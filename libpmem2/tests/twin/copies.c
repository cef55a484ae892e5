/* What copies and fills leave in memory, and what they return; that flushes touch nothing else. */
#include "twin.h"

#include <stdlib.h>
#include <string.h>

#ifdef CONTROL
/* What the suite must see: a library that copies a byte too few. */
static void *short_copy(void *to, const void *from, size_t len, unsigned flags)
{
	(void)flags;
	return memcpy(to, from, len ? len - 1 : 0);
}
#define pmem2_get_memcpy_fn(map) ((void)(map), short_copy)
#endif

#define SPACE 8192
#define AT 1024

static const unsigned flags[] = {0, PMEM2_F_MEM_NODRAIN, PMEM2_F_MEM_NOFLUSH,
	PMEM2_F_MEM_NONTEMPORAL, PMEM2_F_MEM_TEMPORAL, PMEM2_F_MEM_WC, PMEM2_F_MEM_WB,
	PMEM2_F_MEM_NODRAIN | PMEM2_F_MEM_NONTEMPORAL, PMEM2_F_MEM_NODRAIN | PMEM2_F_MEM_WB,
	PMEM2_F_MEM_NOFLUSH | PMEM2_F_MEM_NODRAIN, PMEM2_F_MEM_NOFLUSH | PMEM2_F_MEM_TEMPORAL,
	PMEM2_F_MEM_NONTEMPORAL | PMEM2_F_MEM_WB, PMEM2_F_MEM_TEMPORAL | PMEM2_F_MEM_WC};

static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127,
	128, 129, 255, 256, 257, 1000, 1024, 2047, 2048, 2049, 4096, 5000};
static const size_t ats[] = {0, 1, 3, 7, 8, 31, 63};

/* Fills both with the same bytes, which no shift leaves as they are. */
static void prepare(unsigned char *space, unsigned char *expected)
{
	static unsigned char bytes[SPACE];
	static unsigned seed;

	for (; seed < SPACE; seed++)
		bytes[seed] = (unsigned char)((seed * 2654435761U) >> 11);
	memcpy(space, bytes, SPACE);
	memcpy(expected, bytes, SPACE);
}

static void of_flags(struct pmem2_map *map, unsigned char *space, unsigned how)
{
	static unsigned char expected[SPACE], other[SPACE];
	static const long shifts[] = {-1000, -64, -8, -1, 0, 1, 5, 64, 300, 1024};
	unsigned long tried = 0, wrong = 0, returned = 0;
	size_t size, at, shift;

	for (size = 0; size < LEN(sizes); size++) {
		size_t len = sizes[size];

		for (at = 0; at < LEN(ats); at++) {
			unsigned char *to = space + AT + ats[at];

			for (shift = 0; shift < LEN(shifts); shift++) {
				prepare(space, expected);
				memmove(expected + AT + ats[at],
					expected + AT + ats[at] + shifts[shift], len);
				returned += pmem2_get_memmove_fn(map)(to, to + shifts[shift], len,
						how) != to;
				wrong += memcmp(space, expected, SPACE) != 0;
				tried++;
			}
			prepare(space, expected);
			memcpy(other, space + 1, len);
			memcpy(expected + AT + ats[at], other, len);
			returned += pmem2_get_memcpy_fn(map)(to, other, len, how) != to;
			wrong += memcmp(space, expected, SPACE) != 0;
			memset(expected + AT + ats[at], 0xa5, len);
			returned += pmem2_get_memset_fn(map)(to, 0x1a5, len, how) != to;
			wrong += memcmp(space, expected, SPACE) != 0;
			tried += 2;
		}
	}
	pmem2_get_drain_fn(map)();
	say("copies", "flags 0x%x: %lu, %lu wrong, %lu return another address", how, tried, wrong,
		returned);
}

static void of_map(enum pmem2_granularity granularity)
{
	unsigned char *space = (unsigned char *)memory(6), *copy = (unsigned char *)malloc(6 * PAGE);
	struct pmem2_map *map = map_of(space, 6 * PAGE, granularity);
	size_t i, at;

	say("granularity", "%d", (int)granularity);
	for (i = 0; i < LEN(flags); i++)
		of_flags(map, space, flags[i]);
	memcpy(copy, space, 6 * PAGE);
	for (i = 0; i < LEN(sizes); i++) {
		for (at = 0; at < LEN(ats); at++) {
			pmem2_get_persist_fn(map)(space + ats[at], sizes[i]);
			pmem2_get_flush_fn(map)(space + ats[at], sizes[i]);
			pmem2_get_drain_fn(map)();
			/* Up to the last byte: the page behind it faults. */
			pmem2_get_persist_fn(map)(space + 6 * PAGE - sizes[i], sizes[i]);
		}
	}
	say("persist changes", "%d", memcmp(copy, space, 6 * PAGE));
	pmem2_get_memset_fn(map)(space + 6 * PAGE - 100, 1, 100, 0);
	pmem2_get_memcpy_fn(map)(space + 6 * PAGE - 333, space, 333, PMEM2_F_MEM_NONTEMPORAL);
	say("up to the end", "%d", memcmp(space + 6 * PAGE - 333, space, 333));
	free(copy);
	unmap(map);
}

void copies(void)
{
	part("copies");
	of_map(PMEM2_GRANULARITY_BYTE);
	of_map(PMEM2_GRANULARITY_CACHE_LINE);
}
