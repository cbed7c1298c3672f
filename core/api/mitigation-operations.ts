/** The operations of mitigations, and those by which applications take part in them over HTTP. */
import { z } from 'zod'
import { AppInstance } from '../mitigations/app-instance.ts'
import {
  Mitigation,
  MitigationAction,
  MitigationChange,
  MitigationDetail,
  MitigationDraft,
  MitigationRequest,
  Preview,
} from '../mitigations/model.ts'
import { parseMitigationChange, parseMitigationDraft, parseMitigationRequest } from '../mitigations/parse.ts'
import { appName } from '../protocol/parse-heartbeat.ts'
import { AdviceAnswer, AdviceRequest } from './advice.ts'
import { parseWith } from './json-body.ts'
import { cacheId, paging, wholeNumber } from './parameters.ts'
import { HeartbeatReport, PolicyDocumentShape, parseHeartbeatReport } from './protocol-shapes.ts'
import { none, pageOf } from './shapes.ts'

const MAX_ID = 2_147_483_647
const MAX_REV = 999_999_999_999_999

const mitigationId = wholeNumber('mitigationId', 1, MAX_ID).meta({
  description: 'A mitigation, as /api/v1/mitigations lists it',
})
const running = z.enum(['true', 'false'], { error: 'running is true or false.' }).meta({
  description: 'true: only those that are not off yet; false: only those that are',
})
const action = MitigationAction.meta({ description: 'Only of this action' })
const app = appName.meta({
  description: 'The application, as it names itself to the library',
  example: 'shop',
})
const rev = wholeNumber('rev', 0, MAX_REV).meta({
  description: 'The revision that is applied: the answer waits up to 25 seconds for a higher one, then 304',
})
const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, {
    error: 'Idempotency-Key has 1 to 200 printable ASCII characters without spaces.',
  })
  .optional()
  .meta({ description: 'The same key with the same request answers the same mitigation' })
const text = (name: string, most: number) =>
  z
    .string({ error: `${name} is missing.` })
    .trim()
    .min(1, { error: `${name} is empty.` })
    .max(most, {
      error: `${name} has at most ${most} characters.`,
    })

const oneMitigation = z.object({ mitigationId })

export const MITIGATION_OPERATIONS = {
  listMitigations: {
    method: 'get',
    path: '/api/v1/mitigations',
    summary: 'Mitigations, the newest first',
    pathParams: none,
    query: z.object({
      cacheId: cacheId.optional(),
      running: running.optional(),
      action: action.optional(),
      ...paging,
    }),
    answer: pageOf(Mitigation),
  },
  requestMitigation: {
    method: 'post',
    path: '/api/v1/mitigations',
    summary: 'Ask for a mitigation; with dryRun, the preview and nothing is written',
    pathParams: none,
    query: none,
    headers: z.object({ 'idempotency-key': idempotencyKey }),
    body: MitigationRequest,
    parseBody: parseMitigationRequest,
    answer: z.union([Mitigation, Preview]),
    otherAnswers: { 201: { description: 'It was written; the collector begins', schema: Mitigation } },
    refusable: true,
  },
  previewMitigation: {
    method: 'post',
    path: '/api/v1/mitigations/preview',
    summary: 'What a mitigation would do: commands, predicted load, staleness, refusals',
    pathParams: none,
    query: none,
    body: MitigationDraft,
    parseBody: parseMitigationDraft,
    answer: Preview,
  },
  adviseMitigation: {
    method: 'post',
    path: '/api/v1/mitigations/advice',
    summary: 'The one mitigation that fits a hot key, and why',
    pathParams: none,
    query: none,
    body: AdviceRequest,
    parseBody: parseWith(AdviceRequest),
    answer: AdviceAnswer,
  },
  getMitigation: {
    method: 'get',
    path: '/api/v1/mitigations/{mitigationId}',
    summary: 'One mitigation with its steps and revisions',
    pathParams: oneMitigation,
    query: none,
    answer: MitigationDetail,
  },
  extendMitigation: {
    method: 'patch',
    path: '/api/v1/mitigations/{mitigationId}',
    summary: 'Give it another end, counted from now: later, or earlier',
    pathParams: oneMitigation,
    query: none,
    body: MitigationChange,
    parseBody: parseMitigationChange,
    answer: Mitigation,
    refusable: true,
  },
  drainMitigation: {
    method: 'delete',
    path: '/api/v1/mitigations/{mitigationId}',
    summary: 'Drain it now: reads return to the base key, then what it set up is undone',
    pathParams: oneMitigation,
    query: z.object({
      actor: text('actor', 120).meta({ description: 'Who asks for it' }),
      reason: text('reason', 500).meta({ description: 'Why' }),
    }),
    answer: Mitigation,
    refusable: true,
  },
  getPolicies: {
    method: 'get',
    path: '/api/v1/policies',
    summary: 'The policy document of an application; with an ETag, and a long poll by rev',
    pathParams: none,
    query: z.object({ cacheId, app, rev: rev.optional() }),
    answer: PolicyDocumentShape,
    otherAnswers: { 304: { description: 'Nothing newer', schema: null } },
  },
  saveHeartbeat: {
    method: 'post',
    path: '/api/v1/heartbeats',
    summary: "An application instance's heartbeat, where the cache cannot carry it",
    pathParams: none,
    query: none,
    body: HeartbeatReport,
    parseBody: parseHeartbeatReport,
    answer: z.null(),
    otherAnswers: { 204: { description: 'Kept', schema: null } },
  },
  listAppInstances: {
    method: 'get',
    path: '/api/v1/app-instances',
    summary: 'Application instances with the library, by their newest heartbeat',
    pathParams: none,
    query: z.object({ cacheId: cacheId.optional() }),
    answer: pageOf(AppInstance),
  },
} as const
