/*
 * page_cert - the box's own certificate for the operator page.
 *
 * Layer     gateway/edge; page_cert.c is the only file that includes GnuTLS
 * Threads   the loop's, at the start
 * On disk   page.crt (0644) and page.key (0600) in the store's folder of keys
 *
 * Made once, signed by itself: no authority vouches for a box in a warehouse.
 * A browser asks once, and whoever stands there compares the fingerprint with
 * what the box shows. Its dates say nothing, because the box's clock may be
 * wrong on the day it is made: it is good from 2024 to 2049, and is ended by
 * taking both files away.
 */
#ifndef DEPOT_GATEWAY_EDGE_PAGE_CERT_H
#define DEPOT_GATEWAY_EDGE_PAGE_CERT_H

#include "rules/base/err.h"
#include "rules/base/text.h"

#define PAGE_CERT_NAME "page.crt"
#define PAGE_KEY_NAME "page.key"
#define PAGE_PEM_SIZE 4096
#define PAGE_FINGERPRINT_SIZE 96 /* SHA-256 as AB:CD:..., terminated */

struct page_cert {
	char cert[PAGE_PEM_SIZE]; /* PEM, terminated */
	char key[PAGE_PEM_SIZE];  /* likewise; wiped by page_cert_wipe */
	char fingerprint[PAGE_FINGERPRINT_SIZE];
};

/*
 * Reads both from @folder, or makes them for @site where neither is there.
 *
 * ERR_UNSAFE   others may read the key
 * ERR_CORRUPT  one is missing, or no PEM
 * ERR_IO       the system refused
 */
MUST_CHECK enum err_code page_cert_take(const char *folder, struct span site,
					struct page_cert *ret_cert,
					struct err *err);
void page_cert_wipe(struct page_cert *cert);

#endif
