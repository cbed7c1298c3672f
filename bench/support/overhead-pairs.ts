/** A bare and a wrapped client side by side, each in a process of its own, by turns; many such pairs make one figure. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import type { ClientLoad, ClientNews, ClientOrder } from './client-load.ts'

export type PairsOptions = {
  load: Omit<ClientLoad, 'isWrapped'>
  /** Bare against bare: what the measure itself makes of no difference. */
  isControl: boolean
  pairs: number
  slicesPerPair: number
  /** Long: the collector of garbage is at work in parts of them, and its share is part of the cost. */
  sliceMs: number
  warmUpMs: number
}
/** Shares, of the bare client's CPU time per command. */
export type Overhead = { mean: number; standardError: number; bareUs: number; wrappedUs: number }

/** Each pair gives one value: fresh processes, as the compiler's and the heap's luck stays with a process. */
export async function measureOverhead(options: PairsOptions): Promise<Overhead> {
  const pairs: { ratio: number; bareUs: number; wrappedUs: number }[] = []
  for (let pair = 0; pair < options.pairs; pair++) pairs.push(await measurePair(options, pair % 2 === 0))
  const ratios = pairs.map(({ ratio }) => ratio)
  const overhead = mean(ratios)
  const variance = ratios.reduce((sum, ratio) => sum + (ratio - overhead) ** 2, 0) / (ratios.length - 1)
  return {
    mean: overhead,
    standardError: Math.sqrt(variance / ratios.length),
    bareUs: mean(pairs.map(({ bareUs }) => bareUs)),
    wrappedUs: mean(pairs.map(({ wrappedUs }) => wrappedUs)),
  }
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0) / numbers.length

/**
 * Keeps servers and clients on a core each: which of them share one is chance otherwise, and is most of the noise.
 * @returns whether it could be done
 */
export function separate(serverPids: readonly number[]): boolean {
  try {
    for (const pid of serverPids) pin(pid, 1)
    // The clients' processes inherit it.
    pin(process.pid, 0)
    return true
  } catch {
    return false
  }
}

function pin(pid: number, core: number): void {
  execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' })
}

async function measurePair(options: PairsOptions, isBareFirst: boolean) {
  const { load, isControl, slicesPerPair, sliceMs, warmUpMs } = options
  const first = new ClientProcess({ ...load, isWrapped: !isControl && !isBareFirst })
  const second = new ClientProcess({ ...load, isWrapped: !isControl && isBareFirst })
  const [bare, wrapped] = isBareFirst ? [first, second] : [second, first]
  try {
    await Promise.all([first.ready(), second.ready()])
    for (const one of [first, second, second, first]) await one.usPerCommand(warmUpMs / 2)
    const bareUs: number[] = []
    const wrappedUs: number[] = []
    for (let turn = 0; turn < slicesPerPair; turn++) {
      if (turn % 2 === 0) bareUs.push(await bare.usPerCommand(sliceMs))
      wrappedUs.push(await wrapped.usPerCommand(sliceMs))
      if (turn % 2 === 1) bareUs.push(await bare.usPerCommand(sliceMs))
    }
    const [bareMean, wrappedMean] = [mean(bareUs), mean(wrappedUs)]
    return { ratio: wrappedMean / bareMean - 1, bareUs: bareMean, wrappedUs: wrappedMean }
  } finally {
    first.end()
    second.end()
  }
}

class ClientProcess {
  readonly #child: ChildProcess

  constructor(load: ClientLoad) {
    this.#child = fork(new URL('./client-load.ts', import.meta.url).pathname, [JSON.stringify(load)])
  }

  async ready(): Promise<void> {
    await this.#next()
  }

  async usPerCommand(ms: number): Promise<number> {
    const next = this.#next()
    this.#child.send({ ms } satisfies ClientOrder)
    const news = await next
    if (news.kind !== 'slice') throw new Error(`the client's process said ${news.kind}`)
    return news.cpuUs / news.commands
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect()
  }

  #next(): Promise<ClientNews> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error("the client's process has ended"))
      this.#child.once('exit', onExit)
      this.#child.once('message', (news: ClientNews) => {
        this.#child.off('exit', onExit)
        resolve(news)
      })
    })
  }
}
