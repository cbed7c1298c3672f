/** What a shop process is told by its environment; the demo's command writes it, the process reads it. */
import { z } from 'zod'

const ShopSettings = z.object({
  databaseUrl: z.string(),
  /** Seed nodes, `host:port`. */
  nodes: z.array(z.string()).min(1),
  /** Of this process. */
  visitsPerSec: z.number().nonnegative(),
  viralReadsPerSec: z.number().nonnegative(),
  startedAt: z.number(),
  viral: z.object({ afterMs: z.number(), onMs: z.number(), offMs: z.number() }),
})
export type ShopSettings = z.infer<typeof ShopSettings>

const VARIABLE = 'CACHESCOPE_SHOP'

export const toEnvironment = (settings: ShopSettings): Record<string, string> => ({
  [VARIABLE]: JSON.stringify(settings),
})

export function readSettings(env: Record<string, string | undefined>): ShopSettings {
  return ShopSettings.parse(JSON.parse(env[VARIABLE] ?? 'null'))
}
