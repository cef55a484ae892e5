/* What PMDK's libpmem2 does wrong: the numbers are those of the list in kpmem's contract. */
#include "twin.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define STEPS 1
static volatile uint64_t *word;
static uint64_t before, after;
static volatile unsigned long torn, stepped;

/* After each instruction: the word is what it was, or what it becomes. */
static void step(int number, siginfo_t *info, void *context)
{
	uint64_t seen = *word;

	(void)number;
	(void)info;
	(void)context;
	stepped++;
	if (seen != before && seen != after)
		torn++;
}

static void start(void)
{
	__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}

static void stop(void)
{
	__asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}

/* How often a word was seen in part while 8 bytes were copied to it. */
static void step_through(struct pmem2_map *map, char *to, size_t len, size_t at)
{
	static uint64_t from[64];
	struct sigaction action;
	pmem2_memcpy_fn copy = pmem2_get_memcpy_fn(map);

	memset(from, 0xff, sizeof(from));
	memset(to, 0, 2 * PAGE);
	word = (volatile uint64_t *)(to + at);
	before = 0;
	after = UINT64_MAX;
	torn = stepped = 0;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = step;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGTRAP, &action, NULL);
	start();
	copy(to, from, len, 0);
	stop();
	action.sa_handler = SIG_DFL;
	action.sa_flags = 0;
	sigaction(SIGTRAP, &action, NULL);
	if (!stepped || *word != after)
		exit(3);
}

static void torn_words(void)
{
	char *base = memory(2);
	struct pmem2_map *map = map_of(base, 2 * PAGE, PMEM2_GRANULARITY_CACHE_LINE);

	step_through(map, base, 8, 0);
	defect(1, "a word that is copied is seen in part", "%s", torn ? "yes" : "no");
	step_through(map, base, 72, 64);
	defect(1, "the last word of 72 bytes is seen in part", "%s", torn ? "yes" : "no");
	unmap(map);
}
#endif

static int page_persist(void)
{
	char *base = memory(2);
	struct pmem2_map *map = map_of(base, 2 * PAGE, PMEM2_GRANULARITY_PAGE);

	pmem2_get_persist_fn(map)(base, 1);
	return 0;
}

/* No bytes, where nothing is mapped. */
static int persist_nothing(void)
{
	char *base = memory(1);
	struct pmem2_map *map = map_of(base, PAGE, PMEM2_GRANULARITY_CACHE_LINE);

	pmem2_get_persist_fn(map)(base + PAGE + 1, 0);
	return 0;
}

static void ranges(void)
{
	char *base = memory(2);
	struct pmem2_map *map = map_of(base, 2 * PAGE, PMEM2_GRANULARITY_CACHE_LINE);

	defect(5, "deep flush of -32 bytes", "%d", pmem2_deep_flush(map, base, (size_t)-32));
	unmap(map);
}

#ifndef NO_OS
/* A private map of a file: nothing that is stored there ever goes to it. */
static void deep_private(const char *folder)
{
	int fd = file_of(folder, 2 * PAGE);
	struct pmem2_source *source = source_of(fd);
	struct pmem2_config *config = NULL;
	struct pmem2_map *map = NULL;
	int code;

	if (pmem2_config_new(&config) || pmem2_config_set_sharing(config, PMEM2_PRIVATE) ||
	    pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_PAGE) ||
	    pmem2_map_new(&map, config, source))
		exit(4);
	code = pmem2_deep_flush(map, pmem2_map_get_address(map), 1);
	defect(5, "deep flush of a private map", "%d", code);
	code = pmem2_deep_flush(map, pmem2_map_get_address(map), (size_t)-32);
	defect(5, "deep flush of -32 bytes of a file", "%d", code);
	unmap(map);
	pmem2_config_delete(&config);
	pmem2_source_delete(&source);
	close(fd);
}
#endif

void defects(const char *folder)
{
	part("defects");
#ifdef STEPS
	torn_words();
#endif
#ifndef NO_OS
	defect(2, "persist of the first byte of a page map", "%s", in_child(page_persist));
	deep_private(folder);
#else
	(void)page_persist;
	(void)folder;
#endif
	defect(4, "persist of no bytes where nothing is mapped", "%s", in_child(persist_nothing));
	ranges();
}
