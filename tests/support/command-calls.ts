/** Calls of every command that a server lists, made from its arity and key specifications alone. */

export type ListedCommand = {
  /** As COMMAND LIST has it: `get`, `xinfo|stream`. */
  name: string
  /** It only has subcommands: with none of them it is no command. */
  isContainer: boolean
  arity: number
  flags: string[]
  specs: ListedSpec[]
}
type ListedSpec = { begin: Search; find: Search; flags: string[] }
type Search = { type: string; spec: Map<string, string | number> }

/** @param reply COMMAND of Redis ≥ 7 by RESP2; the subcommands stand beside their containers */
export function listedCommands(reply: unknown): ListedCommand[] {
  return (reply as unknown[][]).flatMap((entry) => [
    {
      name: String(entry[0]),
      isContainer: (entry[9] as unknown[]).length > 0 && Math.abs(Number(entry[1])) > 1,
      arity: Number(entry[1]),
      flags: entry[2] as string[],
      specs: (entry[8] as unknown[][]).map(toSpec),
    },
    ...listedCommands(entry[9] ?? []),
  ])
}

function toSpec(flat: unknown[]): ListedSpec {
  const fields = pairs(flat)
  const search = (name: string): Search => {
    const parts = pairs(fields.get(name) as unknown[])
    return { type: String(parts.get('type')), spec: pairs(parts.get('spec') as unknown[]) as Search['spec'] }
  }
  return { begin: search('begin_search'), find: search('find_keys'), flags: fields.get('flags') as string[] }
}

function pairs(flat: unknown[]): Map<string, unknown> {
  return new Map(
    flat.flatMap((item, at) => (at % 2 === 0 ? [[String(item), flat[at + 1]] as [string, unknown]] : [])),
  )
}

type Filler = (at: number) => string
const FILLERS: Filler[] = [
  (at) => `word${at}`,
  () => '2',
  () => '1',
  (at) => (at % 2 === 0 ? '1' : `word${at}`),
  (at) => (at % 2 === 0 ? `word${at}` : '1'),
]

/** From the fewest arguments that the arity allows to six more, plain and with what the specifications look for. */
export function callsOf(command: ListedCommand, filler?: Filler): string[][] {
  const name = command.name.split('|')
  const least = Math.max(Math.abs(command.arity), name.length)
  const most = command.arity > 0 ? least : least + 6
  const calls: string[][] = []
  for (const fill of filler === undefined ? FILLERS : [filler]) {
    for (let length = least; length <= most; length++) {
      const plain = [
        ...name,
        ...Array.from({ length: length - name.length }, (_, at) => fill(at + name.length)),
      ]
      calls.push(plain, withSpecs(plain, command.specs, fill))
    }
  }
  return calls
}

/** The same with each specification's keyword in its place, a count where it wants one, and two keys. */
function withSpecs(plain: string[], specs: ListedSpec[], fill: Filler): string[] {
  const words = [...plain]
  const put = (at: number, word: string) => {
    while (words.length < at) words.push(fill(words.length))
    words[at] = word
  }
  for (const { begin, find } of specs) {
    let at = Number(begin.spec.get('index'))
    if (begin.type === 'keyword') {
      at = Math.max(words.length, Number(begin.spec.get('startfrom')))
      put(at++, String(begin.spec.get('keyword')))
    }
    if (!Number.isInteger(at)) continue
    if (find.type === 'keynum') {
      const first = at + Number(find.spec.get('firstkey'))
      put(at + Number(find.spec.get('keynumidx')), '2')
      put(first, 'key1')
      put(first + Number(find.spec.get('keystep')), 'key2')
    } else {
      put(at, 'key1')
      if (begin.type === 'keyword' && Number(find.spec.get('limit')) > 1) put(at + 1, '0')
    }
  }
  return words
}
