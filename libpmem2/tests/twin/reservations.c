/* Address space that is kept for maps. */
#include "twin.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct pmem2_vm_reservation *space;
static struct pmem2_config *config;
static struct pmem2_source *source;

static struct pmem2_map *at(const char *what, size_t offset, size_t length)
{
	struct pmem2_map *map = NULL;
	int code;

	pmem2_config_set_vm_reservation(config, space, offset);
	pmem2_config_set_length(config, length);
	code = pmem2_map_new(&map, config, source);
	say(what, "%d", code);
	if (map)
		say("is there", "%d", (char *)pmem2_map_get_address(map) ==
			(char *)pmem2_vm_reservation_get_address(space) + offset);
	return map;
}

static void find(size_t offset, size_t length, struct pmem2_map *expected)
{
	struct pmem2_map *map = NULL;
	int code = pmem2_vm_reservation_map_find(space, offset, length, &map);

	say("found", "%zu+%zu: %d %d", offset, length, code, map == expected);
}

static void neighbours(struct pmem2_map *first, struct pmem2_map *second)
{
	struct pmem2_map *map = NULL;

	say("first", "%d %d", pmem2_vm_reservation_map_find_first(space, &map), map == first);
	say("last", "%d %d", pmem2_vm_reservation_map_find_last(space, &map), map == second);
	say("next", "%d %d", pmem2_vm_reservation_map_find_next(space, first, &map),
		map == second);
	say("next of the last", "%d", pmem2_vm_reservation_map_find_next(space, second, &map));
	say("is null", "%d", map == NULL);
	say("previous", "%d %d", pmem2_vm_reservation_map_find_prev(space, second, &map),
		map == first);
	say("previous of the first", "%d",
		pmem2_vm_reservation_map_find_prev(space, first, &map));
	say("is null", "%d", map == NULL);
}

static void sizes(void)
{
	char *base = (char *)pmem2_vm_reservation_get_address(space);

	say("an odd extension", "%d", pmem2_vm_reservation_extend(space, 5));
	say("shrunk in the middle", "%d", pmem2_vm_reservation_shrink(space, PAGE, PAGE));
	say("shrunk to nothing", "%d", pmem2_vm_reservation_shrink(space, 0, 16 * PAGE));
	say("by nothing", "%d", pmem2_vm_reservation_shrink(space, 0, 0));
	say("by an odd size", "%d", pmem2_vm_reservation_shrink(space, 0, 5));
	say("from an odd offset", "%d", pmem2_vm_reservation_shrink(space, 5, PAGE));
	say("from behind it", "%d", pmem2_vm_reservation_shrink(space, 16 * PAGE, PAGE));
	say("by too much", "%d", pmem2_vm_reservation_shrink(space, 15 * PAGE, 2 * PAGE));
	say("where a map is", "%d", pmem2_vm_reservation_shrink(space, 0, 5 * PAGE));
	say("at the end", "%d", pmem2_vm_reservation_shrink(space, 14 * PAGE, 2 * PAGE));
	say("size", "%zu", pmem2_vm_reservation_get_size(space));
	say("at the beginning", "%d", pmem2_vm_reservation_shrink(space, 0, PAGE));
	say("size", "%zu", pmem2_vm_reservation_get_size(space));
	say("address", "%d", (char *)pmem2_vm_reservation_get_address(space) == base + PAGE);
	say("extended", "%d", pmem2_vm_reservation_extend(space, 2 * PAGE));
	say("size", "%zu", pmem2_vm_reservation_get_size(space));
}

void reservations(const char *folder)
{
	int fd = file_of(folder, 8 * PAGE);
	struct pmem2_map *first, *second;
	struct pmem2_vm_reservation *over = NULL;
	/* PMDK's library takes 4 MiB at least. */
	char *taken = memory(8192);

	part("reservations");
	say("an odd size", "%d", pmem2_vm_reservation_new(&space, NULL, 5));
	say("an odd address", "%d", pmem2_vm_reservation_new(&space, taken + 1, PAGE));
	say("where memory is", "%d", pmem2_vm_reservation_new(&space, taken, PAGE));
	munmap(taken, 8192 * PAGE);
	say("where none is", "%d", pmem2_vm_reservation_new(&space, taken, PAGE));
	say("is there", "%d", pmem2_vm_reservation_get_address(space) == taken);
	say("deleted", "%d %d", pmem2_vm_reservation_delete(&space), space == NULL);

	say("made", "%d", pmem2_vm_reservation_new(&space, NULL, 16 * PAGE));
	say("size", "%zu", pmem2_vm_reservation_get_size(space));
	source = source_of(fd);
	if (pmem2_config_new(&config) ||
	    pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_PAGE))
		exit(1);
	say("no maps", "%d", pmem2_vm_reservation_map_find_first(space, &first));
	second = at("in the middle", 8 * PAGE, 2 * PAGE);
	first = at("before it", 4 * PAGE, 4 * PAGE);
	at("over both", 7 * PAGE, 2 * PAGE);
	at("over the end", 15 * PAGE, 2 * PAGE);
	at("behind the end", 17 * PAGE, PAGE);
	at("at an odd offset", 5, PAGE);
	find(0, 16 * PAGE, first);
	find(8 * PAGE, 1, second);
	find(7 * PAGE, 2 * PAGE, first);
	find(0, 4 * PAGE, NULL);
	find(10 * PAGE, PAGE, NULL);
	find(4 * PAGE, 0, NULL);
	neighbours(first, second);
	say("deleted with maps", "%d", pmem2_vm_reservation_delete(&space));
	if (!pmem2_vm_reservation_new(&over, pmem2_vm_reservation_get_address(space), PAGE))
		say("a second one there", "is made");
	((char *)pmem2_map_get_address(first))[3] = 3;
	pmem2_get_persist_fn(first)(pmem2_map_get_address(first), 4 * PAGE);
	sizes();
	unmap(first);
	first = at("again", 3 * PAGE, PAGE);
	unmap(first);
	unmap(second);
	say("deleted", "%d %d", pmem2_vm_reservation_delete(&space), space == NULL);
	pmem2_config_delete(&config);
	pmem2_source_delete(&source);
	close(fd);
}
