export function takeLock(path: string, onWait: (holderPid: number) => void): Promise<() => void>
