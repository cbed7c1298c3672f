/** What is wrong with a configuration, each problem at its line and column. No message repeats a value. */
import { type Document, isMap, isScalar, type LineCounter, type Node } from 'yaml'
import type { z } from 'zod'
import { settingsAt } from './config-schema.ts'
import { didYouMean } from './did-you-mean.ts'
import { CachescopeError } from './errors.ts'

export type Path = readonly PropertyKey[]
export type ConfigProblem = { line: number; column: number; path: string; message: string }

export class ConfigError extends CachescopeError {
  /** In the order of the file. */
  readonly problems: ConfigProblem[]

  constructor(problems: ConfigProblem[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    super('config-invalid', `The configuration has ${count}.`)
    this.problems = problems
  }
}

/** `cachescope.yaml:3:5: caches[0].kind is standalone or cluster`, a line each. */
export function formatProblems(file: string, problems: ConfigProblem[]): string {
  return problems
    .map(
      ({ line, column, path, message }) => `${file}:${line}:${column}: ${path ? `${path} ` : ''}${message}`,
    )
    .join('\n')
}

export class Problems {
  readonly list: ConfigProblem[] = []
  /** Offset from which only problems of syntax count. */
  limit = Number.POSITIVE_INFINITY
  readonly #document: Document
  readonly #lines: LineCounter
  readonly #seen = new Set<string>()

  constructor(document: Document, lines: LineCounter) {
    this.#document = document
    this.#lines = lines
  }

  addAt(offset: number, path: string, message: string): void {
    const { line, col } = this.#lines.linePos(offset)
    this.list.push({ line: Math.max(1, line), column: Math.max(1, col), path, message })
  }

  /** One problem a path: the first says what to mend. */
  add(path: Path, message: string, at: 'value' | 'key' = 'value'): void {
    const shown = formatPath(path)
    const { offset, found } = this.#locate(path, at)
    if (this.#seen.has(shown) || offset >= this.limit) return
    if (!found && this.limit !== Number.POSITIVE_INFINITY) return
    this.#seen.add(shown)
    this.addAt(offset, shown, message)
  }

  addIssue(issue: z.core.$ZodIssue): void {
    if (issue.code === 'unrecognized_keys') {
      const settings = settingsAt(issue.path)
      for (const key of issue.keys) {
        const guess = didYouMean(key, settings)
        const hint = guess ? `did you mean ${guess}?` : `known here: ${settings.join(', ')}`
        this.add([...issue.path, key], `is not a setting; ${hint}`, 'key')
      }
      return
    }
    if (issue.path.length === 0) {
      this.add([], `The file is a block of settings: ${settingsAt([]).join(', ')}`)
      return
    }
    const missing = issue.code === 'invalid_type' && !this.#document.hasIn(issue.path)
    const node = this.#document.getIn(issue.path, true)
    const empty = isScalar(node) && node.value === null
    this.add(
      issue.path,
      missing ? 'is missing' : empty ? 'is empty; give a value, or leave the line out' : issue.message,
    )
  }

  inOrder(): ConfigProblem[] {
    return this.list.sort((a, b) => a.line - b.line || a.column - b.column)
  }

  /** Where the setting is, or its nearest parent that is there. */
  #locate(path: Path, at: 'value' | 'key'): { offset: number; found: boolean } {
    for (let length = path.length; length >= 0; length--) {
      const parent = length === 0 ? null : this.#document.getIn(path.slice(0, length - 1), true)
      const container = length === 1 ? this.#document.contents : parent
      const name = path[length - 1]
      if (isMap(container)) {
        const pair = container.items.find((item) => isScalar(item.key) && item.key.value === name)
        const node = (pair?.value ?? pair?.key) as Node | undefined
        const place = at === 'key' || (isScalar(node) && node.value === null) ? (pair?.key as Node) : node
        if (place?.range) return { offset: place.range[0], found: length === path.length }
      }
      const node = length === 0 ? this.#document.contents : this.#document.getIn(path.slice(0, length), true)
      const range = (node as Node | null | undefined)?.range
      if (range) return { offset: range[0], found: length === path.length }
    }
    return { offset: 0, found: false }
  }
}

function formatPath(path: Path): string {
  return path.reduce<string>(
    (shown, part) =>
      typeof part === 'number'
        ? `${shown}[${part}]`
        : shown === ''
          ? String(part)
          : `${shown}.${String(part)}`,
    '',
  )
}
