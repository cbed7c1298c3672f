/** How long a key's readers wait, in words. Pure. */
import { HEARTBEAT_MS, HEARTBEAT_TTL_MS } from '../../../../../../../core/protocol/policy.ts'
import type { WaitFigures } from '../../../../../../../core/waits.ts'
import type { KeyWaits } from '../../../../../../../store/key-waits.ts'
import { formatDuration, formatUs, plural } from '../../../../../../_lib/format.ts'

/** Of fewer reads the slowest that was timed may be faster than the 99th percentile of all. */
const TELLS_THE_END = 900

/** Where p99 is, as far as so many reads tell. */
export function p99Note({ p99LowUs, p99HighUs, timed }: WaitFigures): string {
  return timed < TELLS_THE_END
    ? `${formatUs(p99LowUs)} or more: too few reads to say how much`
    : `between ${formatUs(p99LowUs)} and ${formatUs(p99HighUs)} for certain`
}

/** Why nothing is known, and what to do. */
export function untold({ instances }: Pick<KeyWaits, 'instances'>): { title: string; text: string } {
  const every = formatDuration(HEARTBEAT_MS / 1000)
  if (instances === 0) {
    return {
      title: 'No application tells how long it waits',
      text: `Processes that use @cachescope/client time some of their reads and tell of them every ${every}. None was heard of in the last ${formatDuration(HEARTBEAT_TTL_MS / 1000)}. The preview of a mitigation says what to add.`,
    }
  }
  return {
    title:
      instances === 1
        ? 'The one process with the library has timed no read of it'
        : `None of ${plural(instances, 'process', 'processes')} with the library has timed a read of it`,
    text: `Each tells every ${every} of the keys that it reads the most. Reads are timed that are sent by themselves, not those in a pipeline or a transaction.`,
  }
}
