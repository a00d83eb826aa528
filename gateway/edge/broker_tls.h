/*
 * broker_tls - the managed broker's certificate and key, where it sees them.
 *
 * Layer     gateway/edge, inside the broker only
 * Threads   the loop
 * On disk   broker.crt and broker.key in the runtime folder, both 0600
 *
 * The operator's files are copied: the broker's unit has no view of /etc/depot
 * nor of where certificates are renewed. With PEM's frame looked at, and no
 * more: OpenSSL is mosquitto's.
 */
#ifndef DEPOT_GATEWAY_EDGE_BROKER_TLS_H
#define DEPOT_GATEWAY_EDGE_BROKER_TLS_H

#include "gateway/edge/broker.h"

/*
 * Copies both into @folder (a descriptor), or takes the copies away where
 * there is no TLS. On failure the old copies may stand; the sentence names the
 * file.
 *
 * ERR_UNSAFE   others may read the key
 * ERR_INVALID  it is no PEM, or longer than 64 KiB, or the key has a password
 * ERR_IO       it cannot be read, or the copy not be written
 */
MUST_CHECK enum err_code broker_tls_copy(const struct broker_config *config,
					 int folder, struct err *err);

#endif
