/* Files of the directory of tables. */
#ifndef FILES_H
#define FILES_H

#include <stddef.h>

/* The bytes of a file, for good. Ends the program if there is none. */
const void *file_of(const char *name, size_t *len);

#endif
