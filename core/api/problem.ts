/** What the HTTP API answers when it cannot do what was asked: problem details (RFC 9457). */
import { z } from 'zod'
import { Refusal } from '../mitigations/model.ts'

export const PROBLEM_TITLES = {
  'invalid-parameters': 'Some parameters are not valid',
  'wrong-host': 'This server does not answer to that name',
  'cross-site': 'Another site may not call this server',
  'not-found': 'Not found',
  'method-not-allowed': 'Method not allowed',
  'unsupported-media-type': 'The body is not of a type that is read here',
  'body-too-large': 'The body is too large',
  'mitigation-refused': 'The mitigation is refused',
  'mitigation-conflict': 'Another mitigation is in the way',
  'too-many-streams': 'Too many live streams are open',
  'store-unavailable': 'The database cannot be read',
  internal: 'Something went wrong here',
} as const
export type ProblemKind = keyof typeof PROBLEM_TITLES

const kinds = Object.keys(PROBLEM_TITLES).map((kind) => `urn:cachescope:problem:${kind}`)

export const Problem = z
  .object({
    type: z.enum(kinds as [string, ...string[]]),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('What is wrong and what to do, for a person'),
    errors: z
      .array(z.object({ field: z.string(), message: z.string() }))
      .optional()
      .describe('Every parameter or field at fault'),
    refusals: z.array(Refusal).optional().describe('Of mitigation-refused: every reason'),
    mitigationId: z.int().optional().describe('Of mitigation-conflict: the one that is in the way'),
  })
  .meta({ id: 'Problem', description: 'Problem details as RFC 9457 has them' })
export type Problem = z.infer<typeof Problem>

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** What a problem may say beside its sentence. */
export type ProblemMembers = Pick<Problem, 'errors' | 'refusals' | 'mitigationId'>

export function problem(
  kind: ProblemKind,
  status: number,
  detail: string,
  members: ProblemMembers = {},
): Problem {
  return { type: `urn:cachescope:problem:${kind}`, title: PROBLEM_TITLES[kind], status, detail, ...members }
}
