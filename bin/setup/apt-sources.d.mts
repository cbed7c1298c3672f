export type Source = { uris: string[]; suites: string[]; components: string[]; signedBy: string | null }
export function parseOneLine(text: string): Source[]
export function parseDeb822(text: string): Source[]
export function findArchive(sources: Source[], codename: string): Source | null
export function isDebian(release: string): boolean
export function isOfDebian(source: Source): boolean
export function chooseArchive(known: {
  mirror: string | undefined
  found: Source | null
  keyring: string | null
}): { uris: string[]; signedBy: string | null } | { missing: 'mirror' | 'keyring' }
