/*
 * panel_cert - the box's own certificate for the operator page.
 *
 * Layer     gateway/edge; panel_cert.c is the only file that includes GnuTLS
 * Threads   the loop's, at the start
 * On disk   page.crt (0644) and page.key (0600) in the store's folder of keys
 *
 * Made once, signed by itself: no authority vouches for a box in a warehouse.
 * A browser asks once, and whoever stands there compares the fingerprint with
 * what the box shows. Its dates say nothing, because the box's clock may be
 * wrong on the day it is made: it is good from 2024 to 2049, and is ended by
 * taking both files away.
 */
#ifndef DEPOT_GATEWAY_EDGE_PANEL_CERT_H
#define DEPOT_GATEWAY_EDGE_PANEL_CERT_H

#include "rules/base/err.h"
#include "rules/base/text.h"

#define PANEL_CERT_NAME "page.crt"
#define PANEL_KEY_NAME "page.key"
#define PANEL_PEM_SIZE 4096
#define PANEL_FINGERPRINT_SIZE 96 /* SHA-256 as AB:CD:..., terminated */

struct panel_cert {
	char cert[PANEL_PEM_SIZE]; /* PEM, terminated */
	char key[PANEL_PEM_SIZE];  /* likewise; wiped by panel_cert_wipe */
	char fingerprint[PANEL_FINGERPRINT_SIZE];
};

/*
 * Reads both from @folder, or makes them for @site where neither is there.
 *
 * ERR_UNSAFE   others may read the key
 * ERR_CORRUPT  one is missing, or no PEM
 * ERR_IO       the system refused
 */
MUST_CHECK enum err_code panel_cert_take(const char *folder, struct span site,
					 struct panel_cert *ret_cert,
					 struct err *err);
void panel_cert_wipe(struct panel_cert *cert);

#endif
