/** Where keys stand among a command's arguments; 0 is the command's own name. */

/** How the first argument of a group of keys is found. */
export type KeyBegin =
  | { readonly kind: 'index'; readonly index: number }
  /** The argument after the first one from `from` on that reads `keyword` (lower case, any case matches). */
  | { readonly kind: 'keyword'; readonly keyword: string; readonly from: number }

/** Which arguments from there are keys. The last three are commands whose grammar no specification can tell. */
export type KeyFind =
  /** `last` counts from the first one, or, when negative, from the end; `limit` n: only the first 1/n of the rest. */
  | { readonly kind: 'range'; readonly last: number; readonly step: number; readonly limit: number }
  | { readonly kind: 'keynum'; readonly countAt: number; readonly first: number; readonly step: number }
  | { readonly kind: 'sort-store' }
  | { readonly kind: 'migrate-keys' }
  | { readonly kind: 'bitfield' }

export type KeySpec = { readonly begin: KeyBegin; readonly find: KeyFind; readonly write: boolean }
