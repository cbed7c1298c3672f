/**
 * @cachescope/client: carries out Cachescope's mitigations of hot keys inside an application on ioredis 5 or 6.
 * @packageDocumentation
 */

export type { CachescopeOptions, HttpControl } from './options.ts'
export { cachescope, inspect, release, type Status } from './wrap.ts'
