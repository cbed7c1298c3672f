/** What `demo:fault` can do. */
export const FAULTS = ['kill-node', 'pause-node', 'lag-replica', 'flush', 'heal'] as const
