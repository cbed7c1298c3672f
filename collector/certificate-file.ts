/** The certificate files that cachescope.yaml names, relative to its own folder: found and looked into before anything starts. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { FindFile } from '../core/config-check.ts'

const PEM_CERTIFICATE = /-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/

/** For parseConfig: `configPath` is where the file was read. */
export function certificatesBeside(configPath: string): FindFile {
  const folder = dirname(resolve(configPath))
  return (named) => {
    const path = resolve(folder, named)
    return { path, problem: certificateProblem(path) }
  }
}

/** What is wrong with it, as a message that continues its setting; null for a certificate. */
export function certificateProblem(path: string): string | null {
  try {
    if (PEM_CERTIFICATE.test(readFileSync(path, 'latin1'))) return null
    return `is ${path}, which holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return `is ${path}, which does not exist`
    if (code === 'EISDIR') return `is ${path}, which is a folder; name the file`
    return `is ${path}, which cannot be read (${code})`
  }
}
