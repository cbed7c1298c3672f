export function takeLock(
  path: string,
  onWait: (holderPid: number) => void,
): Promise<{ share: (pid: number) => void; giveBack: () => void }>
