/** The lists of the Hot keys page, by the URL's `list`. */
import type { HotKeysList } from '../../_lib/urls.ts'

export type ListName = 'keys' | HotKeysList

export const LISTS: { name: ListName; label: string }[] = [
  { name: 'keys', label: 'Keys' },
  { name: 'patterns', label: 'Patterns' },
  { name: 'missing', label: 'Missing' },
  { name: 'big', label: 'Big' },
]

/** @returns the keys, and what was wrong, where the URL names no list that there is */
export function readList(params: Record<string, string | string[] | undefined>): {
  list: ListName
  problem: string | null
} {
  const asked = Array.isArray(params.list) ? params.list[0] : params.list
  if (asked === undefined || asked === '') return { list: 'keys', problem: null }
  const known = LISTS.find(({ name }) => name === asked)
  if (known !== undefined) return { list: known.name, problem: null }
  return { list: 'keys', problem: 'The address asks for a list that there is not. These are the keys.' }
}

/** As it stands in the URL: the keys need no name. */
export function listParam(list: ListName): HotKeysList | undefined {
  return list === 'keys' ? undefined : list
}
