/** The collector's environment, parsed once, in the entry point. */
import { z } from 'zod'
import { CachescopeError } from '../core/errors.ts'
import { LOG_LEVELS } from './logger.ts'

const LOOPBACK = ['127.0.0.1', '::1', 'localhost']

const Env = z.object({
  DATABASE_URL: z
    .string({ error: 'is not set; it reads postgres://user:password@host:5432/database' })
    .min(1, {
      error: 'is empty; it reads postgres://user:password@host:5432/database',
    }),
  CACHESCOPE_CONFIG: z
    .string()
    .min(1, { error: 'is empty; it is the path of cachescope.yaml' })
    .default('cachescope.yaml'),
  CACHESCOPE_METRICS_HOST: z
    .string()
    .refine((host) => LOOPBACK.includes(host), {
      error: `must be a loopback address (${LOOPBACK.join(', ')}): there is no sign-in yet; leave it out for 127.0.0.1`,
    })
    .default('127.0.0.1'),
  CACHESCOPE_METRICS_PORT: z
    .string()
    .default('9465')
    .transform(Number)
    .refine((port) => Number.isInteger(port) && port >= 0 && port <= 65_535, {
      error: 'is a port, 1 to 65535, or 0 for none',
    }),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `is one of ${LOG_LEVELS.join(', ')}` }).default('info'),
})

export type CollectorEnv = {
  databaseUrl: string
  configPath: string
  metricsHost: string
  /** 0: off */
  metricsPort: number
  logLevel: (typeof LOG_LEVELS)[number]
}

/** @throws CachescopeError config-invalid with every problem, none of which repeats a value */
export function readConfig(env: Record<string, string | undefined>): CollectorEnv {
  const result = Env.safeParse(env)
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
    throw new CachescopeError('config-invalid', `${problems.join('. ')}.`, { where: 'environment' })
  }
  const { data } = result
  return {
    databaseUrl: data.DATABASE_URL,
    configPath: data.CACHESCOPE_CONFIG,
    metricsHost: data.CACHESCOPE_METRICS_HOST,
    metricsPort: data.CACHESCOPE_METRICS_PORT,
    logLevel: data.LOG_LEVEL,
  }
}
