export function formatSeconds(ms: number): string
export function withProgress<T>(title: string, run: (note: (text: string) => void) => Promise<T>): Promise<T>
export function say(text: string): void
