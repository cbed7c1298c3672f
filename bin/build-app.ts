/** The dashboard's production build, made when anything that goes into it has changed since the last one. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CommandError, EXIT } from './exit-codes.ts'
import { inRoot, NODE, ROOT, STATE_DIRECTORY } from './paths.ts'
import { runCaptured } from './run-captured.ts'
import { takeLock } from './setup/lock.mjs'
import { withProgress } from './setup/progress.mjs'

const SOURCES = ['app', 'core', 'store']
const FILES = ['next.config.js', 'proxy.ts', 'tsconfig.json', 'package-lock.json']
const STAMP = join(STATE_DIRECTORY, 'build.stamp')
const BUILD_ID = inRoot('.next', 'BUILD_ID')
const KEPT_CHARACTERS = 4_000

/** @throws CommandError with what the build printed last */
export async function buildApp(): Promise<void> {
  if (isCurrent()) return
  const lock = await takeLock(join(STATE_DIRECTORY, 'build.lock'), () => {})
  try {
    if (isCurrent()) return
    const hash = hashSources()
    rmSync(STAMP, { force: true })
    await withProgress('Building the dashboard', (note) => runBuild(note, lock.share))
    mkdirSync(dirname(STAMP), { recursive: true })
    // With its id: a build by hand in between is another build.
    writeFileSync(STAMP, `${hash} ${readFileSync(BUILD_ID, 'utf8')}`)
  } finally {
    lock.giveBack()
  }
}

function isCurrent(): boolean {
  if (!existsSync(BUILD_ID) || !existsSync(STAMP)) return false
  return readFileSync(STAMP, 'utf8') === `${hashSources()} ${readFileSync(BUILD_ID, 'utf8')}`
}

function hashSources(): string {
  const hash = createHash('sha256')
  const inFolders = SOURCES.flatMap((folder) =>
    readdirSync(inRoot(folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  )
  const files = [...inFolders, ...FILES.map((file) => inRoot(file)).filter((file) => existsSync(file))]
  for (const file of files.sort())
    hash
      .update(`${file.slice(ROOT.length)}\0`)
      .update(readFileSync(file))
      .update('\0')
  return hash.digest('hex')
}

async function runBuild(note: (text: string) => void, onStart: (pid: number) => void): Promise<void> {
  const { code, output } = await runCaptured(NODE, [inRoot('node_modules/next/dist/bin/next'), 'build'], {
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    onLine: note,
    onStart,
  })
  if (code === 0) return
  throw new CommandError(
    EXIT.internal,
    `The dashboard could not be built:\n\n${output.slice(-KEPT_CHARACTERS).trim()}`,
  )
}
