-- What is watched, by natural keys: a cache by its configured name, a shard by its ordinal, a node by its address.
CREATE TABLE cache (
  cache_id text PRIMARY KEY,
  kind text NOT NULL,
  interval_ms integer NOT NULL,
  seeds text[] NOT NULL,
  first_seen_at timestamptz(3) NOT NULL,
  topology_at timestamptz(3),
  removed_at timestamptz(3)
);

CREATE TABLE shard (
  shard_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cache_id text NOT NULL REFERENCES cache ON DELETE CASCADE,
  ordinal integer NOT NULL,
  slots jsonb,
  removed_at timestamptz(3),
  UNIQUE (cache_id, ordinal)
);

-- A node's row is rewritten by every tick; the free space keeps those updates on its page and out of the indexes.
CREATE TABLE node (
  node_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cache_id text NOT NULL REFERENCES cache ON DELETE CASCADE,
  shard_id integer REFERENCES shard ON DELETE SET NULL,
  address text NOT NULL,
  role text NOT NULL,
  cluster_node_id text,
  state text NOT NULL DEFAULT 'pending',
  state_message text,
  state_since timestamptz(3) NOT NULL,
  engine text,
  version text,
  uptime_seconds bigint,
  max_memory_policy text,
  max_clients integer,
  hot_keys_refusal text,
  checked_at timestamptz(3),
  sampled_at timestamptz(3),
  first_seen_at timestamptz(3) NOT NULL,
  removed_at timestamptz(3),
  UNIQUE (cache_id, address)
) WITH (fillfactor = 50);
CREATE INDEX node_shard_id_idx ON node (shard_id);

-- last_event_id: the newest event of any cache when its holder took it over.
CREATE TABLE lease (
  cache_id text PRIMARY KEY REFERENCES cache ON DELETE CASCADE,
  collector_id text NOT NULL,
  expires_at timestamptz(3) NOT NULL,
  last_event_id bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE collector (
  collector_id text PRIMARY KEY,
  host text NOT NULL,
  pid integer NOT NULL,
  version text NOT NULL,
  started_at timestamptz(3) NOT NULL,
  heartbeat_at timestamptz(3) NOT NULL,
  nodes integer NOT NULL,
  buffered_ticks integer NOT NULL,
  dropped_ticks integer NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE event (
  event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz(3) NOT NULL,
  cache_id text NOT NULL REFERENCES cache ON DELETE CASCADE,
  shard_id integer REFERENCES shard ON DELETE SET NULL,
  node_id integer REFERENCES node ON DELETE SET NULL,
  kind text NOT NULL,
  message text NOT NULL
);
CREATE INDEX event_cache_id_at_idx ON event (cache_id, at DESC, event_id DESC);
CREATE INDEX event_at_idx ON event (at DESC, event_id DESC);
CREATE INDEX event_cluster_state_idx ON event (cache_id, at DESC, event_id DESC)
  WHERE kind IN ('cluster-down', 'cluster-ok');
CREATE UNIQUE INDEX event_once_idx
  ON event (cache_id, at, kind, (coalesce(node_id, 0)), (coalesce(shard_id, 0)), md5(message));

CREATE TABLE node_info (
  node_id integer PRIMARY KEY REFERENCES node ON DELETE CASCADE,
  at timestamptz(3) NOT NULL,
  info text NOT NULL
);

-- The dictionary of keys: any bytes, up to many kilobytes, so the digest and not the key is indexed.
CREATE TABLE key (
  key_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cache_id text NOT NULL REFERENCES cache ON DELETE CASCADE,
  db integer NOT NULL,
  digest bytea NOT NULL,
  bytes bytea NOT NULL,
  first_seen_at timestamptz(3) NOT NULL,
  last_seen_at timestamptz(3) NOT NULL,
  UNIQUE (cache_id, db, digest)
) WITH (fillfactor = 80);

-- Samples. One partition a day (see ensure_partitions), eight-byte columns first so that no byte is lost to padding.
CREATE TABLE node_sample (
  at timestamptz(3) NOT NULL,
  used_memory_bytes bigint,
  max_memory_bytes bigint,
  rss_bytes bigint,
  connected_clients bigint,
  blocked_clients bigint,
  lag_bytes bigint,
  keys bigint,
  expires bigint,
  node_id integer NOT NULL,
  ops_per_sec real,
  hits_per_sec real,
  misses_per_sec real,
  expired_per_sec real,
  evicted_per_sec real,
  net_in_bytes_per_sec real,
  net_out_bytes_per_sec real,
  connections_per_sec real,
  rejected_per_sec real,
  errors_per_sec real,
  command_us_per_sec real,
  cpu_share real,
  ping_ms real,
  lag_seconds real,
  own_commands_per_sec real,
  own_bytes_per_sec real,
  own_cpu_share real,
  PRIMARY KEY (node_id, at)
) PARTITION BY RANGE (at);

CREATE TABLE node_sample_1m (
  at timestamptz(3) NOT NULL,
  used_memory_bytes bigint,
  max_memory_bytes bigint,
  rss_bytes bigint,
  lag_bytes bigint,
  lag_bytes_peak bigint,
  node_id integer NOT NULL,
  samples integer NOT NULL,
  ops_per_sec real,
  hits_per_sec real,
  misses_per_sec real,
  expired_per_sec real,
  evicted_per_sec real,
  net_in_bytes_per_sec real,
  net_out_bytes_per_sec real,
  connections_per_sec real,
  rejected_per_sec real,
  errors_per_sec real,
  command_us_per_sec real,
  cpu_share real,
  connected_clients real,
  blocked_clients real,
  ping_ms real,
  lag_seconds real,
  keys real,
  expires real,
  own_commands_per_sec real,
  own_bytes_per_sec real,
  own_cpu_share real,
  ops_per_sec_peak real,
  evicted_per_sec_peak real,
  cpu_share_peak real,
  connected_clients_peak real,
  ping_ms_peak real,
  lag_seconds_peak real,
  own_cpu_share_peak real,
  PRIMARY KEY (node_id, at)
) PARTITION BY RANGE (at);

CREATE TABLE node_sample_1h (
  at timestamptz(3) NOT NULL,
  used_memory_bytes bigint,
  max_memory_bytes bigint,
  rss_bytes bigint,
  lag_bytes bigint,
  lag_bytes_peak bigint,
  node_id integer NOT NULL,
  samples integer NOT NULL,
  ops_per_sec real,
  hits_per_sec real,
  misses_per_sec real,
  expired_per_sec real,
  evicted_per_sec real,
  net_in_bytes_per_sec real,
  net_out_bytes_per_sec real,
  connections_per_sec real,
  rejected_per_sec real,
  errors_per_sec real,
  command_us_per_sec real,
  cpu_share real,
  connected_clients real,
  blocked_clients real,
  ping_ms real,
  lag_seconds real,
  keys real,
  expires real,
  own_commands_per_sec real,
  own_bytes_per_sec real,
  own_cpu_share real,
  ops_per_sec_peak real,
  evicted_per_sec_peak real,
  cpu_share_peak real,
  connected_clients_peak real,
  ping_ms_peak real,
  lag_seconds_peak real,
  own_cpu_share_peak real,
  PRIMARY KEY (node_id, at)
) PARTITION BY RANGE (at);

CREATE TABLE command_sample (
  at timestamptz(3) NOT NULL,
  node_id integer NOT NULL,
  calls_per_sec real NOT NULL,
  us_per_call real,
  failed_per_sec real,
  rejected_per_sec real,
  p50_us real,
  p99_us real,
  p999_us real,
  command text NOT NULL,
  PRIMARY KEY (node_id, at, command)
) PARTITION BY RANGE (at);

CREATE TABLE command_sample_1m (
  at timestamptz(3) NOT NULL,
  node_id integer NOT NULL,
  samples integer NOT NULL,
  calls_per_sec real NOT NULL,
  calls_per_sec_peak real NOT NULL,
  us_per_call real,
  failed_per_sec real,
  rejected_per_sec real,
  p50_us real,
  p99_us real,
  p999_us real,
  command text NOT NULL,
  PRIMARY KEY (node_id, at, command)
) PARTITION BY RANGE (at);

CREATE TABLE command_sample_1h (
  at timestamptz(3) NOT NULL,
  node_id integer NOT NULL,
  samples integer NOT NULL,
  calls_per_sec real NOT NULL,
  calls_per_sec_peak real NOT NULL,
  us_per_call real,
  failed_per_sec real,
  rejected_per_sec real,
  p50_us real,
  p99_us real,
  p999_us real,
  command text NOT NULL,
  PRIMARY KEY (node_id, at, command)
) PARTITION BY RANGE (at);

CREATE TABLE keyspace_sample (
  at timestamptz(3) NOT NULL,
  keys bigint NOT NULL,
  expires bigint NOT NULL,
  node_id integer NOT NULL,
  db integer NOT NULL,
  avg_ttl_ms real,
  PRIMARY KEY (node_id, at, db)
) PARTITION BY RANGE (at);

CREATE TABLE keyspace_sample_1m (
  at timestamptz(3) NOT NULL,
  keys bigint NOT NULL,
  expires bigint NOT NULL,
  node_id integer NOT NULL,
  db integer NOT NULL,
  samples integer NOT NULL,
  avg_ttl_ms real,
  PRIMARY KEY (node_id, at, db)
) PARTITION BY RANGE (at);

CREATE TABLE keyspace_sample_1h (
  at timestamptz(3) NOT NULL,
  keys bigint NOT NULL,
  expires bigint NOT NULL,
  node_id integer NOT NULL,
  db integer NOT NULL,
  samples integer NOT NULL,
  avg_ttl_ms real,
  PRIMARY KEY (node_id, at, db)
) PARTITION BY RANGE (at);

-- One row a hot key and report; a report's rows share their `at`, the end of its window.
CREATE TABLE hot_key_sample (
  at timestamptz(3) NOT NULL,
  window_from timestamptz(3) NOT NULL,
  key_id bigint NOT NULL,
  node_id integer NOT NULL,
  sampled_commands integer NOT NULL,
  share real NOT NULL,
  share_low real NOT NULL,
  share_high real NOT NULL,
  ops_per_sec real NOT NULL,
  ops_per_sec_low real NOT NULL,
  ops_per_sec_high real NOT NULL,
  reads_per_sec real NOT NULL,
  writes_per_sec real NOT NULL,
  top_command text NOT NULL,
  source text NOT NULL,
  PRIMARY KEY (node_id, at, key_id)
) PARTITION BY RANGE (at);
CREATE INDEX hot_key_sample_key_id_at_idx ON hot_key_sample (key_id, at);

-- Averages over all reports of the node in the bucket: a report without the key counts as 0.
CREATE TABLE hot_key_sample_1m (
  at timestamptz(3) NOT NULL,
  key_id bigint NOT NULL,
  node_id integer NOT NULL,
  reports integer NOT NULL,
  samples integer NOT NULL,
  sampled_commands integer NOT NULL,
  share real NOT NULL,
  share_low real NOT NULL,
  share_high real NOT NULL,
  share_peak real NOT NULL,
  ops_per_sec real NOT NULL,
  ops_per_sec_low real NOT NULL,
  ops_per_sec_high real NOT NULL,
  ops_per_sec_peak real NOT NULL,
  reads_per_sec real NOT NULL,
  writes_per_sec real NOT NULL,
  top_command text NOT NULL,
  source text NOT NULL,
  PRIMARY KEY (node_id, at, key_id)
) PARTITION BY RANGE (at);
CREATE INDEX hot_key_sample_1m_key_id_at_idx ON hot_key_sample_1m (key_id, at);

CREATE TABLE hot_key_sample_1h (
  at timestamptz(3) NOT NULL,
  key_id bigint NOT NULL,
  node_id integer NOT NULL,
  reports integer NOT NULL,
  samples integer NOT NULL,
  sampled_commands integer NOT NULL,
  share real NOT NULL,
  share_low real NOT NULL,
  share_high real NOT NULL,
  share_peak real NOT NULL,
  ops_per_sec real NOT NULL,
  ops_per_sec_low real NOT NULL,
  ops_per_sec_high real NOT NULL,
  ops_per_sec_peak real NOT NULL,
  reads_per_sec real NOT NULL,
  writes_per_sec real NOT NULL,
  top_command text NOT NULL,
  source text NOT NULL,
  PRIMARY KEY (node_id, at, key_id)
) PARTITION BY RANGE (at);
CREATE INDEX hot_key_sample_1h_key_id_at_idx ON hot_key_sample_1h (key_id, at);

-- Commands and their keys; arguments are never stored.
CREATE TABLE slowlog_entry (
  at timestamptz(3) NOT NULL,
  entry_id bigint NOT NULL,
  duration_us bigint NOT NULL,
  node_id integer NOT NULL,
  argument_count integer NOT NULL,
  run_id text NOT NULL,
  command text NOT NULL,
  client_address text,
  key_ids bigint[] NOT NULL,
  PRIMARY KEY (node_id, at, entry_id, run_id)
) PARTITION BY RANGE (at);

-- Roll-up progress. Buckets before done_at are computed, those before claimed_at may be in work: a row that arrives
-- for one of them moves both back, which also undoes the claim. Buckets before final_at have lost their input and
-- stay as they are.
CREATE TABLE rollup_watermark (
  resolution text PRIMARY KEY,
  done_at timestamptz(3) NOT NULL,
  claimed_at timestamptz(3) NOT NULL,
  final_at timestamptz(3) NOT NULL
);
INSERT INTO rollup_watermark VALUES
  ('1m', 'epoch', 'epoch', 'epoch'),
  ('1h', 'epoch', 'epoch', 'epoch');

-- Creates the missing daily partitions of one table for the days that touch [from_at, to_at]; answers how many.
-- Partitions are named by day (node_sample_p20260131), always of UTC.
CREATE FUNCTION ensure_partitions(parent text, from_at timestamptz, to_at timestamptz) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  day timestamp := date_trunc('day', from_at AT TIME ZONE 'UTC');
  last_day timestamp := date_trunc('day', to_at AT TIME ZONE 'UTC');
  partition_name text;
  made integer := 0;
BEGIN
  WHILE day <= last_day LOOP
    partition_name := parent || '_p' || to_char(day, 'YYYYMMDD');
    IF to_regclass(quote_ident(partition_name)) IS NULL THEN
      EXECUTE format(
        'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
        partition_name, parent,
        to_char(day, 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(day + interval '1 day', 'YYYY-MM-DD') || ' 00:00:00+00'
      );
      made := made + 1;
    END IF;
    day := day + interval '1 day';
  END LOOP;
  RETURN made;
END
$$;

-- Epoch milliseconds to time, and back.
CREATE FUNCTION from_ms(ms double precision) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN to_timestamp(ms / 1000);
CREATE FUNCTION to_ms(at timestamptz) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
  RETURN (extract(epoch FROM at) * 1000)::bigint;

-- Saves one tick of one collector, atomically; the same tick again changes nothing.
-- Rows name their node and keys by position in tick->'nodes' and tick->'keys' (1-based); rows of a node that is
-- not known are left out. Statements of a plpgsql function see what was committed before each of them began, which
-- the check against the roll-up's claim relies on.
CREATE FUNCTION save_tick(tick jsonb, collector_status jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  node_ids integer[];
  key_ids bigint[];
  earliest timestamptz;
BEGIN
  -- Held shared by every tick under way; the roll-up takes it exclusively for the instant of its claim.
  PERFORM pg_advisory_xact_lock_shared(7233001, 2);

  SELECT array_agg(n.node_id ORDER BY w.position) INTO node_ids
  FROM jsonb_array_elements(tick->'nodes') WITH ORDINALITY AS w(name, position)
  LEFT JOIN node n ON n.cache_id = w.name->>0 AND n.address = w.name->>1;

  INSERT INTO node_sample (
    node_id, at,
    ops_per_sec, hits_per_sec, misses_per_sec, expired_per_sec, evicted_per_sec, net_in_bytes_per_sec,
    net_out_bytes_per_sec, connections_per_sec, rejected_per_sec, errors_per_sec, command_us_per_sec,
    cpu_share, used_memory_bytes, max_memory_bytes, rss_bytes, connected_clients, blocked_clients,
    ping_ms, lag_bytes, lag_seconds, keys, expires, own_commands_per_sec, own_bytes_per_sec,
    own_cpu_share
  )
  SELECT node_ids[s.node], from_ms(s.at),
    s."opsPerSec", s."hitsPerSec", s."missesPerSec", s."expiredPerSec", s."evictedPerSec",
    s."netInBytesPerSec", s."netOutBytesPerSec", s."connectionsPerSec", s."rejectedPerSec",
    s."errorsPerSec", s."commandUsPerSec", s."cpuShare", s."usedMemoryBytes", s."maxMemoryBytes",
    s."rssBytes", s."connectedClients", s."blockedClients", s."pingMs", s."lagBytes", s."lagSeconds",
    s."keys", s."expires", s."ownCommandsPerSec", s."ownBytesPerSec", s."ownCpuShare"
  FROM jsonb_to_recordset(tick->'samples') AS s(
    node integer, at double precision,
    "opsPerSec" double precision, "hitsPerSec" double precision, "missesPerSec" double precision,
    "expiredPerSec" double precision, "evictedPerSec" double precision, "netInBytesPerSec" double
    precision, "netOutBytesPerSec" double precision, "connectionsPerSec" double precision,
    "rejectedPerSec" double precision, "errorsPerSec" double precision, "commandUsPerSec" double
    precision, "cpuShare" double precision, "usedMemoryBytes" double precision, "maxMemoryBytes" double
    precision, "rssBytes" double precision, "connectedClients" double precision, "blockedClients"
    double precision, "pingMs" double precision, "lagBytes" double precision, "lagSeconds" double
    precision, "keys" double precision, "expires" double precision, "ownCommandsPerSec" double
    precision, "ownBytesPerSec" double precision, "ownCpuShare" double precision
  )
  WHERE node_ids[s.node] IS NOT NULL
  ON CONFLICT DO NOTHING;

  INSERT INTO command_sample (
    node_id, at, command, calls_per_sec, us_per_call, failed_per_sec, rejected_per_sec, p50_us, p99_us, p999_us
  )
  SELECT node_ids[s.node], from_ms(s.at), s.command, s."callsPerSec", s."usPerCall", s."failedPerSec",
    s."rejectedPerSec", s."p50Us", s."p99Us", s."p999Us"
  FROM jsonb_to_recordset(tick->'commands') AS s(
    node integer, at double precision, command text, "callsPerSec" real, "usPerCall" real, "failedPerSec" real,
    "rejectedPerSec" real, "p50Us" real, "p99Us" real, "p999Us" real
  )
  WHERE node_ids[s.node] IS NOT NULL
  ON CONFLICT DO NOTHING;

  INSERT INTO keyspace_sample (node_id, at, db, keys, expires, avg_ttl_ms)
  SELECT node_ids[s.node], from_ms(s.at), s.db, s.keys, s.expires, s."avgTtlMs"
  FROM jsonb_to_recordset(tick->'keyspaces') AS s(
    node integer, at double precision, db integer, keys double precision, expires double precision, "avgTtlMs" real
  )
  WHERE node_ids[s.node] IS NOT NULL
  ON CONFLICT DO NOTHING;

  IF jsonb_array_length(tick->'keys') > 0 THEN
    -- last_seen_at may lag by a minute, and keys that need no change are left out: ON CONFLICT locks, and so writes,
    -- every row that it meets.
    INSERT INTO key AS k (cache_id, db, digest, bytes, first_seen_at, last_seen_at)
    SELECT c.cache_id, w.db, w.digest, w.bytes, w.first_at, w.last_at
    FROM (
      SELECT s."cacheId", s.db, sha256(decode(s.bytes, 'base64')) AS digest, decode(s.bytes, 'base64') AS bytes,
        from_ms(s."firstAt") AS first_at, from_ms(s."lastAt") AS last_at
      FROM jsonb_to_recordset(tick->'keys') AS s(
        "cacheId" text, db integer, bytes text, "firstAt" double precision, "lastAt" double precision
      )
      OFFSET 0
    ) w
    JOIN cache c ON c.cache_id = w."cacheId"
    LEFT JOIN key o ON o.cache_id = w."cacheId" AND o.db = w.db AND o.digest = w.digest
    WHERE o.key_id IS NULL OR o.first_seen_at > w.first_at OR o.last_seen_at < w.last_at - interval '1 minute'
    ORDER BY 1, 2, 3
    ON CONFLICT (cache_id, db, digest) DO UPDATE SET
      first_seen_at = least(k.first_seen_at, excluded.first_seen_at),
      last_seen_at = greatest(k.last_seen_at, excluded.last_seen_at);

    SELECT array_agg(k.key_id ORDER BY s.position) INTO key_ids
    FROM jsonb_array_elements(tick->'keys') WITH ORDINALITY AS s(value, position)
    LEFT JOIN key k ON k.cache_id = s.value->>'cacheId' AND k.db = (s.value->>'db')::integer
      AND k.digest = sha256(decode(s.value->>'bytes', 'base64'));

    INSERT INTO hot_key_sample (
      node_id, at, key_id, window_from, sampled_commands, share, share_low, share_high, ops_per_sec,
      ops_per_sec_low, ops_per_sec_high, reads_per_sec, writes_per_sec, top_command, source
    )
    SELECT node_ids[s.node], from_ms(s.at), key_ids[s.key], from_ms(s."windowFrom"), s."sampledCommands", s.share,
      s."shareLow", s."shareHigh", s."opsPerSec", s."opsPerSecLow", s."opsPerSecHigh", s."readsPerSec",
      s."writesPerSec", s."topCommand", s.source
    FROM jsonb_to_recordset(tick->'hotKeys') AS s(
      node integer, key integer, at double precision, "windowFrom" double precision, "sampledCommands" integer,
      share real, "shareLow" real, "shareHigh" real, "opsPerSec" real, "opsPerSecLow" real, "opsPerSecHigh" real,
      "readsPerSec" real, "writesPerSec" real, "topCommand" text, source text
    )
    WHERE node_ids[s.node] IS NOT NULL AND key_ids[s.key] IS NOT NULL
    ON CONFLICT DO NOTHING;
  END IF;

  INSERT INTO slowlog_entry (
    node_id, at, entry_id, run_id, duration_us, command, argument_count, client_address, key_ids
  )
  SELECT node_ids[s.node], from_ms(s.at), s."entryId", s."runId", s."durationUs", s.command, s."argumentCount",
    s."clientAddress",
    ARRAY(
      SELECT key_ids[p.value::integer] FROM jsonb_array_elements_text(s.keys) WITH ORDINALITY AS p(value, position)
      WHERE key_ids[p.value::integer] IS NOT NULL ORDER BY p.position
    )
  FROM jsonb_to_recordset(tick->'slowlog') AS s(
    node integer, at double precision, "entryId" bigint, "runId" text, "durationUs" bigint, command text,
    "argumentCount" integer, "clientAddress" text, keys jsonb
  )
  WHERE node_ids[s.node] IS NOT NULL
  ON CONFLICT DO NOTHING;

  UPDATE node n SET
    state_since = CASE WHEN n.state = s.state THEN n.state_since ELSE from_ms(s.at) END,
    state = s.state,
    state_message = s.message,
    role = coalesce(s.role, n.role),
    engine = coalesce(s.engine, n.engine),
    version = coalesce(s.version, n.version),
    uptime_seconds = s."uptimeSeconds",
    max_memory_policy = coalesce(s."maxMemoryPolicy", n.max_memory_policy),
    max_clients = coalesce(s."maxClients", n.max_clients),
    hot_keys_refusal = s."hotKeysRefusal",
    checked_at = from_ms(s.at),
    sampled_at = greatest(n.sampled_at, from_ms(s."sampledAt"))
  FROM jsonb_to_recordset(tick->'statuses') AS s(
    node integer, at double precision, "sampledAt" double precision, state text, message text, role text,
    version text, engine text, "uptimeSeconds" bigint, "maxMemoryPolicy" text, "maxClients" integer,
    "hotKeysRefusal" text
  )
  WHERE n.node_id = node_ids[s.node] AND (n.checked_at IS NULL OR n.checked_at < from_ms(s.at));

  INSERT INTO event (at, cache_id, shard_id, node_id, kind, message)
  SELECT from_ms(s.at), c.cache_id, coalesce(h.shard_id, n.shard_id), n.node_id, s.kind, s.message
  FROM jsonb_to_recordset(tick->'events') AS s(
    node integer, at double precision, "cacheId" text, "shardOrdinal" integer, kind text, message text
  )
  JOIN cache c ON c.cache_id = s."cacheId"
  LEFT JOIN node n ON n.node_id = node_ids[s.node]
  LEFT JOIN shard h ON h.cache_id = c.cache_id AND h.ordinal = s."shardOrdinal"
  ORDER BY s.at
  ON CONFLICT DO NOTHING;

  INSERT INTO node_info AS i (node_id, at, info)
  SELECT node_ids[s.node], from_ms(s.at), s.info
  FROM jsonb_to_recordset(tick->'infos') AS s(node integer, at double precision, info text)
  WHERE node_ids[s.node] IS NOT NULL
  ON CONFLICT (node_id) DO UPDATE SET at = excluded.at, info = excluded.info WHERE i.at < excluded.at;

  INSERT INTO collector AS c (
    collector_id, host, pid, version, started_at, heartbeat_at, nodes, buffered_ticks, dropped_ticks
  )
  SELECT s."collectorId", s.host, s.pid, s.version, from_ms(s."startedAt"), from_ms(s.at), s.nodes,
    s."bufferedTicks", s."droppedTicks"
  FROM jsonb_to_record(collector_status) AS s(
    "collectorId" text, host text, pid integer, version text, "startedAt" double precision, at double precision,
    nodes integer, "bufferedTicks" integer, "droppedTicks" integer
  )
  ON CONFLICT (collector_id) DO UPDATE SET
    host = excluded.host, pid = excluded.pid, version = excluded.version, started_at = excluded.started_at,
    heartbeat_at = excluded.heartbeat_at, nodes = excluded.nodes, buffered_ticks = excluded.buffered_ticks,
    dropped_ticks = excluded.dropped_ticks
  WHERE c.heartbeat_at < excluded.heartbeat_at;

  earliest := from_ms((tick->>'earliestAt')::double precision);
  UPDATE rollup_watermark
  SET done_at = least(done_at, date_trunc('minute', earliest)),
    claimed_at = least(done_at, date_trunc('minute', earliest))
  WHERE resolution = '1m' AND claimed_at > earliest AND final_at <= earliest;

  PERFORM pg_notify('cachescope', notice)
  FROM jsonb_array_elements_text(tick->'notices') AS n(notice);
END
$$;
