import { Age } from '../../../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../../../_components/data-table.tsx'
import { Panel } from '../../../../../_components/panel.tsx'
import { Stat, Stats } from '../../../../../_components/stat.tsx'
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatShare,
  formatTimes,
  formatUs,
  UNKNOWN,
} from '../../../../../_lib/format.ts'
import { type Info, type ReplicaLink, readReplicas } from '../_lib/info.ts'
import classes from './node-view.module.css'

export function ClientsPanel({ info }: { info: Info }) {
  return (
    <Panel title="Clients">
      <Stats>
        <Stat label="Connected" value={formatCount(info.number('connected_clients'))} />
        <Stat
          label="Blocked"
          value={formatCount(info.number('blocked_clients'))}
          note="waiting in BLPOP and the like"
        />
        <Stat
          label="Tracking"
          value={formatCount(info.number('tracking_clients'))}
          note="caching on their side"
        />
        <Stat label="Limit" value={formatCount(info.number('maxclients'))} />
        <Stat label="Output buffers" value={formatBytes(info.number('mem_clients_normal'))} />
        <Stat label="Rejected since start" value={formatCount(info.number('rejected_connections'))} />
      </Stats>
    </Panel>
  )
}

const replicaColumns: Column<ReplicaLink>[] = [
  { key: 'address', header: 'Replica', grow: true, cell: (row) => <code>{row.address}</code> },
  { key: 'state', header: 'State', cell: (row) => row.state ?? UNKNOWN },
  {
    key: 'lag',
    header: 'Last heard',
    align: 'right',
    cell: (row) => (row.lagSeconds === null ? UNKNOWN : `${formatDuration(row.lagSeconds)} ago`),
  },
]

export function ReplicationPanel({ info }: { info: Info }) {
  const replicas = readReplicas(info)
  const link = info.text('master_link_status')
  return (
    <Panel title="Replication">
      <Stats>
        {link !== null && (
          <>
            <Stat
              label="Primary"
              value={
                <code>
                  {info.text('master_host')}:{info.text('master_port')}
                </code>
              }
            />
            <Stat label="Link" value={link} tone={link === 'up' ? undefined : 'harm'} />
            <Stat
              label="Last heard"
              value={formatDuration(info.positive('master_last_io_seconds_ago'))}
              note={info.number('master_sync_in_progress') === 1 ? 'full sync in progress' : undefined}
            />
          </>
        )}
        <Stat
          label="Offset"
          value={formatBytes(info.number('slave_repl_offset') ?? info.number('master_repl_offset'))}
        />
        <Stat
          label="Backlog"
          value={
            info.number('repl_backlog_active') === 0
              ? 'not in use'
              : formatBytes(info.number('repl_backlog_histlen'))
          }
          note={`of ${formatBytes(info.number('repl_backlog_size'))}`}
        />
        {link === null && <Stat label="Replicas" value={formatCount(info.number('connected_slaves'))} />}
        <Stat label="Full syncs since start" value={formatCount(info.number('sync_full'))} />
      </Stats>
      {replicas.length > 0 && (
        <div className={classes.below}>
          <DataTable
            caption="Replicas of this node"
            columns={replicaColumns}
            rows={replicas}
            rowKey={(r) => r.address}
          />
        </div>
      )}
    </Panel>
  )
}

export function PersistencePanel({ info }: { info: Info }) {
  const saved = info.positive('rdb_last_save_time')
  const rdb = info.text('rdb_last_bgsave_status')
  const aof = info.number('aof_enabled')
  const aofWrite = info.text('aof_last_write_status')
  return (
    <Panel title="Persistence">
      <Stats>
        <Stat label="Last snapshot" value={saved === null ? UNKNOWN : <Age at={saved * 1000} />} />
        <Stat
          label="Snapshots"
          value={info.number('rdb_bgsave_in_progress') === 1 ? 'saving now' : (rdb ?? UNKNOWN)}
          tone={rdb === 'err' ? 'harm' : undefined}
          note={`${formatCount(info.number('rdb_changes_since_last_save'))} changes since`}
        />
        <Stat
          label="Append-only file"
          value={aof === null ? UNKNOWN : aof === 0 ? 'off' : 'on'}
          note={aof === 1 ? `last write ${aofWrite ?? UNKNOWN}` : undefined}
          tone={aof === 1 && aofWrite === 'err' ? 'harm' : undefined}
        />
        <Stat label="Last fork" value={formatUs(info.number('latest_fork_usec'))} />
      </Stats>
    </Panel>
  )
}

export function MemoryPanel({ info }: { info: Info }) {
  const used = info.number('used_memory')
  const dataset = info.number('used_memory_dataset')
  const fragmentation = info.number('mem_fragmentation_ratio')
  return (
    <Panel title="Memory">
      <Stats>
        <Stat
          label="Used"
          value={formatBytes(used)}
          note={`peak ${formatBytes(info.number('used_memory_peak'))}`}
        />
        <Stat
          label="Data"
          value={formatBytes(dataset)}
          note={used && dataset !== null ? `${formatShare(dataset / used)} of used` : undefined}
        />
        <Stat label="Overhead" value={formatBytes(info.number('used_memory_overhead'))} />
        <Stat label="Resident" value={formatBytes(info.number('used_memory_rss'))} />
        <Stat
          label="Fragmentation"
          value={formatTimes(fragmentation)}
          note={info.text('mem_allocator') ?? undefined}
        />
        <Stat
          label="Scripts"
          value={formatBytes(info.number('used_memory_vm_total') ?? info.number('used_memory_lua'))}
        />
      </Stats>
    </Panel>
  )
}
