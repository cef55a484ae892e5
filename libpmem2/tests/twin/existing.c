/* Maps of memory that is mapped already. */
#include "twin.h"

#include <stdint.h>
#include <string.h>

#define SIZE (8 * PAGE)

static char *base;
static struct pmem2_source *source;

static void one(enum pmem2_granularity granularity)
{
	struct pmem2_map *map = NULL;

	say("granularity", "%d", (int)granularity);
	say("made", "%d", pmem2_map_from_existing(&map, source, base, SIZE, granularity));
	say("address", "%d", (char *)pmem2_map_get_address(map) == base);
	say("size", "%zu", pmem2_map_get_size(map));
	say("its granularity", "%d", (int)pmem2_map_get_store_granularity(map));
	say("functions", "%d %d %d %d %d %d", pmem2_get_persist_fn(map) != NULL,
		pmem2_get_flush_fn(map) != NULL, pmem2_get_drain_fn(map) != NULL,
		pmem2_get_memmove_fn(map) != NULL, pmem2_get_memcpy_fn(map) != NULL,
		pmem2_get_memset_fn(map) != NULL);
	say("the same again", "%d %d %d %d %d %d",
		pmem2_get_persist_fn(map) == pmem2_get_persist_fn(map),
		pmem2_get_flush_fn(map) == pmem2_get_flush_fn(map),
		pmem2_get_drain_fn(map) == pmem2_get_drain_fn(map),
		pmem2_get_memmove_fn(map) == pmem2_get_memmove_fn(map),
		pmem2_get_memcpy_fn(map) == pmem2_get_memcpy_fn(map),
		pmem2_get_memset_fn(map) == pmem2_get_memset_fn(map));
	if (granularity == PMEM2_GRANULARITY_CACHE_LINE)
		defect(5, "deep flush of memory", "%d", pmem2_deep_flush(map, base, 1));
	else
		say("deep flush of memory", "%d", pmem2_deep_flush(map, base, 1));
	say("before it", "%d", pmem2_deep_flush(map, base - 1, 1));
	say("behind it", "%d", pmem2_deep_flush(map, base + SIZE, 1));
	say("over its end", "%d", pmem2_deep_flush(map, base + SIZE - 1, 2));
	say("deleted", "%d", pmem2_map_delete(&map));
	say("is null", "%d", map == NULL);
}

/* The code for a second map of a part, while there is one of the middle. */
static void beside(const char *what, size_t from, size_t to)
{
	struct pmem2_map *map = NULL;
	int code = pmem2_map_from_existing(&map, source, base + from, to - from,
		PMEM2_GRANULARITY_BYTE);

	say(what, "%d", code);
	if (!code)
		say("deleted", "%d", pmem2_map_delete(&map));
}

static int of_null(void)
{
	struct pmem2_map *map;

	return pmem2_map_from_existing(&map, source, NULL, SIZE, PMEM2_GRANULARITY_BYTE) ==
		PMEM2_E_ADDRESS_NULL;
}

static int of_nothing(void)
{
	struct pmem2_map *map;

	return pmem2_map_from_existing(&map, source, base, 0, PMEM2_GRANULARITY_BYTE) ==
		PMEM2_E_LENGTH_OUT_OF_RANGE;
}

static int over_the_top(void)
{
	struct pmem2_map *map;

	return pmem2_map_from_existing(&map, source, base, SIZE_MAX, PMEM2_GRANULARITY_BYTE) ==
		PMEM2_E_MAP_RANGE;
}

static int of_granularity_3(void)
{
	struct pmem2_map *map;
	const int three = 3;
	enum pmem2_granularity granularity;

	memcpy(&granularity, &three, sizeof(granularity));
	return pmem2_map_from_existing(&map, source, base, SIZE, granularity) ==
		PMEM2_E_GRANULARITY_NOT_SUPPORTED;
}

static int deleted_twice(void)
{
	struct pmem2_map *map = map_of(base, SIZE, PMEM2_GRANULARITY_BYTE), *again = map;

	if (pmem2_map_delete(&map))
		return 2;
	return pmem2_map_delete(&again) == PMEM2_E_MAPPING_NOT_FOUND;
}

static int null_deleted(void)
{
	struct pmem2_map *map = NULL;

	return pmem2_map_delete(&map) == PMEM2_E_MAPPING_NOT_FOUND;
}

void existing(void)
{
	struct pmem2_map *middle, *left, *right;
	char *message;
	size_t size = 0;

	part("existing");
	base = memory(8);
	say("source", "%d", pmem2_source_from_anon(&source, SIZE));
	say("its size", "%d %zu", pmem2_source_size(source, &size), size);
	one(PMEM2_GRANULARITY_BYTE);
	one(PMEM2_GRANULARITY_CACHE_LINE);

	middle = map_of(base + 2 * PAGE, 2 * PAGE, PMEM2_GRANULARITY_CACHE_LINE);
	beside("before", 0, 2 * PAGE);
	beside("over the beginning", PAGE, 2 * PAGE + 1);
	message = (char *)pmem2_errormsg();
	say("a sentence", "%d", message && strlen(message) > 10);
	beside("the first byte", 2 * PAGE, 2 * PAGE + 1);
	beside("inside", 3 * PAGE, 3 * PAGE + 64);
	beside("the same", 2 * PAGE, 4 * PAGE);
	beside("around", PAGE, 5 * PAGE);
	beside("over the end", 4 * PAGE - 1, 5 * PAGE);
	beside("behind", 4 * PAGE, 5 * PAGE);
	unmap(middle);
	beside("afterwards", PAGE, 5 * PAGE);

	/* One call may span maps that touch each other and have the same functions. */
	left = map_of(base, PAGE, PMEM2_GRANULARITY_CACHE_LINE);
	right = map_of(base + PAGE, PAGE, PMEM2_GRANULARITY_CACHE_LINE);
	say("the same functions", "%d", pmem2_get_persist_fn(left) == pmem2_get_persist_fn(right));
	pmem2_get_persist_fn(left)(base + PAGE - 100, 200);
	pmem2_get_memset_fn(left)(base + PAGE - 100, 7, 200, 0);
	say("filled", "%d %d", base[PAGE - 1], base[PAGE]);
	unmap(left);
	unmap(right);

	defect(0, "a map at null is refused", "%s", in_child(of_null));
	defect(0, "a map of no bytes is refused", "%s", in_child(of_nothing));
	defect(0, "a map over the top is refused", "%s", in_child(over_the_top));
	defect(0, "granularity 3 is refused", "%s", in_child(of_granularity_3));
	defect(0, "a map that was deleted is refused", "%s", in_child(deleted_twice));
	defect(0, "null is no map", "%s", in_child(null_deleted));
	say("source deleted", "%d", pmem2_source_delete(&source));
	say("is null", "%d", source == NULL);
	say("and again", "%d", pmem2_source_delete(&source));
}
