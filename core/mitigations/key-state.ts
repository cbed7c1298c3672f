/** What a key action remembers of itself: the memory in its row. */
import { z } from 'zod'
import { PolicyPlan } from './policy-document.ts'

export const KeyState = z.object({
  /** What applications are asked for; null where it was refused. */
  plan: PolicyPlan.nullable(),
  /** Names of the copies in base64, without the key's own; empty without copies. */
  copies: z.array(z.string()),
  /** Why it may not be done, found out at the node. */
  refusal: z.string().nullable(),
  /** Applications may act by it: from before they are asked to until all have left it. */
  isInUse: z.boolean(),
})
export type KeyState = z.infer<typeof KeyState>

/** @returns null where nothing is decided yet */
export function readKeyState(state: unknown): KeyState | null {
  const parsed = KeyState.safeParse(state)
  return parsed.success ? parsed.data : null
}
