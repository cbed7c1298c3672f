import type { ReactNode } from 'react'
import { Age } from '../../../../../_components/clock.tsx'
import { type Column, DataTable } from '../../../../../_components/data-table.tsx'
import { Panel } from '../../../../../_components/panel.tsx'
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
import { Fact, FactList } from './fact-list.tsx'
import classes from './node-view.module.css'

/** `aside`: how old the reading is. */
type InfoPanel = { info: Info; aside: ReactNode }

export function ClientsPanel({ info, aside }: InfoPanel) {
  return (
    <Panel title="Clients" aside={aside}>
      <FactList>
        <Fact label="Connected" value={formatCount(info.number('connected_clients'))} />
        <Fact
          label="Blocked"
          value={formatCount(info.number('blocked_clients'))}
          note="waiting in BLPOP and the like"
        />
        <Fact
          label="Tracking"
          value={formatCount(info.number('tracking_clients'))}
          note="caching on their side"
        />
        <Fact label="Limit" value={formatCount(info.number('maxclients'))} />
        <Fact label="Output buffers" value={formatBytes(info.number('mem_clients_normal'))} />
        <Fact label="Rejected since start" value={formatCount(info.number('rejected_connections'))} />
      </FactList>
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

export function ReplicationPanel({ info, aside }: InfoPanel) {
  const replicas = readReplicas(info)
  const link = info.text('master_link_status')
  const backlogSize = info.number('repl_backlog_size')
  return (
    <Panel title="Replication" aside={aside}>
      <FactList>
        {link !== null && (
          <>
            <Fact
              label="Primary"
              value={
                <code>
                  {info.text('master_host')}:{info.text('master_port')}
                </code>
              }
            />
            <Fact label="Link" value={link} tone={link === 'up' ? undefined : 'harm'} />
            <Fact
              label="Last heard"
              value={formatDuration(info.positive('master_last_io_seconds_ago'))}
              note={info.number('master_sync_in_progress') === 1 ? 'full sync in progress' : undefined}
            />
          </>
        )}
        <Fact
          label="Offset"
          value={formatBytes(info.number('slave_repl_offset') ?? info.number('master_repl_offset'))}
        />
        <Fact
          label="Backlog"
          value={
            info.number('repl_backlog_active') === 0
              ? 'not in use'
              : formatBytes(info.number('repl_backlog_histlen'))
          }
          note={backlogSize === null ? undefined : `of ${formatBytes(backlogSize)}`}
        />
        {link === null && <Fact label="Replicas" value={formatCount(info.number('connected_slaves'))} />}
        <Fact label="Full syncs since start" value={formatCount(info.number('sync_full'))} />
      </FactList>
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

export function PersistencePanel({ info, aside }: InfoPanel) {
  const saved = info.positive('rdb_last_save_time')
  const rdb = info.text('rdb_last_bgsave_status')
  const changes = info.number('rdb_changes_since_last_save')
  const aof = info.number('aof_enabled')
  const aofWrite = info.text('aof_last_write_status')
  return (
    <Panel title="Persistence" aside={aside}>
      <FactList>
        <Fact label="Last snapshot" value={saved === null ? UNKNOWN : <Age at={saved * 1000} />} />
        <Fact
          label="Snapshots"
          value={info.number('rdb_bgsave_in_progress') === 1 ? 'saving now' : (rdb ?? UNKNOWN)}
          tone={rdb === 'err' ? 'harm' : undefined}
          note={changes === null ? undefined : `${formatCount(changes)} changes since`}
        />
        <Fact
          label="Append-only file"
          value={aof === null ? UNKNOWN : aof === 0 ? 'off' : 'on'}
          note={aof === 1 ? `last write ${aofWrite ?? UNKNOWN}` : undefined}
          tone={aof === 1 && aofWrite === 'err' ? 'harm' : undefined}
        />
        <Fact label="Last fork" value={formatUs(info.number('latest_fork_usec'))} />
      </FactList>
    </Panel>
  )
}

export function MemoryPanel({ info, aside }: InfoPanel) {
  const used = info.number('used_memory')
  const peak = info.number('used_memory_peak')
  const dataset = info.number('used_memory_dataset')
  const fragmentation = info.number('mem_fragmentation_ratio')
  return (
    <Panel title="Memory" aside={aside}>
      <FactList>
        <Fact
          label="Used"
          value={formatBytes(used)}
          note={peak === null ? undefined : `peak ${formatBytes(peak)}`}
        />
        <Fact
          label="Data"
          value={formatBytes(dataset)}
          note={used && dataset !== null ? `${formatShare(dataset / used)} of used` : undefined}
        />
        <Fact label="Overhead" value={formatBytes(info.number('used_memory_overhead'))} />
        <Fact label="Resident" value={formatBytes(info.number('used_memory_rss'))} />
        <Fact
          label="Fragmentation"
          value={formatTimes(fragmentation)}
          note={info.text('mem_allocator') ?? undefined}
        />
        <Fact
          label="Scripts"
          value={formatBytes(info.number('used_memory_vm_total') ?? info.number('used_memory_lua'))}
        />
      </FactList>
    </Panel>
  )
}
