/** A node's INFO reply as the page reads it. Absent is null: servers differ in what they tell. */
export type InfoSection = { name: string; facts: { name: string; value: string }[] }

export function parseInfo(text: string): InfoSection[] {
  const sections: InfoSection[] = []
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('# ')) sections.push({ name: line.slice(2), facts: [] })
    const colon = line.indexOf(':')
    if (line.startsWith('#') || colon < 1) continue
    if (sections.length === 0) sections.push({ name: 'Server', facts: [] })
    sections.at(-1)?.facts.push({ name: line.slice(0, colon), value: line.slice(colon + 1) })
  }
  return sections.filter((section) => section.facts.length > 0)
}

export type Info = {
  text(name: string): string | null
  number(name: string): number | null
  /** Redis writes -1 where it has nothing to say. */
  positive(name: string): number | null
}

export function readInfo(sections: InfoSection[]): Info {
  const facts = new Map(sections.flatMap((section) => section.facts.map((fact) => [fact.name, fact.value])))
  const text = (name: string) => facts.get(name) ?? null
  const number = (name: string) => {
    const value = text(name)
    return value === null || value === '' || !Number.isFinite(Number(value)) ? null : Number(value)
  }
  return {
    text,
    number,
    positive: (name) => {
      const value = number(name)
      return value === null || value < 0 ? null : value
    },
  }
}

export type ReplicaLink = {
  address: string
  state: string | null
  offsetBytes: number | null
  lagSeconds: number | null
}

/** `slave0:ip=10.0.0.2,port=6379,state=online,offset=42,lag=0`, as a primary lists its replicas. */
export function readReplicas(info: Info): ReplicaLink[] {
  const replicas: ReplicaLink[] = []
  for (let index = 0; ; index++) {
    const line = info.text(`slave${index}`)
    if (line === null) return replicas
    const fields = new Map(line.split(',').map((pair) => pair.split('=', 2) as [string, string]))
    const number = (name: string) => {
      const value = Number(fields.get(name) ?? Number.NaN)
      return Number.isFinite(value) ? value : null
    }
    const host = fields.get('ip') ?? '?'
    replicas.push({
      address: `${host.includes(':') ? `[${host}]` : host}:${fields.get('port') ?? '?'}`,
      state: fields.get('state') ?? null,
      offsetBytes: number('offset'),
      lagSeconds: number('lag'),
    })
  }
}
