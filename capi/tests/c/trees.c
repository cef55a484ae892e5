/* Device trees, where the library reads them. */
#include "check.h"
#include "files.h"

#ifdef KPMEM_DEVICE_TREE

void test_trees(void)
{
	size_t len, found = 0;
	const void *tree = file_of("virt-riscv64-64.dtb", &len);
	struct kpmem_cache_blocks blocks = { 0, 0 };
	struct kpmem_region region;
	struct kpmem_platform platform;
	struct kpmem_range range;

	RETURNS(0, kpmem_device_tree_len(tree, &found));
	CHECK("a tree tells its length", found > 40 && found <= len);
	RETURNS(KPMEM_E_SIGNATURE, kpmem_device_tree_len("no tree", &found));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_device_tree_len(NULL, &found));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_device_tree_len(tree, NULL));
	RETURNS(0, kpmem_device_tree_cache_blocks(tree, len, &blocks));
	CHECK("the tree says how long blocks are", blocks.clean == 64);
	RETURNS(KPMEM_E_TREE, kpmem_device_tree_cache_blocks(tree, 100, &blocks));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_device_tree_cache_blocks(NULL, 100, &blocks));
	RETURNS(KPMEM_E_ARGUMENT, kpmem_device_tree_cache_blocks(tree, len, NULL));
	RETURNS(0, kpmem_device_tree_memory(tree, len, 0, &region));
	CHECK("the tree says where memory is",
	      region.base == 0x80000000 && region.len == 256 << 20);
	RETURNS(KPMEM_E_NO_MORE, kpmem_device_tree_memory(tree, len, 1, &region));
	RETURNS(KPMEM_E_HANDLE, kpmem_platform_add_device_tree(NULL, tree, len));
	RETURNS(0, kpmem_platform_init(&platform));
	RETURNS(KPMEM_E_TREE, kpmem_platform_add_device_tree(&platform, tree, 100));
	RETURNS(0, kpmem_platform_add_device_tree(&platform, tree, len));
	RETURNS(KPMEM_E_NO_MORE, kpmem_platform_range(&platform, 0, &range));
	RETURNS(0, kpmem_platform_fini(&platform));
}

#else

void test_trees(void)
{
}

#endif
