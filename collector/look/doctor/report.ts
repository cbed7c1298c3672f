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
/** Lines to be run by an administrator on every node that is named. */
export type AclLines = {
  cacheId: string
  addresses: string[]
  user: string
  /** Grants what is refused, and nothing more. */
  refused: string | null
  /** Grants what could not be told. */
  unknown: string | null
  /** Makes a user of its own; where nothing is refused, or what is cannot be given to this user alone. */
  whole: string | null
  /** Of what is refused, that which only a user of its own should have (before Redis 7); as ACL SETUSER has it. */
  ownUserOnly: string[]
}
export type DoctorReport = {
  nodes: DoctorNode[]
  /** By cache, user and version: one user's rights are no other's. */
  acl: AclLines[]
  /** By command, as commandstats has it; all nodes together. */
  sent: Record<string, number>
}
export type DoctorLimits = { budget: number; maxLatencyMs: number }
