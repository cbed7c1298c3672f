/**
 * Points that leave the same behind are taken once.
 *
 * A process that is killed takes its memory with it and nothing else. So what it leaves is told by what it has changed
 * until then: between two changes (a write to the database, a command that changes a server) one point stands for all,
 * for reads leave nothing behind; and what is after one change is what is before the next. What is written anew at each
 * turn leaves the same from the third time on. CACHESCOPE_KILL=all takes each of them for itself: before and after, reads
 * as well.
 */

const READS =
  /(before|after) (INFO|PING|TYPE|PTTL|TIME|GET|GETRANGE|MGET|DUMP|SCAN|EXISTS|COMMAND|ZREVRANGE\w*|ZRANGE\w*|MEMORY \w+|CONFIG GET|ACL (GETUSER|LOG)|DBSIZE|CLIENT (LIST|ID)|CLUSTER (NODES|INFO|SLOTS|SHARDS|MYID|COUNTKEYSINSLOT|GETKEYSINSLOT|REPLICAS|MIGRATION STATUS|GETSLOTMIGRATIONS)|SENTINEL (MASTERS?|REPLICAS))( at |$)/
const REPEATED = /(writing (acknowledgement|message|proof)|PEXPIRE at #) \(([3-9]|\d{2,})\)$/
/**
 * How often they are come to, and in which phase, is chance: such a point has its kill only where it is come to. Whether
 * keys are left to go forth, too: a MIGRATE that was answered too late is asked for again, and may be followed by another.
 */
export const CHANCE =
  /\(\d+\)$|^shared|acknowledgement|message|proof|PEXPIRE|RESTORE|UNLINK at|TRACKING|active: .*mirror|draining: .*mirror|forth: keys$|draining: before MIGRATE at #1$/

/** Whether it has a kill of its own. */
export const isTaken = (point: string): boolean =>
  process.env.CACHESCOPE_KILL === 'all' ||
  (/: before /.test(point) && !READS.test(point) && !REPEATED.test(point))
