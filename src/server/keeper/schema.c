/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Few indexes: each random key costs a page a row at 3 million devices. Serial
 * numbers and addresses ascend within an order, so theirs are cheap.
 */
#include "server/keeper/schema.h"

static const char first[] =
    "CREATE TABLE leaf ("
    "  idx INTEGER PRIMARY KEY,"
    "  entry BLOB NOT NULL"
    ") STRICT;"

    "CREATE TABLE checkpoint ("
    "  size INTEGER PRIMARY KEY,"
    "  root BLOB NOT NULL CHECK (length(root) = 32)"
    ") STRICT;"

    "CREATE TABLE object ("
    "  id INTEGER PRIMARY KEY,"
    "  digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),"
    "  kind INTEGER NOT NULL,"
    "  name TEXT,"
    "  idx INTEGER NOT NULL REFERENCES leaf(idx),"
    "  UNIQUE (kind, name)"
    ") STRICT;"

    "CREATE TABLE credential ("
    "  name TEXT PRIMARY KEY,"
    "  role INTEGER NOT NULL,"
    "  key BLOB NOT NULL UNIQUE CHECK (length(key) = 65),"
    "  not_after_s INTEGER NOT NULL,"
    "  revoked INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE book ("
    "  id INTEGER PRIMARY KEY REFERENCES object(id),"
    "  reserved INTEGER NOT NULL,"
    "  used INTEGER NOT NULL,"
    "  returned INTEGER NOT NULL,"
    "  confirmed INTEGER NOT NULL,"
    "  scrapped INTEGER NOT NULL,"
    "  next INTEGER NOT NULL,"
    "  closed INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE hole ("
    "  book INTEGER NOT NULL REFERENCES book(id),"
    "  number INTEGER NOT NULL,"
    "  PRIMARY KEY (book, number)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE enrolled ("
    "  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),"
    "  product TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE device ("
    "  id INTEGER PRIMARY KEY,"
    "  device_id BLOB NOT NULL UNIQUE CHECK (length(device_id) = 32),"
    "  book INTEGER NOT NULL REFERENCES book(id),"
    "  number INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  held_from INTEGER NOT NULL,"
    "  station TEXT NOT NULL,"
    "  serial TEXT UNIQUE," /* none once the number was given back */
    "  mac BLOB UNIQUE CHECK (length(mac) = 6),"
    "  identity BLOB NOT NULL CHECK (length(identity) = 65),"
    "  kem BLOB NOT NULL CHECK (length(kem) = 65),"
    "  evidence BLOB NOT NULL CHECK (length(evidence) = 32),"
    "  counter INTEGER NOT NULL,"
    "  lock INTEGER NOT NULL,"
    "  cert_serial BLOB CHECK (length(cert_serial) = 20),"
    "  stamp BLOB CHECK (length(stamp) = 32)," /* digest */
    "  issued_s INTEGER NOT NULL,"
    "  issue_idx INTEGER NOT NULL,"
    "  confirmed_s INTEGER NOT NULL,"
    "  confirm_idx INTEGER NOT NULL,"
    "  void_idx INTEGER NOT NULL,"
    "  due_s INTEGER,"
    "  quarantine INTEGER NOT NULL"
    ") STRICT;"
    "CREATE INDEX device_due ON device (due_s) WHERE due_s IS NOT NULL;"
    "CREATE INDEX device_quarantine ON device (quarantine)"
    "  WHERE quarantine > 0;"

    "CREATE TABLE stamp ("
    "  device INTEGER PRIMARY KEY REFERENCES device(id),"
    "  stamp BLOB NOT NULL"
    ") STRICT;"

    "CREATE TABLE seen ("
    "  kind INTEGER NOT NULL,"
    "  digest BLOB NOT NULL CHECK (length(digest) = 32),"
    "  device INTEGER NOT NULL REFERENCES device(id),"
    "  PRIMARY KEY (kind, digest)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE voided ("
    "  digest BLOB PRIMARY KEY CHECK (length(digest) = 32),"
    "  idx INTEGER NOT NULL REFERENCES leaf(idx)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE alarm ("
    "  device INTEGER NOT NULL REFERENCES device(id),"
    "  evidence BLOB NOT NULL CHECK (length(evidence) = 32),"
    "  idx INTEGER NOT NULL REFERENCES leaf(idx),"
    "  PRIMARY KEY (device, evidence)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE revoked ("
    "  cert_serial BLOB PRIMARY KEY CHECK (length(cert_serial) = 20),"
    "  revoked_s INTEGER NOT NULL,"
    "  reason INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE crl ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1)," /* the newest only */
    "  number INTEGER NOT NULL,"
    "  entries INTEGER NOT NULL,"
    "  next_s INTEGER NOT NULL,"
    "  der BLOB NOT NULL"
    ") STRICT;";

/* From leaf `idx` on the log has the name `origin`; it is written by the keeper
 * when it first serves as that log (decision 0006). */
static const char second[] = "CREATE TABLE succession ("
			     "  idx INTEGER PRIMARY KEY,"
			     "  origin TEXT NOT NULL,"
			     "  seen INTEGER NOT NULL"
			     ") STRICT;";

/* The one order of a credential with the role of device. */
static const char third[] = "ALTER TABLE credential ADD COLUMN bound TEXT"
			    " NOT NULL DEFAULT '';";

const char *const keeper_migrations[] = { first, second, third };
const unsigned keeper_migrations_count =
    sizeof(keeper_migrations) / sizeof(keeper_migrations[0]);
