/** Between an application and the control plane: the policy document one way, heartbeats the other. */
import type { Heartbeat } from '../../core/protocol/heartbeat.ts'

export type Policy =
  /** A document as text; whether it can be read is the reader's question. */
  | { kind: 'document'; text: string }
  /** The one that was read last is still the newest. */
  | { kind: 'unchanged' }
  | { kind: 'none' }

/** A document, and whatever is read in its place. */
export const MAX_POLICY_BYTES = 16 * 1024 * 1024

export type Control = {
  /** @throws when the control plane cannot be reached */
  readPolicy(rev: number): Promise<Policy>
  /** @throws when the control plane cannot be reached */
  sendHeartbeat(heartbeat: Heartbeat): Promise<void>
  /** Connections to the cache that are ours. */
  readonly connections: import('../ioredis/types.ts').Client['stream'][]
  close(): void
}
