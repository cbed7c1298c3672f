export function formatSeconds(ms: number): string
export function withProgress<T>(
  title: string,
  step: (note: (text: string) => void) => Promise<T>,
  stream?: NodeJS.WriteStream,
): Promise<T>
