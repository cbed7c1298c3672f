/** What doctor says, as `--json` prints it. */
import type { Check } from './checks.ts'
import type { Prediction } from './prediction.ts'

export type DoctorNode = {
  cacheId: string
  address: string
  engine: string | null
  version: string | null
  role: string | null
  pingMs: number | null
  /** Commands per second. */
  opsPerSec: number | null
  prediction: Prediction | null
  checks: Check[]
}
export type DoctorReport = {
  nodes: DoctorNode[]
  /** To be run by an administrator on every node: what is refused, and with it what could not be told. */
  acl: { refused: string | null; unknown: string | null; whole: string | null }
  /** By command, as commandstats has it; all nodes together. */
  sent: Record<string, number>
}
export type DoctorLimits = { budget: number; maxLatencyMs: number }
