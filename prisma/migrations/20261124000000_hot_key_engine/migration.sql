-- The hot-key engine: figures that a source cannot tell are null, a key has its rank, what it weighs and whether it
-- exists; patterns of keys; how a node is watched. No row is rewritten, as all wait for this lock: rows from before have
-- the last place that was kept, and every list goes by their rate first.
ALTER TABLE hot_key_sample
  ALTER COLUMN share DROP NOT NULL,
  ALTER COLUMN share_low DROP NOT NULL,
  ALTER COLUMN share_high DROP NOT NULL,
  ALTER COLUMN ops_per_sec DROP NOT NULL,
  ALTER COLUMN ops_per_sec_low DROP NOT NULL,
  ALTER COLUMN ops_per_sec_high DROP NOT NULL,
  ALTER COLUMN reads_per_sec DROP NOT NULL,
  ALTER COLUMN writes_per_sec DROP NOT NULL,
  ALTER COLUMN top_command DROP NOT NULL,
  ALTER COLUMN sampled_commands DROP NOT NULL,
  ADD COLUMN rank integer NOT NULL DEFAULT 20,
  ADD COLUMN cpu_share real,
  ADD COLUMN lfu_counter smallint,
  ADD COLUMN size_bytes bigint,
  ADD COLUMN is_missing boolean,
  ADD COLUMN probed_at timestamptz(3);
ALTER TABLE hot_key_sample ALTER COLUMN rank DROP DEFAULT;

ALTER TABLE hot_key_sample_1m
  ALTER COLUMN share DROP NOT NULL,
  ALTER COLUMN share_low DROP NOT NULL,
  ALTER COLUMN share_high DROP NOT NULL,
  ALTER COLUMN ops_per_sec DROP NOT NULL,
  ALTER COLUMN ops_per_sec_low DROP NOT NULL,
  ALTER COLUMN ops_per_sec_high DROP NOT NULL,
  ALTER COLUMN reads_per_sec DROP NOT NULL,
  ALTER COLUMN writes_per_sec DROP NOT NULL,
  ALTER COLUMN top_command DROP NOT NULL,
  ALTER COLUMN sampled_commands DROP NOT NULL,
  ALTER COLUMN share_peak DROP NOT NULL,
  ALTER COLUMN ops_per_sec_peak DROP NOT NULL,
  ADD COLUMN rank integer NOT NULL DEFAULT 20,
  ADD COLUMN cpu_share real,
  ADD COLUMN lfu_counter smallint,
  ADD COLUMN size_bytes bigint,
  ADD COLUMN is_missing boolean,
  ADD COLUMN probed_at timestamptz(3);
ALTER TABLE hot_key_sample_1m ALTER COLUMN rank DROP DEFAULT;

ALTER TABLE hot_key_sample_1h
  ALTER COLUMN share DROP NOT NULL,
  ALTER COLUMN share_low DROP NOT NULL,
  ALTER COLUMN share_high DROP NOT NULL,
  ALTER COLUMN ops_per_sec DROP NOT NULL,
  ALTER COLUMN ops_per_sec_low DROP NOT NULL,
  ALTER COLUMN ops_per_sec_high DROP NOT NULL,
  ALTER COLUMN reads_per_sec DROP NOT NULL,
  ALTER COLUMN writes_per_sec DROP NOT NULL,
  ALTER COLUMN top_command DROP NOT NULL,
  ALTER COLUMN sampled_commands DROP NOT NULL,
  ALTER COLUMN share_peak DROP NOT NULL,
  ALTER COLUMN ops_per_sec_peak DROP NOT NULL,
  ADD COLUMN rank integer NOT NULL DEFAULT 20,
  ADD COLUMN cpu_share real,
  ADD COLUMN lfu_counter smallint,
  ADD COLUMN size_bytes bigint,
  ADD COLUMN is_missing boolean,
  ADD COLUMN probed_at timestamptz(3);
ALTER TABLE hot_key_sample_1h ALTER COLUMN rank DROP DEFAULT;

-- One row a pattern and report, raw only; pattern is null for the keys of no other pattern of the report.
CREATE TABLE hot_pattern_sample (
  at timestamptz(3) NOT NULL,
  window_from timestamptz(3) NOT NULL,
  node_id integer NOT NULL,
  rank integer NOT NULL,
  sampled_commands integer,
  keys_seen integer NOT NULL,
  share real NOT NULL,
  share_low real NOT NULL,
  share_high real NOT NULL,
  ops_per_sec real NOT NULL,
  ops_per_sec_low real NOT NULL,
  ops_per_sec_high real NOT NULL,
  reads_per_sec real NOT NULL,
  writes_per_sec real NOT NULL,
  source text NOT NULL,
  pattern text,
  PRIMARY KEY (node_id, at, rank)
) PARTITION BY RANGE (at);

-- How hot keys are read there and what it costs, as the API shows it.
ALTER TABLE node ADD COLUMN watching jsonb;

-- Saves one tick of one collector, atomically; the same tick again changes nothing.
-- Rows name their node and keys by position in tick->'nodes' and tick->'keys' (1-based); rows of a node that is
-- not known are left out. Statements of a plpgsql function see what was committed before each of them began, which
-- the check against the roll-up's claim relies on.
CREATE OR REPLACE FUNCTION save_tick(tick jsonb, collector_status jsonb) RETURNS void LANGUAGE plpgsql AS $$
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

    -- A collector of the version before names no rank: its rows have that of their rate.
    INSERT INTO hot_key_sample (
      node_id, at, key_id, window_from, sampled_commands, share, share_low, share_high, ops_per_sec,
      ops_per_sec_low, ops_per_sec_high, reads_per_sec, writes_per_sec, top_command, source, rank, cpu_share,
      lfu_counter, size_bytes, is_missing, probed_at
    )
    SELECT node_ids[s.node], from_ms(s.at), key_ids[s.key], from_ms(s."windowFrom"), s."sampledCommands", s.share,
      s."shareLow", s."shareHigh", s."opsPerSec", s."opsPerSecLow", s."opsPerSecHigh", s."readsPerSec",
      s."writesPerSec", s."topCommand", s.source,
      coalesce(s.rank, row_number() OVER (PARTITION BY s.node, s.at ORDER BY s."opsPerSec" DESC NULLS LAST, s.key)),
      s."cpuShare", s."lfuCounter", s."sizeBytes", s."isMissing", from_ms(s."probedAt")
    FROM jsonb_to_recordset(tick->'hotKeys') AS s(
      node integer, key integer, at double precision, "windowFrom" double precision, "sampledCommands" integer,
      share real, "shareLow" real, "shareHigh" real, "opsPerSec" real, "opsPerSecLow" real, "opsPerSecHigh" real,
      "readsPerSec" real, "writesPerSec" real, "topCommand" text, source text, rank integer, "cpuShare" real,
      "lfuCounter" smallint, "sizeBytes" bigint, "isMissing" boolean, "probedAt" double precision
    )
    WHERE node_ids[s.node] IS NOT NULL AND key_ids[s.key] IS NOT NULL
    ON CONFLICT DO NOTHING;
  END IF;

  INSERT INTO hot_pattern_sample (
    node_id, at, rank, window_from, sampled_commands, keys_seen, share, share_low, share_high, ops_per_sec,
    ops_per_sec_low, ops_per_sec_high, reads_per_sec, writes_per_sec, source, pattern
  )
  SELECT node_ids[s.node], from_ms(s.at), s.rank, from_ms(s."windowFrom"), s."sampledCommands", s."keysSeen",
    s.share, s."shareLow", s."shareHigh", s."opsPerSec", s."opsPerSecLow", s."opsPerSecHigh", s."readsPerSec",
    s."writesPerSec", s.source, s.pattern
  FROM jsonb_to_recordset(tick->'hotPatterns') AS s(
    node integer, at double precision, rank integer, "windowFrom" double precision, "sampledCommands" integer,
    "keysSeen" integer, share real, "shareLow" real, "shareHigh" real, "opsPerSec" real, "opsPerSecLow" real,
    "opsPerSecHigh" real, "readsPerSec" real, "writesPerSec" real, source text, pattern text
  )
  WHERE node_ids[s.node] IS NOT NULL
  ON CONFLICT DO NOTHING;

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
    watching = s.watching,
    checked_at = from_ms(s.at),
    sampled_at = greatest(n.sampled_at, from_ms(s."sampledAt"))
  FROM jsonb_to_recordset(tick->'statuses') AS s(
    node integer, at double precision, "sampledAt" double precision, state text, message text, role text,
    version text, engine text, "uptimeSeconds" bigint, "maxMemoryPolicy" text, "maxClients" integer,
    "hotKeysRefusal" text, watching jsonb
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
