/* Sources that are files; what is stored to their maps, and copies that survive bad blocks. */
#include "twin.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int file_of(const char *folder, size_t size)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/twinXXXXXX", folder);
	fd = mkstemp(path);
	if (fd < 0 || unlink(path) || ftruncate(fd, (off_t)size)) {
		perror(path);
		exit(1);
	}
	return fd;
}

struct pmem2_source *source_of(int fd)
{
	struct pmem2_source *source;

	if (pmem2_source_from_fd(&source, fd)) {
		fprintf(stderr, "no source: %s\n", pmem2_errormsg());
		exit(1);
	}
	return source;
}

static void from(const char *what, int fd)
{
	struct pmem2_source *source = NULL;
	size_t size = 0, alignment = 0;
	int back = -1;
	int code = pmem2_source_from_fd(&source, fd);

	say(what, "%d", code);
	if (code)
		return;
	say("size", "%d %zu", pmem2_source_size(source, &size), size);
	say("alignment", "%d %zu", pmem2_source_alignment(source, &alignment), alignment);
	say("file", "%d %d", pmem2_source_get_fd(source, &back), back == fd);
	say("deleted", "%d %d", pmem2_source_delete(&source), source == NULL);
}

static void sources(const char *folder)
{
	struct pmem2_source *anonymous;
	int both[2], fd = file_of(folder, 12345);
	char path[64];
	size_t size = 0, alignment = 0;

	part("sources");
	from("a file", fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	both[0] = open(path, O_RDONLY);
	from("to read", both[0]);
	close(both[0]);
	both[0] = open(path, O_WRONLY);
	from("to write", both[0]);
	close(both[0]);
	close(fd);
	from("closed", fd);
	from("of -1", -1);
	from("of INT_MIN", INT32_MIN);
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	from("a folder", fd);
	close(fd);
	fd = open("/dev/zero", O_RDWR);
	from("/dev/zero", fd);
	close(fd);
	if (pipe(both))
		exit(1);
	from("a pipe", both[0]);
	close(both[0]);
	close(both[1]);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	from("a socket", fd);
	close(fd);
	fd = file_of(folder, 0);
	from("an empty file", fd);
	close(fd);

	say("memory", "%d", pmem2_source_from_anon(&anonymous, 12345));
	say("its size", "%d %zu", pmem2_source_size(anonymous, &size), size);
	say("its alignment", "%d %zu", pmem2_source_alignment(anonymous, &alignment), alignment);
	say("its file", "%d", pmem2_source_get_fd(anonymous, &fd));
	pmem2_source_delete(&anonymous);
}

static void content(const char *folder)
{
	int fd = file_of(folder, 4 * PAGE);
	struct pmem2_source *source = source_of(fd);
	struct pmem2_config *config = NULL;
	struct pmem2_map *map = NULL;
	char read_back[32];
	char *base;

	part("content");
	say("config", "%d", pmem2_config_new(&config));
	pmem2_config_set_required_store_granularity(config, PMEM2_GRANULARITY_PAGE);
	pmem2_config_set_offset(config, PAGE);
	say("map", "%d", pmem2_map_new(&map, config, source));
	say("size", "%zu", pmem2_map_get_size(map));
	base = (char *)pmem2_map_get_address(map);
	memcpy(base + 100, "stored, then persisted", 23);
	pmem2_get_persist_fn(map)(base + 100, 23);
	say("read", "%zd %s", pread(fd, read_back, 23, PAGE + 100), read_back);
	pmem2_get_memcpy_fn(map)(base + 3 * PAGE - 10, "to the end", 10, 0);
	pmem2_get_memset_fn(map)(base + 3 * PAGE - 10, 'T', 1, PMEM2_F_MEM_NODRAIN);
	pmem2_get_drain_fn(map)();
	memset(read_back, 0, sizeof(read_back));
	say("read", "%zd %s", pread(fd, read_back, 20, 4 * PAGE - 10), read_back);
	pmem2_get_flush_fn(map)(base, 3 * PAGE);
	pmem2_get_persist_fn(map)(base + 1, 0);
	say("deep flush", "%d", pmem2_deep_flush(map, base, 3 * PAGE));
	say("of a byte", "%d", pmem2_deep_flush(map, base + 3 * PAGE - 1, 1));
	say("before it", "%d", pmem2_deep_flush(map, base - 1, 2));
	say("over its end", "%d", pmem2_deep_flush(map, base + 3 * PAGE - 1, 2));
	say("deleted", "%d %d", pmem2_map_delete(&map), map == NULL);

	say("private", "%d", pmem2_config_set_sharing(config, PMEM2_PRIVATE));
	say("map", "%d", pmem2_map_new(&map, config, source));
	base = (char *)pmem2_map_get_address(map);
	say("granularity", "%d", (int)pmem2_map_get_store_granularity(map));
	pmem2_get_memcpy_fn(map)(base + 100, "PRIVATE", 7, 0);
	memset(read_back, 0, sizeof(read_back));
	say("read", "%zd %s", pread(fd, read_back, 22, PAGE + 100), read_back);
	say("deleted", "%d %d", pmem2_map_delete(&map), map == NULL);
	say("config deleted", "%d %d", pmem2_config_delete(&config), config == NULL);
	say("and again", "%d", pmem2_config_delete(&config));
	pmem2_source_delete(&source);
	close(fd);
}

static void careful(const char *folder)
{
	int fd = file_of(folder, 2 * PAGE + 10);
	struct pmem2_source *source = source_of(fd), *anonymous;
	char text[] = "with care", back[sizeof(text)] = "";

	part("careful");
	say("write", "%d", pmem2_source_pwrite_mcsafe(source, text, sizeof(text), 2 * PAGE));
	say("read", "%d %s", pmem2_source_pread_mcsafe(source, back, sizeof(back), 2 * PAGE), back);
	say("over the end", "%d", pmem2_source_pread_mcsafe(source, back, 2, 2 * PAGE + 9));
	say("behind it", "%d", pmem2_source_pwrite_mcsafe(source, text, 1, 2 * PAGE + 10));
	say("of nothing", "%d", pmem2_source_pread_mcsafe(source, back, 0, 5));
	pmem2_source_from_anon(&anonymous, PAGE);
	say("memory", "%d", pmem2_source_pread_mcsafe(anonymous, back, 1, 0));
	say("memory", "%d", pmem2_source_pwrite_mcsafe(anonymous, text, 1, 0));
	pmem2_source_delete(&anonymous);
	pmem2_source_delete(&source);
	close(fd);
}

static void *elsewhere(void *bytes)
{
	struct pmem2_source *source;

	*(size_t *)bytes = strlen(pmem2_errormsg());
	(void)pmem2_source_from_fd(&source, -1);
	return NULL;
}

/* The sentence is the thread's; pmem2_perror prints it. */
static void sentences(void)
{
	struct pmem2_source *source;
	char before[512], printed[1024];
	size_t bytes = 1;
	int both[2], kept = dup(2);
	ssize_t got;
	pthread_t thread;

	part("sentences");
	(void)pmem2_config_set_sharing(NULL, (enum pmem2_sharing_type)5);
	snprintf(before, sizeof(before), "%s", pmem2_errormsg());
	if (pthread_create(&thread, NULL, elsewhere, &bytes) || pthread_join(thread, NULL))
		exit(1);
	say("of another thread", "%zu bytes", bytes);
	say("of this one", "%d", !strcmp(before, pmem2_errormsg()));
	say("it stays after a success", "%d %d", pmem2_source_from_anon(&source, 1),
		!strcmp(before, pmem2_errormsg()));
	pmem2_source_delete(&source);
	if (pipe(both) || dup2(both[1], 2) < 0)
		exit(1);
	pmem2_perror("twin %d", 7);
	fflush(stderr);
	got = read(both[0], printed, sizeof(printed) - 1);
	dup2(kept, 2);
	printed[got > 0 ? got : 0] = 0;
	say("printed", "%d %d %d", !strncmp(printed, "twin 7: ", 8),
		!strncmp(printed + 8, before, strlen(before)), printed[strlen(printed) - 1] == '\n');
	close(both[0]);
	close(both[1]);
	close(kept);
}

void files(const char *folder)
{
	sources(folder);
	content(folder);
	careful(folder);
	sentences();
}
