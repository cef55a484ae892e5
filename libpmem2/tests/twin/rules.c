/* What pmem2_map_new takes, and what it refuses. */
#include "twin.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pmem2_config *config;

/* A config with its defaults, and a granularity that all can give. */
static void fresh(void)
{
	pmem2_config_delete(&config);
	if (pmem2_config_new(&config) ||
	    pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_PAGE))
		exit(1);
}

static void map(const char *what, struct pmem2_source *source)
{
	struct pmem2_map *map = (struct pmem2_map *)&config;
	int code = pmem2_map_new(&map, config, source);

	say(what, "%d", code);
	if (code) {
		say("is null", "%d", map == NULL);
		return;
	}
	say("size", "%zu, granularity %d, aligned %d", pmem2_map_get_size(map),
		(int)pmem2_map_get_store_granularity(map),
		(uintptr_t)pmem2_map_get_address(map) % PAGE == 0);
	say("deleted", "%d", pmem2_map_delete(&map));
}

static void part_of(const char *what, struct pmem2_source *source, size_t offset, size_t length)
{
	fresh();
	say("offset", "%d", pmem2_config_set_offset(config, offset));
	say("length", "%d", pmem2_config_set_length(config, length));
	map(what, source);
}

static void ranges(struct pmem2_source *source)
{
	part_of("all", source, 0, 0);
	part_of("to the end", source, PAGE, 0);
	part_of("one page", source, 2 * PAGE, PAGE);
	part_of("the last", source, 4 * PAGE, PAGE);
	part_of("whole pages over the end", source, 5 * PAGE, PAGE);
	part_of("from the end", source, 6 * PAGE, 0);
	part_of("behind the end", source, 7 * PAGE, 0);
	part_of("behind the end too", source, 7 * PAGE, PAGE);
	part_of("an odd offset", source, 1, PAGE);
	part_of("an odd length", source, PAGE, 5);
	part_of("both odd", source, 7, 5);
	part_of("too long", source, 0, 100 * PAGE);
	part_of("a length that wraps", source, PAGE, SIZE_MAX - PAGE + 1);
	part_of("a large offset", source, (size_t)1 << 62, 0);
	part_of("too large", source, (size_t)1 << 63, 0);
}

static void granularities(struct pmem2_source *source)
{
	static const char *const forced[] = {"BYTE", "cache_line", "Page", "pages", ""};
	size_t i;
	int need;

	pmem2_config_delete(&config);
	pmem2_config_new(&config);
	map("granularity is not set", source);
	for (need = 0; need < 3; need++) {
		say("required", "%d", pmem2_config_set_required_store_granularity(config,
			(enum pmem2_granularity)need));
		map("of what is required", source);
	}
	say("required 3", "%d", pmem2_config_set_required_store_granularity(config,
		(enum pmem2_granularity)3));
	map("what was required before", source);
	for (i = 0; i < LEN(forced); i++) {
		setenv("PMEM2_FORCE_GRANULARITY", forced[i], 1);
		fresh();
		map(forced[i], source);
		pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_BYTE);
		map("byte is required", source);
		pmem2_config_set_sharing(config, PMEM2_PRIVATE);
		map("and private", source);
	}
	unsetenv("PMEM2_FORCE_GRANULARITY");
}

static char *protected_at;

static int read_there(void)
{
	return *(volatile char *)protected_at;
}

static int write_there(void)
{
	*(volatile char *)protected_at = 1;
	return 0;
}

static void protections(const char *what, struct pmem2_source *source, int private_too)
{
	static const unsigned all[] = {PMEM2_PROT_READ | PMEM2_PROT_WRITE, PMEM2_PROT_READ,
		PMEM2_PROT_WRITE, PMEM2_PROT_NONE, PMEM2_PROT_READ | PMEM2_PROT_EXEC};
	size_t i;

	for (i = 0; i < LEN(all); i++) {
		struct pmem2_map *made = NULL;
		int code;

		fresh();
		if (private_too)
			pmem2_config_set_sharing(config, PMEM2_PRIVATE);
		say("protection", "%d 0x%x", pmem2_config_set_protection(config, all[i]), all[i]);
		code = pmem2_map_new(&made, config, source);
		say(what, "%d", code);
		if (code)
			continue;
		protected_at = (char *)pmem2_map_get_address(made);
		say("read", "%s", in_child(read_there));
		say("write", "%s", in_child(write_there));
		unmap(made);
	}
	fresh();
	say("an unknown one", "%d", pmem2_config_set_protection(config, 1));
	say("one with it", "%d", pmem2_config_set_protection(config, PMEM2_PROT_READ | 2));
}

static void other(const char *folder)
{
	struct pmem2_source *source;
	struct pmem2_map *made = NULL, *again = NULL;
	int fd = file_of(folder, 4 * PAGE);
	char *base;

	source = source_of(fd);
	fresh();
	say("a sharing of 2", "%d", pmem2_config_set_sharing(config, (enum pmem2_sharing_type)2));
	say("two maps of a file", "%d %d", pmem2_map_new(&made, config, source),
		pmem2_map_new(&again, config, source));
	base = (char *)pmem2_map_get_address(made);
	base[5] = 55;
	say("see the same", "%d", ((char *)pmem2_map_get_address(again))[5]);
	unmap(again);
	say("a map of the map", "%d", pmem2_map_from_existing(&again, source, base + PAGE, PAGE,
		PMEM2_GRANULARITY_CACHE_LINE));
	unmap(made);
	pmem2_source_delete(&source);
	close(fd);

	fd = file_of(folder, 0);
	source = source_of(fd);
	fresh();
	map("an empty file", source);
	pmem2_source_delete(&source);
	close(fd);

	fd = file_of(folder, 64 << 20);
	source = source_of(fd);
	fresh();
	if (pmem2_map_new(&made, config, source))
		exit(1);
	say("64 MiB", "aligned to 2 MiB: %d",
		(uintptr_t)pmem2_map_get_address(made) % (2 << 20) == 0);
	/* A source and a file need not outlive the map. */
	pmem2_source_delete(&source);
	close(fd);
	base = (char *)pmem2_map_get_address(made);
	base[12345] = 1;
	pmem2_get_persist_fn(made)(base + 12345, 1);
	say("deep flush", "%d", pmem2_deep_flush(made, base, 64 << 20));
	unmap(made);
}

static void anonymous(void)
{
	struct pmem2_source *source;
	struct pmem2_map *made = NULL;
	unsigned char *base;
	size_t i, sum = 0;

	part("anonymous");
	pmem2_source_from_anon(&source, 3 * PAGE);
	ranges(source);
	granularities(source);
	fresh();
	pmem2_config_set_length(config, 2 * PAGE);
	say("map", "%d", pmem2_map_new(&made, config, source));
	base = (unsigned char *)pmem2_map_get_address(made);
	for (i = 0; i < 2 * PAGE; i++)
		sum += base[i];
	say("zeroes", "%zu", sum);
	pmem2_get_memset_fn(made)(base, 3, 2 * PAGE, 0);
	say("deep flush", "%d", pmem2_deep_flush(made, base, 1));
	say("deleted", "%d", pmem2_map_delete(&made));
	pmem2_source_delete(&source);
	pmem2_source_from_anon(&source, SIZE_MAX);
	fresh();
	map("of all there is", source);
	pmem2_source_delete(&source);
	pmem2_source_from_anon(&source, 0);
	fresh();
	map("of nothing", source);
	pmem2_source_delete(&source);
}

void rules(const char *folder)
{
	struct pmem2_source *source;
	char path[64];
	int fd = file_of(folder, 5 * PAGE + 100), reading;

	part("rules");
	source = source_of(fd);
	ranges(source);
	granularities(source);
	protections("of a file", source, 0);
	pmem2_source_delete(&source);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reading = open(path, O_RDONLY);
	source = source_of(reading);
	protections("of a file to read", source, 0);
	protections("the same, private", source, 1);
	pmem2_source_delete(&source);
	close(reading);
	close(fd);
	other(folder);
	anonymous();
	pmem2_config_delete(&config);
}
