/** What is asked and answered about the mitigation that fits a key; the browser reads it by the same schema. */
import { z } from 'zod'
import { KEY_ACTIONS } from '../mitigations/model.ts'
import { cacheId } from './parameters.ts'

export const AdviceRequest = z
  .strictObject({ cacheId, db: z.int().min(0).max(65_535), keyBase64: z.base64().max(87_384) })
  .meta({ id: 'AdviceRequest' })
export const AdviceAnswer = z
  .object({
    action: z.enum(KEY_ACTIONS).nullable().describe('null: none fits'),
    parameters: z.record(z.string(), z.unknown()),
    because: z.string(),
  })
  .meta({ id: 'MitigationAdvice' })
