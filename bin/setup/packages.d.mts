export function postgresIsUsable(root: string): boolean
