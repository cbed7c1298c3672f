export function needsEngines(command: string, args: string[]): boolean
