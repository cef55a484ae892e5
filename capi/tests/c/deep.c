/* Deep flush, and its domains. */
#include "check.h"

struct domain {
	int flushes, drains, result;
};

static int flush(void *context, const void *ptr, size_t len)
{
	(void)ptr;
	(void)len;
	((struct domain *)context)->flushes++;
	return 0;
}

static int drain(void *context)
{
	struct domain *domain = (struct domain *)context;

	domain->drains++;
	return domain->result;
}

static void hints(const struct kpmem_map *map)
{
	uint64_t first = 0, second = 0;
	uint64_t *list[2];
	struct kpmem_hints hints = { list, 2 };
	struct kpmem_hook domain;

	list[0] = &first;
	list[1] = &second;
	RETURNS(0, kpmem_domain_of_hints(&domain, &hints));
	RETURNS(0, kpmem_map_deep_flush(map, &domain, memory, 100));
	CHECK("each hint is stored to", first != 0 && second != 0);
	RETURNS(KPMEM_E_ARGUMENT, kpmem_domain_of_hints(NULL, &hints));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_domain_of_hints(&domain, NULL));
	list[1] = NULL;
	RETURNS(KPMEM_E_ARGUMENT, kpmem_domain_of_hints(&domain, &hints));
	hints.addresses = NULL;
	RETURNS(KPMEM_E_ARGUMENT, kpmem_domain_of_hints(&domain, &hints));
	hints.count = 0;
	RETURNS(KPMEM_E_NO_DEEP_DOMAIN, kpmem_domain_of_hints(&domain, &hints));
}

void test_deep(void)
{
	struct kpmem_map map;
	struct domain context = { 0, 0, 0 };
	struct kpmem_hook domain = { flush, drain, NULL }, none = { NULL, NULL, NULL };
	const struct kpmem_table *table = NULL;

	domain.context = &context;
	RETURNS(0, kpmem_map_init(&map, memory, 4096, KPMEM_GRANULARITY_CACHE_LINE));
	RETURNS(0, kpmem_map_deep_flush(&map, &domain, memory, 100));
	CHECK("a deep flush asks the domain in two parts",
	      context.flushes == 1 && context.drains == 1);
	RETURNS(0, kpmem_map_deep_flush_start(&map, &domain, memory, 8));
	RETURNS(0, kpmem_map_deep_flush_start(&map, &domain, memory + 64, 8));
	CHECK("starts share a drain", context.flushes == 3 && context.drains == 1);
	RETURNS(0, kpmem_map_deep_drain(&map, &domain));
	context.result = -5;
	RETURNS(-5, kpmem_map_deep_flush(&map, &domain, memory, 8));
	RETURNS(-5, kpmem_map_deep_drain(&map, &domain));
	RETURNS(KPMEM_E_OUTSIDE_MAP, kpmem_map_deep_flush(&map, &domain, memory, 4097));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_deep_flush(&map, NULL, memory, 8));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_map_deep_flush(&map, &none, memory, 8));
	hints(&map);

	RETURNS(0, kpmem_selected(&table));
	RETURNS(KPMEM_E_NO_DEEP_DOMAIN, kpmem_domain_of_table(&domain, table));
	RETURNS(KPMEM_E_NO_DEEP_DOMAIN, kpmem_domain_of_table(&domain, kpmem_selected_byte()));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_domain_of_table(&domain, NULL));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_domain_of_table(NULL, NULL));
	RETURNS(0, kpmem_map_fini(&map));

	RETURNS(0, kpmem_map_init(&map, memory, 4096, KPMEM_GRANULARITY_BYTE));
	RETURNS(KPMEM_E_NO_DEEP_DOMAIN, kpmem_map_deep_flush(&map, &domain, memory, 8));
	RETURNS(0, kpmem_map_fini(&map));
}
