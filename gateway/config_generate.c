/*
 * Prints what the build makes out of the table of directives: the example
 * file, or the part DIRECTIVES of depot.conf(5). Not installed.
 */
#include <stdio.h>
#include <string.h>

#include "gateway/config.h"

int main(int count, char **words)
{
	if (count == 2 && strcmp(words[1], "example") == 0)
		config_example(stdout);
	else if (count == 2 && strcmp(words[1], "man") == 0)
		config_man(stdout);
	else
		return 2;
	return fflush(stdout) == 0 ? 0 : 1;
}
