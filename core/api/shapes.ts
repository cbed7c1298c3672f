/** Shapes that many operations have. */
import { z } from 'zod'

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe('cursor of the next page; null on the last'),
  })

/** No parameter at all. */
export const none = z.object({})
