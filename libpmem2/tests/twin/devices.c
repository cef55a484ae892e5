/* What is behind a source that is on no persistent memory. */
#include "twin.h"

#include <unistd.h>

static void of(const char *what, struct pmem2_source *source)
{
	struct pmem2_badblock_context *context = NULL;
	struct pmem2_badblock block = {0, 0};
	uint64_t count = 77;
	size_t length = 0;
	int node = 77, code;
	char id[256];

	say("source", "%s", what);
	code = pmem2_source_device_id(source, NULL, &length);
	say("length of its name", "%d %zu", code, length);
	length = sizeof(id);
	say("its name", "%d", pmem2_source_device_id(source, id, &length));
	say("unsafe shutdowns", "%d", pmem2_source_device_usc(source, &count));
	code = pmem2_source_numa_node(source, &node);
	say("node", "%d %d", code, node);
	code = pmem2_badblock_context_new(&context, source);
	say("bad blocks", "%d", code);
	if (code)
		return;
	say("the first", "%d", pmem2_badblock_next(context, &block));
	say("and again", "%d", pmem2_badblock_next(context, &block));
	block.offset = (size_t)1 << 63;
	block.length = PAGE;
	say("clear a far one", "%d", pmem2_badblock_clear(context, &block));
	block.offset = 0;
	block.length = (size_t)1 << 63;
	say("clear a long one", "%d", pmem2_badblock_clear(context, &block));
	pmem2_badblock_context_delete(&context);
	say("deleted", "%d", context == NULL);
	pmem2_badblock_context_delete(&context);
}

void devices(const char *folder)
{
	int fd = file_of(folder, 4 * PAGE);
	struct pmem2_source *source = source_of(fd), *anonymous;

	part("devices");
	of("a file", source);
	pmem2_source_from_anon(&anonymous, PAGE);
	of("memory", anonymous);
	pmem2_source_delete(&anonymous);
	pmem2_source_delete(&source);
	close(fd);
}
