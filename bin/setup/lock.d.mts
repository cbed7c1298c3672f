export function processStartTime(pid: number): string | null
export function takeLock(path: string, onWait: (holderPid: number) => void): Promise<() => void>
