/** The commands that look at caches without a configuration or a database. */
import { type Command, Option } from 'commander'
import { parseBudget, parseLength, parseOneOf, parseTop } from './choices.ts'
import { EXIT_CODES_HELP } from './exit-codes.ts'

const URLS_HELP = `
URLs:
  redis://[user:password@]host[:port]         a standalone node, or any node of a cluster: the others are found
  rediss://…                                  the same with TLS
  sentinel://host[:port]/master               the master that a Sentinel names, and its replicas
  memcached://host[:port],host[:port]         every server of a Memcached

A password belongs in CACHESCOPE_PASSWORD or --password-stdin: what is in a URL stands in the shell's history and in \`ps\`.`

function addConnection(command: Command): Command {
  return command
    .option('--password-stdin', 'read the password from standard input, its first line', false)
    .option('--ca <file>', 'of rediss://: the certificate of the authority to trust')
    .option('--insecure', 'of rediss://: accept any certificate', false)
    .option('--budget <share>', "of each node's time that MONITOR may take", parseBudget, 0.01)
    .option(
      '--max-latency <time>',
      'the longest that MONITOR may make a client wait (default: 20ms)',
      parseLength('5ms', '500ms'),
      20,
    )
    .option('--json', 'print one object', false)
}

export function addHotkeys(program: Command): void {
  const command = program
    .command('hotkeys')
    .description('the hot keys of caches, now: no configuration, no database')
    .argument('<urls...>', 'what to look at')
    .option(
      '--for <time>',
      'how long to look, from the first look at every node (default: 5s)',
      parseLength('1s', '1h'),
      5_000,
    )
    .option('--top <count>', 'how many to list', parseTop, 20)
    .option(
      '--by <figure>',
      'rate, or bytes: commands per second × size',
      parseOneOf(['rate', 'bytes']),
      'rate',
    )
    // Patterns and missing keys have no sizes: what is contradictory is refused, not half of it ignored.
    .addOption(
      new Option('--pattern', 'list patterns of keys instead: article:*')
        .default(false)
        .conflicts(['missing', 'by']),
    )
    .addOption(
      new Option('--missing', 'list only the keys that do not exist: each use of one asks the origin')
        .default(false)
        .conflicts(['pattern', 'by']),
    )
  addConnection(command)
    .addHelpText(
      'after',
      `${URLS_HELP}

Reads MONITOR in windows of 5 to 50 ms, within the budget. What a node does not permit is left out, and said. In a
terminal the table is live; Ctrl-C ends the look and prints the last one, with exit code 0. Otherwise only the last
one is printed.
The type of a key is that of the command that uses it most: nothing is sent that would count as a hit.

Examples:
  cachescope hotkeys redis://localhost:6379 --for 5s --top 20
  cachescope hotkeys memcached://10.0.0.1,10.0.0.2 --json
  CACHESCOPE_PASSWORD=… cachescope hotkeys rediss://reader@cache:6380 --ca ca.pem --missing
${EXIT_CODES_HELP}`,
    )
    .action(async (urls, options) => {
      const { hotkeys } = await import('./commands/hotkeys.ts')
      process.exitCode = await hotkeys(urls, options)
    })
}

export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('what could be seen of a cache, what not and why, and what watching it would cost')
    .argument('<urls...>', 'what to examine')
  addConnection(command)
    .addHelpText(
      'after',
      `${URLS_HELP}

Sends nothing that costs the node anything: PING, INFO, COMMAND INFO, ACL WHOAMI, ACL DRYRUN, CLUSTER INFO and the like,
never MONITOR. Says what it sent, and prints the ACL SETUSER line that would lift what is refused.

Examples:
  cachescope doctor redis://localhost:6379
  cachescope doctor memcached://10.0.0.1,10.0.0.2
  CACHESCOPE_PASSWORD=… cachescope doctor redis://cachescope@cache:6379 --json
${EXIT_CODES_HELP}`,
    )
    .action(async (urls, options) => {
      const { doctor } = await import('./commands/doctor.ts')
      process.exitCode = await doctor(urls, options)
    })
}
