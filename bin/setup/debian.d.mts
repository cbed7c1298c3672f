export function neededPrograms(command: string, args: string[]): string[]
export function missingPrograms(programs: string[], env: Record<string, string | undefined>): string[]
