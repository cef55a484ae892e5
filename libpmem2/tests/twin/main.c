/* What all parts need, and their order. */
#include "twin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *now;

void part(const char *name)
{
	now = name;
}

void say(const char *what, const char *format, ...)
{
	va_list arguments;

	printf("%s: %s: ", now, what);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

void defect(int number, const char *what, const char *format, ...)
{
	va_list arguments;

	printf("defect %d: %s: ", number, what);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

const char *in_child(int (*run)(void))
{
	static char text[32];
	const struct itimerval limit = {{0, 0}, {0, 500000}};
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child < 0) {
		perror("fork");
		exit(1);
	}
	if (!child) {
		/* What an abort has to say is no part of the output. */
		if (!freopen("/dev/null", "w", stderr) || setitimer(ITIMER_PROF, &limit, NULL))
			_exit(99);
		_exit(run());
	}
	if (waitpid(child, &status, 0) != child) {
		perror("waitpid");
		exit(1);
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
		return "hangs";
	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
	else
		snprintf(text, sizeof(text), "returned %d", WEXITSTATUS(status));
	return text;
}

char *memory(size_t pages)
{
	void *base = mmap(NULL, (pages + 1) * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED || mprotect((char *)base + pages * PAGE, PAGE, PROT_NONE)) {
		perror("mmap");
		exit(1);
	}
	return (char *)base;
}

struct pmem2_map *map_of(void *address, size_t len, enum pmem2_granularity granularity)
{
	struct pmem2_source *source;
	struct pmem2_map *map;

	if (pmem2_source_from_anon(&source, len) ||
	    pmem2_map_from_existing(&map, source, address, len, granularity)) {
		fprintf(stderr, "no map: %s\n", pmem2_errormsg());
		exit(1);
	}
	pmem2_source_delete(&source);
	return map;
}

void unmap(struct pmem2_map *map)
{
	if (pmem2_map_delete(&map)) {
		fprintf(stderr, "a map stays: %s\n", pmem2_errormsg());
		exit(1);
	}
}

int main(int count, char **arguments)
{
	const char *folder = count > 1 ? arguments[1] : ".";

	errors();
	existing();
	copies();
#ifndef NO_OS
	files(folder);
	rules(folder);
	reservations(folder);
	devices(folder);
#endif
	defects(folder);
	puts("end");
	return 0;
}
