import Link from 'next/link'
import type { ReactNode } from 'react'
import type { Mitigation } from '../../../core/mitigations/model.ts'
import { Age, Until } from '../../_components/clock.tsx'
import { type Column, DataTable } from '../../_components/data-table.tsx'
import { PhaseMark, VerdictMark } from '../../_components/mitigations/marks.tsx'
import { isStaying } from '../../_lib/mitigation-end.ts'
import { ABANDONED, actionOf, mitigationTone } from '../../_lib/mitigation-text.ts'
import type { RangeQuery } from '../../_lib/page-range.ts'
import { cacheHref, mitigationHref } from '../../_lib/urls.ts'
import classes from './mitigation-table.module.css'

export function MitigationTable({
  caption,
  rows,
  range,
  empty,
}: {
  caption: string
  rows: Mitigation[]
  range: RangeQuery
  empty: ReactNode
}) {
  const columns: Column<Mitigation>[] = [
    {
      key: 'what',
      header: 'Mitigation',
      grow: true,
      cell: (row) => (
        <span className={classes.what}>
          <Link href={mitigationHref(row.mitigationId)} prefetch={false}>
            {actionOf(row.action)}{' '}
            <code className={classes.label}>{row.label === '' ? '(empty name)' : row.label}</code>
          </Link>
          <span className={classes.note}>{noteOf(row)}</span>
        </span>
      ),
    },
    {
      key: 'phase',
      header: 'Phase',
      cell: (row) => (
        <span className={classes.stack}>
          <PhaseMark mitigation={row} />
          <span className={classes.note}>
            <Age at={row.phaseSince} prefix="since " suffix="" />
          </span>
        </span>
      ),
    },
    {
      key: 'verdict',
      header: 'Verdict',
      cell: (row) => <VerdictMark mitigation={row} />,
    },
    {
      key: 'cache',
      header: 'Cache',
      hideBelow: 'sm',
      cell: (row) =>
        row.isAbandoned ? (
          row.cacheId
        ) : (
          <Link href={cacheHref(row.cacheId, range)} prefetch={false}>
            {row.cacheId}
          </Link>
        ),
    },
    {
      key: 'ends',
      header: 'Drains',
      hideBelow: 'md',
      cell: (row) =>
        isStaying(row) && !row.isMeasured && !row.isAbandoned ? <Until at={row.expiresAt} /> : '–',
    },
    {
      key: 'actor',
      header: 'By',
      hideBelow: 'md',
      cell: (row) => <span className={classes.actor}>{row.requestedBy}</span>,
    },
    {
      key: 'created',
      header: 'Asked for',
      align: 'right',
      hideBelow: 'sm',
      cell: (row) => <Age at={row.createdAt} />,
    },
  ]
  return (
    <DataTable
      caption={caption}
      columns={columns}
      rows={rows}
      rowKey={(row) => String(row.mitigationId)}
      rowTone={(row) => {
        const tone = mitigationTone(row)
        return tone === 'calm' || row.phase === 'off' ? undefined : tone
      }}
      empty={empty}
    />
  )
}

/** The verdict's own sentence; before there is one, what it waits for; else the reason that was given. */
function noteOf({ isAbandoned, proof, message, reason }: Mitigation): string {
  if (isAbandoned) return ABANDONED
  return proof?.because ?? message ?? reason
}
