/** What the actions of one cache share. */
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { ActionNodes, OnCommand } from '../action-nodes.ts'
import type { SlotMap } from '../slot-map.ts'

export type ActionEnvironment = {
  nodes: ActionNodes
  slots: SlotMap
  clock: Clock
  logger: Logger
  /** Where a test puts its kills; of what runs beside the turns of the reconciler. */
  onCommand(mitigationId: number): OnCommand
}

/** Of the connections that a mitigation has for itself. */
export const ownerOf = (mitigationId: number): string => `m${mitigationId}`
