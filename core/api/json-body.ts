/** The JSON body of a request: where it is no JSON, and every field that is not as its schema has it. */
import type { z } from 'zod'
import { jsonErrorAt } from './json-error.ts'
import type { Parsed } from './parameters.ts'

/** @returns the value, or one error of the field `body` that says where the text stops being JSON */
export function parseJson(text: string): Parsed<unknown> {
  if (text.trim() === '') return { ok: false, errors: [{ field: 'body', message: 'The body is empty.' }] }
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    const message = `The body is not JSON: it goes wrong at ${placeOf(text)}.`
    return { ok: false, errors: [{ field: 'body', message }] }
  }
}

/** `line 2, column 13`. The engine's own message may quote the text, which may hold a secret. */
function placeOf(text: string): string {
  const lines = text.slice(0, jsonErrorAt(text)).split('\n')
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}

/** A parser of bodies whose schema says all that there is to say of them. */
export function parseWith<S extends z.ZodType>(schema: S): (body: unknown) => Parsed<z.output<S>> {
  return (body) => {
    const parsed = schema.safeParse(body)
    if (parsed.success) return { ok: true, value: parsed.data }
    const errors = parsed.error.issues.flatMap((issue) => {
      const path = issue.path.map(String)
      if (issue.code === 'unrecognized_keys') {
        return issue.keys.map((key) => {
          const shown = key.slice(0, 64)
          return { field: [...path, shown].join('.'), message: `There is no field ${JSON.stringify(shown)}.` }
        })
      }
      const field = path.join('.') || 'body'
      return [{ field, message: `${field}: ${issue.message}.` }]
    })
    return { ok: false, errors }
  }
}
