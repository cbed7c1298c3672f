export function moduleIsCurrent(root: string): boolean
export function buildModule(root: string, env: NodeJS.ProcessEnv): Promise<void>
