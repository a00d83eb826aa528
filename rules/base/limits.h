/*
 * limits - every bound of the system that is not configured, in one place.
 *
 * Layer     rules/base
 * Threads   any: constants
 *
 * A bound here is part of a contract with devices, peers or the disk. What an
 * operator may choose is in the configuration instead.
 */
#ifndef DEPOT_RULES_BASE_LIMITS_H
#define DEPOT_RULES_BASE_LIMITS_H

/* Names, in bytes of UTF-8, without a terminating NUL. */
#define SKU_SIZE_MAX 64
#define NAME_SIZE_MAX 32 /* org, site, device, account: [a-z0-9-] */
#define PLACE_NAME_SIZE_MAX 40
#define LOT_SIZE_MAX 20    /* GS1 (10) */
#define SERIAL_SIZE_MAX 30 /* GS1 (21) has 20, (250) 30 */
#define SSCC_SIZE 18
#define CODE_SIZE_MAX 90 /* a scanned text that may stand for an item */
#define BOOT_SIZE_MAX 32
#define REF_SIZE_MAX 64
#define REASON_SIZE_MAX 48
#define ITEM_NAME_SIZE_MAX 128
#define CHECK_UNIT_SIZE_MAX 16
#define INTENT_ARGUMENTS_SIZE_MAX 240
#define INTENT_TEXT_SIZE_MAX 128

/* One MQTT payload that depot takes (a longer one is cut and parked), and
 * one that it publishes (TOPICS: WebSocket packets above 4,096 crawl). */
#define PAYLOAD_IN_SIZE_MAX 3840
#define TOPIC_IN_SIZE_MAX 160
#define PAYLOAD_OUT_SIZE_MAX 3500

/* Where an MQTT 5 client wants its answer, and what it wants to find there. */
#define RESPONSE_SIZE_MAX 224
#define CORRELATION_SIZE_MAX 128

/* Strict JSON. */
#define JSON_DEPTH_MAX 8

/* Codes in one reading. */
#define READING_CODES_MAX 32

/* Names remembered per device and boot, and boots per device. */
#define SEEN_WINDOW 1024
#define SEEN_BOOTS_MAX 8

/* The longest encoded journal entry. */
#define ENTRY_SIZE_MAX 4096

#endif
