/** Where a text stops being JSON: engines tell it only sometimes, and then with a piece of the text. */

const SPACE = /[ \t\n\r]*/y
const TOKEN =
  /[{}[\],:]|"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)(?!\w)/uy

/** What may come next. `first…`: also the end of the list or object. */
type Expected = 'value' | 'first-value' | 'key' | 'first-key' | 'colon' | 'next' | 'end'

/** @returns the index of the first character that no JSON could have there; the length where the text only ends too soon */
export function jsonErrorAt(text: string): number {
  const open: ('{' | '[')[] = []
  let expected: Expected = 'value'
  let at = 0
  for (;;) {
    SPACE.lastIndex = at
    at += SPACE.exec(text)?.[0].length ?? 0
    TOKEN.lastIndex = at
    const token = TOKEN.exec(text)?.[0]
    if (token === undefined) return at
    const next = step(expected, token, open)
    if (next === null) return at
    expected = next
    at += token.length
  }
}

function step(expected: Expected, token: string, open: ('{' | '[')[]): Expected | null {
  const after = (): Expected => (open.length === 0 ? 'end' : 'next')
  const closes = (token === '}' && open.at(-1) === '{') || (token === ']' && open.at(-1) === '[')
  switch (expected) {
    case 'end':
      return null
    case 'colon':
      return token === ':' ? 'value' : null
    case 'key':
    case 'first-key':
      if (token.startsWith('"')) return 'colon'
      if (expected === 'key' || !closes) return null
      open.pop()
      return after()
    case 'next':
      if (token === ',') return open.at(-1) === '{' ? 'key' : 'value'
      if (!closes) return null
      open.pop()
      return after()
    default:
      if (token === '{' || token === '[') {
        open.push(token)
        return token === '{' ? 'first-key' : 'first-value'
      }
      if (expected === 'first-value' && closes) {
        open.pop()
        return after()
      }
      return /^[\]},:]$/.test(token) ? null : after()
  }
}
