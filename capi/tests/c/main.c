/* The C API, function by function and error by error, on the host. The argument is the directory of
 * firmware tables; a second one, "wrong", adds a case that must fail. */
#include "check.h"

unsigned char *memory;
const char *tables;

static unsigned int passed, failed;

void check(const char *file, int line, const char *what, int holds, const char *condition)
{
	if (holds) {
		passed++;
		printf("test %s ... ok\n", what);
	} else {
		failed++;
		printf("test %s ... FAILED\n", what);
		printf("  %s:%d: %s\n", file, line, condition);
	}
}

void returns(const char *file, int line, const char *call, int found, int wanted, const char *name)
{
	char what[300];

	snprintf(what, sizeof(what), "%s (line %d) is %s", call, line, name);
	if (found != wanted)
		printf("  it is %d\n", found);
	check(file, line, what, found == wanted, what);
}

int main(int argc, char **argv)
{
	static unsigned char room[MEMORY_SIZE + 4096];

	if (argc < 2) {
		fprintf(stderr, "usage: %s DIRECTORY-OF-TABLES [wrong]\n", argv[0]);
		return 2;
	}
	tables = argv[1];
	memory = room + (4096 - (uintptr_t)room % 4096) % 4096;

	test_errors();
	test_tables();
	test_maps();
	test_copies();
	test_misuse();
	test_functions();
	test_pages();
	test_batches();
	test_deep();
	test_poison();
	test_platform();
	test_others();
	test_trees();
	test_virtio();
	if (argc > 2 && strcmp(argv[2], "wrong") == 0) {
		struct kpmem_map map;

		RETURNS(KPMEM_E_NULL, kpmem_map_init(&map, memory, 64, KPMEM_GRANULARITY_BYTE));
	}
	printf("%u checks in C, %u failed\n", passed + failed, failed);
	return failed > 0;
}
