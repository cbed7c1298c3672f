/** What the HTTP API answers when it cannot do what was asked: problem details (RFC 9457). */
import { z } from 'zod'

export const PROBLEM_TITLES = {
  'invalid-parameters': 'Some parameters are not valid',
  'wrong-host': 'This server does not answer to that name',
  'cross-site': 'Another site may not call this server',
  'not-found': 'Not found',
  'method-not-allowed': 'Method not allowed',
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
      .describe('Every parameter at fault'),
  })
  .meta({ id: 'Problem', description: 'Problem details as RFC 9457 has them' })
export type Problem = z.infer<typeof Problem>

export const PROBLEM_MEDIA_TYPE = 'application/problem+json'

export function problem(
  kind: ProblemKind,
  status: number,
  detail: string,
  errors?: Problem['errors'],
): Problem {
  const base = { type: `urn:cachescope:problem:${kind}`, title: PROBLEM_TITLES[kind], status, detail }
  return errors ? { ...base, errors } : base
}
