import { type Heat, heatOf } from '../../../core/hot-keys/heat.ts'
import type { HotKey } from '../../../core/model.ts'
import { formatShare } from '../../_lib/format.ts'

const ADVICE: Record<Heat, string> = {
  'read-hot': 'Nearly all of its commands read: a copy near the reader would answer them',
  'write-hot': 'Half of its commands or more write: a copy would be old before it is read',
  mixed: 'It is read and written: a copy would answer a part of its reads',
}

/** `read-hot`, `write-hot` or `mixed`; nothing where the source tells no rates. */
export function HeatMark({ row }: { row: Pick<HotKey, 'readsPerSec' | 'writesPerSec'> }) {
  const heat = heatOf(row)
  if (heat === null) return null
  const writes = row.writesPerSec ?? 0
  const share = writes / ((row.readsPerSec ?? 0) + writes)
  return (
    <span title={`${ADVICE[heat]}; ${formatShare(share)} writes`} style={{ whiteSpace: 'nowrap' }}>
      {heat}
    </span>
  )
}
